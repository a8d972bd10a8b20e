#include "app/latencies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *name;
    unsigned count; /* durations of 1, 2, ... count microseconds, added from the longest */
    unsigned permille;
    uint32_t want_us;
} rows[] = {
    { "none", 0, 500, 0 },
    { "one, the middle", 1, 500, 1 },
    { "one, the first thousandth", 1, 1, 1 },
    { "two, the middle is the lower", 2, 500, 1 },
    { "two, above the middle", 2, 501, 2 },
    { "three, the middle", 3, 500, 2 },
    { "hundred, p50", 100, 500, 50 },
    { "hundred, p95", 100, 950, 95 },
    { "hundred, p99", 100, 990, 99 },
    { "hundred, above p99", 100, 991, 100 },
    { "hundred, all", 100, 1000, 100 },
    { "thousand, p99", 1000, 990, 990 },
    { "more than one page of memory", 100000, 500, 50000 },
};

static void test_nearest_rank(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct latencies latencies;
        latencies_init(&latencies);
        for (unsigned us = rows[i].count; us > 0; us--) latencies_add(&latencies, us * 1000LL);
        uint32_t got = latencies_at(&latencies, rows[i].permille);
        if (got != rows[i].want_us) print_error("%s: %u\n", rows[i].name, got);
        assert_int_equal(got, rows[i].want_us);
        assert_int_equal(latencies.dropped, 0);
        latencies_release(&latencies);
    }
}

static void test_bounds(void **state) {
    struct latencies latencies;
    (void)state;
    latencies_init(&latencies);
    latencies_add(&latencies, -5);
    assert_int_equal(latencies_at(&latencies, 1000), 0);
    latencies_add(&latencies, INT64_MAX);
    assert_int_equal(latencies_at(&latencies, 1000), UINT32_MAX);
    latencies_add(&latencies, 2999); /* whole microseconds, cut */
    assert_int_equal(latencies_at(&latencies, 500), 2);
    latencies_release(&latencies);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_nearest_rank), cmocka_unit_test(test_bounds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
