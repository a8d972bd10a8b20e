#include "gateway/query_time.h"

#include "domain/civil_date.h"

enum { FRACTION_DIGITS_MAX = 9, HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000, SECOND_MS = 1000 };
#define DAY_MS (INT64_C(24) * HOUR_MS)

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Takes exactly count digits. */
static bool take_number(struct str *text, size_t count, int *ret_number) {
    int number = 0;
    if (text->len < count) return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(text->at[i])) return false;
        number = number * 10 + (text->at[i] - '0');
    }
    *text = str_slice(*text, count, text->len);
    *ret_number = number;
    return true;
}

static bool take_char(struct str *text, const char *any) {
    if (!text->len || !text->at[0] || !strchr(any, text->at[0])) return false;
    *text = str_slice(*text, 1, text->len);
    return true;
}

static bool take_date(struct str *text, int64_t *ret_day) {
    struct civil_date date;
    if (!take_number(text, 4, &date.year)) return false;
    bool extended = take_char(text, "-");
    if (!take_number(text, 2, &date.month)) return false;
    if (extended && !take_char(text, "-")) return false;
    if (!take_number(text, 2, &date.day)) return false;
    if (date.year < CIVIL_YEAR_MIN || date.year > CIVIL_YEAR_MAX || date.month < 1 || date.month > 12) return false;
    if (date.day < 1 || date.day > civil_days_in_month(date.year, date.month)) return false;
    *ret_day = civil_day(date);
    return true;
}

/* ".567": milliseconds, further digits dropped. */
static bool take_fraction(struct str *text, int *ret_ms) {
    int ms = 0, scale = 100;
    size_t count = 0;
    while (count < text->len && is_digit(text->at[count])) {
        ms += (text->at[count] - '0') * scale;
        scale /= 10;
        count++;
    }
    if (count == 0 || count > FRACTION_DIGITS_MAX) return false;
    *text = str_slice(*text, count, text->len);
    *ret_ms = ms;
    return true;
}

static bool take_time(struct str *text, int64_t *ret_ms) {
    int hour, minute, second = 0, fraction = 0;
    if (!take_number(text, 2, &hour)) return false;
    bool extended = take_char(text, ":");
    if (!take_number(text, 2, &minute)) return false;
    bool seconds = extended ? take_char(text, ":") : text->len && is_digit(text->at[0]);
    if (seconds && !take_number(text, 2, &second)) return false;
    if (seconds && take_char(text, ".,") && !take_fraction(text, &fraction)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    *ret_ms = (int64_t)hour * HOUR_MS + (int64_t)minute * MINUTE_MS + (int64_t)second * SECOND_MS + fraction;
    return true;
}

/* Nothing, or a zone. */
static bool take_zone(struct str *text) {
    int hours, minutes = 0;
    if (!text->len || take_char(text, "Zz")) return true;
    if (!take_char(text, "+- ") || !take_number(text, 2, &hours)) return false;
    bool extended = take_char(text, ":");
    if ((extended || text->len) && !take_number(text, 2, &minutes)) return false;
    return hours <= 23 && minutes <= 59;
}

int query_time_parse(struct str text, int64_t *ret_ms) {
    int64_t day, ms = 0;
    if (text.len > QUERY_TIME_BYTES_MAX || !take_date(&text, &day)) return -EINVAL;
    if (text.len && take_char(&text, "Tt ") && !(take_time(&text, &ms) && take_zone(&text))) return -EINVAL;
    if (text.len) return -EINVAL;
    *ret_ms = day * DAY_MS + ms;
    return 0;
}
