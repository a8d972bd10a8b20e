#include "gateway/header_memo.h"

#include <pthread.h>

struct memo_place {
    struct hash hash;
    size_t len; /* 0: free */
    char header[HEADER_MEMO_BYTES_MAX];
};
struct header_memo {
    pthread_mutex_t lock;
    struct memo_place places[HEADER_MEMO_PLACES];
};

struct header_memo *header_memo_new(void) {
    struct header_memo *memo = calloc(1, sizeof *memo);
    if (memo) check(pthread_mutex_init(&memo->lock, NULL) == 0);
    return memo;
}

struct header_memo *header_memo_free(struct header_memo *memo) {
    if (!memo) return NULL;
    check(pthread_mutex_destroy(&memo->lock) == 0);
    free(memo);
    return NULL;
}

/* Certificates of one issuer begin alike: what tells them apart is spread over the rest. */
static size_t place_of(struct str header) {
    uint64_t hash = header.len;
    for (size_t at = header.len / 4; at < header.len; at += 29)
        hash = (hash ^ (unsigned char)header.at[at]) * 0x100000001b3;
    return (size_t)(hash >> 32 ^ hash) % HEADER_MEMO_PLACES;
}

struct hash header_memo_hash(struct header_memo *memo, struct str header) {
    if (header.len == 0 || header.len > HEADER_MEMO_BYTES_MAX) return sha256_str(header);
    struct memo_place *place = &memo->places[place_of(header)];
    struct hash hash;
    check(pthread_mutex_lock(&memo->lock) == 0);
    bool known = place->len == header.len && memcmp(place->header, header.at, header.len) == 0;
    if (known) hash = place->hash;
    check(pthread_mutex_unlock(&memo->lock) == 0);
    if (known) return hash;
    hash = sha256_str(header);
    check(pthread_mutex_lock(&memo->lock) == 0);
    memcpy(place->header, header.at, header.len);
    place->len = header.len;
    place->hash = hash;
    check(pthread_mutex_unlock(&memo->lock) == 0);
    return hash;
}
