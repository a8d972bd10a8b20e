/* roles.h - which parts of the bank one process runs.
 *
 *   gateway  the edge's socket: requests, checks, reads
 *   auth     the authorization server's endpoints and pages, behind the same socket
 *   engine   takes the writer's lease and decides the commands of all nodes
 *   relay    gives the journal's events to their consumers
 *   jobs     the saga driver and the background work
 *
 * (R1) relay and jobs change rows that only the engine's process may change without a round trip, and follow its
 * commits: they run where the engine runs, and there always. (R2) auth answers behind the gateway's socket. (R3) an
 * embedded store is one process's: it has all that writes. */
#ifndef GIRO_APP_ROLES_H
#define GIRO_APP_ROLES_H

#include "platform/str.h"

enum role { ROLE_GATEWAY = 1, ROLE_AUTH = 2, ROLE_ENGINE = 4, ROLE_RELAY = 8, ROLE_JOBS = 16, ROLES_ALL = 31 };

struct roles_context {
    bool several_nodes; /* the store is one that nodes share */
    bool linked;        /* this node has a certificate for links to others */
};
/* Names with commas between them; empty: all. 0, or -EINVAL with the sentence in message: an unknown name, or a
 * combination that cannot run. */
int roles_parse(struct str text, const struct roles_context *context, unsigned *ret_roles, struct message *message);

#endif
