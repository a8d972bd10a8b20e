/* gather_test.c - while many call, a batch waits for more commands (E7 of engine.h). */
#include "engine/overlap_test_world.h"

#include "engine/engine_int.h"
#include "platform/clock.h"

enum { AFTER_NS = 1000, QUIET_MS = 200 };

static void e7_only_behind_many_and_only_for_a_while(void **state) {
    static const struct {
        size_t last_count, queued;
        bool stopping, waits;
    } cases[] = {
        { ENGINE_GATHER_MIN, 0, false, true },
        { ENGINE_GATHER_MIN, 1, false, true },
        { ENGINE_GATHER_MIN, ENGINE_GATHER_FULL - 1, false, true },
        { ENGINE_GATHER_MIN, ENGINE_GATHER_FULL, false, false }, /* enough are there */
        { ENGINE_GATHER_MIN - 1, 1, false, false },              /* few call */
        { 1, 1, false, false },
        { 0, 1, false, false }, /* there was nothing to do */
        { ENGINE_GATHER_MIN, 1, true, false },
    };
    struct engine *engine = calloc(1, sizeof *engine);
    (void)state;
    assert_non_null(engine);
    engine->began_ns = AFTER_NS;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        engine->last_count = cases[i].last_count;
        engine->queued = cases[i].queued;
        engine->stopping = cases[i].stopping;
        int64_t until_ns = cases[i].waits ? AFTER_NS + ENGINE_GATHER_NS : 0;
        if (engine_gathers_until_ns(engine) != until_ns) fail_msg("case %zu", i);
    }
    free(engine);
}

/* Flushes stand still while holding. */
static atomic_bool holding;
static sem_t reached, gate, answered;
static void flush_holds(void *ctx) {
    (void)ctx;
    if (!atomic_load(&holding)) return;
    assert_int_equal(sem_post(&reached), 0);
    while (sem_wait(&gate) < 0) continue;
}

static void tell(struct command *command) {
    act_on_reply(command);
    assert_int_equal(sem_post(&answered), 0);
}

static void call(struct world *world, struct act *acts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        acts[i] = (struct act){ .kind = ACT_ADD, .number = 1, .label = 1, .amount = 1, .world = world };
        acts[i].command = (struct command){ .kind = &act_kind, .input = &acts[i], .owner = &acts[i], .on_reply = tell };
        assert_int_equal(engine_submit(world->engine, &acts[i].command), 0);
    }
}

static void hear(size_t count) {
    for (size_t i = 0; i < count; i++)
        while (sem_wait(&answered) < 0) continue;
}

/* Nobody is answered for QUIET_MS; an engine that does not wait answers in far less. */
static void hear_nothing(void) {
    struct timespec until = clock_mono_after(QUIET_MS);
    int r;
    while ((r = sem_clockwait(&answered, CLOCK_MONOTONIC, &until)) < 0 && errno == EINTR) continue;
    assert_true(r < 0 && errno == ETIMEDOUT);
}

/* A running engine whose newest batch was one of ENGINE_GATHER_MIN commands, all answered; the next batch waits for an
 * hour. The first of acts is alone in its batch: the others come while it is flushed. */
static void gather_for_an_hour(struct world *world, struct act acts[1 + ENGINE_GATHER_MIN]) {
    engine_close(world->engine);
    world->store = store_close(world->store);
    world->threads = true;
    open_all(world);
    assert_int_equal(sem_init(&reached, 0, 0) | sem_init(&gate, 0, 0) | sem_init(&answered, 0, 0), 0);
    atomic_store(&holding, true);
    store_memory_on_flush(world->store, flush_holds, NULL);
    assert_int_equal(engine_start(world->engine), 0);
    call(world, acts, 1);
    while (sem_wait(&reached) < 0) continue;
    call(world, acts + 1, ENGINE_GATHER_MIN);
    assert_int_equal(sem_post(&gate), 0);
    while (sem_wait(&reached) < 0) continue;
    pthread_mutex_lock(&world->engine->lock);
    world->engine->began_ns += INT64_C(3600) * 1000 * 1000 * 1000;
    pthread_mutex_unlock(&world->engine->lock);
    atomic_store(&holding, false);
    assert_int_equal(sem_post(&gate), 0);
    hear(1 + ENGINE_GATHER_MIN); /* what is committed is answered before */
}

static void gather_over(struct world *world) {
    engine_stop(world->engine);
    store_memory_on_flush(world->store, NULL, NULL);
    assert_int_equal(sem_destroy(&reached) | sem_destroy(&gate) | sem_destroy(&answered), 0);
}

static void e7_commands_come_together(void **state) {
    static struct act first[1 + ENGINE_GATHER_MIN], more[ENGINE_GATHER_FULL];
    struct world *world = *state;
    gather_for_an_hour(world, first);
    uint64_t batches = told(world).batches;
    call(world, more, ENGINE_GATHER_FULL - 1);
    hear_nothing();
    call(world, more + ENGINE_GATHER_FULL - 1, 1);
    hear(ENGINE_GATHER_FULL);
    gather_over(world);
    assert_int_equal(told(world).batches, batches + 1);
    assert_int_equal(stored(world, 1), 1 + ENGINE_GATHER_MIN + ENGINE_GATHER_FULL);
}

static void e7_an_end_does_not_wait_for_more(void **state) {
    static struct act first[1 + ENGINE_GATHER_MIN], more[3];
    struct world *world = *state;
    gather_for_an_hour(world, first);
    call(world, more, ARRAY_COUNT(more));
    gather_over(world);
    for (size_t i = 0; i < ARRAY_COUNT(more); i++) assert_int_equal(more[i].replied, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        OVERLAP_TEST(e7_only_behind_many_and_only_for_a_while),
        OVERLAP_TEST(e7_commands_come_together),
        OVERLAP_TEST(e7_an_end_does_not_wait_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
