/* cmd_ledger.c - giro ledger verify | trial-balance | statement ACCOUNT | rebuild-statements. */
#include "app/account_view.h"

#include "app/admin_ask.h"
#include "app/cmd_ledger_change.h"
#include "engine/row_stream.h"
#include "integration/books.h"
#include "services/ledger/ledger_chart.h"

/* ---- verify ---- */

static void findings_json(struct json_writer *writer, const struct books_result *result) {
    char text[ID_TEXT_BYTES];
    json_name(writer, "findings");
    json_array_begin(writer);
    for (int64_t i = 0; i < result->ledger.finding_count && i < LEDGER_FINDINGS_MAX; i++) {
        const struct ledger_finding *finding = &result->ledger.findings[i];
        json_object_begin(writer);
        json_member_c(writer, "finding", ledger_finding_name(finding->kind));
        json_member_i64(writer, "number", finding->number);
        json_member_i64(writer, "wanted", finding->wanted);
        json_member_i64(writer, "found", finding->found);
        json_object_end(writer);
    }
    if (result->statement.finding_count) {
        json_object_begin(writer);
        json_member_c(writer, "finding", ledger_statement_finding_name(result->statement.first));
        json_member_i64(writer, "number", result->statement.number);
        json_member_i64(writer, "wanted", result->statement.wanted);
        json_member_i64(writer, "found", result->statement.found);
        json_object_end(writer);
    }
    for (int64_t i = 0; i < result->finding_count && i < BOOKS_FINDINGS_MAX; i++) {
        json_object_begin(writer);
        json_member_c(writer, "finding", books_finding_name(result->findings[i].kind));
        json_member_str(writer, "payment_id", id_format(result->findings[i].payment_id, text));
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void verify_json(struct store_view *view, const struct books_result *result) {
    struct json_writer *writer = &view->writer;
    const struct ledger_verify_result *ledger = &result->ledger;
    json_object_begin(writer);
    json_member_i64(writer, "transactions", ledger->transactions);
    json_member_i64(writer, "entries", ledger->entries);
    json_member_i64(writer, "difference_minor", ledger->difference_minor);
    json_member_i64(writer, "balances_checked", ledger->balances_checked);
    json_member_c(writer, "chain", chain_break_name(ledger->chain.reason));
    if (ledger->chain.broken) json_member_i64(writer, "chain_first_bad_seq", ledger->chain.first_bad_seq);
    json_member_i64(writer, "records", ledger->chain.records);
    json_member_i64(writer, "holds_active", ledger->holds_active);
    json_member_i64(writer, "payments", result->payments);
    json_member_i64(writer, "payments_completed", result->completed);
    json_member_i64(writer, "payments_rejected", result->rejected);
    json_member_i64(writer, "payments_pending", result->pending);
    json_member_i64(writer, "payments_unknown", result->unknown);
    json_member_i64(writer, "statement_rows", result->statement.rows);
    json_member_i64(writer, "statement_mark", result->statement.mark);
    json_member_i64(writer, "finding_count",
                    ledger->finding_count + result->finding_count + result->statement.finding_count);
    findings_json(writer, result);
    json_object_end(writer);
}

static void verify_lines(const struct books_result *result) {
    const struct ledger_verify_result *ledger = &result->ledger;
    char text[ID_TEXT_BYTES];
    printf("transactions  %lld\nentries       %lld\nbalances      %lld\npayments      %lld\nrecords       %lld\n",
           (long long)ledger->transactions, (long long)ledger->entries, (long long)ledger->balances_checked,
           (long long)result->payments, (long long)ledger->chain.records);
    printf("difference    %lld\nchain         %s", (long long)ledger->difference_minor,
           chain_break_name(ledger->chain.reason));
    if (ledger->chain.broken)
        printf(" at record %lld (%lld bad)", (long long)ledger->chain.first_bad_seq, (long long)ledger->chain.broken);
    printf("\n");
    for (int64_t i = 0; i < ledger->finding_count && i < LEDGER_FINDINGS_MAX; i++)
        printf("%s: number %lld, wanted %lld, found %lld\n", ledger_finding_name(ledger->findings[i].kind),
               (long long)ledger->findings[i].number, (long long)ledger->findings[i].wanted,
               (long long)ledger->findings[i].found);
    if (result->statement.finding_count)
        printf(
            "%s: entry %lld, wanted %lld, found %lld (%lld such); giro ledger rebuild-statements makes the copy anew\n",
            ledger_statement_finding_name(result->statement.first), (long long)result->statement.number,
            (long long)result->statement.wanted, (long long)result->statement.found,
            (long long)result->statement.finding_count);
    for (int64_t i = 0; i < result->finding_count && i < BOOKS_FINDINGS_MAX; i++)
        printf("%s: payment " STR_FMT "\n", books_finding_name(result->findings[i].kind),
               STR_ARG(id_format(result->findings[i].payment_id, text)));
    printf(books_is_clean(result) ? "the books are right\n" : "THE BOOKS ARE WRONG\n");
}

static int ledger_verify_run(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = {
        .usage = "ledger verify [--var DIR] [--json]",
        .help = "Recomputes everything from the entries and the journal's chain; exit code 4 when anything is wrong.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows)
    };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    struct books_result *result = calloc(1, sizeof *result);
    int r = result ? 0 : err_origin(-ENOMEM);
    read_end(&view.reader); /* books_verify takes its own snapshot */
    if (!r) r = books_verify(&view.reader, result);
    if (!r && view.json) verify_json(&view, result);
    if (!r && !view.json) verify_lines(result);
    if (!r) code = books_is_clean(result) ? EXIT_DONE : EXIT_PROOF_FAILED;
    free(result);
    int again = read_begin(&view.reader); /* for store_view_end */
    return store_view_end(&view, r ? r : again, code);
}

/* ---- trial balance ---- */

enum { TRIAL_ROWS_MAX = 256 * LEDGER_ACCOUNT_KIND_COUNT };
struct trial {
    struct {
        int64_t currency, kind, accounts, debit_minor, credit_minor;
    } rows[TRIAL_ROWS_MAX];
    size_t count;
};

/* Adds an account's balance to its kind and currency. 0, -E2BIG, -ERANGE. */
static int trial_add(struct trial *trial, const struct ledger_account_row *account) {
    size_t at = 0;
    while (at < trial->count &&
           (trial->rows[at].currency != account->currency || trial->rows[at].kind != account->kind))
        at++;
    if (at == TRIAL_ROWS_MAX) return err_origin(-E2BIG);
    if (at == trial->count) {
        trial->rows[at].currency = account->currency;
        trial->rows[at].kind = account->kind;
        trial->count++;
    }
    bool over = account->posted_minor < 0
                    ? checked_sub(trial->rows[at].debit_minor, account->posted_minor, &trial->rows[at].debit_minor)
                    : checked_add(trial->rows[at].credit_minor, account->posted_minor, &trial->rows[at].credit_minor);
    trial->rows[at].accounts++;
    return over ? err_origin(-ERANGE) : 0;
}

static int trial_read(struct store_view *view, struct trial *trial) {
    struct row_stream *stream = calloc(1, sizeof *stream);
    const void *row = NULL;
    if (!stream) return err_origin(-ENOMEM);
    int r = row_stream_open(stream, &view->reader, &ledger_account_table);
    while (!r && (r = row_stream_next(stream, &row)) == 0 && row) r = trial_add(trial, row);
    row_stream_release(stream);
    free(stream);
    return err_trace(r);
}

static void trial_row(struct store_view *view, int64_t currency, const char *kind, const int64_t figures[3]) {
    store_view_row_begin(view);
    store_view_currency(view, "currency", 3, currency);
    store_view_word(view, "kind", 10, kind);
    store_view_number(view, "accounts", 8, figures[0]);
    store_view_number(view, "debit_minor", 18, figures[1]);
    store_view_number(view, "credit_minor", 18, figures[2]);
    store_view_row_end(view);
}

/* Prints the kinds of the currency of row first and their sum; false when debits and credits differ. */
static bool trial_currency(struct store_view *view, const struct trial *trial, size_t first) {
    uint64_t debit = 0, credit = 0; /* modulo 2^64: their difference is what counts */
    int64_t accounts = 0;
    for (size_t i = first; i < trial->count; i++) {
        if (trial->rows[i].currency != trial->rows[first].currency) continue;
        trial_row(view, trial->rows[i].currency, ledger_account_kind_name(trial->rows[i].kind),
                  (int64_t[]){ trial->rows[i].accounts, trial->rows[i].debit_minor, trial->rows[i].credit_minor });
        accounts += trial->rows[i].accounts;
        debit += (uint64_t)trial->rows[i].debit_minor;
        credit += (uint64_t)trial->rows[i].credit_minor;
    }
    trial_row(view, trial->rows[first].currency, "total", (int64_t[]){ accounts, (int64_t)debit, (int64_t)credit });
    return debit == credit;
}

static int ledger_trial_balance(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = {
        .usage = "ledger trial-balance [--var DIR] [--json]",
        .help = "The balances by currency and kind of account; exit code 4 when debits and credits differ.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows)
    };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    struct trial *trial = calloc(1, sizeof *trial);
    int r = trial ? trial_read(&view, trial) : err_origin(-ENOMEM);
    store_view_list_begin(&view);
    for (size_t i = 0; !r && i < trial->count; i++) {
        bool first = true;
        for (size_t before = 0; before < i; before++)
            first = first && trial->rows[before].currency != trial->rows[i].currency;
        if (first && !trial_currency(&view, trial, i)) code = EXIT_PROOF_FAILED;
    }
    store_view_list_end(&view);
    free(trial);
    return store_view_end(&view, r, code);
}

/* ---- statement ---- */

/* A ledger number (the bank's own are negative, behind --), an account id or an IBAN. */
static int number_find(struct store_view *view, const char *word, int64_t *ret_number, int *ret_code) {
    const struct account_row *account;
    uint64_t digits;
    bool negative = word[0] == '-';
    if (str_to_u64(str_from_c(word + negative), &digits) == 0 && digits <= INT64_MAX) {
        *ret_number = negative ? -(int64_t)digits : (int64_t)digits;
        return 0;
    }
    int r = account_find(view, word, &account);
    if (r) return err_trace(r);
    if (account) *ret_number = account->number;
    else *ret_code = store_view_absent("account");
    return 0;
}

static int ledger_statement(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    struct statement_dates dates = { 0 };
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view), STORE_VIEW_LIMIT_OPTION(&view),
                                       STATEMENT_DATES_OPTIONS(&dates) };
    struct options options = { .usage = "ledger statement [--limit N | --from DAY --to DAY] [--json] [--] ACCOUNT",
                               .help = "The newest entries of one account (its number in the ledger, its id or its "
                                       "IBAN), or the statement of some days.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    int64_t number = 0;
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    if (!statement_dates_read(&dates)) return store_view_end(&view, 0, EXIT_USAGE);
    int r = number_find(&view, options.words[0], &number, &code);
    if (!r && code == EXIT_DONE) r = account_statement(&view, number, &dates, &code);
    return store_view_end(&view, r, code);
}

/* ---- the statements' read copy ---- */

static int ledger_rebuild(int argc, char **argv) {
    const char *var = NULL;
    bool json = false;
    const struct option_row rows[] = {
        { "var", "DIR", &var, NULL, "the sandbox's folder (default $GIRO_VAR or var)" },
        { "json", NULL, NULL, &json, "one JSON document" },
    };
    struct options options = { .usage = "ledger rebuild-statements [--var DIR] [--json]",
                               .help =
                                   "Tells the daemon to make the read copy of the entries anew; reads stay complete.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    struct arena arena;
    const struct json *answer;
    if (arena_init(&arena, ADMIN_ASK_ARENA_BYTES, ADMIN_ASK_BYTES_MAX)) return EXIT_FAILED;
    int code = admin_ask(var, STR("{\"command\":\"statement_rebuild\"}"), &arena, &answer);
    arena_release(&arena);
    if (!code && json) printf("{\"begun\":true}\n");
    else if (!code) printf("the copy is made anew\n");
    return code;
}

/* ---- chart ---- */

static void chart_row(struct store_view *view, const struct ledger_chart_row *row) {
    static const char *const sides[] = {
        [LEDGER_BOTH_SIDES] = "both", [LEDGER_DEBITS_ONLY] = "debit", [LEDGER_CREDITS_ONLY] = "credit"
    };
    store_view_row_begin(view);
    store_view_word(view, "kind", 16, row->name);
    store_view_word(view, "class", 10, ledger_class_name(row->class));
    store_view_word(view, "normal_side", 11, ledger_side_name(row->normal));
    store_view_word(view, "sides", 6, sides[row->sides]);
    store_view_bool(view, "overdraft", 9, row->overdraft);
    store_view_bool(view, "limits", 6, row->limits);
    store_view_bool(view, "holds", 5, row->holds);
    store_view_bool(view, "freezes", 7, row->freezes);
    store_view_word(view, "purpose", 1, row->purpose);
    store_view_row_end(view);
}

static int ledger_chart_run(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "ledger chart [--var DIR] [--json]",
                               .help = "The chart of accounts: class, normal side and what is lawful for each kind.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    store_view_list_begin(&view);
    for (int kind = 0; kind < LEDGER_ACCOUNT_KIND_COUNT; kind++)
        chart_row(&view, ledger_chart((enum ledger_account_kind)kind));
    store_view_list_end(&view);
    return store_view_end(&view, 0, code);
}

int cmd_ledger(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "verify", "recompute everything from entries and chain", ledger_verify_run },
        { "trial-balance", "balances by currency and kind of account", ledger_trial_balance },
        { "statement", "the entries of one account", ledger_statement },
        { "rebuild-statements", "make the read copy of the entries anew", ledger_rebuild },
        { "chart", "the kinds of account and what is lawful for each", ledger_chart_run },
        { "post", "post several legs at once", cmd_ledger_post },
        { "reverse", "take a transaction back, whole or in part", cmd_ledger_reverse },
        { "hold", "reserve of an account; capture, release, increase, extend", cmd_ledger_hold },
        { "close-day", "close the business date and seal its balances", cmd_ledger_close_day },
    };
    static const struct subcommand_table table = { .title = "giro ledger", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
