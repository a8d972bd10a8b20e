#include "engine/idempotency.h"

#include "engine/work.h"
#include "platform/clock.h"

static const struct column key_columns[] = {
    COLUMN(struct key_row, day, I64),
    COLUMN(struct key_row, key, ID),
    COLUMN(struct key_row, answer, I64),
};
static const struct table_index key_indexes[] = {
    { .name = "", .columns = { 0, 1 }, .column_count = 2, .unique = true }
};
const struct table engine_key_table = {
    .service = "engine",
    .name = "key",
    .row_bytes = sizeof(struct key_row),
    .columns = key_columns,
    .column_count = ARRAY_COUNT(key_columns),
    .indexes = key_indexes,
    .index_count = ARRAY_COUNT(key_indexes),
};

static const struct column answer_columns[] = {
    COLUMN(struct answer_row, number, I64),
    COLUMN(struct answer_row, fingerprint, HASH),
    COLUMN(struct answer_row, refusal, I64),
    COLUMN(struct answer_row, created_ms, I64),
    COLUMN(struct answer_row, expires_ms, I64),
    COLUMN(struct answer_row, resource_id, ID),
    COLUMN_PERSONAL(struct answer_row, answer, BLOB, ENGINE_ANSWER_BYTES_MAX),
};
static const struct table_index answer_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
const struct table engine_answer_table = {
    .service = "engine",
    .name = "answer",
    .row_bytes = sizeof(struct answer_row),
    .columns = answer_columns,
    .column_count = ARRAY_COUNT(answer_columns),
    .indexes = answer_indexes,
    .index_count = ARRAY_COUNT(answer_indexes),
};

static struct hash hash_parts(const struct str *parts, size_t count, struct buffer *bytes) {
    for (size_t i = 0; i < count; i++) {
        buffer_append_be(bytes, parts[i].len, 4);
        buffer_append_str(bytes, parts[i]);
    }
    check(!bytes->overflow);
    return sha256_str(buffer_str(bytes));
}

void idempotency_key(struct str client, struct str method, struct str route_template, struct str key,
                     uint8_t ret_key[16]) {
    const struct str parts[] = { client, method, route_template, key };
    char memory[512]; /* of nearly all; one hash of one text costs the least */
    struct buffer bytes;
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) len += 4 + parts[i].len;
    if (len <= sizeof memory) buffer_init(&bytes, memory, sizeof memory);
    else buffer_init_heap(&bytes, len);
    struct hash hash = hash_parts(parts, ARRAY_COUNT(parts), &bytes);
    buffer_release(&bytes);
    memcpy(ret_key, hash.bytes, 16);
}

/* ---- where a key may lie ---- */

static int64_t first_day(const struct work *work, int64_t today) {
    int64_t swept = work->counters[COUNTER_SWEPT_DAY];
    return swept && swept < today ? swept + 1 : today;
}

/* The next place to look: from today back to the first day that is not swept, then KEY_DAY_LONG, unless no key
 * ever went there; false at the end. */
static bool next_day(const struct work *work, int64_t today, int64_t *day) {
    if (*day == KEY_DAY_LONG) return false;
    bool last = *day <= first_day(work, today);
    if (last && work->counters[COUNTER_LONG_KEYS] == LONG_KEYS_NONE) return false; /* K4 */
    *day = last ? KEY_DAY_LONG : *day - 1;
    return true;
}

static struct key_row probe_of(const struct command *command, int64_t day) {
    struct key_row probe = { .day = day };
    memcpy(probe.key, command->idempotency.key, 16);
    return probe;
}

void idempotency_want(struct work *work, const struct command *command) {
    int64_t today = clock_day(work->now_ms), day = today;
    if (!command->idempotency.present) return;
    do {
        struct key_row probe = probe_of(command, day);
        work_want(work, &engine_key_table, 0, &probe);
    } while (next_day(work, today, &day));
}

/* The living answer of the key in one place, NULL when there is none. 0, VIEW_NEED, <0. */
static int find_answer(const struct view *view, const struct key_row *probe, const struct answer_row **ret_answer) {
    const void *key, *found;
    int r = view_get(view, &engine_key_table, probe, &key);
    *ret_answer = NULL;
    if (r || !key) return r;
    struct answer_row wanted = { .number = ((const struct key_row *)key)->answer };
    r = view_get(view, &engine_answer_table, &wanted, &found);
    if (r) return r;
    if (!found) return err_origin(-EUCLEAN); /* both are written and deleted in one commit */
    if (!answer_has_expired(found, view_now_ms(view))) *ret_answer = found;
    return 0;
}

int idempotency_judge(struct work *work, struct command *command) {
    struct view view = view_of(work, "engine");
    const struct answer_row *answer = NULL, *found;
    int64_t today = clock_day(work->now_ms), day = today;
    bool needs = false;
    if (!command->idempotency.present) return 0;
    do {
        struct key_row probe = probe_of(command, day);
        int r = find_answer(&view, &probe, &found);
        if (r < 0) return err_trace(r);
        if (r == VIEW_NEED) needs = true;
        else if (found) answer = found;
    } while (!answer && next_day(work, today, &day));
    if (needs) return VIEW_NEED;
    if (!answer) return 0;
    if (!hash_equal(&answer->fingerprint, &command->idempotency.fingerprint)) {
        command->result = COMMAND_KEY_REUSED;
        return 1;
    }
    command->result = COMMAND_REPLAYED;
    command->refusal = (int)answer->refusal;
    memcpy(command->resource_id, answer->resource_id, 16);
    command->answer = answer->answer;
    return 1;
}

/* The day's row of this key, over an expired one if that is still there. */
static int store_key(const struct view *view, const struct key_row *row) {
    const void *old, *answer;
    int r = view_get(view, &engine_key_table, row, &old);
    if (r) return r;
    if (!old) return err_trace(view_insert(view, &engine_key_table, row));
    struct answer_row expired = { .number = ((const struct key_row *)old)->answer };
    r = view_get(view, &engine_answer_table, &expired, &answer);
    if (r) return r;
    r = view_update(view, &engine_key_table, row);
    return r ? err_trace(r) : err_trace(view_delete(view, &engine_answer_table, answer));
}

int idempotency_store(struct work *work, const struct command *command) {
    struct view view = view_of(work, "engine");
    const struct idempotency *idempotency = &command->idempotency;
    int64_t now_ms = view_now_ms(&view), today = clock_day(now_ms);
    if (!idempotency->present) return 0;
    struct answer_row answer = { .fingerprint = idempotency->fingerprint,
                                 .refusal = command->refusal,
                                 .created_ms = now_ms,
                                 .answer = command->answer };
    check(idempotency->keep_ms >= 0);
    if (idempotency->keep_ms && checked_add(now_ms, idempotency->keep_ms, &answer.expires_ms)) answer.expires_ms = 0;
    answer.number = view_next_number(&view, COUNTER_ANSWER);
    memcpy(answer.resource_id, command->resource_id, 16);
    int r = view_insert(&view, &engine_answer_table, &answer);
    if (r) return err_trace(r);
    struct key_row key = probe_of(command, today);
    key.answer = answer.number;
    r = store_key(&view, &key);
    if (r) return r > 0 ? err_fold(r) : err_trace(r); /* judge has loaded what is needed */
    if (work->counters[COUNTER_SWEPT_DAY]) return 0;
    work_swept_day(work, today - 1); /* the first key of all */
    work->counters[COUNTER_LONG_KEYS] = LONG_KEYS_NONE;
    return 0;
}
