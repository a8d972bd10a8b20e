/* reporting.h - two consumers of the bus: the report by day (in the store) and the metrics of this process. */
#ifndef GIRO_INTEGRATION_BUS_REPORTING_H
#define GIRO_INTEGRATION_BUS_REPORTING_H

#include "engine/decision.h"
#include "observe/metrics.h"

/* relay_consumer.wants of both: payments that ended. */
bool reporting_wants(enum event_type type);
/* relay_consumer.apply of "reporting": counts payments that ended. 0, VIEW_NEED, <0. */
int reporting_apply(struct work *work, const struct event *event);
/* relay_consumer.deliver of "metrics": banking_payments_total, banking_payment_duration_seconds. ctx: struct metrics.
 */
int reporting_measure(void *metrics, const struct event *events, size_t count);

#endif
