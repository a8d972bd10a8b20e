/* command.h - layer 1's door for everything that changes something. One function a command; each is one entry in the engine's queue
 * and one place in its next commit.
 *
 * The caller gives a struct command_call in an arena that lives until it was answered. With on_done the function returns at once and
 * on_done runs later, on the engine's thread: it may only hand the work on. Without on_done the function waits for the answer.
 * Return: 0 (answered or will be), COMMAND_E_FULL (queue full or stopping: nothing was taken), <0 fault (nothing was taken). */
#ifndef GIRO_INTEGRATION_COMMAND_H
#define GIRO_INTEGRATION_COMMAND_H

#include "domain/call.h"
#include "domain/money.h"
#include "domain/payment_order.h"
#include "platform/arena.h"

struct integration; /* everything the commands need, made by app/wiring.c (integration/integration.h) */

enum command_door_refusal { COMMAND_E_NONE, COMMAND_E_FULL };

/* What became of it. Spelled for the pipeline's mapping to HTTP; see engine.h for the exact meaning. */
enum answer_result {
    ANSWER_DONE,         /* refusal == 0: accepted; else refused by the command, refusal_name says why */
    ANSWER_REPLAYED,     /* the stored answer of the same request */
    ANSWER_KEY_REUSED,
    ANSWER_UNAVAILABLE,
    ANSWER_UNKNOWN,
    ANSWER_TOO_COMPLEX,
    ANSWER_FAULT,
    ANSWER_RESULT_COUNT
};
struct command_answer {
    enum answer_result result;
    int refusal;               /* 0, or a code of the command's own enum below */
    const char *refusal_name;  /* "" or the API's code */
    uint8_t resource_id[16];
    struct str body;           /* JSON as the command describes, in the call's arena; may be empty */
};

struct command_call {
    const struct call *call;   /* NULL: the program itself or the operator */
    struct arena *arena;
    /* idempotency: all four or none */
    bool idempotent;
    struct str route_template, method, key;
    struct hash fingerprint;
    /* Appends the audit record (JSON) of this call, knowing its answer; called on the engine's thread before the commit. May be NULL. */
    void (*write_audit)(struct buffer *out, void *owner, const struct command_answer *answer);
    void (*on_done)(void *owner);
    void *owner;
    struct command_answer answer; /* valid once answered */
};

/* ---- payments ------------------------------------------------------------------------------------------------------------- */

#define PAYMENT_ACCEPT_E_MAP(X)                                                                                        \
    X(PAYMENT_ACCEPT_E_ACCOUNT, "account_not_found") X(PAYMENT_ACCEPT_E_CURRENCY, "currency_mismatch")                 \
    X(PAYMENT_ACCEPT_E_CREDITOR, "creditor_not_reachable") X(PAYMENT_ACCEPT_E_AMOUNT, "amount_too_large")              \
    X(PAYMENT_ACCEPT_E_BREAKER, "unavailable") X(PAYMENT_ACCEPT_E_CONSENT_STATUS, "consent_status")                    \
    X(PAYMENT_ACCEPT_E_CONSENT_MISMATCH, "consent_mismatch") X(PAYMENT_ACCEPT_E_CONSENT, "consent_not_found")
#define X(code, name) code,
enum payment_accept_refusal { PAYMENT_ACCEPT_E_NONE = 0, PAYMENT_ACCEPT_E_MAP(X) PAYMENT_ACCEPT_E_COUNT };
#undef X
/* Accepts an order: payment, checks, hold, saga, audit in one commit. From /v1 the debtor account must be the client's own (or its
 * token's customer's); with consent set, the consent must be the call's, authorised, and is consumed in the same commit: its
 * debtor account is used and the order must equal it (the caller has compared Initiation and Risk byte for value).
 * Stored under the key: acceptance and every refusal but PAYMENT_ACCEPT_E_BREAKER (503, nothing stored).
 * On 0 or replay resource_id is the payment's id and body is query_payment_json() as it was then. */
int command_payment_accept(struct integration *integration, struct command_call *call, const struct payment_order *order);

/* ---- payment consents ------------------------------------------------------------------------------------------------------ */

enum { CONSENT_PART_BYTES_MAX = 32 * 1024 };
/* Text is borrowed and must live as long as the call's arena. The caller has judged it: JSON parts are well-formed, each at most
 * CONSENT_PART_BYTES_MAX bytes, and the single values are those of the initiation. */
struct consent_create_input {
    struct str initiation, risk; /* Data.Initiation and Risk as the client sent them, JSON */
    struct str document;         /* a JSON object: what else of Data the answers repeat */
    struct money amount;
    struct str creditor_name, creditor_scheme, creditor_identification;
    struct str debtor_scheme, debtor_identification; /* empty: the customer chooses the account */
};
/* Stores a payment consent of the call's client (there must be one) that awaits authorisation. Refuses nothing. resource_id: the
 * consent's id, also when replayed; no body: what it is now says query_payment_consent. */
int command_consent_create(struct integration *integration, struct command_call *call, const struct consent_create_input *input);

/* ---- accounts (operator, first-party) -------------------------------------------------------------------------------------- */

struct account_open_input {
    struct str customer_login;  /* holder by login, or empty */
    struct str client_name;     /* holder by client, or empty */
    struct str name;
    struct str iban, sort_code, account_number; /* an empty IBAN: all three are made from the bank's own codes and the next number */
    struct currency currency;
    int64_t overdraft_minor;
    int64_t fund_minor;         /* 0 = no funding; else credited from the funding account in the same commit */
    bool business;
};
#define ACCOUNT_OPEN_E_MAP(X)                                                                                          \
    X(ACCOUNT_OPEN_E_EXISTS, "account_exists") X(ACCOUNT_OPEN_E_HOLDER, "holder_not_found") X(ACCOUNT_OPEN_E_INPUT, "invalid_request")
#define X(code, name) code,
enum account_open_refusal { ACCOUNT_OPEN_E_NONE = 0, ACCOUNT_OPEN_E_MAP(X) ACCOUNT_OPEN_E_COUNT };
#undef X
/* resource_id: the account's id; body: its /v1 document. ACCOUNT_OPEN_E_INPUT: no IBAN is given and the bank has no sort code. */
int command_account_open(struct integration *integration, struct command_call *call, const struct account_open_input *input);

struct account_fund_input {
    struct account_id account_id;
    struct money amount; /* > 0 */
};
enum account_fund_refusal { ACCOUNT_FUND_E_NONE, ACCOUNT_FUND_E_ACCOUNT, ACCOUNT_FUND_E_CURRENCY };
int command_account_fund(struct integration *integration, struct command_call *call, const struct account_fund_input *input);

/* ---- beside commands -------------------------------------------------------------------------------------------------------- */

/* An audit record (JSON) of a call that changed nothing, into the next commit; from any thread, never waits. Dropped and counted when
 * too many wait (engine_note). */
void command_note(struct integration *integration, struct str audit_json);
/* How long to stay away after PAYMENT_ACCEPT_E_BREAKER: at least 1,000 ms. */
int64_t command_payment_retry_ms(struct integration *integration);

#endif
