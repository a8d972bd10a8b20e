/* payment_saga_int.h - what the payment saga's tasks get as their ctx. Private to payment_saga.c and payment_tasks.c.
 */
#ifndef GIRO_INTEGRATION_SAGA_PAYMENT_SAGA_INT_H
#define GIRO_INTEGRATION_SAGA_PAYMENT_SAGA_INT_H

#include "integration/saga/payment_saga.h"

struct payment_saga_run {
    struct work *work;
    const struct integration *integration;
    const struct payment_row *payment; /* as it is when the step begins */
    const struct core_order *order;    /* while it starts: afterwards it stands in the rows */
};

/* Consumes the hold and posts against the settlement account: the core has booked. 0, VIEW_NEED, <0. */
int payment_task_settle(const struct payment_saga_run *run);

#endif
