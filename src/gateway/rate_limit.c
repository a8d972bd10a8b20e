#include "gateway/rate_limit.h"

#include "platform/clock.h"

#include <pthread.h>

enum { RATE_SHARDS = 16, RATE_WINDOW = 16 /* places where a client may stand */, SHARED_TOKEN = 1000000 };
static const int64_t token_ns = 1000000000; /* one token in billionths */
static const int64_t day_ms = 86400000;

struct rate_client {
    uint8_t client_id[16];
    bool used;
    int64_t level;     /* tokens in billionths */
    int64_t filled_ns; /* when level was right */
    /* of the day that ends at day_end_ms; 0: none is known */
    int64_t day_end_ms;
    int64_t day_left;    /* reserved and not used */
    int64_t day_used;    /* by all nodes when the last block was reserved, with it */
    int64_t block;       /* the last one's size */
    bool asking;         /* one reserve is under way */
    int64_t asked_ns;    /* since when */
    uint64_t over_limit; /* the quota that was found used up; 0: none */
    int64_t over_ns;     /* when */
};
struct rate_shard {
    pthread_mutex_t lock;
    pthread_cond_t answered; /* a reserve of one of its clients */
    struct rate_client *clients;
    bool ending; /* nothing more is reserved */
};
struct rate_limit {
    struct rate_options options;
    size_t shard_clients;
    struct rate_shard shards[RATE_SHARDS];
};

/* One request while it is judged. */
struct taking {
    struct rate_limit *limit;
    struct rate_shard *shard;
    const uint8_t *client_id;
    const struct rate_tier *tier;
    struct rate_now now;
    struct rate_client *client; /* found anew whenever the lock was given up */
};

static void shard_init(struct rate_shard *shard) {
    pthread_condattr_t monotonic;
    check(pthread_condattr_init(&monotonic) == 0 && pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&shard->lock, NULL) == 0 && pthread_cond_init(&shard->answered, &monotonic) == 0);
    check(pthread_condattr_destroy(&monotonic) == 0);
}

int rate_limit_new(const struct rate_options *options, struct rate_limit **ret_limit) {
    size_t clients_max = options->clients_max;
    check(clients_max >= RATE_SHARDS && clients_max <= RATE_CLIENTS_MAX && options->reserve && options->give_back);
    struct rate_limit *limit = calloc(1, sizeof *limit);
    if (!limit) return err_origin(-ENOMEM);
    limit->options = *options;
    limit->shard_clients = clients_max / RATE_SHARDS < RATE_WINDOW ? RATE_WINDOW : clients_max / RATE_SHARDS;
    for (size_t i = 0; i < RATE_SHARDS; i++) shard_init(&limit->shards[i]);
    for (size_t i = 0; i < RATE_SHARDS; i++) {
        limit->shards[i].clients = calloc(limit->shard_clients, sizeof *limit->shards[i].clients);
        if (!limit->shards[i].clients) {
            (void)rate_limit_free(limit);
            return err_origin(-ENOMEM);
        }
    }
    *ret_limit = limit;
    return 0;
}

struct rate_limit *rate_limit_free(struct rate_limit *limit) {
    if (!limit) return NULL;
    for (size_t i = 0; i < RATE_SHARDS; i++) {
        check(pthread_cond_destroy(&limit->shards[i].answered) == 0);
        check(pthread_mutex_destroy(&limit->shards[i].lock) == 0);
        free(limit->shards[i].clients);
    }
    free(limit);
    return NULL;
}

/* ---- places ---- */

/* Ids are ours, so nobody can choose them to collide. FNV-1a. */
static uint64_t client_hash(const uint8_t client_id[16]) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < 16; i++) hash = (hash ^ client_id[i]) * 1099511628211u;
    return hash ^ (hash >> 29);
}

static struct rate_shard *shard_of(struct rate_limit *limit, const uint8_t client_id[16]) {
    return &limit->shards[client_hash(client_id) % RATE_SHARDS];
}

static struct rate_client *place_at(const struct rate_limit *limit, const struct rate_shard *shard,
                                    const uint8_t client_id[16], size_t i) {
    size_t start = (size_t)(client_hash(client_id) >> 8) % limit->shard_clients;
    return &shard->clients[(start + i) % limit->shard_clients];
}

/* The client's own place, or NULL. */
static struct rate_client *client_find(const struct rate_limit *limit, const struct rate_shard *shard,
                                       const uint8_t client_id[16]) {
    for (size_t i = 0; i < RATE_WINDOW; i++) {
        struct rate_client *client = place_at(limit, shard, client_id, i);
        if (client->used && memcmp(client->client_id, client_id, 16) == 0) return client;
    }
    return NULL;
}

static int64_t bucket_max(const struct rate_tier *tier) {
    return (int64_t)tier->burst * token_ns;
}

/* The client's place: its own, a free one, or that of the longest silent in its window. */
static struct rate_client *client_of(const struct taking *taking) {
    struct rate_client *place = client_find(taking->limit, taking->shard, taking->client_id);
    if (place) return place;
    for (size_t i = 0; i < RATE_WINDOW; i++) {
        struct rate_client *client = place_at(taking->limit, taking->shard, taking->client_id, i);
        bool better = !place || (place->used && (!client->used || client->filled_ns < place->filled_ns));
        if (better) place = client;
    }
    *place = (struct rate_client){ .used = true, .level = bucket_max(taking->tier), .filled_ns = taking->now.mono_ns };
    memcpy(place->client_id, taking->client_id, 16);
    return place;
}

/* Brings bucket and day up to now; neither clock is believed when it goes back. */
static void client_advance(struct rate_client *client, const struct rate_tier *tier, struct rate_now now) {
    int64_t max = bucket_max(tier), added;
    int64_t elapsed_ns = now.mono_ns > client->filled_ns ? now.mono_ns - client->filled_ns : 0;
    if (checked_mul(elapsed_ns, (int64_t)tier->requests_per_second, &added) || added > max) added = max;
    client->level = client->level + added > max ? max : client->level + added;
    client->filled_ns += elapsed_ns;
    if (now.wall_ms < client->day_end_ms) return;
    client->day_end_ms = client->day_left = client->day_used = client->block = 0;
    client->over_limit = 0;
}

static void lock(struct taking *taking) {
    check(pthread_mutex_lock(&taking->shard->lock) == 0);
    taking->client = client_of(taking);
    client_advance(taking->client, taking->tier, taking->now);
}

static void unlock(const struct taking *taking) {
    check(pthread_mutex_unlock(&taking->shard->lock) == 0);
}

/* ---- the day ---- */

/* What its quota has left, as far as this node knows. */
static int64_t day_rest(const struct rate_client *client, const struct rate_tier *tier) {
    int64_t rest = (int64_t)tier->daily_limit - (client->day_used - client->day_left);
    return rest > 0 ? rest : 0;
}

static bool day_is_over(const struct taking *taking) {
    const struct rate_client *client = taking->client;
    if (!taking->tier->daily_limit) return false;
    if (client->day_end_ms && day_rest(client, taking->tier) == 0) /* the quota is smaller than it was */
        return client->day_left > 0 || taking->now.mono_ns - client->over_ns < RATE_OVER_AGAIN_MS * (int64_t)1000000;
    if (client->day_left > 0 || client->over_limit != taking->tier->daily_limit) return false;
    return taking->now.mono_ns - client->over_ns < RATE_OVER_AGAIN_MS * (int64_t)1000000;
}

/* Asks for a block; the lock is given up meanwhile. */
static void day_ask(struct taking *taking) {
    struct rate_ask ask = { .daily_limit = taking->tier->daily_limit };
    memcpy(ask.client_id, taking->client_id, 16);
    taking->client->asking = true;
    taking->client->asked_ns = taking->now.mono_ns;
    unlock(taking);
    int r = taking->limit->options.reserve(taking->limit->options.ctx, &ask);
    struct rate_grant none = { .decided = false };
    if (r) rate_limit_grant(taking->limit, &ask, &none);
    lock(taking);
}

/* The engine has not answered for so long that nobody else is kept waiting for it. */
static bool day_is_late(const struct taking *taking) {
    const struct rate_client *client = taking->client;
    return client->asking && taking->now.mono_ns - client->asked_ns > RATE_RESERVE_WAIT_MS * (int64_t)1000000;
}

/* RATE_PASSES: one of the day is there. */
static enum rate_result day_wait(struct taking *taking) {
    struct timespec until = clock_mono_after(RATE_RESERVE_WAIT_MS);
    bool asked = false;
    int r = 0;
    while (r == 0 && !taking->client->day_left && !day_is_over(taking)) {
        if (!taking->client->asking && (asked || taking->shard->ending)) return RATE_DAY_UNKNOWN;
        if (day_is_late(taking)) return RATE_DAY_UNKNOWN;
        asked = true;
        if (!taking->client->asking) {
            day_ask(taking);
            continue;
        }
        r = pthread_cond_timedwait(&taking->shard->answered, &taking->shard->lock, &until);
        taking->client = client_of(taking);
        client_advance(taking->client, taking->tier, taking->now);
    }
    if (day_is_over(taking)) return RATE_DAY_OVER;
    return taking->client->day_left ? RATE_PASSES : RATE_DAY_UNKNOWN;
}

void rate_limit_grant(struct rate_limit *limit, const struct rate_ask *ask, const struct rate_grant *grant) {
    struct rate_shard *shard = shard_of(limit, ask->client_id);
    check(pthread_mutex_lock(&shard->lock) == 0);
    struct rate_client *client = client_find(limit, shard, ask->client_id);
    if (client) client->asking = false; /* else it lost its place (R3) */
    if (client && grant->decided) {
        if (client->day_end_ms != grant->end_ms) client->day_left = 0; /* another day's */
        client->day_end_ms = grant->end_ms;
        client->day_left += grant->count;
        client->day_used = grant->used;
        client->block = grant->count;
        client->over_limit = grant->count ? 0 : ask->daily_limit;
        client->over_ns = client->filled_ns;
    }
    check(pthread_cond_broadcast(&shard->answered) == 0);
    check(pthread_mutex_unlock(&shard->lock) == 0);
}

/* Half of the last block is gone: the next one comes before it is needed. */
static bool day_runs_low(const struct taking *taking) {
    const struct rate_client *client = taking->client;
    return taking->tier->daily_limit && !client->asking && !taking->shard->ending && !client->over_limit &&
           client->day_left <= client->block / 2 && client->day_used < (int64_t)taking->tier->daily_limit;
}

static bool is_asking(const struct rate_limit *limit, const struct rate_shard *shard) {
    for (size_t i = 0; i < limit->shard_clients; i++)
        if (shard->clients[i].asking) return true;
    return false;
}

/* What is asked for is answered, or given up at the time; nobody asks any more. */
static void shard_settle(const struct rate_limit *limit, struct rate_shard *shard, const struct timespec *until) {
    int r = 0;
    check(pthread_mutex_lock(&shard->lock) == 0);
    shard->ending = true;
    while (r == 0 && is_asking(limit, shard)) r = pthread_cond_timedwait(&shard->answered, &shard->lock, until);
    check(pthread_mutex_unlock(&shard->lock) == 0);
}

void rate_limit_give_back(struct rate_limit *limit, int64_t now_ms) {
    struct timespec until = clock_mono_after(RATE_RESERVE_WAIT_MS);
    for (size_t i = 0; i < RATE_SHARDS; i++) shard_settle(limit, &limit->shards[i], &until);
    for (size_t i = 0; i < RATE_SHARDS; i++) {
        struct rate_shard *shard = &limit->shards[i];
        for (size_t k = 0; k < limit->shard_clients; k++) {
            struct rate_client *client = &shard->clients[k];
            check(pthread_mutex_lock(&shard->lock) == 0);
            struct rate_ask ask = { .give_back = client->day_left, .end_ms = client->day_end_ms };
            memcpy(ask.client_id, client->client_id, 16);
            client->day_used -= client->day_left;
            client->day_left = 0;
            check(pthread_mutex_unlock(&shard->lock) == 0);
            if (ask.give_back && now_ms < ask.end_ms) limit->options.give_back(limit->options.ctx, &ask);
        }
    }
}

/* ---- the bucket ---- */

static bool is_too_fast(const struct taking *taking) {
    return taking->tier->requests_per_second && taking->client->level < token_ns;
}

/* Takes a token, of the bucket that all share where there is one. */
static bool token_take(struct taking *taking) {
    int64_t level = 0;
    bool taken = false;
    if (!taking->tier->requests_per_second) return true;
    if (taking->limit->options.take_shared) {
        const struct rate_options *options = &taking->limit->options;
        unlock(taking);
        int r = options->take_shared(options->ctx, taking->client_id, taking->tier, &level, &taken);
        lock(taking);
        if (r == 0) {
            taking->client->level = level * (token_ns / SHARED_TOKEN);
            return taken;
        }
    }
    if (is_too_fast(taking)) return false;
    taking->client->level -= token_ns;
    return true;
}

/* ---- one request ---- */

static enum rate_result take(struct taking *taking) {
    bool daily = taking->tier->daily_limit > 0;
    if (day_is_over(taking)) return RATE_DAY_OVER;
    if (!taking->limit->options.take_shared && is_too_fast(taking)) return RATE_TOO_FAST; /* waits for no day */
    if (taking->now.at_once && (taking->limit->options.take_shared || (daily && !taking->client->day_left)))
        return RATE_WOULD_WAIT;
    enum rate_result result = daily ? day_wait(taking) : RATE_PASSES;
    if (result != RATE_PASSES) return result;
    int64_t day_end_ms = taking->client->day_end_ms;
    if (daily) taking->client->day_left--;
    if (token_take(taking)) return RATE_PASSES;
    if (daily && taking->client->day_end_ms == day_end_ms) taking->client->day_left++; /* (R2) */
    return RATE_TOO_FAST;
}

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static void describe(const struct taking *taking, struct rate_verdict *verdict) {
    const struct rate_client *client = taking->client;
    const struct rate_tier *tier = taking->tier;
    int64_t rate = tier->requests_per_second;
    int64_t end_ms = client->day_end_ms ? client->day_end_ms : (clock_day(taking->now.wall_ms) + 1) * day_ms;
    int64_t day_left_ms = end_ms - taking->now.wall_ms;
    verdict->day_ends_in_s = divide_up(day_left_ms > 0 ? day_left_ms : 1, 1000);
    if (verdict->result == RATE_TOO_FAST)
        verdict->retry_after_s = client->level < token_ns ? divide_up(token_ns - client->level, rate * token_ns) : 1;
    if (verdict->result == RATE_DAY_OVER) verdict->retry_after_s = verdict->day_ends_in_s;
    if (verdict->result == RATE_DAY_UNKNOWN) verdict->retry_after_s = 1;
    if (rate) verdict->burst_left = (uint64_t)(client->level / token_ns);
    if (rate) verdict->full_in_s = divide_up(bucket_max(tier) - client->level, rate * token_ns);
    if (tier->daily_limit) verdict->day_left = (uint64_t)day_rest(client, tier);
}

void rate_limit_take(struct rate_limit *limit, const uint8_t client_id[16], const struct rate_tier *tier,
                     struct rate_now now, struct rate_verdict *ret_verdict) {
    check(tier->requests_per_second <= RATE_PER_SECOND_MAX && tier->burst <= RATE_BURST_MAX);
    check((tier->requests_per_second == 0 || tier->burst >= 1) && tier->daily_limit <= INT64_MAX);
    struct taking taking = {
        .limit = limit, .shard = shard_of(limit, client_id), .client_id = client_id, .tier = tier, .now = now
    };
    struct rate_verdict verdict = { 0 };
    lock(&taking);
    verdict.result = take(&taking);
    describe(&taking, &verdict);
    if (verdict.result == RATE_PASSES && day_runs_low(&taking)) day_ask(&taking);
    unlock(&taking);
    *ret_verdict = verdict;
}
