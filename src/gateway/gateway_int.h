/* gateway_int.h - the inside of struct gateway, for gateway.c, pipeline.c, exchange.c and the checks. Immutable while
 * it runs but for what locks itself. */
#ifndef GIRO_GATEWAY_GATEWAY_INT_H
#define GIRO_GATEWAY_GATEWAY_INT_H

#include "gateway/certificate_cache.h"
#include "gateway/gateway.h"
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
    struct openapi *documents[2];                                   /* /v1, Open Banking (or NULL) */
    const struct openapi_operation *operations[GATEWAY_ROUTES_MAX]; /* by route_index */
    struct rate_limit *rates;
    struct certificate_cache *certificates;
    struct proof_memory *proofs;
    struct pool *pool;
    struct http_server *server;
    atomic_size_t requests;
    atomic_bool draining;
};

#endif
