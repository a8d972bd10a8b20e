/* keyed_table.h - entries of one size, each beginning with its key of fixed length, found by hash.
 *
 * (K1) Entries stay in the order of their adding; none is removed.
 * (K2) A pointer to an entry is good until the next add. Not for keys that an enemy chooses (the hash has no
 *      secret): simulators meet their own bank only.
 * Not thread-safe. */
#ifndef GIRO_SIMULATORS_COMMON_KEYED_TABLE_H
#define GIRO_SIMULATORS_COMMON_KEYED_TABLE_H

#include "platform/base.h"

struct keyed_table {
    size_t key_bytes, entry_bytes, count_max;
    size_t count, capacity, slot_count;
    char *entries;
    uint32_t *slots; /* position + 1; 0 = free */
};

void keyed_table_init(struct keyed_table *table, size_t key_bytes, size_t entry_bytes, size_t count_max);
void keyed_table_release(struct keyed_table *table);
void *keyed_table_find(const struct keyed_table *table, const char *key); /* NULL when absent */
/* The entry of key, added zeroed when absent; NULL at count_max or without memory. */
void *keyed_table_add(struct keyed_table *table, const char *key) MUST_USE;
void *keyed_table_at(const struct keyed_table *table, size_t position); /* position < count */

#endif
