#include "gateway/message_signature.h"

#include "auth/client_keys.h"
#include "auth/signing_keys.h"
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

/* Where the client's registered keys are. 0 or a fault. */
static int source_of(struct exchange *exchange, struct client_key_source *ret_source) {
    const struct gateway_options *options = gateway_options(exchange->gateway);
    int r = query_client_keys(exchange->query, &exchange->call.client_id, exchange->arena, &ret_source->jwks,
                              &ret_source->jwks_uri);
    ret_source->cache = options->client_keys;
    return err_fold(r);
}

/* By its keys; when they do not do, by newer ones of theirs (FAPI C7). Keys that cannot be used are the same as none.
 * 0, JWS_DETACHED_E_*, or a fault. */
static int verify_by(struct exchange *exchange, struct str value, struct jws_detached_rules *rules,
                     struct str *ret_claim) {
    static const struct client_key_source nothing = { .jwks = STR_INIT("{\"keys\":[]}") };
    struct client_key_source source;
    struct client_key_set *set, *newer;
    int r = source_of(exchange, &source);
    if (r) return err_trace(r);
    r = client_keys_take(&source, NULL, &set);
    if (r > 0) r = client_keys_take(&nothing, NULL, &set);
    if (r) return err_fold(r);
    rules->keys = client_key_set_keys(set);
    r = jws_detached_verify(value, exchange->request->body, rules, exchange->arena, ret_claim);
    if (r == JWS_DETACHED_E_INVALID && source.jwks_uri.len && client_keys_take(&source, set, &newer) == 0) {
        rules->keys = client_key_set_keys(newer);
        if (newer != set) r = jws_detached_verify(value, exchange->request->body, rules, exchange->arena, ret_claim);
        (void)client_key_set_release(newer);
    }
    (void)client_key_set_release(set);
    return r;
}

static int verify(struct exchange *exchange, struct str value, struct str *ret_claim) {
    const struct call *call = &exchange->call;
    struct str issuer =
        arena_printf(exchange->arena, STR_FMT "/" STR_FMT, STR_ARG(call->org_id), STR_ARG(call->software_id));
    struct jws_detached_rules rules = { .wanted = true,
                                        .issuers = &issuer,
                                        .issuer_count = 1,
                                        .trust_anchors = trust_anchors,
                                        .trust_anchor_count = ARRAY_COUNT(trust_anchors),
                                        .now_ms = gateway_options(exchange->gateway)->now_ms() };
    if (!issuer.at) return err_origin(-ENOMEM);
    return verify_by(exchange, value, &rules, ret_claim);
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
