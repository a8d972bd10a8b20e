#include "platform/pool.h"

#include "platform/queue.h"

#include <stdatomic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A gate that holds workers until the test lets them go. */
struct gate {
    struct queue entered, opened;
};
static int token;

static void gate_init(struct gate *gate, size_t max) {
    assert_int_equal(queue_init(&gate->entered, max), 0);
    assert_int_equal(queue_init(&gate->opened, max), 0);
}

static void gate_pass(void *worker_ctx, void *job_ctx) {
    struct gate *gate = job_ctx;
    void *item;
    (void)worker_ctx;
    check(queue_try_put(&gate->entered, &token) == 0);
    check(queue_take(&gate->opened, QUEUE_WAIT_FOR_EVER, &item) == 0);
}

static void count_up(void *worker_ctx, void *job_ctx) {
    (void)worker_ctx;
    atomic_fetch_add((atomic_int *)job_ctx, 1);
}

static void a_full_pool_refuses_and_stop_drains(void **state) { /* P1, P2 */
    (void)state;
    struct gate gate;
    struct pool *pool;
    void *item;
    atomic_int ran = 0;
    gate_init(&gate, 1);
    struct pool_options options = { .name = "test", .threads = 1, .queue_max = 2 };
    assert_int_equal(pool_start(&options, &pool), 0);
    assert_int_equal(pool_submit(pool, gate_pass, &gate), 0);
    assert_int_equal(queue_take(&gate.entered, QUEUE_WAIT_FOR_EVER, &item),
                     0); /* the worker is busy, the queue empty */
    assert_int_equal(pool_submit(pool, count_up, &ran), 0);
    assert_int_equal(pool_submit(pool, count_up, &ran), 0);
    assert_int_equal(pool_waiting(pool), 2);
    assert_int_equal(pool_submit(pool, count_up, &ran), POOL_E_FULL);
    assert_int_equal(queue_try_put(&gate.opened, &token), 0);
    pool_stop(pool);
    assert_int_equal(atomic_load(&ran), 2);
    assert_int_equal(pool_submit(pool, count_up, &ran), POOL_E_STOPPED);
    assert_null(pool_free(pool));
    queue_release(&gate.entered);
    queue_release(&gate.opened);
}

struct makers {
    int made, released, fail_at;
    int contexts[8];
};

static int maker_init(void *ctx, void **ret_worker_ctx) {
    struct makers *makers = ctx;
    if (makers->made == makers->fail_at) return err_origin(-EIO);
    *ret_worker_ctx = &makers->contexts[makers->made++];
    return 0;
}

static void maker_release(void *ctx, void *worker_ctx) {
    struct makers *makers = ctx;
    check(worker_ctx != NULL);
    makers->released++;
}

static void use_context(void *worker_ctx, void *job_ctx) {
    ++*(int *)worker_ctx; /* no lock: P3 says it is this worker's alone */
    atomic_fetch_add((atomic_int *)job_ctx, 1);
}

static void each_worker_has_a_context_of_its_own(void **state) { /* P3 */
    (void)state;
    struct makers makers = { .fail_at = -1 };
    struct pool *pool;
    atomic_int ran = 0;
    int sum = 0;
    struct pool_options options = { .name = "test", .threads = 4, .queue_max = 1000,
                                    .worker_init = maker_init, .worker_release = maker_release, .ctx = &makers };
    assert_int_equal(pool_start(&options, &pool), 0);
    for (int i = 0; i < 1000; i++) assert_int_equal(pool_submit(pool, use_context, &ran), 0);
    assert_null(pool_free(pool));
    for (int i = 0; i < 4; i++) sum += makers.contexts[i];
    assert_int_equal(sum, 1000);
    assert_int_equal(atomic_load(&ran), 1000);
    assert_int_equal(makers.released, 4);
}

static void a_failing_context_leaves_nothing_behind(void **state) {
    (void)state;
    struct makers makers = { .fail_at = 2 };
    struct pool *pool = NULL;
    struct pool_options options = { .name = "test", .threads = 4, .queue_max = 1,
                                    .worker_init = maker_init, .worker_release = maker_release, .ctx = &makers };
    assert_int_equal(pool_start(&options, &pool), -EIO);
    assert_null(pool);
    assert_int_equal(makers.released, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_pool_refuses_and_stop_drains),
        cmocka_unit_test(each_worker_has_a_context_of_its_own),
        cmocka_unit_test(a_failing_context_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
