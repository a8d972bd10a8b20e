#include "store/store_postgres_int.h"

bool postgres_is_hashed(const struct table *table, uint8_t column) {
    if (!table->columns[column].personal) return false;
    for (uint8_t i = 0; i < table->index_count; i++)
        for (uint8_t j = 0; j < table->indexes[i].column_count; j++)
            if (table->indexes[i].columns[j] == column) return true;
    return false;
}

size_t postgres_columns(const struct table *table, struct postgres_column columns[POSTGRES_COLUMNS_MAX]) {
    size_t count = 0;
    for (uint8_t i = 0; i < table->column_count; i++) columns[count++] = (struct postgres_column){ i, false };
    for (uint8_t i = 0; i < table->column_count; i++)
        if (postgres_is_hashed(table, i)) columns[count++] = (struct postgres_column){ i, true };
    return count;
}

struct postgres_column postgres_key_column(const struct table *table, uint8_t index, uint8_t at) {
    uint8_t column = table->indexes[index].columns[at];
    return (struct postgres_column){ column, table->columns[column].personal };
}

enum postgres_kind postgres_kind_of(const struct table *table, struct postgres_column column) {
    const struct column *of = &table->columns[column.column];
    if (of->type == COLUMN_I64) return POSTGRES_KIND_I64;
    return of->type == COLUMN_TEXT && !of->personal ? POSTGRES_KIND_TEXT : POSTGRES_KIND_BYTES;
}

size_t postgres_shape_number(struct postgres_shape shape) {
    size_t at = ((size_t)shape.index * (TABLE_KEY_COLUMNS_MAX + 1) + shape.equal_columns) * 4;
    return at + (shape.bounded ? 2u : 0u) + (shape.descending ? 1u : 0u);
}

static struct postgres_shape shape_of(size_t number) {
    return (struct postgres_shape){ .index = (uint8_t)(number / 4 / (TABLE_KEY_COLUMNS_MAX + 1)),
                                    .equal_columns = (uint8_t)(number / 4 % (TABLE_KEY_COLUMNS_MAX + 1)),
                                    .bounded = number & 2,
                                    .descending = number & 1 };
}

static Oid array_type(const struct table *table, struct postgres_column column) {
    enum postgres_kind kind = postgres_kind_of(table, column);
    return kind == POSTGRES_KIND_I64    ? POSTGRES_INT8_ARRAY
           : kind == POSTGRES_KIND_TEXT ? POSTGRES_TEXT_ARRAY
                                        : POSTGRES_BYTEA_ARRAY;
}

static Oid value_type(const struct table *table, struct postgres_column column) {
    enum postgres_kind kind = postgres_kind_of(table, column);
    return kind == POSTGRES_KIND_I64 ? POSTGRES_INT8 : kind == POSTGRES_KIND_TEXT ? POSTGRES_TEXT : POSTGRES_BYTEA;
}

/* ALIAS."name" of a column in the table, and the same position in u, the rows given as arrays. */
static void name_sql(const struct table *table, struct postgres_column column, struct buffer *out) {
    buffer_printf(out, "\"%s%s\"", table->columns[column.column].name, column.hash ? "_hash" : "");
}

static void of_table(const struct table *table, struct postgres_column column, struct buffer *out) {
    buffer_append_c(out, "t.");
    name_sql(table, column, out);
}

static void of_rows(const struct table *table, struct postgres_column column, struct buffer *out) {
    buffer_append_c(out, "u.");
    name_sql(table, column, out);
}

/* unnest($1, ...) [WITH ORDINALITY] AS u(names); an I64, text or bytes array a column. */
static void rows_sql(const struct table *table, const struct postgres_column *columns, size_t count, bool ordinal,
                     struct buffer *out) {
    for (size_t i = 0; i < count; i++) buffer_printf(out, "%s$%zu", i ? ", " : "unnest(", i + 1);
    buffer_append_c(out, ordinal ? ") WITH ORDINALITY AS u(" : ") AS u(");
    for (size_t i = 0; i < count; i++) {
        if (i) buffer_append_c(out, ", ");
        name_sql(table, columns[i], out);
    }
    buffer_append_c(out, ordinal ? ", \"_n\")" : ")");
}

static void table_columns(const struct table *table, struct buffer *out) {
    for (uint8_t i = 0; i < table->column_count; i++) {
        if (i) buffer_append_c(out, ", ");
        of_table(table, (struct postgres_column){ i, false }, out);
    }
}

static size_t key_columns(const struct table *table, uint8_t index, struct postgres_column *columns) {
    for (uint8_t i = 0; i < table->indexes[index].column_count; i++) columns[i] = postgres_key_column(table, index, i);
    return table->indexes[index].column_count;
}

static void join_sql(const struct table *table, const struct postgres_column *columns, size_t count,
                     struct buffer *out) {
    for (size_t i = 0; i < count; i++) {
        buffer_append_c(out, i ? " AND " : " ");
        of_table(table, columns[i], out);
        buffer_append_c(out, " = ");
        of_rows(table, columns[i], out);
    }
}

static int select_sql(const struct table *table, uint8_t index, struct buffer *out, Oid *types) {
    struct postgres_column keys[TABLE_KEY_COLUMNS_MAX];
    size_t count = key_columns(table, index, keys);
    buffer_append_c(out, "SELECT ");
    table_columns(table, out);
    buffer_append_c(out, ", u.\"_n\" FROM ");
    rows_sql(table, keys, count, true, out);
    buffer_printf(out, " JOIN \"%s\".\"%s\" AS t ON", table->service, table->name);
    join_sql(table, keys, count, out);
    for (size_t i = 0; i < count; i++) types[i] = array_type(table, keys[i]);
    return (int)count;
}

static int insert_sql(const struct table *table, struct buffer *out, Oid *types) {
    struct postgres_column columns[POSTGRES_COLUMNS_MAX];
    size_t count = postgres_columns(table, columns);
    buffer_printf(out, "INSERT INTO \"%s\".\"%s\" (", table->service, table->name);
    for (size_t i = 0; i < count; i++) {
        if (i) buffer_append_c(out, ", ");
        name_sql(table, columns[i], out);
        types[i] = array_type(table, columns[i]);
    }
    buffer_append_c(out, ") SELECT * FROM ");
    rows_sql(table, columns, count, false, out);
    return (int)count;
}

/* Fails the transaction in the database when another number of rows was there: no further round trip. */
static void expect_sql(size_t parameter, struct buffer *out) {
    buffer_printf(out, " RETURNING 1) SELECT \"store\".\"expect\"((SELECT count(*) FROM changed), $%zu)", parameter);
}

/* Columns of unique indexes stand in the WHERE: they never change, and a change of them finds no row. A personal one is
 * known again by its hash, and sealed anew. */
static int update_sql(const struct table *table, struct buffer *out, Oid *types) {
    struct postgres_column columns[POSTGRES_COLUMNS_MAX], fixed[POSTGRES_COLUMNS_MAX];
    size_t count = postgres_columns(table, columns), fixed_count = 0, set = 0;
    uint64_t never = store_fixed_columns(table);
    buffer_printf(out, "WITH changed AS (UPDATE \"%s\".\"%s\" AS t SET ", table->service, table->name);
    for (size_t i = 0; i < count; i++) {
        types[i] = array_type(table, columns[i]);
        bool is_fixed = never >> columns[i].column & 1;
        if (is_fixed && table->columns[columns[i].column].personal == columns[i].hash) {
            fixed[fixed_count++] = columns[i];
            continue;
        }
        if (set++) buffer_append_c(out, ", ");
        name_sql(table, columns[i], out);
        buffer_append_c(out, " = ");
        of_rows(table, columns[i], out);
    }
    if (!set) { /* nothing can change: the row must be there */
        name_sql(table, fixed[0], out);
        buffer_append_c(out, " = ");
        of_rows(table, fixed[0], out);
    }
    buffer_append_c(out, " FROM ");
    rows_sql(table, columns, count, false, out);
    buffer_append_c(out, " WHERE");
    join_sql(table, fixed, fixed_count, out);
    expect_sql(count + 1, out);
    types[count] = POSTGRES_INT8;
    return (int)count + 1;
}

static int erase_sql(const struct table *table, struct buffer *out, Oid *types) {
    struct postgres_column keys[TABLE_KEY_COLUMNS_MAX];
    size_t count = key_columns(table, 0, keys);
    buffer_printf(out, "WITH changed AS (DELETE FROM \"%s\".\"%s\" AS t USING ", table->service, table->name);
    rows_sql(table, keys, count, false, out);
    buffer_append_c(out, " WHERE");
    join_sql(table, keys, count, out);
    expect_sql(count + 1, out);
    for (size_t i = 0; i < count; i++) types[i] = array_type(table, keys[i]);
    types[count] = POSTGRES_INT8;
    return (int)count + 1;
}

static bool index_has_column(const struct table_index *index, uint8_t column) {
    for (uint8_t i = 0; i < index->column_count; i++)
        if (index->columns[i] == column) return true;
    return false;
}

static void order_sql(const struct table *table, struct postgres_shape shape, struct buffer *out) {
    const struct table_index *index = &table->indexes[shape.index], *key = &table->indexes[0];
    const char *separator = " ORDER BY ", *direction = shape.descending ? " DESC" : "";
    for (uint8_t i = shape.equal_columns; i < index->column_count; i++) {
        buffer_append_c(out, separator);
        of_table(table, postgres_key_column(table, shape.index, i), out);
        buffer_append_c(out, direction);
        separator = ", ";
    }
    for (uint8_t i = 0; i < key->column_count && !index->unique; i++) {
        if (index_has_column(index, key->columns[i])) continue;
        buffer_append_c(out, separator);
        of_table(table, postgres_key_column(table, 0, i), out);
        buffer_append_c(out, direction);
        separator = ", ";
    }
}

static int range_sql(const struct table *table, struct postgres_shape shape, struct buffer *out, Oid *types) {
    int count = shape.equal_columns + (shape.bounded ? 1 : 0);
    buffer_append_c(out, "SELECT ");
    table_columns(table, out);
    buffer_printf(out, " FROM \"%s\".\"%s\" AS t", table->service, table->name);
    for (int i = 0; i < count; i++) {
        struct postgres_column column = postgres_key_column(table, shape.index, (uint8_t)i);
        const char *relation = i < shape.equal_columns ? "=" : shape.descending ? "<" : ">";
        buffer_append_c(out, i ? " AND " : " WHERE ");
        of_table(table, column, out);
        buffer_printf(out, " %s $%d", relation, i + 1);
        types[i] = value_type(table, column);
    }
    order_sql(table, shape, out);
    buffer_printf(out, " LIMIT $%d", count + 1);
    types[count] = POSTGRES_INT8;
    return count + 1;
}

size_t postgres_slot_lease(const struct store_catalog *catalog) {
    return catalog->count * POSTGRES_SLOTS;
}

int postgres_sql(const struct store_catalog *catalog, size_t slot, struct buffer *out,
                 Oid types[POSTGRES_PARAMETERS_MAX]) {
    if (slot == postgres_slot_lease(catalog)) {
        buffer_append_c(out, "SELECT \"store\".\"lease_hold\"($1, $2)");
        types[0] = POSTGRES_INT8;
        types[1] = POSTGRES_BYTEA;
        return 2;
    }
    const struct table *table = catalog->tables[slot / POSTGRES_SLOTS];
    size_t which = slot % POSTGRES_SLOTS;
    if (which == POSTGRES_SLOT_INSERT) return insert_sql(table, out, types);
    if (which == POSTGRES_SLOT_UPDATE) return update_sql(table, out, types);
    if (which == POSTGRES_SLOT_ERASE) return erase_sql(table, out, types);
    if (which >= POSTGRES_SLOT_RANGE) return range_sql(table, shape_of(which - POSTGRES_SLOT_RANGE), out, types);
    return select_sql(table, (uint8_t)which, out, types);
}
