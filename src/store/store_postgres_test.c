/* store_postgres_test.c - what only the postgres adapter has: the lease, the epoch, broken connections, the database's
 * own guards, sealed columns, migrations and roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_postgres_test_proxy.h"

static struct test_server server;

/* ---- Tables: a balanced one and one with personal columns ---- */

struct leg {
    int64_t number, transaction, currency, side, amount;
};
static const struct column leg_columns[] = {
    COLUMN(struct leg, number, I64), COLUMN(struct leg, transaction, I64), COLUMN(struct leg, currency, I64),
    COLUMN(struct leg, side, I64),   COLUMN(struct leg, amount, I64),
};
static const struct table_index leg_indexes[] = { { "", { 0 }, 1, true } };
static const struct table_balance leg_balance = { .group = { 1, 2 }, .side = 3, .amount = 4 };
static const struct table leg_table = {
    .service = "book",
    .name = "leg",
    .row_bytes = sizeof(struct leg),
    .columns = leg_columns,
    .column_count = ARRAY_COUNT(leg_columns),
    .indexes = leg_indexes,
    .index_count = 1,
    .append_only = true,
    .balance = &leg_balance,
};

struct person {
    uint8_t id[16];
    struct str login, name, note, town;
    int64_t state;
};
static const struct column person_columns[] = {
    COLUMN(struct person, id, ID),
    COLUMN_PERSONAL(struct person, login, TEXT, 64),
    COLUMN_PERSONAL(struct person, name, TEXT, 64),
    COLUMN_PERSONAL(struct person, note, BLOB, 4096),
    COLUMN_VAR(struct person, town, TEXT, 64),
    COLUMN(struct person, state, I64),
};
static const struct table_index person_indexes[] = { { "", { 0 }, 1, true },
                                                     { "login", { 1 }, 1, true },
                                                     { "name", { 2, 5 }, 2, false } };
static const struct table person_table = {
    .service = "people",
    .name = "person",
    .row_bytes = sizeof(struct person),
    .columns = person_columns,
    .column_count = ARRAY_COUNT(person_columns),
    .indexes = person_indexes,
    .index_count = 3,
};
static const struct table *const all_tables[] = { &item_table, &posting_table, &counter_table, &leg_table,
                                                  &person_table };

static void world_begin(struct world *world) {
    world_make(world, &store_postgres_ops, "/tmp");
    test_server_world(&server, world);
    test_server_schema(world, all_tables, ARRAY_COUNT(all_tables));
    world->options.tables = all_tables;
    world->options.table_count = ARRAY_COUNT(all_tables);
}

static void world_begin_open(struct world *world) {
    world_begin(world);
    world_open(world);
}

/* A refused open, with a sentence. */
static void open_refused(const struct store_options *options, int want, const char *words) {
    struct store *store = NULL;
    struct message message = { { 0 } };
    int r = store_open(options, &store, &message);
    if (r != want || !strstr(message.text, words)) fail_msg("%d: %s", r, message.text);
    assert_null(store);
}

static int commit_posting(struct store *store, int64_t number) {
    struct posting posting = { .number = number, .amount = 1 };
    return commit_one(store, STORE_INSERT, &posting_table, &posting);
}

/* Asked of the database itself, beside the adapter, on a connection that is kept. */
static int64_t count_of(const char *sql) {
    static PGconn *conn;
    PGresult *result = sql && conn ? PQexec(conn, sql) : NULL;
    if (!result || PQresultStatus(result) != PGRES_TUPLES_OK) { /* the first one, or the server was started anew */
        PQclear(result);
        PQfinish(conn);
        conn = sql ? PQconnectdb(server.connection) : NULL;
        result = sql ? PQexec(conn, sql) : NULL;
    }
    if (sql) assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    int64_t value = sql ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return value;
}

static void lease_expire(void) {
    test_server_sql(&server, "UPDATE store.lease SET renewed_at = clock_timestamp() - interval '5001 ms'", NULL, 0);
}

/* ---- Lease ---- */

struct pair {
    struct world world;
    struct store *second;
    struct store_options options; /* of the second */
    char epoch_file[TEST_PATH_BYTES * 2 + 8];
};

static void pair_open(struct pair *pair) {
    struct message message = { { 0 } };
    world_begin_open(&pair->world);
    (void)snprintf(pair->epoch_file, sizeof pair->epoch_file, "%s.two", pair->world.epoch_file);
    pair->options = pair->world.options;
    pair->options.node = "two";
    pair->options.node_address = "two.example:8443";
    pair->options.epoch_file = pair->epoch_file;
    assert_int_equal(store_open(&pair->options, &pair->second, &message), 0);
}

static void pair_drop(struct pair *pair) {
    pair->second = store_close(pair->second);
    world_drop(&pair->world);
}

static void e1_lease_is_held_released_taken(void **state) {
    (void)state;
    struct pair pair;
    struct store_lease lease;
    pair_open(&pair);
    assert_int_equal(store_epoch(pair.world.store), 1);
    assert_int_equal(store_lease_take(pair.second, &lease), STORE_E_HELD);
    assert_true(lease.epoch == 1 && !lease.ours && lease.alive);
    assert_string_equal(lease.node, "one");
    assert_string_equal(lease.address, "one.example:8443");
    assert_int_equal(store_lease_take(pair.world.store, &lease), 0); /* it is ours already */
    assert_true(lease.epoch == 1 && lease.ours);
    assert_int_equal(store_lease_renew(pair.world.store), 0);
    store_lease_release(pair.world.store);
    assert_int_equal(store_epoch(pair.world.store), 0);
    assert_int_equal(commit_posting(pair.world.store, 1), STORE_E_FENCED);
    assert_int_equal(store_lease_look(pair.second, &lease), 0);
    assert_true(!lease.alive && !lease.ours);
    assert_int_equal(store_lease_take(pair.second, &lease), 0);
    assert_true(lease.epoch == 2 && lease.ours);
    assert_int_equal(commit_posting(pair.second, 1), 0);
    pair_drop(&pair);
}

static void e2_expired_lease_changes_hands_and_fences(void **state) {
    (void)state;
    struct pair pair;
    struct store_lease lease;
    pair_open(&pair);
    assert_int_equal(commit_posting(pair.world.store, 1), 0);
    lease_expire();
    assert_int_equal(commit_posting(pair.world.store, 2), 0); /* late, but nobody took it: renewed by the commit */
    assert_int_equal(store_lease_take(pair.second, &lease), STORE_E_HELD);
    lease_expire();
    assert_int_equal(store_lease_take(pair.second, &lease), 0);
    assert_int_equal(lease.epoch, 2);
    assert_int_equal(commit_posting(pair.world.store, 3), STORE_E_FENCED);
    assert_int_equal(commit_posting(pair.world.store, 1), STORE_E_FENCED); /* not "undone", though 1 is there */
    assert_int_equal(store_lease_renew(pair.world.store), STORE_E_FENCED);
    assert_int_equal(count_of("SELECT count(*) FROM test.posting"), 2);
    assert_int_equal(commit_posting(pair.second, 3), 0);
    pair_drop(&pair);
}

/* Fenced inside the pipeline, not by the check before it: the connection of the old holder stays. */
static void e2_commit_itself_is_fenced(void **state) {
    (void)state;
    struct world world;
    world_begin_open(&world);
    test_server_sql(&server, "UPDATE store.lease SET epoch = 2, instance = '\\x00'", NULL, 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_FENCED);
    assert_int_equal(count_of("SELECT count(*) FROM test.posting"), 0);
    world_drop(&world);
    world_begin_open(&world);
    assert_int_equal(commit_posting(world.store, 1), 0);
    test_server_sql(&server, "UPDATE store.lease SET epoch = 2, instance = '\\x00'", NULL, 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_FENCED); /* a duplicate too: fenced comes first */
    world_drop(&world);
}

static void e3_same_name_is_another_holder(void **state) {
    (void)state;
    struct world world;
    struct store *again = NULL;
    struct store_lease lease;
    struct message message;
    world_begin_open(&world);
    assert_int_equal(store_open(&world.options, &again, &message), 0);
    assert_int_equal(store_lease_take(again, &lease), STORE_E_HELD);
    assert_int_equal(commit_posting(again, 1), STORE_E_FENCED);
    lease_expire();
    assert_int_equal(store_lease_take(again, &lease), 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_FENCED);
    assert_int_equal(commit_posting(again, 1), 0);
    again = store_close(again);
    world_drop(&world);
}

static void e4_an_older_database_is_refused(void **state) {
    (void)state;
    struct world world;
    struct store_lease lease;
    world_begin_open(&world);
    store_lease_release(world.store);
    assert_int_equal(store_lease_take(world.store, &lease), 0);
    assert_int_equal(lease.epoch, 2);
    test_server_sql(&server, "UPDATE store.lease SET epoch = 1", NULL, 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_FENCED);
    assert_int_equal(store_lease_take(world.store, &lease), STORE_E_FENCED);
    world.store = store_close(world.store);
    open_refused(&world.options, -ESTALE, "old copy");
    test_server_sql(&server, "UPDATE store.lease SET epoch = 2, released = true", NULL, 0);
    world_open(&world);
    assert_int_equal(store_epoch(world.store), 3);
    world.store = store_close(world.store);
    file_write(world.epoch_file, "three\n");
    open_refused(&world.options, -EBADMSG, "no number");
    world_drop(&world);
}

/* ---- Connections that break ---- */

static void reconnects_before_a_commit(void **state) {
    (void)state;
    static const char kill_all[] = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                                   " WHERE application_name LIKE 'giro %'";
    struct world world;
    struct store_reader *reader;
    world_begin_open(&world);
    assert_int_equal(store_reader_open(world.store, &reader), 0);
    assert_int_equal(commit_items(&world, 1, 1), 0);
    assert_int_equal(store_reader_begin(reader), 0);
    test_server_sql(&server, kill_all, NULL, 0);
    assert_int_equal(commit_items(&world, 2, 2), 0); /* a new connection, the same lease */
    struct item item = item_make(&world.arena, 1);
    struct store_probe probe = { .table = &item_table, .row = &item };
    assert_int_equal(store_read(reader, &probe, 1, &world.arena), -ENOTCONN); /* its snapshot is gone */
    store_reader_end(reader);
    assert_true(reader_has_item(reader, &world.arena, 2));
    test_server_sql(&server, kill_all, NULL, 0);
    assert_true(store_has_item(&world, 2));
    assert_int_equal(store_reader_begin(reader), 0);
    assert_true(reader_has_item(reader, &world.arena, 1));
    store_reader_end(reader);
    (void)store_reader_close(reader);
    world_drop(&world);
}

/* Another session locks a table; when the commit waits for it, its connection is ended. */
static void *killer_main(void *ctx) {
    static const char ends[] = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                               " WHERE application_name = 'giro one' AND wait_event_type = 'Lock'";
    char ended[32] = "0";
    (void)ctx;
    while (strcmp(ended, "0") == 0) test_server_sql(&server, ends, ended, sizeof ended);
    return NULL;
}

static void t3_killed_within_a_commit(void **state) {
    (void)state;
    struct world world;
    pthread_t killer;
    world_begin_open(&world);
    PGconn *other = PQconnectdb(server.connection);
    PQclear(PQexec(other, "BEGIN; LOCK TABLE test.posting IN EXCLUSIVE MODE"));
    assert_int_equal(PQtransactionStatus(other), PQTRANS_INTRANS);
    assert_int_equal(pthread_create(&killer, NULL, killer_main, NULL), 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_AWAY);
    assert_int_equal(pthread_join(killer, NULL), 0);
    PQfinish(other);
    assert_int_equal(count_of("SELECT count(*) FROM test.posting"), 0);
    assert_int_equal(commit_posting(world.store, 1), 0);
    world_drop(&world);
}

static void server_stopped_and_started(void **state) {
    (void)state;
    static const int signals[] = { SIGINT, SIGQUIT };
    struct world world;
    struct store_lease lease;
    world_begin_open(&world);
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
        int64_t n = (int64_t)i;
        struct item item = item_make(&world.arena, n);
        struct store_probe probe = { .table = &item_table, .row = &item };
        assert_int_equal(commit_items(&world, n, n), 0);
        test_server_stop(&server, signals[i]);
        assert_int_equal(commit_items(&world, 100 + n, 100 + n), STORE_E_AWAY);
        assert_int_equal(store_load(world.store, &probe, 1, &world.arena), STORE_E_AWAY);
        assert_int_equal(store_lease_renew(world.store), STORE_E_AWAY);
        assert_int_equal(store_lease_look(world.store, &lease), STORE_E_AWAY);
        test_server_start(&server);
        assert_false(store_has_item(&world, 100 + n));
        assert_true(store_has_item(&world, n));
        assert_int_equal(commit_items(&world, 200 + n, 200 + n), 0);
        assert_int_equal(store_epoch(world.store), 1);
    }
    world_drop(&world);
}

/* One batch of two tables under number, whose connection is cut after n bytes. The outcome must be what the database
 * has: both rows, or none. */
struct cutting {
    struct test_proxy proxy;
    struct world world;
    struct counter counter;
    int64_t number;
    int direction;   /* 0: the bytes to the server, 1: those from it */
    int outcomes[3]; /* done, away, unknown */
};

static bool cut_once(struct cutting *cutting, long n, long *ret_left) {
    struct posting posting = { .number = ++cutting->number };
    const struct store_change changes[] = { { &posting_table, STORE_INSERT, &posting },
                                            { &counter_table, STORE_UPDATE, &cutting->counter } };
    cutting->counter.total = cutting->number;
    assert_int_equal(store_lease_renew(cutting->world.store), 0); /* connected */
    test_proxy_cut_after(&cutting->proxy, cutting->direction, n);
    int r = store_commit(cutting->world.store, changes, 2);
    bool cut = test_proxy_restore(&cutting->proxy, ret_left);
    while (cut && count_of("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'giro one'"))
        (void)sched_yield(); /* the server is done with what it got */
    char sql[192];
    (void)snprintf(sql, sizeof sql,
                   "SELECT (SELECT count(*) FROM test.posting WHERE number = %lld) * 10"
                   " + (SELECT count(*) FROM test.counter WHERE total = %lld)",
                   (long long)cutting->number, (long long)cutting->number);
    int64_t there = count_of(sql);
    assert_true(there == 0 || there == 11);
    if (r >= 0 && (there == 11) != (r == 0)) fail_msg("cut after %ld bytes: %d, but %d", n, r, (int)there);
    if (r > 0) assert_int_equal(r, STORE_E_AWAY);
    cutting->outcomes[r == 0 ? 0 : r > 0 ? 1 : 2]++;
    if (r < 0) {
        cutting->world.store = store_close(cutting->world.store); /* the process would end */
        test_server_sql(&server, "UPDATE store.lease SET released = true", NULL, 0);
        world_open(&cutting->world);
    }
    return cut;
}

/* Every byte of the last ones, COMMIT and its answer, and every stride-th before (GIRO_CUT_ALL: every one). */
static void cut_everywhere(struct cutting *cutting, int direction, long last, long stride) {
    long left = 0, total = 100000;
    cutting->direction = direction;
    memset(cutting->outcomes, 0, sizeof cutting->outcomes);
    (void)cut_once(cutting, 0, &left); /* so that the next one prepares its statements again, like all */
    assert_false(cut_once(cutting, total, &left));
    total -= left;
    (void)cut_once(cutting, 0, &left);
    if (getenv("GIRO_CUT_ALL")) stride = 1;
    for (long n = 1; n <= total; n += n + last < total ? stride : 1) assert_true(cut_once(cutting, n, &left));
    print_message("%ld bytes %s the server: %d done, %d away, %d unknown\n", total, direction ? "from" : "to",
                  cutting->outcomes[0], cutting->outcomes[1], cutting->outcomes[2]);
}

enum { LARGE_ROWS = 2000 };

static int commit_large(struct world *world) {
    static char body[BODY_BYTES_MAX];
    struct item *items = arena_new_array(&world->arena, struct item, LARGE_ROWS);
    struct store_change *changes = arena_new_array(&world->arena, struct store_change, LARGE_ROWS);
    for (int i = 0; i < LARGE_ROWS; i++) {
        items[i] = item_make(&world->arena, i);
        items[i].body = str_from_bytes(body, sizeof body);
        changes[i] = (struct store_change){ &item_table, STORE_INSERT, &items[i] };
    }
    return store_commit(world->store, changes, LARGE_ROWS);
}

static void t2_cut_after_every_byte(void **state) {
    (void)state;
    static struct cutting cutting;
    cutting.counter = (struct counter){ .kind = STR("cut") };
    world_begin(&cutting.world);
    test_proxy_start(&cutting.proxy, &server, cutting.world.folder);
    cutting.world.options.connection = cutting.proxy.connection;
    world_open(&cutting.world);
    assert_int_equal(commit_one(cutting.world.store, STORE_INSERT, &counter_table, &cutting.counter), 0);
    cut_everywhere(&cutting, 0, 40, 61);
    assert_true(cutting.outcomes[1] + cutting.outcomes[2] > 40);
    cut_everywhere(&cutting, 1, 15, 41);
    assert_true(cutting.outcomes[2] > 15);
    /* more than the kernel takes: COMMIT has not left when the loss is seen */
    long left;
    assert_int_equal(store_lease_renew(cutting.world.store), 0);
    test_proxy_cut_after(&cutting.proxy, 0, 100000);
    assert_int_equal(commit_large(&cutting.world), STORE_E_AWAY);
    assert_true(test_proxy_restore(&cutting.proxy, &left));
    assert_int_equal(count_of("SELECT count(*) FROM test.item"), 0);
    assert_int_equal(commit_large(&cutting.world), 0);
    assert_int_equal(count_of("SELECT count(*) FROM test.item"), LARGE_ROWS);
    world_drop(&cutting.world);
    test_proxy_stop(&cutting.proxy);
}

/* ---- What the server says of a failed commit ---- */

static const struct {
    const char *name, *raise;
    int want;
} said_cases[] = {
    { "disk full", "RAISE EXCEPTION 'full' USING ERRCODE = '53100'", STORE_E_FULL },
    { "serialization", "RAISE EXCEPTION 'again' USING ERRCODE = '40001'", STORE_E_UNDONE },
    { "deadlock", "RAISE EXCEPTION 'again' USING ERRCODE = '40P01'", STORE_E_UNDONE },
    { "a constraint of the database's owner", "RAISE EXCEPTION 'no' USING ERRCODE = '23514'", STORE_E_UNDONE },
    { "a standby now", "RAISE EXCEPTION 'no' USING ERRCODE = '25006'", STORE_E_AWAY },
    { "a notice is nothing", "RAISE NOTICE 'hm'", 0 },
    { "a warning with COMMIT: a standby may lack it", "RAISE WARNING 'not replicated'", -EIO },
};

static void t3_what_the_server_says_decides(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(said_cases); i++) {
        struct world world;
        char sql[512];
        world_begin_open(&world);
        (void)snprintf(
            sql, sizeof sql,
            "CREATE FUNCTION test.say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s; RETURN NULL; END $$;"
            "CREATE TRIGGER say AFTER INSERT ON test.posting EXECUTE FUNCTION test.say()",
            said_cases[i].raise);
        test_server_sql(&server, sql, NULL, 0);
        int r = commit_posting(world.store, 1);
        if (r != said_cases[i].want) fail_msg("%s: %d", said_cases[i].name, r);
        if (r > 0) assert_int_equal(store_culprit(world.store), -1);
        if (r < 0) assert_int_equal(commit_posting(world.store, 2), -EIO); /* nothing more until it is opened anew */
        test_server_sql(&server, "DROP TRIGGER say ON test.posting", NULL, 0);
        if (r >= 0) assert_int_equal(commit_posting(world.store, 2), 0);
        if (r >= 0) assert_int_equal(count_of("SELECT count(*) FROM test.posting"), r == 0 ? 2 : 1);
        world_drop(&world);
    }
}

/* ---- The database's own guards ---- */

static const struct {
    const char *name;
    struct leg legs[4];
    size_t count;
    int want;
} balance_cases[] = {
    { "balanced", { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 5 } }, 2, 0 },
    { "one debit, two credits", { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 2 }, { 3, 1, 826, 1, 3 } }, 3, 0 },
    { "two transactions",
      { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 5 }, { 3, 2, 826, 0, 7 }, { 4, 2, 826, 1, 7 } },
      4,
      0 },
    { "amounts differ", { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 4 } }, 2, STORE_E_UNDONE },
    { "one side only", { { 1, 1, 826, 0, 5 } }, 1, STORE_E_UNDONE },
    { "currencies differ", { { 1, 1, 826, 0, 5 }, { 2, 1, 978, 1, 5 } }, 2, STORE_E_UNDONE },
    { "transactions differ", { { 1, 1, 826, 0, 5 }, { 2, 2, 826, 1, 5 } }, 2, STORE_E_UNDONE },
    { "one good, one bad",
      { { 1, 1, 826, 0, 5 }, { 2, 1, 826, 1, 5 }, { 3, 2, 826, 0, 1 }, { 4, 2, 826, 1, 2 } },
      4,
      STORE_E_UNDONE },
    { "negative amounts", { { 1, 1, 826, 0, -5 }, { 2, 1, 826, 1, -5 } }, 2, STORE_E_UNDONE },
    { "no such side", { { 1, 1, 826, 2, 5 }, { 2, 1, 826, 3, 5 } }, 2, STORE_E_UNDONE },
    { "beyond 64 bits",
      { { 1, 1, 826, 0, INT64_MAX }, { 2, 1, 826, 0, INT64_MAX }, { 3, 1, 826, 1, 1 } },
      3,
      STORE_E_UNDONE },
};

static void unbalanced_rows_are_refused(void **state) {
    (void)state;
    struct world world;
    world_begin_open(&world);
    int64_t expected = 0;
    for (size_t i = 0; i < ARRAY_COUNT(balance_cases); i++) {
        struct leg legs[4];
        struct store_change changes[4];
        for (size_t j = 0; j < balance_cases[i].count; j++) {
            legs[j] = balance_cases[i].legs[j];
            legs[j].number += 10 * (int64_t)i, legs[j].transaction += 10 * (int64_t)i;
            changes[j] = (struct store_change){ &leg_table, STORE_INSERT, &legs[j] };
        }
        int r = store_commit(world.store, changes, balance_cases[i].count);
        if (r != balance_cases[i].want) fail_msg("%s: %d", balance_cases[i].name, r);
        assert_int_equal(store_culprit(world.store), -1);
        if (r == 0) expected += (int64_t)balance_cases[i].count;
        assert_int_equal(count_of("SELECT count(*) FROM book.leg"), expected);
    }
    world_drop(&world);
}

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
    (void)snprintf(text, sizeof text, "%s password=secret", server.connection);
    options.connection = text;
    open_refused(&options, -EINVAL, "holds a password");
    options.connection = "host=/nonexistent dbname=giro";
    open_refused(&options, -ENOTCONN, "cannot be reached");
    world_drop(&world);
}

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
        cmocka_unit_test(e1_lease_is_held_released_taken),
        cmocka_unit_test(e2_expired_lease_changes_hands_and_fences),
        cmocka_unit_test(e2_commit_itself_is_fenced),
        cmocka_unit_test(e3_same_name_is_another_holder),
        cmocka_unit_test(e4_an_older_database_is_refused),
        cmocka_unit_test(reconnects_before_a_commit),
        cmocka_unit_test(t3_killed_within_a_commit),
        cmocka_unit_test(server_stopped_and_started),
        cmocka_unit_test(t2_cut_after_every_byte),
        cmocka_unit_test(t3_what_the_server_says_decides),
        cmocka_unit_test(unbalanced_rows_are_refused),
        cmocka_unit_test(s3_append_only_and_rights),
        cmocka_unit_test(p1_personal_columns_are_kept_whole),
        cmocka_unit_test(personal_data_is_in_no_file),
        cmocka_unit_test(options_are_refused),
        cmocka_unit_test(unsafe_servers_are_refused),
        cmocka_unit_test(migrations_are_checked),
        cmocka_unit_test(differences_are_found),
        cmocka_unit_test(roles_are_asked_for),
    };
    test_server_make(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)count_of(NULL); /* gives its connection back */
    test_server_drop(&server);
    return failed;
}
