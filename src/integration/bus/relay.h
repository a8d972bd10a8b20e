/* relay.h - from the journal to each consumer. One thread reads each record once and puts the events that somebody
 * wants into a ring; each consumer has a thread and a place of its own, takes from the ring what it wants, and keeps no
 * other waiting.
 *
 * (B1) every event is given to every consumer that wants it, in the order of the journal, at least once; none before
 * its commit. (B2) the effects that a consumer asks for in the store (apply) happen exactly once: its cursor moves in
 * the same commit. Effects elsewhere (deliver) carry the event's id, so that the receiver can drop what it has seen;
 * the cursor of a consumer with no others follows within RELAY_CURSOR_MS. (B3) a consumer that fails is tried again
 * with a pause that doubles up to RELAY_PAUSE_MS_MAX; nothing is skipped. (B4) the ring waits for nobody: a consumer
 * that is left behind reads the journal for itself from its own place until it has caught up with the ring. (B5) what
 * is in hand is bounded: RELAY_RING_EVENTS in the ring, RELAY_EVENTS_MAX a consumer; a record of more is given in
 * parts. Tests: relay_test.c, b1..b5. */
#ifndef GIRO_INTEGRATION_BUS_RELAY_H
#define GIRO_INTEGRATION_BUS_RELAY_H

#include "integration/integration.h"

enum {
    RELAY_RECORDS_MAX = 64,      /* of one read of the journal */
    RELAY_EVENTS_MAX = 512,      /* given to a consumer at once */
    RELAY_RING_EVENTS = 4096,    /* wanted by somebody, kept for who comes later */
    RELAY_GATHER_MS = 25,        /* after a read: what is committed meanwhile comes with the next one */
    RELAY_CURSOR_MS = 500,       /* the cursor of a consumer without apply is at most so long behind its place */
    RELAY_STALE_RECORDS = 10000, /* that nobody wanted: the cursor passes over them too */
    RELAY_PAUSE_MS = 50,
    RELAY_PAUSE_MS_MAX = 5000,
    RELAY_NAME_BYTES_MAX = 32,
    RELAY_CONSUMERS_MAX = 8
};

/* A place in the journal: behind all records up to seq, and behind the first `event` events of the record after it. */
struct relay_place {
    int64_t epoch, seq; /* of the last whole record; 0, 0: the start */
    int64_t event;
};

struct cursor_row {
    struct str consumer;
    int64_t epoch, seq, event; /* struct relay_place: what it has had */
};
extern const struct table cursor_table;

struct relay_consumer {
    const char *name;                    /* its queue's name: "notifications", "reporting", "metrics" */
    bool (*wants)(enum event_type type); /* its rule: others are passed over unread; NULL: all */
    /* Takes events in order. Outside effects happen here. 0, or <0: try again later. */
    int (*deliver)(void *ctx, const struct event *events, size_t count);
    /* The effects inside the store, in the commit that moves the cursor; may be NULL. */
    int (*apply)(struct work *work, const struct event *event);
    int64_t gather_ms; /* after a delivery: waits so long for more. 0: takes what is there */
    bool ephemeral;    /* starts at the journal's head and keeps no cursor: what it counts lives in this process */
    void *ctx;
};

struct relay;
/* consumers are borrowed for the relay's life; the engine must run until relay_stop has returned. */
int relay_start(struct integration *integration, const struct relay_consumer *consumers, size_t count,
                struct relay **ret_relay);
/* Something was committed. Any thread; an atomic exchange, and a signal only if the relay sleeps. */
void relay_wake(struct relay *relay);
/* Moves the cursors and ends the threads: what is committed from now on is the next relay's. Harmless twice. */
void relay_end(struct relay *relay);
struct relay *relay_stop(struct relay *relay); /* ends first; returns NULL, takes NULL */
/* Age of the oldest event that a consumer has not had, ms; 0 when none waits. */
int64_t relay_lag_ms(struct relay *relay, size_t consumer);

#endif
