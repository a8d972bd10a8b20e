#include "platform/http_server.h"

#include "platform/http_server_int.h"

#include "platform/clock.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* The thread that runs here, so that an answer given on its own IO thread needs no wake-up. */
static _Thread_local struct http_io *current_io;

struct http_server_options http_server_options_default(void) {
    return (struct http_server_options){
        .name = "http",
        .io_threads = 1,
        .connections_max = 1024,
        .body_bytes_max = 256 * 1024,
        .response_bytes_max = 4 * 1024 * 1024,
        .arena_bytes_max = 1024 * 1024,
        .header_ms = 10000,
        .body_ms = 10000,
        .idle_ms = 75000,
        .write_ms = 30000,
    };
}

static void io_wake(struct http_io *io) {
    uint64_t one = 1;
    ssize_t n = write(io->event_fd, &one, sizeof one);
    check(n == (ssize_t)sizeof one || errno == EAGAIN); /* EAGAIN: it is as awake as can be */
}

/* Whoever puts the first connection into an empty inbox wakes the thread; it empties the inbox before it sleeps. */
void http_io_post(struct http_io *io, struct http_connection *connection) {
    struct http_connection *head = atomic_load_explicit(&io->inbox, memory_order_relaxed);
    do connection->inbox_next = head;
    while (!atomic_compare_exchange_weak_explicit(&io->inbox, &head, connection, memory_order_acq_rel,
                                                  memory_order_relaxed));
    if (head == NULL && current_io != io) io_wake(io);
}

static void resume(struct http_connection *connection) {
    const struct http_server_options *options = &connection->server->options;
    connection->resumes = false;
    options->on_resume(options->ctx, &connection->request);
}

/* What is answered here meanwhile is for the next time. */
static void take_posted(struct http_io *io) {
    struct http_connection *newest = atomic_exchange_explicit(&io->inbox, NULL, memory_order_acq_rel), *oldest = NULL;
    while (newest) {
        struct http_connection *next = newest->inbox_next;
        newest->inbox_next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct http_connection *connection = oldest;
        oldest = connection->inbox_next; /* read first: the connection may be given back below */
        if (connection->resumes) resume(connection);
        else if (connection->phase == HTTP_PHASE_FREE) http_connection_open(connection);
        else http_connection_send(connection);
    }
}

void http_connection_give_back(struct http_connection *connection) {
    struct http_server *server = connection->server;
    check(pthread_mutex_lock(&server->free_lock) == 0);
    connection->inbox_next = server->free_connections;
    server->free_connections = connection;
    check(pthread_mutex_unlock(&server->free_lock) == 0);
}

/* A free connection with its buffers, or NULL. The last one given back comes first: its memory is warm. */
static struct http_connection *take_free(struct http_server *server) {
    check(pthread_mutex_lock(&server->free_lock) == 0);
    struct http_connection *connection = server->free_connections;
    if (connection) server->free_connections = connection->inbox_next;
    check(pthread_mutex_unlock(&server->free_lock) == 0);
    if (!connection || connection->in || http_connection_init(connection, server) == 0) return connection;
    http_connection_give_back(connection);
    return NULL;
}

static bool peer_of(const struct http_server *server, int fd, struct http_peer *ret_peer) {
    if (!server->options.unix_path) {
        *ret_peer = (struct http_peer){ .uid = (uid_t)-1 };
        return true;
    }
    struct ucred credentials;
    socklen_t bytes = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes)) return false;
    *ret_peer = (struct http_peer){ .is_unix = true, .uid = credentials.uid, .pid = credentials.pid };
    for (size_t i = 0; i < server->options.allowed_uid_count; i++)
        if (server->options.allowed_uids[i] == credentials.uid) return true;
    return false;
}

static struct http_io *least_used_io(struct http_server *server) {
    struct http_io *least = &server->ios[0];
    for (size_t i = 1; i < server->options.io_threads; i++)
        if (atomic_load(&server->ios[i].connection_count) < atomic_load(&least->connection_count))
            least = &server->ios[i];
    return least;
}

/* 503 in one send, as much as the socket takes, and good bye. */
static void refuse_connection(struct http_server *server, int fd) {
    char text[HTTP_ERROR_BYTES_MAX + 1024];
    struct buffer out;
    buffer_init(&out, text, sizeof text);
    atomic_fetch_add(&server->counters.refused_limit, 1);
    http_refusal_write(&out, &server->options, HTTP_E_CONNECTIONS, (struct str){ 0 });
    (void)send(fd, out.at, out.len, MSG_NOSIGNAL); /* a courtesy: whoever does not get it sees a closed connection */
    (void)close(fd);                               /* nothing was promised on it */
}

static void adopt(struct http_server *server, int fd) {
    struct http_peer peer;
    if (!peer_of(server, fd, &peer)) {
        atomic_fetch_add(&server->counters.refused_peer, 1);
        (void)close(fd); /* a stranger gets no answer */
        return;
    }
    struct http_connection *connection = take_free(server);
    if (!connection) {
        refuse_connection(server, fd);
        return;
    }
    atomic_fetch_add(&server->counters.accepted, 1);
    connection->fd = fd;
    connection->request.peer = peer;
    connection->io = least_used_io(server);
    atomic_fetch_add(&connection->io->connection_count, 1);
    http_io_post(connection->io, connection);
}

static void watch_listener(struct http_server *server, int operation, uint32_t events) {
    struct epoll_event event = { .events = events, .data.ptr = &server->listener };
    check(epoll_ctl(server->ios[0].epoll_fd, operation, server->listener.fd, &event) == 0);
}

/* Out of descriptors or memory: accepting again at once would only spin. */
static void pause_accepting(struct http_io *io) {
    watch_listener(io->server, EPOLL_CTL_MOD, 0);
    io->server->listener.paused_until_ms = io->now_ms + HTTP_ACCEPT_PAUSE_MS;
}

static void accept_some(struct http_io *io) {
    for (int i = 0; i < HTTP_ACCEPTS_MAX; i++) {
        int fd = accept4(io->server->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            adopt(io->server, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause_accepting(io);
        if (errno == EINTR || errno == ECONNABORTED) continue;
        return;
    }
}

static void end_pause(struct http_io *io) {
    struct http_listener *listener = &io->server->listener;
    if (io != &io->server->ios[0]) return; /* the listener is the first thread's */
    if (listener->paused_until_ms == 0 || listener->paused_until_ms > io->now_ms || listener->fd < 0) return;
    listener->paused_until_ms = 0;
    watch_listener(io->server, EPOLL_CTL_MOD, EPOLLIN);
}

/* The first thread, the only one that hands connections out, takes in those that wait, and only then do all see the
 * drain: no connection goes to a thread that has ended, and none that the edge has just made is cut. */
static void begin_drain(struct http_io *io) {
    struct http_server *server = io->server;
    if (io != &server->ios[0] || !atomic_load(&server->stopping) || atomic_load(&server->draining)) return;
    for (int i = 0; i < HTTP_LISTEN_BACKLOG / HTTP_ACCEPTS_MAX + 1; i++) accept_some(io);
    atomic_store(&server->draining, true);
    http_unlisten(&server->listener, server->unix_path);
    for (size_t i = 1; i < server->options.io_threads; i++) io_wake(&server->ios[i]);
}

static bool is_drained(const struct http_io *io) {
    if (!atomic_load(&io->server->draining)) return false;
    return atomic_load(&io->connection_count) == 0 || atomic_load(&io->server->drain_until_ms) <= io->now_ms;
}

/* The same two steps for a gift: no connection goes to a thread that has given its own away. */
static void begin_give(struct http_io *io) {
    struct http_server *server = io->server;
    if (io != &server->ios[0] || !atomic_load(&server->giving) || atomic_load(&server->given_listener)) return;
    watch_listener(server, EPOLL_CTL_DEL, 0);
    server->gift->listen_fd = server->listener.fd;
    server->listener.fd = -1;
    server->listener.paused_until_ms = 0;
    atomic_store(&server->given_listener, true);
    for (size_t i = 1; i < server->options.io_threads; i++) io_wake(&server->ios[i]);
}

static bool is_given(const struct http_io *io) {
    if (!atomic_load(&io->server->given_listener)) return false;
    if (atomic_load(&io->server->drain_until_ms) <= io->now_ms) return true;
    if (atomic_load_explicit(&io->inbox, memory_order_relaxed)) return false;
    for (size_t i = 0; i < HTTP_PHASE_COUNT; i++)
        if (i != HTTP_PHASE_IDLE && io->lists[i].first) return false;
    return true;
}

/* False: the gift is full. */
static bool keep_in_gift(struct http_server *server, struct http_connection *connection) {
    int fd;
    check(pthread_mutex_lock(&server->free_lock) == 0);
    bool has_room = server->gift->count + server->options.io_threads <= HTTP_GIFT_CONNECTIONS_MAX;
    check(pthread_mutex_unlock(&server->free_lock) == 0);
    if (!has_room || !http_connection_give(connection, &fd)) return has_room;
    check(pthread_mutex_lock(&server->free_lock) == 0);
    server->gift->fds[server->gift->count++] = fd; /* each thread has looked for room for all */
    check(pthread_mutex_unlock(&server->free_lock) == 0);
    return true;
}

static void give_all(struct http_io *io) {
    struct http_connection *connection = io->lists[HTTP_PHASE_IDLE].first;
    while (connection && io->server->gift) {
        struct http_connection *next = connection->next;
        if (!keep_in_gift(io->server, connection)) return; /* what is left is closed */
        connection = next;
    }
}

static void expire(struct http_io *io) {
    for (size_t i = 0; i < HTTP_PHASE_COUNT; i++)
        while (io->lists[i].first && io->lists[i].first->deadline_ms <= io->now_ms)
            http_connection_on_deadline(io->lists[i].first);
}

/* Milliseconds to sleep; -1 = until something happens. */
static int sleep_ms(const struct http_io *io) {
    int64_t until_ms = INT64_MAX;
    const struct http_listener *listener = &io->server->listener;
    if (atomic_load_explicit(&io->inbox, memory_order_relaxed)) return 0;
    for (size_t i = 0; i < HTTP_PHASE_COUNT; i++)
        if (io->lists[i].first && io->lists[i].first->deadline_ms < until_ms)
            until_ms = io->lists[i].first->deadline_ms;
    if (io == &io->server->ios[0] && listener->paused_until_ms && listener->paused_until_ms < until_ms)
        until_ms = listener->paused_until_ms;
    bool ending = atomic_load(&io->server->draining) || atomic_load(&io->server->given_listener);
    if (ending && atomic_load(&io->server->drain_until_ms) < until_ms)
        until_ms = atomic_load(&io->server->drain_until_ms);
    if (io->rest_ms && io->server->options.on_rest && io->rest_ms < until_ms) until_ms = io->rest_ms;
    if (until_ms == INT64_MAX) return -1;
    int64_t ms = until_ms - clock_mono_ms();
    return ms <= 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void close_all(struct http_io *io) {
    take_posted(io); /* answers that are there still go out */
    for (size_t i = 0; i < HTTP_PHASE_COUNT; i++) {
        struct http_connection *connection = io->lists[i].first;
        while (connection) {
            struct http_connection *next = connection->next;
            http_connection_close(connection);
            connection = next;
        }
    }
}

static void rest(struct http_io *io) {
    if (!io->rest_ms || io->now_ms < io->rest_ms) return;
    io->rest_ms = 0;
    if (io->server->options.on_rest)
        io->server->options.on_rest(io->server->options.ctx, (size_t)(io - io->server->ios));
}

/* What an event has led to is sent before the next one is looked at: the edge goes on with it meanwhile. */
static void handle_event(struct http_io *io, const struct epoll_event *event) {
    if (event->data.ptr == io) return; /* only woken up: the inbox is looked at afterwards */
    if (event->data.ptr == &io->server->listener) accept_some(io);
    else http_connection_on_event(event->data.ptr, event->events);
    if (atomic_load_explicit(&io->inbox, memory_order_relaxed)) take_posted(io);
}

static void *io_work(void *arg) {
    struct http_io *io = arg;
    struct epoll_event events[HTTP_EVENTS_MAX];
    current_io = io;
    while (!is_drained(io) && !is_given(io)) {
        int n = epoll_wait(io->epoll_fd, events, HTTP_EVENTS_MAX, sleep_ms(io));
        check(n >= 0 || errno == EINTR);
        io->now_ms = clock_mono_ms();
        rest(io);
        for (int i = 0; i < n; i++) handle_event(io, &events[i]);
        while (atomic_load_explicit(&io->inbox, memory_order_relaxed)) take_posted(io);
        expire(io);
        end_pause(io);
        begin_drain(io);
        begin_give(io);
    }
    give_all(io);
    close_all(io);
    return NULL;
}

/* The eventfd is edge-triggered and never read: each write is a new edge. */
static int io_init(struct http_io *io, struct http_server *server) {
    io->server = server;
    io->now_ms = clock_mono_ms();
    io->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    io->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (io->epoll_fd < 0 || io->event_fd < 0) return err_origin(-errno);
    struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = io };
    return epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, io->event_fd, &event) ? err_origin(-errno) : 0;
}

static int ios_init(struct http_server *server) {
    for (size_t i = 0; i < server->options.io_threads; i++) {
        int r = io_init(&server->ios[i], server);
        if (r) return err_trace(r);
    }
    return 0;
}

static int ios_start(struct http_server *server) {
    watch_listener(server, EPOLL_CTL_ADD, EPOLLIN);
    for (size_t i = 0; i < server->options.io_threads; i++) {
        struct http_io *io = &server->ios[i];
        int r = pthread_create(&io->thread, NULL, io_work, io);
        if (r) return err_origin(-r);
        io->runs = true;
        char name[16];
        (void)snprintf(name, sizeof name, "%.11s-%zu", server->options.name, i % HTTP_IO_THREADS_MAX);
        (void)pthread_setname_np(io->thread, name); /* for people only */
    }
    return 0;
}

static int server_init(struct http_server *server, const struct http_server_options *options) {
    server->options = *options;
    server->listener.fd = -1;
    check(pthread_mutex_init(&server->free_lock, NULL) == 0);
    server->ios = calloc(options->io_threads, sizeof *server->ios);
    for (size_t i = 0; server->ios && i < options->io_threads; i++)
        server->ios[i].epoll_fd = server->ios[i].event_fd = -1;
    server->connections = calloc(options->connections_max, sizeof *server->connections);
    if (options->unix_path) server->unix_path = strdup(options->unix_path);
    if (!server->ios || !server->connections || (options->unix_path && !server->unix_path)) return err_origin(-ENOMEM);
    server->options.unix_path = server->unix_path;
    for (size_t i = options->connections_max; i > 0; i--) {
        server->connections[i - 1].server = server;
        server->connections[i - 1].fd = -1;
        http_connection_give_back(&server->connections[i - 1]);
    }
    return ios_init(server);
}

static void check_options(const struct http_server_options *options) {
    check(options->on_request && options->name && options->io_threads >= 1 &&
          options->io_threads <= HTTP_IO_THREADS_MAX);
    check(options->connections_max >= 1 && options->connections_max <= HTTP_CONNECTIONS_MAX);
    check(options->body_bytes_max <= HTTP_BODY_BYTES_MAX && options->response_bytes_max <= HTTP_RESPONSE_BYTES_MAX);
    check(options->response_bytes_max >= HTTP_OUT_BYTES_FIRST && options->arena_bytes_max >= HTTP_ARENA_BLOCK_BYTES);
    check(options->header_ms > 0 && options->body_ms > 0 && options->idle_ms > 0 && options->write_ms > 0);
    check(options->allowed_uid_count <= HTTP_UIDS_MAX && (!options->unix_path || options->allowed_uid_count >= 1));
}

static void server_release(struct http_server *server) {
    for (size_t i = 0; server->connections && i < server->options.connections_max; i++) {
        struct http_connection *connection = &server->connections[i];
        check(connection->phase != HTTP_PHASE_HANDLING || atomic_load(&connection->answered)); /* (H1) */
        http_connection_release(connection);
    }
    for (size_t i = 0; server->ios && i < server->options.io_threads; i++) {
        if (server->ios[i].epoll_fd >= 0) (void)close(server->ios[i].epoll_fd); /* holds nothing */
        if (server->ios[i].event_fd >= 0) (void)close(server->ios[i].event_fd); /* holds nothing */
    }
    http_unlisten(&server->listener, NULL);
    check(pthread_mutex_destroy(&server->free_lock) == 0);
    free(server->unix_path);
    free(server->connections);
    free(server->ios);
    free(server);
}

static void take_gift(struct http_server *server, struct http_gift *gift) {
    for (size_t i = 0; i < gift->count; i++) adopt(server, gift->fds[i]);
    *gift = (struct http_gift){ .listen_fd = -1 };
    server->options.gift = NULL;
}

void http_gift_close(struct http_gift *gift) {
    if (gift->listen_fd >= 0) (void)close(gift->listen_fd); /* nothing of it was ever ours to answer */
    for (size_t i = 0; i < gift->count; i++) (void)close(gift->fds[i]);
    *gift = (struct http_gift){ .listen_fd = -1 };
}

int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
                      struct message *message) {
    check_options(options);
    struct http_server *server = calloc(1, sizeof *server);
    int r = server ? server_init(server, options) : err_origin(-ENOMEM);
    if (r) message_set(message, "cannot start the %s server: %s", options->name, strerrordesc_np(-r));
    bool has_gift = options->gift && options->gift->listen_fd >= 0;
    if (r == 0)
        r = has_gift ? http_listen_gift(&server->options, &server->listener, message)
                     : http_listen(&server->options, &server->listener, message);
    if (r == 0) {
        if (has_gift) take_gift(server, options->gift);
        r = ios_start(server);
        if (r) message_set(message, "cannot start the %s server: %s", options->name, strerrordesc_np(-r));
    }
    if (r == 0) {
        *ret_server = server;
        return 0;
    }
    if (server) (void)http_server_free(server);
    return err_trace(r);
}

uint16_t http_server_port(const struct http_server *server) {
    return server->listener.port;
}

struct str http_header(const struct http_request *request, struct str name) {
    return http_headers_get(request->headers, request->header_count, name);
}

size_t http_header_count(const struct http_request *request, struct str name) {
    return http_headers_count(request->headers, request->header_count, name);
}

void http_server_stats(const struct http_server *server, struct http_server_stats *ret_stats) {
    const struct http_counters *counters = &server->counters;
    *ret_stats = (struct http_server_stats){
        .accepted = atomic_load(&counters->accepted),
        .refused_peer = atomic_load(&counters->refused_peer),
        .refused_limit = atomic_load(&counters->refused_limit),
        .requests = atomic_load(&counters->requests),
        .refused_requests = atomic_load(&counters->refused_requests),
        .replies = atomic_load(&counters->replies),
        .replies_dropped = atomic_load(&counters->replies_dropped),
    };
    for (size_t i = 0; i < server->options.io_threads; i++)
        ret_stats->connections += atomic_load(&server->ios[i].connection_count);
}

void http_server_drain(struct http_server *server, int64_t deadline_ms) {
    if (server->drained) return;
    server->drained = true;
    atomic_store(&server->drain_until_ms, clock_mono_ms() + deadline_ms);
    atomic_store(&server->stopping, true);
    if (server->ios && server->ios[0].event_fd >= 0) io_wake(&server->ios[0]);
    for (size_t i = 0; server->ios && i < server->options.io_threads; i++)
        if (server->ios[i].runs) check(pthread_join(server->ios[i].thread, NULL) == 0);
}

void http_server_resume_late(struct http_server *server) {
    check(server->drained);
    for (size_t i = 0; i < server->options.io_threads; i++) {
        struct http_io *caller = current_io;
        current_io = &server->ios[i]; /* nobody needs to be woken */
        while (atomic_load(&server->ios[i].inbox)) take_posted(&server->ios[i]);
        current_io = caller;
    }
}

void http_server_give(struct http_server *server, int64_t deadline_ms, struct http_gift *ret_gift) {
    check(!server->drained && server->unix_path);
    server->drained = true;
    *ret_gift = (struct http_gift){ .listen_fd = -1 };
    server->gift = ret_gift;
    atomic_store(&server->drain_until_ms, clock_mono_ms() + deadline_ms);
    atomic_store(&server->giving, true);
    io_wake(&server->ios[0]);
    for (size_t i = 0; i < server->options.io_threads; i++) check(pthread_join(server->ios[i].thread, NULL) == 0);
}

struct http_server *http_server_free(struct http_server *server) {
    if (!server) return NULL;
    http_server_drain(server, 0);
    if (server->listener.fd >= 0) http_unlisten(&server->listener, server->unix_path); /* no thread had been started */
    server_release(server);
    return NULL;
}
