/* work_test.c - the work set alone: many rows, keys of all lengths. W1 to W6 through the engine: engine_test.c. */
#include "engine/work.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROWS = 20000, KEY_BYTES_MAX = 300, TAG = 1 };

struct leaf_row {
    struct str name;
    int64_t tag, value;
};
static const struct column leaf_columns[] = {
    COLUMN_VAR(struct leaf_row, name, TEXT, KEY_BYTES_MAX),
    COLUMN(struct leaf_row, tag, I64),
    COLUMN(struct leaf_row, value, I64),
};
static const struct table_index leaf_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "tag", .columns = { 1 }, .column_count = 1, .unique = true },
};
static const struct table leaf_table = {
    .service = "leaves",
    .name = "leaf",
    .row_bytes = sizeof(struct leaf_row),
    .columns = leaf_columns,
    .column_count = ARRAY_COUNT(leaf_columns),
    .indexes = leaf_indexes,
    .index_count = ARRAY_COUNT(leaf_indexes),
};
static const struct command_kind kind = { .name = "leaf" };

struct world {
    struct work_common common;
    struct work work;
    int64_t counters[COUNTER_COUNT];
};

static int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    assert_int_equal(work_common_init(&world->common), 0);
    assert_int_equal(work_init(&world->work, &world->common), 0);
    *state = world;
    return 0;
}

static int world_close(void **state) {
    struct world *world = *state;
    work_release(&world->work);
    work_common_release(&world->common);
    free(world);
    return 0;
}

static void begin(struct world *world) {
    const struct work_ground ground = { .now_ms = 1, .seq = 1, .counters = world->counters };
    work_begin(&world->work, &ground);
}

/* Of every length up to the greatest, so that some keys stand in their slot and some do not. */
static struct leaf_row leaf_of(int64_t number, char name[KEY_BYTES_MAX]) {
    size_t len = 8 + (size_t)number % (KEY_BYTES_MAX - 7);
    memset(name, 'n', len);
    (void)snprintf(name, 8, "%07lld", (long long)number);
    name[7] = '-';
    return (struct leaf_row){ .name = { .at = name, .len = len }, .tag = number, .value = number * 3 };
}

static void insert_one(struct world *world, int64_t number, int want) {
    char name[KEY_BYTES_MAX];
    struct view view = view_of(&world->work, "leaves");
    struct leaf_row row = leaf_of(number, name);
    work_command_begin(&world->work, &kind);
    assert_int_equal(view_insert(&view, &leaf_table, &row), want);
    if (want) work_command_drop(&world->work);
    else assert_int_equal(work_command_accept(&world->work), 0);
}

/* The row under both of its keys; NULL: nothing is known of it. */
static const struct leaf_row *find_one(struct world *world, int64_t number) {
    char name[KEY_BYTES_MAX];
    struct view view = view_of(&world->work, "leaves");
    struct leaf_row probe = leaf_of(number, name);
    const void *row = NULL, *again = NULL;
    int r = view_get(&view, &leaf_table, &probe, &row), s = view_find(&view, &leaf_table, TAG, &probe, &again);
    assert_int_equal(r, s);
    assert_ptr_equal(row, again); /* W1 */
    world->work.need_count = 0;
    return r ? NULL : row;
}

static void w1_rows_are_found_by_keys_of_every_length(void **state) {
    struct world *world = *state;
    begin(world);
    for (int64_t i = 0; i < ROWS; i++) insert_one(world, i, 0);
    for (int64_t i = 0; i < ROWS; i++) {
        const struct leaf_row *row = find_one(world, i);
        assert_non_null(row);
        assert_int_equal(row->value, i * 3);
    }
    for (int64_t i = 0; i < ROWS; i += 997) insert_one(world, i, -EEXIST);
    assert_null(find_one(world, ROWS));
    assert_int_equal(world->work.dirty_count, ROWS);
}

/* Few rows are forgotten one by one, many at once. */
static void a_new_batch_knows_nothing_of_the_one_before(void **state) {
    static const int64_t counts[] = { 3, ROWS, 5, 300, 0, ROWS };
    struct world *world = *state;
    for (size_t round = 0; round < ARRAY_COUNT(counts); round++) {
        begin(world);
        for (int64_t i = 0; i < ROWS; i += 101) assert_null(find_one(world, i));
        for (int64_t i = 0; i < counts[round]; i++) insert_one(world, i, 0);
    }
}

static void w4_what_was_committed_is_in_the_cache(void **state) {
    struct world *world = *state;
    begin(world);
    for (int64_t i = 0; i < 1000; i++) insert_one(world, i, 0);
    work_keep(&world->work);
    begin(world);
    for (int64_t i = 0; i < 1000; i++) {
        char name[KEY_BYTES_MAX];
        struct view view = view_of(&world->work, "leaves");
        struct leaf_row probe = leaf_of(i, name);
        const void *row = NULL;
        assert_int_equal(view_get(&view, &leaf_table, &probe, &row), 0);
        assert_int_equal(((const struct leaf_row *)row)->value, i * 3);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(w1_rows_are_found_by_keys_of_every_length, world_open, world_close),
        cmocka_unit_test_setup_teardown(a_new_batch_knows_nothing_of_the_one_before, world_open, world_close),
        cmocka_unit_test_setup_teardown(w4_what_was_committed_is_in_the_cache, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
