/* http_client_int.h - what http_client.c and http_load.c share: setting up a libcurl handle, receiving, judging the
 * end. */
#ifndef GIRO_PLATFORM_HTTP_CLIENT_INT_H
#define GIRO_PLATFORM_HTTP_CLIENT_INT_H

#include "platform/buffer.h"
#include "platform/http_client.h"

#include <curl/curl.h>

/* One answer as it comes. headers are in arena, body in a buffer of its own. */
struct http_receive {
    struct arena *arena;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    struct buffer body;
    bool too_large;
};

int http_curl_global(void); /* once for the process; 0 or -ENOMEM */
/* What stays the same for every call of a handle. error: CURL_ERROR_SIZE. 0, -ENOMEM or -EINVAL. */
int http_curl_setup(CURL *easy, const struct http_client_options *options, struct http_receive *receive, char *error);
/* What belongs to one call; call->body is borrowed until it ends. *ret_headers is freed with http_curl_headers_free.
 * 0, -EINVAL, -ENOMEM. */
int http_curl_prepare(CURL *easy, const struct http_call *call, struct arena *arena, struct curl_slist **ret_headers);
void http_curl_headers_free(struct curl_slist *headers); /* wiped: they hold tokens */
void http_receive_begin(struct http_receive *receive, struct arena *arena);
/* One line of an answer's head as it comes, with its end; a status line begins anew. False when it is over a limit. */
bool http_receive_header(struct http_receive *receive, struct str line);
/* 0, HTTP_CLIENT_E_*, -EINVAL or -ENOMEM. */
int http_curl_judge(CURL *easy, CURLcode code, const struct http_receive *receive);

#endif
