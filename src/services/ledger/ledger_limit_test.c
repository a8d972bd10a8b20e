/* ledger_limit_test.c - floors, ceilings, overdrafts, frozen and closed accounts: ledger/10, 11, 19. */
#include "services/ledger/ledger_test_world.h"

struct changing {
    int64_t number, minor;
    struct ledger_limits limits;
};
static int overdraft_decide(struct work *work, void *input) {
    const struct changing *changing = input;
    return ledger_set_overdraft(work, changing->number, changing->minor);
}
static int limits_decide(struct work *work, void *input) {
    const struct changing *changing = input;
    return ledger_set_limits(work, changing->number, &changing->limits);
}
static int freeze_decide(struct work *work, void *input) {
    const struct changing *changing = input;
    return ledger_freeze(work, changing->number, changing->minor);
}
static int close_decide(struct work *work, void *input) {
    return ledger_close_account(work, ((const struct changing *)input)->number);
}

/* minor > 0: credits the account out of suspense; < 0: debits it into suspense. */
static int move(struct test_world *world, int64_t number, int64_t minor) {
    struct currency gbp = currency_of("GBP");
    int64_t suspense = ledger_internal_number(LEDGER_SUSPENSE, gbp);
    struct ledger_posting posting = { minor > 0 ? suspense : number,
                                      minor > 0 ? number : suspense,
                                      { minor > 0 ? minor : -minor, gbp },
                                      LEDGER_ADJUSTMENT,
                                      { 0 } };
    return test_decide(world, post_decide, &posting);
}

static const struct {
    const char *name;
    int64_t fund, held, overdraft, to;
    int want;
} overdraft_cases[] = {
    { "given", 100, 0, 0, 50, 0 },
    { "taken back unused", 100, 0, 50, 0, 0 },
    { "down to what holds use", 100, 130, 50, 30, 0 },
    { "below what holds use", 100, 130, 50, 29, LEDGER_E_FUNDS },
    { "below nothing", 100, 0, 50, -1, LEDGER_E_LIMIT },
    { "beyond the range", INT64_MAX, 0, 0, 1, LEDGER_E_OVERFLOW },
};

/* spec: ledger/11 */
static void ledger_11_an_overdraft_is_changed_but_not_below_its_use(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(overdraft_cases); i++) {
        world_close(state);
        world_open(state);
        struct test_world *world = *state;
        int64_t number = account_make(world, "GBP", overdraft_cases[i].overdraft, overdraft_cases[i].fund);
        struct holding hold = { number, { 1 }, money_of("GBP", overdraft_cases[i].held) };
        struct changing changing = { .number = number, .minor = overdraft_cases[i].to };
        if (hold.amount.minor) assert_int_equal(test_decide(world, hold_decide, &hold), 0);
        int r = test_decide(world, overdraft_decide, &changing);
        if (r != overdraft_cases[i].want) fail_msg("%s: %d", overdraft_cases[i].name, r);
        assert_int_equal(account_row(world, number).overdraft_minor,
                         r ? overdraft_cases[i].overdraft : overdraft_cases[i].to);
        books_are_clean(world, 1);
    }
    struct test_world *world = *state;
    struct changing none = { .number = 999, .minor = 5 },
                    own = { .number = ledger_internal_number(LEDGER_FUNDING, currency_of("GBP")), .minor = 5 };
    assert_int_equal(test_decide(world, overdraft_decide, &none), LEDGER_E_ACCOUNT);
    assert_int_equal(test_decide(world, overdraft_decide, &own), LEDGER_E_LIMIT); /* K2 */
}

static const struct {
    const char *name;
    struct ledger_limits limits;
    int64_t fund, overdraft;
    int want;
    int64_t change;
    int want_change;
} limit_cases[] = {
    { "a floor, kept", { true, false, 40, 0 }, 100, 0, 0, -60, 0 },
    { "a floor, passed", { true, false, 40, 0 }, 100, 0, 0, -61, LEDGER_E_FUNDS },
    { "a floor below nothing", { true, false, -40, 0 }, 100, 0, 0, -140, 0 },
    { "a floor below nothing, passed", { true, false, -40, 0 }, 100, 0, 0, -141, LEDGER_E_FUNDS },
    { "a floor above what is there", { true, false, 101, 0 }, 100, 0, LEDGER_E_LIMIT, 0, 0 },
    { "a floor beside an overdraft", { true, false, 40, 0 }, 100, 10, LEDGER_E_LIMIT, 0, 0 },
    { "a ceiling, kept", { false, true, 0, 150 }, 100, 0, 0, 50, 0 },
    { "a ceiling, passed", { false, true, 0, 150 }, 100, 0, 0, 51, LEDGER_E_CEILING },
    { "a ceiling hinders no debit", { false, true, 0, 150 }, 100, 0, 0, -100, 0 },
    { "a ceiling below what is there", { false, true, 0, 99 }, 100, 0, LEDGER_E_LIMIT, 0, 0 },
    { "both", { true, true, 40, 150 }, 100, 0, 0, 50, 0 },
    { "a floor above the ceiling", { true, true, 60, 50 }, 100, 0, LEDGER_E_LIMIT, 0, 0 },
    { "none", { false, false, 0, 0 }, 100, 0, 0, -101, LEDGER_E_FUNDS },
};

/* spec: ledger/10 */
static void ledger_10_floors_and_ceilings_are_kept(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(limit_cases); i++) {
        world_close(state);
        world_open(state);
        struct test_world *world = *state;
        int64_t number = account_make(world, "GBP", limit_cases[i].overdraft, limit_cases[i].fund);
        struct changing changing = { .number = number, .limits = limit_cases[i].limits };
        int r = test_decide(world, limits_decide, &changing);
        if (r != limit_cases[i].want) fail_msg("%s: %d", limit_cases[i].name, r);
        r = limit_cases[i].change ? move(world, number, limit_cases[i].change) : 0;
        if (r != limit_cases[i].want_change) fail_msg("%s: change %d", limit_cases[i].name, r);
        books_are_clean(world, -1);
    }
}

/* An asset grows by debits: its floor hinders credits. */
/* spec: ledger/8, ledger/10 */
static void ledger_10_the_floor_of_a_nostro_account(void **state) {
    struct test_world *world = *state;
    int64_t nostro = ledger_internal_number(LEDGER_NOSTRO, currency_of("GBP"));
    struct changing changing = { .number = nostro, .limits = { .has_floor = true, .floor_minor = 30 } };
    assert_int_equal(move(world, nostro, -100), 0);
    assert_int_equal(test_decide(world, limits_decide, &changing), 0);
    assert_int_equal(move(world, nostro, 71), LEDGER_E_FUNDS);
    assert_int_equal(move(world, nostro, 70), 0);
    assert_int_equal(account_row(world, nostro).posted_minor, -30);
    struct changing suspense = changing;
    suspense.number = ledger_internal_number(LEDGER_SUSPENSE, currency_of("GBP"));
    assert_int_equal(test_decide(world, limits_decide, &suspense), LEDGER_E_LIMIT); /* K2 */
    books_are_clean(world, 2);
}

/* Of one batch: each sees what the one before it left. */
/* spec: ledger/10 */
static void ledger_10_limits_hold_within_one_batch(void **state) {
    struct test_world *world = *state;
    struct currency gbp = currency_of("GBP");
    int64_t number = account_make(world, "GBP", 0, 100);
    struct ledger_posting postings[4];
    struct test_decision decisions[4];
    static const int wants[] = { 0, LEDGER_E_FUNDS, 0, LEDGER_E_FUNDS };
    static const int64_t amounts[] = { 60, 60, 40, 1 };
    for (size_t i = 0; i < 4; i++) {
        postings[i] = (struct ledger_posting){
            number, ledger_internal_number(LEDGER_SUSPENSE, gbp), { amounts[i], gbp }, LEDGER_ADJUSTMENT, { 0 }
        };
        decisions[i] = (struct test_decision){ .decide = post_decide, .input = &postings[i] };
        test_submit(world, &decisions[i]);
    }
    assert_int_equal(engine_step(world->engine), 4);
    for (size_t i = 0; i < 4; i++) assert_int_equal(decisions[i].command.refusal, wants[i]);
    books_are_clean(world, 3);
}

static const struct {
    const char *name;
    int64_t frozen;
    int debit, credit, hold;
} freeze_cases[] = {
    { "nothing", 0, 0, 0, 0 },
    { "debits", LEDGER_FROZEN_DEBITS, LEDGER_E_BLOCKED, 0, LEDGER_E_BLOCKED },
    { "credits", LEDGER_FROZEN_CREDITS, 0, LEDGER_E_BLOCKED, 0 },
    { "both", LEDGER_FROZEN_DEBITS | LEDGER_FROZEN_CREDITS, LEDGER_E_BLOCKED, LEDGER_E_BLOCKED, LEDGER_E_BLOCKED },
};

/* spec: ledger/19 */
static void ledger_19_a_frozen_side_takes_nothing_new(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(freeze_cases); i++) {
        world_close(state);
        world_open(state);
        struct test_world *world = *state;
        int64_t number = account_make(world, "GBP", 0, 100);
        struct holding before = { number, { 1 }, money_of("GBP", 30) }, after = { number, { 2 }, money_of("GBP", 5) };
        struct changing changing = { .number = number, .minor = freeze_cases[i].frozen };
        assert_int_equal(test_decide(world, hold_decide, &before), 0);
        assert_int_equal(test_decide(world, freeze_decide, &changing), 0);
        if (move(world, number, -5) != freeze_cases[i].debit) fail_msg("%s: debit", freeze_cases[i].name);
        if (move(world, number, 5) != freeze_cases[i].credit) fail_msg("%s: credit", freeze_cases[i].name);
        if (test_decide(world, hold_decide, &after) != freeze_cases[i].hold) fail_msg("%s: hold", freeze_cases[i].name);
        struct capturing capture = { { 1 },
                                     { number,
                                       ledger_internal_number(LEDGER_SETTLEMENT, currency_of("GBP")),
                                       money_of("GBP", 30),
                                       LEDGER_ADJUSTMENT,
                                       { 1 } } };
        assert_int_equal(test_decide(world, capture_decide, &capture), 0); /* L7: it stood before */
        changing.minor = 0;
        assert_int_equal(test_decide(world, freeze_decide, &changing), 0);
        assert_int_equal(move(world, number, -1), 0); /* thawed */
        books_are_clean(world, -1);
    }
}

/* spec: ledger/19 */
static void ledger_19_an_account_is_closed_empty_and_for_good(void **state) {
    struct test_world *world = *state;
    int64_t number = account_make(world, "GBP", 0, 100);
    struct changing changing = { .number = number };
    struct holding hold = { number, { 1 }, money_of("GBP", 100) };
    assert_int_equal(test_decide(world, close_decide, &changing), LEDGER_E_NOT_EMPTY);
    assert_int_equal(test_decide(world, hold_decide, &hold), 0);
    assert_int_equal(move(world, number, 1), 0);
    assert_int_equal(test_decide(world, release_decide, &hold), 0);
    assert_int_equal(move(world, number, -101), 0);
    assert_int_equal(test_decide(world, close_decide, &changing), 0);
    assert_int_equal(move(world, number, 1), LEDGER_E_BLOCKED);
    assert_int_equal(test_decide(world, close_decide, &changing), LEDGER_E_BLOCKED);
    assert_int_equal(test_decide(world, freeze_decide, &changing), LEDGER_E_BLOCKED);
    assert_int_equal(test_decide(world, overdraft_decide, &changing), LEDGER_E_BLOCKED);
    struct changing own = { .number = ledger_internal_number(LEDGER_FUNDING, currency_of("GBP")) };
    assert_int_equal(test_decide(world, close_decide, &own), LEDGER_E_LIMIT); /* K2 */
    assert_int_equal(test_decide(world, freeze_decide, &own), LEDGER_E_LIMIT);
    books_are_clean(world, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(ledger_11_an_overdraft_is_changed_but_not_below_its_use),
        LEDGER_TEST(ledger_10_floors_and_ceilings_are_kept),
        LEDGER_TEST(ledger_10_the_floor_of_a_nostro_account),
        LEDGER_TEST(ledger_10_limits_hold_within_one_batch),
        LEDGER_TEST(ledger_19_a_frozen_side_takes_nothing_new),
        LEDGER_TEST(ledger_19_an_account_is_closed_empty_and_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
