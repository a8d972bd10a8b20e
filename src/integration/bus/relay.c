#include "integration/bus/relay_int.h"

#include "observe/metric_table.h"
#include "platform/clock.h"

#include <pthread.h>
#include <stdatomic.h>

enum { RELAY_IDLE_MS = 1000 }; /* looks without having been woken */

struct relay_line {
    struct relay *relay;
    const struct relay_consumer *consumer;
    uint32_t bit;
    struct relay_scan scan;    /* reads for itself when the ring has left it behind */
    struct relay_place place;  /* what it has had; under the relay's lock while it waits */
    struct relay_place after;  /* behind what is in hand */
    struct relay_place stored; /* its cursor in the store */
    int64_t unstored_ms;       /* since when its cursor is behind events that it has had; 0 = it is not */
    struct event events[RELAY_EVENTS_MAX];
    size_t count;
    int64_t oldest_ms; /* of what is in hand and not delivered, 0 = nothing; under the lock */
    pthread_cond_t wake;
    bool waits; /* for something in the ring; under the lock */
    pthread_t thread;
    bool runs;
};

/* What relay_wake finds: the reader has work and need not be told, works and may have seen all, or sleeps. */
enum relay_state { RELAY_NEWS, RELAY_AWAKE, RELAY_ASLEEP };

struct relay {
    struct integration *integration;
    uint32_t wants[EVENT_TYPE_COUNT];
    struct relay_scan scan; /* of the reader's thread */
    pthread_t thread;
    bool runs;
    _Atomic int state;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t wake;  /* of the reader */
    struct relay_ring ring;
    bool stopping;
    size_t count;
    struct relay_line lines[];
};

/* Until ms have passed; false at once when the relay stops. */
static bool relay_nap(struct relay *relay, pthread_cond_t *wake, int64_t ms) {
    struct timespec until = clock_mono_after(ms);
    pthread_mutex_lock(&relay->lock);
    int r = 0;
    while (!relay->stopping && r == 0) r = pthread_cond_timedwait(wake, &relay->lock, &until);
    bool go_on = !relay->stopping;
    pthread_mutex_unlock(&relay->lock);
    return go_on;
}

static int64_t pause_next(int64_t pause_ms) {
    return pause_ms * 2 < RELAY_PAUSE_MS_MAX ? pause_ms * 2 : RELAY_PAUSE_MS_MAX;
}

/* ---- the reader: journal to ring ---- */

static uint32_t wanted_by(const struct relay_scan *scan) {
    uint32_t wanted = 0;
    for (size_t i = 0; i < scan->count; i++) wanted |= scan->slots[i].wanted;
    return wanted;
}

static void publish(struct relay *relay) {
    uint32_t wanted = wanted_by(&relay->scan);
    pthread_mutex_lock(&relay->lock);
    struct relay_place before = relay->ring.head;
    relay_ring_put(&relay->ring, relay->scan.slots, relay->scan.count, &relay->scan.next);
    for (size_t i = 0; i < relay->count; i++) {
        struct relay_line *line = &relay->lines[i];
        if (!line->waits) continue;
        if (wanted & line->bit) pthread_cond_signal(&line->wake);
        else if (!relay_place_is_before(&line->place, &before)) line->place = relay->ring.head; /* nothing for it */
    }
    pthread_mutex_unlock(&relay->lock);
}

/* Sleeps until relay_wake, RELAY_IDLE_MS or the stop, unless there is news already. */
static void reader_sleep(struct relay *relay) {
    struct timespec until = clock_mono_after(RELAY_IDLE_MS);
    int awake = RELAY_AWAKE, r = 0;
    pthread_mutex_lock(&relay->lock);
    if (atomic_compare_exchange_strong(&relay->state, &awake, RELAY_ASLEEP))
        while (!relay->stopping && relay->state == RELAY_ASLEEP && r == 0)
            r = pthread_cond_timedwait(&relay->wake, &relay->lock, &until);
    pthread_mutex_unlock(&relay->lock);
}

/* One read, and the wait behind it. False when the relay stops. */
static bool reader_round(struct relay *relay, struct relay_place *place, int64_t *pause_ms) {
    relay->state = RELAY_AWAKE; /* before the read: what is committed behind it will say so */
    int r = relay_scan_run(&relay->scan, place);
    if (r) {
        bool go_on = relay_nap(relay, &relay->wake, *pause_ms);
        *pause_ms = pause_next(*pause_ms);
        return go_on;
    }
    *pause_ms = RELAY_PAUSE_MS;
    bool any = relay->scan.next.seq != place->seq || relay->scan.count;
    if (any) publish(relay);
    *place = relay->scan.next;
    if (!relay_nap(relay, &relay->wake, any && !relay->scan.full ? RELAY_GATHER_MS : 0)) return false;
    if (!relay->scan.full) reader_sleep(relay);
    return true;
}

static void *reader_main(void *ctx) {
    struct relay *relay = ctx;
    struct relay_place place = relay->ring.head; /* nobody else moves it */
    int64_t pause_ms = RELAY_PAUSE_MS;
    while (reader_round(relay, &place, &pause_ms)) {
    }
    return NULL;
}

/* ---- a line: ring (or journal) to one consumer ---- */

static void note_oldest(struct relay_line *line, int64_t oldest_ms) {
    pthread_mutex_lock(&line->relay->lock);
    line->oldest_ms = oldest_ms;
    pthread_mutex_unlock(&line->relay->lock);
}

/* B4: reads for itself. */
static int take_behind(struct relay_line *line) {
    int r = relay_scan_run(&line->scan, &line->place);
    if (r) return err_trace(r);
    line->count = line->scan.count;
    line->after = line->scan.next;
    for (size_t i = 0; i < line->count; i++) line->events[i] = line->scan.slots[i].event;
    note_oldest(line, line->count ? line->events[0].time_ms : 0);
    return 0;
}

/* What stands behind the line's place, into hand. */
static int take(struct relay_line *line) {
    struct relay *relay = line->relay;
    pthread_mutex_lock(&relay->lock);
    bool covered = relay_ring_covers(&relay->ring, &line->place);
    if (covered) {
        line->after = line->place;
        line->count = relay_ring_take(&relay->ring, line->bit, &line->after, line->events);
        line->oldest_ms = line->count ? line->events[0].time_ms : 0;
    }
    pthread_mutex_unlock(&relay->lock);
    return covered ? 0 : err_trace(take_behind(line));
}

static int store_place(struct relay_line *line, const struct relay_place *place, size_t count) {
    struct relay_hand hand = {
        .consumer = line->consumer, .events = line->events, .count = count, .before = line->stored, .after = *place
    };
    int r = relay_cursor_move(line->relay->integration, &hand);
    if (r) return err_trace(r);
    line->stored = *place;
    line->unstored_ms = 0;
    return 0;
}

static int deliver(struct relay_line *line) {
    const struct relay_consumer *consumer = line->consumer;
    int r = consumer->deliver ? consumer->deliver(consumer->ctx, line->events, line->count) : 0;
    if (!r && consumer->apply) r = store_place(line, &line->after, line->count); /* B2 */
    if (r) return err_trace(r);
    if (!consumer->apply && !consumer->ephemeral && !line->unstored_ms) line->unstored_ms = clock_mono_ms();
    metrics_add(line->relay->integration->metrics, METRIC_EVENTS_RELAYED,
                (struct metric_labels){ .at = { str_from_c(consumer->name) } }, line->count);
    return 0;
}

/* The cursor is not moved for records without events, the cursor's own among them (that would never end), but for
 * RELAY_STALE_RECORDS of them. */
static bool cursor_is_due(const struct relay_line *line) {
    if (line->consumer->ephemeral) return false;
    if (line->place.seq - line->stored.seq >= RELAY_STALE_RECORDS) return true;
    return line->unstored_ms && clock_mono_ms() - line->unstored_ms >= RELAY_CURSOR_MS;
}

static int line_round(struct relay_line *line) {
    int r = take(line);
    if (!r && line->count) r = deliver(line);
    if (r) return err_trace(r);
    pthread_mutex_lock(&line->relay->lock);
    line->place = line->after;
    line->oldest_ms = 0;
    pthread_mutex_unlock(&line->relay->lock);
    return cursor_is_due(line) ? err_trace(store_place(line, &line->place, 0)) : 0;
}

/* Until the ring has something for the line, it has been left behind, or its cursor is due; false when the relay
 * stops. */
static bool line_wait(struct relay_line *line) {
    struct relay *relay = line->relay;
    struct timespec until = clock_mono_after(line->unstored_ms ? RELAY_CURSOR_MS : RELAY_IDLE_MS);
    int r = 0;
    pthread_mutex_lock(&relay->lock);
    line->waits = true;
    while (!relay->stopping && relay_ring_covers(&relay->ring, &line->place) &&
           !relay_place_is_before(&line->place, &relay->ring.head) && r == 0)
        r = pthread_cond_timedwait(&line->wake, &relay->lock, &until);
    line->waits = false;
    bool go_on = !relay->stopping;
    pthread_mutex_unlock(&relay->lock);
    return go_on;
}

/* Whether the effects happened is not known: the cursor says so. If it cannot be read, the next move is refused as long
 * as it does not begin where the cursor stands. */
static void look_again(struct relay_line *line) {
    struct relay_place place;
    if (relay_cursor_read(&line->scan.reader, line->consumer->name, &line->scan.arena, &place)) return;
    pthread_mutex_lock(&line->relay->lock);
    line->place = line->stored = place;
    pthread_mutex_unlock(&line->relay->lock);
}

static void *line_main(void *ctx) {
    struct relay_line *line = ctx;
    const struct relay_consumer *consumer = line->consumer;
    int64_t pause_ms = RELAY_PAUSE_MS;
    bool go_on = true;
    while (go_on) {
        int r = line_round(line);
        if (r) {
            go_on = relay_nap(line->relay, &line->wake, pause_ms);
            pause_ms = pause_next(pause_ms);
            if (go_on && consumer->apply) look_again(line);
            continue;
        }
        pause_ms = RELAY_PAUSE_MS;
        if (line->count) go_on = relay_nap(line->relay, &line->wake, consumer->gather_ms);
        if (go_on) go_on = line_wait(line);
    }
    if (line->unstored_ms) (void)store_place(line, &line->place, 0); /* else it is given some events again: B1 */
    return NULL;
}

/* ---- start and stop ---- */

static int line_start(struct relay_line *line) {
    struct relay *relay = line->relay;
    line->scan.wants = relay->wants;
    line->scan.consumers = line->bit;
    int r = relay_scan_init(&line->scan, relay->integration);
    if (!r && line->consumer->ephemeral) line->place = relay->ring.head;
    else if (!r) r = relay_cursor_read(&line->scan.reader, line->consumer->name, &line->scan.arena, &line->place);
    if (r) return err_trace(r);
    line->stored = line->place;
    r = pthread_create(&line->thread, NULL, line_main, line);
    line->runs = r == 0;
    if (line->runs) (void)pthread_setname_np(line->thread, "relay-line"); /* for people only */
    return r ? err_origin(-r) : 0;
}

/* The reader begins at the journal's head: who stands before it reads for itself up to there. */
static int reader_start(struct relay *relay) {
    struct relay_place head;
    relay->scan.wants = relay->wants;
    relay->scan.consumers = UINT32_MAX;
    int r = relay_scan_init(&relay->scan, relay->integration);
    if (!r) r = relay_scan_head(&relay->scan, &head);
    if (r) return err_trace(r);
    relay_ring_init(&relay->ring, &head);
    return 0;
}

static void relay_init(struct relay *relay, struct integration *integration, const struct relay_consumer *consumers,
                       size_t count) {
    pthread_condattr_t attributes;
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&relay->lock, NULL) == 0 && pthread_cond_init(&relay->wake, &attributes) == 0);
    relay->integration = integration;
    relay->count = count;
    for (size_t i = 0; i < count; i++) {
        struct relay_line *line = &relay->lines[i];
        line->relay = relay;
        line->consumer = &consumers[i];
        line->bit = UINT32_C(1) << i;
        check(pthread_cond_init(&line->wake, &attributes) == 0);
        for (int type = 0; type < EVENT_TYPE_COUNT; type++)
            if (!consumers[i].wants || consumers[i].wants((enum event_type)type)) relay->wants[type] |= line->bit;
    }
}

int relay_start(struct integration *integration, const struct relay_consumer *consumers, size_t count,
                struct relay **ret_relay) {
    check(count <= RELAY_CONSUMERS_MAX);
    struct relay *relay = calloc(1, sizeof *relay + count * sizeof relay->lines[0]);
    if (!relay) return err_origin(-ENOMEM);
    relay_init(relay, integration, consumers, count);
    int r = reader_start(relay);
    for (size_t i = 0; i < count && !r; i++) r = line_start(&relay->lines[i]);
    if (!r) {
        int code = pthread_create(&relay->thread, NULL, reader_main, relay);
        relay->runs = code == 0;
        r = code ? err_origin(-code) : 0;
    }
    if (r) {
        relay_stop(relay);
        return err_trace(r);
    }
    (void)pthread_setname_np(relay->thread, "relay"); /* for people only */
    *ret_relay = relay;
    return 0;
}

void relay_wake(struct relay *relay) {
    if (atomic_exchange(&relay->state, RELAY_NEWS) != RELAY_ASLEEP) return;
    pthread_mutex_lock(&relay->lock);
    pthread_cond_signal(&relay->wake);
    pthread_mutex_unlock(&relay->lock);
}

void relay_end(struct relay *relay) {
    pthread_mutex_lock(&relay->lock);
    relay->stopping = true;
    pthread_cond_signal(&relay->wake);
    for (size_t i = 0; i < relay->count; i++) pthread_cond_signal(&relay->lines[i].wake);
    pthread_mutex_unlock(&relay->lock);
    if (relay->runs) pthread_join(relay->thread, NULL);
    relay->runs = false;
    for (size_t i = 0; i < relay->count; i++) {
        struct relay_line *line = &relay->lines[i];
        if (line->runs) pthread_join(line->thread, NULL);
        line->runs = false;
    }
}

struct relay *relay_stop(struct relay *relay) {
    if (!relay) return NULL;
    relay_end(relay);
    relay_scan_release(&relay->scan);
    for (size_t i = 0; i < relay->count; i++) {
        struct relay_line *line = &relay->lines[i];
        relay_scan_release(&line->scan);
        pthread_cond_destroy(&line->wake);
    }
    pthread_cond_destroy(&relay->wake);
    pthread_mutex_destroy(&relay->lock);
    free(relay);
    return NULL;
}

int64_t relay_lag_ms(struct relay *relay, size_t consumer) {
    check(consumer < relay->count);
    const struct relay_line *line = &relay->lines[consumer];
    pthread_mutex_lock(&relay->lock);
    int64_t oldest_ms = line->oldest_ms ? line->oldest_ms : relay_ring_oldest_ms(&relay->ring, line->bit, &line->place);
    pthread_mutex_unlock(&relay->lock);
    int64_t age_ms = oldest_ms ? clock_now_ms() - oldest_ms : 0;
    return age_ms > 0 ? age_ms : 0;
}
