/* batch.c - needs, load, decide, commit, reply: one batch.
 *
 * What happens when the commit fails (E4) is in batch_end: once undone, all is decided again from fresh rows; undone
 * twice, the batch is halved until the lone culprit is found, which is answered FAULT. */
#include "engine/engine_int.h"

#include "engine/idempotency.h"
#include "engine/quarantine.h"
#include "platform/clock.h"

enum { COMMAND_OPEN, COMMAND_DECIDED };
enum { ORDERED_ROUNDS = 2 }; /* E6 */

static void write_audit(struct work *work, const struct command *command) {
    char memory[ENGINE_AUDIT_BYTES_MAX];
    struct buffer json;
    if (!command->write_audit && !command->kind->write_audit) return;
    buffer_init(&json, memory, sizeof memory);
    if (command->write_audit) command->write_audit(&json, command);
    else command->kind->write_audit(&json, command);
    if (!command->write_audit && !json.len && !json.overflow) return; /* this one has none */
    if (json.overflow) buffer_reset(&json); /* an oversized record is kept as an empty one, so that its absence shows */
    journal_frame_write(&work->body, JOURNAL_AUDIT, json.len ? buffer_str(&json) : STR("{}"));
    if (work->body.overflow) work->full = true; /* the next command's drop would forget it */
}

static void decided(struct work *work, struct command *command) {
    command->state = COMMAND_DECIDED;
    write_audit(work, command);
}

static void fault(struct engine *engine, struct work *work, struct command *command, int code) {
    work_command_drop(work);
    command->result = COMMAND_FAULT;
    if (engine->options.on_fault) engine->options.on_fault(engine->options.ctx, command->kind->name, code);
    decided(work, command);
}

static void refuse(struct engine *engine, struct work *work, struct command *command, int refusal) {
    work_command_drop(work);
    command->refusal = refusal;
    command->answer = (struct str){ 0 };
    if (command->kind->refusal_is_stored && command->kind->refusal_is_stored(refusal)) {
        work_command_begin(work, command->kind);
        int r = idempotency_store(work, command);
        if (!r) r = work_command_accept(work);
        if (r) {
            fault(engine, work, command, r);
            return;
        }
    }
    decided(work, command);
}

/* It was there at two aborts: answered FAULT, and not even its needs are asked for. */
static bool is_held(struct engine *engine, struct work *work, struct command *command) {
    if (!quarantine_holds(engine->quarantine, command)) return false;
    command->result = COMMAND_FAULT;
    command->refusal = 0;
    command->answer = (struct str){ 0 };
    if (engine->options.on_fault) engine->options.on_fault(engine->options.ctx, "quarantined", -ECANCELED);
    decided(work, command);
    return true;
}

/* Runs one command; it stays open when it needs rows, or when only its needs are asked for (E6). */
static void decide(struct engine *engine, struct work *work, struct command *command, bool only_needs) {
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
        decided(work, command);
        return;
    }
    if (r > 0) {
        refuse(engine, work, command, r);
        return;
    }
    if (r == 0) r = idempotency_store(work, command);
    if (r == 0) r = work_command_accept(work);
    if (r < 0) fault(engine, work, command, r);
    else decided(work, command);
}

/* Does this state hold what the batch in flight stands on, or already that batch itself? A second connection may lead
 * to a copy of the database that lags behind, or has been left behind by a failover. */
static bool witness_is_good(const struct engine *engine, const void *witness) {
    int64_t mark = witness ? column_i64(&engine_counter_table.columns[1], witness) : 0;
    return mark == engine->counters[COUNTER_HEAD] || mark == engine->flying->work.counters[COUNTER_HEAD];
}

/* The writer is busy with the batch in flight; whatever that one touches is not asked for. */
static int load_beside(struct engine *engine, struct work *work) {
    const struct { int64_t kind, value; } key = { .kind = COUNTER_HEAD };
    const struct store_probe probe = { .table = &engine_counter_table, .row = &key };
    const void *witness = NULL;
    if (!work->need_count && !work->failed) return 0;
    int r = engine->reader ? 0 : store_reader_open(engine->options.store, &engine->reader);
    if (!r) r = work_load_beside(work, engine->reader, &probe, &witness);
    if (!r && !witness_is_good(engine, witness)) r = err_origin(-ESTALE);
    return err_trace(r);
}

static int load(struct engine *engine, struct work *work) {
    return engine->flying ? err_trace(load_beside(engine, work)) : err_trace(work_load(work, engine->options.store));
}

static void ask_needs(struct engine *engine, struct work *work, const struct batch_part *part) {
    for (size_t i = 0; i < part->count; i++) {
        struct command *command = part->commands[i];
        command->state = COMMAND_OPEN;
        if (is_held(engine, work, command)) continue;
        idempotency_want(work, command);
        if (command->kind->needs) command->kind->needs(work, command);
    }
}

static size_t count_open(const struct batch_part *part) {
    size_t open = 0;
    for (size_t i = 0; i < part->count; i++) open += part->commands[i]->state == COMMAND_OPEN;
    return open;
}

/* Runs all that are open once; *ret_open: how many still are. 0, or <0: no more is to be decided. */
static int decide_round(struct engine *engine, struct work *work, const struct batch_part *part, bool ordered,
                        size_t *ret_open) {
    size_t open = 0;
    for (size_t i = 0; i < part->count; i++) {
        if (part->commands[i]->state == COMMAND_OPEN) decide(engine, work, part->commands[i], open && ordered);
        if (work->full) return err_origin(-ENOSPC);
        if (!flight_look(engine)) return err_origin(-ECANCELED);
        open += part->commands[i]->state == COMMAND_OPEN;
    }
    *ret_open = open;
    return 0;
}

static int decide_all(struct engine *engine, struct work *work, const struct batch_part *part) {
    ask_needs(engine, work, part);
    size_t open = count_open(part);
    for (int round = 0; round < ENGINE_ROUNDS_MAX && open; round++) {
        int r = load(engine, work);
        if (!r) r = decide_round(engine, work, part, round < ORDERED_ROUNDS, &open);
        if (r) return err_trace(r); /* STORE_E_AWAY, _FENCED too */
    }
    for (size_t i = 0; i < part->count && open; i++) {
        if (part->commands[i]->state != COMMAND_OPEN) continue;
        part->commands[i]->result = COMMAND_TOO_COMPLEX;
        decided(work, part->commands[i]);
    }
    return 0;
}

/* ---- what the engine does with a batch ---- */

static size_t number_of(const struct engine *engine, const struct batch *batch) {
    return (size_t)(batch - engine->batches);
}

struct batch_part batch_whole(struct batch *batch) {
    return (struct batch_part){ batch->commands, batch->count, buffer_str(&batch->notes) };
}

int batch_decide(struct engine *engine, struct batch *batch, const struct batch_part *part) {
    const struct batch *below = engine->flying;
    const struct work_ground ground = { .now_ms = batch->at_ms,
                                        .seq = (below ? below->record.seq : engine->seq) + 1,
                                        .counters = below ? below->work.counters : engine->counters,
                                        .before = below ? &below->work : NULL };
    int64_t from_ns = clock_mono_ns();
    if (!below) engine->epoch = store_epoch(engine->options.store); /* else the writer may be changing it */
    quarantine_enter(engine->quarantine, number_of(engine, batch), part->commands, part->count);
    work_begin(&batch->work, &ground);
    int r = decide_all(engine, &batch->work, part);
    if (r < 0) r = STORE_E_UNDONE; /* nothing was written: a failed load is like an undone commit */
    if (!r) r = batch_record(engine, batch, below ? &below->record.hash : &engine->head, part->notes);
    batch->work.before = NULL;
    quarantine_rest(engine->quarantine);
    if (!r && part->count) {
        int64_t each_ns = (clock_mono_ns() - from_ns) / (int64_t)part->count;
        engine->decide_ns += (each_ns - engine->decide_ns) / ENGINE_PACE_SHARE;
    }
    return r;
}

int batch_write(struct engine *engine, struct batch *batch) {
    quarantine_run(engine->quarantine, number_of(engine, batch));
    int64_t from_ns = clock_mono_ns();
    int r = store_commit(engine->options.store, batch->changes, batch->change_count);
    batch->commit_ns = clock_mono_ns() - from_ns;
    quarantine_rest(engine->quarantine);
    return r;
}

static int batch_try(struct engine *engine, struct batch *batch, const struct batch_part *part) {
    check(!engine->flying);
    int r = batch_decide(engine, batch, part);
    if (!r && batch->change_count) r = batch_write(engine, batch);
    if (r) work_forget(&batch->work);
    return r;
}

static void answer_all(const struct batch_part *part) {
    for (size_t i = 0; i < part->count; i++) part->commands[i]->on_reply(part->commands[i]);
}

static void batch_fail(const struct batch_part *part, enum command_result result) {
    for (size_t i = 0; i < part->count; i++) {
        part->commands[i]->result = result;
        part->commands[i]->refusal = 0;
        part->commands[i]->answer = (struct str){ 0 };
    }
    answer_all(part);
}

static void set_writable(struct engine *engine, bool writable) {
    if (engine->state.writable == writable) return;
    pthread_mutex_lock(&engine->lock);
    engine->state.writable = writable;
    pthread_mutex_unlock(&engine->lock);
}

void batch_succeed(struct engine *engine, struct batch *batch, const struct batch_part *part) {
    const struct engine_options *options = &engine->options;
    const struct work *work = &batch->work;
    if (batch->change_count) {
        engine->seq = batch->record.seq;
        engine->head = batch->record.hash;
        memcpy(engine->counters, work->counters, sizeof engine->counters);
        journal_tail_put(engine->tail, &batch->record);
        if (options->on_committed)
            options->on_committed(options->ctx, engine->seq, (uint32_t)part->count, batch->commit_ns);
    }
    quarantine_leave(engine->quarantine, number_of(engine, batch), part->commands, part->count);
    set_writable(engine, true);
    for (size_t i = 0; i < work->followup_count; i++)
        if (options->on_followup) options->on_followup(options->ctx, &work->followups[i]);
    answer_all(part);
}

/* Undone twice: halved until the culprit is alone. */
static void halve(struct engine *engine, struct batch *batch, const struct batch_part *part) {
    size_t half = part->count / 2;
    const struct batch_part first = { part->commands, half, part->notes },
                            second = { part->commands + half, part->count - half, { 0 } },
                            notes = { part->commands, 0, part->notes };
    if (part->count > 1) {
        batch_run(engine, batch, &first);
        batch_run(engine, batch, &second);
        return;
    }
    if (part->count && engine->options.on_fault)
        engine->options.on_fault(engine->options.ctx, part->commands[0]->kind->name, -EIO);
    batch_fail(part, COMMAND_FAULT);
    if (part->count && part->notes.len) batch_run(engine, batch, &notes); /* they are not the culprit's */
}

void batch_lose(struct engine *engine, struct batch *batch) {
    const struct batch_part part = batch_whole(batch);
    quarantine_leave(engine->quarantine, number_of(engine, batch), part.commands, 0);
    batch_fail(&part, COMMAND_UNKNOWN);
}

void batch_end(struct engine *engine, struct batch *batch, const struct batch_part *part, int r) {
    const struct engine_options *options = &engine->options;
    if (r == STORE_E_UNDONE) r = batch_try(engine, batch, part);
    if (r == 0) {
        batch_succeed(engine, batch, part);
        work_keep(&batch->work);
        return;
    }
    quarantine_leave(engine->quarantine, number_of(engine, batch), part->commands, 0);
    if (r < 0) { /* unknown: say so, then the process ends */
        batch_fail(part, COMMAND_UNKNOWN);
        if (options->on_unknown) options->on_unknown(options->ctx);
    } else if (r == STORE_E_FULL || r == STORE_E_AWAY || r == STORE_E_FENCED) {
        set_writable(engine, false);
        batch_fail(part, COMMAND_UNAVAILABLE);
        if (r == STORE_E_FENCED && options->on_fenced) options->on_fenced(options->ctx);
    } else {
        halve(engine, batch, part);
    }
}

void batch_run(struct engine *engine, struct batch *batch, const struct batch_part *part) {
    batch_end(engine, batch, part, batch_try(engine, batch, part));
}
