#include "simulators/sink/service.h"

#include "simulators/sink/message.h"

static const char *const format = "giro-sim-sink messages 1";
static_assert((int)MESSAGE_LINE_BYTES_MAX + 1 < (int)LOOP_IN_BYTES_MAX, "a whole line fits into a connection's buffer");
static_assert((int)MESSAGE_LINE_BYTES_MAX <= (int)RECORD_LOG_PAYLOAD_BYTES_MAX,
              "a line of ours is a payload of the file");

/* The key of the table: the id behind NULs. */
static void id_key(struct str id, char key[MESSAGE_ID_BYTES_MAX]) {
    memset(key, 0, MESSAGE_ID_BYTES_MAX);
    memcpy(key, id.at, id.len);
}

static int take_stored(void *ctx, uint64_t sequence, struct str payload) {
    struct sink *sink = ctx;
    struct sink_message message;
    char key[MESSAGE_ID_BYTES_MAX];
    (void)sequence; /* the file's own check */
    if (sink_message_parse(payload, &message)) return err_origin(-EBADMSG);
    id_key(message.id, key);
    return keyed_table_add(&sink->ids, key) ? 0 : err_origin(-ENOMEM);
}

/* Stores a message unless its id is known. 0, -ENOSPC (full), or a fault of the file. */
static int store(struct sink *sink, struct str line, struct str id) {
    char key[MESSAGE_ID_BYTES_MAX];
    uint64_t sequence;
    id_key(id, key);
    if (keyed_table_find(&sink->ids, key)) return 0;
    if (!keyed_table_add(&sink->ids, key)) return err_origin(-ENOSPC);
    return err_trace(record_log_append(&sink->log, line, &sequence));
}

/* Writes the answer to one line. False: the connection is to close behind it. */
static bool answer_line(struct sink *sink, struct str line, struct buffer *out) {
    struct sink_message message;
    if (sink_message_parse(line, &message)) {
        buffer_append_c(
            out, "error not a message: {\"id\":\"...\",\"to\":\"...\",\"template\":\"...\"} in one line is expected\n");
        return false;
    }
    int r = store(sink, line, message.id);
    if (r == -ENOSPC) {
        buffer_append_c(out, "error the sink is full\n");
        return false;
    }
    sink->fault = r;
    buffer_printf(out, "ok " STR_FMT "\n", STR_ARG(message.id));
    return true;
}

static void on_bytes(void *ctx, struct loop_connection *connection) {
    struct sink *sink = ctx;
    char memory[MESSAGE_ID_BYTES_MAX + 128];
    const char *end;
    while (!connection->closing && !sink->fault && (end = memchr(connection->in, '\n', connection->in_len)) != NULL) {
        struct buffer answer;
        size_t len = (size_t)(end - connection->in);
        buffer_init(&answer, memory, sizeof memory);
        bool good = answer_line(sink, str_from_bytes(connection->in, len), &answer);
        bool room =
            loop_answer(connection, buffer_str(&answer), 0); /* an answer is shorter than its message: there is room */
        connection->closing = !good || !room;
        loop_consume(connection, len + 1);
    }
    if (connection->in_len > MESSAGE_LINE_BYTES_MAX) loop_close(connection);
}

int sink_open(struct sink *sink, const char *path, struct message *message) {
    struct record_log_reader reader = { .format = format, .take = take_stored, .ctx = sink };
    *sink = (struct sink){ .protocol = { .ctx = sink, .on_bytes = on_bytes } };
    keyed_table_init(&sink->ids, MESSAGE_ID_BYTES_MAX, MESSAGE_ID_BYTES_MAX, SINK_MESSAGES_MAX);
    int r = record_log_open(&sink->log, path, &reader, message);
    return r > 0 ? (int)SINK_E_LOCKED : err_trace(r);
}

void sink_release(struct sink *sink) {
    record_log_release(&sink->log);
    keyed_table_release(&sink->ids);
}

int sink_flush(void *ctx) {
    struct sink *sink = ctx;
    return sink->fault ? err_trace(sink->fault) : err_trace(record_log_flush(&sink->log));
}

struct listing {
    FILE *out;
    bool json, any;
};

static int list_one(void *ctx, uint64_t sequence, struct str payload) {
    struct listing *listing = ctx;
    (void)sequence;
    const char *before = !listing->json ? "" : listing->any ? ",\n" : "{\"messages\":[";
    fprintf(listing->out, "%s" STR_FMT "%s", before, STR_ARG(payload), listing->json ? "" : "\n");
    listing->any = true;
    return 0;
}

int sink_list(const char *path, FILE *out, bool json, struct message *message) {
    struct listing listing = { .out = out, .json = json };
    struct record_log_reader reader = { .format = format, .take = list_one, .ctx = &listing };
    int r = record_log_read(path, &reader, message);
    if (r) return err_trace(r);
    if (json) fprintf(out, "%s]}\n", listing.any ? "" : "{\"messages\":[");
    return 0;
}
