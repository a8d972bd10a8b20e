#include "platform/http_server_int.h"

#include "platform/clock.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void count(atomic_uint_fast64_t *counter) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static int64_t phase_ms(const struct http_connection *connection, enum http_phase phase) {
    const struct http_server_options *options = &connection->server->options;
    switch (phase) {
    case HTTP_PHASE_IDLE:
        return options->idle_ms;
    case HTTP_PHASE_HEAD:
        return options->header_ms;
    case HTTP_PHASE_BODY:
        return options->body_ms;
    case HTTP_PHASE_WRITING:
        return options->write_ms;
    case HTTP_PHASE_LINGERING:
        return HTTP_LINGER_MS;
    case HTTP_PHASE_FREE:
    case HTTP_PHASE_HANDLING:
    case HTTP_PHASE_COUNT:
        break;
    }
    return 0;
}

static void list_remove(struct http_connection *connection) {
    struct http_list *list = &connection->io->lists[connection->phase];
    *(connection->previous ? &connection->previous->next : &list->first) = connection->next;
    *(connection->next ? &connection->next->previous : &list->last) = connection->previous;
    connection->previous = connection->next = NULL;
}

static void list_append(struct http_connection *connection) {
    struct http_list *list = &connection->io->lists[connection->phase];
    connection->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = connection;
    list->last = connection;
}

static void set_phase(struct http_connection *connection, enum http_phase phase) {
    if (connection->phase != HTTP_PHASE_FREE) list_remove(connection);
    connection->phase = phase;
    if (phase == HTTP_PHASE_FREE) return;
    int64_t ms = phase_ms(connection, phase);
    connection->deadline_ms = phase == HTTP_PHASE_HANDLING ? INT64_MAX : connection->io->now_ms + ms;
    list_append(connection);
}

static int out_init(struct http_connection *connection) {
    connection->out = (struct buffer){ .at = malloc(HTTP_OUT_BYTES_FIRST),
                                       .capacity = HTTP_OUT_BYTES_FIRST,
                                       .bytes_max = connection->server->options.response_bytes_max,
                                       .heap = true };
    return connection->out.at ? 0 : err_origin(-ENOMEM);
}

static void out_shrink(struct buffer *out) {
    char *at = realloc(out->at, HTTP_OUT_BYTES_FIRST);
    if (!at) return; /* then it stays large */
    out->at = at;
    out->capacity = HTTP_OUT_BYTES_FIRST;
}

int http_connection_init(struct http_connection *connection, struct http_server *server) {
    connection->server = server;
    connection->fd = -1;
    /* One more than the largest request, to see bytes too many. */
    connection->in_bytes_max = HTTP_HEADER_BYTES_MAX + server->options.body_bytes_max + 1;
    connection->in = malloc(connection->in_bytes_max);
    int r = connection->in ? 0 : err_origin(-ENOMEM);
    if (r == 0) r = out_init(connection);
    if (r == 0) r = arena_init(&connection->request.arena, HTTP_ARENA_BLOCK_BYTES, server->options.arena_bytes_max);
    if (r) http_connection_release(connection);
    return err_trace(r);
}

void http_connection_release(struct http_connection *connection) {
    if (connection->fd >= 0) (void)close(connection->fd); /* whatever was on it has been given up */
    connection->fd = -1;
    if (connection->in) explicit_bzero(connection->in, connection->in_bytes);
    free(connection->in);
    connection->in = NULL;
    if (connection->out.at) explicit_bzero(connection->out.at, connection->out.len);
    buffer_release(&connection->out);
    arena_release(&connection->request.arena);
}

/* Ready for the next request: nothing of the last one stays. */
static void reset_request(struct http_connection *connection) {
    explicit_bzero(connection->in, connection->in_bytes);
    if (connection->out.len) explicit_bzero(connection->out.at, connection->out.len);
    buffer_reset(&connection->out);
    if (connection->out.capacity > HTTP_REPLY_BYTES_KEPT) out_shrink(&connection->out);
    arena_reset(&connection->request.arena);
    connection->in_bytes = connection->head_bytes = connection->out_sent = connection->lingered_bytes = 0;
    connection->scan = (struct http_scan){ 0 };
    connection->linger = false;
    atomic_store_explicit(&connection->closing, false, memory_order_relaxed);
}

void http_connection_close(struct http_connection *connection) {
    if (connection->fd >= 0) (void)close(connection->fd); /* an error here could only speak of bytes already given up */
    connection->fd = -1;
    if (connection->phase == HTTP_PHASE_HANDLING) return; /* (H1) its answer brings it back */
    set_phase(connection, HTTP_PHASE_FREE);
    reset_request(connection);
    atomic_fetch_sub(&connection->io->connection_count, 1);
    http_connection_give_back(connection);
}

bool http_connection_give(struct http_connection *connection, int *ret_fd) {
    int fd = connection->fd;
    check(connection->phase == HTTP_PHASE_IDLE && connection->in_bytes == 0);
    bool good = epoll_ctl(connection->io->epoll_fd, EPOLL_CTL_DEL, fd, NULL) == 0;
    if (good) connection->fd = -1;
    http_connection_close(connection);
    if (good) *ret_fd = fd;
    return good;
}

static bool watch(struct http_connection *connection, int operation, uint32_t events) {
    struct epoll_event event = { .events = events | EPOLLET, .data.ptr = connection };
    return epoll_ctl(connection->io->epoll_fd, operation, connection->fd, &event) == 0;
}

void http_connection_open(struct http_connection *connection) {
    connection->waits_to_write = false;
    set_phase(connection, HTTP_PHASE_IDLE);
    if (!watch(connection, EPOLL_CTL_ADD, EPOLLIN)) http_connection_close(connection);
}

static void refuse(struct http_connection *connection, enum http_refusal refusal) {
    count(&connection->server->counters.refused_requests);
    atomic_store(&connection->closing, true);
    connection->linger = true;
    http_refusal_write(&connection->out, &connection->server->options, refusal,
                       str_from_bytes(connection->in, connection->in_bytes));
    http_connection_send(connection);
}

static void dispatch(struct http_connection *connection) {
    struct http_request *request = &connection->request;
    const struct http_head *head = &connection->head;
    request->method = head->method;
    request->path = head->path;
    request->query = head->query;
    request->headers = head->headers;
    request->header_count = head->header_count;
    request->body = str_from_bytes(connection->in + connection->head_bytes, (size_t)head->content_length);
    request->received_mono_ns = clock_mono_ns();
    request->user = NULL;
    request->connection = connection;
    request->io_thread = (size_t)(connection->io - connection->server->ios);
    if (!connection->io->rest_ms) connection->io->rest_ms = connection->io->now_ms + HTTP_REST_MS;
    atomic_store_explicit(&connection->closing, head->close, memory_order_relaxed);
    atomic_store_explicit(&connection->answered, false, memory_order_relaxed);
    count(&connection->server->counters.requests);
    set_phase(connection, HTTP_PHASE_HANDLING);
    connection->server->options.on_request(connection->server->options.ctx, request);
}

/* Looks at what has come so far. True: the connection has gone on (handed out, refused, closed); false: more bytes
 * are needed. */
static bool take_bytes(struct http_connection *connection) {
    struct str bytes = str_from_bytes(connection->in, connection->in_bytes);
    if (connection->head_bytes == 0) {
        int r = http_scan_head(&connection->scan, bytes, &connection->head_bytes);
        if (r == HTTP_E_INCOMPLETE) {
            if (connection->phase == HTTP_PHASE_IDLE) set_phase(connection, HTTP_PHASE_HEAD);
            return false;
        }
        if (r == 0)
            r = http_parse_head(str_slice(bytes, 0, connection->head_bytes), connection->server->options.body_bytes_max,
                                &connection->head);
        if (r) {
            refuse(connection, (enum http_refusal)r);
            return true;
        }
    }
    size_t total = connection->head_bytes + (size_t)connection->head.content_length;
    if (connection->in_bytes < total) {
        if (connection->phase != HTTP_PHASE_BODY) set_phase(connection, HTTP_PHASE_BODY);
        return false;
    }
    if (connection->in_bytes > total) refuse(connection, HTTP_E_PIPELINED);
    else dispatch(connection);
    return true;
}

/* Reads until a request is whole or the socket is empty (edge-triggered: the next bytes make a new event). */
static void read_request(struct http_connection *connection) {
    for (;;) {
        check(connection->in_bytes < connection->in_bytes_max);
        ssize_t n = recv(connection->fd, connection->in + connection->in_bytes,
                         connection->in_bytes_max - connection->in_bytes, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            http_connection_close(connection);
            return;
        }
        connection->in_bytes += (size_t)n;
        if (take_bytes(connection)) return;
    }
}

/* Something happened on a connection whose request is being handled or answered: bytes that nobody asked for, or the
 * client's end of sending. Either way this answer is the last one (H2). */
static void probe(struct http_connection *connection) {
    char byte;
    if (connection->fd < 0) return;
    ssize_t n = recv(connection->fd, &byte, 1, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n > 0) connection->linger = true;
    atomic_store(&connection->closing, true);
}

static void discard(struct http_connection *connection) {
    char bytes[16 * 1024];
    ssize_t n = 1;
    while (n > 0 && connection->lingered_bytes < HTTP_LINGER_BYTES_MAX) {
        n = recv(connection->fd, bytes, sizeof bytes, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n > 0) connection->lingered_bytes += (size_t)n;
    }
    http_connection_close(connection);
}

static void send_done(struct http_connection *connection) {
    count(&connection->server->counters.replies);
    if (connection->linger) {
        set_phase(connection, HTTP_PHASE_LINGERING);
        if (shutdown(connection->fd, SHUT_WR)) http_connection_close(connection);
        else discard(connection);
        return;
    }
    if (atomic_load_explicit(&connection->closing, memory_order_relaxed)) {
        if (connection->phase == HTTP_PHASE_HANDLING)
            set_phase(connection, HTTP_PHASE_WRITING); /* it was answered: it may go */
        http_connection_close(connection);
        return;
    }
    reset_request(connection);
    set_phase(connection, HTTP_PHASE_IDLE);
    if (!connection->waits_to_write) return;
    connection->waits_to_write = false;
    if (!watch(connection, EPOLL_CTL_MOD, EPOLLIN)) http_connection_close(connection);
}

static void send_failed(struct http_connection *connection) {
    count(&connection->server->counters.replies_dropped);
    if (connection->phase == HTTP_PHASE_HANDLING) set_phase(connection, HTTP_PHASE_WRITING);
    http_connection_close(connection);
}

void http_connection_send(struct http_connection *connection) {
    const struct buffer *out = &connection->out;
    while (connection->fd >= 0 && connection->out_sent < out->len) {
        ssize_t n = send(connection->fd, out->at + connection->out_sent, out->len - connection->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) break;
        if (n > 0) connection->out_sent += (size_t)n;
        if (n >= 0) continue;
        if (connection->phase != HTTP_PHASE_WRITING) set_phase(connection, HTTP_PHASE_WRITING);
        if (!connection->waits_to_write && !watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT)) break;
        connection->waits_to_write = true;
        return;
    }
    if (connection->fd >= 0 && connection->out_sent == out->len) send_done(connection);
    else send_failed(connection);
}

void http_connection_on_event(struct http_connection *connection, uint32_t events) {
    switch (connection->phase) {
    case HTTP_PHASE_FREE:
        return;
    case HTTP_PHASE_IDLE:
        if (!atomic_load_explicit(&connection->server->giving, memory_order_relaxed)) read_request(connection);
        return; /* H5: what has come is whoever gets the connection's to read */
    case HTTP_PHASE_HEAD:
    case HTTP_PHASE_BODY:
        read_request(connection);
        return;
    case HTTP_PHASE_HANDLING:
        if (events & (EPOLLHUP | EPOLLERR)) http_connection_close(connection);
        else probe(connection);
        return;
    case HTTP_PHASE_WRITING:
        if (events & EPOLLIN) probe(connection);
        http_connection_send(connection);
        return;
    case HTTP_PHASE_LINGERING:
        discard(connection);
        return;
    case HTTP_PHASE_COUNT:
        break;
    }
    check(false);
}

void http_connection_on_deadline(struct http_connection *connection) {
    bool was_reading = connection->phase == HTTP_PHASE_HEAD || connection->phase == HTTP_PHASE_BODY;
    if (was_reading) refuse(connection, HTTP_E_TOO_SLOW);
    else if (connection->phase == HTTP_PHASE_WRITING) send_failed(connection);
    else http_connection_close(connection);
}
