/* payment_file.h - many payments from one account in one file: accepted whole, then made one after the other, each with
 * a result of its own.
 *
 *     (new) --payment_file_create--> accepted --payment_file_ran (each item)--> accepted | completed
 *
 * (B1) the file and all of its items are stored in one commit, or none. (B2) items are dealt with in their order but
 * for those of one portion, each once: its result's row (file_id, number) is inserted in the commit that makes its
 * payment and moves the file's count. (B3) a rejected item stops nothing. Tests:
 * src/integration/command/payment_file_test.c, b1..b3. */
#ifndef GIRO_SERVICES_PAYMENTS_PAYMENT_FILE_H
#define GIRO_SERVICES_PAYMENTS_PAYMENT_FILE_H

#include "platform/digest.h"
#include "services/payments/scheduled.h"

enum { PAYMENT_FILE_ITEMS_MAX = 4000, PAYMENT_FILE_REFERENCE_BYTES_MAX = 40 };

#define PAYMENT_FILE_STATE_MAP(X) X(PAYMENT_FILE_ACCEPTED, "accepted") X(PAYMENT_FILE_COMPLETED, "completed")
#define X(code, name) code,
enum payment_file_state { PAYMENT_FILE_STATE_MAP(X) PAYMENT_FILE_STATE_COUNT };
#undef X
const char *payment_file_state_name(enum payment_file_state state);

struct payment_file_row {
    uint8_t file_id[16];
    uint8_t client_id[16], customer_id[16], consent_id[16], debtor_account_id[16];
    struct hash file_hash; /* SHA-256 of its bytes */
    struct str reference;  /* the sender's own, may be empty */
    int64_t currency, item_count, control_sum_minor;
    int64_t due_day, due_ms;
    int64_t state;
    int64_t done, accepted, rejected; /* items dealt with = accepted + rejected */
    int64_t through;                  /* every item up to this number has its result; perhaps more have */
    int64_t accepted_minor;
    int64_t created_ms, ended_ms;
};
struct payment_file_item_row {
    uint8_t file_id[16];
    int64_t number; /* 1.. in the file's order */
    struct payment_terms terms;
};
struct payment_file_result_row {
    uint8_t file_id[16];
    int64_t number;
    uint8_t payment_id[16]; /* zero: none was made */
    struct str reason;      /* of a rejected one, as in struct scheduled_row */
    int64_t at_ms;
};
/* Indexes of files: 1 (state, due_ms), not unique. */
enum { PAYMENT_FILE_INDEX_DUE = 1 };
extern const struct table payment_file_table, payment_file_item_table, payment_file_result_table;

void payment_file_want(struct work *work, const uint8_t file_id[16]);
void payment_file_result_want(struct work *work, const uint8_t file_id[16], int64_t number);
/* *ret_row NULL when there is none. 0 or VIEW_NEED. */
int payment_file_get(struct work *work, const uint8_t file_id[16], const struct payment_file_row **ret_row);
/* Inserts file (file_id given here) as accepted; emits PaymentFileAccepted. 0 or <0. */
int payment_file_create(struct work *work, struct payment_file_row *file);
/* Inserts one item of the file just created. 0 or <0. */
int payment_file_item_add(struct work *work, const struct payment_file_item_row *item);
/* True when the item has its result. 0 or VIEW_NEED. */
int payment_file_has_result(struct work *work, const struct payment_file_item_row *item, bool *ret_has);
/* Inserts the result of an item that has none (the caller has looked) and moves the file on; emits PaymentFileCompleted
 * behind the last, and ScheduledPaymentRejected for one without a payment. result: payment_id and reason are the
 * caller's; through: up to where the caller found a result for every item. 0, VIEW_NEED, <0. */
int payment_file_ran(struct work *work, const struct payment_file_item_row *item,
                     struct payment_file_result_row *result, int64_t through);

#endif
