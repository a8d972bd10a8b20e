/* cmd_payments.c - giro payments list | show ID [--timeline]; the others: cmd_payments_schedule.c, cmd_payments_file.c.
 */
#include "app/cmd_payments.h"
#include "app/cmd_ledger_change.h"
#include "app/store_view.h"
#include "platform/clock.h"
#include "services/ledger/ledger.h"
#include "services/payments/payment.h"

/* Words for what stands in the row; "?" for what no program of this version wrote. */
static const char *status_word(int64_t status) {
    return status >= 0 && status < PAYMENT_STATUS_COUNT ? payment_status_name((enum payment_status)status) : "?";
}
static const char *reason_word(int64_t reason) {
    return reason >= 0 && reason < PAYMENT_REASON_COUNT ? payment_reason_name((enum payment_reason)reason) : "?";
}
static const char *type_word(int64_t type) {
    return type >= 0 && type < PAYMENT_TYPE_COUNT ? payment_type_name((enum payment_type)type) : "?";
}

static void print_fields(struct store_view *view, const struct payment_row *payment) {
    store_view_id(view, "payment_id", 36, payment->payment_id);
    store_view_time(view, "created_at", 24, payment->created_ms);
    store_view_word(view, "status", 9, status_word(payment->status));
    store_view_word(view, "reason", 18, reason_word(payment->reason));
    store_view_word(view, "payment_type", 13, type_word(payment->type));
    store_view_number(view, "amount_minor", 14, payment->amount_minor);
    store_view_currency(view, "currency", 3, payment->currency);
    store_view_id(view, "debtor_account_id", 36, payment->debtor_account_id);
    store_view_masked(view, "creditor_name", 0, PERSONAL_NAME, payment->creditor_name);
    store_view_masked(view, "creditor_iban", 0, PERSONAL_IBAN, payment->creditor_iban);
    store_view_masked(view, "creditor_sort_code", 0, PERSONAL_SORT_CODE, payment->creditor_sort_code);
    store_view_masked(view, "creditor_account_number", 0, PERSONAL_ACCOUNT_NUMBER, payment->creditor_account_number);
    store_view_id(view, "client_id", 0, payment->client_id);
    store_view_id(view, "customer_id", 0, payment->customer_id);
    store_view_id(view, "consent_id", 0, payment->consent_id);
    store_view_time(view, "status_at", 0, payment->status_ms);
}

static int print_payment(void *ctx, const void *row) {
    struct store_view *view = ctx;
    store_view_row_begin(view);
    print_fields(view, row);
    store_view_row_end(view);
    return 0;
}

static int payments_list(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view), STORE_VIEW_LIMIT_OPTION(&view) };
    struct options options = { .usage = "payments list [--limit N] [--var DIR] [--json]",
                               .help = "The newest payments.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    struct store_range range = { .table = &payment_table, .descending = true, .limit = (uint32_t)view.limit };
    store_view_list_begin(&view);
    int r = read_range(&view.reader, &range, &view.arena, print_payment, &view);
    store_view_list_end(&view);
    return store_view_end(&view, r, code);
}

static void timeline_json(struct store_view *view, const struct payment_row *payment) {
    struct payment_step steps[PAYMENT_TIMELINE_MAX];
    char text[CLOCK_TEXT_BYTES];
    size_t count = payment_timeline(payment->timeline, steps);
    json_name(&view->writer, "timeline");
    json_array_begin(&view->writer);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(&view->writer);
        json_member_c(&view->writer, "status", payment_status_name(steps[i].status));
        json_member_str(&view->writer, "at", clock_format_rfc3339(steps[i].at_ms, text));
        json_object_end(&view->writer);
    }
    json_array_end(&view->writer);
}

static void timeline_lines(const struct payment_row *payment) {
    struct payment_step steps[PAYMENT_TIMELINE_MAX];
    char text[CLOCK_TEXT_BYTES];
    size_t count = payment_timeline(payment->timeline, steps);
    for (size_t i = 0; i < count; i++)
        printf(STR_FMT "  %s\n", STR_ARG(clock_format_rfc3339(steps[i].at_ms, text)),
               payment_status_name(steps[i].status));
}

static void print_hold(struct store_view *view, const struct ledger_hold_row *hold) {
    store_view_word(view, "hold", 8, hold ? ledger_hold_state_name(hold->state) : "none");
}

static void print_one(struct store_view *view, const struct payment_row *payment, const struct ledger_hold_row *hold) {
    store_view_row_begin(view);
    print_fields(view, payment);
    store_view_text(view, "core_reference", 0, payment->core_reference);
    print_hold(view, hold);
    timeline_json(view, payment);
    store_view_row_end(view);
}

static int payments_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open, timeline = false;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view),
                                       { "timeline", NULL, NULL, &timeline, "every status it had" } };
    struct options options = { .usage = "payments show ID [--timeline] [--var DIR] [--json]",
                               .help = "One payment.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    struct payment_row probe = { 0 };
    struct ledger_hold_row hold_probe = { 0 };
    const void *payment = NULL, *hold = NULL;
    int code = store_view_begin(&view, &options, argc, argv, &open), r = 0;
    if (!open) return code;
    code = store_view_read_id(options.words[0], probe.payment_id);
    memcpy(hold_probe.hold_id, probe.payment_id, 16);
    if (!code) r = read_row(&view.reader, &payment_table, 0, &probe, &view.arena, &payment);
    if (!r && !code && !payment) code = store_view_absent("payment");
    if (!r && payment) r = read_row(&view.reader, &ledger_hold_table, 0, &hold_probe, &view.arena, &hold);
    if (!r && payment) {
        print_one(&view, payment, hold);
        if (timeline && !view.json) timeline_lines(payment);
    }
    return store_view_end(&view, r, code);
}

int cmd_payments(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the newest payments", payments_list },
        { "show", "one payment, with --timeline every status it had", payments_show },
        { "schedule", "orders a payment of a later day", payments_schedule },
        { "scheduled", "payments of a later day: list, show, cancel", payments_scheduled },
        { "standing-order", "orders payments that come again", payments_standing_order },
        { "standing-orders", "standing orders: list, show, cancel", payments_standing_orders },
        { "bulk", "orders a file of payments", payments_bulk },
        { "files", "files of payments: list, show", payments_files },
        { "refund", "give back (a part of) a completed payment", cmd_payment_refund },
    };
    static const struct subcommand_table table = { .title = "giro payments", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
