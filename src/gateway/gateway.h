/* gateway.h - layer 1: the HTTP API behind the edge. Requests come over one Unix socket, run through the checks on a
 * pool of workers, and become commands and queries of the integration layer.
 *
 * (W1) At most requests_max requests are under way; one more is answered 503 with Retry-After. The pool's queue has
 * room for all of them, so a request that comes back from the engine always finds a place. (W2) Each worker has its own
 * struct query; a request waits for the engine without holding a worker. (W3) What the edge says in its own headers is
 * believed because only the edge's user may connect (SO_PEERCRED).
 *
 * The edge's headers: X-OB-Listener (mtls or browser, required), X-OB-Client-Cert (nginx's escaped PEM; absent without
 * a certificate), X-OB-Client-Address. X-OB-Client-Verify is not looked at: the chain is judged here.
 *
 * To stop: gateway_drain, then stop the engine (its last answers come back through the pool), then gateway_free. */
#ifndef GIRO_GATEWAY_GATEWAY_H
#define GIRO_GATEWAY_GATEWAY_H

#include "gateway/exchange.h"
#include "gateway/rate_limit.h"
#include "observe/log.h"
#include "observe/metric_table.h"
#include "platform/key.h"
#include "platform/x509.h"

struct auth;            /* auth/auth.h */
struct external_issuer; /* auth/external_token.h */

#define GATEWAY_DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define IDEMPOTENCY_OPEN_BANKING_KEEP_MS GATEWAY_DAY_MS        /* uk/I6 */
#define IDEMPOTENCY_V1_KEEP_MS (INT64_C(396) * GATEWAY_DAY_MS) /* 13 months, the boot value */

enum { GATEWAY_TIERS_MAX = 32, GATEWAY_WORKERS_MAX = 256, GATEWAY_REQUESTS_MAX = 16384 };

/* How the edge hands over the client certificate. The other form's headers are refused. */
enum edge_form {
    EDGE_FORM_NGINX,       /* X-OB-Client-Cert: $ssl_client_escaped_cert */
    EDGE_FORM_CLIENT_CERT, /* Client-Cert, RFC 9440 */
    EDGE_FORM_COUNT
};

/* Texts and tables are borrowed until gateway_free. */
struct gateway_options {
    struct integration *integration;
    struct log *log;                 /* may be NULL */
    struct metrics *metrics;         /* of metric_families; may be NULL */
    struct trust_slot *trust;        /* of client certificates; swapped by its owner while running */
    const struct rate_tier *tiers;   /* rate_limits of the configuration; a client of another tier is answered 500 */
    size_t tier_count;               /* [1, GATEWAY_TIERS_MAX] */
    struct str openapi_v1;           /* api/giro-v1.openapi.json; served as it is */
    struct str openapi_open_banking; /* api/open-banking-v4.0.openapi.json; empty without such routes */
    enum edge_form edge_form;
    const char *socket_path;
    uid_t allowed_uids[HTTP_UIDS_MAX]; /* the edge's */
    size_t allowed_uid_count;
    size_t io_threads, workers, requests_max, connections_max;
    struct str issuer;       /* "https://localhost:8444" */
    struct str api_url;      /* "https://localhost:8443", before the paths in Links and Location */
    struct str org_id;       /* of this bank, in its message signatures */
    struct key *signing_key; /* private, of message signatures; may be NULL without signed routes */
    struct str signing_key_id;
    int64_t idempotency_keep_ms; /* answers of /v1 under their keys; 0: for ever */
    bool sandbox;
    const struct external_issuer *issuers; /* whose access tokens are taken beside ours */
    size_t issuer_count;                   /* [0, EXTERNAL_ISSUERS_MAX] */
    const struct auth *auth;               /* of the routes of oauth.c and pages.c; NULL: they answer 404 */
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
bool gateway_is_draining(const struct gateway *gateway);
size_t gateway_requests(const struct gateway *gateway); /* under way now */

#endif
