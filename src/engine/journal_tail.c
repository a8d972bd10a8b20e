#include "engine/journal_tail.h"

#include "engine/engine_int.h"

struct tail_slot {
    struct journal_row row; /* its body is in the ring's bytes */
    size_t at, len;
};

struct journal_tail {
    pthread_mutex_t lock;
    uint8_t *bytes;                               /* JOURNAL_TAIL_BYTES */
    size_t next_at;                               /* where the next body may begin */
    uint64_t first, next;                         /* records number first..next-1 are there */
    struct tail_slot slots[JOURNAL_TAIL_RECORDS]; /* by number modulo */
};

int journal_tail_new(struct journal_tail **ret_tail) {
    struct journal_tail *tail = calloc(1, sizeof *tail);
    if (!tail) return err_origin(-ENOMEM);
    tail->bytes = malloc(JOURNAL_TAIL_BYTES);
    check(pthread_mutex_init(&tail->lock, NULL) == 0);
    if (!tail->bytes) {
        (void)journal_tail_free(tail);
        return err_origin(-ENOMEM);
    }
    *ret_tail = tail;
    return 0;
}

struct journal_tail *journal_tail_free(struct journal_tail *tail) {
    if (!tail) return NULL;
    pthread_mutex_destroy(&tail->lock);
    free(tail->bytes);
    free(tail);
    return NULL;
}

static struct tail_slot *slot_of(struct journal_tail *tail, uint64_t number) {
    return &tail->slots[number % JOURNAL_TAIL_RECORDS];
}

static void drop_all(struct journal_tail *tail) {
    tail->first = tail->next;
    tail->next_at = 0;
}

/* Room for len bytes in one piece. The bodies stand in the order of their age from next_at on, round the ring. */
static size_t make_room(struct journal_tail *tail, size_t len) {
    size_t at = tail->next_at;
    if (tail->next - tail->first == JOURNAL_TAIL_RECORDS) tail->first++;
    if (at + len > JOURNAL_TAIL_BYTES) { /* what is older than the ring's beginning goes first */
        while (tail->first < tail->next && slot_of(tail, tail->first)->at >= at) tail->first++;
        at = 0;
    }
    for (; tail->first < tail->next; tail->first++) {
        const struct tail_slot *oldest = slot_of(tail, tail->first);
        if (oldest->at >= at + len || oldest->at < at) break; /* of this round: it stands before */
    }
    return at;
}

static bool follows(struct journal_tail *tail, const struct journal_row *row) {
    if (tail->first == tail->next) return true;
    const struct journal_row *newest = &slot_of(tail, tail->next - 1)->row;
    return row->epoch == newest->epoch && row->seq == newest->seq + 1;
}

void journal_tail_put(struct journal_tail *tail, const struct journal_row *row) {
    pthread_mutex_lock(&tail->lock);
    if (!follows(tail, row) || row->body.len >= JOURNAL_TAIL_BYTES) drop_all(tail);
    if (row->body.len < JOURNAL_TAIL_BYTES) {
        size_t at = make_room(tail, row->body.len + 1); /* an empty one has a place too */
        struct tail_slot *slot = slot_of(tail, tail->next++);
        *slot = (struct tail_slot){ .row = *row, .at = at, .len = row->body.len };
        if (row->body.len) memcpy(tail->bytes + at, row->body.at, row->body.len);
        tail->next_at = at + row->body.len + 1;
    }
    pthread_mutex_unlock(&tail->lock);
}

/* A copy of the record behind (epoch, seq). 1: there; 0: not here; <0. */
static int take(struct journal_tail *tail, int64_t epoch, int64_t seq, struct arena *arena,
                struct journal_row *ret_row) {
    int r = 0;
    pthread_mutex_lock(&tail->lock);
    if (tail->first < tail->next) {
        const struct journal_row *oldest = &slot_of(tail, tail->first)->row;
        int64_t behind = seq + 1 - oldest->seq, count = (int64_t)(tail->next - tail->first);
        if (oldest->epoch == epoch && behind >= 0 && behind < count) {
            const struct tail_slot *slot = slot_of(tail, tail->first + (uint64_t)behind);
            struct str body = arena_dup(arena, str_from_bytes(tail->bytes + slot->at, slot->len));
            r = body.at ? 1 : err_origin(-ENOMEM);
            *ret_row = slot->row;
            ret_row->body = body;
        }
    }
    pthread_mutex_unlock(&tail->lock);
    return r;
}

int journal_tail_walk(struct journal_tail *tail, const struct journal_walk *walk, uint32_t *ret_given) {
    uint32_t given = 0;
    int r = 0;
    for (int64_t seq = walk->seq; given < walk->limit && r == 0; seq++) {
        struct journal_row row;
        r = take(tail, walk->epoch, seq, walk->arena, &row);
        if (r <= 0) break;
        given++;
        r = walk->each(walk->ctx, &row);
    }
    *ret_given = given;
    return r;
}

/* ---- where the tail has nothing ---- */

struct counting {
    const struct journal_walk *walk;
    uint32_t given;
};

static int count_each(void *ctx, const void *row) {
    struct counting *counting = ctx;
    counting->given++;
    return counting->walk->each(counting->walk->ctx, row);
}

int journal_walk(struct engine *engine, struct reader *reader, const struct journal_walk *walk) {
    struct counting counting = { .walk = walk };
    int r = journal_tail_walk(engine->tail, walk, &counting.given);
    if (r || counting.given) return r;
    struct journal_row probe = { .epoch = walk->epoch, .seq = walk->seq };
    struct store_range range = {
        .table = &engine_journal_table, .row = &probe, .equal_columns = 1, .bounded = true, .limit = walk->limit
    };
    r = read_begin(reader);
    if (r) return err_trace(r);
    r = read_range(reader, &range, walk->arena, count_each, &counting);
    range.equal_columns = 0;
    if (!r && counting.given == 0) r = read_range(reader, &range, walk->arena, count_each, &counting);
    read_end(reader);
    return r;
}
