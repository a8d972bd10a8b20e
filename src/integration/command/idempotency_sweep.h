/* idempotency_sweep.h - a job: the idempotency keys of finished days are moved or deleted, in commands of bounded size
 * beside the payments. Rules: engine/idempotency.h, K1 to K3. */
#ifndef GIRO_INTEGRATION_COMMAND_IDEMPOTENCY_SWEEP_H
#define GIRO_INTEGRATION_COMMAND_IDEMPOTENCY_SWEEP_H

#include "engine/key_sweep.h"
#include "integration/jobs.h"

enum { IDEMPOTENCY_SWEEP_PERIOD_MS = 60 * 1000 };

/* A portion of the job: one command. ctx: a struct key_sweeper, zeroed before the first. Returns as struct job says. */
int idempotency_sweep_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena);

#endif
