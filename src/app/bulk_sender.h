/* bulk_sender.h - a numbered list of /v1 calls sent over some connections, each until it has its answer.
 *
 * (U1) Every index from 0 on is asked for once, in order; an index that must be asked again keeps its slot, its body
 * and its key until it is answered. (U2) A list of its own has connections of its own: two senders never share one.
 * (U3) Every call carries a bearer token that is good for at least SANDBOX_CALLER_TOKEN_SPARE_MS. */
#ifndef GIRO_APP_BULK_SENDER_H
#define GIRO_APP_BULK_SENDER_H

#include <pthread.h>

#include "app/payment_answer.h"
#include "app/sandbox_caller.h"

enum {
    BULK_CONNECTIONS_MAX = 1024,
    BULK_BODY_BYTES_MAX = 1024,
    BULK_URL_BYTES_MAX = 256,
    BULK_KEY_BYTES_MAX = 64,
    BULK_AGAIN_MAX = 600, /* times that one index is asked again */
};

/* A caller's token for several threads. */
struct bearer {
    pthread_mutex_t lock;
    struct sandbox_caller *caller;
    const char *scope;
};

/* What one call says; the sender adds the token. */
struct bulk_call {
    bool is_post; /* with body and key */
    struct buffer url, body, key;
};

enum bulk_verdict { BULK_NEXT, BULK_AGAIN, BULK_STOP };
struct bulk_sender {
    struct bearer *bearer;
    struct http_client_options http;
    size_t connections; /* [1, BULK_CONNECTIONS_MAX] */
    size_t count;       /* indices; SIZE_MAX: until BULK_STOP */
    /* Writes the call of an index; called once for each. */
    void (*write)(void *ctx, size_t index, struct bulk_call *call);
    /* BULK_AGAIN: after answer->wait_ms (which it may set). BULK_STOP: nothing new is sent; what is under way is
     * awaited and its answers still come here. latency_ns is of this call. */
    enum bulk_verdict (*on_answer)(void *ctx, size_t index, struct payment_answer *answer, int64_t latency_ns);
    void *ctx;
};

/* Runs on the calling thread until all is answered. 0; SANDBOX_CALLER_E_* with message (no token; nothing answers; an
 * index was asked BULK_AGAIN_MAX times in vain); or a fault. */
int bulk_send(const struct bulk_sender *sender, struct message *message) MUST_USE;

#endif
