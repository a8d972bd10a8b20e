/* clock.h - the only door to the time of day. Decisions never call it: time is an input to them. */
#ifndef GIRO_PLATFORM_CLOCK_H
#define GIRO_PLATFORM_CLOCK_H

#include "platform/str.h"

int64_t clock_now_ms(void);  /* wall clock, milliseconds since 1970-01-01T00:00:00Z */
int64_t clock_mono_ns(void); /* monotonic, for deadlines and durations */
int64_t clock_mono_ms(void);
/* The monotonic moment wait_ms (>= 0) from now, for pthread_cond_timedwait on a condition with CLOCK_MONOTONIC. */
struct timespec clock_mono_after(int64_t wait_ms);
int64_t clock_cpu_us(void);  /* CPU time of this process, user and system */

enum { CLOCK_TEXT_BYTES = 32 };
#define CLOCK_MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z: the last moment that has a text */
/* "2026-11-22T03:45:00.123Z" into text; returns it as a str. check: ms in [0, CLOCK_MS_MAX]. */
struct str clock_format_rfc3339(int64_t ms, char text[CLOCK_TEXT_BYTES]);
struct str clock_format_http(int64_t ms, char text[CLOCK_TEXT_BYTES]);    /* "Sun, 22 Nov 2026 03:45:00 GMT" */
struct str clock_format_compact(int64_t ms, char text[CLOCK_TEXT_BYTES]); /* "20261122034500" UTC */
/* RFC 3339 with upper-case T and Z or a numeric offset; 0, or -EINVAL, also for a moment outside [0, CLOCK_MS_MAX]. */
int clock_parse_rfc3339(struct str text, int64_t *ret_ms);
int clock_parse_http(struct str text, int64_t *ret_ms); /* IMF-fixdate only, from 1970; 0 or -EINVAL */
int64_t clock_day(int64_t ms);                          /* days since 1970-01-01 in UTC */

#endif
