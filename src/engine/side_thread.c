#include "engine/side_thread.h"

#include <signal.h>

void side_thread_init(struct side_thread *side) {
    *side = (struct side_thread){ .taken = { true, true }, .done = { true, true } };
    check(pthread_mutex_init(&side->lock, NULL) == 0 && pthread_cond_init(&side->changed, NULL) == 0);
}

/* Does a part that nobody has begun; the lock is held before and after. */
static void part_do(struct side_thread *side, int part) {
    struct side_work work = side->work;
    side->taken[part] = true;
    pthread_mutex_unlock(&side->lock);
    work.part[part](work.ctx);
    pthread_mutex_lock(&side->lock);
    side->done[part] = true;
    pthread_cond_broadcast(&side->changed);
}

static void *side_main(void *ctx) {
    struct side_thread *side = ctx;
    pthread_mutex_lock(&side->lock);
    while (!side->stopping) {
        if (!side->taken[SIDE_FIRST]) part_do(side, SIDE_FIRST);
        else if (!side->taken[SIDE_SECOND]) part_do(side, SIDE_SECOND);
        else pthread_cond_wait(&side->changed, &side->lock);
    }
    pthread_mutex_unlock(&side->lock);
    return NULL;
}

/* Signals are the business of other threads. */
static void thread_make(struct side_thread *side) {
    sigset_t all, before;
    if (side->running) return;
    sigfillset(&all);
    check(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    side->running = pthread_create(&side->thread, NULL, side_main, side) == 0;
    check(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

void side_thread_begin(struct side_thread *side, const struct side_work *work) {
    thread_make(side);
    pthread_mutex_lock(&side->lock);
    check(side->done[SIDE_FIRST] && side->done[SIDE_SECOND]);
    side->work = *work;
    for (int i = 0; i < SIDE_PARTS; i++) side->taken[i] = side->done[i] = false;
    pthread_cond_broadcast(&side->changed);
    pthread_mutex_unlock(&side->lock);
}

void side_thread_await(struct side_thread *side, int part) {
    pthread_mutex_lock(&side->lock);
    if (!side->taken[part]) part_do(side, part);
    while (!side->done[part]) pthread_cond_wait(&side->changed, &side->lock);
    pthread_mutex_unlock(&side->lock);
}

void side_thread_end(struct side_thread *side) {
    for (int i = 0; i < SIDE_PARTS; i++) side_thread_await(side, i);
}

void side_thread_release(struct side_thread *side) {
    side_thread_end(side);
    pthread_mutex_lock(&side->lock);
    side->stopping = true;
    pthread_cond_broadcast(&side->changed);
    pthread_mutex_unlock(&side->lock);
    if (side->running) check(pthread_join(side->thread, NULL) == 0);
    pthread_mutex_destroy(&side->lock);
    pthread_cond_destroy(&side->changed);
}
