/* store_memory_test.c - the failures that the memory adapter makes on order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_test_tables.h"

static const struct {
    const char *name;
    enum store_fault fault;
    uint32_t after, count;
    int want[4];        /* of four commits of one row each */
    bool there[4];      /* after the store was opened anew */
} fault_cases[] = {
    { "none",            STORE_FAULT_NONE,         0, 9, { 0, 0, 0, 0 },
      { true, true, true, true } },
    { "undone, once",    STORE_FAULT_UNDONE,       1, 1, { 0, STORE_E_UNDONE, 0, 0 },
      { true, false, true, true } },
    { "full, twice",     STORE_FAULT_FULL,         0, 2, { STORE_E_FULL, STORE_E_FULL, 0, 0 },
      { false, false, true, true } },
    { "unknown, lost",   STORE_FAULT_UNKNOWN_LOST, 1, 1, { 0, -EIO, -EIO, -EIO },
      { true, false, false, false } },
    { "unknown, kept",   STORE_FAULT_UNKNOWN_KEPT, 1, 1, { 0, -EIO, -EIO, -EIO },
      { true, true, false, false } },
    { "never: count 0",  STORE_FAULT_UNDONE,       0, 0, { 0, 0, 0, 0 },
      { true, true, true, true } },
};

static void y2_faults_come_as_told(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(fault_cases); i++) {
        struct world world;
        world_make(&world, &store_memory_ops, "/tmp");
        world_open(&world);
        store_memory_fault(world.store, fault_cases[i].fault, fault_cases[i].after, fault_cases[i].count);
        for (int64_t n = 0; n < 4; n++) {
            int r = commit_items(&world, n, n);
            if (r != fault_cases[i].want[n]) fail_msg("%s, commit %d: %d", fault_cases[i].name, (int)n, r);
            assert_int_equal(store_culprit(world.store), -1);
            assert_int_equal(store_has_item(&world, n), r == 0); /* an unknown one is not shown before the next open */
        }
        world.store = store_close(world.store);
        world_open(&world);
        for (int64_t n = 0; n < 4; n++)
            if (store_has_item(&world, n) != fault_cases[i].there[n])
                fail_msg("%s, row %d", fault_cases[i].name, (int)n);
        assert_int_equal(commit_items(&world, 10, 10), 0);
        world_drop(&world);
    }
}

/* A store that is away, or another's, says so at a load too; each answer counts. */
static void y2_what_is_gone_cannot_be_loaded(void **state) {
    static const struct {
        enum store_fault fault;
        int want;
    } cases[] = { { STORE_FAULT_AWAY, STORE_E_AWAY }, { STORE_FAULT_FENCED, STORE_E_FENCED } };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct world world;
        world_make(&world, &store_memory_ops, "/tmp");
        world_open(&world);
        struct item row = item_make(&world.arena, 1);
        struct store_probe probe = { .table = &item_table, .index = ITEM_BY_ID, .row = &row };
        store_memory_fault(world.store, cases[i].fault, 1, 2);
        assert_int_equal(store_load(world.store, &probe, 1, &world.arena), 0); /* not yet */
        assert_int_equal(commit_items(&world, 1, 1), 0);
        assert_int_equal(commit_items(&world, 2, 2), cases[i].want);
        assert_int_equal(store_load(world.store, &probe, 1, &world.arena), cases[i].want);
        assert_true(store_has_item(&world, 1));
        assert_false(store_has_item(&world, 2));
        assert_int_equal(commit_items(&world, 2, 2), 0);
        world_drop(&world);
    }
}

static void count_flush(void *ctx) {
    ++*(int *)ctx;
}

static void y2_a_flush_is_told_once_a_commit(void **state) {
    struct world world;
    int flushes = 0;
    (void)state;
    world_make(&world, &store_memory_ops, "/tmp");
    world_open(&world);
    store_memory_on_flush(world.store, count_flush, &flushes);
    assert_int_equal(commit_items(&world, 1, 1), 0);
    assert_int_equal(commit_items(&world, 1, 1), STORE_E_UNDONE); /* a row that is there: nothing is flushed */
    assert_int_equal(flushes, 1);
    store_memory_on_flush(world.store, NULL, NULL);
    assert_int_equal(commit_items(&world, 2, 2), 0);
    assert_int_equal(flushes, 1);
    world_drop(&world);
}

static void y2_without_a_name_nothing_stays(void **state) {
    (void)state;
    struct world world;
    world_make(&world, &store_memory_ops, "/tmp");
    world.options.path = NULL;
    world_open(&world);
    assert_int_equal(commit_items(&world, 1, 50), 0);
    world.store = store_close(world.store);
    world_open(&world);
    assert_false(store_has_item(&world, 1));
    world_drop(&world);
}

/* ---- several nodes ---- */

/* y3: two of one database; the second begins closed. */
struct two {
    struct world a, b; /* b borrows a's folder and name */
    struct store_lease lease;
};

static void two_open(struct two *two) {
    world_make(&two->a, &store_memory_ops, "/tmp");
    two->a.options.node = "a";
    two->a.options.node_address = "127.0.0.1:1";
    two->b = two->a;
    two->b.options.path = two->a.path;
    two->b.options.node = "b";
    two->b.options.node_address = NULL;
    assert_int_equal(arena_init(&two->b.arena, 64 * 1024, 16 * 1024 * 1024), 0);
    assert_int_equal(store_open(&two->a.options, &two->a.store, NULL), 0); /* neither takes the lease */
    assert_int_equal(store_open(&two->b.options, &two->b.store, NULL), 0);
}

static void two_drop(struct two *two) {
    two->b.store = store_close(two->b.store);
    arena_release(&two->b.arena);
    world_drop(&two->a);
}

static void y3_one_of_two_writes(void **state) {
    struct two two;
    (void)state;
    two_open(&two);
    assert_int_equal(store_lease_look(two.b.store, &two.lease), 0);
    assert_int_equal(two.lease.epoch, 0);
    assert_false(two.lease.alive);
    assert_int_equal(commit_items(&two.a, 1, 1), STORE_E_FENCED); /* nobody has it yet */
    assert_int_equal(store_lease_take(two.a.store, &two.lease), 0);
    assert_true(two.lease.ours && two.lease.alive);
    assert_int_equal(store_epoch(two.a.store), 1);
    assert_int_equal(commit_items(&two.a, 1, 1), 0);
    assert_true(store_has_item(&two.b, 1));
    assert_int_equal(store_lease_take(two.b.store, &two.lease), STORE_E_HELD);
    assert_string_equal(two.lease.node, "a");
    assert_string_equal(two.lease.address, "127.0.0.1:1");
    assert_false(two.lease.ours);
    assert_int_equal(commit_items(&two.b, 2, 2), STORE_E_FENCED);
    assert_int_equal(store_lease_take(two.a.store, &two.lease), 0); /* again: the same one */
    assert_int_equal(store_epoch(two.a.store), 1);
    two_drop(&two);
}

static void y3_the_lease_moves(void **state) {
    struct two two;
    (void)state;
    two_open(&two);
    assert_int_equal(store_lease_take(two.a.store, &two.lease), 0);
    store_memory_lease_expire(two.a.path);
    assert_int_equal(store_lease_look(two.b.store, &two.lease), 0);
    assert_false(two.lease.alive);
    assert_int_equal(store_lease_take(two.b.store, &two.lease), 0);
    assert_int_equal(store_epoch(two.b.store), 2);
    assert_int_equal(store_lease_renew(two.a.store), STORE_E_FENCED);
    assert_int_equal(commit_items(&two.a, 1, 1), STORE_E_FENCED); /* the old holder wakes up */
    assert_false(store_has_item(&two.b, 1));
    assert_int_equal(commit_items(&two.b, 2, 2), 0);
    store_lease_release(two.b.store);
    assert_int_equal(store_lease_take(two.a.store, &two.lease), 0); /* at once */
    assert_int_equal(store_epoch(two.a.store), 3);
    assert_true(store_has_item(&two.a, 2));
    two_drop(&two);
}

static void y3_a_holder_that_dies(void **state) {
    struct two two;
    (void)state;
    two_open(&two);
    assert_int_equal(store_lease_take(two.a.store, &two.lease), 0);
    store_memory_fault(two.a.store, STORE_FAULT_UNKNOWN_KEPT, 0, 1);
    assert_int_equal(commit_items(&two.a, 1, 1), -EIO);
    two.a.store = store_close(two.a.store);
    assert_int_equal(store_lease_take(two.b.store, &two.lease), STORE_E_HELD); /* it might only be slow */
    store_memory_lease_expire(two.a.path);
    assert_int_equal(store_lease_take(two.b.store, &two.lease), 0);
    assert_true(store_has_item(&two.b, 1));
    two_drop(&two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(y2_faults_come_as_told),
        cmocka_unit_test(y2_what_is_gone_cannot_be_loaded),
        cmocka_unit_test(y2_a_flush_is_told_once_a_commit),
        cmocka_unit_test(y2_without_a_name_nothing_stays),
        cmocka_unit_test(y3_one_of_two_writes),
        cmocka_unit_test(y3_the_lease_moves),
        cmocka_unit_test(y3_a_holder_that_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
