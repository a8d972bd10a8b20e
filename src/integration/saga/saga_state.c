#include "integration/saga/saga_int.h"

#include "integration/saga/saga_table.h"

/* A saga as bytes: version 1, hash of the definition 32, status 1, current 2, started 8, entered 8, wake 8, one attempt
 * counter (4) for each retrier of the current state, error and cause (length 2, bytes), then each slot in turn: type 1
 * and its payload (BOOL 1, I64 8, STRING length 2 and bytes). Numbers are big-endian. What is not used is written as
 * nothing, so equal states give equal bytes. */

static_assert(1 + 32 + 1 + 2 + 3 * 8 + 4 * SAGA_RETRIERS_MAX + 4 + SAGA_ERROR_BYTES_MAX + SAGA_CAUSE_BYTES_MAX +
                      SAGA_SLOTS_MAX * (3 + SAGA_STRING_BYTES_MAX) <=
                  SAGA_STATE_BYTES_MAX,
              "the largest state fits");

static void write_text(struct buffer *out, const char *text, size_t len) {
    buffer_append_be(out, len, 2);
    buffer_append(out, text, len);
}

void saga_state_write(const struct saga_def *def, const struct saga_state *state, struct buffer *out) {
    check(hash_equal(&def->hash, &state->def_hash) && state->current < def->node_count);
    buffer_append_be(out, SAGA_STATE_VERSION, 1);
    buffer_append(out, state->def_hash.bytes, sizeof state->def_hash.bytes);
    buffer_append_be(out, state->status, 1);
    buffer_append_be(out, state->current, 2);
    buffer_append_be(out, (uint64_t)state->started_at_ms, 8);
    buffer_append_be(out, (uint64_t)state->entered_at_ms, 8);
    buffer_append_be(out, (uint64_t)state->wake_at_ms, 8);
    for (size_t i = 0; i < def->nodes[state->current].retrier_count; i++) buffer_append_be(out, state->attempts[i], 4);
    write_text(out, state->error, state->error_bytes);
    write_text(out, state->cause, state->cause_bytes);
    for (size_t i = 0; i < def->slot_count; i++) {
        const struct saga_slot *slot = &state->slots[i];
        buffer_append_be(out, slot->type, 1);
        if (slot->type == SAGA_BOOL) buffer_append_be(out, (uint64_t)slot->number, 1);
        if (slot->type == SAGA_I64) buffer_append_be(out, (uint64_t)slot->number, 8);
        if (slot->type == SAGA_STRING) write_text(out, slot->text, slot->text_bytes);
    }
}

struct reader {
    struct str rest;
    bool broken;
};

static uint64_t read_be(struct reader *reader, size_t bytes) {
    uint64_t value = 0;
    if (reader->rest.len < bytes) {
        reader->broken = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) value = value << 8 | (unsigned char)reader->rest.at[i];
    reader->rest = str_slice(reader->rest, bytes, reader->rest.len);
    return value;
}

static int64_t read_time(struct reader *reader) {
    uint64_t value = read_be(reader, 8);
    if (value > INT64_MAX) reader->broken = true;
    return reader->broken ? 0 : (int64_t)value;
}

static size_t read_text(struct reader *reader, char *text, size_t bytes_max) {
    size_t len = (size_t)read_be(reader, 2);
    struct str bytes = str_slice(reader->rest, 0, len);
    if (len > bytes_max || bytes.len < len || !str_is_utf8(bytes)) reader->broken = true;
    if (reader->broken || len == 0) return 0;
    memcpy(text, bytes.at, len);
    reader->rest = str_slice(reader->rest, len, reader->rest.len);
    return len;
}

static void read_slot(struct reader *reader, struct saga_slot *slot) {
    uint64_t type = read_be(reader, 1);
    if (type >= SAGA_TYPE_COUNT) reader->broken = true;
    *slot = (struct saga_slot){ .type = (uint8_t)type };
    if (type == SAGA_BOOL) slot->number = (int64_t)read_be(reader, 1);
    if (type == SAGA_BOOL && slot->number > 1) reader->broken = true;
    if (type == SAGA_I64) slot->number = (int64_t)read_be(reader, 8);
    if (type == SAGA_STRING) slot->text_bytes = (uint16_t)read_text(reader, slot->text, sizeof slot->text);
}

/* Does the status fit the state it is in? */
static bool status_fits(const struct saga_def *def, const struct saga_state *state) {
    const struct saga_node *node = &def->nodes[state->current];
    switch (state->status) {
    case SAGA_NEW: return state->current == def->start && state->wake_at_ms == 0;
    case SAGA_RUNNING: return state->wake_at_ms == 0;
    case SAGA_TASK_OPEN: return node->task && node->task->kind != SAGA_INLINE;
    case SAGA_WAITING: return node->type == SAGA_WAIT;
    case SAGA_RETRYING: return node->retrier_count > 0;
    case SAGA_SUCCEEDED: return state->wake_at_ms == 0 && (node->type == SAGA_SUCCEED || node->next == SAGA_NEXT_END);
    case SAGA_FAILED: return state->wake_at_ms == 0;
    case SAGA_STATUS_COUNT: break;
    }
    return false;
}

int saga_state_peek_hash(struct str bytes, struct hash *ret_hash) {
    if (bytes.len < 1 + sizeof ret_hash->bytes || bytes.at[0] != SAGA_STATE_VERSION) return SAGA_E_FORMAT;
    memcpy(ret_hash->bytes, bytes.at + 1, sizeof ret_hash->bytes);
    return 0;
}

static int read_state(const struct saga_def *def, struct str bytes, struct saga_state *state) {
    struct reader reader = { .rest = str_slice(bytes, 1 + sizeof state->def_hash.bytes, bytes.len) };
    uint64_t status = read_be(&reader, 1), current = read_be(&reader, 2);
    memset(state, 0, offsetof(struct saga_state, slots));
    state->def_hash = def->hash;
    if (status >= SAGA_STATUS_COUNT || current >= def->node_count) return SAGA_E_FORMAT;
    state->status = (enum saga_status)status;
    state->current = (uint16_t)current;
    state->started_at_ms = read_time(&reader);
    state->entered_at_ms = read_time(&reader);
    state->wake_at_ms = read_time(&reader);
    for (size_t i = 0; i < def->nodes[current].retrier_count; i++) state->attempts[i] = (uint32_t)read_be(&reader, 4);
    state->error_bytes = (uint8_t)read_text(&reader, state->error, sizeof state->error);
    state->cause_bytes = (uint16_t)read_text(&reader, state->cause, sizeof state->cause);
    for (size_t i = 0; i < def->slot_count; i++) read_slot(&reader, &state->slots[i]);
    return reader.broken || reader.rest.len || !status_fits(def, state) ? SAGA_E_FORMAT : 0;
}

int saga_state_read(const struct saga_def *def, struct str bytes, struct saga_state *ret_state) {
    struct saga_state state; /* ret_state stays as it is on failure */
    struct hash hash;
    int r = saga_state_peek_hash(bytes, &hash);
    if (r) return r;
    if (!hash_equal(&hash, &def->hash)) return SAGA_E_OTHER;
    r = read_state(def, bytes, &state);
    if (r) return r;
    saga_state_copy(def, ret_state, &state);
    return 0;
}
