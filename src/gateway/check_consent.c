#include "gateway/checks.h"

#include "gateway/route.h"

int check_consent(struct exchange *exchange) {
    const struct call *call = &exchange->call;
    struct consent_view consent;
    if (!call->has_token || id_is_zero(call->consent_id.bytes)) return EXCHANGE_GOES_ON;
    if (exchange->route->family != FAMILY_OPEN_BANKING)
        return exchange_refuse(exchange, &refusal_insufficient_scope, NULL);
    int r = query_consent(exchange->query, &call->consent_id, exchange->arena, &consent);
    if (r < 0) return exchange_fault(exchange, "query_consent", r);
    bool own = r == 0 && id_equal(consent.client_id.bytes, call->client_id.bytes) &&
               id_equal(consent.customer_id.bytes, call->customer_id.bytes);
    return own ? EXCHANGE_GOES_ON : exchange_refuse(exchange, &refusal_insufficient_scope, NULL);
}
