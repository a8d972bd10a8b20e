/* ledger_hold_test.c - holds in parts and in time: ledger/12, 23, 24, 25, 26, 27 of the feature list. */
#include "services/ledger/ledger_test_world.h"

enum step_kind { RESERVE, CAPTURE, CAPTURE_LAST, RELEASE, INCREASE, EXTEND, EXPIRE };
struct step {
    enum step_kind kind;
    int64_t minor; /* EXTEND: ms from the beginning; 0: never */
    int64_t at_ms; /* when, from the beginning */
    int want;
};
struct stepping {
    const struct step *step;
    int64_t account, began_ms, expires_ms;
    struct ledger_receipt receipt;
};

static const uint8_t hold_id[16] = { 1 };

static int capture_step(struct work *work, struct stepping *stepping) {
    struct currency gbp = currency_of("GBP");
    const struct ledger_leg legs[] = {
        { stepping->account, LEDGER_DEBIT, { stepping->step->minor, gbp }, 0 },
        { ledger_internal_number(LEDGER_SETTLEMENT, gbp), LEDGER_CREDIT, { stepping->step->minor, gbp }, 0 },
    };
    struct ledger_order order = { .kind = LEDGER_ADJUSTMENT, .legs = legs, .leg_count = 2 };
    struct ledger_capture capture = { .hold_id = { 1 }, .final = stepping->step->kind == CAPTURE_LAST };
    return ledger_capture_order(work, &capture, &order, &stepping->receipt);
}

static int step_decide(struct work *work, void *input) {
    struct stepping *stepping = input;
    struct money amount = money_of("GBP", stepping->step->minor);
    struct ledger_reservation reservation = { .purpose = LEDGER_HOLD_FOR_OPERATOR,
                                              .account = stepping->account,
                                              .amount = amount,
                                              .hold_id = { 1 },
                                              .expires_ms = stepping->expires_ms };
    switch (stepping->step->kind) {
    case RESERVE:
        return ledger_reserve(work, &reservation);
    case CAPTURE:
    case CAPTURE_LAST:
        return capture_step(work, stepping);
    case RELEASE:
        return ledger_release(work, hold_id);
    case INCREASE:
        return ledger_hold_increase(work, hold_id, amount);
    case EXTEND:
        return ledger_hold_extend(work, hold_id,
                                  stepping->step->minor ? stepping->began_ms + stepping->step->minor : 0);
    case EXPIRE:
        return ledger_hold_expire(work, hold_id);
    }
    return TEST_FAULT;
}

enum { STEPS_MAX = 6 };
static const struct {
    const char *name;
    int64_t expires; /* ms from the beginning; 0: never */
    struct step steps[STEPS_MAX];
    size_t count;
    enum ledger_hold_state state;
    int64_t posted, held; /* of 1,000 */
} hold_cases[] = {
    { "23 reserve, then void", 0, { { RESERVE, 400, 0, 0 }, { RELEASE, 0, 0, 0 } }, 2, LEDGER_HOLD_RELEASED, 1000, 0 },
    { "23 reserve, then post", 0, { { RESERVE, 400, 0, 0 }, { CAPTURE, 400, 0, 0 } }, 2, LEDGER_HOLD_CONSUMED, 600, 0 },
    { "23 not more than is there",
      0,
      { { RESERVE, 400, 0, 0 }, { INCREASE, 601, 0, LEDGER_E_FUNDS } },
      2,
      LEDGER_HOLD_ACTIVE,
      1000,
      400 },
    { "24 a part, the rest stays",
      0,
      { { RESERVE, 400, 0, 0 }, { CAPTURE, 150, 0, 0 } },
      2,
      LEDGER_HOLD_ACTIVE,
      850,
      250 },
    { "24 a part, the rest goes back",
      0,
      { { RESERVE, 400, 0, 0 }, { CAPTURE_LAST, 150, 0, 0 } },
      2,
      LEDGER_HOLD_RELEASED,
      850,
      0 },
    { "24 not more than was reserved",
      0,
      { { RESERVE, 400, 0, 0 }, { CAPTURE, 401, 0, LEDGER_E_HOLD } },
      2,
      LEDGER_HOLD_ACTIVE,
      1000,
      400 },
    { "25 part after part",
      0,
      { { RESERVE, 400, 0, 0 }, { CAPTURE, 100, 0, 0 }, { CAPTURE, 100, 0, 0 }, { CAPTURE, 200, 0, 0 } },
      4,
      LEDGER_HOLD_CONSUMED,
      600,
      0 },
    { "25 not more than is left of it",
      0,
      { { RESERVE, 400, 0, 0 }, { CAPTURE, 300, 0, 0 }, { CAPTURE, 101, 0, LEDGER_E_HOLD }, { CAPTURE, 100, 0, 0 } },
      4,
      LEDGER_HOLD_CONSUMED,
      600,
      0 },
    { "25 release of the rest",
      0,
      { { RESERVE, 400, 0, 0 }, { CAPTURE, 300, 0, 0 }, { RELEASE, 0, 0, 0 } },
      3,
      LEDGER_HOLD_RELEASED,
      700,
      0 },
    { "25 nothing after the last",
      0,
      { { RESERVE, 400, 0, 0 }, { CAPTURE_LAST, 300, 0, 0 }, { CAPTURE, 1, 0, LEDGER_E_HOLD } },
      3,
      LEDGER_HOLD_RELEASED,
      700,
      0 },
    { "26 more, then all of it",
      0,
      { { RESERVE, 400, 0, 0 }, { INCREASE, 600, 0, 0 }, { CAPTURE, 1000, 0, 0 } },
      3,
      LEDGER_HOLD_CONSUMED,
      0,
      0 },
    { "26 more of what is released",
      0,
      { { RESERVE, 400, 0, 0 }, { RELEASE, 0, 0, 0 }, { INCREASE, 1, 0, LEDGER_E_HOLD } },
      3,
      LEDGER_HOLD_RELEASED,
      1000,
      0 },
    { "26 nothing more",
      0,
      { { RESERVE, 400, 0, 0 }, { INCREASE, 0, 0, LEDGER_E_AMOUNT } },
      2,
      LEDGER_HOLD_ACTIVE,
      1000,
      400 },
    { "27 one millisecond before",
      500,
      { { RESERVE, 400, 0, 0 }, { CAPTURE, 400, 499, 0 } },
      2,
      LEDGER_HOLD_CONSUMED,
      600,
      0 },
    { "27 at its time",
      500,
      { { RESERVE, 400, 0, 0 }, { CAPTURE, 400, 500, LEDGER_E_HOLD } },
      2,
      LEDGER_HOLD_ACTIVE,
      1000,
      400 },
    { "27 at its time, swept",
      500,
      { { RESERVE, 400, 0, 0 }, { EXPIRE, 0, 500, 0 } },
      2,
      LEDGER_HOLD_EXPIRED,
      1000,
      0 },
    { "27 swept too early", 500, { { RESERVE, 400, 0, 0 }, { EXPIRE, 0, 499, 0 } }, 2, LEDGER_HOLD_ACTIVE, 1000, 400 },
    { "27 one that never expires",
      0,
      { { RESERVE, 400, 0, 0 }, { EXPIRE, 0, 1 << 30, 0 } },
      2,
      LEDGER_HOLD_ACTIVE,
      1000,
      400 },
    { "27 the rest of a captured one",
      500,
      { { RESERVE, 400, 0, 0 }, { CAPTURE, 100, 10, 0 }, { EXPIRE, 0, 501, 0 }, { RELEASE, 0, 501, LEDGER_E_HOLD } },
      4,
      LEDGER_HOLD_EXPIRED,
      900,
      0 },
    { "26 extended",
      500,
      { { RESERVE, 400, 0, 0 }, { EXTEND, 900, 499, 0 }, { EXPIRE, 0, 500, 0 }, { CAPTURE, 400, 899, 0 } },
      4,
      LEDGER_HOLD_CONSUMED,
      600,
      0 },
    { "26 not once it is over",
      500,
      { { RESERVE, 400, 0, 0 }, { EXTEND, 900, 500, LEDGER_E_HOLD } },
      2,
      LEDGER_HOLD_ACTIVE,
      1000,
      400 },
    { "26 not into the past",
      500,
      { { RESERVE, 400, 0, 0 }, { EXTEND, 300, 300, LEDGER_E_HOLD } },
      2,
      LEDGER_HOLD_ACTIVE,
      1000,
      400 },
    { "26 extended for ever",
      500,
      { { RESERVE, 400, 0, 0 }, { EXTEND, 0, 499, 0 }, { EXPIRE, 0, 1 << 30, 0 } },
      3,
      LEDGER_HOLD_ACTIVE,
      1000,
      400 },
    { "26 given an end later",
      0,
      { { RESERVE, 400, 0, 0 }, { EXTEND, 500, 10, 0 }, { EXPIRE, 0, 500, 0 } },
      3,
      LEDGER_HOLD_EXPIRED,
      1000,
      0 },
};

static bool expiry_stands(struct test_world *world) {
    struct ledger_hold_expiry_row row, probe = { .hold_id = { 1 } };
    return test_row(world, &ledger_hold_expiry_table, &probe, &row);
}

/* spec: ledger/23, ledger/24, ledger/25, ledger/26, ledger/27 */
static void ledger_23_to_27_holds(void **state) {
    const int64_t began_ms = test_now_ms;
    for (size_t i = 0; i < ARRAY_COUNT(hold_cases); i++) {
        world_close(state);
        world_open(state);
        struct test_world *world = *state;
        test_now_ms = began_ms;
        int64_t number = account_make(world, "GBP", 0, 1000);
        struct stepping stepping = { .account = number,
                                     .began_ms = began_ms,
                                     .expires_ms = hold_cases[i].expires ? began_ms + hold_cases[i].expires : 0 };
        for (size_t j = 0; j < hold_cases[i].count; j++) {
            stepping.step = &hold_cases[i].steps[j];
            test_now_ms = began_ms + stepping.step->at_ms;
            int r = test_decide(world, step_decide, &stepping);
            if (r != stepping.step->want) fail_msg("%s: step %zu: %d", hold_cases[i].name, j, r);
            books_are_clean(world, -1);
        }
        struct ledger_account_row row = account_row(world, number);
        struct ledger_hold_row hold, probe = { .hold_id = { 1 } };
        assert_true(test_row(world, &ledger_hold_table, &probe, &hold));
        if (row.posted_minor != hold_cases[i].posted || row.held_minor != hold_cases[i].held ||
            hold.state != (int64_t)hold_cases[i].state)
            fail_msg("%s: %lld, %lld held, state %lld", hold_cases[i].name, (long long)row.posted_minor,
                     (long long)row.held_minor, (long long)hold.state);
        bool watched = hold.state == LEDGER_HOLD_ACTIVE && hold.expires_ms;
        if (expiry_stands(world) != watched) fail_msg("%s: watched or not", hold_cases[i].name);
    }
    test_now_ms = began_ms;
}

struct announcing {
    int64_t account, amount;
    uint8_t id[16];
};
static int announce_decide(struct work *work, void *input) {
    const struct announcing *announcing = input;
    struct ledger_reservation reservation = { .account = announcing->account,
                                              .side = LEDGER_CREDIT,
                                              .amount = money_of("GBP", announcing->amount) };
    memcpy(reservation.hold_id, announcing->id, 16);
    return ledger_reserve(work, &reservation);
}
static int arrive_decide(struct work *work, void *input) {
    const struct announcing *announcing = input;
    struct money amount = money_of("GBP", announcing->amount);
    const struct ledger_leg legs[] = {
        { ledger_internal_number(LEDGER_SETTLEMENT, amount.currency), LEDGER_DEBIT, amount, 0 },
        { announcing->account, LEDGER_CREDIT, amount, 0 },
    };
    struct ledger_order order = { .kind = LEDGER_ADJUSTMENT, .legs = legs, .leg_count = 2 };
    struct ledger_capture capture = { .final = true };
    memcpy(capture.hold_id, announcing->id, 16);
    return ledger_capture_order(work, &capture, &order, NULL);
}

/* spec: ledger/12 */
static void ledger_12_booked_pending_and_available_are_told_apart(void **state) {
    struct test_world *world = *state;
    int64_t number = account_make(world, "GBP", 200, 1000);
    struct announcing incoming = { number, 70, { 9 } };
    struct holding hold = { number, { 1 }, money_of("GBP", 300) };
    assert_int_equal(test_decide(world, announce_decide, &incoming), 0);
    assert_int_equal(test_decide(world, hold_decide, &hold), 0);
    struct ledger_account_row row = account_row(world, number);
    struct ledger_balances balances = ledger_balances_of(&row);
    assert_int_equal(balances.booked_minor, 1000);
    assert_int_equal(balances.held_minor, 300);
    assert_int_equal(balances.incoming_minor, 70);
    assert_int_equal(balances.available_minor, 900); /* what is announced cannot be spent */
    assert_int_equal(balances.expected_minor, 770);
    books_are_clean(world, 1);
    assert_int_equal(test_decide(world, arrive_decide, &incoming), 0);
    row = account_row(world, number);
    balances = ledger_balances_of(&row);
    assert_int_equal(balances.booked_minor, 1070);
    assert_int_equal(balances.incoming_minor, 0);
    books_are_clean(world, 2);
    struct ledger_account_row rich = { .posted_minor = INT64_MAX, .overdraft_minor = 5 };
    assert_int_equal(ledger_balances_of(&rich).available_minor, INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(ledger_23_to_27_holds),
        LEDGER_TEST(ledger_12_booked_pending_and_available_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
