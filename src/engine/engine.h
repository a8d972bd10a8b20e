/* engine.h - the commit engine: one thread decides, batches of commands, one durable commit a batch.
 *
 *   collect -> needs -> load -> decide -> commit -> reply
 *
 * The thread overlaps them (flight.c): while one batch is written and flushed by a second thread, the next is decided
 * over what that one will leave, and is committed only after it; what was decided over a batch that fails is decided
 * again.
 *
 * (E1) no command hears its verdict before the commit that holds it is flushed.
 * (E2) a command that was answered DONE or REFUSED (stored) is found again under its idempotency key, in this process
 * or the next. (E3) a lone command waits for nobody; a batch is at most ENGINE_BATCH_MAX commands. (E4) a failed
 * commit: undone -> decide again, then bisect to the culprit (FAULT); disk full -> UNAVAILABLE, nothing stored; unknown
 * -> every command of the batch is answered UNKNOWN and on_unknown is called, which must end the process.
 * (E5) a command that was in the batch at two aborts of the process is not decided again. (E6) the commands of a batch
 * are decided in the order of the queue, those of `due` first: behind one that still needs rows the others only name
 * theirs. A command whose needs come up one after another, beyond two loads, is passed by the others. (E7) while many
 * call, batches begin 5 ms apart at the least: a commit seals and flushes some thirty pages whatever it holds, so fewer
 * of them cost a payment less, at the same rate (docs/adr/0013). Behind a batch of less than 16 commands nothing waits,
 * and 128 that are there do not either. Tests: engine_test.c, e1..e4, e6; gather_test.c;
 * overlap*_test.c; quarantine_test.c. */
#ifndef GIRO_ENGINE_ENGINE_H
#define GIRO_ENGINE_ENGINE_H

#include "engine/decision.h"
#include "platform/digest.h"
#include "store/store.h"

enum {
    ENGINE_BATCH_MAX = 1000,
    ENGINE_QUEUE_MAX = 8192, /* commands of callers */
    ENGINE_INTERNAL_QUEUE_MAX =
        32768,                   /* commands of the program itself (results of the core, timers) have room above that */
    ENGINE_ROUNDS_MAX = 4,       /* loads a batch, then too_complex */
    ENGINE_ROWS_MAX = 64,        /* rows one command may write, if its kind does not say more */
    ENGINE_BULK_ROWS_MAX = 4096, /* the most that a kind may say: bulk work of the program itself */
    ENGINE_DUE_MAX = 256,        /* commands that `due` may put before a batch */
    ENGINE_DUE_BATCHES_MAX = 1024, /* batches of due commands alone, when more are due; then the callers' go on */
    ENGINE_ANSWER_BYTES_MAX = 64 * 1024,
    ENGINE_NOTES_BYTES_MAX = 4 * 1024 * 1024, /* audit records of reads waiting for the next commit */
    ENGINE_NOTES_WAIT_MS = 100,
    ENGINE_AUDIT_BYTES_MAX = 24 * 1024, /* one audit record of a command */
};

struct command;
struct command_audit; /* layer 2's (integration/command.h) */

/* One kind of command, a static table in integration/command/NAME.c. */
struct command_kind {
    const char *name; /* "payment_accept" */
    /* Names the rows it knows it needs (work_want); may be NULL. */
    void (*needs)(struct work *work, const struct command *command);
    /* 0: accepted. > 0: refused (a code of this kind), changes dropped. VIEW_NEED. < 0: fault, answered FAULT.
     * On 0 it may set command->answer (bytes in view_arena or its own arena) and command->resource_id. */
    int (*decide)(struct work *work, struct command *command);
    const char *(*refusal_name)(int refusal); /* for audit and answers */
    /* As write_audit of a command, for each of this kind that has none of its own; nothing appended: no record. May be
     * NULL. */
    void (*write_audit)(struct buffer *out, const struct command *command);
    bool (*refusal_is_stored)(int refusal); /* NULL: no refusal is stored under the key */
    uint32_t rows_max;                      /* rows one command may write; 0: ENGINE_ROWS_MAX */
};

enum command_result {
    COMMAND_DONE,        /* decided now: refusal == 0 accepted, else refused */
    COMMAND_REPLAYED,    /* decided before under this key: the stored refusal, answer and resource_id */
    COMMAND_KEY_REUSED,  /* the key belongs to another request */
    COMMAND_UNAVAILABLE, /* nothing stored: disk full, stopping */
    COMMAND_UNKNOWN,     /* may or may not be stored: ask again with the same key */
    COMMAND_TOO_COMPLEX,
    COMMAND_FAULT, /* nothing stored; it was this command's fault or a bug */
    COMMAND_RESULT_COUNT
};

/* Scope: client, method, route template, key (design section 4). */
struct idempotency {
    bool present;
    uint8_t key[16];         /* idempotency_key() */
    struct hash fingerprint; /* SHA-256 of path parameters, query and raw body */
    int64_t keep_ms;         /* how long the answer stands under the key; 0: for ever */
};
void idempotency_key(struct str client, struct str method, struct str route_template, struct str key,
                     uint8_t ret_key[16]);

/* Owned by the submitter until on_reply is called, then again. */
struct command {
    const struct command_kind *kind;
    void *input; /* of the kind's own type, unchanged while queued */
    struct idempotency idempotency;
    bool internal; /* from the program itself: room is kept for it */
    /* Appends one audit record (JSON object) once the result is known, before the commit; may be NULL. Called by the
     * engine thread. */
    void (*write_audit)(struct buffer *out, const struct command *command);
    const struct command_audit *audit;         /* what write_audit writes from; the engine does not look at it */
    void (*on_reply)(struct command *command); /* on the engine thread: only hands on */
    void *owner;

    enum command_result result;
    int refusal;
    uint8_t resource_id[16];
    struct str answer; /* valid until on_reply returns: copy what you keep */

    struct command *next; /* the engine's */
    int state;            /* the engine's */
};

struct engine;
struct engine_options {
    struct store *store;
    void (*encode_event)(struct buffer *out, const struct event *event); /* CloudEvents JSON */
    void (*on_followup)(void *ctx, const struct followup *followup);     /* after the commit; only hands on */
    void (*on_committed)(void *ctx, int64_t journal_seq, uint32_t commands,
                         int64_t commit_ns);                    /* metrics, relay wake-up; may be NULL */
    void (*on_fault)(void *ctx, const char *command, int code); /* logs the path of a fault */
    void (*on_unknown)(void *ctx);                              /* commands were answered: end the process */
    /* The lease is another node's (STORE_E_FENCED): commands were answered UNAVAILABLE; end the process. */
    void (*on_fenced)(void *ctx);
    /* What is due by the time that the next batch will have: up to max commands of the program, which stand first in
     * it, so that no later decision sees what should have ended (a hold that expires at 12:00 is gone for every
     * decision of 12:00 and later). Called on the engine's thread before each batch, again after a batch of them alone
     * when it gave max; returns how many. May be NULL. */
    size_t (*due)(void *ctx, int64_t now_ms, struct command **commands, size_t max);
    /* The earliest time for which `due` has something, INT64_MAX = none: the engine sleeps no longer. NULL as due. */
    int64_t (*next_due_ms)(void *ctx);
    void *ctx;
    int64_t (*now_ms)(void); /* NULL: clock_now_ms */
    /* File that remembers which commands were in the batch when the process aborted (quarantine.h); its folder must
     * exist, and only one engine of a process may have one. A command that was there at two aborts is answered FAULT
     * and never decided; on_fault says "quarantined". Read at open only. NULL: none. */
    const char *quarantine_path;
    uint32_t id_salt; /* of the ids, for the simulation; 0: drawn at random, once a process */
    /* No thread writes beside the decisions: a batch in flight is written by engine_write, or by whoever waits for it.
     * For tests and simulation: the interleaving is theirs. */
    bool steps;
};
/* Reads the journal's head and the counters; refuses a chain whose head does not hash. 0 or <0 with message. */
int engine_open(const struct engine_options *options, struct engine **ret_engine, struct message *message);
int engine_start(struct engine *engine); /* starts the thread */
/* 0: on_reply will be called exactly once. ENGINE_E_FULL: queue full or stopping, nothing was taken. */
enum engine_refusal { ENGINE_E_FULL = 1 };
int engine_submit(struct engine *engine, struct command *command) MUST_USE;
/* An audit record of a read, for the next commit (at most ENGINE_NOTES_WAIT_MS later); counted and dropped when full:
 * the next commit then holds a record of its own, {"event":"audit_overflow","time":...,"dropped":N}. */
void engine_note(struct engine *engine, struct str audit_json);
void engine_stop(struct engine *engine); /* decides what is queued, then ends the thread */
struct engine *engine_close(struct engine *engine);
/* Without the thread, for tests and simulation: one batch of what is queued; returns the number of commands answered.
 */
size_t engine_step(struct engine *engine);
/* As the thread works: one batch of what is queued is decided while the batch before it is written; that one is
 * answered, and this one is given to the writer (or, when it is small and nobody waits, committed and answered too).
 * Returns the number of commands taken. */
size_t engine_advance(struct engine *engine);
/* options.steps: commits the batch in flight, of which nobody hears yet. False: there is none, or it was written. */
bool engine_write(struct engine *engine);
void engine_settle(struct engine *engine); /* waits for the batch in flight; its commands are answered */

struct engine_state {
    int64_t journal_seq;
    uint64_t batches, commands, notes_dropped;
    uint64_t overlapped, voided; /* batches decided over one in flight; void since that one failed */
    size_t queued;
    bool writable; /* false after a disk-full until a commit works */
};
void engine_state(struct engine *engine, struct engine_state *ret_state);

/* In needs(): the row will be wanted. */
void work_want(struct work *work, const struct table *table, uint8_t index, const void *probe);

/* The time that a batch would have now: the wall clock, but never before that of a batch before. Any thread. */
int64_t engine_time_ms(struct engine *engine);

/* Every table the engine itself owns, for the composition root. */
extern const struct table engine_journal_table, engine_key_table, engine_answer_table, engine_counter_table;

#endif
