#include "gateway/message_signature.h"

#include "auth/signing_keys.h"
#include "gateway/caller_keys.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "wire/jws_detached.h"

static const struct str header_name = STR_INIT("x-jws-signature");

/* Whose word on the keys is taken: the directory of UK Open Banking. */
static const struct str trust_anchors[] = { STR_INIT("openbanking.org.uk") };

static const struct refusal signature_refusals[JWS_DETACHED_E_COUNT] = {
    [JWS_DETACHED_E_INVALID] = { .status = 400,
                                 .code = "signature_invalid",
                                 .ob_code = "U015",
                                 .title = "Bad Request",
                                 .detail = "The message signature does not verify." },
    [JWS_DETACHED_E_CLAIM] = { .status = 400,
                               .code = "signature_claim",
                               .ob_code = "U016",
                               .title = "Bad Request",
                               .detail = "A member of the message signature's header is wrong or not allowed." },
    [JWS_DETACHED_E_CLAIM_MISSING] = { .status = 400,
                                       .code = "signature_claim_missing",
                                       .ob_code = "U017",
                                       .title = "Bad Request",
                                       .detail = "A member of the message signature's header is missing." },
    [JWS_DETACHED_E_MALFORMED] = { .status = 400,
                                   .code = "signature_malformed",
                                   .ob_code = "U018",
                                   .title = "Bad Request",
                                   .detail = "The message signature is not a detached JWS." },
    [JWS_DETACHED_E_MISSING] = { .status = 400,
                                 .code = "signature_missing",
                                 .ob_code = "U019",
                                 .title = "Bad Request",
                                 .detail = "The message must be signed." },
    [JWS_DETACHED_E_UNEXPECTED] = { .status = 400,
                                    .code = "signature_unexpected",
                                    .ob_code = "U020",
                                    .title = "Bad Request",
                                    .detail = "A message without a body is not signed." },
};

/* Path names the claim, or the header where no claim is at fault. */
static int refuse(struct exchange *exchange, int refusal, struct str claim) {
    const struct refusal *row = &signature_refusals[refusal];
    struct str path = arena_dup(exchange->arena, claim.len ? claim : header_name);
    if (!path.at) return exchange_refuse(exchange, row, NULL);
    return exchange_refuse_field(exchange, row, path.at, row->detail);
}

/* A signature and what it is judged by. */
struct signed_body {
    struct exchange *exchange;
    struct jws_detached_rules rules;
    struct str value, claim;
};

static int verify_by(void *ctx, const struct jwks *keys) {
    struct signed_body *signed_body = ctx;
    struct exchange *exchange = signed_body->exchange;
    signed_body->rules.keys = keys;
    return jws_detached_verify(signed_body->value, exchange->request->body, &signed_body->rules, exchange->arena,
                               &signed_body->claim);
}

static int verify(struct exchange *exchange, struct str value, struct str *ret_claim) {
    const struct call *call = &exchange->call;
    struct str issuer =
        arena_printf(exchange->arena, STR_FMT "/" STR_FMT, STR_ARG(call->org_id), STR_ARG(call->software_id));
    struct signed_body signed_body = { .exchange = exchange,
                                       .value = value,
                                       .rules = { .wanted = true,
                                                  .issuers = &issuer,
                                                  .issuer_count = 1,
                                                  .trust_anchors = trust_anchors,
                                                  .trust_anchor_count = ARRAY_COUNT(trust_anchors),
                                                  .now_ms = gateway_options(exchange->gateway)->now_ms() } };
    struct caller_keys_judge judge = { verify_by, &signed_body, JWS_DETACHED_E_INVALID };
    if (!issuer.at) return err_origin(-ENOMEM);
    int r = caller_keys_judge(exchange, &judge);
    *ret_claim = signed_body.claim;
    return r < 0 ? err_trace(r) : r;
}

int message_signature_check(struct exchange *exchange) {
    size_t count = http_header_count(exchange->request, header_name);
    struct str claim = { 0 };
    check(exchange->call.has_client);
    if (!(exchange->route->flags & ROUTE_BODY))
        return count ? refuse(exchange, JWS_DETACHED_E_UNEXPECTED, claim) : EXCHANGE_GOES_ON;
    if (count == 0) return refuse(exchange, JWS_DETACHED_E_MISSING, claim);
    if (count > 1) return refuse(exchange, JWS_DETACHED_E_MALFORMED, claim);
    int r = verify(exchange, http_header(exchange->request, header_name), &claim);
    if (r < 0) return exchange_fault(exchange, "message_signature_check", r);
    return r ? refuse(exchange, r, claim) : EXCHANGE_GOES_ON;
}

int message_signature_sign(struct exchange *exchange) {
    const struct gateway_options *options = gateway_options(exchange->gateway);
    struct signing_set *set = signing_set_take(options->signing_keys);
    struct jws_detached_signer signer = { .key = signing_set_current(set)->key,
                                          .kid = signing_set_current(set)->kid,
                                          .issuer = options->org_id,
                                          .trust_anchor = trust_anchors[0] };
    char memory[JWS_DETACHED_BYTES_MAX];
    struct buffer value;
    buffer_init(&value, memory, sizeof memory);
    int r = jws_detached_sign(&signer, exchange->content, options->now_ms(), exchange->arena, &value);
    signing_set_release(set);
    if (r) return err_trace(r);
    struct str text = arena_dup(exchange->arena, buffer_str(&value));
    if (!text.at) return err_origin(-ENOMEM);
    exchange_header(exchange, header_name, text);
    return 0;
}
