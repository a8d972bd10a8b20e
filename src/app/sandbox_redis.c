/* sandbox_redis.c - a private Redis server for the sandbox: on a Unix socket alone, in memory alone. */
#include "app/sandbox.h"

#include <unistd.h>

#include "platform/clock.h"
#include "platform/file.h"
#include "platform/net.h"

enum { PROBE_MS = 20, CONFIG_BYTES_MAX = 4096 };
static const char server_path[] = "/usr/bin/redis-server", socket_name[] = "redis.sock";

const char *sandbox_redis_program(void) {
    return access(server_path, X_OK) == 0 ? server_path : NULL;
}

/* Text between double quotes as Redis reads its configuration. */
static void put_quoted(struct buffer *out, const char *text) {
    buffer_append_char(out, '"');
    for (const char *at = text; *at; at++) {
        if (*at == '"' || *at == '\\') buffer_append_char(out, '\\');
        buffer_append_char(out, *at);
    }
    buffer_append_char(out, '"');
}

int sandbox_redis_make(const struct sandbox *sandbox, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX], memory[CONFIG_BYTES_MAX];
    struct buffer out;
    if (!sandbox_redis_program()) {
        message_set(message, "%s is missing: install Debian's package redis-server (./run --cache redis does)",
                    server_path);
        return SANDBOX_E_ABSENT;
    }
    buffer_init(&out, memory, sizeof memory);
    buffer_append_c(&out, "# Made by `giro run` at every start; changes are lost.\nport 0\nunixsocketperm 700\n"
                          "unixsocket ");
    sandbox_socket(sandbox, socket_name, path);
    put_quoted(&out, path);
    buffer_append_c(&out, "\ndir ");
    sandbox_path(sandbox, "redis", path);
    int r = dir_make(path, 0700, message);
    put_quoted(&out, path);
    /* What it holds may be forgotten: no file, and the keys that end first go first. */
    buffer_append_c(&out, "\ndaemonize no\nsupervised no\nsave \"\"\nappendonly no\nmaxmemory 64mb\n"
                          "maxmemory-policy volatile-ttl\ntimeout 0\nloglevel notice\nlogfile \"\"\n");
    check(!out.overflow);
    sandbox_path(sandbox, "redis/redis.conf", path);
    if (!r) r = file_write_atomic(path, buffer_str(&out), 0600, message);
    return err_trace(r);
}

bool sandbox_redis_answers(void *context) {
    static const char ping[] = "PING\r\n", pong[] = "+PONG\r\n";
    const struct sandbox *sandbox = context;
    char path[SANDBOX_PATH_BYTES_MAX], answer[sizeof pong];
    int64_t deadline_ms = clock_mono_ms() + PROBE_MS;
    int fd;
    sandbox_socket(sandbox, socket_name, path);
    if (net_connect_unix(path, deadline_ms, &fd)) return false;
    bool answers = net_send_all(fd, ping, sizeof ping - 1, deadline_ms) == 0 &&
                   net_receive_exact(fd, answer, sizeof pong - 1, deadline_ms) == 0 &&
                   memcmp(answer, pong, sizeof pong - 1) == 0;
    net_close(fd);
    return answers;
}

void sandbox_redis_connection(const struct sandbox *sandbox, struct buffer *out) {
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_socket(sandbox, socket_name, path);
    buffer_printf(out, "unix:%s", path);
}
