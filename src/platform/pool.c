#include "platform/pool.h"

#include "platform/clock.h"
#include "platform/queue.h"

#include <stdatomic.h>

struct pool_job {
    void (*run)(void *worker_ctx, void *job_ctx);
    void *job_ctx;
    _Atomic int64_t submitted_ms; /* monotonic */
};

struct pool_worker {
    struct pool *pool;
    pthread_t thread;
    void *ctx;
    bool has_ctx, runs;
};

/* Slots travel in a circle: free -> (submit) -> ready -> (worker copies the slot) -> free. */
struct pool {
    struct pool_options options;
    struct queue free, ready;
    struct pool_job *jobs;
    struct pool_worker *workers;
    bool stopped;
};

static void *pool_work(void *arg) {
    struct pool_worker *worker = arg;
    struct pool *pool = worker->pool;
    void *slot;
    while (queue_take(&pool->ready, QUEUE_WAIT_FOR_EVER, &slot) == 0) {
        const struct pool_job *job = slot;
        void (*run)(void *worker_ctx, void *job_ctx) = job->run;
        void *job_ctx = job->job_ctx;
        check(queue_try_put(&pool->free, slot) == 0); /* room for every slot by construction */
        run(worker->ctx, job_ctx);
    }
    return NULL;
}

static int worker_start(struct pool *pool, size_t index) {
    struct pool_worker *worker = &pool->workers[index];
    int r = pthread_create(&worker->thread, NULL, pool_work, worker);
    if (r) return err_origin(-r);
    worker->runs = true;
    char name[16];
    (void)snprintf(name, sizeof name, "%.*s-%u", POOL_NAME_BYTES_MAX, pool->options.name, (unsigned)(index % 1000));
    (void)pthread_setname_np(worker->thread, name); /* a name is for people; without one the thread works as well */
    return 0;
}

static int jobs_init(struct pool *pool, size_t queue_max) {
    pool->jobs = calloc(queue_max, sizeof *pool->jobs);
    pool->workers = calloc(pool->options.threads, sizeof *pool->workers);
    if (!pool->jobs || !pool->workers) return err_origin(-ENOMEM);
    int r = queue_init(&pool->free, queue_max);
    if (r == 0) r = queue_init(&pool->ready, queue_max);
    for (size_t i = 0; r == 0 && i < queue_max; i++) r = queue_try_put(&pool->free, &pool->jobs[i]);
    return err_fold(r);
}

static int workers_start(struct pool *pool) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < pool->options.threads; i++) {
        struct pool_worker *worker = &pool->workers[i];
        worker->pool = pool;
        if (pool->options.worker_init) r = err_fold(pool->options.worker_init(pool->options.ctx, &worker->ctx));
        worker->has_ctx = r == 0 && pool->options.worker_init != NULL;
    }
    for (size_t i = 0; r == 0 && i < pool->options.threads; i++) r = worker_start(pool, i);
    return r;
}

int pool_start(const struct pool_options *options, struct pool **ret_pool) {
    check(options->threads >= 1 && options->threads <= POOL_THREADS_MAX && options->name != NULL);
    check(!options->worker_init == !options->worker_release);
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool) return err_origin(-ENOMEM);
    pool->options = *options;
    int r = jobs_init(pool, options->queue_max);
    if (r == 0) r = workers_start(pool);
    if (r) {
        (void)pool_free(pool);
        return err_trace(r);
    }
    *ret_pool = pool;
    return 0;
}

int pool_submit(struct pool *pool, void (*run)(void *worker_ctx, void *job_ctx), void *job_ctx) {
    void *slot;
    int r = queue_take(&pool->free, 0, &slot);
    if (r) return r == QUEUE_E_CLOSED ? POOL_E_STOPPED : POOL_E_FULL;
    struct pool_job *job = slot;
    job->run = run;
    job->job_ctx = job_ctx;
    atomic_store(&job->submitted_ms, clock_mono_ms());
    r = queue_try_put(&pool->ready, slot);
    if (r == 0) return 0;
    check(r == QUEUE_E_CLOSED); /* as many slots as room */
    check(queue_try_put(&pool->free, slot) == 0);
    return POOL_E_STOPPED;
}

size_t pool_waiting(struct pool *pool) {
    return queue_count(&pool->ready);
}

int64_t pool_oldest_wait_ms(struct pool *pool) {
    const struct pool_job *job = queue_peek(&pool->ready);
    if (!job) return 0;
    /* Taken meanwhile, it may carry the time of another one, which is later. */
    int64_t wait_ms = clock_mono_ms() - atomic_load(&job->submitted_ms);
    return wait_ms > 0 ? wait_ms : 0;
}

void pool_stop(struct pool *pool) {
    if (pool->stopped) return;
    pool->stopped = true;
    if (pool->ready.items) queue_close(&pool->ready);
    for (size_t i = 0; pool->workers && i < pool->options.threads; i++)
        if (pool->workers[i].runs) check(pthread_join(pool->workers[i].thread, NULL) == 0);
    for (size_t i = 0; pool->workers && i < pool->options.threads; i++)
        if (pool->workers[i].has_ctx) pool->options.worker_release(pool->options.ctx, pool->workers[i].ctx);
}

struct pool *pool_free(struct pool *pool) {
    if (!pool) return NULL;
    pool_stop(pool);
    queue_release(&pool->free);
    queue_release(&pool->ready);
    free(pool->jobs);
    free(pool->workers);
    free(pool);
    return NULL;
}
