/* sandbox_deploy.h - versions of the daemon beside each other, and which of them is live.
 *
 *   var/versions/NAME/giro       a published binary; NAME is its version and the first of its SHA-256: 0.1.0-3fa81c02
 *   var/versions/deploy.json     {"live": NAME, "previous": NAME or null, "at_ms": when it became live}
 *   var/run/deploy.request       what the supervisor shall do: {"id": .., "version": NAME}; then SIGUSR1
 *   var/run/deploy.answer        what became of it: {"id": .., "result": "live" or "failed" or "busy"}
 *
 * (D1) A binary is published only when it runs, says its version and accepts the bank's configuration. (D2) The live
 * version changes by a hand-over (hand_over.h): the new one starts beside the old one, and only when it serves is the
 * alias moved; else the old one is live as before. No request fails on the way. (D3) The version that runs when the
 * first one is published is published too, from the very file it runs, so that there is a way back to it. */
#ifndef GIRO_APP_SANDBOX_DEPLOY_H
#define GIRO_APP_SANDBOX_DEPLOY_H

#include "app/sandbox.h"
#include "app/supervisor.h"

enum {
    DEPLOY_NAME_BYTES_MAX = 48,
    DEPLOY_VERSIONS_MAX = 64,
    DEPLOY_WAIT_MS_MAX = 30000, /* for the supervisor's answer */
    DEPLOY_BINARY_BYTES_MAX = 512 * 1024 * 1024,
};

enum { DEPLOY_E_ABSENT = SANDBOX_E_COUNT }; /* beside SANDBOX_E_*: no such binary, no such version */

struct deploy_state {
    char live[DEPLOY_NAME_BYTES_MAX + 1], previous[DEPLOY_NAME_BYTES_MAX + 1]; /* empty: none */
};
/* Of the running sandbox; both empty before the first publication. 0 or -errno. */
int deploy_read(const struct sandbox *sandbox, struct deploy_state *ret_state, struct message *message) MUST_USE;

/* (D1), (D3) As root, becomes the owner of var. 0 with the name; SANDBOX_E_INVALID (not a giro that can run this bank),
 * DEPLOY_E_ABSENT (no such file), SANDBOX_E_ABSENT (no sandbox runs), SANDBOX_E_DENIED; -errno. */
int deploy_publish(const struct sandbox *sandbox, const char *binary, char ret_name[DEPLOY_NAME_BYTES_MAX + 1],
                   struct message *message) MUST_USE;
/* (D2) Asks the supervisor and waits. *ret_ms: how long it took. 0; DEPLOY_E_ABSENT (no such version), SANDBOX_E_ABSENT
 * (no sandbox runs), SANDBOX_E_BUSY (another change is under way), SANDBOX_E_INVALID (it did not take over; the old one
 * goes on); -errno. */
int deploy_go_live(const struct sandbox *sandbox, const char *name, int64_t *ret_ms, struct message *message) MUST_USE;
/* Every published name, in the order of the folder. 0 or -errno. */
struct deploy_list {
    char names[DEPLOY_VERSIONS_MAX][DEPLOY_NAME_BYTES_MAX + 1];
    size_t count;
};
int deploy_list_read(const struct sandbox *sandbox, struct deploy_list *ret_list) MUST_USE;

/* ---- the supervisor's side ---- */

struct deploy_change {
    const struct sandbox *sandbox;
    struct supervisor *supervisor;
    bool pending;
    size_t turn; /* which of the two descriptions the next version uses: the other one runs */
    char id[40], name[DEPLOY_NAME_BYTES_MAX + 1];
    char programs[2][SANDBOX_PATH_BYTES_MAX], config[SANDBOX_PATH_BYTES_MAX];
    const char *argv[2][6];
    struct supervisor_child children[2];
};
/* Listens to the supervisor; change lives as long as it does. Forgets what was live under an earlier supervisor. */
void deploy_listen(struct deploy_change *change, const struct sandbox *sandbox, struct supervisor *supervisor);

#endif
