#include "gateway/checks.h"

#include "gateway/challenge.h"
#include "gateway/route.h"

static const struct refusal refusal_consent_expired = {
    .status = 401,
    .code = "invalid_token",
    .ob_code = "U009",
    .title = "Unauthorized",
    .detail = "The consent behind the access token has expired; the customer must be asked for a new one."
};
static const struct refusal refusal_authenticate = {
    .status = 403,
    .code = "authentication_required",
    .ob_code = "U028",
    .title = "Forbidden",
    .detail = "The bank asks for the customer's authentication before anything more is read under this consent.",
    .hint = "Send the customer through authorisation again, with the same consent."
};
static const struct refusal refusal_unknown_account = {
    .status = 400, .code = "not_found", .ob_code = "U011", .title = "Bad Request", .detail = "There is no such account."
};

static int refuse_token(struct exchange *exchange, const struct refusal *refusal) {
    challenge_again(exchange, "invalid_token", NULL);
    return exchange_refuse(exchange, refusal, NULL);
}

static bool is_own(const struct call *call, const struct client_id *client_id, const struct customer_id *customer_id) {
    return id_equal(client_id->bytes, call->client_id.bytes) && id_equal(customer_id->bytes, call->customer_id.bytes);
}

/* ---- reads of accounts ---- */

/* The account of the path, where the route has one: 400 when there is none, 403 when it was not chosen (uk/S1, S4). */
static int check_account(struct exchange *exchange, const struct account_consent_view *consent) {
    struct account_id account_id;
    struct account_view account;
    if (!exchange->params[0].at) return EXCHANGE_GOES_ON;
    if (id_parse(exchange->params[0], account_id.bytes))
        return exchange_refuse(exchange, &refusal_unknown_account, NULL);
    for (size_t i = 0; i < consent->account_count; i++)
        if (id_equal(consent->accounts[i].bytes, account_id.bytes)) {
            memcpy(exchange->resource_id, account_id.bytes, sizeof exchange->resource_id);
            return EXCHANGE_GOES_ON;
        }
    int r = query_account(exchange->query, &account_id, exchange->arena, &account);
    if (r < 0) return exchange_fault(exchange, "query_account", r);
    return exchange_refuse(exchange, r ? &refusal_unknown_account : &refusal_insufficient_scope, NULL);
}

/* A consent that is not authorised now lets nothing be read; neither does a token from before it was authorised anew.
 */
static int check_status(struct exchange *exchange, const struct account_consent_view *consent) {
    switch (consent->status) {
    case ACCOUNT_ACCESS_AUTH:
        if (exchange->call.granted_ms < consent->status_ms) break;
        return EXCHANGE_GOES_ON;
    case ACCOUNT_ACCESS_EXPD:
        return refuse_token(exchange, &refusal_consent_expired);
    case ACCOUNT_ACCESS_CANC:
        if (consent->wants_authentication) return exchange_refuse(exchange, &refusal_authenticate, NULL);
        break;
    case ACCOUNT_ACCESS_AWAU:
    case ACCOUNT_ACCESS_RJCT:
    case ACCOUNT_ACCESS_DELETED:
    case ACCOUNT_ACCESS_COUNT:
        break;
    }
    return refuse_token(exchange, &refusal_invalid_token);
}

/* The consent as it stands in the store now: nothing of it is cached. */
static int check_account_consent(struct exchange *exchange) {
    const struct call *call = &exchange->call;
    struct account_consent_view *consent = arena_new(exchange->arena, struct account_consent_view);
    if (!consent) return exchange_fault(exchange, "check_consent", err_origin(-ENOMEM));
    int r = query_account_consent(exchange->query, &call->consent_id, call->received_ms, exchange->arena, consent);
    if (r < 0) return exchange_fault(exchange, "query_account_consent", r);
    if (r == QUERY_E_ABSENT || !is_own(call, &consent->client_id, &consent->customer_id))
        return exchange_refuse(exchange, &refusal_insufficient_scope, NULL);
    int next = check_status(exchange, consent);
    if (next == EXCHANGE_GOES_ON && !(consent->permissions & exchange->route->permissions))
        next = exchange_refuse(exchange, &refusal_insufficient_scope, NULL);
    if (next == EXCHANGE_GOES_ON) next = check_account(exchange, consent);
    exchange->account_consent = consent;
    return next;
}

/* ---- everything else ---- */

static int check_payment_consent(struct exchange *exchange) {
    const struct call *call = &exchange->call;
    struct consent_view consent;
    int r = query_consent(exchange->query, &call->consent_id, exchange->arena, &consent);
    if (r < 0) return exchange_fault(exchange, "query_consent", r);
    bool fits = r == 0 && consent.kind == CONSENT_TO_PAYMENT && is_own(call, &consent.client_id, &consent.customer_id);
    return fits ? EXCHANGE_GOES_ON : exchange_refuse(exchange, &refusal_insufficient_scope, NULL);
}

int check_consent(struct exchange *exchange) {
    const struct call *call = &exchange->call;
    bool reads_accounts = exchange->route->flags & ROUTE_ACCOUNT_READ;
    if (!call->has_token) return EXCHANGE_GOES_ON;
    if (id_is_zero(call->consent_id.bytes)) {
        check(!reads_accounts); /* check_token */
        return EXCHANGE_GOES_ON;
    }
    if (exchange->route->family != FAMILY_OPEN_BANKING)
        return exchange_refuse(exchange, &refusal_insufficient_scope, NULL);
    return reads_accounts ? check_account_consent(exchange) : check_payment_consent(exchange);
}
