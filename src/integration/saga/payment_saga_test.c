/* payment_saga_test.c - the real definition with real services in a real engine: g1..g3, every fate of a payment. */
#include "integration/saga/payment_saga.h"

#include "integration/bank_test_world.h"
#include "integration/saga/saga_check.h"

enum { FUND = 100000, AMOUNT = 2500 };

static int bank_setup(void **state) {
    struct bank *bank = calloc(1, sizeof *bank);
    bank_open(bank, &store_memory_ops, "payment_saga_test");
    *state = bank;
    return 0;
}
static int bank_teardown(void **state) {
    bank_shut(*state);
    store_memory_forget("payment_saga_test");
    free(*state);
    return 0;
}

/* The events' types of the last commit, with blanks between. */
static void last_events_are(struct bank *bank, const char *wanted) {
    char types[512] = { 0 };
    size_t used = 0;
    struct str rest = str_from_c(test_last_events(&bank->world));
    size_t at;
    while (str_find(rest, STR("\"type\":\""), &at)) {
        struct str name;
        rest = str_slice(rest, at + 8, rest.len);
        assert_true(str_cut(&rest, '"', &name));
        used += (size_t)snprintf(types + used, sizeof types - used, "%s" STR_FMT, used ? " " : "", STR_ARG(name));
    }
    assert_string_equal(types, wanted);
}

struct want {
    enum payment_status status;
    enum payment_reason reason;
    int64_t hold, posted, held;
    bool saga_open;
};

static void stands(struct bank *bank, const struct bank_payment *payment, const struct want *want) {
    struct payment_row row = bank_payment_row(bank, payment);
    struct ledger_account_row account = bank_ledger_row(bank, payment->debtor->row.number);
    assert_string_equal(payment_status_name((enum payment_status)row.status), payment_status_name(want->status));
    assert_string_equal(payment_reason_name((enum payment_reason)row.reason), payment_reason_name(want->reason));
    assert_int_equal(bank_hold_state(bank, payment), want->hold);
    assert_int_equal(account.posted_minor, want->posted);
    assert_int_equal(account.held_minor, want->held);
    assert_int_equal(bank_saga_is_open(bank, payment), want->saga_open);
}

/* A payment to another bank of AMOUNT from a fresh account with FUND, accepted: it waits for the core with its hold. */
static void pay_out(struct bank *bank, struct bank_account *debtor, struct bank_payment *payment) {
    *debtor = (struct bank_account){ .fund_minor = FUND };
    bank_account_open(bank, debtor);
    *payment = (struct bank_payment){ .debtor = debtor, .amount_minor = AMOUNT };
    bank_pay(bank, payment);
    stands(bank, payment,
           &(struct want){ PAYMENT_PENDING, PAYMENT_REASON_NONE, LEDGER_HOLD_ACTIVE, FUND, AMOUNT, true });
    last_events_are(bank, "PaymentInitiated FraudCleared AmlCleared PaymentApproved");
    assert_int_equal(bank->world.followup_count, 1);
    assert_int_equal(bank->world.followups[0].kind, FOLLOWUP_CORE_EXECUTE);
    assert_memory_equal(bank->world.followups[0].id, payment->id, 16);
}

static int64_t settled(struct bank *bank) {
    return bank_ledger_row(bank, ledger_internal_number(LEDGER_SETTLEMENT, bank_gbp())).posted_minor;
}

static const struct want completed = {
    PAYMENT_COMPLETED, PAYMENT_REASON_NONE, LEDGER_HOLD_CONSUMED, FUND - AMOUNT, 0, false
};
static const struct want unknown = { PAYMENT_UNKNOWN, PAYMENT_REASON_NONE, LEDGER_HOLD_ACTIVE, FUND, AMOUNT, true };
static const struct want refused = {
    PAYMENT_REJECTED, PAYMENT_REASON_CORE_REFUSED, LEDGER_HOLD_RELEASED, FUND, 0, false
};
static const struct want failed = {
    PAYMENT_REJECTED, PAYMENT_REASON_CORE_FAILED, LEDGER_HOLD_RELEASED, FUND, 0, false
};

/* What the core says, one commit after another, and how it ends; each with a restart of the program before every
 * answer, too. */
static const struct {
    const char *name;
    enum core_verdict says[4];
    size_t count;
    const struct want *end;
    int64_t settled;
    const char *events; /* of the last commit */
} fates[] = {
    { "booked", { CORE_VERDICT_BOOKED }, 1, &completed, AMOUNT, "PaymentCompleted" },
    { "refused", { CORE_VERDICT_REFUSED }, 1, &refused, 0, "PaymentRejected" },
    { "never seen (44)", { CORE_VERDICT_FAILED }, 1, &failed, 0, "PaymentRejected" },
    { "unknown", { CORE_VERDICT_UNKNOWN }, 1, &unknown, 0, "PaymentUnknown" },
    { "unknown for long", { CORE_VERDICT_UNKNOWN, CORE_VERDICT_UNKNOWN, CORE_VERDICT_UNKNOWN }, 3, &unknown, 0, "" },
    { "unknown, then booked",
      { CORE_VERDICT_UNKNOWN, CORE_VERDICT_BOOKED },
      2,
      &completed,
      AMOUNT,
      "PaymentCompleted" },
    { "unknown twice, then booked",
      { CORE_VERDICT_UNKNOWN, CORE_VERDICT_UNKNOWN, CORE_VERDICT_BOOKED },
      3,
      &completed,
      AMOUNT,
      "PaymentCompleted" },
    { "unknown, then never seen", { CORE_VERDICT_UNKNOWN, CORE_VERDICT_FAILED }, 2, &failed, 0, "PaymentRejected" },
    { "unknown, then refused", { CORE_VERDICT_UNKNOWN, CORE_VERDICT_REFUSED }, 2, &refused, 0, "PaymentRejected" },
};

static void run_fate(void **state, size_t i, bool restarts) {
    bank_teardown(state);
    bank_setup(state);
    struct bank *bank = *state;
    struct bank_account debtor;
    struct bank_payment payment;
    pay_out(bank, &debtor, &payment);
    for (size_t at = 0; at < fates[i].count; at++) {
        if (restarts) bank_restart(bank);
        assert_int_equal(bank_core_says(bank, &payment, fates[i].says[at]), 0);
        if (fates[i].says[at] != CORE_VERDICT_UNKNOWN) continue;
        stands(bank, &payment, &unknown); /* g2 */
        assert_int_equal(bank->world.followup_count, 1);
        assert_int_equal(bank->world.followups[0].kind, FOLLOWUP_CORE_ENQUIRE);
        assert_int_equal(bank->world.followups[0].due_ms > 0, at > 0); /* the first enquiry at once, then with pauses */
    }
    print_message("%s%s\n", fates[i].name, restarts ? ", with restarts" : "");
    stands(bank, &payment, fates[i].end);
    assert_int_equal(settled(bank), fates[i].settled);
    last_events_are(bank, fates[i].events);
}

/* spec: ledger/31, ledger/34 */
static void g3_every_fate_with_the_core(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(fates); i++) {
        run_fate(state, i, false);
        run_fate(state, i, true);
    }
}

static void g1_an_answer_that_comes_twice_changes_nothing(void **state) {
    static const enum core_verdict verdicts[] = { CORE_VERDICT_BOOKED, CORE_VERDICT_REFUSED, CORE_VERDICT_FAILED,
                                                  CORE_VERDICT_UNKNOWN };
    struct bank *bank = *state;
    struct bank_account debtor;
    struct bank_payment payment;
    pay_out(bank, &debtor, &payment);
    assert_int_equal(bank_core_says(bank, &payment, CORE_VERDICT_BOOKED), 0);
    for (size_t i = 0; i < ARRAY_COUNT(verdicts); i++) {
        assert_int_equal(bank_core_says(bank, &payment, verdicts[i]), PAYMENT_SAGA_E_ABSENT);
        stands(bank, &payment, &completed);
    }
    assert_int_equal(bank_wake(bank, &payment), PAYMENT_SAGA_E_ABSENT);
    assert_int_equal(settled(bank), AMOUNT);
    assert_int_equal(bank->world.followup_count, 0);
}

static void g2_a_wake_does_not_move_a_payment_that_was_sent(void **state) {
    struct bank *bank = *state;
    struct bank_account debtor;
    struct bank_payment payment;
    pay_out(bank, &debtor, &payment);
    test_now_ms += INT64_C(400) * 24 * 3600 * 1000; /* no clock ends it */
    assert_int_equal(bank_wake(bank, &payment), PAYMENT_SAGA_E_ABSENT);
    stands(bank, &payment,
           &(struct want){ PAYMENT_PENDING, PAYMENT_REASON_NONE, LEDGER_HOLD_ACTIVE, FUND, AMOUNT, true });
    assert_int_equal(bank_core_says(bank, &payment, CORE_VERDICT_BOOKED), 0);
    stands(bank, &payment, &completed);
}

/* spec: ledger/33 */
static void an_on_us_payment_is_booked_in_the_commit_that_accepts_it(void **state) {
    struct bank *bank = *state;
    struct bank_account debtor = { .fund_minor = FUND }, creditor = { 0 };
    bank_account_open(bank, &debtor);
    bank_account_open(bank, &creditor);
    struct bank_payment payment = { .debtor = &debtor, .creditor = &creditor, .amount_minor = AMOUNT };
    bank_pay(bank, &payment);
    stands(bank, &payment, &completed);
    assert_int_equal(bank_ledger_row(bank, creditor.row.number).posted_minor, AMOUNT);
    assert_int_equal(settled(bank), 0);
    assert_int_equal(bank->world.followup_count, 0);
    last_events_are(bank, "PaymentInitiated FraudCleared AmlCleared PaymentApproved PaymentCompleted");
    assert_int_equal(bank_core_says(bank, &payment, CORE_VERDICT_BOOKED), PAYMENT_SAGA_E_ABSENT);
}

/* Rejected in the commit that accepts it: no hold is left, no saga, nothing is sent. */
static const struct {
    const char *name, *creditor_name, *creditor_iban;
    int64_t amount;
    bool blocked, business;
    enum payment_reason reason;
    const char *events;
} refusals[] = {
    { "funds", NULL, NULL, FUND + 1, false, false, PAYMENT_REASON_INSUFFICIENT_FUNDS,
      "PaymentInitiated FraudCleared AmlCleared PaymentRejected" },
    { "exact funds pass", NULL, NULL, FUND, false, false, PAYMENT_REASON_NONE,
      "PaymentInitiated FraudCleared AmlCleared PaymentApproved" },
    { "fraudster", NULL, BANK_FRAUDSTER, 1, false, false, PAYMENT_REASON_FRAUD,
      "PaymentInitiated FraudFlagged PaymentRejected" },
    { "fraudster of a business", NULL, BANK_FRAUDSTER, 1, false, true, PAYMENT_REASON_FRAUD,
      "PaymentInitiated FraudFlagged PaymentRejected" },
    { "amount over the limit", NULL, NULL, 2500001, false, false, PAYMENT_REASON_FRAUD,
      "PaymentInitiated FraudFlagged PaymentRejected" },
    { "the same of a business", NULL, NULL, 2500001, false, true, PAYMENT_REASON_INSUFFICIENT_FUNDS,
      "PaymentInitiated FraudCleared AmlCleared PaymentRejected" },
    { "listed name", "Petrov, Iván", NULL, 1, false, false, PAYMENT_REASON_SANCTIONS,
      "PaymentInitiated FraudCleared AmlFlagged PaymentRejected" },
    { "a name near it", "Ivan Petrovic", NULL, 1, false, false, PAYMENT_REASON_NONE,
      "PaymentInitiated FraudCleared AmlCleared PaymentApproved" },
    { "blocked account", NULL, NULL, 1, true, false, PAYMENT_REASON_ACCOUNT_BLOCKED,
      "PaymentInitiated FraudCleared AmlCleared PaymentRejected" },
};

static int block_decide(struct work *work, void *input) {
    struct view view = view_of(work, "accounts");
    const struct account_row *old;
    int r = account_get(work, ((const struct bank_account *)input)->row.account_id, &old);
    if (r) return r;
    struct account_row row = *old;
    row.status = ACCOUNT_BLOCKED;
    return view_update(&view, &account_table, &row);
}

/* spec: ledger/34, ledger/40 */
static void refusals_before_the_pivot_leave_nothing(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        bank_teardown(state);
        bank_setup(state);
        struct bank *bank = *state;
        struct bank_account debtor = { .fund_minor = FUND, .business = refusals[i].business };
        bank_account_open(bank, &debtor);
        if (refusals[i].blocked) assert_int_equal(test_decide(&bank->world, block_decide, &debtor), 0);
        struct bank_payment payment = { .debtor = &debtor,
                                        .amount_minor = refusals[i].amount,
                                        .creditor_name = refusals[i].creditor_name,
                                        .creditor_iban = refusals[i].creditor_iban };
        bank_pay(bank, &payment);
        print_message("%s\n", refusals[i].name);
        bool passes = refusals[i].reason == PAYMENT_REASON_NONE;
        struct want want = { passes ? PAYMENT_PENDING : PAYMENT_REJECTED,
                             refusals[i].reason,
                             passes ? LEDGER_HOLD_ACTIVE : -1,
                             FUND,
                             passes ? refusals[i].amount : 0,
                             passes };
        stands(bank, &payment, &want);
        last_events_are(bank, refusals[i].events);
        assert_int_equal(bank->world.followup_count, passes ? 1 : 0);
    }
}

/* VIEW_NEED anywhere: the decision runs again from its first line and has its effects once. */
static void decisions_run_again_and_act_once(void **state) {
    struct bank *bank = *state;
    struct bank_account debtor = { .fund_minor = FUND }, creditor = { 0 };
    bank_account_open(bank, &debtor);
    bank_account_open(bank, &creditor);
    struct bank_payment payment = { .debtor = &debtor, .creditor = &creditor, .amount_minor = AMOUNT };
    bank_pay(bank, &payment);
    assert_true(payment.runs > 1);
    stands(bank, &payment, &completed);
    assert_int_equal(bank_ledger_row(bank, creditor.row.number).entry_count, 1);
}

/* Two answers in one batch: the first counts. */
static void two_answers_of_one_batch_book_once(void **state) {
    struct bank *bank = *state;
    struct bank_account debtor;
    struct bank_payment payment;
    pay_out(bank, &debtor, &payment);
    struct core_result inputs[2] = { { .integration = &bank->integration, .verdict = CORE_VERDICT_BOOKED },
                                     { .integration = &bank->integration, .verdict = CORE_VERDICT_FAILED } };
    struct test_decision owners[2] = { 0 };
    for (size_t i = 0; i < 2; i++) {
        memcpy(inputs[i].payment_id, payment.id, 16);
        owners[i].command = (struct command){
            .kind = &core_result_kind, .input = &inputs[i], .owner = &owners[i], .on_reply = test_on_reply
        };
        assert_int_equal(engine_submit(bank->world.engine, &owners[i].command), 0);
    }
    assert_int_equal(engine_step(bank->world.engine), 2);
    assert_int_equal(owners[0].command.refusal, 0);
    assert_int_equal(owners[1].command.refusal, PAYMENT_SAGA_E_ABSENT);
    stands(bank, &payment, &completed);
}

/* spec: ledger/34 */
static void the_shipped_definition_is_proven_safe(void **state) {
    struct bank *bank = *state;
    struct saga_report *report = calloc(1, sizeof *report);
    int r = saga_check(bank->saga, report);
    if (report->count) print_message("%s\n", report->findings[0].text);
    assert_int_equal(r, 0);
    assert_int_equal(report->error_count, 0);
    free(report);
}

#define SAGA_TEST(name) cmocka_unit_test_setup_teardown(name, bank_setup, bank_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        SAGA_TEST(the_shipped_definition_is_proven_safe),
        SAGA_TEST(g3_every_fate_with_the_core),
        SAGA_TEST(g1_an_answer_that_comes_twice_changes_nothing),
        SAGA_TEST(g2_a_wake_does_not_move_a_payment_that_was_sent),
        SAGA_TEST(an_on_us_payment_is_booked_in_the_commit_that_accepts_it),
        SAGA_TEST(refusals_before_the_pivot_leave_nothing),
        SAGA_TEST(decisions_run_again_and_act_once),
        SAGA_TEST(two_answers_of_one_batch_book_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
