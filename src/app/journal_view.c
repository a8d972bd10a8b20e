#include "app/journal_view.h"

#include "engine/engine.h"

enum { PAGE_RECORDS = 64, PAGE_BYTES = 8 * 1024 * 1024 };

static int take_row(void *ctx, const void *row) {
    struct journal_page *page = ctx;
    const struct journal_row *record = row;
    int r = page->each(page->ctx, record);
    if (r < 0) return err_trace(r);
    *page->place = (struct journal_place){ .epoch = record->epoch, .seq = record->seq };
    page->records++;
    return r;
}

int journal_page_read(struct store_view *view, struct journal_page *page) {
    struct journal_row probe = { .epoch = page->place->epoch, .seq = page->place->seq };
    struct store_range range = { .table = &engine_journal_table,
                                 .row = &probe,
                                 .equal_columns = 1,
                                 .bounded = true,
                                 .descending = page->descending,
                                 .limit = page->limit };
    arena_reset(&view->arena);
    page->records = 0;
    int r = read_range(&view->reader, &range, &view->arena, take_row, page);
    if (r || page->records) return err_trace(r);
    range.equal_columns = 0; /* nothing more in its epoch: what follows stands in another */
    return err_trace(read_range(&view->reader, &range, &view->arena, take_row, page));
}

enum { END_OF_PAGE = 1, END_OF_WALK = 2 };

static int walk_record(void *ctx, const struct journal_row *record) {
    struct journal_walk *walk = ctx;
    struct str body = record->body, json;
    enum journal_frame type;
    bool good = true;
    while (journal_frame_next(&body, &type, &json, &good)) {
        int r = type == walk->type ? walk->each(walk, record, json) : 0;
        if (r) return r < 0 ? err_trace(r) : END_OF_WALK;
    }
    if (!good) return err_origin(-EBADMSG);
    return walk->view->arena.bytes_used > PAGE_BYTES ? END_OF_PAGE : 0;
}

int journal_walk_run(struct journal_walk *walk, struct journal_place *place) {
    struct journal_page page = { .place = place, .limit = PAGE_RECORDS, .each = walk_record, .ctx = walk };
    int r;
    do r = journal_page_read(walk->view, &page);
    while (r >= 0 && r != END_OF_WALK && page.records > 0);
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
