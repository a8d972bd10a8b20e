/* store_postgres_check.c - the database against the descriptors.
 *
 * What a table must be is written as sorted lines, one fact each: a column with its type, a check, an index with its
 * columns, a trigger with what it does, a role's rights. The catalogs are asked for the same lines, and the two lists
 * must be equal. */
#include "store/store_postgres_int.h"
#include "store/store_schema_postgres.h"

enum { FACTS_MAX = 256, FACT_BYTES_MAX = 256 * 1024, EXECUTE_BYTES_MAX = 256 };

/* $1 = schema, $2 = table. Blanks and quotes of deparsed text are left out, as they differ between versions. */
#define PLAIN(sql) "regexp_replace(" sql ", '[[:space:]\"]', '', 'g')"
static const char facts_sql[] =
    "PREPARE giro_facts(name, name) AS WITH r AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = "
    "c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r')"
    " SELECT fact FROM (SELECT 'column ' || attname || ' ' || format_type(atttypid, atttypmod)"
    "   || CASE WHEN l.collname IS NULL OR l.collname = 'default' THEN '' ELSE ' ' || l.collname END"
    "   || CASE WHEN attnotnull THEN '' ELSE ' nullable' END || CASE WHEN atthasdef THEN ' default' ELSE '' END AS fact"
    "   FROM r JOIN pg_attribute a ON a.attrelid = r.oid LEFT JOIN pg_collation l ON l.oid = a.attcollation"
    "   WHERE attnum > 0 AND NOT attisdropped"
    " UNION ALL SELECT 'check ' || " PLAIN(
        "pg_get_constraintdef(k.oid)") "   FROM r JOIN pg_constraint k ON k.conrelid = r.oid WHERE contype NOT IN "
                                       "('p', 'n')"
                                       " UNION ALL SELECT CASE WHEN indisprimary THEN 'key (' ELSE 'index ' || "
                                       "i.relname"
                                       "   || CASE WHEN indisunique THEN ' unique (' ELSE ' (' END END"
                                       "   || (SELECT string_agg(coalesce(a.attname, 'expression') || CASE WHEN o.bits "
                                       "<> 0 THEN ' DESC' ELSE '' END, ','"
                                       "      ORDER BY c.at) FROM unnest(x.indkey::int[]) WITH ORDINALITY AS c(number, "
                                       "at)"
                                       "      JOIN unnest(x.indoption::int[]) WITH ORDINALITY AS o(bits, at) USING (at)"
                                       "      LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = "
                                       "c.number AND c.number <> 0) || ')'"
                                       "   || CASE WHEN indpred IS NULL THEN '' ELSE ' partial' END || CASE WHEN "
                                       "indisvalid THEN '' ELSE ' invalid' END"
                                       "   FROM r JOIN pg_index x ON x.indrelid = r.oid JOIN pg_class i ON i.oid = "
                                       "x.indexrelid"
                                       " UNION ALL SELECT 'trigger ' || tgname || ' ' || tgtype || ' ' || "
                                       "tgenabled::text || ' ' || " PLAIN(
                                           "f.prosrc") "   FROM r JOIN pg_trigger t ON t.tgrelid = r.oid JOIN pg_proc "
                                                       "f ON f.oid = t.tgfoid WHERE NOT tgisinternal"
                                                       " UNION ALL SELECT 'rights of ' || role || ':' || "
                                                       "coalesce((SELECT string_agg(p, ',' ORDER BY p)"
                                                       "      FROM unnest(ARRAY['DELETE', 'INSERT', 'SELECT', "
                                                       "'TRUNCATE', 'UPDATE']) p"
                                                       "      WHERE has_table_privilege(role, r.oid, p)), '')"
                                                       "   FROM r, unnest(ARRAY['giro_engine', 'giro_read']) role) "
                                                       "facts ORDER BY fact COLLATE \"C\"";

struct facts {
    struct buffer text; /* facts with a NUL behind each */
    size_t at[FACTS_MAX], count;
};

static void fact_end(struct facts *facts, size_t begin) {
    buffer_append_char(&facts->text, 0);
    check(!facts->text.overflow && facts->count < FACTS_MAX);
    facts->at[facts->count++] = begin;
}

static const char *column_name(const struct table *table, struct postgres_column column, char name[128]) {
    (void)snprintf(name, 128, "%s%s", table->columns[column.column].name, column.hash ? "_hash" : "");
    return name;
}

static void column_facts(struct facts *facts, const struct table *table, struct postgres_column at) {
    const struct column *column = &table->columns[at.column];
    enum postgres_kind kind = postgres_kind_of(table, at);
    char name[128];
    size_t begin = facts->text.len;
    buffer_printf(&facts->text, "column %s %s", column_name(table, at, name),
                  kind == POSTGRES_KIND_I64    ? "bigint"
                  : kind == POSTGRES_KIND_TEXT ? "text C"
                                               : "bytea");
    fact_end(facts, begin);
    int bytes = at.hash || column->type == COLUMN_HASH ? 32 : column->type == COLUMN_ID ? 16 : 0;
    if (!bytes) return;
    begin = facts->text.len;
    buffer_printf(&facts->text, "check CHECK((octet_length(%s)=%d))", name, bytes);
    fact_end(facts, begin);
}

static bool index_has_column(const struct table_index *index, uint8_t column) {
    for (uint8_t i = 0; i < index->column_count; i++)
        if (index->columns[i] == column) return true;
    return false;
}

static void index_fact(struct facts *facts, const struct table *table, uint8_t index) {
    const struct table_index *at = &table->indexes[index], *key = &table->indexes[0];
    char name[128];
    size_t begin = facts->text.len;
    if (index) buffer_printf(&facts->text, "index %s_%s%s (", table->name, at->name, at->unique ? " unique" : "");
    else buffer_append_c(&facts->text, "key (");
    for (uint8_t i = 0; i < at->column_count; i++)
        buffer_printf(&facts->text, "%s%s", i ? "," : "",
                      column_name(table, postgres_key_column(table, index, i), name));
    for (uint8_t i = 0; i < key->column_count && !at->unique; i++)
        if (!index_has_column(at, key->columns[i]))
            buffer_printf(&facts->text, ",%s", column_name(table, postgres_key_column(table, 0, i), name));
    buffer_append_c(&facts->text, ")");
    fact_end(facts, begin);
}

/* Trigger types (pg_trigger.h): 2 before, 4 insert, 8 delete, 16 update, 32 truncate. */
static void trigger_facts(struct facts *facts, const struct table *table) {
    char body[2048];
    struct buffer text;
    size_t begin = facts->text.len;
    if (table->append_only) {
        buffer_printf(&facts->text,
                      "trigger %s_append_only 58 O BEGINRAISEEXCEPTION'%%.%%isappend-only',TG_TABLE_SCHEMA,"
                      "TG_TABLE_NAMEUSINGERRCODE='GA001';END",
                      table->name);
        fact_end(facts, begin);
    }
    if (!table->balance) return;
    begin = facts->text.len;
    buffer_init(&text, body, sizeof body);
    store_schema_postgres_balance(table, &text);
    check(!text.overflow);
    buffer_printf(&facts->text, "trigger %s_balance 4 O ", table->name);
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\r\n\"", body[i])) buffer_append_char(&facts->text, body[i]);
    fact_end(facts, begin);
}

static void rights_facts(struct facts *facts, const struct table *table) {
    size_t begin = facts->text.len;
    buffer_printf(&facts->text, "rights of giro_engine:%s",
                  table->append_only ? "INSERT,SELECT" : "DELETE,INSERT,SELECT,UPDATE");
    fact_end(facts, begin);
    begin = facts->text.len;
    buffer_append_c(&facts->text, "rights of giro_read:SELECT");
    fact_end(facts, begin);
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_table(struct facts *facts, const struct table *table, const PGresult *found,
                         struct message *message) {
    const char *wanted[FACTS_MAX];
    for (size_t i = 0; i < facts->count; i++) wanted[i] = facts->text.at + facts->at[i];
    qsort(wanted, facts->count, sizeof wanted[0], compare_texts);
    size_t found_count = (size_t)PQntuples(found), i = 0;
    while (i < facts->count && i < found_count && strcmp(wanted[i], PQgetvalue(found, (int)i, 0)) == 0) i++;
    if (i == facts->count && i == found_count) return 0;
    bool lacks = i < facts->count && (i == found_count || strcmp(wanted[i], PQgetvalue(found, (int)i, 0)) < 0);
    message_set(message, "table %s.%s of the store differs from the program: it %s '%.200s'%s", table->service,
                table->name, lacks ? "lacks" : "has", lacks ? wanted[i] : PQgetvalue(found, (int)i, 0),
                lacks ? "" : " too much");
    return err_origin(-EPROTO);
}

static void table_facts(struct facts *facts, const struct table *table) {
    struct postgres_column columns[POSTGRES_COLUMNS_MAX];
    size_t count = postgres_columns(table, columns);
    buffer_reset(&facts->text);
    facts->count = 0;
    for (size_t i = 0; i < count; i++) column_facts(facts, table, columns[i]);
    for (uint8_t i = 0; i < table->index_count; i++) index_fact(facts, table, i);
    trigger_facts(facts, table);
    rights_facts(facts, table);
}

static int unreadable(const struct postgres_connection *connection, const struct table *table,
                      struct message *message) {
    message_set(message, "the schema of table %s.%s cannot be read: %.200s", table->service, table->name,
                connection->failure.text);
    return err_origin(connection->failure.kind == POSTGRES_ERROR ? -EACCES : -ENOTCONN);
}

static int check_table(struct postgres_connection *connection, const struct table *table, struct facts *facts,
                       struct message *message) {
    char sql[EXECUTE_BYTES_MAX];
    PGresult *found = NULL;
    int len = snprintf(sql, sizeof sql, "EXECUTE giro_facts('%s', '%s')", table->service, table->name);
    check(len < (int)sizeof sql && !strchr(table->service, '\'') && !strchr(table->name, '\'')); /* our own names */
    table_facts(facts, table);
    int r = postgres_ask(connection, sql, NULL, &found) ? unreadable(connection, table, message)
                                                        : compare_table(facts, table, found, message);
    PQclear(found);
    return err_trace(r);
}

/* The question is long and planning it takes longer than answering it: it is planned once for all tables. */
int postgres_check_tables(struct postgres_connection *connection, const struct store_catalog *catalog,
                          struct message *message) {
    struct facts *facts = calloc(1, sizeof *facts);
    if (!facts) return err_origin(-ENOMEM);
    buffer_init_heap(&facts->text, FACT_BYTES_MAX);
    int r = 0;
    if (catalog->count && postgres_tell(connection, facts_sql, POSTGRES_ANSWER_MS))
        r = unreadable(connection, catalog->tables[0], message);
    for (size_t i = 0; i < catalog->count && r == 0; i++)
        r = check_table(connection, catalog->tables[i], facts, message);
    if (r == 0 && catalog->count && postgres_tell(connection, "DEALLOCATE giro_facts", POSTGRES_ANSWER_MS))
        r = unreadable(connection, catalog->tables[0], message);
    buffer_release(&facts->text);
    free(facts);
    return r;
}
