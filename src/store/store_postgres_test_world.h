/* store_postgres_test_world.h - the tables, the server and the steps that the tests of the postgres adapter share.
 * Included by *_test.c only. */
#ifndef GIRO_STORE_STORE_POSTGRES_TEST_WORLD_H
#define GIRO_STORE_STORE_POSTGRES_TEST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_postgres_test_server.h"

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

static inline void world_begin(struct world *world) {
    world_make(world, &store_postgres_ops, "/tmp");
    test_server_world(&server, world);
    test_server_schema(world, all_tables, ARRAY_COUNT(all_tables));
    world->options.tables = all_tables;
    world->options.table_count = ARRAY_COUNT(all_tables);
}

static inline void world_begin_open(struct world *world) {
    world_begin(world);
    world_open(world);
}

/* A refused open, with a sentence. */
static inline void open_refused(const struct store_options *options, int want, const char *words) {
    struct store *store = NULL;
    struct message message = { { 0 } };
    int r = store_open(options, &store, &message);
    if (r != want || !strstr(message.text, words)) fail_msg("%d: %s", r, message.text);
    assert_null(store);
}

static inline int commit_posting(struct store *store, int64_t number) {
    struct posting posting = { .number = number, .amount = 1 };
    return commit_one(store, STORE_INSERT, &posting_table, &posting);
}

/* Asked of the database itself, beside the adapter, on a connection that is kept. */
static inline int64_t count_of(const char *sql) {
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

static inline void lease_expire(void) {
    test_server_sql(&server, "UPDATE store.lease SET renewed_at = clock_timestamp() - interval '5001 ms'", NULL, 0);
}

#endif
