/* store_test_tables.h - three tables, a folder and a store for the tests of this folder. Included by *_test.c only. */
#ifndef GIRO_STORE_STORE_TEST_TABLES_H
#define GIRO_STORE_STORE_TEST_TABLES_H

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_int.h"
#include "store/store_schema.h"

enum { NAME_BYTES_MAX = 64, BODY_BYTES_MAX = 1024, TEST_PATH_BYTES = 128 };

struct item {
    uint8_t id[16];
    int64_t number;
    uint8_t hash[32];
    uint8_t owner[16];
    int64_t state, at;
    struct str name, body;
};
static const struct column item_columns[] = {
    COLUMN(struct item, id, ID),
    COLUMN(struct item, number, I64),
    COLUMN(struct item, hash, HASH),
    COLUMN(struct item, owner, ID),
    COLUMN(struct item, state, I64),
    COLUMN(struct item, at, I64),
    COLUMN_VAR(struct item, name, TEXT, NAME_BYTES_MAX),
    COLUMN_VAR(struct item, body, BLOB, BODY_BYTES_MAX),
};
enum { ITEM_BY_ID, ITEM_BY_NUMBER, ITEM_BY_STATE, ITEM_BY_OWNER };
static const struct table_index item_indexes[] = {
    { "", { 0 }, 1, true },
    { "by_number", { 1 }, 1, true },
    { "by_state", { 4 }, 1, false },
    { "by_owner", { 3, 5 }, 2, false },
};
static const struct table item_table = {
    .service = "test",
    .name = "item",
    .row_bytes = sizeof(struct item),
    .append_only = false,
    .columns = item_columns,
    .column_count = ARRAY_COUNT(item_columns),
    .indexes = item_indexes,
    .index_count = ARRAY_COUNT(item_indexes),
};

struct posting { /* append-only, key is the row number */
    int64_t number, amount;
    uint8_t item[16];
};
static const struct column posting_columns[] = {
    COLUMN(struct posting, number, I64),
    COLUMN(struct posting, amount, I64),
    COLUMN(struct posting, item, ID),
};
static const struct table_index posting_indexes[] = { { "", { 0 }, 1, true }, { "by_item", { 2, 0 }, 2, false } };
static const struct table posting_table = {
    .service = "test",
    .name = "posting",
    .row_bytes = sizeof(struct posting),
    .append_only = true,
    .columns = posting_columns,
    .column_count = ARRAY_COUNT(posting_columns),
    .indexes = posting_indexes,
    .index_count = ARRAY_COUNT(posting_indexes),
};

struct counter { /* a key of text and number, and of a hash */
    struct str kind;
    int64_t bucket;
    uint8_t hash[32];
    int64_t total;
};
static const struct column counter_columns[] = {
    COLUMN_VAR(struct counter, kind, TEXT, 32),
    COLUMN(struct counter, bucket, I64),
    COLUMN(struct counter, hash, HASH),
    COLUMN(struct counter, total, I64),
};
static const struct table_index counter_indexes[] = { { "", { 0, 1 }, 2, true }, { "by_hash", { 2 }, 1, true } };
static const struct table counter_table = {
    .service = "test",
    .name = "counter",
    .row_bytes = sizeof(struct counter),
    .append_only = false,
    .columns = counter_columns,
    .column_count = ARRAY_COUNT(counter_columns),
    .indexes = counter_indexes,
    .index_count = ARRAY_COUNT(counter_indexes),
};

static const struct table *const test_tables[] = { &item_table, &posting_table, &counter_table };

struct world {
    char folder[TEST_PATH_BYTES], path[TEST_PATH_BYTES * 2], migrations[TEST_PATH_BYTES * 2];
    char epoch_file[TEST_PATH_BYTES * 2];
    struct store_options options;
    struct store *store;
    struct arena arena;
};

/* Row number n; everything but the id and the number is a function of n. The texts are static or live in arena. */
static inline struct item item_make(struct arena *arena, int64_t n) {
    struct item item = { .number = n, .state = n % 5, .at = n * 10 };
    for (int i = 0; i < 8; i++) item.id[15 - i] = (uint8_t)((uint64_t)n >> 8 * i);
    for (size_t i = 0; i < sizeof item.hash; i++) item.hash[i] = (uint8_t)(n + (int64_t)i);
    item.owner[0] = (uint8_t)(n % 3 + 1);
    item.name = arena_printf(arena, "item %lld", (long long)n);
    item.body = str_from_bytes("a\0b\0", 4);
    return item;
}

static inline void file_write(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    check(file);
    check(fputs(text, file) >= 0);
    check(fclose(file) == 0);
}

static inline void migration_write(const struct world *world, const char *name, const char *text) {
    char path[TEST_PATH_BYTES * 4];
    (void)snprintf(path, sizeof path, "%s/%s", world->migrations, name);
    file_write(path, text);
}

static inline void schema_write(const struct world *world) {
    struct buffer sql;
    buffer_init_heap(&sql, STORE_SCHEMA_SQL_BYTES_MAX);
    store_schema_sql(test_tables, ARRAY_COUNT(test_tables), &sql);
    buffer_append_char(&sql, 0);
    check(!sql.overflow);
    migration_write(world, "0001_tables.sql", sql.at);
    buffer_release(&sql);
}

/* Stores made from here on are sealed (sqlite only). */
static bool test_sealed;
static uint8_t test_key_bytes[STORE_KEY_BYTES] = "a key for tests, 32 bytes long.";
static const struct secret_bytes test_key = { .at = test_key_bytes, .len = STORE_KEY_BYTES };

/* A new folder under parent with one migration made from the descriptors; nothing is opened yet. */
static inline void world_make(struct world *world, const struct store_ops *ops, const char *parent) {
    *world = (struct world){ 0 };
    (void)snprintf(world->folder, sizeof world->folder, "%s/giro-store-XXXXXX", parent);
    check(mkdtemp(world->folder));
    (void)snprintf(world->path, sizeof world->path, "%s/giro.db", world->folder);
    (void)snprintf(world->migrations, sizeof world->migrations, "%s/migrations", world->folder);
    check(mkdir(world->migrations, 0700) == 0);
    schema_write(world);
    check(arena_init(&world->arena, 1 << 20, 256 << 20) == 0);
    world->options = (struct store_options){ .ops = ops,
                                             .path = world->path,
                                             .migrations = world->migrations,
                                             .key = test_sealed && ops == &store_sqlite_ops ? &test_key : NULL,
                                             .tables = test_tables,
                                             .table_count = ARRAY_COUNT(test_tables) };
}

static inline void world_open(struct world *world) {
    struct message message = { { 0 } };
    int r = store_open(&world->options, &world->store, &message);
    if (r) fprintf(stderr, "store_open: %d %s\n", r, message.text);
    check(r == 0);
    struct store_lease lease;
    check(store_lease_take(world->store, &lease) == 0);
}

static inline int remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw) {
    (void)status, (void)flag, (void)ftw;
    return remove(path);
}

static inline void world_drop(struct world *world) {
    world->store = store_close(world->store);
    if (world->options.ops == &store_memory_ops) store_memory_forget(world->path);
    arena_release(&world->arena);
    check(nftw(world->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline int commit_one(struct store *store, enum store_change_kind kind, const struct table *table,
                             const void *row) {
    const struct store_change change = { table, kind, row };
    return store_commit(store, &change, 1);
}

/* Inserts items from..to in one batch. */
static inline int commit_items(struct world *world, int64_t from, int64_t to) {
    size_t count = (size_t)(to - from + 1);
    struct item *items = arena_new_array(&world->arena, struct item, count);
    struct store_change *changes = arena_new_array(&world->arena, struct store_change, count);
    check(items && changes);
    for (size_t i = 0; i < count; i++) {
        items[i] = item_make(&world->arena, from + (int64_t)i);
        changes[i] = (struct store_change){ &item_table, STORE_INSERT, &items[i] };
    }
    return store_commit(world->store, changes, count);
}

/* Is item n there, whole? A row that is there but differs fails the test. */
static inline bool reader_has_item(struct store_reader *reader, struct arena *arena, int64_t n) {
    struct item wanted = item_make(arena, n);
    struct store_probe probe = { .table = &item_table, .index = ITEM_BY_ID, .row = &wanted };
    check(store_read(reader, &probe, 1, arena) == 0);
    if (probe.ret_row) check(table_rows_equal(&item_table, probe.ret_row, &wanted));
    return probe.ret_row != NULL;
}

static inline bool store_has_item(struct world *world, int64_t n) {
    struct item wanted = item_make(&world->arena, n);
    struct store_probe probe = { .table = &item_table, .index = ITEM_BY_ID, .row = &wanted };
    check(store_load(world->store, &probe, 1, &world->arena) == 0);
    if (probe.ret_row) check(table_rows_equal(&item_table, probe.ret_row, &wanted));
    return probe.ret_row != NULL;
}

#endif
