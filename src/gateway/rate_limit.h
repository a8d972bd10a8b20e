/* rate_limit.h - how many requests a client may make: a token bucket (rate and burst) and a count a UTC day.
 *
 * (R1) Exact: a bucket is counted in billionths of a token per nanosecond, without rounding, so that in any span of t
 * seconds at most burst + t * requests_per_second requests pass. (R2) A refused request takes neither a token nor of
 * the day. (R3) Memory is fixed at birth. When a shard is crowded the client that was longest silent loses its place:
 * its bucket is full and its day begins anew when it comes back. clients_max is chosen far above the number of
 * registered clients. (R4) The day's count lives in memory: it begins anew when the process does. Pure but for its
 * locks: time comes in. Any thread. */
#ifndef GIRO_GATEWAY_RATE_LIMIT_H
#define GIRO_GATEWAY_RATE_LIMIT_H

#include "platform/str.h"

enum { RATE_CLIENTS_MAX = 65536, RATE_PER_SECOND_MAX = 1000000, RATE_BURST_MAX = 1000000 };

/* A row of rate_limits. */
struct rate_tier {
    const char *name;             /* "open_banking_tpp" */
    uint32_t requests_per_second; /* 0 = no limit on rate; else [1, RATE_PER_SECOND_MAX] */
    uint32_t burst;               /* [1, RATE_BURST_MAX] with a rate: what may come at once */
    uint64_t daily_limit;         /* 0 = none */
};

struct rate_now {
    int64_t mono_ns, wall_ms;
};

enum rate_result { RATE_PASSES, RATE_TOO_FAST, RATE_DAY_OVER };
struct rate_verdict {
    enum rate_result result;
    uint64_t burst_left, day_left; /* after this request */
    int64_t retry_after_s;         /* of a refusal: at least 1 */
    int64_t full_in_s, day_ends_in_s;
};

struct rate_limit;
/* clients_max: [16, RATE_CLIENTS_MAX]. 0 or -ENOMEM. */
int rate_limit_new(size_t clients_max, struct rate_limit **ret_limit);
struct rate_limit *rate_limit_free(struct rate_limit *limit);
void rate_limit_take(struct rate_limit *limit, const uint8_t client_id[16], const struct rate_tier *tier,
                     struct rate_now now, struct rate_verdict *ret_verdict);

#endif
