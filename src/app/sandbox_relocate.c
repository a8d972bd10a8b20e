#include "app/sandbox.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/digest.h"
#include "platform/encoding.h"
#include "platform/file.h"

/* What the sandbox's user needs of the project, with its place below it. */
static const char *const needed[] = { "api", "db", "sagas", "policy", "src/integration/acl/layouts" };
static const char *const programs[] = { "giro", "giro-sim-core", "giro-sim-sink" };
static const char state_folder[] = "/var/lib/giro";

enum { HASH_BYTES_SHOWN = 6 };

/* /var/lib/giro/KIND-HASH: one for each place that cannot be reached. */
static void name_place(const char *kind, const char *original, char path[SANDBOX_VAR_BYTES_MAX]) {
    struct hash hash = sha256_str(str_from_c(original));
    struct buffer out;
    buffer_init(&out, path, SANDBOX_VAR_BYTES_MAX - 1);
    buffer_printf(&out, "%s/%s-", state_folder, kind);
    hex_encode(&out, hash.bytes, HASH_BYTES_SHOWN);
    path[out.len] = 0;
}

static int run_program(const char *const *argv) {
    int status = 0;
    pid_t pid = fork();
    if (pid < 0) return err_origin(-errno);
    if (pid == 0) {
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return err_origin(-errno);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : err_origin(-EIO);
}

/* A copy without links, by the system's own programs, that everybody may read. */
static int copy_tree(const char *from, const char *to) {
    const char *const copy[] = { "/bin/cp", "-RL", "--", from, to, NULL };
    const char *const open_up[] = { "/bin/chmod", "-R", "a+rX", "--", to, NULL };
    int r = run_program(copy);
    return r ? err_trace(r) : err_trace(run_program(open_up));
}

static int copy_into(const char *from_folder, const char *to_folder, const char *name) {
    char from[SANDBOX_PATH_BYTES_MAX], to[SANDBOX_PATH_BYTES_MAX], *slash;
    (void)snprintf(from, sizeof from, "%s/%s", from_folder, name);
    (void)snprintf(to, sizeof to, "%s/%s", to_folder, name);
    slash = strrchr(to, '/');
    *slash = 0;
    int r = dir_make(to, 0755, NULL);
    *slash = '/';
    return r ? err_trace(r) : err_trace(copy_tree(from, to));
}

int sandbox_copy_project(struct sandbox *sandbox, struct message *message) {
    char place[SANDBOX_VAR_BYTES_MAX], folder[SANDBOX_PATH_BYTES_MAX];
    name_place("project", sandbox->project, place);
    (void)snprintf(folder, sizeof folder, "%s/build", place);
    int r = dir_remove(place, message);
    if (!r) r = dir_make(folder, 0755, message);
    for (size_t i = 0; !r && i < ARRAY_COUNT(needed); i++) r = copy_into(sandbox->project, place, needed[i]);
    for (size_t i = 0; !r && i < ARRAY_COUNT(programs); i++) r = copy_into(sandbox->programs, folder, programs[i]);
    if (r) {
        message_set(message, "cannot copy the project to %s: %s", place, strerror(-r));
        return err_trace(r);
    }
    memcpy(sandbox->project, place, sizeof place);
    memcpy(sandbox->programs, folder, strlen(folder) + 1);
    return 0;
}

int sandbox_move_var(struct sandbox *sandbox, struct message *message) {
    char place[SANDBOX_VAR_BYTES_MAX];
    name_place("var", sandbox->var, place);
    if (rmdir(sandbox->var) < 0 && errno != ENOENT) {
        message_set(message,
                    "%s lies in a folder that the sandbox's user cannot reach, and is not empty; name another --var",
                    sandbox->var);
        return SANDBOX_E_DENIED;
    }
    int r = dir_make(state_folder, 0755, message);
    if (r) return err_trace(r);
    if (mkdir(place, 0755) < 0 && errno != EEXIST) return err_origin(-errno);
    if (symlink(place, sandbox->var) < 0) {
        message_set(message, "cannot link %s to %s: %s", sandbox->var, place, strerror(errno));
        return err_origin(-errno);
    }
    memcpy(sandbox->var, place, sizeof place);
    sandbox_place_sockets(sandbox);
    return 0;
}
