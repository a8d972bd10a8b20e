#include "platform/table.h"

#include <endian.h>

static void put_be64(uint8_t out[8], uint64_t value) {
    value = htobe64(value);
    memcpy(out, &value, sizeof value);
}

static void put_be32(uint8_t out[4], size_t value) {
    uint32_t bytes = htobe32((uint32_t)value);
    memcpy(out, &bytes, sizeof bytes);
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

static bool is_borrowed(const struct column *column) {
    return column->type == COLUMN_TEXT || column->type == COLUMN_BLOB;
}

enum { COLUMN_ROOM = 1 + 32 }; /* of every column, without the bytes of a TEXT or BLOB */

size_t table_canonical_room(const struct table *table, const void *row) {
    size_t room = strlen(table->service) + strlen(table->name) + 2 + table->column_count * (size_t)COLUMN_ROOM;
    for (uint8_t i = 0; i < table->column_count; i++)
        if (is_borrowed(&table->columns[i])) room += column_str(&table->columns[i], row).len;
    return room;
}

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t len) {
    memcpy(to, bytes, len);
    return to + len;
}

/* Type and value, without the bytes of a TEXT or BLOB. */
static inline uint8_t *put_head(uint8_t *to, const struct column *column, const void *row) {
    *to++ = (uint8_t)column->type;
    switch (column->type) {
    case COLUMN_I64:
        put_be64(to, (uint64_t)column_i64(column, row));
        return to + 8;
    case COLUMN_ID:
        memcpy(to, column_bytes(column, row), 16);
        return to + 16;
    case COLUMN_HASH:
        memcpy(to, column_bytes(column, row), 32);
        return to + 32;
    case COLUMN_TEXT:
    case COLUMN_BLOB:
        break;
    }
    put_be32(to, column_str(column, row).len);
    return to + 4;
}

uint8_t *table_canonical_write(const struct table *table, const void *row, uint8_t *to) {
    to = put_bytes(to, table->service, strlen(table->service) + 1);
    to = put_bytes(to, table->name, strlen(table->name) + 1);
    for (uint8_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        to = put_head(to, column, row);
        if (!is_borrowed(column)) continue;
        struct str text = column_str(column, row);
        if (text.len) to = put_bytes(to, text.at, text.len);
    }
    return to;
}

void table_canonical(const struct table *table, const void *row, void (*put)(void *ctx, const void *bytes, size_t len),
                     void *ctx) {
    uint8_t head[COLUMN_ROOM];
    put(ctx, table->service, strlen(table->service) + 1);
    put(ctx, table->name, strlen(table->name) + 1);
    for (uint8_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        put(ctx, head, (size_t)(put_head(head, column, row) - head));
        if (!is_borrowed(column)) continue;
        struct str text = column_str(column, row);
        if (text.len) put(ctx, text.at, text.len);
    }
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
