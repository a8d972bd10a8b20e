#include "gateway/checks.h"

#include "gateway/caller_keys.h"
#include "gateway/exchange_signature.h"
#include "gateway/gateway_int.h"

/* What would have been good (RFC 9421 section 5.1). */
#define WANTED "sig1=(\"@method\" \"@target-uri\" \"authorization\""
#define WANTED_OF_BODY " \"content-digest\""
#define WANTED_PARAMETERS ");created;keyid;tag=\"fapi-2-request\""

/* Open Banking's code of each: its own for signatures, though they are of another kind. */
static const char *const ob_codes[HTTP_SIGNATURE_E_COUNT] = {
    [HTTP_SIGNATURE_E_MISSING] = "U019",   [HTTP_SIGNATURE_E_MALFORMED] = "U018", [HTTP_SIGNATURE_E_SEVERAL] = "U018",
    [HTTP_SIGNATURE_E_TAG] = "U016",       [HTTP_SIGNATURE_E_TIME] = "U016",      [HTTP_SIGNATURE_E_COVER] = "U017",
    [HTTP_SIGNATURE_E_COMPONENT] = "U016", [HTTP_SIGNATURE_E_DIGEST] = "U015",    [HTTP_SIGNATURE_E_KEY] = "U016",
    [HTTP_SIGNATURE_E_ALG] = "U016",       [HTTP_SIGNATURE_E_INVALID] = "U015",
};

struct signed_request {
    struct http_signature_request request;
    struct http_signature_link link;
    int64_t now_ms;
    struct arena *arena;
};

static int verify_by(void *ctx, const struct jwks *keys) {
    struct signed_request *signed_request = ctx;
    return http_signature_verify(&signed_request->request, keys, signed_request->now_ms, signed_request->arena,
                                 &signed_request->link);
}

/* The status wants a challenge (RFC 9110 section 15.5.2): the token's scheme, that is good as far as it goes. */
static int refuse(struct exchange *exchange, int r) {
    bool missing = r == HTTP_SIGNATURE_E_MISSING, body = exchange->request->body.len > 0;
    struct refusal refusal = { .status = 401,
                               .code = missing ? "http_signature_required" : "http_signature_invalid",
                               .ob_code = ob_codes[r],
                               .title = "Unauthorized",
                               .detail = http_signature_refusal_text(r),
                               .hint = "Sign as the header Accept-Signature says, within a minute of sending.",
                               .oauth_code = "invalid_request" };
    exchange_rule(exchange, http_signature_refusal_name(r));
    exchange_header(exchange, STR("WWW-Authenticate"),
                    exchange->call.has_proof_key ? STR("DPoP realm=\"giro\", error=\"invalid_request\"")
                                                 : STR("Bearer realm=\"giro\", error=\"invalid_request\""));
    exchange_header(exchange, STR("Accept-Signature"),
                    body ? STR(WANTED WANTED_OF_BODY WANTED_PARAMETERS) : STR(WANTED WANTED_PARAMETERS));
    return exchange_refuse(exchange, &refusal, NULL);
}

/* Who must sign, and who may: what others send under these names is not looked at. */
static bool is_judged(const struct exchange *exchange, const struct http_signature_request *request) {
    const struct call *call = &exchange->call;
    if (!(exchange->route->flags & ROUTE_TOKEN)) return false;
    return call->must_sign || (call->profile == CLIENT_VIEW_FAPI2_MS && http_signature_is_there(request));
}

int check_http_signature(struct exchange *exchange) {
    struct http_signature_request request = exchange_signature_request(exchange);
    if (!is_judged(exchange, &request)) return EXCHANGE_GOES_ON;
    if (exchange->at_once) return EXCHANGE_MOVES; /* its keys may have to be fetched */
    struct signed_request *signed_request = arena_new(exchange->arena, struct signed_request);
    if (!signed_request) return exchange_fault(exchange, "check_http_signature", err_origin(-ENOMEM));
    if (!exchange->gateway->options.signing_keys)
        return exchange_fault(exchange, "check_http_signature", err_origin(-ENOKEY));
    *signed_request = (struct signed_request){ .request = request,
                                               .now_ms = exchange->gateway->options.now_ms(),
                                               .arena = exchange->arena };
    struct caller_keys_judge judge = { verify_by, signed_request, HTTP_SIGNATURE_E_KEY };
    exchange->signs_answer = true;
    int r = caller_keys_judge(exchange, &judge);
    if (r < 0) return exchange_fault(exchange, "http_signature_verify", r);
    if (r) return refuse(exchange, r);
    exchange->request_signature = &signed_request->link;
    return EXCHANGE_GOES_ON;
}
