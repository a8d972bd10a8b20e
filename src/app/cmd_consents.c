/* cmd_consents.c - giro consents list | show ID | revoke ID | authenticate ID: both kinds, payments and reads of
 * accounts. Looks go to the store, changes to the daemon. */
#include "app/admin_ask.h"
#include "app/store_view.h"
#include "gateway/account_permissions.h"
#include "platform/clock.h"
#include "services/consents/account_consent.h"
#include "services/consents/payment_consent.h"

/* ---- one consent ---- */

static void print_payment(struct store_view *view, const struct payment_consent_row *consent) {
    bool known = consent->status >= 0 && consent->status < CONSENT_STATUS_COUNT;
    store_view_row_begin(view);
    store_view_id(view, "consent_id", 36, consent->consent_id);
    store_view_word(view, "kind", 8, "payment");
    store_view_time(view, "created_at", 24, consent->created_ms);
    store_view_word(view, "status", 7, known ? consent_status_name((enum consent_status)consent->status) : "?");
    store_view_time(view, "status_at", 24, consent->status_ms);
    store_view_number(view, "amount_minor", 0, consent->amount_minor);
    store_view_currency(view, "currency", 0, consent->currency);
    store_view_masked(view, "creditor_name", 0, PERSONAL_NAME, consent->creditor_name);
    store_view_masked(view, "creditor_identification", 0, PERSONAL_IBAN, consent->creditor_identification);
    store_view_id(view, "client_id", 36, consent->client_id);
    store_view_id(view, "customer_id", 36, consent->customer_id);
    store_view_id(view, "account_id", 0, consent->account_id);
    store_view_id(view, "payment_id", 0, consent->payment_id);
    store_view_row_end(view);
}

/* "ReadAccountsBasic ReadBalances". */
static struct str permission_names(int64_t permissions, struct buffer *out) {
    for (int bit = 0; bit < ACCOUNT_PERMISSION_COUNT; bit++) {
        if (!(permissions & INT64_C(1) << bit)) continue;
        if (out->len) buffer_append_char(out, ' ');
        buffer_append_c(out, account_permission_name((enum account_permission_bit)bit));
    }
    return buffer_str(out);
}

static void print_accounts(struct store_view *view, const struct account_consent_row *consent) {
    char memory[1024];
    struct buffer names;
    bool known = consent->status >= 0 && consent->status < ACCOUNT_CONSENT_STATUS_COUNT;
    buffer_init(&names, memory, sizeof memory);
    store_view_row_begin(view);
    store_view_id(view, "consent_id", 36, consent->consent_id);
    store_view_word(view, "kind", 8, "accounts");
    store_view_time(view, "created_at", 24, consent->created_ms);
    store_view_word(view, "status", 7,
                    known ? account_consent_status_name(account_consent_status_at(consent, clock_now_ms())) : "?");
    store_view_time(view, "status_at", 24, consent->status_ms);
    store_view_time(view, "expires_at", 0, consent->expires_ms);
    store_view_text(view, "permissions", 0, permission_names(consent->permissions, &names));
    store_view_number(view, "accounts", 0, (int64_t)(consent->accounts.len / 16));
    store_view_id(view, "client_id", 36, consent->client_id);
    store_view_id(view, "customer_id", 36, consent->customer_id);
    store_view_row_end(view);
}

/* ---- list ---- */

struct consent_list {
    const void **rows; /* newest first */
    size_t count;
};

static int list_add(void *ctx, const void *row) {
    struct consent_list *list = ctx;
    list->rows[list->count++] = row;
    return 0;
}

static int list_read(struct store_view *view, const struct table *table, struct consent_list *ret_list) {
    struct store_range range = { .table = table, .descending = true, .limit = (uint32_t)view->limit };
    struct consent_list list = { .rows = arena_new_array(&view->arena, const void *, view->limit) };
    if (!list.rows) return err_origin(-ENOMEM);
    int r = read_range(&view->reader, &range, &view->arena, list_add, &list);
    if (!r) *ret_list = list;
    return err_trace(r);
}

static_assert(offsetof(struct payment_consent_row, consent_id) == 0 &&
                  offsetof(struct account_consent_row, consent_id) == 0,
              "the ids, which rise with time, stand first");

/* The newest of both, by their ids. */
static int list_print(struct store_view *view) {
    struct consent_list payments, accounts;
    int r = list_read(view, &payment_consent_table, &payments);
    if (!r) r = list_read(view, &account_consent_table, &accounts);
    if (r) return err_trace(r);
    for (size_t p = 0, a = 0; p + a < view->limit && (p < payments.count || a < accounts.count);) {
        bool payment =
            a == accounts.count || (p < payments.count && memcmp(payments.rows[p], accounts.rows[a], ID_BYTES) > 0);
        if (payment) print_payment(view, payments.rows[p++]);
        else print_accounts(view, accounts.rows[a++]);
    }
    return 0;
}

static int consents_list(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view), STORE_VIEW_LIMIT_OPTION(&view) };
    struct options options = { .usage = "consents list [--limit N] [--var DIR] [--json]",
                               .help = "The newest consents.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    store_view_list_begin(&view);
    int r = list_print(&view);
    store_view_list_end(&view);
    return store_view_end(&view, r, code);
}

/* ---- show ---- */

/* 0, and whether there is such a consent. */
static int show(struct store_view *view, const uint8_t consent_id[16], bool *ret_found) {
    struct payment_consent_row payment = { 0 };
    struct account_consent_row accounts = { 0 };
    const void *row = NULL;
    memcpy(payment.consent_id, consent_id, 16);
    memcpy(accounts.consent_id, consent_id, 16);
    int r = read_row(&view->reader, &payment_consent_table, 0, &payment, &view->arena, &row);
    if (!r && row) print_payment(view, row);
    *ret_found = row;
    if (r || row) return err_trace(r);
    r = read_row(&view->reader, &account_consent_table, 0, &accounts, &view->arena, &row);
    if (!r && row) print_accounts(view, row);
    *ret_found = row;
    return err_trace(r);
}

static int consents_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open, found = false;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "consents show ID [--var DIR] [--json]",
                               .help = "One consent.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    uint8_t id[16];
    int code = store_view_begin(&view, &options, argc, argv, &open), r = 0;
    if (!open) return code;
    code = store_view_read_id(options.words[0], id);
    if (!code) r = show(&view, id, &found);
    if (!r && !code && !found) code = store_view_absent("consent");
    return store_view_end(&view, r, code);
}

/* ---- changes ---- */

static int change(const char *command, struct options *options, int argc, char **argv) {
    const char *var = NULL, *key = NULL;
    bool json = false;
    const struct option_row rows[] = {
        { "var", "DIR", &var, NULL, "the sandbox's folder (default $GIRO_VAR or var)" },
        { "key", "KEY", &key, NULL, "idempotency key: the same order again is not a second one" },
        { "json", NULL, NULL, &json, "one JSON document" },
    };
    char memory[1024];
    struct json_writer writer;
    struct buffer request;
    uint8_t id[16];
    options->rows = rows;
    options->row_count = ARRAY_COUNT(rows);
    options->words_min = options->words_max = 1;
    int r = options_parse(options, argc, argv);
    if (r) return options_exit(r);
    r = store_view_read_id(options->words[0], id);
    if (r) return r;
    buffer_init(&request, memory, sizeof memory);
    json_begin(&writer, &request);
    json_object_begin(&writer);
    json_member_c(&writer, "command", command);
    json_member_c(&writer, "consent_id", options->words[0]);
    if (key) json_member_c(&writer, "key", key);
    json_object_end(&writer);
    if (request.overflow) return EXIT_USAGE;
    return admin_ask_id(var, buffer_str(&request), "consent_id", json);
}

static int consents_revoke(int argc, char **argv) {
    struct options options = { .usage = "consents revoke ID [--key KEY] [--var DIR] [--json]",
                               .help = "Ends a consent to reads of accounts: its tokens are dead at once. The customer "
                                       "may give it again. A consent to a payment cannot be revoked." };
    return change("consent_revoke", &options, argc, argv);
}

static int consents_authenticate(int argc, char **argv) {
    struct options options = { .usage = "consents authenticate ID [--key KEY] [--var DIR] [--json]",
                               .help = "Asks for the customer's authentication: until then nothing is read under this "
                                       "consent, and its client is told so (403, U028)." };
    return change("consent_authenticate", &options, argc, argv);
}

int cmd_consents(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the newest consents", consents_list },
        { "show", "one consent", consents_show },
        { "revoke", "end a consent to reads of accounts", consents_revoke },
        { "authenticate", "ask for the customer's authentication anew", consents_authenticate },
    };
    static const struct subcommand_table table = { .title = "giro consents", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
