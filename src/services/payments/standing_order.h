/* standing_order.h - payments that come again: one row an order, one row for each date that was dealt with.
 *
 *     (new) --standing_order_create--> active --standing_order_ran--> active, next date | completed
 *                                        \--standing_order_cancel--> cancelled
 *
 * (O1) each date makes one payment: its row (standing_order_id, sequence) is inserted in the commit that makes the
 * payment. (O2) dates are dealt with in order, also those that were missed while the bank stood still. (O3) a date that
 * was rejected is over; the order goes on with the next. Tests: standing_order_test.c (dates), and
 * src/integration/command/schedule_test.c, o1..o3. */
#ifndef GIRO_SERVICES_PAYMENTS_STANDING_ORDER_H
#define GIRO_SERVICES_PAYMENTS_STANDING_ORDER_H

#include "domain/frequency.h"
#include "services/payments/scheduled.h"

/* ---- when and how much: pure ---- */

/* Days as civil_date.h; 0 = none. */
struct standing_plan {
    struct frequency frequency;
    int64_t first_day;
    int64_t recurring_day; /* the first recurring date when it is not what the frequency gives; behind first_day */
    int64_t final_day;     /* the last payment is made on it, whatever the frequency says; first_day or later */
    int64_t payments_max;  /* how many in all, first and final included; not with final_day */
};
enum standing_part { STANDING_FIRST, STANDING_RECURRING, STANDING_FINAL };
struct standing_date {
    int64_t day;
    enum standing_part part; /* which of the amounts; a first that is also the last is FIRST */
};

#define STANDING_PLAN_E_MAP(X)                                                                                         \
    X(STANDING_PLAN_E_DATES, "invalid_dates")                                                                          \
    X(STANDING_PLAN_E_ENDED, "ended") X(STANDING_PLAN_E_CALENDAR, "calendar_exceeded")
#define X(code, name) code,
enum standing_plan_refusal { STANDING_PLAN_E_NONE = 0, STANDING_PLAN_E_MAP(X) STANDING_PLAN_E_COUNT };
#undef X
enum { STANDING_PAYMENTS_MAX = 9999 };
/* 0 or STANDING_PLAN_E_DATES: the days contradict each other. */
int standing_plan_check(const struct standing_plan *plan);
/* The date of payment `sequence` (1..) of a plan that was checked; last_day: that of the payment before it, as the plan
 * gave it. Not yet moved to a business day. 0; STANDING_PLAN_E_ENDED: there is none; STANDING_PLAN_E_CALENDAR. */
int standing_plan_date(const struct standing_plan *plan, const struct calendar *calendar, int64_t sequence,
                       int64_t last_day, struct standing_date *ret_date);

/* ---- rows ---- */

#define STANDING_ORDER_STATE_MAP(X)                                                                                    \
    X(STANDING_ORDER_ACTIVE, "active")                                                                                 \
    X(STANDING_ORDER_COMPLETED, "completed") X(STANDING_ORDER_CANCELLED, "cancelled")
#define X(code, name) code,
enum standing_order_state { STANDING_ORDER_STATE_MAP(X) STANDING_ORDER_STATE_COUNT };
#undef X
const char *standing_order_state_name(enum standing_order_state state);

struct standing_order_row {
    uint8_t standing_order_id[16];
    struct payment_terms terms; /* amount_minor: of the recurring payments */
    struct str frequency;       /* frequency.h */
    int64_t first_minor, final_minor;
    int64_t first_day, recurring_day, final_day, payments_max; /* struct standing_plan */
    int64_t sequence;                                          /* of the last date dealt with; 0 at first */
    int64_t plan_day;                                          /* the next date as the plan gives it; 0: not known */
    int64_t last_day;                                          /* plan_day of sequence; 0 at first */
    int64_t plan_part;                                         /* enum standing_part, of plan_day */
    int64_t due_day; /* plan_day after the calendar's rule; 0: not known, the calendar ended before it */
    int64_t due_ms;  /* when it is looked at next */
    int64_t state;
    int64_t created_ms, ended_ms;
};
/* What became of one date. */
struct standing_order_run_row {
    uint8_t standing_order_id[16];
    int64_t sequence;
    int64_t plan_day, amount_minor;
    uint8_t payment_id[16]; /* zero: none was made */
    struct str reason;      /* of a rejected one */
    int64_t at_ms;
};
/* Indexes of orders: 1 (state, due_ms), 2 (debtor_account_id, standing_order_id), not unique. */
enum { STANDING_ORDER_INDEX_DUE = 1, STANDING_ORDER_INDEX_ACCOUNT = 2 };
extern const struct table standing_order_table, standing_order_run_table;

enum standing_order_refusal { STANDING_ORDER_E_NONE, STANDING_ORDER_E_ABSENT, STANDING_ORDER_E_STATE };

/* 0, or -EBADMSG: the row's frequency is none. */
int standing_order_plan(const struct standing_order_row *row, struct standing_plan *ret_plan);
void standing_order_want(struct work *work, const uint8_t standing_order_id[16]);
void standing_order_run_want(struct work *work, const uint8_t standing_order_id[16], int64_t sequence);
int standing_order_get(struct work *work, const uint8_t standing_order_id[16],
                       const struct standing_order_row **ret_row);
/* Inserts the row (its id given here) as active; emits StandingOrderCreated. 0 or <0. */
int standing_order_create(struct work *work, struct standing_order_row *row);
/* Emits StandingOrderCancelled. 0, STANDING_ORDER_E_*, VIEW_NEED, <0. */
int standing_order_cancel(struct work *work, const uint8_t standing_order_id[16]);
/* Inserts run for the order's next sequence and writes order, whose next date the caller has set; completed when
 * `ended`. Emits StandingOrderCompleted then, and ScheduledPaymentRejected for a run without a payment. 0, VIEW_NEED,
 * <0 (-EEXIST: that sequence has a run, O1). */
int standing_order_ran(struct work *work, struct standing_order_row *order, struct standing_order_run_row *run,
                       bool ended);
/* Writes order's due_ms, due_day and plan_day. 0 or <0. */
int standing_order_put_off(struct work *work, const struct standing_order_row *order);

#endif
