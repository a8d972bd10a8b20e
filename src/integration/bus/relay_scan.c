#include "engine/journal_tail.h"
#include "integration/bus/event_json.h"
#include "integration/bus/relay_int.h"

enum {
    SCAN_ARENA_BLOCK_BYTES = 256 * 1024,
    SCAN_ARENA_BYTES_MAX = 256 * 1024 * 1024,
    SCAN_FETCH_BYTES = 32 * 1024 * 1024, /* a read ends with the record that passes it */
};
static_assert(SCAN_FETCH_BYTES + 2 * (int)JOURNAL_BODY_BYTES_MAX <= SCAN_ARENA_BYTES_MAX, "one record more, read");

int relay_scan_init(struct relay_scan *scan, const struct integration *integration) {
    scan->integration = integration;
    int r = arena_init(&scan->arena, SCAN_ARENA_BLOCK_BYTES, SCAN_ARENA_BYTES_MAX);
    return r ? err_trace(r) : err_trace(reader_open(integration->store, &scan->reader));
}

void relay_scan_release(struct relay_scan *scan) {
    if (scan->reader.store) reader_close(&scan->reader);
    arena_release(&scan->arena);
}

/* One event of a record: 0 taken or passed over, 1 no room, <0. An event that this program does not know is of a newer
 * one: it is not for us. */
static int take_event(struct relay_scan *scan, const struct relay_slot *at, struct str json) {
    enum event_type type;
    if (event_json_type(json, &type)) return 0;
    uint32_t wanted = scan->wants[type] & scan->consumers;
    if (!wanted) return 0;
    if (scan->count == RELAY_EVENTS_MAX) return 1;
    struct relay_slot *slot = &scan->slots[scan->count];
    int r = event_json_read(json, &scan->arena, &slot->event);
    if (r) return r < 0 ? err_trace(r) : 0;
    slot->epoch = at->epoch;
    slot->seq = at->seq;
    slot->index = at->index;
    slot->wanted = wanted;
    scan->count++;
    return 0;
}

/* Takes one record; 1 = enough, stop after it. */
static int take_record(void *ctx, const void *row) {
    struct relay_scan *scan = ctx;
    const struct journal_row *record = row;
    struct str body = record->body, json;
    enum journal_frame type;
    bool good = true;
    int64_t skip = record->seq == scan->next.seq + 1 ? scan->next.event : 0;
    struct relay_slot at = { .epoch = record->epoch, .seq = record->seq };
    while (journal_frame_next(&body, &type, &json, &good)) {
        if (type != JOURNAL_EVENT || at.index++ < skip) continue;
        at.index--;
        int r = take_event(scan, &at, json);
        if (r < 0) return err_trace(r);
        if (r) { /* the rest of the record is for the next time */
            scan->next = relay_place_after(&scan->slots[scan->count - 1]);
            scan->full = true;
            return 1;
        }
        at.index++;
    }
    if (!good) return err_origin(-EUCLEAN);
    scan->next = (struct relay_place){ .epoch = record->epoch, .seq = record->seq };
    scan->full = ++scan->records == RELAY_RECORDS_MAX || scan->count == RELAY_EVENTS_MAX ||
                 scan->arena.bytes_used >= SCAN_FETCH_BYTES;
    return scan->full ? 1 : 0;
}

int relay_scan_run(struct relay_scan *scan, const struct relay_place *place) {
    struct journal_walk walk = { .epoch = place->epoch,
                                 .seq = place->seq,
                                 .limit = RELAY_RECORDS_MAX,
                                 .arena = &scan->arena,
                                 .each = take_record,
                                 .ctx = scan };
    arena_reset(&scan->arena);
    scan->count = scan->records = 0;
    scan->full = false;
    scan->next = *place;
    int r = journal_walk(scan->integration->engine, &scan->reader, &walk);
    return r < 0 ? err_trace(r) : 0;
}

static int take_head(void *ctx, const void *row) {
    const struct journal_row *record = row;
    *(struct relay_place *)ctx = (struct relay_place){ .epoch = record->epoch, .seq = record->seq };
    return 0;
}

int relay_scan_head(struct relay_scan *scan, struct relay_place *ret_place) {
    struct store_range range = { .table = &engine_journal_table, .descending = true, .limit = 1 };
    struct relay_place head = { 0 };
    arena_reset(&scan->arena);
    int r = read_range(&scan->reader, &range, &scan->arena, take_head, &head);
    if (r) return err_trace(r);
    *ret_place = head;
    return 0;
}
