#include "gateway/checks.h"

#include "gateway/gateway_int.h"

int check_signature(struct exchange *exchange) {
    if (!(exchange->route->flags & ROUTE_SIGNED)) return EXCHANGE_GOES_ON;
    return exchange->gateway->options.message_signature_check(exchange);
}
