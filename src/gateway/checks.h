/* checks.h - the checks of the pipeline, each in a file of its own (check_NAME.c), in the order in which they run.
 *
 * Each returns EXCHANGE_GOES_ON or EXCHANGE_ANSWERED (refused, or a fault). They read the request and fill
 * exchange->call; a check may rely on what those before it set. */
#ifndef GIRO_GATEWAY_CHECKS_H
#define GIRO_GATEWAY_CHECKS_H

#include "gateway/exchange.h"

/* x-fapi-interaction-id: a UUID is echoed as it stands (uk/H1); none: a fresh one; anything else, or two: 400, with a
 * fresh one (H2). Sets call.interaction_id in every case. */
int check_interaction(struct exchange *exchange);
/* The edge's own headers: each at most once, spelt as the edge spells them, in the configured form; else 400, since
 * then somebody else wrote them (T4). Sets call.listener, call.remote_address, edge_certificate. */
int check_edge(struct exchange *exchange);
/* 404; 405 with Allow; 406 (JSON routes); 415 (routes with a body). Sets route, params, operation. */
int check_route(struct exchange *exchange);
/* ROUTE_CERTIFICATE, ROUTE_TOKEN: the chain is good, and the client with the certificate's software id (OU) and
 * organization id is registered and active; else 401. Sets call.has_certificate, has_client and the client's fields. */
int check_certificate(struct exchange *exchange);
/* The tier of the client: 429 with Retry-After; RateLimit headers on every answer behind it. */
int check_rate(struct exchange *exchange);
/* ROUTE_TOKEN: one token in the Authorization header (RFC 6750, RFC 9449) and none in the query; known, alive, of this
 * client, and sent by who it is bound to: its certificate (RFC 8705), or its key, proven by the header DPoP; else 401;
 * with the route's scope and kind, else 403. Sets call.has_token, customer_id, consent_id, scope, granted_ms,
 * proof_key. */
int check_token(struct exchange *exchange);
/* What this request cannot change: a token's consent exists and is this client's and customer's, else 403; a token that
 * carries a consent opens Open Banking alone. */
int check_consent(struct exchange *exchange);
/* 400 without an acceptable key where the route wants one. Sets idempotency_key and fingerprint. */
int check_idempotency_header(struct exchange *exchange);
/* ROUTE_BODY: size (413), UTF-8, strict JSON, schema (400 with all paths). A body where none belongs: 400. Sets body.
 */
int check_body(struct exchange *exchange);
/* ROUTE_SIGNED: message_signature.h. */
int check_signature(struct exchange *exchange);

#endif
