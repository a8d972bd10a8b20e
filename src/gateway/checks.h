/* checks.h - the checks of the pipeline, each in a file of its own (check_NAME.c), in the order in which they run.
 *
 * Each returns EXCHANGE_GOES_ON or EXCHANGE_ANSWERED (refused, or a fault); check_token may wait and is run again
 * then, the last one may wait and is not. What would wait for the engine, another node or a server says EXCHANGE_MOVES
 * while exchange->at_once, before it has changed anything. They read the request and fill exchange->call; a check may
 * rely on what those before it set. */
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
/* Open Banking: when the customer last logged in with the client, said as one HTTP-date or not at all; else 400
 * (uk/H3). Nothing is made of it. */
int check_auth_date(struct exchange *exchange);
/* ROUTE_CERTIFICATE, ROUTE_TOKEN: the chain is good, not revoked, and of the client's directory when it is registered
 * with one; the client with the certificate's software id and organization id is registered and active; else 401. The
 * software id is the OU, of a certificate without one (QWAC, OBWAC) the CN; the organization id is the
 * organizationIdentifier, of a certificate without one (OBIE's own) the O. Sets call.has_certificate, its hash and
 * roles, has_client and the client's fields. */
int check_certificate(struct exchange *exchange);
/* The address at the edge's other end is among those of the route and of the client (as registered), where there are
 * any; else 403. */
int check_address(struct exchange *exchange);
/* The tier of the client, or what it has instead: 429 with Retry-After; RateLimit headers on every answer behind it. */
int check_rate(struct exchange *exchange);
/* ROUTE_TOKEN: one token in the Authorization header (RFC 6750, RFC 9449) and none in the query; known, alive, of this
 * client, and sent by who it is bound to: its certificate (RFC 8705), or its key, proven by the header DPoP; else 401;
 * with the route's scope and kind, and roles of the caller that allow that scope, else 403. One that another server
 * must judge, and which cannot be asked now: 503 (external_search.h). Sets call.has_token, customer_id, consent_id,
 * scope, granted_ms, proof_key. */
int check_token(struct exchange *exchange);
/* ROUTE_TOKEN: the request's HTTP message signature (http_signature.h, FAPI M4), of clients that must sign, and of
 * those of the profile fapi2-ms when there is one: good, else 401. Sets signs_answer, request_signature. */
int check_http_signature(struct exchange *exchange);
/* What this request cannot change: a token's consent exists, is of the route's kind and is this client's and
 * customer's, else 403; a token that carries a consent opens Open Banking alone. ROUTE_ACCOUNT_READ: the consent is
 * authorised now and was when the token was given, else 401 (with a body when it has expired, uk/S5); it holds one of
 * the route's permissions and the path's account, else 403 (uk/S4); an account that does not exist is 400 (uk/S1). Sets
 * account_consent. */
int check_consent(struct exchange *exchange);
/* ROUTE_ACCOUNT_READ with a consent, without x-fapi-customer-ip-address: counted for consent, path and UTC day, durably
 * and for all nodes; beyond the day's number 429 with Retry-After (uk/H4, H9). 400 when that header holds no address.
 */
int check_unattended(struct exchange *exchange);
/* 400 without an acceptable key where the route wants one. Sets idempotency_key and fingerprint. */
int check_idempotency_header(struct exchange *exchange);
/* ROUTE_BODY: size (413), UTF-8, strict JSON, schema (400 with all paths). A body where none belongs: 400. Sets body.
 */
int check_body(struct exchange *exchange);
/* ROUTE_SIGNED: message_signature.h. */
int check_signature(struct exchange *exchange);
/* While another request with this one's key runs: EXCHANGE_WAITS, and 409 when its deadline ends first (key_wait.h). In
 * pipeline.c, which brings it back. */
int check_in_progress(struct exchange *exchange);

#endif
