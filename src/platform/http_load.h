/* http_load.h - many HTTP calls at a time from one thread, each over a kept connection: for `giro bench` and bulk
 * senders.
 *
 * (L1) At most connections calls are under way; two calls under way at the same time are on two connections.
 * (L2) Every call that a slot asked for gets exactly one on_response before that slot is asked again.
 * Built on libcurl's multi interface with epoll; HTTP/1.1 and the same rules as http_client.h, (C3) included: mark
 * calls that carry an idempotency key as idempotent, or each one makes a new connection. */
#ifndef GIRO_PLATFORM_HTTP_LOAD_H
#define GIRO_PLATFORM_HTTP_LOAD_H

#include "platform/http_client.h"

enum { HTTP_LOAD_CONNECTIONS_MAX = 4096 };

enum http_load_next {
    HTTP_LOAD_SEND, /* *ret_call holds a call; what it points to stays until this slot's on_response has returned */
    HTTP_LOAD_WAIT, /* nothing now: ask again after *ret_wait_ms ([1, 60000]) */
    HTTP_LOAD_DONE, /* this slot is not asked again */
};

struct http_load_response {
    int refusal;              /* 0, or HTTP_CLIENT_E_*; then there is no result */
    int64_t latency_ns;       /* from handing the call to libcurl to its last byte */
    struct http_result result; /* until on_response returns */
};

struct http_load_options {
    struct http_client_options client;
    size_t connections; /* slots, [1, HTTP_LOAD_CONNECTIONS_MAX] */
    enum http_load_next (*next_request)(void *ctx, size_t slot, struct http_call *ret_call, int64_t *ret_wait_ms);
    void (*on_response)(void *ctx, size_t slot, const struct http_load_response *response);
    void *ctx;
};

/* Runs on the calling thread until every slot is done. 0, -ENOMEM, or -EINVAL (a call that is not well formed; the
 * run ends). */
int http_load_run(const struct http_load_options *options) MUST_USE;

#endif
