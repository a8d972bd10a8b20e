#include "platform/net.h"

#include "platform/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *host_or_loopback(const char *host) {
    return host && *host ? host : "127.0.0.1";
}

/* Waits until fd is ready for events (or has an error, which the next call on it reports). 0 or -ETIMEDOUT. */
static int wait_ready(int fd, short events, int64_t deadline_ms) {
    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        int wait_ms = left_ms <= 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
        struct pollfd waiting = { .fd = fd, .events = events };
        int ready = poll(&waiting, 1, wait_ms);
        if (ready > 0) return 0;
        if (ready < 0 && errno != EINTR) return err_origin(-errno);
        if (ready == 0 && clock_mono_ms() >= deadline_ms) return err_origin(-ETIMEDOUT);
    }
}

/* The addresses of host; the caller frees them with freeaddrinfo. 0 or -EINVAL. */
static int resolve(const char *host, uint16_t port, bool listening, struct addrinfo **ret_list) {
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    char service[8];
    if (listening) hints.ai_flags |= AI_PASSIVE;
    if (strlen(host) > NET_HOST_BYTES_MAX) return err_origin(-EINVAL);
    (void)snprintf(service, sizeof service, "%u", (unsigned)port); /* always fits */
    return getaddrinfo(host, service, &hints, ret_list) == 0 ? 0 : err_origin(-EINVAL);
}

static int stream_socket(int family, int *ret_fd) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return err_origin(-errno);
    *ret_fd = fd;
    return 0;
}

static void set_no_delay(int fd) {
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* a matter of speed alone */
}

static uint16_t bound_port(int fd) {
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof address;
    check(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static int listen_on(const struct addrinfo *address, int *ret_fd) {
    int fd, on = 1;
    int r = stream_socket(address->ai_family, &fd);
    if (r) return err_trace(r);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* without it a quick restart waits, no more */
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, NET_BACKLOG_MAX) != 0) {
        r = err_origin(-errno);
        net_close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static const char *listen_advice(int fault) {
    switch (-fault) {
    case EADDRINUSE: return "another program listens there; stop it or choose another port";
    case EADDRNOTAVAIL: return "this machine has no such address; choose one of its own, for instance 127.0.0.1";
    case EACCES: return "this user may not open it; choose a port from 1024 on";
    default: return strerrordesc_np(-fault);
    }
}

int net_listen_tcp(const char *host, uint16_t port, int *ret_fd, uint16_t *ret_port, struct message *message) {
    struct addrinfo *list = NULL;
    int fd = -1;
    host = host_or_loopback(host);
    int r = resolve(host, port, true, &list);
    if (r) {
        message_set(message, "cannot listen on %s: the host is not known; give a numeric address such as 127.0.0.1",
                    host);
        return err_trace(r);
    }
    for (const struct addrinfo *address = list; address; address = address->ai_next) {
        r = listen_on(address, &fd);
        if (!r) break;
    }
    freeaddrinfo(list);
    if (r) {
        message_set(message, "cannot listen on %s port %u: %s", host, (unsigned)port, listen_advice(r));
        return err_trace(r);
    }
    *ret_fd = fd;
    *ret_port = bound_port(fd);
    return 0;
}

static int unix_address(const char *path, struct sockaddr_un *ret_address) {
    size_t len = strlen(path);
    if (len == 0 || len > NET_UNIX_PATH_BYTES_MAX) return err_origin(-ENAMETOOLONG);
    *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(ret_address->sun_path, path, len + 1);
    return 0;
}
static_assert(sizeof((struct sockaddr_un){ 0 }.sun_path) == NET_UNIX_PATH_BYTES_MAX + 1, "the kernel's limit");

/* Removes a socket file that nobody listens on. 0, -EADDRINUSE, -EEXIST (not a socket). */
static int unix_make_room(const char *path) {
    struct stat status;
    int fd;
    if (lstat(path, &status) != 0) return errno == ENOENT ? 0 : err_origin(-errno);
    if (!S_ISSOCK(status.st_mode)) return err_origin(-EEXIST);
    int r = net_connect_unix(path, clock_mono_ms(), &fd);
    if (r == 0) {
        net_close(fd);
        return err_origin(-EADDRINUSE);
    }
    if (r != -ECONNREFUSED) return r == -EAGAIN || r == -ETIMEDOUT ? err_origin(-EADDRINUSE) : err_trace(r);
    return unlink(path) == 0 || errno == ENOENT ? 0 : err_origin(-errno);
}

static int unix_listen(const char *path, unsigned mode, int *ret_fd) {
    struct sockaddr_un address;
    int fd;
    int r = unix_address(path, &address);
    if (!r) r = unix_make_room(path);
    if (!r) r = stream_socket(AF_UNIX, &fd);
    if (r) return err_trace(r);
    /* The file that bind() makes takes its mode from the descriptor: there is no moment in which others could open it.
     */
    if (fchmod(fd, mode) != 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(path, mode) != 0 || listen(fd, NET_BACKLOG_MAX) != 0) {
        r = err_origin(-errno);
        net_close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

int net_listen_unix(const char *path, unsigned mode, int *ret_fd, struct message *message) {
    int r = unix_listen(path, mode, ret_fd);
    if (r == -ENAMETOOLONG)
        message_set(message, "cannot listen on %.200s: a socket's path has at most %d bytes; use a shorter folder",
                    path, NET_UNIX_PATH_BYTES_MAX);
    else if (r == -EEXIST)
        message_set(message, "cannot listen on %s: a file that is no socket stands there; move it away", path);
    else if (r == -EADDRINUSE)
        message_set(message, "cannot listen on %s: another program listens there; stop it or choose another path",
                    path);
    else if (r)
        message_set(message, "cannot listen on %s: %s", path, strerrordesc_np(-r));
    return err_trace(r);
}

int net_accept(int listen_fd, int64_t deadline_ms, int *ret_fd) {
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            set_no_delay(fd); /* refused on a Unix socket, which needs none */
            *ret_fd = fd;
            return 0;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN) return err_origin(-errno);
        int r = wait_ready(listen_fd, POLLIN, deadline_ms);
        if (r) return err_trace(r);
    }
}

static int connect_to(const struct sockaddr *address, socklen_t address_bytes, int64_t deadline_ms, int *ret_fd) {
    int fd, fault = 0;
    socklen_t fault_bytes = sizeof fault;
    int r = stream_socket(address->sa_family, &fd);
    if (r) return err_trace(r);
    if (address->sa_family != AF_UNIX) set_no_delay(fd);
    if (connect(fd, address, address_bytes) != 0) {
        if (errno != EINPROGRESS && errno != EINTR) r = err_origin(-errno);
        if (!r) r = wait_ready(fd, POLLOUT, deadline_ms);
        if (!r && getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &fault_bytes) != 0) r = err_origin(-errno);
        if (!r && fault) r = err_origin(-fault);
    }
    if (r) {
        net_close(fd);
        return err_trace(r);
    }
    *ret_fd = fd;
    return 0;
}

int net_connect_tcp(const char *host, uint16_t port, int64_t deadline_ms, int *ret_fd) {
    struct addrinfo *list = NULL;
    int r = resolve(host_or_loopback(host), port, false, &list);
    if (r) return err_trace(r);
    for (const struct addrinfo *address = list; address; address = address->ai_next) {
        r = connect_to(address->ai_addr, address->ai_addrlen, deadline_ms, ret_fd);
        if (!r || r == -ETIMEDOUT) break;
    }
    freeaddrinfo(list);
    return err_trace(r);
}

int net_connect_unix(const char *path, int64_t deadline_ms, int *ret_fd) {
    struct sockaddr_un address;
    int r = unix_address(path, &address);
    if (r) return err_trace(r);
    return err_trace(connect_to((struct sockaddr *)&address, sizeof address, deadline_ms, ret_fd));
}

int net_send_all(int fd, const void *bytes, size_t len, int64_t deadline_ms) {
    const char *at = bytes;
    while (len) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent >= 0) {
            at += sent;
            len -= (size_t)sent;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return err_origin(-errno);
        int r = wait_ready(fd, POLLOUT, deadline_ms);
        if (r) return err_trace(r);
    }
    return 0;
}

int net_receive_some(int fd, void *bytes, size_t bytes_max, int64_t deadline_ms, size_t *ret_len) {
    check(bytes_max > 0);
    for (;;) {
        ssize_t got = recv(fd, bytes, bytes_max, 0);
        if (got >= 0) {
            *ret_len = (size_t)got;
            return 0;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return err_origin(-errno);
        int r = wait_ready(fd, POLLIN, deadline_ms);
        if (r) return err_trace(r);
    }
}

int net_receive_exact(int fd, void *bytes, size_t len, int64_t deadline_ms) {
    char *at = bytes;
    while (len) {
        size_t got;
        int r = net_receive_some(fd, at, len, deadline_ms, &got);
        if (r) return err_trace(r);
        if (got == 0) return err_origin(-ENODATA);
        at += got;
        len -= got;
    }
    return 0;
}

bool net_has_input(int fd) {
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    return poll(&waiting, 1, 0) != 0; /* a failed poll counts as trouble too */
}

int net_peer_user(int fd, uid_t *ret_user) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) return err_origin(-errno);
    *ret_user = peer.uid;
    return 0;
}

void net_close(int fd) {
    if (fd >= 0) (void)close(fd); /* nothing is left to do about a failed close of a socket */
}
