#include "app/bench_engine.h"

#include "integration/saga/payment_saga.h"
#include "integration/saga/saga_run.h"
#include "platform/clock.h"
#include "platform/file.h"

enum { TRANSITION_RUNS = 100000, TRANSITION_TASKS_MAX = 16 };

static int run_nothing(void *ctx, struct saga_io *io) {
    (void)ctx, (void)io;
    return 0;
}

static void count_entered(void *ctx, const struct saga_note *note) {
    *(int64_t *)ctx += note->kind == SAGA_NOTE_STATE_ENTERED;
}

/* A payment between two of our accounts: inline from its first state to its last. */
static int run_once(const struct saga_def *def, int64_t *transitions) {
    struct saga_env env = { .now_ms = 1, .note = transitions ? count_entered : NULL, .note_ctx = transitions };
    struct saga_value on_us = saga_bool(true);
    struct saga_state state;
    struct saga_step step;
    saga_start(def, &state, env.now_ms);
    int r = saga_put(def, &state, STR("payment.on_us"), &on_us);
    if (!r) r = saga_advance(def, &state, &env, &step);
    if (!r && step.kind != SAGA_STEP_SUCCEEDED) return err_origin(-EPROTO);
    return r ? err_fold(r) : 0;
}

static int time_runs(const struct saga_def *def, int64_t *ret_ns) {
    int64_t transitions = 0;
    int r = run_once(def, &transitions);
    int64_t from_ns = clock_mono_ns();
    for (int i = 0; !r && i < TRANSITION_RUNS; i++) r = run_once(def, NULL);
    if (r) return err_trace(r);
    if (transitions == 0) return err_origin(-EPROTO);
    *ret_ns = (clock_mono_ns() - from_ns) / (TRANSITION_RUNS * transitions);
    return 0;
}

int bench_transition(int64_t *ret_ns, struct message *message) {
    struct saga_task tasks[TRANSITION_TASKS_MAX];
    struct saga_registry registry = { .tasks = tasks, .task_count = payment_saga_registry.task_count };
    struct arena arena;
    struct str text;
    struct saga_def *def = NULL;
    check(registry.task_count <= TRANSITION_TASKS_MAX);
    for (size_t i = 0; i < registry.task_count; i++) {
        tasks[i] = payment_saga_registry.tasks[i];
        if (tasks[i].run) tasks[i].run = run_nothing;
    }
    int r = arena_init(&arena, SAGA_DEF_BYTES_MAX, 2 * SAGA_DEF_BYTES_MAX);
    if (r) return err_trace(r);
    r = file_read_all("sagas/payment.asl.json", SAGA_DEF_BYTES_MAX, &arena, &text, message);
    if (!r) r = saga_def_compile(text, &registry, &def, message);
    if (!r) r = time_runs(def, ret_ns);
    saga_def_free(def);
    arena_release(&arena);
    return r ? err_fold(r) : 0;
}
