/* gateway.h - layer 1: the HTTP API behind the edge. Requests come over one Unix socket, run through the checks on a
 * pool of workers, and become commands and queries of the integration layer.
 *
 * (W1) At most requests_max requests are under way; one more is answered 503 with Retry-After. The pool's queue has
 * room for all of them, so a request that comes back from the engine always finds a place. When one has waited in it
 * longer than queue_wait_ms_max, new ones are answered 503 as well; what was taken goes on to its end. (W2) Each worker
 * has its own struct query, and so has each IO thread where the store is near: it answers what waits for nothing and
 * hands over the rest (pipeline_try). A request waits for the engine without holding a thread. (W3) What the edge says
 * in its own headers is believed because only the edge's user may connect (SO_PEERCRED).
 *
 * The edge's headers: X-OB-Listener (mtls or browser, required), the certificate in the header of the edge's form
 * (edge_certificate.h; absent without one), X-OB-Client-Address. X-OB-Client-Verify is not looked at: the chain is
 * judged here. Each stands there at most once and as the edge spells it; headers of another form are refused.
 *
 * To stop: gateway_drain, then stop the engine (its last answers come back through the pool), then gateway_free. */
#ifndef GIRO_GATEWAY_GATEWAY_H
#define GIRO_GATEWAY_GATEWAY_H

#include "gateway/exchange.h"
#include "gateway/rate_limit.h"
#include "gateway/rate_shared.h"
#include "platform/cidr.h"
#include "observe/log.h"
#include "observe/metric_table.h"
#include "platform/edge_certificate.h"
#include "platform/key.h"
#include "platform/trust_set.h"

/* What becomes of an answer that its OpenAPI document does not know (response_check.h). */
enum response_check { RESPONSE_CHECK_OFF, RESPONSE_CHECK_LOG, RESPONSE_CHECK_FAIL };
#define RESPONSE_CHECK_CHOICES "off|log|fail"

struct auth;            /* auth/auth.h */
struct revocation;      /* platform/revocation.h */
struct signing_keys;    /* auth/signing_keys.h */
struct external_issuer; /* auth/external_token.h */
struct external_lookup; /* auth/external_lookup.h */

#define GATEWAY_DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define IDEMPOTENCY_OPEN_BANKING_KEEP_MS GATEWAY_DAY_MS        /* uk/I6 */
#define IDEMPOTENCY_V1_KEEP_MS (INT64_C(396) * GATEWAY_DAY_MS) /* 13 months, the boot value */

enum {
    GATEWAY_TIERS_MAX = 32,
    GATEWAY_ADDRESSES_MAX = 32,
    GATEWAY_UNATTENDED_READS = 4 /* a day: the boot value */,
    GATEWAY_WORKERS_MAX = 256,
    GATEWAY_REQUESTS_MAX = 16384,
    GATEWAY_QUEUE_WAIT_MS = 1000 /* the boot value */
};

/* Only who is in blocks may call the routes below prefix: "/v1" covers "/v1/accounts", not "/v1x". Of several prefixes
 * that cover a route the longest decides. */
struct gateway_addresses {
    struct str prefix; /* "/v1/payments", of route templates; "/" covers all */
    const struct cidr_set *blocks;
};

/* Texts and tables are borrowed until gateway_free. */
struct gateway_options {
    struct integration *integration;
    struct log *log;                  /* may be NULL */
    struct metrics *metrics;          /* of metric_families; may be NULL */
    struct trust_slot *trust;         /* of client certificates; swapped by its owner while running */
    struct revocation *revocation;    /* of client certificates; NULL: not looked at */
    const struct rate_tier *tiers;    /* rate_limits of the configuration; a client of another tier is answered 500 */
    size_t tier_count;                /* [1, GATEWAY_TIERS_MAX] */
    struct rate_shared *rate_shared;  /* the buckets that all nodes share; NULL: each node has its own */
    int64_t unattended_reads_per_day; /* of one resource under one consent (uk/H4); 0: no limit */
    const struct gateway_addresses *addresses; /* who may call which routes; [address_count] */
    size_t address_count;                      /* at most GATEWAY_ADDRESSES_MAX */
    struct str openapi_v1;                     /* api/giro-v1.openapi.json; served as it is */
    struct str openapi_open_banking;           /* api/open-banking-v4.0.openapi.json; empty without such routes */
    struct str openapi_open_banking_v3;        /* api/open-banking-v3.1.openapi.json; the same */
    /* Of Open Banking v3.1: since when it is deprecated (RFC 9745) and when it ends (RFC 8594), said on its answers; 0:
     * not said. From its end on it answers 503 (uk/H11). */
    int64_t v3_deprecated_ms, v3_sunset_ms;
    enum edge_form edge_form;
    const char *socket_path;
    uid_t allowed_uids[HTTP_UIDS_MAX]; /* the edge's */
    size_t allowed_uid_count;
    size_t io_threads, workers, requests_max, connections_max;
    bool store_is_near; /* reads of the store wait for no server: IO threads answer ROUTE_QUICK themselves */
    struct str issuer;  /* "https://localhost:8444" */
    struct str api_url; /* "https://localhost:8443", before the paths in Links and Location */
    struct str org_id;  /* of this bank, in its message signatures */
    struct signing_keys *signing_keys; /* of message signatures; may be NULL without signed routes */
    int64_t idempotency_keep_ms;       /* answers of /v1 under their keys; 0: for ever */
    struct client_keys *client_keys;   /* of clients, by URL; may be NULL */
    bool sandbox;
    const struct external_issuer *issuers; /* whose access tokens are taken beside ours */
    size_t issuer_count;                   /* [0, EXTERNAL_ISSUERS_MAX] */
    struct external_lookup
        *external_lookup; /* over the same issuers; NULL: none of them is asked. gateway_free stops it */
    enum response_check response_check;
    uint64_t response_check_every; /* one answer in so many is looked at; [1, ] */
    int64_t queue_wait_ms_max; /* a request that finds another one waiting for a worker for so long is answered 503 */
    int64_t key_wait_ms;       /* how long a request waits for another one with its key (key_wait.h) */
    const struct auth *auth;   /* of the routes of oauth.c and pages.c; NULL: they answer 404 */
    /* message_signature.h; both or neither. */
    int (*message_signature_check)(struct exchange *exchange);
    int (*message_signature_sign)(struct exchange *exchange);
    struct http_gift *gift;  /* as in http_server_options; may be NULL */
    int64_t (*now_ms)(void); /* NULL: the clock */
    int64_t (*mono_ns)(void);
};

/* 1 IO thread, 16 workers, 1,024 requests, 1,024 connections, nginx's form, keys of /v1 for 13 months; no address,
 * nobody allowed. */
struct gateway_options gateway_options_default(void);

/* Compiles the documents: all that needs neither the store nor the socket. Every route with a body must be in a
 * document, every signed one needs the signature functions. What the options point to lives as long as the gateway. 0,
 * or a fault with a sentence in message; then nothing is left. */
int gateway_new(const struct gateway_options *options, struct gateway **ret_gateway, struct message *message);
/* Opens the workers' queries and listens, or goes on with the gift (http_server_options; may be NULL). 0, or a fault
 * with a sentence in message; then only gateway_free is left. */
int gateway_listen(struct gateway *gateway, struct http_gift *gift, struct message *message);
/* Both, with the options' gift. 0, or a fault with a sentence in message; then nothing is left. */
int gateway_start(const struct gateway_options *options, struct gateway **ret_gateway,
                  struct message *message) MUST_USE;
/* Stops accepting and lets what runs end, at most deadline_ms. The engine must still run. */
void gateway_drain(struct gateway *gateway, int64_t deadline_ms);
/* Instead of a drain: lets what runs end, at most deadline_ms, and gives the listener and the idle connections away. */
void gateway_give(struct gateway *gateway, int64_t deadline_ms, struct http_gift *ret_gift);
/* Drains with deadline 0 unless that was done. No request may wait for the engine any more (check). Takes NULL, returns
 * NULL. */
struct gateway *gateway_free(struct gateway *gateway);

const struct gateway_options *gateway_options(const struct gateway *gateway); /* as given, with the clocks filled in */
/* For integration.answer_mask, on the node that decides what another node's gateway took. ctx: the gateway. */
const struct json_mask *gateway_answer_mask(void *ctx, struct str method, struct str route);
bool gateway_is_draining(const struct gateway *gateway);
size_t gateway_requests(const struct gateway *gateway); /* under way now */

#endif
