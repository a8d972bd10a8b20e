/* documents.c - our own API description, for everybody. */
#include "gateway/conditional.h"

#include "gateway/gateway.h"
#include "gateway/route.h"

static int openapi_handle(struct exchange *exchange) {
    struct str text = gateway_options(exchange->gateway)->openapi_v1;
    return exchange_answer_conditional(exchange, "public, max-age=300", "application/json", text);
}

const struct route document_routes[] = {
    { .method = "GET",
      .path = "/v1/openapi.json",
      .family = FAMILY_V1,
      .flags = ROUTE_MTLS | ROUTE_BROWSER,
      .handle = openapi_handle },
};
const size_t document_route_count = ARRAY_COUNT(document_routes);
