/* scheduled.h - payments of a later day: one row each, executed once, rejected, or cancelled.
 *
 *     (new) --scheduled_create--> pending --scheduled_end--> executed | rejected | cancelled
 *                                  \--scheduled_put_off--> pending, due later
 *
 * (S1) executed, rejected and cancelled are final: the state is what makes a payment happen once, since it changes in
 * the commit that makes the payment. (S2) executed has a payment; rejected has a reason, and a payment if one was made.
 * Tests: src/integration/command/schedule_test.c, s1..s2. */
#ifndef GIRO_SERVICES_PAYMENTS_SCHEDULED_H
#define GIRO_SERVICES_PAYMENTS_SCHEDULED_H

#include "services/payments/payment_terms.h"

#define SCHEDULED_STATE_MAP(X)                                                                                         \
    X(SCHEDULED_PENDING, "pending")                                                                                    \
    X(SCHEDULED_EXECUTED, "executed") X(SCHEDULED_REJECTED, "rejected") X(SCHEDULED_CANCELLED, "cancelled")
#define X(code, name) code,
enum scheduled_state { SCHEDULED_STATE_MAP(X) SCHEDULED_STATE_COUNT };
#undef X
const char *scheduled_state_name(enum scheduled_state state);

enum { SCHEDULED_REASON_BYTES_MAX = 40 };

struct scheduled_row {
    uint8_t scheduled_id[16];
    struct payment_terms terms;
    int64_t requested_day, due_day; /* civil_date.h: as ordered; after the calendar's rule */
    int64_t due_ms;                 /* when it is tried next */
    int64_t state, attempts;
    struct str reason; /* of rejected: a payment_reason's name, or the refusal's at acceptance */
    uint8_t payment_id[16];
    int64_t created_ms, ended_ms;
};
/* Indexes: 1 (state, due_ms), 2 (debtor_account_id, scheduled_id), not unique. */
enum { SCHEDULED_INDEX_DUE = 1, SCHEDULED_INDEX_ACCOUNT = 2 };
extern const struct table scheduled_table;

enum scheduled_refusal { SCHEDULED_E_NONE, SCHEDULED_E_ABSENT, SCHEDULED_E_STATE };

void scheduled_want(struct work *work, const uint8_t scheduled_id[16]);
/* *ret_row NULL when there is none. 0 or VIEW_NEED. */
int scheduled_get(struct work *work, const uint8_t scheduled_id[16], const struct scheduled_row **ret_row);
/* Inserts the row (scheduled_id given here) as pending; emits PaymentScheduled. 0 or <0. */
int scheduled_create(struct work *work, struct scheduled_row *row);

struct scheduled_end {
    enum scheduled_state state;
    const char *reason;        /* of rejected, else "" */
    const uint8_t *payment_id; /* NULL: no payment was made */
};
/* Emits ScheduledPaymentCancelled, or ScheduledPaymentRejected when no payment says it. 0, SCHEDULED_E_ABSENT,
 * SCHEDULED_E_STATE, VIEW_NEED, <0. */
int scheduled_end(struct work *work, const uint8_t scheduled_id[16], const struct scheduled_end *end);
/* Still pending, tried again at due_ms; an attempt is counted when it was one. As above. */
int scheduled_put_off(struct work *work, const uint8_t scheduled_id[16], int64_t due_ms, bool attempted);

/* An event of the rows that stand around a payment; subject: their id. 0 or <0. */
int payment_terms_event(const struct view *view, const struct payment_terms *terms, struct event event);

#endif
