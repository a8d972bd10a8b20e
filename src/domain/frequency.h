/* frequency.h - how often a standing order pays, in the words of Open Banking v4.0 (OBFrequency6Code with PointInTime,
 * and the patterns of Frequency_1 that v3.1 knows too), and which days that gives.
 *
 *   EvryDay  DAIL                   every day
 *   EvryWorkgDay  WODL              every business day
 *   IntrvlDay:NN                    every 02..31 days
 *   IntrvlWkDay:NN:DD               every 01..09 weeks on day 01 (Monday) .. 07
 *   WEEK[:DD]  FRTN  FOWK           every week (on day 01..07), two weeks, four weeks
 *   WkInMnthDay:WW:DD               monthly on the 01st..04th day DD of the month, 05 = the last
 *   IntrvlMnthDay:NN:DD             every 01..06, 12, 24 months on day 01..31 or -01 (the last) .. -05
 *   MNTH[:DD]                       every month (on day 01..31)
 *   TWMH QURT FOMH FIMH MIAN YEAR   every 2, 3, 4, 5, 6, 12 months
 *   QtrDay:ENGLISH|SCOTTISH|RECEIVED  the quarter days of that name
 *   WorkgDayInMnth:DD               monthly on business day 01..23, or -01 (the last) .. -05: this bank's own addition
 *
 * "NotKnown", ADHO, INDA, ALMH and NONE name no days and are refused. PointInTime "00" is none.
 *
 * (F1) The days are counted from the anchor, the first day of the series, never from the day before: the 31st is paid
 * on 28 February and on 31 March again. (F2) A day that a month does not have is the month's last. (F3) Days are those
 * of the order; what becomes of one that is no business day is calendar_adjust's. Tests: frequency_test.c, f1..f2. */
#ifndef GIRO_DOMAIN_FREQUENCY_H
#define GIRO_DOMAIN_FREQUENCY_H

#include "domain/calendar.h"

enum frequency_kind {
    FREQUENCY_DAYS,
    FREQUENCY_WORKING_DAYS,
    FREQUENCY_WEEKS,
    FREQUENCY_WEEK_IN_MONTH,
    FREQUENCY_MONTHS,
    FREQUENCY_WORKING_DAY_IN_MONTH,
    FREQUENCY_QUARTER_DAYS,
    FREQUENCY_KIND_COUNT
};
enum { FREQUENCY_TEXT_BYTES_MAX = 20 };
struct frequency {
    enum frequency_kind kind;
    int interval; /* days, weeks, months; WEEK_IN_MONTH: the week 1..5; QUARTER_DAYS: which set */
    int point;    /* WEEKS, WEEK_IN_MONTH: weekday 1..7; MONTHS, WORKING_DAY_IN_MONTH: day, below 0 from the end; 0: the
                     anchor's */
};

#define FREQUENCY_E_MAP(X)                                                                                             \
    X(FREQUENCY_E_TEXT, "unknown_frequency")                                                                           \
    X(FREQUENCY_E_CALENDAR, "calendar_exceeded") X(FREQUENCY_E_END, "no_such_day")
#define X(code, name) code,
enum frequency_refusal { FREQUENCY_E_NONE = 0, FREQUENCY_E_MAP(X) FREQUENCY_E_COUNT };
#undef X

/* 0 or FREQUENCY_E_TEXT. */
int frequency_parse(struct str text, struct frequency *ret_frequency);
/* Pure: the series' first day behind `after` and not before anchor. The calendar is asked where business days are
 * counted. 0; FREQUENCY_E_CALENDAR: it does not reach so far; FREQUENCY_E_END: behind CIVIL_DAY_MAX. */
int frequency_next(const struct frequency *frequency, const struct calendar *calendar, int64_t anchor, int64_t after,
                   int64_t *ret_day);

#endif
