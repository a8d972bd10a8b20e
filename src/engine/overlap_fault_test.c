/* overlap_fault_test.c - the batch in flight fails, and with it what was decided over it: f3 (flight.c), e4. */
#include "engine/overlap_test_world.h"

/* ---- the first fails ---- */

static const struct {
    const char *name;
    enum store_fault fault;
    uint32_t count;
    enum command_result first, second;
    int64_t seen, left; /* by the second at last; in the end */
    int unknowns, fenced, faults;
} failure_cases[] = {
    { "undone once", STORE_FAULT_UNDONE, 1, COMMAND_DONE, COMMAND_DONE, 15, 16, 0, 0, 0 },
    { "undone twice: alone, it is the culprit", STORE_FAULT_UNDONE, 2, COMMAND_FAULT, COMMAND_DONE, 10, 11, 0, 0, 1 },
    { "undone three times", STORE_FAULT_UNDONE, 3, COMMAND_FAULT, COMMAND_DONE, 10, 11, 0, 0, 1 },
    { "undone for ever", STORE_FAULT_UNDONE, 1000, COMMAND_FAULT, COMMAND_FAULT, 10, 10, 0, 0, 2 },
    { "full once", STORE_FAULT_FULL, 1, COMMAND_UNAVAILABLE, COMMAND_DONE, 10, 11, 0, 0, 0 },
    { "full for ever", STORE_FAULT_FULL, 1000, COMMAND_UNAVAILABLE, COMMAND_UNAVAILABLE, 10, 10, 0, 0, 0 },
    { "away once", STORE_FAULT_AWAY, 1, COMMAND_UNAVAILABLE, COMMAND_DONE, 10, 11, 0, 0, 0 },
    { "away for ever", STORE_FAULT_AWAY, 1000, COMMAND_UNAVAILABLE, COMMAND_UNAVAILABLE, 15, 10, 0, 0, 0 },
    { "fenced for ever", STORE_FAULT_FENCED, 1000, COMMAND_UNAVAILABLE, COMMAND_UNAVAILABLE, 15, 10, 0, 2, 0 },
    { "unknown and lost", STORE_FAULT_UNKNOWN_LOST, 1, COMMAND_UNKNOWN, COMMAND_UNKNOWN, 15, 10, 1, 0, 0 },
    { "unknown and kept", STORE_FAULT_UNKNOWN_KEPT, 1, COMMAND_UNKNOWN, COMMAND_UNKNOWN, 15, 15, 1, 0, 0 },
};

/* spec: ledger/49 */
static void f3_what_was_decided_over_a_failed_batch_is_void(void **state) {
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_COUNT(failure_cases); i++) {
        struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 },
                   second = { .kind = ACT_ADD, .number = 1, .amount = 1 };
        there(world, 1, 10);
        world->unknowns = world->fenced = world->faults = 0;
        submit(world, &first, NULL);
        engine_advance(world->engine);
        store_memory_fault(world->store, failure_cases[i].fault, 0, failure_cases[i].count);
        submit(world, &second, NULL);
        engine_advance(world->engine);
        assert_int_equal(told(world).overlapped, 1);
        assert_int_equal(told(world).voided, 1);
        engine_settle(world->engine);
        store_memory_fault(world->store, STORE_FAULT_NONE, 0, 0);
        if (first.command.result != failure_cases[i].first || second.command.result != failure_cases[i].second ||
            first.replied != 1 || second.replied != 1 || second.seen != failure_cases[i].seen)
            fail_msg("%s: %d, %d, seen %lld", failure_cases[i].name, first.command.result, second.command.result,
                     (long long)second.seen);
        if (world->unknowns != failure_cases[i].unknowns || world->fenced != failure_cases[i].fenced ||
            world->faults != failure_cases[i].faults)
            fail_msg("%s: unknown %d, fenced %d, faults %d", failure_cases[i].name, world->unknowns, world->fenced,
                     world->faults);
        assert_ptr_equal(world->heard[0], &first); /* in the order of the queue */
        restart(world);
        if (stored(world, 1) != failure_cases[i].left)
            fail_msg("%s: left %lld", failure_cases[i].name, (long long)stored(world, 1));
        engine_close(world->engine);
        store_close(world->store);
        store_memory_forget("overlap_test");
        open_all(world);
    }
}

/* A culprit among others in the batch in flight; the next was decided over all of them. */
static void f3_the_culprit_is_found_and_the_second_never_saw_it(void **state) {
    enum { COUNT = 5, CULPRIT = 3 };
    struct world *world = *state;
    struct act firsts[COUNT], second = { .kind = ACT_ADD, .number = 10 + CULPRIT, .label = 10 + CULPRIT, .amount = 1 };
    there(world, 777, 0);
    restart(world); /* the set has not seen it */
    for (int i = 0; i < COUNT; i++) {
        firsts[i] = (struct act){ .kind = i == CULPRIT ? ACT_MAKE_CLASH : ACT_MAKE, .number = 10 + i, .label = 10 + i };
        submit(world, &firsts[i], NULL);
    }
    engine_advance(world->engine);
    submit(world, &second, NULL);
    engine_advance(world->engine);
    engine_settle(world->engine);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(firsts[i].replied, 1);
        assert_int_equal(firsts[i].command.result, i == CULPRIT ? COMMAND_FAULT : COMMAND_DONE);
    }
    assert_int_equal(second.seen, -1); /* in the end; first it saw the coin */
    assert_int_equal(stored(world, 10 + CULPRIT), 1);
    assert_int_equal(world->faults, 1);
    chain_is_whole(world, (int64_t)told(world).journal_seq);
}

/* Every n-th commit fails, for every n: nothing is lost, nothing counts twice, the chain stays whole. */
static void f3_failing_nth_commits(void **state) {
    enum { BATCHES = 6, NTH_MAX = 9 };
    struct world *world = *state;
    for (uint32_t nth = 0; nth < NTH_MAX; nth++)
        for (uint32_t times = 1; times <= 2; times++) {
            struct act acts[BATCHES][2];
            store_memory_fault(world->store, STORE_FAULT_UNDONE, nth, times);
            for (int64_t i = 0; i < BATCHES; i++) {
                for (int j = 0; j < 2; j++) {
                    acts[i][j] = (struct act){ .kind = ACT_ADD, .number = 1, .label = 1, .amount = 1 };
                    submit(world, &acts[i][j], NULL);
                }
                engine_advance(world->engine);
            }
            engine_settle(world->engine);
            store_memory_fault(world->store, STORE_FAULT_NONE, 0, 0);
            int64_t done = 0;
            for (int i = 0; i < BATCHES; i++)
                for (int j = 0; j < 2; j++) {
                    assert_int_equal(acts[i][j].replied, 1);
                    assert_int_equal(acts[i][j].command.result, COMMAND_DONE);
                    done++;
                }
            assert_int_equal(done, stored(world, 1));
            chain_is_whole(world, told(world).journal_seq);
            engine_close(world->engine);
            store_close(world->store);
            store_memory_forget("overlap_test");
            open_all(world);
        }
}

static void notes_of_a_void_batch_are_kept(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, second = { .kind = ACT_LOOK, .number = 1 };
    submit(world, &first, NULL);
    engine_advance(world->engine);
    store_memory_fault(world->store, STORE_FAULT_UNDONE, 0, 1);
    engine_note(world->engine, STR("{\"read\":1}"));
    submit(world, &second, NULL);
    engine_advance(world->engine);
    engine_settle(world->engine);
    assert_int_equal(told(world).journal_seq, 2); /* the second batch wrote nothing but the note */
    assert_int_equal(told(world).voided, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        OVERLAP_TEST(f3_what_was_decided_over_a_failed_batch_is_void),
        OVERLAP_TEST(f3_the_culprit_is_found_and_the_second_never_saw_it),
        OVERLAP_TEST(f3_failing_nth_commits),
        OVERLAP_TEST(notes_of_a_void_batch_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
