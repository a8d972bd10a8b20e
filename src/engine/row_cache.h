/* row_cache.h - rows that the engine wrote or read in earlier batches, so that the next need not load them.
 *
 * (R1) A row in the cache is the committed one: the engine is the only writer (store.h, S4), and before the next
 * batch what a commit wrote replaces what was there, what it deleted is forgotten. (R2) After a commit that failed in
 * any way all is forgotten. (R3) Memory is bounded: two generations of at most ROW_CACHE_ROWS rows and ROW_CACHE_BYTES
 * each; when the young one is nearly full the old one is forgotten and the young one becomes old. A row used again
 * moves to the young one; one that finds no room is not kept. (R4) Only rows of tables that change are kept, by primary
 * key; that a row is absent is never remembered. (R5) Borrowed rows stay as they are until row_cache_turn or
 * row_cache_drop. Readers never see it. One thread. Tests: row_cache_test.c, r1..r5. */
#ifndef GIRO_ENGINE_ROW_CACHE_H
#define GIRO_ENGINE_ROW_CACHE_H

#include "platform/table.h"

enum {
    ROW_CACHE_ROWS = 64 * 1024,
    ROW_CACHE_SLOTS = 2 * ROW_CACHE_ROWS,
    ROW_CACHE_BYTES = 32 * 1024 * 1024,
    ROW_CACHE_BLOCK_BYTES = 1024 * 1024,
};

/* A row's address in a table of hashed keys. */
struct row_key {
    const struct table *table;
    uint32_t hash;
    uint16_t len;
    const uint8_t *bytes; /* table_key */
};
/* hash of table, index and key. */
uint32_t row_key_hash(const struct table *table, uint8_t index, const uint8_t *key, size_t len);

/* Slots are small, since nearly every one that is looked at is not in the processor's caches. */
struct row_cache_entry {
    const struct table *table;
    void *row; /* NULL: forgotten */
    uint16_t len;
    uint8_t key[];
};
struct row_cache_slot {
    struct row_cache_entry *entry; /* NULL: free */
    uint32_t hash;
};
struct row_cache_generation {
    struct arena arena;
    struct row_cache_slot *slots;
    size_t used;
};
struct row_cache {
    struct row_cache_generation generations[2];
    int young;
};

int row_cache_init(struct row_cache *cache); /* 0 or -ENOMEM */
void row_cache_release(struct row_cache *cache);
bool row_cache_keeps(const struct table *table);
/* The row under a primary key, NULL when it is not here; *ret_old: in the old generation, put it again to keep it. */
void *row_cache_find(const struct row_cache *cache, const struct row_key *key, bool *ret_old);
/* Copies row, which is the committed one; row may be one of the cache's own. */
void row_cache_put(struct row_cache *cache, const struct row_key *key, const void *row);
void row_cache_forget(struct row_cache *cache, const struct row_key *key);
/* Between two batches: makes room when the young generation is nearly full. */
void row_cache_turn(struct row_cache *cache);
void row_cache_drop(struct row_cache *cache); /* all */

#endif
