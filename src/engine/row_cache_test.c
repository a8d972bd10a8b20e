/* row_cache_test.c - r1 to r5, and through the engine: what the cache holds is what the store holds. */
#include "engine/row_cache.h"

#include "engine/engine_test_world.h"

struct cell_row {
    int64_t number, value;
    struct str text;
};
static const struct column cell_columns[] = { COLUMN(struct cell_row, number, I64), COLUMN(struct cell_row, value, I64),
                                              COLUMN_VAR(struct cell_row, text, TEXT, 100000) };
static const struct table_index cell_indexes[] = {
    { .columns = { 0 }, .name = "", .column_count = 1, .unique = true }
};
static const struct table cell_table = {
    .service = "cells",
    .name = "cell",
    .row_bytes = sizeof(struct cell_row),
    .columns = cell_columns,
    .column_count = ARRAY_COUNT(cell_columns),
    .indexes = cell_indexes,
    .index_count = ARRAY_COUNT(cell_indexes),
};
static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table, &cell_table };

/* ---- the cache alone ---- */

struct cache_key {
    struct row_key key;
    uint8_t bytes[TABLE_KEY_BYTES_MAX];
};
static struct row_key *key_of(struct cache_key *key, int64_t number) {
    struct cell_row row = { .number = number };
    size_t len = table_key(&cell_table, 0, &row, key->bytes);
    key->key = (struct row_key){ .table = &cell_table,
                                 .hash = row_key_hash(&cell_table, 0, key->bytes, len),
                                 .len = (uint16_t)len,
                                 .bytes = key->bytes };
    return &key->key;
}
static void put(struct row_cache *cache, int64_t number, int64_t value, struct str text) {
    struct cache_key key;
    struct cell_row row = { .number = number, .value = value, .text = text };
    row_cache_put(cache, key_of(&key, number), &row);
}
/* -1: not here. */
static int64_t value_of(const struct row_cache *cache, int64_t number) {
    struct cache_key key;
    bool old;
    const struct cell_row *row = row_cache_find(cache, key_of(&key, number), &old);
    return row ? row->value : -1;
}

static void r1_the_last_row_put_is_found(void **state) {
    struct row_cache cache;
    struct cache_key key;
    (void)state;
    assert_int_equal(row_cache_init(&cache), 0);
    assert_int_equal(value_of(&cache, 1), -1);
    put(&cache, 1, 10, STR("a"));
    put(&cache, 2, 20, STR("b"));
    put(&cache, 1, 11, STR("c"));
    assert_int_equal(value_of(&cache, 1), 11);
    assert_int_equal(value_of(&cache, 2), 20);
    row_cache_forget(&cache, key_of(&key, 1));
    assert_int_equal(value_of(&cache, 1), -1);
    put(&cache, 1, 12, STR("d"));
    assert_int_equal(value_of(&cache, 1), 12);
    row_cache_drop(&cache);
    assert_int_equal(value_of(&cache, 1), -1);
    assert_int_equal(value_of(&cache, 2), -1);
    row_cache_release(&cache);
}

static void r3_memory_is_bounded_and_what_is_used_stays(void **state) {
    struct row_cache cache;
    (void)state;
    assert_int_equal(row_cache_init(&cache), 0);
    put(&cache, 0, 7, STR("kept"));
    for (int64_t i = 1; i <= 5 * ROW_CACHE_ROWS; i++) {
        put(&cache, i, i, STR("x"));
        if (i % 1000) continue;
        struct cache_key key;
        bool old;
        const struct cell_row *row = row_cache_find(&cache, key_of(&key, 0), &old);
        assert_non_null(row);
        if (old) row_cache_put(&cache, &key.key, row);
        row_cache_turn(&cache);
    }
    assert_int_equal(value_of(&cache, 0), 7);
    assert_int_equal(value_of(&cache, 1), -1);
    for (int i = 0; i < 2; i++) {
        assert_true(cache.generations[i].used <= ROW_CACHE_ROWS);
        assert_true(cache.generations[i].arena.bytes_used <= ROW_CACHE_BYTES);
    }
    row_cache_release(&cache);
}

/* Rows put without a turn between them: what finds no room is not kept, and never an older version of it. */
static void r3_a_row_without_room_is_not_kept(void **state) {
    static char text[100000];
    struct row_cache cache;
    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(row_cache_init(&cache), 0);
    put(&cache, 1, 10, STR("a"));
    for (int64_t i = 2; i < ROW_CACHE_BYTES / (int64_t)sizeof text + 10; i++)
        put(&cache, i, i, str_from_bytes(text, sizeof text));
    put(&cache, 1, 11, str_from_bytes(text, sizeof text));
    assert_int_equal(value_of(&cache, 1), -1);
    row_cache_turn(&cache);
    put(&cache, 1, 12, str_from_bytes(text, sizeof text));
    assert_int_equal(value_of(&cache, 1), 12);
    row_cache_release(&cache);
}

static void r4_only_tables_that_change_are_kept(void **state) {
    (void)state;
    assert_true(row_cache_keeps(&cell_table));
    assert_false(row_cache_keeps(&engine_journal_table));
    assert_false(row_cache_keeps(&engine_answer_table));
}

/* ---- through the engine ---- */

static int world_open(void **state) {
    struct test_world *world = calloc(1, sizeof *world);
    world->options = (struct store_options){
        .ops = &store_memory_ops, .path = "row_cache_test", .tables = tables, .table_count = ARRAY_COUNT(tables)
    };
    test_open(world);
    *state = world;
    return 0;
}
static int world_close(void **state) {
    test_shut(*state);
    store_memory_forget("row_cache_test");
    free(*state);
    return 0;
}

/* Sets a cell, makes it, or deletes it (value 0); tells what stood there and how often it ran. */
struct cell_set {
    int64_t number, value, before; /* before -1: none */
    int runs;
    bool refuses;
};
static int cell_decide(struct work *work, void *input) {
    struct cell_set *set = input;
    struct view view = view_of(work, "cells");
    struct cell_row row = { .number = set->number, .value = set->value, .text = STR("cell") };
    const void *found;
    set->runs++;
    int r = view_get(&view, &cell_table, &row, &found);
    if (r) return r;
    set->before = found ? ((const struct cell_row *)found)->value : -1;
    if (!set->value) r = found ? view_delete(&view, &cell_table, &row) : 0;
    else r = found ? view_update(&view, &cell_table, &row) : view_insert(&view, &cell_table, &row);
    return r ? r : set->refuses;
}
static struct cell_set set_cell(struct test_world *world, int64_t number, int64_t value) {
    struct cell_set set = { .number = number, .value = value };
    assert_int_equal(test_decide(world, cell_decide, &set), 0);
    return set;
}

static void r1_the_next_batch_needs_no_load(void **state) {
    struct cell_set set = set_cell(*state, 1, 10);
    assert_int_equal(set.runs, 2);
    set = set_cell(*state, 1, 11);
    assert_int_equal(set.runs, 1); /* at once, with the row as it was committed */
    assert_int_equal(set.before, 10);
    struct cell_set refused = { .number = 1, .value = 99, .refuses = true };
    assert_int_equal(test_decide(*state, cell_decide, &refused), 1);
    set = set_cell(*state, 1, 0);
    assert_int_equal(set.before, 11); /* what was refused is not kept */
    set = set_cell(*state, 1, 12);
    assert_int_equal(set.before, -1); /* what was deleted is not found */
    assert_int_equal(set.runs, 2);
    test_restart(*state);
    set = set_cell(*state, 1, 13);
    assert_int_equal(set.before, 12);
    assert_int_equal(set.runs, 2);
}

static void r2_a_failed_commit_empties_it(void **state) {
    static const struct {
        enum store_fault fault;
        enum command_result result;
    } rows[] = { { STORE_FAULT_FULL, COMMAND_UNAVAILABLE }, { STORE_FAULT_UNDONE, COMMAND_DONE } };
    struct test_world *world = *state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t number = (int64_t)i + 1;
        struct cell_set lost = { .number = number, .value = 20 };
        struct test_decision decision = { .decide = cell_decide, .input = &lost };
        set_cell(world, number, 10);
        store_memory_fault(world->store, rows[i].fault, 0, 1);
        test_submit(world, &decision);
        engine_step(world->engine);
        assert_int_equal(decision.command.result, rows[i].result);
        assert_int_equal(lost.before, 10);
        struct cell_set set = set_cell(world, number, 30);
        assert_int_equal(set.before, rows[i].result == COMMAND_DONE ? 20 : 10);
    }
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_the_last_row_put_is_found),
        cmocka_unit_test(r3_memory_is_bounded_and_what_is_used_stays),
        cmocka_unit_test(r3_a_row_without_room_is_not_kept),
        cmocka_unit_test(r4_only_tables_that_change_are_kept),
        WORLD_TEST(r1_the_next_batch_needs_no_load),
        WORLD_TEST(r2_a_failed_commit_empties_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
