/* table.h - a row described once. From the descriptor come the SQL of every adapter, loading and writing, the check of
 * the migrations, the canonical bytes that the journal hashes, and test fixtures.
 *
 * A row in memory is a plain struct. Adding a table is a struct, a descriptor and a migration in db/.
 *   I64   int64_t            (numbers, enums, booleans, times in ms)
 *   ID    uint8_t[16]        (UUIDv7, or a 16-byte hash; all zero = none)
 *   HASH  uint8_t[32]
 *   TEXT  struct str         UTF-8, borrowed: the bytes live in the arena of whoever made or loaded the row
 *   BLOB  struct str         any bytes, borrowed likewise
 * Rows hold no NULLs: zero, all-zero or empty means "none". */
#ifndef GIRO_PLATFORM_TABLE_H
#define GIRO_PLATFORM_TABLE_H

#include "platform/arena.h"

enum column_type { COLUMN_I64, COLUMN_ID, COLUMN_HASH, COLUMN_TEXT, COLUMN_BLOB };

struct column {
    const char *name;
    enum column_type type;
    size_t offset;    /* in the row struct */
    size_t bytes_max; /* TEXT and BLOB: refused above it (-EMSGSIZE at write) */
    /* TEXT and BLOB that name or describe a person: sealed column by column in a store whose files are not sealed as a
     * whole (postgres); never in the order of a range. */
    bool personal;
};

enum { TABLE_COLUMNS_MAX = 40, TABLE_KEY_COLUMNS_MAX = 4, TABLE_INDEXES_MAX = 6, TABLE_KEY_BYTES_MAX = 320 };

/* Index 0 is the primary key. An index names 1..4 columns. Columns of a unique index never change once the row is
 * written. */
struct table_index {
    const char *name;                       /* "" for the primary key */
    uint8_t columns[TABLE_KEY_COLUMNS_MAX]; /* positions in table.columns */
    uint8_t column_count;
    bool unique;
};

/* Rows written in one batch balance: for each pair of values of the two group columns, the amounts with side 0 sum up
 * to those with side 1. Positions of I64 columns. A store that can checks it too (postgres: a trigger a statement). */
struct table_balance {
    uint8_t group[2], side, amount;
};

struct table {
    const char *service; /* owner: "ledger", "payments", ..., "engine" */
    const char *name;    /* "entry"; in SQL the service stands before it: ledger_entry */
    size_t row_bytes;
    const struct column *columns;
    uint8_t column_count;
    const struct table_index *indexes;
    uint8_t index_count;
    bool append_only; /* rows are inserted, never changed or deleted */
    bool chained;     /* append-only, and covered by the journal's entries_hash: has an I64 column batch_seq */
    const struct table_balance *balance; /* NULL: none */
};

#define COLUMN(row_type, field, kind)                                                                                  \
    { .name = #field, .type = COLUMN_##kind, .offset = offsetof(row_type, field) }
#define COLUMN_VAR(row_type, field, kind, max)                                                                         \
    { .name = #field, .type = COLUMN_##kind, .offset = offsetof(row_type, field), .bytes_max = (max) }
#define COLUMN_PERSONAL(row_type, field, kind, max)                                                                    \
    { .name = #field, .type = COLUMN_##kind, .offset = offsetof(row_type, field), .bytes_max = (max), .personal = true }

/* The canonical bytes of the columns of index (0 = primary key) of row, into key; returns the length. */
size_t table_key(const struct table *table, uint8_t index, const void *row, uint8_t key[TABLE_KEY_BYTES_MAX]);
/* Canonical bytes of the whole row (service and table name, then each column: type byte, 8-byte big-endian number or
 * 4-byte length and bytes) handed piece by piece to put(ctx). What the journal hashes. */
void table_canonical(const struct table *table, const void *row, void (*put)(void *ctx, const void *bytes, size_t len),
                     void *ctx);
/* The same bytes at once: at most table_canonical_room of them, to `to`; returns the end. */
size_t table_canonical_room(const struct table *table, const void *row);
uint8_t *table_canonical_write(const struct table *table, const void *row, uint8_t *to);
/* A copy of row with its TEXT and BLOB bytes in arena; NULL when the arena is full. */
void *table_copy_row(const struct table *table, const void *row, struct arena *arena) MUST_USE;
bool table_rows_equal(const struct table *table, const void *a, const void *b);
/* 0, or -EMSGSIZE (a TEXT/BLOB over bytes_max), -EILSEQ (a TEXT that is not UTF-8 or holds NUL). */
int table_row_check(const struct table *table, const void *row);

static inline int64_t column_i64(const struct column *column, const void *row) {
    int64_t value;
    memcpy(&value, (const char *)row + column->offset, sizeof value);
    return value;
}
static inline const void *column_bytes(const struct column *column, const void *row) {
    return (const char *)row + column->offset;
}
static inline struct str column_str(const struct column *column, const void *row) {
    struct str value;
    memcpy(&value, (const char *)row + column->offset, sizeof value);
    return value;
}

#endif
