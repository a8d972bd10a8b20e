/* payment_tasks.c - the tasks of the payment saga: what each does inside a decision, what it may raise, what undoes it.
 */
#include "integration/saga/payment_saga_int.h"

#include "observe/metric_table.h"
#include "platform/clock.h"
#include "services/accounts/account.h"
#include "services/ledger/ledger.h"

enum { PAYMENT_CHECKS_MS = 10000 };

static struct str creditor_key(const struct payment_row *payment, char text[64]) {
    struct buffer key;
    if (payment->creditor_iban.len) return payment->creditor_iban;
    buffer_init(&key, text, 64); /* of 6 digits and at most 34 characters */
    buffer_append_str(&key, payment->creditor_sort_code);
    buffer_append_str(&key, payment->creditor_account_number);
    return buffer_str(&key);
}

static struct money payment_amount(const struct payment_row *payment) {
    return (struct money){ .minor = payment->amount_minor, .currency = { .code = (uint32_t)payment->currency } };
}

/* The checks and the hold together have PAYMENT_CHECKS_MS from acceptance; true when that time is over (design section
 * 5). */
static bool too_late(struct saga_io *io) {
    if (io->now_ms - io->started_at_ms <= PAYMENT_CHECKS_MS) return false;
    saga_io_fail(io, "Deadline", (struct str){ 0 });
    return true;
}

static int debtor_of(const struct payment_saga_run *run, const struct account_row **ret_account) {
    const struct account_row *account;
    int r = account_get(run->work, run->payment->debtor_account_id, &account);
    if (r) return r;
    if (!account) return err_origin(-ENOENT); /* accounts are never deleted */
    *ret_account = account;
    return 0;
}

static int run_fraud_check(void *ctx, struct saga_io *io) {
    const struct payment_saga_run *run = ctx;
    const struct account_row *account;
    enum fraud_rule rule;
    char key[64];
    if (too_late(io)) return 0;
    int r = debtor_of(run, &account);
    if (r) return r;
    struct fraud_subject subject = { .account_number = account->number,
                                     .business = account->product == ACCOUNT_BUSINESS,
                                     .amount = payment_amount(run->payment),
                                     .creditor = creditor_key(run->payment, key) };
    memcpy(subject.payment_id.bytes, run->payment->payment_id, 16);
    memcpy(subject.account_id.bytes, run->payment->debtor_account_id, 16);
    int64_t began_ns = clock_mono_ns(); /* for the metric alone: the verdict does not depend on it */
    r = fraud_check(run->work, run->integration->fraud, &subject, &rule);
    if (r) return r;
    metrics_observe(run->integration->metrics, METRIC_FRAUD_DURATION, (struct metric_labels){ 0 },
                    (clock_mono_ns() - began_ns) / 1000);
    if (rule != FRAUD_CLEAR) saga_io_fail(io, "FraudDetected", str_from_c(fraud_rule_name(rule)));
    return 0;
}

static int run_aml_check(void *ctx, struct saga_io *io) {
    const struct payment_saga_run *run = ctx;
    int64_t hit;
    struct aml_subject subject = { .amount = payment_amount(run->payment),
                                   .creditor_name = run->payment->creditor_name };
    memcpy(subject.payment_id.bytes, run->payment->payment_id, 16);
    memcpy(subject.account_id.bytes, run->payment->debtor_account_id, 16);
    if (too_late(io)) return 0;
    int r = aml_check(run->work, run->integration->aml, &subject, &hit);
    if (r) return r;
    if (hit) saga_io_fail(io, "AmlFlagged", STR("listed name"));
    return 0;
}

static int run_hold(void *ctx, struct saga_io *io) {
    const struct payment_saga_run *run = ctx;
    const struct account_row *account;
    if (too_late(io)) return 0;
    int r = debtor_of(run, &account);
    if (r) return r;
    if (account->status != ACCOUNT_OPEN) {
        saga_io_fail(io, "AccountBlocked", (struct str){ 0 });
        return 0;
    }
    struct money amount = payment_amount(run->payment);
    if (checked_add(amount.minor, run->payment->fee_minor, &amount.minor)) return err_origin(-ERANGE);
    r = ledger_hold(run->work, account->number, run->payment->payment_id, amount);
    if (r == LEDGER_E_FUNDS || r == LEDGER_E_OVERFLOW) {
        saga_io_fail(io, "InsufficientFunds", (struct str){ 0 });
        return 0;
    }
    if (r == LEDGER_E_BLOCKED) {
        saga_io_fail(io, "AccountBlocked", (struct str){ 0 });
        return 0;
    }
    if (r == VIEW_NEED) return r;
    return r ? err_fold(r) : payment_approve(run->work, run->payment->payment_id);
}

enum { PAYMENT_LEGS_MAX = 4 };

/* Books the payment out of its hold: the debtor to credit_account, and the fee beside it. As ledger_capture_order. */
static int book(const struct payment_saga_run *run, enum ledger_transaction_kind kind, int64_t credit_account) {
    const struct payment_row *payment = run->payment;
    struct money amount = payment_amount(payment);
    struct money fee = { .minor = payment->fee_minor, .currency = amount.currency };
    const struct ledger_leg legs[PAYMENT_LEGS_MAX] = {
        { payment->debtor_number, LEDGER_DEBIT, amount, 0 },
        { credit_account, LEDGER_CREDIT, amount, 0 },
        { payment->debtor_number, LEDGER_DEBIT, fee, 0 },
        { ledger_internal_number(LEDGER_FEES, amount.currency), LEDGER_CREDIT, fee, 0 },
    };
    struct ledger_order order = { .kind = kind,
                                  .legs = legs,
                                  .leg_count = fee.minor ? PAYMENT_LEGS_MAX : PAYMENT_LEGS_MAX - 2 };
    struct ledger_capture capture = { .final = true };
    memcpy(capture.hold_id, payment->payment_id, 16);
    return ledger_capture_order(run->work, &capture, &order, NULL);
}

static int run_book(void *ctx, struct saga_io *io) {
    const struct payment_saga_run *run = ctx;
    int r = book(run, LEDGER_TRANSFER, run->payment->creditor_number);
    if (r == LEDGER_E_BLOCKED || r == LEDGER_E_CEILING || r == LEDGER_E_OVERFLOW) { /* the creditor takes nothing */
        saga_io_fail(io, "AccountBlocked", (struct str){ 0 });
        return 0;
    }
    return r == VIEW_NEED ? r : err_fold(r);
}

static int run_release(void *ctx, struct saga_io *io) {
    const struct payment_saga_run *run = ctx;
    (void)io;
    int r = ledger_release(run->work, run->payment->payment_id);
    return r == VIEW_NEED ? r : err_fold(r);
}

int payment_task_settle(const struct payment_saga_run *run) {
    struct currency currency = { .code = (uint32_t)run->payment->currency };
    int r = book(run, LEDGER_PAYMENT, ledger_internal_number(LEDGER_SETTLEMENT, currency));
    return r == VIEW_NEED ? r : err_fold(r);
}

static const struct saga_task_error fraud_errors[] = {
    { .name = "FraudDetected" }, { .name = "CheckUnavailable" }, { .name = "Deadline" }, { 0 }
};
static const struct saga_task_error aml_errors[] = {
    { .name = "AmlFlagged" }, { .name = "CheckUnavailable" }, { .name = "Deadline" }, { 0 }
};
static const struct saga_task_error hold_errors[] = {
    { .name = "InsufficientFunds" }, { .name = "AccountBlocked" }, { .name = "Deadline" }, { 0 }
};
static const struct saga_task_error book_errors[] = { { .name = "AccountBlocked" }, { 0 } };
static const struct saga_task_error core_errors[] = { { .name = "CoreRefused" }, { .name = "CoreFailed" }, { 0 } };

static const struct saga_task tasks[] = {
    { .name = "giro:fraud:check",
      .kind = SAGA_INLINE,
      .run = run_fraud_check,
      .errors = fraud_errors,
      .nothing_to_undo = true,
      .needs_time_limit = true },
    { .name = "giro:aml:check",
      .kind = SAGA_INLINE,
      .run = run_aml_check,
      .errors = aml_errors,
      .nothing_to_undo = true,
      .needs_time_limit = true },
    { .name = "giro:ledger:hold",
      .kind = SAGA_INLINE,
      .run = run_hold,
      .errors = hold_errors,
      .undone_by = "giro:ledger:release" },
    { .name = "giro:ledger:book", .kind = SAGA_INLINE, .run = run_book, .errors = book_errors, .pivot = true },
    { .name = "giro:core:execute",
      .kind = SAGA_EXTERNAL,
      .errors = core_errors,
      .pivot = true,
      .has_enquiry = true,
      .needs_time_limit = true },
    { .name = "giro:ledger:release", .kind = SAGA_INLINE, .run = run_release },
};
const struct saga_registry payment_saga_registry = { .tasks = tasks, .task_count = ARRAY_COUNT(tasks) };
