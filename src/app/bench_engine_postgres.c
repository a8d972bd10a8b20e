#include "app/bench_engine.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/sandbox.h"
#include "platform/clock.h"

enum { START_MS_MAX = 60 * 1000, PAUSE_NS = 20 * 1000 * 1000 };

static int refused(int r, struct message *message, const char *what) {
    if (!message->text[0]) message_set(message, "%s", what);
    return r > 0 ? err_origin(-EIO) : err_trace(r);
}

/* Whom the server runs as: PostgreSQL refuses root. */
static int choose_user(const struct passwd **ret_user, struct message *message) {
    *ret_user = NULL;
    if (geteuid() != 0) return 0;
    const struct passwd *user = getpwnam("postgres");
    if (!user) user = getpwnam("nobody");
    if (user && user->pw_uid != 0) {
        *ret_user = user;
        return 0;
    }
    message_set(message, "PostgreSQL refuses root, and there is no user postgres or nobody");
    return err_origin(-EACCES);
}

static int make_folders(struct bench_postgres *server, const char *folder, const struct passwd *user,
                        struct message *message) {
    char whole[PATH_MAX];
    if (!realpath(folder, whole)) return err_origin(-errno); /* the server goes to a folder of its own */
    int len = snprintf(server->folder, sizeof server->folder, "%s/postgres", whole);
    if (len < 0 || (size_t)len >= sizeof server->folder) {
        message_set(message, "the path of %s is too long", folder);
        return err_origin(-ENAMETOOLONG);
    }
    if (mkdir(server->folder, 0700) < 0) return err_origin(-errno);
    if (!user) return 0;
    if (chmod(whole, 0711) < 0 || chown(server->folder, user->pw_uid, user->pw_gid) < 0) return err_origin(-errno);
    return 0;
}

static _Noreturn void server_exec(const struct bench_postgres *server, const struct passwd *user, pid_t parent) {
    char data[BENCH_ENGINE_PATH_BYTES_MAX + 16], log[BENCH_ENGINE_PATH_BYTES_MAX + 16];
    (void)snprintf(data, sizeof data, "%s/data", server->folder);
    (void)snprintf(log, sizeof log, "%s/log", server->folder);
    const char *const words[] = { sandbox_postgres_program(),
                                  "-D",
                                  data,
                                  "-k",
                                  server->folder,
                                  "-c",
                                  "listen_addresses=",
                                  "-c",
                                  "shared_buffers=128MB",
                                  "-c",
                                  "max_wal_size=2GB",
                                  "-c",
                                  "log_statement=none",
                                  NULL };
    if (user && !sandbox_postgres_become(user)) _exit(126);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) _exit(126);
    (void)prctl(PR_SET_PDEATHSIG,
                SIGQUIT); /* never outlives the measuring; behind the change of user, which clears it */
    if (getppid() != parent || chdir("/")) _exit(126);
    (void)execv(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

static int await_server(struct bench_postgres *server, struct message *message) {
    char pid_file[BENCH_ENGINE_PATH_BYTES_MAX + 32];
    (void)snprintf(pid_file, sizeof pid_file, "%s/data/postmaster.pid", server->folder);
    int64_t deadline_ms = clock_mono_ms() + START_MS_MAX;
    while (!sandbox_postgres_is_ready(pid_file, server->pid)) {
        if (waitpid(server->pid, NULL, WNOHANG) != 0) server->pid = 0;
        if (!server->pid || clock_mono_ms() > deadline_ms) {
            message_set(message, "PostgreSQL did not start in %s", server->folder);
            return err_origin(-EIO);
        }
        const struct timespec pause = { .tv_nsec = PAUSE_NS };
        (void)nanosleep(&pause, NULL); /* between two questions */
    }
    return 0;
}

static int make_raw(const struct bench_postgres *server, struct message *message) {
    const char *const words[] = {
        sandbox_postgres_createdb, "-h", server->folder, "-U", "giro", "-T", "template0", "raw", NULL
    };
    return sandbox_postgres_run(words, NULL, "the second database could not be made", message);
}

int bench_postgres_start(struct bench_postgres *server, const char *folder, struct message *message) {
    const struct passwd *user;
    char data[BENCH_ENGINE_PATH_BYTES_MAX + 16];
    if (!sandbox_postgres_program()) {
        message_set(message, "Debian's package postgresql-15 is not installed, and no --connection is given");
        return err_origin(-ENOENT);
    }
    int r = choose_user(&user, message);
    if (!r) r = make_folders(server, folder, user, message);
    if (r) return refused(r, message, "no folder can be made for PostgreSQL");
    (void)snprintf(data, sizeof data, "%s/data", server->folder);
    r = sandbox_postgres_initdb(data, "trust", user, message); /* its socket is in a folder of mode 0700 */
    if (r) return refused(r, message, "the PostgreSQL cluster could not be made");
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid == 0) server_exec(server, user, parent);
    if (server->pid < 0) {
        server->pid = 0;
        return err_origin(-errno);
    }
    r = await_server(server, message);
    if (!r) r = make_raw(server, message);
    if (r) return refused(r, message, "the second database could not be made");
    (void)snprintf(server->engine, sizeof server->engine, "host='%s' user=giro dbname=postgres", server->folder);
    (void)snprintf(server->raw, sizeof server->raw, "host='%s' user=giro dbname=raw", server->folder);
    return 0;
}

void bench_postgres_stop(struct bench_postgres *server) {
    if (!server->pid) return;
    (void)kill(server->pid, SIGINT); /* ends its sessions, then itself */
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR) continue;
    server->pid = 0;
}
