/* store_postgres_check.c - the database against the descriptors.
 *
 * What a table must be is written as sorted lines, one fact each: a column with its type, a check, an index with its
 * columns, a trigger with what it does, a role's rights. The catalogs are asked for the same lines, and the two lists
 * must be equal. */
#include "store/store_postgres_int.h"
#include "store/store_schema_postgres.h"

enum { FACTS_MAX = 256, FACT_BYTES_MAX = 256 * 1024, NAMES_BYTES_MAX = STORE_TABLES_MAX * 132 };

/* $1 = schemas, $2 = tables: the facts of each, with its position among them. One question for all: planning it takes
 * longer than answering it, and each answer would be waited for. Blanks and quotes of deparsed text are left out, as
 * they differ between versions. */
#define PLAIN(sql) "regexp_replace(" sql ", '[[:space:]\"]', '', 'g')"
static const char facts_sql[] =
    "WITH r AS MATERIALIZED (SELECT w.at, c.oid FROM unnest($1::name[], $2::name[]) WITH ORDINALITY AS w(s, t, at)"
    " JOIN pg_namespace n ON n.nspname = w.s"
    " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.t AND c.relkind = 'r')"
    " SELECT at, fact FROM (SELECT r.at, 'column ' || attname || ' ' || format_type(atttypid, atttypmod)"
    "   || CASE WHEN l.collname IS NULL OR l.collname = 'default' THEN '' ELSE ' ' || l.collname END"
    "   || CASE WHEN attnotnull THEN '' ELSE ' nullable' END || CASE WHEN atthasdef THEN ' default' ELSE '' END AS fact"
    "   FROM r JOIN pg_attribute a ON a.attrelid = r.oid LEFT JOIN pg_collation l ON l.oid = a.attcollation"
    "   WHERE attnum > 0 AND NOT attisdropped"
    " UNION ALL SELECT r.at, 'check ' || " PLAIN(
        "pg_get_constraintdef(k.oid)") "   FROM r JOIN pg_constraint k ON k.conrelid = r.oid WHERE contype NOT IN "
                                       "('p', 'n')"
                                       " UNION ALL SELECT r.at, CASE WHEN indisprimary THEN 'key (' ELSE 'index ' || "
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
                                       " UNION ALL SELECT r.at, 'trigger ' || tgname || ' ' || tgtype || ' ' || "
                                       "tgenabled::text || ' ' || " PLAIN(
                                           "f.prosrc") "   FROM r JOIN pg_trigger t ON t.tgrelid = r.oid JOIN pg_proc "
                                                       "f ON f.oid = t.tgfoid WHERE NOT tgisinternal"
                                                       " UNION ALL SELECT r.at, 'rights of ' || role || ':' || "
                                                       "coalesce((SELECT string_agg(p, ',' ORDER BY p)"
                                                       "      FROM unnest(ARRAY['DELETE', 'INSERT', 'SELECT', "
                                                       "'TRUNCATE', 'UPDATE']) p"
                                                       "      WHERE has_table_privilege(role, r.oid, p)), '')"
                                                       "   FROM r, unnest(ARRAY['giro_engine', 'giro_read']) role) "
                                                       "facts ORDER BY at, fact COLLATE \"C\"";

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

/* Rows of the answer that are one table's. */
struct found {
    const PGresult *result;
    size_t from, count;
};

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many rows from this one on are of the table of this number, counted from 1. */
static size_t found_of(const PGresult *found, size_t number, size_t from) {
    size_t rows = (size_t)PQntuples(found), end = from;
    while (end < rows && strtoul(PQgetvalue(found, (int)end, 0), NULL, 10) == number) end++;
    return end - from;
}

static const char *fact_at(const PGresult *found, size_t row) {
    return PQgetvalue(found, (int)row, 1);
}

static int compare_table(struct facts *facts, const struct table *table, const struct found *found,
                         struct message *message) {
    const char *wanted[FACTS_MAX];
    for (size_t i = 0; i < facts->count; i++) wanted[i] = facts->text.at + facts->at[i];
    qsort(wanted, facts->count, sizeof wanted[0], compare_texts);
    size_t i = 0;
    while (i < facts->count && i < found->count && strcmp(wanted[i], fact_at(found->result, found->from + i)) == 0) i++;
    if (i == facts->count && i == found->count) return 0;
    const char *other = i < found->count ? fact_at(found->result, found->from + i) : "";
    bool lacks = i < facts->count && (i == found->count || strcmp(wanted[i], other) < 0);
    message_set(message, "table %s.%s of the store differs from the program: it %s '%.200s'%s", table->service,
                table->name, lacks ? "lacks" : "has", lacks ? wanted[i] : other, lacks ? "" : " too much");
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

static int unreadable(const struct postgres_connection *connection, struct message *message) {
    message_set(message, "the schemas of the tables cannot be read: %.200s", connection->failure.text);
    return err_origin(connection->failure.kind == POSTGRES_ERROR ? -EACCES : -ENOTCONN);
}

/* An array of the tables' names, or of their services'. */
static void write_names(const struct store_catalog *catalog, bool services, struct buffer *out) {
    for (size_t i = 0; i < catalog->count; i++) {
        const char *name = services ? catalog->tables[i]->service : catalog->tables[i]->name;
        check(!strpbrk(name, "{},\"\\ ")); /* our own */
        buffer_printf(out, "%c%s", i ? ',' : '{', name);
    }
    buffer_append_char(out, '}');
    buffer_append_char(out, 0);
    check(!out->overflow);
}

static int ask_facts(struct postgres_connection *connection, const struct store_catalog *catalog,
                     PGresult **ret_result) {
    char services[NAMES_BYTES_MAX], tables[NAMES_BYTES_MAX];
    const char *const values[] = { services, tables, NULL };
    struct buffer out;
    buffer_init(&out, services, sizeof services);
    write_names(catalog, true, &out);
    buffer_init(&out, tables, sizeof tables);
    write_names(catalog, false, &out);
    return postgres_ask(connection, facts_sql, values, ret_result);
}

int postgres_check_tables(struct postgres_connection *connection, const struct store_catalog *catalog,
                          struct message *message) {
    struct found found = { .result = NULL };
    PGresult *result = NULL;
    if (catalog->count == 0) return 0;
    struct facts *facts = calloc(1, sizeof *facts);
    if (!facts) return err_origin(-ENOMEM);
    buffer_init_heap(&facts->text, FACT_BYTES_MAX);
    int r = ask_facts(connection, catalog, &result) ? unreadable(connection, message) : 0;
    found.result = result;
    for (size_t i = 0; i < catalog->count && r == 0; i++) {
        table_facts(facts, catalog->tables[i]);
        found.from += found.count;
        found.count = found_of(result, i + 1, found.from);
        r = compare_table(facts, catalog->tables[i], &found, message);
    }
    PQclear(result);
    buffer_release(&facts->text);
    free(facts);
    return r;
}
