#include "platform/queue.h"

#include "platform/clock.h"

#include <stdatomic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static int numbers[64];

static void a_full_queue_refuses(void **state) { /* Q1 */
    (void)state;
    struct queue queue;
    void *item = NULL;
    assert_int_equal(queue_init(&queue, 2), 0);
    assert_int_equal(queue_try_put(&queue, &numbers[0]), 0);
    assert_int_equal(queue_try_put(&queue, &numbers[1]), 0);
    assert_int_equal(queue_try_put(&queue, &numbers[2]), QUEUE_E_FULL);
    assert_int_equal(queue_count(&queue), 2);
    assert_int_equal(queue_take(&queue, 0, &item), 0);
    assert_ptr_equal(item, &numbers[0]);
    assert_int_equal(queue_try_put(&queue, &numbers[2]), 0);
    queue_release(&queue);
}

static void a_batch_takes_what_waits_in_order(void **state) { /* Q2 */
    (void)state;
    struct queue queue;
    void *items[4];
    struct queue_batch batch = { .items = items, .items_max = 4 };
    assert_int_equal(queue_init(&queue, 6), 0);
    for (int round = 0; round < 5; round++) { /* the ring turns */
        for (int i = 0; i < 6; i++) assert_int_equal(queue_try_put(&queue, &numbers[i]), 0);
        assert_int_equal(queue_take_batch(&queue, 0, &batch), 0);
        assert_int_equal(batch.count, 4);
        for (int i = 0; i < 4; i++) assert_ptr_equal(items[i], &numbers[i]);
        assert_int_equal(queue_take_batch(&queue, 0, &batch), 0);
        assert_int_equal(batch.count, 2);
        assert_ptr_equal(items[1], &numbers[5]);
    }
    assert_int_equal(queue_take_batch(&queue, 0, &batch), QUEUE_E_EMPTY);
    queue_release(&queue);
}

static void taking_waits_no_longer_than_told(void **state) {
    (void)state;
    struct queue queue;
    void *item = NULL;
    assert_int_equal(queue_init(&queue, 1), 0);
    int64_t from_ms = clock_mono_ms();
    assert_int_equal(queue_take(&queue, 30, &item), QUEUE_E_EMPTY);
    assert_true(clock_mono_ms() - from_ms >= 29);
    assert_null(item);
    queue_release(&queue);
}

static void closing_lets_the_rest_be_taken(void **state) { /* Q3 */
    (void)state;
    struct queue queue;
    void *item = NULL;
    assert_int_equal(queue_init(&queue, 2), 0);
    assert_int_equal(queue_try_put(&queue, &numbers[0]), 0);
    queue_close(&queue);
    queue_close(&queue);
    assert_int_equal(queue_try_put(&queue, &numbers[1]), QUEUE_E_CLOSED);
    assert_int_equal(queue_take(&queue, QUEUE_WAIT_FOR_EVER, &item), 0);
    assert_int_equal(queue_take(&queue, QUEUE_WAIT_FOR_EVER, &item), QUEUE_E_CLOSED);
    queue_release(&queue);
}

enum { PRODUCERS = 4, CONSUMERS = 3, ITEMS_PER_PRODUCER = 20000, RING = 64 };

struct item {
    int producer, number;
};
static struct item items_made[PRODUCERS][ITEMS_PER_PRODUCER];
static atomic_int taken_count[PRODUCERS][ITEMS_PER_PRODUCER];
static struct queue shared;

static void *produce(void *arg) {
    int producer = *(int *)arg;
    for (int i = 0; i < ITEMS_PER_PRODUCER; i++) {
        items_made[producer][i] = (struct item){ .producer = producer, .number = i };
        while (queue_try_put(&shared, &items_made[producer][i]) == QUEUE_E_FULL) sched_yield();
    }
    return NULL;
}

static void *consume(void *arg) {
    void *items[16];
    int last[PRODUCERS] = { -1, -1, -1, -1 };
    struct queue_batch batch = { .items = items, .items_max = 16 };
    (void)arg;
    while (queue_take_batch(&shared, QUEUE_WAIT_FOR_EVER, &batch) == 0) {
        for (size_t i = 0; i < batch.count; i++) {
            const struct item *item = items[i];
            check(item->number > last[item->producer]);
            last[item->producer] = item->number;
            atomic_fetch_add(&taken_count[item->producer][item->number], 1);
        }
    }
    return NULL;
}

static void many_threads_take_each_item_once(void **state) { /* Q2 */
    (void)state;
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    int ids[PRODUCERS];
    assert_int_equal(queue_init(&shared, RING), 0);
    for (int i = 0; i < CONSUMERS; i++) assert_int_equal(pthread_create(&consumers[i], NULL, consume, NULL), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        ids[i] = i;
        assert_int_equal(pthread_create(&producers[i], NULL, produce, &ids[i]), 0);
    }
    for (int i = 0; i < PRODUCERS; i++) assert_int_equal(pthread_join(producers[i], NULL), 0);
    queue_close(&shared);
    for (int i = 0; i < CONSUMERS; i++) assert_int_equal(pthread_join(consumers[i], NULL), 0);
    for (int i = 0; i < PRODUCERS; i++)
        for (int k = 0; k < ITEMS_PER_PRODUCER; k++) assert_int_equal(atomic_load(&taken_count[i][k]), 1);
    queue_release(&shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_refuses),             cmocka_unit_test(a_batch_takes_what_waits_in_order),
        cmocka_unit_test(taking_waits_no_longer_than_told), cmocka_unit_test(closing_lets_the_rest_be_taken),
        cmocka_unit_test(many_threads_take_each_item_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
