/* node_link_int.h - one TLS connection with deadlines, shared by the asking and the answering side. Private. */
#ifndef GIRO_PLATFORM_NODE_LINK_INT_H
#define GIRO_PLATFORM_NODE_LINK_INT_H

#include "platform/node_link.h"

#include <openssl/ssl.h>

struct node_identity {
    SSL_CTX *client, *server;
    char hello[NODE_HELLO_BYTES_MAX];
    size_t hello_len;
};

struct node_link {
    struct node_identity *identity;
    SSL *ssl;
    int fd;
    bool broken; /* a call failed (L2) */
};

enum node_side { NODE_CLIENT, NODE_SERVER };
/* Handshake on fd (taken, also when it fails) and hello. Results as node_link_open. */
int node_link_begin_take(struct node_identity *identity, int fd, enum node_side side, int64_t deadline_ms,
                         struct node_link **ret_link);
int node_link_write_frame(struct node_link *link, struct str bytes, int64_t deadline_ms);
/* Appends the frame. -ENODATA: the peer closed before it. -EMSGSIZE: over NODE_FRAME_BYTES_MAX, or no room. */
int node_link_read_frame(struct node_link *link, struct buffer *out, int64_t deadline_ms);

#endif
