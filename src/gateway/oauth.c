/* oauth.c - token, PAR, revocation, introspection, metadata and keys of the authorization server. */
#include "gateway/oauth.h"

#include "gateway/conditional.h"
#include "gateway/gateway.h"
#include "gateway/route.h"

static int give_answer(struct exchange *exchange, const struct auth_answer *answer) {
    for (size_t i = 0; i < answer->header_count; i++)
        exchange_header(exchange, str_from_c(answer->headers[i].name), answer->headers[i].value);
    exchange->outcome = answer->outcome;
    return exchange_answer(exchange, answer->status, answer->media_type, answer->content);
}

/* What auth said. With AUTH_WAITS the exchange may already run elsewhere. */
static int take(struct exchange *exchange, struct auth_request *request, int r) {
    if (r == AUTH_WAITS) return EXCHANGE_WAITS;
    if (r < 0) return exchange_fault(exchange, exchange->route->path, r);
    if (r == AUTH_BUSY) return exchange_refuse(exchange, &refusal_unavailable, NULL);
    check(r == AUTH_ANSWERED);
    return give_answer(exchange, &request->answer);
}

int oauth_run(struct exchange *exchange, int (*entry)(struct auth_request *request)) {
    const struct auth *auth = gateway_options(exchange->gateway)->auth;
    if (!auth) return exchange_refuse(exchange, &refusal_not_found, NULL);
    struct auth_request *request = arena_new(exchange->arena, struct auth_request);
    if (!request) return exchange_fault(exchange, exchange->route->path, err_origin(-ENOMEM));
    exchange_command(exchange, true);
    *request = (struct auth_request){ .auth = auth,
                                      .query = exchange->query,
                                      .arena = exchange->arena,
                                      .call = &exchange->call,
                                      .command = &exchange->command,
                                      .query_text = exchange->request->query,
                                      .body = exchange->request->body,
                                      .cookies = http_header(exchange->request, STR("Cookie")),
                                      .authorization = http_header(exchange->request, STR("Authorization")),
                                      .resource = exchange->params[0],
                                      .accept = http_header(exchange->request, STR("Accept")),
                                      .dpop = http_header(exchange->request, STR("DPoP")),
                                      .dpop_count = http_header_count(exchange->request, STR("DPoP")),
                                      .edge_certificate = exchange->edge_certificate,
                                      .edge_form = gateway_options(exchange->gateway)->edge_form };
    exchange->state = request;
    return take(exchange, request, entry(request));
}

int oauth_finish(struct exchange *exchange) {
    struct auth_request *request = exchange->state;
    int next = exchange_command_result(exchange, 0);
    if (next != EXCHANGE_GOES_ON) return next;
    request->query = exchange->query;
    int r = auth_finish(request);
    check(r != AUTH_WAITS); /* one command a request */
    return take(exchange, request, r);
}

static int handle_token(struct exchange *exchange) {
    return oauth_run(exchange, auth_token);
}

static int handle_pushed(struct exchange *exchange) {
    return oauth_run(exchange, auth_pushed);
}

static int handle_register(struct exchange *exchange) {
    return oauth_run(exchange, auth_register);
}

static int handle_registration_read(struct exchange *exchange) {
    return oauth_run(exchange, auth_registration_read);
}

static int handle_registration_change(struct exchange *exchange) {
    return oauth_run(exchange, auth_registration_change);
}

static int handle_registration_remove(struct exchange *exchange) {
    return oauth_run(exchange, auth_registration_remove);
}

static int handle_revoke(struct exchange *exchange) {
    return oauth_run(exchange, auth_revoke);
}

static int handle_introspect(struct exchange *exchange) {
    return oauth_run(exchange, auth_introspect);
}

static int handle_metadata(struct exchange *exchange) {
    const struct auth *auth = gateway_options(exchange->gateway)->auth;
    if (!auth) return exchange_refuse(exchange, &refusal_not_found, NULL);
    return exchange_answer_conditional(exchange, "public, max-age=300", "application/json", auth_metadata(auth));
}

static int handle_jwks(struct exchange *exchange) {
    const struct auth *auth = gateway_options(exchange->gateway)->auth;
    if (!auth) return exchange_refuse(exchange, &refusal_not_found, NULL);
    struct str keys = auth_jwks(auth, exchange->arena);
    if (!keys.at) return exchange_fault(exchange, exchange->route->path, err_origin(-ENOMEM));
    return exchange_answer_conditional(exchange, "public, max-age=300", "application/json", keys);
}

enum { CLIENT_FORM = ROUTE_MTLS | ROUTE_CERTIFICATE | ROUTE_FORM, BOTH = ROUTE_MTLS | ROUTE_BROWSER };

enum { SOFTWARE = ROUTE_MTLS | ROUTE_SOFTWARE };
#define REGISTRATION "/register/{client_id}"

const struct route oauth_routes[] = {
    { .method = "POST",
      .path = "/token",
      .family = FAMILY_OAUTH,
      .flags = CLIENT_FORM,
      .handle = handle_token,
      .finish = oauth_finish },
    { .method = "POST",
      .path = "/par",
      .family = FAMILY_OAUTH,
      .flags = CLIENT_FORM,
      .handle = handle_pushed,
      .finish = oauth_finish },
    { .method = "POST",
      .path = "/register",
      .family = FAMILY_OAUTH,
      .flags = SOFTWARE | ROUTE_JWT,
      .handle = handle_register,
      .finish = oauth_finish },
    { .method = "GET",
      .path = REGISTRATION,
      .family = FAMILY_OAUTH,
      .flags = SOFTWARE,
      .handle = handle_registration_read },
    { .method = "PUT",
      .path = REGISTRATION,
      .family = FAMILY_OAUTH,
      .flags = SOFTWARE | ROUTE_JWT,
      .handle = handle_registration_change,
      .finish = oauth_finish },
    { .method = "DELETE",
      .path = REGISTRATION,
      .family = FAMILY_OAUTH,
      .flags = SOFTWARE,
      .handle = handle_registration_remove,
      .finish = oauth_finish },
    { .method = "POST",
      .path = "/revoke",
      .family = FAMILY_OAUTH,
      .flags = CLIENT_FORM,
      .handle = handle_revoke,
      .finish = oauth_finish },
    { .method = "POST",
      .path = "/introspect",
      .family = FAMILY_OAUTH,
      .flags = CLIENT_FORM,
      .handle = handle_introspect,
      .finish = oauth_finish },
    { .method = "GET",
      .path = "/.well-known/openid-configuration",
      .family = FAMILY_OAUTH,
      .flags = BOTH,
      .handle = handle_metadata },
    { .method = "GET",
      .path = "/.well-known/oauth-authorization-server",
      .family = FAMILY_OAUTH,
      .flags = BOTH,
      .handle = handle_metadata },
    { .method = "GET", .path = "/jwks", .family = FAMILY_OAUTH, .flags = BOTH, .handle = handle_jwks },
};
const size_t oauth_route_count = ARRAY_COUNT(oauth_routes);
