#include "platform/child.h"

#include "platform/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 1024, ARGUMENT_BYTES_MAX = 4096 };

/* The path of name beside this process's program. */
static int beside_self(const char *name, char path[PATH_BYTES_MAX]) {
    ssize_t len = readlink("/proc/self/exe", path, PATH_BYTES_MAX - 1);
    if (len < 0) return err_origin(-errno);
    path[len] = 0;
    char *end = strrchr(path, '/');
    if (!end) return err_origin(-ENOENT);
    size_t room = PATH_BYTES_MAX - (size_t)(end + 1 - path);
    if (strlen(name) >= room) return err_origin(-ENAMETOOLONG);
    memcpy(end + 1, name, strlen(name) + 1);
    return 0;
}

/* Cuts words (a C string, changed) at its blanks into argv behind argv[0]. */
static int split(char *words, char *argv[CHILD_ARGUMENTS_MAX + 2]) {
    size_t count = 1;
    while (words && *words) {
        char *blank = strchr(words, ' ');
        if (count > CHILD_ARGUMENTS_MAX) return err_origin(-E2BIG);
        argv[count++] = words;
        if (blank) *blank++ = 0;
        words = blank;
    }
    argv[count] = NULL;
    return 0;
}

static int spawn(const char *path, char *const argv[], int out_fd, bool with_errors, pid_t *ret_pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    check(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attributes) == 0);
    check(posix_spawnattr_setsigmask(&attributes, &none) == 0 && posix_spawnattr_setsigdefault(&attributes, &all) == 0);
    check(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0);
    int r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    if (!r && with_errors) r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDERR_FILENO);
    if (!r) r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (!r) r = posix_spawn(ret_pid, path, &actions, &attributes, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions); /* cannot fail for what was initialised */
    (void)posix_spawnattr_destroy(&attributes);
    return r ? err_origin(-r) : 0;
}

int child_start(const char *name, const char *arguments, bool with_errors, struct child *ret_child) {
    char path[PATH_BYTES_MAX], words[ARGUMENT_BYTES_MAX], *argv[CHILD_ARGUMENTS_MAX + 2] = { path };
    int pipe_fds[2];
    pid_t pid = 0;
    int r = beside_self(name, path);
    if (!r && str_to_c(str_from_c(arguments), words, sizeof words)) r = err_origin(-E2BIG);
    if (!r) r = split(words, argv);
    if (!r && pipe2(pipe_fds, O_CLOEXEC) != 0) r = err_origin(-errno);
    if (r) return err_trace(r);
    r = spawn(path, argv, pipe_fds[1], with_errors, &pid);
    (void)close(pipe_fds[1]); /* the child has its own */
    if (r) {
        (void)close(pipe_fds[0]);
        return err_trace(r);
    }
    *ret_child = (struct child){ .pid = pid, .out_fd = pipe_fds[0] };
    return 0;
}

/* One byte at a time: lines are few and short, and nothing is read that another reader wants. */
static int read_byte(int fd, int64_t deadline_ms, char *ret_byte) {
    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        struct pollfd waiting = { .fd = fd, .events = POLLIN };
        int ready = poll(&waiting, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready == 0) return err_origin(-ETIMEDOUT);
        ssize_t got = ready > 0 ? read(fd, ret_byte, 1) : -1;
        if (got == 1) return 0;
        if (got == 0) return err_origin(-ENODATA);
        if (errno != EINTR) return err_origin(-errno);
    }
}

int child_read_line(struct child *child, int64_t deadline_ms, char line[CHILD_LINE_BYTES_MAX]) {
    for (size_t len = 0; len < CHILD_LINE_BYTES_MAX; len++) {
        int r = read_byte(child->out_fd, deadline_ms, &line[len]);
        if (r) return err_trace(r);
        if (line[len] != '\n') continue;
        line[len] = 0;
        return 0;
    }
    return err_origin(-EMSGSIZE);
}

int child_wait(struct child *child, int signal) {
    int status;
    if (signal) check(kill(child->pid, signal) == 0);
    while (waitpid(child->pid, &status, 0) != child->pid) check(errno == EINTR);
    (void)close(child->out_fd); /* read only */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_run(const char *name, const char *arguments, char *text, size_t text_bytes) {
    struct child child;
    char surplus[256];
    size_t len = 0;
    ssize_t got = 1;
    int r = child_start(name, arguments, true, &child);
    if (r) return err_trace(r);
    while (got > 0 || (got < 0 && errno == EINTR)) {
        bool room = len + 1 < text_bytes;
        got = read(child.out_fd, room ? text + len : surplus, room ? text_bytes - 1 - len : sizeof surplus);
        if (got > 0 && room) len += (size_t)got;
    }
    text[len] = 0;
    return child_wait(&child, 0);
}
