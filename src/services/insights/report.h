/* report.h - reporting: what became of payments, counted by day, type, status and currency. A read copy made from
 * events. */
#ifndef GIRO_SERVICES_INSIGHTS_REPORT_H
#define GIRO_SERVICES_INSIGHTS_REPORT_H

#include "engine/decision.h"

struct report_row {
    int64_t day, type, status, currency; /* days since 1970, enums of domain/payment_status.h */
    int64_t payments, amount_minor;
};
extern const struct table report_table; /* key (day, type, status, currency) */

/* Counts one payment that ended. 0, VIEW_NEED, <0. A sum beyond int64 stays at its greatest value. */
int report_count(struct work *work, const struct report_row *payment);

#endif
