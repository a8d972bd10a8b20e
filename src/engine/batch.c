/* batch.c - needs, load, decide, commit, reply: one batch.
 *
 * What happens when the commit fails (E4) is in batch_run: once undone, all is decided again from fresh rows; undone
 * twice, the batch is halved until the lone culprit is found, which is answered FAULT. */
#include "engine/engine_int.h"

#include "engine/idempotency.h"
#include "engine/quarantine.h"
#include "platform/clock.h"

enum { COMMAND_OPEN, COMMAND_DECIDED };
enum { CHAINED_TABLES_MAX = 8 };
enum { ORDERED_ROUNDS = 2 }; /* E6 */

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

static void write_audit(struct engine *engine, const struct command *command) {
    char memory[ENGINE_AUDIT_BYTES_MAX];
    struct buffer json;
    if (!command->write_audit) return;
    buffer_init(&json, memory, sizeof memory);
    command->write_audit(&json, command);
    if (json.overflow) buffer_reset(&json); /* an oversized record is kept as an empty one, so that its absence shows */
    journal_frame_write(&engine->work.body, JOURNAL_AUDIT, json.len ? buffer_str(&json) : STR("{}"));
    if (engine->work.body.overflow) engine->work.full = true; /* the next command's drop would forget it */
}

static void decided(struct engine *engine, struct command *command) {
    command->state = COMMAND_DECIDED;
    write_audit(engine, command);
}

static void fault(struct engine *engine, struct command *command, int code) {
    work_command_drop(&engine->work);
    command->result = COMMAND_FAULT;
    if (engine->options.on_fault) engine->options.on_fault(engine->options.ctx, command->kind->name, code);
    decided(engine, command);
}

static void refuse(struct engine *engine, struct command *command, int refusal) {
    work_command_drop(&engine->work);
    command->refusal = refusal;
    command->answer = (struct str){ 0 };
    if (command->kind->refusal_is_stored && command->kind->refusal_is_stored(refusal)) {
        work_command_begin(&engine->work, command->kind);
        int r = idempotency_store(&engine->work, command);
        if (!r) r = work_command_accept(&engine->work);
        if (r) {
            fault(engine, command, r);
            return;
        }
    }
    decided(engine, command);
}

/* It was there at two aborts: answered FAULT, and not even its needs are asked for. */
static bool is_held(struct engine *engine, struct command *command) {
    if (!quarantine_holds(engine->quarantine, command)) return false;
    command->result = COMMAND_FAULT;
    command->refusal = 0;
    command->answer = (struct str){ 0 };
    if (engine->options.on_fault) engine->options.on_fault(engine->options.ctx, "quarantined", -ECANCELED);
    decided(engine, command);
    return true;
}

/* Runs one command; it stays open when it needs rows, or when only its needs are asked for (E6). */
static void decide(struct engine *engine, struct command *command, bool only_needs) {
    struct work *work = &engine->work;
    command->result = COMMAND_DONE;
    command->refusal = 0;
    command->answer = (struct str){ 0 };
    memset(command->resource_id, 0, sizeof command->resource_id);
    work_command_begin(work, command->kind);
    int r = idempotency_judge(work, command);
    bool answered = r == 1;
    if (r == 0) r = command->kind->decide(work, command);
    if (r == VIEW_NEED || only_needs) {
        work_command_drop(work);
        return;
    }
    if (answered) {
        decided(engine, command);
        return;
    }
    if (r > 0) {
        refuse(engine, command, r);
        return;
    }
    if (r == 0) r = idempotency_store(work, command);
    if (r == 0) r = work_command_accept(work);
    if (r < 0) fault(engine, command, r);
    else decided(engine, command);
}

static int decide_all(struct engine *engine, struct command **commands, size_t count) {
    size_t open = count;
    for (size_t i = 0; i < count; i++) {
        commands[i]->state = COMMAND_OPEN;
        if (is_held(engine, commands[i])) {
            open--;
            continue;
        }
        idempotency_want(&engine->work, commands[i]);
        if (commands[i]->kind->needs) commands[i]->kind->needs(&engine->work, commands[i]);
    }
    for (int round = 0; round < ENGINE_ROUNDS_MAX && open; round++) {
        int r = work_load(&engine->work, engine->options.store);
        if (r) return err_trace(r); /* STORE_E_AWAY, _FENCED too */
        open = 0;
        for (size_t i = 0; i < count; i++) {
            if (commands[i]->state == COMMAND_OPEN) decide(engine, commands[i], open && round < ORDERED_ROUNDS);
            if (engine->work.full) return err_origin(-ENOSPC);
            open += commands[i]->state == COMMAND_OPEN;
        }
    }
    for (size_t i = 0; i < count && open; i++) {
        if (commands[i]->state != COMMAND_OPEN) continue;
        commands[i]->result = COMMAND_TOO_COMPLEX;
        decided(engine, commands[i]);
    }
    return 0;
}

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
            if (changes[i].table == tables[t]) table_canonical(tables[t], changes[i].row, hasher_put, hasher);
    return hasher_end(hasher);
}

/* All other rows; a deletion counts as the row that went. */
static struct hash hash_rows(struct hasher *hasher, const struct store_change *changes, size_t count) {
    sha256_begin(&hasher->sha);
    for (size_t i = 0; i < count; i++) {
        if (changes[i].table->chained) continue;
        hasher_put(hasher, changes[i].kind == STORE_DELETE ? "-" : "+", 1);
        table_canonical(changes[i].table, changes[i].row, hasher_put, hasher);
    }
    return hasher_end(hasher);
}

static bool change_add(struct engine *engine, size_t *count, struct store_change change) {
    if (*count == engine->change_capacity) {
        size_t capacity = engine->change_capacity ? engine->change_capacity * 2 : 4096;
        struct store_change *changes = realloc(engine->changes, capacity * sizeof *changes);
        if (!changes) return false;
        engine->changes = changes;
        engine->change_capacity = capacity;
    }
    engine->changes[(*count)++] = change;
    return true;
}

static bool collect_rows(struct engine *engine, size_t *count) {
    for (const struct work_row *row = engine->work.first_dirty; row; row = row->next_dirty) {
        if (!row_written(row)) continue;
        struct store_change change = { .table = row->table,
                                       .row = row->base,
                                       .kind = row->stored ? STORE_UPDATE : STORE_INSERT };
        if (!row->base) change = (struct store_change){ .table = row->table, .row = row->stored, .kind = STORE_DELETE };
        if (!change_add(engine, count, change)) return false;
    }
    return true;
}

static bool collect_counters(struct engine *engine, size_t *count) {
    struct work *work = &engine->work;
    for (int i = 0; i < COUNTER_COUNT; i++) {
        if (work->counters[i] == work->counters_stored[i]) continue;
        struct counter_row *row = arena_new(&work->arena, struct counter_row);
        if (!row) return false;
        *row = (struct counter_row){ .kind = i, .value = work->counters[i] };
        struct store_change change = { .table = &engine_counter_table,
                                       .row = row,
                                       .kind = work->counters_stored[i] ? STORE_UPDATE : STORE_INSERT };
        if (!change_add(engine, count, change)) return false;
    }
    return true;
}

static void hash_record(void *ctx) {
    struct engine *engine = ctx;
    struct journal_row *record = &engine->record;
    record->entries_hash = hash_chained(&engine->hasher, engine->changes, engine->hashed_changes);
    record->rows_hash = hash_rows(&engine->hasher, engine->changes, engine->hashed_changes);
    record->hash = journal_hash(record);
}

static void keep_rows(void *ctx) {
    struct engine *engine = ctx;
    work_keep(&engine->work);
    work_turn(&engine->work);
}

static void await_hashes(void *ctx) {
    struct engine *engine = ctx;
    side_thread_await(&engine->side, SIDE_FIRST);
}

/* The journal row is the last: its hashes are made, and the cache is filled, while the store writes the others (E3,
 * J2). Whatever comes of it, nothing runs beside the caller afterwards. */
static int commit_changes(struct engine *engine, size_t count) {
    const struct store_late late = { .ready = await_hashes, .ctx = engine };
    const struct side_work work = { .part = { hash_record, keep_rows }, .ctx = engine };
    engine->kept = count >= ENGINE_SIDE_CHANGES_MIN;
    if (!engine->kept) {
        hash_record(engine);
        return store_commit(engine->options.store, engine->changes, count);
    }
    side_thread_begin(&engine->side, &work);
    int r = store_commit_late(engine->options.store, engine->changes, count, &late);
    side_thread_end(&engine->side);
    return r;
}

/* Everything of the batch in one transaction. 0, STORE_E_*, or <0. */
static int commit(struct engine *engine, size_t commands, struct str notes) {
    struct work *work = &engine->work;
    size_t count = 0;
    buffer_append_str(&work->body, notes);
    if (work->body.overflow) return STORE_E_UNDONE; /* nothing was written: half a batch may fit */
    bool swept = work->counters[COUNTER_SWEPT_DAY] != work->counters_stored[COUNTER_SWEPT_DAY];
    if (work->dirty_count == 0 && work->body.len == 0 && !swept) return 0;
    if (!collect_rows(engine, &count)) return STORE_E_UNDONE; /* out of memory before anything was written */
    engine->hashed_changes = count;
    engine->record = (struct journal_row){ .epoch = store_epoch(engine->options.store),
                                           .seq = work->seq,
                                           .at_ms = work->now_ms,
                                           .prev_hash = engine->head,
                                           .body = buffer_str(&work->body) };
    memcpy(engine->record.last_id, work->last_id, 16);
    const struct store_change last = { .table = &engine_journal_table, .row = &engine->record, .kind = STORE_INSERT };
    if (!collect_counters(engine, &count) || !change_add(engine, &count, last)) return STORE_E_UNDONE; /* as above */
    int64_t began_ns = clock_mono_ns();
    int r = commit_changes(engine, count);
    if (r) return r;
    engine->seq = engine->record.seq;
    engine->head = engine->record.hash;
    memcpy(work->counters_stored, work->counters, sizeof work->counters);
    if (engine->options.on_committed)
        engine->options.on_committed(engine->options.ctx, work->seq, (uint32_t)commands, clock_mono_ns() - began_ns);
    return 0;
}

static void answer_all(struct command **commands, size_t count) {
    for (size_t i = 0; i < count; i++) commands[i]->on_reply(commands[i]);
}

static void fail_all(struct command **commands, size_t count, enum command_result result) {
    for (size_t i = 0; i < count; i++) {
        commands[i]->result = result;
        commands[i]->refusal = 0;
        commands[i]->answer = (struct str){ 0 };
    }
    answer_all(commands, count);
}

static int batch_try(struct engine *engine, struct command **commands, size_t count, struct str notes) {
    quarantine_enter(engine->quarantine, commands, count);
    work_begin(&engine->work, engine->batch_ms, engine->seq + 1);
    engine->kept = false;
    int r = decide_all(engine, commands, count);
    if (r < 0) r = STORE_E_UNDONE; /* nothing was written: a failed load is like an undone commit */
    if (r == 0) r = commit(engine, count, notes);
    if (r) work_forget(&engine->work);
    return r;
}

static void committed(struct engine *engine, struct command **commands, size_t count) {
    struct work *work = &engine->work;
    for (size_t i = 0; i < work->followup_count; i++)
        if (engine->options.on_followup) engine->options.on_followup(engine->options.ctx, &work->followups[i]);
    answer_all(commands, count);
}

static void set_writable(struct engine *engine, bool writable) {
    pthread_mutex_lock(&engine->lock);
    engine->state.writable = writable;
    pthread_mutex_unlock(&engine->lock);
}

void batch_run(struct engine *engine, struct command **commands, size_t count, struct str notes) {
    int r = batch_try(engine, commands, count, notes);
    if (r == STORE_E_UNDONE) r = batch_try(engine, commands, count, notes);
    quarantine_leave(engine->quarantine, commands, r == 0 ? count : 0);
    if (r < 0) { /* unknown: say so, then the process ends */
        fail_all(commands, count, COMMAND_UNKNOWN);
        if (engine->options.on_unknown) engine->options.on_unknown(engine->options.ctx);
        return;
    }
    if (r == STORE_E_FULL || r == STORE_E_AWAY || r == STORE_E_FENCED) {
        set_writable(engine, false);
        fail_all(commands, count, COMMAND_UNAVAILABLE);
        if (r == STORE_E_FENCED && engine->options.on_fenced) engine->options.on_fenced(engine->options.ctx);
        return;
    }
    if (r == STORE_E_UNDONE && count > 1) {
        batch_run(engine, commands, count / 2, notes);
        batch_run(engine, commands + count / 2, count - count / 2, (struct str){ 0 });
        return;
    }
    if (r == STORE_E_UNDONE) {
        if (count && engine->options.on_fault)
            engine->options.on_fault(engine->options.ctx, commands[0]->kind->name, -EIO);
        fail_all(commands, count, COMMAND_FAULT);
        if (count && notes.len) batch_run(engine, commands, 0, notes); /* they are not the culprit's */
        return;
    }
    if (!engine->state.writable) set_writable(engine, true);
    committed(engine, commands, count);
    if (!engine->kept) work_keep(&engine->work);
    work_turn(&engine->work);
}
