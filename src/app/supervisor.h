/* supervisor.h - starts, watches and ends the child processes of the sandbox.
 *
 * (S1) Children start in the order of the table, each only when the one before is ready; they end in reverse order.
 * (S2) However the supervisor ends, its children end too: orderly within SUPERVISOR_STOP_MS_MAX, or by the kernel's
 *      parent-death signal when it is killed. Each child leads a process group, which is killed whole after its time.
 * (S3) var/run/NAME.pid exists while NAME runs and holds its process id; var/log/NAME.log holds its stdout and stderr.
 * (S4) A child that was ready once is started again whenever it ends, after a back-off that doubles from
 *      SUPERVISOR_BACKOFF_MS_MIN to SUPERVISOR_BACKOFF_MS_MAX and starts anew after SUPERVISOR_STEADY_MS of good
 * running. A child that ends SUPERVISOR_DEATHS_MAX times in a row before it was ever ready is a failed start.
 *
 *   ABSENT -> STARTING             child_start
 *   STARTING -> READY              child_look
 *   STARTING, READY -> WAITING     child_ended
 *   WAITING -> STARTING            supervisor_step, when the back-off is over
 *   any -> ABSENT                  supervisor_stop
 *
 * (S5) supervisor_replace starts another program beside a READY child, which takes its work over and ends it by itself.
 *      When the new one says ready it is the child, and the old one is no more than watched until it has ended. When it
 *      ends before, or is not ready in its time, the old one is the child as before (started again if it has ended).
 *
 * (S6) A guest is one more process beside the children, started and ended while they run. It is never started again:
 * its owner hears of its end, whether he asked for it or not. It ends after the last child of the table and before the
 * others.
 *
 * One supervisor a process, called from its main thread only (the parent-death signal follows the thread that forked).
 * While it exists, SIGCHLD, SIGTERM, SIGINT, SIGHUP and SIGUSR1 are blocked and read from a descriptor. */
#ifndef GIRO_APP_SUPERVISOR_H
#define GIRO_APP_SUPERVISOR_H

#include <signal.h>
#include <sys/types.h>

#include "platform/str.h"

enum {
    SUPERVISOR_CHILDREN_MAX = 16,
    SUPERVISOR_READY_FD = 3,
    SUPERVISOR_NAME_BYTES_MAX = 32,
    SUPERVISOR_PATH_BYTES_MAX = 512,
    SUPERVISOR_DEATHS_MAX = 3,
    SUPERVISOR_BACKOFF_MS_MIN = 100,
    SUPERVISOR_BACKOFF_MS_MAX = 5000,
    SUPERVISOR_STEADY_MS = 10000,
    SUPERVISOR_READY_MS_MAX = 60000, /* a child that is not ready by then is ended and counts as one death */
    SUPERVISOR_PROBE_MS = 50,        /* between two probes */
    SUPERVISOR_STOP_MS_MAX = 4500,   /* all children together, and half a second for a guest */
    SUPERVISOR_CHILD_STOP_MS = 2000, /* one child, from its stop signal to SIGKILL */
    SUPERVISOR_LEAVE_MS_MAX = 5000,  /* of a child that was replaced, or a guest that was told to end: then SIGKILL */
    SUPERVISOR_LINE_BYTES_MAX = 300, /* of a log, shown to a person */
    SUPERVISOR_LOG_BYTES_MAX = 16 * 1024 * 1024, /* a larger log becomes NAME.log.1 when the child starts */
};

enum supervisor_ready {
    SUPERVISOR_READY_AT_START, /* as soon as it runs */
    SUPERVISOR_READY_BY_FD,    /* when it writes a byte to descriptor SUPERVISOR_READY_FD */
    SUPERVISOR_READY_BY_PROBE, /* when probe says so */
};

struct supervisor_child {
    const char *name;               /* letters, digits, '-' and '_' */
    const char *const *argv;        /* NULL at the end; argv[0] is a path */
    const char *const *environment; /* "NAME=value", NULL at the end; NULL gives the supervisor's own */
    const char *user;               /* as root the child becomes this user; NULL stays */
    int stop_signal;                /* 0 gives SIGTERM; nginx takes SIGQUIT to finish its requests */
    enum supervisor_ready ready;
    bool (*probe)(void *context); /* must not block for longer than a few milliseconds */
    void *context;
};

enum supervisor_state { SUPERVISOR_ABSENT, SUPERVISOR_STARTING, SUPERVISOR_READY, SUPERVISOR_WAITING };

struct supervisor_slot {
    const struct supervisor_child *child;
    enum supervisor_state state;
    pid_t pid;          /* 0 when there is no process */
    int ready_fd;       /* reading end, or -1 */
    bool was_ready;     /* at any time */
    uint32_t deaths;    /* in a row */
    int64_t since_ms;   /* monotonic: when the present state began */
    int64_t restart_ms; /* monotonic: WAITING ends */
    off_t log_from;     /* where this run's output begins in the log */
    /* (S5) */
    const struct supervisor_child *next; /* that shall replace it; NULL: none */
    pid_t next_pid, leaving_pid;         /* 0: no such process */
    int next_fd;                         /* of its readiness */
    int64_t next_since_ms, leaving_since_ms;
};

/* (S6) */
struct supervisor_guest {
    const struct supervisor_child *child; /* NULL: there is none */
    pid_t pid;
    int ready_fd;     /* reading end until it is ready, or -1 */
    int64_t since_ms; /* monotonic: when it was started, or told to end */
    off_t log_from;
    bool leaving, told; /* shall end; has its stop signal */
};

/* What its owner hears of: a SIGUSR1, how a replacement ended, that a guest is ready, that one has ended (was_asked: by
 * supervisor_guest_end; last_line: of its log). Called inside supervisor_step; may call supervisor_replace and
 * supervisor_guest_*. */
struct supervisor_owner {
    void (*on_request)(void *ctx);
    void (*on_replaced)(void *ctx, const struct supervisor_child *child, bool is_taken);
    void (*on_guest_ready)(void *ctx);
    void (*on_guest_ended)(void *ctx, bool was_asked, const char *last_line);
    void *ctx;
};

struct supervisor {
    const char *run_directory, *log_directory;
    struct supervisor_slot slots[SUPERVISOR_CHILDREN_MAX];
    size_t count;
    int signal_fd;
    sigset_t mask_before;
    struct supervisor_owner owner; /* zero: nobody listens */
    struct supervisor_guest guest;
};

#define SUPERVISOR_E_MAP(X) X(SUPERVISOR_E_START, "a process does not start") X(SUPERVISOR_E_SIGNAL, "asked to stop")
#define X(code, name) code,
enum supervisor_refusal { SUPERVISOR_E_NONE = 0, SUPERVISOR_E_MAP(X) SUPERVISOR_E_COUNT };
#undef X

/* Directories must exist; all pointers stay borrowed until release. 0, -EINVAL (a name, too many children), -errno. */
int supervisor_init(struct supervisor *supervisor, const char *run_directory, const char *log_directory);
int supervisor_add(struct supervisor *supervisor, const struct supervisor_child *child);
void supervisor_release(struct supervisor *supervisor); /* stops what runs; gives the signal mask back */

/* Starts all, waits until all are ready. 0; SUPERVISOR_E_START with the child's name and the last line of its log in
 * message; SUPERVISOR_E_SIGNAL when a stop signal came meanwhile; -errno. Whenever it is not 0, everything is stopped
 * again. */
int supervisor_start(struct supervisor *supervisor, struct message *message);
/* (S5) Starts child in the place of the one called child->name, which must say ready by descriptor. child stays
 * borrowed from then on. 0; -ENOENT (no such child), -EBUSY (it is not READY, or is being replaced), -errno. */
int supervisor_replace(struct supervisor *supervisor, const struct supervisor_child *child);
/* (S6) child must say ready by descriptor, within SUPERVISOR_READY_MS_MAX, and stays borrowed until it has ended. 0;
 * -EBUSY (there is a guest), -errno. */
int supervisor_guest_start(struct supervisor *supervisor, const struct supervisor_child *child) MUST_USE;
/* Gives it its stop signal after so long, and after SUPERVISOR_LEAVE_MS_MAX more the last one. Nothing when there is
 * none, or it was told before. */
void supervisor_guest_end(struct supervisor *supervisor, uint32_t after_ms);
/* Waits at most timeout_ms for something to happen and does what it asks for. 0; SUPERVISOR_E_SIGNAL on SIGTERM, SIGINT
 * or SIGHUP; -errno. */
int supervisor_step(struct supervisor *supervisor, int timeout_ms);
/* Steps until a stop signal, then stops. 0 or -errno. */
int supervisor_run(struct supervisor *supervisor);
void supervisor_stop(struct supervisor *supervisor);

/* Before the next start after so many deaths in a row (1 and more): 100, 200, 400 ... 5000 ms. */
uint32_t supervisor_backoff_ms(uint32_t deaths);
/* The process id in run_directory/NAME.pid if such a process exists; else 0. */
pid_t supervisor_read_pid(const char *run_directory, const char *name);

#endif
