#include "engine/engine_int.h"

#include "engine/quarantine.h"
#include "platform/clock.h"

static int keep_head(void *ctx, const void *row) {
    *(const struct journal_row **)ctx = row;
    return 0;
}

/* The last record of the chain, NULL when the journal is empty. */
static int read_head(struct store *store, struct arena *arena, const struct journal_row **ret_head) {
    struct store_reader *reader;
    struct store_range range = { .table = &engine_journal_table, .descending = true, .limit = 1 };
    const struct journal_row *head = NULL;
    int r = store_reader_open(store, &reader);
    if (r) return err_trace(r);
    r = store_range(reader, &range, arena, keep_head, &head);
    store_reader_close(reader);
    if (r) return err_trace(r);
    *ret_head = head;
    return 0;
}

static int load_counters(struct engine *engine, struct arena *arena) {
    struct {
        int64_t kind, value;
    } keys[COUNTER_COUNT] = { 0 };
    struct store_probe probes[COUNTER_COUNT];
    for (int i = 0; i < COUNTER_COUNT; i++) {
        keys[i].kind = i;
        probes[i] = (struct store_probe){ .table = &engine_counter_table, .row = &keys[i] };
    }
    int r = store_load(engine->options.store, probes, COUNTER_COUNT, arena);
    if (r) return err_fold(r);
    for (int i = 0; i < COUNTER_COUNT; i++)
        engine->work.counters_stored[i] =
            probes[i].ret_row ? column_i64(&engine_counter_table.columns[1], probes[i].ret_row) : 0;
    return 0;
}

static int take_head(struct engine *engine, const struct journal_row *head, struct message *message) {
    if (!head) return 0;
    struct hash hash = journal_hash(head);
    if (!hash_equal(&hash, &head->hash)) {
        message_set(message,
                    "the journal's last record (seq %lld) does not match its hash: the store was changed from outside; "
                    "restore it from a backup",
                    (long long)head->seq);
        return err_origin(-EUCLEAN);
    }
    engine->seq = engine->state.journal_seq = head->seq;
    engine->head = head->hash;
    engine->work.ids.ms = id_time_ms(head->last_id);
    engine->work.ids.counter =
        (UINT64_C(1) << 42) - 1; /* go on in the next millisecond: never lower than what was handed out */
    memcpy(engine->work.last_id, head->last_id, 16); /* for records of batches that draw no id */
    engine->work.now_ms = engine->latest_ms = head->at_ms;
    return 0;
}

static int engine_load(struct engine *engine, struct message *message) {
    struct arena arena;
    const struct journal_row *head = NULL;
    int r = arena_init(&arena, 64 * 1024, 2 * (size_t)JOURNAL_BODY_BYTES_MAX);
    if (r) return err_trace(r);
    r = read_head(engine->options.store, &arena, &head);
    if (!r) r = load_counters(engine, &arena);
    if (!r) r = take_head(engine, head, message);
    arena_release(&arena);
    return err_trace(r);
}

int engine_open(const struct engine_options *options, struct engine **ret_engine, struct message *message) {
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine) return err_origin(-ENOMEM);
    engine->options = *options;
    engine->state.writable = true;
    buffer_init_heap(&engine->notes, ENGINE_NOTES_BYTES_MAX);
    buffer_init_heap(&engine->notes_taken, ENGINE_NOTES_BYTES_MAX);
    pthread_condattr_t attributes;
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&engine->lock, NULL) == 0 && pthread_cond_init(&engine->wake, &attributes) == 0);
    side_thread_init(&engine->side);
    int r = work_init(&engine->work);
    if (!r) r = sha256_init(&engine->hasher.sha);
    engine->work.encode_event = options->encode_event;
    if (options->id_salt) engine->work.ids.salt = options->id_salt;
    if (!r) r = engine_load(engine, message);
    if (!r && options->quarantine_path) r = quarantine_open(options->quarantine_path, &engine->quarantine, message);
    if (r) {
        message_set(message, "%s", message && message->text[0] ? message->text : "the journal cannot be read");
        engine_close(engine);
        return err_trace(r);
    }
    *ret_engine = engine;
    return 0;
}

struct engine *engine_close(struct engine *engine) {
    if (!engine) return NULL;
    engine_stop(engine);
    engine->quarantine = quarantine_close(engine->quarantine);
    side_thread_release(&engine->side);
    work_release(&engine->work);
    sha256_release(&engine->hasher.sha);
    buffer_release(&engine->notes);
    buffer_release(&engine->notes_taken);
    free(engine->changes);
    pthread_mutex_destroy(&engine->lock);
    pthread_cond_destroy(&engine->wake);
    free(engine);
    return NULL;
}

int engine_submit(struct engine *engine, struct command *command) {
    check(command->kind && command->on_reply);
    size_t room = command->internal ? ENGINE_QUEUE_MAX + ENGINE_INTERNAL_QUEUE_MAX : ENGINE_QUEUE_MAX;
    command->next = NULL;
    pthread_mutex_lock(&engine->lock);
    if (engine->stopping || engine->queued >= room) {
        pthread_mutex_unlock(&engine->lock);
        return ENGINE_E_FULL;
    }
    if (engine->last) engine->last->next = command;
    else engine->first = command;
    engine->last = command;
    if (engine->queued++ == 0) pthread_cond_signal(&engine->wake);
    pthread_mutex_unlock(&engine->lock);
    return 0;
}

void engine_note(struct engine *engine, struct str audit_json) {
    pthread_mutex_lock(&engine->lock);
    bool fits =
        audit_json.len <= JOURNAL_FRAME_BYTES_MAX && engine->notes.len + audit_json.len + 5 <= ENGINE_NOTES_BYTES_MAX;
    if (fits) journal_frame_write(&engine->notes, JOURNAL_AUDIT, audit_json);
    if (!fits || engine->notes.overflow) {
        engine->state.notes_dropped++;
        engine->notes_lost++;
    }
    engine->notes.overflow = false; /* no memory now; perhaps for the next */
    pthread_mutex_unlock(&engine->lock);
}

static int64_t now_ms(const struct engine *engine) {
    return engine->options.now_ms ? engine->options.now_ms() : clock_now_ms();
}

int64_t engine_time_ms(struct engine *engine) {
    int64_t at_ms = now_ms(engine);
    pthread_mutex_lock(&engine->lock);
    if (at_ms < engine->latest_ms) at_ms = engine->latest_ms;
    pthread_mutex_unlock(&engine->lock);
    return at_ms;
}

/* Nothing to do: the lease must not grow old. */
static size_t renew(struct engine *engine) {
    int64_t at_ms = clock_mono_ms();
    if (at_ms - engine->written_ms < STORE_LEASE_RENEW_MS) return 0;
    engine->written_ms = at_ms;
    int r = store_lease_renew(engine->options.store);
    if (r == STORE_E_FENCED && engine->options.on_fenced) engine->options.on_fenced(engine->options.ctx);
    return 0;
}

/* What did not fit before says so in the first place that it has; call with the lock held. */
static void tell_lost(struct engine *engine) {
    char time[CLOCK_TEXT_BYTES], text[160];
    if (!engine->notes_lost) return;
    clock_format_rfc3339(engine->batch_ms, time);
    int len = snprintf(text, sizeof text, "{\"event\":\"audit_overflow\",\"time\":\"%s\",\"dropped\":%llu}", time,
                       (unsigned long long)engine->notes_lost);
    check(len > 0 && (size_t)len < sizeof text);
    size_t room = engine->notes.len;
    journal_frame_write(&engine->notes, JOURNAL_AUDIT, str_from_bytes(text, (size_t)len));
    if (engine->notes.len > room) engine->notes_lost = 0;
    engine->notes.overflow = false;
}

/* Takes up to a batch of commands and all notes; call with the lock held. */
static size_t take(struct engine *engine, struct command **commands) {
    size_t count = 0;
    while (engine->first && count < ENGINE_BATCH_MAX) {
        commands[count++] = engine->first;
        engine->first = engine->first->next;
    }
    if (!engine->first) engine->last = NULL;
    engine->queued -= count;
    struct buffer empty = engine->notes_taken;
    engine->notes_taken = engine->notes;
    engine->notes = empty;
    buffer_reset(&engine->notes);
    tell_lost(engine);
    return count;
}

/* Suspects of an abort are run alone, and first; returns how many commands are left for the batch. */
static size_t run_suspects(struct engine *engine, struct command **commands, size_t count) {
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (quarantine_suspects(engine->quarantine, commands[i])) batch_run(engine, &commands[i], 1, (struct str){ 0 });
        else commands[left++] = commands[i];
    }
    return left;
}

/* What is due by the batch's time. More than fit beside callers' commands are decided first, in batches of their own,
 * so that none of that time sees what should have ended. Returns how many stand in commands; *ret_before: decided. */
static size_t take_due(struct engine *engine, struct command **commands, size_t *ret_before) {
    const struct engine_options *options = &engine->options;
    size_t count = 0;
    *ret_before = 0;
    if (!options->due) return 0;
    for (int i = 0; i < ENGINE_DUE_BATCHES_MAX; i++) {
        count = options->due(options->ctx, engine->batch_ms, commands, ENGINE_DUE_MAX);
        if (count < ENGINE_DUE_MAX) break;
        batch_run(engine, commands, count, (struct str){ 0 });
        *ret_before += count;
        count = 0;
    }
    return count;
}

size_t engine_step(struct engine *engine) {
    struct command *commands[ENGINE_DUE_MAX + ENGINE_BATCH_MAX];
    size_t before;
    engine->batch_ms = now_ms(engine);
    if (engine->batch_ms < engine->work.now_ms) engine->batch_ms = engine->work.now_ms; /* never backwards */
    size_t count = take_due(engine, commands, &before);
    pthread_mutex_lock(&engine->lock);
    engine->latest_ms = engine->batch_ms;
    count += take(engine, commands + count);
    pthread_mutex_unlock(&engine->lock);
    if (count + before == 0 && engine->notes_taken.len == 0) return renew(engine);
    size_t left = engine->quarantine ? run_suspects(engine, commands, count) : count;
    if (left || engine->notes_taken.len) batch_run(engine, commands, left, buffer_str(&engine->notes_taken));
    engine->written_ms = clock_mono_ms();
    buffer_reset(&engine->notes_taken);
    pthread_mutex_lock(&engine->lock);
    engine->state.batches++;
    engine->state.commands += count + before;
    engine->state.journal_seq = engine->seq;
    pthread_mutex_unlock(&engine->lock);
    return count + before;
}

/* How long there may be nothing to do, in milliseconds: until the notes are written or the next thing is due. */
static int64_t wait_ms(const struct engine *engine) {
    const struct engine_options *options = &engine->options;
    if (!options->next_due_ms) return ENGINE_NOTES_WAIT_MS;
    int64_t due_ms = options->next_due_ms(options->ctx), ms;
    if (checked_sub(due_ms, now_ms(engine), &ms) || ms > ENGINE_NOTES_WAIT_MS) return ENGINE_NOTES_WAIT_MS;
    return ms > 0 ? ms : 0;
}

/* Waits for work; false when stopping with nothing left. */
static bool wait_for_work(struct engine *engine) {
    pthread_mutex_lock(&engine->lock);
    while (!engine->first && !engine->stopping) {
        struct timespec until = clock_mono_after(wait_ms(engine));
        if (pthread_cond_timedwait(&engine->wake, &engine->lock, &until) == ETIMEDOUT) break;
    }
    bool more = engine->first || engine->notes.len || !engine->stopping;
    pthread_mutex_unlock(&engine->lock);
    return more;
}

static void *engine_main(void *ctx) {
    struct engine *engine = ctx;
    while (wait_for_work(engine)) engine_step(engine);
    return NULL;
}

int engine_start(struct engine *engine) {
    check(!engine->thread_running);
    int r = pthread_create(&engine->thread, NULL, engine_main, engine);
    if (r) return err_origin(-r);
    engine->thread_running = true;
    return 0;
}

void engine_stop(struct engine *engine) {
    pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    pthread_cond_signal(&engine->wake);
    pthread_mutex_unlock(&engine->lock);
    if (!engine->thread_running) return;
    pthread_join(engine->thread, NULL);
    engine->thread_running = false;
}

void engine_state(struct engine *engine, struct engine_state *ret_state) {
    pthread_mutex_lock(&engine->lock);
    *ret_state = engine->state;
    ret_state->queued = engine->queued;
    pthread_mutex_unlock(&engine->lock);
}
