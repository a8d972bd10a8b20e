/* statement_copy.h - the job that makes the read copy of the entries (services/ledger/ledger_statement.h), a portion at
 * a time. */
#ifndef GIRO_INTEGRATION_COMMAND_STATEMENT_COPY_H
#define GIRO_INTEGRATION_COMMAND_STATEMENT_COPY_H

#include "integration/integration.h"

enum { STATEMENT_COPY_PERIOD_MS = 1000 };

/* struct job.run: copies the next entries in the order of their numbers, or deletes the next rows of an older copy that
 * is being cleared. 0: all is copied, 1: more, <0. */
int statement_copy_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena);
/* Begins the copy anew: for an operator whose `giro ledger verify` has found it wrong. Reads stay complete meanwhile.
 */
int command_statement_rebuild(struct integration *integration, struct command_call *call);

#endif
