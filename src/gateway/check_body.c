#include "gateway/checks.h"

#include "gateway/route.h"
#include "wire/openapi.h"

static int refuse_whole(struct exchange *exchange, const char *message) {
    const char *path = exchange->route->family == FAMILY_OPEN_BANKING ? "" : "$";
    return exchange_refuse_field(exchange, &refusal_invalid_request, path, message);
}

static int check_schema(struct exchange *exchange) {
    struct schema_errors errors;
    enum schema_path_style style =
        exchange->route->family == FAMILY_OPEN_BANKING ? SCHEMA_PATH_DOTTED : SCHEMA_PATH_JSON;
    const struct openapi_content *content = openapi_content(exchange->operation->body, STR("application/json"));
    check(content != NULL); /* gateway_start looked */
    if (!content->schema) return EXCHANGE_GOES_ON;
    int r = schema_check(content->schema, exchange->body, style, exchange->arena, &errors);
    if (r < 0) return exchange_fault(exchange, "schema_check", r);
    if (r == SCHEMA_E_SIZE && errors.count == 0) return refuse_whole(exchange, schema_refusal_text(r));
    return r ? exchange_refuse(exchange, &refusal_invalid_request, &errors) : EXCHANGE_GOES_ON;
}

int check_body(struct exchange *exchange) {
    struct str body = exchange->request->body;
    if (exchange->route->flags & (ROUTE_FORM | ROUTE_JWT)) return EXCHANGE_GOES_ON;
    if (!(exchange->route->flags & ROUTE_BODY))
        return body.len ? refuse_whole(exchange, "no body is taken here") : EXCHANGE_GOES_ON;
    check(exchange->operation != NULL);
    if (body.len > exchange->operation->body_bytes_max) return exchange_refuse(exchange, &refusal_too_large, NULL);
    if (body.len == 0) return refuse_whole(exchange, "a body is required");
    int r =
        json_parse_arena(body, exchange->operation->body_bytes_max, JSON_DEPTH_MAX, exchange->arena, &exchange->body);
    if (r < 0) return exchange_fault(exchange, "json_parse", r);
    return r ? refuse_whole(exchange, json_refusal_text(r)) : check_schema(exchange);
}
