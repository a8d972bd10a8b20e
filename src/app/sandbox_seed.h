/* sandbox_seed.h - fills the running sandbox bank: registers the sample clients and customers, opens and funds their
 * accounts.
 *
 * Asks for everything at every start; the daemon answers with what is there, and an account is funded in the commit
 * that opens it, so that a repeated or broken start never gives money twice. Then var/clients/NAME/client.json and
 * var/customers.json name the ids. */
#ifndef GIRO_APP_SANDBOX_SEED_H
#define GIRO_APP_SANDBOX_SEED_H

#include "app/sandbox_clients.h"
#include "app/sandbox_customers.h"

enum { SANDBOX_CLIENTS_MAX = 16 };

struct sandbox_seed {
    const struct sandbox *sandbox;
    const struct sandbox_identity *identities; /* one for each of sandbox_clients */
    struct sandbox_customers *customers;       /* gets the ids */
    int (*between)(void *ctx); /* called between two requests; what it returns ends the seeding, unless 0 */
    void *ctx;
};
/* 0; SANDBOX_E_INVALID (the daemon refuses), SANDBOX_E_ABSENT (it does not answer) with a sentence; what between
 * returned; -errno. */
int sandbox_seed_run(const struct sandbox_seed *seed, struct message *message) MUST_USE;

#endif
