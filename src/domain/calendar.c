#include "domain/calendar.h"

#include "domain/civil_date.h"
#include "domain/plain_text.h"

struct reading {
    struct calendar *calendar;
    const char *file;
    int line;
    int settings; /* how many of the three have been read */
    struct message *message;
};

static int refuse(const struct reading *reading, const char *what) {
    message_set(reading->message, "%s:%d: %s", reading->file, reading->line, what);
    return CALENDAR_E_FORMAT;
}

static int read_setting(struct reading *reading, struct str name, struct str value) {
    static const char *const names[] = { "zone", "valid-from", "valid-through" };
    static const char *const wants[] = { "want zone,NAME first", "want valid-from,DATE second",
                                         "want valid-through,DATE third" };
    struct calendar *calendar = reading->calendar;
    int setting = reading->settings++;
    if (!str_equal_c(name, names[setting])) return refuse(reading, wants[setting]);
    if (setting == 0)
        return time_zone_parse(value, &calendar->zone) ? refuse(reading, "want a time zone that is known") : 0;
    if (civil_parse(value, setting == 1 ? &calendar->first_day : &calendar->last_day))
        return refuse(reading, "want a date as 2026-11-22");
    if (setting == 2 && calendar->last_day < calendar->first_day)
        return refuse(reading, "valid-through lies before valid-from");
    return 0;
}

static int read_holiday(struct reading *reading, struct str date, struct str label) {
    struct calendar *calendar = reading->calendar;
    int64_t day;
    if (civil_parse(date, &day)) return refuse(reading, "want a date as 2026-11-22");
    if (day < calendar->first_day || day > calendar->last_day)
        return refuse(reading, "the day lies outside valid-from..valid-through");
    if (calendar->holiday_count && day <= calendar->holidays[calendar->holiday_count - 1])
        return refuse(reading, "want the days in order, each once");
    if (label.len == 0 || label.len > CALENDAR_LABEL_BYTES_MAX || !plain_text(label))
        return refuse(reading, "want the holiday's name behind the date");
    if (calendar->holiday_count == CALENDAR_HOLIDAYS_MAX) return refuse(reading, "too many holidays");
    calendar->holidays[calendar->holiday_count++] = day;
    return 0;
}

static int read_line(struct reading *reading, struct str line) {
    struct str head;
    if (line.len == 0 || line.at[0] == '#') return 0;
    if (!str_cut(&line, ',', &head)) return refuse(reading, "want two columns");
    return reading->settings < 3 ? read_setting(reading, head, line) : read_holiday(reading, head, line);
}

int calendar_read(struct str text, const char *file, struct calendar *ret_calendar, struct message *message) {
    struct calendar calendar = { .zone = TIME_ZONE_UTC };
    struct reading reading = { .calendar = &calendar, .file = file, .message = message };
    struct str line;
    if (text.len > CALENDAR_FILE_BYTES_MAX) return refuse(&reading, "the file is too large");
    if (str_to_c(str_from_c(file), calendar.file, sizeof calendar.file))
        return refuse(&reading, "its name is too long");
    for (bool more = true; more;) {
        more = str_cut(&text, '\n', &line);
        reading.line++;
        int r = read_line(&reading, line);
        if (r) return r;
    }
    if (reading.settings < 3) return refuse(&reading, "want zone, valid-from and valid-through");
    if (calendar.holiday_count == 0) return refuse(&reading, "want at least one holiday");
    *ret_calendar = calendar;
    return 0;
}

void calendar_complain(const struct calendar *calendar, struct message *message) {
    char first[CIVIL_TEXT_BYTES], last[CIVIL_TEXT_BYTES];
    struct str from = civil_format(calendar->first_day, first), through = civil_format(calendar->last_day, last);
    message_set(message, "%s knows the days from " STR_FMT " to " STR_FMT " only: extend it", calendar->file,
                STR_ARG(from), STR_ARG(through));
}

static bool is_holiday(const struct calendar *calendar, int64_t day) {
    size_t from = 0, to = calendar->holiday_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (calendar->holidays[middle] == day) return true;
        if (calendar->holidays[middle] < day) from = middle + 1;
        else to = middle;
    }
    return false;
}

int calendar_is_business_day(const struct calendar *calendar, int64_t day, bool *ret_fact) {
    if (day < calendar->first_day || day > calendar->last_day) return CALENDAR_E_RANGE; /* C1 */
    *ret_fact = civil_weekday(day) < 6 && !is_holiday(calendar, day);
    return 0;
}

static int walk(const struct calendar *calendar, int64_t day, int64_t step, int64_t *ret_day) {
    bool good;
    for (;; day += step) { /* ends at the range's end */
        int r = calendar_is_business_day(calendar, day, &good);
        if (r) return r;
        if (!good) continue;
        *ret_day = day;
        return 0;
    }
}

int calendar_following(const struct calendar *calendar, int64_t day, int64_t *ret_day) {
    return walk(calendar, day, 1, ret_day);
}

int calendar_preceding(const struct calendar *calendar, int64_t day, int64_t *ret_day) {
    return walk(calendar, day, -1, ret_day);
}

static int modified_following(const struct calendar *calendar, int64_t day, int64_t *ret_day) {
    int64_t found;
    int r = calendar_following(calendar, day, &found);
    if (r) return r;
    if (civil_date_of(found).month != civil_date_of(day).month) return calendar_preceding(calendar, day, ret_day);
    *ret_day = found;
    return 0;
}

int calendar_adjust(const struct calendar *calendar, enum calendar_rule rule, int64_t day, int64_t *ret_day) {
    switch (rule) {
    case CALENDAR_EXACT:
        *ret_day = day;
        return 0;
    case CALENDAR_FOLLOWING:
        return calendar_following(calendar, day, ret_day);
    case CALENDAR_MODIFIED_FOLLOWING:
        return modified_following(calendar, day, ret_day);
    case CALENDAR_PRECEDING:
        return calendar_preceding(calendar, day, ret_day);
    case CALENDAR_RULE_COUNT:
        break;
    }
    return CALENDAR_E_RANGE;
}
