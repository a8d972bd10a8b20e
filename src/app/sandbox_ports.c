#include "app/sandbox.h"

#include <unistd.h>

#include "platform/file.h"
#include "platform/net.h"
#include "wire/json.h"

enum { STATE_BYTES_MAX = 4096, OPERATIONS_OFFSET = 2, NODE_OFFSET = 3 };

static const char *const store_names[] = { [BANK_STORE_SQLITE] = "sqlite", [BANK_STORE_POSTGRES] = "postgres" };
static const char *const cache_names[] = { [BANK_CACHE_EMBEDDED] = "embedded", [BANK_CACHE_REDIS] = "redis" };
static const char *const uses[] = { "the mTLS API", "the browser pages", "operations" };

static bool is_free(uint16_t port) {
    int fd;
    uint16_t got;
    if (port == 0 || net_listen_tcp("127.0.0.1", port, &fd, &got, NULL)) return false;
    net_close(fd);
    return true;
}

/* wanted when it is free, else any free port. */
static int pick(uint16_t wanted, uint16_t *ret_port, struct message *message) {
    int fd;
    if (is_free(wanted)) {
        *ret_port = wanted;
        return 0;
    }
    int r = net_listen_tcp("127.0.0.1", 0, &fd, ret_port, message);
    if (r) return err_trace(r);
    net_close(fd);
    return 0;
}

int sandbox_choose_store(struct sandbox *sandbox, bool fresh, struct message *message) {
    struct sandbox last = *sandbox;
    if (fresh || sandbox_read_state(&last, NULL)) return 0; /* nothing there: what was asked for, or sqlite */
    if (sandbox->store_named && sandbox->store != last.store) {
        message_set(message,
                    "%s holds a bank on %s, not on %s: leave --store out, use another --var, or forget it with --fresh",
                    sandbox->var, store_names[last.store], store_names[sandbox->store]);
        return SANDBOX_E_INVALID;
    }
    sandbox->store = last.store;
    return 0;
}

int sandbox_pick_ports(struct sandbox *sandbox, struct message *message) {
    struct sandbox last = *sandbox;
    for (uint16_t i = 0; i <= OPERATIONS_OFFSET; i++) {
        uint16_t port = (uint16_t)(sandbox->port_base + i);
        if (is_free(port)) continue;
        message_set(message, "port %u (%s) is taken; end what listens there, or choose others with --port-base N", port,
                    uses[i]);
        return SANDBOX_E_BUSY;
    }
    bool known = sandbox_read_state(&last, NULL) == 0;
    int r = pick(known ? last.core_port : 0, &sandbox->core_port, message);
    if (!r) r = pick(known ? last.sink_port : 0, &sandbox->sink_port, message);
    if (!r) r = pick((uint16_t)(sandbox->port_base + NODE_OFFSET), &sandbox->node_port, message);
    if (!r) r = pick(known ? last.canary_port : 0, &sandbox->canary_port, message);
    return r ? err_trace(r) : 0;
}

int sandbox_read_state(struct sandbox *sandbox, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct arena arena = { 0 };
    struct json *json = NULL;
    struct str text;
    sandbox_path(sandbox, "sandbox.json", path);
    int r = arena_init(&arena, STATE_BYTES_MAX, 4 * STATE_BYTES_MAX);
    if (!r) r = file_read_all(path, STATE_BYTES_MAX, &arena, &text, NULL);
    if (!r) r = json_parse(text, STATE_BYTES_MAX, 4, &json, NULL);
    arena_release(&arena);
    if (r) {
        message_set(message, "there is no sandbox in %s: start one with ./run, or name its folder with --var",
                    sandbox->var);
        return SANDBOX_E_ABSENT;
    }
    sandbox->port_base = (uint16_t)json_get_integer(json, "port_base", 0);
    sandbox->core_port = (uint16_t)json_get_integer(json, "core_port", 0);
    sandbox->sink_port = (uint16_t)json_get_integer(json, "sink_port", 0);
    sandbox->node_port = (uint16_t)json_get_integer(json, "node_port", 0);
    sandbox->canary_port = (uint16_t)json_get_integer(json, "canary_port", 0);
    struct str store = json_get_string(json, "store");
    sandbox->store = str_equal_c(store, store_names[BANK_STORE_POSTGRES]) ? BANK_STORE_POSTGRES : BANK_STORE_SQLITE;
    struct str cache = json_get_string(json, "cache");
    sandbox->cache = str_equal_c(cache, cache_names[BANK_CACHE_REDIS]) ? BANK_CACHE_REDIS : BANK_CACHE_EMBEDDED;
    (void)json_free(json); /* always NULL */
    return 0;
}

int sandbox_write_state(const struct sandbox *sandbox, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX], text[256];
    int len = snprintf(text, sizeof text,
                       "{\"port_base\":%u,\"core_port\":%u,\"sink_port\":%u,\"node_port\":%u,\"canary_port\":%u,"
                       "\"store\":\"%s\",\"cache\":\"%s\"}\n",
                       sandbox->port_base, sandbox->core_port, sandbox->sink_port, sandbox->node_port,
                       sandbox->canary_port, store_names[sandbox->store], cache_names[sandbox->cache]);
    sandbox_path(sandbox, "sandbox.json", path);
    return err_trace(file_write_atomic(path, str_from_bytes(text, (size_t)len), 0644, message));
}
