#include "store/store_sqlite_int.h"

static void table_name(const struct table *table, struct buffer *out) {
    buffer_printf(out, "\"%s_%s\"", table->service, table->name);
}

static const char *column_name(const struct table *table, uint8_t index, uint8_t at) {
    return table->columns[table->indexes[index].columns[at]].name;
}

static void columns_list(const struct table *table, struct buffer *out) {
    for (uint8_t i = 0; i < table->column_count; i++) buffer_printf(out, "%s\"%s\"", i ? ", " : "",
                                                                    table->columns[i].name);
}

/* SELECT of all columns; a secondary index is forced, so that a statement that could not use it fails to prepare. */
static void select_from(const struct table *table, uint8_t index, struct buffer *out) {
    buffer_append_c(out, "SELECT ");
    columns_list(table, out);
    buffer_append_c(out, " FROM ");
    table_name(table, out);
    if (index) buffer_printf(out, " INDEXED BY \"%s_%s_%s\"", table->service, table->name, table->indexes[index].name);
}

static void equal_columns(const struct table *table, uint8_t index, uint8_t count, struct buffer *out) {
    for (uint8_t i = 0; i < count; i++)
        buffer_printf(out, "%s\"%s\" = ?%d", i ? " AND " : " WHERE ", column_name(table, index, i), i + 1);
}

void sqlite_sql_select(const struct table *table, uint8_t index, struct buffer *out) {
    select_from(table, index, out);
    equal_columns(table, index, table->indexes[index].column_count, out);
}

void sqlite_sql_insert(const struct table *table, struct buffer *out) {
    buffer_append_c(out, "INSERT INTO ");
    table_name(table, out);
    buffer_append_c(out, " (");
    columns_list(table, out);
    buffer_append_c(out, ") VALUES (");
    for (int i = 0; i < table->column_count; i++) buffer_printf(out, "%s?%d", i ? ", " : "", i + 1);
    buffer_append_c(out, ")");
}

/* Columns of unique indexes stand in the WHERE: they never change, a change of them finds no row, and their indexes are
 * not written again. */
void sqlite_sql_update(const struct table *table, struct buffer *out) {
    uint64_t fixed = store_fixed_columns(table);
    const char *separator = " SET ";
    buffer_append_c(out, "UPDATE ");
    table_name(table, out);
    for (int i = 0; i < table->column_count; i++) {
        if (fixed >> i & 1) continue;
        buffer_printf(out, "%s\"%s\" = ?%d", separator, table->columns[i].name, i + 1);
        separator = ", ";
    }
    const char *key = column_name(table, 0, 0);
    /* nothing can change: the row must be there */
    if (separator[0] == ' ') buffer_printf(out, " SET \"%s\" = \"%s\"", key, key);
    separator = " WHERE ";
    for (int i = 0; i < table->column_count; i++) {
        if (!(fixed >> i & 1)) continue;
        buffer_printf(out, "%s\"%s\" = ?%d", separator, table->columns[i].name, i + 1);
        separator = " AND ";
    }
}

void sqlite_sql_erase(const struct table *table, struct buffer *out) {
    buffer_append_c(out, "DELETE FROM ");
    table_name(table, out);
    equal_columns(table, 0, table->indexes[0].column_count, out);
}

static bool index_has_column(const struct table_index *index, uint8_t column) {
    for (uint8_t i = 0; i < index->column_count; i++)
        if (index->columns[i] == column) return true;
    return false;
}

void sqlite_sql_range(const struct table *table, struct sqlite_shape shape, struct buffer *out) {
    const struct table_index *index = &table->indexes[shape.index], *key = &table->indexes[0];
    const char *direction = shape.descending ? " DESC" : "";
    const char *separator = " ORDER BY ";
    int parameter = shape.equal_columns + 1;
    select_from(table, shape.index, out);
    equal_columns(table, shape.index, shape.equal_columns, out);
    if (shape.bounded)
        buffer_printf(out, "%s\"%s\" %s ?%d", shape.equal_columns ? " AND " : " WHERE ",
                      column_name(table, shape.index, shape.equal_columns), shape.descending ? "<" : ">", parameter++);
    for (uint8_t i = shape.equal_columns; i < index->column_count; i++) {
        buffer_printf(out, "%s\"%s\"%s", separator, column_name(table, shape.index, i), direction);
        separator = ", ";
    }
    for (uint8_t i = 0; i < key->column_count; i++) {
        if (index_has_column(index, key->columns[i])) continue;
        buffer_printf(out, "%s\"%s\"%s", separator, column_name(table, 0, i), direction);
        separator = ", ";
    }
    buffer_printf(out, " LIMIT ?%d", parameter);
}
