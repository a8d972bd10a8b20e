/* http_parse.h - the head of an HTTP/1.1 request (RFC 9112), read strictly. Pure: bytes in, verdict out, no I/O.
 *
 * It accepts what a careful edge sends and nothing more: every reading on which two parsers might differ is refused, so
 * that what the edge saw as one request is one request here too (request smuggling). In particular:
 *   - lines end in CRLF; a bare LF, a bare CR, NUL and other control characters are refused;
 *   - one blank between the parts of the request line; method of A-Z, '-' and '_'; version exactly HTTP/1.1;
 *   - target in origin form, absolute form without userinfo whose authority equals Host, or '*' with OPTIONS; only
 *     characters of RFC 3986, whole percent triples, no %00 in the path;
 *   - no blank before the colon of a header, no folded lines, names of token characters;
 *   - exactly one Host, not empty; at most one Content-Length, digits without sign or leading zero; no
 *     Transfer-Encoding; no Expect. */
#ifndef GIRO_PLATFORM_HTTP_PARSE_H
#define GIRO_PLATFORM_HTTP_PARSE_H

#include "platform/str.h"

/* What is refused, the status of the answer, and its code. The codes are stable; they carry nothing of the request. */
#define HTTP_E_MAP(X)                                              \
    X(HTTP_E_INCOMPLETE, 400, "incomplete_request")                \
    X(HTTP_E_LINE_END, 400, "invalid_line_end")                    \
    X(HTTP_E_REQUEST_LINE, 400, "invalid_request_line")            \
    X(HTTP_E_TARGET, 400, "invalid_target")                        \
    X(HTTP_E_VERSION, 505, "version_not_supported")                \
    X(HTTP_E_HEADER, 400, "invalid_header")                        \
    X(HTTP_E_HEADER_FOLDED, 400, "folded_header")                  \
    X(HTTP_E_HOST, 400, "invalid_host")                            \
    X(HTTP_E_CONTENT_LENGTH, 400, "invalid_content_length")        \
    X(HTTP_E_TRANSFER_ENCODING, 400, "transfer_encoding")          \
    X(HTTP_E_EXPECT, 417, "expectation_failed")                    \
    X(HTTP_E_PIPELINED, 400, "pipelined_request")                  \
    X(HTTP_E_HEADERS_TOO_LARGE, 431, "headers_too_large")          \
    X(HTTP_E_HEADERS_TOO_MANY, 431, "too_many_headers")            \
    X(HTTP_E_BODY_TOO_LARGE, 413, "body_too_large")                \
    X(HTTP_E_TOO_SLOW, 408, "request_timeout")                     \
    X(HTTP_E_CONNECTIONS, 503, "too_many_connections")             \
    X(HTTP_E_REPLY, 500, "internal")
#define X(code, status, name) code,
enum http_refusal { HTTP_E_NONE = 0, HTTP_E_MAP(X) HTTP_E_COUNT };
#undef X
int http_refusal_status(enum http_refusal refusal);
const char *http_refusal_code(enum http_refusal refusal);

/* The caller's part is 16 KiB (the edge's own limit), the edge adds at most 8 KiB (the client certificate). */
enum { HTTP_HEADER_BYTES_MAX = 24 * 1024, HTTP_HEADERS_MAX = 64, HTTP_METHOD_BYTES_MAX = 16 };

struct http_header {
    struct str name, value;
};

/* Everything borrowed from the bytes that were parsed. */
struct http_head {
    struct str method;
    struct str path;  /* as sent, percent-encoded; begins with '/' (or is "*") */
    struct str query; /* what follows the first '?', without it; empty without one */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    uint64_t content_length; /* 0 without the header */
    bool close;              /* the sender asked for "Connection: close" */
};

/* Where the search for the end of the head stands; zeroed for a new request. Each byte is looked at once. */
struct http_scan {
    size_t at, line_from;
};
/* bytes: all that has come of this request so far. 0 and the length of the head with its empty line; HTTP_E_INCOMPLETE
 * (call again with more), HTTP_E_LINE_END, HTTP_E_REQUEST_LINE (an empty line in front) or HTTP_E_HEADERS_TOO_LARGE. */
int http_scan_head(struct http_scan *scan, struct str bytes, size_t *ret_head_bytes);

/* head: what http_scan_head delimited, bare CR and all still possible. 0, or any of HTTP_E_LINE_END to HTTP_E_EXPECT,
 * HTTP_E_HEADERS_TOO_MANY, HTTP_E_BODY_TOO_LARGE (the length declared is over body_bytes_max). On refusal *ret_head
 * is undefined. */
int http_parse_head(struct str head, uint64_t body_bytes_max, struct http_head *ret_head);

/* Names without regard to case. The value of the first one, or .at == NULL when there is none. */
struct str http_headers_get(const struct http_header *headers, size_t count, struct str name);
size_t http_headers_count(const struct http_header *headers, size_t count, struct str name);

/* For writers: a name of token characters, not empty; a value without control characters (tab allowed) and without
 * blanks at its ends. */
bool http_is_header_name(struct str name);
bool http_is_header_value(struct str value);

#endif
