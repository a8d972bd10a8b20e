/* rate_limit_test.c - r1 to r3 with a clock of the test's own. */
#include "gateway/rate_limit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { DAY_MS = 86400000 };
static const int64_t second_ns = 1000000000;
static const uint8_t acme[16] = { 1 }, beta[16] = { 2 };

static struct rate_limit *limit_new(void) {
    struct rate_limit *limit;
    assert_int_equal(rate_limit_new(4096, &limit), 0);
    return limit;
}

static struct rate_verdict take(struct rate_limit *limit, const uint8_t id[16], const struct rate_tier *tier,
                                int64_t ns) {
    struct rate_verdict verdict;
    rate_limit_take(limit, id, tier, (struct rate_now){ .mono_ns = ns, .wall_ms = ns / 1000000 }, &verdict);
    return verdict;
}

/* As many as pass when asked every step_ns over ten seconds. */
static uint64_t count_passed(const struct rate_tier *tier, int64_t step_ns) {
    struct rate_limit *limit = limit_new();
    uint64_t passed = 0;
    for (int64_t ns = 0; ns <= 10 * second_ns; ns += step_ns)
        passed += take(limit, acme, tier, ns).result == RATE_PASSES;
    (void)rate_limit_free(limit);
    return passed;
}

/* spec: gateway/44 */
static void r1_exact(void **state) {
    static const struct {
        struct rate_tier tier;
        int64_t step_ns;
        uint64_t want;
    } rows[] = {
        { { "flood", 50, 100, 0 }, 100000, 600 }, /* burst and 10 s of rate */
        { { "flood", 200, 500, 0 }, 100000, 2500 },
        { { "flood", 3, 1, 0 }, 1000000, 30 }, /* a bucket of one keeps nothing of what came above it */
        { { "flood", 3, 2, 0 }, 1000000, 32 }, /* a third of a second is no whole number of nanoseconds */
        { { "flood", 7, 2, 0 }, 1000001, 71 },
        { { "as fast as allowed", 50, 1, 0 }, 20000000, 501 },
        { { "slower than allowed", 50, 1, 0 }, 25000000, 401 },
        { { "no rate", 0, 0, 0 }, 1000000, 10001 },
        { { "day first", 50, 100, 40 }, 100000, 40 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(count_passed(&rows[i].tier, rows[i].step_ns), rows[i].want);
}

static void r2_a_refusal_takes_nothing(void **state) {
    const struct rate_tier tier = { "t", 1, 2, 0 };
    struct rate_limit *limit = limit_new();
    (void)state;
    assert_int_equal(take(limit, acme, &tier, 0).burst_left, 1);
    assert_int_equal(take(limit, acme, &tier, 0).burst_left, 0);
    for (int i = 0; i < 100; i++) {
        struct rate_verdict verdict = take(limit, acme, &tier, second_ns / 2);
        assert_int_equal(verdict.result, RATE_TOO_FAST);
        assert_int_equal(verdict.retry_after_s, 1);
        assert_int_equal(verdict.full_in_s, 2);
    }
    assert_int_equal(take(limit, beta, &tier, second_ns / 2).result, RATE_PASSES); /* another client */
    assert_int_equal(take(limit, acme, &tier, second_ns).result, RATE_PASSES);     /* exactly one token */
    assert_int_equal(take(limit, acme, &tier, second_ns).result, RATE_TOO_FAST);
    (void)rate_limit_free(limit);
}

/* spec: gateway/45 */
static void a_day_ends_at_midnight_utc(void **state) {
    const struct rate_tier tier = { "t", 0, 0, 2 };
    struct rate_limit *limit = limit_new();
    const int64_t midnight_ns = 3LL * DAY_MS * 1000000;
    (void)state;
    assert_int_equal(take(limit, acme, &tier, midnight_ns - 2 * second_ns).day_left, 1);
    assert_int_equal(take(limit, acme, &tier, midnight_ns - 2 * second_ns).day_left, 0);
    struct rate_verdict verdict = take(limit, acme, &tier, midnight_ns - second_ns);
    assert_int_equal(verdict.result, RATE_DAY_OVER);
    assert_int_equal(verdict.retry_after_s, 1);
    assert_int_equal(take(limit, acme, &tier, midnight_ns - 1000000).result, RATE_DAY_OVER);
    assert_int_equal(take(limit, acme, &tier, midnight_ns).result, RATE_PASSES);
    assert_int_equal(take(limit, acme, &tier, midnight_ns - second_ns).day_left,
                     0); /* a clock that goes back gives no new day */
    assert_int_equal(take(limit, acme, &tier, midnight_ns).result, RATE_DAY_OVER);
    (void)rate_limit_free(limit);
}

static void r3_memory_is_fixed(void **state) {
    const struct rate_tier tier = { "t", 1, 1, 0 };
    struct rate_limit *limit;
    (void)state;
    assert_int_equal(rate_limit_new(16, &limit), 0);
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t id[16] = { 0 };
        memcpy(id, &i, sizeof i);
        assert_int_equal(take(limit, id, &tier, i).result, RATE_PASSES);
    }
    (void)rate_limit_free(limit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_exact),
        cmocka_unit_test(r2_a_refusal_takes_nothing),
        cmocka_unit_test(a_day_ends_at_midnight_utc),
        cmocka_unit_test(r3_memory_is_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
