/* node_server.c - the answering side of node_link.h: a thread a connection, bounded. */
#include "platform/node_link.h"

#include "platform/clock.h"
#include "platform/net.h"
#include "platform/node_link_int.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct slot {
    struct node_server *server;
    pthread_t thread;
    int fd;
    bool used;         /* the acceptor's: thread must be joined */
    atomic_bool ended; /* the thread's last word */
};

struct node_server {
    struct node_server_options options;
    int listen_fd, stop_fd;
    uint16_t port;
    pthread_t thread;
    bool runs;
    struct slot slots[]; /* options.connections_max */
};

/* Until fd can be read or the server stops. */
static bool wait_input(const struct node_server *server, int fd) {
    struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = server->stop_fd, .events = POLLIN } };
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR) return false;
    return !fds[1].revents;
}

/* One request and its answer; false: the connection is of no more use. */
static bool serve_one(const struct node_server *server, struct node_link *link, struct buffer *request,
                      struct buffer *answer) {
    buffer_reset(request);
    buffer_reset(answer);
    if (node_link_read_frame(link, request, clock_mono_ms() + NODE_FRAME_MS)) return false;
    if (!server->options.serve(server->options.ctx, buffer_str(request), answer) || answer->overflow) return false;
    return node_link_write_frame(link, buffer_str(answer), clock_mono_ms() + NODE_FRAME_MS) == 0;
}

static void *connection_main(void *ctx) {
    struct slot *slot = ctx;
    struct node_server *server = slot->server;
    struct node_link *link = NULL;
    struct buffer request, answer;
    buffer_init_heap(&request, NODE_FRAME_BYTES_MAX);
    buffer_init_heap(&answer, NODE_FRAME_BYTES_MAX);
    int r = node_link_begin_take(server->options.identity, slot->fd, NODE_SERVER, clock_mono_ms() + NODE_HANDSHAKE_MS,
                                 &link);
    while (!r && (SSL_has_pending(link->ssl) || wait_input(server, link->fd)) &&
           serve_one(server, link, &request, &answer))
        continue;
    if (!r) node_link_close(link);
    buffer_release(&request);
    buffer_release(&answer);
    atomic_store(&slot->ended, true);
    return NULL;
}

static void slot_join(struct slot *slot) {
    pthread_join(slot->thread, NULL);
    slot->used = false;
}

static struct slot *slot_find(struct node_server *server) {
    struct slot *found = NULL;
    for (size_t i = 0; i < server->options.connections_max; i++) {
        struct slot *slot = &server->slots[i];
        if (slot->used && atomic_load(&slot->ended)) slot_join(slot);
        if (!slot->used && !found) found = slot;
    }
    return found;
}

static void take_connection(struct node_server *server, int fd) {
    struct slot *slot = slot_find(server);
    if (!slot) {
        net_close(fd);
        return;
    }
    slot->server = server;
    slot->fd = fd;
    atomic_store(&slot->ended, false);
    slot->used = pthread_create(&slot->thread, NULL, connection_main, slot) == 0;
    if (!slot->used) net_close(fd);
}

static void *accept_main(void *ctx) {
    struct node_server *server = ctx;
    while (wait_input(server, server->listen_fd)) {
        int fd, r = net_accept(server->listen_fd, clock_mono_ms(), &fd);
        if (!r) take_connection(server, fd);
        else if (r != -ETIMEDOUT) (void)poll(NULL, 0, 100); /* out of descriptors, say: not at once again */
    }
    return NULL;
}

int node_server_start(const struct node_server_options *options, struct node_server **ret_server,
                      struct message *message) {
    check(options->connections_max > 0 && options->connections_max <= NODE_CONNECTIONS_MAX);
    struct node_server *server = calloc(1, sizeof *server + options->connections_max * sizeof server->slots[0]);
    if (!server) return err_origin(-ENOMEM);
    server->options = *options;
    server->listen_fd = -1;
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = server->stop_fd < 0
                ? err_origin(-errno)
                : net_listen_tcp(options->host, options->port, &server->listen_fd, &server->port, message);
    if (!r) r = -pthread_create(&server->thread, NULL, accept_main, server);
    server->runs = r == 0;
    if (r) {
        node_server_stop(server);
        return err_trace(r);
    }
    *ret_server = server;
    return 0;
}

uint16_t node_server_port(const struct node_server *server) {
    return server->port;
}

struct node_server *node_server_stop(struct node_server *server) {
    uint64_t one = 1;
    if (!server) return NULL;
    if (server->runs) {
        (void)!write(server->stop_fd, &one, sizeof one); /* an eventfd with room: cannot fail */
        pthread_join(server->thread, NULL);
    }
    for (size_t i = 0; i < server->options.connections_max; i++)
        if (server->slots[i].used) slot_join(&server->slots[i]);
    net_close(server->listen_fd);
    net_close(server->stop_fd);
    free(server);
    return NULL;
}
