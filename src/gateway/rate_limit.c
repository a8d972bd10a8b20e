#include "gateway/rate_limit.h"

#include "platform/clock.h"

#include <pthread.h>

enum { RATE_SHARDS = 16, RATE_WINDOW = 16 /* places where a client may stand */ };
static const int64_t token_ns = 1000000000; /* one token in billionths */
static const int64_t day_ms = 86400000;

struct rate_client {
    uint8_t client_id[16];
    bool used;
    int64_t level;     /* tokens in billionths */
    int64_t filled_ns; /* when level was right */
    int64_t day;       /* days since 1970 in UTC */
    uint64_t day_count;
};
struct rate_shard {
    pthread_mutex_t lock;
    struct rate_client *clients;
};
struct rate_limit {
    size_t shard_clients;
    struct rate_shard shards[RATE_SHARDS];
};

int rate_limit_new(size_t clients_max, struct rate_limit **ret_limit) {
    check(clients_max >= RATE_SHARDS && clients_max <= RATE_CLIENTS_MAX);
    struct rate_limit *limit = calloc(1, sizeof *limit);
    if (!limit) return err_origin(-ENOMEM);
    limit->shard_clients = clients_max / RATE_SHARDS < RATE_WINDOW ? RATE_WINDOW : clients_max / RATE_SHARDS;
    for (size_t i = 0; i < RATE_SHARDS; i++) check(pthread_mutex_init(&limit->shards[i].lock, NULL) == 0);
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
        check(pthread_mutex_destroy(&limit->shards[i].lock) == 0);
        free(limit->shards[i].clients);
    }
    free(limit);
    return NULL;
}

/* Ids are ours, so nobody can choose them to collide. FNV-1a. */
static uint64_t client_hash(const uint8_t client_id[16]) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < 16; i++) hash = (hash ^ client_id[i]) * 1099511628211u;
    return hash ^ (hash >> 29);
}

static int64_t bucket_max(const struct rate_tier *tier) {
    return (int64_t)tier->burst * token_ns;
}

/* The client's place: its own, a free one, or that of the longest silent in its window. */
static struct rate_client *client_of(const struct rate_limit *limit, const struct rate_shard *shard,
                                     const uint8_t client_id[16], const struct rate_tier *tier, struct rate_now now) {
    size_t start = (size_t)(client_hash(client_id) >> 8) % limit->shard_clients;
    struct rate_client *place = NULL;
    for (size_t i = 0; i < RATE_WINDOW; i++) {
        struct rate_client *client = &shard->clients[(start + i) % limit->shard_clients];
        if (client->used && memcmp(client->client_id, client_id, 16) == 0) return client;
        bool better = !place || (place->used && (!client->used || client->filled_ns < place->filled_ns));
        if (better) place = client;
    }
    *place = (struct rate_client){
        .used = true, .level = bucket_max(tier), .filled_ns = now.mono_ns, .day = clock_day(now.wall_ms)
    };
    memcpy(place->client_id, client_id, 16);
    return place;
}

/* Brings bucket and day up to now; neither clock is believed when it goes back. */
static void client_advance(struct rate_client *client, const struct rate_tier *tier, struct rate_now now) {
    int64_t max = bucket_max(tier), today = clock_day(now.wall_ms), added;
    int64_t elapsed_ns = now.mono_ns > client->filled_ns ? now.mono_ns - client->filled_ns : 0;
    if (checked_mul(elapsed_ns, (int64_t)tier->requests_per_second, &added) || added > max) added = max;
    client->level = client->level + added > max ? max : client->level + added;
    client->filled_ns += elapsed_ns;
    if (today <= client->day) return;
    client->day = today;
    client->day_count = 0;
}

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static void judge(struct rate_client *client, const struct rate_tier *tier, struct rate_now now,
                  struct rate_verdict *verdict) {
    int64_t rate = tier->requests_per_second;
    bool too_fast = rate && client->level < token_ns,
         day_over = tier->daily_limit && client->day_count >= tier->daily_limit;
    int64_t day_left_ms = (client->day + 1) * day_ms - now.wall_ms;
    verdict->day_ends_in_s = divide_up(day_left_ms > 0 ? day_left_ms : 1, 1000);
    verdict->result = day_over ? RATE_DAY_OVER : too_fast ? RATE_TOO_FAST : RATE_PASSES;
    if (too_fast) verdict->retry_after_s = divide_up(token_ns - client->level, rate * token_ns);
    if (day_over) verdict->retry_after_s = verdict->day_ends_in_s;
    if (!too_fast && !day_over) {
        if (rate) client->level -= token_ns;
        client->day_count++;
    }
    if (rate) verdict->burst_left = (uint64_t)(client->level / token_ns);
    if (rate) verdict->full_in_s = divide_up(bucket_max(tier) - client->level, rate * token_ns);
    if (tier->daily_limit) verdict->day_left = tier->daily_limit - client->day_count;
}

void rate_limit_take(struct rate_limit *limit, const uint8_t client_id[16], const struct rate_tier *tier,
                     struct rate_now now, struct rate_verdict *ret_verdict) {
    check(tier->requests_per_second <= RATE_PER_SECOND_MAX && tier->burst <= RATE_BURST_MAX);
    check(tier->requests_per_second == 0 || tier->burst >= 1);
    struct rate_shard *shard = &limit->shards[client_hash(client_id) % RATE_SHARDS];
    struct rate_verdict verdict = { 0 };
    check(pthread_mutex_lock(&shard->lock) == 0);
    struct rate_client *client = client_of(limit, shard, client_id, tier, now);
    client_advance(client, tier, now);
    judge(client, tier, now, &verdict);
    check(pthread_mutex_unlock(&shard->lock) == 0);
    *ret_verdict = verdict;
}
