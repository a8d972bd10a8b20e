#include "gateway/checks.h"

#include "gateway/route.h"
#include "wire/form.h"

enum { TOKEN_TEXT_BYTES_MAX = 512 };

static int refuse(struct exchange *exchange, const struct refusal *refusal, const char *challenge) {
    exchange_header(exchange, STR("WWW-Authenticate"), str_from_c(challenge));
    return exchange_refuse(exchange, refusal, NULL);
}

static int refuse_invalid(struct exchange *exchange) {
    return refuse(exchange, &refusal_invalid_token, "Bearer realm=\"giro\", error=\"invalid_token\"");
}

static int refuse_scope(struct exchange *exchange) {
    struct str challenge =
        arena_printf(exchange->arena, "Bearer realm=\"giro\", error=\"insufficient_scope\", scope=\"%s\"",
                     exchange->route->scope ? exchange->route->scope : "");
    return refuse(exchange, &refusal_insufficient_scope,
                  challenge.at ? challenge.at : "Bearer realm=\"giro\", error=\"insufficient_scope\"");
}

static bool is_token_character(char c) {
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || (c && strchr("-._~+/=", c));
}

/* "Bearer" in any case, blanks, b64token (RFC 6750 section 2.1). */
static bool bearer_parse(struct str value, struct str *ret_token) {
    struct str scheme;
    bool two = str_cut(&value, ' ', &scheme);
    value = str_trim(value);
    if (!two || !str_equal_nocase(scheme, STR("Bearer")) || value.len == 0 || value.len > TOKEN_TEXT_BYTES_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (!is_token_character(value.at[i])) return false;
    *ret_token = value;
    return true;
}

/* A token in the address ends in logs and histories (RFC 6750 section 5.3). */
static bool query_is_clean(struct exchange *exchange) {
    struct form form;
    if (exchange->request->query.len == 0) return true;
    return form_parse(exchange->request->query, exchange->arena, &form) == 0 && form_count(&form, "access_token") == 0;
}

static bool token_is_good(const struct call *call, const struct token_view *token) {
    bool alive = token->revoked_ms == 0 && call->received_ms < token->expires_ms;
    bool bound = call->has_certificate && hash_equal(&token->certificate_hash, &call->certificate_hash);
    return alive && bound && id_equal(token->client_id.bytes, call->client_id.bytes);
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
    struct str text;
    if (!(exchange->route->flags & ROUTE_TOKEN)) return EXCHANGE_GOES_ON;
    if (!query_is_clean(exchange))
        return exchange_refuse_field(exchange, &refusal_invalid_request, "query",
                                     "must be well-formed and hold no access token");
    if (count == 0) return refuse(exchange, &refusal_token_missing, "Bearer realm=\"giro\"");
    if (count > 1)
        return exchange_refuse_field(exchange, &refusal_invalid_header, "header.authorization",
                                     "must stand there once");
    if (!bearer_parse(http_header(exchange->request, name), &text)) return refuse_invalid(exchange);
    struct hash hash = sha256_str(text);
    int r = query_token(exchange->query, &hash, exchange->arena, &token);
    if (r < 0) return exchange_fault(exchange, "query_token", r);
    if (r == QUERY_E_ABSENT || !token_is_good(call, &token)) return refuse_invalid(exchange);
    check(r == 0);
    call->has_token = true;
    call->customer_id = token.customer_id;
    call->consent_id = token.consent_id;
    call->scope = token.scope;
    call->token_issued_ms = token.issued_ms;
    if (no_consent_to_read(exchange)) return refuse_invalid(exchange);
    return token_covers(exchange) ? EXCHANGE_GOES_ON : refuse_scope(exchange);
}
