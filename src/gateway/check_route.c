#include "gateway/checks.h"

#include "gateway/deprecation.h"
#include "gateway/gateway_int.h"
#include "gateway/media_range.h"

static bool accepts_json(const struct exchange *exchange) {
    const struct http_request *request = exchange->request;
    bool any = false;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!str_equal_nocase(request->headers[i].name, STR("Accept"))) continue;
        if (media_range_accepts(request->headers[i].value, STR("application"), STR("json"))) return true;
        any = true;
    }
    return !any;
}

static bool has_media_type(const struct exchange *exchange, struct str wanted) {
    struct str value = http_header(exchange->request, STR("Content-Type"));
    return http_header_count(exchange->request, STR("Content-Type")) == 1 && media_type_is(value, wanted);
}

static int check_media(struct exchange *exchange) {
    const struct route *route = exchange->route;
    bool json = route->family == FAMILY_V1 || route->family == FAMILY_OPEN_BANKING;
    if (json && !accepts_json(exchange)) return exchange_refuse(exchange, &refusal_not_acceptable, NULL);
    if ((route->flags & ROUTE_BODY) && !has_media_type(exchange, STR("application/json")))
        return exchange_refuse(exchange, &refusal_media_type, NULL);
    if ((route->flags & ROUTE_FORM) && !has_media_type(exchange, STR("application/x-www-form-urlencoded")))
        return exchange_refuse(exchange, &refusal_media_type, NULL);
    if ((route->flags & ROUTE_JWT) && !has_media_type(exchange, STR("application/jwt")) &&
        !has_media_type(exchange, STR("application/jose")))
        return exchange_refuse(exchange, &refusal_media_type, NULL);
    return EXCHANGE_GOES_ON;
}

int check_route(struct exchange *exchange) {
    const struct http_request *request = exchange->request;
    struct route_match match = { 0 };
    switch (route_find(exchange->call.listener, request->method, request->path, exchange->arena, &match)) {
    case ROUTE_FOUND:
        break;
    case ROUTE_NOT_FOUND:
        return exchange_refuse(exchange, &refusal_not_found, NULL);
    case ROUTE_WRONG_METHOD:
        if (match.allow.at) exchange_header(exchange, STR("Allow"), match.allow);
        return exchange_refuse(exchange, &refusal_method, NULL);
    }
    exchange->route = match.route;
    memcpy(exchange->params, match.params, sizeof exchange->params);
    exchange->operation = exchange->gateway->operations[route_index(exchange->route)];
    int next = deprecation_check(exchange);
    return next == EXCHANGE_GOES_ON ? check_media(exchange) : next;
}
