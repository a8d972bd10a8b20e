#include "platform/table.h"

#include <endian.h>

/* Canonical bytes of one run of columns, collected here: whoever takes them gets few large pieces. */
enum { PIECE_BYTES = 512 };
struct pieces {
    size_t len;
    void (*put)(void *ctx, const void *bytes, size_t len);
    void *ctx;
    uint8_t bytes[PIECE_BYTES];
};

static void piece_put(struct pieces *pieces, const void *bytes, size_t len) {
    if (len > PIECE_BYTES - pieces->len) {
        pieces->put(pieces->ctx, pieces->bytes, pieces->len);
        pieces->len = 0;
    }
    if (len > PIECE_BYTES) {
        pieces->put(pieces->ctx, bytes, len);
        return;
    }
    memcpy(pieces->bytes + pieces->len, bytes, len);
    pieces->len += len;
}

static void put_be64(uint8_t out[8], uint64_t value) {
    value = htobe64(value);
    memcpy(out, &value, sizeof value);
}

static void put_be32(uint8_t out[4], size_t value) {
    uint32_t bytes = htobe32((uint32_t)value);
    memcpy(out, &bytes, sizeof bytes);
}

static void piece_column(struct pieces *pieces, const struct column *column, const void *row) {
    uint8_t number[8];
    struct str text;
    switch (column->type) {
    case COLUMN_I64:
        put_be64(number, (uint64_t)column_i64(column, row));
        piece_put(pieces, number, 8);
        break;
    case COLUMN_ID:
        piece_put(pieces, column_bytes(column, row), 16);
        break;
    case COLUMN_HASH:
        piece_put(pieces, column_bytes(column, row), 32);
        break;
    case COLUMN_TEXT:
    case COLUMN_BLOB:
        text = column_str(column, row);
        put_be32(number, text.len);
        piece_put(pieces, number, 4);
        if (text.len) piece_put(pieces, text.at, text.len);
        break;
    }
}

static size_t key_column(const struct column *column, const void *row, uint8_t *at, size_t room) {
    struct str text;
    switch (column->type) {
    case COLUMN_I64:
        check(room >= 8);
        put_be64(at, (uint64_t)column_i64(column, row));
        return 8;
    case COLUMN_ID:
        check(room >= 16);
        memcpy(at, column_bytes(column, row), 16);
        return 16;
    case COLUMN_HASH:
        check(room >= 32);
        memcpy(at, column_bytes(column, row), 32);
        return 32;
    case COLUMN_TEXT:
    case COLUMN_BLOB:
        break;
    }
    text = column_str(column, row);
    check(text.len <= room && room - text.len >= 4);
    put_be32(at, text.len);
    if (text.len) memcpy(at + 4, text.at, text.len);
    return 4 + text.len;
}

size_t table_key(const struct table *table, uint8_t index, const void *row, uint8_t key[TABLE_KEY_BYTES_MAX]) {
    check(index < table->index_count);
    const struct table_index *at = &table->indexes[index];
    size_t len = 0;
    for (uint8_t i = 0; i < at->column_count; i++)
        len += key_column(&table->columns[at->columns[i]], row, key + len, TABLE_KEY_BYTES_MAX - len);
    return len;
}

void table_canonical(const struct table *table, const void *row, void (*put)(void *ctx, const void *bytes, size_t len),
                     void *ctx) {
    struct pieces pieces;
    pieces.len = 0;
    pieces.put = put;
    pieces.ctx = ctx;
    piece_put(&pieces, table->service, strlen(table->service) + 1);
    piece_put(&pieces, table->name, strlen(table->name) + 1);
    for (uint8_t i = 0; i < table->column_count; i++) {
        uint8_t type = (uint8_t)table->columns[i].type;
        piece_put(&pieces, &type, 1);
        piece_column(&pieces, &table->columns[i], row);
    }
    put(ctx, pieces.bytes, pieces.len);
}

static bool is_borrowed(const struct column *column) {
    return column->type == COLUMN_TEXT || column->type == COLUMN_BLOB;
}

void *table_copy_row(const struct table *table, const void *row, struct arena *arena) {
    size_t bytes = 0;
    for (uint8_t i = 0; i < table->column_count; i++)
        if (is_borrowed(&table->columns[i])) bytes += column_str(&table->columns[i], row).len + 1;
    if (bytes > SIZE_MAX - table->row_bytes) return NULL;
    char *copy = arena_alloc_unset(arena, table->row_bytes + bytes);
    if (!copy) return NULL;
    char *to = copy + table->row_bytes;
    memcpy(copy, row, table->row_bytes);
    for (uint8_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (!is_borrowed(column)) continue;
        struct str text = column_str(column, row), kept = { .at = to, .len = text.len };
        if (text.len) memcpy(to, text.at, text.len);
        to[text.len] = 0; /* as arena_dup gives */
        memcpy(copy + column->offset, &kept, sizeof kept);
        to += text.len + 1;
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
