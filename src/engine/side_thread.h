/* side_thread.h - a second thread for what a batch computes beside the writing of its rows.
 *
 * (D1) It works on one thing at a time, between side_thread_begin and the return of side_thread_end; what it is given
 * belongs to it meanwhile. (D2) Its work has two parts that do not
 * touch each other's results; whoever waits for one sees all that it wrote. (D3) Nobody waits for a thread that is not
 * running: a part that it has not begun when it is wanted is done by the caller, so that a busy machine, or one where
 * no thread can be made, only loses the gain. All calls come from one thread. Private to the engine. Tests:
 * side_thread_test.c, d1..d3. */
#ifndef GIRO_ENGINE_SIDE_THREAD_H
#define GIRO_ENGINE_SIDE_THREAD_H

#include <pthread.h>

#include "platform/base.h"

enum { SIDE_FIRST, SIDE_SECOND, SIDE_PARTS };
struct side_work {
    void (*part[SIDE_PARTS])(void *ctx);
    void *ctx;
};
struct side_thread {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct side_work work;
    bool taken[SIDE_PARTS], done[SIDE_PARTS]; /* parts of the present work; all: idle */
    bool running, stopping;
    pthread_t thread;
};

void side_thread_init(struct side_thread *side); /* no thread is made before the first work */
void side_thread_release(struct side_thread *side);
/* check: idle. */
void side_thread_begin(struct side_thread *side, const struct side_work *work);
void side_thread_await(struct side_thread *side, int part);
void side_thread_end(struct side_thread *side); /* awaits both parts; returns at once when idle */

#endif
