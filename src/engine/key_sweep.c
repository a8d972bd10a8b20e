#include "engine/key_sweep.h"

#include "engine/idempotency.h"
#include "engine/work.h"
#include "platform/clock.h"

/* ---- the command ---- */

static struct key_row key_of(const struct key_sweep *sweep, size_t at, int64_t day) {
    struct key_row row = { .day = day };
    memcpy(row.key, sweep->keys[at], 16);
    return row;
}

static void sweep_needs(struct work *work, const struct command *command) {
    const struct key_sweep *sweep = command->input;
    for (size_t i = 0; i < sweep->count; i++) {
        struct key_row row = key_of(sweep, i, sweep->day), kept = key_of(sweep, i, KEY_DAY_LONG);
        work_want(work, &engine_key_table, 0, &row);
        if (sweep->day != KEY_DAY_LONG) work_want(work, &engine_key_table, 0, &kept);
    }
}

static int get_answer(const struct view *view, const struct key_row *key, const struct answer_row **ret_answer) {
    struct answer_row wanted = { .number = key->answer };
    const void *found;
    int r = view_get(view, &engine_answer_table, &wanted, &found);
    if (!r) *ret_answer = found;
    return r;
}

/* What lives on, under day 0; an expired row that is there already makes room. */
static int keep(const struct view *view, const struct key_row *row) {
    struct key_row kept = *row;
    const struct answer_row *answer;
    const void *old;
    kept.day = KEY_DAY_LONG;
    view->work->counters[COUNTER_LONG_KEYS] = LONG_KEYS_SOME; /* K4; also when the command is dropped */
    int r = view_get(view, &engine_key_table, &kept, &old);
    if (r) return r;
    if (!old) return err_trace(view_insert(view, &engine_key_table, &kept));
    r = get_answer(view, old, &answer);
    if (r) return r;
    r = view_update(view, &engine_key_table, &kept);
    return r || !answer ? err_trace(r) : err_trace(view_delete(view, &engine_answer_table, answer));
}

static int sweep_one(const struct view *view, const struct key_row *probe) {
    const struct answer_row *answer;
    const void *found;
    int r = view_get(view, &engine_key_table, probe, &found);
    if (r || !found) return r; /* swept already */
    r = get_answer(view, found, &answer);
    if (r) return r;
    bool lives = answer && !answer_has_expired(answer, view_now_ms(view));
    if (lives && probe->day == KEY_DAY_LONG) return 0;
    r = lives ? keep(view, found) : answer ? view_delete(view, &engine_answer_table, answer) : 0;
    return r ? r : err_trace(view_delete(view, &engine_key_table, probe));
}

static int sweep_decide(struct work *work, struct command *command) {
    const struct key_sweep *sweep = command->input;
    struct view view = view_of(work, "engine");
    int64_t finished = clock_day(view_now_ms(&view)) - 2; /* the last day before yesterday */
    bool needs = false;
    check(sweep->count <= KEY_SWEEP_KEYS_MAX);
    if (sweep->day > finished || sweep->swept_day > finished) return KEY_SWEEP_E_EARLY;
    for (size_t i = 0; i < sweep->count; i++) {
        struct key_row probe = key_of(sweep, i, sweep->day);
        int r = sweep_one(&view, &probe);
        if (r < 0) return err_trace(r);
        needs |= r == VIEW_NEED;
    }
    if (needs) return VIEW_NEED;
    if (sweep->swept_day > work->counters[COUNTER_SWEPT_DAY]) work_swept_day(work, sweep->swept_day);
    return 0;
}

static const char *sweep_refusal_name(int refusal) {
    return refusal == KEY_SWEEP_E_EARLY ? "early" : "?";
}

enum { SWEEP_ROWS_EACH = 4 }; /* the key, its place under day 0, its answer, an expired one that stood there */
static_assert(KEY_SWEEP_KEYS_MAX * SWEEP_ROWS_EACH <= ENGINE_BULK_ROWS_MAX, "a command may write them");
const struct command_kind key_sweep_kind = { .name = "key_sweep",
                                             .needs = sweep_needs,
                                             .decide = sweep_decide,
                                             .refusal_name = sweep_refusal_name,
                                             .rows_max = KEY_SWEEP_KEYS_MAX * SWEEP_ROWS_EACH };

/* ---- the plan ---- */

static int take_key(void *ctx, const void *found) {
    struct key_sweep *sweep = ctx;
    const struct key_row *row = found;
    if (sweep->count == 0) sweep->day = row->day;
    if (row->day != sweep->day) return 1; /* the next day */
    memcpy(sweep->keys[sweep->count++], row->key, 16);
    return sweep->count == KEY_SWEEP_KEYS_MAX;
}

/* The first keys of the oldest day that has any. */
static int plan_day(struct reader *reader, struct arena *arena, struct key_sweep *sweep) {
    struct key_row bound = { .day = KEY_DAY_LONG };
    struct store_range range = {
        .table = &engine_key_table, .row = &bound, .bounded = true, .limit = KEY_SWEEP_KEYS_MAX
    };
    int r = read_range(reader, &range, arena, take_key, sweep);
    return r < 0 ? err_trace(r) : 0;
}

static int read_swept_day(struct reader *reader, struct arena *arena, int64_t *ret_day) {
    struct {
        int64_t kind, value;
    } probe = { .kind = COUNTER_SWEPT_DAY };
    const void *row;
    int r = read_row(reader, &engine_counter_table, 0, &probe, arena, &row);
    if (!r) *ret_day = row ? column_i64(&engine_counter_table.columns[1], row) : 0;
    return err_trace(r);
}

struct page {
    struct key_row rows[KEY_SWEEP_KEYS_MAX];
    size_t count;
};
static int take_row(void *ctx, const void *row) {
    struct page *page = ctx;
    page->rows[page->count++] = *(const struct key_row *)row;
    return 0;
}

/* One page of the long-kept keys behind the cursor: the expired ones go into the plan. */
static int plan_long_page(struct key_sweeper *sweeper, struct reader *reader, struct arena *arena, int64_t now_ms,
                          struct key_sweep *sweep) {
    struct page page = { .count = 0 };
    struct key_row bound = { .day = KEY_DAY_LONG };
    struct store_range range = {
        .table = &engine_key_table, .row = &bound, .equal_columns = 1, .bounded = true, .limit = KEY_SWEEP_KEYS_MAX
    };
    memcpy(bound.key, sweeper->cursor, 16);
    int r = read_range(reader, &range, arena, take_row, &page);
    for (size_t i = 0; r == 0 && i < page.count; i++) {
        struct answer_row wanted = { .number = page.rows[i].answer };
        const void *answer;
        r = read_row(reader, &engine_answer_table, 0, &wanted, arena, &answer);
        if (r == 0 && (!answer || answer_has_expired(answer, now_ms)))
            memcpy(sweep->keys[sweep->count++], page.rows[i].key, 16);
        if (i % 64 == 63) arena_reset(arena);
    }
    if (r) return r > 0 ? err_fold(r) : err_trace(r);
    bool last = page.count < KEY_SWEEP_KEYS_MAX;
    if (last) sweeper->rest_until_ms = now_ms + KEY_SWEEP_REST_MS;
    if (last) memset(sweeper->cursor, 0, sizeof sweeper->cursor);
    else memcpy(sweeper->cursor, page.rows[page.count - 1].key, 16);
    return 0;
}

static int plan_long(struct key_sweeper *sweeper, struct reader *reader, struct arena *arena, int64_t now_ms,
                     struct key_sweep *sweep) {
    int r = 0;
    *sweep = (struct key_sweep){ .day = KEY_DAY_LONG };
    for (int i = 0; !r && i < KEY_SWEEP_PAGES_MAX && !sweep->count && sweeper->rest_until_ms <= now_ms; i++) {
        arena_reset(arena);
        r = plan_long_page(sweeper, reader, arena, now_ms, sweep);
    }
    return err_trace(r);
}

/* tidy: parameters because the plan is made beside the engine: reader, memory and time come from the job. */
int key_sweep_plan(struct key_sweeper *sweeper, struct reader *reader, struct arena *arena, int64_t now_ms,
                   struct key_sweep *ret_sweep, bool *ret_more) {
    int64_t finished = clock_day(now_ms) - 2, swept;
    struct key_sweep sweep = { .day = KEY_DAY_LONG };
    arena_reset(arena);
    int r = plan_day(reader, arena, &sweep);
    bool more = !r && sweep.count && sweep.day <= finished;
    if (!r && !more) {
        int64_t empty = sweep.count ? sweep.day - 1 : finished;
        r = read_swept_day(reader, arena, &swept);
        sweep = (struct key_sweep){ .day = KEY_DAY_LONG, .swept_day = empty < finished ? empty : finished };
        more = !r && swept && swept < sweep.swept_day;
    }
    if (!r && !more) {
        r = plan_long(sweeper, reader, arena, now_ms, &sweep);
        more = !r && sweep.count;
    }
    if (r) return err_trace(r);
    if (more) *ret_sweep = sweep;
    *ret_more = more;
    return 0;
}
