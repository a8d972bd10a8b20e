/* flight.c - the batch in flight: its rows are written and flushed by a second thread while the next is decided.
 *
 *   decided -> flight_begin -> (writer: batch_write) -> flight_look or flight_end: answered, or decided again
 *
 * (F1) At most one batch is in flight and one is decided over it (ENGINE_BATCHES): batches are committed in the order
 * in which they were decided, and the second is not given to the store before the fate of the first is known. (F2)
 * Nobody hears of a batch before its own commit. (F3) What was decided over a batch that did not commit is void: it is
 * decided again when that one is settled, or answered UNKNOWN with it. (F4) From flight_begin until `written` the
 * batch's changes, and the store's writer, are the writer's; its rows and keys may be read by both. */
#include "engine/engine_int.h"

#include "engine/quarantine.h"
#include "platform/clock.h"

#include <signal.h>

static void *writer_main(void *ctx) {
    struct engine *engine = ctx;
    quarantine_second(engine->quarantine);
    pthread_mutex_lock(&engine->lock);
    while (!engine->writer_stopping) {
        struct batch *batch = engine->to_write;
        if (!batch) {
            pthread_cond_wait(&engine->writer_wake, &engine->lock);
            continue;
        }
        pthread_mutex_unlock(&engine->lock);
        batch->result = batch_write(engine, batch);
        pthread_mutex_lock(&engine->lock);
        engine->to_write = NULL;
        atomic_store(&batch->written, true);
        pthread_cond_signal(&engine->wake);
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

/* Signals are the business of other threads, but those that tell of its own abort (quarantine.h, Q2). False: there is
 * no thread, and batches are written by the caller. */
static bool writer_make(struct engine *engine) {
    static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    sigset_t all, before;
    if (engine->writer_running) return true;
    sigfillset(&all);
    for (size_t i = 0; i < ARRAY_COUNT(own); i++) sigdelset(&all, own[i]);
    check(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    engine->writer_running = pthread_create(&engine->writer, NULL, writer_main, engine) == 0;
    check(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return engine->writer_running;
}

static bool is_worth_it(struct engine *engine, const struct batch *batch) {
    if (batch->count >= ENGINE_HAND_OVER_MIN) return true;
    pthread_mutex_lock(&engine->lock);
    bool waiting = engine->queued > 0;
    pthread_mutex_unlock(&engine->lock);
    return waiting;
}

/* False: it has nothing to write, or is not worth it. */
static bool hand_over(struct engine *engine, struct batch *batch) {
    bool steps = engine->options.steps;
    check(!engine->flying);
    if (!batch->change_count || (!steps && (!is_worth_it(engine, batch) || !writer_make(engine)))) return false;
    engine->flying = batch;
    engine->began_ns = clock_mono_ns();
    batch->answered = false;
    atomic_store(&batch->written, false);
    if (steps) return true; /* engine_write, or whoever waits for it */
    pthread_mutex_lock(&engine->lock);
    engine->to_write = batch;
    pthread_cond_signal(&engine->writer_wake);
    pthread_mutex_unlock(&engine->lock);
    return true;
}

void flight_begin(struct engine *engine, struct batch *batch) {
    const struct batch_part part = batch_whole(batch);
    if (hand_over(engine, batch)) return;
    int r = batch->change_count ? batch_write(engine, batch) : 0;
    if (r) work_forget(&batch->work);
    batch_end(engine, batch, &part, r);
}

bool engine_write(struct engine *engine) {
    struct batch *batch = engine->flying;
    check(engine->options.steps);
    if (!batch || atomic_load(&batch->written)) return false;
    batch->result = batch_write(engine, batch);
    atomic_store(&batch->written, true);
    return true;
}

static void await(struct engine *engine, struct batch *batch) {
    if (engine->options.steps) {
        (void)engine_write(engine); /* it may be there already */
        return;
    }
    pthread_mutex_lock(&engine->lock);
    while (!atomic_load(&batch->written)) pthread_cond_wait(&engine->wake, &engine->lock);
    pthread_mutex_unlock(&engine->lock);
}

bool flight_is_over(const struct engine *engine) {
    return !engine->flying || atomic_load(&engine->flying->written);
}

static void answer(struct engine *engine, struct batch *batch) {
    const struct batch_part part = batch_whole(batch);
    if (batch->answered) return;
    batch->answered = true;
    engine->commit_ns += (batch->commit_ns - engine->commit_ns) / ENGINE_PACE_SHARE;
    batch_succeed(engine, batch, &part);
}

bool flight_look(struct engine *engine) {
    struct batch *batch = engine->flying;
    if (!batch || batch->answered || !atomic_load(&batch->written)) return true;
    if (batch->result) return false;
    quarantine_rest(engine->quarantine);
    answer(engine, batch);
    quarantine_run(engine->quarantine, batch == &engine->batches[0]); /* the other one */
    return true;
}

int flight_end(struct engine *engine, struct batch *next, bool decided) {
    struct batch *batch = engine->flying;
    if (!batch) return 0;
    const struct batch_part part = batch_whole(batch);
    await(engine, batch);
    int r = batch->result;
    engine->flying = NULL;
    if (r == 0) {
        if (next && decided) (void)hand_over(engine, next); /* else it is the caller's */
        answer(engine, batch);
        work_keep(&batch->work);
        return 0;
    }
    work_forget(&batch->work);
    if (r > 0) {
        batch_end(engine, batch, &part, r);
        return r;
    }
    batch_lose(engine, batch);
    if (next) batch_lose(engine, next);
    if (engine->options.on_unknown) engine->options.on_unknown(engine->options.ctx);
    return r;
}

void flight_stop(struct engine *engine) {
    check(!engine->flying);
    if (!engine->writer_running) return;
    pthread_mutex_lock(&engine->lock);
    engine->writer_stopping = true;
    pthread_cond_signal(&engine->writer_wake);
    pthread_mutex_unlock(&engine->lock);
    check(pthread_join(engine->writer, NULL) == 0);
    engine->writer_running = engine->writer_stopping = false;
}
