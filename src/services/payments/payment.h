/* payment.h - payments: what was ordered, and every status it had.
 *
 *     (new) --payment_create--> pending --payment_move--> completed
 *                                  |  \------------------> rejected (with a reason)
 *                                  \--> unknown --------> completed | rejected
 *
 * (P1) completed and rejected are final. (P2) the timeline holds every status once it was reached, with its time. (P3)
 * rejected has a reason, the others have none. Tests: payment_test.c, p1..p3. */
#ifndef GIRO_SERVICES_PAYMENTS_PAYMENT_H
#define GIRO_SERVICES_PAYMENTS_PAYMENT_H

#include "engine/decision.h"

enum {
    PAYMENT_TIMELINE_MAX = 8,
    PAYMENT_TIMELINE_STEP_BYTES = 9,       /* status 1, at_ms 8, big-endian */
    PAYMENT_CREDITOR_NAME_BYTES_MAX = 140, /* as in domain/personal.h */
    PAYMENT_REFERENCE_TEXT_BYTES_MAX = 140,
    PAYMENT_END_TO_END_BYTES_MAX = 35,
};

struct payment_row {
    uint8_t payment_id[16];
    uint8_t client_id[16];
    uint8_t customer_id[16]; /* zero when a client pays from its own account */
    uint8_t consent_id[16];  /* zero on /v1 */
    uint8_t debtor_account_id[16];
    int64_t debtor_number;   /* ledger number */
    int64_t creditor_number; /* ledger number when on us, else 0 */
    struct str creditor_name;
    struct str creditor_iban; /* one of IBAN or sort code + account number */
    struct str creditor_sort_code;
    struct str creditor_account_number;
    int64_t currency, amount_minor;
    int64_t fee_minor; /* of the same currency, on top of the amount; 0: none */
    struct str reference;
    struct str end_to_end_id;
    struct str instruction_id;
    int64_t type, status, reason; /* enums of domain/payment_status.h */
    int64_t created_ms, status_ms;
    struct str timeline;       /* PAYMENT_TIMELINE_STEP_BYTES a step */
    struct str core_reference; /* the core's own, once booked */
};
/* Indexes: 1 (client_id, payment_id), not unique. */
enum { PAYMENT_INDEX_CLIENT = 1 };
extern const struct table payment_table;

void payment_want(struct work *work, const uint8_t payment_id[16]);
/* *ret_row NULL when there is none. 0 or VIEW_NEED. */
int payment_get(struct work *work, const uint8_t payment_id[16], const struct payment_row **ret_row);
/* Inserts payment (payment_id given here) as pending, emits PaymentInitiated. 0 or <0. */
int payment_create(struct work *work, struct payment_row *payment);
/* Moves to status (with reason when rejected), emits PaymentApproved never - see payment_approve - but
 * PaymentCompleted, PaymentRejected or PaymentUnknown. PAYMENT_E_FINAL when the edge does not exist. core_reference may
 * be empty. */
enum payment_refusal { PAYMENT_E_NONE, PAYMENT_E_FINAL, PAYMENT_E_ABSENT };
struct payment_change {
    enum payment_status status;
    enum payment_reason reason;
    struct str core_reference;
};
int payment_move(struct work *work, const uint8_t payment_id[16], const struct payment_change *change);
/* Emits PaymentApproved: all checks passed and the hold is there. */
int payment_approve(struct work *work, const uint8_t payment_id[16]);

struct payment_step {
    enum payment_status status;
    int64_t at_ms;
};
/* Reads the timeline; returns the number of steps (0 when malformed). */
size_t payment_timeline(struct str timeline, struct payment_step ret_steps[PAYMENT_TIMELINE_MAX]);

#endif
