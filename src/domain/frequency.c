#include "domain/frequency.h"

#include "domain/civil_date.h"

enum { MONTHS_LOOKED_AT_MAX = 4 }; /* the next or the one behind it always has a day late enough */

struct month {
    int year, month; /* 1..12 */
};

/* ---- text ---- */

static const struct {
    const char *text;
    struct frequency frequency;
    int point_max; /* of PointInTime behind a colon; 0: there is none */
} codes[] = {
    { "EvryDay", { FREQUENCY_DAYS, 1, 0 }, 0 }, { "EvryWorkgDay", { FREQUENCY_WORKING_DAYS, 1, 0 }, 0 },
    { "DAIL", { FREQUENCY_DAYS, 1, 0 }, 0 },    { "WODL", { FREQUENCY_WORKING_DAYS, 1, 0 }, 0 },
    { "WEEK", { FREQUENCY_WEEKS, 1, 0 }, 7 },   { "FRTN", { FREQUENCY_WEEKS, 2, 0 }, 0 },
    { "FOWK", { FREQUENCY_WEEKS, 4, 0 }, 0 },   { "MNTH", { FREQUENCY_MONTHS, 1, 0 }, 31 },
    { "TWMH", { FREQUENCY_MONTHS, 2, 0 }, 0 },  { "QURT", { FREQUENCY_MONTHS, 3, 0 }, 0 },
    { "FOMH", { FREQUENCY_MONTHS, 4, 0 }, 0 },  { "FIMH", { FREQUENCY_MONTHS, 5, 0 }, 0 },
    { "MIAN", { FREQUENCY_MONTHS, 6, 0 }, 0 },  { "YEAR", { FREQUENCY_MONTHS, 12, 0 }, 0 },
};

static const struct {
    const char *name;
    int day[4], month[4]; /* in the order of the year */
} quarters[] = {
    { "ENGLISH", { 25, 24, 29, 25 }, { 3, 6, 9, 12 } },
    { "SCOTTISH", { 2, 15, 1, 11 }, { 2, 5, 8, 11 } },
    { "RECEIVED", { 20, 19, 24, 20 }, { 3, 6, 9, 12 } },
};

/* Two digits, from min to max; with a '-' before them when min < 0. */
static bool two_digits(struct str text, int min, int max, int *ret_number) {
    int sign = 1;
    if (min < 0 && text.len == 3 && text.at[0] == '-') {
        sign = -1;
        text = str_slice(text, 1, 3);
    }
    if (text.len != 2 || text.at[0] < '0' || text.at[0] > '9' || text.at[1] < '0' || text.at[1] > '9') return false;
    int number = sign * ((text.at[0] - '0') * 10 + (text.at[1] - '0'));
    if (number < min || number > max || number == 0) return false;
    *ret_number = number;
    return true;
}

static bool read_code(struct str name, struct str rest, struct frequency *ret_frequency) {
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (!str_equal_c(name, codes[i].text)) continue;
        struct frequency frequency = codes[i].frequency;
        bool plain = rest.len == 0 || str_equal(rest, STR("00"));
        if (!plain && !two_digits(rest, 1, codes[i].point_max, &frequency.point)) return false;
        *ret_frequency = frequency;
        return true;
    }
    return false;
}

static bool read_quarter(struct str rest, struct frequency *frequency) {
    for (size_t i = 0; i < ARRAY_COUNT(quarters); i++) {
        if (!str_equal_c(rest, quarters[i].name)) continue;
        *frequency = (struct frequency){ .kind = FREQUENCY_QUARTER_DAYS, .interval = (int)i };
        return true;
    }
    return false;
}

/* rest: "NN:DD". */
static bool read_pair(struct str rest, struct frequency *frequency, int interval_max, int point_min, int point_max) {
    struct str first;
    return str_cut(&rest, ':', &first) && two_digits(first, 1, interval_max, &frequency->interval) &&
           two_digits(rest, point_min, point_max, &frequency->point);
}

static bool month_interval(int interval) {
    return interval <= 6 || interval == 12 || interval == 24;
}

static bool read_pattern(struct str name, struct str rest, struct frequency *ret_frequency) {
    struct frequency frequency = { .interval = 1 };
    bool good = false;
    if (str_equal(name, STR("IntrvlDay"))) {
        frequency.kind = FREQUENCY_DAYS;
        good = two_digits(rest, 2, 31, &frequency.interval);
    } else if (str_equal(name, STR("IntrvlWkDay"))) {
        frequency.kind = FREQUENCY_WEEKS;
        good = read_pair(rest, &frequency, 9, 1, 7);
    } else if (str_equal(name, STR("WkInMnthDay"))) {
        frequency.kind = FREQUENCY_WEEK_IN_MONTH;
        good = read_pair(rest, &frequency, 5, 1, 7);
    } else if (str_equal(name, STR("IntrvlMnthDay"))) {
        frequency.kind = FREQUENCY_MONTHS;
        good = read_pair(rest, &frequency, 24, -5, 31) && month_interval(frequency.interval);
    } else if (str_equal(name, STR("WorkgDayInMnth"))) {
        frequency.kind = FREQUENCY_WORKING_DAY_IN_MONTH;
        good = two_digits(rest, -5, 23, &frequency.point);
    } else if (str_equal(name, STR("QtrDay"))) {
        good = read_quarter(rest, &frequency);
    }
    if (good) *ret_frequency = frequency;
    return good;
}

int frequency_parse(struct str text, struct frequency *ret_frequency) {
    struct str rest = text, name;
    bool has_rest = str_cut(&rest, ':', &name);
    if (has_rest && rest.len == 0) return FREQUENCY_E_TEXT;
    if (read_code(name, rest, ret_frequency) || read_pattern(name, rest, ret_frequency)) return 0;
    return FREQUENCY_E_TEXT;
}

/* ---- days ---- */

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* The first of first, first + step, first + 2 step ... that is `from` or later. */
static int64_t step_to(int64_t first, int64_t step, int64_t from) {
    return from <= first ? first : first + (from - first + step - 1) / step * step;
}

static int64_t weekday_from(int64_t day, int weekday) {
    return weekday ? day + (weekday - civil_weekday(day) + 7) % 7 : day;
}

static int64_t day_in(struct month month, int day) {
    return civil_day((struct civil_date){ .year = month.year, .month = month.month, .day = day });
}

/* F2 */
static int64_t day_of_month(struct month month, int point) {
    int days = civil_days_in_month(month.year, month.month);
    int day = point < 0 ? days + 1 + point : point;
    return day_in(month, day > days ? days : day);
}

static int64_t week_day_of_month(struct month month, int week, int weekday) {
    if (week < 5) return weekday_from(day_in(month, 1), weekday) + 7 * (int64_t)(week - 1);
    int64_t last = day_of_month(month, -1);
    return last - (civil_weekday(last) - weekday + 7) % 7;
}

static int working_day_of_month(const struct calendar *calendar, struct month month, int point, int64_t *ret_day) {
    int64_t first = day_in(month, 1), last = day_of_month(month, -1), found = 0;
    int64_t day = point < 0 ? last : first, step = point < 0 ? -1 : 1;
    for (int left = point < 0 ? -point : point; left && day >= first && day <= last; day += step) {
        bool good;
        if (calendar_is_business_day(calendar, day, &good)) return FREQUENCY_E_CALENDAR;
        if (!good) continue;
        found = day; /* F2: a month with fewer gives its last */
        left--;
    }
    *ret_day = found;
    return 0;
}

static int next_working_day(const struct calendar *calendar, int64_t from, int64_t *ret_day) {
    return calendar_following(calendar, from, ret_day) ? FREQUENCY_E_CALENDAR : 0;
}

/* The series' day in one of its months. */
static int day_of(const struct frequency *frequency, const struct calendar *calendar, struct month month,
                  int anchor_day, int64_t *ret_day) {
    int point = frequency->point ? frequency->point : anchor_day;
    if (frequency->kind == FREQUENCY_WORKING_DAY_IN_MONTH) return working_day_of_month(calendar, month, point, ret_day);
    *ret_day = frequency->kind == FREQUENCY_WEEK_IN_MONTH ? week_day_of_month(month, frequency->interval, point)
                                                          : day_of_month(month, point);
    return 0;
}

/* Month by month from the anchor's (F1). */
static int next_in_months(const struct frequency *frequency, const struct calendar *calendar, int64_t anchor,
                          int64_t from, int64_t *ret_day) {
    struct civil_date begin = civil_date_of(anchor), near = civil_date_of(from);
    int interval = frequency->kind == FREQUENCY_MONTHS ? frequency->interval : 1;
    int passed = (near.year - begin.year) * 12 + near.month - begin.month;
    int index = begin.year * 12 + begin.month - 1 + passed / interval * interval;
    for (int i = 0; i < MONTHS_LOOKED_AT_MAX; i++, index += interval) {
        struct month month = { index / 12, index % 12 + 1 };
        int64_t day = 0;
        if (month.year > CIVIL_YEAR_MAX) return FREQUENCY_E_END;
        int r = day_of(frequency, calendar, month, begin.day, &day);
        if (r) return r;
        if (day < from) continue;
        *ret_day = day;
        return 0;
    }
    return FREQUENCY_E_END;
}

static int next_quarter_day(int set, int64_t from, int64_t *ret_day) {
    int year = civil_date_of(from).year;
    for (int i = 0; i < 8 && year + i / 4 <= CIVIL_YEAR_MAX; i++) {
        struct month month = { year + i / 4, quarters[set].month[i % 4] };
        int64_t day = day_in(month, quarters[set].day[i % 4]);
        if (day < from) continue;
        *ret_day = day;
        return 0;
    }
    return FREQUENCY_E_END;
}

int frequency_next(const struct frequency *frequency, const struct calendar *calendar, int64_t anchor, int64_t after,
                   int64_t *ret_day) {
    int64_t from = later(anchor, after + 1), day = 0;
    int r = 0;
    if (from > CIVIL_DAY_MAX) return FREQUENCY_E_END;
    switch (frequency->kind) {
    case FREQUENCY_DAYS:
        day = step_to(anchor, frequency->interval, from);
        break;
    case FREQUENCY_WORKING_DAYS:
        r = next_working_day(calendar, from, &day);
        break;
    case FREQUENCY_WEEKS:
        day = step_to(weekday_from(anchor, frequency->point), 7 * (int64_t)frequency->interval, from);
        break;
    case FREQUENCY_WEEK_IN_MONTH:
    case FREQUENCY_MONTHS:
    case FREQUENCY_WORKING_DAY_IN_MONTH:
        r = next_in_months(frequency, calendar, anchor, from, &day);
        break;
    case FREQUENCY_QUARTER_DAYS:
        r = next_quarter_day(frequency->interval, from, &day);
        break;
    case FREQUENCY_KIND_COUNT:
        return FREQUENCY_E_TEXT;
    }
    if (!r && day > CIVIL_DAY_MAX) r = FREQUENCY_E_END;
    if (!r) *ret_day = day;
    return r;
}
