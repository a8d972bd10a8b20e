#include "engine/work.h"

#include "platform/random.h"

enum { WORK_SLOTS_FIRST = 4096, WORK_NEEDS_MAX = 64 * 1024 };

static int slots_make(struct work *work, size_t count) {
    struct work_slot *slots = calloc(count, sizeof *slots);
    uint32_t *used = calloc(count / 2 + 1, sizeof *used);
    if (slots && used) {
        work->slots = slots;
        work->used = used;
        work->slot_count = count;
        work->slots_used = 0;
        return 0;
    }
    free(slots);
    free(used);
    return err_origin(-ENOMEM);
}

int work_init(struct work *work) {
    *work = (struct work){ 0 };
    int r = arena_init(&work->arena, WORK_ARENA_BLOCK_BYTES, WORK_ARENA_BYTES_MAX);
    if (r) return err_trace(r);
    buffer_init_heap(&work->body, JOURNAL_BODY_BYTES_MAX);
    random_bytes(&work->ids.salt, sizeof work->ids.salt);
    r = row_cache_init(&work->cache);
    if (!r) r = slots_make(work, WORK_SLOTS_FIRST);
    if (r) work_release(work);
    return err_trace(r);
}

void work_release(struct work *work) {
    arena_release(&work->arena);
    buffer_release(&work->body);
    row_cache_release(&work->cache);
    free(work->slots);
    free(work->used);
    free(work->needs);
    free(work->followups);
    *work = (struct work){ 0 };
}

static void slots_clear(struct work *work) {
    if (work->slots_used > work->slot_count / 8) memset(work->slots, 0, work->slot_count * sizeof *work->slots);
    else
        for (size_t i = 0; i < work->slots_used; i++) work->slots[work->used[i]] = (struct work_slot){ 0 };
    work->slots_used = 0;
}

void work_begin(struct work *work, int64_t now_ms, int64_t seq) {
    arena_reset(&work->arena);
    buffer_reset(&work->body);
    slots_clear(work);
    work->need_count = work->draft_count = work->dirty_count = 0;
    work->first_dirty = work->last_dirty = work->first_fresh = NULL;
    work->body_mark = work->followup_count = work->followup_mark = 0;
    memcpy(work->counters, work->counters_stored, sizeof work->counters);
    work->now_ms = now_ms > work->now_ms ? now_ms : work->now_ms;
    work->seq = seq;
    work->failed = work->full = false;
}

/* The canonical bytes of one of a row's keys, with their hash. */
struct key_bytes {
    struct row_key key;
    uint8_t index;
    uint8_t bytes[TABLE_KEY_BYTES_MAX];
};

static void key_make(struct key_bytes *ret_key, const struct table *table, uint8_t index, const void *values) {
    size_t len = table_key(table, index, values, ret_key->bytes);
    ret_key->index = index;
    ret_key->key = (struct row_key){ .table = table,
                                     .hash = row_key_hash(table, index, ret_key->bytes, len),
                                     .len = (uint16_t)len,
                                     .bytes = ret_key->bytes };
}

static struct work_slot *slot_at(struct work *work, const struct row_key *key, uint8_t index) {
    for (size_t at = key->hash & (work->slot_count - 1);; at = (at + 1) & (work->slot_count - 1)) {
        struct work_slot *slot = &work->slots[at];
        if (!slot->table || (slot->hash == key->hash && slot->table == key->table && slot->index == index &&
                             slot->key_bytes == key->len && memcmp(slot->key, key->bytes, key->len) == 0))
            return slot;
    }
}

static void slot_take(struct work *work, struct work_slot *slot, const struct work_slot *values) {
    *slot = *values;
    work->used[work->slots_used++] = (uint32_t)(slot - work->slots);
}

static int slots_grow(struct work *work) {
    size_t old_count = work->slot_count;
    struct work_slot *old = work->slots;
    uint32_t *used = work->used;
    int r = slots_make(work, old_count * 2);
    if (r) return err_trace(r);
    for (size_t i = 0; i < old_count; i++) {
        if (!old[i].table) continue;
        struct row_key key = {
            .table = old[i].table, .hash = old[i].hash, .len = old[i].key_bytes, .bytes = old[i].key
        };
        slot_take(work, slot_at(work, &key, old[i].index), &old[i]);
    }
    free(old);
    free(used);
    return 0;
}

static int slot_fill(struct work *work, const struct key_bytes *bytes, struct work_row *row) {
    const struct row_key *key = &bytes->key;
    int r = work->slots_used * 2 >= work->slot_count ? slots_grow(work) : 0;
    if (r) return err_trace(r);
    struct work_slot *slot = slot_at(work, key, bytes->index);
    if (!slot->table) {
        struct str copy = arena_dup(&work->arena, str_from_bytes(key->bytes, key->len));
        if (!copy.at) return err_origin(-ENOMEM);
        struct work_slot values = { .table = key->table,
                                    .index = bytes->index,
                                    .key_bytes = key->len,
                                    .hash = key->hash,
                                    .key = (const uint8_t *)copy.at };
        slot_take(work, slot, &values);
    }
    slot->row = row;
    if (row && bytes->index == 0) {
        row->key = *key;
        row->key.bytes = slot->key;
    }
    return 0;
}

/* Enters a row under its primary and all unique keys. */
static int row_enter(struct work *work, struct work_row *row, const void *values) {
    struct key_bytes key;
    for (uint8_t i = 0; i < row->table->index_count; i++) {
        if (!row->table->indexes[i].unique && i > 0) continue;
        key_make(&key, row->table, i, values);
        int r = slot_fill(work, &key, row);
        if (r) return err_trace(r);
    }
    return 0;
}

/* The row of a primary key that the cache holds enters the set, as if it had been loaded; false when it does not. */
static bool cache_enter(struct work *work, const struct key_bytes *key) {
    bool old;
    if (key->index != 0 || !row_cache_keeps(key->key.table)) return false;
    void *found = row_cache_find(&work->cache, &key->key, &old);
    struct work_row *row = found ? arena_new(&work->arena, struct work_row) : NULL;
    if (!row) return false;
    *row = (struct work_row){ .table = key->key.table, .base = found, .stored = found };
    if (row_enter(work, row, found)) return false; /* no memory: the load will say so */
    if (old) {
        row->next_fresh = work->first_fresh;
        work->first_fresh = row;
    }
    return true;
}

static struct work_slot *slot_find(struct work *work, const struct table *table, uint8_t index, const void *probe) {
    struct key_bytes key;
    key_make(&key, table, index, probe);
    struct work_slot *slot = slot_at(work, &key.key, index);
    if (slot->table) return slot;
    return cache_enter(work, &key) ? slot_at(work, &key.key, index) : NULL;
}

static void row_keep(struct work *work, const struct work_row *row) {
    if (!row_cache_keeps(row->table)) return;
    if (row->base) row_cache_put(&work->cache, &row->key, row->base);
    else if (row->stored) row_cache_forget(&work->cache, &row->key);
}

void work_keep(struct work *work) {
    for (const struct work_row *row = work->first_dirty; row; row = row->next_dirty) row_keep(work, row);
    for (const struct work_row *row = work->first_fresh; row; row = row->next_fresh)
        if (!row->dirty) row_keep(work, row);
}

void work_turn(struct work *work) {
    row_cache_turn(&work->cache);
}

void work_forget(struct work *work) {
    row_cache_drop(&work->cache);
}

static void need(struct work *work, const struct table *table, uint8_t index, const void *probe) {
    if (work->need_count == work->need_capacity) {
        size_t capacity = work->need_capacity ? work->need_capacity * 2 : 256;
        struct store_probe *needs = capacity > WORK_NEEDS_MAX ? NULL : realloc(work->needs, capacity * sizeof *needs);
        if (!needs) {
            work->failed = true;
            return;
        }
        work->needs = needs;
        work->need_capacity = capacity;
    }
    void *copy = table_copy_row(table, probe, &work->arena);
    if (!copy) work->failed = true;
    else work->needs[work->need_count++] = (struct store_probe){ .table = table, .index = index, .row = copy };
}

void work_want(struct work *work, const struct table *table, uint8_t index, const void *probe) {
    check(index == 0 || (index < table->index_count && table->indexes[index].unique));
    if (!slot_find(work, table, index, probe)) need(work, table, index, probe);
}

int work_load(struct work *work, struct store *store) {
    if (work->failed) return err_origin(-ENOMEM);
    int r = work->need_count ? store_load(store, work->needs, work->need_count, &work->arena) : 0;
    if (r) return err_trace(r); /* STORE_E_AWAY, _FENCED */
    for (size_t i = 0; i < work->need_count; i++) {
        const struct store_probe *probe = &work->needs[i];
        if (slot_find(work, probe->table, probe->index, probe->row)) continue; /* wanted twice */
        const struct work_slot *known = probe->ret_row ? slot_find(work, probe->table, 0, probe->ret_row) : NULL;
        struct work_row *row = known ? known->row : NULL;
        if (!row && (probe->ret_row || probe->index == 0)) {
            row = arena_new(&work->arena, struct work_row);
            if (!row) return err_origin(-ENOMEM);
            *row = (struct work_row){ .table = probe->table, .base = probe->ret_row, .stored = probe->ret_row };
            row->next_fresh = work->first_fresh;
            work->first_fresh = row;
        }
        struct key_bytes key;
        key_make(&key, probe->table, probe->index, probe->row);
        r = probe->ret_row && !known ? row_enter(work, row, probe->ret_row) : slot_fill(work, &key, row);
        if (r) return err_trace(r);
    }
    work->need_count = 0;
    return 0;
}

void work_command_begin(struct work *work, const struct command_kind *kind) {
    check(kind->rows_max <= ENGINE_BULK_ROWS_MAX);
    work->draft_count = 0;
    work->swept_day = 0;
    work->draft_max = kind->rows_max ? kind->rows_max : ENGINE_ROWS_MAX;
    work->body_mark = work->body.len;
    work->followup_mark = work->followup_count;
}

static void dirty_add(struct work *work, struct work_row *row) {
    if (row->dirty) return;
    row->dirty = true;
    row->next_dirty = NULL;
    if (work->last_dirty) work->last_dirty->next_dirty = row;
    else work->first_dirty = row;
    work->last_dirty = row;
    work->dirty_count++;
}

int work_command_accept(struct work *work) {
    if (work->failed || work->body.overflow) {
        work_command_drop(work);
        return err_origin(-ENOMEM);
    }
    for (size_t i = 0; i < work->draft_count; i++) {
        struct work_row *row = work->drafts[i];
        row->base = row->draft;
        row->draft = NULL;
        row->drafted = false;
        dirty_add(work, row);
    }
    work->draft_count = 0;
    if (work->swept_day) work->counters[COUNTER_SWEPT_DAY] = work->swept_day;
    return 0;
}

void work_command_drop(struct work *work) {
    for (size_t i = 0; i < work->draft_count; i++) {
        work->drafts[i]->draft = NULL;
        work->drafts[i]->drafted = false;
    }
    work->draft_count = 0;
    work->body.len = work->body_mark;
    work->body.overflow = false;
    work->followup_count = work->followup_mark;
    work->failed = false;
}

void work_swept_day(struct work *work, int64_t day) {
    work->swept_day = day;
}

struct view view_of(struct work *work, const char *service) {
    return (struct view){ .work = work, .service = service };
}

static void view_check(const struct view *view, const struct table *table) {
    check(strcmp(view->service, table->service) == 0); /* D2 */
}

int view_find(const struct view *view, const struct table *table, uint8_t index, const void *probe,
              const void **ret_row) {
    view_check(view, table);
    check(index == 0 || (index < table->index_count && table->indexes[index].unique));
    const struct work_slot *slot = slot_find(view->work, table, index, probe);
    if (!slot) {
        need(view->work, table, index, probe);
        return VIEW_NEED;
    }
    const struct work_row *row = slot->row;
    *ret_row = !row ? NULL : row->drafted ? row->draft : row->base;
    return 0;
}

int view_get(const struct view *view, const struct table *table, const void *probe, const void **ret_row) {
    return view_find(view, table, 0, probe, ret_row);
}

/* Makes copy the draft of row for the current command; copy NULL means deleted. */
static int draft(struct work *work, struct work_row *row, void *copy) {
    if (!row->drafted) {
        if (work->draft_count == work->draft_max) return err_origin(-E2BIG);
        work->drafts[work->draft_count++] = row;
    }
    row->drafted = true;
    row->draft = copy;
    return 0;
}

static int copy_row(struct work *work, const struct table *table, const void *row, void **ret_copy) {
    int r = table_row_check(table, row);
    if (r) return err_trace(r);
    *ret_copy = table_copy_row(table, row, &work->arena);
    return *ret_copy ? 0 : err_origin(-ENOMEM);
}

int view_insert(const struct view *view, const struct table *table, const void *values) {
    view_check(view, table);
    struct work *work = view->work;
    void *copy;
    int r = copy_row(work, table, values, &copy);
    if (r) return err_trace(r);
    struct key_bytes key;
    key_make(&key, table, 0, values);
    const struct work_slot *slot = slot_at(work, &key.key, 0); /* what the set has not seen, the store judges */
    struct work_row *row = slot->table ? slot->row : NULL;
    if (row && (row->drafted ? row->draft : row->base)) return err_origin(-EEXIST);
    if (!row) {
        row = arena_new(&work->arena, struct work_row);
        if (!row) return err_origin(-ENOMEM);
        row->table = table;
    }
    r = row_enter(work, row, copy);
    return r ? err_trace(r) : draft(work, row, copy);
}

static struct work_row *row_known(const struct view *view, const struct table *table, const void *values) {
    view_check(view, table);
    check(!table->append_only);
    const struct work_slot *slot = slot_find(view->work, table, 0, values);
    check(slot && slot->row && (slot->row->drafted ? slot->row->draft : slot->row->base)); /* got before */
    return slot->row;
}

int view_update(const struct view *view, const struct table *table, const void *values) {
    struct work_row *row = row_known(view, table, values);
    void *copy;
    int r = copy_row(view->work, table, values, &copy);
    return r ? err_trace(r) : draft(view->work, row, copy);
}

int view_delete(const struct view *view, const struct table *table, const void *values) {
    return draft(view->work, row_known(view, table, values), NULL);
}

int64_t view_now_ms(const struct view *view) {
    return view->work->now_ms;
}

int64_t view_batch_seq(const struct view *view) {
    return view->work->seq;
}

void view_new_id(const struct view *view, uint8_t ret_id[16]) {
    id_sequence_next(&view->work->ids, view->work->now_ms, ret_id);
    memcpy(view->work->last_id, ret_id, 16);
}

int64_t view_next_number(const struct view *view, enum counter counter) {
    check(counter < COUNTER_SWEPT_DAY);
    return ++view->work->counters[counter];
}

struct arena *view_arena(const struct view *view) {
    return &view->work->arena;
}

int view_event(const struct view *view, const struct event *event) {
    struct event full = *event;
    char memory[4096];
    struct buffer json;
    check(strcmp(view->service, event_type_service(event->type)) == 0);
    view_new_id(view, full.id.bytes);
    full.time_ms = view->work->now_ms;
    buffer_init(&json, memory, sizeof memory);
    view->work->encode_event(&json, &full);
    if (json.overflow) return err_origin(-EMSGSIZE);
    journal_frame_write(&view->work->body, JOURNAL_EVENT, buffer_str(&json));
    return 0;
}

int work_history(struct work *work, struct str json) {
    if (json.len > JOURNAL_FRAME_BYTES_MAX) return err_origin(-EMSGSIZE);
    journal_frame_write(&work->body, JOURNAL_HISTORY, json);
    return 0;
}

int work_followup(struct work *work, const struct followup *followup) {
    if (work->followup_count - work->followup_mark == WORK_FOLLOWUPS_MAX) return err_origin(-E2BIG);
    if (work->followup_count == work->followup_capacity) {
        size_t capacity = work->followup_capacity ? work->followup_capacity * 2 : 256;
        struct followup *followups = realloc(work->followups, capacity * sizeof *followups);
        if (!followups) return err_origin(-ENOMEM);
        work->followups = followups;
        work->followup_capacity = capacity;
    }
    work->followups[work->followup_count++] = *followup;
    return 0;
}
