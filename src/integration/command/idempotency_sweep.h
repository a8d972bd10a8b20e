/* idempotency_sweep.h - a job: the idempotency keys of finished days are moved or deleted, in commands of bounded size
 * beside the payments. Rules: engine/idempotency.h, K1 to K3. */
#ifndef GIRO_INTEGRATION_COMMAND_IDEMPOTENCY_SWEEP_H
#define GIRO_INTEGRATION_COMMAND_IDEMPOTENCY_SWEEP_H

#include "engine/key_sweep.h"
#include "integration/integration.h"

enum { IDEMPOTENCY_SWEEP_PERIOD_MS = 60 * 1000, IDEMPOTENCY_SWEEP_COMMANDS_MAX = 256 };

/* One run of at most IDEMPOTENCY_SWEEP_COMMANDS_MAX commands, each waited for: not on the engine's thread. ctx: a
 * struct key_sweeper, zeroed before the first run. reader and arena are the job's own. 0, or <0. */
int idempotency_sweep_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena);

#endif
