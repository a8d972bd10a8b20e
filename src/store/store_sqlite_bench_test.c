/* store_sqlite_bench_test.c - what the store costs beside the same statements without it.
 *
 * Ten columns, batches of 1, 100 and 1,000 rows, inserted in key order, into a stock and into a sealed store; the raw
 * side is a hand-written INSERT on the same schema and the same pragmas, stock. Also how many pages a second are sealed
 * and opened in memory. Prints rows a second and microseconds of CPU a row; GIRO_BENCH_ROWS asks for more
 * rows than the default, which only shows that both sides work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_test_tables.h"

#include "platform/clock.h"
#include "store/store_sqlite_seal_int.h"

enum { ROWS_DEFAULT = 4000, ROWS_MAX = 5000000 };

struct wide {
    uint8_t id[16], owner[16];
    int64_t a, b, c, d, e;
    uint8_t hash[32];
    struct str name, body;
};
static const struct column wide_columns[] = {
    COLUMN(struct wide, id, ID),    COLUMN(struct wide, owner, ID), COLUMN(struct wide, a, I64),
    COLUMN(struct wide, b, I64),    COLUMN(struct wide, c, I64),    COLUMN(struct wide, d, I64),
    COLUMN(struct wide, e, I64),    COLUMN(struct wide, hash, HASH), COLUMN_VAR(struct wide, name, TEXT, 64),
    COLUMN_VAR(struct wide, body, BLOB, 256),
};
static const struct table_index wide_indexes[] = { { "", { 0 }, 1, true } };
static const struct table wide_table = {
    .service = "test", .name = "wide", .row_bytes = sizeof(struct wide), .columns = wide_columns,
    .column_count = ARRAY_COUNT(wide_columns), .indexes = wide_indexes, .index_count = 1,
};
static const struct table *const wide_tables[] = { &wide_table };

static void wide_make(struct wide *row, uint64_t n) {
    static const char body[100];
    *row = (struct wide){ .a = (int64_t)n, .b = 1, .c = 2, .d = 3, .e = 4, .name = STR("a name of a row") };
    for (int i = 0; i < 8; i++) row->id[i] = (uint8_t)(n >> (56 - 8 * i));
    memset(row->hash, (int)(n & 0xff), sizeof row->hash);
    row->body = str_from_bytes(body, sizeof body);
}

static void wide_world(struct world *world) {
    char sql[4096];
    struct buffer out;
    world_make(world, &store_sqlite_ops, "/tmp");
    buffer_init(&out, sql, sizeof sql);
    store_schema_sql(wide_tables, 1, &out);
    buffer_append_char(&out, 0);
    assert_false(out.overflow);
    migration_write(world, "0001_tables.sql", sql);
    world->options.tables = wide_tables;
    world->options.table_count = 1;
    world_open(world);
}

static void store_rows(struct world *world, struct wide *rows, size_t batch, uint64_t first) {
    struct store_change changes[1000];
    for (size_t i = 0; i < batch; i++) {
        wide_make(&rows[i], first + i);
        changes[i] = (struct store_change){ &wide_table, STORE_INSERT, &rows[i] };
    }
    assert_int_equal(store_commit(world->store, changes, batch), 0);
}

struct raw {
    sqlite3 *db;
    sqlite3_stmt *insert;
};

static void raw_rows(struct raw *raw, struct wide *rows, size_t batch, uint64_t first) {
    assert_int_equal(sqlite3_exec(raw->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < batch; i++) {
        struct wide *row = &rows[i];
        const int64_t *numbers[] = { &row->a, &row->b, &row->c, &row->d, &row->e };
        wide_make(row, first + i);
        sqlite3_bind_blob(raw->insert, 1, row->id, 16, SQLITE_STATIC);
        sqlite3_bind_blob(raw->insert, 2, row->owner, 16, SQLITE_STATIC);
        for (int j = 0; j < 5; j++) sqlite3_bind_int64(raw->insert, 3 + j, *numbers[j]);
        sqlite3_bind_blob(raw->insert, 8, row->hash, 32, SQLITE_STATIC);
        sqlite3_bind_text(raw->insert, 9, row->name.at, (int)row->name.len, SQLITE_STATIC);
        sqlite3_bind_blob(raw->insert, 10, row->body.at, (int)row->body.len, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(raw->insert), SQLITE_DONE);
        sqlite3_reset(raw->insert);
    }
    assert_int_equal(sqlite3_exec(raw->db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

static void raw_open(struct raw *raw, const struct world *world) {
    assert_int_equal(sqlite3_open_v2(world->path, &raw->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(raw->db,
                                  "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;",
                                  NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(raw->db,
                                        "INSERT INTO test_wide VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", -1,
                                        &raw->insert, NULL), SQLITE_OK);
}

enum side { SIDE_STOCK, SIDE_SEALED, SIDE_RAW, SIDES };
static const char *const side_names[] = { "stock", "sealed", "raw" };

static void report(const char *side, size_t batch, uint64_t rows, int64_t ns, int64_t cpu_us) {
    print_message("%-6s batch %4zu: %9.0f rows/s  %7.2f us CPU a row", side, batch, (double)rows * 1e9 / (double)ns,
                  (double)cpu_us / (double)rows);
}

static int compare_ns(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void report_commits(int64_t *commit_ns, size_t count) {
    qsort(commit_ns, count, sizeof commit_ns[0], compare_ns);
    print_message("  commit p50 %.2f ms, p99 %.2f ms, longest %.2f ms\n", (double)commit_ns[count / 2] / 1e6,
                  (double)commit_ns[count - 1 - count / 100] / 1e6, (double)commit_ns[count - 1] / 1e6);
}

/* Writes count rows with one side and prints what they cost. */
static double run_side(struct world *world, struct raw *raw, size_t batch, uint64_t count) {
    static struct wide rows[1000];
    int64_t *commit_ns = calloc(count / batch + 1, sizeof *commit_ns);
    assert_non_null(commit_ns);
    size_t commits = 0;
    int64_t begin_ns = clock_mono_ns(), begin_us = clock_cpu_us();
    for (uint64_t n = 0; n < count; n += batch) {
        int64_t ns = clock_mono_ns();
        if (raw) raw_rows(raw, rows, batch, n);
        else store_rows(world, rows, batch, n);
        commit_ns[commits++] = clock_mono_ns() - ns;
    }
    int64_t ns = clock_mono_ns() - begin_ns;
    report(side_names[raw ? SIDE_RAW : world->options.key ? SIDE_SEALED : SIDE_STOCK], batch, count, ns,
           clock_cpu_us() - begin_us);
    report_commits(commit_ns, commits);
    free(commit_ns);
    return (double)count * 1e9 / (double)ns;
}

/* Rows a second of one side; then every row read back is the one that was written. */
static double bench_side(enum side side, size_t batch, uint64_t count) {
    struct world world;
    struct raw raw = { 0 };
    test_sealed = side == SIDE_SEALED;
    wide_world(&world);
    if (side == SIDE_RAW) {
        world.store = store_close(world.store);
        raw_open(&raw, &world);
    }
    double rows_per_second = run_side(&world, side == SIDE_RAW ? &raw : NULL, batch, count);
    if (side == SIDE_RAW) {
        assert_int_equal(sqlite3_finalize(raw.insert), SQLITE_OK);
        assert_int_equal(sqlite3_close(raw.db), SQLITE_OK);
    } else {
        world.store = store_close(world.store);
    }
    world_open(&world);
    for (uint64_t n = 0; n < count; n += 97) {
        struct wide row;
        wide_make(&row, n);
        struct store_probe probe = { .table = &wide_table, .row = &row };
        assert_int_equal(store_load(world.store, &probe, 1, &world.arena), 0);
        assert_true(probe.ret_row && table_rows_equal(&wide_table, probe.ret_row, &row));
    }
    world_drop(&world);
    return rows_per_second;
}

static void bench(void **state) {
    (void)state;
    static const size_t batches[] = { 1, 100, 1000 };
    const char *asked = getenv("GIRO_BENCH_ROWS");
    uint64_t total = ROWS_DEFAULT;
    if (asked) assert_true(str_to_u64(str_from_c(asked), &total) == 0 && total >= 1000 && total <= ROWS_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(batches); i++) {
        double rows_per_second[SIDES];
        uint64_t count = (batches[i] == 1 ? total / 10 : total) / 1000 * 1000 + 1000;
        for (enum side side = SIDE_STOCK; side < SIDES; side++)
            rows_per_second[side] = bench_side(side, batches[i], count);
        print_message("batch %4zu: sealed %.2f of stock\n", batches[i],
                      rows_per_second[SIDE_SEALED] / rows_per_second[SIDE_STOCK]);
    }
}

static void pages(void **state) {
    (void)state;
    static uint8_t page[SEAL_PAGE_BYTES], sealed[SEAL_PAGE_BYTES], opened[SEAL_PAGE_BYTES];
    struct world world;
    struct seal_ring *ring;
    struct seal_cipher cipher = { 0 };
    world_make(&world, &store_sqlite_ops, "/tmp");
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    memset(page, 'p', SEAL_TEXT_BYTES);
    int64_t count = getenv("GIRO_BENCH_ROWS") ? 500000 : 5000, begin_ns = clock_mono_ns();
    for (int64_t n = 0; n < count; n++) {
        struct seal_place place = seal_place_database((uint64_t)n + 2, NULL);
        assert_int_equal(seal_page(ring, &cipher, &place, page, sealed), 0);
    }
    int64_t middle_ns = clock_mono_ns();
    struct seal_place place = seal_place_database((uint64_t)count + 1, NULL);
    for (int64_t n = 0; n < count; n++)
        assert_int_equal(seal_page_open(ring, &cipher, &place, sealed, opened), SEAL_SOUND);
    int64_t end_ns = clock_mono_ns();
    assert_memory_equal(page, opened, sizeof page);
    print_message("pages of 4 KiB: %.0f sealed/s, %.0f opened/s\n",
                  (double)count * 1e9 / (double)(middle_ns - begin_ns),
                  (double)count * 1e9 / (double)(end_ns - middle_ns));
    seal_cipher_release(&cipher);
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(bench), cmocka_unit_test(pages) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
