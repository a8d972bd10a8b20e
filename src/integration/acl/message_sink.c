#include "integration/acl/message_sink.h"

#include "platform/clock.h"
#include "platform/net.h"
#include "services/notifications/notice.h"
#include "wire/json.h"

enum { ANSWER_LINE_BYTES_MAX = 128 };

struct message_sink {
    char host[NET_HOST_BYTES_MAX + 1];
    uint16_t port;
    int fd; /* -1: not connected */
    char answers[4096];
    size_t answer_bytes;
};

int message_sink_new(const char *host, uint16_t port, struct message_sink **ret_sink) {
    struct message_sink *sink = calloc(1, sizeof *sink);
    if (!sink) return err_origin(-ENOMEM);
    sink->fd = -1;
    sink->port = port;
    if (str_to_c(str_from_c(host), sink->host, sizeof sink->host)) {
        free(sink);
        return err_origin(-EINVAL);
    }
    *ret_sink = sink;
    return 0;
}

static void disconnect(struct message_sink *sink) {
    net_close(sink->fd);
    sink->fd = -1;
    sink->answer_bytes = 0;
}

struct message_sink *message_sink_free(struct message_sink *sink) {
    if (!sink) return NULL;
    disconnect(sink);
    free(sink);
    return NULL;
}

static void write_message(struct buffer *out, const struct event *event, const char *template_name) {
    struct json_writer writer;
    char id[ID_TEXT_BYTES], to[NOTICE_TO_BYTES];
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_str(&writer, "id", id_format(event->id.bytes, id));
    json_member_str(&writer, "to", notice_to(event, to));
    json_member_c(&writer, "template", template_name);
    json_member_str(&writer, "payment_id", id_format(event->payment_id.bytes, id));
    json_object_end(&writer);
    buffer_append_char(out, '\n');
}

/* The next line of answers, without its line end. */
static int read_line(struct message_sink *sink, int64_t deadline_ms, char line[ANSWER_LINE_BYTES_MAX]) {
    for (;;) {
        char *end = memchr(sink->answers, '\n', sink->answer_bytes);
        if (end) {
            size_t len = (size_t)(end - sink->answers);
            if (len >= ANSWER_LINE_BYTES_MAX) return err_origin(-EBADMSG);
            memcpy(line, sink->answers, len);
            line[len] = 0;
            sink->answer_bytes -= len + 1;
            memmove(sink->answers, end + 1, sink->answer_bytes);
            return 0;
        }
        size_t got, room = sizeof sink->answers - sink->answer_bytes;
        if (!room) return err_origin(-EBADMSG);
        int r = net_receive_some(sink->fd, sink->answers + sink->answer_bytes, room, deadline_ms, &got);
        if (r) return err_trace(r);
        if (!got) return err_origin(-ECONNRESET);
        sink->answer_bytes += got;
    }
}

/* Reads `ok ID` for each event that had a message, in the order in which they were sent. */
static int await_answers(struct message_sink *sink, const struct event *events, size_t count, int64_t deadline_ms) {
    char line[ANSWER_LINE_BYTES_MAX], want[ANSWER_LINE_BYTES_MAX], id[ID_TEXT_BYTES];
    for (size_t i = 0; i < count; i++) {
        if (!notice_template(events[i].type)) continue;
        int r = read_line(sink, deadline_ms, line);
        if (r) return err_trace(r);
        (void)snprintf(want, sizeof want, "ok " STR_FMT, STR_ARG(id_format(events[i].id.bytes, id)));
        if (strcmp(line, want)) return err_origin(-EBADMSG);
    }
    return 0;
}

bool message_sink_wants(enum event_type type) {
    return notice_template(type) != NULL;
}

int message_sink_deliver(void *ctx, const struct event *events, size_t count) {
    struct message_sink *sink = ctx;
    struct buffer lines;
    int64_t deadline_ms = clock_mono_ms() + MESSAGE_SINK_DEADLINE_MS;
    int r = 0;
    buffer_init_heap(&lines, MESSAGE_SINK_BATCH_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        if (notice_template(events[i].type)) write_message(&lines, &events[i], notice_template(events[i].type));
    if (lines.overflow) r = err_origin(-EMSGSIZE);
    if (!r && lines.len && sink->fd < 0) r = net_connect_tcp(sink->host, sink->port, deadline_ms, &sink->fd);
    if (!r && lines.len) r = net_send_all(sink->fd, lines.at, lines.len, deadline_ms);
    if (!r && lines.len) r = await_answers(sink, events, count, deadline_ms);
    if (r) disconnect(sink); /* an answer that comes late must not meet the next batch */
    buffer_release(&lines);
    return err_trace(r);
}
