/* side_thread_test.c - where the work runs changes nothing. */
#include "engine/side_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ROUNDS = 2000 };

struct sums {
    int64_t first, second; /* plain: the lock alone makes them seen */
};

static void add_first(void *ctx) {
    struct sums *sums = ctx;
    sums->first++;
}

static void add_second(void *ctx) {
    struct sums *sums = ctx;
    sums->second += 3;
}

static void d2_d3_a_part_is_seen_and_both_at_the_end(void **state) {
    (void)state;
    struct side_thread side;
    struct sums sums = { 0 };
    const struct side_work work = { .part = { add_first, add_second }, .ctx = &sums };
    side_thread_init(&side);
    for (int64_t i = 1; i <= ROUNDS; i++) {
        side_thread_begin(&side, &work);
        side_thread_await(&side, SIDE_FIRST);
        assert_int_equal(sums.first, i);
        side_thread_end(&side);
        assert_int_equal(sums.second, i * 3);
    }
    side_thread_release(&side);
}

static void d1_ends_without_work_and_behind_work(void **state) {
    (void)state;
    struct side_thread side;
    struct sums sums = { 0 };
    const struct side_work work = { .part = { add_first, add_second }, .ctx = &sums };
    side_thread_init(&side);
    side_thread_end(&side); /* idle: at once */
    assert_false(side.running);
    side_thread_release(&side);
    side_thread_init(&side);
    side_thread_begin(&side, &work);
    side_thread_release(&side); /* not before its work has ended */
    assert_int_equal(sums.second, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d1_ends_without_work_and_behind_work),
        cmocka_unit_test(d2_d3_a_part_is_seen_and_both_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
