#include "store/store_kept.h"

struct kept_row {
    const struct table *table; /* NULL: free */
    const void *row;           /* in the arena */
    const uint8_t *key;
    uint64_t number; /* of the snapshot in which it was read */
    uint32_t hash;
    uint16_t key_len;
    uint8_t index;
    uint32_t touched; /* its place in store_changes.touched */
};
struct kept_key {
    uint8_t bytes[TABLE_KEY_BYTES_MAX];
    size_t len;
    uint32_t hash;
};

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static void key_of(const struct table *table, uint8_t index, const void *row, struct kept_key *ret_key) {
    uint64_t hash = (uint64_t)(uintptr_t)table + index, word;
    const uint8_t *at = ret_key->bytes;
    size_t len = ret_key->len = table_key(table, index, row, ret_key->bytes);
    for (; len >= sizeof word; at += sizeof word, len -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = mix(hash, word);
    }
    word = len;
    if (len) memcpy(&word, at, len);
    hash = mix(hash, word);
    ret_key->hash = (uint32_t)(hash >> 32 ^ hash);
}

static uint32_t touched_at(const struct table *table, const void *row) {
    struct kept_key key;
    key_of(table, 0, row, &key);
    return key.hash % STORE_CHANGE_SLOTS;
}

/* ---- the writer's side ---- */

struct store_changes *store_changes_new(void) {
    return calloc(1, sizeof(struct store_changes));
}

/* An insert touches no row that could be kept (K3). */
void store_changes_begin(struct store_changes *changes, const struct store_change *rows, size_t count) {
    changes->begun++;
    for (size_t i = 0; i < count; i++)
        if (rows[i].kind != STORE_INSERT)
            atomic_store_explicit(&changes->touched[touched_at(rows[i].table, rows[i].row)], changes->begun,
                                  memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst); /* (K2) before the adapter shows anything */
}

void store_changes_end(struct store_changes *changes) {
    atomic_store(&changes->ended, changes->begun);
}

/* ---- a reader's side ---- */

int store_kept_new(const struct store_changes *changes, struct store_kept **ret_kept) {
    struct store_kept *kept = calloc(1, sizeof *kept);
    if (!kept) return err_origin(-ENOMEM);
    kept->changes = changes;
    kept->rows = calloc(KEPT_SLOTS, sizeof *kept->rows);
    if (!kept->rows || arena_init(&kept->arena, KEPT_BYTES, KEPT_BYTES)) {
        (void)store_kept_free(kept);
        return err_origin(-ENOMEM);
    }
    *ret_kept = kept;
    return 0;
}

struct store_kept *store_kept_free(struct store_kept *kept) {
    if (!kept) return NULL;
    arena_release(&kept->arena);
    free(kept->rows);
    free(kept);
    return NULL;
}

bool store_kept_is_current(const struct store_kept *kept) {
    return kept->holds && kept->number == atomic_load(&kept->changes->ended) &&
           kept->turns == atomic_load_explicit(&kept->changes->turns, memory_order_relaxed);
}

void store_kept_take(struct store_kept *kept) {
    kept->spoiled = false;
    kept->turns = atomic_load(&kept->changes->turns);
    kept->number = atomic_load(&kept->changes->ended);
}

/* The row's place, or the free one where it belongs; there always is one. */
static struct kept_row *place_of(const struct store_kept *kept, const struct store_probe *probe,
                                 const struct kept_key *key) {
    for (size_t at = key->hash % KEPT_SLOTS;; at = (at + 1) % KEPT_SLOTS) {
        struct kept_row *place = &kept->rows[at];
        if (!place->table) return place;
        if (place->hash == key->hash && place->table == probe->table && place->index == probe->index &&
            place->key_len == key->len && memcmp(place->key, key->bytes, key->len) == 0)
            return place;
    }
}

void *store_kept_find(const struct store_kept *kept, const struct store_probe *probe, struct arena *arena) {
    struct kept_key key;
    key_of(probe->table, probe->index, probe->row, &key);
    const struct kept_row *place = place_of(kept, probe, &key);
    if (!place->table) return NULL;
    uint64_t touched = atomic_load_explicit(&kept->changes->touched[place->touched], memory_order_acquire);
    return touched <= place->number ? table_copy_row(place->table, place->row, arena) : NULL;
}

static void forget_all(struct store_kept *kept) {
    memset(kept->rows, 0, KEPT_SLOTS * sizeof *kept->rows);
    arena_reset(&kept->arena);
    kept->count = 0;
}

void store_kept_put(struct store_kept *kept, const struct store_probe *probe) {
    struct kept_key key;
    if (!probe->ret_row) return;
    if (kept->count == KEPT_ROWS_MAX) forget_all(kept);
    key_of(probe->table, probe->index, probe->row, &key);
    const void *row = table_copy_row(probe->table, probe->ret_row, &kept->arena);
    struct str bytes = row ? arena_dup(&kept->arena, str_from_bytes(key.bytes, key.len)) : (struct str){ 0 };
    if (!bytes.at) {
        forget_all(kept); /* the next one fits */
        return;
    }
    struct kept_row *place = place_of(kept, probe, &key);
    if (!place->table) kept->count++;
    *place = (struct kept_row){ .table = probe->table,
                                .row = row,
                                .key = (const uint8_t *)bytes.at,
                                .number = kept->number,
                                .hash = key.hash,
                                .key_len = (uint16_t)key.len,
                                .index = probe->index,
                                .touched = touched_at(probe->table, row) };
}
