/* relay_int.h - the parts of the relay: scan (journal to slots), ring (slots for all), cursor (a place in the store).
 * Private to integration/bus. */
#ifndef GIRO_INTEGRATION_BUS_RELAY_INT_H
#define GIRO_INTEGRATION_BUS_RELAY_INT_H

#include "integration/bus/relay.h"

static_assert(RELAY_CONSUMERS_MAX <= 32, "a bit each in a slot");

struct relay_slot {
    struct event event; /* a plain value: nothing of it is borrowed */
    int64_t epoch, seq; /* of its record */
    int64_t index;      /* among its record's events, from 0 */
    uint32_t wanted;    /* a bit for each consumer */
};

/* True when the slot stands behind the place. */
bool relay_slot_is_behind(const struct relay_slot *slot, const struct relay_place *place);
bool relay_place_is_before(const struct relay_place *a, const struct relay_place *b);
/* The place of who has had the slot. */
struct relay_place relay_place_after(const struct relay_slot *slot);

/* ---- scan: one reader of the journal ---- */

struct relay_scan {
    const struct integration *integration;
    struct reader reader;
    struct arena arena;
    const uint32_t *wants; /* by event type: who wants it */
    uint32_t consumers;    /* whose bits count */
    struct relay_slot slots[RELAY_EVENTS_MAX];
    size_t count, records;
    bool full;               /* a limit ended it: there may be more */
    struct relay_place next; /* behind what is in slots, and behind the records without */
};
int relay_scan_init(struct relay_scan *scan, const struct integration *integration); /* borrowed */
void relay_scan_release(struct relay_scan *scan); /* takes a zeroed one */
/* What stands behind place, at most RELAY_EVENTS_MAX wanted events and RELAY_RECORDS_MAX records: slots, count, next
 * (equal to place when there is nothing). 0 or <0. */
int relay_scan_run(struct relay_scan *scan, const struct relay_place *place);
/* The place behind the journal's last record. */
int relay_scan_head(struct relay_scan *scan, struct relay_place *ret_place);

/* ---- ring: the newest slots; the caller locks ---- */

struct relay_ring {
    struct relay_slot slots[RELAY_RING_EVENTS];
    uint64_t first, next;          /* slots number first..next-1 are there */
    struct relay_place tail, head; /* all that is wanted between these two places is there */
};
void relay_ring_init(struct relay_ring *ring, const struct relay_place *head);
/* Adds what stands between the ring's head and place; the oldest slots go when it is full. */
void relay_ring_put(struct relay_ring *ring, const struct relay_slot *slots, size_t count,
                    const struct relay_place *place);
/* True when the ring holds all that stands behind place. */
bool relay_ring_covers(const struct relay_ring *ring, const struct relay_place *place);
/* Copies the events behind place that the consumer wants, at most RELAY_EVENTS_MAX; place moves behind them (or to the
 * head). check: the ring covers place. */
size_t relay_ring_take(const struct relay_ring *ring, uint32_t consumer, struct relay_place *place,
                       struct event events[RELAY_EVENTS_MAX]);
/* Of the first event behind place that the consumer wants; 0 when there is none, or only what the ring has dropped. */
int64_t relay_ring_oldest_ms(const struct relay_ring *ring, uint32_t consumer, const struct relay_place *place);

/* ---- cursor: a consumer's place in the store ---- */

/* Not there: the start. */
int relay_cursor_read(struct reader *reader, const char *consumer, struct arena *arena, struct relay_place *ret_place);
struct relay_hand {
    const struct relay_consumer *consumer;
    const struct event *events; /* whose effects are applied; none when the consumer has no apply */
    size_t count;
    struct relay_place before, after; /* from the one to the other */
};
/* Applies and moves in one commit. 0; <0: not moved, or not known to be: read the cursor again. With apply the cursor
 * must stand at `before`: effects that happened do not happen again, whatever the caller believes. */
int relay_cursor_move(struct integration *integration, const struct relay_hand *hand);

#endif
