#include "gateway/exchange_signature.h"

#include "auth/signing_keys.h"
#include "gateway/gateway.h"

struct http_signature_request exchange_signature_request(const struct exchange *exchange) {
    const struct http_request *request = exchange->request;
    return (struct http_signature_request){ .method = request->method,
                                            .origin = gateway_options(exchange->gateway)->api_url,
                                            .path = request->path,
                                            .query = request->query,
                                            .headers = request->headers,
                                            .header_count = request->header_count,
                                            .body = request->body };
}

/* What of the content is sent (RFC 9110 sections 9.3.2, 15.3.5, 15.4.5). */
static struct str content_sent(const struct exchange *exchange) {
    bool none = exchange->status == 204 || exchange->status == 304 || str_equal(exchange->request->method, STR("HEAD"));
    return none ? STR("") : exchange->content;
}

int exchange_signature_make(struct exchange *exchange) {
    const struct gateway_options *options = gateway_options(exchange->gateway);
    struct http_signature_request request = exchange_signature_request(exchange);
    struct http_signature_headers headers;
    if (!exchange->signs_answer) return 0;
    struct http_signature_answer answer = { .request = &request,
                                            .link = exchange->request_signature,
                                            .status = exchange->status,
                                            .content = content_sent(exchange),
                                            .now_ms = options->now_ms() };
    struct signing_set *set = signing_set_take(options->signing_keys);
    int r = http_signature_make(&answer, signing_set_current(set), exchange->arena, &headers);
    signing_set_release(set);
    if (r) return err_trace(r);
    exchange_header(exchange, STR("Content-Digest"), headers.content_digest);
    exchange_header(exchange, STR("Signature-Input"), headers.signature_input);
    exchange_header(exchange, STR("Signature"), headers.signature);
    return 0;
}
