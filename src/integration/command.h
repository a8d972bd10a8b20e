/* command.h - layer 1's door for everything that changes something. One function a command; each is one entry in the
 * engine's queue and one place in its next commit.
 *
 * The caller gives a struct command_call in an arena that lives until it was answered. With on_done the function
 * returns at once and on_done runs later, on the engine's thread: it may only hand the work on. Without on_done the
 * function waits for the answer. Return: 0 (answered or will be), COMMAND_E_FULL (queue full or stopping: nothing was
 * taken), <0 fault (nothing was taken). */
#ifndef GIRO_INTEGRATION_COMMAND_H
#define GIRO_INTEGRATION_COMMAND_H

#include "domain/call.h"
#include "domain/money.h"
#include "domain/payment_order.h"
#include "observe/audit.h"
#include "platform/arena.h"
#include "wire/json_mask.h"

struct integration; /* everything the commands need, made by app/wiring.c (integration/integration.h) */

enum command_door_refusal { COMMAND_E_NONE, COMMAND_E_FULL };

/* What became of it. Spelled for the pipeline's mapping to HTTP; see engine.h for the exact meaning. */
enum answer_result {
    ANSWER_DONE,     /* refusal == 0: accepted; else refused by the command, refusal_name says why */
    ANSWER_REPLAYED, /* the stored answer of the same request */
    ANSWER_KEY_REUSED,
    ANSWER_UNAVAILABLE,
    ANSWER_UNKNOWN,
    ANSWER_TOO_COMPLEX,
    ANSWER_FAULT,
    ANSWER_RESULT_COUNT
};
struct command_answer {
    enum answer_result result;
    int refusal;              /* 0, or a code of the command's own enum below */
    const char *refusal_name; /* "" or the API's code */
    uint8_t resource_id[16];
    struct str body; /* JSON as the command describes, in the call's arena; may be empty */
};

/* Who asked, for the audit record of a command; written with the answer by whichever node decides, in the same commit.
 * Lives as long as the call. */
enum { COMMAND_AUDIT_ELAPSED_US_MAX = 1800 * 1000 * 1000 };
#define COMMAND_AUDIT_TIME_MS_MAX INT64_C(253402300799999) /* the year 9999 */
struct command_audit {
    struct audit_record record; /* status, outcome, duration and resource are the answer's: left alone here */
    int64_t began_ns;           /* monotonic, on this node; see command_audit_began */
    /* HTTP status of a refusal of the command: by function, or on the node that decides by table. Both NULL: none. */
    int (*status_of)(const void *owner, int refusal);
    const void *owner;
    const uint16_t *statuses;
    int status_count;
    const struct json_mask
        *answer_mask; /* of the command's answer, which stands in the record then; NULL: it does not */
};
void command_audit_began(struct command_audit *audit, int64_t elapsed_us); /* the call began so long ago */
int64_t command_audit_elapsed_us(const struct command_audit *audit);       /* 0..COMMAND_AUDIT_ELAPSED_US_MAX */
int command_audit_status(const struct command_audit *audit, int refusal);  /* 0: not known */
/* Appends what may be written down of text (wire/json_mask.h), at most AUDIT_BODY_BYTES_MAX; fits and arena as there.
 * False: it was cut. */
bool command_audit_mask(struct buffer *out, const struct json_mask *mask, struct str text, bool fits,
                        struct arena *arena);
/* Appends the record with what the answer says. */
void command_audit_write(struct buffer *out, const struct command_audit *audit, const struct command_answer *answer);

struct command_call {
    const struct call *call; /* NULL: the program itself or the operator */
    struct arena *arena;
    /* idempotency: all or none */
    bool idempotent;
    int64_t keep_ms; /* how long the answer stands under the key; 0: for ever */
    struct str route_template, method, key;
    struct hash fingerprint;
    const struct command_audit *audit; /* NULL: no record of this call */
    void (*on_done)(void *owner);
    void *owner;
    struct command_answer answer; /* valid once answered */
    bool audited;                 /* with it: the record is in the commit */
};

/* ---- payments ---- */

#define PAYMENT_ACCEPT_E_MAP(X)                                                                                        \
    X(PAYMENT_ACCEPT_E_ACCOUNT, "account_not_found")                                                                   \
    X(PAYMENT_ACCEPT_E_CURRENCY, "currency_mismatch")                                                                  \
    X(PAYMENT_ACCEPT_E_CREDITOR, "creditor_not_reachable")                                                             \
    X(PAYMENT_ACCEPT_E_AMOUNT, "amount_too_large")                                                                     \
    X(PAYMENT_ACCEPT_E_BREAKER, "unavailable")                                                                         \
    X(PAYMENT_ACCEPT_E_CONSENT_STATUS, "consent_status")                                                               \
    X(PAYMENT_ACCEPT_E_CONSENT_MISMATCH, "consent_mismatch") X(PAYMENT_ACCEPT_E_CONSENT, "consent_not_found")
#define X(code, name) code,
enum payment_accept_refusal { PAYMENT_ACCEPT_E_NONE = 0, PAYMENT_ACCEPT_E_MAP(X) PAYMENT_ACCEPT_E_COUNT };
#undef X
/* Accepts an order: payment, checks, hold, saga, audit in one commit. From /v1 the debtor account must be the client's
 * own (or its token's customer's); with consent set, the consent must be the call's, authorised, and is consumed in the
 * same commit: its debtor account is used and the order must equal it (the caller has compared Initiation and Risk byte
 * for value). Stored under the key: acceptance and every refusal but PAYMENT_ACCEPT_E_BREAKER (503, nothing stored). On
 * 0 or replay resource_id is the payment's id and body is query_payment_json() as it was then. */
int command_payment_accept(struct integration *integration, struct command_call *call,
                           const struct payment_order *order);

#include "integration/command_schedule.h" /* payments of a later day; they use struct command_call */

/* ---- payment consents ---- */

enum { CONSENT_PART_BYTES_MAX = 32 * 1024 };
/* Text is borrowed and must live as long as the call's arena. The caller has judged it: JSON parts are well-formed,
 * each at most CONSENT_PART_BYTES_MAX bytes, and the single values are those of the initiation. */
struct consent_create_input {
    struct str initiation, risk; /* Data.Initiation and Risk as the client sent them, JSON */
    struct str document;         /* a JSON object: what else of Data the answers repeat */
    struct money amount;
    struct str creditor_name, creditor_scheme, creditor_identification;
    struct str debtor_scheme, debtor_identification; /* empty: the customer chooses the account */
    int64_t version;                                 /* major version of the API: 3 or 4 (uk/P9) */
};
/* Stores a payment consent of the call's client (there must be one) that awaits authorisation. Refuses nothing.
 * resource_id: the consent's id, also when replayed; no body: what it is now says query_payment_consent. */
int command_consent_create(struct integration *integration, struct command_call *call,
                           const struct consent_create_input *input);

/* ---- account consents (uk/Q1 to Q11) ---- */

enum { ACCOUNT_CONSENT_PART_BYTES_MAX = 8 * 1024 };
/* Borrowed as above; the caller has judged it. */
struct account_consent_create_input {
    struct str document;    /* Data as the client sent it: a JSON object, at most ACCOUNT_CONSENT_PART_BYTES_MAX */
    int64_t permissions;    /* bits, as the API means them */
    int64_t expires_ms;     /* 0: never */
    int64_t from_ms, to_ms; /* INT64_MIN, INT64_MAX: no bound */
};
/* Stores an account consent of the call's client (there must be one) that awaits authorisation. Refuses nothing.
 * resource_id: the consent's id; no body. */
int command_account_consent_create(struct integration *integration, struct command_call *call,
                                   const struct account_consent_create_input *input);
#define ACCOUNT_CONSENT_CHANGE_E_MAP(X)                                                                                \
    X(ACCOUNT_CONSENT_CHANGE_E_ABSENT, "consent_not_found") X(ACCOUNT_CONSENT_CHANGE_E_STATUS, "consent_status")
#define X(code, name) code,
enum account_consent_change_refusal {
    ACCOUNT_CONSENT_CHANGE_E_NONE = 0,
    ACCOUNT_CONSENT_CHANGE_E_MAP(X) ACCOUNT_CONSENT_CHANGE_E_COUNT
};
#undef X
enum account_consent_change {
    ACCOUNT_CONSENT_DELETE,         /* by its client: gone for good */
    ACCOUNT_CONSENT_REVOKE,         /* at the bank: CANC, may be authorised anew */
    ACCOUNT_CONSENT_DEMAND,         /* by the bank: CANC until the customer has authenticated anew (uk/X5) */
    ACCOUNT_CONSENT_REMOVE_ACCOUNT, /* at the bank: one account less; the last one revokes it */
    ACCOUNT_CONSENT_CHANGE_COUNT
};
struct account_consent_change_input {
    enum account_consent_change change;
    struct consent_id consent_id;
    struct account_id account_id; /* of the account to remove */
};
/* With a call, the consent must be that call's client's (ACCOUNT_CONSENT_CHANGE_E_ABSENT). _STATUS: it is not in a
 * status that can be left so, or does not cover the account. resource_id: the consent's id; no body. */
int command_account_consent_change(struct integration *integration, struct command_call *call,
                                   const struct account_consent_change_input *input);

/* ---- accounts (operator, first-party) ---- */

struct account_open_input {
    struct str customer_login; /* holder by login, or empty */
    struct str client_name;    /* holder by client, or empty */
    struct str name;
    struct str iban, sort_code,
        account_number; /* an empty IBAN: all three are made from the bank's own codes and the next number */
    struct currency currency;
    int64_t overdraft_minor;
    int64_t fund_minor; /* 0 = no funding; else credited from the funding account in the same commit */
    bool business;
};
#define ACCOUNT_OPEN_E_MAP(X)                                                                                          \
    X(ACCOUNT_OPEN_E_EXISTS, "account_exists")                                                                         \
    X(ACCOUNT_OPEN_E_HOLDER, "holder_not_found") X(ACCOUNT_OPEN_E_INPUT, "invalid_request")
#define X(code, name) code,
enum account_open_refusal { ACCOUNT_OPEN_E_NONE = 0, ACCOUNT_OPEN_E_MAP(X) ACCOUNT_OPEN_E_COUNT };
#undef X
/* resource_id: the account's id; body: its /v1 document. ACCOUNT_OPEN_E_INPUT: no IBAN is given and the bank has no
 * sort code. */
int command_account_open(struct integration *integration, struct command_call *call,
                         const struct account_open_input *input);

struct account_fund_input {
    struct account_id account_id;
    struct money amount; /* > 0 */
};
enum account_fund_refusal { ACCOUNT_FUND_E_NONE, ACCOUNT_FUND_E_ACCOUNT, ACCOUNT_FUND_E_CURRENCY };
int command_account_fund(struct integration *integration, struct command_call *call,
                         const struct account_fund_input *input);

/* ---- beside commands ---- */

/* An audit record (JSON) of a call that changed nothing, into the next commit; from any thread, never waits. Dropped
 * and counted when too many wait. */
void command_note(struct integration *integration, struct str audit_json);
enum { COMMAND_RETRY_ELSEWHERE_MS = 10000 };
/* How long to stay away after PAYMENT_ACCEPT_E_BREAKER: at least 1,000 ms; COMMAND_RETRY_ELSEWHERE_MS when the breaker
 * is another node's, which alone knows (less than it is open, lest all come back too late). */
int64_t command_payment_retry_ms(struct integration *integration);

/* ---- clients and customers (operator, sandbox) ---- */

struct client_register_input {
    struct str name, display_name; /* OAuth client_id (letters, digits, '-', '.', '_'); the name on consent pages */
    int profile, sender;           /* enum client_profile, client_sender */
    struct str tier, org_id, software_id;
    struct str scope, redirect_uris; /* space separated; URIs as client_redirect_uri_fits */
    struct str jwks;                 /* at least one key, or jwks_uri: there are no public clients (FAPI G3); with auth
                                        tls_client_auth neither need be there, but a tls_subject must */
    bool auto_approve, signs;        /* signs: its requests must be signed (RFC 9421) */
    int auth;                        /* enum client_auth */
    struct str jwks_uri;             /* in place of jwks */
    struct str tls_subject, directory, roles, addresses; /* as in struct client_row; empty: none */
    int64_t requests_per_second, burst, daily_limit;     /* 0: the tier's */
    struct str metadata;                                 /* JSON object, or empty */
    struct hash registration_hash;                       /* zero: none */
};
#define CLIENT_REGISTER_E_MAP(X)                                                                                       \
    X(CLIENT_REGISTER_E_EXISTS, "client_exists")                                                                       \
    X(CLIENT_REGISTER_E_NAME, "invalid_name")                                                                          \
    X(CLIENT_REGISTER_E_REDIRECT_URI, "invalid_redirect_uri")                                                          \
    X(CLIENT_REGISTER_E_KEYS, "invalid_keys")                                                                          \
    X(CLIENT_REGISTER_E_SCOPE, "invalid_scope")                                                                        \
    X(CLIENT_REGISTER_E_PROFILE, "invalid_profile") X(CLIENT_REGISTER_E_METHOD, "invalid_authentication")
#define X(code, name) code,
enum client_register_refusal { CLIENT_REGISTER_E_NONE = 0, CLIENT_REGISTER_E_MAP(X) CLIENT_REGISTER_E_COUNT };
#undef X
/* resource_id: the client's id. Input that does not fit is answered at once, with ANSWER_DONE and the refusal. */
int command_client_register(struct integration *integration, struct command_call *call,
                            const struct client_register_input *input);

struct client_change_input {
    struct client_id client_id;
    struct client_register_input client; /* name, tier, org_id, software_id, directory, addresses, limits, auto_approve
                                            and registration_hash are not looked at: they stay as they are */
};
enum { CLIENT_CHANGE_E_ABSENT = CLIENT_REGISTER_E_COUNT };
/* What a client may change of itself (RFC 7592 section 2.2): all of it, or nothing. Refusals: CLIENT_REGISTER_E_* for
 * input that does not fit (at once), CLIENT_CHANGE_E_ABSENT. */
int command_client_change(struct integration *integration, struct command_call *call,
                          const struct client_change_input *input);
enum client_fate { CLIENT_FATE_ACTIVE, CLIENT_FATE_SUSPENDED, CLIENT_FATE_REMOVED };
struct client_settle_input {
    struct client_id client_id;
    int fate; /* enum client_fate */
};
/* Suspends a client, lets it go on, or removes it: at once for whatever it holds. CLIENT_CHANGE_E_ABSENT. */
int command_client_settle(struct integration *integration, struct command_call *call,
                          const struct client_settle_input *input);

/* What an operator may change of a client while it runs; a member that is not set stays as it is. */
struct client_limits_input {
    struct str name;                                 /* OAuth client_id */
    int64_t requests_per_second, burst, daily_limit; /* in place of its tier's; 0: the tier's; -1: leave */
    bool set_addresses;
    struct str addresses; /* with set_addresses: CIDRs, space separated; empty: anywhere */
    int signing;          /* whether its requests must be signed: enum client_signing; 0: leave */
};
#define CLIENT_LIMITS_E_MAP(X) X(CLIENT_LIMITS_E_ABSENT, "client_not_found") X(CLIENT_LIMITS_E_INPUT, "invalid_request")
#define X(code, name) code,
enum client_limits_refusal { CLIENT_LIMITS_E_NONE = 0, CLIENT_LIMITS_E_MAP(X) CLIENT_LIMITS_E_COUNT };
#undef X
/* resource_id: the client's id. CLIENT_LIMITS_E_INPUT: a number out of range, a rate without a burst, no CIDR. */
int command_client_limits(struct integration *integration, struct command_call *call,
                          const struct client_limits_input *input);

struct customer_register_input {
    struct str login, name;
    struct str password;    /* hashed before the command; the caller wipes its copy */
    struct str totp_secret; /* raw bytes, 16..64 */
};
#define CUSTOMER_REGISTER_E_MAP(X)                                                                                     \
    X(CUSTOMER_REGISTER_E_EXISTS, "customer_exists") X(CUSTOMER_REGISTER_E_INPUT, "invalid_request")
#define X(code, name) code,
enum customer_register_refusal { CUSTOMER_REGISTER_E_NONE = 0, CUSTOMER_REGISTER_E_MAP(X) CUSTOMER_REGISTER_E_COUNT };
#undef X
/* resource_id: the customer's id. As above; costs one password hash, so not on an HTTP or engine thread. */
int command_customer_register(struct integration *integration, struct command_call *call,
                              const struct customer_register_input *input);

/* ---- authorization server ----
 * Whoever calls has verified signatures, passwords and one-time codes; these commands judge the rows and write. Tokens,
 * codes and cookies come as SHA-256 of their text and never in clear. Where a refusal must leave a trace (a spent jti,
 * a counted failure, a revoked token) the command is accepted and answer.body is the word of the verdict, empty when
 * all is well. */

/* A client that has proven who it is: the jti of its assertion is spent with the command (FAPI C5). Empty: it did so by
 * its certificate, and nothing is spent. */
enum { COMMAND_JTI_BYTES_MAX = 128 };
struct assertion_spend {
    struct client_id client_id;
    struct str jti;
    int64_t expires_ms;
    /* The proof of a key beside it (DPoP): what stands for its jti and key, spent likewise. Zero: none. */
    uint8_t proof_jti[16];
    int64_t proof_expires_ms;
};
/* Refusals of the commands that take an assertion: it was used before, or the proof beside it was. */
enum { COMMAND_E_JTI_REPLAYED = 1, COMMAND_E_PROOF_REPLAYED, COMMAND_E_SPEND_COUNT };

enum { TOKEN_LIFE_MS = 600 * 1000, CODE_LIFE_MS = 60 * 1000, PUSHED_LIFE_MS = 90 * 1000 };

/* Only spends the jti: for requests that are refused for another reason. */
int command_assertion_spend(struct integration *integration, struct command_call *call,
                            const struct assertion_spend *assertion);

struct token_issue_input {
    struct assertion_spend assertion;
    struct hash token_hash;
    struct hash certificate_hash, key_thumbprint; /* what the token is bound to: one of them, the other zero */
    struct str scope;
};
/* Client credentials. The token is valid for TOKEN_LIFE_MS. */
int command_token_issue(struct integration *integration, struct command_call *call,
                        const struct token_issue_input *input);

struct pushed_store_input {
    struct assertion_spend assertion;
    struct hash request_hash;
    struct consent_id consent_id;
    struct str params; /* JSON object, checked */
};
/* Valid for PUSHED_LIFE_MS. */
int command_pushed_store(struct integration *integration, struct command_call *call,
                         const struct pushed_store_input *input);

struct code_exchange_input {
    struct assertion_spend assertion;
    struct hash code_hash, token_hash;
    struct hash certificate_hash, key_thumbprint; /* as in struct token_issue_input */
    struct str redirect_uri, code_challenge;      /* of the request; the challenge made from its verifier */
    struct hash refresh_hash;                     /* of the refresh token that goes with it; zero: none does */
    int64_t refresh_expires_ms;                   /* with it; COMMAND_REFRESH_NEVER_MS: as long as the consent */
};
#define COMMAND_REFRESH_NEVER_MS INT64_MAX
/* Opens a grant with its first token. Verdict "invalid_grant" for a code that is unknown, another client's, used (its
 * grant is revoked with all that it bought), expired, claimed with another redirect URI, verifier or key, or of a
 * consent that does not stand any more. */
int command_code_exchange(struct integration *integration, struct command_call *call,
                          const struct code_exchange_input *input);

struct token_refresh_input {
    struct assertion_spend assertion;
    struct hash refresh_hash, token_hash;
    struct hash certificate_hash, key_thumbprint; /* as in struct token_issue_input */
    struct str scope;                             /* of the new token, within the grant's */
    struct hash fresh_hash;                       /* of the refresh token that replaces it; zero: it stays */
    int64_t retry_ms;                             /* with it: how long the old one is good still */
};
/* Verdict "invalid_grant" for a refresh token that is unknown, another client's, expired, replaced and its time over,
 * of a grant that is revoked, or of a consent that does not stand any more. */
int command_token_refresh(struct integration *integration, struct command_call *call,
                          const struct token_refresh_input *input);

struct token_revoke_input {
    struct assertion_spend assertion;
    struct hash token_hash; /* of an access token, or of a refresh token: then its grant ends, and all that it bought */
};
/* Verdict "absent" when there is no such token of this client. */
int command_token_revoke(struct integration *integration, struct command_call *call,
                         const struct token_revoke_input *input);

/* ---- consent pages ---- */

/* Refusals of these: the session is over (expired, ended, unknown), not at this step, or the request or consent cannot
 * be decided any more. Verdicts: "" or "wrong" (password, code); of confirm also "changed": what the page showed is not
 * what the session would approve, and the code is spent for nothing. */
#define AUTHORIZE_E_MAP(X)                                                                                             \
    X(AUTHORIZE_E_SESSION, "session_over")                                                                             \
    X(AUTHORIZE_E_STAGE, "wrong_step")                                                                                 \
    X(AUTHORIZE_E_REQUEST, "request_over")                                                                             \
    X(AUTHORIZE_E_CONSENT, "consent_status") X(AUTHORIZE_E_ACCOUNT, "account_not_found")
#define X(code, name) code,
enum authorize_refusal { AUTHORIZE_E_NONE = 0, AUTHORIZE_E_MAP(X) AUTHORIZE_E_COUNT };
#undef X

/* A request that came signed to authorize itself instead of being pushed: stored under request_hash by the command that
 * opens or answers it, unless it is there already (reloaded). */
enum { AUTHORIZE_PARAMS_BYTES_MAX = 16 * 1024 };
struct authorize_by_value {
    struct str params; /* JSON object, checked; empty: the request was pushed */
    struct consent_id consent_id;
    int64_t expires_ms; /* of the signed request */
};

struct authorize_open_input {
    struct hash session_hash, request_hash;
    struct client_id client_id;
    struct authorize_by_value by_value;
};
int command_authorize_open(struct integration *integration, struct command_call *call,
                           const struct authorize_open_input *input);

struct authorize_login_input {
    struct hash session_hash, fresh_hash; /* the session's key now, and after a right password */
    struct customer_id customer_id;       /* zero: no such login */
    bool password_right;
};
int command_authorize_login(struct integration *integration, struct command_call *call,
                            const struct authorize_login_input *input);

enum { AUTHORIZE_ACCOUNTS_MAX = 50 };
struct authorize_account_input {
    struct hash session_hash;
    struct str accounts; /* ids, 16 bytes each: one for a payment, 1..AUTHORIZE_ACCOUNTS_MAX for reads */
};
int command_authorize_account(struct integration *integration, struct command_call *call,
                              const struct authorize_account_input *input);

/* What the code will carry; decided text of the pushed request. */
struct code_terms {
    struct hash code_hash;
    struct str scope, redirect_uri, code_challenge, nonce, acr;
    struct str details;         /* authorization_details as granted, a JSON array; empty: none */
    struct hash key_thumbprint; /* of the key that must prove itself at the exchange; zero: none in particular */
};
struct authorize_confirm_input {
    struct hash session_hash;
    struct hash approval_hash; /* of what the page showed (domain/approval.h) */
    bool code_right;
    int64_t step; /* of the one-time code */
    struct code_terms terms;
};
/* One-time code judged and spent, consent authorised, code issued, request used, session ended: one commit.
 * resource_id: the consent. */
int command_authorize_confirm(struct integration *integration, struct command_call *call,
                              const struct authorize_confirm_input *input);
/* Consent rejected, request used, session ended. */
int command_authorize_reject(struct integration *integration, struct command_call *call,
                             const struct hash *session_hash);

/* Sandbox: a customer who says yes (accounts set) or no (customer_id zero) without a page. */
struct authorize_at_once_input {
    struct hash request_hash;
    struct client_id client_id;
    struct customer_id customer_id;
    struct str accounts; /* as above */
    struct code_terms terms;
    struct authorize_by_value by_value;
};
int command_authorize_at_once(struct integration *integration, struct command_call *call,
                              const struct authorize_at_once_input *input);

#include "integration/command_quota.h" /* the durable counts of a day */
/* ---- the customer's own page ---- */

struct customer_login_input {
    struct hash session_hash;       /* fresh */
    struct customer_id customer_id; /* zero: no such login */
    bool right;                     /* password and one-time code */
    int64_t step;
};
/* Verdicts "" (the session is open) and "wrong". */
int command_customer_login(struct integration *integration, struct command_call *call,
                           const struct customer_login_input *input);
int command_customer_logout(struct integration *integration, struct command_call *call,
                            const struct hash *session_hash);

struct customer_withdraw_input {
    struct hash session_hash;
    struct consent_id consent_id;
    struct account_id account_id; /* zero: all of it */
};
/* The session's customer takes a consent to reads back, or one account out of it (the last one: all of it; uk/Q9, Q10).
 * Whatever was issued under it is worth nothing from this commit on. AUTHORIZE_E_SESSION; AUTHORIZE_E_CONSENT: it is
 * not this customer's, or not authorised, or has no such account. resource_id: the consent. */
int command_customer_withdraw(struct integration *integration, struct command_call *call,
                              const struct customer_withdraw_input *input);

#include "integration/command_ledger.h" /* the operator's commands on the ledger */

#endif
