#include "platform/timer.h"

#include "platform/clock.h"
#include "platform/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { TIMERS = 500 };

struct probe {
    int64_t deadline_ms, ran_ms;
    int order;
};
static struct queue ran;
static struct probe probes[TIMERS];

static void note(void *ctx) {
    struct probe *probe = ctx;
    probe->ran_ms = clock_mono_ms();
    check(queue_try_put(&ran, probe) == 0);
}

static int set_up(void **state) {
    struct timers *timers;
    memset(probes, 0, sizeof probes);
    if (queue_init(&ran, TIMERS) || timers_start(TIMERS, &timers)) return -1;
    *state = timers;
    return 0;
}

static int tear_down(void **state) {
    (void)timers_free(*state);
    queue_release(&ran);
    return 0;
}

static void timers_run_in_order_and_not_early(void **state) { /* T2 */
    struct timers *timers = *state;
    int64_t now_ms = clock_mono_ms(), last_ms = 0;
    for (int i = 0; i < TIMERS; i++) {
        probes[i].deadline_ms = now_ms + 500 + (i * 37) % 50;
        assert_int_equal(timer_set(timers, probes[i].deadline_ms, note, &probes[i], NULL), 0);
    }
    assert_int_equal(timer_set(timers, now_ms, note, &probes[0], NULL), TIMER_E_FULL); /* T1 */
    for (int i = 0; i < TIMERS; i++) {
        void *item;
        assert_int_equal(queue_take(&ran, 5000, &item), 0);
        const struct probe *probe = item;
        assert_true(probe->ran_ms >= probe->deadline_ms);
        assert_true(probe->deadline_ms >= last_ms);
        last_ms = probe->deadline_ms;
    }
    assert_int_equal(timers_waiting(timers), 0);
}

static void equal_deadlines_keep_the_order_of_setting(void **state) { /* T2 */
    struct timers *timers = *state;
    int64_t at_ms = clock_mono_ms() + 300;
    for (int i = 0; i < 100; i++) assert_int_equal(timer_set(timers, at_ms, note, &probes[i], NULL), 0);
    for (int i = 0; i < 100; i++) {
        void *item;
        assert_int_equal(queue_take(&ran, 5000, &item), 0);
        assert_ptr_equal(item, &probes[i]);
    }
}

static void a_cancelled_timer_does_not_run(void **state) { /* T3 */
    struct timers *timers = *state;
    struct timer_id ids[TIMERS];
    int64_t now_ms = clock_mono_ms();
    for (int i = 0; i < TIMERS; i++)
        assert_int_equal(timer_set(timers, now_ms + (i % 2 ? 0 : 60000) + (i * 13) % 40, note, &probes[i], &ids[i]), 0);
    for (int i = 0; i < TIMERS; i += 2) assert_true(timer_cancel(timers, ids[i]));
    for (int i = 0; i < TIMERS; i += 2) assert_false(timer_cancel(timers, ids[i]));
    for (int i = 1; i < TIMERS; i += 2) {
        void *item;
        assert_int_equal(queue_take(&ran, 5000, &item), 0);
        assert_int_equal(((struct probe *)item - probes) % 2, 1);
    }
    assert_false(timer_cancel(timers, ids[1]));
    assert_false(timer_cancel(timers, (struct timer_id){ 0 }));
    assert_int_equal(queue_count(&ran), 0);
}

struct slow {
    struct queue entered, opened;
    bool ended;
};

static void slow_run(void *ctx) {
    struct slow *slow = ctx;
    void *item;
    check(queue_try_put(&slow->entered, slow) == 0);
    check(queue_take(&slow->opened, 20, &item) == QUEUE_E_EMPTY);
    slow->ended = true;
}

static void cancelling_waits_for_the_function_that_runs(void **state) { /* T3 */
    struct timers *timers = *state;
    struct slow slow = { 0 };
    struct timer_id id;
    void *item;
    assert_int_equal(queue_init(&slow.entered, 1), 0);
    assert_int_equal(queue_init(&slow.opened, 1), 0);
    assert_int_equal(timer_set(timers, 0, slow_run, &slow, &id), 0);
    assert_int_equal(queue_take(&slow.entered, 5000, &item), 0);
    assert_false(timer_cancel(timers, id));
    assert_true(slow.ended);
    queue_release(&slow.entered);
    queue_release(&slow.opened);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_run_in_order_and_not_early, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equal_deadlines_keep_the_order_of_setting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_timer_does_not_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancelling_waits_for_the_function_that_runs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
