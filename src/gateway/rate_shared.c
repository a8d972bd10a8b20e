#include "gateway/rate_shared.h"

#include "platform/redis.h"

/* level is in millionths of a token: one microsecond adds as many as requests_per_second. A clock that went back adds
 * nothing. */
static const char script[] = "local clock = redis.call('TIME')\n"
                             "local now = clock[1] * 1000000 + clock[2]\n"
                             "local rate, max = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000\n"
                             "local kept = redis.call('HMGET', KEYS[1], 'level', 'at')\n"
                             "local level, at, taken = max, now, 0\n"
                             "if kept[1] then\n"
                             "  level, at = tonumber(kept[1]), tonumber(kept[2])\n"
                             "  if now < at then now = at end\n"
                             "  level = math.min(max, level + (now - at) * rate)\n"
                             "end\n"
                             "if level >= 1000000 then\n"
                             "  level, taken = level - 1000000, 1\n"
                             "end\n"
                             "redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level),\n"
                             "           'at', string.format('%.0f', now))\n"
                             "redis.call('PEXPIRE', KEYS[1], math.ceil((max - level) / rate / 1000) + 1000)\n"
                             "return { taken, level }\n";

struct rate_shared {
    struct redis *redis;
};

int rate_shared_open(const struct rate_shared_options *options, struct rate_shared **ret_shared) {
    struct redis_options redis = { .address = options->address,
                                   .timeout_ms = options->timeout_ms,
                                   .connections_max = options->connections_max,
                                   .script = script,
                                   .on_state = options->on_state,
                                   .ctx = options->ctx };
    struct rate_shared *shared = calloc(1, sizeof *shared);
    if (!shared) return err_origin(-ENOMEM);
    int r = redis_open(&redis, &shared->redis);
    if (r) free(shared);
    else *ret_shared = shared;
    return err_trace(r);
}

struct rate_shared *rate_shared_close(struct rate_shared *shared) {
    if (shared) shared->redis = redis_close(shared->redis);
    free(shared);
    return NULL;
}

bool rate_shared_is_up(const struct rate_shared *shared) {
    return redis_is_up(shared->redis);
}

int rate_shared_take(void *ctx, const uint8_t client_id[16], const struct rate_tier *tier, int64_t *ret_level,
                     bool *ret_taken) {
    static const char prefix[] = "giro:rate:", digits[] = "0123456789abcdef";
    const struct rate_shared *shared = ctx;
    char key[sizeof prefix + 32];
    int64_t values[2];
    struct redis_call call = { .arguments = { tier->requests_per_second, tier->burst },
                               .argument_count = 2,
                               .value_count = ARRAY_COUNT(values) };
    memcpy(key, prefix, sizeof prefix - 1);
    for (size_t i = 0; i < 16; i++) {
        key[sizeof prefix - 1 + 2 * i] = digits[client_id[i] >> 4];
        key[sizeof prefix + 2 * i] = digits[client_id[i] & 15];
    }
    call.key = str_from_bytes(key, sizeof prefix - 1 + 32);
    int r = redis_run(shared->redis, &call, values);
    if (r) return r;
    *ret_taken = values[0] != 0;
    *ret_level = values[1];
    return 0;
}
