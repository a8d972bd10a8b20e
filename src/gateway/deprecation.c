#include "gateway/deprecation.h"

#include "gateway/gateway.h"
#include "gateway/route.h"
#include "platform/clock.h"

static const struct refusal refusal_retired = { .status = 503,
                                                .code = "unavailable",
                                                .ob_code = "U000",
                                                .title = "Service Unavailable",
                                                .detail = "This version of the API has ended; use v4.0." };

static bool is_v3(const struct exchange *exchange) {
    if (exchange->route && exchange->route->family != FAMILY_OPEN_BANKING) return false;
    return exchange_version(exchange) == OPEN_BANKING_V3;
}

void deprecation_headers(struct exchange *exchange) {
    const struct gateway_options *options = gateway_options(exchange->gateway);
    char date[CLOCK_TEXT_BYTES];
    struct str text;
    if (!is_v3(exchange)) return;
    if (options->v3_deprecated_ms) {
        text = arena_printf(exchange->arena, "@%lld", (long long)(options->v3_deprecated_ms / 1000));
        if (text.at) exchange_header(exchange, STR("Deprecation"), text);
    }
    if (options->v3_sunset_ms) {
        text = arena_dup(exchange->arena, clock_format_http(options->v3_sunset_ms, date));
        if (text.at) exchange_header(exchange, STR("Sunset"), text);
    }
}

int deprecation_check(struct exchange *exchange) {
    int64_t sunset_ms = gateway_options(exchange->gateway)->v3_sunset_ms;
    if (!is_v3(exchange) || !sunset_ms || exchange->call.received_ms < sunset_ms) return EXCHANGE_GOES_ON;
    int next = exchange_refuse(exchange, &refusal_retired, NULL);
    exchange_header(exchange, STR("Retry-After"), STR("86400")); /* it does not come back soon */
    return next;
}
