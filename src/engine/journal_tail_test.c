/* journal_tail_test.c - what the tail gives is what was put, in order and without gaps; the walk goes on in the store.
 */
#include "engine/journal_tail.h"

#include "engine/engine_test_world.h"
#include "platform/arena.h"

enum { ARENA_BYTES_MAX = 64 * 1024 * 1024, BODY_BYTES = 100000, BODIES = 300 };

/* Every body says its number in each byte, so that one that was written over shows. */
static void put(struct journal_tail *tail, int64_t epoch, int64_t seq, size_t len) {
    static uint8_t bytes[JOURNAL_TAIL_BYTES];
    memset(bytes, (int)(seq % 251), len);
    journal_tail_put(tail, &(struct journal_row){ .epoch = epoch, .seq = seq, .body = str_from_bytes(bytes, len) });
}

struct seen {
    int64_t first, last;
    uint32_t stop_at;
    uint32_t count;
};

static int each(void *ctx, const void *found) {
    struct seen *seen = ctx;
    const struct journal_row *row = found;
    if (seen->count) assert_int_equal(row->seq, seen->last + 1);
    else seen->first = row->seq;
    seen->last = row->seq;
    size_t same = 0;
    while (same < row->body.len && (uint8_t)row->body.at[same] == row->seq % 251) same++;
    assert_int_equal(same, row->body.len);
    return ++seen->count == seen->stop_at ? 7 : 0;
}

static uint32_t walk(struct journal_tail *tail, int64_t epoch, int64_t seq, struct seen *seen) {
    struct arena arena;
    uint32_t given = 0;
    uint32_t stop_at = seen->stop_at;
    *seen = (struct seen){ .stop_at = stop_at };
    assert_int_equal(arena_init(&arena, 4096, ARENA_BYTES_MAX), 0);
    struct journal_walk records = {
        .epoch = epoch, .seq = seq, .limit = 1000, .arena = &arena, .each = each, .ctx = seen
    };
    assert_int_equal(journal_tail_walk(tail, &records, &given), stop_at ? 7 : 0);
    assert_int_equal(given, seen->count);
    arena_release(&arena);
    return given;
}

static void t2_records_follow_each_other(void **state) {
    struct journal_tail *tail;
    struct seen seen = { 0 };
    (void)state;
    assert_int_equal(journal_tail_new(&tail), 0);
    assert_int_equal(walk(tail, 1, 0, &seen), 0); /* empty */
    for (int64_t seq = 5; seq <= 9; seq++) put(tail, 1, seq, seq == 7 ? 0 : 10);
    assert_int_equal(walk(tail, 1, 4, &seen), 5);
    assert_int_equal(seen.first, 5);
    assert_int_equal(walk(tail, 1, 7, &seen), 2);
    assert_int_equal(walk(tail, 1, 9, &seen), 0); /* nothing newer */
    assert_int_equal(walk(tail, 1, 3, &seen), 0); /* 4 is not here any more */
    assert_int_equal(walk(tail, 2, 4, &seen), 0); /* another epoch */
    seen.stop_at = 2;
    assert_int_equal(walk(tail, 1, 4, &seen), 2);
    seen.stop_at = 0;
    put(tail, 1, 11, 10); /* 10 is missing */
    assert_int_equal(walk(tail, 1, 4, &seen), 0);
    assert_int_equal(walk(tail, 1, 10, &seen), 1);
    put(tail, 2, 12, 10); /* another epoch's first */
    assert_int_equal(walk(tail, 1, 10, &seen), 0);
    assert_int_equal(walk(tail, 2, 11, &seen), 1);
    put(tail, 2, 13, JOURNAL_TAIL_BYTES); /* too long to keep */
    assert_int_equal(walk(tail, 2, 11, &seen), 0);
    assert_int_equal(walk(tail, 2, 12, &seen), 0);
    put(tail, 2, 14, JOURNAL_TAIL_BYTES - 1);
    assert_int_equal(walk(tail, 2, 13, &seen), 1);
    (void)journal_tail_free(tail);
}

static void t3_the_oldest_go_first(void **state) {
    static const size_t lengths[] = { BODY_BYTES, 0, 1, BODY_BYTES / 3, 17, BODY_BYTES * 7 };
    struct journal_tail *tail;
    struct seen seen = { 0 };
    (void)state;
    assert_int_equal(journal_tail_new(&tail), 0);
    for (int64_t seq = 1; seq <= BODIES; seq++) {
        put(tail, 1, seq, lengths[seq % (int64_t)ARRAY_COUNT(lengths)]);
        if (seq > 70 && seq % 20) continue;
        int64_t oldest = 1; /* everything from the oldest that is here on is here, and whole */
        while (!walk(tail, 1, oldest - 1, &seen)) oldest++;
        assert_int_equal(seen.first, oldest);
        assert_int_equal(seen.last, seq);
        if (seq >= 70) assert_true(seq - oldest >= 30); /* 8 MiB of about 140 KB each */
    }
    for (int64_t seq = BODIES + 1; seq <= BODIES + 2 * JOURNAL_TAIL_RECORDS; seq++) put(tail, 1, seq, 3);
    assert_int_equal(walk(tail, 1, BODIES + JOURNAL_TAIL_RECORDS - 1, &seen), 0);
    assert_int_equal(walk(tail, 1, BODIES + JOURNAL_TAIL_RECORDS, &seen), 1000); /* the walk's limit */
    (void)journal_tail_free(tail);
}

/* Through the engine: the tail's records are the store's, byte for byte, and what is older comes from the store. */
struct row_list {
    struct journal_row rows[32];
    size_t count;
};

static int keep(void *ctx, const void *row) {
    struct row_list *list = ctx;
    list->rows[list->count++] = *(const struct journal_row *)row;
    return 0;
}

static void note(struct test_world *world, int number) {
    char text[32];
    int len = snprintf(text, sizeof text, "{\"id\":%d}", number);
    engine_note(world->engine, str_from_bytes(text, (size_t)len));
    engine_step(world->engine);
}

static void a_walk_is_the_same_from_memory_and_store(void **state) {
    static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                                  &engine_counter_table };
    struct test_world world = { .options = { .ops = &store_memory_ops,
                                             .path = "journal_tail_test",
                                             .tables = tables,
                                             .table_count = ARRAY_COUNT(tables) } };
    struct reader reader;
    struct arena arena;
    (void)state;
    test_open(&world);
    for (int i = 0; i < 5; i++) note(&world, i);
    test_restart(&world); /* these five are in the store alone now, and of an older epoch */
    for (int i = 5; i < 9; i++) note(&world, i);
    assert_int_equal(arena_init(&arena, 4096, ARENA_BYTES_MAX), 0);
    assert_int_equal(reader_open(world.store, &reader), 0);
    struct row_list stored = { .count = 0 }, walked = { .count = 0 };
    struct store_range range = { .table = &engine_journal_table, .limit = 32 };
    assert_int_equal(read_range(&reader, &range, &arena, keep, &stored), 0);
    struct journal_walk records = { .limit = 32, .arena = &arena, .each = keep, .ctx = &walked };
    for (size_t before = 32; before != walked.count;) {
        before = walked.count;
        assert_int_equal(journal_walk(world.engine, &reader, &records), 0);
        records.epoch = walked.rows[walked.count - 1].epoch;
        records.seq = walked.rows[walked.count - 1].seq;
    }
    assert_int_equal(walked.count, stored.count);
    assert_true(stored.count >= 9);
    for (size_t i = 0; i < stored.count; i++) {
        assert_int_equal(walked.rows[i].epoch, stored.rows[i].epoch);
        assert_int_equal(walked.rows[i].seq, stored.rows[i].seq);
        assert_memory_equal(&walked.rows[i].hash, &stored.rows[i].hash, sizeof stored.rows[i].hash);
        assert_true(str_equal(walked.rows[i].body, stored.rows[i].body));
    }
    reader_close(&reader);
    arena_release(&arena);
    test_shut(&world);
    store_memory_forget("journal_tail_test");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t2_records_follow_each_other),
        cmocka_unit_test(t3_the_oldest_go_first),
        cmocka_unit_test(a_walk_is_the_same_from_memory_and_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
