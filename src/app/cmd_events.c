/* cmd_events.c - giro events tail: the newest events as they stand in the journal (CloudEvents; ids, amounts and words
 * only). */
#include "app/journal_view.h"

#include "engine/engine.h"

#include <time.h>

enum { FOLLOW_MS = 500 };

struct tail {
    struct store_view *view;
    uint64_t wanted;  /* events still to be skipped back over */
    int64_t from_seq; /* the first record to print */
    uint64_t skip;    /* events of that record to leave out */
    int64_t last_seq;
};

/* Counts back from the head until there are enough events. */
static int count_back(void *ctx, const void *row) {
    struct tail *tail = ctx;
    const struct journal_row *record = row;
    struct str body = record->body, json;
    enum journal_frame type;
    uint64_t events = 0;
    bool good = true;
    while (journal_frame_next(&body, &type, &json, &good)) events += type == JOURNAL_EVENT;
    if (!good) return err_origin(-EBADMSG);
    tail->from_seq = record->seq;
    tail->skip = events > tail->wanted ? events - tail->wanted : 0;
    tail->wanted -= events - tail->skip;
    return tail->wanted == 0;
}

static int tail_find(struct tail *tail) {
    int r = 0;
    for (int64_t before = INT64_MAX; r == 0 && tail->from_seq != 1 && before != tail->from_seq;) {
        struct journal_row probe = { .epoch = 1, .seq = before };
        struct store_range range = { .table = &engine_journal_table,
                                     .row = &probe,
                                     .equal_columns = 1,
                                     .bounded = true,
                                     .descending = true,
                                     .limit = 16 };
        if (tail->from_seq) probe.seq = before = tail->from_seq;
        arena_reset(&tail->view->arena);
        r = read_range(&tail->view->reader, &range, &tail->view->arena, count_back, tail);
        if (tail->from_seq == 0) return r; /* an empty journal */
    }
    return r < 0 ? err_trace(r) : 0;
}

static int print_event(struct journal_walk *walk, const struct journal_row *record, struct str json) {
    struct tail *tail = walk->ctx;
    tail->last_seq = record->seq;
    if (tail->skip && record->seq == tail->from_seq) {
        tail->skip--;
        return 0;
    }
    journal_print_frame(walk->view, record, "event", json);
    return 0;
}

/* Goes on for ever, a new snapshot each time; a signal ends it, or a reader that went away. */
static int follow(struct tail *tail, struct journal_walk *walk) {
    static const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
    int r = 0;
    while (r == 0 && fflush(stdout) == 0) {
        read_end(&tail->view->reader);
        (void)nanosleep(&pause, NULL);
        r = read_begin(&tail->view->reader);
        if (r == 0) r = journal_walk_run(walk, tail->last_seq);
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
    tail.last_seq = tail.from_seq ? tail.from_seq - 1 : 0;
    store_view_list_begin(&view);
    if (!r) r = journal_walk_run(&walk, tail.last_seq);
    if (!r && follows) r = follow(&tail, &walk);
    store_view_list_end(&view);
    return store_view_end(&view, r, code);
}

int cmd_events(int argc, char **argv) {
    static const struct subcommand rows[] = { { "tail", "the newest events; --follow goes on", events_tail } };
    static const struct subcommand_table table = { .title = "giro events", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
