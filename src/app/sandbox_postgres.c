#include "app/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/supervisor.h"
#include "platform/file.h"

/* The cluster is made under another name and renamed when it is whole: a start that was killed leaves none. */
#define POSTGRES_FOLDER "/usr/lib/postgresql/15/bin"
enum { CONFIG_BYTES_MAX = 8192, PID_FILE_BYTES_MAX = 1024, PID_FILE_STATE_LINE = 8, LAST_LINE_BYTES_MAX = 256 };

static const char server_path[] = POSTGRES_FOLDER "/postgres";
static const char initdb_path[] = POSTGRES_FOLDER "/initdb";
const char sandbox_postgres_createdb[] = POSTGRES_FOLDER "/createdb";

const char *sandbox_postgres_program(void) {
    return access(server_path, X_OK) == 0 && access(initdb_path, X_OK) == 0 ? server_path : NULL;
}

/* Text between single quotes as PostgreSQL's configuration files read it. */
static void put_quoted(struct buffer *out, const char *text) {
    buffer_append_char(out, '\'');
    for (const char *at = text; *at; at++) {
        if (*at == '\'' || *at == '\\') buffer_append_char(out, *at);
        buffer_append_char(out, *at);
    }
    buffer_append_char(out, '\'');
}

static void put_path(struct buffer *out, const struct sandbox *sandbox, const char *key, const char *relative) {
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(sandbox, relative, path);
    buffer_printf(out, "%s = ", key);
    put_quoted(out, path);
    buffer_append_char(out, '\n');
}

static int write_file(const struct sandbox *sandbox, const char *relative, struct buffer *text,
                      struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(sandbox, relative, path);
    check(!text->overflow);
    int r = file_write_atomic(path, buffer_str(text), 0600, message);
    buffer_reset(text);
    return err_trace(r);
}

static int write_config(const struct sandbox *sandbox, struct message *message) {
    char memory[CONFIG_BYTES_MAX];
    struct buffer out;
    const struct passwd *user = getpwuid(geteuid());
    if (!user) {
        message_set(message, "the user of this process (id %u) has no name, which PostgreSQL needs",
                    (unsigned)geteuid());
        return SANDBOX_E_INVALID;
    }
    buffer_init(&out, memory, sizeof memory);
    buffer_append_c(&out, "# Made by `giro run` at every start; changes are lost.\nlisten_addresses = ''\n"
                          "unix_socket_directories = ");
    put_quoted(&out, sandbox->sockets);
    buffer_append_c(&out,
                    "\nunix_socket_permissions = 0700\nmax_connections = 200\nshared_buffers = 128MB\n"
                    "max_wal_size = 2GB\n"
                    "dynamic_shared_memory_type = mmap\nlog_error_verbosity = terse\nlog_min_error_statement = panic\n"
                    "log_parameter_max_length = 0\nlog_parameter_max_length_on_error = 0\nlog_statement = none\n"
                    "log_timezone = UTC\ntimezone = UTC\n");
    put_path(&out, sandbox, "hba_file", "postgres/pg_hba.conf");
    put_path(&out, sandbox, "ident_file", "postgres/pg_ident.conf");
    int r = write_file(sandbox, "postgres/postgresql.conf", &out, message);
    if (r) return err_trace(r);
    buffer_append_c(&out, "local all giro peer map=giro\n");
    r = write_file(sandbox, "postgres/pg_hba.conf", &out, message);
    if (r) return err_trace(r);
    buffer_printf(&out, "giro \"%s\" giro\ngiro root giro\n", user->pw_name);
    return err_trace(write_file(sandbox, "postgres/pg_ident.conf", &out, message));
}

/* The last line of what a program said, for a message. */
static void read_last_line(int fd, char line[LAST_LINE_BYTES_MAX]) {
    char bytes[4096];
    size_t used = 0;
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) != 0;) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        for (ssize_t i = 0; i < got; i++) {
            if (used && line[used - 1] == '\n') used = 0;
            if (used < LAST_LINE_BYTES_MAX - 1 && (bytes[i] != '\n' || used)) line[used++] = bytes[i];
        }
    }
    if (used && line[used - 1] == '\n') used--;
    line[used] = 0;
}

bool sandbox_postgres_become(const struct passwd *user) {
    return initgroups(user->pw_name, user->pw_gid) == 0 && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0;
}

int sandbox_postgres_run(const char *const *words, const struct passwd *user, const char *failed,
                         struct message *message) {
    char line[LAST_LINE_BYTES_MAX];
    int out[2], status = 0;
    if (pipe2(out, O_CLOEXEC) < 0) return err_origin(-errno);
    pid_t pid = fork();
    if (pid == 0) {
        if (dup2(out[1], 1) >= 0 && dup2(out[1], 2) >= 0 && (!user || sandbox_postgres_become(user)) && chdir("/") == 0)
            (void)execv(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    (void)close(out[1]);
    if (pid > 0) read_last_line(out[0], line);
    (void)close(out[0]);
    if (pid < 0) return err_origin(-errno);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    message_set(message, "%s: %s", failed, line);
    return SANDBOX_E_INVALID;
}

int sandbox_postgres_initdb(const char *folder, const char *auth, const struct passwd *user, struct message *message) {
    const char *const words[] = {
        initdb_path,         "-D", folder, "-U", "giro", "-A", auth, "-k", "-E", "UTF8", "--locale=C.UTF-8",
        "--no-instructions", NULL
    };
    return sandbox_postgres_run(words, user, "the PostgreSQL cluster could not be made", message);
}

static int make_cluster(const struct sandbox *sandbox, struct message *message) {
    char data[SANDBOX_PATH_BYTES_MAX], fresh[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(sandbox, "postgres/data", data);
    sandbox_path(sandbox, "postgres/data.new", fresh);
    if (file_exists(data)) return 0;
    int r = file_exists(fresh) ? dir_remove(fresh, message) : 0;
    if (!r) r = sandbox_postgres_initdb(fresh, "peer", NULL, message);
    if (r) return r < 0 ? err_trace(r) : r;
    return rename(fresh, data) < 0 ? err_origin(-errno) : 0; /* initdb has flushed all of it */
}

int sandbox_postgres_make(const struct sandbox *sandbox, struct message *message) {
    if (!sandbox_postgres_program()) {
        message_set(message, "%s is missing: install Debian's package postgresql-15 (./run --store postgres does)",
                    server_path);
        return SANDBOX_E_ABSENT;
    }
    int r = make_cluster(sandbox, message);
    if (!r) r = write_config(sandbox, message);
    return r < 0 ? err_trace(r) : r;
}

/* The process id in its first line, "ready" in its eighth once connections are taken. */
bool sandbox_postgres_is_ready(const char *pid_file, pid_t pid) {
    char text[PID_FILE_BYTES_MAX];
    int fd = open(pid_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t got = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (got <= 0) return false;
    text[got] = 0;
    const char *at = text;
    for (int line = 1; at && line < PID_FILE_STATE_LINE; line++) at = (at = strchr(at, '\n')) ? at + 1 : NULL;
    return pid && strtol(text, NULL, 10) == pid && at && strncmp(at, "ready", 5) == 0;
}

bool sandbox_postgres_answers(void *context) {
    const struct sandbox *sandbox = context;
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(sandbox, "run", path);
    pid_t ours = supervisor_read_pid(path, "postgres");
    sandbox_path(sandbox, "postgres/data/postmaster.pid", path);
    return sandbox_postgres_is_ready(path, ours);
}

void sandbox_postgres_connection(const struct sandbox *sandbox, struct buffer *out) {
    buffer_append_c(out, "host=");
    put_quoted(out, sandbox->sockets);
    buffer_append_c(out, " user=giro dbname=postgres");
}
