/* cmd_accounts.c - giro accounts list | show ID | statement ID. */
#include "app/account_view.h"

#include "app/cmd_ledger_change.h"

const char *account_status_word(int64_t status) {
    static const char *const words[] = {
        [ACCOUNT_OPEN] = "open", [ACCOUNT_BLOCKED] = "blocked", [ACCOUNT_CLOSED] = "closed"
    };
    return status >= 0 && status < (int64_t)ARRAY_COUNT(words) ? words[status] : "?";
}

/* The ledger's row of a number; NULL when there is none. */
static int ledger_row(struct store_view *view, int64_t number, const struct ledger_account_row **ret_row) {
    struct ledger_account_row probe = { .number = number };
    const void *row;
    int r = read_row(&view->reader, &ledger_account_table, 0, &probe, &view->arena, &row);
    if (!r) *ret_row = row;
    return err_trace(r);
}

static int print_account(void *ctx, const void *row) {
    struct store_view *view = ctx;
    const struct account_row *account = row;
    static const struct ledger_account_row none;
    const struct ledger_account_row *ledger;
    int r = ledger_row(view, account->number, &ledger);
    if (r) return err_trace(r);
    if (!ledger) ledger = &none;
    store_view_row_begin(view);
    store_view_id(view, "account_id", 36, account->account_id);
    store_view_number(view, "number", 8, account->number);
    store_view_masked(view, "iban", 28, PERSONAL_IBAN, account->iban);
    store_view_masked(view, "sort_code", 0, PERSONAL_SORT_CODE, account->sort_code);
    store_view_masked(view, "account_number", 0, PERSONAL_ACCOUNT_NUMBER, account->account_number);
    store_view_currency(view, "currency", 3, account->currency);
    store_view_word(view, "product", 8, account->product == ACCOUNT_BUSINESS ? "business" : "personal");
    store_view_word(view, "status", 7, account_status_word(account->status));
    store_view_number(view, "posted_minor", 14, ledger->posted_minor);
    store_view_number(view, "held_minor", 12, ledger->held_minor);
    struct ledger_balances balances = ledger_balances_of(ledger);
    store_view_number(view, "incoming_minor", 0, ledger->incoming_minor);
    store_view_number(view, "overdraft_minor", 0, ledger->overdraft_minor);
    store_view_number(view, "available_minor", 14, balances.available_minor);
    store_view_number(view, "expected_minor", 0, balances.expected_minor);
    store_view_bool(view, "debits_frozen", 0, ledger->state & LEDGER_FROZEN_DEBITS);
    store_view_bool(view, "credits_frozen", 0, ledger->state & LEDGER_FROZEN_CREDITS);
    store_view_number(view, "entry_count", 0, ledger->entry_count);
    store_view_id(view, "customer_id", 0, account->customer_id);
    store_view_id(view, "client_id", 0, account->client_id);
    store_view_time(view, "opened_at", 0, account->opened_ms);
    store_view_row_end(view);
    return 0;
}

static int accounts_list(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "accounts list [--var DIR] [--json]",
                               .help = "Every account with its balance.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    return open ? store_view_end(&view, store_view_table(&view, &account_table, print_account, &view), code) : code;
}

int account_find(struct store_view *view, const char *word, const struct account_row **ret_account) {
    struct account_row probe = { .iban = str_from_c(word) };
    uint8_t index = id_parse(probe.iban, probe.account_id) == 0 ? 0 : ACCOUNT_INDEX_IBAN;
    const void *row;
    int r = read_row(&view->reader, &account_table, index, &probe, &view->arena, &row);
    if (!r) *ret_account = row;
    return err_trace(r);
}

static int accounts_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "accounts show ACCOUNT [--var DIR] [--json]",
                               .help = "One account, by id or IBAN.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    const struct account_row *account = NULL;
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    int r = account_find(&view, options.words[0], &account);
    if (!r && !account) code = store_view_absent("account");
    if (!r && account) r = print_account(&view, account);
    return store_view_end(&view, r, code);
}

static int accounts_statement(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    struct statement_dates dates = { 0 };
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view), STORE_VIEW_LIMIT_OPTION(&view),
                                       STATEMENT_DATES_OPTIONS(&dates) };
    struct options options = { .usage = "accounts statement ACCOUNT [--limit N | --from DAY --to DAY] [--json]",
                               .help = "The newest entries of one account, by id or IBAN, or the statement of some "
                                       "days.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    const struct account_row *account = NULL;
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    if (!statement_dates_read(&dates)) return store_view_end(&view, 0, EXIT_USAGE);
    int r = account_find(&view, options.words[0], &account);
    if (!r && !account) code = store_view_absent("account");
    if (!r && account) r = account_statement(&view, account->number, &dates, &code);
    return store_view_end(&view, r, code);
}

int cmd_accounts(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "every account with its balance", accounts_list },
        { "show", "one account", accounts_show },
        { "statement", "the newest entries of one account", accounts_statement },
        { "limits", "overdraft, floor and ceiling of one account", cmd_account_limits },
        { "freeze", "let one account take nothing new, or thaw it", cmd_account_freeze },
        { "close", "close one account for good", cmd_account_close },
    };
    static const struct subcommand_table table = { .title = "giro accounts", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
