/* query_time.h - date-times in queries of Open Banking: ISO 8601 in all its spellings (uk/S9). Pure. */
#ifndef GIRO_GATEWAY_QUERY_TIME_H
#define GIRO_GATEWAY_QUERY_TIME_H

#include "platform/str.h"

enum { QUERY_TIME_BYTES_MAX = 64 };

/* "2016-01-01", "20160101", with a time behind 'T' or a blank: hours, minutes and seconds in the extended or the basic
 * form, seconds and fraction (behind '.' or ',') may be absent; a zone (Z, +01, +0100, +01:00; a blank stands for the
 * '+' that a query turned into one) is read and ignored. Without a time: 00:00:00. In UTC; a fraction under a
 * millisecond is dropped. 0 or -EINVAL (no err path): anything else, a day that does not exist, years outside
 * 1970..2199. */
int query_time_parse(struct str text, int64_t *ret_ms);

#endif
