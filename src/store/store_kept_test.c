/* store_kept_test.c - a reader that keeps its snapshot and rows shows what one that keeps nothing would show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_test_tables.h"

#include <pthread.h>

enum { ROWS = 8, RACE_COMMITS = 300, RACE_READERS = 2 };

/* How often the database was asked. */
static size_t asked;
static int counted_read(struct store_reader *reader, struct store_probe *probes, size_t count, struct arena *arena) {
    asked += count;
    return store_sqlite_ops.read(reader, probes, count, arena);
}

struct kept_world {
    struct world world;
    struct store_ops counted;
    struct store_reader *reader;
};

static int set_up(void **state) {
    struct kept_world *kept = calloc(1, sizeof *kept);
    check(kept != NULL);
    world_make(&kept->world, &store_sqlite_ops, "/tmp");
    world_open(&kept->world);
    check(commit_items(&kept->world, 1, ROWS) == 0);
    check(store_reader_open(kept->world.store, &kept->reader) == 0 && store_reader_keep(kept->reader) == 0);
    kept->counted = store_sqlite_ops;
    kept->counted.read = counted_read;
    kept->reader->ops = &kept->counted;
    asked = 0;
    *state = kept;
    return 0;
}

static int tear_down(void **state) {
    struct kept_world *kept = *state;
    kept->reader = store_reader_close(kept->reader);
    world_drop(&kept->world);
    free(kept);
    return 0;
}

/* One column of item n, by its id; -1: there is none. */
static int64_t at_of(struct store_reader *reader, struct arena *arena, int64_t n) {
    struct item want = item_make(arena, n);
    struct store_probe probe = { .table = &item_table, .index = ITEM_BY_ID, .row = &want };
    check(store_read(reader, &probe, 1, arena) == 0);
    const struct item *row = probe.ret_row;
    if (row) check(row->number == n && str_equal(row->name, want.name) && str_equal(row->body, want.body));
    return row ? row->at : -1;
}

static int64_t read_at(struct kept_world *kept, int64_t n) {
    return at_of(kept->reader, &kept->world.arena, n);
}

static int change(struct store *store, struct arena *arena, enum store_change_kind kind, const int64_t *row) {
    struct item item = item_make(arena, row[0]);
    item.at = row[1];
    struct store_change one = { .table = &item_table, .kind = kind, .row = &item };
    return store_commit(store, &one, 1);
}

static void set_at(struct kept_world *kept, int64_t n, int64_t at) {
    assert_int_equal(change(kept->world.store, &kept->world.arena, STORE_UPDATE, (int64_t[]){ n, at }), 0);
}

static void what_nothing_changed_is_asked_once(void **state) {
    struct kept_world *kept = *state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(store_reader_begin(kept->reader), 0);
        assert_int_equal(read_at(kept, 1), 10);
        assert_int_equal(read_at(kept, 2), 20);
        store_reader_end(kept->reader);
    }
    assert_int_equal(asked, 2);
    set_at(kept, 2, 7);
    assert_int_equal(store_reader_begin(kept->reader), 0);
    assert_int_equal(read_at(kept, 1), 10); /* another row changed: this one is still known */
    assert_int_equal(asked, 2);
    assert_int_equal(read_at(kept, 2), 7);
    assert_int_equal(asked, 3);
    store_reader_end(kept->reader);
    store_reader_rest(kept->reader); /* gives the snapshot up, not the rows */
    assert_int_equal(store_reader_begin(kept->reader), 0);
    assert_int_equal(read_at(kept, 2), 7);
    assert_int_equal(asked, 3);
    store_reader_end(kept->reader);
}

static void every_commit_shows_in_the_next_begin(void **state) {
    struct kept_world *kept = *state;
    for (int64_t i = 1; i <= 20; i++) {
        set_at(kept, 1, i);
        assert_int_equal(store_reader_begin(kept->reader), 0);
        assert_int_equal(read_at(kept, 1), i);
        store_reader_end(kept->reader);
    }
    struct arena *arena = &kept->world.arena;
    assert_int_equal(change(kept->world.store, arena, STORE_DELETE, (int64_t[]){ 1, 0 }), 0);
    assert_int_equal(store_reader_begin(kept->reader), 0);
    assert_int_equal(read_at(kept, 1), -1);
    assert_int_equal(read_at(kept, 1), -1); /* what is not there is not kept */
    store_reader_end(kept->reader);
    assert_int_equal(change(kept->world.store, arena, STORE_INSERT, (int64_t[]){ 1, 99 }), 0);
    assert_int_equal(store_reader_begin(kept->reader), 0);
    assert_int_equal(read_at(kept, 1), 99);
    store_reader_end(kept->reader);
    set_at(kept, 1, 100);
    assert_int_equal(read_at(kept, 1), 100); /* outside begin and end too */
    set_at(kept, 1, 101);
    assert_int_equal(read_at(kept, 1), 101);
}

/* Rows that were kept before, rows that are read now, and rows of a range are of one state. */
static int add_at(void *ctx, const void *row) {
    *(int64_t *)ctx += ((const struct item *)row)->at;
    return 0;
}

static int64_t sum_of_range(struct kept_world *kept) {
    const struct store_range all = { .table = &item_table, .index = ITEM_BY_ID, .limit = ROWS };
    int64_t sum = 0;
    assert_int_equal(store_range(kept->reader, &all, &kept->world.arena, add_at, &sum), 0);
    return sum;
}

static void one_begin_shows_one_state(void **state) {
    struct kept_world *kept = *state;
    assert_int_equal(store_reader_begin(kept->reader), 0);
    assert_int_equal(read_at(kept, 1), 10); /* kept */
    store_reader_end(kept->reader);
    assert_int_equal(store_reader_begin(kept->reader), 0);
    set_at(kept, 1, 1000);
    set_at(kept, 2, 1000);
    assert_int_equal(read_at(kept, 1), 10);
    assert_int_equal(read_at(kept, 2), 20);
    assert_int_equal(sum_of_range(kept), 10 * ROWS * (ROWS + 1) / 2);
    store_reader_end(kept->reader);
    assert_int_equal(store_reader_begin(kept->reader), 0);
    assert_int_equal(read_at(kept, 1), 1000);
    assert_int_equal(read_at(kept, 2), 1000);
    assert_int_equal(sum_of_range(kept), 10 * ROWS * (ROWS + 1) / 2 - 30 + 2000);
    store_reader_end(kept->reader);
}

static void a_commit_that_was_undone_changes_nothing(void **state) {
    struct kept_world *kept = *state;
    struct item items[2] = { item_make(&kept->world.arena, 1), item_make(&kept->world.arena, 2) };
    items[0].at = 5;
    struct store_change changes[] = { { &item_table, STORE_UPDATE, &items[0] },
                                      { &item_table, STORE_INSERT, &items[1] } }; /* is there already */
    assert_int_equal(store_reader_begin(kept->reader), 0);
    assert_int_equal(read_at(kept, 1), 10);
    store_reader_end(kept->reader);
    assert_int_equal(store_commit(kept->world.store, changes, 2), STORE_E_UNDONE);
    assert_int_equal(store_reader_begin(kept->reader), 0);
    assert_int_equal(read_at(kept, 1), 10);
    store_reader_end(kept->reader);
    set_at(kept, 1, 6);
    assert_int_equal(store_reader_begin(kept->reader), 0);
    assert_int_equal(read_at(kept, 1), 6);
    store_reader_end(kept->reader);
}

static void more_rows_than_are_kept_are_right(void **state) {
    struct kept_world *kept = *state;
    const int64_t last = KEPT_ROWS_MAX + 500;
    for (int64_t n = ROWS + 1; n <= last; n += 500)
        assert_int_equal(commit_items(&kept->world, n, n + 499 < last ? n + 499 : last), 0);
    assert_int_equal(store_reader_begin(kept->reader), 0);
    for (int round = 0; round < 2; round++)
        for (int64_t n = 1; n <= last; n++) {
            struct arena arena;
            assert_int_equal(arena_init(&arena, 4096, 64 * 1024), 0);
            assert_int_equal(at_of(kept->reader, &arena, n), n * 10);
            arena_release(&arena);
        }
    store_reader_end(kept->reader);
    assert_true(kept->reader->kept->count <= KEPT_ROWS_MAX);
}

/* ---- against a writer ---- */

struct race {
    struct store *store;
    _Atomic int64_t told; /* committed, and said so */
    atomic_bool over;
};

/* Both rows always say the same, and never less than what was told before the begin. */
static void *race_read(void *ctx) {
    struct race *race = ctx;
    struct store_reader *reader;
    struct arena arena;
    check(store_reader_open(race->store, &reader) == 0 && store_reader_keep(reader) == 0);
    check(arena_init(&arena, 16 * 1024, 64 * 1024) == 0);
    for (unsigned i = 0; !atomic_load(&race->over); i++) {
        int64_t told = atomic_load(&race->told);
        check(store_reader_begin(reader) == 0);
        int64_t one = at_of(reader, &arena, 1), two = at_of(reader, &arena, 2);
        check(one == two && one >= told);
        check(at_of(reader, &arena, 3) == 30);
        store_reader_end(reader);
        if (i % 7 == 0) store_reader_rest(reader);
        arena_reset(&arena);
    }
    arena_release(&arena);
    reader = store_reader_close(reader);
    return NULL;
}

static void readers_beside_a_writer_see_whole_commits(void **state) {
    struct kept_world *kept = *state;
    struct race race = { .store = kept->world.store };
    struct arena *arena = &kept->world.arena;
    pthread_t threads[RACE_READERS];
    set_at(kept, 1, 0);
    set_at(kept, 2, 0);
    for (int i = 0; i < RACE_READERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, race_read, &race), 0);
    for (int64_t at = 1; at <= RACE_COMMITS; at++) {
        struct item items[2] = { item_make(arena, 1), item_make(arena, 2) };
        items[0].at = items[1].at = at;
        struct store_change changes[] = { { &item_table, STORE_UPDATE, &items[0] },
                                          { &item_table, STORE_UPDATE, &items[1] } };
        assert_int_equal(store_commit(race.store, changes, 2), 0);
        atomic_store(&race.told, at);
    }
    atomic_store(&race.over, true);
    for (int i = 0; i < RACE_READERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void) {
#define KEPT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        KEPT_TEST(what_nothing_changed_is_asked_once), KEPT_TEST(every_commit_shows_in_the_next_begin),
        KEPT_TEST(one_begin_shows_one_state),          KEPT_TEST(a_commit_that_was_undone_changes_nothing),
        KEPT_TEST(more_rows_than_are_kept_are_right),  KEPT_TEST(readers_beside_a_writer_see_whole_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
