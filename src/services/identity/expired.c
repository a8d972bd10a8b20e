#include "services/identity/expired.h"

#include "services/identity/quota.h"
#include "services/identity/grant.h"
#include "services/identity/session.h"
#include "services/identity/token.h"

static const struct {
    const struct table *table;
    size_t expires_at; /* offset of expires_ms in its row */
} kinds[EXPIRED_KIND_COUNT] = {
    [EXPIRED_JTI] = { &jti_table, offsetof(struct jti_row, expires_ms) },
    [EXPIRED_PUSHED] = { &pushed_table, offsetof(struct pushed_row, expires_ms) },
    [EXPIRED_SESSION] = { &session_table, offsetof(struct session_row, expires_ms) },
    [EXPIRED_CODE] = { &code_table, offsetof(struct code_row, expires_ms) },
    [EXPIRED_TOKEN] = { &token_table, offsetof(struct token_row, expires_ms) },
    [EXPIRED_QUOTA] = { &quota_table, offsetof(struct quota_row, expires_ms) },
    [EXPIRED_GRANT] = { &grant_table, offsetof(struct grant_row, expires_ms) },
    [EXPIRED_REFRESH] = { &refresh_table, offsetof(struct refresh_row, expires_ms) },
};

const struct table *expired_table(enum expired_kind kind) {
    check(kind < EXPIRED_KIND_COUNT);
    return kinds[kind].table;
}

int64_t expired_row_ms(enum expired_kind kind, const void *row) {
    int64_t ms;
    check(kind < EXPIRED_KIND_COUNT);
    memcpy(&ms, (const char *)row + kinds[kind].expires_at, sizeof ms);
    return ms;
}

int expired_delete(struct work *work, const struct expired_rows *rows) {
    struct view view = view_of(work, "identity");
    const struct table *table = expired_table(rows->kind);
    int64_t over_ms = view_now_ms(&view) - rows->kept_ms;
    bool needs = false;
    /* Through all, also when one is not loaded yet: all come with one load. */
    for (size_t i = 0; i < rows->count; i++) {
        const void *found;
        int r = view_get(&view, table, rows->rows[i], &found);
        needs = needs || r == VIEW_NEED;
        if (r == 0 && !needs && found && expired_row_ms(rows->kind, found) <= over_ms)
            r = view_delete(&view, table, found);
        if (r < 0) return err_trace(r);
    }
    return needs ? VIEW_NEED : 0;
}
