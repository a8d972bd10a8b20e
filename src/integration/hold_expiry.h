/* hold_expiry.h - ends holds exactly when they expire: the engine's `due` (engine/engine.h).
 *
 * (Y1) no decision of a hold's expiry time or later sees it: the command that ends it stands first in that batch (and
 * the ledger judges the time itself, should more be due than fit). (Y2) what must be watched is in the ledger's table
 * of holds that expire; memory holds the earliest HOLD_EXPIRY_MAX of them, the others are read when their time comes
 * near. (Y3) a hold that was released or extended meanwhile makes its command do nothing. All functions run on the
 * engine's thread, or before it starts and after it ended. Tests: hold_expiry_test.c. */
#ifndef GIRO_INTEGRATION_HOLD_EXPIRY_H
#define GIRO_INTEGRATION_HOLD_EXPIRY_H

#include "engine/engine.h"
#include "engine/read.h"

enum {
    HOLD_EXPIRY_MAX = 65536,     /* in memory; 24 bytes each */
    HOLD_EXPIRY_RETRY_MS = 1000, /* after a commit that could not be made */
};

struct hold_expiry;
/* Reads the holds that expire. on_fault(ctx, ...) may be NULL. 0 or <0. */
int hold_expiry_open(struct store *store, void (*on_fault)(void *ctx, const char *operation, int code), void *ctx,
                     struct hold_expiry **ret_expiry);
struct hold_expiry *hold_expiry_close(struct hold_expiry *expiry); /* before the store; returns NULL, takes NULL */
/* A followup of kind FOLLOWUP_HOLD_EXPIRY. */
void hold_expiry_follow(struct hold_expiry *expiry, const struct followup *followup);
/* The engine's due and next_due_ms. */
size_t hold_expiry_due(struct hold_expiry *expiry, int64_t now_ms, struct command **commands, size_t max);
int64_t hold_expiry_next_ms(const struct hold_expiry *expiry);

#endif
