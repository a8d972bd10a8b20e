/* payment_test.c - p1..p3: which status follows which, what the timeline keeps, when there is a reason. */
#include "services/payments/payment.h"

#include "engine/engine_test_world.h"

static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table, &payment_table };

static int world_open(void **state) {
    struct test_world *world = calloc(1, sizeof *world);
    world->options = (struct store_options){
        .ops = &store_memory_ops, .path = "payment_test", .tables = tables, .table_count = ARRAY_COUNT(tables)
    };
    test_open(world);
    *state = world;
    return 0;
}
static int world_close(void **state) {
    test_shut(*state);
    store_memory_forget("payment_test");
    free(*state);
    return 0;
}

struct change {
    uint8_t id[16];
    struct payment_change change;
    size_t timeline_count; /* of what was read */
    struct payment_step timeline[PAYMENT_TIMELINE_MAX];
};
static int create_decide(struct work *work, void *input) {
    struct payment_row row = {
        .debtor_number = 1, .creditor_name = STR("Jane Doe"), .amount_minor = 5, .currency = 'G' << 16 | 'B' << 8 | 'P'
    };
    int r = payment_create(work, &row);
    memcpy(((struct change *)input)->id, row.payment_id, 16);
    return r;
}
static int move_decide(struct work *work, void *input) {
    const struct change *change = input;
    return payment_move(work, change->id, &change->change);
}
static int approve_decide(struct work *work, void *input) {
    return payment_approve(work, ((const struct change *)input)->id);
}
static int timeline_decide(struct work *work, void *input) {
    struct change *change = input;
    const struct payment_row *row;
    int r = payment_get(work, change->id, &row);
    if (r) return r;
    change->timeline_count = payment_timeline(row->timeline, change->timeline);
    return 0;
}
static struct payment_row row_of(struct test_world *world, const struct change *change) {
    struct payment_row row = { 0 }, probe = { 0 };
    memcpy(probe.payment_id, change->id, 16);
    assert_true(test_row(world, &payment_table, &probe, &row));
    return row;
}

#define P PAYMENT_PENDING
#define U PAYMENT_UNKNOWN
#define C PAYMENT_COMPLETED
#define R PAYMENT_REJECTED
static const struct {
    const char *name;
    enum payment_status path[4];
    size_t count;
    int last;
} paths[] = {
    { "completed", { C }, 1, 0 },
    { "rejected", { R }, 1, 0 },
    { "unknown", { U }, 1, 0 },
    { "unknown, then completed", { U, C }, 2, 0 },
    { "unknown, then rejected", { U, R }, 2, 0 },
    { "pending again", { P }, 1, PAYMENT_E_FINAL },
    { "unknown again", { U, U }, 2, PAYMENT_E_FINAL },
    { "unknown, then pending", { U, P }, 2, PAYMENT_E_FINAL },
    { "completed twice", { C, C }, 2, PAYMENT_E_FINAL },
    { "completed, then rejected", { C, R }, 2, PAYMENT_E_FINAL },
    { "completed, then unknown", { C, U }, 2, PAYMENT_E_FINAL },
    { "rejected, then completed", { R, C }, 2, PAYMENT_E_FINAL },
    { "rejected, then unknown", { R, U }, 2, PAYMENT_E_FINAL },
    { "rejected twice", { R, R }, 2, PAYMENT_E_FINAL },
    { "by enquiry, then once more", { U, C, C }, 3, PAYMENT_E_FINAL },
};

/* spec: ledger/31 */
static void p1_final_is_final(void **state) {
    struct test_world *world = *state;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct change change = { 0 };
        assert_int_equal(test_decide(world, create_decide, &change), 0);
        int r = 0;
        for (size_t at = 0; at < paths[i].count; at++) {
            if (r) fail_msg("%s: refused too early", paths[i].name);
            change.change = (struct payment_change){ .status = paths[i].path[at] };
            if (change.change.status == PAYMENT_REJECTED) change.change.reason = PAYMENT_REASON_CORE_REFUSED;
            r = test_decide(world, move_decide, &change);
        }
        if (r != paths[i].last) fail_msg("%s: %d", paths[i].name, r);
        enum payment_status stands = r ? (paths[i].count > 1 ? paths[i].path[paths[i].count - 2] : PAYMENT_PENDING)
                                       : paths[i].path[paths[i].count - 1];
        assert_int_equal(row_of(world, &change).status, stands);
    }
}

static void p2_the_timeline_keeps_every_status(void **state) {
    struct test_world *world = *state;
    struct change change = { 0 };
    int64_t began_ms = test_now_ms;
    assert_int_equal(test_decide(world, create_decide, &change), 0);
    test_now_ms += 1000;
    change.change = (struct payment_change){ .status = PAYMENT_UNKNOWN };
    assert_int_equal(test_decide(world, move_decide, &change), 0);
    assert_int_equal(test_decide(world, move_decide, &change), PAYMENT_E_FINAL); /* a refusal leaves no trace in it */
    test_now_ms += 1000;
    change.change = (struct payment_change){ .status = PAYMENT_COMPLETED, .core_reference = STR("CORE1") };
    assert_int_equal(test_decide(world, move_decide, &change), 0);
    test_restart(world);
    assert_int_equal(test_decide(world, timeline_decide, &change), 0);
    static const enum payment_status wanted[] = { PAYMENT_PENDING, PAYMENT_UNKNOWN, PAYMENT_COMPLETED };
    assert_int_equal(change.timeline_count, ARRAY_COUNT(wanted));
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        assert_int_equal(change.timeline[i].status, wanted[i]);
        assert_int_equal(change.timeline[i].at_ms, began_ms + (int64_t)i * 1000);
    }
    assert_int_equal(row_of(world, &change).status_ms, began_ms + 2000);
    assert_int_equal(row_of(world, &change).created_ms, began_ms);
}

static void p3_only_rejected_has_a_reason(void **state) {
    struct test_world *world = *state;
    struct change completed = { .change = { .status = PAYMENT_COMPLETED } };
    struct change rejected = { .change = { .status = PAYMENT_REJECTED, .reason = PAYMENT_REASON_FRAUD } };
    assert_int_equal(test_decide(world, create_decide, &completed), 0);
    assert_string_equal(test_last_events(world), "PaymentInitiated");
    assert_int_equal(row_of(world, &completed).reason, PAYMENT_REASON_NONE);
    assert_int_equal(test_decide(world, approve_decide, &completed), 0);
    assert_string_equal(test_last_events(world), "PaymentApproved");
    assert_int_equal(test_decide(world, move_decide, &completed), 0);
    assert_string_equal(test_last_events(world), "PaymentCompleted");
    assert_int_equal(row_of(world, &completed).reason, PAYMENT_REASON_NONE);
    assert_int_equal(test_decide(world, create_decide, &rejected), 0);
    assert_int_equal(test_decide(world, move_decide, &rejected), 0);
    assert_string_equal(test_last_events(world), "PaymentRejected");
    assert_int_equal(row_of(world, &rejected).reason, PAYMENT_REASON_FRAUD);
}

static void what_is_not_there_is_absent(void **state) {
    struct change change = { .id = { 9 }, .change = { .status = PAYMENT_COMPLETED } };
    assert_int_equal(test_decide(*state, move_decide, &change), PAYMENT_E_ABSENT);
    assert_int_equal(test_decide(*state, approve_decide, &change), PAYMENT_E_ABSENT);
}

static const struct {
    const char *name, *bytes;
    size_t len, want;
} timelines[] = {
    { "empty", "", 0, 0 },
    { "one step", "\0\0\0\0\0\0\0\0\1", 9, 1 },
    { "a step cut short", "\0\0\0\0\0\0\0\0", 8, 0 },
    { "a status that is none", "\7\0\0\0\0\0\0\0\1", 9, 0 },
    { "two steps", "\0\0\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0\2", 18, 2 },
    { "a second that is none", "\0\0\0\0\0\0\0\0\1\7\0\0\0\0\0\0\0\2", 18, 0 },
};
static void malformed_timelines_are_empty(void **state) {
    struct payment_step steps[PAYMENT_TIMELINE_MAX];
    char long_one[9 * (PAYMENT_TIMELINE_MAX + 1)] = { 0 };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(timelines); i++) {
        size_t count = payment_timeline(str_from_bytes(timelines[i].bytes, timelines[i].len), steps);
        if (count != timelines[i].want) fail_msg("%s: %zu", timelines[i].name, count);
    }
    assert_int_equal(payment_timeline(str_from_bytes(long_one, sizeof long_one), steps), 0);
    assert_int_equal(payment_timeline(str_from_bytes(long_one, sizeof long_one - 9), steps), PAYMENT_TIMELINE_MAX);
}

#define PAYMENT_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        PAYMENT_TEST(p1_final_is_final),
        PAYMENT_TEST(p2_the_timeline_keeps_every_status),
        PAYMENT_TEST(p3_only_rejected_has_a_reason),
        PAYMENT_TEST(what_is_not_there_is_absent),
        cmocka_unit_test(malformed_timelines_are_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
