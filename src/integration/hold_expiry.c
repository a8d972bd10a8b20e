#include "integration/hold_expiry.h"

#include "services/ledger/ledger.h"

struct expiring {
    int64_t due_ms;
    uint8_t hold_id[16];
};

/* One command of a batch: free again once it was answered. */
struct ending {
    struct command command;
    struct hold_expiry *expiry;
    struct expiring what;
};

struct hold_expiry {
    struct expiring heap[HOLD_EXPIRY_MAX]; /* the earliest first */
    size_t count;
    int64_t missed_ms; /* the earliest time that may stand in the table alone; INT64_MAX: none */
    struct ending endings[ENGINE_DUE_MAX];
    size_t ending_count; /* of the batch under way; all answered before the next */
    struct reader reader;
    struct arena arena; /* of one read */
    void (*on_fault)(void *ctx, const char *operation, int code);
    void *ctx;
};

enum { EXPIRY_ARENA_BYTES = 64 * 1024, EXPIRY_ARENA_BYTES_MAX = 1024 * 1024 };

/* ---- the heap ---- */

static void heap_swap(struct hold_expiry *expiry, size_t a, size_t b) {
    struct expiring other = expiry->heap[a];
    expiry->heap[a] = expiry->heap[b];
    expiry->heap[b] = other;
}

static void heap_put(struct hold_expiry *expiry, const struct expiring *item) {
    if (expiry->count == HOLD_EXPIRY_MAX) { /* it is in the table: Y2 */
        if (item->due_ms < expiry->missed_ms) expiry->missed_ms = item->due_ms;
        return;
    }
    size_t at = expiry->count++;
    expiry->heap[at] = *item;
    while (at > 0 && expiry->heap[at].due_ms < expiry->heap[(at - 1) / 2].due_ms) {
        heap_swap(expiry, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static struct expiring heap_take(struct hold_expiry *expiry) {
    struct expiring first = expiry->heap[0];
    size_t at = 0;
    expiry->heap[0] = expiry->heap[--expiry->count];
    for (;;) {
        size_t least = at, left = 2 * at + 1, right = left + 1;
        if (left < expiry->count && expiry->heap[left].due_ms < expiry->heap[least].due_ms) least = left;
        if (right < expiry->count && expiry->heap[right].due_ms < expiry->heap[least].due_ms) least = right;
        if (least == at) return first;
        heap_swap(expiry, at, least);
        at = least;
    }
}

/* ---- the table ---- */

struct reading {
    struct hold_expiry *expiry;
    struct ledger_hold_expiry_row last;
    size_t rows;
};

static int reading_add(void *ctx, const void *row) {
    struct reading *reading = ctx;
    reading->last = *(const struct ledger_hold_expiry_row *)row;
    reading->rows++;
    struct expiring item = { .due_ms = reading->last.expires_ms };
    memcpy(item.hold_id, reading->last.hold_id, 16);
    heap_put(reading->expiry, &item);
    return 0;
}

/* The rows behind *last (NULL: from the first), in the order of their time: a page. */
static int page_read(struct hold_expiry *expiry, struct reading *reading, bool bounded) {
    struct ledger_hold_expiry_row behind = reading->last;
    struct store_range range = { .table = &ledger_hold_expiry_table,
                                 .index = LEDGER_HOLD_EXPIRY_INDEX_TIME,
                                 .row = &behind,
                                 .bounded = bounded,
                                 .limit = STORE_RANGE_ROWS_MAX };
    reading->rows = 0;
    arena_reset(&expiry->arena);
    return err_trace(read_range(&expiry->reader, &range, &expiry->arena, reading_add, reading));
}

/* Those of one time, behind the last one read. */
static int same_time_read(struct hold_expiry *expiry, struct reading *reading) {
    struct ledger_hold_expiry_row behind = reading->last;
    struct store_range range = { .table = &ledger_hold_expiry_table,
                                 .index = LEDGER_HOLD_EXPIRY_INDEX_TIME,
                                 .row = &behind,
                                 .equal_columns = 1,
                                 .bounded = true,
                                 .limit = STORE_RANGE_ROWS_MAX };
    reading->rows = 0;
    arena_reset(&expiry->arena);
    return err_trace(read_range(&expiry->reader, &range, &expiry->arena, reading_add, reading));
}

/* Forgets what is in memory and reads the earliest anew. */
static int table_read(struct hold_expiry *expiry) {
    struct reading reading = { .expiry = expiry };
    bool bounded = false;
    int r;
    expiry->count = 0;
    expiry->missed_ms = INT64_MAX;
    do {
        r = page_read(expiry, &reading, bounded);
        bounded = true;
        if (r || reading.rows < STORE_RANGE_ROWS_MAX) break;
        do r = same_time_read(expiry, &reading); /* the page may have ended among those of one time */
        while (!r && reading.rows == STORE_RANGE_ROWS_MAX && expiry->missed_ms == INT64_MAX);
    } while (!r && expiry->missed_ms == INT64_MAX);
    return err_trace(r);
}

int hold_expiry_open(struct store *store, void (*on_fault)(void *ctx, const char *operation, int code), void *ctx,
                     struct hold_expiry **ret_expiry) {
    struct hold_expiry *expiry = calloc(1, sizeof *expiry);
    if (!expiry) return err_origin(-ENOMEM);
    expiry->on_fault = on_fault;
    expiry->ctx = ctx;
    int r = reader_open(store, &expiry->reader);
    if (!r) r = arena_init(&expiry->arena, EXPIRY_ARENA_BYTES, EXPIRY_ARENA_BYTES_MAX);
    if (!r) r = table_read(expiry);
    if (r) {
        hold_expiry_close(expiry);
        return err_trace(r);
    }
    *ret_expiry = expiry;
    return 0;
}

struct hold_expiry *hold_expiry_close(struct hold_expiry *expiry) {
    if (!expiry) return NULL;
    if (expiry->reader.store) reader_close(&expiry->reader);
    arena_release(&expiry->arena);
    free(expiry);
    return NULL;
}

/* ---- the command ---- */

static void hold_expire_needs(struct work *work, const struct command *command) {
    const struct expiring *what = command->input;
    struct ledger_hold_expiry_row probe = { 0 };
    memcpy(probe.hold_id, what->hold_id, 16);
    ledger_want_hold(work, what->hold_id);
    work_want(work, &ledger_hold_expiry_table, 0, &probe);
}

static int hold_expire_decide(struct work *work, struct command *command) {
    const struct expiring *what = command->input;
    return ledger_hold_expire(work, what->hold_id);
}

static const struct command_kind hold_expire_kind = { .name = "hold_expire",
                                                      .needs = hold_expire_needs,
                                                      .decide = hold_expire_decide };

static void hold_expire_on_reply(struct command *command) {
    struct ending *ending = command->owner;
    struct hold_expiry *expiry = ending->expiry;
    expiry->ending_count--;
    if (command->result == COMMAND_DONE || command->result == COMMAND_FAULT) return; /* a fault would come again */
    struct expiring later = ending->what;
    later.due_ms += HOLD_EXPIRY_RETRY_MS;
    heap_put(expiry, &later);
}

void hold_expiry_follow(struct hold_expiry *expiry, const struct followup *followup) {
    struct expiring item = { .due_ms = followup->due_ms };
    memcpy(item.hold_id, followup->id, 16);
    heap_put(expiry, &item);
}

size_t hold_expiry_due(struct hold_expiry *expiry, int64_t now_ms, struct command **commands, size_t max) {
    size_t count = 0;
    check(expiry->ending_count == 0 && max <= ENGINE_DUE_MAX);
    if (expiry->missed_ms <= now_ms) {
        int r = table_read(expiry);
        if (r) expiry->missed_ms = now_ms + HOLD_EXPIRY_RETRY_MS; /* asked again; the ledger judges meanwhile */
        if (r && expiry->on_fault) expiry->on_fault(expiry->ctx, "hold_expiry", r);
    }
    while (count < max && expiry->count && expiry->heap[0].due_ms <= now_ms) {
        struct ending *ending = &expiry->endings[count];
        *ending = (struct ending){ .expiry = expiry, .what = heap_take(expiry) };
        ending->command = (struct command){ .kind = &hold_expire_kind,
                                            .input = &ending->what,
                                            .internal = true,
                                            .on_reply = hold_expire_on_reply,
                                            .owner = ending };
        commands[count++] = &ending->command;
    }
    expiry->ending_count = count;
    return count;
}

int64_t hold_expiry_next_ms(const struct hold_expiry *expiry) {
    int64_t first_ms = expiry->count ? expiry->heap[0].due_ms : INT64_MAX;
    return first_ms < expiry->missed_ms ? first_ms : expiry->missed_ms;
}
