/* queue.h - a bounded queue of pointers between threads: many producers, many consumers, first in first out.
 *
 * (Q1) It never holds more than count_max items and never allocates after queue_init: a full queue refuses, and its
 *      user answers "busy" to whoever asked.
 * (Q2) Every item put is taken exactly once; items put by one thread are taken in the order in which it put them.
 * (Q3) After queue_close nothing can be put; what waits can still be taken, then takers hear QUEUE_E_CLOSED.
 * The queue owns no item: whoever takes one has it. */
#ifndef GIRO_PLATFORM_QUEUE_H
#define GIRO_PLATFORM_QUEUE_H

#include "platform/base.h"

#include <pthread.h>

#define QUEUE_E_MAP(X) \
    X(QUEUE_E_FULL, "queue_full") X(QUEUE_E_EMPTY, "queue_empty") X(QUEUE_E_CLOSED, "queue_closed")
#define X(code, name) code,
enum queue_refusal { QUEUE_E_NONE = 0, QUEUE_E_MAP(X) QUEUE_E_COUNT };
#undef X

enum { QUEUE_COUNT_MAX = 1 << 20 };
#define QUEUE_WAIT_FOR_EVER (-1)

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled; /* waits on the monotonic clock */
    void **items;          /* ring of count_max */
    size_t count_max, count, first, takers_waiting;
    bool closed;
};

/* count_max in [1, QUEUE_COUNT_MAX]. 0 or -ENOMEM. */
int queue_init(struct queue *queue, size_t count_max) MUST_USE;
/* Nobody may use the queue any more; items still inside are forgotten, not freed. Works on a zeroed struct. */
void queue_release(struct queue *queue);
/* Never waits. 0, QUEUE_E_FULL or QUEUE_E_CLOSED. item may not be NULL. */
int queue_try_put(struct queue *queue, void *item) MUST_USE;
/* The oldest item. timeout_ms: 0 = do not wait, QUEUE_WAIT_FOR_EVER, or milliseconds to wait for one.
 * 0, QUEUE_E_EMPTY (the time is over), or QUEUE_E_CLOSED (closed and empty). */
int queue_take(struct queue *queue, int64_t timeout_ms, void **ret_item) MUST_USE;

struct queue_batch {
    void **items; /* the taker's memory, items_max long */
    size_t items_max;
    size_t count; /* how many were taken */
};
/* Waits like queue_take for the first item, then takes all that waits at that moment, at most items_max (>= 1), oldest
 * first. Same results; batch->count is set only with 0, and is then at least 1. */
int queue_take_batch(struct queue *queue, int64_t timeout_ms, struct queue_batch *batch) MUST_USE;
/* Wakes every taker; harmless twice. */
void queue_close(struct queue *queue);
/* What stands in front, or NULL; another thread may take it at once. */
void *queue_peek(struct queue *queue);
size_t queue_count(struct queue *queue); /* how many wait now, for metrics */

#endif
