#include "app/subcommand.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/exit_code.h"
#include "app/options.h"
#include "app/sandbox_run.h"
#include "platform/secret.h"

struct run_options {
    const char *var, *port_base, *store, *bus, *cache, *proxy_peers, *response_check;
    bool detach, stop, status, json, fresh;
};

/* Adapters that exist; the others of the contract are refused by name. */
static bool is_choice(const char *name, const char *value, const char *only) {
    if (strcmp(value, only) == 0) return true;
    fprintf(stderr, "giro: --%s %s: there is no such adapter in this version, only \"%s\"\n", name, value, only);
    return false;
}

static int print_status(struct sandbox *sandbox, bool json) {
    struct sandbox_state state = { .ready = false };
    sandbox_run_look(sandbox, &state);
    bool first = true;
    if (json) printf("{\"ready\":%s,\"processes\":[", state.ready ? "true" : "false");
    for (size_t i = 0; i < ARRAY_COUNT(state.processes); i++) {
        if (state.processes[i].pid == 0) continue;
        if (json)
            printf("%s{\"name\":\"%s\",\"pid\":%d,\"port\":%u}", first ? "" : ",", state.processes[i].name,
                   (int)state.processes[i].pid, state.processes[i].port);
        else if (state.processes[i].port)
            printf("%-8s process %d, port %u\n", state.processes[i].name, (int)state.processes[i].pid,
                   state.processes[i].port);
        else printf("%-8s process %d, on a Unix socket\n", state.processes[i].name, (int)state.processes[i].pid);
        first = false;
    }
    if (json) printf("]}\n");
    if (!state.ready) fprintf(stderr, "Giro is not %s on %s.\n", first ? "running" : "ready", sandbox->var);
    return state.ready ? EXIT_DONE : EXIT_UNAVAILABLE;
}

static int stop(const struct sandbox *sandbox) {
    struct message message = { .text = "" };
    int r = sandbox_run_stop(sandbox, &message);
    if (r == 0) fprintf(stderr, "Giro has ended.\n");
    if (r == SANDBOX_E_ABSENT) fprintf(stderr, "giro: %s\n", message.text);
    return r == 0 || r == SANDBOX_E_ABSENT ? EXIT_DONE : sandbox_complain(r, &message);
}

/* What the suggestions say, as one would type it in the folder where the sandbox was started. */
struct suggestion {
    char program[SANDBOX_PATH_BYTES_MAX], var[SANDBOX_PATH_BYTES_MAX];
    char var_option[SANDBOX_PATH_BYTES_MAX]; /* " --var DIR"; empty where giro finds var without it */
};

static void shorten_path(const char *path, const char *name, char text[SANDBOX_PATH_BYTES_MAX]) {
    char here[SANDBOX_PATH_BYTES_MAX];
    size_t len = getcwd(here, sizeof here) ? strlen(here) : 0;
    if (len && strncmp(path, here, len) == 0 && path[len] == '/') path += len + 1;
    (void)snprintf(text, SANDBOX_PATH_BYTES_MAX, "%s%s", path, name);
}

/* Before the start: root's paths, and what root can reach, are those of whoever reads the suggestions. */
static void suggest(const struct sandbox *sandbox, struct suggestion *ret_suggestion) {
    struct sandbox found;
    struct message message;
    bool is_found = sandbox_init(&found, NULL, &message) == 0 && strcmp(found.var, sandbox->var) == 0;
    shorten_path(sandbox->programs, "/giro", ret_suggestion->program);
    shorten_path(sandbox->var, "", ret_suggestion->var);
    (void)snprintf(ret_suggestion->var_option, sizeof ret_suggestion->var_option, "%s%.*s", is_found ? "" : " --var ",
                   is_found ? 0 : SANDBOX_VAR_BYTES_MAX, ret_suggestion->var);
}

static void print_ready(const struct sandbox_run *run, const struct suggestion *suggestion) {
    const struct sandbox *sandbox = &run->sandbox;
    unsigned base = sandbox->port_base;
    printf("Giro is ready: API https://localhost:%u (mTLS), pages and issuer https://localhost:%u, operations "
           "http://127.0.0.1:%u\n",
           base, base + 1, base + 2);
    printf("  customers  ");
    for (size_t i = 0; i < SANDBOX_CUSTOMERS; i++) printf(" %s", run->customers.at[i].login);
    printf("\n  clients    ");
    for (size_t i = 0; i < sandbox_client_count; i++) printf(" %s", sandbox_clients[i].name);
    printf("   (keys: %s/clients)\n  try\n", suggestion->var);
    printf("    %s demo pay%s\n", suggestion->program, suggestion->var_option);
    printf("    %s sandbox customers%s\n", suggestion->program, suggestion->var_option);
    printf("    %s ledger verify%s\n", suggestion->program, suggestion->var_option);
    (void)fflush(stdout); /* main looks at it again */
}

static int complain(int r, const struct message *message) {
    if (r == SANDBOX_RUN_E_SIGNAL) {
        fprintf(stderr, "giro: asked to end before everything had started\n");
        return EXIT_FAILED;
    }
    if (r == SANDBOX_RUN_E_RUNNING) {
        fprintf(stderr, "giro: %s\n", message->text);
        return EXIT_CONFLICT;
    }
    return sandbox_complain(r, message);
}

/* From now on the daemon speaks to var/log/run.log. */
static int leave_terminal(const struct sandbox *sandbox) {
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(sandbox, "log/run.log", path);
    int log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (log_fd < 0) return err_origin(-errno);
    int r = dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0 ? err_origin(-errno) : 0;
    (void)close(log_fd); /* 1 and 2 keep it open */
    return r;
}

/* told_fd: where the exit code of the start goes, -1 in the foreground. */
static int run_to_the_end(struct sandbox_run *run, bool fresh, int told_fd) {
    struct message message = { .text = "" };
    struct suggestion suggestion;
    uint8_t code = EXIT_DONE;
    suggest(&run->sandbox, &suggestion);
    int r = sandbox_run_start(run, fresh, &message);
    if (r) {
        code = (uint8_t)complain(r, &message);
    } else {
        print_ready(run, &suggestion);
        if (told_fd >= 0) r = leave_terminal(&run->sandbox);
        if (r) code = EXIT_FAILED;
    }
    if (told_fd >= 0 && write(told_fd, &code, 1) != 1) r = -EPIPE; /* who started it is gone: end too */
    if (told_fd >= 0) (void)close(told_fd);
    if (!r) r = sandbox_run_keep(run);
    if (r < 0 && code == EXIT_DONE) code = EXIT_FAILED;
    sandbox_run_release(run);
    return code;
}

/* The child goes on as a daemon in a session of its own; the parent returns when it is ready or has failed. */
static int run_detached(struct sandbox_run *run, bool fresh) {
    int told[2], null_fd;
    uint8_t code = EXIT_FAILED;
    if (pipe2(told, O_CLOEXEC) < 0) return EXIT_FAILED;
    (void)fflush(NULL); /* nothing is printed twice */
    pid_t pid = fork();
    if (pid < 0) {
        fprintf(stderr, "giro: cannot start a process: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    if (pid == 0) {
        (void)close(told[0]);
        (void)setsid(); /* a new child leads no group yet */
        null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null_fd < 0 || dup2(null_fd, 0) < 0) _exit(EXIT_FAILED);
        _exit(run_to_the_end(run, fresh, told[1]));
    }
    (void)close(told[1]);
    ssize_t got;
    while ((got = read(told[0], &code, 1)) < 0 && errno == EINTR) continue;
    (void)close(told[0]);
    if (got != 1) fprintf(stderr, "giro: the sandbox ended while it started\n");
    return got == 1 ? code : EXIT_FAILED;
}

static int start(const struct sandbox *sandbox, const struct run_options *options) {
    struct sandbox_run *run = secrets_no_core() ? NULL : calloc(1, sizeof *run); /* the limit is its children's too */
    if (!run) return EXIT_FAILED;
    run->sandbox = *sandbox;
    run->lock_fd = -1;
    (void)umask(022);
    fprintf(stderr, "Starting Giro on %s\n", sandbox->var);
    int code = options->detach ? run_detached(run, options->fresh) : run_to_the_end(run, options->fresh, -1);
    free(run);
    return code;
}

static int dispatch(const struct run_options *options) {
    struct sandbox sandbox;
    struct message message = { .text = "" };
    uint64_t port_base = SANDBOX_PORT_BASE_DEFAULT;
    if (options->stop + options->status + options->detach > 1 || (options->json && !options->status)) {
        fprintf(stderr, "giro: --detach, --stop and --status exclude each other, and --json goes with --status\n");
        return EXIT_USAGE;
    }
    bool postgres = options->store && strcmp(options->store, "postgres") == 0;
    if (options->store && !postgres && strcmp(options->store, "sqlite") != 0) {
        fprintf(stderr, "giro: --store %s: want sqlite or postgres\n", options->store);
        return EXIT_USAGE;
    }
    bool redis = options->cache && strcmp(options->cache, "redis") == 0;
    if (options->cache && !redis && strcmp(options->cache, "embedded") != 0) {
        fprintf(stderr, "giro: --cache %s: want embedded or redis\n", options->cache);
        return EXIT_USAGE;
    }
    static const char *const checks[] = { "off", "log", "fail" };
    bool known = false;
    for (size_t i = 0; i < ARRAY_COUNT(checks); i++) known |= strcmp(options->response_check, checks[i]) == 0;
    if (!known) {
        fprintf(stderr, "giro: --response-check %s: want off, log or fail\n", options->response_check);
        return EXIT_USAGE;
    }
    if (!is_choice("bus", options->bus, "embedded") ||
        !options_number("port-base", options->port_base, SANDBOX_PORT_BASE_MIN, SANDBOX_PORT_BASE_MAX, &port_base))
        return EXIT_USAGE;
    int r = sandbox_init(&sandbox, options->var, &message);
    if (r) return sandbox_complain(r, &message);
    sandbox.port_base = (uint16_t)port_base;
    sandbox.store = postgres ? BANK_STORE_POSTGRES : BANK_STORE_SQLITE;
    sandbox.cache = redis ? BANK_CACHE_REDIS : BANK_CACHE_EMBEDDED;
    if (options->proxy_peers) {
        if (str_to_c(str_from_c(options->proxy_peers), sandbox.proxy_peers, sizeof sandbox.proxy_peers)) {
            fprintf(stderr, "giro: --proxy-peers: the list is too long\n");
            return EXIT_USAGE;
        }
    }
    sandbox.response_check = options->response_check;
    sandbox.store_named = options->store != NULL;
    if (options->status) return print_status(&sandbox, options->json);
    return options->stop ? stop(&sandbox) : start(&sandbox, options);
}

int cmd_run(int argc, char **argv) {
    struct run_options given = { .bus = "embedded", .cache = "embedded", .response_check = "log" };
    const struct option_row rows[] = {
        { "detach", NULL, NULL, &given.detach, "return once it is ready" },
        { "stop", NULL, NULL, &given.stop, "end the running sandbox" },
        { "status", NULL, NULL, &given.status, "tell whether it is ready" },
        { "json", NULL, NULL, &given.json, "with --status: one JSON document" },
        { "fresh", NULL, NULL, &given.fresh, "forget everything that var holds" },
        { "var", "DIR", &given.var, NULL, "its folder (GIRO_VAR, then var)" },
        { "port-base", "N", &given.port_base, NULL, "API on N, pages on N+1, operations on N+2 (8443)" },
        { "store", "S", &given.store, NULL, "sqlite (default) or postgres: a private server of its own" },
        { "bus", "B", &given.bus, NULL, "embedded" },
        { "proxy-peers", "LIST", &given.proxy_peers, NULL,
          "the edge stands behind load balancers at these addresses, which speak PROXY protocol" },
        { "response-check", "C", &given.response_check, NULL,
          "answers that their OpenAPI document does not know: off, log (default) or fail" },
        { "cache", "C", &given.cache, NULL, "embedded (default) or redis: a private server of its own" },
    };
    struct options options = { .usage = "run [OPTIONS]",
                               .help = "Starts the sandbox bank and watches over it until Ctrl-C or SIGTERM.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    return r ? options_exit(r) : dispatch(&given);
}
