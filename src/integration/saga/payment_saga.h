/* payment_saga.h - the payment saga's tasks, and its steps inside the engine's decisions.
 *
 *   payment_saga_start   in the commit that accepts the payment: inline tasks run until one must leave the program
 *   payment_saga_core    in the commit that hears from the core
 *   payment_saga_wake    in the commit that follows a wait, a retry, or 64 inline steps
 *
 * (G1) an unfinished saga has a row, a finished one has none; its history is in the journal. (G2) the hold of a payment
 * that was sent stays until the outcome is known. (G3) money moves in the same commit that ends the saga. Tests:
 * payment_saga_test.c, g1..g3. */
#ifndef GIRO_INTEGRATION_SAGA_PAYMENT_SAGA_H
#define GIRO_INTEGRATION_SAGA_PAYMENT_SAGA_H

#include "integration/acl/core_transfer.h"
#include "integration/integration.h"
#include "integration/saga/saga_run.h"
#include "integration/saga/saga_table.h"
#include "services/payments/payment.h"

/* giro:fraud:check, giro:aml:check, giro:ledger:hold, giro:ledger:book, giro:core:execute, giro:ledger:release */
extern const struct saga_registry payment_saga_registry;

void payment_saga_want(struct work *work, const uint8_t payment_id[16]);
/* payment: the row just created. order: what the core is to be told, recorded at the decision's time, and of which
 * call; its transfer is not used when the payment is on us. In the decision's arena. 0, VIEW_NEED, <0. */
int payment_saga_start(struct work *work, const struct integration *integration, const struct payment_row *payment,
                       const struct core_order *order);

enum core_verdict {
    CORE_VERDICT_BOOKED,  /* done, with the core's reference */
    CORE_VERDICT_REFUSED, /* refused for good */
    CORE_VERDICT_FAILED,  /* proven never booked and never to be: 44 or 46 */
    CORE_VERDICT_UNKNOWN, /* ask again */
};
enum payment_saga_refusal { PAYMENT_SAGA_E_NONE, PAYMENT_SAGA_E_ABSENT };
/* 0; PAYMENT_SAGA_E_ABSENT: the saga has ended, nothing to do; VIEW_NEED; <0. */
int payment_saga_core(struct work *work, const struct integration *integration, const uint8_t payment_id[16],
                      enum core_verdict verdict, struct str core_reference);
int payment_saga_wake(struct work *work, const struct integration *integration, const uint8_t payment_id[16]);

#endif
