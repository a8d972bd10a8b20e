/* ledger_watch.h - the continuous look at the books: a background job (integration/jobs.h) that adds up all balances
 * and shows the difference of each currency as the gauge giro_ledger_difference_minor. Anything but 0 is an alarm: run
 * `giro ledger verify`. Tests: command/ledger_commands_test.c. */
#ifndef GIRO_INTEGRATION_LEDGER_WATCH_H
#define GIRO_INTEGRATION_LEDGER_WATCH_H

#include "integration/jobs.h"

enum { LEDGER_WATCH_PERIOD_MS = 60 * 1000 };
/* A job's run; ctx is not used. */
int ledger_watch_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena);

#endif
