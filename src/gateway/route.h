/* route.h - the one table of routes: what each needs before it may be handled. */
#ifndef GIRO_GATEWAY_ROUTE_H
#define GIRO_GATEWAY_ROUTE_H

#include "gateway/exchange.h"

enum route_family { FAMILY_V1, FAMILY_OPEN_BANKING, FAMILY_OAUTH, FAMILY_PAGES, FAMILY_FAMILY_COUNT };
enum open_banking_version { OPEN_BANKING_V4, OPEN_BANKING_V3, OPEN_BANKING_VERSION_COUNT }; /* v4.0, v3.1 */
enum route_idempotency { IDEMPOTENCY_NONE, IDEMPOTENCY_V1, IDEMPOTENCY_OPEN_BANKING };
enum {
    ROUTE_MTLS = 1,             /* on the mTLS listener */
    ROUTE_BROWSER = 2,          /* on the browser listener */
    ROUTE_TOKEN = 4,            /* a token bound to the certificate or to a key, with the scope */
    ROUTE_CERTIFICATE = 8,      /* a verified certificate of an active client */
    ROUTE_BODY = 16,            /* JSON body against the OpenAPI document */
    ROUTE_FORM = 32,            /* application/x-www-form-urlencoded body, parsed by the handler */
    ROUTE_SIGNED = 64,          /* x-jws-signature on the request and on every answer (uk/J1 to J8) */
    ROUTE_MONEY = 128,          /* audit inside the command's commit; never answered before it */
    ROUTE_CUSTOMER_TOKEN = 256, /* the token must carry a customer and a consent */
    ROUTE_CLIENT_TOKEN = 512,   /* the token must be of client credentials */
    ROUTE_ACCOUNT_READ = 1024,  /* reads of accounts under a customer's consent: unattended ones are counted (uk/H4) */
    ROUTE_SOFTWARE = 2048,      /* a verified certificate that names organisation and software; registered or not */
    ROUTE_JWT = 4096,           /* application/jwt or application/jose body, judged by the handler */
    /* The handler reads a few rows and waits for nothing but the engine, and finish reads nothing: an IO thread may run
     * them. */
    ROUTE_QUICK = 8192,
};

struct route {
    const char *method;
    const char *path; /* template: "/v1/payments/{payment_id}"; the name in metrics, audit and idempotency scope */
    enum route_family family;
    const char *scope; /* with ROUTE_TOKEN */
    unsigned flags;
    enum route_idempotency idempotency;
    enum open_banking_version version;        /* of FAMILY_OPEN_BANKING */
    int64_t permissions;                      /* with ROUTE_ACCOUNT_READ: the consent must hold one of them */
    int (*handle)(struct exchange *exchange); /* EXCHANGE_ANSWERED or EXCHANGE_WAITS */
    int (*finish)(
        struct exchange *exchange); /* after the command answered: EXCHANGE_ANSWERED; NULL when handle never waits */
};

/* Route groups, one file each; route.c joins them: a group that lands gets its line in the table at the head of
 * route.c. */
extern const struct route payment_routes[], account_routes[], oauth_routes[], page_routes[],
    open_banking_payment_routes[], document_routes[], open_banking_account_routes[];
extern const size_t payment_route_count, account_route_count, oauth_route_count, page_route_count,
    open_banking_payment_route_count, document_route_count, open_banking_account_route_count;

/* Of the exchange's route, else of what its path names. */
enum open_banking_version exchange_version(const struct exchange *exchange);

enum { ROUTE_PARAM_BYTES_MAX = 256 };
enum route_verdict { ROUTE_FOUND, ROUTE_NOT_FOUND, ROUTE_WRONG_METHOD };
/* What was found: route and params with ROUTE_FOUND; allow with ROUTE_WRONG_METHOD: the methods that exist, "GET, HEAD,
 * POST", in the arena (.at == NULL when that is full). */
struct route_match {
    const struct route *route;
    struct str params[EXCHANGE_PARAMS_MAX]; /* decoded, in the arena or the path */
    struct str allow;
};
/* Finds the route of method and path on a listener. A trailing slash is the same path; HEAD finds what GET does. Not
 * found is also: an empty segment, an escape that is malformed or hides '/', a control character or what is not UTF-8,
 * a parameter over ROUTE_PARAM_BYTES_MAX. */
enum route_verdict route_find(enum call_listener listener, struct str method, struct str path, struct arena *arena,
                              struct route_match *ret_match);

/* Every route, in the order of the groups; check: index < route_count(). */
size_t route_count(void);
const struct route *route_at(size_t index);
size_t route_index(const struct route *route);           /* check: one of route_at */
const char *route_family_name(enum route_family family); /* "v1", "open_banking", "oauth", "pages": label of metrics */
/* Whose envelope an error wears when no route was found: by the path's prefix; what no prefix covers is /v1's on the
 * mTLS listener and a page on the other. */
enum route_family route_family_of_path(enum call_listener listener, struct str path);
/* The version whose envelope such an error wears; OPEN_BANKING_V4 when the path names none. */
enum open_banking_version route_version_of_path(struct str path);

#endif
