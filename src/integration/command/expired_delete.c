#include "integration/command/expired_delete.h"

#include "integration/command/command_run.h"
#include "platform/clock.h"
#include "services/identity/session.h"
#include "services/identity/token.h"

static_assert((int)EXPIRED_PUSHED_KEPT_MS > (int)SESSION_LIFE_MS, "a session needs the request that it serves");
static_assert((int)EXPIRED_CODE_KEPT_MS > (int)TOKEN_LIFE_MS, "a code outlives its token");
static_assert((int)EXPIRED_GRANT_KEPT_MS > (int)TOKEN_LIFE_MS + (int)EXPIRED_CODE_KEPT_MS,
              "a token or code without its grant is dead, and a code used again must find it");
static_assert((int)EXPIRED_PAGE_ROWS <= (int)STORE_RANGE_ROWS_MAX &&
                  (int)EXPIRED_PAGE_ROWS <= (int)ENGINE_BULK_ROWS_MAX,
              "one read, one command");

static const int64_t kept_ms[EXPIRED_KIND_COUNT] = {
    [EXPIRED_JTI] = EXPIRED_JTI_KEPT_MS,         [EXPIRED_PUSHED] = EXPIRED_PUSHED_KEPT_MS,
    [EXPIRED_SESSION] = EXPIRED_SESSION_KEPT_MS, [EXPIRED_CODE] = EXPIRED_CODE_KEPT_MS,
    [EXPIRED_TOKEN] = EXPIRED_TOKEN_KEPT_MS,     [EXPIRED_QUOTA] = EXPIRED_QUOTA_KEPT_MS,
    [EXPIRED_GRANT] = EXPIRED_GRANT_KEPT_MS,
    [EXPIRED_REFRESH] = EXPIRED_GRANT_KEPT_MS,
};

static int expired_decide(struct work *work, struct command *command) {
    return expired_delete(work, command->input);
}
static const struct command_kind expired_delete_kind = { .name = "expired_delete",
                                                         .decide = expired_decide,
                                                         .rows_max = EXPIRED_PAGE_ROWS };

struct page {
    enum expired_kind kind;
    int64_t over_ms; /* expired at this time or before: over */
    struct expired_place *place;
    const void **rows;
    size_t looked_at, over;
};

/* The key is the first column of every one of these tables, an id or a hash. */
static size_t key_bytes(const struct table *table) {
    check(table->indexes[0].column_count == 1 && table->indexes[0].columns[0] == 0 && table->columns[0].offset == 0);
    return table->columns[0].type == COLUMN_ID ? 16 : 32;
}

static int look_at(void *ctx, const void *row) {
    struct page *page = ctx;
    page->looked_at++;
    memcpy(page->place->key, row, key_bytes(expired_table(page->kind)));
    if (expired_row_ms(page->kind, row) <= page->over_ms) page->rows[page->over++] = row;
    return 0;
}

static int page_read(struct page *page, struct reader *reader, struct arena *arena) {
    const struct table *table = expired_table(page->kind);
    void *behind = arena_alloc(arena, table->row_bytes);
    page->rows = arena_new_array(arena, const void *, EXPIRED_PAGE_ROWS);
    if (!behind || !page->rows) return err_origin(-ENOMEM);
    memcpy(behind, page->place->key, key_bytes(table));
    struct store_range range = {
        .table = table, .row = behind, .bounded = page->place->inside, .limit = EXPIRED_PAGE_ROWS
    };
    struct expired_place before = *page->place;
    int r = read_range(reader, &range, arena, look_at, page);
    if (r) {
        *page->place = before;
        return err_trace(r);
    }
    page->place->inside = page->looked_at == EXPIRED_PAGE_ROWS; /* else the walk begins anew */
    return 0;
}

int expired_delete_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct expired_walk *walk = ctx;
    enum expired_kind kind = (enum expired_kind)walk->next;
    int64_t now_ms = walk->now_ms ? walk->now_ms() : clock_now_ms();
    struct page page = { .kind = kind, .over_ms = now_ms - kept_ms[kind], .place = &walk->places[kind] };
    int r = page_read(&page, reader, arena);
    if (r) return err_trace(r);
    bool backlog = page.over >= EXPIRED_BACKLOG_ROWS;
    if (!backlog) walk->next = (walk->next + 1) % EXPIRED_KIND_COUNT;
    if (!page.over) return 0;
    struct expired_rows rows = { .kind = kind, .kept_ms = kept_ms[kind], .rows = page.rows, .count = page.over };
    r = command_run_program(integration, &expired_delete_kind, &rows);
    if (r) return err_fold(r);
    walk->deleted += page.over;
    return backlog;
}
