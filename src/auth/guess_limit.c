#include "auth/guess_limit.h"

#include "platform/address_network.h"
#include "platform/digest.h"
#include "platform/secret.h"

#include <pthread.h>

enum { KEY_BYTES = 32, WAYS = 8, SETS = GUESS_ADDRESSES_MAX / WAYS };
static_assert(SETS * WAYS == GUESS_ADDRESSES_MAX, "whole sets");

struct slot {
    uint64_t address; /* keyed hash */
    int64_t began_ms; /* of the window; 0: free */
    int64_t failures;
};
struct guess_limit {
    pthread_mutex_t mutex;
    uint8_t key[KEY_BYTES];
    int64_t failures_max;
    struct slot slots[SETS][WAYS];
};

int guess_limit_new(struct str key, int failures_max, struct guess_limit **ret_limit) {
    struct guess_limit *limit = calloc(1, sizeof *limit);
    if (!limit) return err_origin(-ENOMEM);
    struct hash hash = sha256_str(key);
    memcpy(limit->key, hash.bytes, sizeof limit->key);
    (void)pthread_mutex_init(&limit->mutex, NULL); /* cannot fail with the default attributes */
    limit->failures_max = failures_max ? failures_max : GUESS_FAILURES_MAX;
    *ret_limit = limit;
    return 0;
}

struct guess_limit *guess_limit_free(struct guess_limit *limit) {
    if (!limit) return NULL;
    (void)pthread_mutex_destroy(&limit->mutex);
    secret_wipe(limit->key, sizeof limit->key);
    free(limit);
    return NULL;
}

/* (G2) What is counted of an address. */
static uint64_t key_of(const struct guess_limit *limit, struct str address) {
    uint8_t network[ADDRESS_NETWORK_BYTES];
    struct hash hash =
        hmac_sha256(str_from_bytes((const char *)limit->key, sizeof limit->key), address_network(address, network));
    uint64_t key;
    memcpy(&key, hash.bytes, sizeof key);
    return key;
}

static bool is_over(const struct slot *slot, int64_t now_ms) {
    return now_ms - slot->began_ms >= GUESS_WINDOW_MS || now_ms < slot->began_ms;
}

/* The address's slot with a living window, or NULL. */
static struct slot *find(struct guess_limit *limit, uint64_t address, int64_t now_ms) {
    struct slot *set = limit->slots[address % SETS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].began_ms && set[i].address == address && !is_over(&set[i], now_ms)) return &set[i];
    return NULL;
}

int64_t guess_limit_wait_ms(struct guess_limit *limit, struct str address, int64_t now_ms) {
    uint64_t key = key_of(limit, address);
    int64_t wait_ms = 0;
    (void)pthread_mutex_lock(&limit->mutex);
    const struct slot *slot = find(limit, key, now_ms);
    if (slot && slot->failures >= limit->failures_max) wait_ms = slot->began_ms + GUESS_WINDOW_MS - now_ms;
    (void)pthread_mutex_unlock(&limit->mutex);
    return wait_ms;
}

void guess_limit_failed(struct guess_limit *limit, struct str address, int64_t now_ms) {
    uint64_t key = key_of(limit, address);
    (void)pthread_mutex_lock(&limit->mutex);
    struct slot *slot = find(limit, key, now_ms);
    if (!slot) { /* (G3) */
        slot = limit->slots[key % SETS];
        for (size_t i = 1; i < WAYS; i++)
            if (limit->slots[key % SETS][i].began_ms < slot->began_ms) slot = &limit->slots[key % SETS][i];
        *slot = (struct slot){ .address = key, .began_ms = now_ms };
    }
    slot->failures++;
    (void)pthread_mutex_unlock(&limit->mutex);
}
