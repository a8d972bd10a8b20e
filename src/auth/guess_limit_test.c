/* guess_limit_test.c - G1 to G3. */
#include "auth/guess_limit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { NOW_MS = 1700000000 };

static struct guess_limit *limit_new(void) {
    struct guess_limit *limit;
    assert_int_equal(guess_limit_new(STR("a key of the test, long enough"), 0, &limit), 0);
    return limit;
}

static void fail_often(struct guess_limit *limit, const char *address, int times) {
    for (int i = 0; i < times; i++) guess_limit_failed(limit, str_from_c(address), NOW_MS);
}

static int64_t wait_of(struct guess_limit *limit, const char *address, int64_t later_ms) {
    return guess_limit_wait_ms(limit, str_from_c(address), NOW_MS + later_ms);
}

static void g1_an_address_has_so_many_guesses(void **state) {
    (void)state;
    struct guess_limit *limit = limit_new();
    assert_int_equal(wait_of(limit, "192.0.2.1", 0), 0);
    fail_often(limit, "192.0.2.1", GUESS_FAILURES_MAX - 1);
    assert_int_equal(wait_of(limit, "192.0.2.1", 0), 0);
    fail_often(limit, "192.0.2.1", 1);
    assert_int_equal(wait_of(limit, "192.0.2.1", 0), GUESS_WINDOW_MS);
    assert_int_equal(wait_of(limit, "192.0.2.1", GUESS_WINDOW_MS - 1), 1);
    assert_int_equal(wait_of(limit, "192.0.2.1", GUESS_WINDOW_MS), 0);
    assert_int_equal(wait_of(limit, "192.0.2.2", 0), 0);                   /* nobody else */
    guess_limit_failed(limit, STR("192.0.2.1"), NOW_MS + GUESS_WINDOW_MS); /* a new window */
    assert_int_equal(wait_of(limit, "192.0.2.1", GUESS_WINDOW_MS), 0);
    guess_limit_free(limit);
}

static void g2_a_network_is_one_address(void **state) {
    (void)state;
    struct guess_limit *limit = limit_new();
    fail_often(limit, "2001:db8:1:2::1", GUESS_FAILURES_MAX);
    assert_int_not_equal(wait_of(limit, "2001:db8:1:2:ffff::9", 0), 0);
    assert_int_equal(wait_of(limit, "2001:db8:1:3::1", 0), 0);
    fail_often(limit, "::ffff:192.0.2.1", GUESS_FAILURES_MAX);
    assert_int_equal(wait_of(limit, "::ffff:192.0.2.2", 0), 0);
    assert_int_equal(wait_of(limit, "", 0), 0);
    guess_limit_free(limit);
}

static void g3_the_table_does_not_grow(void **state) {
    (void)state;
    struct guess_limit *limit = limit_new();
    char address[32];
    for (int i = 0; i < 4 * GUESS_ADDRESSES_MAX; i++) {
        (void)snprintf(address, sizeof address, "10.%d.%d.%d", i >> 16, (i >> 8) & 255, i & 255);
        guess_limit_failed(limit, str_from_c(address), NOW_MS + i);
    }
    fail_often(limit, "192.0.2.1", GUESS_FAILURES_MAX);
    assert_int_not_equal(wait_of(limit, "192.0.2.1", 0), 0);
    guess_limit_free(limit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g1_an_address_has_so_many_guesses),
        cmocka_unit_test(g2_a_network_is_one_address),
        cmocka_unit_test(g3_the_table_does_not_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
