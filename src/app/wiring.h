/* wiring.h - the composition root: opens and starts every part of the bank in order, fills in the tables of functions
 * by which knowledge travels upward, and ends them in reverse.
 *
 * (O1) nothing answers before everything is open; whatever cannot be opened ends the start with one sentence. (O2) at
 * the end the edge's requests are answered first, then the core's calls, then the engine's last batch; what is left
 * waits in the store. */
#ifndef GIRO_APP_WIRING_H
#define GIRO_APP_WIRING_H

#include "app/bank_config.h"

struct bank;

enum { BANK_DRAIN_MS = 3000 };

/* config is borrowed for the bank's life. 0, or <0 with the sentence in message; then nothing is left. */
int bank_start(const struct bank_config *config, struct bank **ret_bank, struct message *message);
/* Becomes readable when the bank must end by itself (an unknown commit): the process exits with failure then. */
int bank_end_fd(const struct bank *bank);
struct bank *bank_stop(struct bank *bank); /* drains, closes; returns NULL, takes NULL */

#endif
