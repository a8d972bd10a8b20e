/* clock_test.c - moments as text: each form that is read, and beside it what only looks like it. */
#include "platform/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void dates_of_http(void **state) {
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        { "Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000) },
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
        { "Sun, 06 Nov 0997 08:49:37 GMT", -1 },
        { "Thu, 29 Feb 2024 00:00:00 GMT", INT64_C(1709164800000) },
        { "Wed, 29 Feb 2023 00:00:00 GMT", -1 },
        { "Mon, 06 Nov 1994 08:49:37 GMT", -1 }, /* it was a Sunday */
        { "sun, 06 nov 1994 08:49:37 GMT", -1 },
        { "Sun, 06 Nov 1994 08:49:37 gmt", -1 },
        { "Sun,  6 Nov 1994 08:49:37 GMT", -1 },
        { "Sun, 06 Nov 1994 24:00:00 GMT", -1 },
        { "Sun, 06 Nov 1994 08:49:60 GMT", -1 },
        { "Sun, 06 Nov 1994 08:49:37 UTC", -1 },
        { "Sunday, 06-Nov-94 08:49:37 GMT", -1 },
        { "Sun Nov  6 08:49:37 1994", -1 },
        { "Sun, 06 Nov 1994 08:49:37 GMT ", -1 },
        { "", -1 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t ms = -1;
        int r = clock_parse_http(str_from_c(rows[i].text), &ms);
        if ((r == 0) != (rows[i].ms >= 0) || ms != rows[i].ms) fail_msg("%s: %d %lld", rows[i].text, r, (long long)ms);
    }
}

static void dates_of_rfc3339(void **state) {
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        { "1994-11-06T08:49:37Z", INT64_C(784111777000) },
        { "1994-11-06T08:49:37.5Z", INT64_C(784111777500) },
        { "1994-11-06T09:49:37+01:00", INT64_C(784111777000) },
        { "1994-11-06t08:49:37z", -1 },
        { "1994-11-06 08:49:37Z", -1 },
        { "1994-11-06T08:49:37", -1 },
        { "1994-11-06T08:49:37.Z", -1 },
        { "1994-02-30T08:49:37Z", -1 },
        { "1994-11-06T08:49:37+24:00", -1 },
        { "1994-11-06T08:49:37Zx", -1 },
        { "1970-01-01T01:00:00+01:00", 0 },
        { "1970-01-01T00:59:59+01:00", -1 },
        { "9999-12-31T23:59:59.999Z", CLOCK_MS_MAX },
        { "9999-12-31T23:59:59-00:01", -1 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t ms = -1;
        int r = clock_parse_rfc3339(str_from_c(rows[i].text), &ms);
        if ((r == 0) != (rows[i].ms >= 0) || ms != rows[i].ms) fail_msg("%s: %d %lld", rows[i].text, r, (long long)ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_of_http),
        cmocka_unit_test(dates_of_rfc3339),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
