/* sandbox_deploy_live.c - which version is live: asked by the command line, carried out by the supervisor. */
#include "app/sandbox_deploy_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "app/sandbox_run.h"
#include "domain/id.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/random.h"

enum { POLL_MS = 5, BUSY_MS = 100, ANSWER_BYTES_MAX = 512 };

/* In place of a name: the supervisor publishes the program that it is. */
static const char word_running[] = "running";
static const char request_file[] = "run/deploy.request", answer_file[] = "run/deploy.answer";

/* ---- the command line's side ---- */

int deploy_list_read(const struct sandbox *sandbox, struct deploy_list *ret_list) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct deploy_list list = { 0 };
    sandbox_path(sandbox, "versions", path);
    DIR *folder = opendir(path);
    if (!folder && errno != ENOENT) return err_origin(-errno);
    for (struct dirent *entry; folder && (entry = readdir(folder)) && list.count < DEPLOY_VERSIONS_MAX;) {
        if (!deploy_name_fits(str_from_c(entry->d_name))) continue;
        deploy_version_path(sandbox, entry->d_name, path);
        if (access(path, X_OK) == 0)
            (void)str_to_c(str_from_c(entry->d_name), list.names[list.count++], sizeof *list.names);
    }
    if (folder) (void)closedir(folder); /* read only */
    *ret_list = list;
    return 0;
}

/* The answer to the request of this id; false: not yet. */
static bool read_answer(const struct sandbox *sandbox, const char *id, char result[ANSWER_BYTES_MAX]) {
    char of[ID_TEXT_BYTES];
    const struct deploy_member members[] = { { "id", of, sizeof of }, { "result", result, ANSWER_BYTES_MAX } };
    return deploy_document_read(sandbox, answer_file, members, ARRAY_COUNT(members)) == 0 && strcmp(of, id) == 0;
}

static int write_request(const struct sandbox *sandbox, const char *id, const char *name, struct message *message) {
    char text[ANSWER_BYTES_MAX];
    int len = snprintf(text, sizeof text, "{\"id\":\"%s\",\"version\":\"%s\"}\n", id, name);
    check(len > 0 && (size_t)len < sizeof text);
    return err_trace(deploy_document_write(sandbox, request_file, str_from_bytes(text, (size_t)len), message));
}

static int wait_answer(const struct sandbox *sandbox, const char *id, struct message *message) {
    int64_t until_ms = clock_mono_ms() + DEPLOY_WAIT_MS_MAX;
    char result[ANSWER_BYTES_MAX];
    while (!read_answer(sandbox, id, result)) {
        if (clock_mono_ms() >= until_ms) {
            message_set(message, "the supervisor gave no answer in %d s; see var/log/giro.log",
                        DEPLOY_WAIT_MS_MAX / 1000);
            return err_origin(-ETIMEDOUT);
        }
        (void)poll(NULL, 0, POLL_MS);
    }
    if (strcmp(result, "live") == 0) return 0;
    bool busy = strcmp(result, "busy") == 0;
    message_set(message, busy ? "another version is being put in place just now: try again"
                              : "the new version did not take over, the old one goes on; see var/log/giro.log");
    return busy ? SANDBOX_E_BUSY : SANDBOX_E_INVALID;
}

/* Has the supervisor do something about a version. */
static int ask_supervisor(const struct sandbox *sandbox, const char *name, struct message *message) {
    char id[ID_TEXT_BYTES];
    uint8_t bytes[16];
    pid_t pid = sandbox_run_pid(sandbox);
    if (!pid) {
        message_set(message, "no sandbox runs on %s: start it first", sandbox->var);
        return SANDBOX_E_ABSENT;
    }
    random_bytes(bytes, sizeof bytes);
    id_format(bytes, id);
    int r = write_request(sandbox, id, name, message);
    if (!r && kill(pid, SIGUSR1) < 0) r = err_origin(-errno);
    return r ? err_trace(r) : wait_answer(sandbox, id, message);
}

int deploy_keep_running(const struct sandbox *sandbox, struct message *message) {
    struct deploy_state state;
    int r = deploy_read(sandbox, &state, message);
    return r || state.live[0] ? r : ask_supervisor(sandbox, word_running, message);
}

int deploy_go_live(const struct sandbox *sandbox, const char *name, int64_t *ret_ms, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    int64_t began_ms = clock_mono_ms();
    deploy_version_path(sandbox, name, path);
    if (!deploy_name_fits(str_from_c(name)) || access(path, X_OK) < 0) {
        message_set(message, "no version %.60s is published; see `giro deploy list`", name);
        return DEPLOY_E_ABSENT;
    }
    int r = sandbox_become_owner(sandbox, message);
    if (!r) r = ask_supervisor(sandbox, name, message);
    /* The version before may be on its way out still: for so long as the supervisor lets it. */
    while (r == SANDBOX_E_BUSY && clock_mono_ms() < began_ms + 2 * SUPERVISOR_LEAVE_MS_MAX) {
        (void)poll(NULL, 0, BUSY_MS);
        r = ask_supervisor(sandbox, name, message);
    }
    if (!r) *ret_ms = clock_mono_ms() - began_ms;
    return r;
}

/* ---- the supervisor's side ---- */

static void answer(const struct deploy_change *change, const char *id, const char *result) {
    char text[ANSWER_BYTES_MAX];
    int len = snprintf(text, sizeof text, "{\"id\":\"%s\",\"result\":\"%s\"}\n", id, result);
    check(len > 0 && (size_t)len < sizeof text);
    (void)deploy_document_write(change->sandbox, answer_file, str_from_bytes(text, (size_t)len),
                                NULL); /* who asked gives up after a while */
}

/* The alias: what was live is what there is a way back to. */
static void move_alias(const struct deploy_change *change) {
    struct deploy_state state;
    if (deploy_read(change->sandbox, &state, NULL)) return; /* the answer says live all the same: it is */
    if (strcmp(state.live, change->name) != 0) memcpy(state.previous, state.live, sizeof state.previous);
    memcpy(state.live, change->name, sizeof state.live);
    (void)deploy_write(change->sandbox, &state, NULL); /* as above; the next change writes it again */
}

static void on_replaced(void *ctx, const struct supervisor_child *child, bool is_taken) {
    struct deploy_change *change = ctx;
    if (!change->pending || child != &change->children[change->turn]) return;
    if (is_taken) {
        move_alias(change);
        change->turn = 1 - change->turn;
    }
    change->pending = false;
    answer(change, change->id, is_taken ? "live" : "failed");
}

static void describe(struct deploy_change *change, const struct supervisor_child *like) {
    size_t turn = change->turn;
    const char *argv[] = { change->programs[turn], "serve", "--config", change->config, "--take-over", NULL };
    deploy_version_path(change->sandbox, change->name, change->programs[turn]);
    memcpy(change->argv[turn], argv, sizeof argv);
    change->children[turn] = *like;
    change->children[turn].argv = change->argv[turn];
}

static const struct supervisor_child *running(const struct supervisor *supervisor) {
    for (size_t i = 0; i < supervisor->count; i++)
        if (strcmp(supervisor->slots[i].child->name, "giro") == 0) return supervisor->slots[i].child;
    return NULL;
}

/* (D3) The daemon's own file is not to be read by others (it leaves no core); the supervisor is the same program. */
static int publish_running(const struct deploy_change *change) {
    struct deploy_state state = { 0 };
    struct message message;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? err_origin(-errno) : deploy_publish_open(change->sandbox, fd, state.live, &message);
    if (fd >= 0) (void)close(fd); /* read-only */
    return r ? r : err_trace(deploy_write(change->sandbox, &state, NULL));
}

static void on_request(void *ctx) {
    struct deploy_change *change = ctx;
    char id[ID_TEXT_BYTES], name[DEPLOY_NAME_BYTES_MAX + 1];
    const struct deploy_member members[] = { { "id", id, sizeof id }, { "version", name, sizeof name } };
    const struct supervisor_child *like = running(change->supervisor);
    if (deploy_document_read(change->sandbox, request_file, members, ARRAY_COUNT(members)) || !like) return;
    if (change->pending) {
        answer(change, id, "busy");
        return;
    }
    if (strcmp(name, word_running) == 0 || !deploy_name_fits(str_from_c(name))) {
        bool good = strcmp(name, word_running) == 0 && publish_running(change) == 0;
        answer(change, id, good ? "live" : "failed");
        return;
    }
    memcpy(change->id, id, sizeof id);
    memcpy(change->name, name, sizeof name);
    describe(change, like);
    change->pending = true;
    int r = supervisor_replace(change->supervisor, &change->children[change->turn]);
    if (!r) return;
    change->pending = false;
    answer(change, id, r == -EBUSY ? "busy" : "failed");
}

void deploy_listen(struct deploy_change *change, const struct sandbox *sandbox, struct supervisor *supervisor) {
    static const char *const stale[] = { "versions/deploy.json", request_file, answer_file };
    char path[SANDBOX_PATH_BYTES_MAX];
    *change = (struct deploy_change){ .sandbox = sandbox, .supervisor = supervisor };
    sandbox_path(sandbox, "giro.yaml", change->config);
    for (size_t i = 0; i < ARRAY_COUNT(stale); i++) {
        sandbox_path(sandbox, stale[i], path);
        (void)unlink(path); /* absent, or told anew */
    }
    supervisor->owner =
        (struct supervisor_owner){ .on_request = on_request, .on_replaced = on_replaced, .ctx = change };
}
