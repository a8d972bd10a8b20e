/* http_client.h - blocking HTTP/1.1 calls, on libcurl: outbound HTTPS, and our own command line towards our own
 * servers.
 *
 * (C1) No redirect is followed, no proxy of the environment is used, no cookie is kept; only http and https.
 * (C2) Certificate and host name of an https server are always verified.
 * (C3) A call that is not idempotent goes out at most once: it takes a fresh connection, because libcurl sends a
 *      request again when a kept connection turns out to be dead.
 * (C4) An answer over the limits is a refusal; nothing is cut in silence.
 * A client belongs to one thread at a time and keeps its connections between calls. The program ignores SIGPIPE. */
#ifndef GIRO_PLATFORM_HTTP_CLIENT_H
#define GIRO_PLATFORM_HTTP_CLIENT_H

#include "platform/arena.h"
#include "platform/http_parse.h"

/* What became of the request is what a caller that moves money needs to know: */
#define HTTP_CLIENT_E_MAP(X)                                                                              \
    X(HTTP_CLIENT_E_CONNECT, "unreachable")     /* name, connection, time to connect: nothing was sent */ \
    X(HTTP_CLIENT_E_TLS, "tls_failed")          /* handshake or the server's certificate: nothing was sent */ \
    X(HTTP_CLIENT_E_TIMEOUT, "timeout")         /* may have been carried out */                            \
    X(HTTP_CLIENT_E_BROKEN, "connection_broken") /* cut or not HTTP: may have been carried out */          \
    X(HTTP_CLIENT_E_TOO_LARGE, "answer_too_large") /* was answered, the answer is over the limits */
#define X(code, name) code,
enum http_client_refusal { HTTP_CLIENT_E_NONE = 0, HTTP_CLIENT_E_MAP(X) HTTP_CLIENT_E_COUNT };
#undef X
const char *http_client_refusal_text(int refusal);

enum { HTTP_CALL_HEADERS_MAX = 32, HTTP_URL_BYTES_MAX = 8 * 1024 };

struct http_client; /* opaque */

/* Strings are copied. */
struct http_client_options {
    const char *unix_path;   /* connect there, whatever the URL's host; NULL: by the URL */
    const char *ca_file;     /* PEM; NULL: the system's */
    const char *cert_file;   /* PEM, client certificate (with its intermediates); NULL: none */
    const char *key_file;    /* PEM; with cert_file */
    const char *user_agent;  /* NULL: none is sent */
    const char *pin;         /* "HOST:PORT:ADDRESS,ADDRESS": connect to these, ask no resolver; NULL: resolve */
    int64_t connect_ms;      /* with the TLS handshake; > 0 */
    int64_t total_ms;        /* of a whole call; > 0 */
    size_t response_bytes_max; /* of the body; > 0 */
};
/* connect 5 s, total 30 s, response 4 MiB. */
struct http_client_options http_client_options_default(void);

struct http_call {
    struct str method;       /* upper case */
    struct str url;          /* absolute, at most HTTP_URL_BYTES_MAX, printable characters only */
    const struct http_header *headers; /* at most HTTP_CALL_HEADERS_MAX; Content-Length is added, Content-Type is not */
    size_t header_count;
    struct str body;         /* any bytes */
    bool idempotent;         /* may be sent twice (GET and HEAD always are): keeps the connection in use (C3) */
};

struct http_result {
    int status;              /* [200, 599], 0 without an answer */
    const struct http_header *headers; /* at most HTTP_HEADERS_MAX; read with http_headers_get */
    size_t header_count;
    struct str body;
};

/* 0, -ENOMEM or -EINVAL with message: a file that cannot be used shows at the first call, as HTTP_CLIENT_E_TLS. */
int http_client_new(const struct http_client_options *options, struct http_client **ret_client) MUST_USE;
struct http_client *http_client_free(struct http_client *client); /* takes NULL, returns NULL */
/* Waits for the whole answer. Any status is an answer. *ret_result lives in arena. 0, HTTP_CLIENT_E_* with a sentence
 * in message, or -EINVAL (the call is not well formed), -ENOMEM. message may be NULL; it names the host at most,
 * never the URL. */
int http_client_run(struct http_client *client, const struct http_call *call, struct arena *arena,
                    struct http_result *ret_result, struct message *message) MUST_USE;

#endif
