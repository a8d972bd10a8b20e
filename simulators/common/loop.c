#include "simulators/common/loop.h"

#include "platform/clock.h"
#include "platform/net.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EVENTS_MAX = 256 };
static const uint64_t signal_key = LOOP_CONNECTIONS_MAX + LOOP_LISTENERS_MAX;

static int watch(struct loop *loop, int fd, uint64_t key) {
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = key };
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : err_origin(-errno);
}

int loop_init(struct loop *loop, int (*flush)(void *ctx), void *ctx) {
    sigset_t signals;
    *loop = (struct loop){ .flush = flush, .flush_ctx = ctx, .signal_fd = -1 };
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->connections = calloc(LOOP_CONNECTIONS_MAX, sizeof *loop->connections);
    if (loop->epoll_fd < 0) return err_origin(-errno);
    if (!loop->connections) return err_origin(-ENOMEM);
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0) return err_origin(-errno);
    loop->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->signal_fd < 0) return err_origin(-errno);
    return err_trace(watch(loop, loop->signal_fd, signal_key));
}

static void end_connection(struct loop_connection *connection) {
    net_close(connection->fd); /* epoll forgets a closed descriptor by itself */
    connection->fd = -1;
}

void loop_release(struct loop *loop) {
    for (size_t i = 0; i < loop->used; i++)
        if (loop->connections[i].fd >= 0) end_connection(&loop->connections[i]);
    for (size_t i = 0; i < loop->listener_count; i++) net_close(loop->listeners[i].fd);
    if (loop->signal_fd >= 0) (void)close(loop->signal_fd);
    if (loop->epoll_fd >= 0) (void)close(loop->epoll_fd);
    free(loop->connections);
    *loop = (struct loop){ .epoll_fd = -1, .signal_fd = -1 };
}

int loop_listen_take(struct loop *loop, int fd, const struct loop_protocol *protocol) {
    check(loop->listener_count < LOOP_LISTENERS_MAX);
    size_t at = loop->listener_count++;
    loop->listeners[at].fd = fd;
    loop->listeners[at].protocol = protocol;
    return err_trace(watch(loop, fd, LOOP_CONNECTIONS_MAX + at));
}

void loop_consume(struct loop_connection *connection, size_t len) {
    check(len <= connection->in_len);
    memmove(connection->in, connection->in + len, connection->in_len - len);
    connection->in_len -= len;
}

bool loop_answer(struct loop_connection *connection, struct str bytes, int64_t at_ms) {
    if (bytes.len > LOOP_OUT_BYTES_MAX - connection->out_len) return false;
    memcpy(connection->out + connection->out_len, bytes.at, bytes.len);
    connection->out_len += bytes.len;
    connection->answer_ms = at_ms;
    return true;
}

void loop_close(struct loop_connection *connection) {
    connection->closing = true;
    connection->out_len = 0;
}

static void accept_one(struct loop *loop, const struct loop_protocol *protocol, int fd) {
    size_t at = 0;
    while (at < loop->used && loop->connections[at].fd >= 0) at++;
    if (at == LOOP_CONNECTIONS_MAX || watch(loop, fd, at) != 0) {
        net_close(fd);
        return;
    }
    if (at == loop->used) loop->used++;
    struct loop_connection *connection = &loop->connections[at];
    connection->fd = fd;
    connection->protocol = protocol;
    connection->busy = connection->closing = false;
    connection->answer_ms = connection->unfinished_ms = 0;
    connection->in_len = connection->out_len = 0;
}

static void accept_waiting(struct loop *loop) {
    for (size_t i = 0; i < loop->listener_count; i++) {
        int fd;
        if (!loop->listeners[i].ready) continue;
        loop->listeners[i].ready = false;
        while (net_accept(loop->listeners[i].fd, 0, &fd) == 0) accept_one(loop, loop->listeners[i].protocol, fd);
    }
}

static void offer(struct loop *loop, struct loop_connection *connection) {
    connection->protocol->on_bytes(connection->protocol->ctx, connection);
    bool unfinished = connection->in_len > 0 && !connection->busy && !connection->closing;
    if (!unfinished) connection->unfinished_ms = 0;
    else if (!connection->unfinished_ms) connection->unfinished_ms = loop->now_ms + LOOP_UNFINISHED_MS;
}

static void read_connection(struct loop *loop, struct loop_connection *connection) {
    size_t got, room = sizeof connection->in - connection->in_len;
    if (connection->fd < 0 || connection->closing) return;
    check(room > 0); /* protocols consume or close before that */
    int r = net_receive_some(connection->fd, connection->in + connection->in_len, room, 0, &got);
    if (r == -ETIMEDOUT) return;
    if (r < 0 || got == 0) {
        loop_close(connection);
        return;
    }
    connection->in_len += got;
    offer(loop, connection);
}

/* After the flush: sends what is due, closes what has ended. */
static void advance_connection(struct loop *loop, struct loop_connection *connection) {
    if (connection->out_len && connection->answer_ms <= loop->now_ms) {
        if (net_send_all(connection->fd, connection->out, connection->out_len, 0) != 0) connection->closing = true;
        connection->out_len = 0;
        connection->busy = false;
    }
    if (connection->unfinished_ms && connection->unfinished_ms <= loop->now_ms) loop_close(connection);
    if (connection->closing && connection->out_len == 0) end_connection(connection);
}

/* Milliseconds until the next answer or expiry is due; -1: only an event can wake us. */
static int wait_ms(const struct loop *loop) {
    int64_t next_ms = INT64_MAX, now_ms = clock_mono_ms();
    for (size_t i = 0; i < loop->used; i++) {
        const struct loop_connection *connection = &loop->connections[i];
        if (connection->fd < 0) continue;
        if (connection->out_len && connection->answer_ms < next_ms) next_ms = connection->answer_ms;
        if (connection->unfinished_ms && connection->unfinished_ms < next_ms) next_ms = connection->unfinished_ms;
    }
    if (next_ms == INT64_MAX) return -1;
    return next_ms <= now_ms ? 0 : (int)(next_ms - now_ms);
}

static int turn(struct loop *loop) {
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait_ms(loop));
    if (count < 0) return errno == EINTR ? 0 : err_origin(-errno);
    loop->now_ms = clock_mono_ms();
    for (int i = 0; i < count; i++) {
        uint64_t key = events[i].data.u64;
        if (key == signal_key) loop->stop = true;
        else if (key < LOOP_CONNECTIONS_MAX) read_connection(loop, &loop->connections[key]);
        else loop->listeners[key - LOOP_CONNECTIONS_MAX].ready = true;
    }
    int r = loop->flush(loop->flush_ctx);
    if (r) return err_trace(r);
    for (size_t i = 0; i < loop->used; i++)
        if (loop->connections[i].fd >= 0) advance_connection(loop, &loop->connections[i]);
    accept_waiting(loop); /* last: the events above must not meet a new owner of a position */
    return 0;
}

int loop_run(struct loop *loop) {
    int r = 0;
    while (!loop->stop && !r) r = turn(loop);
    return err_trace(r);
}
