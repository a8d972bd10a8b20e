#include "integration/command/due.h"

#include "integration/schedule_rules.h"

/* What became of one order that fell due. */
struct made {
    bool made; /* there is a payment */
    uint8_t payment_id[16];
    const char *reason; /* "" or why it was rejected */
    bool wants_funds;   /* rejected for want of funds */
};

#define X(code, name) [code] = name,
static const char *const refusal_names[DUE_E_COUNT] = { DUE_E_MAP(X) };
#undef X

static const char *due_refusal_name(int refusal) {
    check(refusal > 0 && refusal < DUE_E_COUNT);
    return refusal_names[refusal];
}

/* 0, DUE_E_CORE, VIEW_NEED, <0. */
static int make(struct work *work, const struct payment_accept *accept, struct made *ret_made) {
    struct made made = { .reason = "" };
    const struct payment_row *payment;
    int r = payment_accept_make(work, accept, made.payment_id);
    if (r == PAYMENT_ACCEPT_E_BREAKER) return DUE_E_CORE;
    if (r < 0 || r == VIEW_NEED) return r;
    if (r) {
        made.reason = payment_accept_refusal_name(r);
    } else {
        made.made = true;
        r = payment_get(work, made.payment_id, &payment);
        if (r) return r;
        made.reason = payment_reason_name((enum payment_reason)payment->reason);
        made.wants_funds = payment->reason == PAYMENT_REASON_INSUFFICIENT_FUNDS;
    }
    *ret_made = made;
    return 0;
}

static const struct schedule_rail *rail_of(const struct payment_accept *accept) {
    return schedule_rules_rail(accept->integration->schedule, accept->order.amount.currency.code);
}

/* When the order is tried next, with no payment made now. */
static int64_t next_try(const struct payment_accept *accept, enum due_mode mode, int64_t now_ms) {
    const struct schedule_rail *rail = rail_of(accept);
    int64_t retry_ms = mode == DUE_PUT_OFF_FUNDS && rail ? schedule_rail_retry(rail, now_ms) : 0;
    return retry_ms ? retry_ms : now_ms + DUE_CORE_PAUSE_MS;
}

static bool may_retry(const struct payment_accept *accept, int64_t now_ms) {
    const struct schedule_rail *rail = rail_of(accept);
    return rail && schedule_rail_retry(rail, now_ms) != 0;
}

/* ---- scheduled payments ---- */

static void scheduled_due_needs(struct work *work, const struct command *command) {
    const struct scheduled_due *input = command->input;
    scheduled_want(work, input->scheduled_id);
    payment_accept_want(work, &input->accept);
}

static int scheduled_due_decide(struct work *work, struct command *command) {
    const struct scheduled_due *input = command->input;
    struct view view = view_of(work, "payments");
    int64_t now_ms = view_now_ms(&view);
    const struct scheduled_row *row;
    struct made made;
    int r = scheduled_get(work, input->scheduled_id, &row);
    if (r) return r;
    if (!row || row->state != SCHEDULED_PENDING || row->due_ms > now_ms) return DUE_E_PAST; /* D1 */
    if (input->mode != DUE_MAKE) {
        int64_t due_ms = next_try(&input->accept, input->mode, now_ms);
        r = scheduled_put_off(work, input->scheduled_id, due_ms, input->mode == DUE_PUT_OFF_FUNDS);
        return r == VIEW_NEED ? r : err_fold(r);
    }
    r = make(work, &input->accept, &made);
    if (r) return r;
    if (made.wants_funds && may_retry(&input->accept, now_ms)) return DUE_E_FUNDS;
    struct scheduled_end end = { .state = made.reason[0] ? SCHEDULED_REJECTED : SCHEDULED_EXECUTED,
                                 .reason = made.reason,
                                 .payment_id = made.made ? made.payment_id : NULL };
    memcpy(command->resource_id, made.payment_id, 16);
    r = scheduled_end(work, input->scheduled_id, &end);
    return r == VIEW_NEED ? r : err_fold(r);
}

const struct command_kind scheduled_due_kind = { .name = "scheduled_due",
                                                 .needs = scheduled_due_needs,
                                                 .decide = scheduled_due_decide,
                                                 .refusal_name = due_refusal_name };

/* ---- standing orders ---- */

int64_t standing_order_amount(const struct standing_order_row *order) {
    if (order->plan_part == STANDING_FIRST && order->first_minor) return order->first_minor;
    if (order->plan_part == STANDING_FINAL && order->final_minor) return order->final_minor;
    return order->terms.amount_minor;
}

/* Sets the order's next date behind last_day. True: the calendar ends before it; it is looked for again later.
 * *ret_ended: there is none. */
static bool find_next(const struct schedule_rules *rules, const struct standing_plan *plan, int64_t now_ms,
                      struct standing_order_row *order, bool *ret_ended) {
    const struct schedule_rail *rail = schedule_rules_rail(rules, order->terms.currency);
    struct standing_date date;
    struct schedule_due due;
    order->plan_day = order->due_day = 0;
    order->due_ms = now_ms + DUE_LOOK_AGAIN_MS;
    *ret_ended = false;
    if (!rail) return true;
    int r = standing_plan_date(plan, &rail->calendar, order->sequence + 1, order->last_day, &date);
    *ret_ended = r == STANDING_PLAN_E_ENDED;
    if (r) return r == STANDING_PLAN_E_CALENDAR;
    order->plan_day = date.day;
    order->plan_part = date.part;
    if (schedule_rail_due(rail, rules->rules[SCHEDULE_STANDING_ORDER], date.day, &due)) return true;
    order->due_day = due.day;
    order->due_ms = due.ms;
    return false;
}

static void standing_order_due_needs(struct work *work, const struct command *command) {
    const struct standing_order_due *input = command->input;
    standing_order_want(work, input->standing_order_id);
    standing_order_run_want(work, input->standing_order_id, input->sequence);
    payment_accept_want(work, &input->accept);
}

/* The date is dealt with, one way or the other: its run, and the next date. */
static int standing_order_go_on(struct work *work, struct standing_order_due *input, struct standing_order_row *order,
                                const struct made *made) {
    struct view view = view_of(work, "payments");
    const struct schedule_rules *rules = input->accept.integration->schedule;
    struct standing_order_run_row run = { .plan_day = order->plan_day,
                                          .amount_minor = input->accept.order.amount.minor,
                                          .reason = str_from_c(made->reason) };
    struct standing_order_row next = *order;
    struct standing_plan plan;
    bool ended;
    int r = standing_order_plan(order, &plan);
    if (r) return err_trace(r);
    if (made->made) memcpy(run.payment_id, made->payment_id, 16);
    next.sequence++;
    next.last_day = order->plan_day;
    input->calendar_exceeded = find_next(rules, &plan, view_now_ms(&view), &next, &ended);
    next.sequence--; /* standing_order_ran counts it */
    return standing_order_ran(work, &next, &run, ended);
}

/* Once more for the next date of an order whose calendar had ended. */
static int standing_order_look(struct work *work, struct standing_order_due *input, struct standing_order_row *order) {
    struct view view = view_of(work, "payments");
    struct standing_plan plan;
    bool ended;
    int r = standing_order_plan(order, &plan);
    if (r) return err_trace(r);
    input->calendar_exceeded = find_next(input->accept.integration->schedule, &plan, view_now_ms(&view), order, &ended);
    return standing_order_put_off(work, order);
}

static int standing_order_due_decide(struct work *work, struct command *command) {
    struct standing_order_due *input = command->input;
    struct view view = view_of(work, "payments");
    int64_t now_ms = view_now_ms(&view);
    const struct standing_order_row *row;
    struct made made;
    int r = standing_order_get(work, input->standing_order_id, &row);
    if (r) return r;
    if (!row || row->state != STANDING_ORDER_ACTIVE || row->sequence + 1 != input->sequence || row->due_ms > now_ms)
        return DUE_E_PAST; /* D1 */
    struct standing_order_row order = *row;
    if (!order.due_day) return standing_order_look(work, input, &order);
    if (input->mode != DUE_MAKE) {
        order.due_ms = next_try(&input->accept, input->mode, now_ms);
        return standing_order_put_off(work, &order);
    }
    r = make(work, &input->accept, &made);
    if (r) return r;
    if (made.wants_funds && may_retry(&input->accept, now_ms)) return DUE_E_FUNDS;
    memcpy(command->resource_id, made.payment_id, 16);
    return standing_order_go_on(work, input, &order, &made);
}

const struct command_kind standing_order_due_kind = { .name = "standing_order_due",
                                                      .needs = standing_order_due_needs,
                                                      .decide = standing_order_due_decide,
                                                      .refusal_name = due_refusal_name };

/* ---- items of files ---- */

static void file_item_due_needs(struct work *work, const struct command *command) {
    const struct file_item_due *input = command->input;
    payment_file_want(work, input->item.file_id);
    payment_file_result_want(work, input->item.file_id, input->item.number);
    payment_accept_want(work, &input->accept);
}

static int file_item_due_decide(struct work *work, struct command *command) {
    const struct file_item_due *input = command->input;
    struct view view = view_of(work, "payments");
    const struct payment_file_row *file;
    struct made made;
    bool has_result;
    int r = payment_file_get(work, input->item.file_id, &file);
    if (!r) r = payment_file_has_result(work, &input->item, &has_result);
    if (r) return r;
    if (!file || file->state != PAYMENT_FILE_ACCEPTED || has_result || file->due_ms > view_now_ms(&view))
        return DUE_E_PAST; /* D1 */
    r = make(work, &input->accept, &made);
    if (r) return r;
    struct payment_file_result_row result = { .reason = str_from_c(made.reason) };
    if (made.made) memcpy(result.payment_id, made.payment_id, 16);
    memcpy(command->resource_id, made.payment_id, 16);
    return payment_file_ran(work, &input->item, &result, input->through);
}

const struct command_kind file_item_due_kind = { .name = "file_item_due",
                                                 .needs = file_item_due_needs,
                                                 .decide = file_item_due_decide,
                                                 .refusal_name = due_refusal_name };
