/* saga_int.h - the compiled form of a definition, shared by compiler, interpreter and checker. Private to saga/. */
#ifndef GIRO_INTEGRATION_SAGA_SAGA_INT_H
#define GIRO_INTEGRATION_SAGA_SAGA_INT_H

#include "integration/saga/saga_run.h"
#include "platform/arena.h"
#include "wire/json.h"

#define SAGA_ERROR_ALL "States.ALL"
#define SAGA_ERROR_TIMEOUT "States.Timeout"
#define SAGA_ERROR_TASK_FAILED "States.TaskFailed"
#define SAGA_ERROR_PARAMETER "States.ParameterPathFailure"
#define SAGA_ERROR_RESULT_PATH "States.ResultPathMatchFailure"
#define SAGA_ERROR_NO_CHOICE "States.NoChoiceMatched"
#define SAGA_ERROR_RUNTIME "States.Runtime"

enum saga_state_type { SAGA_TASK, SAGA_CHOICE, SAGA_PASS, SAGA_WAIT, SAGA_SUCCEED, SAGA_FAIL, SAGA_STATE_TYPE_COUNT };
enum { SAGA_NEXT_END = 0xffff };

/* A place in the document. under: the slot and all below it; above: slots that must not hold a scalar for it to exist.
 * whole: the document itself, which always exists. */
struct saga_path {
    struct str name;
    int slot; /* -1: no such slot */
    uint64_t under, above;
    bool whole;
};
enum saga_source_kind { SAGA_SOURCE_NONE, SAGA_SOURCE_SLOT, SAGA_SOURCE_CONSTANT, SAGA_SOURCE_RESULT };
struct saga_source {
    enum saga_source_kind kind;
    uint8_t index; /* slot, or position among the results */
    const struct saga_value *constant;
};
struct saga_move {
    struct saga_source from;
    uint8_t to;
};
/* Replaces what is under a place. A slot of `blockers` that holds a scalar makes it fail (A17). */
struct saga_write {
    uint64_t clear, blockers;
    const struct saga_move *moves;
    uint16_t move_count;
};
/* What has to be there: one slot at least of each mask. */
struct saga_needs {
    const uint64_t *masks;
    uint16_t count;
};

struct saga_errors {
    const struct str *names;
    uint16_t count;
};
struct saga_retrier {
    struct saga_errors errors;
    int64_t interval_s, max_delay_s, rate_milli; /* rate 2.0 = 2000 */
    uint32_t attempts_max;
    bool jitter;
};
struct saga_catcher {
    struct saga_errors errors;
    uint16_t next;
    bool writes;             /* ResultPath is not null */
    struct saga_write write; /* results: 0 = Error, 1 = Cause */
};

enum saga_family {
    SAGA_FAMILY_STRING,
    SAGA_FAMILY_NUMERIC,
    SAGA_FAMILY_BOOLEAN,
    SAGA_FAMILY_TIMESTAMP,
    SAGA_FAMILY_LOGIC,
    SAGA_FAMILY_IS
};
enum saga_relation {
    SAGA_EQUALS,
    SAGA_LESS,
    SAGA_GREATER,
    SAGA_LESS_EQUALS,
    SAGA_GREATER_EQUALS,
    SAGA_MATCHES, /* String ... Timestamp */
    SAGA_AND,
    SAGA_OR,
    SAGA_NOT, /* Logic */
    SAGA_IS_NULL,
    SAGA_IS_PRESENT,
    SAGA_IS_NUMERIC,
    SAGA_IS_STRING,
    SAGA_IS_BOOLEAN,
    SAGA_IS_TIMESTAMP /* Is */
};
struct saga_test {
    enum saga_family family;
    enum saga_relation relation;
    struct saga_path variable, other; /* other: of the ...Path forms */
    bool by_path, by_fraction;
    struct saga_value value; /* constant; Timestamp: number = ms since 1970; Is: number = the wanted truth */
    double fraction;         /* Numeric constant that is no whole number */
    const struct saga_test *children;
    uint16_t child_count;
};
struct saga_rule {
    struct saga_test test;
    uint16_t next;
};

struct saga_node {
    struct str name;
    enum saga_state_type type;
    uint16_t next; /* SAGA_NEXT_END = End:true */
    /* Task, Pass: before the work. Others: none. A missing InputPath is States.Runtime, a missing parameter its own
     * error. */
    struct saga_needs input_needs, parameter_needs;
    struct saga_source inputs[SAGA_TASK_FIELDS_MAX]; /* Task: one for each task->inputs */
    /* After the work. */
    uint32_t selector_needs[SAGA_ENTRIES_MAX]; /* ResultSelector: masks over the results */
    uint16_t selector_need_count;
    bool writes;
    struct saga_write write;
    struct saga_needs output_needs;
    bool outputs;
    struct saga_write output;
    /* Task */
    const struct saga_task *task;
    int64_t timeout_ms; /* 0 = none (an inline task that names none) */
    bool names_timeout;
    const struct saga_retrier *retriers;
    const struct saga_catcher *catchers;
    uint16_t retrier_count, catcher_count;
    /* Choice */
    const struct saga_rule *rules;
    uint16_t rule_count, fallback; /* fallback: SAGA_NEXT_END = no Default */
    /* Wait: by_path, or at_ms, or seconds */
    bool wait_is_timestamp, wait_by_path;
    int64_t wait_number; /* seconds, or ms since 1970 */
    struct saga_path wait_path;
    /* Fail */
    struct str error, cause;
    struct saga_path error_path, cause_path;
    bool error_by_path, cause_by_path;
};

struct saga_def {
    const struct saga_registry *registry;
    struct hash hash;
    struct str comment;
    int64_t timeout_ms; /* of the whole saga, 0 = none */
    uint16_t start, node_count;
    struct saga_node *nodes;
    struct str slot_names[SAGA_SLOTS_MAX];
    size_t slot_count;
    struct arena names, body; /* names and slots; the rest, rebuilt by each pass of the compiler */
};

/* ---- compiler */
struct compiler {
    struct saga_def *def;
    struct message *message;
    struct str state; /* name of the state being compiled; empty at the top level */
};
/* "state X: FIELD: ..." into the message; returns SAGA_E_DEFINITION. field may be NULL. Values shown go through
 * shown(). */
int compile_refuse(const struct compiler *compiler, const char *field, const char *format, ...) PRINTF_LIKE(3, 4);
enum { SHOWN_BYTES = 100 };
const char *shown(struct str text, char memory[SHOWN_BYTES]); /* printable, cut */
/* Arena memory for count things, or NULL; -ENOMEM is the answer then. */
#define compile_array(compiler, type, count) arena_new_array(&(compiler)->def->body, type, (count))
int compile_next(const struct compiler *compiler, const char *field, const struct json *name, uint16_t *ret_index);
/* Every member of object must be among names (NULL-ended); place says where, for the message. */
int compile_members(const struct compiler *compiler, const char *place, const struct json *object,
                    const char *const *names);
int compile_errors(const struct compiler *compiler, const char *place, const struct json *list,
                   struct saga_errors *ret_errors);
int compile_integer(const struct compiler *compiler, const char *field, const struct json *json, int64_t bounds[2],
                    int64_t *ret_value); /* json NULL: ret_value stays */

/* saga_path.c */
int compile_path(const struct compiler *compiler, const char *field, struct str text, struct str *ret_name);
int path_escape(const struct compiler *compiler, struct str segment, struct str *ret_name);
int path_join(const struct compiler *compiler, struct str above, struct str below,
              struct str *ret_name);                                         /* -ENOMEM, refusal */
bool path_is_under(struct str name, struct str above, struct str *ret_rest); /* equal counts: rest empty */
int compile_slot(const struct compiler *compiler, const char *field, struct str name,
                 uint8_t *ret_slot); /* finds or adds */
uint64_t slots_under(const struct saga_def *def, struct str name);
uint64_t slots_above(const struct saga_def *def, struct str name);
/* A path that is read: under `input` ("" = whole document; at NULL = InputPath null, nothing is there). */
int compile_read(const struct compiler *compiler, const char *field, struct str input, const struct json *text,
                 struct saga_path *ret_path);

/* saga_view.c: documents as lists of leaves, at compile time only */
struct view_entry {
    struct str name; /* "" = the document is a scalar */
    struct saga_source from;
};
enum { VIEW_ENTRIES_MAX = 128 };
struct view {
    struct view_entry at[VIEW_ENTRIES_MAX];
    size_t count;
};
struct template_entry {
    struct str name;
    bool is_path;
    struct str path;
    const struct saga_value *constant;
};
struct template {
    struct template_entry at[SAGA_ENTRIES_MAX];
    size_t count;
};
/* paths: members "x.$" are paths (Parameters, ResultSelector); else all is constant (Result). */
int compile_template(const struct compiler *compiler, const char *field, const struct json *json, bool paths,
                     struct template *ret_template);
void view_slots(const struct saga_def *def, struct view *ret_view);
int view_select(const struct compiler *compiler, const struct view *view, struct str path, struct view *ret_view);
int view_fill(const struct compiler *compiler, const struct view *view, const struct template *template,
              struct view *ret_view);
int compile_write(const struct compiler *compiler, const char *field, const struct view *view, struct str target,
                  struct saga_write *ret_write);

/* saga_compile_task.c, saga_compile_data.c, saga_choice.c */
int compile_task(const struct compiler *compiler, const struct json *json, struct saga_node *node);
int compile_retry(const struct compiler *compiler, const struct json *list, struct saga_node *node);
int compile_catch(const struct compiler *compiler, const struct json *list, struct saga_node *node);
/* InputPath and OutputPath as written: absent = "", null = at NULL. */
int compile_document_path(const struct compiler *compiler, const struct json *state, const char *field,
                          struct str *ret_name);
int compile_data(const struct compiler *compiler, const struct json *json, struct saga_node *node);
int compile_choice(const struct compiler *compiler, const struct json *json, struct saga_node *node);

/* ---- interpreter */
enum test_verdict { TEST_FALSE, TEST_TRUE, TEST_ERROR };
enum test_verdict test_evaluate(const struct saga_test *test, const struct saga_state *state);
/* True when evaluating may end in TEST_ERROR: a variable is read that no IsPresent before it in an And guards. */
bool test_may_fail(const struct saga_test *test);
int timestamp_parse(struct str text, int64_t *ret_ms); /* 0 or -EINVAL; from 1970 on, finer than ms is cut */
bool pattern_valid(struct str pattern);                /* A46 */
bool pattern_matches(struct str pattern, struct str text);
struct saga_value slot_value(const struct saga_state *state, int slot); /* ABSENT for -1; text borrowed */
bool slots_present(const struct saga_state *state, uint64_t mask);
void slot_set(struct saga_slot *slot, const struct saga_value *value);
bool needs_met(const struct saga_state *state, const struct saga_needs *needs);
/* results: may be NULL where no move reads one. False and nothing done when a blocker holds a scalar. */
bool write_apply(struct saga_state *state, const struct saga_write *write, const struct saga_value *results);
bool errors_match(const struct saga_errors *errors, struct str error);
const struct saga_retrier *node_retrier(const struct saga_node *node, struct str error,
                                        size_t *ret_index); /* NULL = none */
const struct saga_catcher *node_catcher(const struct saga_node *node, struct str error);
struct str text_cut(struct str text, size_t bytes_max); /* at a character of UTF-8 */

#endif
