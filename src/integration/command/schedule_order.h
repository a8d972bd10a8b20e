/* schedule_order.h - what the commands for payments of a later day share. Private to integration. */
#ifndef GIRO_INTEGRATION_COMMAND_SCHEDULE_ORDER_H
#define GIRO_INTEGRATION_COMMAND_SCHEDULE_ORDER_H

#include "integration/command/payment_accept.h"
#include "integration/schedule_rules.h"

const char *schedule_refusal_name(int refusal);
/* Refusals of payment_accept and of schedule_rules in the words of SCHEDULE_E_*; 0, VIEW_NEED and faults as they are.
 */
int schedule_refusal_of_accept(int r);
int schedule_refusal_of_rule(int r);
/* The order as payment_accept takes it, the core taken for reachable: that is judged on the day. Text in arena or
 * borrowed from accept->order. */
void schedule_accept_init(struct payment_accept *accept, const struct integration *integration,
                          const struct payment_order *order, struct arena *arena);
/* The order is not used for anything but this: it could be paid now, and goes out when ret_due says. *ret_debtor is the
 * account it will be paid from. 0, SCHEDULE_E_*, VIEW_NEED, <0.
 * tidy: parameters because an order is judged by kind and day, and gives account and moment. */
int schedule_judge(struct work *work, const struct payment_accept *accept, enum schedule_kind kind, int64_t day,
                   const struct account_row **ret_debtor, struct schedule_due *ret_due);
/* 0, SCHEDULE_E_LATE, SCHEDULE_E_CALENDAR, SCHEDULE_E_RAIL: whether what goes out on due_day may still be cancelled. */
int schedule_may_cancel(const struct integration *integration, int64_t currency, int64_t due_day, int64_t now_ms);

#endif
