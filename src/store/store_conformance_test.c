/* store_conformance_test.c - what a store means: the same cases against every adapter. */
/* spec: ledger/17, ledger/79 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_postgres_test_server.h"

static void s1_insert_and_load(struct world *world) {
    struct item item = item_make(&world->arena, 7);
    assert_false(store_has_item(world, 7));
    assert_int_equal(commit_one(world->store, STORE_INSERT, &item_table, &item), 0);
    assert_true(store_has_item(world, 7));
    assert_false(store_has_item(world, 8));
}

static void load_by_each_unique_index(struct world *world) {
    assert_int_equal(commit_items(world, 1, 20), 0);
    struct counter counter = { .kind = STR("daily"), .bucket = 3, .hash = { 9 }, .total = 5 };
    struct counter by_hash = { .hash = { 9 } };
    assert_int_equal(commit_one(world->store, STORE_INSERT, &counter_table, &counter), 0);
    struct item by_number = { .number = 13 }, absent = { .number = 99 }, by_id = item_make(&world->arena, 4);
    struct store_probe probes[] = {
        { .table = &item_table, .index = ITEM_BY_NUMBER, .row = &by_number },
        { .table = &item_table, .index = ITEM_BY_NUMBER, .row = &absent },
        { .table = &item_table, .index = ITEM_BY_ID, .row = &by_id },
        { .table = &counter_table, .index = 0, .row = &counter },
        { .table = &counter_table, .index = 1, .row = &by_hash },
    };
    assert_int_equal(store_load(world->store, probes, ARRAY_COUNT(probes), &world->arena), 0);
    struct item wanted = item_make(&world->arena, 13);
    assert_true(table_rows_equal(&item_table, probes[0].ret_row, &wanted));
    assert_null(probes[1].ret_row);
    assert_true(table_rows_equal(&item_table, probes[2].ret_row, &by_id));
    assert_true(table_rows_equal(&counter_table, probes[3].ret_row, &counter));
    assert_true(table_rows_equal(&counter_table, probes[4].ret_row, &counter));
}

static void update_replaces_all_columns(struct world *world) {
    assert_int_equal(commit_items(world, 1, 3), 0);
    struct item item = item_make(&world->arena, 2);
    item.state = -4, item.at = 1, item.owner[5] = 1, item.hash[0] = 200, item.name = STR(""), item.body = STR("");
    assert_int_equal(commit_one(world->store, STORE_UPDATE, &item_table, &item), 0);
    struct store_probe probe = { .table = &item_table, .index = 0, .row = &item };
    assert_int_equal(store_load(world->store, &probe, 1, &world->arena), 0);
    assert_true(table_rows_equal(&item_table, probe.ret_row, &item));
    assert_true(store_has_item(world, 1) && store_has_item(world, 3));
}

static void update_of_absent_row_is_undone(struct world *world) {
    struct item item = item_make(&world->arena, 2);
    assert_int_equal(commit_one(world->store, STORE_UPDATE, &item_table, &item), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world->store), 0);
}

static void update_of_unique_column_is_undone(struct world *world) {
    assert_int_equal(commit_items(world, 1, 3), 0);
    struct item item = item_make(&world->arena, 2);
    item.number = 77;
    assert_int_equal(commit_one(world->store, STORE_UPDATE, &item_table, &item), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world->store), 0);
    assert_true(store_has_item(world, 2));
}

static void delete_uses_the_key_only(struct world *world) {
    assert_int_equal(commit_items(world, 1, 3), 0);
    struct item item = { .number = 999 };
    memcpy(item.id, item_make(&world->arena, 2).id, 16);
    assert_int_equal(commit_one(world->store, STORE_DELETE, &item_table, &item), 0);
    assert_false(store_has_item(world, 2));
    assert_int_equal(commit_one(world->store, STORE_DELETE, &item_table, &item), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world->store), 0);
    assert_int_equal(commit_items(world, 2, 2), 0); /* number and id are free again */
}

static void changes_of_one_row_in_one_batch_run_in_order(struct world *world) {
    struct item first = item_make(&world->arena, 1), second = first, third = item_make(&world->arena, 1);
    second.state = 40;
    const struct store_change changes[] = { { &item_table, STORE_INSERT, &first },
                                            { &item_table, STORE_UPDATE, &second },
                                            { &item_table, STORE_DELETE, &second },
                                            { &item_table, STORE_INSERT, &third } };
    assert_int_equal(store_commit(world->store, changes, ARRAY_COUNT(changes)), 0);
    assert_true(store_has_item(world, 1));
}

static void duplicate_key_names_the_culprit(struct world *world) {
    assert_int_equal(commit_items(world, 1, 3), 0);
    assert_int_equal(commit_items(world, 2, 2), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world->store), 0);
    assert_int_equal(commit_items(world, 4, 4), 0);
    assert_int_equal(store_culprit(world->store), -1);
}

static void duplicate_unique_column_names_the_culprit(struct world *world) {
    assert_int_equal(commit_items(world, 1, 3), 0);
    struct item item = item_make(&world->arena, 4), same = item_make(&world->arena, 5);
    same.number = 3;
    const struct store_change changes[] = { { &item_table, STORE_INSERT, &item },
                                            { &item_table, STORE_INSERT, &same } };
    assert_int_equal(store_commit(world->store, changes, 2), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world->store), 1);
    assert_false(store_has_item(world, 4));
}

static void s3_append_only_takes_inserts_only(struct world *world) {
    struct posting posting = { .number = 1, .amount = 5 };
    assert_int_equal(commit_one(world->store, STORE_INSERT, &posting_table, &posting), 0);
    posting.amount = 6;
    assert_int_equal(commit_one(world->store, STORE_UPDATE, &posting_table, &posting), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world->store), 0);
    assert_int_equal(commit_one(world->store, STORE_DELETE, &posting_table, &posting), STORE_E_UNDONE);
    assert_int_equal(commit_one(world->store, STORE_INSERT, &posting_table, &posting), STORE_E_UNDONE);
    posting.number = 2;
    assert_int_equal(commit_one(world->store, STORE_INSERT, &posting_table, &posting), 0);
}

static void s1_thousand_rows_all_or_nothing(struct world *world) {
    assert_int_equal(commit_items(world, 899, 899), 0);
    assert_int_equal(commit_items(world, 0, 999), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world->store), 899);
    for (int64_t n = 0; n < 1000; n++) assert_int_equal(store_has_item(world, n), n == 899);
    assert_int_equal(commit_items(world, 1000, 1999), 0);
    for (int64_t n = 1000; n < 2000; n++) assert_true(store_has_item(world, n));
}

static void empty_batch_is_done(struct world *world) {
    assert_int_equal(store_commit(world->store, NULL, 0), 0);
    assert_int_equal(store_load(world->store, NULL, 0, &world->arena), 0);
}

static void several_tables_in_one_batch(struct world *world) {
    struct item item = item_make(&world->arena, 1);
    struct posting posting = { .number = 1, .amount = 5 }, again = posting;
    const struct store_change changes[] = { { &item_table, STORE_INSERT, &item },
                                            { &posting_table, STORE_INSERT, &posting },
                                            { &posting_table, STORE_INSERT, &again } };
    assert_int_equal(store_commit(world->store, changes, 3), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world->store), 2);
    assert_false(store_has_item(world, 1));
    assert_int_equal(store_commit(world->store, changes, 2), 0);
    assert_true(store_has_item(world, 1));
}

static char long_text[BODY_BYTES_MAX + 1];
static const struct {
    const char *name;
    struct str text, body;
    int want;
} text_cases[] = {
    { "empty", STR_INIT(""), STR_INIT(""), 0 },
    { "no address", { NULL, 0 }, { NULL, 0 }, 0 },
    { "two, three, four bytes", STR_INIT("é€😀"), STR_INIT("x"), 0 },
    { "blob with zeros", STR_INIT("a"), STR_INIT("\0\0\xff\0"), 0 },
    { "blob that is not UTF-8", STR_INIT("a"), STR_INIT("\xc3\x28\xfe"), 0 },
    { "text as long as it may", { long_text, NAME_BYTES_MAX }, STR_INIT(""), 0 },
    { "text too long", { long_text, NAME_BYTES_MAX + 1 }, STR_INIT(""), STORE_E_UNDONE },
    { "blob as long as it may", STR_INIT(""), { long_text, BODY_BYTES_MAX }, 0 },
    { "blob too long", STR_INIT(""), { long_text, BODY_BYTES_MAX + 1 }, STORE_E_UNDONE },
    { "text that is not UTF-8", STR_INIT("\xc3\x28"), STR_INIT(""), STORE_E_UNDONE },
    { "text with a NUL", STR_INIT("a\0b"), STR_INIT(""), STORE_E_UNDONE },
    { "quotes are data", STR_INIT("'\"; DROP TABLE"), STR_INIT(""), 0 },
};

static void texts_and_blobs(struct world *world) {
    memset(long_text, 'x', sizeof long_text);
    for (size_t i = 0; i < ARRAY_COUNT(text_cases); i++) {
        struct item good = item_make(&world->arena, 1000 + (int64_t)i), item = item_make(&world->arena, (int64_t)i);
        item.name = text_cases[i].text, item.body = text_cases[i].body;
        const struct store_change changes[] = { { &item_table, STORE_INSERT, &good },
                                                { &item_table, STORE_INSERT, &item } };
        int r = store_commit(world->store, changes, 2);
        if (r != text_cases[i].want) fail_msg("%s: %d", text_cases[i].name, r);
        assert_int_equal(store_culprit(world->store), r ? 1 : -1);
        struct store_probe probe = { .table = &item_table, .index = 0, .row = &item };
        assert_int_equal(store_load(world->store, &probe, 1, &world->arena), 0);
        assert_int_equal(probe.ret_row != NULL, r == 0);
        if (probe.ret_row && !table_rows_equal(&item_table, probe.ret_row, &item))
            fail_msg("%s: differs", text_cases[i].name);
        assert_int_equal(store_has_item(world, 1000 + (int64_t)i), r == 0);
    }
}

static void largest_and_smallest_numbers(struct world *world) {
    static const int64_t numbers[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        struct posting posting = { .number = numbers[i], .amount = numbers[ARRAY_COUNT(numbers) - 1 - i] };
        assert_int_equal(commit_one(world->store, STORE_INSERT, &posting_table, &posting), 0);
        struct store_probe probe = { .table = &posting_table, .index = 0, .row = &posting };
        assert_int_equal(store_load(world->store, &probe, 1, &world->arena), 0);
        assert_true(table_rows_equal(&posting_table, probe.ret_row, &posting));
    }
}

/* Collects the numbers of the rows of a range; every row is compared whole. */
struct seen {
    struct arena *arena;
    int64_t numbers[2 * STORE_RANGE_ROWS_MAX];
    size_t count, stop_after;
};

static int see_item(void *ctx, const void *row) {
    struct seen *seen = ctx;
    const struct item *item = row;
    struct item wanted = item_make(seen->arena, item->number);
    assert_true(table_rows_equal(&item_table, item, &wanted));
    seen->numbers[seen->count++] = item->number;
    return seen->stop_after && seen->count == seen->stop_after ? 42 : 0;
}

static const struct {
    const char *name;
    uint8_t index, equal;
    bool bounded, descending;
    uint32_t limit;
    int64_t from; /* the row that gives equal columns and bound */
    int64_t want[8];
    size_t want_count;
} range_cases[] = {
    /* items 1..12: state = n % 5, owner = n % 3 + 1, at = 10 n */
    { "by id, up", ITEM_BY_ID, 0, false, false, 4, 0, { 1, 2, 3, 4 }, 4 },
    { "by id, down", ITEM_BY_ID, 0, false, true, 3, 0, { 12, 11, 10 }, 3 },
    { "by id, behind 9", ITEM_BY_ID, 0, true, false, 100, 9, { 10, 11, 12 }, 3 },
    { "by id, down behind 4", ITEM_BY_ID, 0, true, true, 100, 4, { 3, 2, 1 }, 3 },
    { "by id, behind the last", ITEM_BY_ID, 0, true, false, 100, 12, { 0 }, 0 },
    { "by id, equal", ITEM_BY_ID, 1, false, false, 100, 5, { 5 }, 1 },
    { "by id, equal and absent", ITEM_BY_ID, 1, false, false, 100, 50, { 0 }, 0 },
    { "by number, behind 10", ITEM_BY_NUMBER, 0, true, false, 100, 10, { 11, 12 }, 2 },
    { "by number, down", ITEM_BY_NUMBER, 0, false, true, 2, 0, { 12, 11 }, 2 },
    { "by state, ties by key", ITEM_BY_STATE, 1, false, false, 100, 2, { 2, 7, 12 }, 3 },
    { "by state, down, ties too", ITEM_BY_STATE, 1, false, true, 100, 2, { 12, 7, 2 }, 3 },
    { "by state, all", ITEM_BY_STATE, 0, false, false, 5, 0, { 5, 10, 1, 6, 11 }, 5 },
    { "by state, behind 3", ITEM_BY_STATE, 0, true, false, 100, 3, { 4, 9 }, 2 },
    { "by state, down behind 1", ITEM_BY_STATE, 0, true, true, 100, 1, { 10, 5 }, 2 },
    { "by owner, prefix", ITEM_BY_OWNER, 1, false, false, 100, 3, { 3, 6, 9, 12 }, 4 },
    { "by owner, prefix, down", ITEM_BY_OWNER, 1, false, true, 100, 3, { 12, 9, 6, 3 }, 4 },
    { "by owner, behind a time", ITEM_BY_OWNER, 1, true, false, 100, 6, { 9, 12 }, 2 },
    { "by owner, down behind", ITEM_BY_OWNER, 1, true, true, 100, 6, { 3 }, 1 },
    { "by owner, both equal", ITEM_BY_OWNER, 2, false, false, 100, 8, { 8 }, 1 },
    { "by owner, behind an owner", ITEM_BY_OWNER, 0, true, false, 3, 4, { 2, 5, 8 }, 3 },
    { "by owner, limit 1", ITEM_BY_OWNER, 1, false, true, 1, 1, { 10 }, 1 },
};

static void ranges(struct world *world) {
    struct store_reader *reader;
    assert_int_equal(commit_items(world, 1, 12), 0);
    assert_int_equal(store_reader_open(world->store, &reader), 0);
    for (size_t i = 0; i < 2 * ARRAY_COUNT(range_cases); i++) { /* twice: prepared, then reused */
        size_t at = i % ARRAY_COUNT(range_cases);
        struct item from = item_make(&world->arena, range_cases[at].from);
        bool used = range_cases[at].equal || range_cases[at].bounded;
        struct store_range range = { &item_table,           range_cases[at].index,   used ? &from : NULL,
                                     range_cases[at].equal, range_cases[at].bounded, range_cases[at].descending,
                                     range_cases[at].limit };
        struct seen seen = { .arena = &world->arena };
        assert_int_equal(store_range(reader, &range, &world->arena, see_item, &seen), 0);
        bool same = seen.count == range_cases[at].want_count &&
                    memcmp(seen.numbers, range_cases[at].want, seen.count * sizeof seen.numbers[0]) == 0;
        if (!same) fail_msg("%s: %zu rows, first %lld", range_cases[at].name, seen.count, (long long)seen.numbers[0]);
    }
    (void)store_reader_close(reader);
}

static void range_stops_when_told(struct world *world) {
    struct store_reader *reader;
    assert_int_equal(commit_items(world, 1, 1500), 0);
    assert_int_equal(store_reader_open(world->store, &reader), 0);
    struct seen seen = { .arena = &world->arena, .stop_after = 3 };
    struct store_range range = { .table = &item_table, .limit = STORE_RANGE_ROWS_MAX };
    assert_int_equal(store_range(reader, &range, &world->arena, see_item, &seen), 42);
    assert_int_equal(seen.count, 3);
    seen = (struct seen){ .arena = &world->arena };
    assert_int_equal(store_range(reader, &range, &world->arena, see_item, &seen), 0);
    assert_int_equal(seen.count, STORE_RANGE_ROWS_MAX);
    (void)store_reader_close(reader);
}

static int see_posting(void *ctx, const void *row) {
    struct seen *seen = ctx;
    seen->numbers[seen->count++] = ((const struct posting *)row)->number;
    return 0;
}

static void range_orders_negative_numbers(struct world *world) {
    static const int64_t numbers[] = { 5, INT64_MIN, -7, INT64_MAX, 0 }, wanted[] = { INT64_MIN, -7, 0, 5, INT64_MAX };
    struct store_reader *reader;
    for (size_t i = 0; i < 5; i++) {
        struct posting posting = { .number = numbers[i] };
        assert_int_equal(commit_one(world->store, STORE_INSERT, &posting_table, &posting), 0);
    }
    assert_int_equal(store_reader_open(world->store, &reader), 0);
    struct posting none = { 0 };
    for (uint8_t index = 0; index < 2; index++) {
        struct seen seen = { 0 };
        struct store_range range = {
            .table = &posting_table, .index = index, .row = &none, .equal_columns = index, .limit = 10
        };
        assert_int_equal(store_range(reader, &range, &world->arena, see_posting, &seen), 0);
        assert_int_equal(seen.count, 5);
        assert_memory_equal(seen.numbers, wanted, sizeof wanted);
    }
    (void)store_reader_close(reader);
}

static void range_follows_updates_of_its_index(struct world *world) {
    struct store_reader *reader;
    assert_int_equal(commit_items(world, 1, 4), 0);
    struct item item = item_make(&world->arena, 1);
    item.at = 999;
    assert_int_equal(commit_one(world->store, STORE_UPDATE, &item_table, &item), 0);
    assert_int_equal(store_reader_open(world->store, &reader), 0);
    struct seen seen = { 0 };
    struct store_range range = {
        .table = &item_table, .index = ITEM_BY_OWNER, .row = &item, .equal_columns = 1, .limit = 10
    };
    assert_int_equal(store_range(reader, &range, &world->arena, see_posting, &seen), 0);
    assert_int_equal(seen.count, 2); /* 1 and 4 have the same owner */
    range.equal_columns = 2;
    seen.count = 0;
    assert_int_equal(store_range(reader, &range, &world->arena, see_posting, &seen), 0);
    assert_int_equal(seen.count, 1);
    (void)store_reader_close(reader);
}

static void s2_reader_keeps_its_snapshot(struct world *world) {
    struct store_reader *reader, *other;
    assert_int_equal(commit_items(world, 1, 2), 0);
    assert_int_equal(store_reader_open(world->store, &reader), 0);
    assert_int_equal(store_reader_open(world->store, &other), 0);
    assert_int_equal(store_reader_begin(reader), 0);
    assert_int_equal(commit_items(world, 3, 3), 0); /* the writer does not wait for the reader */
    struct item gone = item_make(&world->arena, 1);
    assert_int_equal(commit_one(world->store, STORE_DELETE, &item_table, &gone), 0);
    assert_true(reader_has_item(reader, &world->arena, 1) && !reader_has_item(reader, &world->arena, 3));
    assert_true(!reader_has_item(other, &world->arena, 1) && reader_has_item(other, &world->arena, 3));
    struct seen seen = { .arena = &world->arena };
    struct store_range range = { .table = &item_table, .limit = 10 };
    assert_int_equal(store_range(reader, &range, &world->arena, see_item, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[0], 1);
    store_reader_end(reader);
    assert_true(!reader_has_item(reader, &world->arena, 1) && reader_has_item(reader, &world->arena, 3));
    (void)store_reader_close(other);
    (void)store_reader_close(reader);
}

static void arena_too_small_is_a_fault(struct world *world) {
    struct arena small;
    assert_int_equal(commit_items(world, 1, 2), 0);
    assert_int_equal(arena_init(&small, 64, 64), 0);
    struct item item = item_make(&world->arena, 1);
    struct store_probe probe = { .table = &item_table, .index = 0, .row = &item };
    assert_int_equal(store_load(world->store, &probe, 1, &small), -ENOMEM);
    assert_int_equal(store_load(world->store, &probe, 1, &world->arena), 0);
    arena_release(&small);
}

static void s1_rows_outlive_the_store(struct world *world) {
    assert_int_equal(commit_items(world, 1, 100), 0);
    world->store = store_close(world->store);
    world_open(world);
    for (int64_t n = 1; n <= 100; n++) assert_true(store_has_item(world, n));
    assert_false(store_has_item(world, 101));
}

/* An embedded store is refused at open; one that several nodes share opens, but is not given the lease. */
static void second_writer_is_refused(struct world *world) {
    struct store *second = NULL;
    struct store_lease lease;
    struct message message = { { 0 } };
    int r = store_open(&world->options, &second, &message);
    if (r) {
        assert_int_equal(r, -EBUSY);
        assert_non_null(strstr(message.text, "in use"));
        assert_null(second);
    } else {
        struct item item = item_make(&world->arena, 2);
        assert_int_equal(store_lease_take(second, &lease), STORE_E_HELD);
        assert_int_equal(commit_one(second, STORE_INSERT, &item_table, &item), STORE_E_FENCED);
        second = store_close(second);
    }
    assert_int_equal(commit_items(world, 1, 1), 0); /* the first one goes on */
    assert_false(store_has_item(world, 2));
}

static void reader_of_its_own(struct world *world) {
    struct store_reader *reader;
    struct message message = { { 0 } };
    assert_int_equal(commit_items(world, 1, 3), 0);
    assert_int_equal(store_reader_open_only(&world->options, &reader, &message), 0);
    assert_true(reader_has_item(reader, &world->arena, 3));
    assert_int_equal(commit_items(world, 4, 4), 0);
    assert_true(reader_has_item(reader, &world->arena, 4));
    (void)store_reader_close(reader);
    struct store_options nowhere = world->options;
    nowhere.path = "/nonexistent/giro.db";
    nowhere.connection = "host=/nonexistent/giro.db";
    assert_true(store_reader_open_only(&nowhere, &reader, &message) < 0);
    assert_non_null(strstr(message.text, "/nonexistent/giro.db"));
}

/* Every batch holds item k and its twin k + 100000, later updated together: a reader that sees one sees both, in one
 * state. */
enum { TWIN = 100000, READERS = 4, BATCHES = 150 };

struct reading {
    struct store *store;
    atomic_bool *done;
    int64_t snapshots;
    bool torn;
};

static void read_twins(struct reading *reading, struct store_reader *reader, struct arena *arena, int64_t n) {
    struct item one = item_make(arena, n), two = item_make(arena, n + TWIN);
    struct store_probe first = { .table = &item_table, .index = 0, .row = &one };
    struct store_probe second = { .table = &item_table, .index = ITEM_BY_NUMBER, .row = &two };
    check(store_reader_begin(reader) == 0);
    check(store_read(reader, &first, 1, arena) == 0);
    check(store_read(reader, &second, 1, arena) == 0);
    store_reader_end(reader);
    const struct item *a = first.ret_row, *b = second.ret_row;
    if (!a != !b || (a && a->state != b->state)) reading->torn = true;
    reading->snapshots++;
}

static void *reader_main(void *ctx) {
    struct reading *reading = ctx;
    struct store_reader *reader;
    struct arena arena;
    check(store_reader_open(reading->store, &reader) == 0 && arena_init(&arena, 1 << 16, 1 << 20) == 0);
    for (int64_t n = 0; !atomic_load(reading->done) || reading->snapshots < 10; n = (n + 1) % BATCHES) {
        read_twins(reading, reader, &arena, n);
        arena_reset(&arena);
    }
    (void)store_reader_close(reader);
    arena_release(&arena);
    return NULL;
}

static int commit_twins(struct world *world, enum store_change_kind kind, int64_t n, int64_t state) {
    struct item one = item_make(&world->arena, n), two = item_make(&world->arena, n + TWIN);
    one.state = two.state = state;
    const struct store_change changes[] = { { &item_table, kind, &one }, { &item_table, kind, &two } };
    return store_commit(world->store, changes, 2);
}

static void s2_many_readers_in_threads(struct world *world) {
    atomic_bool done = false;
    pthread_t threads[READERS];
    struct reading readings[READERS];
    for (int i = 0; i < READERS; i++) {
        readings[i] = (struct reading){ .store = world->store, .done = &done };
        assert_int_equal(pthread_create(&threads[i], NULL, reader_main, &readings[i]), 0);
    }
    int failed = 0;
    for (int64_t n = 0; n < BATCHES; n++) {
        if (commit_twins(world, STORE_INSERT, n, 1)) failed++;
        if (n && commit_twins(world, STORE_UPDATE, n / 2, 100 + n)) failed++;
        arena_reset(&world->arena);
    }
    atomic_store(&done, true);
    for (int i = 0; i < READERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(failed, 0);
    for (int i = 0; i < READERS; i++) assert_true(readings[i].snapshots >= 10 && !readings[i].torn);
}

/* A random walk of changes, compared after every batch with a plain array. */
enum { WALK_ROWS = 64, WALK_BATCHES = 120 };

static uint32_t walk_next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void random_walk_against_an_array(struct world *world) {
    bool there[WALK_ROWS] = { false };
    uint32_t random = 12345;
    struct store_reader *reader;
    assert_int_equal(store_reader_open(world->store, &reader), 0);
    for (int batch = 0; batch < WALK_BATCHES; batch++) {
        bool next[WALK_ROWS];
        struct item items[8];
        struct store_change changes[8];
        long culprit = -1;
        memcpy(next, there, sizeof next);
        for (int i = 0; i < 8; i++) {
            uint32_t n = walk_next(&random) % WALK_ROWS;
            bool lawful = walk_next(&random) % 50 != 0;
            items[i] = item_make(&world->arena, n);
            changes[i] =
                (struct store_change){ &item_table, next[n] == lawful ? STORE_DELETE : STORE_INSERT, &items[i] };
            if (!lawful && culprit < 0) culprit = i;
            next[n] = !next[n];
        }
        assert_int_equal(store_commit(world->store, changes, 8), culprit < 0 ? 0 : STORE_E_UNDONE);
        assert_int_equal(store_culprit(world->store), culprit);
        if (culprit < 0) memcpy(there, next, sizeof there);
        struct seen seen = { .arena = &world->arena };
        struct store_range range = { .table = &item_table, .index = ITEM_BY_NUMBER, .limit = WALK_ROWS };
        assert_int_equal(store_range(reader, &range, &world->arena, see_item, &seen), 0);
        size_t at = 0;
        for (int64_t n = 0; n < WALK_ROWS; n++)
            if (there[n]) assert_int_equal(seen.numbers[at++], n);
        assert_int_equal(seen.count, at);
    }
    (void)store_reader_close(reader);
}

static const struct {
    const char *name;
    void (*run)(struct world *world);
} cases[] = {
    { "s1 insert and load", s1_insert_and_load },
    { "load by each unique index", load_by_each_unique_index },
    { "update replaces all columns", update_replaces_all_columns },
    { "update of an absent row", update_of_absent_row_is_undone },
    { "update of a unique column", update_of_unique_column_is_undone },
    { "delete uses the key only", delete_uses_the_key_only },
    { "changes of one row in one batch", changes_of_one_row_in_one_batch_run_in_order },
    { "duplicate key", duplicate_key_names_the_culprit },
    { "duplicate unique column", duplicate_unique_column_names_the_culprit },
    { "s3 append-only", s3_append_only_takes_inserts_only },
    { "s1 1,000 rows, all or nothing", s1_thousand_rows_all_or_nothing },
    { "empty batch", empty_batch_is_done },
    { "several tables in one batch", several_tables_in_one_batch },
    { "texts and blobs", texts_and_blobs },
    { "largest and smallest numbers", largest_and_smallest_numbers },
    { "ranges", ranges },
    { "range stops when told", range_stops_when_told },
    { "range of negative numbers", range_orders_negative_numbers },
    { "range after update of its index", range_follows_updates_of_its_index },
    { "s2 a reader keeps its snapshot", s2_reader_keeps_its_snapshot },
    { "arena too small", arena_too_small_is_a_fault },
    { "s1 rows outlive the store", s1_rows_outlive_the_store },
    { "second writer refused", second_writer_is_refused },
    { "a reader of its own", reader_of_its_own },
    { "s2 many readers in threads", s2_many_readers_in_threads },
    { "random walk against an array", random_walk_against_an_array },
};
static const struct {
    const char *name;
    const struct store_ops *ops;
    bool sealed;
} adapters[] = {
    { "sqlite", &store_sqlite_ops, false },
    { "sqlite-sealed", &store_sqlite_ops, true },
    { "postgres", &store_postgres_ops, false },
    { "memory", &store_memory_ops, false },
};
static struct test_server server;

struct run {
    size_t adapter, at;
};

static void run_case(void **state) {
    const struct run *run = *state;
    struct world world;
    test_sealed = adapters[run->adapter].sealed;
    world_make(&world, adapters[run->adapter].ops, "/tmp");
    if (adapters[run->adapter].ops == &store_postgres_ops) test_server_world(&server, &world);
    world_open(&world);
    cases[run->at].run(&world);
    world_drop(&world);
}

int main(void) {
    static struct CMUnitTest tests[ARRAY_COUNT(adapters) * ARRAY_COUNT(cases)];
    static struct run runs[ARRAY_COUNT(tests)];
    static char names[ARRAY_COUNT(tests)][96];
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) {
        runs[i] = (struct run){ i / ARRAY_COUNT(cases), i % ARRAY_COUNT(cases) };
        (void)snprintf(names[i], sizeof names[i], "%s: %s", adapters[runs[i].adapter].name, cases[runs[i].at].name);
        tests[i] = (struct CMUnitTest){ names[i], run_case, NULL, NULL, &runs[i] };
    }
    for (size_t i = 0; i < ARRAY_COUNT(adapters); i++)
        print_message("conformance: %zu cases against %s\n", ARRAY_COUNT(cases), adapters[i].name);
    test_server_make(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_drop(&server);
    return failed;
}
