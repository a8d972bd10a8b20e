/* node.h - one node of a bank: it holds the writer's lease and the engine, or follows the node that does.
 *
 *   FOLLOWING -> HOLDING   [the lease is nobody's, released, or its holder has not renewed it for its life]
 *   HOLDING   -> the end   [fenced or unknown commit: on_fenced, on_unknown of the engine; never back to FOLLOWING]
 *
 * (N1) The engine is opened after the lease was taken and never without it. (N2) A follower looks every NODE_LOOK_MS,
 * and takes over within STORE_LEASE_LIFE_MS + NODE_LOOK_MS of the holder's death, at once when it released the lease.
 * (N3) A node that may not hold never takes the lease. (N4) The holder's lease is released after its engine's last
 * batch, so that nobody waits for it. Tests: node_test.c, n1..n4. */
#ifndef GIRO_APP_NODE_H
#define GIRO_APP_NODE_H

#include "integration/forwarder.h"

enum { NODE_LOOK_MS = 500 };

struct node;
struct node_options {
    struct store *store;
    struct forwarder *forwarder; /* NULL: the bank has one node, and there is nobody to follow */
    bool may_hold;
    /* The lease is ours: opens the engine and what works beside it. 0, or <0: the node must end. On the node's thread,
     * or the caller's inside node_start. */
    int (*hold)(void *ctx);
    /* The lease was taken and hold failed, or an old copy of the database was seen: the process must end. */
    void (*on_end)(void *ctx, const char *why, int code);
    void (*on_follow)(void *ctx, const struct store_lease *lease); /* another holder than before; may be NULL */
    void *ctx;
};
/* Tries to take the lease at once, so that a bank of one node holds when this returns. 0; <0 what hold said, or
 * message says why the node cannot be one. */
int node_start(const struct node_options *options, struct node **ret_node, struct message *message);
bool node_holds(const struct node *node);
/* No more take-over after this; ends the thread. The caller then stops what hold opened, and releases the lease.
 * Returns NULL, takes NULL. */
struct node *node_stop(struct node *node);

#endif
