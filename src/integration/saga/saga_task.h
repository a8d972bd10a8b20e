/* saga_task.h - what the composition root tells the saga engine about tasks: who runs them, what they give and may
 * raise, which task undoes them.
 *
 * (T1) A registry is immutable, static data of the program; only the ARN table comes from the configuration. It
 *      outlives every definition compiled with it.
 * (T2) A task raises only the errors it lists, besides States.Timeout, which the interpreter raises. The checker's
 *      proof rests on that, so the interpreter refuses any other name.
 * (T3) Lists of names end with NULL (errors: with a name of NULL). */
#ifndef GIRO_INTEGRATION_SAGA_SAGA_TASK_H
#define GIRO_INTEGRATION_SAGA_SAGA_TASK_H

#include "platform/str.h"

enum {
    SAGA_STRING_BYTES_MAX = 256, /* one string value: input, result, slot */
    SAGA_CAUSE_BYTES_MAX = 256,  /* longer causes are cut at a character */
    SAGA_ERROR_BYTES_MAX = 80,   /* one error name */
    SAGA_TASK_FIELDS_MAX = 16,   /* inputs of a task; results of a task */
    SAGA_TASK_ERRORS_MAX = 16,
    SAGA_TASKS_MAX = 128,
    SAGA_ARNS_MAX = 256
};

#define SAGA_E_MAP(X)                                                                                                  \
    X(SAGA_E_DEFINITION, "definition_invalid")                                                                         \
    X(SAGA_E_REGISTRY, "registry_invalid")                                                                             \
    X(SAGA_E_UNSAFE, "saga_unsafe")                                                                                    \
    X(SAGA_E_NOT_OPEN, "no_open_task") X(SAGA_E_EARLY, "not_timed_out_yet") X(SAGA_E_ENQUIRE, "enquire_first")         \
        X(SAGA_E_ERROR_NAME, "error_not_listed") X(SAGA_E_VALUE, "value_invalid") X(SAGA_E_OTHER, "other_definition")  \
            X(SAGA_E_FORMAT, "state_bytes_invalid")
#define X(code, name) code,
enum saga_refusal { SAGA_E_NONE = 0, SAGA_E_MAP(X) SAGA_E_COUNT };
#undef X
const char *saga_refusal_name(int refusal); /* "" for 0 and unknown numbers */

/* The data of a saga is scalars: no arrays, no fractions; money is minor units or text. */
enum saga_type { SAGA_ABSENT = 0, SAGA_NULL, SAGA_BOOL, SAGA_I64, SAGA_STRING, SAGA_TYPE_COUNT };
struct saga_value {
    enum saga_type type;
    int64_t number;  /* I64; BOOL: 0 or 1 */
    struct str text; /* STRING: borrowed, UTF-8, at most SAGA_STRING_BYTES_MAX */
};
struct saga_value saga_null(void);
struct saga_value saga_bool(bool value);
struct saga_value saga_i64(int64_t value);
struct saga_value saga_string(struct str value);
bool saga_value_valid(const struct saga_value *value); /* type in range, bool 0 or 1, text UTF-8 and not too long */

enum saga_task_kind {
    SAGA_INLINE,   /* a pure decision: run() answers at once, its effects are in the caller's commit or nowhere */
    SAGA_POOLED,   /* takes CPU and has no effect: run() answers when the verdict is at hand, else defers */
    SAGA_EXTERNAL, /* leaves the program; the driver tells the outcome */
    SAGA_TASK_KIND_COUNT
};

struct saga_task_error {
    const char *name;
    bool unknown; /* after this error nobody knows whether the task was done */
};

struct saga_io;
struct saga_task {
    const char *name; /* "giro:<service>:<task>" */
    enum saga_task_kind kind;
    /* INLINE: required. POOLED: optional. EXTERNAL: NULL. Returns 0 after saga_io_put, _fail or _defer. Any other
     * result (VIEW_NEED, a fault) leaves saga_advance as it is. */
    int (*run)(void *ctx, struct saga_io *io);
    const struct saga_task_error *errors; /* NULL = none */
    const char *const *inputs;  /* names it reads of its effective input, dotted: "payment.on_us"; NULL = none */
    const char *const *results; /* names it may give; NULL = none */
    const char *undone_by;      /* name of the task that undoes it, or NULL */
    bool nothing_to_undo;       /* it only looks; failing afterwards needs no compensation */
    bool pivot;                 /* once it is done the saga can only go forward */
    bool has_enquiry;           /* EXTERNAL: the outcome can be asked for, so a clock never decides it */
    bool needs_time_limit;      /* the checker asks for TimeoutSeconds; always so for POOLED and EXTERNAL */
};

struct saga_arn {
    struct str arn; /* compared byte by byte */
    const char *task;
};
struct saga_registry {
    const struct saga_task *tasks;
    size_t task_count;
    const struct saga_arn *arns;
    size_t arn_count;
};

/* 0 or SAGA_E_REGISTRY with one sentence in message (may be NULL): names unique and known, limits kept, exactly one of
 * undone_by, nothing_to_undo, pivot or being somebody's undone_by where the checker needs it is left to saga_check. */
int saga_registry_check(const struct saga_registry *registry, struct message *message);
const struct saga_task *saga_registry_find(const struct saga_registry *registry, struct str name); /* or NULL */
const struct saga_task *saga_registry_resolve(const struct saga_registry *registry,
                                              struct str resource); /* name or ARN */
bool saga_registry_undoes(const struct saga_registry *registry,
                          const struct saga_task *task); /* somebody's undone_by */
size_t saga_names_count(const char *const *names);
const struct saga_task_error *saga_task_find_error(const struct saga_task *task, struct str name); /* or NULL */

/* One run of a task. Inputs stand in the order of task->inputs and are borrowed for the call. */
struct saga_io {
    const struct saga_task *task;
    struct str state_name;
    int64_t now_ms, started_at_ms; /* of the step; of the saga */
    uint32_t attempt;              /* from 1; more after each Retry */
    const struct saga_value *inputs;
    /* Written by the functions below only. */
    bool failed, deferred;
    uint32_t given; /* bit per result */
    struct saga_value results[SAGA_TASK_FIELDS_MAX];
    char texts[SAGA_TASK_FIELDS_MAX][SAGA_STRING_BYTES_MAX];
    struct str error, cause;
    char cause_text[SAGA_CAUSE_BYTES_MAX];
};
/* result: position in task->results (check). The text is copied. 0, or SAGA_E_VALUE (too long, not UTF-8): nothing
 * given. */
int saga_io_put(struct saga_io *io, size_t result, const struct saga_value *value) MUST_USE;
/* The task says no. error: one of task->errors, a literal. cause is copied and cut; no personal data in either. */
void saga_io_fail(struct saga_io *io, const char *error, struct str cause);
/* POOLED only (check): the verdict is not at hand, start the task outside. */
void saga_io_defer(struct saga_io *io);

#endif
