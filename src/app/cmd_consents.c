/* cmd_consents.c - giro consents list | show ID. */
#include "app/store_view.h"
#include "services/consents/payment_consent.h"

static int print_consent(void *ctx, const void *row) {
    struct store_view *view = ctx;
    const struct payment_consent_row *consent = row;
    bool known = consent->status >= 0 && consent->status < CONSENT_STATUS_COUNT;
    store_view_row_begin(view);
    store_view_id(view, "consent_id", 36, consent->consent_id);
    store_view_time(view, "created_at", 24, consent->created_ms);
    store_view_word(view, "status", 6, known ? consent_status_name((enum consent_status)consent->status) : "?");
    store_view_time(view, "status_at", 24, consent->status_ms);
    store_view_number(view, "amount_minor", 14, consent->amount_minor);
    store_view_currency(view, "currency", 3, consent->currency);
    store_view_masked(view, "creditor_name", 0, PERSONAL_NAME, consent->creditor_name);
    store_view_masked(view, "creditor_identification", 28, PERSONAL_IBAN, consent->creditor_identification);
    store_view_id(view, "client_id", 0, consent->client_id);
    store_view_id(view, "customer_id", 0, consent->customer_id);
    store_view_id(view, "account_id", 0, consent->account_id);
    store_view_id(view, "payment_id", 36, consent->payment_id);
    store_view_row_end(view);
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
    struct store_range range = { .table = &payment_consent_table, .descending = true, .limit = (uint32_t)view.limit };
    store_view_list_begin(&view);
    int r = read_range(&view.reader, &range, &view.arena, print_consent, &view);
    store_view_list_end(&view);
    return store_view_end(&view, r, code);
}

static int consents_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "consents show ID [--var DIR] [--json]",
                               .help = "One consent.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    struct payment_consent_row probe = { 0 };
    const void *row = NULL;
    int code = store_view_begin(&view, &options, argc, argv, &open), r = 0;
    if (!open) return code;
    code = store_view_read_id(options.words[0], probe.consent_id);
    if (!code) r = read_row(&view.reader, &payment_consent_table, 0, &probe, &view.arena, &row);
    if (!r && !code && !row) code = store_view_absent("consent");
    if (!r && row) r = print_consent(&view, row);
    return store_view_end(&view, r, code);
}

int cmd_consents(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the newest consents", consents_list },
        { "show", "one consent", consents_show },
    };
    static const struct subcommand_table table = { .title = "giro consents", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
