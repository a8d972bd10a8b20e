#include "gateway/certificate_cache.h"

#include <pthread.h>

enum { CACHE_SHARDS = 16, CACHE_WAYS = 4 };

struct cache_entry {
    struct hash header, trust;
    struct certificate_identity identity;
    uint64_t used; /* 0 = free; else the shard's tick of its last use */
};
struct cache_shard {
    pthread_mutex_t lock;
    uint64_t tick;
    struct cache_entry *entries; /* sets of CACHE_WAYS */
};
struct certificate_cache {
    size_t sets; /* of each shard */
    struct cache_shard shards[CACHE_SHARDS];
};

int certificate_cache_new(size_t certificates_max, struct certificate_cache **ret_cache) {
    check(certificates_max >= CACHE_SHARDS * CACHE_WAYS && certificates_max <= CERTIFICATE_CACHE_MAX);
    struct certificate_cache *cache = calloc(1, sizeof *cache);
    if (!cache) return err_origin(-ENOMEM);
    cache->sets = certificates_max / (CACHE_SHARDS * CACHE_WAYS);
    for (size_t i = 0; i < CACHE_SHARDS; i++) check(pthread_mutex_init(&cache->shards[i].lock, NULL) == 0);
    for (size_t i = 0; i < CACHE_SHARDS; i++) {
        cache->shards[i].entries = calloc(cache->sets * CACHE_WAYS, sizeof *cache->shards[i].entries);
        if (!cache->shards[i].entries) {
            (void)certificate_cache_free(cache);
            return err_origin(-ENOMEM);
        }
    }
    *ret_cache = cache;
    return 0;
}

struct certificate_cache *certificate_cache_free(struct certificate_cache *cache) {
    if (!cache) return NULL;
    for (size_t i = 0; i < CACHE_SHARDS; i++) {
        check(pthread_mutex_destroy(&cache->shards[i].lock) == 0);
        free(cache->shards[i].entries);
    }
    free(cache);
    return NULL;
}

/* SHA-256 spreads: its first bytes choose shard and set. */
static struct cache_shard *shard_of(struct certificate_cache *cache, const struct hash *header) {
    return &cache->shards[header->bytes[0] % CACHE_SHARDS];
}

static struct cache_entry *set_of(const struct certificate_cache *cache, const struct cache_shard *shard,
                                  const struct hash *header) {
    size_t number = (size_t)header->bytes[1] << 16 | (size_t)header->bytes[2] << 8 | header->bytes[3];
    return &shard->entries[number % cache->sets * CACHE_WAYS];
}

static bool entry_is(const struct cache_entry *entry, const struct hash *header, const struct hash *trust) {
    return entry->used && hash_equal(&entry->header, header) && hash_equal(&entry->trust, trust);
}

bool certificate_cache_find(struct certificate_cache *cache, const struct hash *header, const struct hash *trust,
                            int64_t now_ms, struct certificate_identity *ret_identity) {
    struct cache_shard *shard = shard_of(cache, header);
    bool found = false;
    check(pthread_mutex_lock(&shard->lock) == 0);
    struct cache_entry *set = set_of(cache, shard, header);
    for (size_t i = 0; i < CACHE_WAYS && !found; i++) {
        if (!entry_is(&set[i], header, trust)) continue;
        found = now_ms >= set[i].identity.not_before_ms && now_ms < set[i].identity.not_after_ms;
        if (!found) break;
        set[i].used = ++shard->tick;
        *ret_identity = set[i].identity;
    }
    check(pthread_mutex_unlock(&shard->lock) == 0);
    return found;
}

void certificate_cache_put(struct certificate_cache *cache, const struct hash *header, const struct hash *trust,
                           const struct certificate_identity *identity) {
    struct cache_shard *shard = shard_of(cache, header);
    check(pthread_mutex_lock(&shard->lock) == 0);
    struct cache_entry *set = set_of(cache, shard, header), *place = &set[0];
    for (size_t i = 0; i < CACHE_WAYS; i++) {
        if (entry_is(&set[i], header, trust)) {
            place = &set[i];
            break;
        }
        if (set[i].used < place->used) place = &set[i];
    }
    *place = (struct cache_entry){ .header = *header, .trust = *trust, .identity = *identity, .used = ++shard->tick };
    check(pthread_mutex_unlock(&shard->lock) == 0);
}
