#include "services/identity/session.h"

#include "engine/engine.h"

static const struct column columns[] = {
    COLUMN(struct session_row, session_hash, HASH),
    COLUMN(struct session_row, request_hash, HASH),
    COLUMN(struct session_row, client_id, ID),
    COLUMN(struct session_row, customer_id, ID),
    COLUMN_VAR(struct session_row, accounts, BLOB, SESSION_ACCOUNTS_MAX * 16),
    COLUMN(struct session_row, stage, I64),
    COLUMN(struct session_row, failed_count, I64),
    COLUMN(struct session_row, auth_ms, I64),
    COLUMN(struct session_row, created_ms, I64),
    COLUMN(struct session_row, expires_ms, I64),
};
static const struct table_index indexes[] = { { .name = "", .columns = { 0 }, .column_count = 1, .unique = true } };
const struct table session_table = {
    .service = "identity",
    .name = "session",
    .row_bytes = sizeof(struct session_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

int session_open(struct work *work, struct session_row *session) {
    struct view view = view_of(work, "identity");
    session->stage = SESSION_LOGIN;
    session->created_ms = view_now_ms(&view);
    session->expires_ms = session->created_ms + SESSION_LIFE_MS;
    return err_trace(view_insert(&view, &session_table, session));
}

int session_open_customer(struct work *work, const struct hash *session_hash, const uint8_t customer_id[16]) {
    struct view view = view_of(work, "identity");
    int64_t now_ms = view_now_ms(&view);
    struct session_row session = { .session_hash = *session_hash,
                                   .stage = SESSION_CUSTOMER,
                                   .auth_ms = now_ms,
                                   .created_ms = now_ms,
                                   .expires_ms = now_ms + SESSION_CUSTOMER_IDLE_MS };
    memcpy(session.customer_id, customer_id, 16);
    return err_trace(view_insert(&view, &session_table, &session));
}

int session_open_ended(struct work *work, const struct hash *session_hash) {
    struct view view = view_of(work, "identity");
    int64_t now_ms = view_now_ms(&view);
    struct session_row session = {
        .session_hash = *session_hash, .stage = SESSION_ENDED, .created_ms = now_ms, .expires_ms = now_ms
    };
    return err_trace(view_insert(&view, &session_table, &session));
}

int session_keep(struct work *work, const struct session_row *session) {
    struct view view = view_of(work, "identity");
    struct session_row kept = *session;
    int64_t idle_ms = view_now_ms(&view) + SESSION_CUSTOMER_IDLE_MS;
    int64_t life_ms = session->created_ms + SESSION_CUSTOMER_LIFE_MS;
    kept.expires_ms = idle_ms < life_ms ? idle_ms : life_ms;
    return session_update(work, &kept);
}

void session_want(struct work *work, const struct hash *session_hash) {
    struct session_row probe = { .session_hash = *session_hash };
    work_want(work, &session_table, 0, &probe);
}

int session_judge(struct work *work, const struct hash *session_hash, enum session_stage stage,
                  const struct session_row **ret_session) {
    struct view view = view_of(work, "identity");
    struct session_row probe = { .session_hash = *session_hash };
    const void *found;
    int r = view_get(&view, &session_table, &probe, &found);
    if (r) return r;
    const struct session_row *session = found;
    if (!session) return SESSION_E_ABSENT;
    if (view_now_ms(&view) >= session->expires_ms) return SESSION_E_EXPIRED;
    if (session->stage == SESSION_ENDED) return SESSION_E_STAGE;
    if (stage != SESSION_STAGE_COUNT && session->stage != (int64_t)stage) return SESSION_E_STAGE;
    *ret_session = session;
    return 0;
}

int session_update(struct work *work, const struct session_row *session) {
    struct view view = view_of(work, "identity");
    return err_trace(view_update(&view, &session_table, session));
}

int session_renew(struct work *work, struct session_row *session, const struct hash *fresh_hash) {
    struct view view = view_of(work, "identity");
    int r = view_delete(&view, &session_table, session);
    if (r) return err_trace(r);
    session->session_hash = *fresh_hash;
    return err_trace(view_insert(&view, &session_table, session));
}

int session_fail(struct work *work, const struct session_row *session) {
    struct session_row failed = *session;
    failed.failed_count++;
    if (failed.failed_count >= SESSION_FAILURES_MAX) failed.stage = SESSION_ENDED;
    return session_update(work, &failed);
}
