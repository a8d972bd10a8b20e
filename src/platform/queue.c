#include "platform/queue.h"

#include "platform/clock.h"

/* Locking a mutex that was set up fails only by a programmer's error (destroyed, or locked twice by its owner). */
static void lock(struct queue *queue) {
    check(pthread_mutex_lock(&queue->lock) == 0);
}

static void unlock(struct queue *queue) {
    check(pthread_mutex_unlock(&queue->lock) == 0);
}

int queue_init(struct queue *queue, size_t count_max) {
    check(count_max >= 1 && count_max <= QUEUE_COUNT_MAX);
    *queue = (struct queue){ .count_max = count_max, .items = calloc(count_max, sizeof *queue->items) };
    if (!queue->items) return err_origin(-ENOMEM);
    pthread_condattr_t monotonic;
    check(pthread_condattr_init(&monotonic) == 0);
    check(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&queue->lock, NULL) == 0);
    check(pthread_cond_init(&queue->filled, &monotonic) == 0);
    check(pthread_condattr_destroy(&monotonic) == 0);
    return 0;
}

void queue_release(struct queue *queue) {
    if (!queue->items) return;
    check(pthread_cond_destroy(&queue->filled) == 0);
    check(pthread_mutex_destroy(&queue->lock) == 0);
    free(queue->items);
    *queue = (struct queue){ 0 };
}

int queue_try_put(struct queue *queue, void *item) {
    check(item != NULL);
    lock(queue);
    int r = queue->closed ? QUEUE_E_CLOSED : queue->count == queue->count_max ? QUEUE_E_FULL : 0;
    if (r == 0) {
        queue->items[(queue->first + queue->count) % queue->count_max] = item;
        queue->count++;
        if (queue->takers_waiting) check(pthread_cond_signal(&queue->filled) == 0);
    }
    unlock(queue);
    return r;
}

/* With the lock held: waits until there is an item. 0, QUEUE_E_EMPTY or QUEUE_E_CLOSED. */
static int wait_filled(struct queue *queue, int64_t timeout_ms) {
    struct timespec until = { 0 };
    if (timeout_ms > 0 && queue->count == 0) {
        int64_t until_ns = clock_mono_ns() + timeout_ms * 1000000;
        until = (struct timespec){ .tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000 };
    }
    int waited = 0;
    while (queue->count == 0 && !queue->closed && timeout_ms != 0 && waited != ETIMEDOUT) {
        queue->takers_waiting++;
        waited = timeout_ms < 0 ? pthread_cond_wait(&queue->filled, &queue->lock)
                                : pthread_cond_timedwait(&queue->filled, &queue->lock, &until);
        queue->takers_waiting--;
        check(waited == 0 || waited == ETIMEDOUT);
    }
    return queue->count > 0 ? 0 : queue->closed ? QUEUE_E_CLOSED : QUEUE_E_EMPTY;
}

int queue_take_batch(struct queue *queue, int64_t timeout_ms, struct queue_batch *batch) {
    check(batch->items_max >= 1);
    lock(queue);
    int r = wait_filled(queue, timeout_ms);
    if (r == 0) {
        batch->count = queue->count < batch->items_max ? queue->count : batch->items_max;
        for (size_t i = 0; i < batch->count; i++) {
            batch->items[i] = queue->items[queue->first];
            if (++queue->first == queue->count_max) queue->first = 0;
        }
        queue->count -= batch->count;
    }
    unlock(queue);
    return r;
}

int queue_take(struct queue *queue, int64_t timeout_ms, void **ret_item) {
    void *item;
    struct queue_batch one = { .items = &item, .items_max = 1 };
    int r = queue_take_batch(queue, timeout_ms, &one);
    if (r == 0) *ret_item = item;
    return r;
}

void queue_close(struct queue *queue) {
    lock(queue);
    queue->closed = true;
    check(pthread_cond_broadcast(&queue->filled) == 0);
    unlock(queue);
}

void *queue_peek(struct queue *queue) {
    lock(queue);
    void *item = queue->count ? queue->items[queue->first] : NULL;
    unlock(queue);
    return item;
}

size_t queue_count(struct queue *queue) {
    lock(queue);
    size_t count = queue->count;
    unlock(queue);
    return count;
}
