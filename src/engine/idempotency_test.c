/* idempotency_test.c - k1 to k3: how long an answer stands under its key, and what the sweep leaves; the time is the
 * test's. */
#include "engine/idempotency.h"

#include "engine/engine_test_world.h"
#include "engine/key_sweep.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define DAY_MS (24 * HOUR_MS)
#define MONTHS_MS (396 * DAY_MS)

static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table };
static struct key_sweeper sweeper;

static int world_open(void **state) {
    struct test_world *world = calloc(1, sizeof *world);
    test_now_ms = 20000 * DAY_MS + 10 * HOUR_MS;
    sweeper = (struct key_sweeper){ 0 };
    world->options = (struct store_options){
        .ops = &store_memory_ops, .path = "idempotency_test", .tables = tables, .table_count = ARRAY_COUNT(tables)
    };
    test_open(world);
    *state = world;
    return 0;
}
static int world_close(void **state) {
    test_shut(*state);
    store_memory_forget("idempotency_test");
    free(*state);
    return 0;
}

/* ---- a command that says how often it was decided ---- */

static int decisions;
static int count_decide(struct work *work, struct command *command) {
    struct view view = view_of(work, "engine");
    command->answer = arena_printf(view_arena(&view), "decision %d", ++decisions);
    return 0;
}
static const struct command_kind count_kind = { .name = "count", .decide = count_decide };
static char said[32];
static void count_on_reply(struct command *command) {
    assert_true(command->answer.len < sizeof said);
    if (command->answer.len) memcpy(said, command->answer.at, command->answer.len);
    said[command->answer.len] = 0;
}

/* What it was answered under the key, alone in a batch. */
static enum command_result ask(struct test_world *world, const char *key, int64_t keep_ms, char body) {
    struct command command = { .kind = &count_kind, .on_reply = count_on_reply };
    command.idempotency = (struct idempotency){ .present = true, .fingerprint = sha256(&body, 1), .keep_ms = keep_ms };
    idempotency_key(STR("client"), STR("POST"), STR("/count"), str_from_c(key), command.idempotency.key);
    said[0] = 0;
    assert_int_equal(engine_submit(world->engine, &command), 0);
    engine_step(world->engine);
    return command.result;
}

/* Runs the plans until nothing is left to do; how many there were. */
static int sweep_all(struct test_world *world) {
    struct reader reader;
    struct arena arena;
    struct key_sweep plan;
    bool more;
    int plans = 0;
    assert_int_equal(arena_init(&arena, 4096, 1 << 22), 0);
    assert_int_equal(reader_open(world->store, &reader), 0);
    for (;; plans++) {
        assert_int_equal(key_sweep_plan(&sweeper, &reader, &arena, test_now_ms, &plan, &more), 0);
        if (!more) break;
        assert_true(plans < 100);
        assert_int_equal(test_command(world, &key_sweep_kind, &plan), 0);
    }
    reader_close(&reader);
    arena_release(&arena);
    return plans;
}

struct days {
    int64_t at[8];
    size_t count;
};
static int keep_day(void *ctx, const void *row) {
    struct days *days = ctx;
    assert_true(days->count < ARRAY_COUNT(days->at));
    days->at[days->count++] = ((const struct key_row *)row)->day;
    return 0;
}
static int count_row(void *ctx, const void *row) {
    (void)row;
    ++*(size_t *)ctx;
    return 0;
}

/* The days of all keys that are there; there must be one answer for each. */
static struct days days_left(struct test_world *world) {
    struct days days = { .count = 0 };
    struct reader reader;
    struct arena arena;
    size_t answers = 0;
    struct store_range keys = { .table = &engine_key_table, .limit = 100 },
                       rows = { .table = &engine_answer_table, .limit = 100 };
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    assert_int_equal(reader_open(world->store, &reader), 0);
    assert_int_equal(read_range(&reader, &keys, &arena, keep_day, &days), 0);
    assert_int_equal(read_range(&reader, &rows, &arena, count_row, &answers), 0);
    assert_int_equal(answers, days.count);
    reader_close(&reader);
    arena_release(&arena);
    return days;
}

/* ---- k1 ---- */

/* spec: ledger/46, ledger/47 */
static void k1_an_answer_stands_to_the_millisecond(void **state) {
    static const struct {
        int64_t keep_ms, later_ms;
        bool sweeps;
        enum command_result result;
    } rows[] = {
        { DAY_MS, 0, false, COMMAND_REPLAYED },
        { DAY_MS, DAY_MS - 1, false, COMMAND_REPLAYED },
        { DAY_MS, DAY_MS, false, COMMAND_DONE },
        { DAY_MS, DAY_MS - 1, true, COMMAND_REPLAYED },
        { DAY_MS, DAY_MS, true, COMMAND_DONE },
        { 10, 9, false, COMMAND_REPLAYED },
        { 10, 10, false, COMMAND_DONE }, /* its rows of the same day make room */
        { MONTHS_MS, 5 * DAY_MS, false, COMMAND_REPLAYED },
        { MONTHS_MS, 5 * DAY_MS, true, COMMAND_REPLAYED },
        { MONTHS_MS, MONTHS_MS - 1, true, COMMAND_REPLAYED },
        { MONTHS_MS, MONTHS_MS, true, COMMAND_DONE },
        { 0, 4000 * DAY_MS, true, COMMAND_REPLAYED }, /* for ever */
        { INT64_MAX, 4000 * DAY_MS, true, COMMAND_REPLAYED },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char key[16], first[32];
        (void)snprintf(key, sizeof key, "key-%zu", i);
        assert_int_equal(ask(*state, key, rows[i].keep_ms, 'a'), COMMAND_DONE);
        memcpy(first, said, sizeof first);
        test_now_ms += rows[i].later_ms;
        if (rows[i].sweeps) sweep_all(*state);
        print_message("row %zu\n", i);
        assert_int_equal(ask(*state, key, rows[i].keep_ms, 'a'), rows[i].result);
        assert_int_equal(strcmp(said, first) == 0, rows[i].result == COMMAND_REPLAYED);
        assert_int_equal(ask(*state, key, rows[i].keep_ms, 'a'), COMMAND_REPLAYED); /* and from now on */
        assert_int_equal(ask(*state, key, rows[i].keep_ms, 'b'), COMMAND_KEY_REUSED);
    }
}

static void k1_after_expiry_the_key_is_free_for_another_request(void **state) {
    assert_int_equal(ask(*state, "k", HOUR_MS, 'a'), COMMAND_DONE);
    assert_int_equal(ask(*state, "k", HOUR_MS, 'b'), COMMAND_KEY_REUSED);
    test_now_ms += HOUR_MS;
    assert_int_equal(ask(*state, "k", HOUR_MS, 'b'), COMMAND_DONE);
    assert_int_equal(days_left(*state).count, 1); /* the same day's row, and one answer */
    test_now_ms += DAY_MS;
    assert_int_equal(ask(*state, "k", 0, 'c'), COMMAND_DONE); /* yesterday's is still there, expired */
    assert_int_equal(days_left(*state).count, 2);
    assert_int_equal(ask(*state, "k", 0, 'c'), COMMAND_REPLAYED);
}

static void k1_an_expired_key_among_the_long_kept_makes_room(void **state) {
    assert_int_equal(ask(*state, "k", 3 * DAY_MS, 'a'), COMMAND_DONE);
    test_now_ms += 2 * DAY_MS;
    sweep_all(*state);
    assert_int_equal(days_left(*state).at[0], KEY_DAY_LONG);
    test_now_ms += DAY_MS;
    assert_int_equal(ask(*state, "k", MONTHS_MS, 'b'), COMMAND_DONE);
    test_now_ms += 2 * DAY_MS; /* the sweep of its day finds the expired one in its place */
    sweep_all(*state);
    struct days days = days_left(*state);
    assert_int_equal(days.count, 1);
    assert_int_equal(days.at[0], KEY_DAY_LONG);
    assert_int_equal(ask(*state, "k", MONTHS_MS, 'b'), COMMAND_REPLAYED);
}

/* ---- k2, k3 ---- */

static void k2_a_day_is_swept_only_after_yesterday(void **state) {
    ask(*state, "short", DAY_MS, 'a');
    ask(*state, "long", MONTHS_MS, 'a');
    test_now_ms += DAY_MS;
    assert_int_equal(sweep_all(*state), 0);
    struct key_sweep today = { .day = 20001 }, yesterday = { .day = 20000 }, mark = { .swept_day = 20000 };
    assert_int_equal(test_command(*state, &key_sweep_kind, &today), KEY_SWEEP_E_EARLY);
    assert_int_equal(test_command(*state, &key_sweep_kind, &yesterday), KEY_SWEEP_E_EARLY);
    assert_int_equal(test_command(*state, &key_sweep_kind, &mark), KEY_SWEEP_E_EARLY);
    test_now_ms += DAY_MS;
    assert_int_equal(test_command(*state, &key_sweep_kind, &yesterday), 0);
    assert_int_equal(sweep_all(*state), 2); /* the keys, then the mark */
    struct days days = days_left(*state);
    assert_int_equal(days.count, 1);
    assert_int_equal(days.at[0], KEY_DAY_LONG);
    assert_int_equal(sweep_all(*state), 0);
}

/* The job did not run for weeks: every day is looked into until it has. */
/* spec: ledger/47 */
static void k2_no_key_is_lost_before_its_day_is_swept(void **state) {
    for (int i = 0; i < 5; i++, test_now_ms += 7 * DAY_MS) {
        char key[2] = { (char)('a' + i), 0 };
        assert_int_equal(ask(*state, key, MONTHS_MS, 'a'), COMMAND_DONE);
        assert_int_equal(ask(*state, "a", MONTHS_MS, 'a'), COMMAND_REPLAYED);
    }
    test_restart(*state);
    for (int i = 0; i < 2; i++, sweep_all(*state))
        for (char key[2] = "a"; key[0] <= 'e'; key[0]++)
            assert_int_equal(ask(*state, key, MONTHS_MS, 'a'), COMMAND_REPLAYED);
    assert_int_equal(days_left(*state).count, 5);
}

static void k2_long_kept_keys_are_deleted_when_they_expire(void **state) {
    ask(*state, "k", 3 * DAY_MS, 'a');
    ask(*state, "kept", 0, 'a');
    test_now_ms += 2 * DAY_MS;
    sweep_all(*state);
    assert_int_equal(days_left(*state).count, 2);
    test_now_ms += DAY_MS;
    assert_int_equal(sweep_all(*state), 2); /* the mark of the day after, the key */
    struct days days = days_left(*state);
    assert_int_equal(days.count, 1);
    assert_int_equal(ask(*state, "kept", 0, 'a'), COMMAND_REPLAYED);
}

/* A sweep that is undone leaves no mark; nor does one that is refused. */
static void k3_the_mark_stands_only_with_its_commit(void **state) {
    struct test_world *world = *state;
    struct key_sweep mark = { .swept_day = 20003 };
    ask(world, "k", MONTHS_MS, 'a');
    test_now_ms += 5 * DAY_MS;
    store_memory_fault(world->store, STORE_FAULT_FULL, 0, 1);
    struct command command = { .kind = &key_sweep_kind, .input = &mark, .on_reply = count_on_reply };
    assert_int_equal(engine_submit(world->engine, &command), 0);
    engine_step(world->engine);
    assert_int_equal(command.result, COMMAND_UNAVAILABLE);
    assert_int_equal(ask(world, "k", MONTHS_MS, 'a'), COMMAND_REPLAYED);
}

/* More keys than one command takes. */
static void a_day_is_swept_in_portions(void **state) {
    enum { KEYS = KEY_SWEEP_KEYS_MAX + 10 };
    char key[16];
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        ask(*state, key, i % 2 ? DAY_MS : 0, 'a');
    }
    test_now_ms += 2 * DAY_MS;
    assert_int_equal(sweep_all(*state), 3);
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        assert_int_equal(ask(*state, key, 0, 'a'), i % 2 ? COMMAND_DONE : COMMAND_REPLAYED);
    }
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(k1_an_answer_stands_to_the_millisecond),
        WORLD_TEST(k1_after_expiry_the_key_is_free_for_another_request),
        WORLD_TEST(k1_an_expired_key_among_the_long_kept_makes_room),
        WORLD_TEST(k2_a_day_is_swept_only_after_yesterday),
        WORLD_TEST(k2_no_key_is_lost_before_its_day_is_swept),
        WORLD_TEST(k2_long_kept_keys_are_deleted_when_they_expire),
        WORLD_TEST(k3_the_mark_stands_only_with_its_commit),
        WORLD_TEST(a_day_is_swept_in_portions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
