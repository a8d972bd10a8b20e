#include "engine/chain.h"

#include "engine/engine.h"
#include "engine/row_stream.h"

#define X(code, name) [code] = name,
static const char *const break_names[CHAIN_BREAK_COUNT] = { CHAIN_BREAK_MAP(X) };
#undef X

const char *chain_break_name(enum chain_break reason) {
    check(reason < CHAIN_BREAK_COUNT);
    return break_names[reason];
}

enum { CHAIN_ROW_BYTES = 4096 }; /* of one that is hashed at once */

struct chained {
    struct row_stream rows;
    const struct column *batch_seq;
};

struct walk {
    struct row_stream journal;
    struct chained tables[CHAIN_TABLES_MAX]; /* in order of their names */
    size_t table_count;
    struct sha256 sha;
    struct chain_result result;
};

static void broken(struct walk *walk, int64_t seq, enum chain_break reason) {
    if (walk->result.broken++ > 0) return;
    walk->result.first_bad_seq = seq;
    walk->result.reason = reason;
}

static const struct column *batch_seq_of(const struct table *table) {
    for (uint8_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, "batch_seq") == 0 && table->columns[i].type == COLUMN_I64)
            return &table->columns[i];
    check(false); /* table.chained promises it */
    return NULL;
}

static void sha_put(void *ctx, const void *bytes, size_t len) {
    sha256_update(ctx, bytes, len);
}

static void row_hash(struct sha256 *sha, const struct table *table, const void *row) {
    uint8_t bytes[CHAIN_ROW_BYTES];
    if (table_canonical_room(table, row) <= sizeof bytes)
        sha256_update(sha, bytes, (size_t)(table_canonical_write(table, row, bytes) - bytes));
    else table_canonical(table, row, sha_put, sha);
}

/* Hashes the rows of one table that name seq; rows that name a record before it belong to none. */
static int rows_take(struct walk *walk, struct chained *chained, int64_t seq) {
    const void *row;
    int r;
    while ((r = row_stream_peek(&chained->rows, &row)) == 0 && row) {
        int64_t batch_seq = column_i64(chained->batch_seq, row);
        if (batch_seq > seq) return 0;
        if (batch_seq == seq) row_hash(&walk->sha, chained->rows.table, row);
        else broken(walk, batch_seq, CHAIN_STRAY);
        walk->result.rows++;
        r = row_stream_next(&chained->rows, &row);
        if (r) return err_trace(r);
    }
    return err_trace(r);
}

static int rows_hash(struct walk *walk, int64_t seq, struct hash *ret_hash) {
    sha256_begin(&walk->sha);
    for (size_t i = 0; i < walk->table_count; i++) {
        int r = rows_take(walk, &walk->tables[i], seq);
        if (r) return err_trace(r);
    }
    *ret_hash = sha256_end(&walk->sha);
    return 0;
}

static bool frames_count(struct walk *walk, struct str body) {
    struct str json;
    enum journal_frame type;
    bool good = true;
    while (journal_frame_next(&body, &type, &json, &good)) {
        walk->result.audits += type == JOURNAL_AUDIT;
        walk->result.events += type == JOURNAL_EVENT;
    }
    return good;
}

static int record_verify(struct walk *walk, const struct journal_row *record) {
    struct chain_result *result = &walk->result;
    struct hash entries, hash = journal_hash(record);
    int r = rows_hash(walk, record->seq, &entries);
    if (r) return err_trace(r);
    bool frames = frames_count(walk, record->body);
    enum chain_break reason = record->seq != result->last_seq + 1              ? CHAIN_SEQ
                              : !hash_equal(&record->prev_hash, &result->head) ? CHAIN_PREV
                              : !hash_equal(&record->hash, &hash)              ? CHAIN_HASH
                              : !hash_equal(&record->entries_hash, &entries)   ? CHAIN_ROWS
                              : !frames                                        ? CHAIN_FRAMES
                                                                               : CHAIN_OK;
    if (reason != CHAIN_OK) broken(walk, reason == CHAIN_SEQ ? result->last_seq + 1 : record->seq, reason);
    result->records++;
    result->last_seq = record->seq;
    result->head = record->hash;
    return 0;
}

/* Rows that no record was left for. */
static int rows_rest(struct walk *walk) {
    for (size_t i = 0; i < walk->table_count; i++) {
        struct chained *chained = &walk->tables[i];
        const void *row;
        int r;
        while ((r = row_stream_next(&chained->rows, &row)) == 0 && row) {
            broken(walk, column_i64(chained->batch_seq, row), CHAIN_STRAY);
            walk->result.rows++;
        }
        if (r) return err_trace(r);
    }
    return 0;
}

static int walk_open(struct walk *walk, struct reader *reader, const struct table *const *tables, size_t count) {
    const struct table *sorted[CHAIN_TABLES_MAX];
    check(count <= CHAIN_TABLES_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        check(tables[i]->chained);
        for (; at > 0 && strcmp(sorted[at - 1]->name, tables[i]->name) > 0; at--) sorted[at] = sorted[at - 1];
        sorted[at] = tables[i];
    }
    int r = sha256_init(&walk->sha);
    if (!r) r = row_stream_open(&walk->journal, reader, &engine_journal_table);
    for (size_t i = 0; !r && i < count; i++) {
        walk->table_count = i + 1;
        walk->tables[i].batch_seq = batch_seq_of(sorted[i]);
        r = row_stream_open(&walk->tables[i].rows, reader, sorted[i]);
    }
    return err_trace(r);
}

static void walk_release(struct walk *walk) {
    if (walk->sha.context) sha256_release(&walk->sha);
    row_stream_release(&walk->journal);
    for (size_t i = 0; i < walk->table_count; i++) row_stream_release(&walk->tables[i].rows);
    free(walk);
}

int chain_verify(struct reader *reader, const struct table *const *tables, size_t table_count,
                 struct chain_result *ret_result) {
    const void *record = NULL;
    struct walk *walk = calloc(1, sizeof *walk); /* pages of rows: too much for a stack */
    if (!walk) return err_origin(-ENOMEM);
    int r = walk_open(walk, reader, tables, table_count);
    while (!r && (r = row_stream_next(&walk->journal, &record)) == 0 && record) r = record_verify(walk, record);
    if (!r) r = rows_rest(walk);
    if (r == -EBADMSG) {
        broken(walk, walk->result.last_seq + 1, CHAIN_DAMAGED);
        r = 0;
    }
    if (!r) *ret_result = walk->result;
    walk_release(walk);
    return err_trace(r);
}
