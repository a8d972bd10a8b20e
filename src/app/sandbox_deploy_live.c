/* sandbox_deploy_live.c - which version serves whom: the supervisor's side. */
#include "app/sandbox_deploy_int.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "app/canary_share.h"
#include "domain/id.h"

enum { ANSWER_BYTES_MAX = 512, CANARY_GRACE_MS = 200 /* for requests on their way to it when it lost its share */ };

static void answer(const struct deploy_change *change, const char *id, enum deploy_result result) {
#define X(code, name) name,
    static const char *const words[] = { DEPLOY_RESULT_MAP(X) };
#undef X
    char text[ANSWER_BYTES_MAX];
    int len = snprintf(text, sizeof text, "{\"id\":\"%s\",\"result\":\"%s\"}\n", id, words[result]);
    check(len > 0 && (size_t)len < sizeof text);
    (void)deploy_document_write(change->sandbox, DEPLOY_ANSWER_FILE, str_from_bytes(text, (size_t)len),
                                NULL); /* who asked gives up after a while */
}

static void answer_pending(struct deploy_change *change, enum deploy_result result) {
    change->pending = DEPLOY_PENDING_NONE;
    answer(change, change->id, result);
}

/* ---- the live version ---- */

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
    if (change->pending != DEPLOY_PENDING_LIVE || child != &change->children[change->turn]) return;
    if (is_taken) {
        move_alias(change);
        change->turn = 1 - change->turn;
    }
    answer_pending(change, is_taken ? DEPLOY_LIVE : DEPLOY_FAILED);
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

/* (D2) change->name takes over. */
static void replace(struct deploy_change *change) {
    const struct supervisor_child *like = running(change->supervisor);
    change->pending = DEPLOY_PENDING_LIVE;
    if (like) describe(change, like);
    int r = like ? supervisor_replace(change->supervisor, &change->children[change->turn]) : -ENOENT;
    if (r) answer_pending(change, r == -EBUSY ? DEPLOY_BUSY : DEPLOY_FAILED);
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

/* ---- the canary (D4) ---- */

static void tell_state(const struct deploy_change *change, const char *failed) {
    struct deploy_state state;
    if (deploy_read(change->sandbox, &state, NULL)) return; /* what is in force is in force all the same */
    memcpy(state.canary, change->canary, sizeof state.canary);
    state.weight = change->weight;
    (void)snprintf(state.failed, sizeof state.failed, "%s", failed);
    (void)deploy_write(change->sandbox, &state, NULL); /* as above; the next change writes it again */
}

/* 0, or -errno: the share before is in force. */
static int set_weight(struct deploy_change *change, uint32_t weight) {
    int r = canary_share_set(change->share, weight);
    if (r) return err_trace(r);
    change->weight = weight;
    if (weight == 0) change->canary[0] = 0;
    tell_state(change, "");
    return 0;
}

static void start_canary(struct deploy_change *change, uint32_t weight) {
    const struct supervisor_child canary = { .name = SANDBOX_CANARY_NAME,
                                             .argv = change->canary_argv,
                                             .stop_signal = SIGTERM,
                                             .ready = SUPERVISOR_READY_BY_FD };
    const char *argv[] = { change->canary_program, "serve", "--config", change->canary_config, NULL };
    deploy_version_path(change->sandbox, change->name, change->canary_program);
    memcpy(change->canary_argv, argv, sizeof argv);
    change->canary_child = canary;
    memcpy(change->canary, change->name, sizeof change->canary);
    change->weight = weight;
    change->pending = DEPLOY_PENDING_CANARY;
    int r = supervisor_guest_start(change->supervisor, &change->canary_child);
    if (!r) return;
    change->canary[0] = 0;
    answer_pending(change, r == -EBUSY ? DEPLOY_BUSY : DEPLOY_FAILED);
}

static int end_canary(struct deploy_change *change) {
    int r = set_weight(change, 0);
    if (!r) supervisor_guest_end(change->supervisor, CANARY_GRACE_MS);
    return err_trace(r);
}

static void on_guest_ready(void *ctx) {
    struct deploy_change *change = ctx;
    if (change->pending != DEPLOY_PENDING_CANARY) return;
    if (set_weight(change, change->weight) == 0) {
        answer_pending(change, DEPLOY_CANARY);
        return;
    }
    change->canary[0] = 0;
    supervisor_guest_end(change->supervisor, 0);
    answer_pending(change, DEPLOY_FAILED);
}

static void on_guest_ended(void *ctx, bool was_asked, const char *last_line) {
    struct deploy_change *change = ctx;
    char name[DEPLOY_NAME_BYTES_MAX + 1];
    memcpy(name, change->canary, sizeof name);
    if (change->pending == DEPLOY_PENDING_CANARY) {
        change->canary[0] = 0;
        answer_pending(change, DEPLOY_FAILED);
    } else if (!was_asked) {
        (void)set_weight(change, 0); /* else the edge falls back at each request */
        tell_state(change, name);
        fprintf(stderr, "giro: the canary %s has died: all clients meet the live version again; its last words: %s\n",
                name, last_line);
    }
    if (change->pending == DEPLOY_PENDING_LEAVE) replace(change);
}

/* ---- requests ---- */

static void want_canary(struct deploy_change *change, const char *id, const char *name, const char *digits) {
    uint32_t weight;
    bool same = strcmp(change->canary, name) == 0;
    if (!canary_weight_parse(digits, &weight) || change->sandbox->store != BANK_STORE_POSTGRES) {
        answer(change, id, DEPLOY_FAILED); /* the command line has looked before */
    } else if (weight == 0) {
        int r = same ? end_canary(change) : 0;
        answer(change, id, r ? DEPLOY_FAILED : change->canary[0] ? DEPLOY_OTHER : DEPLOY_ENDED);
    } else if (same) {
        answer(change, id, set_weight(change, weight) ? DEPLOY_FAILED : DEPLOY_CANARY);
    } else if (change->canary[0]) {
        answer(change, id, DEPLOY_OTHER);
    } else {
        (void)snprintf(change->id, sizeof change->id, "%s", id);
        (void)snprintf(change->name, sizeof change->name, "%s", name);
        start_canary(change, weight);
    }
}

static void want_live(struct deploy_change *change, const char *id, const char *name) {
    (void)snprintf(change->id, sizeof change->id, "%s", id);
    (void)snprintf(change->name, sizeof change->name, "%s", name);
    if (change->canary[0] && end_canary(change)) answer(change, id, DEPLOY_FAILED);
    else if (change->supervisor->guest.child) change->pending = DEPLOY_PENDING_LEAVE; /* (D5) */
    else replace(change);
}

static void on_request(void *ctx) {
    struct deploy_change *change = ctx;
    char id[ID_TEXT_BYTES], name[DEPLOY_NAME_BYTES_MAX + 1], weight[8];
    const struct deploy_member members[] = { { "id", id, sizeof id },
                                             { "version", name, sizeof name },
                                             { "weight", weight, sizeof weight } };
    if (deploy_document_read(change->sandbox, DEPLOY_REQUEST_FILE, members, ARRAY_COUNT(members))) return;
    if (change->pending != DEPLOY_PENDING_NONE) {
        answer(change, id, DEPLOY_BUSY);
    } else if (strcmp(name, DEPLOY_WORD_RUNNING) == 0 || !deploy_name_fits(str_from_c(name))) {
        bool good = strcmp(name, DEPLOY_WORD_RUNNING) == 0 && publish_running(change) == 0;
        answer(change, id, good ? DEPLOY_LIVE : DEPLOY_FAILED);
    } else if (weight[0]) {
        want_canary(change, id, name, weight);
    } else {
        want_live(change, id, name);
    }
}

void deploy_listen(struct deploy_change *change, const struct sandbox *sandbox, struct supervisor *supervisor) {
    static const char *const stale[] = { "versions/deploy.json", DEPLOY_REQUEST_FILE, DEPLOY_ANSWER_FILE,
                                         SANDBOX_CANARY_SHARE };
    char path[SANDBOX_PATH_BYTES_MAX];
    *change = (struct deploy_change){ .sandbox = sandbox, .supervisor = supervisor };
    sandbox_path(sandbox, "giro.yaml", change->config);
    sandbox_path(sandbox, SANDBOX_CANARY_CONFIG, change->canary_config);
    sandbox_path(sandbox, SANDBOX_CANARY_SHARE, change->share);
    for (size_t i = 0; i < ARRAY_COUNT(stale); i++) {
        sandbox_path(sandbox, stale[i], path);
        (void)unlink(path); /* absent, or told anew */
    }
    supervisor->owner = (struct supervisor_owner){ .on_request = on_request,
                                                   .on_replaced = on_replaced,
                                                   .on_guest_ready = on_guest_ready,
                                                   .on_guest_ended = on_guest_ended,
                                                   .ctx = change };
}
