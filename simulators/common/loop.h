/* loop.h - one thread, many connections: read what has come, decide, flush once for all, then answer.
 *
 * (L1) In a turn every protocol's decisions come first, then one flush, and only when that returned 0 does any byte
 *      leave or any connection close: an answer, and a silence, tell of nothing that is not on disk.
 * (L2) Everything is bounded: connections, bytes read ahead, bytes waiting to leave. A peer that does not take its
 *      answer at once is closed; one that leaves a request unfinished for LOOP_UNFINISHED_MS is closed.
 * (L3) SIGTERM and SIGINT end loop_run after the turn under way.
 * Not thread-safe. */
#ifndef GIRO_SIMULATORS_COMMON_LOOP_H
#define GIRO_SIMULATORS_COMMON_LOOP_H

#include "platform/str.h"

enum {
    LOOP_CONNECTIONS_MAX = 512, /* more are closed as they come; fits the usual limit of 1,024 descriptors */
    LOOP_LISTENERS_MAX = 2,
    LOOP_IN_BYTES_MAX = 16 * 1024,
    LOOP_OUT_BYTES_MAX = LOOP_IN_BYTES_MAX,
    LOOP_UNFINISHED_MS = 2000,
};

struct loop_connection;
struct loop_protocol {
    void *ctx;
    /* Called when bytes have come, with all that were not consumed yet in connection->in. It may consume, answer, set
     * busy, close. */
    void (*on_bytes)(void *ctx, struct loop_connection *connection);
};

struct loop_connection {
    int fd; /* -1: free */
    const struct loop_protocol *protocol;
    bool busy;         /* a request is under way; cleared when its answer has left. Set by the protocol, read by it. */
    bool closing;      /* closes at the end of the turn, after what waits in out */
    int64_t answer_ms; /* out leaves not before (monotonic) */
    int64_t unfinished_ms;
    size_t in_len, out_len;
    char in[LOOP_IN_BYTES_MAX], out[LOOP_OUT_BYTES_MAX];
};

struct loop {
    int epoll_fd, signal_fd;
    int64_t now_ms; /* monotonic, of the turn under way */
    bool stop;
    int (*flush)(void *ctx);
    void *flush_ctx;
    size_t used; /* connections at positions from here on were never used */
    size_t listener_count;
    struct {
        int fd;
        bool ready;
        const struct loop_protocol *protocol;
    } listeners[LOOP_LISTENERS_MAX];
    struct loop_connection *connections;
};

/* Blocks SIGTERM and SIGINT in this thread: they are read by the loop from here on. flush: 0, or a fault that ends
 * loop_run. */
int loop_init(struct loop *loop, int (*flush)(void *ctx), void *ctx);
void loop_release(struct loop *loop);
/* Takes fd in every case: the loop closes it. */
int loop_listen_take(struct loop *loop, int fd, const struct loop_protocol *protocol);
int loop_run(struct loop *loop); /* 0 after a signal, or a fault */

void loop_consume(struct loop_connection *connection, size_t len);
/* Adds to the answer; it leaves at the end of the turn or at at_ms (monotonic), whichever is later. False: no room. */
bool loop_answer(struct loop_connection *connection, struct str bytes, int64_t at_ms);
void loop_close(struct loop_connection *connection); /* without sending what waits in out */

#endif
