/* calendar.h - business days of one place, from a dated file of the project (policy/calendar).
 *
 *     # a comment, or an empty line
 *     zone,Europe/London
 *     valid-from,2024-01-01
 *     valid-through,2028-12-31
 *     2024-01-01,New Year's Day
 *
 * The three settings stand first, in this order; then the holidays, later ones below. Saturdays and Sundays are no
 * business days anywhere.
 *
 * (C1) A question about a day outside valid-from..valid-through is refused (CALENDAR_E_RANGE), never guessed; also when
 * the answer alone would lie outside. (C2) The file is read strictly: what is not understood is refused with its line.
 * (C3) Pure: the same file and day give the same answer. Tests: calendar_test.c, c1..c2. */
#ifndef GIRO_DOMAIN_CALENDAR_H
#define GIRO_DOMAIN_CALENDAR_H

#include "domain/time_zone.h"

enum {
    CALENDAR_HOLIDAYS_MAX = 512,
    CALENDAR_FILE_BYTES_MAX = 64 * 1024,
    CALENDAR_PATH_BYTES_MAX = 256,
    CALENDAR_LABEL_BYTES_MAX = 80,
};

#define CALENDAR_E_MAP(X) X(CALENDAR_E_FORMAT, "calendar_not_understood") X(CALENDAR_E_RANGE, "calendar_exceeded")
#define X(code, name) code,
enum calendar_refusal { CALENDAR_E_NONE = 0, CALENDAR_E_MAP(X) CALENDAR_E_COUNT };
#undef X

/* What becomes of a payment whose day is no business day. */
#define CALENDAR_RULE_MAP(X)                                                                                           \
    X(CALENDAR_EXACT, "exact")                                                                                         \
    X(CALENDAR_FOLLOWING, "following")                                                                                 \
    X(CALENDAR_MODIFIED_FOLLOWING, "modified_following") X(CALENDAR_PRECEDING, "preceding")
#define X(code, name) code,
enum calendar_rule { CALENDAR_RULE_MAP(X) CALENDAR_RULE_COUNT };
#undef X

struct calendar {
    char file[CALENDAR_PATH_BYTES_MAX]; /* for messages */
    enum time_zone zone;
    int64_t first_day, last_day; /* civil_date.h */
    size_t holiday_count;
    int64_t holidays[CALENDAR_HOLIDAYS_MAX]; /* ascending */
};

/* file: how the text's origin is called in messages. 0, or CALENDAR_E_FORMAT with "FILE:LINE: ..." in message. */
int calendar_read(struct str text, const char *file, struct calendar *ret_calendar, struct message *message);
/* Which file to extend, after CALENDAR_E_RANGE. */
void calendar_complain(const struct calendar *calendar, struct message *message);

/* Each 0 or CALENDAR_E_RANGE. Days as civil_date.h. */
int calendar_is_business_day(const struct calendar *calendar, int64_t day, bool *ret_fact);
/* day itself if it is a business day, else the next (the one before). */
int calendar_following(const struct calendar *calendar, int64_t day, int64_t *ret_day);
int calendar_preceding(const struct calendar *calendar, int64_t day, int64_t *ret_day);
/* By the rule; modified following is following unless that is in another month, then preceding. EXACT is day itself,
 * also when it lies outside. */
int calendar_adjust(const struct calendar *calendar, enum calendar_rule rule, int64_t day, int64_t *ret_day);

#endif
