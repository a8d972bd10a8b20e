/* store_sqlite_checkpoint.c - moves the write-ahead log into the database, beside the writer.
 *
 * (C1) A PASSIVE checkpoint blocks nobody. It runs whenever the log is longer than STORE_WAL_SOFT_BYTES, so each one
 *      moves little.
 * (C2) While commits go on, a passive checkpoint never reaches the log's end and the log never starts over. So when
 *      little is left, the thread closes the gate between two commits and moves the rest: one commit waits for that, at
 *      most about FINAL_PAGES_MAX pages and one flush. The next commit then starts the log over, unless a reader still
 *      needs it.
 * (C3) When the log has passed STORE_WAL_HARD_BYTES, the pass behind the gate truncates it and waits up to
 *      TRUNCATE_BUSY_MS for readers. A reader that holds its snapshot longer keeps the log growing: nothing else would
 *      keep (S2).
 * (C4) A failed checkpoint changes nothing: the log still holds every row. It is tried again after RETRY_MS. */
#include "store/store_sqlite_int.h"

#include "platform/clock.h"

enum { FINAL_PAGES_MAX = 256, PASSES_MAX = 4, TRUNCATE_BUSY_MS = 50, RETRY_MS = 500 };

static void wait_ms(struct sqlite_checkpoint *checkpoint, int64_t ms) {
    int64_t until_ns = clock_mono_ns() + ms * 1000000;
    struct timespec until = { .tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000 };
    int r = 0;
    while (!checkpoint->stop && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&checkpoint->changed, &checkpoint->mutex, &until);
}

static bool run_mode(struct sqlite_checkpoint *checkpoint, int mode, int *ret_left) {
    int log_pages = 0, done_pages = 0;
    int code = sqlite3_wal_checkpoint_v2(checkpoint->connection.db, "main", mode, &log_pages, &done_pages);
    if (code != SQLITE_OK) return false;
    *ret_left = log_pages - done_pages;
    return true;
}

/* The gate: the writer is between two commits and stays there. mutex is held on entry and exit, not in between. */
static bool run_behind_gate(struct sqlite_checkpoint *checkpoint, int mode) {
    checkpoint->gate_closed = true;
    while (checkpoint->writer_inside) pthread_cond_wait(&checkpoint->changed, &checkpoint->mutex);
    pthread_mutex_unlock(&checkpoint->mutex);
    int left;
    bool done = run_mode(checkpoint, mode, &left) && left == 0;
    atomic_fetch_add(checkpoint->turns, 1); /* who keeps a snapshot takes one that does not need the log */
    pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->gate_closed = false;
    pthread_cond_broadcast(&checkpoint->changed);
    return done;
}

/* One round; true when the log is free to start over. mutex is held on entry and exit. */
static bool run_round(struct sqlite_checkpoint *checkpoint) {
    pthread_mutex_unlock(&checkpoint->mutex);
    int left = 0;
    bool passed = run_mode(checkpoint, SQLITE_CHECKPOINT_PASSIVE, &left);
    for (int i = 1; i < PASSES_MAX && passed && left > FINAL_PAGES_MAX; i++)
        passed = run_mode(checkpoint, SQLITE_CHECKPOINT_PASSIVE, &left);
    pthread_mutex_lock(&checkpoint->mutex);
    if (!passed) return false;
    if (atomic_load(&checkpoint->log_bytes) > STORE_WAL_HARD_BYTES)
        return run_behind_gate(checkpoint, SQLITE_CHECKPOINT_TRUNCATE);
    return left <= FINAL_PAGES_MAX && run_behind_gate(checkpoint, SQLITE_CHECKPOINT_PASSIVE);
}

static void *checkpoint_main(void *ctx) {
    struct sqlite_checkpoint *checkpoint = ctx;
    pthread_mutex_lock(&checkpoint->mutex);
    while (!checkpoint->stop) {
        if (!checkpoint->wanted) {
            pthread_cond_wait(&checkpoint->changed, &checkpoint->mutex);
            continue;
        }
        checkpoint->wanted = false;
        if (!run_round(checkpoint)) wait_ms(checkpoint, RETRY_MS); /* a commit asks again */
    }
    pthread_mutex_unlock(&checkpoint->mutex);
    return NULL;
}

int sqlite_checkpoint_start(struct sqlite_checkpoint *checkpoint, const char *path, const struct seal_ring *ring,
                            struct message *message) {
    int r = sqlite_connection_open(&checkpoint->connection, path, ACCESS_WRITER, ring, message);
    if (r) return err_trace(r);
    (void)sqlite3_busy_timeout(checkpoint->connection.db, TRUNCATE_BUSY_MS); /* a setting; cannot fail */
    pthread_condattr_t attributes;
    check(pthread_mutex_init(&checkpoint->mutex, NULL) == 0 && pthread_condattr_init(&attributes) == 0);
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&checkpoint->changed, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    r = pthread_create(&checkpoint->thread, NULL, checkpoint_main, checkpoint);
    if (r == 0) {
        checkpoint->started = true;
        return 0;
    }
    pthread_cond_destroy(&checkpoint->changed);
    pthread_mutex_destroy(&checkpoint->mutex);
    sqlite_connection_release(&checkpoint->connection);
    message_set(message, "the store's checkpoint thread cannot be started: %s", strerror(r));
    return err_origin(-r);
}

void sqlite_checkpoint_stop(struct sqlite_checkpoint *checkpoint) {
    if (!checkpoint->started) return;
    pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->stop = true;
    pthread_cond_broadcast(&checkpoint->changed);
    pthread_mutex_unlock(&checkpoint->mutex);
    pthread_join(checkpoint->thread, NULL);
    pthread_cond_destroy(&checkpoint->changed);
    pthread_mutex_destroy(&checkpoint->mutex);
    sqlite_connection_release(&checkpoint->connection);
    checkpoint->started = false;
}

void sqlite_checkpoint_enter(struct sqlite_checkpoint *checkpoint) {
    pthread_mutex_lock(&checkpoint->mutex);
    while (checkpoint->gate_closed) pthread_cond_wait(&checkpoint->changed, &checkpoint->mutex);
    checkpoint->writer_inside = true;
    pthread_mutex_unlock(&checkpoint->mutex);
}

void sqlite_checkpoint_leave(struct sqlite_checkpoint *checkpoint, uint64_t log_bytes) {
    pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->writer_inside = false;
    atomic_store(&checkpoint->log_bytes, log_bytes);
    if (log_bytes > STORE_WAL_SOFT_BYTES) checkpoint->wanted = true;
    if (checkpoint->wanted || checkpoint->gate_closed) pthread_cond_broadcast(&checkpoint->changed);
    pthread_mutex_unlock(&checkpoint->mutex);
}
