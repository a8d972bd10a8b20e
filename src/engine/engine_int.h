/* engine_int.h - the engine's own state, shared by engine.c (thread, queue) and batch.c (one batch). Private. */
#ifndef GIRO_ENGINE_ENGINE_INT_H
#define GIRO_ENGINE_ENGINE_INT_H

#include "engine/side_thread.h"
#include "engine/work.h"

#include <pthread.h>

/* From so many changes on a batch's hashes and the cache's share of it are worth waking another thread for. */
enum { HASHER_BYTES = 16 * 1024, ENGINE_SIDE_CHANGES_MIN = 256 };
struct hasher {
    struct sha256 sha; /* one context as long as the engine lives */
    size_t len;
    uint8_t bytes[HASHER_BYTES];
};

struct engine {
    struct engine_options options;
    struct work work;
    struct hasher hasher;
    struct side_thread side;
    struct journal_row record; /* of the batch being committed */
    size_t hashed_changes;     /* those of changes that its hashes cover */
    bool kept;                 /* the row cache has the batch's rows */
    struct store_change *changes;
    size_t change_capacity;
    /* the chain's head; the engine thread's alone */
    int64_t seq;
    struct hash head;
    int64_t batch_ms;              /* time of the batch being run */
    struct quarantine *quarantine; /* NULL: no marker is kept */
    int64_t written_ms;            /* monotonic: when the lease was last renewed */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct command *first, *last;
    size_t queued;
    int64_t latest_ms; /* time of the newest batch */
    struct buffer notes, notes_taken;
    uint64_t notes_lost; /* dropped and not yet told in the journal */
    struct engine_state state;
    bool stopping, thread_running;
    pthread_t thread;
};

/* Decides, commits and answers; notes are audit frames of reads, written with it. */
void batch_run(struct engine *engine, struct command **commands, size_t count, struct str notes);

#endif
