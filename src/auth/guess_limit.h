/* guess_limit.h - how often passwords and one-time codes may be wrong from one address, whoever's they are.
 *
 * (G1) an address with GUESS_FAILURES_MAX failures within GUESS_WINDOW_MS is turned away until the window is over,
 * before any password is looked at. (G2) IPv6 addresses count by their /64, what a household or a host has. (G3) the
 * table never grows: a new address takes the place of the one whose window began first among those it may stand at.
 * (G4) this node's count alone: the locks of a login and of a session are in the store and hold on every node.
 * Any thread. */
#ifndef GIRO_AUTH_GUESS_LIMIT_H
#define GIRO_AUTH_GUESS_LIMIT_H

#include "platform/str.h"

enum { GUESS_FAILURES_MAX = 100, GUESS_WINDOW_MS = 10 * 60 * 1000, GUESS_ADDRESSES_MAX = 4096 };

struct guess_limit;
/* key: at least 128 random bits, which nobody outside knows; failures_max: 0 for GUESS_FAILURES_MAX. 0 or -ENOMEM. */
int guess_limit_new(struct str key, int failures_max, struct guess_limit **ret_limit);
struct guess_limit *guess_limit_free(struct guess_limit *limit); /* takes NULL, returns NULL */
/* How long the address has to stay away, ms; 0: it may try. address: text, as struct call has it. */
int64_t guess_limit_wait_ms(struct guess_limit *limit, struct str address, int64_t now_ms);
void guess_limit_failed(struct guess_limit *limit, struct str address, int64_t now_ms);

#endif
