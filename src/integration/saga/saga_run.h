/* saga_run.h - the interpreter: one saga is a plain struct, moved on by pure functions.
 *
 * No I/O, no clock, no randomness: all three come in struct saga_env. Same state and same answers of tasks, same
 * outcome.
 *
 *   NEW ----------- saga_advance -------------------> RUNNING
 *   RUNNING ------- saga_advance -------------------> TASK_OPEN | WAITING | RETRYING | SUCCEEDED | FAILED
 *   TASK_OPEN ----- saga_task_succeeded, _failed ---> RUNNING | RETRYING | SUCCEEDED | FAILED
 *   TASK_OPEN ----- saga_timed_out -----------------> RUNNING | RETRYING | FAILED
 *   WAITING, RETRYING - saga_advance at wake_at_ms -> RUNNING, and on
 *   any but TASK_OPEN with an enquiry - saga_advance, the saga's own time is up -> FAILED
 *
 * (S1) A call that does not return 0 leaves the state as it was: the caller may load what a task asked for (VIEW_NEED)
 *      and call again. Notes given during such a call are void; the caller drops them with its overlay.
 * (S2) One call makes at most SAGA_INLINE_STEPS_MAX transitions.
 * (S3) A task with an enquiry never gets States.Timeout from a clock: when its time is up the driver must enquire first
 *      and then call saga_task_succeeded or saga_task_failed. saga_timed_out refuses it (SAGA_E_ENQUIRE), and the time
 *      limit of the whole saga does not end it either.
 * (S4) An error after the work was done (ResultSelector, ResultPath, OutputPath) is never retried, only caught: a retry
 *      would do the work twice.
 * (S5) A state runs with the definition whose hash it carries, with no other. */
#ifndef GIRO_INTEGRATION_SAGA_SAGA_RUN_H
#define GIRO_INTEGRATION_SAGA_SAGA_RUN_H

#include "integration/saga/saga_def.h"
#include "platform/buffer.h"

enum { SAGA_INLINE_STEPS_MAX = 64 };

enum saga_status {
    SAGA_NEW,
    SAGA_RUNNING,
    SAGA_TASK_OPEN,
    SAGA_WAITING,
    SAGA_RETRYING,
    SAGA_SUCCEEDED,
    SAGA_FAILED,
    SAGA_STATUS_COUNT
};
const char *saga_status_name(enum saga_status status); /* "running", "task_open", ... */

struct saga_slot {
    uint8_t type; /* enum saga_type */
    uint16_t text_bytes;
    int64_t number;
    char text[SAGA_STRING_BYTES_MAX];
};
/* Readable by all, written by the functions below. About 8 KiB, of which a run touches the head and the used slots. */
struct saga_state {
    struct hash def_hash;
    enum saga_status status;
    uint16_t current;      /* index of the state */
    int64_t started_at_ms; /* of the saga */
    int64_t entered_at_ms; /* of the current state (first attempt) */
    int64_t wake_at_ms;    /* WAITING, RETRYING: when to go on. TASK_OPEN: when the attempt's time is up. Else 0 */
    uint32_t attempts[SAGA_RETRIERS_MAX]; /* retries used in this visit, per retrier (A56) */
    uint8_t error_bytes;
    uint16_t cause_bytes;
    char error[SAGA_ERROR_BYTES_MAX]; /* last error that was raised, caught or not; what a Fail state says when it
                                         failed */
    char cause[SAGA_CAUSE_BYTES_MAX];
    struct saga_slot slots[SAGA_SLOTS_MAX]; /* only the definition's own are meaningful */
};

enum saga_note_kind {
    SAGA_NOTE_STARTED,
    SAGA_NOTE_STATE_ENTERED,
    SAGA_NOTE_STATE_LEFT,
    SAGA_NOTE_TASK_STARTED, /* given to the driver */
    SAGA_NOTE_TASK_SUCCEEDED,
    SAGA_NOTE_TASK_FAILED, /* error */
    SAGA_NOTE_RETRY,       /* error, wake_at_ms */
    SAGA_NOTE_CAUGHT,      /* error */
    SAGA_NOTE_SUCCEEDED,
    SAGA_NOTE_FAILED, /* error */
    SAGA_NOTE_KIND_COUNT
};
const char *saga_note_name(enum saga_note_kind kind); /* "state_entered", ... */
/* One line of history: names only, never values or causes, hence no personal data. Borrowed for the call. */
struct saga_note {
    enum saga_note_kind kind;
    int64_t at_ms, wake_at_ms;
    struct str state_name, task, error;
};
struct saga_env {
    int64_t now_ms;
    uint64_t random;                                            /* for JitterStrategy FULL; any number else */
    void *ctx;                                                  /* given to tasks */
    void (*note)(void *note_ctx, const struct saga_note *note); /* may be NULL; keeps its own faults */
    void *note_ctx;
};

enum saga_step_kind {
    SAGA_STEP_STARTS_TASK, /* start this task with these inputs, once this state is on disk */
    SAGA_STEP_AWAITS_TASK, /* it was started before; after a restart enquire (or start again what has no effect) */
    SAGA_STEP_WAITS,       /* call again at wake_at_ms */
    SAGA_STEP_CONTINUES,   /* S2: commit and call again */
    SAGA_STEP_SUCCEEDED,
    SAGA_STEP_FAILED,
    SAGA_STEP_KIND_COUNT
};
/* Texts and inputs are borrowed from state and definition until the next call. */
struct saga_step {
    enum saga_step_kind kind;
    const struct saga_task *task; /* STARTS_TASK, AWAITS_TASK */
    struct str state_name;
    int64_t wake_at_ms;                             /* WAITS; and the end of the attempt's time for tasks */
    uint32_t attempt;                               /* of the task, from 1 */
    struct saga_value inputs[SAGA_TASK_FIELDS_MAX]; /* in the order of task->inputs */
    struct str error, cause;                        /* FAILED */
};

void saga_start(const struct saga_def *def, struct saga_state *ret_state, int64_t now_ms);
/* A scalar of the saga's input, before the first advance (check). name: "payment.on_us". A name that no state mentions
 * is dropped. 0 or SAGA_E_VALUE: an invalid value; a name above or below one that has a value; a name that no state
 * mentions although one asks for the object it lies in (it would not be seen there). */
int saga_put(const struct saga_def *def, struct saga_state *state, struct str name,
             const struct saga_value *value) MUST_USE;
/* The value under name, SAGA_ABSENT when there is none; text borrowed from state. */
struct saga_value saga_get(const struct saga_def *def, const struct saga_state *state, struct str name);

/* Goes on until a step that the driver must take. Before wake_at_ms it only repeats the step. 0; or, with the state
 * unchanged, whatever a task returned; or -EPROTO when a task broke T2 (raised an error it does not list). */
int saga_advance(const struct saga_def *def, struct saga_state *state, const struct saga_env *env,
                 struct saga_step *ret_step) MUST_USE;
/* The outcome of the open task. values stand in the order of task->results; those beyond count and SAGA_ABSENT are not
 * given. Their texts must not point into state. Then call saga_advance. 0, SAGA_E_NOT_OPEN, SAGA_E_VALUE. */
int saga_task_succeeded(const struct saga_def *def, struct saga_state *state, const struct saga_env *env,
                        const struct saga_value *values, size_t count) MUST_USE;
/* error: one that the task lists; cause: cut at SAGA_CAUSE_BYTES_MAX. 0, SAGA_E_NOT_OPEN, SAGA_E_ERROR_NAME,
 * SAGA_E_VALUE (cause not UTF-8). Then call saga_advance. */
int saga_task_failed(const struct saga_def *def, struct saga_state *state, const struct saga_env *env, struct str error,
                     struct str cause) MUST_USE;
/* The attempt's time is up: States.Timeout. 0, SAGA_E_NOT_OPEN, SAGA_E_EARLY, SAGA_E_ENQUIRE (S3). Then call
 * saga_advance. */
int saga_timed_out(const struct saga_def *def, struct saga_state *state, const struct saga_env *env) MUST_USE;

/* Copies what the definition uses; cheaper than an assignment of the struct. */
void saga_state_copy(const struct saga_def *def, struct saga_state *ret_state, const struct saga_state *state);

enum { SAGA_STATE_VERSION = 1 };
/* Bytes for the store, the same for equal states, at most SAGA_STATE_BYTES_MAX (saga_table.h). overflow of out tells
 * when its memory is too small. */
void saga_state_write(const struct saga_def *def, const struct saga_state *state, struct buffer *out);
/* Every byte is checked, surplus ones are refused. 0, SAGA_E_FORMAT, SAGA_E_OTHER (S5). */
int saga_state_read(const struct saga_def *def, struct str bytes, struct saga_state *ret_state) MUST_USE;
/* The hash of the definition that bytes belong to, to find it by. 0 or SAGA_E_FORMAT. */
int saga_state_peek_hash(struct str bytes, struct hash *ret_hash) MUST_USE;

#endif
