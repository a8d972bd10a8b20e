/* caller_keys.h - judging what a client has signed by the keys that it is registered with. Private to the gateway. */
#ifndef GIRO_GATEWAY_CALLER_KEYS_H
#define GIRO_GATEWAY_CALLER_KEYS_H

#include "gateway/exchange.h"
#include "wire/jwks.h"

struct caller_keys_judge {
    /* 0, a refusal of its own (>0), or <0. */
    int (*judge)(void *ctx, const struct jwks *keys);
    void *ctx;
    int newer_may_do; /* the refusal upon which newer keys of the client are tried */
};
/* By the keys of the calling client (check: there is one); when they do not do and it has them by URL, by newer ones
 * (FAPI C7, auth/client_keys.h). Keys that cannot be had or used are the same as none. What judge said, or <0. */
int caller_keys_judge(struct exchange *exchange, const struct caller_keys_judge *judge) MUST_USE;

#endif
