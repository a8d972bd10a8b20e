#include "platform/http_server_int.h"

#include "platform/clock.h"

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

/* The reason says nothing to a program; a status without one here gets an empty one, which RFC 9112 section 4 allows.
 */
static const char *reason_of(int status) {
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
        if (reasons[i].status == status) return reasons[i].reason;
    return "";
}

/* The date changes once a second and is asked for thousands of times. */
static struct str date_now(void) {
    static _Thread_local char text[CLOCK_TEXT_BYTES];
    static _Thread_local int64_t second;
    static _Thread_local size_t len;
    int64_t now_ms = clock_now_ms();
    if (now_ms / 1000 != second || len == 0) {
        second = now_ms / 1000;
        len = clock_format_http(now_ms, text).len;
    }
    return (struct str){ .at = text, .len = len };
}

static bool is_server_header(struct str name) {
    return str_equal_nocase(name, STR("Content-Length")) || str_equal_nocase(name, STR("Transfer-Encoding")) ||
           str_equal_nocase(name, STR("Connection")) || str_equal_nocase(name, STR("Date"));
}

/* Values may come from outside (an echoed id, a redirect): what could end a line is a refusal. Names are the
 * program's own. */
static bool headers_are_safe(const struct http_response *response) {
    check(response->header_count <= HTTP_RESPONSE_HEADERS_MAX);
    for (size_t i = 0; i < response->header_count; i++) {
        check(http_is_header_name(response->headers[i].name) && !is_server_header(response->headers[i].name));
        if (!http_is_header_value(response->headers[i].value)) return false;
    }
    return true;
}

int http_answer_write(struct buffer *out, const struct http_answer *answer) {
    const struct http_response *response = answer->response;
    check(response->status >= 200 && response->status <= 599);
    if (!headers_are_safe(response)) return HTTP_E_REPLY;
    buffer_append_str(out, STR("HTTP/1.1 "));
    buffer_append_u64(out, (uint64_t)response->status);
    buffer_append_char(out, ' ');
    buffer_append_c(out, reason_of(response->status));
    buffer_append_str(out, STR("\r\nDate: "));
    buffer_append_str(out, date_now());
    bool has_length = response->status != 204 && response->status != 304; /* RFC 9110 section 8.6 */
    if (has_length) {
        buffer_append_str(out, STR("\r\nContent-Length: "));
        buffer_append_u64(out, response->body.len);
    }
    if (answer->close) buffer_append_str(out, STR("\r\nConnection: close"));
    for (size_t i = 0; i < response->header_count; i++) {
        buffer_append_str(out, STR("\r\n"));
        buffer_append_str(out, response->headers[i].name);
        buffer_append_str(out, STR(": "));
        buffer_append_str(out, response->headers[i].value);
    }
    buffer_append_str(out, STR("\r\n\r\n"));
    if (has_length && !answer->without_body) buffer_append_str(out, response->body);
    return out->overflow ? HTTP_E_REPLY : 0;
}

void http_refusal_write(struct buffer *out, const struct http_server_options *options, enum http_refusal refusal,
                        struct str received) {
    char text[HTTP_ERROR_BYTES_MAX];
    struct buffer body;
    struct http_error error = { .status = http_refusal_status(refusal),
                                .code = http_refusal_code(refusal),
                                .received = received,
                                .body = &body,
                                .media_type = "text/plain; charset=utf-8" };
    buffer_init(&body, text, sizeof text);
    if (options->on_error) options->on_error(options->ctx, &error);
    if (!options->on_error || body.overflow) {
        buffer_reset(&body);
        error.media_type = "text/plain; charset=utf-8";
        buffer_append_c(&body, error.code);
        buffer_append_char(&body, '\n');
    }
    struct http_header headers[] = { { STR("Content-Type"), str_from_c(error.media_type) },
                                     { STR("Cache-Control"), STR("no-store") },
                                     { str_from_c(error.header_name), str_from_c(error.header_value) } };
    struct http_response response = { .status = error.status,
                                      .headers = headers,
                                      .header_count = ARRAY_COUNT(headers) - (error.header_name ? 0 : 1),
                                      .body = buffer_str(&body) };
    buffer_reset(out);
    int r = http_answer_write(out, &(struct http_answer){ .response = &response, .close = true });
    check(r == 0); /* it fits into the smallest response_bytes_max, and its headers are ours */
}

void http_reply(struct http_request *request, const struct http_response *response) {
    struct http_connection *connection = request->connection;
    struct http_server *server = connection->server;
    check(!atomic_exchange(&connection->answered, true));
    struct http_answer answer = {
        .response = response,
        .close = atomic_load(&connection->closing) || atomic_load(&server->draining),
        .without_body = str_equal(request->method, STR("HEAD")),
    };
    int r = http_answer_write(&connection->out, &answer);
    if (r)
        http_refusal_write(&connection->out, &server->options, HTTP_E_REPLY,
                           str_from_bytes(connection->in, connection->in_bytes));
    if (r || answer.close) atomic_store(&connection->closing, true);
    http_io_post(connection->io, connection);
}

void http_resume(struct http_request *request) {
    struct http_connection *connection = request->connection;
    check(!atomic_load(&connection->answered));
    connection->resumes = true;
    http_io_post(connection->io, connection);
}
