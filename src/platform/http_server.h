/* http_server.h - an HTTP/1.1 server for a daemon behind an edge: epoll, one request at a time on a connection, bodies
 * by Content-Length only, fixed buffers, deadlines for everything. What it accepts is in http_parse.h.
 *
 * (H1) A request that was handed to on_request is answered by exactly one http_reply; until then its bytes, headers
 *      and arena stay where they are, whatever the client does. A client that has left only makes the answer go
 *      nowhere.
 * (H2) A connection on which anything was refused, or on which bytes came that no request asked for, is closed after
 *      the answer; not one byte behind a refusal is read as a request.
 * (H3) No more than connections_max connections are open; each has one set of buffers, allocated at its first use and
 *      kept. A request in the limits of options does not touch the heap once its connection's buffers are warm, save
 *      for answers over HTTP_REPLY_BYTES_KEPT and arenas over their first block.
 * (H4) While draining every answer says "Connection: close"; a connection without a request is left open until the
 *      deadline, because the edge may just be sending on it.
 * (H5) A listener and idle connections can be given to another server, also of another process: not a byte that was
 * sent on them is lost, because none has been read. (H6) What a connection's buffers held is wiped when its request is
 * over.
 *
 * Threads: a few IO threads, each with an epoll and the connections it was given; the first one accepts. They parse,
 * call on_request and send; they never wait for anything else. Threads inherit the signal mask of whoever starts the
 * server. */
#ifndef GIRO_PLATFORM_HTTP_SERVER_H
#define GIRO_PLATFORM_HTTP_SERVER_H

#include "platform/arena.h"
#include "platform/buffer.h"
#include "platform/http_parse.h"

#include <sys/types.h>

enum {
    HTTP_IO_THREADS_MAX = 16,
    HTTP_CONNECTIONS_MAX = 16384,
    HTTP_UIDS_MAX = 8,
    HTTP_BODY_BYTES_MAX = 16 * 1024 * 1024,     /* ceiling of options.body_bytes_max */
    HTTP_RESPONSE_BYTES_MAX = 64 * 1024 * 1024, /* ceiling of options.response_bytes_max */
    HTTP_RESPONSE_HEADERS_MAX = 48,
    HTTP_REPLY_BYTES_KEPT = 64 * 1024, /* a larger answer's buffer is freed when it was sent */
    HTTP_ARENA_BLOCK_BYTES = 16 * 1024,
    HTTP_ERROR_BYTES_MAX = 4096, /* body of an answer that the server makes itself */
    HTTP_LISTEN_BACKLOG = 511,
    HTTP_REST_MS = 20,                   /* see on_rest */
    HTTP_LINGER_BYTES_MAX = 1024 * 1024, /* read and thrown away after a refusal, so that the answer arrives */
};

struct http_server;     /* opaque */
struct http_connection; /* opaque */

struct http_peer {
    bool is_unix; /* else TCP on loopback; then uid and pid are not known (-1, 0) */
    uid_t uid;
    pid_t pid;
};

/* Belongs to the server; whoever answers it uses it until http_reply, from one thread at a time. */
struct http_request {
    struct str method, path, query; /* see struct http_head */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    struct http_peer peer;
    int64_t received_mono_ns; /* when its last byte had come */
    size_t io_thread;         /* that read it, [0, io_threads) */
    struct arena arena;       /* empty at on_request; at most options.arena_bytes_max; reset after the answer */
    void *user;               /* NULL at on_request; the handler's own */
    struct http_connection *connection;
};

struct http_response {
    int status; /* [200, 599] */
    /* Without Content-Length, Transfer-Encoding, Connection and Date, which the server writes itself (checked); at most
     * HTTP_RESPONSE_HEADERS_MAX (checked). */
    const struct http_header *headers;
    size_t header_count;
    struct str body; /* left out with HEAD (its length is told), 204 and 304 */
};

/* An answer that the server makes itself (HTTP_E_MAP), to be put into words by on_error. */
enum { HTTP_ERROR_HEADER_BYTES_MAX = 128 };
struct http_error {
    int status;
    const char *code;
    struct str
        received; /* what had come of the request, from its first byte: not judged, may be empty, cut or anything */
    struct buffer *body;     /* to fill, at most HTTP_ERROR_BYTES_MAX */
    const char *media_type;  /* to set; lives for ever */
    const char *header_name; /* may be set: one more header, its name for ever, its value here */
    char header_value[HTTP_ERROR_HEADER_BYTES_MAX];
};

/* What one server leaves to another: descriptors of the listener and of connections without a request. */
enum { HTTP_GIFT_CONNECTIONS_MAX = 1024 };
struct http_gift {
    int listen_fd; /* -1: nothing */
    size_t count;
    int fds[HTTP_GIFT_CONNECTIONS_MAX];
};
void http_gift_close(struct http_gift *gift); /* the listener's queue is lost, unless somebody else has it too */

struct http_server_options {
    const char *name;                  /* of the threads, at most 11 characters */
    const char *unix_path;             /* made with mode 0660; NULL: TCP on 127.0.0.1 */
    uint16_t tcp_port;                 /* with TCP; 0 = any free one, see http_server_port */
    uid_t allowed_uids[HTTP_UIDS_MAX]; /* with a Unix path: who may connect (SO_PEERCRED); others are closed at once */
    size_t allowed_uid_count;          /* [1, HTTP_UIDS_MAX] with a Unix path */
    size_t io_threads;                 /* [1, HTTP_IO_THREADS_MAX] */
    size_t connections_max;            /* [1, HTTP_CONNECTIONS_MAX]; one more is answered 503 and closed */
    size_t body_bytes_max;             /* 413 above; up to HTTP_BODY_BYTES_MAX */
    size_t response_bytes_max;         /* head and body; an answer above becomes 500 */
    size_t arena_bytes_max;            /* of each request; at least HTTP_ARENA_BLOCK_BYTES */
    int64_t header_ms;                 /* from the first byte of a request to the end of its head; then 408 */
    int64_t body_ms;                   /* from there to its last byte; then 408 */
    int64_t idle_ms;  /* without a request; then closed in silence. Longer than the edge keeps a connection */
    int64_t write_ms; /* for the client to take an answer; then closed */
    /* On an IO thread; must not wait. Answers at once or hands the request on; when it can do neither, answers 503. */
    void (*on_request)(void *ctx, struct http_request *request);
    /* On the IO thread that read the request, after http_resume; must not wait. Answers, or hands the request on. NULL
     * when http_resume is never called. */
    void (*on_resume)(void *ctx, struct http_request *request);
    /* On an IO thread, HTTP_REST_MS after the first on_request since the last on_rest: gives back what the thread keeps
     * between requests. NULL: nothing is kept. */
    void (*on_rest)(void *ctx, size_t io_thread);
    /* Fills error's body, media type and header. On IO threads and on those that answer, also several at once. NULL:
     * the code as plain text. */
    void (*on_error)(void *ctx, struct http_error *error);
    void *ctx;
    /* Listens and goes on with these instead of making a listener of its own; with a Unix path, which the listener must
     * have. Taken when the server has started, borrowed until then. NULL: nothing. */
    struct http_gift *gift;
};

/* A start for others to change: io_threads 1, connections_max 1024, body 256 KiB, answers 4 MiB, arena 1 MiB, header
 * and body 10 s, idle 75 s, write 30 s; no address, nobody allowed, no on_request. */
struct http_server_options http_server_options_default(void);

/* Listens and serves. A Unix path on which nobody listens any more is taken over. 0, or a fault with a sentence in
 * message (-EADDRINUSE: somebody answers there; -ENAMETOOLONG, -EACCES, -ENOMEM, ...); then nothing is left behind. */
int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
                      struct message *message) MUST_USE;
uint16_t http_server_port(const struct http_server *server); /* 0 with a Unix path */

/* The first header of that name, without regard to case; .at == NULL when there is none. */
struct str http_header(const struct http_request *request, struct str name);
size_t http_header_count(const struct http_request *request, struct str name); /* to refuse what came twice */

/* Answers, from any thread, exactly once (checked): request is gone afterwards. Everything of response is copied
 * before it returns, so it may live in the request's arena. A response over response_bytes_max, or with a header that
 * could break the message (a control character in its value, say), is answered 500 instead. */
void http_reply(struct http_request *request, const struct http_response *response);

/* Gives a request back to its IO thread, from any thread: on_resume gets it there, unless that thread has ended; then
 * http_server_resume_late gets it. */
void http_resume(struct http_request *request);
/* After a drain or a gift, when nobody calls http_resume any more: on_resume on the caller's thread. */
void http_server_resume_late(struct http_server *server);

struct http_server_stats {
    uint64_t accepted, refused_peer, refused_limit, requests, refused_requests, replies, replies_dropped;
    uint64_t connections; /* open now */
};
void http_server_stats(const struct http_server *server, struct http_server_stats *ret_stats);

/* Stops accepting, answers what runs with "Connection: close", serves open connections until each has had that answer,
 * at most deadline_ms; then closes what is left and ends the IO threads. Once, from one thread; waits until it is
 * done. */
void http_server_drain(struct http_server *server, int64_t deadline_ms);
/* Instead of a drain, with a Unix path: stops accepting and reading, lets what runs end, at most deadline_ms, and gives
 * away the listener and the connections without a request; what else there is, it closes. The path stays. Once, from
 * one thread; waits until it is done. */
void http_server_give(struct http_server *server, int64_t deadline_ms, struct http_gift *ret_gift);
/* Drains with deadline 0 unless that was done. Every request must have been answered (checked): stop the pools that
 * handle them first. Removes the Unix path if it still is this server's. Takes NULL, returns NULL. */
struct http_server *http_server_free(struct http_server *server);

#endif
