#include "gateway/self_signed.h"

#include "auth/client_certificate.h"
#include "gateway/gateway_int.h"
#include "platform/edge_certificate.h"
#include "wire/form.h"

/* A certificate and the client that it may be of. */
struct claim {
    const struct certificate *certificate;
    struct client_view client;
    bool bound; /* the access token is bound to this certificate */
};

/* POST /token and the like: client_id, once. QUERY_E_ABSENT without. */
static int client_of_form(struct exchange *exchange, struct claim *claim) {
    struct form form;
    struct str name;
    int r = form_parse(exchange->request->body, exchange->arena, &form);
    if (r) return r < 0 ? err_trace(r) : QUERY_E_ABSENT;
    if (form_count(&form, "client_id") != 1 || !form_get(&form, "client_id", &name)) return QUERY_E_ABSENT;
    return query_client(exchange->query, name, exchange->arena, &claim->client);
}

/* The client of the access token, which check_token judges afterwards. */
static int client_of_token(struct exchange *exchange, struct claim *claim) {
    const struct str header = STR("Authorization");
    struct str text = http_header(exchange->request, header), scheme;
    struct token_view token;
    bool two = str_cut(&text, ' ', &scheme);
    text = str_trim(text);
    if (!two || text.len == 0 || http_header_count(exchange->request, header) != 1) return QUERY_E_ABSENT;
    struct hash hash = sha256_str(text);
    int r = query_token(exchange->query, &hash, exchange->arena, &token);
    if (r) return r;
    claim->bound = hash_equal(&token.certificate_hash, &claim->certificate->sha256);
    return query_client_by_id(exchange->query, &token.client_id, exchange->arena, &claim->client);
}

/* (S2) 0, QUERY_E_ABSENT, or a fault. */
static int find_claimed(struct exchange *exchange, struct claim *claim) {
    const struct gateway_options *options = &exchange->gateway->options;
    int64_t now_ms = exchange->call.received_ms;
    int r = exchange->route->flags & ROUTE_FORM    ? client_of_form(exchange, claim)
            : exchange->route->flags & ROUTE_TOKEN ? client_of_token(exchange, claim)
                                                   : QUERY_E_ABSENT;
    if (r) return r;
    if (claim->client.auth != CLIENT_VIEW_SELF_SIGNED) return QUERY_E_ABSENT;
    if (claim->bound)
        return now_ms < claim->certificate->not_before_ms || now_ms >= claim->certificate->not_after_ms ? QUERY_E_ABSENT
                                                                                                        : 0;
    struct client_key_source source = { .jwks = claim->client.jwks,
                                        .jwks_uri = claim->client.jwks_uri,
                                        .cache = options->client_keys,
                                        .interaction_id = exchange->call.interaction_id };
    r = client_certificate_registered(claim->certificate, &source, now_ms);
    return r < 0 ? err_trace(r) : r ? QUERY_E_ABSENT : 0;
}

int self_signed_find(struct exchange *exchange, bool *ret_found) {
    struct certificate *certificate;
    struct call call = exchange->call;
    *ret_found = false;
    int r = edge_certificate_parse(exchange->gateway->options.edge_form, exchange->edge_certificate, &certificate);
    if (r) return r < 0 ? err_trace(r) : 0;
    struct claim claim = { .certificate = certificate };
    struct hash hash = certificate->sha256;
    r = find_claimed(exchange, &claim);
    if (!r) r = query_client_by_name(exchange->query, claim.client.name, exchange->arena, &call);
    (void)certificate_free(certificate);
    if (r) return r < 0 ? err_trace(r) : 0;
    if (call.directory.len) return 0; /* its certificates must come from there */
    call.has_certificate = true;
    call.certificate_hash = hash;
    exchange->call = call; /* (S1) */
    *ret_found = true;
    return 0;
}
