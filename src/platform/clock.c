#include "platform/clock.h"

#include <sys/resource.h>
#include <time.h>

enum { MS_PER_DAY = 86400000 };

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    check(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_now_ms(void) {
    return read_clock(CLOCK_REALTIME) / 1000000;
}

int64_t clock_mono_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void) {
    return clock_mono_ns() / 1000000;
}

struct timespec clock_mono_after(int64_t wait_ms) {
    int64_t at_ns = clock_mono_ns() + wait_ms * 1000000;
    return (struct timespec){ .tv_sec = (time_t)(at_ns / 1000000000), .tv_nsec = (long)(at_ns % 1000000000) };
}

int64_t clock_cpu_us(void) {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID) / 1000;
}

int64_t clock_day(int64_t ms) {
    return ms >= 0 ? ms / MS_PER_DAY : -((-ms + MS_PER_DAY - 1) / MS_PER_DAY);
}

static struct tm utc(int64_t ms) {
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    check(ms >= 0 && gmtime_r(&seconds, &tm) != NULL);
    return tm;
}

static char *put_digits(char *at, int64_t value, int count) {
    for (int i = count - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
    return at + count;
}

/* Day, month and year of a day since 1970 in the Gregorian calendar, whose leap days end a year that begins in March.
 */
static void civil(int64_t day, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day) {
    enum { DAYS_TO_1970 = 719468 /* from 0000-03-01 */, CENTURIES_DAYS = 146097 /* four of them */ };
    int64_t since = day + DAYS_TO_1970, era = since / CENTURIES_DAYS, within = since % CENTURIES_DAYS;
    int64_t year = (within - within / 1460 + within / 36524 - within / (CENTURIES_DAYS - 1)) / 365;
    int64_t of_year = within - (365 * year + year / 4 - year / 100), march = (5 * of_year + 2) / 153;
    *ret_day = of_year - (153 * march + 2) / 5 + 1;
    *ret_month = march < 10 ? march + 3 : march - 9;
    *ret_year = era * 400 + year + (*ret_month <= 2);
}

/* `YYYY-MM-DDThh:mm:ss` of a second since 1970, all but the digits below it. */
static void put_second(char *at, int64_t since) {
    int64_t year, month, day, second = since % 86400;
    civil(since / 86400, &year, &month, &day);
    const int64_t fields[] = { month, day, second / 3600, second / 60 % 60, second % 60 };
    static const char before[] = "--T::";
    check(year <= 9999);
    at = put_digits(at, year, 4);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        *at++ = before[i];
        at = put_digits(at, fields[i], 2);
    }
}

/* By hand, because a payment writes a dozen of them: strftime and snprintf were a hundredth of the daemon's CPU, and
 * gmtime_r, which takes a lock, three hundredths of the engine's. Nearly all are of one second: it is kept. */
struct str clock_format_rfc3339(int64_t ms, char text[CLOCK_TEXT_BYTES]) {
    enum { SECOND_BYTES = 19 };
    static _Thread_local char kept[SECOND_BYTES];
    static _Thread_local int64_t kept_second = -1;
    int64_t second = ms / 1000;
    check(ms >= 0);
    if (second != kept_second) {
        put_second(kept, second);
        kept_second = second;
    }
    memcpy(text, kept, SECOND_BYTES);
    text[SECOND_BYTES] = '.';
    char *at = put_digits(text + SECOND_BYTES + 1, ms % 1000, 3);
    *at++ = 'Z';
    *at = 0;
    return (struct str){ .at = text, .len = (size_t)(at - text) };
}

struct str clock_format_http(int64_t ms, char text[CLOCK_TEXT_BYTES]) {
    struct tm tm = utc(ms);
    return (struct str){ .at = text, .len = strftime(text, CLOCK_TEXT_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &tm) };
}

struct str clock_format_compact(int64_t ms, char text[CLOCK_TEXT_BYTES]) {
    struct tm tm = utc(ms);
    return (struct str){ .at = text, .len = strftime(text, CLOCK_TEXT_BYTES, "%Y%m%d%H%M%S", &tm) };
}

/* Reads exactly count digits at *at. */
static bool digits(struct str s, size_t *at, size_t count, int *ret) {
    int value = 0;
    if (*at + count > s.len) return false;
    for (size_t i = 0; i < count; i++, (*at)++) {
        if (s.at[*at] < '0' || s.at[*at] > '9') return false;
        value = value * 10 + (s.at[*at] - '0');
    }
    *ret = value;
    return true;
}

static bool literal(struct str s, size_t *at, char c) {
    return *at < s.len && s.at[*at] == c && ++*at;
}

static bool to_ms(struct tm *tm, int64_t *ret_ms) {
    struct tm want = *tm;
    time_t seconds = timegm(tm); /* normalises: 30 February would come back as 1 or 2 March */
    if (tm->tm_mday != want.tm_mday || tm->tm_mon != want.tm_mon || tm->tm_hour != want.tm_hour ||
        tm->tm_min != want.tm_min || tm->tm_sec != want.tm_sec)
        return false;
    *ret_ms = (int64_t)seconds * 1000;
    return true;
}

static bool parse_date_time(struct str s, size_t *at, struct tm *ret_tm) {
    struct tm tm = { 0 };
    bool good = digits(s, at, 4, &tm.tm_year) && literal(s, at, '-') && digits(s, at, 2, &tm.tm_mon) &&
                literal(s, at, '-') && digits(s, at, 2, &tm.tm_mday) && literal(s, at, 'T') &&
                digits(s, at, 2, &tm.tm_hour) && literal(s, at, ':') && digits(s, at, 2, &tm.tm_min) &&
                literal(s, at, ':') && digits(s, at, 2, &tm.tm_sec);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret_tm = tm;
    return good && tm.tm_year >= 70;
}

static bool parse_fraction(struct str s, size_t *at, int64_t *ret_ms) {
    int64_t ms = 0, unit = 100;
    if (!literal(s, at, '.')) return true;
    size_t from = *at;
    for (; *at < s.len && s.at[*at] >= '0' && s.at[*at] <= '9'; (*at)++, unit /= 10) ms += unit * (s.at[*at] - '0');
    *ret_ms = ms;
    return *at > from;
}

static bool parse_offset(struct str s, size_t *at, int64_t *ret_ms) {
    int hours, minutes;
    if (literal(s, at, 'Z')) return true;
    int64_t sign = literal(s, at, '+') ? 1 : literal(s, at, '-') ? -1 : 0;
    if (!sign || !digits(s, at, 2, &hours) || !literal(s, at, ':') || !digits(s, at, 2, &minutes)) return false;
    if (hours > 23 || minutes > 59) return false;
    *ret_ms = sign * (hours * 60 + minutes) * 60000;
    return true;
}

int clock_parse_rfc3339(struct str text, int64_t *ret_ms) {
    struct tm tm;
    size_t at = 0;
    int64_t fraction_ms = 0, offset_ms = 0, ms;
    if (!parse_date_time(text, &at, &tm) || !parse_fraction(text, &at, &fraction_ms) ||
        !parse_offset(text, &at, &offset_ms) || at != text.len || !to_ms(&tm, &ms))
        return -EINVAL;
    ms += fraction_ms - offset_ms;
    if (ms < 0 || ms > CLOCK_MS_MAX) return -EINVAL; /* an offset may carry it out of what can be written again */
    *ret_ms = ms;
    return 0;
}

int clock_parse_http(struct str text, int64_t *ret_ms) {
    char copy[CLOCK_TEXT_BYTES];
    struct tm tm = { 0 };
    int64_t ms;
    if (text.len != 29 || str_to_c(text, copy, sizeof copy)) return -EINVAL;
    const char *end = strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!end || *end || !to_ms(&tm, &ms) || ms < 0) return -EINVAL;
    /* strptime takes more than the one form: other letters, blanks, a day of the week that is not this day's */
    if (!str_equal(clock_format_http(ms, copy), text)) return -EINVAL;
    *ret_ms = ms;
    return 0;
}
