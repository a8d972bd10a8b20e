/* journal_view.h - the frames of the journal, for the subcommands that show what is written there. */
#ifndef GIRO_APP_JOURNAL_VIEW_H
#define GIRO_APP_JOURNAL_VIEW_H

#include "app/store_view.h"
#include "engine/journal.h"

/* A record's key: one epoch for each holder of the writer's lease, and seq goes on over the epochs. */
struct journal_place {
    int64_t epoch, seq;
};

struct journal_walk {
    struct store_view *view;
    enum journal_frame type; /* only these */
    /* One frame, in the order of the journal. 0: go on; 1: enough; <0. */
    int (*each)(struct journal_walk *walk, const struct journal_row *record, struct str json);
    void *ctx;
};
/* All records behind *place, in all epochs; *place is then the last of them, from where a later walk goes on. {0, 0}:
 * from the first one. 0 or <0 (-EBADMSG: a malformed body). */
int journal_walk_run(struct journal_walk *walk, struct journal_place *place);
/* Records behind *place, or with descending before it, in the order of the journal or against it: at least one if there
 * is one, at most limit. *place is then the last of them; {INT64_MAX, INT64_MAX} stands behind the newest. Rows live in
 * the view's arena, which is emptied before. 0, what each said when it was not 0, or <0. */
struct journal_page {
    struct journal_place *place;
    bool descending;
    uint32_t limit;
    int (*each)(void *ctx, const struct journal_row *record);
    void *ctx;
    size_t records; /* how many each saw */
};
int journal_page_read(struct store_view *view, struct journal_page *page);
/* Prints a frame as one row: its record's seq and time, and the JSON as member name (a line of JSON for people). */
void journal_print_frame(struct store_view *view, const struct journal_row *record, const char *name, struct str json);

#endif
