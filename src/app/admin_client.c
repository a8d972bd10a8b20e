#include "app/admin_client.h"

#include "app/admin.h"
#include "platform/clock.h"
#include "platform/net.h"

enum { CONNECT_MS = 2000 };

int admin_client_open(struct admin_client *client, const char *path, struct message *message) {
    client->fd = -1;
    int r = net_connect_unix(path, clock_mono_ms() + CONNECT_MS, &client->fd);
    if (!r) return 0;
    message_set(message, "no daemon answers on %s: %s", path, strerror(-r));
    return ADMIN_CLIENT_E_UNREACHABLE;
}

void admin_client_close(struct admin_client *client) {
    net_close(client->fd);
    client->fd = -1;
}

static int receive_line(int fd, int64_t deadline_ms, char *text, struct str *ret_line) {
    size_t len = 0, got;
    while (len < ADMIN_ANSWER_BYTES_MAX) {
        int r = net_receive_some(fd, text + len, ADMIN_ANSWER_BYTES_MAX - len, deadline_ms, &got);
        if (r) return r;
        if (got == 0) return -ENODATA;
        len += got;
        if (text[len - 1] != '\n') continue;
        *ret_line = str_from_bytes(text, len - 1);
        return 0;
    }
    return -EMSGSIZE;
}

int admin_client_call(struct admin_client *client, struct str request, struct arena *arena,
                      const struct json **ret_answer, struct message *message) {
    int64_t deadline_ms = clock_mono_ms() + ADMIN_CALL_MS_MAX;
    const struct json *answer = NULL;
    struct str line = { 0 };
    char *text = arena_alloc(arena, ADMIN_ANSWER_BYTES_MAX);
    if (!text) return err_origin(-ENOMEM);
    int r = net_send_all(client->fd, request.at, request.len, deadline_ms);
    if (!r) r = net_send_all(client->fd, "\n", 1, deadline_ms);
    if (!r) r = receive_line(client->fd, deadline_ms, text, &line);
    if (r) {
        message_set(message, "the daemon did not answer: %s", strerror(-r));
        return ADMIN_CLIENT_E_UNREACHABLE;
    }
    r = json_parse_arena(line, ADMIN_ANSWER_BYTES_MAX, JSON_DEPTH_MAX, arena, &answer);
    if (r == -ENOMEM) return err_trace(r);
    if (r || json_type(json_get(answer, "ok")) != JSON_BOOL_TYPE) return err_origin(-EBADMSG);
    if (!json_get_bool(answer, "ok", false)) {
        message_set(message, STR_FMT, STR_ARG(json_get_string(answer, "error")));
        return ADMIN_CLIENT_E_REFUSED;
    }
    *ret_answer = answer;
    return 0;
}
