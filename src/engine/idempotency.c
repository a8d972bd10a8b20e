#include "engine/idempotency.h"

static const struct column idempotency_columns[] = {
    COLUMN(struct idempotency_row, key, ID),
    COLUMN(struct idempotency_row, fingerprint, HASH),
    COLUMN(struct idempotency_row, refusal, I64),
    COLUMN(struct idempotency_row, created_ms, I64),
    COLUMN(struct idempotency_row, resource_id, ID),
    COLUMN_PERSONAL(struct idempotency_row, answer, BLOB, ENGINE_ANSWER_BYTES_MAX),
};
static const struct table_index idempotency_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
const struct table engine_idempotency_table = {
    .service = "engine",
    .name = "idempotency",
    .row_bytes = sizeof(struct idempotency_row),
    .columns = idempotency_columns,
    .column_count = ARRAY_COUNT(idempotency_columns),
    .indexes = idempotency_indexes,
    .index_count = ARRAY_COUNT(idempotency_indexes),
};

static void hash_part(struct sha256 *sha, struct str part) {
    uint8_t len[4] = { (uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16), (uint8_t)(part.len >> 8),
                       (uint8_t)part.len };
    sha256_update(sha, len, sizeof len);
    sha256_update(sha, part.at, part.len);
}

void idempotency_key(struct str client, struct str method, struct str route_template, struct str key,
                     uint8_t ret_key[16]) {
    struct sha256 sha;
    check(sha256_init(&sha) == 0);
    sha256_begin(&sha);
    hash_part(&sha, client);
    hash_part(&sha, method);
    hash_part(&sha, route_template);
    hash_part(&sha, key);
    struct hash hash = sha256_end(&sha);
    sha256_release(&sha);
    memcpy(ret_key, hash.bytes, 16);
}

void idempotency_want(struct work *work, const struct command *command) {
    struct idempotency_row probe = { 0 };
    if (!command->idempotency.present) return;
    memcpy(probe.key, command->idempotency.key, 16);
    work_want(work, &engine_idempotency_table, 0, &probe);
}

int idempotency_judge(struct work *work, struct command *command) {
    struct view view = view_of(work, "engine");
    struct idempotency_row probe = { 0 };
    const void *found;
    if (!command->idempotency.present) return 0;
    memcpy(probe.key, command->idempotency.key, 16);
    int r = view_get(&view, &engine_idempotency_table, &probe, &found);
    if (r) return r;
    if (!found) return 0;
    const struct idempotency_row *row = found;
    if (!hash_equal(&row->fingerprint, &command->idempotency.fingerprint)) {
        command->result = COMMAND_KEY_REUSED;
        return 1;
    }
    command->result = COMMAND_REPLAYED;
    command->refusal = (int)row->refusal;
    memcpy(command->resource_id, row->resource_id, 16);
    command->answer = row->answer;
    return 1;
}

int idempotency_store(struct work *work, const struct command *command) {
    struct view view = view_of(work, "engine");
    struct idempotency_row row = { .fingerprint = command->idempotency.fingerprint,
                                   .refusal = command->refusal,
                                   .created_ms = view_now_ms(&view),
                                   .answer = command->answer };
    if (!command->idempotency.present) return 0;
    memcpy(row.key, command->idempotency.key, 16);
    memcpy(row.resource_id, command->resource_id, 16);
    int r = view_insert(&view, &engine_idempotency_table, &row);
    return r < 0 ? err_trace(r) : 0;
}
