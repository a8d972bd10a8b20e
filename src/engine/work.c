#include "engine/work.h"

#include "platform/random.h"

enum { WORK_SLOTS_FIRST = 4096, WORK_NEEDS_MAX = 64 * 1024 };

int work_init(struct work *work) {
    *work = (struct work){ 0 };
    int r = arena_init(&work->arena, WORK_ARENA_BLOCK_BYTES, WORK_ARENA_BYTES_MAX);
    if (r) return err_trace(r);
    buffer_init_heap(&work->body, JOURNAL_BODY_BYTES_MAX);
    work->slot_count = WORK_SLOTS_FIRST;
    work->slots = calloc(work->slot_count, sizeof *work->slots);
    random_bytes(&work->ids.salt, sizeof work->ids.salt);
    if (work->slots) return 0;
    work_release(work);
    return err_origin(-ENOMEM);
}

void work_release(struct work *work) {
    arena_release(&work->arena);
    buffer_release(&work->body);
    free(work->slots);
    free(work->needs);
    free(work->followups);
    *work = (struct work){ 0 };
}

void work_begin(struct work *work, int64_t now_ms, int64_t seq) {
    arena_reset(&work->arena);
    buffer_reset(&work->body);
    memset(work->slots, 0, work->slot_count * sizeof *work->slots);
    work->slots_used = work->need_count = work->draft_count = work->dirty_count = 0;
    work->first_dirty = work->last_dirty = NULL;
    work->body_mark = work->followup_count = work->followup_mark = 0;
    memcpy(work->counters, work->counters_stored, sizeof work->counters);
    work->now_ms = now_ms > work->now_ms ? now_ms : work->now_ms;
    work->seq = seq;
    work->failed = work->full = false;
}

/* FNV-1a; the keys are ids and hashes, not under a caller's control beyond 128 bits. */
static uint32_t slot_hash(const struct table *table, uint8_t index, const uint8_t *key, size_t len) {
    uint32_t hash = 2166136261u ^ (uint32_t)((uintptr_t)table >> 4) ^ index;
    for (size_t i = 0; i < len; i++) hash = (hash ^ key[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static struct work_slot *slot_at(struct work *work, const struct table *table, uint8_t index, const uint8_t *key,
                                 size_t len) {
    uint32_t hash = slot_hash(table, index, key, len);
    for (size_t at = hash & (work->slot_count - 1);; at = (at + 1) & (work->slot_count - 1)) {
        struct work_slot *slot = &work->slots[at];
        if (!slot->table) {
            slot->hash = hash; /* kept only if the caller fills the slot */
            return slot;
        }
        if (slot->hash == hash && slot->table == table && slot->index == index && slot->key_bytes == len &&
            memcmp(slot->key, key, len) == 0)
            return slot;
    }
}

static bool slots_grow(struct work *work) {
    size_t old_count = work->slot_count;
    struct work_slot *old = work->slots, *slots = calloc(old_count * 2, sizeof *slots);
    if (!slots) return false;
    work->slots = slots;
    work->slot_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        if (!old[i].table) continue;
        *slot_at(work, old[i].table, old[i].index, old[i].key, old[i].key_bytes) = old[i];
    }
    free(old);
    return true;
}

static int slot_fill(struct work *work, const struct table *table, uint8_t index, const void *probe,
                     struct work_row *row) {
    uint8_t key[TABLE_KEY_BYTES_MAX];
    size_t len = table_key(table, index, probe, key);
    if (work->slots_used * 2 >= work->slot_count && !slots_grow(work)) return err_origin(-ENOMEM);
    struct work_slot *slot = slot_at(work, table, index, key, len);
    if (!slot->table) {
        struct str copy = arena_dup(&work->arena, str_from_bytes(key, len));
        if (!copy.at) return err_origin(-ENOMEM);
        uint32_t hash = slot->hash;
        *slot = (struct work_slot){
            .table = table, .index = index, .key_bytes = (uint16_t)len, .hash = hash, .key = (const uint8_t *)copy.at
        };
        work->slots_used++;
    }
    slot->row = row;
    return 0;
}

/* Enters a row under its primary and all unique keys. */
static int row_enter(struct work *work, struct work_row *row, const void *values) {
    for (uint8_t i = 0; i < row->table->index_count; i++) {
        if (!row->table->indexes[i].unique && i > 0) continue;
        int r = slot_fill(work, row->table, i, values, row);
        if (r) return err_trace(r);
    }
    return 0;
}

static struct work_slot *slot_find(struct work *work, const struct table *table, uint8_t index, const void *probe) {
    uint8_t key[TABLE_KEY_BYTES_MAX];
    size_t len = table_key(table, index, probe, key);
    struct work_slot *slot = slot_at(work, table, index, key, len);
    return slot->table ? slot : NULL;
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
        }
        r = probe->ret_row && !known ? row_enter(work, row, probe->ret_row)
                                     : slot_fill(work, probe->table, probe->index, probe->row, row);
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
    const struct work_slot *slot = slot_find(work, table, 0, values);
    struct work_row *row = slot ? slot->row : NULL;
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
