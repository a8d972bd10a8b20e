/* store_postgres_bench_test.c - what batches cost on PostgreSQL, through a Unix socket.
 *
 * A plain table of ten columns and one with four personal columns, batches of 1, 100 and 1,000 rows, inserted, loaded
 * and updated. Prints rows a second and microseconds of CPU a row of this process (the server's are not in it);
 * GIRO_BENCH_ROWS asks for more rows than the default, which only shows that it works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_postgres_test_server.h"

enum { ROWS_DEFAULT = 2000, ROWS_MAX = 5000000, BATCH_MAX = 1000 };

struct wide {
    uint8_t id[16], owner[16];
    int64_t a, b, c, d;
    struct str one, two, three, four;
};
#define WIDE_FIXED                                                                                                     \
    COLUMN(struct wide, id, ID), COLUMN(struct wide, owner, ID), COLUMN(struct wide, a, I64),                          \
        COLUMN(struct wide, b, I64), COLUMN(struct wide, c, I64), COLUMN(struct wide, d, I64)
static const struct column plain_columns[] = {
    WIDE_FIXED,
    COLUMN_VAR(struct wide, one, TEXT, 64),
    COLUMN_VAR(struct wide, two, TEXT, 64),
    COLUMN_VAR(struct wide, three, TEXT, 64),
    COLUMN_VAR(struct wide, four, BLOB, 256),
};
static const struct column sealed_columns[] = {
    WIDE_FIXED,
    COLUMN_PERSONAL(struct wide, one, TEXT, 64),
    COLUMN_PERSONAL(struct wide, two, TEXT, 64),
    COLUMN_PERSONAL(struct wide, three, TEXT, 64),
    COLUMN_PERSONAL(struct wide, four, BLOB, 256),
};
static const struct table_index wide_indexes[] = { { "", { 0 }, 1, true } };
static const struct table plain_table = {
    .service = "bench",
    .name = "plain",
    .row_bytes = sizeof(struct wide),
    .columns = plain_columns,
    .column_count = ARRAY_COUNT(plain_columns),
    .indexes = wide_indexes,
    .index_count = 1,
};
static const struct table sealed_table = {
    .service = "bench",
    .name = "sealed",
    .row_bytes = sizeof(struct wide),
    .columns = sealed_columns,
    .column_count = ARRAY_COUNT(sealed_columns),
    .indexes = wide_indexes,
    .index_count = 1,
};
static const struct table *const wide_tables[] = { &plain_table, &sealed_table };
static struct test_server server;

static void wide_make(struct wide *row, uint64_t n, int64_t a) {
    static const char bytes[100];
    *row = (struct wide){ .a = a,
                          .one = STR("a name of a row"),
                          .two = STR("GB29NWBK60161331926819"),
                          .three = STR("a reference"),
                          .four = str_from_bytes(bytes, sizeof bytes) };
    for (int i = 0; i < 8; i++) row->id[i] = (uint8_t)(n >> (56 - 8 * i));
}

enum work { WORK_INSERT, WORK_LOAD, WORK_UPDATE };

static void work_batch(struct world *world, const struct table *table, enum work work, uint64_t first, size_t batch) {
    static struct wide rows[BATCH_MAX];
    struct store_change changes[BATCH_MAX];
    struct store_probe probes[BATCH_MAX];
    for (size_t i = 0; i < batch; i++) {
        wide_make(&rows[i], first + i, work == WORK_UPDATE);
        changes[i] = (struct store_change){ table, work == WORK_UPDATE ? STORE_UPDATE : STORE_INSERT, &rows[i] };
        probes[i] = (struct store_probe){ .table = table, .row = &rows[i] };
    }
    if (work != WORK_LOAD) {
        assert_int_equal(store_commit(world->store, changes, batch), 0);
        return;
    }
    assert_int_equal(store_load(world->store, probes, batch, &world->arena), 0);
    for (size_t i = 0; i < batch; i++)
        assert_true(probes[i].ret_row && table_rows_equal(table, probes[i].ret_row, &rows[i]));
    arena_reset(&world->arena);
}

static void work_all(struct world *world, const struct table *table, size_t batch, uint64_t count) {
    static const char *const names[] = { "insert", "load", "update" };
    for (int work = 0; work < 3; work++) {
        int64_t begin_ns = clock_mono_ns(), begin_us = clock_cpu_us();
        for (uint64_t n = 0; n < count; n += batch) work_batch(world, table, (enum work)work, n, batch);
        double seconds = (double)(clock_mono_ns() - begin_ns) / 1e9;
        print_message("%-6s %-6s batch %4zu: %9.0f rows/s  %7.2f us CPU a row here\n", table->name, names[work], batch,
                      (double)count / seconds, (double)(clock_cpu_us() - begin_us) / (double)count);
    }
}

static void bench(void **state) {
    (void)state;
    static const size_t batches[] = { 1, 100, BATCH_MAX };
    const char *asked = getenv("GIRO_BENCH_ROWS");
    uint64_t total = ROWS_DEFAULT;
    if (asked) assert_true(str_to_u64(str_from_c(asked), &total) == 0 && total >= 1000 && total <= ROWS_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(batches); i++)
        for (size_t j = 0; j < ARRAY_COUNT(wide_tables); j++) {
            struct world world;
            world_make(&world, &store_postgres_ops, "/tmp");
            test_server_world(&server, &world);
            test_server_schema(&world, wide_tables, ARRAY_COUNT(wide_tables));
            world.options.tables = wide_tables;
            world.options.table_count = ARRAY_COUNT(wide_tables);
            world_open(&world);
            work_all(&world, wide_tables[j], batches[i], batches[i] == 1 ? total / 100 : total / 1000 * 1000);
            world_drop(&world);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(bench) };
    test_server_make(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_drop(&server);
    return failed;
}
