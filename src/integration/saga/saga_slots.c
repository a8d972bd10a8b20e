#include "integration/saga/saga_int.h"

/* The slots of a running saga: reading, writing, copying. */

struct str text_cut(struct str text, size_t bytes_max) {
    size_t len = text.len;
    if (len > bytes_max) {
        len = bytes_max;
        while (len && ((unsigned char)text.at[len] & 0xc0) == 0x80) len--;
    }
    return str_slice(text, 0, len);
}

struct saga_value slot_value(const struct saga_state *state, int slot) {
    if (slot < 0) return (struct saga_value){ .type = SAGA_ABSENT };
    const struct saga_slot *at = &state->slots[slot];
    return (struct saga_value){ .type = (enum saga_type)at->type,
                                .number = at->number,
                                .text = str_from_bytes(at->text, at->text_bytes) };
}

void slot_set(struct saga_slot *slot, const struct saga_value *value) {
    check(value->type != SAGA_STRING || value->text.len <= SAGA_STRING_BYTES_MAX);
    size_t len = value->type == SAGA_STRING ? value->text.len : 0;
    slot->type = (uint8_t)value->type;
    slot->number = value->type == SAGA_STRING ? 0 : value->number;
    slot->text_bytes = (uint16_t)len;
    if (len) memcpy(slot->text, value->text.at, len);
}

bool slots_present(const struct saga_state *state, uint64_t mask) {
    for (size_t i = 0; mask; i++, mask >>= 1)
        if ((mask & 1) && state->slots[i].type != SAGA_ABSENT) return true;
    return false;
}

static void slots_clear(struct saga_state *state, uint64_t mask) {
    static const struct saga_value absent = { .type = SAGA_ABSENT };
    for (size_t i = 0; mask; i++, mask >>= 1)
        if (mask & 1) slot_set(&state->slots[i], &absent);
}

static bool reads_slots(const struct saga_write *write) {
    for (uint16_t i = 0; i < write->move_count; i++)
        if (write->moves[i].from.kind == SAGA_SOURCE_SLOT) return true;
    return false;
}

/* Moves from slots to slots: every source is read before any target is written. */
static void shuffle(struct saga_state *state, const struct saga_write *write) {
    struct saga_slot kept[SAGA_SLOTS_MAX];
    for (uint16_t i = 0; i < write->move_count; i++)
        if (write->moves[i].from.kind == SAGA_SOURCE_SLOT)
            kept[write->moves[i].from.index] = state->slots[write->moves[i].from.index];
    slots_clear(state, write->clear);
    for (uint16_t i = 0; i < write->move_count; i++) {
        const struct saga_move *move = &write->moves[i];
        if (move->from.kind == SAGA_SOURCE_SLOT) state->slots[move->to] = kept[move->from.index];
        else if (move->from.kind == SAGA_SOURCE_CONSTANT) slot_set(&state->slots[move->to], move->from.constant);
    }
}

bool write_apply(struct saga_state *state, const struct saga_write *write, const struct saga_value *results) {
    if (slots_present(state, write->blockers)) return false;
    if (reads_slots(write)) {
        shuffle(state, write);
        return true;
    }
    slots_clear(state, write->clear);
    for (uint16_t i = 0; i < write->move_count; i++) {
        const struct saga_move *move = &write->moves[i];
        slot_set(&state->slots[move->to],
                 move->from.kind == SAGA_SOURCE_CONSTANT ? move->from.constant : &results[move->from.index]);
    }
    return true;
}

bool needs_met(const struct saga_state *state, const struct saga_needs *needs) {
    for (uint16_t i = 0; i < needs->count; i++)
        if (!slots_present(state, needs->masks[i])) return false;
    return true;
}

void saga_state_copy(const struct saga_def *def, struct saga_state *ret_state, const struct saga_state *state) {
    memcpy(ret_state, state, offsetof(struct saga_state, slots) + def->slot_count * sizeof state->slots[0]);
}

/* Does a state read an object as a whole in which name lies? The document itself does not count. */
static bool is_inside(const struct saga_def *def, struct str name) {
    int root = saga_def_slot_find(def, STR(""));
    uint64_t above = slots_above(def, name);
    return (root < 0 ? above : above & ~(UINT64_C(1) << root)) != 0;
}

int saga_put(const struct saga_def *def, struct saga_state *state, struct str name, const struct saga_value *value) {
    check(state->status == SAGA_NEW);
    int slot = saga_def_slot_find(def, name);
    if (!saga_value_valid(value)) return SAGA_E_VALUE;
    uint64_t others = slots_under(def, name) | slots_above(def, name);
    if (slot >= 0) others &= ~(UINT64_C(1) << slot);
    if (slots_present(state, others)) return SAGA_E_VALUE;
    if (slot < 0) return is_inside(def, name) ? SAGA_E_VALUE : 0;
    slot_set(&state->slots[slot], value);
    return 0;
}

struct saga_value saga_get(const struct saga_def *def, const struct saga_state *state, struct str name) {
    return slot_value(state, saga_def_slot_find(def, name));
}
