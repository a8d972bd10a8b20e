#include "integration/bus/relay.h"

#include "engine/journal.h"
#include "integration/bus/event_json.h"
#include "integration/command/command_run.h"
#include "observe/metric_table.h"
#include "platform/clock.h"

#include <pthread.h>

enum {
    RELAY_ARENA_BLOCK_BYTES = 256 * 1024,
    RELAY_ARENA_BYTES_MAX = 256 * 1024 * 1024,
    RELAY_FETCH_BYTES = 32 * 1024 * 1024, /* a fetch ends with the record that passes it */
    RELAY_IDLE_MS = 1000,
};
static_assert(RELAY_FETCH_BYTES + 2 * (int)JOURNAL_BODY_BYTES_MAX <= RELAY_ARENA_BYTES_MAX, "one record more, read");

static const struct column columns[] = {
    COLUMN_VAR(struct cursor_row, consumer, TEXT, RELAY_NAME_BYTES_MAX),
    COLUMN(struct cursor_row, seq, I64),
};
static const struct table_index indexes[] = { { .name = "", .columns = { 0 }, .column_count = 1, .unique = true } };
const struct table cursor_table = {
    .service = "integration",
    .name = "cursor",
    .row_bytes = sizeof(struct cursor_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

struct relay_line {
    struct relay *relay;
    const struct relay_consumer *consumer;
    struct reader reader;
    struct arena arena;
    struct event *events; /* what is in hand: at least one whole record */
    size_t event_count, event_capacity;
    int64_t seq, next_seq; /* delivered up to; after the events now in hand */
    int64_t oldest_ms;     /* of what is in hand and not delivered, 0 = nothing; under the relay's lock */
    pthread_t thread;
    bool runs;
};

struct relay {
    struct integration *integration;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t wakes; /* counts relay_wake, so that none is missed */
    bool stopping;
    size_t count;
    struct relay_line lines[];
};

/* Sleeps until woken after *seen (NULL: whoever wakes), or ms have passed; false when the relay stops. */
static bool relay_sleep(struct relay *relay, uint64_t *seen, int64_t ms) {
    struct timespec until = clock_mono_after(ms);
    pthread_mutex_lock(&relay->lock);
    int r = 0;
    while (!relay->stopping && (!seen || relay->wakes == *seen) && r == 0)
        r = pthread_cond_timedwait(&relay->wake, &relay->lock, &until);
    if (seen) *seen = relay->wakes;
    bool go_on = !relay->stopping;
    pthread_mutex_unlock(&relay->lock);
    return go_on;
}

static int take_event(struct relay_line *line, struct str json) {
    enum event_type type;
    if (event_json_type(json, &type) || (line->consumer->wants && !line->consumer->wants(type))) return 0;
    if (line->event_count == line->event_capacity) {
        size_t capacity = line->event_capacity ? line->event_capacity * 2 : RELAY_EVENTS_MAX;
        struct event *events = realloc(line->events, capacity * sizeof *events);
        if (!events) return err_origin(-ENOMEM);
        line->events = events;
        line->event_capacity = capacity;
    }
    int r = event_json_read(json, &line->arena, &line->events[line->event_count]);
    if (r < 0) return err_trace(r);
    if (r == 0) line->event_count++; /* an event that this program does not know is of a newer one: it is not for us */
    return 0;
}

/* Takes one journal record's events into hand; 1 = enough, stop after it. */
static int take_record(void *ctx, const void *row) {
    struct relay_line *line = ctx;
    const struct journal_row *record = row;
    struct str body = record->body, json;
    enum journal_frame type;
    bool good = true;
    while (journal_frame_next(&body, &type, &json, &good)) {
        int r = type == JOURNAL_EVENT ? take_event(line, json) : 0;
        if (r) return err_trace(r);
    }
    if (!good) return err_origin(-EUCLEAN);
    line->next_seq = record->seq;
    bool enough = line->event_count >= RELAY_EVENTS_MAX || line->arena.bytes_used >= RELAY_FETCH_BYTES;
    return enough ? 1 : 0;
}

static int fetch(struct relay_line *line) {
    struct journal_row probe = { .epoch = 1, .seq = line->seq };
    struct store_range range = {
        .table = &engine_journal_table, .row = &probe, .equal_columns = 1, .bounded = true, .limit = RELAY_RECORDS_MAX
    };
    arena_reset(&line->arena);
    line->event_count = 0;
    line->next_seq = line->seq;
    int r = read_range(&line->reader, &range, &line->arena, take_record, line);
    return r < 0 ? err_trace(r) : 0;
}

/* ---- the cursor moves in the engine ---- */

struct cursor_move {
    struct relay_line *line; /* waits for the answer, so its events stay */
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool answered;
    struct command command;
};

static void cursor_move_needs(struct work *work, const struct command *command) {
    const struct cursor_move *move = command->input;
    struct cursor_row probe = { .consumer = str_from_c(move->line->consumer->name) };
    work_want(work, &cursor_table, 0, &probe);
}

static int cursor_move_decide(struct work *work, struct command *command) {
    const struct cursor_move *move = command->input;
    const struct relay_line *line = move->line;
    struct view view = view_of(work, "integration");
    struct cursor_row row = { .consumer = str_from_c(line->consumer->name), .seq = line->next_seq };
    const void *found;
    int r = view_get(&view, &cursor_table, &row, &found);
    bool needs = r == VIEW_NEED;
    if (r && !needs) return r;
    /* Through all events even when one needs a row: the rows of all come with one load, however many they are. */
    for (size_t i = 0; line->consumer->apply && i < line->event_count; i++) {
        r = line->consumer->apply(work, &line->events[i]);
        if (r && r != VIEW_NEED) return r;
        needs = needs || r == VIEW_NEED;
    }
    if (needs) return VIEW_NEED;
    return err_trace(found ? view_update(&view, &cursor_table, &row) : view_insert(&view, &cursor_table, &row));
}

static const struct command_kind cursor_move_kind = { .name = "cursor_move",
                                                      .needs = cursor_move_needs,
                                                      .decide = cursor_move_decide };

static void cursor_move_on_reply(struct command *command) {
    struct cursor_move *move = command->owner;
    pthread_mutex_lock(&move->lock);
    move->answered = true;
    pthread_cond_signal(&move->done);
    pthread_mutex_unlock(&move->lock);
}

/* 0, or <0: not moved, or not known to be moved; both are put right by reading the cursor again. */
static int cursor_move(struct relay_line *line) {
    struct cursor_move move = { .line = line };
    move.command = (struct command){
        .kind = &cursor_move_kind, .input = &move, .internal = true, .on_reply = cursor_move_on_reply, .owner = &move
    };
    check(pthread_mutex_init(&move.lock, NULL) == 0 && pthread_cond_init(&move.done, NULL) == 0);
    int r = engine_submit(line->relay->integration->engine, &move.command) ? err_origin(-EAGAIN) : 0;
    if (!r) {
        pthread_mutex_lock(&move.lock);
        while (!move.answered) pthread_cond_wait(&move.done, &move.lock);
        pthread_mutex_unlock(&move.lock);
        if (move.command.result != COMMAND_DONE || move.command.refusal) r = err_origin(-EIO);
    }
    pthread_cond_destroy(&move.done);
    pthread_mutex_destroy(&move.lock);
    return r;
}

static int cursor_read(struct relay_line *line) {
    struct cursor_row probe = { .consumer = str_from_c(line->consumer->name) };
    const void *row;
    arena_reset(&line->arena);
    int r = read_row(&line->reader, &cursor_table, 0, &probe, &line->arena, &row);
    if (r) return err_trace(r);
    line->seq = row ? ((const struct cursor_row *)row)->seq : 0;
    return 0;
}

/* ---- the line's thread ---- */

static void note_oldest(struct relay_line *line, int64_t oldest_ms) {
    pthread_mutex_lock(&line->relay->lock);
    line->oldest_ms = oldest_ms;
    pthread_mutex_unlock(&line->relay->lock);
}

static int deliver(struct relay_line *line) {
    const struct relay_consumer *consumer = line->consumer;
    int r = 0;
    for (size_t at = 0; !r && at < line->event_count && consumer->deliver; at += RELAY_EVENTS_MAX) {
        size_t count = line->event_count - at < RELAY_EVENTS_MAX ? line->event_count - at : RELAY_EVENTS_MAX;
        r = consumer->deliver(consumer->ctx, line->events + at, count);
    }
    if (r) return err_trace(r);
    /* A cursor is not moved for records without events, the cursor's own among them: that would never end. */
    if (!consumer->ephemeral && line->event_count) r = cursor_move(line);
    if (r) return err_trace(r);
    metrics_add(line->relay->integration->metrics, METRIC_EVENTS_RELAYED,
                (struct metric_labels){ .at = { str_from_c(consumer->name) } }, line->event_count);
    line->seq = line->next_seq;
    return 0;
}

static void *line_main(void *ctx) {
    struct relay_line *line = ctx;
    uint64_t seen = 0;
    int64_t pause_ms = RELAY_PAUSE_MS;
    bool more = true;
    while (more) {
        int r = fetch(line);
        bool any = !r && line->next_seq != line->seq;
        note_oldest(line, any && line->event_count ? line->events[0].time_ms : 0);
        if (any) r = deliver(line);
        if (r) {
            more = relay_sleep(line->relay, NULL, pause_ms);
            pause_ms = pause_ms * 2 < RELAY_PAUSE_MS_MAX ? pause_ms * 2 : RELAY_PAUSE_MS_MAX;
            if (more && !line->consumer->ephemeral)
                (void)cursor_read(line); /* whether it moved is not known: look; on a fault the next round does */
            continue;
        }
        pause_ms = RELAY_PAUSE_MS;
        pthread_mutex_lock(&line->relay->lock);
        more = !line->relay->stopping;
        pthread_mutex_unlock(&line->relay->lock);
        if (more && !any) more = relay_sleep(line->relay, &seen, RELAY_IDLE_MS);
    }
    return NULL;
}

static int line_start(struct relay_line *line) {
    struct engine_state state;
    int r = arena_init(&line->arena, RELAY_ARENA_BLOCK_BYTES, RELAY_ARENA_BYTES_MAX);
    if (!r) r = reader_open(line->relay->integration->store, &line->reader);
    if (!r && !line->consumer->ephemeral) r = cursor_read(line);
    if (r) return err_trace(r);
    if (line->consumer->ephemeral) {
        engine_state(line->relay->integration->engine, &state);
        line->seq = state.journal_seq;
    }
    r = pthread_create(&line->thread, NULL, line_main, line);
    line->runs = r == 0;
    return r ? err_origin(-r) : 0;
}

int relay_start(struct integration *integration, const struct relay_consumer *consumers, size_t count,
                struct relay **ret_relay) {
    check(count <= RELAY_CONSUMERS_MAX);
    struct relay *relay = calloc(1, sizeof *relay + count * sizeof relay->lines[0]);
    if (!relay) return err_origin(-ENOMEM);
    pthread_condattr_t attributes;
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&relay->lock, NULL) == 0 && pthread_cond_init(&relay->wake, &attributes) == 0);
    relay->integration = integration;
    relay->count = count;
    int r = 0;
    for (size_t i = 0; i < count && !r; i++) {
        relay->lines[i].relay = relay;
        relay->lines[i].consumer = &consumers[i];
        r = line_start(&relay->lines[i]);
    }
    if (r) {
        relay_stop(relay);
        return err_trace(r);
    }
    *ret_relay = relay;
    return 0;
}

void relay_wake(struct relay *relay) {
    pthread_mutex_lock(&relay->lock);
    relay->wakes++;
    pthread_cond_broadcast(&relay->wake);
    pthread_mutex_unlock(&relay->lock);
}

struct relay *relay_stop(struct relay *relay) {
    if (!relay) return NULL;
    pthread_mutex_lock(&relay->lock);
    relay->stopping = true;
    pthread_cond_broadcast(&relay->wake);
    pthread_mutex_unlock(&relay->lock);
    for (size_t i = 0; i < relay->count; i++) {
        struct relay_line *line = &relay->lines[i];
        if (line->runs) pthread_join(line->thread, NULL);
        if (line->reader.store) reader_close(&line->reader);
        arena_release(&line->arena);
        free(line->events);
    }
    pthread_cond_destroy(&relay->wake);
    pthread_mutex_destroy(&relay->lock);
    free(relay);
    return NULL;
}

int64_t relay_lag_ms(struct relay *relay, size_t consumer) {
    check(consumer < relay->count);
    pthread_mutex_lock(&relay->lock);
    int64_t oldest_ms = relay->lines[consumer].oldest_ms;
    pthread_mutex_unlock(&relay->lock);
    int64_t age_ms = oldest_ms ? clock_now_ms() - oldest_ms : 0;
    return age_ms > 0 ? age_ms : 0;
}
