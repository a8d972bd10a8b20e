#include "platform/table.h"

static void put_be(void (*put)(void *ctx, const void *bytes, size_t len), void *ctx, uint64_t value, size_t bytes) {
    uint8_t out[8];
    for (size_t i = 0; i < bytes; i++) out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    put(ctx, out, bytes);
}

static void put_column(const struct column *column, const void *row,
                       void (*put)(void *ctx, const void *bytes, size_t len), void *ctx) {
    struct str text;
    switch (column->type) {
    case COLUMN_I64:
        put_be(put, ctx, (uint64_t)column_i64(column, row), 8);
        break;
    case COLUMN_ID:
        put(ctx, column_bytes(column, row), 16);
        break;
    case COLUMN_HASH:
        put(ctx, column_bytes(column, row), 32);
        break;
    case COLUMN_TEXT:
    case COLUMN_BLOB:
        text = column_str(column, row);
        put_be(put, ctx, text.len, 4);
        if (text.len) put(ctx, text.at, text.len);
        break;
    }
}

struct key_writer {
    uint8_t *at;
    size_t len;
};

static void key_put(void *ctx, const void *bytes, size_t len) {
    struct key_writer *writer = ctx;
    check(len <= TABLE_KEY_BYTES_MAX - writer->len);
    memcpy(writer->at + writer->len, bytes, len);
    writer->len += len;
}

size_t table_key(const struct table *table, uint8_t index, const void *row, uint8_t key[TABLE_KEY_BYTES_MAX]) {
    check(index < table->index_count);
    struct key_writer writer = { .at = key };
    for (uint8_t i = 0; i < table->indexes[index].column_count; i++)
        put_column(&table->columns[table->indexes[index].columns[i]], row, key_put, &writer);
    return writer.len;
}

void table_canonical(const struct table *table, const void *row, void (*put)(void *ctx, const void *bytes, size_t len),
                     void *ctx) {
    put(ctx, table->service, strlen(table->service) + 1);
    put(ctx, table->name, strlen(table->name) + 1);
    for (uint8_t i = 0; i < table->column_count; i++) {
        uint8_t type = (uint8_t)table->columns[i].type;
        put(ctx, &type, 1);
        put_column(&table->columns[i], row, put, ctx);
    }
}

void *table_copy_row(const struct table *table, const void *row, struct arena *arena) {
    void *copy = arena_alloc(arena, table->row_bytes);
    if (!copy) return NULL;
    memcpy(copy, row, table->row_bytes);
    for (uint8_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (column->type != COLUMN_TEXT && column->type != COLUMN_BLOB) continue;
        struct str text = arena_dup(arena, column_str(column, row));
        if (!text.at) return NULL;
        memcpy((char *)copy + column->offset, &text, sizeof text);
    }
    return copy;
}

bool table_rows_equal(const struct table *table, const void *a, const void *b) {
    for (uint8_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        bool equal = column->type == COLUMN_I64    ? column_i64(column, a) == column_i64(column, b)
                     : column->type == COLUMN_ID   ? memcmp(column_bytes(column, a), column_bytes(column, b), 16) == 0
                     : column->type == COLUMN_HASH ? memcmp(column_bytes(column, a), column_bytes(column, b), 32) == 0
                                                   : str_equal(column_str(column, a), column_str(column, b));
        if (!equal) return false;
    }
    return true;
}

int table_row_check(const struct table *table, const void *row) {
    for (uint8_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (column->type != COLUMN_TEXT && column->type != COLUMN_BLOB) continue;
        struct str text = column_str(column, row);
        if (text.len > column->bytes_max) return err_origin(-EMSGSIZE);
        if (column->type == COLUMN_TEXT && (!str_is_utf8(text) || (text.len && memchr(text.at, 0, text.len))))
            return err_origin(-EILSEQ);
    }
    return 0;
}
