#include "services/payments/standing_order.h"

#include "domain/civil_date.h"
#include "engine/engine.h"

/* ---- the plan ---- */

int standing_plan_check(const struct standing_plan *plan) {
    bool good = plan->first_day > 0 && plan->first_day <= CIVIL_DAY_MAX && plan->recurring_day >= 0 &&
                plan->recurring_day <= CIVIL_DAY_MAX && plan->final_day >= 0 && plan->final_day <= CIVIL_DAY_MAX &&
                plan->payments_max >= 0 && plan->payments_max <= STANDING_PAYMENTS_MAX;
    if (plan->recurring_day && plan->recurring_day <= plan->first_day) good = false;
    if (plan->final_day && plan->final_day < (plan->recurring_day ? plan->recurring_day : plan->first_day))
        good = false;
    if (plan->final_day && plan->payments_max) good = false;
    return good ? 0 : STANDING_PLAN_E_DATES;
}

/* What the frequency gives behind last_day, without a look at the plan's end. */
static int recurring_day(const struct standing_plan *plan, const struct calendar *calendar, int64_t sequence,
                         int64_t last_day, int64_t *ret_day) {
    if (plan->recurring_day && sequence == 2) {
        *ret_day = plan->recurring_day;
        return 0;
    }
    int64_t anchor = plan->recurring_day ? plan->recurring_day : plan->first_day;
    int r = frequency_next(&plan->frequency, calendar, anchor, last_day, ret_day);
    /* Beyond the calendar, a plan that has passed its final day in any case needs no calendar to know. */
    return r == FREQUENCY_E_CALENDAR ? STANDING_PLAN_E_CALENDAR : r ? STANDING_PLAN_E_ENDED : 0;
}

int standing_plan_date(const struct standing_plan *plan, const struct calendar *calendar, int64_t sequence,
                       int64_t last_day, struct standing_date *ret_date) {
    struct standing_date date = { .day = plan->first_day, .part = STANDING_FIRST };
    check(sequence >= 1 && (sequence == 1) == (last_day == 0));
    if (plan->payments_max && sequence > plan->payments_max) return STANDING_PLAN_E_ENDED;
    if (plan->final_day && last_day >= plan->final_day) return STANDING_PLAN_E_ENDED;
    if (sequence > 1) {
        int r = recurring_day(plan, calendar, sequence, last_day, &date.day);
        if (r) return r;
        date.part = STANDING_RECURRING;
        if (plan->final_day && date.day >= plan->final_day)
            date = (struct standing_date){ .day = plan->final_day, .part = STANDING_FINAL };
        if (sequence == plan->payments_max) date.part = STANDING_FINAL;
    }
    *ret_date = date;
    return 0;
}

/* ---- rows ---- */

#define X(code, name) [code] = name,
static const char *const state_names[STANDING_ORDER_STATE_COUNT] = { STANDING_ORDER_STATE_MAP(X) };
#undef X

const char *standing_order_state_name(enum standing_order_state state) {
    check(state < STANDING_ORDER_STATE_COUNT);
    return state_names[state];
}

static const struct column columns[] = {
    COLUMN(struct standing_order_row, standing_order_id, ID),
    PAYMENT_TERMS_COLUMNS(struct standing_order_row),
    COLUMN(struct standing_order_row, state, I64),
    COLUMN(struct standing_order_row, due_ms, I64),
    COLUMN_VAR(struct standing_order_row, frequency, TEXT, FREQUENCY_TEXT_BYTES_MAX),
    COLUMN(struct standing_order_row, first_minor, I64),
    COLUMN(struct standing_order_row, final_minor, I64),
    COLUMN(struct standing_order_row, first_day, I64),
    COLUMN(struct standing_order_row, recurring_day, I64),
    COLUMN(struct standing_order_row, final_day, I64),
    COLUMN(struct standing_order_row, payments_max, I64),
    COLUMN(struct standing_order_row, sequence, I64),
    COLUMN(struct standing_order_row, plan_day, I64),
    COLUMN(struct standing_order_row, plan_part, I64),
    COLUMN(struct standing_order_row, last_day, I64),
    COLUMN(struct standing_order_row, due_day, I64),
    COLUMN(struct standing_order_row, created_ms, I64),
    COLUMN(struct standing_order_row, ended_ms, I64),
};
enum { BEHIND_TERMS = 1 + PAYMENT_TERMS_COLUMNS_COUNT };
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "due", .columns = { BEHIND_TERMS, BEHIND_TERMS + 1, 0 }, .column_count = 3 },
    { .name = "account", .columns = { 4, 0 }, .column_count = 2 },
};
const struct table standing_order_table = {
    .service = "payments",
    .name = "standing_order",
    .row_bytes = sizeof(struct standing_order_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

static const struct column run_columns[] = {
    COLUMN(struct standing_order_run_row, standing_order_id, ID),
    COLUMN(struct standing_order_run_row, sequence, I64),
    COLUMN(struct standing_order_run_row, plan_day, I64),
    COLUMN(struct standing_order_run_row, amount_minor, I64),
    COLUMN(struct standing_order_run_row, payment_id, ID),
    COLUMN_VAR(struct standing_order_run_row, reason, TEXT, SCHEDULED_REASON_BYTES_MAX),
    COLUMN(struct standing_order_run_row, at_ms, I64),
};
static const struct table_index run_indexes[] = {
    { .name = "", .columns = { 0, 1 }, .column_count = 2, .unique = true },
};
const struct table standing_order_run_table = {
    .service = "payments",
    .name = "standing_order_run",
    .row_bytes = sizeof(struct standing_order_run_row),
    .columns = run_columns,
    .column_count = ARRAY_COUNT(run_columns),
    .indexes = run_indexes,
    .index_count = ARRAY_COUNT(run_indexes),
    .append_only = true,
};

static struct standing_order_row probe_id(const uint8_t standing_order_id[16]) {
    struct standing_order_row probe = { .state = 0 };
    memcpy(probe.standing_order_id, standing_order_id, 16);
    return probe;
}

void standing_order_want(struct work *work, const uint8_t standing_order_id[16]) {
    struct standing_order_row probe = probe_id(standing_order_id);
    work_want(work, &standing_order_table, 0, &probe);
}

void standing_order_run_want(struct work *work, const uint8_t standing_order_id[16], int64_t sequence) {
    struct standing_order_run_row probe = { .sequence = sequence };
    memcpy(probe.standing_order_id, standing_order_id, 16);
    work_want(work, &standing_order_run_table, 0, &probe);
}

int standing_order_get(struct work *work, const uint8_t standing_order_id[16],
                       const struct standing_order_row **ret_row) {
    struct view view = view_of(work, "payments");
    struct standing_order_row probe = probe_id(standing_order_id);
    const void *found;
    int r = view_get(&view, &standing_order_table, &probe, &found);
    if (!r) *ret_row = found;
    return r;
}

int standing_order_plan(const struct standing_order_row *row, struct standing_plan *ret_plan) {
    struct standing_plan plan = { .first_day = row->first_day,
                                  .recurring_day = row->recurring_day,
                                  .final_day = row->final_day,
                                  .payments_max = row->payments_max };
    if (frequency_parse(row->frequency, &plan.frequency)) return err_origin(-EBADMSG);
    *ret_plan = plan;
    return 0;
}

static int emit(const struct view *view, const struct standing_order_row *row, enum event_type type) {
    struct event event = { .type = type, .payment_type = PAYMENT_STANDING_ORDER };
    if (type == EVENT_SCHEDULED_REJECTED) {
        event.status = PAYMENT_REJECTED;
        event.reason = PAYMENT_REASON_NOT_ACCEPTED;
    }
    memcpy(event.subject, row->standing_order_id, 16);
    return payment_terms_event(view, &row->terms, event);
}

int standing_order_create(struct work *work, struct standing_order_row *row) {
    struct view view = view_of(work, "payments");
    view_new_id(&view, row->standing_order_id);
    row->state = STANDING_ORDER_ACTIVE;
    row->created_ms = view_now_ms(&view);
    int r = view_insert(&view, &standing_order_table, row);
    return r ? err_trace(r) : emit(&view, row, EVENT_STANDING_ORDER_CREATED);
}

int standing_order_cancel(struct work *work, const uint8_t standing_order_id[16]) {
    struct view view = view_of(work, "payments");
    const struct standing_order_row *old;
    int r = standing_order_get(work, standing_order_id, &old);
    if (r) return r;
    if (!old) return STANDING_ORDER_E_ABSENT;
    if (old->state != STANDING_ORDER_ACTIVE) return STANDING_ORDER_E_STATE;
    struct standing_order_row row = *old;
    row.state = STANDING_ORDER_CANCELLED;
    row.ended_ms = view_now_ms(&view);
    r = view_update(&view, &standing_order_table, &row);
    return r ? err_trace(r) : emit(&view, &row, EVENT_STANDING_ORDER_CANCELLED);
}

int standing_order_ran(struct work *work, struct standing_order_row *order, struct standing_order_run_row *run,
                       bool ended) {
    struct view view = view_of(work, "payments");
    const void *found;
    memcpy(run->standing_order_id, order->standing_order_id, 16);
    run->sequence = order->sequence + 1;
    int r = view_get(&view, &standing_order_run_table, run, &found);
    if (r) return r;
    if (found) return err_origin(-EEXIST); /* O1 */
    order->sequence = run->sequence;
    run->at_ms = view_now_ms(&view);
    order->last_day = run->plan_day;
    if (ended) {
        order->state = STANDING_ORDER_COMPLETED;
        order->ended_ms = run->at_ms;
    }
    r = view_insert(&view, &standing_order_run_table, run);
    if (!r) r = view_update(&view, &standing_order_table, order);
    if (!r && id_is_zero(run->payment_id)) r = emit(&view, order, EVENT_SCHEDULED_REJECTED);
    if (!r && ended) r = emit(&view, order, EVENT_STANDING_ORDER_COMPLETED);
    return err_trace(r);
}

int standing_order_put_off(struct work *work, const struct standing_order_row *order) {
    struct view view = view_of(work, "payments");
    return err_trace(view_update(&view, &standing_order_table, order));
}
