/* redis.h - a Redis server as a shared, forgetful memory: one script on one key, one round trip, on hiredis.
 *
 * (R1) It is never waited for longer than timeout_ms: a caller gets its values or hears at once that there are none.
 * (R2) After a fault nobody asks again until a thread of this module has found the server answering: callers pay for a
 * dead server once. (R3) on_state is told of every change, once each, first when it is known. (R4) What was asked may
 * have been done although no answer came. Thread-safe; the process ignores SIGPIPE. Tests: redis_test.c, r1..r3. */
#ifndef GIRO_PLATFORM_REDIS_H
#define GIRO_PLATFORM_REDIS_H

#include "platform/str.h"

enum {
    REDIS_CONNECTIONS_MAX = 512,
    REDIS_TIMEOUT_MS_MAX = 5000,
    REDIS_ADDRESS_BYTES_MAX = 256,
    REDIS_KEY_BYTES_MAX = 128,
    REDIS_ARGUMENTS_MAX = 4,
    REDIS_VALUES_MAX = 4,
    REDIS_RETRY_MS = 250,  /* between two looks for a server that is gone */
    REDIS_PROBE_MS = 1000, /* and at one that answered, so that its end is known without a caller */
};

struct redis_options {
    struct str address; /* "unix:/path" or "host:port" */
    int timeout_ms;     /* [1, REDIS_TIMEOUT_MS_MAX]: to connect, and for one answer */
    size_t connections_max;
    const char *script;                   /* Lua; lives for ever */
    void (*on_state)(void *ctx, bool up); /* on a thread of this module; may be NULL */
    void *ctx;
};

struct redis;
/* Whether address is one. */
bool redis_address_fits(struct str address);
/* Starts to look for the server; none need be there. check: options in range. 0, -ENOMEM, -EAGAIN (no thread). */
int redis_open(const struct redis_options *options, struct redis **ret_redis) MUST_USE;
/* Nobody may be inside redis_run. Takes NULL, returns NULL. */
struct redis *redis_close(struct redis *redis);
bool redis_is_up(const struct redis *redis);

struct redis_call {
    struct str key; /* at most REDIS_KEY_BYTES_MAX */
    int64_t arguments[REDIS_ARGUMENTS_MAX];
    size_t argument_count, value_count; /* the script answers with so many whole numbers */
};
/* 0 with ret_values, or -EAGAIN (it is gone, or every connection is taken; no err path). */
int redis_run(struct redis *redis, const struct redis_call *call, int64_t *ret_values) MUST_USE;

#endif
