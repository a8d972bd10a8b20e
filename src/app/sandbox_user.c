#include "app/sandbox.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/file.h"

static const char *const users_default[] = { "www-data", "nobody" };

static const struct {
    const char *name;
    mode_t mode;
} folders[] = {
    { "run", 0755 },  { "pki", 0755 },  { "clients", 0755 }, { "log", 0750 },     { "store", 0700 },
    { "core", 0700 }, { "sink", 0700 }, { "nginx", 0750 },   { "secrets", 0700 }, { "postgres", 0700 },
};

/* Whom root becomes: the owner of var, else the first of the default users that exists. */
static const struct passwd *find_user(const struct sandbox *sandbox) {
    struct stat info;
    const struct passwd *entry = NULL;
    if (stat(sandbox->var, &info) == 0 && info.st_uid != 0) return getpwuid(info.st_uid);
    for (size_t i = 0; !entry && i < ARRAY_COUNT(users_default); i++) entry = getpwnam(users_default[i]);
    return entry && entry->pw_uid != 0 ? entry : NULL;
}

static int become(const struct passwd *entry) {
    if (initgroups(entry->pw_name, entry->pw_gid) || setgid(entry->pw_gid) || setuid(entry->pw_uid))
        return err_origin(-errno);
    return 0;
}

/* Asks the system itself, in a child that becomes the user: modes, groups and access lists count. */
static bool user_reaches(const struct passwd *entry, const char *path) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) _exit(become(entry) == 0 && access(path, R_OK | X_OK) == 0 ? 0 : 1);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Makes var the user's, root's own if it is new. */
static int give_var(struct sandbox *sandbox, const struct passwd *entry, struct message *message) {
    struct stat info;
    if (mkdir(sandbox->var, 0755) < 0 && errno != EEXIST) {
        message_set(message, "cannot make %s: %s", sandbox->var, strerror(errno));
        return err_origin(-errno);
    }
    if (lstat(sandbox->var, &info) < 0) return err_origin(-errno);
    if (!S_ISDIR(info.st_mode)) {
        message_set(message, "%s is not a folder", sandbox->var);
        return SANDBOX_E_INVALID;
    }
    if (info.st_uid == 0 && lchown(sandbox->var, entry->pw_uid, entry->pw_gid) < 0) return err_origin(-errno);
    return 0;
}

static int drop_root(struct sandbox *sandbox, struct message *message) {
    const struct passwd *entry = find_user(sandbox);
    if (!entry) {
        message_set(message, "started as root, but there is no user www-data or nobody to run as");
        return SANDBOX_E_DENIED;
    }
    int r = give_var(sandbox, entry, message);
    if (!r && !user_reaches(entry, sandbox->var)) {
        r = sandbox_move_var(sandbox, message);
        if (!r) r = give_var(sandbox, entry, message);
    }
    if (!r && (!user_reaches(entry, sandbox->project) || !user_reaches(entry, sandbox->programs)))
        r = sandbox_copy_project(sandbox, message);
    if (r) return r < 0 ? err_trace(r) : r;
    return err_trace(become(entry));
}

/* The folder for sockets when var/run is too deep: made by this user or not used at all. */
static int make_short_folder(const struct sandbox *sandbox, struct message *message) {
    static const char *const names[] = { "admin.sock", "giro.sock", "core.sock" };
    struct stat info;
    if (mkdir(sandbox->sockets, 0700) < 0 && errno != EEXIST) return err_origin(-errno);
    if (lstat(sandbox->sockets, &info) < 0) return err_origin(-errno);
    if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077)) {
        message_set(message, "%s is not a folder of this user alone; remove it", sandbox->sockets);
        return SANDBOX_E_DENIED;
    }
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char link[SANDBOX_PATH_BYTES_MAX], target[SANDBOX_PATH_BYTES_MAX], relative[64];
        (void)snprintf(relative, sizeof relative, "run/%s", names[i]);
        sandbox_path(sandbox, relative, link);
        sandbox_socket(sandbox, names[i], target);
        if (symlink(target, link) < 0 && errno != EEXIST) return err_origin(-errno);
    }
    return 0;
}

int sandbox_claim(struct sandbox *sandbox, struct message *message) {
    struct stat info;
    char path[SANDBOX_PATH_BYTES_MAX];
    int r = geteuid() == 0 ? drop_root(sandbox, message) : 0;
    if (r) return r < 0 ? err_trace(r) : r;
    if (mkdir(sandbox->var, 0755) < 0 && errno != EEXIST) {
        message_set(message, "cannot make %s: %s", sandbox->var, strerror(errno));
        return errno == EACCES || errno == EROFS ? SANDBOX_E_DENIED : err_origin(-errno);
    }
    if (stat(sandbox->var, &info) == 0 && info.st_uid != geteuid()) {
        message_set(message, "%s belongs to another user (id %u); use --var, or start as that user or as root",
                    sandbox->var, (unsigned)info.st_uid);
        return SANDBOX_E_DENIED;
    }
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        sandbox_path(sandbox, folders[i].name, path);
        r = dir_make(path, folders[i].mode, message);
        if (r) return err_trace(r);
    }
    sandbox_path(sandbox, "run", path);
    return strcmp(path, sandbox->sockets) == 0 ? 0 : make_short_folder(sandbox, message);
}

int sandbox_become_owner(const struct sandbox *sandbox, struct message *message) {
    struct stat info;
    if (geteuid() != 0 || stat(sandbox->var, &info) < 0 || info.st_uid == 0) return 0;
    if (setgroups(0, NULL) == 0 && setgid(info.st_gid) == 0 && setuid(info.st_uid) == 0) return 0;
    message_set(message, "cannot become the user who owns %s: %s", sandbox->var, strerror(errno));
    return SANDBOX_E_DENIED;
}

int sandbox_clear(const struct sandbox *sandbox, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_COUNT(folders); i++) {
        if (strcmp(folders[i].name, "run") == 0) continue; /* holds the lock, and nothing that lasts */
        sandbox_path(sandbox, folders[i].name, path);
        r = dir_remove(path, message);
        if (!r) r = dir_make(path, folders[i].mode, message);
    }
    static const char *const files[] = { "giro.yaml", "sandbox.json", "customers.json" };
    for (size_t i = 0; !r && i < ARRAY_COUNT(files); i++) {
        sandbox_path(sandbox, files[i], path);
        if (unlink(path) < 0 && errno != ENOENT) r = err_origin(-errno);
    }
    return r ? err_trace(r) : 0;
}
