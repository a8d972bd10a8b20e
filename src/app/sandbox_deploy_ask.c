/* sandbox_deploy_ask.c - which version serves whom: the command line's side, which asks the supervisor. */
#include "app/sandbox_deploy_int.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "app/sandbox_run.h"
#include "domain/id.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/random.h"

enum { POLL_MS = 5, BUSY_MS = 100, ANSWER_BYTES_MAX = 512 };

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
    return deploy_document_read(sandbox, DEPLOY_ANSWER_FILE, members, ARRAY_COUNT(members)) == 0 && strcmp(of, id) == 0;
}

/* What the supervisor shall do: make it live, or with a weight the canary. */
struct wish {
    const char *version, *weight;
};

static int write_request(const struct sandbox *sandbox, const char *id, const struct wish *wish,
                         struct message *message) {
    char text[ANSWER_BYTES_MAX];
    int len = snprintf(text, sizeof text, "{\"id\":\"%s\",\"version\":\"%s\",\"weight\":\"%s\"}\n", id, wish->version,
                       wish->weight);
    check(len > 0 && (size_t)len < sizeof text);
    return err_trace(deploy_document_write(sandbox, DEPLOY_REQUEST_FILE, str_from_bytes(text, (size_t)len), message));
}

static enum deploy_result result_of(const char *word) {
#define X(code, name) name,
    static const char *const words[] = { DEPLOY_RESULT_MAP(X) };
#undef X
    for (size_t i = 0; i < DEPLOY_RESULT_COUNT; i++)
        if (strcmp(word, words[i]) == 0) return (enum deploy_result)i;
    return DEPLOY_FAILED;
}

static int verdict(enum deploy_result result, const struct wish *wish, struct message *message) {
    switch (result) {
    case DEPLOY_LIVE:
    case DEPLOY_CANARY:
    case DEPLOY_ENDED:
        return 0;
    case DEPLOY_BUSY:
        message_set(message, "another version is being put in place just now: try again");
        return SANDBOX_E_BUSY;
    case DEPLOY_OTHER:
        message_set(message, "another version is the canary: end it first, with --weight 0; see `giro deploy list`");
        return DEPLOY_E_CONFLICT;
    case DEPLOY_FAILED:
    case DEPLOY_RESULT_COUNT:
        break;
    }
    message_set(message, wish->weight[0] ? "the canary did not start, all clients stay with the live version; see "
                                           "var/log/canary.log"
                                         : "the new version did not take over, the old one goes on; see "
                                           "var/log/giro.log");
    return SANDBOX_E_INVALID;
}

static int wait_answer(const struct sandbox *sandbox, const char *id, const struct wish *wish,
                       struct message *message) {
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
    return verdict(result_of(result), wish, message);
}

static int ask_once(const struct sandbox *sandbox, const struct wish *wish, struct message *message) {
    char id[ID_TEXT_BYTES];
    uint8_t bytes[16];
    pid_t pid = sandbox_run_pid(sandbox);
    if (!pid) {
        message_set(message, "no sandbox runs on %s: start it first", sandbox->var);
        return SANDBOX_E_ABSENT;
    }
    random_bytes(bytes, sizeof bytes);
    id_format(bytes, id);
    int r = write_request(sandbox, id, wish, message);
    if (!r && kill(pid, SIGUSR1) < 0) r = err_origin(-errno);
    return r ? err_trace(r) : wait_answer(sandbox, id, wish, message);
}

/* The version before may be on its way out still: for so long as the supervisor lets it. */
static int ask_supervisor(const struct sandbox *sandbox, const struct wish *wish, int64_t *ret_ms,
                          struct message *message) {
    int64_t began_ms = clock_mono_ms();
    int r = sandbox_become_owner(sandbox, message);
    if (!r) r = ask_once(sandbox, wish, message);
    while (r == SANDBOX_E_BUSY && clock_mono_ms() < began_ms + 2 * SUPERVISOR_LEAVE_MS_MAX) {
        (void)poll(NULL, 0, BUSY_MS);
        r = ask_once(sandbox, wish, message);
    }
    if (!r) *ret_ms = clock_mono_ms() - began_ms;
    return r;
}

int deploy_keep_running(const struct sandbox *sandbox, struct message *message) {
    static const struct wish running = { DEPLOY_WORD_RUNNING, "" };
    struct deploy_state state;
    int r = deploy_read(sandbox, &state, message);
    return r || state.live[0] ? r : ask_once(sandbox, &running, message);
}

static int find_version(const struct sandbox *sandbox, const char *name, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    if (deploy_name_fits(str_from_c(name))) {
        deploy_version_path(sandbox, name, path);
        if (access(path, X_OK) == 0) return 0;
    }
    message_set(message, "no version %.60s is published; see `giro deploy list`", name);
    return DEPLOY_E_ABSENT;
}

int deploy_go_live(const struct sandbox *sandbox, const char *name, int64_t *ret_ms, struct message *message) {
    const struct wish wish = { name, "" };
    int r = find_version(sandbox, name, message);
    return r ? r : ask_supervisor(sandbox, &wish, ret_ms, message);
}

/* What can be told without the supervisor. */
static int judge_canary(const struct sandbox *sandbox, const char *name, uint32_t weight, struct message *message) {
    struct deploy_state state;
    if (sandbox->store != BANK_STORE_POSTGRES) {
        message_set(message, "a canary wants PostgreSQL: this bank's store is SQLite, which is one process's alone, so "
                             "that two versions cannot serve it side by side. Change versions with `giro deploy alias "
                             "live` (`giro deploy rollback` goes back), or start a bank with --store postgres");
        return DEPLOY_E_CONFLICT;
    }
    int r = find_version(sandbox, name, message);
    if (!r) r = deploy_read(sandbox, &state, message);
    if (r) return r;
    if (weight == 0 && strcmp(state.canary, name) != 0) {
        message_set(message, "%.60s is not the canary; see `giro deploy list`", name);
        return DEPLOY_E_ABSENT;
    }
    if (strcmp(state.live, name) == 0) {
        message_set(message, "%.60s is live: all clients meet it already", name);
        return DEPLOY_E_CONFLICT;
    }
    return 0;
}

int deploy_canary(const struct sandbox *sandbox, const char *name, uint32_t weight, int64_t *ret_ms,
                  struct message *message) {
    char digits[12];
    const struct wish wish = { name, digits };
    (void)snprintf(digits, sizeof digits, "%u", weight);
    int r = judge_canary(sandbox, name, weight, message);
    return r ? r : ask_supervisor(sandbox, &wish, ret_ms, message);
}
