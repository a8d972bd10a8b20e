#include "app/sandbox.h"

#include <unistd.h>

#include "app/edge_config.h"
#include "app/sandbox_software.h"
#include "platform/file.h"

enum { YAML_BYTES_MAX = 32 * 1024 };

/* Keys whose value is a place: below var, in the project, or a socket. */
enum place { PLACE_VAR, PLACE_PROJECT, PLACE_SOCKET };

/* What is each node's own. The canary never takes the writer's lease: nobody need find it. */
struct node_files {
    const char *name, *log, *socket, *admin, *epoch;
    bool listens;
};
static const struct node_files live_files = { "live",       "log/giro.jsonl",   "giro.sock",
                                              "admin.sock", "store/giro.epoch", true };
static const struct node_files canary_files = { "canary",          "log/giro-canary.jsonl", "canary.sock",
                                                "canary-adm.sock", "store/canary.epoch",    false };

/* A YAML scalar between double quotes. Paths are the user's: quotes, backslashes and control characters are escaped. */
static void put_quoted(struct buffer *out, const char *text) {
    buffer_append_char(out, '"');
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)*at);
            continue;
        }
        if (*at == '"' || *at == '\\') buffer_append_char(out, '\\');
        buffer_append_char(out, *at);
    }
    buffer_append_char(out, '"');
}

static void put_place(struct buffer *out, const struct sandbox *sandbox, enum place place, const char *name) {
    char path[SANDBOX_PATH_BYTES_MAX];
    switch (place) {
    case PLACE_VAR:
        sandbox_path(sandbox, name, path);
        break;
    case PLACE_PROJECT:
        sandbox_project_path(sandbox, name, path);
        break;
    case PLACE_SOCKET:
        sandbox_socket(sandbox, name, path);
        break;
    }
    put_quoted(out, path);
}

static void put_key(struct buffer *out, const struct sandbox *sandbox, const char *key, enum place place,
                    const char *name) {
    buffer_printf(out, "  %s: ", key);
    put_place(out, sandbox, place, name);
    buffer_append_char(out, '\n');
}

/* A place of the project one level deeper. */
static void put_indented(struct buffer *out, const struct sandbox *sandbox, const char *key, const char *name) {
    buffer_append_c(out, "  ");
    put_key(out, sandbox, key, PLACE_PROJECT, name);
}

static void put_tiers(struct buffer *out) {
    static const struct {
        const char *name, *rate, *burst, *daily;
    } tiers[] = {
        { "open_banking_tpp", "50", "100", "500000" },
        { "internal_mobile_app", "200", "500", "null" },
        { "partner_embedded_finance", "100", "200", "1000000" },
        { "sandbox_unlimited", "null", "null", "null" },
    };
    buffer_append_c(out, "rate_limits:\n");
    for (size_t i = 0; i < ARRAY_COUNT(tiers); i++)
        buffer_printf(out, "  %s:\n    requests_per_second: %s\n    burst: %s\n    daily_limit: %s\n", tiers[i].name,
                      tiers[i].rate, tiers[i].burst, tiers[i].daily);
}

static void put_store(struct buffer *out, const struct sandbox *sandbox, const struct node_files *files) {
    if (sandbox->store == BANK_STORE_SQLITE) {
        buffer_append_c(out, "  kind: sqlite\n");
        put_key(out, sandbox, "path", PLACE_VAR, "store/giro.db");
        put_key(out, sandbox, "migrations", PLACE_PROJECT, "db/sqlite");
    } else {
        char memory[SANDBOX_PATH_BYTES_MAX * 2], text[sizeof memory];
        struct buffer connection;
        buffer_init(&connection, memory, sizeof memory);
        sandbox_postgres_connection(sandbox, &connection);
        check(str_to_c(buffer_str(&connection), text, sizeof text) == 0);
        buffer_append_c(out, "  kind: postgres\n  connection: ");
        put_quoted(out, text);
        buffer_append_char(out, '\n');
        put_key(out, sandbox, "epoch_file", PLACE_VAR, files->epoch);
        put_key(out, sandbox, "migrations", PLACE_PROJECT, "db/postgres");
    }
    buffer_append_c(out, "secrets:\n");
    put_key(out, sandbox, "folder", PLACE_VAR, "secrets");
}

static void put_cache(struct buffer *out, const struct sandbox *sandbox) {
    char memory[SANDBOX_PATH_BYTES_MAX * 2], text[sizeof memory];
    struct buffer connection;
    if (sandbox->cache != BANK_CACHE_REDIS) return;
    buffer_init(&connection, memory, sizeof memory);
    sandbox_redis_connection(sandbox, &connection);
    check(str_to_c(buffer_str(&connection), text, sizeof text) == 0);
    buffer_append_c(out, "cache:\n  kind: redis\n  connection: ");
    put_quoted(out, text);
    buffer_append_char(out, '\n');
}

/* The live node answers commands of others; on an embedded store there are none. */
static void put_node(struct buffer *out, const struct sandbox *sandbox, const struct node_files *files) {
    if (sandbox->store != BANK_STORE_POSTGRES) return;
    buffer_printf(out, "%snode:\n  name: %s\n", files->listens ? "" : "roles: gateway,auth\n", files->name);
    if (files->listens)
        buffer_printf(out, "  address: 127.0.0.1:%u\n  listen: 127.0.0.1:%u\n", sandbox->node_port, sandbox->node_port);
    put_key(out, sandbox, "certificate", PLACE_VAR, "pki/node.pem");
    put_key(out, sandbox, "key", PLACE_VAR, "pki/node.key");
    put_key(out, sandbox, "trust", PLACE_VAR, "pki/node-ca.pem");
}

static void put_yaml(struct buffer *out, const struct sandbox *sandbox, const struct node_files *files) {
    unsigned base = sandbox->port_base;
    buffer_append_c(out, "# Made by `giro run` at every start; changes are lost.\nsandbox: true\nlog:\n");
    put_key(out, sandbox, "path", PLACE_VAR, files->log);
    buffer_append_c(out, "  level: info\nstore:\n");
    put_store(out, sandbox, files);
    buffer_append_c(out, "bank:\n  country: GB\n  code: GIRO\n  org_id: 0015800001ZGIROAAA\npolicy:\n");
    put_key(out, sandbox, "aml_names", PLACE_PROJECT, "policy/aml/names.csv");
    put_key(out, sandbox, "fraud_creditors", PLACE_PROJECT, "policy/fraud/creditors.txt");
    put_key(out, sandbox, "fees", PLACE_PROJECT, "policy/fees.json");
    buffer_append_c(out, "saga:\n");
    put_key(out, sandbox, "payment", PLACE_PROJECT, "sagas/payment.asl.json");
    buffer_printf(out, "core:\n  host: 127.0.0.1\n  port: %u\n", sandbox->core_port);
    put_key(out, sandbox, "layouts", PLACE_PROJECT, "src/integration/acl/layouts");
    buffer_printf(out, "sink:\n  host: 127.0.0.1\n  port: %u\nlisten:\n", sandbox->sink_port);
    put_key(out, sandbox, "socket", PLACE_SOCKET, files->socket);
    buffer_printf(out, "  users: [%u]\n", (unsigned)geteuid());
    put_cache(out, sandbox);
    buffer_printf(out, "gateway:\n  response_check: %s\n", sandbox->response_check);
    buffer_append_c(out, "open_banking:\n  unattended_reads_per_day: 4\napi:\n");
    put_key(out, sandbox, "documents", PLACE_PROJECT, "api");
    buffer_printf(out, "  url: \"https://localhost:%u\"\nauth:\n  issuer: \"https://localhost:%u\"\n", base, base + 1);
    put_key(out, sandbox, "signing_key", PLACE_VAR, "pki/bank-signing.key");
    buffer_append_c(out, "registration:\n  directory_issuer: " SANDBOX_DIRECTORY_ISSUER "\n");
    put_key(out, sandbox, "directory_keys", PLACE_VAR, "pki/directory.jwks");
    buffer_append_c(out, "trust:\n  clients: [");
    put_place(out, sandbox, PLACE_VAR, "pki/ca.pem");
    buffer_append_c(out, "]\nedge:\n  certificates: [");
    put_place(out, sandbox, PLACE_VAR, "pki/server.pem");
    buffer_printf(out, "]\noperations:\n  port: %u\nadmin:\n", files->listens ? base + 2 : sandbox->canary_port);
    put_key(out, sandbox, "socket", PLACE_SOCKET, files->admin);
    put_node(out, sandbox, files);
    buffer_append_c(out, "scheduling:\n  period: 500ms\nbusiness_days:\n  GBP:\n");
    put_indented(out, sandbox, "calendar", "policy/calendar/GB.csv");
    buffer_append_c(out, "  EUR:\n");
    put_indented(out, sandbox, "calendar", "policy/calendar/EUR.csv");
    put_tiers(out);
}

/* Files that the edge serves itself. */
static int write_static(const struct sandbox *sandbox, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX], text[1024];
    memset(text, '.', sizeof text);
    text[sizeof text - 1] = '\n';
    sandbox_path(sandbox, "nginx/static", path);
    int r = dir_make(path, 0755, message);
    sandbox_path(sandbox, "nginx/static/" SANDBOX_STATIC_FILE, path);
    return r ? err_trace(r) : err_trace(file_write_atomic(path, str_from_bytes(text, sizeof text), 0644, message));
}

/* Cuts text at its blanks; at most one more than the edge takes, which it refuses then. */
static size_t split_peers(char *text, const char *peers[EDGE_PEERS_MAX + 1]) {
    size_t count = 0;
    for (char *at = text; *at && count <= EDGE_PEERS_MAX; count++) {
        peers[count] = at;
        at += strcspn(at, " ");
        if (*at) *at++ = 0;
    }
    return count;
}

static int write_edge(const struct sandbox *sandbox, struct message *message) {
    char directory[SANDBOX_PATH_BYTES_MAX], prefix[SANDBOX_PATH_BYTES_MAX], pid[SANDBOX_PATH_BYTES_MAX];
    char socket[SANDBOX_PATH_BYTES_MAX], cert[SANDBOX_PATH_BYTES_MAX], key[SANDBOX_PATH_BYTES_MAX];
    char files[SANDBOX_PATH_BYTES_MAX], canary[SANDBOX_PATH_BYTES_MAX], share[SANDBOX_PATH_BYTES_MAX];
    struct edge_config edge;
    sandbox_path(sandbox, "nginx", directory);
    sandbox_path(sandbox, "log/nginx-", prefix);
    sandbox_path(sandbox, "nginx/nginx.pid", pid);
    sandbox_socket(sandbox, "giro.sock", socket);
    sandbox_path(sandbox, "pki/server.pem", cert);
    sandbox_path(sandbox, "pki/server.key", key);
    edge_config_init(&edge);
    edge.directory = directory;
    edge.log_prefix = prefix;
    edge.pid_file = pid; /* var/run/nginx.pid is the supervisor's */
    edge.daemon_socket = socket;
    edge.server_cert = cert;
    edge.server_key = key;
    sandbox_socket(sandbox, canary_files.socket, canary);
    sandbox_path(sandbox, SANDBOX_CANARY_SHARE, share);
    if (sandbox->store == BANK_STORE_POSTGRES) {
        edge.canary_socket = canary;
        edge.canary_share = share;
    }
    sandbox_path(sandbox, "nginx/static", files);
    edge.static_root = files;
    edge.mtls_port = sandbox->port_base;
    edge.browser_port = (uint16_t)(sandbox->port_base + 1);
    char peers_text[SANDBOX_PATH_BYTES_MAX];
    const char *peers[EDGE_PEERS_MAX + 1];
    (void)snprintf(peers_text, sizeof peers_text, "%s", sandbox->proxy_peers);
    edge.proxy_peers = peers;
    edge.proxy_peer_count = split_peers(peers_text, peers);
    int r = write_static(sandbox, message);
    if (r) return err_trace(r);
    r = edge_config_write(&edge, message);
    return r > 0 ? SANDBOX_E_INVALID : err_trace(r);
}

static int write_yaml(const struct sandbox *sandbox, const char *name, const struct node_files *files,
                      struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct buffer out;
    buffer_init_heap(&out, YAML_BYTES_MAX);
    put_yaml(&out, sandbox, files);
    sandbox_path(sandbox, name, path);
    int r = out.overflow ? err_origin(-ENOMEM) : file_write_atomic(path, buffer_str(&out), 0600, message);
    buffer_release(&out);
    return err_trace(r);
}

int sandbox_write_config(const struct sandbox *sandbox, struct message *message) {
    int r = write_yaml(sandbox, "giro.yaml", &live_files, message);
    if (!r && sandbox->store == BANK_STORE_POSTGRES)
        r = write_yaml(sandbox, SANDBOX_CANARY_CONFIG, &canary_files, message);
    return r ? err_trace(r) : write_edge(sandbox, message);
}
