#include "services/identity/quota.h"

#include "engine/engine.h"
#include "platform/clock.h"

static const int64_t day_ms = 86400000;

static const struct column columns[] = {
    COLUMN(struct quota_row, key, HASH),
    COLUMN(struct quota_row, expires_ms, I64),
    COLUMN(struct quota_row, used, I64),
};
static const struct table_index indexes[] = { { .name = "", .columns = { 0 }, .column_count = 1, .unique = true } };
const struct table quota_table = {
    .service = "identity",
    .name = "quota",
    .row_bytes = sizeof(struct quota_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

int64_t quota_day_end_ms(int64_t now_ms) {
    return (clock_day(now_ms) + 1) * day_ms;
}

/* The time never goes back (view_now_ms), but a node's clock may be behind that of the node before it: a day that ends
 * later than today stays the present one. */
int64_t quota_used(const struct quota_row *row, int64_t now_ms) {
    return row && row->expires_ms > now_ms ? row->used : 0;
}

/* How much of what is left one reservation takes. */
static int64_t block_of(const struct quota_ask *ask, int64_t left) {
    int64_t share = left / QUOTA_SHARE > 1 ? left / QUOTA_SHARE : 1;
    if (left <= 0) return 0;
    return share < ask->want_max ? share : ask->want_max;
}

static int put(const struct view *view, const struct quota_row *row, bool exists) {
    return err_trace(exists ? view_update(view, &quota_table, row) : view_insert(view, &quota_table, row));
}

int quota_reserve(struct work *work, const struct quota_ask *ask, struct quota_grant *ret_grant) {
    struct view view = view_of(work, "identity");
    struct quota_row row = { .key = ask->key };
    const void *found;
    int r = view_get(&view, &quota_table, &row, &found);
    if (r) return r;
    const struct quota_row *old = found;
    int64_t now_ms = view_now_ms(&view), used = quota_used(old, now_ms);
    int64_t count = block_of(ask, ask->limit - used);
    row.expires_ms = old && old->expires_ms > now_ms ? old->expires_ms : quota_day_end_ms(now_ms);
    row.used = used + count; /* at most the limit (Q1) */
    r = count ? put(&view, &row, old != NULL) : 0;
    if (r) return err_trace(r);
    *ret_grant = (struct quota_grant){ .count = count, .used = row.used, .end_ms = row.expires_ms };
    return 0;
}

int quota_return(struct work *work, const struct hash *key, int64_t count, int64_t end_ms) {
    struct view view = view_of(work, "identity");
    struct quota_row row = { .key = *key };
    const void *found;
    int r = view_get(&view, &quota_table, &row, &found);
    if (r || !found) return r;
    row = *(const struct quota_row *)found;
    if (row.expires_ms != end_ms || row.used < count) return 0; /* another day, or nothing that was ever reserved */
    row.used -= count;
    return put(&view, &row, true);
}

void quota_want(struct work *work, const struct hash *key) {
    struct quota_row probe = { .key = *key };
    work_want(work, &quota_table, 0, &probe);
}
