#include "store/store_schema.h"

static bool key_is_rowid(const struct table *table) {
    return table->indexes[0].column_count == 1 && table->columns[table->indexes[0].columns[0]].type == COLUMN_I64;
}

/* SQLite keeps a row without rowid in the tree of its keys, and each comparison with it reads the whole row, long ones
 * from their overflow pages: of 35 KiB, ten times for each record that is appended. */
static bool row_is_long(const struct table *table) {
    for (uint8_t i = 0; i < table->column_count; i++)
        if (table->columns[i].bytes_max > STORE_KEYED_ROW_BYTES_MAX) return true;
    return false;
}

static void column_sql(const struct column *column, struct buffer *out) {
    buffer_printf(out, "    \"%s\" ", column->name);
    switch (column->type) {
    case COLUMN_I64:
        buffer_append_c(out, "INTEGER NOT NULL");
        break;
    case COLUMN_ID:
        buffer_printf(out, "BLOB NOT NULL CHECK (length(\"%s\") = 16)", column->name);
        break;
    case COLUMN_HASH:
        buffer_printf(out, "BLOB NOT NULL CHECK (length(\"%s\") = 32)", column->name);
        break;
    case COLUMN_TEXT:
        buffer_append_c(out, "TEXT NOT NULL");
        break;
    case COLUMN_BLOB:
        buffer_append_c(out, "BLOB NOT NULL");
        break;
    }
}

static void index_columns_sql(const struct table *table, uint8_t index, struct buffer *out) {
    const struct table_index *at = &table->indexes[index];
    for (uint8_t i = 0; i < at->column_count; i++)
        buffer_printf(out, "%s\"%s\"", i ? ", " : "(", table->columns[at->columns[i]].name);
    buffer_append_c(out, ")");
}

static void table_sql(const struct table *table, struct buffer *out) {
    bool rowid = key_is_rowid(table);
    buffer_printf(out, "CREATE TABLE \"%s_%s\" (\n", table->service, table->name);
    for (uint8_t i = 0; i < table->column_count; i++) {
        column_sql(&table->columns[i], out);
        if (rowid && i == table->indexes[0].columns[0]) buffer_append_c(out, " PRIMARY KEY");
        buffer_append_c(out, i + 1 < table->column_count || !rowid ? ",\n" : "\n");
    }
    if (!rowid) {
        buffer_append_c(out, "    PRIMARY KEY ");
        index_columns_sql(table, 0, out);
        buffer_append_c(out, "\n");
    }
    buffer_append_c(out, rowid || row_is_long(table) ? ") STRICT;\n" : ") STRICT, WITHOUT ROWID;\n");
}

static void trigger_sql(const struct table *table, const char *suffix, const char *event, struct buffer *out) {
    buffer_printf(out, "CREATE TRIGGER \"%s_%s_%s\" BEFORE %s ON \"%s_%s\"\nBEGIN\n", table->service, table->name,
                  suffix, event,
                  table->service, table->name);
    buffer_printf(out, "    SELECT RAISE(ABORT, '%s_%s is append-only');\nEND;\n", table->service, table->name);
}

void store_schema_sql(const struct table *const *tables, size_t count, struct buffer *out) {
    for (size_t i = 0; i < count; i++) {
        const struct table *table = tables[i];
        if (i) buffer_append_c(out, "\n");
        table_sql(table, out);
        for (uint8_t j = 1; j < table->index_count; j++) {
            const struct table_index *index = &table->indexes[j];
            buffer_printf(out, "CREATE %sINDEX \"%s_%s_%s\" ON \"%s_%s\" ", index->unique ? "UNIQUE " : "",
                          table->service,
                          table->name, index->name, table->service, table->name);
            index_columns_sql(table, j, out);
            buffer_append_c(out, ";\n");
        }
        if (!table->append_only) continue;
        trigger_sql(table, "no_update", "UPDATE", out);
        trigger_sql(table, "no_delete", "DELETE", out);
    }
}
