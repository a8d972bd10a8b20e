#include "integration/saga/saga_check.h"

#include "integration/saga/saga_run.h"
#include "integration/saga/saga_table.h"
#include "integration/saga/saga_test_tasks.h"

/* Door: a definition as text. What compiles is checked and run, with every task done, and its state goes to bytes and
 * back at each step. */

enum { CALLS_MAX = 20 };

static void round_trip(const struct saga_def *def, struct saga_state *saga) {
    static char text[2][SAGA_STATE_BYTES_MAX];
    struct buffer bytes[2];
    static struct saga_state again;
    buffer_init(&bytes[0], text[0], sizeof text[0]);
    buffer_init(&bytes[1], text[1], sizeof text[1]);
    saga_state_write(def, saga, &bytes[0]);
    check(!bytes[0].overflow && saga_state_read(def, buffer_str(&bytes[0]), &again) == 0);
    saga_state_write(def, &again, &bytes[1]);
    check(str_equal(buffer_str(&bytes[0]), buffer_str(&bytes[1])));
}

static void run(const struct saga_def *def) {
    static struct saga_state saga;
    struct script script = { .runs = 0 };
    struct saga_env env = { .now_ms = 1000, .ctx = &script };
    struct saga_step step = { .kind = SAGA_STEP_CONTINUES };
    saga_start(def, &saga, 1000);
    for (int i = 0; i < CALLS_MAX && step.kind != SAGA_STEP_SUCCEEDED && step.kind != SAGA_STEP_FAILED; i++) {
        struct saga_value value = saga_string(STR("given"));
        check(saga_advance(def, &saga, &env, &step) == 0);
        round_trip(def, &saga);
        if (step.kind == SAGA_STEP_WAITS) env.now_ms = step.wake_at_ms;
        if (step.kind == SAGA_STEP_STARTS_TASK)
            check(saga_task_succeeded(def, &saga, &env, &value, saga_names_count(step.task->results) ? 1 : 0) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct saga_report report;
    struct saga_def *def;
    struct message message;
    int r = saga_def_compile(str_from_bytes((const char *)bytes, size), &test_registry, &def, &message);
    if (r) {
        check(r > 0 && message.text[0]);
        return 0;
    }
    check(saga_check(def, &report) >= 0);
    run(def);
    (void)saga_def_free(def);
    return 0;
}
