/* overlap_test.c - a batch decided while the one before it is in flight: f1, f2, f4 (flight.c), w5, w6 (work.h). The
 * writer takes its turn when the test says so; the last tests let it run as a thread. */
#include "engine/overlap_test_world.h"

/* ---- what the second sees ---- */

/* Coins 1 (10, label 1) and 2 (20, label 2) are there. w5: one row, one thing that the batch in flight did with it, and
 * one way of finding it. */
static const struct {
    const char *name;
    struct act first, second;
    int64_t seen; /* by the second */
    int64_t left; /* amount of coin .number of the second in the end, -1: absent */
    int refusal;  /* of the second */
    bool loads;   /* the second, what the first does not know */
} sight_cases[] = {
    { "changed",
      { .kind = ACT_ADD, .number = 1, .amount = 5 },
      { .kind = ACT_ADD, .number = 1, .amount = 3 },
      15,
      18,
      0,
      false },
    { "changed, by label",
      { .kind = ACT_ADD, .number = 1, .amount = 5 },
      { .kind = ACT_ADD_LABEL, .number = 1, .label = 1, .amount = 3 },
      15,
      18,
      0,
      false },
    { "made",
      { .kind = ACT_MAKE, .number = 3, .label = 33, .amount = 7 },
      { .kind = ACT_ADD, .number = 3, .amount = 1 },
      7,
      8,
      0,
      false },
    { "made, by label",
      { .kind = ACT_MAKE, .number = 3, .label = 33, .amount = 7 },
      { .kind = ACT_ADD_LABEL, .number = 3, .label = 33, .amount = 1 },
      7,
      8,
      0,
      false },
    { "gone",
      { .kind = ACT_REMOVE, .number = 1 },
      { .kind = ACT_ADD, .number = 1, .label = 1, .amount = 4 },
      -1,
      4,
      0,
      false },
    { "gone, by label",
      { .kind = ACT_REMOVE, .number = 1 },
      { .kind = ACT_ADD_LABEL, .number = 1, .label = 1, .amount = 4 },
      -1,
      -1,
      ACT_E_REFUSED,
      false },
    { "made twice",
      { .kind = ACT_REMOVE, .number = 1 },
      { .kind = ACT_MAKE, .number = 1, .label = 1, .amount = 9 },
      0,
      9,
      0,
      false },
    { "gone twice",
      { .kind = ACT_ADD, .number = 1, .amount = 5 },
      { .kind = ACT_REMOVE, .number = 1 },
      15,
      -1,
      0,
      false },
    { "not touched",
      { .kind = ACT_ADD, .number = 1, .amount = 5 },
      { .kind = ACT_ADD, .number = 2, .amount = 3 },
      20,
      23,
      0,
      true },
    { "only looked at",
      { .kind = ACT_LOOK, .number = 1 },
      { .kind = ACT_ADD, .number = 1, .amount = 3 },
      10,
      13,
      0,
      false },
    { "absent for both",
      { .kind = ACT_LOOK, .number = 5 },
      { .kind = ACT_ADD, .number = 5, .label = 5, .amount = 3 },
      -1,
      3,
      0,
      false },
    { "made and refused",
      { .kind = ACT_MAKE_REFUSED, .number = 1, .label = 99 },
      { .kind = ACT_ADD, .number = 1, .amount = 3 },
      10,
      13,
      0,
      true }, /* w6 */
};

/* spec: ledger/49 */
static void w5_the_second_sees_what_the_first_will_have_left(void **state) {
    struct world *world = *state;
    for (int cached = 0; cached < 2; cached++)
        for (size_t i = 0; i < ARRAY_COUNT(sight_cases); i++) {
            struct act first = sight_cases[i].first, second = sight_cases[i].second,
                       other = { .kind = ACT_ADD, .number = 50, .label = 50, .amount = 1 };
            there(world, 1, 10);
            there(world, 2, 20);
            if (!cached) restart(world); /* so that they must be loaded */
            uint64_t overlapped = told(world).overlapped;
            submit(world, &other, NULL); /* the first batch writes something in any case */
            fly_two(world, &first, &second);
            if (told(world).overlapped != overlapped + 1) fail_msg("%s: not overlapped", sight_cases[i].name);
            engine_settle(world->engine);
            bool loads = !cached && sight_cases[i].loads;
            if (second.decided != 1 + loads) fail_msg("%s: decided %d times", sight_cases[i].name, second.decided);
            if (second.seen != sight_cases[i].seen || second.command.refusal != sight_cases[i].refusal ||
                second.command.result != COMMAND_DONE || stored(world, second.number) != sight_cases[i].left)
                fail_msg("%s: seen %lld, left %lld, refusal %d", sight_cases[i].name, (long long)second.seen,
                         (long long)stored(world, second.number), second.command.refusal);
            assert_int_equal(told(world).voided, 0);
            engine_close(world->engine);
            store_close(world->store);
            store_memory_forget("overlap_test");
            open_all(world);
        }
}

/* w6: also within one batch, and by the label whose slot the insert took. */
static void w6_an_insert_that_came_to_nothing_says_nothing(void **state) {
    struct world *world = *state;
    struct act guess = { .kind = ACT_MAKE_REFUSED, .number = 1, .label = 2 },
               by_number = { .kind = ACT_LOOK, .number = 1 }, by_label = { .kind = ACT_LOOK_LABEL, .label = 2 };
    there(world, 1, 10);
    there(world, 2, 20);
    restart(world);
    submit(world, &guess, NULL);
    submit(world, &by_number, NULL);
    submit(world, &by_label, NULL);
    engine_step(world->engine);
    assert_int_equal(by_number.seen, 10);
    assert_int_equal(by_label.seen, 20);
}

/* w6: that it was free is known of the label also when the insert that took it was dropped. */
static void w6_what_was_known_stays_known(void **state) {
    struct world *world = *state;
    struct act make = { .kind = ACT_FIND_MAKE, .number = 5, .label = 5, .amount = 7 }, again = make;
    there(world, 1, 10);
    restart(world);
    submit(world, &make, NULL);
    again.number = 6;
    submit(world, &again, NULL);
    engine_step(world->engine);
    assert_int_equal(make.decided, 3);
    assert_int_equal(make.command.result, COMMAND_DONE);
    assert_int_equal(again.command.refusal, ACT_E_REFUSED);
    assert_int_equal(stored(world, 5), 7);
    assert_int_equal(stored(world, 6), -1);
}

static void the_second_goes_on_with_ids_numbers_and_the_chain(void **state) {
    struct world *world = *state;
    struct act draws[6];
    for (int i = 0; i < 6; i++) {
        draws[i] = (struct act){ .kind = ACT_DRAW, .number = 100 + i };
        submit(world, &draws[i], NULL);
        engine_advance(world->engine);
    }
    engine_settle(world->engine);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(draws[i].drawn, i + 1);
        assert_int_equal(draws[i].seq, i + 1);
        if (i) assert_true(memcmp(draws[i - 1].id, draws[i].id, 16) < 0);
    }
    assert_int_equal(told(world).overlapped, 5);
    chain_is_whole(world, 6);
    restart(world); /* and the next process takes it up */
    struct act draw = { .kind = ACT_DRAW, .number = 200 };
    submit(world, &draw, NULL);
    engine_step(world->engine);
    assert_int_equal(draw.drawn, 7);
    assert_true(memcmp(draws[5].id, draw.id, 16) < 0);
    chain_is_whole(world, 7);
}

/* spec: ledger/48 */
static void the_second_finds_the_firsts_key(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, again = first;
    submit(world, &first, "k");
    engine_advance(world->engine);
    submit(world, &again, "k");
    engine_advance(world->engine);
    engine_settle(world->engine);
    assert_int_equal(first.command.result, COMMAND_DONE);
    assert_int_equal(again.command.result, COMMAND_REPLAYED);
    assert_int_equal(told(world).overlapped, 1);
    assert_int_equal(stored(world, 1), 5);
}

/* ---- who hears what, and when ---- */

static struct act *flush_second;
static void flush_looks(void *ctx) {
    struct world *world = ctx;
    assert_int_equal(world->heard_count, world->committed_count); /* f2: one command a batch here */
    if (flush_second && world->committed_count == 0) assert_int_equal(flush_second->replied, 0);
}

/* spec: ledger/50 */
static void f2_each_hears_after_its_own_commit(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 },
               second = { .kind = ACT_ADD, .number = 1, .amount = 1 };
    flush_second = &second;
    store_memory_on_flush(world->store, flush_looks, world);
    fly_two(world, &first, &second);
    assert_int_equal(first.replied, 1);
    assert_int_equal(second.replied, 0); /* decided, and now itself in flight */
    assert_int_equal(stored(world, 1), 5);
    assert_true(engine_write(world->engine));
    assert_false(engine_write(world->engine)); /* once */
    assert_int_equal(stored(world, 1), 6);
    assert_int_equal(second.replied, 0);
    engine_settle(world->engine);
    assert_int_equal(second.replied, 1);
    assert_int_equal(world->committed_count, 2);
    assert_int_equal(world->committed[0], 1);
    assert_int_equal(world->committed[1], 2);
    store_memory_on_flush(world->store, NULL, NULL);
}

/* Only replays: nothing to write, and yet it must wait for the batch that it replays. */
static void f2_an_answer_without_a_commit_waits_for_the_one_before(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, again = first;
    submit(world, &first, "k");
    engine_advance(world->engine);
    store_memory_fault(world->store, STORE_FAULT_FULL, 0, 1);
    submit(world, &again, "k");
    engine_advance(world->engine);
    engine_settle(world->engine);
    assert_int_equal(first.command.result, COMMAND_UNAVAILABLE);
    assert_int_equal(again.command.result, COMMAND_DONE); /* not a replay of what never happened */
    assert_int_equal(stored(world, 1), 5);
}

static void write_within(struct act *act) {
    if (act->decided > 1) return;
    assert_true(engine_write(act->world->engine));
}
static struct act *heard_within;
static void heard_already(struct act *act) {
    (void)act;
    assert_int_equal(heard_within->replied, 1);
}

/* The batch in flight lands while the next is decided: its callers need not wait for the rest. */
static void the_first_is_answered_within_the_seconds_decision(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 },
               second = { .kind = ACT_ADD, .number = 1, .amount = 1, .within = write_within },
               third = { .kind = ACT_ADD, .number = 1, .amount = 2, .within = heard_already };
    submit(world, &first, NULL);
    engine_advance(world->engine);
    heard_within = &first;
    submit(world, &second, NULL);
    submit(world, &third, NULL);
    engine_advance(world->engine);
    assert_int_equal(first.replied, 1);
    engine_settle(world->engine);
    assert_int_equal(third.seen, 6);
    assert_int_equal(stored(world, 1), 8);
    assert_int_equal(told(world).overlapped, 1);
}

static void a_batch_waits_for_the_one_that_is_written_alone(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 };
    submit(world, &first, NULL);
    engine_advance(world->engine);
    assert_int_equal(engine_advance(world->engine), 0); /* nothing more to do: it is over */
    assert_int_equal(first.replied, 1);
}

/* ---- the load beside the writer ---- */

/* The second connection shows another state than the one that the batch in flight stands on: as a copy that was left
 * behind. Nothing of it is used. */
static void a_state_of_another_time_is_not_decided_on(void **state) {
    struct world *world = *state;
    struct {
        int64_t kind, value;
    } mark = { .kind = COUNTER_HEAD, .value = 12345 };
    const struct coin_row stale = { .number = 2, .label = 2, .amount = 99 };
    const struct store_change changes[] = { { .table = &engine_counter_table, .row = &mark, .kind = STORE_UPDATE },
                                            { .table = &coin_table, .row = &stale, .kind = STORE_UPDATE } };
    const struct coin_row fresh = { .number = 2, .label = 2, .amount = 20 };
    const struct store_change back = { .table = &coin_table, .row = &fresh, .kind = STORE_UPDATE };
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 },
               second = { .kind = ACT_ADD, .number = 2, .amount = 1 };
    there(world, 1, 10);
    there(world, 2, 20);
    restart(world);
    submit(world, &first, NULL);
    engine_advance(world->engine);
    assert_int_equal(store_commit(world->store, changes, ARRAY_COUNT(changes)), 0); /* what the reader sees */
    submit(world, &second, NULL);
    engine_advance(world->engine);
    engine_settle(world->engine);
    assert_int_equal(second.command.result, COMMAND_DONE);
    assert_int_equal(told(world).overlapped, 0);
    assert_int_equal(second.decided, 3); /* it asked; then behind the first's commit: asked again, and had its row */
    assert_int_equal(store_commit(world->store, &back, 1), 0);
}

/* ---- time ---- */

static void what_is_due_is_asked_for_when_nothing_is_in_flight(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, second = first;
    submit(world, &first, NULL);
    engine_advance(world->engine);
    world->due_ms = fake_now_ms; /* by now */
    submit(world, &second, NULL);
    engine_advance(world->engine);
    assert_int_equal(world->due_calls, 1);
    assert_int_equal(first.replied, 1);
    assert_int_equal(told(world).overlapped, 0);
    world->due_ms = INT64_MAX;
    engine_settle(world->engine);
}

static void the_time_goes_on_from_the_batch_in_flight(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, second = first;
    int64_t at_ms = fake_now_ms;
    submit(world, &first, NULL);
    engine_advance(world->engine);
    fake_now_ms -= 1000;
    submit(world, &second, NULL);
    engine_advance(world->engine);
    assert_int_equal(engine_time_ms(world->engine), at_ms);
    engine_settle(world->engine);
}

/* ---- the cache ---- */

static void make_many(struct world *world, int64_t *number, size_t count) {
    static struct act acts[ENGINE_BATCH_MAX];
    for (size_t i = 0; i < count; i++, ++*number) {
        acts[i] = (struct act){ .kind = ACT_MAKE, .number = *number, .label = *number };
        submit(world, &acts[i], NULL);
    }
}

/* A row that only the cache's old generation holds is used by the second batch; then the first one's rows fill the
 * young generation, and the old one is given up and written over. */
static void what_the_second_borrowed_outlives_the_caches_turn(void **state) {
    enum { TURN_ROWS = ROW_CACHE_ROWS / 4 * 3, BATCHES = 2 * ((TURN_ROWS + ENGINE_BATCH_MAX - 1) / ENGINE_BATCH_MAX) };
    struct world *world = *state;
    struct act look = { .kind = ACT_LOOK, .number = 1 }, again = look;
    int64_t number = 10;
    there(world, 1, 41);
    for (int i = 0; i < BATCHES; i++) {
        make_many(world, &number, ENGINE_BATCH_MAX);
        engine_advance(world->engine);
    }
    submit(world, &look, NULL); /* the second turn comes when the batch below it has landed */
    make_many(world, &number, 50);
    engine_advance(world->engine);
    assert_int_equal(look.decided, 1); /* it was in the cache */
    engine_settle(world->engine);
    submit(world, &again, NULL);
    engine_step(world->engine);
    assert_int_equal(again.decided, 1);
    assert_int_equal(again.seen, 41);
}

/* ---- with threads ---- */

static void open_with_threads(struct world *world) {
    engine_close(world->engine);
    world->store = store_close(world->store);
    world->threads = true;
    open_all(world);
}

enum { CALLERS = 3, CALLS = 400 };
struct caller {
    struct world *world;
    struct act acts[CALLS];
};
static void *caller_main(void *ctx) {
    struct caller *caller = ctx;
    for (int i = 0; i < CALLS; i++) {
        caller->acts[i] = (struct act){ .kind = ACT_ADD, .number = i % 7, .label = i % 7, .amount = 1 };
        submit(caller->world, &caller->acts[i], NULL);
    }
    return NULL;
}

static void threads_lose_nothing(void **state) {
    static struct caller callers[CALLERS];
    struct world *world = *state;
    pthread_t threads[CALLERS];
    int64_t sum = 0;
    open_with_threads(world);
    assert_int_equal(engine_start(world->engine), 0);
    for (int i = 0; i < CALLERS; i++) {
        callers[i].world = world;
        assert_int_equal(pthread_create(&threads[i], NULL, caller_main, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    engine_stop(world->engine);
    for (int i = 0; i < CALLERS; i++)
        for (int j = 0; j < CALLS; j++) {
            assert_int_equal(callers[i].acts[j].replied, 1);
            assert_int_equal(callers[i].acts[j].command.result, COMMAND_DONE);
        }
    for (int i = 0; i < 7; i++) sum += stored(world, i);
    assert_int_equal(sum, CALLERS * CALLS);
    chain_is_whole(world, told(world).journal_seq);
}

/* A flush that does not end before the next batch is being decided. */
static sem_t gate;
static void flush_waits(void *ctx) {
    (void)ctx;
    while (sem_wait(&gate) < 0) continue;
}
static void flush_may_end(struct act *act) {
    if (act->decided == 1) assert_int_equal(sem_post(&gate), 0);
}

enum { ROUNDS = 10, ROUND_COMMANDS = 40, ROUND_COINS = 5 };
static void advance_rounds(struct world *world, void (*within)(struct act *act)) {
    static struct act acts[ROUNDS][ROUND_COMMANDS];
    for (int i = 0; i < ROUNDS; i++) {
        for (int j = 0; j < ROUND_COMMANDS; j++) {
            int64_t coin = j % ROUND_COINS;
            acts[i][j] = (struct act){ .kind = ACT_ADD, .number = coin, .label = coin, .amount = 1 };
            if (i && !j) acts[i][j].within = within;
            submit(world, &acts[i][j], NULL);
        }
        engine_advance(world->engine);
    }
    if (within) assert_int_equal(sem_post(&gate), 0); /* the last */
    engine_settle(world->engine);
    for (int i = 0; i < ROUNDS; i++)
        for (int j = 0; j < ROUND_COMMANDS; j++) assert_int_equal(acts[i][j].command.result, COMMAND_DONE);
}

/* As `giro bench engine` drives it: batches worth a second thread, each over the one before. */
static void f1_the_writers_thread_commits_in_order(void **state) {
    struct world *world = *state;
    open_with_threads(world);
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    store_memory_on_flush(world->store, flush_waits, NULL);
    advance_rounds(world, flush_may_end);
    store_memory_on_flush(world->store, NULL, NULL);
    assert_int_equal(told(world).overlapped, ROUNDS - 1);
    store_memory_fault(world->store, STORE_FAULT_UNDONE, 1, 3);
    advance_rounds(world, NULL);
    for (int i = 0; i < ROUND_COINS; i++) assert_int_equal(stored(world, i), 2 * ROUNDS * ROUND_COMMANDS / ROUND_COINS);
    for (size_t i = 0; i < world->committed_count; i++) assert_int_equal(world->committed[i], i + 1);
    chain_is_whole(world, told(world).journal_seq);
    sem_destroy(&gate);
}

static void a_lone_command_is_committed_where_it_was_decided(void **state) {
    struct world *world = *state;
    struct act act = { .kind = ACT_ADD, .number = 1, .amount = 5 };
    open_with_threads(world);
    submit(world, &act, NULL);
    assert_int_equal(engine_advance(world->engine), 1);
    assert_int_equal(act.replied, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        OVERLAP_TEST(w5_the_second_sees_what_the_first_will_have_left),
        OVERLAP_TEST(w6_an_insert_that_came_to_nothing_says_nothing),
        OVERLAP_TEST(w6_what_was_known_stays_known),
        OVERLAP_TEST(the_second_goes_on_with_ids_numbers_and_the_chain),
        OVERLAP_TEST(the_second_finds_the_firsts_key),
        OVERLAP_TEST(f2_each_hears_after_its_own_commit),
        OVERLAP_TEST(f2_an_answer_without_a_commit_waits_for_the_one_before),
        OVERLAP_TEST(the_first_is_answered_within_the_seconds_decision),
        OVERLAP_TEST(a_batch_waits_for_the_one_that_is_written_alone),
        OVERLAP_TEST(a_state_of_another_time_is_not_decided_on),
        OVERLAP_TEST(what_is_due_is_asked_for_when_nothing_is_in_flight),
        OVERLAP_TEST(the_time_goes_on_from_the_batch_in_flight),
        OVERLAP_TEST(what_the_second_borrowed_outlives_the_caches_turn),
        OVERLAP_TEST(threads_lose_nothing),
        OVERLAP_TEST(f1_the_writers_thread_commits_in_order),
        OVERLAP_TEST(a_lone_command_is_committed_where_it_was_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
