#include "gateway/proof_memory.h"

#include <pthread.h>

enum { MEMORY_SHARDS = 16, MEMORY_WAYS = 8 };

struct seen {
    uint8_t key[16];
    int64_t expires_ms; /* 0 = free */
};
struct shard {
    pthread_mutex_t lock;
    struct seen *seen; /* sets of MEMORY_WAYS */
};
struct proof_memory {
    size_t sets; /* of each shard */
    struct shard shards[MEMORY_SHARDS];
};

int proof_memory_new(size_t proofs_max, struct proof_memory **ret_memory) {
    check(proofs_max >= MEMORY_SHARDS * MEMORY_WAYS && proofs_max <= PROOF_MEMORY_MAX);
    struct proof_memory *memory = calloc(1, sizeof *memory);
    if (!memory) return err_origin(-ENOMEM);
    memory->sets = proofs_max / (MEMORY_SHARDS * MEMORY_WAYS);
    for (size_t i = 0; i < MEMORY_SHARDS; i++) check(pthread_mutex_init(&memory->shards[i].lock, NULL) == 0);
    for (size_t i = 0; i < MEMORY_SHARDS; i++) {
        memory->shards[i].seen = calloc(memory->sets * MEMORY_WAYS, sizeof *memory->shards[i].seen);
        if (!memory->shards[i].seen) {
            (void)proof_memory_free(memory);
            return err_origin(-ENOMEM);
        }
    }
    *ret_memory = memory;
    return 0;
}

struct proof_memory *proof_memory_free(struct proof_memory *memory) {
    if (!memory) return NULL;
    for (size_t i = 0; i < MEMORY_SHARDS; i++) {
        check(pthread_mutex_destroy(&memory->shards[i].lock) == 0);
        free(memory->shards[i].seen);
    }
    free(memory);
    return NULL;
}

/* The place of a proof that is new; NULL: it is there and its time is not over (P1). */
static struct seen *place_of(struct seen *set, const uint8_t key[16], int64_t now_ms) {
    struct seen *place = &set[0];
    for (size_t i = 0; i < MEMORY_WAYS; i++) {
        if (set[i].expires_ms > now_ms && memcmp(set[i].key, key, 16) == 0) return NULL;
        if (set[i].expires_ms < place->expires_ms) place = &set[i]; /* (P2) */
    }
    return place;
}

bool proof_memory_spend(struct proof_memory *memory, const uint8_t key[16], int64_t expires_ms, int64_t now_ms) {
    struct shard *shard = &memory->shards[key[0] % MEMORY_SHARDS]; /* keys are hashes: they spread */
    size_t number = (size_t)key[1] << 16 | (size_t)key[2] << 8 | key[3];
    check(pthread_mutex_lock(&shard->lock) == 0);
    struct seen *place = place_of(&shard->seen[number % memory->sets * MEMORY_WAYS], key, now_ms);
    if (place) {
        memcpy(place->key, key, 16);
        place->expires_ms = expires_ms;
    }
    check(pthread_mutex_unlock(&shard->lock) == 0);
    return place != NULL;
}
