/* gateway_int.h - the inside of struct gateway, for gateway.c, pipeline.c, exchange.c and the checks. Immutable while
 * it runs but for what locks itself. */
#ifndef GIRO_GATEWAY_GATEWAY_INT_H
#define GIRO_GATEWAY_GATEWAY_INT_H

#include "gateway/audit_masks.h"
#include "gateway/certificate_cache.h"
#include "gateway/gateway.h"
#include "gateway/header_memo.h"
#include "gateway/key_wait.h"
#include "gateway/refusal_tally.h"
#include "gateway/proof_memory.h"
#include "gateway/route.h"
#include "platform/pool.h"
#include "wire/openapi.h"

#include <stdatomic.h>

enum {
    GATEWAY_CLIENTS_MAX = 4096,
    GATEWAY_CERTIFICATES_MAX = 4096,
    GATEWAY_ROUTES_MAX = 256,
    GATEWAY_PROOFS_MAX = 65536
};

struct gateway {
    struct gateway_options options;
    struct openapi *documents[3];                                   /* /v1, Open Banking v4.0 and v3.1 (or NULL) */
    const struct openapi_operation *operations[GATEWAY_ROUTES_MAX]; /* by route_index */
    struct rate_limit *rates;
    struct certificate_cache *certificates;
    struct header_memo *headers; /* of certificates */
    struct audit_masks *audit_masks;
    struct refusal_tally *tally; /* refusals before a client is known */
    struct proof_memory *proofs;
    struct pool *pool;
    struct query *io_queries[HTTP_IO_THREADS_MAX]; /* of the IO threads; NULL: they hand everything on */
    struct key_waits *key_waits;
    struct http_server *server;
    atomic_size_t requests;
    atomic_uint_fast64_t answers; /* of documented routes, for the sample of response_check.h */
    atomic_bool draining;
    atomic_bool threads_end; /* a drain or a gift has begun: what is given back to an IO thread may come too late */
    bool gave_back;          /* clients' days, once */
    const struct cidr_set *route_addresses[GATEWAY_ROUTES_MAX]; /* by route_index; NULL: from anywhere */
};

/* check_rate.c: gateway->rates over the commands that count a day and the buckets that nodes share. 0 or -ENOMEM. */
int gateway_rates_new(struct gateway *gateway);
/* check_address.c: which blocks each route has. 0, or -EINVAL with a sentence: a prefix that covers no route. */
int gateway_addresses_bind(struct gateway *gateway, struct message *message);

#endif
