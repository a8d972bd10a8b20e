#include "domain/time_zone.h"

#include "domain/civil_date.h"

enum { HOUR_MS = 3600000, DAY_MS = 86400000 };

#define X(code, name) [code] = name,
static const char *const names[TIME_ZONE_COUNT] = { TIME_ZONE_MAP(X) };
#undef X

const char *time_zone_name(enum time_zone zone) {
    check(zone < TIME_ZONE_COUNT);
    return names[zone];
}

int time_zone_parse(struct str name, enum time_zone *ret_zone) {
    for (int i = 0; i < TIME_ZONE_COUNT; i++)
        if (str_equal_c(name, names[i])) {
            *ret_zone = (enum time_zone)i;
            return 0;
        }
    return -EINVAL;
}

static int64_t standard_ms(enum time_zone zone) {
    return zone == TIME_ZONE_BERLIN ? HOUR_MS : 0;
}

/* 01:00 UTC on the last Sunday of a month of 31 days. */
static int64_t change_ms(int year, int month) {
    int64_t last = civil_day((struct civil_date){ .year = year, .month = month, .day = 31 });
    return (last - civil_weekday(last) % 7) * DAY_MS + HOUR_MS;
}

int64_t time_zone_offset_ms(enum time_zone zone, int64_t utc_ms) {
    check(utc_ms >= 0 && utc_ms / DAY_MS <= CIVIL_DAY_MAX);
    if (zone == TIME_ZONE_UTC) return 0;
    int year = civil_date_of(utc_ms / DAY_MS).year;
    bool summer = utc_ms >= change_ms(year, 3) && utc_ms < change_ms(year, 10);
    return standard_ms(zone) + (summer ? HOUR_MS : 0);
}

int64_t time_zone_day(enum time_zone zone, int64_t utc_ms) {
    return (utc_ms + time_zone_offset_ms(zone, utc_ms)) / DAY_MS;
}

int64_t time_zone_moment(enum time_zone zone, int64_t day, int64_t wall_ms) {
    check(day > 0 && day <= CIVIL_DAY_MAX && wall_ms >= 0 && wall_ms < DAY_MS);
    int64_t standard = day * DAY_MS + wall_ms - standard_ms(zone);
    int64_t summer = standard - HOUR_MS;
    return zone != TIME_ZONE_UTC && time_zone_offset_ms(zone, summer) != standard_ms(zone) ? summer : standard;
}
