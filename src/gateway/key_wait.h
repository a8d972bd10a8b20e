/* key_wait.h - a request whose key is in use waits for the other one, up to a deadline.
 *
 * (K1) Of the requests of one client, method, route and key only one at a time goes on to its handler, and so to the
 * engine; the others wait here, in the order in which they came, without a worker. (K2) One that waits has asked the
 * engine for nothing: when its deadline ends first it is refused with 409 idempotency_in_progress, and nothing is
 * stored of it. (K3) When the one in front is answered, the next goes on, and the engine gives it the stored answer (or
 * decides it, when nothing was stored). The engine judges keys in any case: what comes over another node or after a
 * restart meets no wait here and is decided once all the same. */
#ifndef GIRO_GATEWAY_KEY_WAIT_H
#define GIRO_GATEWAY_KEY_WAIT_H

#include "gateway/exchange.h"

enum { KEY_WAIT_MS = 5000 }; /* specs, "HTTP behaviours": the original still runs */

struct key_waits;
struct pool;

/* For at most requests_max requests; goes_on and too_late are run by a worker of pool. 0, -ENOMEM or -EAGAIN. */
struct key_waits_options {
    size_t requests_max;
    struct pool *pool;
    void (*goes_on)(void *worker_ctx, void *exchange);
    void (*too_late)(void *worker_ctx, void *exchange);
    void (*stopped)(struct exchange *exchange); /* there are no workers any more: on the caller's thread */
};
int key_waits_new(const struct key_waits_options *options, struct key_waits **ret_waits);
/* Takes NULL, returns NULL. check: nobody waits (key_waits_close). */
struct key_waits *key_waits_free(struct key_waits *waits);

/* EXCHANGE_GOES_ON: the key is this exchange's until key_wait_end; or EXCHANGE_WAITS: it may already run elsewhere. */
int key_wait_begin(struct key_waits *waits, struct exchange *exchange, int64_t wait_ms);
/* The exchange is about to be answered: the next one goes on. Harmless for one without a key. */
void key_wait_end(struct key_waits *waits, struct exchange *exchange);
/* Before the end of the pool: who waits goes on, and nobody waits any more. */
void key_waits_close(struct key_waits *waits);

#endif
