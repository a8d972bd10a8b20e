/* saga_test_tasks.h - the tasks that the tests of saga/ run: those of the payment saga, and a few made for one rule
 * each. They answer from a script in ctx: what it does not mention succeeds and gives nothing. */
#ifndef GIRO_INTEGRATION_SAGA_SAGA_TEST_TASKS_H
#define GIRO_INTEGRATION_SAGA_SAGA_TEST_TASKS_H

#include "integration/saga/saga_run.h"

struct answer {
    const char *task;
    const char *error;       /* NULL: success */
    int code;                /* returned by run when not 0 (VIEW_NEED and the like) */
    bool defer;              /* pooled: not at hand */
    struct saga_value value; /* first result, when not SAGA_ABSENT */
};
enum { ANSWERS_MAX = 16 };
struct script {
    struct answer answers[ANSWERS_MAX]; /* each is used once, in order, by its task; code stays until it is taken out */
    bool used[ANSWERS_MAX];
    size_t runs; /* of any task */
    struct saga_value last_input;
    char last_input_text[SAGA_STRING_BYTES_MAX];
};

static int script_run(void *ctx, struct saga_io *io) {
    struct script *script = ctx;
    script->runs++;
    if (io->task->inputs) {
        script->last_input = io->inputs[0];
        if (io->inputs[0].type == SAGA_STRING && io->inputs[0].text.len)
            memcpy(script->last_input_text, io->inputs[0].text.at, io->inputs[0].text.len);
        script->last_input.text.at = script->last_input_text;
    }
    for (size_t i = 0; i < ANSWERS_MAX && script->answers[i].task; i++) {
        const struct answer *answer = &script->answers[i];
        if (script->used[i] || strcmp(answer->task, io->task->name) != 0) continue;
        if (answer->code) return answer->code;
        script->used[i] = true;
        if (answer->defer) saga_io_defer(io);
        if (answer->error) saga_io_fail(io, answer->error, STR("scripted"));
        if (answer->value.type != SAGA_ABSENT) check(saga_io_put(io, 0, &answer->value) == 0);
        return 0;
    }
    return 0;
}

#define ERRORS(...) ((const struct saga_task_error[]){ __VA_ARGS__, { NULL, false } })
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct saga_task test_tasks[] = {
    { .name = "giro:fraud:check",
      .kind = SAGA_INLINE,
      .run = script_run,
      .nothing_to_undo = true,
      .needs_time_limit = true,
      .errors = ERRORS({ "FraudDetected", false }, { "CheckUnavailable", false }, { "Deadline", false }) },
    { .name = "giro:aml:check",
      .kind = SAGA_POOLED,
      .run = script_run,
      .nothing_to_undo = true,
      .needs_time_limit = true,
      .errors = ERRORS({ "AmlFlagged", false }, { "CheckUnavailable", false }, { "Deadline", false }) },
    { .name = "giro:ledger:hold",
      .kind = SAGA_INLINE,
      .run = script_run,
      .undone_by = "giro:ledger:release",
      .needs_time_limit = true,
      .errors = ERRORS({ "InsufficientFunds", false }, { "AccountBlocked", false }, { "Deadline", false }) },
    { .name = "giro:ledger:book",
      .kind = SAGA_INLINE,
      .run = script_run,
      .pivot = true,
      .needs_time_limit = true,
      .errors = ERRORS({ "AccountBlocked", false }) },
    { .name = "giro:core:execute",
      .kind = SAGA_EXTERNAL,
      .pivot = true,
      .has_enquiry = true,
      .needs_time_limit = true,
      .errors = ERRORS({ "CoreRefused", false }, { "CoreFailed", false }) },
    { .name = "giro:ledger:release", .kind = SAGA_INLINE, .run = script_run, .needs_time_limit = true },
    /* the same pivot where nobody can ask, and one that may lose its answer by an error of its own */
    { .name = "giro:blind:execute", .kind = SAGA_EXTERNAL, .pivot = true, .errors = ERRORS({ "CoreRefused", false }) },
    { .name = "giro:vague:execute",
      .kind = SAGA_EXTERNAL,
      .pivot = true,
      .has_enquiry = true,
      .errors = ERRORS({ "CoreRefused", false }, { "LineBroken", true }) },
    /* a second effect */
    { .name = "giro:test:reserve",
      .kind = SAGA_INLINE,
      .run = script_run,
      .undone_by = "giro:test:cancel",
      .errors = ERRORS({ "Full", false }) },
    { .name = "giro:test:cancel", .kind = SAGA_INLINE, .run = script_run },
    { .name = "giro:test:careless", .kind = SAGA_INLINE, .run = script_run },
    /* data */
    { .name = "giro:test:echo",
      .kind = SAGA_INLINE,
      .run = script_run,
      .nothing_to_undo = true,
      .inputs = NAMES("word"),
      .results = NAMES("said", "how.loud"),
      .errors = ERRORS({ "ErrorA", false }, { "ErrorB", false }, { "ErrorC", false }) },
    { .name = "giro:test:deep",
      .kind = SAGA_INLINE,
      .run = script_run,
      .nothing_to_undo = true,
      .inputs = NAMES("payment.on_us", "id") },
    { .name = "giro:test:outside",
      .kind = SAGA_EXTERNAL,
      .nothing_to_undo = true,
      .inputs = NAMES("word"),
      .results = NAMES("said"),
      .errors = ERRORS({ "ErrorA", false }, { "ErrorB", false }, { "ErrorC", false }) },
    { .name = "giro:test:any",
      .kind = SAGA_EXTERNAL,
      .nothing_to_undo = true,
      .inputs = NAMES("a"),
      .results = NAMES("output") },
};

static const struct saga_arn test_arns[] = {
    { STR_INIT("arn:aws:lambda:us-east-1:123456789012:function:fraud-check"), "giro:fraud:check" },
    { STR_INIT("arn:aws:lambda:us-east-1:123456789012:function:aml-check"), "giro:aml:check" },
    { STR_INIT("arn:aws:lambda:us-east-1:123456789012:function:hold-balance"), "giro:ledger:hold" },
    { STR_INIT("arn:aws:lambda:us-east-1:123456789012:function:execute-payment"), "giro:core:execute" },
    { STR_INIT("arn:aws:lambda:us-east-1:123456789012:function:release-hold"), "giro:ledger:release" },
};

static const struct saga_registry test_registry = {
    .tasks = test_tasks, .task_count = ARRAY_COUNT(test_tasks), .arns = test_arns, .arn_count = ARRAY_COUNT(test_arns)
};

/* A whole file of the source tree or of the shared data; caller frees. NULL when it cannot be read. */
static inline char *test_read_file(const char *path, size_t *ret_len) {
    enum { FILE_BYTES_MAX = 1024 * 1024 };
    FILE *file = fopen(path, "rb");
    char *bytes = file ? malloc(FILE_BYTES_MAX) : NULL;
    if (bytes) *ret_len = fread(bytes, 1, FILE_BYTES_MAX, file);
    if (file) (void)fclose(file);
    return bytes;
}

#endif
