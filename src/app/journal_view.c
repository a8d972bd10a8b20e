#include "app/journal_view.h"

#include "engine/engine.h"

enum { EPOCH_EMBEDDED = 1, PAGE_RECORDS = 64, PAGE_BYTES = 8 * 1024 * 1024 };

struct page {
    struct journal_walk *walk;
    int64_t seq;
    size_t records;
};

static int take_record(void *ctx, const void *row) {
    struct page *page = ctx;
    const struct journal_row *record = row;
    struct str body = record->body, json;
    enum journal_frame type;
    bool good = true;
    while (journal_frame_next(&body, &type, &json, &good)) {
        int r = type == page->walk->type ? page->walk->each(page->walk, record, json) : 0;
        if (r) return r;
    }
    if (!good) return err_origin(-EBADMSG);
    page->seq = record->seq;
    page->records++;
    return page->walk->view->arena.bytes_used > PAGE_BYTES ? 2 : 0; /* end the page, not the walk */
}

int journal_walk_run(struct journal_walk *walk, int64_t after) {
    struct page page = { .walk = walk, .seq = after, .records = 1 };
    int r = 0;
    while ((r == 0 || r == 2) && page.records > 0) {
        struct journal_row probe = { .epoch = EPOCH_EMBEDDED, .seq = page.seq };
        struct store_range range = {
            .table = &engine_journal_table, .row = &probe, .equal_columns = 1, .bounded = true, .limit = PAGE_RECORDS
        };
        arena_reset(&walk->view->arena);
        page.records = 0;
        r = read_range(&walk->view->reader, &range, &walk->view->arena, take_record, &page);
    }
    return r < 0 ? err_trace(r) : 0;
}

void journal_print_frame(struct store_view *view, const struct journal_row *record, const char *name, struct str json) {
    store_view_row_begin(view);
    store_view_number(view, "seq", 8, record->seq);
    store_view_time(view, "at", 24, record->at_ms);
    json_member_raw(&view->writer, name, json);
    if (!view->json) {
        if (!view->heading_done) buffer_append_c(&view->heading, name);
        buffer_append_str(&view->line, json);
    }
    store_view_row_end(view);
}
