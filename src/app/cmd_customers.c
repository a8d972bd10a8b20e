/* cmd_customers.c - giro customers list | show LOGIN|CUSTOMER_ID. Neither name nor anything secret: the operator finds
 * a customer by login or id. */
#include "app/store_view.h"

#include "platform/clock.h"
#include "services/customers/customer.h"

static int print_customer(void *ctx, const void *row) {
    struct store_view *view = ctx;
    const struct customer_row *customer = row;
    store_view_row_begin(view);
    store_view_text(view, "login", 16, customer->login);
    store_view_id(view, "customer_id", 36, customer->customer_id);
    store_view_bool(view, "locked", 6, customer->locked_until_ms > clock_now_ms());
    store_view_number(view, "failed_count", 12, customer->failed_count);
    store_view_time(view, "created_at", 24, customer->created_ms);
    store_view_row_end(view);
    return 0;
}

static int customers_list(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "customers list [--var DIR] [--json]",
                               .help = "Every customer.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    return open ? store_view_end(&view, store_view_table(&view, &customer_table, print_customer, &view), code) : code;
}

static int customers_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "customers show LOGIN|CUSTOMER_ID [--var DIR] [--json]",
                               .help = "One customer.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    const void *row = NULL;
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    struct customer_row probe = { .login = str_from_c(options.words[0]) };
    uint8_t index = id_parse(probe.login, probe.customer_id) == 0 ? 0 : CUSTOMER_INDEX_LOGIN;
    int r = read_row(&view.reader, &customer_table, index, &probe, &view.arena, &row);
    if (!r && !row) code = store_view_absent("customer");
    if (!r && row) r = print_customer(&view, row);
    return store_view_end(&view, r, code);
}

int cmd_customers(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "every customer", customers_list },
        { "show", "one customer", customers_show },
    };
    static const struct subcommand_table table = { .title = "giro customers",
                                                   .rows = rows,
                                                   .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
