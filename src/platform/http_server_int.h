/* http_server_int.h - what the files of the HTTP server share: http_server.c (threads, accepting, drain),
 * http_connection.c (one connection's life), http_reply.c (answers), http_listen.c (sockets).
 *
 * A connection's life; each arrow names the function that performs it:
 *
 *   FREE -> IDLE       http_connection_open          IDLE -> HEAD -> BODY   take_bytes (incomplete requests only)
 *   IDLE, HEAD, BODY -> HANDLING   dispatch          HANDLING -> IDLE       send_done, when all went out at once
 *   HANDLING -> WRITING            http_connection_send, when the socket was full
 *   WRITING -> IDLE | LINGERING | FREE   send_done   any but HANDLING -> FREE   http_connection_close
 *   HEAD, BODY -> WRITING | LINGERING    refuse
 *
 * Ownership: between dispatch and http_reply the handler owns request, out and arena; the IO thread then touches only
 * fd, the list links and the atomics. http_reply hands everything back through the inbox (release, acquire). */
#ifndef GIRO_PLATFORM_HTTP_SERVER_INT_H
#define GIRO_PLATFORM_HTTP_SERVER_INT_H

#include "platform/http_server.h"

#include <pthread.h>
#include <stdatomic.h>

enum http_phase {
    HTTP_PHASE_FREE,
    HTTP_PHASE_IDLE,
    HTTP_PHASE_HEAD,
    HTTP_PHASE_BODY,
    HTTP_PHASE_HANDLING,
    HTTP_PHASE_WRITING,
    HTTP_PHASE_LINGERING,
    HTTP_PHASE_COUNT
};

enum {
    HTTP_LINGER_MS = 1000,
    HTTP_OUT_BYTES_FIRST = 16 * 1024,
    HTTP_EVENTS_MAX = 64,
    HTTP_ACCEPTS_MAX = 64,
    HTTP_ACCEPT_PAUSE_MS = 100
};

/* Connections of one phase in the order in which they entered it; as a phase has one duration, also of their
 * deadlines. */
struct http_list {
    struct http_connection *first, *last;
};

struct http_connection {
    struct http_request request;
    struct http_server *server;
    struct http_io *io;
    int fd; /* -1: closed */
    enum http_phase phase;
    int64_t deadline_ms;
    struct http_connection *previous, *next; /* in the list of its phase */
    struct http_connection *inbox_next;      /* in the inbox of its IO thread, or in the list of free ones */
    char *in;
    size_t in_bytes, in_bytes_max, head_bytes;
    struct http_scan scan;
    struct http_head head;
    struct buffer out;
    size_t out_sent, lingered_bytes;
    bool waits_to_write, linger;
    bool resumes;         /* it is in the inbox for on_resume */
    atomic_bool answered; /* http_reply was called for the present request */
    atomic_bool closing;  /* this answer is the last one */
};

struct http_io {
    struct http_server *server;
    pthread_t thread;
    bool runs;
    int64_t rest_ms; /* when on_rest is due; 0: no on_request since the last one */
    int epoll_fd, event_fd;
    _Atomic(struct http_connection *) inbox; /* newest first; new connections and answered ones */
    atomic_size_t connection_count;
    struct http_list lists[HTTP_PHASE_COUNT];
    int64_t now_ms;
};

struct http_listener {
    int fd;
    uint16_t port;
    dev_t device; /* of the Unix path, to know it again */
    ino_t inode;
    int64_t paused_until_ms; /* 0: not paused */
};

struct http_counters {
    atomic_uint_fast64_t accepted, refused_peer, refused_limit, requests, refused_requests, replies, replies_dropped;
};

struct http_server {
    struct http_server_options options;
    char *unix_path;
    struct http_listener listener;
    struct http_io *ios;
    struct http_connection *connections;
    pthread_mutex_t free_lock;
    struct http_connection *free_connections;
    struct http_counters counters;
    atomic_bool stopping, draining;     /* stopping: asked to; draining: the listener is closed as well */
    atomic_bool giving, given_listener; /* as stopping and draining, for http_server_give */
    struct http_gift *gift;             /* while giving; under free_lock */
    _Atomic int64_t drain_until_ms;
    bool drained;
};

/* http_listen.c: a listening non-blocking socket. 0 or a fault with message. */
int http_listen(const struct http_server_options *options, struct http_listener *ret_listener, struct message *message);
/* The listener of a gift, as if made here. 0 or a fault with message. */
int http_listen_gift(const struct http_server_options *options, struct http_listener *ret_listener,
                     struct message *message);
/* Closes; removes unix_path (may be NULL) when it still names this socket. */
void http_unlisten(struct http_listener *listener, const char *unix_path);

/* http_connection.c, all on the connection's IO thread. */
/* The buffers, once for the connection's whole life. 0 or -ENOMEM. */
int http_connection_init(struct http_connection *connection, struct http_server *server);
void http_connection_release(struct http_connection *connection);
void http_connection_open(struct http_connection *connection);
void http_connection_on_event(struct http_connection *connection, uint32_t events);
void http_connection_on_deadline(struct http_connection *connection);
void http_connection_send(struct http_connection *connection);
/* Idle, and now somebody else's: *ret_fd; false: it has ended. */
bool http_connection_give(struct http_connection *connection, int *ret_fd);
/* Gives the connection back; one that is being handled only loses its socket until its answer comes. */
void http_connection_close(struct http_connection *connection);

/* http_server.c: hands a connection to its IO thread; from any thread. */
void http_io_post(struct http_io *io, struct http_connection *connection);
void http_connection_give_back(struct http_connection *connection);

/* http_reply.c */
struct http_answer {
    const struct http_response *response;
    bool close, without_body; /* without_body: the request's method was HEAD */
};
/* Appends head and body. 0, or HTTP_E_REPLY (nothing appended but out->overflow may be set). */
int http_answer_write(struct buffer *out, const struct http_answer *answer);
/* Replaces what out holds by the server's own answer to a refusal, with "Connection: close". received: see struct
 * http_error. */
void http_refusal_write(struct buffer *out, const struct http_server_options *options, enum http_refusal refusal,
                        struct str received);

#endif
