/* ledger_test.c - the ledger's decisions on the memory store, l1..l6, and what a verification of the result says. */
#include "services/ledger/ledger_test_world.h"

#include "services/ledger/ledger_sums.h"

/* ---- tables of cases ---- */

static const struct {
    const char *name;
    int64_t fund, overdraft, held, amount;
    int want;
} hold_cases[] = {
    { "exact balance passes", 100, 0, 0, 100, 0 },
    { "one more is refused", 100, 0, 0, 101, LEDGER_E_FUNDS },
    { "holds count", 100, 0, 40, 61, LEDGER_E_FUNDS },
    { "what holds leave passes", 100, 0, 40, 60, 0 },
    { "nothing is there", 0, 0, 0, 1, LEDGER_E_FUNDS },
    { "the overdraft may be used", 100, 50, 0, 150, 0 },
    { "not beyond the overdraft", 100, 50, 0, 151, LEDGER_E_FUNDS },
    { "holds use the overdraft", 100, 50, 120, 31, LEDGER_E_FUNDS },
    { "largest amount", INT64_MAX, 0, 0, INT64_MAX, 0 },
    { "largest amount is held whole", INT64_MAX, 0, INT64_MAX, 1, LEDGER_E_FUNDS },
    { "largest amount of nothing", 100, 0, 0, INT64_MAX, LEDGER_E_FUNDS },
    { "available overflows", INT64_MAX, 1, 0, 1, LEDGER_E_OVERFLOW },
};

/* spec: ledger/11, ledger/23 */
static void l5_holds_reserve_what_is_there(void **state) {
    struct test_world *world = *state;
    for (size_t i = 0; i < ARRAY_COUNT(hold_cases); i++) {
        world_close(state);
        world_open(state);
        world = *state;
        int64_t number = account_make(world, "GBP", hold_cases[i].overdraft, hold_cases[i].fund);
        struct holding first = { number, { 1 }, money_of("GBP", hold_cases[i].held) },
                       second = { number, { 2 }, money_of("GBP", hold_cases[i].amount) };
        if (first.amount.minor) assert_int_equal(test_decide(world, hold_decide, &first), 0);
        int r = test_decide(world, hold_decide, &second);
        if (r != hold_cases[i].want) fail_msg("%s: %d, not %d", hold_cases[i].name, r, hold_cases[i].want);
        struct ledger_account_row row = account_row(world, number);
        assert_int_equal(row.held_minor, hold_cases[i].held + (r ? 0 : hold_cases[i].amount));
        assert_int_equal(row.posted_minor, hold_cases[i].fund); /* a hold moves nothing */
        assert_int_equal(hold_state(world, second.id), r ? -1 : LEDGER_HOLD_ACTIVE);
        books_are_clean(world, hold_cases[i].fund ? 1 : 0);
    }
}

static void holds_need_their_account_and_its_currency(void **state) {
    struct test_world *world = *state;
    int64_t number = account_make(world, "GBP", 0, 100);
    struct holding other = { number, { 1 }, money_of("EUR", 1) }, absent = { number + 1, { 2 }, money_of("GBP", 1) };
    struct holding own = { number, { 3 }, money_of("GBP", 1) };
    assert_int_equal(test_decide(world, hold_decide, &other), LEDGER_E_CURRENCY);
    assert_int_equal(test_decide(world, hold_decide, &absent), LEDGER_E_ACCOUNT);
    assert_int_equal(test_decide(world, hold_decide, &own), 0);
    assert_int_equal(test_decide(world, hold_decide, &own), TEST_FAULT); /* an id once used is never used again */
    assert_int_equal(account_row(world, number).held_minor, 1);
}

/* spec: ledger/23 */
static void l4_a_hold_ends_once(void **state) {
    struct test_world *world = *state;
    int64_t number = account_make(world, "GBP", 0, 100);
    struct holding hold = { number, { 1 }, money_of("GBP", 70) }, never = { number, { 9 }, money_of("GBP", 1) };
    assert_int_equal(test_decide(world, hold_decide, &hold), 0);
    assert_int_equal(test_decide(world, release_decide, &hold), 0);
    assert_int_equal(hold_state(world, hold.id), LEDGER_HOLD_RELEASED);
    assert_int_equal(test_decide(world, release_decide, &hold), LEDGER_E_HOLD); /* released twice */
    assert_int_equal(test_decide(world, release_decide, &never), LEDGER_E_HOLD);
    struct capturing capture = { { 1 },
                                 { number,
                                   ledger_internal_number(LEDGER_SETTLEMENT, currency_of("GBP")),
                                   money_of("GBP", 70),
                                   LEDGER_PAYMENT,
                                   { 1 } } };
    assert_int_equal(test_decide(world, capture_decide, &capture), LEDGER_E_HOLD); /* captured after its release */
    assert_int_equal(account_row(world, number).held_minor, 0);
    books_are_clean(world, 1);
}

static const struct {
    const char *name;
    int64_t amount;
    bool own_account, own_currency;
    int want;
} capture_cases[] = {
    { "as it was held", 70, true, true, 0 },
    { "less than was held", 69, true, true, LEDGER_E_HOLD },
    { "more than was held", 71, true, true, LEDGER_E_HOLD },
    { "from another account", 70, false, true, LEDGER_E_HOLD },
    { "in another currency", 70, true, false, LEDGER_E_CURRENCY },
};

/* spec: ledger/23 */
static void a_capture_is_what_was_held(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(capture_cases); i++) {
        world_close(state);
        world_open(state);
        struct test_world *world = *state;
        int64_t number = account_make(world, "GBP", 0, 100), other = account_make(world, "GBP", 0, 100);
        struct holding hold = { number, { 1 }, money_of("GBP", 70) };
        const char *code = capture_cases[i].own_currency ? "GBP" : "EUR";
        int64_t settlement = ledger_internal_number(LEDGER_SETTLEMENT, currency_of(code));
        struct capturing capture = { { 1 },
                                     { capture_cases[i].own_account ? number : other,
                                       settlement,
                                       money_of(code, capture_cases[i].amount),
                                       LEDGER_PAYMENT,
                                       { 1 } } };
        assert_int_equal(test_decide(world, hold_decide, &hold), 0);
        int r = test_decide(world, capture_decide, &capture);
        if (r != capture_cases[i].want) fail_msg("%s: %d", capture_cases[i].name, r);
        struct ledger_account_row row = account_row(world, number);
        assert_int_equal(row.posted_minor, r ? 100 : 30);
        assert_int_equal(row.held_minor, r ? 70 : 0);
        assert_int_equal(hold_state(world, hold.id), r ? LEDGER_HOLD_ACTIVE : LEDGER_HOLD_CONSUMED);
        if (!r) assert_int_equal(test_decide(world, capture_decide, &capture), LEDGER_E_HOLD); /* twice */
        if (!r) assert_int_equal(account_row(world, settlement).posted_minor, 70);
        books_are_clean(world, r ? 2 : 3);
    }
}

static const struct {
    const char *name;
    int64_t from, overdraft, to, amount;
    int want;
} post_cases[] = {
    { "within the balance", 100, 0, 0, 100, 0 },
    { "beyond the balance", 100, 0, 0, 101, LEDGER_E_FUNDS },
    { "into the overdraft", 100, 10, 0, 110, 0 },
    { "the receiver would overflow", 100, 0, INT64_MAX, 1, LEDGER_E_OVERFLOW },
    { "the largest amount", INT64_MAX, 0, 0, INT64_MAX, 0 },
};

/* spec: ledger/10, ledger/11 */
static void l1_a_posting_moves_money_or_nothing(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(post_cases); i++) {
        world_close(state);
        world_open(state);
        struct test_world *world = *state;
        int64_t from = account_make(world, "GBP", post_cases[i].overdraft, post_cases[i].from);
        struct opening receiver = { .currency = "GBP" };
        assert_int_equal(test_decide(world, opening_decide, &receiver), 0);
        if (post_cases[i].to) {
            struct ledger_posting fund = { ledger_internal_number(LEDGER_SUSPENSE, currency_of("GBP")),
                                           receiver.number,
                                           money_of("GBP", post_cases[i].to),
                                           LEDGER_FUND,
                                           { 0 } };
            assert_int_equal(test_decide(world, post_decide, &fund), 0);
        }
        struct ledger_posting posting = {
            from, receiver.number, money_of("GBP", post_cases[i].amount), LEDGER_TRANSFER, { 7 }
        };
        int r = test_decide(world, post_decide, &posting);
        if (r != post_cases[i].want) fail_msg("%s: %d", post_cases[i].name, r);
        assert_int_equal(account_row(world, from).posted_minor, post_cases[i].from - (r ? 0 : post_cases[i].amount));
        assert_int_equal(account_row(world, receiver.number).posted_minor,
                         post_cases[i].to + (r ? 0 : post_cases[i].amount));
        books_are_clean(world, -1);
    }
}

static void l3_every_entry_carries_the_balance_after_it(void **state) {
    struct test_world *world = *state;
    int64_t a = account_make(world, "GBP", 0, 1000), b = account_make(world, "GBP", 0, 0);
    static const int64_t amounts[] = { 1, 10, 100, 889 };
    for (size_t i = 0; i < ARRAY_COUNT(amounts); i++) {
        struct ledger_posting posting = { a, b, money_of("GBP", amounts[i]), LEDGER_TRANSFER, { 0 } };
        assert_int_equal(test_decide(world, post_decide, &posting), 0);
        if (i == 1) test_restart(world);
    }
    assert_int_equal(account_row(world, a).entry_count, 5);
    assert_int_equal(account_row(world, a).posted_minor, 0);
    struct ledger_entry_row entry, probe = { .number = 10 }; /* the last credit */
    assert_true(test_row(world, &ledger_entry_table, &probe, &entry));
    assert_int_equal(entry.account, b);
    assert_int_equal(entry.sequence, 4);
    assert_int_equal(entry.balance_after_minor, 1000);
    books_are_clean(world, 5);
}

/* spec: ledger/17 */
static void l6_entries_are_never_changed(void **state) {
    struct test_world *world = *state;
    (void)account_make(world, "GBP", 0, 1000);
    struct ledger_entry_row entry, probe = { .number = 1 };
    assert_true(test_row(world, &ledger_entry_table, &probe, &entry));
    for (int kind = STORE_UPDATE; kind <= STORE_DELETE; kind++) {
        struct store_change change = { &ledger_entry_table, (enum store_change_kind)kind, &entry };
        assert_int_equal(store_commit(world->store, &change, 1), STORE_E_UNDONE);
    }
}

/* spec: ledger/5 */
static void l2_currencies_are_kept_apart(void **state) {
    struct test_world *world = *state;
    int64_t pounds = account_make(world, "GBP", 0, 100), yen = account_make(world, "JPY", 0, 100);
    struct ledger_posting mixed = { pounds, yen, money_of("GBP", 1), LEDGER_TRANSFER, { 0 } };
    assert_int_equal(test_decide(world, post_decide, &mixed), LEDGER_E_CURRENCY);
    assert_int_not_equal(ledger_internal_number(LEDGER_FUNDING, currency_of("GBP")),
                         ledger_internal_number(LEDGER_FUNDING, currency_of("JPY")));
    assert_int_not_equal(ledger_internal_number(LEDGER_FUNDING, currency_of("GBP")),
                         ledger_internal_number(LEDGER_SUSPENSE, currency_of("GBP")));
    assert_int_equal(account_row(world, ledger_internal_number(LEDGER_FUNDING, currency_of("JPY"))).posted_minor, -100);
    books_are_clean(world, 2);
}

/* spec: ledger/10 */
static void holds_of_one_batch_do_not_slip_through_together(void **state) {
    struct test_world *world = *state;
    int64_t number = account_make(world, "GBP", 0, 100);
    struct holding holds[3] = { { number, { 1 }, money_of("GBP", 60) },
                                { number, { 2 }, money_of("GBP", 60) },
                                { number, { 3 }, money_of("GBP", 40) } };
    struct test_decision decisions[3];
    for (size_t i = 0; i < 3; i++) {
        decisions[i] = (struct test_decision){ .decide = hold_decide, .input = &holds[i] };
        test_submit(world, &decisions[i]);
    }
    assert_int_equal(engine_step(world->engine), 3);
    assert_int_equal(decisions[0].command.refusal, 0);
    assert_int_equal(decisions[1].command.refusal, LEDGER_E_FUNDS);
    assert_int_equal(decisions[2].command.refusal, 0);
    assert_int_equal(account_row(world, number).held_minor, 100);
    books_are_clean(world, 1);
}

static void sums_are_exact_beyond_int64(void **state) {
    (void)state;
    struct wide sum = { 0 };
    for (int i = 0; i < 3; i++) wide_add(&sum, INT64_MAX);
    assert_int_equal(wide_distance(&sum), INT64_MAX); /* larger than can be told */
    for (int i = 0; i < 3; i++) wide_add(&sum, -INT64_MAX);
    assert_int_equal(wide_distance(&sum), 0);
    wide_add(&sum, -5);
    assert_int_equal(wide_distance(&sum), 5);
    wide_add(&sum, INT64_MIN);
    assert_int_equal(wide_distance(&sum), INT64_MAX);
    wide_add(&sum, INT64_MAX);
    assert_int_equal(wide_distance(&sum), 6);
    assert_int_equal(distance_add(INT64_MAX, 1), INT64_MAX);
    struct account_sums sums = { 0 };
    struct account_sum *account;
    for (int64_t number = -2000; number < 3000; number++)
        assert_int_equal(account_sums_take(&sums, number, 1, &account), 0);
    assert_int_equal(sums.count, 5000);
    assert_int_equal(account_sums_take(&sums, -2000, 2, &account), 0);
    assert_int_equal(account->currency, 1); /* as met first */
    assert_int_equal(sums.count, 5000);
    account_sums_release(&sums);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(l5_holds_reserve_what_is_there),
        LEDGER_TEST(holds_need_their_account_and_its_currency),
        LEDGER_TEST(l4_a_hold_ends_once),
        LEDGER_TEST(a_capture_is_what_was_held),
        LEDGER_TEST(l1_a_posting_moves_money_or_nothing),
        LEDGER_TEST(l3_every_entry_carries_the_balance_after_it),
        LEDGER_TEST(l6_entries_are_never_changed),
        LEDGER_TEST(l2_currencies_are_kept_apart),
        LEDGER_TEST(holds_of_one_batch_do_not_slip_through_together),
        cmocka_unit_test(sums_are_exact_beyond_int64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
