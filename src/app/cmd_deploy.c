/* cmd_deploy.c - giro deploy publish BINARY | alias live VERSION | canary VERSION | rollback | list. */
#include "app/subcommand.h"

#include "app/canary_share.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "app/sandbox_deploy.h"
#include "app/sandbox_run.h"

static const char var_help[] = "the sandbox's folder (GIRO_VAR, then var)";

struct deploying {
    const char *var;
    bool json;
    struct sandbox sandbox;
    struct message message;
};
#define DEPLOY_OPTIONS(deploying)                                                                                      \
    { "var", "DIR", &(deploying)->var, NULL, var_help }, {                                                             \
        "json", NULL, NULL, &(deploying)->json, "one JSON document"                                                    \
    }

/* Options and the sandbox. 0, or the exit code in *ret_code. */
static int begin(struct deploying *deploying, struct options *options, int argc, char **argv, int *ret_code) {
    int r = options_parse(options, argc, argv);
    if (r) {
        *ret_code = options_exit(r);
        return r;
    }
    r = sandbox_init(&deploying->sandbox, deploying->var, &deploying->message);
    if (!r) r = sandbox_read_state(&deploying->sandbox, &deploying->message);
    if (r) *ret_code = sandbox_complain(r, &deploying->message);
    return r;
}

/* What the version is at fault for is a failure, not a wrong use. */
static int complain(int r, const struct message *message) {
    if (r < 0 || r == SANDBOX_E_DENIED || r == SANDBOX_E_ABSENT) return sandbox_complain(r, message);
    fprintf(stderr, "giro: %s\n", message->text);
    if (r == DEPLOY_E_ABSENT) return EXIT_ABSENT;
    return r == SANDBOX_E_BUSY || r == DEPLOY_E_CONFLICT ? EXIT_CONFLICT : EXIT_FAILED;
}

static int publish(int argc, char **argv) {
    struct deploying deploying = { 0 };
    const struct option_row rows[] = { DEPLOY_OPTIONS(&deploying) };
    struct options options = { .usage = "deploy publish BINARY [--var DIR] [--json]",
                               .help =
                                   "Keeps a binary of giro under var/versions, once it has shown that it runs this\n"
                                   "bank's configuration; prints the version's name. Nothing changes yet.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    char name[DEPLOY_NAME_BYTES_MAX + 1];
    int code = EXIT_DONE;
    if (begin(&deploying, &options, argc, argv, &code)) return code;
    int r = deploy_publish(&deploying.sandbox, options.words[0], name, &deploying.message);
    if (r) return complain(r, &deploying.message);
    printf(deploying.json ? "{\"version\":\"%s\"}\n" : "%s\n", name);
    return EXIT_DONE;
}

static int go_live(struct deploying *deploying, const char *name) {
    int64_t took_ms = 0;
    int r = deploy_go_live(&deploying->sandbox, name, &took_ms, &deploying->message);
    if (r) return complain(r, &deploying->message);
    printf(deploying->json ? "{\"live\":\"%s\",\"ms\":%lld}\n" : "%s is live after %lld ms\n", name,
           (long long)took_ms);
    return EXIT_DONE;
}

static int alias(int argc, char **argv) {
    struct deploying deploying = { 0 };
    const struct option_row rows[] = { DEPLOY_OPTIONS(&deploying) };
    struct options options = { .usage = "deploy alias live VERSION [--var DIR] [--json]",
                               .help =
                                   "Makes a published version the one that serves: it takes over from the one that\n"
                                   "runs, without a request that fails. If it cannot, the old one goes on. A canary\n"
                                   "is ended first.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 2,
                               .words_max = 2 };
    int code = EXIT_DONE;
    if (begin(&deploying, &options, argc, argv, &code)) return code;
    if (strcmp(options.words[0], "live") != 0) {
        fprintf(stderr, "giro deploy alias: the one alias is live, not %s\n", options.words[0]);
        return EXIT_USAGE;
    }
    return go_live(&deploying, options.words[1]);
}

static int end_canary(struct deploying *deploying, const struct deploy_state *state) {
    int64_t took_ms = 0;
    int r = deploy_canary(&deploying->sandbox, state->canary, 0, &took_ms, &deploying->message);
    if (r) return complain(r, &deploying->message);
    printf(deploying->json ? "{\"live\":\"%s\",\"ended\":\"%s\",\"ms\":%lld}\n"
                           : "all clients meet %s again, and none the canary %s, after %lld ms\n",
           state->live, state->canary, (long long)took_ms);
    return EXIT_DONE;
}

static int begin_canary(struct deploying *deploying, const char *name, uint32_t weight) {
    int64_t took_ms = 0;
    int r = deploy_canary(&deploying->sandbox, name, weight, &took_ms, &deploying->message);
    if (r) return complain(r, &deploying->message);
    if (deploying->json)
        printf("{\"canary\":\"%s\",\"weight\":%u,\"ms\":%lld,\"operations_port\":%u}\n", name, weight,
               (long long)took_ms, deploying->sandbox.canary_port);
    else
        printf("%s serves %u %% of the clients after %lld ms; its operations: http://127.0.0.1:%u\n", name, weight,
               (long long)took_ms, deploying->sandbox.canary_port);
    return EXIT_DONE;
}

static int canary(int argc, char **argv) {
    struct deploying deploying = { 0 };
    const char *percent = NULL;
    const struct option_row rows[] = { DEPLOY_OPTIONS(&deploying),
                                       { "weight", "PERCENT", &percent, NULL,
                                         "of the clients, 0 to 100; 0 ends the canary" } };
    struct options options = { .usage = "deploy canary VERSION --weight PERCENT [--var DIR] [--json]",
                               .help =
                                   "Lets a published version serve a share of the clients beside the live one, chosen\n"
                                   "by their certificates: a client meets one version. On PostgreSQL only.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    struct deploy_state state;
    uint32_t weight;
    int code = EXIT_DONE;
    if (begin(&deploying, &options, argc, argv, &code)) return code;
    if (!percent || !canary_weight_parse(percent, &weight)) {
        fprintf(stderr, "giro deploy canary: --weight wants a whole number, 0 to %d: per cent of the clients\n",
                CANARY_WEIGHT_MAX);
        return EXIT_USAGE;
    }
    if (weight) return begin_canary(&deploying, options.words[0], weight);
    int r = deploy_read(&deploying.sandbox, &state, &deploying.message);
    if (r) return sandbox_complain(r, &deploying.message);
    (void)snprintf(state.canary, sizeof state.canary, "%s", options.words[0]); /* deploy_canary looks whether it is */
    return end_canary(&deploying, &state);
}

static int rollback(int argc, char **argv) {
    struct deploying deploying = { 0 };
    const struct option_row rows[] = { DEPLOY_OPTIONS(&deploying) };
    struct options options = { .usage = "deploy rollback [--var DIR] [--json]",
                               .help = "Makes the version that was live before live again. While there is a canary:\n"
                                       "ends it, and leaves the live version live.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    struct deploy_state state;
    int code = EXIT_DONE;
    if (begin(&deploying, &options, argc, argv, &code)) return code;
    int r = deploy_read(&deploying.sandbox, &state, &deploying.message);
    if (r) return sandbox_complain(r, &deploying.message);
    if (state.canary[0]) return end_canary(&deploying, &state);
    if (!state.previous[0]) {
        fprintf(stderr, "giro: no version was live before this one\n");
        return EXIT_ABSENT;
    }
    return go_live(&deploying, state.previous);
}

static void print_version(const struct deploy_state *state, const char *name, bool json) {
    const struct {
        const char *name, *status;
    } known[] = { { state->live, "live" },
                  { state->canary, "canary" },
                  { state->failed, "failed" },
                  { state->previous, "previous" } };
    const char *status = "published";
    for (size_t i = ARRAY_COUNT(known); i-- > 0;)
        if (strcmp(known[i].name, name) == 0) status = known[i].status;
    bool is_canary = strcmp(state->canary, name) == 0;
    printf(json ? "{\"version\":\"%s\",\"status\":\"%s\"" : "%-32s %s", name, status);
    if (is_canary) printf(json ? ",\"weight\":%u" : ", %u %% of the clients", state->weight);
    printf(json ? "}" : "\n");
}

static int list(int argc, char **argv) {
    struct deploying deploying = { 0 };
    const struct option_row rows[] = { DEPLOY_OPTIONS(&deploying) };
    struct options options = {
        .usage = "deploy list [--var DIR] [--json]",
        .help = "The published versions: live, canary with its share, previous, failed (a canary that\n"
                "died), published.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows)
    };
    struct deploy_state state;
    struct deploy_list found;
    int code = EXIT_DONE;
    if (begin(&deploying, &options, argc, argv, &code)) return code;
    int r = deploy_read(&deploying.sandbox, &state, &deploying.message);
    if (!r) r = deploy_list_read(&deploying.sandbox, &found);
    if (r) return sandbox_complain(r, &deploying.message);
    if (deploying.json) printf("[");
    for (size_t i = 0; i < found.count; i++) {
        if (deploying.json && i) printf(",");
        print_version(&state, found.names[i], deploying.json);
    }
    if (deploying.json) printf("]\n");
    return EXIT_DONE;
}

int cmd_deploy(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "publish", "keeps a binary as a version", publish },
        { "alias", "alias live VERSION: makes it the one that serves", alias },
        { "canary", "canary VERSION --weight PERCENT: lets it serve a share of the clients", canary },
        { "rollback", "ends the canary, or makes the one before live again", rollback },
        { "list", "the published versions", list },
    };
    static const struct subcommand_table table = { .title = "giro deploy", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
