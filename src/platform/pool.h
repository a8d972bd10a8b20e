/* pool.h - a fixed number of worker threads over one bounded queue, for work that takes CPU or waits.
 *
 * (P1) At most queue_max jobs wait; pool_submit never blocks and never allocates.
 * (P2) A job that was accepted runs exactly once, also when pool_stop comes in between.
 * (P3) A worker's context (a store's reader, say) is touched by that worker alone between worker_init and
 *      worker_release.
 * The workers inherit the signal mask of the thread that calls pool_start. */
#ifndef GIRO_PLATFORM_POOL_H
#define GIRO_PLATFORM_POOL_H

#include "platform/base.h"

#define POOL_E_MAP(X) X(POOL_E_FULL, "pool_full") X(POOL_E_STOPPED, "pool_stopped")
#define X(code, name) code,
enum pool_refusal { POOL_E_NONE = 0, POOL_E_MAP(X) POOL_E_COUNT };
#undef X

enum { POOL_THREADS_MAX = 256, POOL_NAME_BYTES_MAX = 11 };

struct pool; /* opaque */

struct pool_options {
    const char *name;  /* at most POOL_NAME_BYTES_MAX characters; threads are called name-0, name-1, ... */
    size_t threads;    /* [1, POOL_THREADS_MAX] */
    size_t queue_max;  /* [1, QUEUE_COUNT_MAX] jobs that may wait */
    /* May both be NULL. worker_init is called by pool_start, once per worker before any worker runs: 0, or a fault that
     * pool_start passes on. worker_release is called by pool_stop when the workers have ended. */
    int (*worker_init)(void *ctx, void **ret_worker_ctx);
    void (*worker_release)(void *ctx, void *worker_ctx);
    void *ctx;
};

/* Copies what it needs of options. 0, -ENOMEM, -EAGAIN (no more threads), or the fault of worker_init; then nothing
 * is left. */
int pool_start(const struct pool_options *options, struct pool **ret_pool) MUST_USE;
/* From any thread. worker_ctx is NULL without worker_init. 0, POOL_E_FULL or POOL_E_STOPPED (run is not called). */
int pool_submit(struct pool *pool, void (*run)(void *worker_ctx, void *job_ctx), void *job_ctx) MUST_USE;
size_t pool_waiting(struct pool *pool); /* jobs in the queue now, for metrics */
/* How long the job in front has waited for a worker; 0 when none waits. From any thread. */
int64_t pool_oldest_wait_ms(struct pool *pool);
/* Refuses new jobs, runs those that wait, ends the workers. Nobody may be inside pool_submit once pool_free is
 * called. Harmless twice. */
void pool_stop(struct pool *pool);
struct pool *pool_free(struct pool *pool); /* stops first; takes NULL, returns NULL */

#endif
