/* rate_limit.h - how many requests a client may make: a token bucket (rate and burst) and a quota a UTC day.
 *
 * (R1) Exact: a bucket is counted in billionths of a token per nanosecond, without rounding, so that in any span of t
 * seconds at most burst + t * requests_per_second requests pass. (R2) A refused request takes neither a token nor of
 * the day. (R3) Memory is fixed at birth. When a shard is crowded the client that was longest silent loses its place:
 * its bucket is full when it comes back, and what it had reserved of its day is lost to it. clients_max is chosen far
 * above the number of registered clients. (R4) Of the day only what was reserved before is given out, and what reserves
 * is durable and shared (the options' reserve): no crash and no second node makes it more than the quota. A block is
 * asked for before the last one is used up, so that a request waits only for the first of a day.
 * (R5) With take_shared the bucket is one for all nodes; while that cannot be had this node's own goes on from the
 * level that was last heard of. Pure but for its locks: time comes in. Any thread. Tests: rate_limit_test.c, r1..r5. */
#ifndef GIRO_GATEWAY_RATE_LIMIT_H
#define GIRO_GATEWAY_RATE_LIMIT_H

#include "platform/str.h"

enum {
    RATE_CLIENTS_MAX = 65536,
    RATE_PER_SECOND_MAX = 1000000,
    RATE_BURST_MAX = 1000000,
    RATE_RESERVE_WAIT_MS = 2000, /* one request for a part of its client's day */
    RATE_OVER_AGAIN_MS = 10000,  /* a day that was used up is looked at again: another node may have given back */
};

/* A row of rate_limits. */
struct rate_tier {
    const char *name;             /* "open_banking_tpp" */
    uint32_t requests_per_second; /* 0 = no limit on rate; else [1, RATE_PER_SECOND_MAX] */
    uint32_t burst;               /* [1, RATE_BURST_MAX] with a rate: what may come at once */
    uint64_t daily_limit;         /* 0 = none; at most INT64_MAX */
};

struct rate_now {
    int64_t mono_ns, wall_ms;
    bool at_once; /* RATE_WOULD_WAIT instead of waiting, and nothing is taken */
};

enum rate_result {
    RATE_PASSES,
    RATE_TOO_FAST,
    RATE_DAY_OVER,
    RATE_DAY_UNKNOWN, /* nothing can be reserved now */
    RATE_WOULD_WAIT,  /* only when asked at_once: for the day's next block or the shared bucket */
};
struct rate_verdict {
    enum rate_result result;
    uint64_t burst_left, day_left; /* after this request; the day's: of all nodes, as far as this one knows */
    int64_t retry_after_s;         /* of a refusal: at least 1 */
    int64_t full_in_s, day_ends_in_s;
};

struct rate_ask {
    uint8_t client_id[16];
    uint64_t daily_limit;
    int64_t give_back, end_ms; /* of rate_options.give_back */
};
struct rate_grant {
    bool decided;
    int64_t count, used; /* reserved now; of the day, with count */
    int64_t end_ms;      /* of the day for which it is */
};
struct rate_limit;
struct rate_options {
    size_t clients_max; /* [16, RATE_CLIENTS_MAX] */
    /* Reserves a part of the client's day and tells rate_limit_grant, from any thread, also before it returns. 0, or
     * anything else: it will not. */
    int (*reserve)(void *ctx, const struct rate_ask *ask);
    void (*give_back)(void *ctx, const struct rate_ask *ask);
    /* The bucket that all nodes share; NULL: each has its own. 0 with what is left in millionths of a token and whether
     * one was taken; else it cannot be had now. */
    int (*take_shared)(void *ctx, const uint8_t client_id[16], const struct rate_tier *tier, int64_t *ret_level,
                       bool *ret_taken);
    void *ctx;
};
/* 0 or -ENOMEM. */
int rate_limit_new(const struct rate_options *options, struct rate_limit **ret_limit);
struct rate_limit *rate_limit_free(struct rate_limit *limit);
void rate_limit_take(struct rate_limit *limit, const uint8_t client_id[16], const struct rate_tier *tier,
                     struct rate_now now, struct rate_verdict *ret_verdict);
/* What became of reserve(ask). */
void rate_limit_grant(struct rate_limit *limit, const struct rate_ask *ask, const struct rate_grant *grant);
/* Before an orderly end: waits for what is being reserved (at most RATE_RESERVE_WAIT_MS), reserves no more, and gives
 * back what is not used of days that still run. */
void rate_limit_give_back(struct rate_limit *limit, int64_t now_ms);

#endif
