#include "engine/row_cache.h"

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

uint32_t row_key_hash(const struct table *table, uint8_t index, const uint8_t *key, size_t len) {
    uint64_t hash = (uint64_t)(uintptr_t)table + index, word;
    for (; len >= sizeof word; key += sizeof word, len -= sizeof word) {
        memcpy(&word, key, sizeof word);
        hash = mix(hash, word);
    }
    word = len;
    if (len) memcpy(&word, key, len);
    hash = mix(hash, word);
    return (uint32_t)(hash >> 32 ^ hash);
}

static int generation_init(struct row_cache_generation *generation) {
    int r = arena_init(&generation->arena, ROW_CACHE_BLOCK_BYTES, ROW_CACHE_BYTES);
    if (r) return err_trace(r);
    generation->slots = calloc(ROW_CACHE_SLOTS, sizeof *generation->slots);
    return generation->slots ? 0 : err_origin(-ENOMEM);
}

static void generation_clear(struct row_cache_generation *generation) {
    if (generation->used) memset(generation->slots, 0, ROW_CACHE_SLOTS * sizeof *generation->slots);
    generation->used = 0;
    arena_reset(&generation->arena);
}

static struct row_cache_slot *slot_of(const struct row_cache_generation *generation, const struct row_key *key) {
    for (size_t at = key->hash & (ROW_CACHE_SLOTS - 1);; at = (at + 1) & (ROW_CACHE_SLOTS - 1)) {
        struct row_cache_slot *slot = &generation->slots[at];
        const struct row_cache_entry *entry = slot->entry;
        if (!entry || (slot->hash == key->hash && entry->table == key->table && entry->len == key->len &&
                       memcmp(entry->key, key->bytes, key->len) == 0))
            return slot;
    }
}

int row_cache_init(struct row_cache *cache) {
    *cache = (struct row_cache){ 0 };
    int r = generation_init(&cache->generations[0]);
    if (!r) r = generation_init(&cache->generations[1]);
    if (r) row_cache_release(cache);
    return err_trace(r);
}

void row_cache_release(struct row_cache *cache) {
    for (size_t i = 0; i < ARRAY_COUNT(cache->generations); i++) {
        arena_release(&cache->generations[i].arena);
        free(cache->generations[i].slots);
    }
    *cache = (struct row_cache){ 0 };
}

bool row_cache_keeps(const struct table *table) {
    return !table->append_only && strcmp(table->service, "engine") != 0; /* its rows are read once, if ever */
}

/* NULL: not here. */
static struct row_cache_entry *entry_of(const struct row_cache *cache, int generation, const struct row_key *key) {
    return slot_of(&cache->generations[generation], key)->entry;
}

void *row_cache_find(const struct row_cache *cache, const struct row_key *key, bool *ret_old) {
    const struct row_cache_entry *entry = entry_of(cache, cache->young, key);
    *ret_old = !entry || !entry->row;
    if (*ret_old) entry = entry_of(cache, !cache->young, key);
    return entry ? entry->row : NULL;
}

static struct row_cache_entry *entry_new(struct row_cache_generation *young, const struct row_key *key) {
    if (young->used == ROW_CACHE_ROWS) return NULL;
    struct row_cache_entry *entry = arena_alloc_unset(&young->arena, sizeof *entry + key->len);
    if (!entry) return NULL;
    *entry = (struct row_cache_entry){ .table = key->table, .len = key->len };
    memcpy(entry->key, key->bytes, key->len);
    return entry;
}

void row_cache_put(struct row_cache *cache, const struct row_key *key, const void *row) {
    struct row_cache_generation *young = &cache->generations[cache->young];
    struct row_cache_slot *slot = slot_of(young, key);
    struct row_cache_entry *entry = slot->entry ? slot->entry : entry_new(young, key);
    void *copy = entry ? table_copy_row(key->table, row, &young->arena) : NULL;
    if (!copy) {
        row_cache_forget(cache, key); /* what is there is no longer the committed one */
        return;
    }
    entry->row = copy;
    if (slot->entry) return;
    young->used++;
    *slot = (struct row_cache_slot){ .entry = entry, .hash = key->hash };
}

void row_cache_forget(struct row_cache *cache, const struct row_key *key) {
    for (int i = 0; i < (int)ARRAY_COUNT(cache->generations); i++) {
        struct row_cache_entry *entry = entry_of(cache, i, key);
        if (entry) entry->row = NULL;
    }
}

void row_cache_turn(struct row_cache *cache) {
    const struct row_cache_generation *young = &cache->generations[cache->young];
    if (young->used < ROW_CACHE_ROWS / 4 * 3 && young->arena.bytes_used < ROW_CACHE_BYTES / 4 * 3) return;
    cache->young = !cache->young;
    generation_clear(&cache->generations[cache->young]);
}

void row_cache_drop(struct row_cache *cache) {
    for (size_t i = 0; i < ARRAY_COUNT(cache->generations); i++) generation_clear(&cache->generations[i]);
}
