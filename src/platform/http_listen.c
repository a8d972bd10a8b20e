#include "platform/http_server_int.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(int family, int *ret_fd) {
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return err_origin(-errno);
    *ret_fd = fd;
    return 0;
}

/* Removes a socket file behind which nobody listens. 0, -EADDRINUSE (somebody does), -EEXIST (a file of another
 * kind), or a fault. */
static int remove_stale(const struct sockaddr_un *address) {
    struct stat info;
    if (lstat(address->sun_path, &info)) return errno == ENOENT ? 0 : err_origin(-errno);
    if (!S_ISSOCK(info.st_mode)) return err_origin(-EEXIST);
    int fd = -1;
    int r = open_socket(AF_UNIX, &fd);
    if (r) return err_trace(r);
    int connected = connect(fd, (const struct sockaddr *)address, sizeof *address);
    int why = errno;
    (void)close(fd); /* only asked whether somebody answers */
    if (connected == 0 || why == EAGAIN) return err_origin(-EADDRINUSE);
    if (why != ECONNREFUSED) return err_origin(-why);
    return unlink(address->sun_path) ? err_origin(-errno) : 0;
}

/* The mode is set between bind and listen: nobody can connect before it stands. */
static int bind_unix(int fd, const struct sockaddr_un *address, struct http_listener *listener) {
    struct stat info;
    if (bind(fd, (const struct sockaddr *)address, sizeof *address)) return err_origin(-errno);
    if (chmod(address->sun_path, 0660) || lstat(address->sun_path, &info) || listen(fd, HTTP_LISTEN_BACKLOG)) {
        int r = err_origin(-errno);
        (void)unlink(address->sun_path); /* the fault above is what matters */
        return r;
    }
    listener->device = info.st_dev;
    listener->inode = info.st_ino;
    return 0;
}

static int listen_unix(const char *path, struct http_listener *ret_listener, struct message *message) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int r = str_to_c(str_from_c(path), address.sun_path, sizeof address.sun_path);
    if (r) {
        message_set(message, "the socket path %s is longer than %zu bytes; choose a shorter folder", path,
                    sizeof address.sun_path - 1);
        return err_origin(r);
    }
    struct http_listener listener = { .fd = -1 };
    r = remove_stale(&address);
    if (r == 0) r = open_socket(AF_UNIX, &listener.fd);
    if (r == 0) r = bind_unix(listener.fd, &address, &listener);
    if (r == 0) {
        *ret_listener = listener;
        return 0;
    }
    if (listener.fd >= 0) (void)close(listener.fd); /* nothing was sent on it */
    if (r == -EADDRINUSE)
        message_set(message, "another process already listens on %s; stop it or choose another path", path);
    else if (r == -EEXIST)
        message_set(message, "%s exists and is not a socket; remove it or choose another path", path);
    else message_set(message, "cannot listen on %s: %s", path, strerrordesc_np(-r));
    return err_trace(r);
}

static int bind_tcp(int fd, uint16_t port, struct http_listener *listener) {
    int on = 1;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t address_bytes = sizeof address;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, HTTP_LISTEN_BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&address, &address_bytes))
        return err_origin(-errno);
    listener->port = ntohs(address.sin_port);
    return 0;
}

static int listen_tcp(uint16_t port, struct http_listener *ret_listener, struct message *message) {
    struct http_listener listener = { .fd = -1 };
    int r = open_socket(AF_INET, &listener.fd);
    if (r == 0) r = bind_tcp(listener.fd, port, &listener);
    if (r == 0) {
        *ret_listener = listener;
        return 0;
    }
    if (listener.fd >= 0) (void)close(listener.fd); /* nothing was sent on it */
    if (r == -EADDRINUSE) message_set(message, "port %u is taken; stop who uses it or choose another port", port);
    else message_set(message, "cannot listen on 127.0.0.1:%u: %s", port, strerrordesc_np(-r));
    return err_trace(r);
}

int http_listen(const struct http_server_options *options, struct http_listener *ret_listener,
                struct message *message) {
    return options->unix_path ? listen_unix(options->unix_path, ret_listener, message)
                              : listen_tcp(options->tcp_port, ret_listener, message);
}

int http_listen_gift(const struct http_server_options *options, struct http_listener *ret_listener,
                     struct message *message) {
    struct stat info;
    if (lstat(options->unix_path, &info)) {
        int r = err_origin(-errno);
        message_set(message, "%s has gone while its listener was handed over", options->unix_path);
        return r;
    }
    *ret_listener =
        (struct http_listener){ .fd = options->gift->listen_fd, .device = info.st_dev, .inode = info.st_ino };
    return 0;
}

void http_unlisten(struct http_listener *listener, const char *unix_path) {
    struct stat info;
    if (listener->fd >= 0) (void)close(listener->fd); /* a listening socket has nothing to lose */
    listener->fd = -1;
    listener->paused_until_ms = 0;
    if (!unix_path || lstat(unix_path, &info)) return;
    if (info.st_dev == listener->device && info.st_ino == listener->inode)
        (void)unlink(unix_path); /* a stale path is taken over at the next start */
}
