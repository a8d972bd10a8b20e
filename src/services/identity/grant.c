#include "services/identity/grant.h"

#include "engine/engine.h"

static const struct column grant_columns[] = {
    COLUMN(struct grant_row, grant_id, ID),
    COLUMN(struct grant_row, client_id, ID),
    COLUMN(struct grant_row, customer_id, ID),
    COLUMN(struct grant_row, consent_id, ID),
    COLUMN_VAR(struct grant_row, scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    COLUMN_VAR(struct grant_row, acr, TEXT, 128),
    COLUMN_VAR(struct grant_row, details, TEXT, TOKEN_DETAILS_BYTES_MAX),
    COLUMN(struct grant_row, auth_ms, I64),
    COLUMN(struct grant_row, granted_ms, I64),
    COLUMN(struct grant_row, expires_ms, I64),
    COLUMN(struct grant_row, revoked_ms, I64),
};
static const struct column refresh_columns[] = {
    COLUMN(struct refresh_row, refresh_hash, HASH), COLUMN(struct refresh_row, grant_id, ID),
    COLUMN(struct refresh_row, client_id, ID),      COLUMN(struct refresh_row, issued_ms, I64),
    COLUMN(struct refresh_row, expires_ms, I64),    COLUMN(struct refresh_row, replaced_ms, I64),
};
static const struct table_index by_first_column[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
const struct table grant_table = {
    .service = "identity",
    .name = "grant", /* identity_grant in SQL */
    .row_bytes = sizeof(struct grant_row),
    .columns = grant_columns,
    .column_count = ARRAY_COUNT(grant_columns),
    .indexes = by_first_column,
    .index_count = ARRAY_COUNT(by_first_column),
};
const struct table refresh_table = {
    .service = "identity",
    .name = "refresh",
    .row_bytes = sizeof(struct refresh_row),
    .columns = refresh_columns,
    .column_count = ARRAY_COUNT(refresh_columns),
    .indexes = by_first_column,
    .index_count = ARRAY_COUNT(by_first_column),
};

/* ---- grants ---- */

int grant_open(struct work *work, const struct grant_row *grant) {
    struct view view = view_of(work, "identity");
    check(!id_is_zero(grant->grant_id) && !grant->revoked_ms);
    return err_trace(view_insert(&view, &grant_table, grant));
}

static int grant_get(struct work *work, const uint8_t grant_id[16], const struct grant_row **ret_grant) {
    struct view view = view_of(work, "identity");
    struct grant_row probe = { 0 };
    const void *found;
    memcpy(probe.grant_id, grant_id, 16);
    int r = view_get(&view, &grant_table, &probe, &found);
    if (!r) *ret_grant = found;
    return r;
}

int grant_revoke(struct work *work, const uint8_t grant_id[16]) {
    struct view view = view_of(work, "identity");
    const struct grant_row *grant;
    int r = grant_get(work, grant_id, &grant);
    if (r) return r;
    if (!grant) return TOKEN_E_ABSENT;
    if (grant->revoked_ms) return 0;
    struct grant_row revoked = *grant;
    revoked.revoked_ms = view_now_ms(&view);
    if (revoked.expires_ms > revoked.revoked_ms) revoked.expires_ms = revoked.revoked_ms; /* it may be forgotten then */
    return err_trace(view_update(&view, &grant_table, &revoked));
}

/* ---- refresh tokens ---- */

int refresh_issue(struct work *work, struct refresh_row *refresh) {
    struct view view = view_of(work, "identity");
    refresh->issued_ms = view_now_ms(&view);
    return err_trace(view_insert(&view, &refresh_table, refresh));
}

void refresh_want(struct work *work, const struct hash *refresh_hash) {
    struct refresh_row probe = { .refresh_hash = *refresh_hash };
    work_want(work, &refresh_table, 0, &probe);
}

static int refresh_get(struct work *work, const struct hash *refresh_hash, const uint8_t client_id[16],
                       const struct refresh_row **ret_refresh) {
    struct view view = view_of(work, "identity");
    struct refresh_row probe = { .refresh_hash = *refresh_hash };
    const void *found;
    int r = view_get(&view, &refresh_table, &probe, &found);
    if (r) return r;
    const struct refresh_row *refresh = found;
    if (!refresh) return TOKEN_E_ABSENT;
    if (!id_equal(refresh->client_id, client_id)) return TOKEN_E_CLIENT;
    *ret_refresh = refresh;
    return 0;
}

int refresh_judge(struct work *work, const struct hash *refresh_hash, const uint8_t client_id[16],
                  const struct refresh_row **ret_refresh, const struct grant_row **ret_grant) {
    struct view view = view_of(work, "identity");
    const struct refresh_row *refresh;
    const struct grant_row *grant;
    int r = refresh_get(work, refresh_hash, client_id, &refresh);
    if (!r) r = grant_get(work, refresh->grant_id, &grant);
    if (r) return r;
    if (!grant || grant->revoked_ms) return TOKEN_E_REVOKED;
    int64_t now_ms = view_now_ms(&view);
    if (now_ms >= refresh->expires_ms || now_ms >= grant->expires_ms) return TOKEN_E_EXPIRED;
    *ret_refresh = refresh;
    *ret_grant = grant;
    return 0;
}

int refresh_replace(struct work *work, const struct refresh_row *refresh, int64_t retry_ms) {
    struct view view = view_of(work, "identity");
    struct refresh_row replaced = *refresh;
    if (replaced.replaced_ms) return 0; /* a retry: its time runs already */
    replaced.replaced_ms = view_now_ms(&view);
    if (replaced.expires_ms > replaced.replaced_ms + retry_ms) replaced.expires_ms = replaced.replaced_ms + retry_ms;
    return err_trace(view_update(&view, &refresh_table, &replaced));
}

int refresh_revoke(struct work *work, const struct hash *refresh_hash, const uint8_t client_id[16]) {
    const struct refresh_row *refresh;
    int r = refresh_get(work, refresh_hash, client_id, &refresh);
    return r ? r : grant_revoke(work, refresh->grant_id);
}
