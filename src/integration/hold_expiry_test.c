/* hold_expiry_test.c - holds end exactly when they expire: ledger/27 with the engine's own `due`, and what becomes of a
 * payment whose account is frozen (ledger/19). */
#include "integration/hold_expiry.h"

#include "integration/bank_test_world.h"
#include "integration/books.h"
#include "services/ledger/ledger_period.h"

struct expiry_world {
    struct bank bank;
    struct hold_expiry *expiry;
};

static void on_followup(void *ctx, const struct followup *followup) {
    struct expiry_world *world = ctx;
    if (followup->kind == FOLLOWUP_HOLD_EXPIRY && world->expiry) hold_expiry_follow(world->expiry, followup);
}
static size_t on_due(void *ctx, int64_t now_ms, struct command **commands, size_t max) {
    return hold_expiry_due(((struct expiry_world *)ctx)->expiry, now_ms, commands, max);
}
static int64_t on_next(void *ctx) {
    return hold_expiry_next_ms(((struct expiry_world *)ctx)->expiry);
}
static void on_fault(void *ctx, const char *operation, int code) {
    (void)ctx;
    fail_msg("%s: %d", operation, code);
}

/* The bank's engine, opened again with its due. */
static void engine_reopen(struct expiry_world *world) {
    struct message message = { { 0 } };
    struct test_world *test = &world->bank.world;
    test->engine = engine_close(test->engine);
    world->expiry = hold_expiry_close(world->expiry);
    test->store = store_close(test->store);
    assert_int_equal(store_open(&test->options, &test->store, &message), 0);
    assert_int_equal(hold_expiry_open(test->store, on_fault, NULL, &world->expiry), 0);
    struct engine_options options = { .store = test->store,
                                      .encode_event = event_json_write,
                                      .on_followup = on_followup,
                                      .on_fault = on_fault,
                                      .due = on_due,
                                      .next_due_ms = on_next,
                                      .ctx = world,
                                      .now_ms = test_now };
    assert_int_equal(engine_open(&options, &test->engine, &message), 0);
    world->bank.integration.store = test->store;
    world->bank.integration.engine = test->engine;
}

static int world_open(void **state) {
    struct expiry_world *world = calloc(1, sizeof *world);
    bank_open(&world->bank, &store_memory_ops, "hold_expiry_test");
    engine_reopen(world);
    *state = world;
    return 0;
}
static int world_close(void **state) {
    struct expiry_world *world = *state;
    world->bank.world.engine = engine_close(world->bank.world.engine);
    world->expiry = hold_expiry_close(world->expiry);
    bank_shut(&world->bank);
    store_memory_forget("hold_expiry_test");
    free(world);
    return 0;
}

struct holding {
    int64_t account, minor, expires_ms;
    uint8_t id[16];
};
static int reserve_decide(struct work *work, void *input) {
    const struct holding *holding = input;
    struct ledger_reservation reservation = { .purpose = LEDGER_HOLD_FOR_OPERATOR,
                                              .account = holding->account,
                                              .amount = { holding->minor, bank_gbp() },
                                              .expires_ms = holding->expires_ms };
    memcpy(reservation.hold_id, holding->id, 16);
    return ledger_reserve(work, &reservation);
}
static int extend_decide(struct work *work, void *input) {
    const struct holding *holding = input;
    return ledger_hold_extend(work, holding->id, holding->expires_ms);
}
static int look_decide(struct work *work, void *input) {
    struct ledger_balances balances;
    int r = ledger_balances(work, ((const struct holding *)input)->account, &balances);
    if (!r) ((struct holding *)input)->minor = balances.held_minor;
    return r;
}
/* What a decision of this moment sees as held. */
static int64_t held_now(struct expiry_world *world, int64_t account) {
    struct holding look = { .account = account };
    assert_int_equal(test_decide(&world->bank.world, look_decide, &look), 0);
    return look.minor;
}

/* spec: ledger/27 */
static void ledger_27_no_decision_of_its_time_sees_the_hold(void **state) {
    struct expiry_world *world = *state;
    const int64_t began_ms = test_now_ms;
    struct bank_account account = { .fund_minor = 100 };
    bank_account_open(&world->bank, &account);
    struct holding first = { account.row.number, 30, began_ms + 1000, { 1 } },
                   second = { account.row.number, 20, began_ms + 2000, { 2 } },
                   whole = { account.row.number, 80, 0, { 3 } };
    assert_int_equal(test_decide(&world->bank.world, reserve_decide, &first), 0);
    assert_int_equal(test_decide(&world->bank.world, reserve_decide, &second), 0);
    assert_int_equal(hold_expiry_next_ms(world->expiry), began_ms + 1000);
    test_now_ms = began_ms + 999;
    assert_int_equal(held_now(world, account.row.number), 50);
    assert_int_equal(test_decide(&world->bank.world, reserve_decide, &whole), LEDGER_E_FUNDS);
    test_now_ms = began_ms + 1000;
    assert_int_equal(held_now(world, account.row.number), 20); /* in the very batch that ends it */
    engine_reopen(world);                                      /* the next process watches what is left */
    assert_int_equal(hold_expiry_next_ms(world->expiry), began_ms + 2000);
    second.expires_ms = began_ms + 5000;
    assert_int_equal(test_decide(&world->bank.world, extend_decide, &second), 0);
    test_now_ms = began_ms + 2000;
    assert_int_equal(held_now(world, account.row.number), 20); /* Y3: extended */
    test_now_ms = began_ms + 5000;
    assert_int_equal(test_decide(&world->bank.world, reserve_decide, &whole), 0); /* funds of the same moment */
    assert_int_equal(hold_expiry_next_ms(world->expiry), INT64_MAX);
    test_now_ms = began_ms;
}

/* More than one batch may end at a time: no decision of that time sees any of them. */
/* spec: ledger/27 */
static void ledger_27_many_holds_of_one_moment(void **state) {
    struct expiry_world *world = *state;
    const int64_t began_ms = test_now_ms;
    struct bank_account account = { .fund_minor = 100000 };
    bank_account_open(&world->bank, &account);
    for (int i = 0; i < ENGINE_DUE_MAX + 44; i++) {
        struct holding holding = {
            account.row.number, 1, began_ms + 1000, { (uint8_t)(i & 0xff), (uint8_t)(1 + i / 256) }
        };
        assert_int_equal(test_decide(&world->bank.world, reserve_decide, &holding), 0);
    }
    test_now_ms = began_ms + 1000;
    assert_int_equal(held_now(world, account.row.number), 0);
    test_now_ms = began_ms;
}

/* A payment that was sent waits for its outcome: its hold has no end. */
/* spec: ledger/27 */
static void ledger_27_a_sent_payment_keeps_its_hold(void **state) {
    struct expiry_world *world = *state;
    const int64_t began_ms = test_now_ms;
    struct bank_account account = { .fund_minor = 100 };
    bank_account_open(&world->bank, &account);
    struct bank_payment payment = { .debtor = &account, .amount_minor = 60 };
    bank_pay(&world->bank, &payment);
    assert_int_equal(bank_core_says(&world->bank, &payment, CORE_VERDICT_UNKNOWN), 0);
    test_now_ms = began_ms + INT64_C(1000) * 60 * 60 * 24 * 365;
    assert_int_equal(held_now(world, account.row.number), 60);
    assert_int_equal(bank_hold_state(&world->bank, &payment), LEDGER_HOLD_ACTIVE);
    assert_int_equal(hold_expiry_next_ms(world->expiry), INT64_MAX);
    test_now_ms = began_ms;
}

/* ---- what payments hear ---- */

struct freezing {
    int64_t number, frozen;
};
static int freeze_decide(struct work *work, void *input) {
    const struct freezing *freezing = input;
    return ledger_freeze(work, freezing->number, freezing->frozen);
}

static const struct {
    const char *name;
    bool on_us;
    int64_t debtor, creditor; /* what is frozen */
    enum payment_status status;
} blocked_cases[] = {
    { "nothing", true, 0, 0, PAYMENT_COMPLETED },
    { "the debtor's debits", true, LEDGER_FROZEN_DEBITS, 0, PAYMENT_REJECTED },
    { "the debtor's credits", true, LEDGER_FROZEN_CREDITS, 0, PAYMENT_COMPLETED },
    { "the creditor's credits", true, 0, LEDGER_FROZEN_CREDITS, PAYMENT_REJECTED },
    { "the creditor's debits", true, 0, LEDGER_FROZEN_DEBITS, PAYMENT_COMPLETED },
    { "the debtor's debits, to another bank", false, LEDGER_FROZEN_DEBITS, 0, PAYMENT_REJECTED },
};

/* spec: ledger/19 */
static void ledger_19_payments_hear_account_blocked(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(blocked_cases); i++) {
        world_close(state);
        world_open(state);
        struct expiry_world *world = *state;
        struct bank_account debtor = { .fund_minor = 100 }, creditor = { .fund_minor = 0 };
        bank_account_open(&world->bank, &debtor);
        bank_account_open(&world->bank, &creditor);
        struct freezing own = { debtor.row.number, blocked_cases[i].debtor },
                        other = { creditor.row.number, blocked_cases[i].creditor };
        assert_int_equal(test_decide(&world->bank.world, freeze_decide, &own), 0);
        assert_int_equal(test_decide(&world->bank.world, freeze_decide, &other), 0);
        struct bank_payment payment = { .debtor = &debtor,
                                        .creditor = blocked_cases[i].on_us ? &creditor : NULL,
                                        .amount_minor = 60 };
        bank_pay(&world->bank, &payment);
        struct payment_row row = bank_payment_row(&world->bank, &payment);
        bool rejected = blocked_cases[i].status == PAYMENT_REJECTED;
        if (row.status != (int64_t)blocked_cases[i].status)
            fail_msg("%s: %lld", blocked_cases[i].name, (long long)row.status);
        assert_int_equal(row.reason, rejected ? PAYMENT_REASON_ACCOUNT_BLOCKED : PAYMENT_REASON_NONE);
        struct ledger_account_row ledger = bank_ledger_row(&world->bank, debtor.row.number);
        assert_int_equal(ledger.posted_minor, rejected ? 100 : 40);
        assert_int_equal(ledger.held_minor, 0);
    }
}

/* Frozen after it was sent: the core has paid, the hold is honoured. */
/* spec: ledger/19 */
static void ledger_19_a_sent_payment_is_settled_from_a_frozen_account(void **state) {
    struct expiry_world *world = *state;
    struct bank_account account = { .fund_minor = 100 };
    bank_account_open(&world->bank, &account);
    struct bank_payment payment = { .debtor = &account, .amount_minor = 60 };
    bank_pay(&world->bank, &payment);
    struct freezing frozen = { account.row.number, LEDGER_FROZEN_DEBITS | LEDGER_FROZEN_CREDITS };
    assert_int_equal(test_decide(&world->bank.world, freeze_decide, &frozen), 0);
    assert_int_equal(bank_core_says(&world->bank, &payment, CORE_VERDICT_BOOKED), 0);
    assert_int_equal(bank_payment_row(&world->bank, &payment).status, PAYMENT_COMPLETED);
    assert_int_equal(bank_ledger_row(&world->bank, account.row.number).posted_minor, 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ledger_27_no_decision_of_its_time_sees_the_hold, world_open, world_close),
        cmocka_unit_test_setup_teardown(ledger_27_many_holds_of_one_moment, world_open, world_close),
        cmocka_unit_test_setup_teardown(ledger_27_a_sent_payment_keeps_its_hold, world_open, world_close),
        cmocka_unit_test_setup_teardown(ledger_19_payments_hear_account_blocked, world_open, world_close),
        cmocka_unit_test_setup_teardown(ledger_19_a_sent_payment_is_settled_from_a_frozen_account, world_open,
                                        world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
