#include "integration/command/idempotency_sweep.h"

#include "integration/command/command_run.h"
#include "platform/clock.h"

int idempotency_sweep_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct key_sweep plan;
    bool more;
    int r = key_sweep_plan(ctx, reader, arena, clock_now_ms(), &plan, &more);
    if (r || !more) return err_trace(r);
    r = command_run_program(integration, &key_sweep_kind, &plan);
    if (r < 0) return err_trace(r);
    return r ? 0 : 1; /* refused: too early by the engine's time, the next period comes */
}
