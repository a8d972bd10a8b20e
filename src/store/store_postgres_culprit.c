/* store_postgres_culprit.c - which change of an undone batch was at fault.
 *
 * The server names a constraint, not a change. So every row that the batch could meet is loaded, by each unique index,
 * and the batch is played against them in order: the first insert of a key that is there, or change of a row that is
 * not, is the culprit. Only an undone batch pays for this. */
#include "store/store_postgres_int.h"

/* One key of one unique index: the position + 1 of the change that made it, or 0 for a loaded row. */
struct played_key {
    uint64_t hash;
    const struct table *table;
    uint8_t index;
    bool used, there;
    const void *row; /* whose key it is; while there: the row itself */
};
struct play {
    struct played_key *keys;
    size_t slots; /* a power of two, more than twice the keys */
};

static uint64_t bytes_hash(const uint8_t *bytes, size_t len, uint64_t hash) {
    for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

/* The slot of a key, made when it is new. */
static struct played_key *key_of(struct play *play, const struct table *table, uint8_t index, const void *row) {
    uint8_t bytes[TABLE_KEY_BYTES_MAX], other[TABLE_KEY_BYTES_MAX];
    size_t len = table_key(table, index, row, bytes);
    uint64_t hash = bytes_hash(bytes, len, (uint64_t)(uintptr_t)table * 31 + index);
    for (size_t at = hash & (play->slots - 1);; at = (at + 1) & (play->slots - 1)) {
        struct played_key *key = &play->keys[at];
        if (!key->used) {
            *key = (struct played_key){ .hash = hash, .table = table, .index = index, .used = true, .row = row };
            return key;
        }
        if (key->hash != hash || key->table != table || key->index != index) continue;
        if (table_key(table, index, key->row, other) == len && memcmp(bytes, other, len) == 0) return key;
    }
}

static void put_row(struct play *play, const struct table *table, const void *row, bool there) {
    for (uint8_t i = 0; i < table->index_count; i++) {
        if (!table->indexes[i].unique) continue;
        struct played_key *key = key_of(play, table, i, row);
        key->there = there;
        key->row = row;
    }
}

static bool can_insert(struct play *play, const struct table *table, const void *row) {
    for (uint8_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].unique && key_of(play, table, i, row)->there) return false;
    return true;
}

static bool unique_columns_same(const struct table *table, const void *a, const void *b) {
    uint8_t left[TABLE_KEY_BYTES_MAX], right[TABLE_KEY_BYTES_MAX];
    for (uint8_t i = 0; i < table->index_count; i++) {
        if (!table->indexes[i].unique) continue;
        size_t len = table_key(table, i, a, left);
        if (table_key(table, i, b, right) != len || memcmp(left, right, len) != 0) return false;
    }
    return true;
}

static bool play_change(struct play *play, const struct store_change *change) {
    const struct table *table = change->table;
    if (change->kind == STORE_INSERT) {
        if (!can_insert(play, table, change->row)) return false;
        put_row(play, table, change->row, true);
        return true;
    }
    const struct played_key *key = key_of(play, table, 0, change->row);
    if (!key->there) return false;
    if (change->kind == STORE_UPDATE) return unique_columns_same(table, key->row, change->row);
    put_row(play, table, key->row, false);
    return true;
}

/* Probes for every unique index of every change; ret_probes is allocated. */
static int probes_make(const struct store_change *changes, size_t count, struct store_probe **ret_probes,
                       size_t *ret_count) {
    size_t made = 0;
    struct store_probe *probes = calloc(count * TABLE_INDEXES_MAX, sizeof *probes);
    if (!probes) return err_origin(-ENOMEM);
    for (size_t i = 0; i < count; i++)
        for (uint8_t j = 0; j < changes[i].table->index_count; j++) {
            if (!changes[i].table->indexes[j].unique || (j && changes[i].kind != STORE_INSERT)) continue;
            probes[made++] = (struct store_probe){ .table = changes[i].table, .index = j, .row = changes[i].row };
        }
    *ret_probes = probes;
    *ret_count = made;
    return 0;
}

static long play_all(const struct store_change *changes, size_t count, const struct store_probe *probes,
                     size_t probe_count) {
    struct play play = { .slots = 1024 };
    while (play.slots < probe_count * TABLE_INDEXES_MAX * 2) play.slots *= 2;
    play.keys = calloc(play.slots, sizeof *play.keys);
    if (!play.keys) return -1;
    for (size_t i = 0; i < probe_count; i++)
        if (probes[i].ret_row) put_row(&play, probes[i].table, probes[i].ret_row, true);
    long culprit = -1;
    for (size_t i = 0; i < count && culprit < 0; i++)
        if (!play_change(&play, &changes[i])) culprit = (long)i;
    free(play.keys);
    return culprit;
}

long postgres_culprit(struct postgres_store *store, const struct store_change *changes, size_t count) {
    struct store_probe *probes;
    struct arena arena;
    size_t probe_count;
    long culprit = -1;
    if (probes_make(changes, count, &probes, &probe_count)) return -1;
    if (arena_init(&arena, 64 * 1024, (size_t)1024 * 1024 * 1024) == 0) {
        store->loading.arena = &arena;
        if (postgres_load(&store->writer, &store->loading, probes, probe_count, false) == 0)
            culprit = play_all(changes, count, probes, probe_count);
        arena_release(&arena);
    }
    free(probes);
    return culprit;
}
