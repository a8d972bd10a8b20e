/* sandbox_run.h - the sandbox as running processes: start, state, end.
 *
 * (R1) Ports, files and the lock are checked before anything starts; a start that fails leaves no process. (R2)
 * var/run/run.lock is held for as long as the sandbox runs and is lost with its supervisor, however that ends;
 * var/run/supervisor.pid names it. (R3) var/run/ready exists from the moment when everything answers until the end. */
#ifndef GIRO_APP_SANDBOX_RUN_H
#define GIRO_APP_SANDBOX_RUN_H

#include "app/edge_reload.h"
#include "app/sandbox_clients.h"
#include "app/sandbox_customers.h"
#include "app/sandbox_deploy.h"
#include "app/sandbox_seed.h"
#include "app/sandbox_software.h"
#include "app/supervisor.h"

enum { SANDBOX_CHILDREN = 6, SANDBOX_STOP_MS_MAX = 6000 };

struct sandbox_run {
    struct sandbox sandbox;
    struct sandbox_customers customers;
    struct sandbox_identity identities[SANDBOX_CLIENTS_MAX];
    struct supervisor supervisor;
    bool supervised; /* supervisor_init was called */
    int lock_fd;     /* -1: not held */
    char run_directory[SANDBOX_PATH_BYTES_MAX], log_directory[SANDBOX_PATH_BYTES_MAX];
    char texts[SANDBOX_CHILDREN][8][SANDBOX_PATH_BYTES_MAX]; /* of the argument lists */
    const char *argv[SANDBOX_CHILDREN][12];
    struct supervisor_child children[SANDBOX_CHILDREN];
    uint16_t ports[SANDBOX_CHILDREN];
    struct deploy_change deploy;
    struct edge_reload edge_reload;
    char edge_certificate[SANDBOX_PATH_BYTES_MAX], edge_key[SANDBOX_PATH_BYTES_MAX];
};

/* Everything until the sandbox answers; run->sandbox is set (sandbox_init) with its port base. fresh: what var holds is
 * removed first. 0; SANDBOX_E_*; SANDBOX_RUN_E_SIGNAL (asked to end meanwhile); SANDBOX_RUN_E_RUNNING; -errno. Release
 * it in any case. */
enum sandbox_run_refusal { SANDBOX_RUN_E_SIGNAL = SANDBOX_E_COUNT, SANDBOX_RUN_E_RUNNING };
int sandbox_run_start(struct sandbox_run *run, bool fresh, struct message *message) MUST_USE;
/* Watches over it until a signal asks to end. 0 or -errno. */
int sandbox_run_keep(struct sandbox_run *run) MUST_USE;
void sandbox_run_release(struct sandbox_run *run);

/* --- of a sandbox that another process runs --- */
/* The supervisor's process id, 0 when none runs. */
pid_t sandbox_run_pid(const struct sandbox *sandbox);
/* Ends it and waits. 0; SANDBOX_E_ABSENT (none ran); SANDBOX_E_DENIED; -ETIMEDOUT. */
int sandbox_run_stop(const struct sandbox *sandbox, struct message *message) MUST_USE;
struct sandbox_state {
    bool ready;
    struct {
        const char *name;
        pid_t pid; /* 0: does not run */
        uint16_t port;
    } processes[SANDBOX_CHILDREN + 1]; /* the last one: the canary, which need not run */
};
void sandbox_run_look(struct sandbox *sandbox, struct sandbox_state *ret_state);

#endif
