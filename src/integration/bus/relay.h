/* relay.h - from the journal to each consumer: one thread and one cursor a consumer, so that a slow one delays no
 * other.
 *
 * (B1) every event is given to every consumer, in the order of the journal, at least once; none before its commit.
 * (B2) a consumer's cursor moves in the engine, in the same commit as the effects it asks for there: those happen
 * exactly once. Effects elsewhere carry the event's id, so that the receiver can drop what it has seen. (B3) a consumer
 * that fails is tried again with a pause that doubles up to RELAY_PAUSE_MS_MAX; nothing is skipped. */
#ifndef GIRO_INTEGRATION_BUS_RELAY_H
#define GIRO_INTEGRATION_BUS_RELAY_H

#include "integration/integration.h"

enum {
    RELAY_RECORDS_MAX = 64,
    RELAY_EVENTS_MAX = 512,
    RELAY_PAUSE_MS = 50,
    RELAY_PAUSE_MS_MAX = 5000,
    RELAY_NAME_BYTES_MAX = 32,
    RELAY_CONSUMERS_MAX = 8
};

struct cursor_row {
    struct str consumer;
    int64_t seq; /* of the last journal record whose events it has had */
};
extern const struct table cursor_table;

struct relay_consumer {
    const char *name;                    /* its queue's name: "notifications", "reporting", "metrics" */
    bool (*wants)(enum event_type type); /* its rule: others are passed over unread; NULL: all */
    /* Takes events in order. Outside effects happen here. 0, or <0: try again later. */
    int (*deliver)(void *ctx, const struct event *events, size_t count);
    /* The effects inside the store, in the commit that moves the cursor; may be NULL. */
    int (*apply)(struct work *work, const struct event *event);
    bool ephemeral; /* starts at the journal's head and keeps no cursor: what it counts lives in this process */
    void *ctx;
};

struct relay;
/* consumers are borrowed for the relay's life. */
int relay_start(struct integration *integration, const struct relay_consumer *consumers, size_t count,
                struct relay **ret_relay);
void relay_wake(struct relay *relay);          /* something was committed; any thread */
struct relay *relay_stop(struct relay *relay); /* ends the threads, returns NULL, takes NULL */
/* Age of the oldest event that a consumer has not had, ms; 0 when none waits. */
int64_t relay_lag_ms(struct relay *relay, size_t consumer);

#endif
