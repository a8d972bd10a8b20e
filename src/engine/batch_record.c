/* batch_record.c - what a batch writes: its rows in their final state, the counters, and the journal's record with the
 * hashes over them. */
#include "engine/engine_int.h"

enum { CHAINED_TABLES_MAX = 8 };

struct counter_row {
    int64_t kind, value;
};
static const struct column counter_columns[] = { COLUMN(struct counter_row, kind, I64),
                                                 COLUMN(struct counter_row, value, I64) };
static const struct table_index counter_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
const struct table engine_counter_table = {
    .service = "engine",
    .name = "counter",
    .row_bytes = sizeof(struct counter_row),
    .columns = counter_columns,
    .column_count = ARRAY_COUNT(counter_columns),
    .indexes = counter_indexes,
    .index_count = ARRAY_COUNT(counter_indexes),
};

/* Canonical rows come in small pieces: they are joined before they are hashed. */
static void hasher_flush(struct hasher *hasher) {
    sha256_update(&hasher->sha, hasher->bytes, hasher->len);
    hasher->len = 0;
}

static void hasher_put(void *ctx, const void *bytes, size_t len) {
    struct hasher *hasher = ctx;
    if (len > sizeof hasher->bytes - hasher->len) hasher_flush(hasher);
    if (len > sizeof hasher->bytes) {
        sha256_update(&hasher->sha, bytes, len);
        return;
    }
    memcpy(hasher->bytes + hasher->len, bytes, len);
    hasher->len += len;
}

static void hasher_row(struct hasher *hasher, const struct table *table, const void *row) {
    size_t room = table_canonical_room(table, row);
    if (room > sizeof hasher->bytes - hasher->len) hasher_flush(hasher);
    if (room > sizeof hasher->bytes) table_canonical(table, row, hasher_put, hasher);
    else hasher->len = (size_t)(table_canonical_write(table, row, hasher->bytes + hasher->len) - hasher->bytes);
}

static struct hash hasher_end(struct hasher *hasher) {
    hasher_flush(hasher);
    return sha256_end(&hasher->sha);
}

static bool row_written(const struct work_row *row) {
    return row->base || row->stored;
}

/* The rows of chained tables, table by table in order of their names. */
static struct hash hash_chained(struct hasher *hasher, const struct store_change *changes, size_t count) {
    const struct table *tables[CHAINED_TABLES_MAX];
    size_t table_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct table *table = changes[i].table;
        size_t at = 0;
        if (!table->chained) continue;
        while (at < table_count && tables[at] != table && strcmp(tables[at]->name, table->name) < 0) at++;
        if (at < table_count && tables[at] == table) continue;
        check(table_count < CHAINED_TABLES_MAX);
        memmove(tables + at + 1, tables + at, (table_count - at) * sizeof tables[0]);
        tables[at] = table;
        table_count++;
    }
    sha256_begin(&hasher->sha);
    for (size_t t = 0; t < table_count; t++)
        for (size_t i = 0; i < count; i++)
            if (changes[i].table == tables[t]) hasher_row(hasher, tables[t], changes[i].row);
    return hasher_end(hasher);
}

/* All other rows; a deletion counts as the row that went. */
static struct hash hash_rows(struct hasher *hasher, const struct store_change *changes, size_t count) {
    sha256_begin(&hasher->sha);
    for (size_t i = 0; i < count; i++) {
        if (changes[i].table->chained) continue;
        hasher_put(hasher, changes[i].kind == STORE_DELETE ? "-" : "+", 1);
        hasher_row(hasher, changes[i].table, changes[i].row);
    }
    return hasher_end(hasher);
}

static bool change_add(struct batch *batch, struct store_change change) {
    if (batch->change_count == batch->change_capacity) {
        size_t capacity = batch->change_capacity ? batch->change_capacity * 2 : 4096;
        struct store_change *changes = realloc(batch->changes, capacity * sizeof *changes);
        if (!changes) return false;
        batch->changes = changes;
        batch->change_capacity = capacity;
    }
    batch->changes[batch->change_count++] = change;
    return true;
}

static bool collect_rows(struct batch *batch) {
    for (const struct work_row *row = batch->work.first_dirty; row; row = row->next_dirty) {
        if (!row_written(row)) continue;
        struct store_change change = { .table = row->table,
                                       .row = row->base,
                                       .kind = row->stored ? STORE_UPDATE : STORE_INSERT };
        if (!row->base) change = (struct store_change){ .table = row->table, .row = row->stored, .kind = STORE_DELETE };
        if (!change_add(batch, change)) return false;
    }
    return true;
}

static bool collect_counters(struct batch *batch) {
    struct work *work = &batch->work;
    for (int i = 0; i < COUNTER_COUNT; i++) {
        if (work->counters[i] == work->counters_stored[i]) continue;
        struct counter_row *row = arena_new(&work->arena, struct counter_row);
        if (!row) return false;
        *row = (struct counter_row){ .kind = i, .value = work->counters[i] };
        struct store_change change = { .table = &engine_counter_table,
                                       .row = row,
                                       .kind = work->counters_stored[i] ? STORE_UPDATE : STORE_INSERT };
        if (!change_add(batch, change)) return false;
    }
    return true;
}

int64_t record_mark(const struct hash *hash) {
    int64_t mark;
    memcpy(&mark, hash->bytes, sizeof mark);
    return mark | 1;
}

static bool nothing_to_write(const struct work *work) {
    bool swept = work->counters[COUNTER_SWEPT_DAY] != work->counters_stored[COUNTER_SWEPT_DAY];
    return work->dirty_count == 0 && work->body.len == 0 && !swept;
}

int batch_record(struct engine *engine, struct batch *batch, const struct hash *head, struct str notes) {
    struct work *work = &batch->work;
    struct journal_row *record = &batch->record;
    batch->change_count = 0;
    buffer_append_str(&work->body, notes);
    if (work->body.overflow) return STORE_E_UNDONE; /* half a batch may fit */
    if (nothing_to_write(work)) return 0;
    bool made = collect_rows(batch);
    size_t rows = batch->change_count;
    *record = (struct journal_row){ .epoch = engine->epoch,
                                    .seq = work->seq,
                                    .at_ms = work->now_ms,
                                    .prev_hash = *head,
                                    .body = buffer_str(&work->body) };
    memcpy(record->last_id, engine->common.last_id, 16);
    record->entries_hash = hash_chained(&engine->hasher, batch->changes, rows);
    record->rows_hash = hash_rows(&engine->hasher, batch->changes, rows);
    record->hash = journal_hash(record);
    work->counters[COUNTER_HEAD] = record_mark(&record->hash);
    const struct store_change last = { .table = &engine_journal_table, .row = record, .kind = STORE_INSERT };
    made = made && collect_counters(batch) && change_add(batch, last);
    if (!made) batch->change_count = 0;
    return made ? 0 : STORE_E_UNDONE; /* out of memory before anything was written */
}
