#include "domain/civil_date.h"

static bool is_leap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int civil_days_in_month(int year, int month) {
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    check(month >= 1 && month <= 12);
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static bool exists(struct civil_date date) {
    return date.year >= CIVIL_YEAR_MIN && date.year <= CIVIL_YEAR_MAX && date.month >= 1 && date.month <= 12 &&
           date.day >= 1 && date.day <= civil_days_in_month(date.year, date.month);
}

/* Days from 1970-01-01 to 1 January of year. */
static int64_t year_start(int year) {
    int64_t before = year - 1;
    return 365 * (int64_t)(year - 1970) + (before / 4 - before / 100 + before / 400) -
           (1969 / 4 - 1969 / 100 + 1969 / 400);
}

int64_t civil_day(struct civil_date date) {
    check(exists(date));
    int64_t day = year_start(date.year) + date.day - 1;
    for (int month = 1; month < date.month; month++) day += civil_days_in_month(date.year, month);
    return day;
}

struct civil_date civil_date_of(int64_t day) {
    check(day >= 0 && day <= CIVIL_DAY_MAX);
    struct civil_date date = { .year = (int)(1970 + day / 366), .month = 1 }; /* never too late, at most one early */
    while (date.year < CIVIL_YEAR_MAX && year_start(date.year + 1) <= day) date.year++;
    int rest = (int)(day - year_start(date.year));
    while (rest >= civil_days_in_month(date.year, date.month)) rest -= civil_days_in_month(date.year, date.month++);
    date.day = rest + 1;
    return date;
}

int civil_weekday(int64_t day) {
    return (int)(((day + 3) % 7 + 7) % 7) + 1;
}

static bool number(struct str text, size_t from, size_t count, int *ret) {
    int value = 0;
    for (size_t i = from; i < from + count; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') return false;
        value = value * 10 + (text.at[i] - '0');
    }
    *ret = value;
    return true;
}

int civil_parse(struct str text, int64_t *ret_day) {
    struct civil_date date;
    if (text.len != 10 || text.at[4] != '-' || text.at[7] != '-' || !number(text, 0, 4, &date.year) ||
        !number(text, 5, 2, &date.month) || !number(text, 8, 2, &date.day) || !exists(date))
        return -EINVAL;
    *ret_day = civil_day(date);
    return 0;
}

struct str civil_format(int64_t day, char text[CIVIL_TEXT_BYTES]) {
    struct civil_date date = civil_date_of(day);
    struct buffer out;
    buffer_init(&out, text, CIVIL_TEXT_BYTES);
    buffer_printf(&out, "%04d-%02d-%02d", date.year, date.month, date.day);
    return buffer_str(&out);
}
