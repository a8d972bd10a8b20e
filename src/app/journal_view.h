/* journal_view.h - the frames of the journal, for the subcommands that show what is written there. */
#ifndef GIRO_APP_JOURNAL_VIEW_H
#define GIRO_APP_JOURNAL_VIEW_H

#include "app/store_view.h"
#include "engine/journal.h"

struct journal_walk {
    struct store_view *view;
    enum journal_frame type; /* only these */
    /* One frame, in the order of the journal. 0: go on; 1: enough; <0. */
    int (*each)(struct journal_walk *walk, const struct journal_row *record, struct str json);
    void *ctx;
};
/* All records from seq after + 1 on. 0 or <0 (-EBADMSG: a malformed body). */
int journal_walk_run(struct journal_walk *walk, int64_t after);
/* Prints a frame as one row: its record's seq and time, and the JSON as member name (a line of JSON for people). */
void journal_print_frame(struct store_view *view, const struct journal_row *record, const char *name, struct str json);

#endif
