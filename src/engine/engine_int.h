/* engine_int.h - the engine's own state, and its parts. Private.
 *
 * engine.c        open and close, queue, thread, what a batch is made of
 * batch.c         one batch: needs, load, decide, commit, reply; what a failed commit means
 * batch_record.c  what a batch writes: its changes, the journal's record, their hashes
 * flight.c        the batch in flight: written by a second thread while the next is decided */
#ifndef GIRO_ENGINE_ENGINE_INT_H
#define GIRO_ENGINE_ENGINE_INT_H

#include "engine/journal_tail.h"
#include "engine/work.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    HASHER_BYTES = 16 * 1024,
    ENGINE_BATCHES = 2,        /* one in flight, one decided */
    ENGINE_HAND_OVER_MIN = 16, /* so many commands are worth waking another thread, also when nothing waits */
    ENGINE_PACE_SHARE = 4,     /* a new measurement counts so much of the pace: one in four */
    ENGINE_GATHER_MIN = 16,    /* behind a batch of so many the next one waits for more (E7) */
    ENGINE_GATHER_FULL = 128,  /* not when so many wait */
    ENGINE_GATHER_NS = 5 * 1000 * 1000 /* from the beginning of the commit before it */
};
struct hasher {
    struct sha256 sha; /* one context as long as the engine lives */
    size_t len;
    uint8_t bytes[HASHER_BYTES];
};

struct batch {
    struct work work;
    struct command *commands[ENGINE_DUE_MAX + ENGINE_BATCH_MAX];
    size_t count;
    struct buffer notes; /* audit frames of reads, written with it */
    int64_t at_ms;       /* its time */
    struct journal_row record;
    struct store_change *changes; /* with the record as the last; what they point to is in work */
    size_t change_count, change_capacity;
    int64_t commit_ns;   /* what its commit took */
    int result;          /* of the store, once it is written */
    atomic_bool written; /* by the writer's thread: all of the above is the engine's again */
    bool answered;       /* in flight: it has committed, and every command has heard so */
};

/* The commands of one try, all of a batch's or some when it is halved. */
struct batch_part {
    struct command **commands;
    size_t count;
    struct str notes;
};

struct engine {
    struct engine_options options;
    struct work_common common;
    struct hasher hasher;
    struct batch batches[ENGINE_BATCHES];
    struct batch *flying;        /* decided and given to the writer, nobody has heard of it; NULL: none */
    int64_t began_ns;            /* monotonic: of the flight */
    struct store_reader *reader; /* for loads beside the writer; NULL: not needed yet */
    /* what is committed: the chain's head and the counters; the engine thread's alone */
    int64_t seq;
    struct hash head;
    int64_t epoch; /* of the lease, as it was when nothing was in flight */
    int64_t counters[COUNTER_COUNT];
    struct journal_tail *tail;     /* what was committed last, for who reads the journal as it grows */
    struct quarantine *quarantine; /* NULL: no marker is kept */
    int64_t written_ms;            /* monotonic: when the lease was last renewed */
    int64_t commit_ns, decide_ns;  /* the pace: of a commit, of one command's decision */
    size_t last_count;             /* commands of the newest batch; 0: there was nothing to do since */

    pthread_mutex_t lock;
    pthread_cond_t wake; /* of the engine's thread: a command, the end of a flight, the end */
    struct command *first, *last;
    size_t queued;
    bool gathering; /* the thread waits for ENGINE_GATHER_FULL, not for the first command */
    int64_t latest_ms; /* time of the newest batch */
    struct buffer notes;
    uint64_t notes_lost; /* dropped and not yet told in the journal */
    struct engine_state state;
    bool stopping, thread_running;
    pthread_t thread;
    pthread_cond_t writer_wake;
    struct batch *to_write; /* NULL: the writer has nothing to do */
    bool writer_stopping, writer_running;
    pthread_t writer;
};

/* ---- engine.c ---- */

/* Until when the next batch waits for more commands (E7), monotonic; 0: it does not. With the lock held. */
int64_t engine_gathers_until_ns(const struct engine *engine);

/* ---- batch.c ---- */

struct batch_part batch_whole(struct batch *batch);
/* Decides part, over the batch in flight if there is one, and makes what it writes. 0; else nothing of it has happened
 * and nobody has heard of it: STORE_E_UNDONE, _AWAY, _FENCED. */
int batch_decide(struct engine *engine, struct batch *batch, const struct batch_part *part);
/* Hands what was decided to the store; by the thread that writes. As store_commit. */
int batch_write(struct engine *engine, struct batch *batch);
/* Nothing is in flight in all below. Decides, commits and answers. */
void batch_run(struct engine *engine, struct batch *batch, const struct batch_part *part);
/* The same from the first try's result r on. */
void batch_end(struct engine *engine, struct batch *batch, const struct batch_part *part, int r);
/* It has committed: the chain goes on, and its commands hear so. */
void batch_succeed(struct engine *engine, struct batch *batch, const struct batch_part *part);
void batch_lose(struct engine *engine, struct batch *batch); /* all of it hear UNKNOWN; what follows is the caller's */

/* ---- batch_record.c ---- */

/* The beginning of a record's hash, as COUNTER_HEAD keeps it; never 0. */
int64_t record_mark(const struct hash *hash);
/* Changes and record of what was decided; change_count 0: there is nothing to write. 0 or STORE_E_UNDONE: they cannot
 * be made. */
int batch_record(struct engine *engine, struct batch *batch, const struct hash *head, struct str notes);

/* ---- flight.c ---- */

/* Gives a decided batch to the writer; what is not worth it, or has nothing to write, is over on return. */
void flight_begin(struct engine *engine, struct batch *batch);
bool flight_is_over(const struct engine *engine); /* nobody would wait for it; true when there is none */
/* Looks after the batch in flight while the next is decided: answers it once it has committed. False: it has failed. */
bool flight_look(struct engine *engine);
/* Waits for the batch in flight and does what its fate asks for; it is over then. next: the batch that is made for
 * behind it, or NULL; decided: over it, and well. 0: it has committed (or there was none), and next may be in flight
 * already: the store should not wait for the answers. Above 0: it has not, and what was decided over it is void. Below
 * 0: it is unknown, and next has been answered so too. */
int flight_end(struct engine *engine, struct batch *next, bool decided);
void flight_stop(struct engine *engine); /* ends the writer's thread; nothing is in flight */

#endif
