/* schedule_rules.h - on which day and at which hour a payment of a later day goes out: the calendar, the hours and the
 * rule for days that are no business days, by currency and by kind. Pure; read once at the start
 * (app/schedule_config.c).
 *
 *   opens    the hour at which a day's payments are made
 *   retry    those without funds are tried once more then, before they are rejected (UK practice: the same afternoon)
 *   cut_off  orders for the day are taken until then; cancelling one is possible until this hour of the business day
 * before (Payment Services Regulations 2017, regulation 83) */
#ifndef GIRO_INTEGRATION_SCHEDULE_RULES_H
#define GIRO_INTEGRATION_SCHEDULE_RULES_H

#include "domain/calendar.h"
#include "domain/money.h"

enum { SCHEDULE_RAILS_MAX = 8 };
enum schedule_kind { SCHEDULE_PAYMENT, SCHEDULE_STANDING_ORDER, SCHEDULE_FILE, SCHEDULE_KIND_COUNT };

struct schedule_rail {
    struct currency currency;
    struct calendar calendar;
    int64_t opens_ms, retry_ms, cut_off_ms; /* after midnight of the calendar's zone, each under a day */
};
struct schedule_rules {
    struct schedule_rail rails[SCHEDULE_RAILS_MAX];
    size_t rail_count;
    enum calendar_rule rules[SCHEDULE_KIND_COUNT];
};
struct schedule_due {
    int64_t day, ms; /* civil_date.h; wall clock */
};

#define SCHEDULE_RULE_E_MAP(X)                                                                                         \
    X(SCHEDULE_RULE_E_DATE, "date_in_the_past")                                                                        \
    X(SCHEDULE_RULE_E_CUT_OFF, "after_cut_off") X(SCHEDULE_RULE_E_CALENDAR, "calendar_exceeded")
#define X(code, name) code,
enum schedule_rule_refusal { SCHEDULE_RULE_E_NONE = 0, SCHEDULE_RULE_E_MAP(X) SCHEDULE_RULE_E_COUNT };
#undef X

/* NULL: payments in this currency cannot be scheduled. */
const struct schedule_rail *schedule_rules_rail(const struct schedule_rules *rules, int64_t currency);
/* When a payment of that day goes out. 0 or SCHEDULE_RULE_E_CALENDAR. */
int schedule_rail_due(const struct schedule_rail *rail, enum calendar_rule rule, int64_t day,
                      struct schedule_due *ret_due);
/* The same for an order given at now_ms: also SCHEDULE_RULE_E_DATE, SCHEDULE_RULE_E_CUT_OFF. day <= CIVIL_DAY_MAX. */
int schedule_rail_order(const struct schedule_rail *rail, enum calendar_rule rule, int64_t day, int64_t now_ms,
                        struct schedule_due *ret_due);
/* Until when an order that goes out on due_day may be cancelled. 0 or SCHEDULE_RULE_E_CALENDAR. */
int schedule_rail_cancel_until(const struct schedule_rail *rail, int64_t due_day, int64_t *ret_ms);
/* When what has no funds at now_ms is tried again; 0: not on this day. */
int64_t schedule_rail_retry(const struct schedule_rail *rail, int64_t now_ms);

#endif
