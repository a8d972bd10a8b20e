#include "simulators/common/keyed_table.h"

enum { FIRST_CAPACITY = 256 };

void keyed_table_init(struct keyed_table *table, size_t key_bytes, size_t entry_bytes, size_t count_max) {
    check(key_bytes > 0 && key_bytes <= entry_bytes && count_max < UINT32_MAX);
    *table = (struct keyed_table){ .key_bytes = key_bytes, .entry_bytes = entry_bytes, .count_max = count_max };
}

void keyed_table_release(struct keyed_table *table) {
    free(table->entries);
    free(table->slots);
    *table = (struct keyed_table){ 0 };
}

void *keyed_table_at(const struct keyed_table *table, size_t position) {
    check(position < table->count);
    return table->entries + position * table->entry_bytes;
}

/* FNV-1a, 64 bits */
static uint64_t key_hash(const char *key, size_t len) {
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)key[i]) * 0x100000001b3U;
    return hash ^ (hash >> 32);
}

/* The slot that holds key, or the free one where it belongs. There is always a free one. */
static uint32_t *key_slot(const struct keyed_table *table, const char *key) {
    size_t mask = table->slot_count - 1;
    for (size_t at = (size_t)key_hash(key, table->key_bytes) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &table->slots[at];
        if (*slot == 0 || memcmp(keyed_table_at(table, *slot - 1), key, table->key_bytes) == 0) return slot;
    }
}

void *keyed_table_find(const struct keyed_table *table, const char *key) {
    if (table->count == 0) return NULL;
    uint32_t position = *key_slot(table, key);
    return position ? keyed_table_at(table, position - 1) : NULL;
}

static bool grow(struct keyed_table *table) {
    size_t capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
    char *entries = realloc(table->entries, capacity * table->entry_bytes);
    if (!entries) return false;
    table->entries = entries;
    uint32_t *slots = calloc(capacity * 2, sizeof *slots);
    if (!slots) return false;
    free(table->slots);
    table->slots = slots;
    table->slot_count = capacity * 2; /* at most half full */
    table->capacity = capacity;
    for (size_t i = 0; i < table->count; i++) *key_slot(table, keyed_table_at(table, i)) = (uint32_t)(i + 1);
    return true;
}

void *keyed_table_add(struct keyed_table *table, const char *key) {
    void *found = keyed_table_find(table, key);
    if (found) return found;
    if (table->count == table->count_max || (table->count == table->capacity && !grow(table))) return NULL;
    uint32_t *slot = key_slot(table, key);
    *slot = (uint32_t)++table->count;
    char *entry = keyed_table_at(table, table->count - 1);
    memset(entry, 0, table->entry_bytes);
    memcpy(entry, key, table->key_bytes);
    return entry;
}
