#include "integration/bus/relay_int.h"
#include "integration/command/command_run.h"

static const struct column columns[] = {
    COLUMN_VAR(struct cursor_row, consumer, TEXT, RELAY_NAME_BYTES_MAX),
    COLUMN(struct cursor_row, epoch, I64),
    COLUMN(struct cursor_row, seq, I64),
    COLUMN(struct cursor_row, event, I64),
};
static const struct table_index indexes[] = { { .name = "", .columns = { 0 }, .column_count = 1, .unique = true } };
const struct table cursor_table = {
    .service = "integration",
    .name = "cursor",
    .row_bytes = sizeof(struct cursor_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

/* An event's effect may be a row of its own, and the cursor is one more. */
enum { CURSOR_ROWS_MAX = RELAY_EVENTS_MAX + 1 };
static_assert(CURSOR_ROWS_MAX <= (int)ENGINE_BULK_ROWS_MAX, "one command moves a cursor");

static void cursor_move_needs(struct work *work, const struct command *command) {
    const struct relay_hand *hand = command->input;
    struct cursor_row probe = { .consumer = str_from_c(hand->consumer->name) };
    work_want(work, &cursor_table, 0, &probe);
}

enum cursor_move_refusal { CURSOR_MOVE_E_NONE, CURSOR_MOVE_E_PLACE };

static bool stands_at(const struct cursor_row *row, const struct relay_place *place) {
    if (!row) return place->seq == 0 && place->event == 0;
    return row->epoch == place->epoch && row->seq == place->seq && row->event == place->event;
}

static int cursor_move_decide(struct work *work, struct command *command) {
    const struct relay_hand *hand = command->input;
    struct view view = view_of(work, "integration");
    struct cursor_row row = { .consumer = str_from_c(hand->consumer->name),
                              .epoch = hand->after.epoch,
                              .seq = hand->after.seq,
                              .event = hand->after.event };
    const void *found;
    int r = view_get(&view, &cursor_table, &row, &found);
    bool needs = r == VIEW_NEED;
    if (r && !needs) return r;
    if (!needs && hand->consumer->apply && !stands_at(found, &hand->before)) return CURSOR_MOVE_E_PLACE;
    /* Through all events even when one needs a row: the rows of all come with one load, however many they are. */
    for (size_t i = 0; hand->consumer->apply && i < hand->count; i++) {
        r = hand->consumer->apply(work, &hand->events[i]);
        if (r && r != VIEW_NEED) return r;
        needs = needs || r == VIEW_NEED;
    }
    if (needs) return VIEW_NEED;
    return err_trace(found ? view_update(&view, &cursor_table, &row) : view_insert(&view, &cursor_table, &row));
}

static const struct command_kind cursor_move_kind = {
    .name = "cursor_move", .needs = cursor_move_needs, .decide = cursor_move_decide, .rows_max = CURSOR_ROWS_MAX
};

int relay_cursor_move(struct integration *integration, const struct relay_hand *hand) {
    struct relay_hand input = *hand;
    int r = command_run_program(integration, &cursor_move_kind, &input);
    return r ? err_fold(r) : 0;
}

int relay_cursor_read(struct reader *reader, const char *consumer, struct arena *arena, struct relay_place *ret_place) {
    struct cursor_row probe = { .consumer = str_from_c(consumer) };
    const struct cursor_row *row;
    const void *found;
    arena_reset(arena);
    int r = read_row(reader, &cursor_table, 0, &probe, arena, &found);
    if (r) return err_trace(r);
    row = found;
    *ret_place = (struct relay_place){ 0 };
    if (row) *ret_place = (struct relay_place){ .epoch = row->epoch, .seq = row->seq, .event = row->event };
    return 0;
}
