#include "app/sandbox_run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/edge_config.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/http_client.h"
#include "platform/net.h"

enum { PROBE_MS = 20, READY_CALL_MS = 2000, READY_ARENA_BYTES = 64 * 1024, KILL_MS = 2000 };
enum { POSTGRES, REDIS, CORE, SINK, GIRO, NGINX }; /* in the order of their start */

static const char *const names[SANDBOX_CHILDREN] = {
    [POSTGRES] = "postgres", [REDIS] = "redis", [CORE] = "core", [SINK] = "sink", [GIRO] = "giro", [NGINX] = "nginx"
};
static const char nginx_path[] = "/usr/sbin/nginx";

/* ---- the children ---- */

static bool is_wanted(const struct sandbox *sandbox, int child) {
    if (child == REDIS) return sandbox->cache == BANK_CACHE_REDIS;
    return child != POSTGRES || sandbox->store == BANK_STORE_POSTGRES;
}

static bool port_answers(void *context) {
    const uint16_t *port = context;
    int fd;
    if (net_connect_tcp("127.0.0.1", *port, clock_mono_ms() + PROBE_MS, &fd)) return false;
    net_close(fd);
    return true;
}

static const char *keep_text(struct sandbox_run *run, int child, size_t index, const char *folder, const char *name) {
    char *text = run->texts[child][index];
    int len = snprintf(text, SANDBOX_PATH_BYTES_MAX, "%s%s%s", folder, *folder ? "/" : "", name);
    check(len < SANDBOX_PATH_BYTES_MAX); /* folders are bounded by SANDBOX_VAR_BYTES_MAX */
    return text;
}

static void describe_simulators(struct sandbox_run *run) {
    const struct sandbox *sandbox = &run->sandbox;
    char port[8];
    (void)snprintf(port, sizeof port, "%u", sandbox->core_port);
    const char *core[] = { keep_text(run, CORE, 0, sandbox->programs, "giro-sim-core"),
                           "--books",
                           keep_text(run, CORE, 1, sandbox->var, "core/books"),
                           "--port",
                           keep_text(run, CORE, 2, "", port),
                           "--control",
                           keep_text(run, CORE, 3, sandbox->sockets, "core.sock"),
                           NULL };
    (void)snprintf(port, sizeof port, "%u", sandbox->sink_port);
    const char *sink[] = { keep_text(run, SINK, 0, sandbox->programs, "giro-sim-sink"),
                           "--file",
                           keep_text(run, SINK, 1, sandbox->var, "sink/messages"),
                           "--port",
                           keep_text(run, SINK, 2, "", port),
                           NULL };
    memcpy(run->argv[CORE], core, sizeof core);
    memcpy(run->argv[SINK], sink, sizeof sink);
}

static void describe_servers(struct sandbox_run *run) {
    const struct sandbox *sandbox = &run->sandbox;
    const char *giro[] = { keep_text(run, GIRO, 0, sandbox->programs, "giro"), "serve", "--config",
                           keep_text(run, GIRO, 1, sandbox->var, "giro.yaml"), NULL };
    const char *nginx[] = { nginx_path,
                            "-p",
                            keep_text(run, NGINX, 0, sandbox->var, "nginx/"),
                            "-c",
                            keep_text(run, NGINX, 1, sandbox->var, "nginx/nginx.conf"),
                            "-e",
                            keep_text(run, NGINX, 2, sandbox->var, "log/nginx-error.log"),
                            NULL };
    memcpy(run->argv[GIRO], giro, sizeof giro);
    memcpy(run->argv[NGINX], nginx, sizeof nginx);
}

static void describe_postgres(struct sandbox_run *run) {
    const struct sandbox *sandbox = &run->sandbox;
    char setting[SANDBOX_PATH_BYTES_MAX];
    int len = snprintf(setting, sizeof setting, "config_file=%s/postgres/postgresql.conf", sandbox->var);
    check(len < (int)sizeof setting);
    const char *postgres[] = { sandbox_postgres_program(),
                               "-D",
                               keep_text(run, POSTGRES, 0, sandbox->var, "postgres/data"),
                               "-c",
                               keep_text(run, POSTGRES, 1, "", setting),
                               NULL };
    memcpy(run->argv[POSTGRES], postgres, sizeof postgres);
}

static void describe_redis(struct sandbox_run *run) {
    const char *redis[] = { sandbox_redis_program(), keep_text(run, REDIS, 0, run->sandbox.var, "redis/redis.conf"),
                            NULL };
    memcpy(run->argv[REDIS], redis, sizeof redis);
}

static int add_child(struct sandbox_run *run, int child) {
    static const int stop_signals[SANDBOX_CHILDREN] = { [POSTGRES] = SIGINT /* its "fast" end */,
                                                        [REDIS] = SIGTERM,
                                                        [CORE] = SIGTERM,
                                                        [SINK] = SIGTERM,
                                                        [GIRO] = SIGTERM,
                                                        [NGINX] = SIGQUIT };
    bool by_fd = child == GIRO;
    run->children[child] = (struct supervisor_child){
        .name = names[child],
        .argv = run->argv[child],
        .stop_signal = stop_signals[child],
        .ready = by_fd ? SUPERVISOR_READY_BY_FD : SUPERVISOR_READY_BY_PROBE,
        .probe = by_fd ? NULL : port_answers,
        .context = &run->ports[child],
    };
    if (child == POSTGRES) {
        run->children[child].probe = sandbox_postgres_answers;
        run->children[child].context = &run->sandbox;
    }
    if (child == REDIS) {
        run->children[child].probe = sandbox_redis_answers;
        run->children[child].context = &run->sandbox;
    }
    return err_trace(supervisor_add(&run->supervisor, &run->children[child]));
}

static int add_children(struct sandbox_run *run) {
    run->ports[CORE] = run->sandbox.core_port;
    run->ports[SINK] = run->sandbox.sink_port;
    run->ports[GIRO] = (uint16_t)(run->sandbox.port_base + 2);
    run->ports[NGINX] = run->sandbox.port_base;
    if (is_wanted(&run->sandbox, POSTGRES)) describe_postgres(run);
    if (is_wanted(&run->sandbox, REDIS)) describe_redis(run);
    describe_simulators(run);
    describe_servers(run);
    int r = 0;
    for (int i = 0; !r && i < SANDBOX_CHILDREN; i++)
        if (is_wanted(&run->sandbox, i)) r = add_child(run, i);
    return err_trace(r);
}

/* ---- start ---- */

static int take_lock(struct sandbox_run *run, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX], text[24];
    sandbox_path(&run->sandbox, "run/run.lock", path);
    int r = file_lock(path, &run->lock_fd, message);
    if (r == FILE_E_LOCKED) {
        message_set(
            message,
            "a sandbox runs on %s already (process %d); end it with --stop, or start another one with its own --var "
            "and --port-base",
            run->sandbox.var, (int)sandbox_run_pid(&run->sandbox));
        return SANDBOX_RUN_E_RUNNING;
    }
    if (r) return err_trace(r);
    (void)snprintf(text, sizeof text, "%d\n", (int)getpid());
    sandbox_path(&run->sandbox, "run/supervisor.pid", path);
    return err_trace(file_write_atomic(path, str_from_c(text), 0644, message));
}

static int make_files(struct sandbox_run *run, struct message *message) {
    struct authority *authority = NULL;
    struct sandbox *sandbox = &run->sandbox;
    check(sandbox_client_count <= SANDBOX_CLIENTS_MAX);
    int r = sandbox_customers_open(sandbox, &run->customers, message);
    if (!r) r = sandbox_pki_open(sandbox, clock_now_ms(), &authority, message);
    if (!r) r = sandbox_directory_open(sandbox, message);
    for (size_t i = 0; !r && i < sandbox_client_count; i++)
        r = sandbox_client_make(sandbox, &sandbox_clients[i], authority, &run->identities[i], message);
    authority = authority_free(authority);
    if (!r && sandbox->store == BANK_STORE_POSTGRES) r = sandbox_postgres_make(sandbox, message);
    if (!r && sandbox->cache == BANK_CACHE_REDIS) r = sandbox_redis_make(sandbox, message);
    if (!r) r = sandbox_write_config(sandbox, message);
    if (!r) r = sandbox_write_state(sandbox, message);
    return r < 0 ? err_trace(r) : r;
}

static int start_processes(struct sandbox_run *run, struct message *message) {
    sandbox_path(&run->sandbox, "run", run->run_directory);
    sandbox_path(&run->sandbox, "log", run->log_directory);
    int r = supervisor_init(&run->supervisor, run->run_directory, run->log_directory);
    if (r) return err_trace(r);
    run->supervised = true;
    deploy_listen(&run->deploy, &run->sandbox, &run->supervisor);
    sandbox_path(&run->sandbox, "pki/server.pem", run->edge_certificate);
    sandbox_path(&run->sandbox, "pki/server.key", run->edge_key);
    r = edge_reload_init(&run->edge_reload, run->edge_certificate, run->edge_key);
    if (!r) r = add_children(run);
    if (!r) r = supervisor_start(&run->supervisor, message);
    if (r == SUPERVISOR_E_SIGNAL) return SANDBOX_RUN_E_SIGNAL;
    return r > 0 ? SANDBOX_E_ABSENT : err_trace(r);
}

/* Between two requests of the seeding: a child that died, or a signal, is not left waiting. */
static int keep_between(void *ctx) {
    struct sandbox_run *run = ctx;
    int r = supervisor_step(&run->supervisor, 0);
    return r == SUPERVISOR_E_SIGNAL ? SANDBOX_RUN_E_SIGNAL : err_trace(r);
}

static int mark_ready(const struct sandbox_run *run) {
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(&run->sandbox, "run/ready", path);
    return err_trace(file_write_atomic(path, STR(""), 0644, NULL));
}

static void unmark_ready(const struct sandbox_run *run) {
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(&run->sandbox, "run/ready", path);
    (void)unlink(path); /* whoever looks asks the lock too */
}

/* SANDBOX_E_ABSENT: what the edge needs is not installed, and the message says what is to be. */
static int find_packages(struct message *message) {
    static const struct {
        const char *path, *package;
        int mode;
    } needed[] = {
        { nginx_path, "nginx", X_OK },
        { EDGE_FIREWALL_MODULE, "libnginx-mod-http-modsecurity", R_OK },
        { EDGE_FIREWALL_RULES "/REQUEST-901-INITIALIZATION.conf", "modsecurity-crs", R_OK },
    };
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        if (access(needed[i].path, needed[i].mode) == 0) continue;
        message_set(message, "%s is missing: install Debian's package %s (./run does)", needed[i].path,
                    needed[i].package);
        return SANDBOX_E_ABSENT;
    }
    return 0;
}

int sandbox_run_start(struct sandbox_run *run, bool fresh, struct message *message) {
    run->lock_fd = -1;
    int r = find_packages(message);
    if (!r) r = sandbox_claim(&run->sandbox, message);
    if (!r) r = take_lock(run, message);
    if (r) return r < 0 ? err_trace(r) : r;
    unmark_ready(run);
    r = sandbox_choose_store(&run->sandbox, fresh, message);
    if (!r) r = sandbox_pick_ports(&run->sandbox, message);
    if (!r && fresh) r = sandbox_clear(&run->sandbox, message);
    if (!r) r = make_files(run, message);
    if (!r) r = start_processes(run, message);
    if (r) return r < 0 ? err_trace(r) : r;
    struct sandbox_seed seed = { .sandbox = &run->sandbox,
                                 .identities = run->identities,
                                 .customers = &run->customers,
                                 .between = keep_between,
                                 .ctx = run };
    r = sandbox_seed_run(&seed, message);
    return r ? r : mark_ready(run);
}

int sandbox_run_keep(struct sandbox_run *run) {
    int r;
    do {
        r = supervisor_step(&run->supervisor, EDGE_RELOAD_LOOK_MS);
        (void)edge_reload_look(&run->edge_reload, supervisor_read_pid(run->run_directory, names[NGINX]));
    } while (r == 0);
    supervisor_stop(&run->supervisor);
    return r < 0 ? err_trace(r) : 0;
}

void sandbox_run_release(struct sandbox_run *run) {
    char path[SANDBOX_PATH_BYTES_MAX];
    if (run->lock_fd >= 0) unmark_ready(run);
    if (run->supervised) supervisor_release(&run->supervisor);
    if (run->lock_fd >= 0) {
        sandbox_path(&run->sandbox, "run/supervisor.pid", path);
        (void)unlink(path); /* without the lock it means nothing */
        (void)close(run->lock_fd);
    }
    run->supervised = false;
    run->lock_fd = -1;
    sandbox_customers_release(&run->customers);
}

/* ---- of another process ---- */

static bool is_locked(const struct sandbox *sandbox) {
    char path[SANDBOX_PATH_BYTES_MAX];
    int fd;
    sandbox_path(sandbox, "run/run.lock", path);
    if (!file_exists(path)) return false; /* never make one: it would be root's */
    int r = file_lock(path, &fd, NULL);
    if (r == 0) (void)close(fd);
    return r != 0;
}

pid_t sandbox_run_pid(const struct sandbox *sandbox) {
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(sandbox, "run", path);
    return is_locked(sandbox) ? supervisor_read_pid(path, "supervisor") : 0;
}

static bool wait_end(int pid_fd, int timeout_ms) {
    struct pollfd fd = { .fd = pid_fd, .events = POLLIN };
    return poll(&fd, 1, timeout_ms) == 1;
}

int sandbox_run_stop(const struct sandbox *sandbox, struct message *message) {
    int r = sandbox_become_owner(sandbox, message); /* he names the process, so he must be able to end it himself */
    if (r) return r;
    pid_t pid = sandbox_run_pid(sandbox);
    int pid_fd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pid_fd < 0) {
        message_set(message, "no sandbox runs on %s", sandbox->var);
        return SANDBOX_E_ABSENT;
    }
    if (kill(pid, SIGTERM) < 0) r = -errno;
    if (!r && !wait_end(pid_fd, SANDBOX_STOP_MS_MAX)) {
        (void)kill(pid, SIGKILL); /* its children end by their parent-death signal */
        if (!wait_end(pid_fd, KILL_MS)) r = -ETIMEDOUT;
    }
    (void)close(pid_fd);
    if (r == -ESRCH) r = 0;
    if (r == -EPERM) {
        message_set(message, "the sandbox on %s belongs to another user", sandbox->var);
        return SANDBOX_E_DENIED;
    }
    return r ? err_origin(r) : 0;
}

static bool daemon_is_ready(uint16_t port) {
    struct http_client_options options = http_client_options_default();
    struct http_client *client = NULL;
    struct arena arena = { 0 };
    struct http_result result = { 0 };
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/readyz", port);
    struct http_call call = { .method = STR("GET"), .url = str_from_c(url) };
    options.connect_ms = options.total_ms = READY_CALL_MS;
    int r = arena_init(&arena, READY_ARENA_BYTES, READY_ARENA_BYTES);
    if (!r) r = http_client_new(&options, &client);
    if (!r) r = http_client_run(client, &call, &arena, &result, NULL);
    bool ready = r == 0 && result.status == 200;
    client = http_client_free(client);
    arena_release(&arena);
    return ready;
}

void sandbox_run_look(struct sandbox *sandbox, struct sandbox_state *ret_state) {
    char path[SANDBOX_PATH_BYTES_MAX], folder[SANDBOX_PATH_BYTES_MAX];
    bool runs = sandbox_run_pid(sandbox) != 0, all = true;
    if (sandbox_read_state(sandbox, NULL)) runs = false;
    const uint16_t ports[SANDBOX_CHILDREN] = { [CORE] = sandbox->core_port,
                                               [SINK] = sandbox->sink_port,
                                               [GIRO] = (uint16_t)(sandbox->port_base + 2),
                                               [NGINX] = sandbox->port_base };
    sandbox_path(sandbox, "run/ready", path);
    sandbox_path(sandbox, "run", folder);
    for (int i = 0; i < SANDBOX_CHILDREN; i++) {
        ret_state->processes[i].name = names[i];
        if (!is_wanted(sandbox, i)) continue;
        ret_state->processes[i].pid = runs ? supervisor_read_pid(folder, names[i]) : 0;
        ret_state->processes[i].port = ports[i];
        all = all && ret_state->processes[i].pid;
    }
    ret_state->processes[SANDBOX_CHILDREN].name = SANDBOX_CANARY_NAME;
    ret_state->processes[SANDBOX_CHILDREN].pid = runs ? supervisor_read_pid(folder, SANDBOX_CANARY_NAME) : 0;
    ret_state->processes[SANDBOX_CHILDREN].port = sandbox->canary_port;
    uint16_t edge = ports[NGINX];
    ret_state->ready = runs && all && file_exists(path) && daemon_is_ready(ports[GIRO]) && port_answers(&edge);
}
