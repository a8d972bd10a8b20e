#include "integration/command/idempotency_sweep.h"

#include "integration/command/command_run.h"
#include "platform/clock.h"

enum { CALL_BYTES_MAX = 64 * 1024 };

static int sweep(struct integration *integration, struct key_sweep *plan) {
    struct arena arena;
    int r = arena_init(&arena, CALL_BYTES_MAX / 4, CALL_BYTES_MAX);
    if (r) return err_trace(r);
    struct command_call call = { .arena = &arena };
    r = command_run(integration, &call, &key_sweep_kind, plan);
    /* refused is too early by the engine's time, or no room now: the next run tries again */
    if (!r && call.answer.result != ANSWER_DONE) r = err_origin(-EAGAIN);
    if (!r && call.answer.refusal) r = COMMAND_E_FULL;
    arena_release(&arena);
    return r;
}

int idempotency_sweep_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct key_sweep plan;
    bool more = true;
    int r = 0;
    for (int i = 0; !r && i < IDEMPOTENCY_SWEEP_COMMANDS_MAX; i++) {
        r = key_sweep_plan(ctx, reader, arena, clock_now_ms(), &plan, &more);
        if (r || !more) break;
        r = sweep(integration, &plan);
    }
    return r < 0 ? err_trace(r) : 0;
}
