/* rate_shared.h - one token bucket a client for all nodes: taken in Redis by one script, by the server's clock.
 *
 * (S1) Exact: the level is whole millionths of a token, so that over all nodes together no more passes than one bucket
 * gives. (S2) One round trip a request. (S3) When Redis is gone or late the caller hears so within the timeout, and all
 * others at once, until it answers again. Keys end by themselves once their bucket is full. Tests: rate_shared_test.c,
 * s1, s3. */
#ifndef GIRO_GATEWAY_RATE_SHARED_H
#define GIRO_GATEWAY_RATE_SHARED_H

#include "gateway/rate_limit.h"

struct rate_shared_options {
    struct str address; /* redis_address_fits */
    int timeout_ms;     /* [1, REDIS_TIMEOUT_MS_MAX] */
    size_t connections_max;
    void (*on_state)(void *ctx, bool up); /* may be NULL */
    void *ctx;
};
struct rate_shared;
int rate_shared_open(const struct rate_shared_options *options, struct rate_shared **ret_shared); /* 0 or <0 */
struct rate_shared *rate_shared_close(struct rate_shared *shared); /* takes NULL, returns NULL */
bool rate_shared_is_up(const struct rate_shared *shared);
/* rate_options.take_shared; ctx: the struct rate_shared. */
int rate_shared_take(void *ctx, const uint8_t client_id[16], const struct rate_tier *tier, int64_t *ret_level,
                     bool *ret_taken);

#endif
