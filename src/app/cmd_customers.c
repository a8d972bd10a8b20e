#include "app/subcommand.h"

#include "app/exit_code.h"
#include "app/options.h"
#include "app/snapshot.h"
#include "domain/id.h"
#include "platform/clock.h"
#include "services/customers/customer.h"
#include "wire/json.h"

enum { CUSTOMER_TEXT_BYTES_MAX = 4096 };

struct listing {
    bool json;
    size_t count;
    int64_t now_ms;
};

/* Neither name nor anything secret: the operator finds a customer by login or id. */
static int print_customer(void *ctx, const void *at) {
    struct listing *listing = ctx;
    const struct customer_row *row = at;
    char id[ID_TEXT_BYTES], time[CLOCK_TEXT_BYTES], text[CUSTOMER_TEXT_BYTES_MAX];
    struct buffer out;
    struct json_writer writer;
    bool locked = row->locked_until_ms > listing->now_ms;
    id_format(row->customer_id, id);
    clock_format_rfc3339(row->created_ms, time);
    buffer_init(&out, text, sizeof text);
    if (listing->json) {
        if (listing->count) buffer_append_char(&out, ',');
        json_begin(&writer, &out);
        json_object_begin(&writer);
        json_member_c(&writer, "customer_id", id);
        json_member_str(&writer, "login", row->login);
        json_member_bool(&writer, "locked", locked);
        json_member_i64(&writer, "failed_count", row->failed_count);
        json_member_c(&writer, "created_at", time);
        json_object_end(&writer);
    } else {
        buffer_printf(&out, "%-16.*s %s  %s%s\n", STR_ARG(row->login), id, time, locked ? "  locked" : "");
    }
    if (out.overflow) return err_origin(-E2BIG);
    (void)fwrite(out.at, 1, out.len, stdout); /* main looks at the stream */
    listing->count++;
    return 0;
}

static int list(struct snapshot *snapshot, bool json) {
    struct listing listing = { .json = json, .now_ms = clock_now_ms() };
    struct store_range range = { .table = &customer_table,
                                 .index = CUSTOMER_INDEX_LOGIN,
                                 .limit = STORE_RANGE_ROWS_MAX };
    if (json) printf("[");
    int r = store_range(snapshot->reader, &range, &snapshot->arena, print_customer, &listing);
    if (json) printf("]\n");
    return r ? EXIT_FAILED : EXIT_DONE;
}

static int show(struct snapshot *snapshot, const char *name, bool json) {
    struct listing listing = { .json = json, .now_ms = clock_now_ms() };
    struct customer_row wanted = { .login = str_from_c(name) };
    struct store_probe probe = { .table = &customer_table, .index = CUSTOMER_INDEX_LOGIN, .row = &wanted };
    if (id_parse(wanted.login, wanted.customer_id) == 0) probe.index = 0;
    int r = store_read(snapshot->reader, &probe, 1, &snapshot->arena);
    if (r) return EXIT_FAILED;
    if (!probe.ret_row) {
        fprintf(stderr, "giro: there is no customer %s\n", name);
        return EXIT_ABSENT;
    }
    r = print_customer(&listing, probe.ret_row);
    if (json) printf("\n");
    return r ? EXIT_FAILED : EXIT_DONE;
}

static int read_customers(const char *var, const char *name, bool json) {
    struct sandbox sandbox;
    struct snapshot snapshot = { .reader = NULL };
    struct message message = { .text = "" };
    int r = sandbox_init(&sandbox, var, &message);
    if (!r) r = snapshot_open(&snapshot, &sandbox, &message);
    int code = r ? sandbox_complain(r, &message) : name ? show(&snapshot, name, json) : list(&snapshot, json);
    snapshot_release(&snapshot);
    return code;
}

static int cmd_customers_word(int argc, char **argv, struct options *options) {
    const char *var = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, "the sandbox's folder (GIRO_VAR, then var)" },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    options->rows = rows;
    options->row_count = ARRAY_COUNT(rows);
    int r = options_parse(options, argc, argv);
    return r ? options_exit(r) : read_customers(var, options->words_max ? options->words[0] : NULL, json);
}

static int cmd_customers_list(int argc, char **argv) {
    struct options options = { .usage = "customers list [--json]", .help = "Lists the customers." };
    return cmd_customers_word(argc, argv, &options);
}

static int cmd_customers_show(int argc, char **argv) {
    struct options options = { .usage = "customers show LOGIN|CUSTOMER_ID [--json]",
                               .help = "Shows one customer.",
                               .words_min = 1,
                               .words_max = 1 };
    return cmd_customers_word(argc, argv, &options);
}

int cmd_customers(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the customers", cmd_customers_list },
        { "show", "one customer", cmd_customers_show },
    };
    static const struct subcommand_table table = { .title = "giro customers",
                                                   .rows = rows,
                                                   .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
