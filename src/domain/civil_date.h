/* civil_date.h - days of the Gregorian calendar as numbers: days since 1970-01-01 (day 0, a Thursday), without a zone.
 */
#ifndef GIRO_DOMAIN_CIVIL_DATE_H
#define GIRO_DOMAIN_CIVIL_DATE_H

#include "platform/buffer.h"

enum {
    CIVIL_YEAR_MIN = 1970,
    CIVIL_YEAR_MAX = 2199,
    CIVIL_DAY_MAX = 84005, /* 2199-12-31 */
    CIVIL_TEXT_BYTES = 11,
};

struct civil_date {
    int year, month, day; /* CIVIL_YEAR_MIN..CIVIL_YEAR_MAX, 1..12, 1..31 */
};

int64_t civil_day(struct civil_date date);          /* check: such a day exists */
struct civil_date civil_date_of(int64_t day);       /* check: 0..CIVIL_DAY_MAX */
int civil_days_in_month(int year, int month);       /* 28..31 */
int civil_weekday(int64_t day);                     /* 1 Monday .. 7 Sunday (ISO 8601) */
int civil_parse(struct str text, int64_t *ret_day); /* "2026-11-22"; 0 or -EINVAL (no err path) */
struct str civil_format(int64_t day, char text[CIVIL_TEXT_BYTES]);

#endif
