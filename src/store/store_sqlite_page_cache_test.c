/* store_sqlite_page_cache_test.c - SQLite's cache is told to drop pages when there are some to drop, and only then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_sqlite_int.h"

#include <unistd.h>

enum {
    PAGE_BYTES = 4096,
    EXTRA_BYTES = 64,
    COMMITS = 200,
    ROWS_A_COMMIT = 20,
    PENDING_PAGE = 0x40000000 / PAGE_BYTES + 1
};

static sqlite3_pcache_methods2 own, layer;
static int truncations, parkings;

static void counted_truncate(sqlite3_pcache *cache, unsigned limit) {
    truncations++;
    own.xTruncate(cache, limit);
}

static void counted_rekey(sqlite3_pcache *cache, sqlite3_pcache_page *page, unsigned before, unsigned after) {
    parkings += after == PENDING_PAGE;
    own.xRekey(cache, page, before, after);
}

static int put_layer(void **state) {
    (void)state;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &own), SQLITE_OK);
    sqlite3_pcache_methods2 counted = own;
    counted.xTruncate = counted_truncate;
    counted.xRekey = counted_rekey;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_PCACHE2, &counted), SQLITE_OK);
    sqlite_page_cache_install();
    sqlite_page_cache_install(); /* once is enough: not before itself */
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &layer), SQLITE_OK);
    assert_true(layer.xTruncate != counted_truncate);
    assert_int_equal(sqlite3_initialize(), SQLITE_OK);
    return 0;
}

static sqlite3_pcache *cache_of(unsigned pages) {
    sqlite3_pcache *cache = layer.xCreate(PAGE_BYTES, EXTRA_BYTES, 1);
    assert_non_null(cache);
    layer.xCachesize(cache, 100);
    for (unsigned i = 1; i <= pages; i++) {
        sqlite3_pcache_page *page = layer.xFetch(cache, i, 2);
        assert_non_null(page);
        layer.xUnpin(cache, page, 0);
    }
    truncations = 0;
    return cache;
}

static bool has(sqlite3_pcache *cache, unsigned number) {
    sqlite3_pcache_page *page = layer.xFetch(cache, number, 0);
    if (page) layer.xUnpin(cache, page, 0);
    return page != NULL;
}

static void move(sqlite3_pcache *cache, unsigned before, unsigned after) {
    sqlite3_pcache_page *page = layer.xFetch(cache, before, 0);
    assert_non_null(page);
    layer.xRekey(cache, page, before, after);
    layer.xUnpin(cache, page, 0);
}

static void p2_what_is_behind_the_end_is_dropped(void **state) {
    sqlite3_pcache *cache = cache_of(5);
    (void)state;
    layer.xTruncate(cache, 6);
    assert_int_equal(truncations, 0);
    layer.xTruncate(cache, 5);
    assert_int_equal(truncations, 1);
    assert_false(has(cache, 5));
    assert_true(has(cache, 4));
    layer.xTruncate(cache, 5); /* the highest is 4 now, though 5 was asked for */
    assert_int_equal(truncations, 1);
    layer.xTruncate(cache, 0);
    assert_int_equal(truncations, 2);
    assert_int_equal(layer.xPagecount(cache), 0);
    layer.xDestroy(cache);
}

static void p1_a_page_that_is_parked_counts_as_long_as_it_is(void **state) {
    sqlite3_pcache *cache = cache_of(5);
    (void)state;
    move(cache, 3, PENDING_PAGE);
    move(cache, 4, 3);
    move(cache, PENDING_PAGE, 4);
    layer.xTruncate(cache, 6);
    assert_int_equal(truncations, 0);
    assert_true(has(cache, 3) && has(cache, 4));
    move(cache, 3, PENDING_PAGE);
    layer.xTruncate(cache, 6);
    assert_int_equal(truncations, 1);
    assert_false(has(cache, PENDING_PAGE));
    move(cache, 1, 50); /* two at once: both are counted */
    move(cache, 2, 60);
    move(cache, 50, 1);
    layer.xTruncate(cache, 6);
    assert_int_equal(truncations, 2);
    assert_false(has(cache, 60));
    assert_true(has(cache, 1) && has(cache, 5));
    layer.xDestroy(cache);
}

static sqlite3 *database(char path[64]) {
    sqlite3 *db;
    snprintf(path, 64, "/tmp/giro-page-cache-%ld.db", (long)getpid());
    (void)unlink(path); /* of a run before */
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536; PRAGMA page_size = 4096;"
                                  "CREATE TABLE t (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    return db;
}

/* Rows with keys all over the tree; n: the same keys for the same n. One statement a row: a longer one would have a
 * table, and with it a cache, of its own. */
static void fill(sqlite3 *db, int n, const char *end) {
    assert_int_equal(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < ROWS_A_COMMIT; i++) {
        char sql[128];
        uint32_t key = (uint32_t)(n * 1000 + i) * 2654435761U;
        snprintf(sql, sizeof sql, "INSERT INTO t VALUES ('%08x', zeroblob(100))", key);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    }
    assert_int_equal(sqlite3_exec(db, end, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t number(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return value;
}

static void a_commit_that_exchanges_pages_walks_over_nothing(void **state) {
    char path[64], log[80];
    sqlite3 *db = database(path);
    (void)state;
    truncations = parkings = 0;
    for (int i = 0; i < COMMITS; i++) fill(db, i, "COMMIT");
    assert_true(parkings > 0); /* else this SQLite does it in another way, and the layer is not needed */
    assert_int_equal(truncations, 0);
    fill(db, COMMITS, "INSERT INTO t SELECT k || 'x', zeroblob(1000) FROM t; ROLLBACK"); /* had grown */
    assert_true(truncations > 0);
    assert_int_equal(number(db, "SELECT count(*) FROM t"), COMMITS * ROWS_A_COMMIT);
    assert_int_equal(number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    int64_t pages = number(db, "PRAGMA page_count");
    assert_int_equal(sqlite3_exec(db, "DELETE FROM t WHERE k > '10000000'; VACUUM", NULL, NULL, NULL), SQLITE_OK);
    assert_true(number(db, "PRAGMA page_count") < pages);
    fill(db, COMMITS + 1, "COMMIT");
    assert_int_equal(number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    snprintf(log, sizeof log, "%s-wal", path);
    (void)unlink(log); /* gone with the last connection */
    assert_int_equal(unlink(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p2_what_is_behind_the_end_is_dropped),
        cmocka_unit_test(p1_a_page_that_is_parked_counts_as_long_as_it_is),
        cmocka_unit_test(a_commit_that_exchanges_pages_walks_over_nothing),
    };
    return cmocka_run_group_tests(tests, put_layer, NULL);
}
