#include "gateway/external_search.h"

#include "auth/external_lookup.h"
#include "gateway/gateway_int.h"
#include "gateway/pipeline.h"

/* In the exchange's arena, while issuers are asked. */
struct external_search {
    size_t at, end; /* issuers: the one to ask, and behind the last */
    bool asked;     /* the one at at; its answer is in wait */
    bool unknown;   /* one of those before could not be asked */
    struct external_wait wait;
};

bool external_search_may(const struct exchange *exchange, bool ours) {
    const struct gateway_options *options = &exchange->gateway->options;
    return options->issuer_count > 0 && (!ours || options->external_lookup);
}

/* What nobody is bound to whoever holds it may use: never where accounts are shared or money moves. */
static bool needs_binding(const struct route *route) {
    return route->family == FAMILY_OPEN_BANKING || (route->flags & ROUTE_MONEY) ||
           (route->scope && strcmp(route->scope, "payments") == 0);
}

static int take(struct exchange *exchange, const struct external_claims *claims, struct token_view *ret_token) {
    const struct call *call = &exchange->call;
    bool bound = claims->by_certificate || claims->by_key;
    if (!str_equal(claims->client_name, call->client_name)) return QUERY_E_ABSENT; /* the certificate's */
    if (!bound && needs_binding(exchange->route)) return QUERY_E_ABSENT;
    *ret_token = (struct token_view){ .client_id = call->client_id,
                                      .customer_id = claims->customer_id,
                                      .consent_id = claims->consent_id,
                                      .scope = claims->scope,
                                      .certificate_hash = bound ? claims->certificate_hash : call->certificate_hash,
                                      .key_thumbprint = claims->key_thumbprint,
                                      .issued_ms = claims->issued_ms,
                                      .granted_ms = claims->issued_ms,
                                      .expires_ms = claims->expires_ms };
    return 0;
}

/* ---- issuers that are asked ---- */

static void on_answer(void *ctx) {
    pipeline_check_again(ctx);
}

/* From the issuer at search->at on. The search and the exchange may be elsewhere once one is asked. */
static int ask(struct exchange *exchange, struct str text, struct token_view *ret_token) {
    struct external_search *search = exchange->external;
    const struct gateway_options *options = &exchange->gateway->options;
    for (; search->at < search->end; search->at++) {
        if (options->issuers[search->at].endpoint.url.len == 0) continue;
        bool asked = search->asked;
        search->asked = true;
        if (!asked && !external_lookup_ask(options->external_lookup, search->at, text, &search->wait))
            return EXTERNAL_SEARCH_E_WAITS;
        search->asked = false;
        if (search->wait.verdict.result == 0) return take(exchange, &search->wait.verdict.claims, ret_token);
        search->unknown = search->unknown || search->wait.verdict.result == EXTERNAL_E_UNKNOWN;
    }
    return search->unknown ? EXTERNAL_SEARCH_E_UNKNOWN : QUERY_E_ABSENT;
}

static int ask_from(struct exchange *exchange, size_t at, size_t end) {
    struct external_search *search = arena_new(exchange->arena, struct external_search);
    if (!search) return err_origin(-ENOMEM);
    search->at = at;
    search->end = end;
    search->wait.caller = exchange->call.client_id;
    search->wait.interaction_id = exchange->call.interaction_id;
    search->wait.on_done = on_answer;
    search->wait.ctx = exchange;
    exchange->external = search;
    return 0;
}

/* ---- issuers whose keys are known ---- */

static int judge(struct exchange *exchange, struct str text, const struct external_issuer *issuer,
                 struct token_view *ret_token) {
    struct external_issuer asked = *issuer; /* for this call */
    struct external_claims claims;
    asked.keys.interaction_id = exchange->call.interaction_id;
    int r = external_token_judge(text, &asked, exchange->call.received_ms, exchange->arena, &claims);
    if (r < 0) return err_trace(r);
    if (r == EXTERNAL_E_UNKNOWN) return EXTERNAL_SEARCH_E_UNKNOWN;
    return r ? QUERY_E_ABSENT : take(exchange, &claims, ret_token);
}

int external_search(struct exchange *exchange, struct str text, struct token_view *ret_token) {
    const struct gateway_options *options = &exchange->gateway->options;
    const struct external_issuer *issuer;
    size_t at = 0, end = options->issuer_count;
    if (exchange->at_once) return EXTERNAL_SEARCH_E_MOVES;
    if (exchange->external) return ask(exchange, text, ret_token);
    if (external_token_looks(text)) {
        int r = external_token_issuer(text, options->issuers, options->issuer_count, exchange->arena, &issuer);
        if (r) return r < 0 ? err_trace(r) : QUERY_E_ABSENT;
        if (issuer->endpoint.url.len == 0) return judge(exchange, text, issuer, ret_token);
        at = (size_t)(issuer - options->issuers);
        end = at + 1;
    }
    int r = ask_from(exchange, at, end);
    return r ? err_trace(r) : ask(exchange, text, ret_token);
}
