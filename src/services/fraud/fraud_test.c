/* fraud_test.c - the three rules, f1 (counters change in the payment's own commit) and f2 (a verdict names its rule).
 */
#include "services/fraud/fraud.h"

#include "engine/engine_test_world.h"

#define LISTED "GB29NWBK60161331926819"
static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table, &fraud_counter_table };

struct fixture {
    struct test_world world;
    struct fraud_policy policy;
};

static int fixture_open(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct message message = { { 0 } };
    fraud_policy_init(&fixture->policy);
    assert_int_equal(
        fraud_policy_read_creditors(&fixture->policy, STR("# known\n\n" LISTED "\n20000055779911\n"), &message), 0);
    fixture->world.options = (struct store_options){
        .ops = &store_memory_ops, .path = "fraud_test", .tables = tables, .table_count = ARRAY_COUNT(tables)
    };
    test_now_ms = INT64_C(1700000040000); /* the beginning of a minute */
    test_open(&fixture->world);
    *state = fixture;
    return 0;
}
static int fixture_close(void **state) {
    test_shut(&((struct fixture *)*state)->world);
    store_memory_forget("fraud_test");
    free(*state);
    return 0;
}

struct question {
    const struct fraud_policy *policy;
    struct fraud_subject subject;
    enum fraud_rule rule;
    bool refuse; /* afterwards, as if a later task of the same commit said no */
};
static int check_decide(struct work *work, void *input) {
    struct question *question = input;
    int r = fraud_check(work, question->policy, &question->subject, &question->rule);
    return r ? r : question->refuse;
}

static struct question question_of(struct fixture *fixture, const char *currency, int64_t minor) {
    struct question question = {
        .policy = &fixture->policy,
        .subject = { .account_number = 1, .amount = { .minor = minor }, .creditor = STR("DE89370400440532013000") }
    };
    assert_int_equal(currency_parse(str_from_c(currency), &question.subject.amount.currency), 0);
    return question;
}

static const struct {
    const char *name, *currency;
    int64_t minor;
    bool business;
    const char *creditor;
    enum fraud_rule want;
} cases[] = {
    { "small", "GBP", 100, false, NULL, FRAUD_CLEAR },
    { "the personal limit", "GBP", 2500000, false, NULL, FRAUD_CLEAR },
    { "one penny more", "GBP", 2500001, false, NULL, FRAUD_AMOUNT },
    { "a business may", "GBP", 2500001, true, NULL, FRAUD_CLEAR },
    { "the business limit", "GBP", 100000000, true, NULL, FRAUD_CLEAR },
    { "over the business limit", "GBP", 100000001, true, NULL, FRAUD_AMOUNT },
    { "crowns count a thirtieth", "CZK", 75000000, false, NULL, FRAUD_CLEAR },
    { "and not more", "CZK", 75000001, false, NULL, FRAUD_AMOUNT },
    { "yen have no decimals", "JPY", 4750000, false, NULL, FRAUD_CLEAR },
    { "one yen more", "JPY", 4750001, false, NULL, FRAUD_AMOUNT },
    { "dinars have three", "KWD", 25000000, false, NULL, FRAUD_CLEAR },
    { "one fils more", "KWD", 25000001, false, NULL, FRAUD_AMOUNT },
    { "the largest amount", "GBP", INT64_MAX, true, NULL, FRAUD_AMOUNT },
    { "a listed IBAN", "GBP", 1, false, LISTED, FRAUD_CREDITOR },
    { "a listed IBAN of a business", "GBP", 1, true, LISTED, FRAUD_CREDITOR },
    { "a listed sort code and number", "GBP", 1, false, "20000055779911", FRAUD_CREDITOR },
    { "listed and too large", "GBP", INT64_MAX, false, LISTED, FRAUD_CREDITOR },
    { "the beginning of a listed one", "GBP", 1, false, "2000005577991", FRAUD_CLEAR },
    { "longer than any listed one", "GBP", 1, false, "01234567890123456789012345678901234567890123456789",
      FRAUD_CLEAR },
};

static void f2_the_verdict_names_its_rule(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct question question = question_of(fixture, cases[i].currency, cases[i].minor);
        question.subject.business = cases[i].business;
        question.subject.account_number = (int64_t)i + 1;
        if (cases[i].creditor) question.subject.creditor = str_from_c(cases[i].creditor);
        assert_int_equal(test_decide(&fixture->world, check_decide, &question), 0);
        if (question.rule != cases[i].want) fail_msg("%s: %s", cases[i].name, fraud_rule_name(question.rule));
        assert_string_equal(test_last_events(&fixture->world),
                            question.rule == FRAUD_CLEAR ? "FraudCleared" : "FraudFlagged");
    }
}

static enum fraud_rule ask(struct fixture *fixture, int64_t account, bool business) {
    struct question question = question_of(fixture, "GBP", 1);
    question.subject.account_number = account;
    question.subject.business = business;
    assert_int_equal(test_decide(&fixture->world, check_decide, &question), 0);
    return question.rule;
}

/* spec: ledger/39 */
static void velocity_is_counted_by_account_and_minute(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < 30; i++) assert_int_equal(ask(fixture, 1, false), FRAUD_CLEAR);
    assert_int_equal(ask(fixture, 1, false), FRAUD_VELOCITY);
    assert_int_equal(ask(fixture, 2, false), FRAUD_CLEAR); /* another account */
    test_restart(&fixture->world);
    test_now_ms += 59999;
    assert_int_equal(ask(fixture, 1, false), FRAUD_VELOCITY); /* the last moment of the minute, after a restart */
    test_now_ms += 1;
    assert_int_equal(ask(fixture, 1, false), FRAUD_CLEAR);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ask(fixture, 3, true), FRAUD_CLEAR); /* business accounts pay in bulk */
}

/* spec: ledger/39 */
static void f1_none_slips_through_in_one_batch(void **state) {
    struct fixture *fixture = *state;
    enum { PAYMENTS = 40 };
    struct question questions[PAYMENTS];
    struct test_decision decisions[PAYMENTS];
    int flagged = 0;
    for (int i = 0; i < PAYMENTS; i++) {
        questions[i] = question_of(fixture, "GBP", 1);
        decisions[i] = (struct test_decision){ .decide = check_decide, .input = &questions[i] };
        test_submit(&fixture->world, &decisions[i]);
    }
    assert_int_equal(engine_step(fixture->world.engine), PAYMENTS);
    for (int i = 0; i < PAYMENTS; i++) flagged += questions[i].rule == FRAUD_VELOCITY;
    assert_int_equal(flagged, PAYMENTS - 30);
}

static void f1_what_was_refused_later_in_its_commit_does_not_count(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < 50; i++) {
        struct question question = question_of(fixture, "GBP", 1);
        question.refuse = true;
        assert_int_equal(test_decide(&fixture->world, check_decide, &question), 1);
    }
    assert_int_equal(ask(fixture, 1, false), FRAUD_CLEAR);
}

static void creditor_lists_are_read_strictly(void **state) {
    struct fixture *fixture = *state;
    struct message message = { { 0 } };
    (void)state;
    assert_int_equal(fraud_policy_read_creditors(&fixture->policy, STR(""), &message), 0);
    assert_int_equal(fixture->policy.creditor_count, 0);
    assert_int_equal(fraud_policy_read_creditors(&fixture->policy, STR("A\n# no\n  B  \n\nC"), &message), 0);
    assert_int_equal(fixture->policy.creditor_count, 3);
    assert_int_equal(
        fraud_policy_read_creditors(&fixture->policy, STR("A\n0123456789012345678901234567890123456789\n"), &message),
        -EINVAL);
    assert_non_null(strstr(message.text, "line 2"));
}

#define FRAUD_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        FRAUD_TEST(f2_the_verdict_names_its_rule),
        FRAUD_TEST(velocity_is_counted_by_account_and_minute),
        FRAUD_TEST(f1_none_slips_through_in_one_batch),
        FRAUD_TEST(f1_what_was_refused_later_in_its_commit_does_not_count),
        FRAUD_TEST(creditor_lists_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
