#include "engine/journal.h"

#include <endian.h>

#include "engine/engine.h"

static const struct column journal_columns[] = {
    COLUMN(struct journal_row, epoch, I64),
    COLUMN(struct journal_row, seq, I64),
    COLUMN(struct journal_row, at_ms, I64),
    COLUMN(struct journal_row, last_id, ID),
    COLUMN(struct journal_row, prev_hash, HASH),
    COLUMN(struct journal_row, entries_hash, HASH),
    COLUMN(struct journal_row, rows_hash, HASH),
    COLUMN(struct journal_row, hash, HASH),
    COLUMN_VAR(struct journal_row, body, BLOB, JOURNAL_BODY_BYTES_MAX),
};
static const struct table_index journal_indexes[] = {
    { .name = "", .columns = { 0, 1 }, .column_count = 2, .unique = true }
};
const struct table engine_journal_table = {
    .service = "engine",
    .name = "journal",
    .row_bytes = sizeof(struct journal_row),
    .columns = journal_columns,
    .column_count = ARRAY_COUNT(journal_columns),
    .indexes = journal_indexes,
    .index_count = ARRAY_COUNT(journal_indexes),
    .append_only = true,
};

struct hash journal_hash(const struct journal_row *row) {
    enum { FIELDS_BYTES = 3 * 8 + 16 + 4 * 32 };
    struct hash body = sha256_str(row->body);
    char memory[FIELDS_BYTES];
    struct buffer fields;
    buffer_init(&fields, memory, sizeof memory);
    buffer_append_be(&fields, (uint64_t)row->epoch, 8);
    buffer_append_be(&fields, (uint64_t)row->seq, 8);
    buffer_append_be(&fields, (uint64_t)row->at_ms, 8);
    buffer_append(&fields, row->last_id, sizeof row->last_id);
    buffer_append(&fields, row->prev_hash.bytes, 32);
    buffer_append(&fields, row->entries_hash.bytes, 32);
    buffer_append(&fields, row->rows_hash.bytes, 32);
    buffer_append(&fields, body.bytes, 32);
    check(!fields.overflow);
    return sha256_str(buffer_str(&fields));
}

void journal_frame_write(struct buffer *body, enum journal_frame type, struct str json) {
    uint32_t len = htobe32((uint32_t)json.len);
    char head[1 + sizeof len] = { (char)type };
    size_t before = body->len;
    check(json.len <= JOURNAL_FRAME_BYTES_MAX);
    memcpy(head + 1, &len, sizeof len);
    buffer_append(body, head, sizeof head);
    buffer_append_str(body, json);
    if (body->overflow) body->len = before;
}

bool journal_frame_next(struct str *body, enum journal_frame *ret_type, struct str *ret_json, bool *ret_good) {
    *ret_good = true;
    if (body->len == 0) return false;
    *ret_good = false;
    if (body->len < 5 || !memchr("EHA", body->at[0], 3)) return false;
    const unsigned char *at = (const unsigned char *)body->at;
    size_t len = (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4];
    if (len > JOURNAL_FRAME_BYTES_MAX || len > body->len - 5) return false;
    *ret_type = (enum journal_frame)at[0];
    *ret_json = str_slice(*body, 5, 5 + len);
    *body = str_slice(*body, 5 + len, body->len);
    *ret_good = true;
    return true;
}
