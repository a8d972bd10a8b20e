/* sandbox_deploy.c - publishing, and what the supervisor does about it. */
#include "app/sandbox_deploy_int.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/canary_share.h"
#include "app/sandbox_run.h"
#include "platform/clock.h"
#include "platform/digest.h"
#include "platform/file.h"
#include "wire/json.h"

enum { DOCUMENT_BYTES_MAX = 1024, COPY_BYTES = 1024 * 1024, HASH_BYTES_SHOWN = 4 };

bool deploy_name_fits(struct str name) {
    if (name.len == 0 || name.len > DEPLOY_NAME_BYTES_MAX || name.at[0] == '.') return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && c != '.' && c != '-' && c != '+') return false;
    }
    return true;
}

void deploy_version_path(const struct sandbox *sandbox, const char *name, char path[SANDBOX_PATH_BYTES_MAX]) {
    char relative[SANDBOX_PATH_BYTES_MAX];
    (void)snprintf(relative, sizeof relative, "versions/%s/giro", name);
    sandbox_path(sandbox, relative, path);
}

/* ---- small documents ---- */

int deploy_document_write(const struct sandbox *sandbox, const char *relative, struct str json,
                          struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(sandbox, relative, path);
    return err_trace(file_write_unflushed(path, json, 0644, message)); /* a supervisor's start removes them all */
}

int deploy_document_read(const struct sandbox *sandbox, const char *relative, const struct deploy_member *members,
                         size_t count) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct arena arena = { 0 };
    const struct json *json;
    struct str text;
    sandbox_path(sandbox, relative, path);
    int r = arena_init(&arena, 4 * DOCUMENT_BYTES_MAX, 64 * DOCUMENT_BYTES_MAX);
    if (!r) r = file_read_all(path, DOCUMENT_BYTES_MAX, &arena, &text, NULL);
    if (!r && json_parse_arena(text, DOCUMENT_BYTES_MAX, 2, &arena, &json)) r = -EBADMSG;
    for (size_t i = 0; !r && i < count; i++)
        r = str_to_c(json_get_string(json, members[i].name), members[i].text, members[i].bytes);
    arena_release(&arena);
    return r;
}

int deploy_read(const struct sandbox *sandbox, struct deploy_state *ret_state, struct message *message) {
    struct deploy_state state = { 0 };
    char weight[8];
    const struct deploy_member members[] = { { "live", state.live, sizeof state.live },
                                             { "previous", state.previous, sizeof state.previous },
                                             { "canary", state.canary, sizeof state.canary },
                                             { "weight", weight, sizeof weight },
                                             { "failed", state.failed, sizeof state.failed } };
    int r = deploy_document_read(sandbox, "versions/deploy.json", members, ARRAY_COUNT(members));
    if (r == -ENOENT) r = 0;
    else if (!r && state.canary[0] && !canary_weight_parse(weight, &state.weight)) r = -EBADMSG;
    if (r) message_set(message, "%s/versions/deploy.json cannot be read; remove it", sandbox->var);
    if (!r) *ret_state = state;
    return r ? err_origin(r) : 0;
}

int deploy_write(const struct sandbox *sandbox, const struct deploy_state *state, struct message *message) {
    char text[DOCUMENT_BYTES_MAX];
    int len =
        snprintf(text, sizeof text,
                 "{\"live\":\"%s\",\"previous\":\"%s\",\"canary\":\"%s\",\"weight\":\"%u\",\"failed\":\"%s\","
                 "\"at_ms\":%lld}\n",
                 state->live, state->previous, state->canary, state->weight, state->failed, (long long)clock_now_ms());
    check(len > 0 && (size_t)len < sizeof text);
    return err_trace(
        deploy_document_write(sandbox, "versions/deploy.json", str_from_bytes(text, (size_t)len), message));
}

/* ---- a binary ---- */

static int write_all(int fd, const char *bytes, size_t len) {
    while (len) {
        ssize_t put = write(fd, bytes, len);
        if (put <= 0) return err_origin(put < 0 ? -errno : -EIO);
        bytes += put;
        len -= (size_t)put;
    }
    return 0;
}

/* Copies the open file into to; *ret_hash of what was copied. */
static int copy_bytes(int from, int to, struct hash *ret_hash) {
    char *bytes = malloc(COPY_BYTES);
    struct sha256 sha;
    ssize_t got = 1;
    size_t total = 0;
    int r = sha256_init(&sha);
    if (!r && !bytes) r = err_origin(-ENOMEM);
    if (!r) sha256_begin(&sha);
    while (!r && got > 0) {
        got = read(from, bytes, COPY_BYTES);
        if (got < 0) r = err_origin(-errno);
        if (r || got == 0) break;
        total += (size_t)got;
        sha256_update(&sha, bytes, (size_t)got);
        r = total > DEPLOY_BINARY_BYTES_MAX ? err_origin(-EFBIG) : write_all(to, bytes, (size_t)got);
    }
    if (!r) *ret_hash = sha256_end(&sha);
    sha256_release(&sha);
    free(bytes);
    if (!r && fsync(to) < 0) r = err_origin(-errno);
    return r;
}

static int copy_to(int from, const char *path, struct hash *ret_hash, struct message *message) {
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    int r = to < 0 ? err_origin(-errno) : copy_bytes(from, to, ret_hash);
    if (to >= 0 && close(to) < 0 && !r) r = err_origin(-errno);
    if (r) message_set(message, "cannot write %s: %s", path, strerrordesc_np(-r));
    return r;
}

/* The first line that a program prints, and its exit code. */
static int run_words(const char *const *words, char line[DOCUMENT_BYTES_MAX]) {
    int pipes[2], status = 0;
    size_t len = 0;
    if (pipe2(pipes, O_CLOEXEC) < 0) return err_origin(-errno);
    pid_t pid = fork();
    if (pid == 0) {
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(pipes[1], 1) < 0 || dup2(pipes[1], 2) < 0) _exit(126);
        execv(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    (void)close(pipes[1]);
    for (ssize_t got = 1; pid > 0 && got > 0 && len<DOCUMENT_BYTES_MAX - 1; len += got> 0 ? (size_t)got : 0)
        got = read(pipes[0], line + len, DOCUMENT_BYTES_MAX - 1 - len);
    line[len] = 0;
    (void)close(pipes[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (pid < 0) return err_origin(-errno);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* (D1) What it calls itself; SANDBOX_E_INVALID with what it said. */
static int try_binary(const struct sandbox *sandbox, const char *path, char version[DEPLOY_NAME_BYTES_MAX],
                      struct message *message) {
    char config[SANDBOX_PATH_BYTES_MAX], said[DOCUMENT_BYTES_MAX];
    struct str text, name;
    sandbox_path(sandbox, "giro.yaml", config);
    int code = run_words((const char *const[]){ path, "version", NULL }, said);
    if (code < 0) return err_trace(code);
    text = str_trim(str_slice(str_from_c(said), 0, strcspn(said, "\r\n")));
    if (code || !str_cut(&text, ' ', &name) || !str_equal_c(name, "giro") || !deploy_name_fits(text) ||
        str_to_c(text, version, DEPLOY_NAME_BYTES_MAX - 2 * HASH_BYTES_SHOWN - 1)) {
        message_set(message, "this is no giro that runs here: it does not answer `version`");
        return SANDBOX_E_INVALID;
    }
    code = run_words((const char *const[]){ path, "check-config", config, NULL }, said);
    if (code < 0) return err_trace(code);
    if (code == 0) return 0;
    message_set(message, "it does not accept %s: %.400s", config, said);
    return SANDBOX_E_INVALID;
}

int deploy_publish_open(const struct sandbox *sandbox, int from, char ret_name[DEPLOY_NAME_BYTES_MAX + 1],
                        struct message *message) {
    char fresh[SANDBOX_PATH_BYTES_MAX], path[SANDBOX_PATH_BYTES_MAX], version[DEPLOY_NAME_BYTES_MAX];
    char hex[2 * HASH_BYTES_SHOWN + 1], relative[SANDBOX_PATH_BYTES_MAX];
    struct hash hash;
    sandbox_path(sandbox, "versions", path);
    int r = dir_make(path, 0755, message);
    sandbox_path(sandbox, "versions/.fresh", fresh);
    if (!r) r = copy_to(from, fresh, &hash, message);
    if (!r) r = try_binary(sandbox, fresh, version, message);
    if (r) {
        (void)unlink(fresh); /* left behind it is overwritten by the next one */
        return r;
    }
    for (size_t i = 0; i < HASH_BYTES_SHOWN; i++) (void)snprintf(hex + 2 * i, 3, "%02x", hash.bytes[i]);
    (void)snprintf(ret_name, DEPLOY_NAME_BYTES_MAX + 1, "%s-%s", version, hex);
    (void)snprintf(relative, sizeof relative, "versions/%s", ret_name);
    sandbox_path(sandbox, relative, path);
    r = dir_make(path, 0755, message);
    deploy_version_path(sandbox, ret_name, path);
    if (!r && rename(fresh, path) < 0) r = err_origin(-errno);
    return r ? err_trace(r) : err_trace(file_sync_folder(path));
}

int deploy_publish(const struct sandbox *sandbox, const char *binary, char ret_name[DEPLOY_NAME_BYTES_MAX + 1],
                   struct message *message) {
    struct stat info;
    int fd = open(binary, O_RDONLY | O_CLOEXEC); /* before root becomes somebody who might not reach it */
    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        message_set(message, "%s: %s", binary, fd < 0 ? strerrordesc_np(errno) : "not a file");
        if (fd >= 0) (void)close(fd); /* read-only */
        return DEPLOY_E_ABSENT;
    }
    int r = sandbox_become_owner(sandbox, message);
    if (!r) r = deploy_keep_running(sandbox, message);
    if (!r) r = deploy_publish_open(sandbox, fd, ret_name, message);
    (void)close(fd); /* read-only */
    return r;
}
