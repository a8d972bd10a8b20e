/* exchange.h - one request on its way through the gateway and its answer: what every check and every handler works on.
 *
 * (X1) an exchange lives in its request's arena and is answered exactly once. (X2) it runs on one thread at a time: on
 * the IO thread that read it as long as nothing waits (pipeline_try), else on a pool worker; between handle and finish
 * it waits for the engine and no thread has it. (X3) whatever is refused is said
 * through exchange_refuse, in the envelope of the route's family; nobody else builds an error. */
#ifndef GIRO_GATEWAY_EXCHANGE_H
#define GIRO_GATEWAY_EXCHANGE_H

#include "domain/call.h"
#include "integration/command.h"
#include "integration/query.h"
#include "platform/http_server.h"
#include "platform/timer.h"
#include "wire/json.h"
#include "wire/json_schema.h"

struct gateway;           /* gateway.h */
struct route;             /* route.h */
struct refusal;           /* below */
struct openapi_operation; /* wire/openapi.h */

enum {
    EXCHANGE_PARAMS_MAX = 4,   /* in a path template */
    EXCHANGE_HEADERS_MAX = 32, /* of an answer */
    EXCHANGE_ARENA_BYTES_MAX = 1024 * 1024,
    EXCHANGE_ANSWER_BYTES_MAX = 512 * 1024,
};

struct exchange;
struct key_waits;           /* key_wait.h */
struct http_signature_link; /* http_signature.h */
struct external_search;     /* external_search.c */

/* Where an exchange stands among those with the same key; key_wait.c's alone. */
struct key_place {
    struct exchange *exchange;
    struct key_waits *waits; /* NULL: it has no key */
    struct key_place *next, *behind;
    struct hash scope;
    struct timer_id timer;
    int state;
};

struct exchange {
    struct gateway *gateway;
    struct http_request *request;
    struct arena *arena;       /* the request's */
    struct query *query;       /* of the thread that runs it now; a snapshot is open during checks and handle */
    const struct route *route; /* after check_route */
    struct str params[EXCHANGE_PARAMS_MAX]; /* path parameters, percent-decoded, in the template's order */
    struct call call;
    struct str edge_certificate; /* after check_edge: the edge's header as it came; empty = none */
    const struct openapi_operation
        *operation;          /* after check_route: what the OpenAPI document says of the route; NULL = nothing */
    const struct json *body; /* after check_body */
    const struct account_consent_view *account_consent; /* after check_consent, of a ROUTE_ACCOUNT_READ */
    struct str idempotency_key;                         /* after check_idempotency_header; empty = none */
    struct hash fingerprint;                            /* with it: of path parameters, query and raw body */
    bool signs_answer; /* after check_http_signature: the answer has an HTTP signature (RFC 9421) */
    const struct http_signature_link *request_signature; /* with it: the request's, when that is good */
    struct key_place key_place;                          /* of a request with a key */
    size_t check_at; /* the check that runs, or will run again: on a worker, or after a wait (pipeline.c) */
    struct external_search *external; /* of a token that issuers are asked about; NULL = none is */
    struct command_audit audit;       /* of the command below */
    struct command_call command;      /* for handlers that call a command and return EXCHANGE_WAITS */
    /* May be set before exchange_command: the answer to a refusal of the command, so that the audit record knows its
     * status. */
    const struct refusal *(*command_refusal)(int refusal);
    bool audited; /* the audit record went with the command's commit */
    bool decided; /* the command may have changed something under its key: a fault behind it is "outcome unknown" */
    void *state;  /* the handler's own, in the arena */

    int status; /* of the answer; 0 = none yet */
    struct http_header headers[EXCHANGE_HEADERS_MAX];
    size_t header_count;
    struct str content;      /* body of the answer */
    const char *outcome;     /* for audit and log: "accepted" or the refusal's code */
    uint8_t resource_id[16]; /* for audit; zero = none */
    int64_t began_ns;        /* monotonic */

    /* for the audit (call_audit.h) */
    uint8_t record_id[16];
    char record_text[37];
    struct str record_name; /* of the record, as text; of the exchange or of the interaction id */
    bool at_once;           /* on an IO thread: what would wait says EXCHANGE_MOVES instead */
    const char *check;      /* the check that runs; "handler", "decision" behind them */
    const char *rule;       /* which of its rules refused, finer than the refusal tells; NULL = the refusal's code */
    struct str why;         /* after a refusal: what the caller was told, JSON */
    bool body_fits;         /* the body fits its schema */
    bool request_masked;
    struct audit_body request_body; /* masked */
};

/* What a check or a handler says. ANSWERED: status and content are set (a refusal is an answer too). MOVES: only while
 * exchange->at_once; it would have to wait, has changed nothing, and is run again on a worker. */
enum exchange_next { EXCHANGE_GOES_ON, EXCHANGE_ANSWERED, EXCHANGE_WAITS, EXCHANGE_MOVES };

/* For tests and the pipeline: a new exchange in the request's arena, or NULL when that is full. */
struct exchange *exchange_new(struct gateway *gateway, struct http_request *request);

/* A header of the answer, in place of one of that name; text must live in the arena or for ever. check: fewer than
 * EXCHANGE_HEADERS_MAX. */
void exchange_header(struct exchange *exchange, struct str name, struct str value);
void exchange_header_drop(struct exchange *exchange, struct str name); /* harmless when there is none */
/* The answer with a media type; content must live in the arena or for ever. Returns EXCHANGE_ANSWERED. */
int exchange_answer(struct exchange *exchange, int status, const char *media_type, struct str content);
int exchange_answer_json(struct exchange *exchange, int status, struct str content); /* application/json */

/* One row a refusal: what the program says and what the caller is told (problem.c). */
struct refusal {
    int status;
    const char *code;                  /* /v1: the contract's code */
    const char *ob_code;               /* Open Banking: "U0xx"; NULL = no body (uk/S5) */
    const char *title, *detail, *hint; /* detail says why, hint what to change; hint may be NULL */
    const char *oauth_code;            /* RFC 6749, section 5.2; NULL = code */
};
/* Answers with the refusal in the envelope of the route's family: RFC 9457 for /v1, OBErrorResponse1 for Open Banking,
 * RFC 6749 for OAuth endpoints, a small HTML page for browser pages. errors (may be NULL) lists paths. Returns
 * EXCHANGE_ANSWERED. */
int exchange_refuse(struct exchange *exchange, const struct refusal *refusal, const struct schema_errors *errors);
/* One named field at fault: as exchange_refuse with one error. */
int exchange_refuse_field(struct exchange *exchange, const struct refusal *refusal, const char *path,
                          const char *message);
/* Collects what is wrong with the fields of a body (or query): path and message live for ever or in the arena. */
void schema_errors_add(struct schema_errors *errors, const char *path, const char *message);
/* The same refusal with Retry-After, at least one second. */
int exchange_refuse_for(struct exchange *exchange, const struct refusal *refusal, int64_t retry_after_s);
/* Names the rule that is about to refuse, for the audit record alone: a word of ours that lives for ever
 * ("token_expired"). The caller is not told: it could learn what others have. */
void exchange_rule(struct exchange *exchange, const char *rule);
/* A fault (<0): logged once with its path, answered 500; 504 outcome_unknown when the exchange is decided. */
int exchange_fault(struct exchange *exchange, const char *operation, int code);

/* The common refusals, by name: refusals.c. */
extern const struct refusal refusal_invalid_request, refusal_key_required, refusal_certificate_required,
    refusal_invalid_token, refusal_insufficient_scope, refusal_roles, refusal_address, refusal_not_found,
    refusal_method, refusal_not_acceptable, refusal_timeout, refusal_too_large, refusal_media_type,
    refusal_headers_too_large, refusal_in_progress, refusal_key_reused, refusal_rate_limited, refusal_daily_limit,
    refusal_internal, refusal_unavailable, refusal_outcome_unknown, refusal_token_missing, refusal_key_invalid,
    refusal_invalid_header, refusal_unattended;

/* Prepares exchange->command for a command with this exchange's call, idempotency and audit. With waits, its on_done
 * brings the exchange back to a worker, which calls route->finish. */
void exchange_command(struct exchange *exchange, bool waits);
/* What is common to all commands' answers: KEY_REUSED, UNAVAILABLE, UNKNOWN, FAULT, TOO_COMPLEX become answers (returns
 * EXCHANGE_ANSWERED); DONE and REPLAYED go on (EXCHANGE_GOES_ON; REPLAYED sets Idempotent-Replayed: true). r: what the
 * command function returned. A handler that waits: r = command_x(...); return r ? exchange_command_result(exchange, r)
 * : EXCHANGE_WAITS - after 0 the exchange may already run elsewhere, so nothing of it is touched any more. Its finish
 * begins with exchange_command_result(exchange, 0). */
int exchange_command_result(struct exchange *exchange, int r);

#endif
