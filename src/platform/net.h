/* net.h - blocking sockets with deadlines: TCP and Unix streams.
 *
 * (N1) Every descriptor made here is close-on-exec and non-blocking; the functions wait in poll(), never in the call
 *      itself, so none outlives its deadline. TCP descriptors have TCP_NODELAY. No call raises SIGPIPE.
 * (N2) A deadline is a moment of clock_mono_ms(). One that has passed means: take what is there, do not wait.
 * (N3) Every descriptor given out is the caller's; net_close() ends it. Functions that fail leave none open.
 * Faults of all waiting calls: -ETIMEDOUT at the deadline, else what the system said (-ECONNREFUSED, -ECONNRESET ...).
 * Thread-safe; one descriptor belongs to one thread at a time. */
#ifndef GIRO_PLATFORM_NET_H
#define GIRO_PLATFORM_NET_H

#include "platform/base.h"

#include <sys/types.h>

enum { NET_BACKLOG_MAX = 511, NET_UNIX_PATH_BYTES_MAX = 107, NET_HOST_BYTES_MAX = 253 };

/* Listens on host (a numeric address or a name, NULL or "" = 127.0.0.1) and port (0 = any free one). message (may be
 * NULL) says what is wrong and what to change. 0, -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -EINVAL (host unknown). */
int net_listen_tcp(const char *host, uint16_t port, int *ret_fd, uint16_t *ret_port, struct message *message);
/* Listens on a Unix socket whose file gets mode (0600 for one user). A socket file that nobody listens on is replaced;
 * one in use is -EADDRINUSE, any other file -EEXIST. path up to NET_UNIX_PATH_BYTES_MAX bytes, else -ENAMETOOLONG. */
int net_listen_unix(const char *path, unsigned mode, int *ret_fd, struct message *message);
/* The next connection of a listener; -ETIMEDOUT when none came. A connection that died while it waited is skipped. */
int net_accept(int listen_fd, int64_t deadline_ms, int *ret_fd);

/* Connects to the first address of host that answers before the deadline. A name is looked up by the system's resolver,
 * which keeps its own time: where the deadline matters, host is a numeric address. -EINVAL: host unknown. */
int net_connect_tcp(const char *host, uint16_t port, int64_t deadline_ms, int *ret_fd);
/* -EAGAIN when the listener's queue is full. */
int net_connect_unix(const char *path, int64_t deadline_ms, int *ret_fd);

/* All bytes or a fault; after a fault an unknown part has been sent, so the connection is of no more use. */
int net_send_all(int fd, const void *bytes, size_t len, int64_t deadline_ms);
/* Exactly len bytes; -ENODATA when the peer closed before. bytes hold rubbish after a fault. */
int net_receive_exact(int fd, void *bytes, size_t len, int64_t deadline_ms);
/* At least one byte and at most bytes_max (> 0); *ret_len == 0 means that the peer has closed. */
int net_receive_some(int fd, void *bytes, size_t bytes_max, int64_t deadline_ms, size_t *ret_len);
/* Whether something waits to be read now: bytes, the peer's close, or an error. An idle connection on which nobody
 * should speak is good only while this is false. */
bool net_has_input(int fd);
/* The user at the other end of a Unix connection, as the kernel saw it connect (SO_PEERCRED). 0 or -errno. */
int net_peer_user(int fd, uid_t *ret_user);
void net_close(int fd); /* takes -1 */

#endif
