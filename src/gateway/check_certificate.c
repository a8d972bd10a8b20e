#include "gateway/checks.h"

#include "gateway/gateway_int.h"
#include "platform/edge_certificate.h"

/* What is taken over from a certificate. False when it names nobody that could be registered. */
static bool identity_of(const struct certificate *certificate, struct certificate_identity *identity) {
    struct str org_id = certificate->organization_id, software_id = certificate->unit;
    if (org_id.len == 0 || org_id.len > CERTIFICATE_IDENTITY_BYTES_MAX) return false;
    if (software_id.len == 0 || software_id.len > CERTIFICATE_IDENTITY_BYTES_MAX) return false;
    *identity = (struct certificate_identity){ .sha256 = certificate->sha256,
                                               .not_before_ms = certificate->not_before_ms,
                                               .not_after_ms = certificate->not_after_ms,
                                               .org_id_len = (uint8_t)org_id.len,
                                               .software_id_len = (uint8_t)software_id.len };
    memcpy(identity->org_id, org_id.at, org_id.len);
    memcpy(identity->software_id, software_id.at, software_id.len);
    return true;
}

enum judgement { JUDGEMENT_GOOD, JUDGEMENT_BAD };

/* Parses and judges what the cache does not know. JUDGEMENT_*, or a fault. */
static int judge(struct str header, const struct trust *trust, int64_t now_ms,
                 struct certificate_identity *ret_identity) {
    struct certificate *certificate = NULL;
    int64_t until_ms = 0;
    int r = edge_certificate_parse(header, &certificate);
    if (r) return r < 0 ? err_trace(r) : JUDGEMENT_BAD;
    r = trust_verify_until(trust, certificate, now_ms, &until_ms);
    bool good = r == 0 && identity_of(certificate, ret_identity);
    if (good) ret_identity->not_after_ms = until_ms; /* the chain's: a CA may end before what it vouches for */
    (void)certificate_free(certificate);
    if (r < 0) return err_trace(r);
    return good ? JUDGEMENT_GOOD : JUDGEMENT_BAD;
}

static int identify(struct exchange *exchange, const struct trust *trust, struct certificate_identity *ret_identity) {
    struct gateway *gateway = exchange->gateway;
    struct hash key = sha256_str(exchange->edge_certificate);
    int64_t now_ms = exchange->call.received_ms;
    if (certificate_cache_find(gateway->certificates, &key, trust_version(trust), now_ms, ret_identity))
        return JUDGEMENT_GOOD;
    int r = judge(exchange->edge_certificate, trust, now_ms, ret_identity);
    if (r == JUDGEMENT_GOOD) certificate_cache_put(gateway->certificates, &key, trust_version(trust), ret_identity);
    return r;
}

/* Nobody's yet: what the certificate says is all that is known. */
static int take_software(struct exchange *exchange, const struct certificate_identity *identity) {
    struct call *call = &exchange->call;
    call->org_id = arena_dup(exchange->arena, str_from_bytes(identity->org_id, identity->org_id_len));
    call->software_id = arena_dup(exchange->arena, str_from_bytes(identity->software_id, identity->software_id_len));
    if (!call->org_id.at || !call->software_id.at)
        return exchange_fault(exchange, "check_certificate", err_origin(-ENOMEM));
    call->has_certificate = true;
    call->certificate_hash = identity->sha256;
    return EXCHANGE_GOES_ON;
}

/* The registered client of a good certificate: software id and organization id must both be its own. */
static int find_client(struct exchange *exchange, const struct certificate_identity *identity) {
    struct str software_id = { .at = identity->software_id, .len = identity->software_id_len };
    struct str org_id = { .at = identity->org_id, .len = identity->org_id_len };
    struct call client = exchange->call;
    int r = query_client_by_software(exchange->query, software_id, exchange->arena, &client);
    if (r < 0) return exchange_fault(exchange, "query_client_by_software", r);
    if (r == QUERY_E_ABSENT && (exchange->route->flags & ROUTE_SOFTWARE)) return take_software(exchange, identity);
    if (r == QUERY_E_ABSENT || !str_equal(client.org_id, org_id))
        return exchange_refuse(exchange, &refusal_certificate_required, NULL);
    check(r == 0 && client.has_client);
    client.has_certificate = true;
    client.certificate_hash = identity->sha256;
    exchange->call = client;
    return EXCHANGE_GOES_ON;
}

int check_certificate(struct exchange *exchange) {
    struct certificate_identity identity;
    if (!(exchange->route->flags & (ROUTE_CERTIFICATE | ROUTE_TOKEN | ROUTE_SOFTWARE))) return EXCHANGE_GOES_ON;
    if (exchange->edge_certificate.len == 0) return exchange_refuse(exchange, &refusal_certificate_required, NULL);
    if (exchange->edge_certificate.len > EDGE_CERTIFICATE_BYTES_MAX)
        return exchange_refuse(exchange, &refusal_headers_too_large, NULL);
    struct trust *trust = trust_slot_get(exchange->gateway->options.trust);
    if (!trust) return exchange_refuse(exchange, &refusal_certificate_required, NULL); /* an empty list trusts nobody */
    int r = identify(exchange, trust, &identity);
    (void)trust_free(trust);
    if (r < 0) return exchange_fault(exchange, "check_certificate", r);
    if (r == JUDGEMENT_BAD) return exchange_refuse(exchange, &refusal_certificate_required, NULL);
    return find_client(exchange, &identity);
}
