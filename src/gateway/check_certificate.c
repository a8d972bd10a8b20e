#include "gateway/checks.h"

#include "gateway/gateway_int.h"
#include "gateway/self_signed.h"
#include "platform/edge_certificate.h"
#include "platform/revocation.h"

static bool fits(struct str text) {
    return text.len > 0 && text.len <= CERTIFICATE_IDENTITY_BYTES_MAX;
}

/* Who a certificate names. False when it names nobody that could be registered. */
static bool identity_of(const struct certificate *certificate, const struct trust_verdict *verdict,
                        struct certificate_identity *identity) {
    struct str org_id = certificate->organization_id.len ? certificate->organization_id : certificate->organization;
    struct str software_id = certificate->unit.len ? certificate->unit : certificate->common_name;
    if (!fits(org_id) || !fits(software_id)) return false;
    *identity = (struct certificate_identity){ .sha256 = certificate->sha256,
                                               .not_before_ms = certificate->not_before_ms,
                                               .not_after_ms = verdict->until_ms, /* the chain's */
                                               .org_id_len = (uint8_t)org_id.len,
                                               .software_id_len = (uint8_t)software_id.len,
                                               .has_roles = certificate->has_psd2,
                                               .roles = certificate->psd2_roles,
                                               .lists = verdict->lists,
                                               .link_count = verdict->link_count };
    memcpy(identity->org_id, org_id.at, org_id.len);
    memcpy(identity->software_id, software_id.at, software_id.len);
    memcpy(identity->links, verdict->links, sizeof identity->links);
    return true;
}

/* UNTRUSTED: no list knows it, and nothing else is known against it. */
enum judgement { JUDGEMENT_GOOD, JUDGEMENT_BAD, JUDGEMENT_UNTRUSTED };

/* Parses and judges what the cache does not know. JUDGEMENT_*, or a fault. */
static int judge(struct exchange *exchange, const struct trust_set *trust, struct certificate_identity *ret_identity) {
    struct certificate *certificate = NULL;
    struct trust_verdict verdict;
    struct trust_visit visit = { .on_link = revocation_watch, .ctx = exchange->gateway->options.revocation };
    int r = edge_certificate_parse(exchange->gateway->options.edge_form, exchange->edge_certificate, &certificate);
    if (r) return r < 0 ? err_trace(r) : JUDGEMENT_BAD;
    r = trust_set_verify(trust, certificate, exchange->call.received_ms, visit.ctx ? &visit : NULL, &verdict);
    bool good = r == 0 && identity_of(certificate, &verdict, ret_identity);
    bool untrusted = r == TRUST_E_ISSUER;
    (void)certificate_free(certificate);
    if (r < 0) return err_trace(r);
    return good ? JUDGEMENT_GOOD : untrusted ? JUDGEMENT_UNTRUSTED : JUDGEMENT_BAD;
}

/* By what is known of revoked certificates; without any such knowledge configured all are good. */
static enum revocation_state revocation_of(struct exchange *exchange, const struct certificate_identity *identity) {
    struct revocation *revocation = exchange->gateway->options.revocation;
    return revocation ? revocation_check(revocation, identity->links, identity->link_count) : REVOCATION_GOOD;
}

/* From the cache, or judged now. JUDGEMENT_*, or a fault. */
static int identify(struct exchange *exchange, const struct trust_set *trust,
                    struct certificate_identity *ret_identity) {
    struct gateway *gateway = exchange->gateway;
    const struct hash *version = trust_set_version(trust);
    struct hash key = header_memo_hash(gateway->headers, exchange->edge_certificate);
    enum revocation_state state = REVOCATION_UNWATCHED;
    if (certificate_cache_find(gateway->certificates, &key, version, exchange->call.received_ms, ret_identity))
        state = revocation_of(exchange, ret_identity);
    if (state == REVOCATION_UNWATCHED) { /* new here, or forgotten there */
        int r = judge(exchange, trust, ret_identity);
        if (r != JUDGEMENT_GOOD) return r;
        certificate_cache_put(gateway->certificates, &key, version, ret_identity);
        state = revocation_of(exchange, ret_identity);
    }
    return state == REVOCATION_GOOD ? JUDGEMENT_GOOD : JUDGEMENT_BAD;
}

/* Nobody's yet: what the certificate says is all that is known. */
static int take_software(struct exchange *exchange, const struct certificate_identity *identity) {
    struct call *call = &exchange->call;
    call->org_id = arena_dup(exchange->arena, str_from_bytes(identity->org_id, identity->org_id_len));
    call->software_id = arena_dup(exchange->arena, str_from_bytes(identity->software_id, identity->software_id_len));
    if (!call->org_id.at || !call->software_id.at)
        return exchange_fault(exchange, "check_certificate", err_origin(-ENOMEM));
    call->has_certificate = call->certificate_trusted = true;
    call->certificate_hash = identity->sha256;
    call->certificate_has_roles = identity->has_roles;
    call->certificate_roles = identity->roles;
    return EXCHANGE_GOES_ON;
}

/* Of the client's directory: any list, or the one it is registered with. A directory that the configuration does not
 * name trusts nobody. */
static bool is_of_directory(const struct trust_set *trust, struct str directory,
                            const struct certificate_identity *identity) {
    return directory.len == 0 || (identity->lists & trust_set_bit(trust, directory));
}

/* The registered client of a good certificate: software id and organization id must both be its own. */
static int find_client(struct exchange *exchange, const struct trust_set *trust,
                       const struct certificate_identity *identity) {
    struct str software_id = { .at = identity->software_id, .len = identity->software_id_len };
    struct str org_id = { .at = identity->org_id, .len = identity->org_id_len };
    struct call client = exchange->call;
    int r = query_client_by_software(exchange->query, software_id, exchange->arena, &client);
    if (r < 0) return exchange_fault(exchange, "query_client_by_software", r);
    if (r == QUERY_E_ABSENT && (exchange->route->flags & ROUTE_SOFTWARE)) return take_software(exchange, identity);
    exchange_rule(exchange, r == QUERY_E_ABSENT ? "client_unknown_or_suspended" : "organisation_of_another_client");
    if (r == QUERY_E_ABSENT || !str_equal(client.org_id, org_id) || !is_of_directory(trust, client.directory, identity))
        return exchange_refuse(exchange, &refusal_certificate_required, NULL);
    exchange_rule(exchange, NULL);
    check(r == 0 && client.has_client);
    client.has_certificate = client.certificate_trusted = true;
    client.certificate_hash = identity->sha256;
    client.certificate_has_roles = identity->has_roles;
    client.certificate_roles = identity->roles;
    exchange->call = client;
    return EXCHANGE_GOES_ON;
}

/* No list knows it: a client that is registered with just this certificate, or nobody. */
static int find_self_signed(struct exchange *exchange) {
    bool found;
    if (exchange->at_once) return EXCHANGE_MOVES; /* its keys may have to be fetched */
    int r = self_signed_find(exchange, &found);
    if (r < 0) return exchange_fault(exchange, "self_signed_find", r);
    if (!found) return exchange_refuse(exchange, &refusal_certificate_required, NULL);
    exchange_rule(exchange, NULL);
    return EXCHANGE_GOES_ON;
}

int check_certificate(struct exchange *exchange) {
    struct certificate_identity identity;
    if (!(exchange->route->flags & (ROUTE_CERTIFICATE | ROUTE_TOKEN | ROUTE_SOFTWARE))) return EXCHANGE_GOES_ON;
    exchange_rule(exchange, exchange->edge_certificate.len ? "certificate_not_trusted" : "no_certificate");
    if (exchange->edge_certificate.len == 0) return exchange_refuse(exchange, &refusal_certificate_required, NULL);
    if (exchange->edge_certificate.len > EDGE_CERTIFICATE_BYTES_MAX)
        return exchange_refuse(exchange, &refusal_headers_too_large, NULL);
    struct trust_set *trust = trust_slot_get(exchange->gateway->options.trust);
    if (!trust) return exchange_refuse(exchange, &refusal_certificate_required, NULL); /* an empty list trusts nobody */
    int r = identify(exchange, trust, &identity);
    int next = r < 0                      ? exchange_fault(exchange, "check_certificate", r)
               : r == JUDGEMENT_UNTRUSTED ? find_self_signed(exchange)
               : r == JUDGEMENT_BAD       ? exchange_refuse(exchange, &refusal_certificate_required, NULL)
                                          : find_client(exchange, trust, &identity);
    (void)trust_set_free(trust);
    return next;
}
