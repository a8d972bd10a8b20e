/* store_postgres_guard_test.c - the database's own guards, sealed columns, and what an open refuses. */
#include "store/store_postgres_test_world.h"

/* ---- The database's own guards ---- */

/* culprit: of the change, as the port sees it before the server does; -1: balanced. */
static const struct {
    const char *name;
    struct leg legs[4];
    size_t count;
    long culprit;
} balance_cases[] = {
    { "balanced", { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 5 } }, 2, -1 },
    { "one debit, two credits", { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 2 }, { 3, 1, 826, 1, 3 } }, 3, -1 },
    { "two transactions",
      { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 5 }, { 3, 2, 826, 0, 7 }, { 4, 2, 826, 1, 7 } },
      4,
      -1 },
    { "amounts differ", { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 4 } }, 2, 0 },
    { "one side only", { { 1, 1, 826, 0, 5 } }, 1, 0 },
    { "currencies differ", { { 1, 1, 826, 0, 5 }, { 2, 1, 978, 1, 5 } }, 2, 0 },
    { "transactions differ", { { 1, 1, 826, 0, 5 }, { 2, 2, 826, 1, 5 } }, 2, 0 },
    { "one good, one bad",
      { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 5 }, { 3, 2, 826, 0, 1 }, { 4, 2, 826, 1, 2 } },
      4,
      2 },
    { "negative amounts", { { 1, 1, 826, 0, -5 }, { 2, 1, 826, 1, -5 } }, 2, 0 },
    { "no such side", { { 1, 1, 826, 2, 5 }, { 2, 1, 826, 3, 5 } }, 2, 0 },
    { "beyond 63 bits", { { 1, 1, 826, 0, INT64_MAX }, { 2, 1, 826, 0, INT64_MAX }, { 3, 1, 826, 1, 1 } }, 3, 1 },
    { "even only in 64 bits",
      { { 1, 1, 826, 0, INT64_MAX }, { 2, 1, 826, 0, INT64_MAX }, { 3, 1, 826, 0, 3 }, { 4, 1, 826, 1, 1 } },
      4,
      1 },
};

/* SQLSTATE of a statement as a role. */
static void sql_refused(const char *role, const char *sql, const char *want) {
    PGconn *conn = PQconnectdb(server.connection);
    char set[64];
    (void)snprintf(set, sizeof set, "SET ROLE %s", role);
    PQclear(PQexec(conn, set));
    PGresult *result = PQexec(conn, sql);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (strcmp(state ? state : "", want) != 0) fail_msg("%s as %s: %s", sql, role, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
}

/* The trigger alone, past the port's own look: what any other program would meet. */
/* spec: ledger/1 */
static void unbalanced_rows_are_refused_by_the_server(void **state) {
    (void)state;
    struct world world;
    world_begin_open(&world);
    for (size_t i = 0; i < ARRAY_COUNT(balance_cases); i++) {
        char sql[512];
        struct buffer out;
        buffer_init(&out, sql, sizeof sql);
        buffer_append_c(&out, "BEGIN; INSERT INTO book.leg (number, transaction, currency, side, amount) VALUES");
        for (size_t j = 0; j < balance_cases[i].count; j++) {
            const struct leg *leg = &balance_cases[i].legs[j];
            buffer_printf(&out, "%s (%lld, %lld, %lld, %lld, %lld)", j ? "," : "", (long long)leg->number,
                          (long long)leg->transaction, (long long)leg->currency, (long long)leg->side,
                          (long long)leg->amount);
        }
        buffer_append_c(&out, "; ROLLBACK");
        buffer_append_char(&out, 0);
        assert_false(out.overflow);
        sql_refused("giro_engine", sql, balance_cases[i].culprit < 0 ? "" : "GB001");
    }
    world_drop(&world);
}

/* spec: ledger/1 */
static void unbalanced_rows_are_refused(void **state) {
    (void)state;
    struct world world;
    world_begin_open(&world);
    int64_t expected = 0;
    for (size_t i = 0; i < ARRAY_COUNT(balance_cases); i++) {
        struct leg legs[4];
        struct store_change changes[4];
        bool balanced = balance_cases[i].culprit < 0;
        for (size_t j = 0; j < balance_cases[i].count; j++) {
            legs[j] = balance_cases[i].legs[j];
            legs[j].number += 10 * (int64_t)i, legs[j].transaction += 10 * (int64_t)i;
            changes[j] = (struct store_change){ &leg_table, STORE_INSERT, &legs[j] };
        }
        int r = store_commit(world.store, changes, balance_cases[i].count);
        if (r != (balanced ? 0 : STORE_E_UNDONE)) fail_msg("%s: %d", balance_cases[i].name, r);
        if (store_culprit(world.store) != balance_cases[i].culprit)
            fail_msg("%s: culprit %ld", balance_cases[i].name, store_culprit(world.store));
        if (balanced) expected += (int64_t)balance_cases[i].count;
        assert_int_equal(count_of("SELECT count(*) FROM book.leg"), expected);
    }
    world_drop(&world);
}

/* spec: ledger/17 */
static void s3_append_only_and_rights(void **state) {
    (void)state;
    struct world world;
    world_begin_open(&world);
    assert_int_equal(commit_posting(world.store, 1), 0);
    sql_refused("giro", "UPDATE test.posting SET amount = 9", "GA001"); /* the superuser too */
    sql_refused("giro", "DELETE FROM test.posting", "GA001");
    sql_refused("giro", "TRUNCATE test.posting", "GA001");
    sql_refused("giro_owner", "DELETE FROM test.posting", "42501");
    sql_refused("giro_engine", "DELETE FROM test.posting", "42501");
    sql_refused("giro_engine", "UPDATE test.posting SET amount = 9", "42501");
    sql_refused("giro_engine", "SELECT * FROM test.posting", "");
    sql_refused("giro_engine", "CREATE TABLE test.more (a bigint)", "42501");
    sql_refused("giro_read", "SELECT * FROM test.item", "");
    sql_refused("giro_read", "INSERT INTO test.posting VALUES (2, 2, '\\x00')", "42501");
    sql_refused("giro_read", "UPDATE store.lease SET epoch = 9", "42501");
    world_drop(&world);
}

/* ---- Personal columns ---- */

static struct person person_make(uint8_t n, const char *login, const char *name) {
    return (struct person){ .id = { n },
                            .login = str_from_c(login),
                            .name = str_from_c(name),
                            .note = STR("a note that nobody may read"),
                            .town = STR("Clearwater-on-Sea") };
}

static const struct person *person_by_login(struct world *world, const char *login) {
    struct person wanted = { .login = str_from_c(login) };
    struct store_probe probe = { .table = &person_table, .index = 1, .row = &wanted };
    assert_int_equal(store_load(world->store, &probe, 1, &world->arena), 0);
    return probe.ret_row;
}

static int count_person(void *ctx, const void *row) {
    (void)row;
    ++*(int *)ctx;
    return 0;
}

static void p1_personal_columns_are_kept_whole(void **state) {
    (void)state;
    struct world world;
    struct store_reader *reader;
    world_begin_open(&world);
    struct person ada = person_make(1, "ada@example.test", "Ada Lovelace"), bob = person_make(2, "bob", "");
    bob.note = STR("");
    assert_int_equal(commit_one(world.store, STORE_INSERT, &person_table, &ada), 0);
    assert_int_equal(commit_one(world.store, STORE_INSERT, &person_table, &bob), 0);
    assert_true(table_rows_equal(&person_table, person_by_login(&world, "ada@example.test"), &ada));
    assert_true(table_rows_equal(&person_table, person_by_login(&world, "bob"), &bob));
    assert_null(person_by_login(&world, "carl"));
    assert_int_equal(count_of("SELECT octet_length(name) FROM people.person WHERE id = decode('02' || repeat('00', 15),"
                              " 'hex')"),
                     0); /* P3 */
    struct person same = person_make(3, "bob", "Another");
    assert_int_equal(commit_one(world.store, STORE_INSERT, &person_table, &same), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world.store), 0);
    ada.name = STR("Ada King"), ada.state = 7;
    assert_int_equal(commit_one(world.store, STORE_UPDATE, &person_table, &ada), 0);
    assert_true(table_rows_equal(&person_table, person_by_login(&world, "ada@example.test"), &ada));
    struct person renamed = ada;
    renamed.login = STR("ada"); /* a column of a unique index never changes */
    assert_int_equal(commit_one(world.store, STORE_UPDATE, &person_table, &renamed), STORE_E_UNDONE);
    assert_int_equal(store_reader_open(world.store, &reader), 0);
    int count = 0;
    struct store_range range = { .table = &person_table, .index = 2, .row = &ada, .equal_columns = 1, .limit = 9 };
    assert_int_equal(store_range(reader, &range, &world.arena, count_person, &count), 0);
    assert_int_equal(count, 1);
    (void)store_reader_close(reader);
    test_server_sql(&server, "UPDATE people.person SET name = (SELECT note FROM people.person ORDER BY id LIMIT 1)",
                    NULL, 0); /* sealed for another column */
    struct store_probe probe = { .table = &person_table, .row = &ada };
    assert_int_equal(store_load(world.store, &probe, 1, &world.arena), -EBADMSG);
    world_drop(&world);
}

static const char *wanted_bytes;
static int files_with_it;

static int look_into_file(const char *path, const struct stat *status, int flag, struct FTW *ftw) {
    (void)ftw;
    if (flag != FTW_F || status->st_size == 0) return 0;
    char *bytes = malloc((size_t)status->st_size);
    FILE *file = fopen(path, "re");
    assert_true(bytes && file);
    size_t len = fread(bytes, 1, (size_t)status->st_size, file);
    if (memmem(bytes, len, wanted_bytes, strlen(wanted_bytes))) files_with_it++;
    (void)fclose(file);
    free(bytes);
    return 0;
}

static int files_that_hold(const char *bytes) {
    wanted_bytes = bytes;
    files_with_it = 0;
    assert_int_equal(nftw(server.folder, look_into_file, 16, FTW_PHYS), 0); /* base, pg_wal, the log */
    return files_with_it;
}

static void personal_data_is_in_no_file(void **state) {
    (void)state;
    struct world world;
    world_begin_open(&world);
    struct person eve = person_make(9, "eve.hidden@example.test", "Evelina Undisclosed");
    assert_int_equal(commit_one(world.store, STORE_INSERT, &person_table, &eve), 0);
    assert_int_equal(commit_one(world.store, STORE_INSERT, &person_table, &eve), STORE_E_UNDONE); /* and in no log */
    eve.state = 1;
    assert_int_equal(commit_one(world.store, STORE_UPDATE, &person_table, &eve), 0);
    test_server_sql(&server, "CHECKPOINT", NULL, 0);
    assert_true(files_that_hold("Clearwater-on-Sea") >= 2); /* what is not personal is found: the search works */
    assert_int_equal(files_that_hold("eve.hidden@example.test"), 0);
    assert_int_equal(files_that_hold("Evelina Undisclosed"), 0);
    assert_int_equal(files_that_hold("a note that nobody may read"), 0);
    world_drop(&world);
}

/* ---- Opening ---- */

static void options_are_refused(void **state) {
    (void)state;
    static const uint8_t other_bytes[STORE_KEY_BYTES] = "another key of thirty-two bytes";
    const struct secret_bytes other = { .at = (uint8_t *)(uintptr_t)other_bytes, .len = STORE_KEY_BYTES };
    struct world world;
    struct store_reader *reader = NULL;
    struct message message = { { 0 } };
    char text[512];
    world_begin_open(&world);
    struct store_options options = world.options;
    options.key = &other;
    open_refused(&options, -EACCES, "key is not the one");
    assert_int_equal(store_reader_open_only(&options, &reader, &message), -EACCES);
    assert_non_null(strstr(message.text, "key is not the one"));
    options.key = NULL;
    open_refused(&options, -EINVAL, "key is missing");
    options = world.options;
    options.connection = "";
    open_refused(&options, -EINVAL, "connection string is missing");
    options.connection = "hots=/tmp";
    open_refused(&options, -EINVAL, "is not one");
    static const char *const unreadable[] = { "postgresql://giro:tops3cret@[::1/giro",
                                              "dbname=giro password = my tops3cret",
                                              "host=a sslpassword=tops3cret' tops3cret" };
    for (size_t i = 0; i < ARRAY_COUNT(unreadable); i++) {
        struct store *store = NULL;
        options.connection = unreadable[i];
        assert_int_equal(store_open(&options, &store, &message), -EINVAL);
        assert_non_null(strstr(message.text, "is not one"));
        if (strstr(message.text, "tops3cret")) fail_msg("a password in: %s", message.text);
    }
    (void)snprintf(text, sizeof text, "%s password=secret", server.connection);
    options.connection = text;
    open_refused(&options, -EINVAL, "holds a password");
    options.connection = "host=/nonexistent dbname=giro";
    open_refused(&options, -ENOTCONN, "cannot be reached");
    world_drop(&world);
}

/* spec: ledger/50 */
static void unsafe_servers_are_refused(void **state) {
    (void)state;
    static const char *const names[] = { "fsync", "full_page_writes" };
    struct world world;
    world_begin(&world);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "ALTER SYSTEM SET %s = off", names[i]);
        test_server_sql(&server, sql, NULL, 0);
        test_server_reload(&server, names[i], "off");
        open_refused(&world.options, -EPERM, names[i]);
        (void)snprintf(sql, sizeof sql, "ALTER SYSTEM RESET %s", names[i]);
        test_server_sql(&server, sql, NULL, 0);
        test_server_reload(&server, names[i], "on");
    }
    /* what a session may set is set: off for this user is on for the store */
    test_server_sql(&server, "ALTER ROLE giro SET synchronous_commit = off", NULL, 0);
    world_open(&world);
    assert_int_equal(commit_posting(world.store, 1), 0);
    test_server_sql(&server, "ALTER ROLE giro RESET synchronous_commit", NULL, 0);
    world_drop(&world);
}

static void migrations_are_checked(void **state) {
    (void)state;
    struct world world;
    world_begin(&world);
    migration_write(&world, "0002_more.sql",
                    "CREATE TABLE test.more (a bigint);\n-- then; a comment\n\n\n"
                    "CREATE TABLE test.more (b text DEFAULT ';');\n");
    open_refused(&world.options, -EINVAL, "0002_more.sql, line 5");
    migration_write(&world, "0002_more.sql", "CREATE TABLE test.more (a bigint);\n/* x; */ COMMIT;\n");
    open_refused(&world.options, -EINVAL, "0002_more.sql, line 2");
    migration_write(&world, "0002_more.sql", "SELECT 1;\nSELECT\n 'a;b', $x$ ; $x$,\n nonsense;\n");
    open_refused(&world.options, -EINVAL, "0002_more.sql, line 4");
    assert_int_equal(count_of("SELECT count(*) FROM pg_tables WHERE tablename = 'more'"), 0); /* M1 */
    migration_write(&world, "0002_more.sql", "CREATE TABLE test.more (a bigint)");
    world_open(&world);
    world.store = store_close(world.store);
    migration_write(&world, "0002_more.sql", "CREATE TABLE test.more (a text)");
    open_refused(&world.options, -EPROTO, "0002_more.sql was changed");
    char path[TEST_PATH_BYTES * 4];
    (void)snprintf(path, sizeof path, "%s/0002_more.sql", world.migrations);
    assert_int_equal(unlink(path), 0);
    open_refused(&world.options, -EPROTO, "newer program");
    world_drop(&world);
}

static const struct {
    const char *name, *sql, *words;
} difference_cases[] = {
    { "a column too much", "ALTER TABLE test.item ADD COLUMN more bigint NOT NULL DEFAULT 0", "column more bigint" },
    { "a column too few", "ALTER TABLE test.item DROP COLUMN at", "lacks 'column at bigint'" },
    { "another type", "ALTER TABLE test.posting ALTER COLUMN amount TYPE integer", "lacks 'column amount bigint'" },
    { "a nullable column", "ALTER TABLE test.item ALTER COLUMN state DROP NOT NULL", "column state bigint" },
    { "an index gone", "DROP INDEX test.item_by_number", "index item_by_number unique (number)" },
    { "an index of another order",
      "DROP INDEX test.item_by_owner; CREATE INDEX item_by_owner ON test.item (at, owner, id)", "index item_by_owner" },
    { "a check gone", "ALTER TABLE test.item DROP CONSTRAINT item_id_check", "octet_length(id)=16" },
    { "the guard of append-only gone", "DROP TRIGGER posting_append_only ON test.posting", "posting_append_only" },
    { "the guard switched off", "ALTER TABLE test.posting DISABLE TRIGGER posting_append_only", "posting_append_only" },
    { "the balance gone", "DROP TRIGGER leg_balance ON book.leg", "leg_balance" },
    { "a right too much", "GRANT DELETE ON test.posting TO giro_engine", "rights of giro_engine" },
};

static void differences_are_found(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(difference_cases); i++) {
        struct world world;
        world_begin_open(&world);
        world.store = store_close(world.store);
        test_server_sql(&server, difference_cases[i].sql, NULL, 0);
        open_refused(&world.options, -EPROTO, difference_cases[i].words);
        world_drop(&world);
    }
}

static void roles_are_asked_for(void **state) {
    (void)state;
    struct world world;
    char connection[TEST_PATH_BYTES * 2];
    world_begin(&world);
    (void)snprintf(connection, sizeof connection, "host=%s user=plain dbname=postgres", server.folder);
    test_server_sql(&server,
                    "CREATE ROLE plain LOGIN; DROP OWNED BY giro_owner, giro_engine, giro_read;"
                    "DROP ROLE giro_owner, giro_engine, giro_read",
                    NULL, 0);
    struct store_options options = world.options;
    options.connection = connection;
    open_refused(&options, -EPERM, "CREATE ROLE giro_owner");
    test_server_sql(&server,
                    "CREATE ROLE giro_owner; CREATE ROLE giro_engine; CREATE ROLE giro_read;"
                    "GRANT CREATE ON DATABASE postgres TO giro_owner; GRANT giro_engine, giro_read TO plain",
                    NULL, 0);
    open_refused(&options, -EPROTO, "may not act as giro_owner"); /* migrations are another user's */
    world_open(&world);
    world.store = store_close(world.store);
    world.options.connection = connection;
    world_open(&world); /* nothing is new: the two roles are enough */
    assert_int_equal(commit_posting(world.store, 1), 0);
    world_drop(&world);
    test_server_empty(&server);
    test_server_sql(&server, "DROP OWNED BY plain; DROP ROLE plain", NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unbalanced_rows_are_refused), cmocka_unit_test(unbalanced_rows_are_refused_by_the_server),
        cmocka_unit_test(s3_append_only_and_rights),   cmocka_unit_test(p1_personal_columns_are_kept_whole),
        cmocka_unit_test(personal_data_is_in_no_file), cmocka_unit_test(options_are_refused),
        cmocka_unit_test(unsafe_servers_are_refused),  cmocka_unit_test(migrations_are_checked),
        cmocka_unit_test(differences_are_found),       cmocka_unit_test(roles_are_asked_for),
    };
    test_server_make(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)count_of(NULL); /* gives its connection back */
    test_server_drop(&server);
    return failed;
}
