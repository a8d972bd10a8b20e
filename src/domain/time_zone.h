/* time_zone.h - wall clocks of the places where the bank's rails live, as pure functions: no process-wide zone, no
 * table outside the program, so that a decision gives the same answer wherever and whenever it is repeated.
 *
 * The rule of both zones is the same since 1996 (directive 2000/84/EC; in the United Kingdom the Summer Time Order
 * 2002): summer time, one hour more, from 01:00 UTC on the last Sunday of March to 01:00 UTC on the last Sunday of
 * October. Should a country leave it, this file is where it changes. */
#ifndef GIRO_DOMAIN_TIME_ZONE_H
#define GIRO_DOMAIN_TIME_ZONE_H

#include "platform/str.h"

#define TIME_ZONE_MAP(X)                                                                                               \
    X(TIME_ZONE_UTC, "UTC") X(TIME_ZONE_LONDON, "Europe/London") X(TIME_ZONE_BERLIN, "Europe/Berlin")
#define X(code, name) code,
enum time_zone { TIME_ZONE_MAP(X) TIME_ZONE_COUNT };
#undef X

const char *time_zone_name(enum time_zone zone);
int time_zone_parse(struct str name, enum time_zone *ret_zone); /* 0 or -EINVAL (no err path) */
/* What the zone is ahead of UTC at that moment, ms. utc_ms in 1970..2199. */
int64_t time_zone_offset_ms(enum time_zone zone, int64_t utc_ms);
/* The day of the calendar that the zone's wall clock shows. */
int64_t time_zone_day(enum time_zone zone, int64_t utc_ms);
/* The moment at which the wall clock shows wall_ms (0..86,399,999) after midnight of day: of two such moments (clocks
 * go back) the first; where there is none (clocks go forward) as much later as the clock was put forward. */
int64_t time_zone_moment(enum time_zone zone, int64_t day, int64_t wall_ms);

#endif
