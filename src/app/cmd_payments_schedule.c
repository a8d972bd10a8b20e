/* cmd_payments_schedule.c - giro payments schedule | scheduled | standing-order | standing-orders: looks go to the
 * store, orders to the daemon. */
#include "app/cmd_payments.h"

#include "app/admin_ask.h"
#include "app/store_view.h"
#include "domain/civil_date.h"
#include "services/payments/standing_order.h"

enum { REQUEST_BYTES_MAX = 8 * 1024 };

static const char var_help[] = "the sandbox's folder (default $GIRO_VAR or var)";

/* ---- orders ---- */

/* What the options of both orders have in common; each is a member of the request under the name of its option. */
struct order_words {
    const char *var, *from, *to, *sort_code, *account_number, *name, *amount, *reference, *key;
    bool json;
};
#define ORDER_OPTIONS(words)                                                                                           \
    { "from", "ACCOUNT", &(words)->from, NULL, "the account that pays: its id or IBAN" },                              \
        { "to", "IBAN", &(words)->to, NULL, "the creditor's IBAN, or --sort-code and --account-number" },              \
        { "sort-code", "CODE", &(words)->sort_code, NULL, "of a creditor in the UK" },                                 \
        { "account-number", "NUMBER", &(words)->account_number, NULL, "of a creditor in the UK" },                     \
        { "name", "NAME", &(words)->name, NULL, "the creditor's name" },                                               \
        { "amount", "AMOUNT", &(words)->amount, NULL, "in the account's currency" },                                   \
        { "reference", "TEXT", &(words)->reference, NULL, "what the creditor reads" },                                 \
        { "key", "KEY", &(words)->key, NULL, "idempotency key: the same order again is not a second one" },            \
        { "var", "DIR", &(words)->var, NULL, var_help }, {                                                             \
        "json", NULL, NULL, &(words)->json, "one JSON document"                                                        \
    }

static void member(struct json_writer *writer, const char *name, const char *text) {
    if (text) json_member_c(writer, name, text);
}

static void put_order(struct json_writer *writer, const struct order_words *words) {
    member(writer, "account", words->from);
    member(writer, "iban", words->to);
    member(writer, "sort_code", words->sort_code);
    member(writer, "account_number", words->account_number);
    member(writer, "name", words->name);
    member(writer, "amount", words->amount);
    member(writer, "reference", words->reference);
    member(writer, "key", words->key);
}

static bool has_order(const struct order_words *words, const char *operation) {
    bool creditor = words->to ? !words->sort_code && !words->account_number : words->sort_code && words->account_number;
    if (words->from && creditor && words->name && words->amount) return true;
    fprintf(stderr, "giro payments %s: want --from, --name, --amount, and --to or --sort-code with --account-number\n",
            operation);
    return false;
}

int payments_schedule(int argc, char **argv) {
    struct order_words words = { 0 };
    const char *on = NULL;
    const struct option_row rows[] = { ORDER_OPTIONS(&words), { "on", "DATE", &on, NULL, "its day, as 2026-12-24" } };
    struct options options = {
        .usage = "payments schedule --from ACCOUNT --to IBAN --name NAME --amount AMOUNT --on DATE [--json]",
        .help = "Orders a payment of a later day.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows)
    };
    int64_t day;
    char memory[REQUEST_BYTES_MAX];
    struct buffer text;
    struct json_writer writer;
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (!has_order(&words, "schedule")) return EXIT_USAGE;
    if (!on || civil_parse(str_from_c(on), &day)) {
        fprintf(stderr, "giro payments schedule: want --on with a date as 2026-12-24\n");
        return EXIT_USAGE;
    }
    buffer_init(&text, memory, sizeof memory);
    json_begin(&writer, &text);
    json_object_begin(&writer);
    json_member_c(&writer, "command", "payment_schedule");
    put_order(&writer, &words);
    json_member_c(&writer, "on", on);
    json_object_end(&writer);
    return text.overflow ? EXIT_USAGE : admin_ask_id(words.var, buffer_str(&text), "scheduled_id", words.json);
}

int payments_standing_order(int argc, char **argv) {
    struct order_words words = { 0 };
    const char *every = NULL, *first = NULL, *recurring = NULL, *final = NULL, *payments = NULL, *first_amount = NULL,
               *final_amount = NULL;
    uint64_t count = 0;
    const struct option_row rows[] = {
        ORDER_OPTIONS(&words),
        { "every", "FREQUENCY", &every, NULL,
          "as in Open Banking: MNTH, WEEK:01, IntrvlMnthDay:01:-01, QtrDay:ENGLISH" },
        { "first", "DATE", &first, NULL, "the first payment" },
        { "recurring", "DATE", &recurring, NULL, "the second, when it is not what the frequency gives" },
        { "final", "DATE", &final, NULL, "the last; or --payments" },
        { "payments", "N", &payments, NULL, "how many in all" },
        { "first-amount", "AMOUNT", &first_amount, NULL, "of the first, when it is another" },
        { "final-amount", "AMOUNT", &final_amount, NULL, "of the last, when it is another" },
    };
    struct options options = { .usage = "payments standing-order --from ACCOUNT --to IBAN --name NAME --amount AMOUNT "
                                        "--every FREQUENCY --first DATE [--json]",
                               .help = "Orders payments that come again.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    char memory[REQUEST_BYTES_MAX];
    struct buffer text;
    struct json_writer writer;
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (!has_order(&words, "standing-order") || !options_number("payments", payments, 1, STANDING_PAYMENTS_MAX, &count))
        return EXIT_USAGE;
    if (!every || !first) {
        fprintf(stderr, "giro payments standing-order: want --every and --first\n");
        return EXIT_USAGE;
    }
    buffer_init(&text, memory, sizeof memory);
    json_begin(&writer, &text);
    json_object_begin(&writer);
    json_member_c(&writer, "command", "standing_order");
    put_order(&writer, &words);
    member(&writer, "frequency", every);
    member(&writer, "first", first);
    member(&writer, "recurring", recurring);
    member(&writer, "final", final);
    member(&writer, "first_amount", first_amount);
    member(&writer, "final_amount", final_amount);
    if (count) json_member_i64(&writer, "payments", (int64_t)count);
    json_object_end(&writer);
    return text.overflow ? EXIT_USAGE : admin_ask_id(words.var, buffer_str(&text), "standing_order_id", words.json);
}

/* ---- cancelling ---- */

static int cancel(int argc, char **argv, const char *usage, const char *command, const char *id_name) {
    const char *var = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, var_help },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = usage,
                               .help = "Cancels it, until the cut-off of the business day before.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    uint8_t id[16];
    char text[ID_TEXT_BYTES], memory[256];
    struct buffer request;
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    int code = store_view_read_id(options.words[0], id);
    if (code) return code;
    struct str word = id_format(id, text);
    buffer_init(&request, memory, sizeof memory);
    buffer_printf(&request, "{\"command\":\"%s\",\"%s\":\"" STR_FMT "\"}", command, id_name, STR_ARG(word));
    return admin_ask_id(var, buffer_str(&request), id_name, json);
}

static int scheduled_cancel(int argc, char **argv) {
    return cancel(argc, argv, "payments scheduled cancel ID [--json]", "payment_schedule_cancel", "scheduled_id");
}
static int standing_cancel(int argc, char **argv) {
    return cancel(argc, argv, "payments standing-orders cancel ID [--json]", "standing_order_cancel",
                  "standing_order_id");
}

/* ---- looks ---- */

static void print_day(struct store_view *view, const char *name, int width, int64_t day) {
    char text[CIVIL_TEXT_BYTES];
    store_view_text(view, name, width, day > 0 && day <= CIVIL_DAY_MAX ? civil_format(day, text) : STR(""));
}

static void print_terms(struct store_view *view, const struct payment_terms *terms) {
    store_view_id(view, "debtor_account_id", 36, terms->debtor_account_id);
    store_view_masked(view, "creditor_name", 0, PERSONAL_NAME, terms->creditor_name);
    store_view_masked(view, "creditor_iban", 0, PERSONAL_IBAN, terms->creditor_iban);
    store_view_masked(view, "creditor_sort_code", 0, PERSONAL_SORT_CODE, terms->creditor_sort_code);
    store_view_masked(view, "creditor_account_number", 0, PERSONAL_ACCOUNT_NUMBER, terms->creditor_account_number);
    store_view_id(view, "client_id", 0, terms->client_id);
    store_view_id(view, "customer_id", 0, terms->customer_id);
    store_view_id(view, "consent_id", 0, terms->consent_id);
}

static int print_scheduled(void *ctx, const void *found) {
    struct store_view *view = ctx;
    const struct scheduled_row *row = found;
    bool known = row->state >= 0 && row->state < SCHEDULED_STATE_COUNT;
    store_view_row_begin(view);
    store_view_id(view, "scheduled_id", 36, row->scheduled_id);
    store_view_word(view, "state", 9, known ? scheduled_state_name((enum scheduled_state)row->state) : "?");
    print_day(view, "requested_day", 13, row->requested_day);
    print_day(view, "due_day", 10, row->due_day);
    store_view_time(view, "due_at", 24, row->due_ms);
    store_view_number(view, "amount_minor", 14, row->terms.amount_minor);
    store_view_currency(view, "currency", 3, row->terms.currency);
    store_view_text(view, "reason", 18, row->reason);
    store_view_id(view, "payment_id", 36, row->payment_id);
    store_view_number(view, "attempts", 0, row->attempts);
    print_terms(view, &row->terms);
    store_view_time(view, "created_at", 0, row->created_ms);
    store_view_time(view, "ended_at", 0, row->ended_ms);
    store_view_row_end(view);
    return 0;
}

static void print_standing_fields(struct store_view *view, const struct standing_order_row *row) {
    bool known = row->state >= 0 && row->state < STANDING_ORDER_STATE_COUNT;
    store_view_id(view, "standing_order_id", 36, row->standing_order_id);
    store_view_word(view, "state", 9, known ? standing_order_state_name((enum standing_order_state)row->state) : "?");
    store_view_text(view, "frequency", 18, row->frequency);
    store_view_number(view, "payments_made", 13, row->sequence);
    print_day(view, "next_day", 10, row->plan_day);
    print_day(view, "due_day", 10, row->due_day);
    store_view_number(view, "amount_minor", 14, row->terms.amount_minor);
    store_view_currency(view, "currency", 3, row->terms.currency);
    store_view_number(view, "first_amount_minor", 0, row->first_minor);
    store_view_number(view, "final_amount_minor", 0, row->final_minor);
    print_day(view, "first_day", 0, row->first_day);
    print_day(view, "recurring_day", 0, row->recurring_day);
    print_day(view, "final_day", 0, row->final_day);
    store_view_number(view, "number_of_payments", 0, row->payments_max);
    print_terms(view, &row->terms);
    store_view_time(view, "created_at", 0, row->created_ms);
    store_view_time(view, "ended_at", 0, row->ended_ms);
}

static int print_standing(void *ctx, const void *row) {
    struct store_view *view = ctx;
    store_view_row_begin(view);
    print_standing_fields(view, row);
    store_view_row_end(view);
    return 0;
}

static int print_run(void *ctx, const void *found) {
    struct store_view *view = ctx;
    const struct standing_order_run_row *run = found;
    char id[ID_TEXT_BYTES], day[CIVIL_TEXT_BYTES];
    struct json_writer *writer = &view->writer;
    json_object_begin(writer);
    json_member_i64(writer, "sequence", run->sequence);
    json_member_str(writer, "day", civil_format(run->plan_day, day));
    json_member_i64(writer, "amount_minor", run->amount_minor);
    if (!id_is_zero(run->payment_id)) json_member_str(writer, "payment_id", id_format(run->payment_id, id));
    if (run->reason.len) json_member_str(writer, "reason", run->reason);
    json_object_end(writer);
    return 0;
}

static int list(int argc, char **argv, const char *usage, const struct table *table,
                int (*print)(void *ctx, const void *row)) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view), STORE_VIEW_LIMIT_OPTION(&view) };
    struct options options = { .usage = usage, .help = "The newest.", .rows = rows, .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    struct store_range range = { .table = table, .descending = true, .limit = (uint32_t)view.limit };
    store_view_list_begin(&view);
    int r = read_range(&view.reader, &range, &view.arena, print, &view);
    store_view_list_end(&view);
    return store_view_end(&view, r, code);
}

static int scheduled_list(int argc, char **argv) {
    return list(argc, argv, "payments scheduled list [--limit N] [--var DIR] [--json]", &scheduled_table,
                print_scheduled);
}
static int standing_list(int argc, char **argv) {
    return list(argc, argv, "payments standing-orders list [--limit N] [--var DIR] [--json]", &standing_order_table,
                print_standing);
}

static int scheduled_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "payments scheduled show ID [--var DIR] [--json]",
                               .help = "One payment of a later day.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    struct scheduled_row probe = { .state = 0 };
    const void *found = NULL;
    int code = store_view_begin(&view, &options, argc, argv, &open), r = 0;
    if (!open) return code;
    code = store_view_read_id(options.words[0], probe.scheduled_id);
    if (!code) r = read_row(&view.reader, &scheduled_table, 0, &probe, &view.arena, &found);
    if (!r && !code && !found) code = store_view_absent("scheduled payment");
    if (!r && found) r = print_scheduled(&view, found);
    return store_view_end(&view, r, code);
}

/* The order with what became of its newest dates (in JSON). */
static int print_with_runs(struct store_view *view, const struct standing_order_row *order) {
    struct standing_order_run_row probe = { .sequence = 0 };
    struct store_range range = { .table = &standing_order_run_table,
                                 .row = &probe,
                                 .equal_columns = 1,
                                 .descending = true,
                                 .limit = (uint32_t)view->limit };
    memcpy(probe.standing_order_id, order->standing_order_id, 16);
    store_view_row_begin(view);
    print_standing_fields(view, order);
    json_name(&view->writer, "payments");
    json_array_begin(&view->writer);
    int r = read_range(&view->reader, &range, &view->arena, print_run, view);
    json_array_end(&view->writer);
    store_view_row_end(view);
    return err_trace(r);
}

static int standing_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view), STORE_VIEW_LIMIT_OPTION(&view) };
    struct options options = { .usage = "payments standing-orders show ID [--limit N] [--var DIR] [--json]",
                               .help = "One standing order; with --json its newest payments too.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    struct standing_order_row probe = { .state = 0 };
    const void *found = NULL;
    int code = store_view_begin(&view, &options, argc, argv, &open), r = 0;
    if (!open) return code;
    code = store_view_read_id(options.words[0], probe.standing_order_id);
    if (!code) r = read_row(&view.reader, &standing_order_table, 0, &probe, &view.arena, &found);
    if (!r && !code && !found) code = store_view_absent("standing order");
    if (!r && found) r = print_with_runs(&view, found);
    return store_view_end(&view, r, code);
}

int payments_scheduled(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the newest", scheduled_list },
        { "show", "one of them", scheduled_show },
        { "cancel", "one of them, until the cut-off of the business day before", scheduled_cancel },
    };
    static const struct subcommand_table table = { .title = "giro payments scheduled",
                                                   .rows = rows,
                                                   .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}

int payments_standing_orders(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the newest", standing_list },
        { "show", "one of them, with its payments", standing_show },
        { "cancel", "one of them, until the cut-off of the business day before its next payment", standing_cancel },
    };
    static const struct subcommand_table table = { .title = "giro payments standing-orders",
                                                   .rows = rows,
                                                   .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
