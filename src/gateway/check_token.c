#include "gateway/checks.h"

#include "auth/dpop_nonce.h"
#include "auth/dpop_proof.h"
#include "auth/external_token.h"
#include "gateway/challenge.h"
#include "gateway/external_search.h"
#include "gateway/gateway_int.h"
#include "gateway/route.h"
#include "wire/form.h"

enum { TOKEN_TEXT_BYTES_MAX = EXTERNAL_TOKEN_BYTES_MAX, ISSUER_RETRY_S = 1 };

/* What the Authorization header says (RFC 9110 section 11.4). */
struct credentials {
    struct str token;
    bool by_key; /* scheme DPoP; else Bearer */
};

/* Before it is known whose token it is: in the scheme that was used. */
static int refuse_token(struct exchange *exchange, bool by_key, const char *error) {
    challenge_add(exchange, by_key, error, NULL);
    return exchange_refuse(exchange, &refusal_invalid_token, NULL);
}

static int refuse_missing(struct exchange *exchange) {
    exchange_header(exchange, STR("WWW-Authenticate"), STR(CHALLENGE_BEARER ", " CHALLENGE_DPOP));
    return exchange_refuse(exchange, &refusal_token_missing, NULL);
}

static int refuse_scope(struct exchange *exchange) {
    challenge_again(exchange, "insufficient_scope", exchange->route->scope ? exchange->route->scope : "");
    return exchange_refuse(exchange, &refusal_insufficient_scope, NULL);
}

static bool is_token_character(char c) {
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || (c && strchr("-._~+/=", c));
}

static bool scheme_is_dpop(struct str value) {
    struct str scheme;
    (void)str_cut(&value, ' ', &scheme);
    return str_equal_nocase(scheme, STR("DPoP"));
}

/* "Bearer" or "DPoP" in any case, blanks, b64token (RFC 6750 section 2.1, RFC 9449 section 7.1). */
static bool credentials_parse(struct str value, struct credentials *ret_credentials) {
    struct str scheme;
    bool two = str_cut(&value, ' ', &scheme);
    bool by_key = str_equal_nocase(scheme, STR("DPoP"));
    value = str_trim(value);
    if (!two || !(by_key || str_equal_nocase(scheme, STR("Bearer")))) return false;
    if (value.len == 0 || value.len > TOKEN_TEXT_BYTES_MAX) return false;
    for (size_t i = 0; i < value.len; i++)
        if (!is_token_character(value.at[i])) return false;
    *ret_credentials = (struct credentials){ .token = value, .by_key = by_key };
    return true;
}

/* A token in the address ends in logs and histories (RFC 6750 section 5.3). */
static bool query_is_clean(struct exchange *exchange) {
    struct form form;
    if (exchange->request->query.len == 0) return true;
    return form_parse(exchange->request->query, exchange->arena, &form) == 0 && form_count(&form, "access_token") == 0;
}

/* The rule that a token does not keep, for the audit record; NULL: it is alive. */
static const char *token_fault(const struct call *call, const struct token_view *token) {
    if (token->revoked_ms) return "token_revoked";
    if (call->received_ms >= token->expires_ms) return "token_expired";
    return id_equal(token->client_id.bytes, call->client_id.bytes) ? NULL : "token_of_another_client";
}

static bool token_is_alive(struct exchange *exchange, const struct token_view *token) {
    exchange_rule(exchange, token_fault(&exchange->call, token));
    return exchange->rule == NULL;
}

/* An answer like any other lack of scope, with the roles in its text (uk/D3). */
static int refuse_roles(struct exchange *exchange) {
    challenge_again(exchange, "insufficient_scope", NULL);
    return exchange_refuse(exchange, &refusal_roles, NULL);
}

static bool is_bound_to_key(const struct token_view *token) {
    static const struct hash none;
    return !hash_equal(&token->key_thumbprint, &none);
}

/* ---- tokens bound to a key ---- */

static int ask_nonce(struct exchange *exchange, const struct hash *nonce_key) {
    char *memory = arena_alloc(exchange->arena, DPOP_NONCE_TEXT_BYTES);
    if (!memory) return exchange_fault(exchange, "check_token", err_origin(-ENOMEM));
    exchange_header(exchange, STR("DPoP-Nonce"), dpop_nonce_make(nonce_key, exchange->call.received_ms, memory));
    exchange_rule(exchange, "dpop_nonce_missing_or_old");
    return refuse_token(exchange, true, "use_dpop_nonce");
}

/* Why, in one word for the audit record: "dpop_iat_too_old". The sentence is ours, nothing of the proof is in it. */
static const char *rule_of(struct exchange *exchange, const char *wrong) {
    struct str text = arena_printf(exchange->arena, "dpop_%s", wrong);
    char *at = text.at ? arena_alloc(exchange->arena, text.len + 1) : NULL;
    if (!at) return "dpop_proof";
    for (size_t i = 0; i < text.len; i++)
        at[i] = is_token_character(text.at[i]) && !strchr("+/=~", text.at[i]) ? text.at[i] : '_';
    at[text.len] = 0;
    return at;
}

static int refuse_proof(struct exchange *exchange, const char *rule) {
    exchange_rule(exchange, rule);
    return refuse_token(exchange, true, "invalid_dpop_proof");
}

/* The one proof beside the token: of its key, of this request, and not seen before. */
static int check_proof(struct exchange *exchange, struct str access_token, const struct hash *thumbprint) {
    const struct gateway_options *options = &exchange->gateway->options;
    const struct str name = STR("DPoP");
    struct dpop_facts facts;
    const char *wrong = NULL;
    struct str url =
        arena_printf(exchange->arena, STR_FMT STR_FMT, STR_ARG(options->api_url), STR_ARG(exchange->request->path));
    if (!url.at) return exchange_fault(exchange, "check_token", err_origin(-ENOMEM));
    if (!options->auth || http_header_count(exchange->request, name) != 1)
        return refuse_proof(exchange, "dpop_not_one_proof");
    struct dpop_rules rules = { .method = exchange->request->method,
                                .url = url,
                                .access_token = access_token,
                                .nonce_key = auth_dpop_nonce_key(options->auth),
                                .now_ms = exchange->call.received_ms };
    int r = dpop_proof_judge(http_header(exchange->request, name), &rules, exchange->arena, &facts, &wrong);
    if (r < 0) return exchange_fault(exchange, "dpop_proof_judge", r);
    if (r == DPOP_E_NONCE) return ask_nonce(exchange, rules.nonce_key);
    if (r) return refuse_proof(exchange, rule_of(exchange, wrong));
    if (!hash_equal(&facts.thumbprint, thumbprint)) return refuse_proof(exchange, "dpop_key_is_not_the_tokens");
    if (!proof_memory_spend(exchange->gateway->proofs, facts.jti_key, facts.expires_ms, rules.now_ms))
        return refuse_proof(exchange, "dpop_proof_seen_before");
    exchange->call.has_proof_key = true;
    exchange->call.proof_key = *thumbprint;
    return EXCHANGE_GOES_ON;
}

/* The sender is who the token was issued to: by the certificate of the connection (RFC 8705), or by the key of a proof
 * (RFC 9449); a token of the one kind is nothing in the other's scheme (107). */
static int check_sender(struct exchange *exchange, const struct credentials *credentials,
                        const struct token_view *token) {
    const struct call *call = &exchange->call;
    if (exchange->at_once && is_bound_to_key(token)) return EXCHANGE_MOVES; /* a proof takes CPU */
    if (is_bound_to_key(token)) {
        if (credentials->by_key) return check_proof(exchange, credentials->token, &token->key_thumbprint);
        exchange_rule(exchange, "token_of_a_key_in_scheme_bearer");
        return refuse_token(exchange, true, "invalid_token"); /* the scheme that it is for */
    }
    bool bound = call->has_certificate && hash_equal(&token->certificate_hash, &call->certificate_hash);
    if (bound && !credentials->by_key) return EXCHANGE_GOES_ON;
    exchange_rule(exchange, "token_of_another_certificate");
    return refuse_token(exchange, credentials->by_key, "invalid_token");
}

/* The token as it stands now: ours, or another server's. 0, QUERY_E_ABSENT, EXTERNAL_SEARCH_E_*, <0. */
static int find_token(struct exchange *exchange, struct str text, struct token_view *ret_token) {
    bool ours = !external_token_looks(text);
    int r = QUERY_E_ABSENT;
    if (ours || !external_search_may(exchange, false)) {
        struct hash hash = sha256_str(text);
        r = query_token(exchange->query, &hash, exchange->arena, ret_token);
    }
    return r == QUERY_E_ABSENT && external_search_may(exchange, ours) ? external_search(exchange, text, ret_token) : r;
}

/* Somebody who might know the token cannot be asked: that says nothing about it. */
static int refuse_unknown(struct exchange *exchange) {
    exchange_rule(exchange, "issuer_unreachable");
    return exchange_refuse_for(exchange, &refusal_unavailable, ISSUER_RETRY_S);
}

/* Scope and kind of token that the route asks for. */
static bool token_covers(const struct exchange *exchange) {
    const struct call *call = &exchange->call;
    const struct route *route = exchange->route;
    bool customers = !id_is_zero(call->customer_id.bytes);
    if (route->scope && !call_has_scope(call, str_from_c(route->scope))) return false;
    if ((route->flags & ROUTE_CLIENT_TOKEN) && customers) return false;
    return !(route->flags & ROUTE_CUSTOMER_TOKEN) || (customers && !id_is_zero(call->consent_id.bytes));
}

/* A client's own token is none for reads of accounts: 401, as the conformance suite wants it. */
static bool no_consent_to_read(const struct exchange *exchange) {
    const struct call *call = &exchange->call;
    bool bound = !id_is_zero(call->customer_id.bytes) && !id_is_zero(call->consent_id.bytes);
    return (exchange->route->flags & ROUTE_ACCOUNT_READ) && !bound;
}

int check_token(struct exchange *exchange) {
    const struct str name = STR("Authorization");
    size_t count = http_header_count(exchange->request, name);
    struct call *call = &exchange->call;
    struct token_view token;
    struct credentials credentials;
    if (!(exchange->route->flags & ROUTE_TOKEN)) return EXCHANGE_GOES_ON;
    if (!query_is_clean(exchange))
        return exchange_refuse_field(exchange, &refusal_invalid_request, "query",
                                     "must be well-formed and hold no access token");
    if (count == 0) return refuse_missing(exchange);
    if (count > 1)
        return exchange_refuse_field(exchange, &refusal_invalid_header, "header.authorization",
                                     "must stand there once");
    if (!credentials_parse(http_header(exchange->request, name), &credentials))
        return refuse_token(exchange, scheme_is_dpop(http_header(exchange->request, name)), "invalid_token");
    int r = find_token(exchange, credentials.token, &token);
    if (r == EXTERNAL_SEARCH_E_MOVES) return EXCHANGE_MOVES;
    if (r == EXTERNAL_SEARCH_E_WAITS) return EXCHANGE_WAITS; /* it may already run elsewhere */
    if (r == EXTERNAL_SEARCH_E_UNKNOWN) return refuse_unknown(exchange);
    if (r < 0) return exchange_fault(exchange, "query_token", r);
    if (r == QUERY_E_ABSENT) exchange_rule(exchange, "token_unknown");
    if (r == QUERY_E_ABSENT || !token_is_alive(exchange, &token))
        return refuse_token(exchange, credentials.by_key, "invalid_token");
    check(r == 0);
    int next = check_sender(exchange, &credentials, &token);
    if (next != EXCHANGE_GOES_ON) return next;
    call->has_token = true;
    call->customer_id = token.customer_id;
    call->consent_id = token.consent_id;
    call->scope = token.scope;
    call->granted_ms = token.granted_ms;
    if (no_consent_to_read(exchange)) return refuse_token(exchange, credentials.by_key, "invalid_token");
    if (!token_covers(exchange)) return refuse_scope(exchange);
    if (exchange->route->scope && !call_role_allows(call, str_from_c(exchange->route->scope)))
        return refuse_roles(exchange);
    return EXCHANGE_GOES_ON;
}
