#include "store/store_schema_postgres.h"

#include "store/store_postgres_int.h"

static void column_name(const struct table *table, struct postgres_column column, struct buffer *out) {
    buffer_printf(out, "\"%s%s\"", table->columns[column.column].name, column.hash ? "_hash" : "");
}

static void column_sql(const struct table *table, struct postgres_column at, struct buffer *out) {
    const struct column *column = &table->columns[at.column];
    buffer_append_c(out, "    ");
    column_name(table, at, out);
    int bytes = at.hash || column->type == COLUMN_HASH ? 32 : column->type == COLUMN_ID ? 16 : 0;
    if (bytes) {
        buffer_append_c(out, " bytea NOT NULL CHECK (octet_length(");
        column_name(table, at, out);
        buffer_printf(out, ") = %d),\n", bytes);
        return;
    }
    enum postgres_kind kind = postgres_kind_of(table, at);
    buffer_append_c(out, kind == POSTGRES_KIND_I64    ? " bigint NOT NULL,\n"
                         : kind == POSTGRES_KIND_TEXT ? " text COLLATE \"C\" NOT NULL,\n"
                                                      : " bytea NOT NULL,\n");
}

static bool index_has_column(const struct table_index *index, uint8_t column) {
    for (uint8_t i = 0; i < index->column_count; i++)
        if (index->columns[i] == column) return true;
    return false;
}

static void index_columns_sql(const struct table *table, uint8_t index, struct buffer *out) {
    const struct table_index *at = &table->indexes[index], *key = &table->indexes[0];
    for (uint8_t i = 0; i < at->column_count; i++) {
        buffer_append_c(out, i ? ", " : "(");
        column_name(table, postgres_key_column(table, index, i), out);
    }
    for (uint8_t i = 0; i < key->column_count && !at->unique; i++) {
        if (index_has_column(at, key->columns[i])) continue;
        buffer_append_c(out, ", ");
        column_name(table, postgres_key_column(table, 0, i), out);
    }
    buffer_append_c(out, ")");
}

/* Sealed bytes and records do not shrink: no time is spent on trying. */
static void storage_sql(const struct table *table, struct buffer *out) {
    for (uint8_t i = 0; i < table->column_count; i++)
        if (table->columns[i].personal || table->columns[i].type == COLUMN_BLOB)
            buffer_printf(out, "ALTER TABLE \"%s\".\"%s\" ALTER COLUMN \"%s\" SET STORAGE EXTERNAL;\n", table->service,
                          table->name, table->columns[i].name);
}

static void append_only_sql(const struct table *table, struct buffer *out) {
    buffer_printf(out,
                  "REVOKE UPDATE, DELETE, TRUNCATE ON \"%s\".\"%s\" FROM giro_owner;\n"
                  "CREATE TRIGGER \"%s_append_only\" BEFORE UPDATE OR DELETE OR TRUNCATE ON \"%s\".\"%s\"\n"
                  "    FOR EACH STATEMENT EXECUTE FUNCTION \"store\".\"append_only\"();\n",
                  table->service, table->name, table->name, table->service, table->name);
}

void store_schema_postgres_balance(const struct table *table, struct buffer *out) {
    const struct table_balance *balance = table->balance;
    const char *side = table->columns[balance->side].name, *amount = table->columns[balance->amount].name;
    buffer_printf(out,
                  "\nBEGIN\n    IF EXISTS (SELECT 1 FROM inserted GROUP BY \"%s\", \"%s\"\n"
                  "               HAVING sum(CASE \"%s\" WHEN 0 THEN \"%s\" WHEN 1 THEN -\"%s\" END)"
                  " IS DISTINCT FROM 0\n"
                  "                   OR bool_or(\"%s\" NOT IN (0, 1) OR \"%s\" <= 0)) THEN\n"
                  "        RAISE EXCEPTION 'debits and credits of %s.%s differ' USING ERRCODE = 'GB001';\n"
                  "    END IF;\n    RETURN NULL;\nEND\n",
                  table->columns[balance->group[0]].name, table->columns[balance->group[1]].name, side, amount, amount,
                  side, amount, table->service, table->name);
}

static void balance_sql(const struct table *table, struct buffer *out) {
    buffer_printf(out,
                  "CREATE FUNCTION \"%s\".\"%s_balance\"() RETURNS trigger LANGUAGE plpgsql"
                  " SET search_path = pg_catalog AS $body$",
                  table->service, table->name);
    store_schema_postgres_balance(table, out);
    buffer_printf(out,
                  "$body$;\nCREATE TRIGGER \"%s_balance\" AFTER INSERT ON \"%s\".\"%s\"\n"
                  "    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT"
                  " EXECUTE FUNCTION \"%s\".\"%s_balance\"();\n",
                  table->name, table->service, table->name, table->service, table->name);
}

static void table_sql(const struct table *table, struct buffer *out) {
    struct postgres_column columns[POSTGRES_COLUMNS_MAX];
    size_t count = postgres_columns(table, columns);
    buffer_printf(out, "CREATE TABLE \"%s\".\"%s\" (\n", table->service, table->name);
    for (size_t i = 0; i < count; i++) column_sql(table, columns[i], out);
    buffer_append_c(out, "    PRIMARY KEY ");
    index_columns_sql(table, 0, out);
    buffer_append_c(out, "\n);\n");
    storage_sql(table, out);
    for (uint8_t i = 1; i < table->index_count; i++) {
        buffer_printf(out, "CREATE %sINDEX \"%s_%s\" ON \"%s\".\"%s\" ", table->indexes[i].unique ? "UNIQUE " : "",
                      table->name, table->indexes[i].name, table->service, table->name);
        index_columns_sql(table, i, out);
        buffer_append_c(out, ";\n");
    }
    buffer_printf(out,
                  "GRANT SELECT ON \"%s\".\"%s\" TO giro_read;\n"
                  "GRANT SELECT, INSERT%s ON \"%s\".\"%s\" TO giro_engine;\n",
                  table->service, table->name, table->append_only ? "" : ", UPDATE, DELETE", table->service,
                  table->name);
    if (table->append_only) append_only_sql(table, out);
    if (table->balance) balance_sql(table, out);
}

static bool service_seen(const struct table *const *tables, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (strcmp(tables[i]->service, tables[at]->service) == 0) return true;
    return false;
}

void store_schema_postgres_sql(const struct table *const *tables, size_t count, struct buffer *out) {
    for (size_t i = 0; i < count; i++) {
        const char *service = tables[i]->service;
        if (i) buffer_append_c(out, "\n");
        if (!service_seen(tables, i))
            buffer_printf(out,
                          "CREATE SCHEMA IF NOT EXISTS \"%s\";\n"
                          "GRANT USAGE ON SCHEMA \"%s\" TO giro_engine, giro_read;\n",
                          service, service);
        table_sql(tables[i], out);
    }
}
