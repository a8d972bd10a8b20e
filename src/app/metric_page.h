/* metric_page.h - one number from a page in the text format of Prometheus. Pure. */
#ifndef GIRO_APP_METRIC_PAGE_H
#define GIRO_APP_METRIC_PAGE_H

#include "platform/str.h"

/* The sum of the series of family (a counter or gauge of whole numbers) whose labels hold label ("status=\"completed\"";
 * empty: all). A family without such a series is 0: counters begin there. False when a value of one is no whole number. */
bool metric_page_sum(struct str page, struct str family, struct str label, uint64_t *ret_sum);

#endif
