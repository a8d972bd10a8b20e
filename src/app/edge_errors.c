/* edge_errors.c - errors.conf: the answers that nginx makes itself. One exact location for each status and envelope. */
#include "app/edge_config.h"

struct edge_error {
    int status;
    const char *code;  /* RFC 9457 member "code", the contract's names */
    const char *title; /* the status in words */
    const char *detail;
    const char *ob4, *ob3; /* ErrorCode of Open Banking v4.0 and v3.1 */
    const char *oauth;     /* RFC 6749 section 5.2 */
    const char *more;      /* another header line, or NULL */
    const char *suffix;    /* behind the location's name: "" or "/unknown" */
};

#define OB3_FORMAT "UK.OBIE.Resource.InvalidFormat"
#define OB3_OTHER "UK.OBIE.UnexpectedError"
#define UNKNOWN "The outcome is not known. Ask again with the same key: it is not done twice."

/* No quote, backslash or dollar sign may stand in these texts: they go into the configuration, JSON and HTML as they
 * are. */
static const struct edge_error errors[] = {
    { 400, "invalid_request", "Bad Request", "The request is not well-formed HTTP.", "U010", OB3_FORMAT,
      "invalid_request", NULL, "" },
    { 401, "client_certificate_required", "Unauthorized", "The client certificate is missing, expired or not usable.",
      "U000", OB3_OTHER, "invalid_client", NULL, "" },
    { 403, "request_blocked", "Forbidden", "The firewall takes this request for an attack.", "U000", OB3_OTHER,
      "invalid_request", NULL, "" },
    { 404, "not_found", "Not Found", "There is nothing at this address.", "U011", "UK.OBIE.Resource.NotFound",
      "invalid_request", NULL, "" },
    { 405, "method_not_allowed", "Method Not Allowed", "This method is not offered.", "U000", OB3_OTHER,
      "invalid_request", "Allow \"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\"", "" },
    { 408, "request_timeout", "Request Timeout", "The request came too slowly.", "U000", OB3_OTHER, "invalid_request",
      NULL, "" },
    { 411, "length_required", "Length Required", "The request needs a Content-Length.", "U007",
      "UK.OBIE.Header.Missing", "invalid_request", NULL, "" },
    { 413, "body_too_large", "Content Too Large", "The body is larger than this route takes.", "U010", OB3_FORMAT,
      "invalid_request", NULL, "" },
    { 414, "address_too_long", "URI Too Long", "The address of the request is too long.", "U010", OB3_FORMAT,
      "invalid_request", NULL, "" },
    { 429, "rate_limited", "Too Many Requests", "Too many requests from this address.", "U000", OB3_OTHER,
      "temporarily_unavailable", "Retry-After 1", "" },
    { 431, "headers_too_large", "Request Header Fields Too Large", "The header block is larger than 16 KiB.", "U006",
      "UK.OBIE.Header.Invalid", "invalid_request", NULL, "" },
    { 500, "internal", "Internal Server Error", "Something went wrong at the edge.", "U000", OB3_OTHER, "server_error",
      NULL, "" },
    { 502, "unavailable", "Bad Gateway", "The service does not answer.", "U000", OB3_OTHER, "temporarily_unavailable",
      "Retry-After 1", "" },
    { 502, "outcome_unknown", "Bad Gateway", UNKNOWN, "U000", OB3_OTHER, "server_error", "Retry-After 1", "/unknown" },
    { 503, "unavailable", "Service Unavailable", "The service is not available; nothing was stored.", "U000", OB3_OTHER,
      "temporarily_unavailable", "Retry-After 1", "" },
    { 504, "unavailable", "Gateway Timeout", "The service did not answer in time.", "U000", OB3_OTHER,
      "temporarily_unavailable", "Retry-After 1", "" },
    { 504, "outcome_unknown", "Gateway Timeout", UNKNOWN, "U000", OB3_OTHER, "server_error", "Retry-After 1",
      "/unknown" },
    { 505, "invalid_request", "HTTP Version Not Supported", "This version of HTTP is not offered.", "U010", OB3_FORMAT,
      "invalid_request", NULL, "" },
};

static void write_problem(const struct edge_error *error, struct buffer *out) {
    buffer_printf(
        out,
        "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\","
        "\"instance\":\"urn:uuid:$edge_interaction_id\",\"code\":\"%s\",\"interaction_id\":\"$edge_interaction_id\"}",
        error->title, error->status, error->detail, error->code);
}

static void write_ob4(const struct edge_error *error, struct buffer *out) {
    buffer_printf(out, "{\"Id\":\"$edge_interaction_id\",\"Errors\":[{\"ErrorCode\":\"%s\",\"Message\":\"%s: %s\"}]}",
                  error->ob4, error->code, error->detail);
}

static void write_ob3(const struct edge_error *error, struct buffer *out) {
    buffer_printf(out,
                  "{\"Code\":\"%d %s\",\"Id\":\"$edge_interaction_id\",\"Message\":\"%s\","
                  "\"Errors\":[{\"ErrorCode\":\"%s\",\"Message\":\"%s: %s\"}]}",
                  error->status, error->title, error->title, error->ob3, error->code, error->detail);
}

static void write_oauth(const struct edge_error *error, struct buffer *out) {
    buffer_printf(out, "{\"error\":\"%s\",\"error_description\":\"%s: %s\"}", error->oauth, error->code, error->detail);
}

static void write_page(const struct edge_error *error, struct buffer *out) {
    buffer_printf(out,
                  "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title></head><body><main>"
                  "<h1>%s</h1><p>%s</p><p>Reference: $edge_interaction_id</p></main></body></html>",
                  error->title, error->title, error->detail);
}

static const struct {
    const char *content_type;
    void (*write)(const struct edge_error *error, struct buffer *out);
} envelopes[EDGE_ENVELOPE_COUNT] = {
    [EDGE_PROBLEM] = { "application/problem+json", write_problem },
    [EDGE_OB4] = { "application/json; charset=utf-8", write_ob4 },
    [EDGE_OB3] = { "application/json; charset=utf-8", write_ob3 },
    [EDGE_OAUTH] = { "application/json", write_oauth },
    [EDGE_PAGE] = { "text/html; charset=utf-8", write_page },
};
#define X(code, name) [code] = name,
static const char *const envelope_names[] = { EDGE_ENVELOPE_MAP(X) };
#undef X

static void write_error(const struct edge_error *error, enum edge_envelope envelope, struct buffer *out) {
    buffer_printf(out,
                  "location = /.edge-error/%d/%s%s {\n    internal;\n    types {\n    }\n    default_type \"%s\";\n",
                  error->status, envelope_names[envelope], error->suffix, envelopes[envelope].content_type);
    edge_config_security(out, "    ", "no-store");
    buffer_append_c(out, "    add_header X-Fapi-Interaction-Id $edge_interaction_id always;\n");
    if (error->more) buffer_printf(out, "    add_header %s always;\n", error->more);
    buffer_printf(out, "    return %d '", error->status);
    envelopes[envelope].write(error, out);
    buffer_append_c(out, "';\n}\n");
}

void edge_config_errors(struct buffer *out) {
    buffer_append_c(out, "# The answers that the edge makes itself. Included by both servers.\n");
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++)
        for (enum edge_envelope envelope = 0; envelope < EDGE_ENVELOPE_COUNT; envelope++)
            write_error(&errors[i], envelope, out);
}
