/* sandbox_deploy.h - versions of the daemon beside each other, and which of them is live.
 *
 *   var/versions/NAME/giro       a published binary; NAME is its version and the first of its SHA-256: 0.1.0-3fa81c02
 *   var/versions/deploy.json     {"live": NAME, "previous": NAME, "canary": NAME, "weight": "25", "failed": NAME,
 * "at_ms": when it was written}; "" where there is none var/run/deploy.request       what the supervisor shall do:
 * {"id": .., "version": NAME, "weight": "" or "25"}; then SIGUSR1 var/run/deploy.answer        what became of it:
 * {"id": .., "result": a word of DEPLOY_RESULT_MAP}
 *
 * (D1) A binary is published only when it runs, says its version and accepts the bank's configuration. (D2) The live
 * version changes by a hand-over (hand_over.h): the new one starts beside the old one, and only when it serves is the
 * alias moved; else the old one is live as before. No request fails on the way. (D3) The version that runs when the
 * first one is published is published too, from the very file it runs, so that there is a way back to it. (D4) On
 * PostgreSQL a second version may serve a share of the clients: a node beside the live one (canary.yaml), which never
 * takes the writer's lease. It gets its share when it serves, loses it before it ends, and is not started again: when
 * it dies, the edge falls back to the live version at once and the supervisor takes the share away and says so. (D5)
 * The live version changes only when no canary forwards commands to it: a canary is ended first. */
#ifndef GIRO_APP_SANDBOX_DEPLOY_H
#define GIRO_APP_SANDBOX_DEPLOY_H

#include "app/sandbox.h"
#include "app/supervisor.h"

enum {
    DEPLOY_NAME_BYTES_MAX = 48,
    DEPLOY_VERSIONS_MAX = 64,
    /* For the supervisor's answer: longer than it waits itself for a version that starts, and for one that leaves. */
    DEPLOY_WAIT_MS_MAX = SUPERVISOR_READY_MS_MAX + 2 * SUPERVISOR_LEAVE_MS_MAX,
    DEPLOY_BINARY_BYTES_MAX = 512 * 1024 * 1024,
};

/* Beside SANDBOX_E_*: no such binary, no such version; the bank's store, or what else runs, does not allow it. */
enum { DEPLOY_E_ABSENT = SANDBOX_E_COUNT, DEPLOY_E_CONFLICT };

#define DEPLOY_RESULT_MAP(X)                                                                                           \
    X(DEPLOY_LIVE, "live")     /* it is */                                                                             \
    X(DEPLOY_CANARY, "canary") /* it has its share */                                                                  \
    X(DEPLOY_ENDED, "ended")   /* the canary has no share any more */                                                  \
    X(DEPLOY_FAILED, "failed") /* it did not start, or did not take over */                                            \
    X(DEPLOY_BUSY, "busy")     /* another change is under way */                                                       \
    X(DEPLOY_OTHER, "other")   /* another version is the canary */
#define X(code, name) code,
enum deploy_result { DEPLOY_RESULT_MAP(X) DEPLOY_RESULT_COUNT };
#undef X

struct deploy_state {
    /* Empty: none. failed: the last canary that died of itself. */
    char live[DEPLOY_NAME_BYTES_MAX + 1], previous[DEPLOY_NAME_BYTES_MAX + 1], canary[DEPLOY_NAME_BYTES_MAX + 1];
    char failed[DEPLOY_NAME_BYTES_MAX + 1];
    uint32_t weight; /* of the canary, per cent of the clients */
};
/* Of the running sandbox; all empty before the first publication. 0 or -errno. */
int deploy_read(const struct sandbox *sandbox, struct deploy_state *ret_state, struct message *message) MUST_USE;

/* (D1), (D3) As root, becomes the owner of var. 0 with the name; SANDBOX_E_INVALID (not a giro that can run this bank),
 * DEPLOY_E_ABSENT (no such file), SANDBOX_E_ABSENT (no sandbox runs), SANDBOX_E_DENIED; -errno. */
int deploy_publish(const struct sandbox *sandbox, const char *binary, char ret_name[DEPLOY_NAME_BYTES_MAX + 1],
                   struct message *message) MUST_USE;
/* (D2) Asks the supervisor and waits. *ret_ms: how long it took. 0; DEPLOY_E_ABSENT (no such version), SANDBOX_E_ABSENT
 * (no sandbox runs), SANDBOX_E_BUSY (another change is under way), SANDBOX_E_INVALID (it did not take over; the old one
 * goes on); -errno. */
int deploy_go_live(const struct sandbox *sandbox, const char *name, int64_t *ret_ms, struct message *message) MUST_USE;
/* (D4) As above; weight 0 ends it: then it must be the one. Also DEPLOY_E_CONFLICT: not on this store, it is live, or
 * another one is the canary. */
int deploy_canary(const struct sandbox *sandbox, const char *name, uint32_t weight, int64_t *ret_ms,
                  struct message *message) MUST_USE;
/* Every published name, in the order of the folder. 0 or -errno. */
struct deploy_list {
    char names[DEPLOY_VERSIONS_MAX][DEPLOY_NAME_BYTES_MAX + 1];
    size_t count;
};
int deploy_list_read(const struct sandbox *sandbox, struct deploy_list *ret_list) MUST_USE;

/* ---- the supervisor's side ---- */

enum deploy_pending {
    DEPLOY_PENDING_NONE,
    DEPLOY_PENDING_CANARY, /* it starts */
    DEPLOY_PENDING_LEAVE,  /* it ends; then name goes live */
    DEPLOY_PENDING_LIVE,   /* name takes over */
};
struct deploy_change {
    const struct sandbox *sandbox;
    struct supervisor *supervisor;
    enum deploy_pending pending;
    size_t turn; /* which of the two descriptions the next version uses: the other one runs */
    char id[40], name[DEPLOY_NAME_BYTES_MAX + 1]; /* of what is pending */
    char programs[2][SANDBOX_PATH_BYTES_MAX], config[SANDBOX_PATH_BYTES_MAX];
    const char *argv[2][6];
    struct supervisor_child children[2];
    char canary[DEPLOY_NAME_BYTES_MAX + 1]; /* has a share, or shall have; empty: none */
    uint32_t weight;
    char canary_program[SANDBOX_PATH_BYTES_MAX], canary_config[SANDBOX_PATH_BYTES_MAX], share[SANDBOX_PATH_BYTES_MAX];
    const char *canary_argv[5];
    struct supervisor_child canary_child;
};
/* Listens to the supervisor; change lives as long as it does. Forgets what was live under an earlier supervisor. */
void deploy_listen(struct deploy_change *change, const struct sandbox *sandbox, struct supervisor *supervisor);

#endif
