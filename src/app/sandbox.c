#include "app/sandbox.h"

#include <libgen.h>
#include <limits.h>
#include <unistd.h>

#include "app/exit_code.h"
#include "platform/digest.h"

enum { LONGEST_SOCKET_NAME = 16, HASH_BYTES_SHOWN = 6 };

static void join(char path[SANDBOX_PATH_BYTES_MAX], const char *folder, const char *relative) {
    int len = snprintf(path, SANDBOX_PATH_BYTES_MAX, "%s/%s", folder, relative);
    check(len > 0 && len < SANDBOX_PATH_BYTES_MAX); /* folders are bounded by SANDBOX_VAR_BYTES_MAX */
}

/* The absolute name of a folder that need not exist; its parent must. */
static int name_absolute(const char *name, char path[SANDBOX_VAR_BYTES_MAX], struct message *message) {
    char copy[PATH_MAX], parent[PATH_MAX], last[PATH_MAX], whole[PATH_MAX];
    if (strlen(name) >= sizeof copy || !*name) {
        message_set(message, "--var needs the name of a folder");
        return SANDBOX_E_INVALID;
    }
    if (!realpath(name, whole)) {
        (void)snprintf(copy, sizeof copy, "%s", name);
        (void)snprintf(last, sizeof last, "%s", basename(copy));
        (void)snprintf(copy, sizeof copy, "%s", name);
        if (!realpath(dirname(copy), parent)) {
            message_set(message, "the folder that shall hold %s does not exist", name);
            return SANDBOX_E_INVALID;
        }
        bool is_root = strcmp(parent, "/") == 0;
        if (snprintf(whole, sizeof whole, "%s/%s", is_root ? "" : parent, last) >= (int)sizeof whole) whole[0] = 0;
    }
    if (!whole[0] || strlen(whole) >= SANDBOX_VAR_BYTES_MAX) {
        message_set(message, "the path of --var is longer than %d bytes", SANDBOX_VAR_BYTES_MAX - 1);
        return SANDBOX_E_INVALID;
    }
    memcpy(path, whole, strlen(whole) + 1);
    return 0;
}

static int find_project(struct sandbox *sandbox, struct message *message) {
    char path[PATH_MAX] = { 0 };
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len < 0) return err_origin(-errno);
    const char *programs = dirname(path);
    if (strlen(programs) >= SANDBOX_VAR_BYTES_MAX) {
        message_set(message, "the path of this program is longer than %d bytes", SANDBOX_VAR_BYTES_MAX - 1);
        return SANDBOX_E_INVALID;
    }
    memcpy(sandbox->programs, programs, strlen(programs) + 1);
    const char *project = dirname(path);
    memcpy(sandbox->project, project, strlen(project) + 1);
    return 0;
}

/* A folder of this sandbox alone: two long vars never share one. */
static void name_short_folder(struct sandbox *sandbox) {
    struct hash hash = sha256_str(str_from_c(sandbox->var));
    unsigned number = 0;
    for (size_t i = 0; i < HASH_BYTES_SHOWN / 2; i++) number = number << 8 | hash.bytes[i];
    (void)snprintf(sandbox->sockets, sizeof sandbox->sockets, "/tmp/giro-%06x", number);
}

void sandbox_place_sockets(struct sandbox *sandbox) {
    join(sandbox->sockets, sandbox->var, "run");
    if (strlen(sandbox->sockets) + 1 + LONGEST_SOCKET_NAME > SANDBOX_SOCKET_BYTES_MAX) name_short_folder(sandbox);
}

int sandbox_init(struct sandbox *sandbox, const char *var, struct message *message) {
    const char *named = getenv("GIRO_VAR");
    *sandbox = (struct sandbox){ .response_check = "log" };
    if (!var) var = named && *named ? named : "var";
    int r = name_absolute(var, sandbox->var, message);
    if (!r) r = find_project(sandbox, message);
    if (r) return r;
    sandbox_place_sockets(sandbox);
    return 0;
}

void sandbox_path(const struct sandbox *sandbox, const char *relative, char path[SANDBOX_PATH_BYTES_MAX]) {
    join(path, sandbox->var, relative);
}

void sandbox_project_path(const struct sandbox *sandbox, const char *relative, char path[SANDBOX_PATH_BYTES_MAX]) {
    join(path, sandbox->project, relative);
}

void sandbox_socket(const struct sandbox *sandbox, const char *name, char path[SANDBOX_PATH_BYTES_MAX]) {
    check(strlen(name) <= LONGEST_SOCKET_NAME);
    join(path, sandbox->sockets, name);
}

int sandbox_complain(int result, const struct message *message) {
    if (result < 0) {
        fprintf(stderr, "giro: %s\n", message->text[0] ? message->text : strerror(-result));
        return EXIT_FAILED;
    }
    fprintf(stderr, "giro: %s\n", message->text);
    switch ((enum sandbox_refusal)result) {
    case SANDBOX_E_DENIED:
        return EXIT_DENIED;
    case SANDBOX_E_BUSY:
        return EXIT_UNAVAILABLE;
    case SANDBOX_E_ABSENT:
        return EXIT_UNAVAILABLE;
    case SANDBOX_E_INVALID:
        return EXIT_USAGE;
    case SANDBOX_E_NONE:
    case SANDBOX_E_COUNT:
        break;
    }
    return EXIT_FAILED;
}
