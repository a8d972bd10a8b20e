/* store_sqlite_migration_test.c - numbered migrations, and the database against the descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_test_tables.h"

#include <sqlite3.h>

static int try_open(struct world *world, struct message *message) {
    *message = (struct message){ { 0 } };
    int r = store_open(&world->options, &world->store, message);
    world->store = store_close(world->store);
    return r;
}

/* A second migration beside the good first one, and what the open says ("" = it opens). */
static const struct {
    const char *name, *text, *says;
} second_cases[] = {
    { "0002_index_twice.sql", "-- nothing but a comment\n", "" },
    { "0002_other.sql", "CREATE TABLE other_thing (a INTEGER) STRICT;\nINSERT INTO other_thing VALUES (1);\n", "" },
    { "0002_no_semicolon.sql", "CREATE TABLE other_thing (a INTEGER) STRICT", "" },
    { "0002_trigger.sql",
      "CREATE TABLE t (a);\nCREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; SELECT 1; END;\n", "" },
    { "notes.txt", "not a migration", "" },
    { "0003_gap.sql", "SELECT 1;", "no migration 0002, but a later one" },
    { "0001_again.sql", "SELECT 1;", "two migrations with number 0001" },
    { "0000_zero.sql", "SELECT 1;", "not a migration's name" },
    { "2_short.sql", "SELECT 1;", "not a migration's name" },
    { "00002_long.sql", "SELECT 1;", "not a migration's name" },
    { "0002-dash.sql", "SELECT 1;", "not a migration's name" },
    { "0002_.sql", "SELECT 1;", "not a migration's name" },
    { "0002_syntax.sql", "CREATE TABLE other_thing (a);\n\nCREAT TABLE more (a);\n",
      "0002_syntax.sql, line 3: near \"CREAT\"" },
    { "0002_missing.sql", "INSERT INTO nowhere VALUES (1);", "0002_missing.sql, line 1: no such table: nowhere" },
    { "0002_fails.sql", "CREATE TABLE t (a UNIQUE);\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (1);",
      "line 3: UNIQUE" },
    { "0002_commit.sql", "CREATE TABLE t (a);\nCOMMIT;", "0002_commit.sql, line 2: not authorized" },
    { "0002_pragma.sql", "PRAGMA journal_mode = DELETE;", "0002_pragma.sql, line 1: not authorized" },
    { "0002_attach.sql", "ATTACH 'x' AS y;", "line 1: not authorized" },
    { "0002_column.sql", "ALTER TABLE test_item ADD COLUMN extra INTEGER NOT NULL DEFAULT 0;",
      "table test_item of the store differs from the program: it has 'column extra INTEGER NOT NULL' too much" },
    { "0002_no_column.sql", "ALTER TABLE test_counter DROP COLUMN total;", "it lacks 'column total INTEGER NOT NULL'" },
    { "0002_no_index.sql", "DROP INDEX test_item_by_state;",
      "it lacks 'index test_item_by_state column 1 state BINARY'" },
    { "0002_more_index.sql", "CREATE INDEX slow ON test_item (at);",
      "it has 'index slow column 1 at BINARY' too much" },
    { "0002_not_unique.sql", "DROP INDEX test_item_by_number; CREATE INDEX test_item_by_number ON test_item (number);",
      "table test_item of the store differs" },
    { "0002_partial.sql",
      "DROP INDEX test_item_by_state; CREATE INDEX test_item_by_state ON test_item (state) WHERE state > 0;",
      "table test_item of the store differs" },
    { "0002_order.sql", "DROP INDEX test_item_by_owner; CREATE INDEX test_item_by_owner ON test_item (at, owner);",
      "table test_item of the store differs" },
    { "0002_no_trigger.sql", "DROP TRIGGER test_posting_no_update;", "it lacks 'trigger test_posting_no_update" },
    { "0002_weak_trigger.sql",
      "DROP TRIGGER test_posting_no_update; CREATE TRIGGER test_posting_no_update BEFORE UPDATE ON"
      " test_posting BEGIN SELECT 1; END;", "table test_posting of the store differs" },
    { "0002_more_trigger.sql", "CREATE TRIGGER x AFTER INSERT ON test_item BEGIN SELECT 1; END;", "it has 'trigger x" },
    { "0002_no_table.sql", "DROP TABLE test_counter;", "table test_counter of the store differs" },
    { "0002_not_strict.sql",
      "DROP TABLE test_counter; CREATE TABLE test_counter (kind TEXT NOT NULL, bucket INTEGER NOT NULL,"
      " hash BLOB NOT NULL CHECK (length(hash) = 32), total INTEGER NOT NULL, PRIMARY KEY (kind, bucket))"
      " WITHOUT ROWID;"
      " CREATE UNIQUE INDEX test_counter_by_hash ON test_counter (hash);", "it lacks 'table STRICT WITHOUT ROWID'" },
    { "0002_no_check.sql",
      "DROP TABLE test_counter; CREATE TABLE test_counter (kind TEXT NOT NULL, bucket INTEGER NOT NULL,"
      " hash BLOB NOT NULL, total INTEGER NOT NULL, PRIMARY KEY (kind, bucket)) STRICT, WITHOUT ROWID;"
      " CREATE UNIQUE INDEX test_counter_by_hash ON test_counter (hash);",
      "it has 'column hash BLOB NOT NULL' too much" },
    { "0002_nullable.sql",
      "DROP TABLE test_counter; CREATE TABLE test_counter (kind TEXT NOT NULL, bucket INTEGER NOT NULL,"
      " hash BLOB NOT NULL CHECK (length(hash) = 32), total INTEGER, PRIMARY KEY (kind, bucket)) STRICT, WITHOUT ROWID;"
      " CREATE UNIQUE INDEX test_counter_by_hash ON test_counter (hash);", "it has 'column total INTEGER' too much" },
    { "0002_same_by_hand.sql",
      "DROP TABLE test_counter; CREATE TABLE test_counter (total INTEGER NOT NULL, kind TEXT NOT NULL,"
      " bucket INTEGER NOT NULL, hash BLOB NOT NULL CHECK(length( hash )=32), PRIMARY KEY (kind, bucket))"
      " STRICT, WITHOUT ROWID;"
      " CREATE UNIQUE INDEX test_counter_by_hash ON test_counter (hash);", "" },
};

static void second_migrations(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(second_cases); i++) {
        struct world world;
        struct message message;
        world_make(&world, &store_sqlite_ops, "/tmp");
        migration_write(&world, second_cases[i].name, second_cases[i].text);
        for (int again = 0; again < 2; again++) { /* the second open finds what the first left */
            int r = try_open(&world, &message);
            bool right = second_cases[i].says[0] ? r < 0 && strstr(message.text, second_cases[i].says) : r == 0;
            if (!right) fail_msg("%s: %d '%s'", second_cases[i].name, r, message.text);
        }
        world_drop(&world);
    }
}

static void m1_failed_migration_leaves_nothing(void **state) {
    (void)state;
    struct world world;
    struct message message;
    world_make(&world, &store_sqlite_ops, "/tmp");
    migration_write(&world, "0002_two.sql", "CREATE TABLE two (a);\nINSERT INTO nowhere VALUES (1);\n");
    assert_true(try_open(&world, &message) < 0);
    migration_write(&world, "0002_two.sql", "CREATE TABLE two (a);\n"); /* would fail if the table had stayed */
    assert_int_equal(try_open(&world, &message), 0);
    world_drop(&world);
}

static void m2_changed_migration_is_refused(void **state) {
    (void)state;
    struct world world;
    struct message message;
    world_make(&world, &store_sqlite_ops, "/tmp");
    migration_write(&world, "0002_two.sql", "CREATE TABLE two (a);\n");
    assert_int_equal(try_open(&world, &message), 0);
    migration_write(&world, "0002_two.sql", "CREATE TABLE two (a); \n");
    assert_true(try_open(&world, &message) < 0);
    assert_non_null(strstr(message.text, "0002_two.sql was changed after it had been applied"));
    migration_write(&world, "0002_two.sql", "CREATE TABLE two (a);\n");
    assert_int_equal(try_open(&world, &message), 0);
    world_drop(&world);
}

static void m3_newer_store_is_refused(void **state) {
    (void)state;
    struct world world;
    struct message message;
    char path[TEST_PATH_BYTES * 4];
    world_make(&world, &store_sqlite_ops, "/tmp");
    migration_write(&world, "0002_two.sql", "CREATE TABLE two (a);\n");
    assert_int_equal(try_open(&world, &message), 0);
    (void)snprintf(path, sizeof path, "%s/0002_two.sql", world.migrations);
    assert_int_equal(unlink(path), 0);
    assert_true(try_open(&world, &message) < 0);
    assert_non_null(strstr(message.text, "written by a newer program"));
    world_drop(&world);
}

static void migration_files_have_a_limit(void **state) {
    (void)state;
    struct world world;
    struct message message;
    char *text = malloc(1200 * 1024);
    assert_non_null(text);
    memset(text, ' ', 1200 * 1024);
    text[1200 * 1024 - 1] = 0;
    world_make(&world, &store_sqlite_ops, "/tmp");
    migration_write(&world, "0002_large.sql", text);
    assert_true(try_open(&world, &message) < 0);
    assert_non_null(strstr(message.text, "0002_large.sql cannot be read: File too large"));
    free(text);
    world.options.migrations = "/nonexistent";
    assert_true(try_open(&world, &message) < 0);
    assert_non_null(strstr(message.text, "/nonexistent cannot be read"));
    world_drop(&world);
}

static void old_store_gets_the_new_migration(void **state) {
    (void)state;
    struct world world;
    sqlite3 *db;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    assert_int_equal(commit_items(&world, 1, 10), 0);
    world.store = store_close(world.store);
    migration_write(&world, "0002_more.sql",
                    "CREATE TABLE more (a INTEGER);\n-- copies\nINSERT INTO more SELECT number FROM test_item;");
    world_open(&world);
    assert_true(store_has_item(&world, 10));
    world.store = store_close(world.store);
    assert_int_equal(sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_stmt *count;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT (SELECT count(*) FROM more), (SELECT group_concat(number || name)"
                                            " FROM store_migration)", -1, &count, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(count, 0), 10);
    assert_string_equal((const char *)sqlite3_column_text(count, 1), "10001_tables.sql,20002_more.sql");
    assert_int_equal(sqlite3_finalize(count), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    world_drop(&world);
}

static void generator_text(void **state) {
    (void)state;
    static const char wanted[] = "CREATE TABLE \"test_posting\" (\n"
                                 "    \"number\" INTEGER NOT NULL PRIMARY KEY,\n"
                                 "    \"amount\" INTEGER NOT NULL,\n"
                                 "    \"item\" BLOB NOT NULL CHECK (length(\"item\") = 16)\n"
                                 ") STRICT;\n"
                                 "CREATE INDEX \"test_posting_by_item\" ON \"test_posting\" (\"item\", \"number\");\n"
                                 "CREATE TRIGGER \"test_posting_no_update\" BEFORE UPDATE ON \"test_posting\"\nBEGIN\n"
                                 "    SELECT RAISE(ABORT, 'test_posting is append-only');\nEND;\n"
                                 "CREATE TRIGGER \"test_posting_no_delete\" BEFORE DELETE ON \"test_posting\"\nBEGIN\n"
                                 "    SELECT RAISE(ABORT, 'test_posting is append-only');\nEND;\n";
    const struct table *const tables[] = { &posting_table };
    char text[4096];
    struct buffer sql;
    buffer_init(&sql, text, sizeof text);
    store_schema_sql(tables, 1, &sql);
    buffer_append_char(&sql, 0);
    assert_false(sql.overflow);
    assert_string_equal(text, wanted);
    buffer_init(&sql, text, 100);
    store_schema_sql(tables, 1, &sql);
    assert_true(sql.overflow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_migrations),
        cmocka_unit_test(m1_failed_migration_leaves_nothing),
        cmocka_unit_test(m2_changed_migration_is_refused),
        cmocka_unit_test(m3_newer_store_is_refused),
        cmocka_unit_test(migration_files_have_a_limit),
        cmocka_unit_test(old_store_gets_the_new_migration),
        cmocka_unit_test(generator_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
