#include "engine/work.h"

#include "platform/random.h"

enum { WORK_PLACES_FIRST = 8192, WORK_NEEDS_MAX = 64 * 1024 };

static_assert(sizeof(struct work_slot) == 64, "a slot is one line");

/* Room for slots up to half of the places, in place of what is there; the slots are taken over. */
static int slots_make(struct work *work, size_t place_count) {
    size_t slot_count = place_count / 2;
    struct work_place *places = calloc(place_count, sizeof *places);
    struct work_slot *slots = aligned_alloc(sizeof *slots, slot_count * sizeof *slots);
    if (!places || !slots) {
        free(places);
        free(slots);
        return err_origin(-ENOMEM);
    }
    if (work->slots) memcpy(slots, work->slots, (work->slots_used + 1) * sizeof *slots);
    free(work->places);
    free(work->slots);
    work->places = places;
    work->slots = slots;
    work->place_count = place_count;
    return 0;
}

int work_common_init(struct work_common *common) {
    *common = (struct work_common){ 0 };
    random_bytes(&common->ids.salt, sizeof common->ids.salt);
    return err_trace(row_cache_init(&common->cache));
}

void work_common_release(struct work_common *common) {
    row_cache_release(&common->cache);
}

int work_init(struct work *work, struct work_common *common) {
    *work = (struct work){ .common = common };
    int r = arena_init(&work->arena, WORK_ARENA_BLOCK_BYTES, WORK_ARENA_BYTES_MAX);
    if (r) return err_trace(r);
    buffer_init_heap(&work->body, JOURNAL_BODY_BYTES_MAX);
    r = slots_make(work, WORK_PLACES_FIRST);
    if (r) work_release(work);
    return err_trace(r);
}

void work_release(struct work *work) {
    arena_release(&work->arena);
    buffer_release(&work->body);
    free(work->places);
    free(work->slots);
    free(work->needs);
    free(work->followups);
    *work = (struct work){ 0 };
}

static void slots_clear(struct work *work) {
    if (work->slots_used > work->place_count / 16) memset(work->places, 0, work->place_count * sizeof *work->places);
    else /* costs what was used */
        for (size_t i = 1; i <= work->slots_used; i++) work->places[work->slots[i].place] = (struct work_place){ 0 };
    work->slots_used = 0;
}

void work_begin(struct work *work, const struct work_ground *ground) {
    arena_reset(&work->arena);
    buffer_reset(&work->body);
    slots_clear(work);
    work->need_count = work->draft_count = work->dirty_count = 0;
    work->first_dirty = work->last_dirty = work->first_fresh = NULL;
    work->body_mark = work->followup_count = work->followup_mark = 0;
    memcpy(work->counters_stored, ground->counters, sizeof work->counters_stored);
    memcpy(work->counters, ground->counters, sizeof work->counters);
    work->before = ground->before;
    work->now_ms = ground->now_ms;
    work->seq = ground->seq;
    work->failed = work->full = false;
}

/* The canonical bytes of one of a row's keys, with their hash. */
struct key_bytes {
    struct row_key key;
    uint8_t index;
    size_t place; /* of the set that was looked at last */
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

static const uint8_t *slot_key(const struct work_slot *slot) {
    const uint8_t *key;
    if (slot->key_bytes <= WORK_KEY_BYTES) return slot->key;
    memcpy(&key, slot->key, sizeof key);
    return key;
}

/* NULL: nothing is known of the key; bytes->place is where it would go. */
static struct work_slot *slot_at(const struct work *work, struct key_bytes *bytes) {
    const struct row_key *key = &bytes->key;
    for (size_t at = key->hash & (work->place_count - 1);; at = (at + 1) & (work->place_count - 1)) {
        const struct work_place *place = &work->places[at];
        struct work_slot *slot = &work->slots[place->slot];
        bytes->place = at;
        if (!place->slot) return NULL;
        if (place->hash == key->hash && slot->table == key->table && slot->index == bytes->index &&
            slot->key_bytes == key->len && memcmp(slot_key(slot), key->bytes, key->len) == 0)
            return slot;
    }
}

/* The slot says what is there, or that nothing is (W6). */
static bool slot_is_sure(const struct work_slot *slot) {
    return slot && !(slot->guessed && slot->row && !slot->row->drafted && !slot->row->dirty);
}

static int slots_grow(struct work *work) {
    int r = slots_make(work, work->place_count * 2);
    if (r) return err_trace(r);
    for (size_t i = 1; i <= work->slots_used; i++) {
        size_t at = work->slots[i].hash & (work->place_count - 1);
        while (work->places[at].slot) at = (at + 1) & (work->place_count - 1);
        work->places[at] = (struct work_place){ .hash = work->slots[i].hash, .slot = (uint32_t)i };
        work->slots[i].place = (uint32_t)at;
    }
    return 0;
}

/* A slot of its own for a key of which slot_at has just found nothing. NULL: no memory. */
static struct work_slot *slot_new(struct work *work, struct key_bytes *bytes) {
    const struct row_key *key = &bytes->key;
    if (work->slots_used + 2 >= work->place_count / 2) {
        if (slots_grow(work)) return NULL;
        check(!slot_at(work, bytes));
    }
    struct work_slot *slot = &work->slots[work->slots_used + 1];
    *slot = (struct work_slot){ .table = key->table,
                                .hash = key->hash,
                                .place = (uint32_t)bytes->place,
                                .key_bytes = key->len,
                                .index = bytes->index };
    if (key->len <= WORK_KEY_BYTES) {
        memcpy(slot->key, key->bytes, key->len);
    } else {
        uint8_t *copy = arena_alloc_unset(&work->arena, key->len);
        if (!copy) return NULL;
        memcpy(copy, key->bytes, key->len);
        memcpy(slot->key, &copy, sizeof copy);
    }
    work->slots_used++;
    work->places[bytes->place] = (struct work_place){ .hash = key->hash, .slot = (uint32_t)work->slots_used };
    return slot;
}

/* What a slot, NULL for none, says from now on of its key; slot_at has just found it. */
static int slot_set(struct work *work, struct work_slot *slot, struct key_bytes *bytes, struct work_row *row) {
    if (!slot) slot = slot_new(work, bytes);
    if (!slot) return err_origin(-ENOMEM);
    slot->row = row;
    slot->guessed = false;
    if (row && bytes->index == 0) row->slot = (uint32_t)(slot - work->slots);
    return 0;
}

static int slot_fill(struct work *work, struct key_bytes *bytes, struct work_row *row) {
    return err_trace(slot_set(work, slot_at(work, bytes), bytes, row));
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

/* A row that is known without a load enters the set as if it had been loaded; row NULL: known to be absent. */
static bool row_bring(struct work *work, struct key_bytes *key, void *values, struct work_row **ret_row) {
    struct work_row *row = arena_new(&work->arena, struct work_row);
    if (!row) return false; /* no memory: the load will say so */
    *row = (struct work_row){ .table = key->key.table, .base = values, .stored = values };
    *ret_row = row;
    return values ? !row_enter(work, row, values) : !slot_fill(work, key, row);
}

static bool cache_enter(struct work *work, struct key_bytes *key) {
    bool old;
    struct work_row *row;
    if (key->index != 0 || !row_cache_keeps(key->key.table)) return false;
    void *found = row_cache_find(&work->common->cache, &key->key, &old);
    if (found && old) found = table_copy_row(key->key.table, found, &work->arena); /* it may be gone before this set */
    if (!found || !row_bring(work, key, found, &row)) return false;
    if (old) {
        row->next_fresh = work->first_fresh;
        work->first_fresh = row;
    }
    return true;
}

/* What the batch in flight knows of the key: W5. */
static bool before_enter(struct work *work, struct key_bytes *key) {
    const struct work_slot *slot = work->before ? slot_at(work->before, key) : NULL;
    struct work_row *row;
    if (!slot_is_sure(slot)) return false;
    const void *values = slot->row ? slot->row->base : NULL;
    if (!values && key->index != 0) return !slot_fill(work, key, NULL);
    void *copy = values ? table_copy_row(key->key.table, values, &work->arena) : NULL;
    if (values && !copy) return false;
    return row_bring(work, key, copy, &row);
}

static struct work_slot *slot_find(struct work *work, const struct table *table, uint8_t index, const void *probe) {
    struct key_bytes key;
    key_make(&key, table, index, probe);
    struct work_slot *slot = slot_at(work, &key);
    if (slot_is_sure(slot)) return slot;
    return before_enter(work, &key) || cache_enter(work, &key) ? slot_at(work, &key) : NULL;
}

static void row_keep(struct work *work, const struct work_row *row) {
    if (!row_cache_keeps(row->table) || (!row->base && !row->stored)) return;
    const struct work_slot *slot = &work->slots[row->slot];
    struct row_key key = { .table = row->table, .hash = slot->hash, .len = slot->key_bytes, .bytes = slot_key(slot) };
    if (row->base) row_cache_put(&work->common->cache, &key, row->base);
    else row_cache_forget(&work->common->cache, &key);
}

void work_keep(struct work *work) {
    for (const struct work_row *row = work->first_dirty; row; row = row->next_dirty) row_keep(work, row);
    for (const struct work_row *row = work->first_fresh; row; row = row->next_fresh)
        if (!row->dirty) row_keep(work, row);
    row_cache_turn(&work->common->cache);
}

void work_forget(struct work *work) {
    row_cache_drop(&work->common->cache);
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

/* What the load found, or did not find, enters the set. */
static int needs_enter(struct work *work) {
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
        int r = probe->ret_row && !known ? row_enter(work, row, probe->ret_row) : slot_fill(work, &key, row);
        if (r) return err_trace(r);
    }
    work->need_count = 0;
    return 0;
}

int work_load(struct work *work, struct store *store) {
    if (work->failed) return err_origin(-ENOMEM);
    int r = work->need_count ? store_load(store, work->needs, work->need_count, &work->arena) : 0;
    return r ? err_trace(r) : err_trace(needs_enter(work)); /* STORE_E_AWAY, _FENCED */
}

int work_load_beside(struct work *work, struct store_reader *reader, const struct store_probe *witness,
                     const void **ret_witness) {
    if (!work->failed) need(work, witness->table, witness->index, witness->row);
    if (work->failed) return err_origin(-ENOMEM);
    int r = store_read(reader, work->needs, work->need_count, &work->arena);
    if (r) return err_trace(r);
    *ret_witness = work->needs[--work->need_count].ret_row;
    return err_trace(needs_enter(work));
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
    check(view->service == table->service || strcmp(view->service, table->service) == 0); /* D2 */
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

static const void *row_now(const struct work_row *row) {
    return row->drafted ? row->draft : row->base;
}

/* Enters a row that is being made under one of its keys; -EEXIST when another that is there has it. What was known of a
 * key stays known when the row comes to nothing: that it was free. */
static int guess_enter(struct work *work, struct work_slot *slot, struct key_bytes *key, struct work_row *row) {
    const struct work_row *other = slot && slot->row != row ? slot->row : NULL;
    if (other && row_now(other)) return err_origin(-EEXIST);
    bool guessed = !slot || slot->guessed || (other && other->base); /* the last: only drafted as deleted */
    int r = slot_set(work, slot, key, row);
    if (r) return err_trace(r);
    if (slot) slot->guessed = guessed;
    else work->slots[work->slots_used].guessed = guessed;
    return 0;
}

int view_insert(const struct view *view, const struct table *table, const void *values) {
    view_check(view, table);
    struct work *work = view->work;
    struct key_bytes key;
    void *copy;
    int r = copy_row(work, table, values, &copy);
    if (r) return err_trace(r);
    key_make(&key, table, 0, values);
    struct work_slot *slot = slot_at(work, &key); /* what the set has not seen, the store judges */
    struct work_row *row = slot ? slot->row : NULL;
    if (row && row_now(row)) return err_origin(-EEXIST);
    if (!row) {
        row = arena_new(&work->arena, struct work_row);
        if (!row) return err_origin(-ENOMEM);
        row->table = table;
    }
    r = guess_enter(work, slot, &key, row);
    for (uint8_t i = 1; !r && i < table->index_count; i++) {
        if (!table->indexes[i].unique) continue;
        key_make(&key, table, i, values);
        r = guess_enter(work, slot_at(work, &key), &key, row);
    }
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
    struct work_common *common = view->work->common;
    id_sequence_next(&common->ids, view->work->now_ms, ret_id);
    memcpy(common->last_id, ret_id, 16);
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
