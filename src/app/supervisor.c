#include "app/supervisor_int.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/clock.h"

enum {
    LOG_TAIL_BYTES = 2048,
    IDLE_MS = 60000,       /* the longest sleep: nothing is due */
    KILL_WAIT_MS = 1000,   /* after SIGKILL */
    STOP_RESERVE_MS = 100, /* kept back for each child that is still to be stopped */
    CHILD_SETUP_EXIT = 126,
    CHILD_EXEC_EXIT = 127,
};

extern char **environ;

static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP };
static const int request_signal = SIGUSR1;

uint32_t supervisor_backoff_ms(uint32_t deaths) {
    uint32_t wait_ms = SUPERVISOR_BACKOFF_MS_MIN;
    while (deaths-- > 1 && wait_ms < SUPERVISOR_BACKOFF_MS_MAX) wait_ms *= 2;
    return wait_ms < SUPERVISOR_BACKOFF_MS_MAX ? wait_ms : SUPERVISOR_BACKOFF_MS_MAX;
}

/* ---- files ---- */

static void path_of(char *path, const char *directory, const char *name, const char *suffix) {
    int len = snprintf(path, SUPERVISOR_PATH_BYTES_MAX, "%s/%s%s", directory, name, suffix);
    check(len < SUPERVISOR_PATH_BYTES_MAX); /* supervisor_add has measured */
}

int supervisor_write_pid(const struct supervisor *supervisor, const char *name, pid_t pid) {
    char path[SUPERVISOR_PATH_BYTES_MAX], fresh[SUPERVISOR_PATH_BYTES_MAX], text[24];
    path_of(path, supervisor->run_directory, name, ".pid");
    path_of(fresh, supervisor->run_directory, name, ".pid.new");
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return err_origin(-errno);
    int len = snprintf(text, sizeof text, "%d\n", (int)pid);
    int r = write(fd, text, (size_t)len) == len ? 0 : -EIO;
    if (close(fd) < 0 && !r) r = -errno;
    if (!r && rename(fresh, path) < 0) r = -errno;
    return r ? err_origin(r) : 0;
}

void supervisor_remove_pid(const struct supervisor *supervisor, const char *name) {
    char path[SUPERVISOR_PATH_BYTES_MAX];
    path_of(path, supervisor->run_directory, name, ".pid");
    (void)unlink(path); /* a file that is left is found stale by supervisor_read_pid */
}

pid_t supervisor_read_pid(const char *run_directory, const char *name) {
    char path[SUPERVISOR_PATH_BYTES_MAX], text[24] = { 0 };
    uint64_t pid;
    if (snprintf(path, sizeof path, "%s/%s.pid", run_directory, name) >= (int)sizeof path) return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t len = read(fd, text, sizeof text - 1);
    (void)close(fd); /* read-only */
    if (len < 2 || text[len - 1] != '\n' || str_to_u64(str_from_bytes(text, (size_t)len - 1), &pid)) return 0;
    if (pid == 0 || pid > INT32_MAX) return 0;
    return kill((pid_t)pid, 0) == 0 || errno == EPERM ? (pid_t)pid : 0;
}

int supervisor_open_log(const struct supervisor *supervisor, const char *name, off_t *ret_from, int *ret_fd) {
    char path[SUPERVISOR_PATH_BYTES_MAX], aside[SUPERVISOR_PATH_BYTES_MAX];
    struct stat info;
    path_of(path, supervisor->log_directory, name, ".log");
    path_of(aside, supervisor->log_directory, name, ".log.1");
    if (stat(path, &info) == 0 && info.st_size > SUPERVISOR_LOG_BYTES_MAX && rename(path, aside) < 0)
        return err_origin(-errno);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0) return err_origin(-errno);
    if (fstat(fd, &info) < 0) {
        int r = -errno;
        (void)close(fd); /* nothing was written */
        return err_origin(r);
    }
    *ret_from = info.st_size;
    *ret_fd = fd;
    return 0;
}

void supervisor_last_line(const struct supervisor *supervisor, const char *name, off_t log_from,
                          char line[SUPERVISOR_LINE_BYTES_MAX]) {
    char path[SUPERVISOR_PATH_BYTES_MAX], tail[LOG_TAIL_BYTES];
    struct stat info;
    ssize_t len = 0;
    path_of(path, supervisor->log_directory, name, ".log");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &info) == 0) {
        off_t from = info.st_size - LOG_TAIL_BYTES;
        len = pread(fd, tail, sizeof tail, from > log_from ? from : log_from);
    }
    if (fd >= 0) (void)close(fd); /* read-only */
    struct str text = str_from_bytes(tail, len > 0 ? (size_t)len : 0);
    while (text.len && (unsigned char)text.at[text.len - 1] <= ' ') text.len--;
    size_t from = text.len;
    while (from > 0 && text.at[from - 1] != '\n') from--;
    text = str_slice(text, from, text.len);
    if (text.len == 0) text = STR("(it wrote nothing)");
    if (text.len > SUPERVISOR_LINE_BYTES_MAX - 1) text.len = SUPERVISOR_LINE_BYTES_MAX - 1;
    for (size_t i = 0; i < text.len; i++) {
        bool is_control = (unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f;
        line[i] = is_control ? '?' : text.at[i];
    }
    line[text.len] = 0;
}

/* ---- a child ---- */

/* In the child: becomes user with its groups. */
static int become(const char *user) {
    const struct passwd *entry = getpwnam(user);
    if (!entry) return -ENOENT;
    if (initgroups(user, entry->pw_gid) || setgid(entry->pw_gid) || setuid(entry->pw_uid)) return -errno;
    return 0;
}

/* In the child: never returns. Its complaints go to its log, whose last line is shown when a start fails. */
static _Noreturn void child_exec(const struct supervisor_child *child, pid_t parent, int log_fd, int ready_fd) {
    sigset_t none;
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)setpgid(0, 0); /* the parent does it too: whoever comes first */
    if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0) _exit(CHILD_SETUP_EXIT);
    if (ready_fd == SUPERVISOR_READY_FD)
        (void)fcntl(ready_fd, F_SETFD, 0); /* dup2 on itself would keep close-on-exec */
    else if (ready_fd >= 0 && dup2(ready_fd, SUPERVISOR_READY_FD) < 0) _exit(CHILD_SETUP_EXIT);
    int r = child->user && geteuid() == 0 ? become(child->user) : 0;
    if (r) {
        dprintf(2, "cannot become user %s: %s\n", child->user, strerror(-r));
        _exit(CHILD_SETUP_EXIT);
    }
    (void)prctl(PR_SET_PDEATHSIG,
                SIGTERM); /* after the change of user, which clears it; cannot fail with this signal */
    if (getppid() != parent) _exit(CHILD_SETUP_EXIT); /* the supervisor died in between */
    /* Whoever started us may have had some ignored (a shell's background job: SIGINT, SIGQUIT); a child must hear its
     * stop signal. SIGKILL and SIGSTOP refuse, which is fine. */
    for (int number = 1; number < NSIG; number++) (void)signal(number, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    execve(child->argv[0], (char *const *)(uintptr_t)child->argv,
           child->environment ? (char *const *)(uintptr_t)child->environment : environ);
    dprintf(2, "cannot start %s: %s\n", child->argv[0], strerror(errno));
    _exit(CHILD_EXEC_EXIT);
}

static void state_set(struct supervisor_slot *slot, enum supervisor_state state) {
    slot->state = state;
    slot->since_ms = clock_mono_ms();
}

int supervisor_spawn(const struct supervisor_child *child, int log_fd, pid_t *ret_pid, int *ret_fd) {
    int ready[2] = { -1, -1 };
    pid_t parent = getpid();
    if (child->ready == SUPERVISOR_READY_BY_FD && pipe2(ready, O_CLOEXEC | O_NONBLOCK) < 0) return err_origin(-errno);
    pid_t pid = fork();
    if (pid == 0) child_exec(child, parent, log_fd, ready[1]);
    int r = pid < 0 ? err_origin(-errno) : 0;
    if (ready[1] >= 0) (void)close(ready[1]); /* the child has its own */
    if (r) {
        if (ready[0] >= 0) (void)close(ready[0]);
        return r;
    }
    (void)setpgid(pid, pid); /* fails when the child was faster */
    *ret_pid = pid;
    *ret_fd = ready[0];
    return 0;
}

static int child_start(struct supervisor *supervisor, struct supervisor_slot *slot) {
    int log_fd = -1;
    int r = supervisor_open_log(supervisor, slot->child->name, &slot->log_from, &log_fd);
    if (r) return err_trace(r);
    r = supervisor_spawn(slot->child, log_fd, &slot->pid, &slot->ready_fd);
    (void)close(log_fd); /* the child has its own */
    if (r) return err_trace(r);
    state_set(slot, SUPERVISOR_STARTING);
    return err_trace(supervisor_write_pid(supervisor, slot->child->name, slot->pid));
}

static void drop_ready_fd(struct supervisor_slot *slot) {
    if (slot->ready_fd >= 0) (void)close(slot->ready_fd); /* a pipe's reading end */
    slot->ready_fd = -1;
}

static bool child_says_ready(struct supervisor_slot *slot) {
    char byte;
    switch (slot->child->ready) {
    case SUPERVISOR_READY_AT_START:
        return true;
    case SUPERVISOR_READY_BY_FD:
        return slot->ready_fd >= 0 && read(slot->ready_fd, &byte, 1) == 1;
    case SUPERVISOR_READY_BY_PROBE:
        return slot->child->probe(slot->child->context);
    }
    return false;
}

/* Has it become ready, or failed to in its time? */
static void child_look(struct supervisor_slot *slot) {
    if (slot->state == SUPERVISOR_READY && slot->deaths && clock_mono_ms() - slot->since_ms >= SUPERVISOR_STEADY_MS)
        slot->deaths = 0;
    if (slot->state != SUPERVISOR_STARTING) return;
    if (child_says_ready(slot)) {
        drop_ready_fd(slot);
        slot->was_ready = true;
        state_set(slot, SUPERVISOR_READY);
    } else if (clock_mono_ms() - slot->since_ms >= SUPERVISOR_READY_MS_MAX) {
        (void)kill(-slot->pid, SIGKILL); /* its end is noticed like any other */
    }
}

/* ---- another in its place (S5) ---- */

static void tell_owner(struct supervisor *supervisor, const struct supervisor_child *child, bool is_taken) {
    if (supervisor->owner.on_replaced) supervisor->owner.on_replaced(supervisor->owner.ctx, child, is_taken);
}

static void drop_next(struct supervisor_slot *slot) {
    if (slot->next_fd >= 0) (void)close(slot->next_fd); /* a pipe's reading end */
    slot->next_fd = -1;
    slot->next_pid = 0;
    slot->next = NULL;
}

int supervisor_replace(struct supervisor *supervisor, const struct supervisor_child *child) {
    int log_fd = -1;
    check(child->ready == SUPERVISOR_READY_BY_FD);
    for (size_t i = 0; i < supervisor->count; i++) {
        struct supervisor_slot *slot = &supervisor->slots[i];
        if (strcmp(slot->child->name, child->name) != 0) continue;
        if (slot->state != SUPERVISOR_READY || !slot->pid || slot->next || slot->leaving_pid) return -EBUSY;
        int r = supervisor_open_log(supervisor, slot->child->name, &slot->log_from, &log_fd);
        if (!r) r = supervisor_spawn(child, log_fd, &slot->next_pid, &slot->next_fd);
        if (log_fd >= 0) (void)close(log_fd); /* the child has its own */
        if (r) return err_trace(r);
        slot->next = child;
        slot->next_since_ms = clock_mono_ms();
        return 0;
    }
    return -ENOENT;
}

/* The new one is the child; the old one is on its way out. */
static int next_takes(struct supervisor *supervisor, struct supervisor_slot *slot) {
    const struct supervisor_child *child = slot->next;
    slot->leaving_pid = slot->pid;
    slot->leaving_since_ms = clock_mono_ms();
    slot->child = child;
    slot->pid = slot->next_pid;
    slot->next_pid = 0;
    slot->deaths = 0;
    drop_next(slot);
    state_set(slot, SUPERVISOR_READY);
    int r = supervisor_write_pid(supervisor, slot->child->name, slot->pid);
    tell_owner(supervisor, child, true);
    return err_trace(r);
}

static int next_look(struct supervisor *supervisor, struct supervisor_slot *slot) {
    char byte;
    int64_t now_ms = clock_mono_ms();
    if (slot->leaving_pid && now_ms - slot->leaving_since_ms >= SUPERVISOR_LEAVE_MS_MAX)
        (void)kill(-slot->leaving_pid, SIGKILL); /* it does not go by itself */
    if (!slot->next) return 0;
    if (read(slot->next_fd, &byte, 1) == 1) return err_trace(next_takes(supervisor, slot));
    if (now_ms - slot->next_since_ms >= SUPERVISOR_READY_MS_MAX) (void)kill(-slot->next_pid, SIGKILL);
    return 0;
}

static void child_gone(struct supervisor *supervisor, struct supervisor_slot *slot) {
    supervisor_remove_pid(supervisor, slot->child->name);
    drop_ready_fd(slot);
    slot->pid = 0;
    slot->deaths++;
    state_set(slot, SUPERVISOR_WAITING);
    slot->restart_ms = slot->since_ms + supervisor_backoff_ms(slot->deaths);
}

static void child_ended(struct supervisor *supervisor, struct supervisor_slot *slot) {
    (void)kill(-slot->pid, SIGKILL); /* what it left behind in its group */
    child_gone(supervisor, slot);
}

/* It gave its work to the next one, which says so in a moment; without a next one it died. */
static void old_ended(struct supervisor *supervisor, struct supervisor_slot *slot) {
    if (!slot->next) {
        child_ended(supervisor, slot);
        return;
    }
    (void)kill(-slot->pid, SIGKILL);
    slot->pid = 0;
}

static void next_ended(struct supervisor *supervisor, struct supervisor_slot *slot) {
    const struct supervisor_child *child = slot->next;
    (void)kill(-slot->next_pid, SIGKILL); /* what it left behind in its group */
    drop_next(slot);
    if (!slot->pid) child_gone(supervisor, slot); /* both are gone: the old program is started again */
    tell_owner(supervisor, child, false);
}

/* Notices every child that has ended. */
static void reap(struct supervisor *supervisor) {
    for (size_t i = 0; i < supervisor->count; i++) {
        struct supervisor_slot *slot = &supervisor->slots[i];
        if (slot->leaving_pid && waitpid(slot->leaving_pid, NULL, WNOHANG) == slot->leaving_pid) {
            (void)kill(-slot->leaving_pid, SIGKILL); /* what it left behind in its group */
            slot->leaving_pid = 0;
        }
        if (slot->next && waitpid(slot->next_pid, NULL, WNOHANG) == slot->next_pid) next_ended(supervisor, slot);
        if (slot->pid && waitpid(slot->pid, NULL, WNOHANG) == slot->pid) old_ended(supervisor, slot);
    }
    supervisor_guest_reap(supervisor);
}

/* ---- all ---- */

static bool is_good_name(const char *name) {
    size_t len = strlen(name);
    if (len == 0 || len > SUPERVISOR_NAME_BYTES_MAX) return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

int supervisor_init(struct supervisor *supervisor, const char *run_directory, const char *log_directory) {
    sigset_t mask;
    *supervisor = (struct supervisor){
        .run_directory = run_directory, .log_directory = log_directory, .signal_fd = -1, .guest = { .ready_fd = -1 }
    };
    size_t room = SUPERVISOR_PATH_BYTES_MAX - SUPERVISOR_NAME_BYTES_MAX - 16;
    if (strlen(run_directory) > room || strlen(log_directory) > room) return err_origin(-ENAMETOOLONG);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, request_signal);
    for (size_t i = 0; i < ARRAY_COUNT(stop_signals); i++) sigaddset(&mask, stop_signals[i]);
    if (sigprocmask(SIG_BLOCK, &mask, &supervisor->mask_before) < 0) return err_origin(-errno);
    supervisor->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (supervisor->signal_fd >= 0) return 0;
    int r = -errno;
    (void)sigprocmask(SIG_SETMASK, &supervisor->mask_before, NULL);
    return err_origin(r);
}

int supervisor_add(struct supervisor *supervisor, const struct supervisor_child *child) {
    if (supervisor->count == SUPERVISOR_CHILDREN_MAX || !is_good_name(child->name) || !child->argv[0])
        return err_origin(-EINVAL);
    check((child->probe != NULL) == (child->ready == SUPERVISOR_READY_BY_PROBE));
    supervisor->slots[supervisor->count++] = (struct supervisor_slot){ .child = child, .ready_fd = -1, .next_fd = -1 };
    return 0;
}

void supervisor_release(struct supervisor *supervisor) {
    if (supervisor->signal_fd < 0) return;
    supervisor_stop(supervisor);
    (void)close(supervisor->signal_fd); /* nothing is written through it */
    (void)sigprocmask(SIG_SETMASK, &supervisor->mask_before, NULL);
    supervisor->signal_fd = -1;
}

struct heard {
    bool stop, request;
};

/* Empties the descriptor of signals. */
static struct heard read_signals(struct supervisor *supervisor) {
    struct signalfd_siginfo info;
    struct heard heard = { 0 };
    while (read(supervisor->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == (uint32_t)request_signal) heard.request = true;
        else if (info.ssi_signo != SIGCHLD) heard.stop = true;
    }
    return heard;
}

/* How long until something is due that no descriptor announces. */
static int64_t due_in_ms(const struct supervisor *supervisor) {
    int64_t now_ms = clock_mono_ms(), due_ms = IDLE_MS;
    for (size_t i = 0; i < supervisor->count; i++) {
        const struct supervisor_slot *slot = &supervisor->slots[i];
        int64_t in_ms = IDLE_MS;
        if (slot->state == SUPERVISOR_STARTING) in_ms = SUPERVISOR_PROBE_MS;
        if (slot->state == SUPERVISOR_WAITING) in_ms = slot->restart_ms > now_ms ? slot->restart_ms - now_ms : 0;
        if (slot->state == SUPERVISOR_READY && slot->deaths) in_ms = SUPERVISOR_STEADY_MS;
        if (slot->next || slot->leaving_pid) in_ms = SUPERVISOR_PROBE_MS;
        if (in_ms < due_ms) due_ms = in_ms;
    }
    if (supervisor->guest.leaving && SUPERVISOR_PROBE_MS < due_ms) due_ms = SUPERVISOR_PROBE_MS;
    return due_ms;
}

/* Starts what waited long enough. */
static int restart_due(struct supervisor *supervisor) {
    for (size_t i = 0; i < supervisor->count; i++) {
        struct supervisor_slot *slot = &supervisor->slots[i];
        if (slot->state != SUPERVISOR_WAITING || clock_mono_ms() < slot->restart_ms) continue;
        if (!slot->was_ready && slot->deaths >= SUPERVISOR_DEATHS_MAX) continue; /* supervisor_start gives up */
        int r = child_start(supervisor, slot);
        if (r) return err_trace(r);
    }
    return 0;
}

int supervisor_step(struct supervisor *supervisor, int timeout_ms) {
    struct pollfd fds[2 * SUPERVISOR_CHILDREN_MAX + 2] = { { .fd = supervisor->signal_fd, .events = POLLIN } };
    int64_t wait_ms = due_in_ms(supervisor);
    int r = 0;
    for (size_t i = 0; i < supervisor->count; i++) {
        fds[2 * i + 1] = (struct pollfd){ .fd = supervisor->slots[i].ready_fd, .events = POLLIN };
        fds[2 * i + 2] = (struct pollfd){ .fd = supervisor->slots[i].next_fd, .events = POLLIN };
    }
    fds[2 * supervisor->count + 1] = (struct pollfd){ .fd = supervisor->guest.ready_fd, .events = POLLIN };
    if (timeout_ms < wait_ms) wait_ms = timeout_ms;
    if (poll(fds, 2 * supervisor->count + 2, (int)wait_ms) < 0 && errno != EINTR) return err_origin(-errno);
    struct heard heard = read_signals(supervisor);
    /* Ready first: a child that said so and ended at once was ready. */
    for (size_t i = 0; !r && i < supervisor->count; i++) {
        child_look(&supervisor->slots[i]);
        r = next_look(supervisor, &supervisor->slots[i]);
    }
    supervisor_guest_look(supervisor);
    reap(supervisor);
    if (heard.stop) return SUPERVISOR_E_SIGNAL;
    if (heard.request && supervisor->owner.on_request) supervisor->owner.on_request(supervisor->owner.ctx);
    return r ? err_trace(r) : err_trace(restart_due(supervisor));
}

/* One child until it is ready. */
static int start_one(struct supervisor *supervisor, struct supervisor_slot *slot, struct message *message) {
    char line[SUPERVISOR_LINE_BYTES_MAX];
    int r = child_start(supervisor, slot);
    while (!r && slot->state != SUPERVISOR_READY) {
        r = supervisor_step(supervisor, SUPERVISOR_PROBE_MS);
        if (r || slot->was_ready || slot->deaths < SUPERVISOR_DEATHS_MAX) continue;
        supervisor_last_line(supervisor, slot->child->name, slot->log_from, line);
        message_set(message, "%s ended %d times at its start; its last words: %s", slot->child->name,
                    SUPERVISOR_DEATHS_MAX, line);
        return SUPERVISOR_E_START;
    }
    return r < 0 ? err_trace(r) : r;
}

int supervisor_start(struct supervisor *supervisor, struct message *message) {
    for (size_t i = 0; i < supervisor->count; i++) {
        int r = start_one(supervisor, &supervisor->slots[i], message);
        if (r == 0) continue;
        if (r < 0) message_set(message, "%s cannot be started: %s", supervisor->slots[i].child->name, strerror(-r));
        supervisor_stop(supervisor);
        return r;
    }
    return 0;
}

int supervisor_run(struct supervisor *supervisor) {
    int r;
    do r = supervisor_step(supervisor, IDLE_MS);
    while (r == 0);
    supervisor_stop(supervisor);
    return r < 0 ? err_trace(r) : 0;
}

/* Waits for one child's end until the deadline; true when it has ended. */
static bool wait_end(struct supervisor *supervisor, struct supervisor_slot *slot, int64_t deadline_ms) {
    for (;;) {
        if (waitpid(slot->pid, NULL, WNOHANG) != 0) return true; /* ended, or no child of ours any more */
        int64_t left_ms = deadline_ms - clock_mono_ms();
        if (left_ms <= 0) return false;
        struct pollfd fd = { .fd = supervisor->signal_fd, .events = POLLIN };
        (void)poll(&fd, 1, (int)left_ms); /* SIGCHLD wakes it; the loop looks again whatever the reason */
        (void)read_signals(supervisor);   /* it is stopping already */
    }
}

/* What stands beside the child: neither has work of its own any more, or yet. */
static void stop_beside(struct supervisor_slot *slot) {
    const pid_t pids[] = { slot->next_pid, slot->leaving_pid };
    for (size_t i = 0; i < ARRAY_COUNT(pids); i++) {
        if (!pids[i]) continue;
        (void)kill(-pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0); /* killed: at once */
    }
    drop_next(slot);
    slot->leaving_pid = 0;
}

static void stop_one(struct supervisor *supervisor, struct supervisor_slot *slot, int64_t deadline_ms) {
    stop_beside(slot);
    if (slot->pid) {
        (void)kill(slot->pid, slot->child->stop_signal ? slot->child->stop_signal : SIGTERM);
        bool ended = wait_end(supervisor, slot, deadline_ms);
        (void)kill(-slot->pid, SIGKILL); /* its group: workers it left, or all of it */
        if (!ended) (void)wait_end(supervisor, slot, clock_mono_ms() + KILL_WAIT_MS);
        supervisor_remove_pid(supervisor, slot->child->name);
    }
    drop_ready_fd(slot);
    slot->pid = 0;
    slot->deaths = 0;
    slot->was_ready = false;
    state_set(slot, SUPERVISOR_ABSENT);
}

void supervisor_stop(struct supervisor *supervisor) {
    int64_t end_ms = clock_mono_ms() + SUPERVISOR_STOP_MS_MAX;
    for (size_t i = supervisor->count; i-- > 0;) {
        int64_t own_ms = clock_mono_ms() + SUPERVISOR_CHILD_STOP_MS;
        int64_t latest_ms = end_ms - (int64_t)(i + 1) * STOP_RESERVE_MS;
        stop_one(supervisor, &supervisor->slots[i], own_ms < latest_ms ? own_ms : latest_ms);
        if (i + 1 == supervisor->count) supervisor_guest_stop(supervisor); /* nobody asks it any more */
    }
}
