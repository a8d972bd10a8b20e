/* cmd_events.c - giro events tail: the newest events as they stand in the journal (CloudEvents; ids, amounts and words
 * only). */
#include "app/journal_view.h"

#include "engine/engine.h"

#include <time.h>

enum { FOLLOW_MS = 500, BACK_RECORDS = 16 };

struct tail {
    struct store_view *view;
    uint64_t wanted;           /* events still to be skipped back over */
    struct journal_place from; /* the first record to print; {0, 0}: an empty journal */
    uint64_t skip;             /* events of that record to leave out */
};

/* Counts back from the head until there are enough events. */
static int count_back(void *ctx, const struct journal_row *record) {
    struct tail *tail = ctx;
    struct str body = record->body, json;
    enum journal_frame type;
    uint64_t events = 0;
    bool good = true;
    while (journal_frame_next(&body, &type, &json, &good)) events += type == JOURNAL_EVENT;
    if (!good) return err_origin(-EBADMSG);
    tail->from = (struct journal_place){ .epoch = record->epoch, .seq = record->seq };
    tail->skip = events > tail->wanted ? events - tail->wanted : 0;
    tail->wanted -= events - tail->skip;
    return tail->wanted == 0;
}

static int tail_find(struct tail *tail) {
    struct journal_place place = { .epoch = INT64_MAX, .seq = INT64_MAX };
    struct journal_page page = {
        .place = &place, .descending = true, .limit = BACK_RECORDS, .each = count_back, .ctx = tail
    };
    int r;
    do r = journal_page_read(tail->view, &page);
    while (r == 0 && page.records > 0);
    return r < 0 ? err_trace(r) : 0;
}

static int print_event(struct journal_walk *walk, const struct journal_row *record, struct str json) {
    struct tail *tail = walk->ctx;
    if (tail->skip && record->seq == tail->from.seq) {
        tail->skip--;
        return 0;
    }
    journal_print_frame(walk->view, record, "event", json);
    return 0;
}

/* Goes on for ever, a new snapshot each time; a signal ends it, or a reader that went away. */
static int follow(struct tail *tail, struct journal_walk *walk, struct journal_place *place) {
    static const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
    int r = 0;
    while (r == 0 && fflush(stdout) == 0) {
        read_end(&tail->view->reader);
        (void)nanosleep(&pause, NULL);
        r = read_begin(&tail->view->reader);
        if (r == 0) r = journal_walk_run(walk, place);
    }
    return err_trace(r);
}

static int events_tail(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open, follows = false;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view),
                                       STORE_VIEW_LIMIT_OPTION(&view),
                                       { "follow", NULL, NULL, &follows, "go on as events happen" } };
    struct options options = { .usage = "events tail [--limit N] [--follow] [--var DIR] [--json]",
                               .help = "The newest events, oldest first.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    struct tail tail = { .view = &view, .wanted = view.limit };
    struct journal_walk walk = { .view = &view, .type = JOURNAL_EVENT, .each = print_event, .ctx = &tail };
    int r = tail_find(&tail);
    /* In its own epoch that is the place before it, whatever stands there. */
    struct journal_place place = { .epoch = tail.from.epoch, .seq = tail.from.seq - 1 };
    store_view_list_begin(&view);
    if (!r) r = journal_walk_run(&walk, &place);
    if (!r && follows) r = follow(&tail, &walk, &place);
    store_view_list_end(&view);
    return store_view_end(&view, r, code);
}

int cmd_events(int argc, char **argv) {
    static const struct subcommand rows[] = { { "tail", "the newest events; --follow goes on", events_tail } };
    static const struct subcommand_table table = { .title = "giro events", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
