/* node_link.h - between the nodes of one bank: frames over TLS 1.3, both sides with a certificate.
 *
 * (L1) A connection carries nothing before both have shown a certificate that the other's trust list holds or has
 *      issued, and both have said the same hello: the meaning of the frames. (L2) One request is in flight on a
 *      connection, and its answer follows it; after a fault or a deadline the connection is closed, so that a late
 *      answer is never taken for another's. (L3) A request whose call says `sent` may have been served, also when the
 *      call failed; otherwise it was not. (L4) Frames, connections and times are bounded.
 * A frame is its length (4 bytes, big-endian) and its bytes. The trust list is the nodes' own: whoever has a
 * certificate from it is a node, by whatever name. The process must ignore SIGPIPE. */
#ifndef GIRO_PLATFORM_NODE_LINK_H
#define GIRO_PLATFORM_NODE_LINK_H

#include "platform/buffer.h"

enum {
    NODE_FRAME_BYTES_MAX = 4 * 1024 * 1024,
    NODE_HELLO_BYTES_MAX = 64,
    NODE_CONNECTIONS_MAX = 256, /* that a server serves at a time, a thread each */
    NODE_CONNECT_MS = 3000,     /* connection, handshake and hello of a client */
    NODE_HANDSHAKE_MS = 5000,   /* of one that comes to a server */
    NODE_FRAME_MS = 10000,      /* from a frame's first byte to its last */
};

#define NODE_LINK_E_MAP(X)                                                                                             \
    X(NODE_LINK_E_FILE, "certificate, key or trust list not usable")                                                   \
    X(NODE_LINK_E_PEER, "not a node of this bank")                                                                     \
    X(NODE_LINK_E_HELLO, "another version")
#define X(code, name) code,
enum node_link_refusal { NODE_LINK_E_NONE = 0, NODE_LINK_E_MAP(X) NODE_LINK_E_COUNT };
#undef X
const char *node_link_refusal_text(int refusal);

/* Who this node is; shared by all its connections, from any thread. */
struct node_identity;
struct node_identity_options {
    const char *certificate, *key; /* PEM files: the chain, leaf first; its key, readable by its owner alone */
    const char *trust;             /* PEM file: what issued the nodes' certificates, or these themselves */
    struct str hello;              /* 1..NODE_HELLO_BYTES_MAX bytes, copied */
};
/* 0, NODE_LINK_E_FILE with the file in message, <0. */
int node_identity_new(const struct node_identity_options *options, struct node_identity **ret_identity,
                      struct message *message);
struct node_identity *node_identity_free(struct node_identity *identity); /* no link or server is left */

/* ---- asking ---- */

struct node_link; /* one connection; one thread at a time */
/* 0; NODE_LINK_E_PEER, _HELLO; -ETIMEDOUT after NODE_CONNECT_MS, -ECONNREFUSED and the like. host: numeric, see net.h.
 */
int node_link_open(struct node_identity *identity, const char *host, uint16_t port, struct node_link **ret_link);
/* Nothing has come from the other side, which closes an idle connection when it ends. */
bool node_link_is_good(const struct node_link *link);
/* Sends the request (at most NODE_FRAME_BYTES_MAX bytes) and waits for its answer, which is appended to answer. 0, or
 * <0: close the link; *ret_sent (written always) as L3. -EMSGSIZE: the answer has no room. */
int node_link_call(struct node_link *link, struct str request, int64_t deadline_ms, struct buffer *answer,
                   bool *ret_sent);
struct node_link *node_link_close(struct node_link *link); /* returns NULL, takes NULL */

/* ---- answering ---- */

struct node_server;
struct node_server_options {
    struct node_identity *identity;
    const char *host; /* as net_listen_tcp */
    uint16_t port;
    size_t connections_max; /* 1..NODE_CONNECTIONS_MAX; those over it are closed unheard */
    /* Appends the answer to a request, on the connection's thread; answer holds NODE_FRAME_BYTES_MAX. false: no answer
     * can be given, the connection is closed. */
    bool (*serve)(void *ctx, struct str request, struct buffer *answer);
    void *ctx;
};
/* 0, or <0 with message (address in use ...). */
int node_server_start(const struct node_server_options *options, struct node_server **ret_server,
                      struct message *message);
uint16_t node_server_port(const struct node_server *server);
/* Takes no more connections and requests, answers what is being served, ends the threads. Returns NULL, takes NULL. */
struct node_server *node_server_stop(struct node_server *server);

#endif
