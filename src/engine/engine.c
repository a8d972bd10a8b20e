#include "engine/engine_int.h"

#include "engine/quarantine.h"
#include "platform/clock.h"

enum { SECOND_NS = 1000 * 1000 * 1000, NOTES_WAIT_NS = ENGINE_NOTES_WAIT_MS * 1000 * 1000 };

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
        engine->counters[i] = probes[i].ret_row ? column_i64(&engine_counter_table.columns[1], probes[i].ret_row) : 0;
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
    engine->common.ids.ms = id_time_ms(head->last_id);
    engine->common.ids.counter =
        (UINT64_C(1) << 42) - 1; /* go on in the next millisecond: never lower than what was handed out */
    memcpy(engine->common.last_id, head->last_id, 16); /* for records of batches that draw no id */
    engine->latest_ms = head->at_ms;
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

static int batch_init(struct engine *engine, struct batch *batch) {
    buffer_init_heap(&batch->notes, ENGINE_NOTES_BYTES_MAX);
    int r = work_init(&batch->work, &engine->common);
    batch->work.encode_event = engine->options.encode_event;
    return err_trace(r);
}

static void batch_release(struct batch *batch) {
    work_release(&batch->work);
    buffer_release(&batch->notes);
    free(batch->changes);
}

static void locks_init(struct engine *engine) {
    pthread_condattr_t attributes;
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&engine->lock, NULL) == 0 && pthread_cond_init(&engine->wake, &attributes) == 0);
    check(pthread_cond_init(&engine->writer_wake, NULL) == 0);
}

int engine_open(const struct engine_options *options, struct engine **ret_engine, struct message *message) {
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine) return err_origin(-ENOMEM);
    engine->options = *options;
    engine->state.writable = true;
    buffer_init_heap(&engine->notes, ENGINE_NOTES_BYTES_MAX);
    locks_init(engine);
    int r = work_common_init(&engine->common);
    for (size_t i = 0; !r && i < ENGINE_BATCHES; i++) r = batch_init(engine, &engine->batches[i]);
    if (!r) r = sha256_init(&engine->hasher.sha);
    if (!r) r = journal_tail_new(&engine->tail);
    if (options->id_salt) engine->common.ids.salt = options->id_salt;
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
    engine_settle(engine);
    flight_stop(engine);
    store_reader_close(engine->reader);
    engine->quarantine = quarantine_close(engine->quarantine);
    engine->tail = journal_tail_free(engine->tail);
    for (size_t i = 0; i < ENGINE_BATCHES; i++) batch_release(&engine->batches[i]);
    work_common_release(&engine->common);
    sha256_release(&engine->hasher.sha);
    buffer_release(&engine->notes);
    pthread_mutex_destroy(&engine->lock);
    pthread_cond_destroy(&engine->wake);
    pthread_cond_destroy(&engine->writer_wake);
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
    engine->queued++;
    if (engine->queued == (engine->gathering ? ENGINE_GATHER_FULL : 1)) pthread_cond_signal(&engine->wake);
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
static void tell_lost(struct engine *engine, int64_t at_ms) {
    char time[CLOCK_TEXT_BYTES], text[160];
    if (!engine->notes_lost) return;
    clock_format_rfc3339(at_ms, time);
    int len = snprintf(text, sizeof text, "{\"event\":\"audit_overflow\",\"time\":\"%s\",\"dropped\":%llu}", time,
                       (unsigned long long)engine->notes_lost);
    check(len > 0 && (size_t)len < sizeof text);
    size_t room = engine->notes.len;
    journal_frame_write(&engine->notes, JOURNAL_AUDIT, str_from_bytes(text, (size_t)len));
    if (engine->notes.len > room) engine->notes_lost = 0;
    engine->notes.overflow = false;
}

/* Takes up to a batch of commands and all notes; call with the lock held. */
static void take(struct engine *engine, struct batch *batch) {
    size_t count = 0;
    while (engine->first && count < ENGINE_BATCH_MAX) {
        batch->commands[batch->count++] = engine->first;
        engine->first = engine->first->next;
        count++;
    }
    if (!engine->first) engine->last = NULL;
    engine->queued -= count;
    struct buffer empty = batch->notes;
    batch->notes = engine->notes;
    engine->notes = empty;
    buffer_reset(&engine->notes);
    tell_lost(engine, batch->at_ms);
}

static bool has_suspects(const struct engine *engine, const struct batch *batch) {
    for (size_t i = 0; engine->quarantine && i < batch->count; i++)
        if (quarantine_suspects(engine->quarantine, batch->commands[i])) return true;
    return false;
}

/* Suspects of an abort are run alone, and first; the others are left in the batch. */
static void run_suspects(struct engine *engine, struct batch *batch) {
    size_t left = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct batch_part alone = { .commands = &batch->commands[i], .count = 1 };
        if (quarantine_suspects(engine->quarantine, batch->commands[i])) batch_run(engine, batch, &alone);
        else batch->commands[left++] = batch->commands[i];
    }
    batch->count = left;
}

/* What the batch in flight leaves behind may be due by the next one's time. */
static bool flight_makes_due(const struct engine *engine, int64_t at_ms) {
    const struct work *work = &engine->flying->work;
    for (size_t i = 0; i < work->followup_count; i++)
        if (work->followups[i].kind == FOLLOWUP_HOLD_EXPIRY && work->followups[i].due_ms <= at_ms) return true;
    return false;
}

/* Something is due by the batch's time: it is asked for when nothing is in flight. */
static bool is_due(const struct engine *engine, int64_t at_ms) {
    const struct engine_options *options = &engine->options;
    if (!options->due) return false;
    if (!options->next_due_ms || options->next_due_ms(options->ctx) <= at_ms) return true;
    return engine->flying && flight_makes_due(engine, at_ms);
}

/* What is due by the batch's time. More than fit beside callers' commands are decided first, in batches of their own,
 * so that none of that time sees what should have ended. Returns how many were. */
static size_t take_due(struct engine *engine, struct batch *batch) {
    const struct engine_options *options = &engine->options;
    size_t before = 0;
    for (int i = 0; i < ENGINE_DUE_BATCHES_MAX; i++) {
        size_t count = options->due(options->ctx, batch->at_ms, batch->commands, ENGINE_DUE_MAX);
        const struct batch_part part = { .commands = batch->commands, .count = count };
        batch->count = count;
        if (count < ENGINE_DUE_MAX) break;
        batch_run(engine, batch, &part);
        before += count;
        batch->count = 0;
    }
    return before;
}

/* Makes a batch of what is due and queued; false when there is nothing to do. *ret_count: the commands taken, also
 * those that have been answered already. */
static bool form(struct engine *engine, struct batch *batch, size_t *ret_count) {
    size_t before = 0;
    batch->at_ms = now_ms(engine);
    if (batch->at_ms < engine->latest_ms) batch->at_ms = engine->latest_ms; /* never backwards */
    batch->count = 0;
    if (is_due(engine, batch->at_ms)) {
        (void)flight_end(engine, NULL, false); /* whatever became of it, its commands have heard */
        before = take_due(engine, batch);
    }
    pthread_mutex_lock(&engine->lock);
    engine->latest_ms = batch->at_ms;
    take(engine, batch);
    pthread_mutex_unlock(&engine->lock);
    *ret_count = before + batch->count;
    return *ret_count || batch->notes.len;
}

/* After one batch: what the metrics show. */
static size_t done(struct engine *engine, size_t count) {
    engine->written_ms = clock_mono_ms();
    engine->last_count = count;
    pthread_mutex_lock(&engine->lock);
    engine->state.batches++;
    engine->state.commands += count;
    engine->state.journal_seq = engine->seq;
    pthread_mutex_unlock(&engine->lock);
    return count;
}

static struct batch *free_batch(struct engine *engine) {
    return &engine->batches[engine->flying == &engine->batches[0]];
}

size_t engine_step(struct engine *engine) {
    struct batch *batch = &engine->batches[0];
    size_t count;
    engine_settle(engine);
    if (!form(engine, batch, &count)) return renew(engine);
    if (has_suspects(engine, batch)) run_suspects(engine, batch);
    const struct batch_part part = batch_whole(batch);
    if (part.count || part.notes.len) batch_run(engine, batch, &part);
    return done(engine, count);
}

static void count_overlap(struct engine *engine, bool overlapped, bool voided) {
    pthread_mutex_lock(&engine->lock);
    engine->state.overlapped += overlapped;
    engine->state.voided += voided;
    pthread_mutex_unlock(&engine->lock);
}

/* Decides what is left of the batch over the one in flight, waits for that one, and gives this one to the writer. */
static void fly(struct engine *engine, struct batch *batch) {
    const struct batch_part part = batch_whole(batch);
    bool over = engine->flying != NULL;
    int r = batch_decide(engine, batch, &part), below = flight_end(engine, batch, !r);
    if (over) count_overlap(engine, !r, below != 0);
    if (below < 0) return; /* both are answered */
    if (engine->flying) return;
    if (!r && !below) flight_begin(engine, batch);
    else if (over) batch_run(engine, batch, &part); /* F3; or it could not be decided beside the writer */
    else {
        work_forget(&batch->work);
        batch_end(engine, batch, &part, r);
    }
}

/* Whoever waits for the flight that is over does not wait for the next one. */
static void settle_over(struct engine *engine) {
    if (flight_is_over(engine) && !engine->options.steps) engine_settle(engine);
}

size_t engine_advance(struct engine *engine) {
    settle_over(engine);
    struct batch *batch = free_batch(engine);
    size_t count;
    if (!form(engine, batch, &count)) {
        engine->last_count = 0;
        engine_settle(engine);
        return renew(engine);
    }
    if (has_suspects(engine, batch)) {
        if (flight_end(engine, batch, false) < 0) return done(engine, count);
        run_suspects(engine, batch);
    }
    if (batch->count || batch->notes.len) fly(engine, batch);
    return done(engine, count);
}

void engine_settle(struct engine *engine) {
    if (!engine->flying) return;
    (void)flight_end(engine, NULL, false); /* its commands have heard what became of it */
    engine->written_ms = clock_mono_ms();
    pthread_mutex_lock(&engine->lock);
    engine->state.journal_seq = engine->seq;
    pthread_mutex_unlock(&engine->lock);
}

/* How long there may be nothing to do, in milliseconds: until the notes are written or the next thing is due. */
static int64_t wait_ms(const struct engine *engine) {
    const struct engine_options *options = &engine->options;
    if (!options->next_due_ms) return ENGINE_NOTES_WAIT_MS;
    int64_t due_ms = options->next_due_ms(options->ctx), ms;
    if (checked_sub(due_ms, now_ms(engine), &ms) || ms > ENGINE_NOTES_WAIT_MS) return ENGINE_NOTES_WAIT_MS;
    return ms > 0 ? ms : 0;
}

int64_t engine_gathers_until_ns(const struct engine *engine) {
    bool many = engine->last_count >= ENGINE_GATHER_MIN && engine->queued < ENGINE_GATHER_FULL;
    return many && !engine->stopping ? engine->began_ns + ENGINE_GATHER_NS : 0;
}

/* When to begin the next batch beside the one in flight: so late that it is decided just when that one is over, since
 * until then more may come; monotonic. With the lock held. */
static int64_t begin_next_ns(const struct engine *engine) {
    if (!engine->first) return INT64_MAX;
    if (engine->queued >= ENGINE_BATCH_MAX) return 0;
    int64_t over_ns = engine->began_ns + engine->commit_ns - (int64_t)engine->queued * engine->decide_ns;
    int64_t gathers_ns = engine_gathers_until_ns(engine);
    return over_ns > gathers_ns ? over_ns : gathers_ns;
}

/* At most until then, monotonic; something may be up before. With the lock held. */
static void wait_until(struct engine *engine, int64_t at_ns) {
    struct timespec until = { .tv_sec = (time_t)(at_ns / SECOND_NS), .tv_nsec = (long)(at_ns % SECOND_NS) };
    (void)pthread_cond_timedwait(&engine->wake, &engine->lock, &until); /* the caller looks what is so */
}

/* Waits until the batch in flight is over or the next one should be begun. With the lock held. */
static void wait_beside(struct engine *engine) {
    while (!flight_is_over(engine)) {
        int64_t at_ns = begin_next_ns(engine), now_ns = clock_mono_ns();
        if (at_ns <= now_ns) return;
        if (at_ns - now_ns > NOTES_WAIT_NS) at_ns = now_ns + NOTES_WAIT_NS;
        wait_until(engine, at_ns);
    }
}

/* Lets commands come together (E7). What was committed has been answered by then. */
static void gather(struct engine *engine) {
    if (engine->flying) return;
    pthread_mutex_lock(&engine->lock);
    engine->gathering = true;
    for (int64_t at_ns; clock_mono_ns() < (at_ns = engine_gathers_until_ns(engine));) wait_until(engine, at_ns);
    engine->gathering = false;
    pthread_mutex_unlock(&engine->lock);
}

/* Waits for work; false when stopping with nothing left. */
static bool wait_for_work(struct engine *engine) {
    pthread_mutex_lock(&engine->lock);
    if (engine->flying) wait_beside(engine);
    while (!engine->flying && !engine->first && !engine->stopping) {
        struct timespec until = clock_mono_after(wait_ms(engine));
        if (pthread_cond_timedwait(&engine->wake, &engine->lock, &until) == ETIMEDOUT) break;
    }
    bool more = engine->flying || engine->first || engine->notes.len || !engine->stopping;
    pthread_mutex_unlock(&engine->lock);
    return more;
}

static void *engine_main(void *ctx) {
    struct engine *engine = ctx;
    while (wait_for_work(engine)) {
        settle_over(engine);
        gather(engine);
        engine_advance(engine);
    }
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
