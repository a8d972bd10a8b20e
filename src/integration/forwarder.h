/* forwarder.h - commands go to the engine wherever it is: into this program's queue, or over a node link to the node
 * that holds the lease.
 *
 * (F1) Every command taken is answered exactly once. (F2) A command that may have left is answered as the holder says
 * or UNKNOWN, never UNAVAILABLE; one that has not left is UNAVAILABLE. It is never sent twice: the caller asks again
 * with the same key. (F3) A node that has no engine takes nothing from others. (F4) What waits is bounded: commands by
 * FORWARD_QUEUE_MAX, audit records of reads by ENGINE_NOTES_BYTES_MAX; what does not fit is refused or counted. (F5)
 * A holder that is slow to connect, or that changes, is waited for: what has not left is tried again until
 * FORWARD_WAIT_MS after nobody was reached any more. From then on it is refused at once, until somebody answers.
 * Tests: forwarder_test.c, f1..f5. */
#ifndef GIRO_INTEGRATION_FORWARDER_H
#define GIRO_INTEGRATION_FORWARDER_H

#include "integration/integration.h"
#include "platform/node_link.h"

enum {
    FORWARD_CONNECTIONS_MAX = 32,
    FORWARD_CONNECTIONS = 8,    /* usual */
    FORWARD_QUEUE_MAX = 8192,   /* as many as an engine's queue */
    FORWARD_COMMANDS_MAX = 256, /* of one request */
    FORWARD_DEADLINE_MS = 5000, /* for a request's answer; then its commands are UNKNOWN */
    FORWARD_WAIT_MS = 6000,     /* F5: a lease runs out meanwhile, and the next node finds it */
    FORWARD_AGAIN_MS = 100,     /* between two tries meanwhile */
    FORWARD_NOTES_MS = 100,     /* how often audit records of reads leave */
    FORWARD_PING_MS = 1000,     /* an idle forwarder asks whether the holder is there */
    FORWARD_REACHED_MS = 3000,  /* the holder answered no longer ago: it is reached */
};

struct forwarder;
struct forwarder_options {
    struct integration *integration; /* whose commands these are; door and engine are not touched */
    struct node_identity *identity;  /* borrowed */
    size_t connections;              /* 1..FORWARD_CONNECTIONS_MAX */
};
/* Starts with nobody to forward to. 0 or <0. */
int forwarder_new(const struct forwarder_options *options, struct forwarder **ret_forwarder);
/* Answers what waits (UNAVAILABLE) and ends the threads; commands are refused from then on, unless the engine is here.
 */
void forwarder_stop(struct forwarder *forwarder);
/* Stops first. Nobody may submit any more. Returns NULL, takes NULL. */
struct forwarder *forwarder_free(struct forwarder *forwarder);
/* For integration.door. */
const struct command_door *forwarder_door(const struct forwarder *forwarder);

/* Who decides from now on; any thread. address: "host:port", host numeric ("[::1]:8446" too); "" or one that cannot be
 * read: nobody, commands wait and are refused (F5). What already waits goes to whoever it is when its turn comes. */
void forwarder_to_node(struct forwarder *forwarder, const char *address);
void forwarder_to_engine(struct forwarder *forwarder, struct engine *engine); /* the engine must be started */

struct forwarder_state {
    bool reached;           /* the holder answered within FORWARD_REACHED_MS, or the engine is here */
    int trouble;            /* why not: NODE_LINK_E_PEER, _HELLO, <0; 0 = nothing to tell */
    size_t queued, waiting; /* for a worker; tried, and waiting for a holder (F5) */
    uint64_t forwarded, unknown, notes_dropped;
};
void forwarder_state(struct forwarder *forwarder, struct forwarder_state *ret_state);

/* The holder's side, for node_server_options: ctx is the forwarder. */
bool forwarder_serve(void *ctx, struct str request, struct buffer *answer);

#endif
