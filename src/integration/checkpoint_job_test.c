#include "integration/checkpoint_job.h"

#include "engine/engine_test_world.h"
#include "integration/audit_trail.h"

enum { ARENA_BYTES_MAX = 64 * 1024 * 1024, RECORDS_MAX = 64 };

struct trail_world {
    struct test_world world;
    struct integration integration;
    struct checkpoint_job job;
    struct reader reader;
    struct arena arena;
};
static struct key *key, *other_key;

static void open_job(struct trail_world *world) {
    world->integration = (struct integration){ .store = world->world.store, .engine = world->world.engine };
    world->job = (struct checkpoint_job){ .key = key, .now_ms = test_now };
    assert_int_equal(reader_open(world->world.store, &world->reader), 0);
}

static void open_world(struct trail_world *world) {
    static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                                  &engine_counter_table };
    *world = (struct trail_world){
        .world.options = { .ops = &store_memory_ops, .tables = tables, .table_count = ARRAY_COUNT(tables) }
    };
    test_open(&world->world);
    assert_int_equal(arena_init(&world->arena, 4096, ARENA_BYTES_MAX), 0);
    open_job(world);
}

static void close_world(struct trail_world *world) {
    reader_close(&world->reader);
    arena_release(&world->arena);
    test_shut(&world->world);
}

/* A record of the journal with count audit frames. */
static void write_record(struct trail_world *world, int count) {
    static int number;
    for (int i = 0; i < count; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "{\"id\":\"%d\"}", number++);
        engine_note(world->world.engine, str_from_bytes(text, (size_t)len));
    }
    engine_step(world->world.engine);
}

/* The job until it has nothing left, and what it noted into the journal. */
static void run_job(struct trail_world *world) {
    int r;
    do {
        arena_reset(&world->arena);
        r = checkpoint_job_run(&world->job, &world->integration, &world->reader, &world->arena);
    } while (r == 1);
    assert_int_equal(r, 0);
    engine_step(world->world.engine);
}

static int keep_record(void *ctx, const void *row) {
    struct journal_row **next = ctx;
    *(*next)++ = *(const struct journal_row *)row;
    return 0;
}

static size_t read_records(struct trail_world *world, struct journal_row records[RECORDS_MAX]) {
    struct journal_row *next = records;
    struct store_range range = { .table = &engine_journal_table, .limit = RECORDS_MAX };
    arena_reset(&world->arena);
    assert_int_equal(read_begin(&world->reader), 0);
    assert_int_equal(read_range(&world->reader, &range, &world->arena, keep_record, &next), 0);
    read_end(&world->reader);
    return (size_t)(next - records);
}

static struct audit_trail_result judge(struct key *with, const struct journal_row *records, size_t count) {
    struct audit_trail_result result;
    struct audit_trail *trail;
    assert_int_equal(audit_trail_new(with, &trail), 0);
    for (size_t i = 0; i < count; i++) assert_int_equal(audit_trail_record(trail, &records[i]), 0);
    audit_trail_result(trail, &result);
    (void)audit_trail_free(trail);
    return result;
}

static struct audit_trail_result judge_all(struct trail_world *world, struct key *with) {
    struct journal_row records[RECORDS_MAX];
    size_t count = read_records(world, records);
    return judge(with, records, count);
}

/* spec: gateway/63 */
static void c1_c2_checkpoints_are_due(void **state) {
    struct trail_world world;
    (void)state;
    open_world(&world);
    run_job(&world);
    assert_int_equal(judge_all(&world, key).checkpoints, 0); /* nothing was written */
    write_record(&world, 3);
    write_record(&world, 1);
    run_job(&world); /* the first is due at once: the last is older than any */
    assert_int_equal(judge_all(&world, key).checkpoints, 1);
    write_record(&world, 2);
    run_job(&world);
    assert_int_equal(judge_all(&world, key).checkpoints, 1);
    test_now_ms += CHECKPOINT_PERIOD_MS;
    run_job(&world);
    struct audit_trail_result result = judge_all(&world, key);
    assert_int_equal(result.reason, AUDIT_TRAIL_OK);
    assert_int_equal(result.checkpoints, 2);
    for (int i = 0; i < 3; i++) { /* its own record is nothing to sign */
        test_now_ms += CHECKPOINT_PERIOD_MS;
        run_job(&world);
    }
    assert_int_equal(judge_all(&world, key).checkpoints, 2);
    write_record(&world, 1);
    atomic_store(&world.job.waited_for, true);
    atomic_store(&world.job.asked, true);
    run_job(&world);
    assert_int_equal(judge_all(&world, key).checkpoints, 3);
    run_job(&world);
    assert_false(atomic_load(&world.job.waited_for));
    assert_int_equal(judge_all(&world, other_key).reason, AUDIT_TRAIL_SIGNATURE);
    assert_int_equal(judge_all(&world, NULL).reason, AUDIT_TRAIL_OK);
    close_world(&world);
}

static void c3_goes_on_and_says_again(void **state) {
    struct trail_world world;
    (void)state;
    open_world(&world);
    write_record(&world, 2);
    run_job(&world);
    struct checkpoint_job before = world.job;
    reader_close(&world.reader);
    open_job(&world); /* the next process */
    write_record(&world, 1);
    test_now_ms += CHECKPOINT_PERIOD_MS;
    run_job(&world);
    assert_true(world.job.first_seq > before.first_seq);
    assert_int_equal(judge_all(&world, key).checkpoints, 2);
    world.job.said_len = 0;
    struct audit_trail_result once = judge_all(&world, key);
    engine_note(world.world.engine, str_from_bytes(world.job.said, strlen(world.job.said)));
    engine_step(world.world.engine);
    struct audit_trail_result twice = judge_all(&world, key);
    assert_int_equal(twice.reason, AUDIT_TRAIL_OK);
    assert_int_equal(twice.checkpoints, once.checkpoints);
    write_record(&world, 1);
    assert_int_equal(checkpoint_job_end(&world.job, &world.integration), 0);
    engine_step(world.world.engine);
    struct audit_trail_result result = judge_all(&world, key);
    assert_int_equal(result.reason, AUDIT_TRAIL_OK);
    assert_int_equal(result.checkpoints, once.checkpoints + 1);
    close_world(&world);
}

/* spec: gateway/63 */
static void t1_t2_damage_is_seen(void **state) {
    struct journal_row records[RECORDS_MAX], damaged[RECORDS_MAX];
    struct trail_world world;
    (void)state;
    open_world(&world);
    for (int i = 0; i < 5; i++) {
        write_record(&world, i + 1);
        test_now_ms += CHECKPOINT_PERIOD_MS;
        run_job(&world);
    }
    size_t count = read_records(&world, records);
    assert_int_equal(judge(key, records, count).reason, AUDIT_TRAIL_OK);
    assert_int_equal(judge(key, records, count).checkpoints, 5);
    for (size_t i = 0; i < count; i++) {
        memcpy(damaged, records, sizeof records);
        damaged[i].rows_hash.bytes[3] ^= 1;
        assert_int_equal(judge(key, damaged, count).reason, AUDIT_TRAIL_HASH);
        damaged[i].hash = journal_hash(&damaged[i]); /* the next record or a checkpoint says otherwise */
        bool last = i + 1 == count;
        assert_int_equal(judge(key, damaged, count).reason == AUDIT_TRAIL_OK, last);
        memcpy(damaged, records, sizeof records);
        if (last || i == 0)
            continue; /* without its first record, which has a checkpoint of its own, it is a sound part */
        memmove(damaged + i, damaged + i + 1, (count - i - 1) * sizeof damaged[0]);
        assert_int_not_equal(judge(key, damaged, count - 1).reason, AUDIT_TRAIL_OK);
    }
    close_world(&world);
}

/* A file that giro audit verify is given may say any time; found by audit_trail_fuzz. */
static void p2_a_time_without_a_text_is_malformed(void **state) {
    static const struct {
        const char *time_ms;
        int want;
    } rows[] = { { "2000", 0 }, { "253402300800000", 1 }, { "9223372036854775807", 1 }, { "-1", 1 } };
    struct audit_checkpoint checkpoint = { .first_seq = 1, .epoch = 1, .seq = 2, .time_ms = 2000 }, again;
    char memory[2][AUDIT_CHECKPOINT_BYTES_MAX];
    struct buffer frame, changed;
    struct arena arena;
    size_t at;
    (void)state;
    assert_int_equal(arena_init(&arena, 16 * 1024, 256 * 1024), 0);
    assert_int_equal(audit_checkpoint_sign(&checkpoint, key), 0);
    buffer_init(&frame, memory[0], sizeof memory[0]);
    audit_checkpoint_encode(&checkpoint, &frame);
    assert_true(str_find(buffer_str(&frame), STR("\"time_ms\":2000"), &at));
    at += strlen("\"time_ms\":");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        buffer_init(&changed, memory[1], sizeof memory[1]);
        buffer_append(&changed, frame.at, at);
        buffer_append_c(&changed, rows[i].time_ms);
        buffer_append_str(&changed, str_slice(buffer_str(&frame), at + strlen("2000"), frame.len));
        assert_int_equal(audit_checkpoint_parse(buffer_str(&changed), &arena, &again), rows[i].want);
    }
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(c1_c2_checkpoints_are_due),
                                        cmocka_unit_test(c3_goes_on_and_says_again),
                                        cmocka_unit_test(t1_t2_damage_is_seen),
                                        cmocka_unit_test(p2_a_time_without_a_text_is_malformed) };
    if (key_generate(KEY_TYPE_EC_P256, &key) || key_generate(KEY_TYPE_EC_P256, &other_key)) return 1;
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    key = key_free(key);
    other_key = key_free(other_key);
    return r;
}
