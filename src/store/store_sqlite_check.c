/* store_sqlite_check.c - the database against the descriptors.
 *
 * The descriptors' own schema is made in an empty database in memory; then the same question is put to both, and the
 * two sorted lists of facts must be equal. A fact is one line: a column with type and place in the key, an index
 * column, a trigger. */
#include "store/store_schema.h"
#include "store/store_sqlite_int.h"

#define PLAIN(sql) "lower(replace(replace(replace(replace(" sql ", ' ', ''), char(10), ''), char(9), ''), '\"', ''))"
static const char facts_sql[] = "WITH made(sql) AS (SELECT " PLAIN(
    "sql") " FROM sqlite_schema WHERE type = 'table' AND name = ?1)"
           " SELECT 'column ' || c.name || ' ' || c.type || iif(c.\"notnull\", ' NOT NULL', '')"
           "   || iif(c.pk, ' key part ' || c.pk, '')"
           "   || iif(instr(made.sql, 'check(length(' || lower(c.name) || ')=16)'), ' of 16 bytes', '')"
           "   || iif(instr(made.sql, 'check(length(' || lower(c.name) || ')=32)'), ' of 32 bytes', '') AS fact"
           "   FROM pragma_table_xinfo(?1) c, made"
           " UNION ALL SELECT 'table ' || iif(strict, 'STRICT', 'not STRICT') || iif(wr, ' WITHOUT ROWID', '')"
           "   FROM pragma_table_list(?1) WHERE schema = 'main'"
           " UNION ALL SELECT 'index ' || l.name || iif(l.\"unique\", ' unique', '') || iif(l.partial, ' partial', '')"
           "   || ' column ' || (i.seqno + 1) || ' ' || coalesce(i.name, '(expression)') || iif(i.desc, ' DESC', '')"
           "   || ' ' || i.coll"
           "   FROM pragma_index_list(?1) l JOIN pragma_index_xinfo(l.name) i WHERE i.key AND l.origin <> 'pk'"
           " UNION ALL SELECT 'trigger ' || name || ': ' || " PLAIN(
               "sql") "   FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1"
                      " ORDER BY fact";

/* What the facts follow from. When the two databases were made by the same statements, as after the first migration,
 * this is the whole comparison; it takes a tenth of the time, and somebody may wait for the store meanwhile. */
static const char texts_sql[] =
    "SELECT type || ' ' || name || ' ' || coalesce(" PLAIN("sql") ", '') AS text FROM sqlite_schema"
                                                                  " WHERE tbl_name = ?1 ORDER BY text";

/* The next fact, or NULL behind the last one; the code of a failed step goes to *code. */
static const char *next_fact(sqlite3_stmt *facts, int *code) {
    if (*code == SQLITE_DONE) return NULL;
    *code = sqlite3_step(facts);
    return *code == SQLITE_ROW ? (const char *)sqlite3_column_text(facts, 0) : NULL;
}

static int compare_table(sqlite3_stmt *wanted, sqlite3_stmt *found, const char *name, struct message *message) {
    int wanted_code = SQLITE_ROW, found_code = SQLITE_ROW;
    const char *a, *b;
    do {
        a = next_fact(wanted, &wanted_code);
        b = next_fact(found, &found_code);
    } while (a && b && strcmp(a, b) == 0);
    int failed = wanted_code != SQLITE_ROW && wanted_code != SQLITE_DONE ? wanted_code
                 : found_code != SQLITE_ROW && found_code != SQLITE_DONE ? found_code
                                                                         : SQLITE_OK;
    if (failed != SQLITE_OK) {
        message_set(message, "the schema of table %s cannot be read (%s)", name, sqlite3_errstr(failed));
        return err_origin(sqlite_fault(failed));
    }
    if (!a && !b) return 0;
    if (a && (!b || strcmp(a, b) < 0))
        message_set(message, "table %s of the store differs from the program: it lacks '%s'", name, a);
    else message_set(message, "table %s of the store differs from the program: it has '%s' too much", name, b);
    return err_origin(-EPROTO);
}

static int compare_all(sqlite3_stmt *wanted, sqlite3_stmt *found, const struct store_catalog *catalog,
                       struct message *message) {
    int r = 0;
    for (size_t i = 0; i < catalog->count && r == 0; i++) {
        char name[256];
        int len = snprintf(name, sizeof name, "%s_%s", catalog->tables[i]->service, catalog->tables[i]->name);
        check(len > 0 && (size_t)len < sizeof name);
        check(sqlite3_bind_text(wanted, 1, name, len, SQLITE_STATIC) == SQLITE_OK);
        check(sqlite3_bind_text(found, 1, name, len, SQLITE_STATIC) == SQLITE_OK);
        r = compare_table(wanted, found, name, message);
        (void)sqlite3_reset(wanted); /* repeat the code of the last step */
        (void)sqlite3_reset(found);
    }
    return r;
}

static int compare_by(const char *sql, sqlite3 *model, sqlite3 *db, const struct store_catalog *catalog,
                      struct message *message) {
    sqlite3_stmt *wanted = NULL, *found = NULL;
    int code = sqlite3_prepare_v2(model, sql, -1, &wanted, NULL);
    if (code == SQLITE_OK) code = sqlite3_prepare_v2(db, sql, -1, &found, NULL);
    int r = code == SQLITE_OK ? compare_all(wanted, found, catalog, message) : err_origin(sqlite_fault(code));
    if (code != SQLITE_OK) message_set(message, "the store's schema cannot be read (%s)", sqlite3_errstr(code));
    (void)sqlite3_finalize(wanted); /* repeat the code of the last step */
    (void)sqlite3_finalize(found);
    return r;
}

int sqlite_check_tables(sqlite3 *db, const struct store_catalog *catalog, struct message *message) {
    struct buffer schema;
    buffer_init_heap(&schema, STORE_SCHEMA_SQL_BYTES_MAX);
    store_schema_sql(catalog->tables, catalog->count, &schema);
    buffer_append_char(&schema, 0);
    check(!schema.overflow);
    sqlite3 *model = NULL;
    struct message texts_differ;
    int code = sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(model, schema.at, NULL, NULL, NULL);
    int r =
        code == SQLITE_OK ? compare_by(texts_sql, model, db, catalog, &texts_differ) : err_origin(sqlite_fault(code));
    if (code != SQLITE_OK) message_set(message, "the store's schema cannot be read (%s)", sqlite3_errstr(code));
    else if (r == -EPROTO) r = compare_by(facts_sql, model, db, catalog, message);
    else if (r && message) *message = texts_differ;
    (void)sqlite3_close(model);
    buffer_release(&schema);
    return err_trace(r);
}
