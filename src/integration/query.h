/* query.h - layer 1's door for reads: snapshots of the store as plain values, never rows of a service.
 *
 * A struct query belongs to one thread at a time (each pool worker has its own). Text in results lives in the arena
 * given. Every function: 0 with *ret filled, QUERY_E_ABSENT when there is none, <0 fault. Nothing is cached: a
 * revocation shows in the next query. */
#ifndef GIRO_INTEGRATION_QUERY_H
#define GIRO_INTEGRATION_QUERY_H

#include "domain/call.h"
#include "domain/money.h"
#include "domain/payment_status.h"
#include "platform/arena.h"

struct integration;
struct query;
enum query_refusal { QUERY_E_NONE, QUERY_E_ABSENT };

int query_open(struct integration *integration, struct query **ret_query);
struct query *query_close(struct query *query);
/* Keeps snapshot and rows from one begin to the next while nothing was committed; query_rest, outside begin and end,
 * must follow within some milliseconds, since an open snapshot holds back the store's log. What begin shows is no
 * older. 0 or -ENOMEM. */
int query_keep(struct query *query);
void query_rest(struct query *query);
int query_begin(struct query *query) MUST_USE; /* one snapshot for all until query_end */
void query_end(struct query *query);

/* ---- payments ---- */

enum { QUERY_TIMELINE_MAX = 8 };
struct payment_view {
    struct payment_id payment_id;
    struct client_id client_id;
    struct customer_id customer_id; /* zero: the client paid from its own account */
    struct consent_id consent_id;
    struct account_id debtor_account_id;
    struct str creditor_name, creditor_iban, creditor_sort_code, creditor_account_number, reference, end_to_end_id,
        instruction_id;
    struct money amount;
    int64_t fee_minor; /* in the amount's currency */
    enum payment_type type;
    enum payment_status status;
    enum payment_reason reason;
    int64_t created_ms, status_ms;
    struct {
        enum payment_status status;
        int64_t at_ms;
    } timeline[QUERY_TIMELINE_MAX];
    size_t timeline_count;
};
int query_payment(struct query *query, const struct payment_id *payment_id, struct arena *arena,
                  struct payment_view *ret_payment);
/* The /v1 document of a payment. */
void query_payment_json(struct buffer *out, const struct payment_view *payment);

/* ---- accounts ---- */

struct account_view {
    struct account_id account_id;
    struct customer_id customer_id;
    struct client_id client_id;
    int64_t number;
    struct str name, iban, sort_code, account_number;
    struct currency currency;
    int status, product;
    const char *status_name, *product_name; /* "open", "blocked", "closed"; "personal", "business" */
    /* booked; reserved by holds; announced; available = posted - held + overdraft - floor; expected = posted - held +
     * incoming */
    int64_t posted_minor, held_minor, incoming_minor, overdraft_minor, available_minor, expected_minor;
    int64_t entry_count;
};
/* The members of the /v1 document of an account, inside an object of the caller's writer; balances are not among them.
 */
struct json_writer;
void query_account_members(struct json_writer *writer, const struct account_view *account);
int query_account(struct query *query, const struct account_id *account_id, struct arena *arena,
                  struct account_view *ret_account);
int query_account_by_iban(struct query *query, struct str iban, struct arena *arena, struct account_view *ret_account);
struct account_page {
    struct account_id after;       /* zero = from the start */
    uint32_t limit;                /* 1..STORE_RANGE_ROWS_MAX */
    struct account_view *accounts; /* the answer, in the arena */
    size_t count;
};
/* Accounts of the call's customer (token with a customer) or of its client, in id order behind page->after. */
int query_accounts(struct query *query, const struct call *call, struct account_page *page, struct arena *arena);
struct entry_view {
    int64_t number, transaction, sequence;
    bool credit;
    struct money amount;
    int64_t balance_after_minor, booked_ms, value_day; /* value_day: days since 1970 */
    struct payment_id payment_id;                      /* zero when of no payment */
};
struct entry_page {
    int64_t before;             /* numbers below it; 0 = from the newest */
    uint32_t limit;             /* 1..STORE_RANGE_ROWS_MAX */
    struct entry_view *entries; /* the answer, in the arena */
    size_t count;
};
/* Newest first. */
int query_entries(struct query *query, int64_t account_number, struct entry_page *page, struct arena *arena);

/* ---- consents ---- */

enum consent_kind { CONSENT_TO_PAYMENT, CONSENT_TO_ACCOUNTS };
/* What a call is judged by; the rest of a consent is its API's business. */
struct consent_view {
    enum consent_kind kind;
    struct client_id client_id;
    struct customer_id customer_id; /* zero until authorised */
};
int query_consent(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                  struct consent_view *ret_consent);

/* ---- payment consents ---- */

enum payment_consent_state { PAYMENT_CONSENT_AWAU, PAYMENT_CONSENT_AUTH, PAYMENT_CONSENT_COND, PAYMENT_CONSENT_RJCT };
struct payment_consent_view {
    struct consent_id consent_id;
    struct client_id client_id;     /* owner */
    struct customer_id customer_id; /* zero until authorised */
    struct account_id account_id;   /* to be debited; zero until authorised */
    struct payment_id payment_id;   /* zero until consumed */
    enum payment_consent_state status;
    const char *status_name; /* "AWAU", "AUTH", "COND", "RJCT" */
    /* Why it stands where it stands: a code of at most 4 characters and a sentence; NULL when there is nothing to say
     * (uk/Q5). */
    const char *reason_code, *reason_text;
    struct str initiation, risk, document; /* as in struct consent_create_input */
    struct money amount;
    struct str creditor_name, creditor_scheme, creditor_identification, debtor_scheme, debtor_identification;
    int64_t created_ms, status_ms;
    int64_t version; /* major version of the API that it was made with */
};
int query_payment_consent(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                          struct payment_consent_view *ret_consent);

/* ---- account consents ---- */

enum account_consent_state {
    ACCOUNT_ACCESS_AWAU,
    ACCOUNT_ACCESS_AUTH,
    ACCOUNT_ACCESS_RJCT,
    ACCOUNT_ACCESS_CANC,
    ACCOUNT_ACCESS_EXPD,
    ACCOUNT_ACCESS_DELETED,
    ACCOUNT_ACCESS_COUNT
};
struct account_consent_view {
    struct consent_id consent_id;
    struct client_id client_id;
    struct customer_id customer_id; /* zero until authorised */
    enum account_consent_state status;
    const char *status_name;                         /* "AWAU", "AUTH" ... */
    int64_t permissions, expires_ms, from_ms, to_ms; /* as in struct account_consent_create_input */
    const struct account_id *accounts;               /* the customer's choice */
    size_t account_count;
    struct str document;
    int64_t created_ms, status_ms; /* EXPD: since its time is over */
    bool wants_authentication;     /* CANC, until the customer authenticates anew (uk/X3, X5) */
};
/* As it is at now_ms: what is authorised expires by itself. */
int query_account_consent(struct query *query, const struct consent_id *consent_id, int64_t now_ms, struct arena *arena,
                          struct account_consent_view *ret_consent);

/* Entries of one account, through a consent. They are told by their sequences within the account. */
enum { TRANSACTION_LOOKS_MAX = 20000 };
struct transaction_walk {
    int64_t account_number;
    int64_t from_ms, to_ms; /* booked at from_ms or later and to_ms or earlier */
    bool credits, debits;
    bool newer;                 /* oldest first, beyond `beyond` upwards; else newest first, downwards */
    int64_t beyond;             /* a sequence; 0: from the end */
    uint32_t limit;             /* rows of the caller's array, >= 1 */
    struct entry_view *entries; /* the answer */
    size_t count;
    int64_t looked_at; /* the last sequence that was looked at; 0: none was */
    bool more;         /* some were not: the limit, or TRANSACTION_LOOKS_MAX of them in one call */
};
/* QUERY_E_ABSENT: no such account. */
int query_transactions(struct query *query, struct transaction_walk *walk, struct arena *arena);

/* Who holds an account, as Open Banking names it. */
struct party_view {
    uint8_t party_id[16]; /* of the customer or client */
    struct str name;
    bool is_client;
};
/* A customer, or else a client. */
int query_party(struct query *query, const struct customer_id *customer_id, const struct client_id *client_id,
                struct arena *arena, struct party_view *ret_party);

/* ---- callers ---- */

/* Fills the client fields of call from the client registered under a certificate's software id, or under its OAuth
 * client_id. A suspended client is QUERY_E_ABSENT. */
int query_client_by_software(struct query *query, struct str software_id, struct arena *arena, struct call *call);
int query_client_by_name(struct query *query, struct str name, struct arena *arena, struct call *call);
/* The registered public keys of a client, suspended or not: a JSON Web Key Set, or where it is; the other is empty. */
int query_client_keys(struct query *query, const struct client_id *client_id, struct arena *arena, struct str *ret_jwks,
                      struct str *ret_jwks_uri);
struct token_view {
    struct client_id client_id;
    struct customer_id customer_id;
    struct consent_id consent_id;
    struct str scope;
    struct hash certificate_hash;
    int64_t expires_ms, revoked_ms; /* revoked_ms also when its grant was revoked or is gone */
    struct hash key_thumbprint;     /* what it is bound to: a certificate or a key (DPoP); the other is zero */
    int64_t issued_ms;
    int64_t granted_ms; /* when the customer agreed; 0: client credentials */
    struct str details; /* authorization_details as granted, a JSON array; empty: none */
};
int query_token(struct query *query, const struct hash *token_hash, struct arena *arena, struct token_view *ret_token);

/* How much of today's count under the key (command_quota_key) is used: 0 also without a row. */
int query_quota(struct query *query, const struct hash *key, int64_t now_ms, struct arena *arena, int64_t *ret_used);

/* ---- authorization server ---- */

enum client_view_profile { CLIENT_VIEW_FAPI2, CLIENT_VIEW_FAPI2_MS, CLIENT_VIEW_FAPI1 };
enum client_view_sender { CLIENT_VIEW_MTLS, CLIENT_VIEW_DPOP };
enum client_view_auth { CLIENT_VIEW_ASSERTION, CLIENT_VIEW_TLS, CLIENT_VIEW_SELF_SIGNED };
struct client_view {
    struct client_id client_id;
    struct str name, display_name, scope, redirect_uris, jwks;
    int profile, sender; /* enum client_view_profile, client_view_sender */
    bool profile_served; /* profile and sender constraint go together: fapi1 has no DPoP */
    bool auto_approve;
    int auth;                                          /* enum client_view_auth */
    struct str jwks_uri, tls_subject, roles, metadata; /* as in struct client_row */
    struct hash registration_hash;
    int64_t created_ms;
};
/* An active client by its OAuth client_id. */
int query_client(struct query *query, struct str name, struct arena *arena, struct client_view *ret_client);
int query_client_by_id(struct query *query, const struct client_id *client_id, struct arena *arena,
                       struct client_view *ret_client);

struct pushed_view {
    struct client_id client_id;
    struct consent_id consent_id;
    struct str params; /* JSON object */
    int64_t expires_ms, used_ms;
};
int query_pushed(struct query *query, const struct hash *request_hash, struct arena *arena,
                 struct pushed_view *ret_pushed);

/* What a code will become, for the ID token; the command judges the code itself. */
struct code_view {
    struct client_id client_id;
    struct customer_id customer_id;
    struct consent_id consent_id;
    struct str scope, nonce, acr;
    int64_t auth_ms;
    struct str details;         /* authorization_details as granted; empty: none */
    int64_t refresh_expires_ms; /* the reader's to set: of the refresh token beside it; 0: nothing to say (uk/B5) */
};
int query_code(struct query *query, const struct hash *code_hash, struct arena *arena, struct code_view *ret_code);

/* A refresh token and its grant; the command judges them itself. */
struct refresh_view {
    struct client_id client_id;
    struct customer_id customer_id;
    struct consent_id consent_id;
    struct str scope, details, acr; /* as granted */
    int64_t auth_ms, granted_ms, issued_ms;
    int64_t grant_expires_ms; /* COMMAND_REFRESH_NEVER_MS: as long as the consent */
    int64_t expires_ms;       /* of the token or its grant, whichever ends first */
    bool revoked;             /* its grant */
};
int query_refresh(struct query *query, const struct hash *refresh_hash, struct arena *arena,
                  struct refresh_view *ret_refresh);

/* What a consent of either kind means for what was granted by it. */
struct grant_consent_view {
    bool accounts;      /* to reads of accounts; else to a payment */
    bool authorised;    /* AUTH at this time, or a payment's that was consumed */
    bool refreshable;   /* AUTH at this time */
    int64_t since_ms;   /* when it was authorised last: what was granted before is over (uk/B7); 0: not looked at */
    int64_t expires_ms; /* 0: never */
    struct client_id client_id;
    struct customer_id customer_id;
    struct money amount; /* of a payment */
};
int query_grant_consent(struct query *query, const struct consent_id *consent_id, int64_t now_ms, struct arena *arena,
                        struct grant_consent_view *ret_consent);

enum session_view_stage {
    SESSION_VIEW_LOGIN,
    SESSION_VIEW_ACCOUNT,
    SESSION_VIEW_CONFIRM,
    SESSION_VIEW_CUSTOMER,
    SESSION_VIEW_ENDED
};
struct session_view {
    struct hash request_hash;
    struct client_id client_id;
    struct customer_id customer_id;
    struct str accounts; /* ids, 16 bytes each */
    enum session_view_stage stage;
    int64_t expires_ms;
};
int query_session(struct query *query, const struct hash *session_hash, struct arena *arena,
                  struct session_view *ret_session);

/* What a customer's secrets are checked against; for auth only. */
struct customer_secrets {
    struct customer_id customer_id;
    struct str password;    /* argon2id, encoded */
    struct str totp_secret; /* raw bytes */
};
int query_customer_by_login(struct query *query, struct str login, struct arena *arena,
                            struct customer_secrets *ret_customer);
int query_customer(struct query *query, const struct customer_id *customer_id, struct arena *arena,
                   struct customer_secrets *ret_customer);

/* A consent as its customer sees it. */
enum consent_page_kind { CONSENT_PAGE_PAYMENT, CONSENT_PAGE_READS };
struct consent_page_view {
    enum consent_page_kind kind;
    struct client_id client_id;
    struct customer_id customer_id; /* who gave it before; zero: nobody */
    bool open;                      /* a payment's waits; of reads it may also be given anew (uk/X6) */
    int64_t asked_until_ms; /* while it waits: when the last customer who was asked is too late; 0: nobody was */
    int64_t expires_ms;     /* 0: never; a payment's is 0 */
    struct str document;    /* of reads: Data as the client sent it, JSON text */
    /* of a payment */
    struct money amount;
    struct str creditor_name, creditor_scheme, creditor_identification, debtor_scheme, debtor_identification;
    struct str initiation; /* JSON text: Data.Initiation */
};
int query_consent_page(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                       struct consent_page_view *ret_consent);
/* True when a customer can say yes to it at that time. */
bool consent_page_is_grantable(const struct consent_page_view *consent, int64_t now_ms);
/* Of what a page shows that asks for these accounts (ids, 16 bytes each), as the command makes it of the rows
 * (domain/approval.h). */
struct hash consent_page_approval(const struct consent_page_view *consent, const struct consent_id *consent_id,
                                  struct str accounts);
/* True when the account can be chosen for it: open; of a payment also in its currency, and the one it names if it names
 * one. */
bool consent_page_admits(const struct consent_page_view *consent, const struct account_view *account);
/* True when the account is the one that scheme and identification name (UK.OBIE.SortCodeAccountNumber, UK.OBIE.IBAN).
 */
bool account_view_is_named(const struct account_view *account, struct str scheme, struct str identification);

/* ---- the customer's own page ---- */

/* What a customer was asked for, as he sees it. */
struct customer_consent_view {
    enum consent_page_kind kind;
    struct consent_id consent_id;
    struct str client;   /* display name; empty when the client is gone */
    const char *status;  /* "AUTH", "CANC", ... */
    bool active;         /* of reads: authorised now; of a payment: authorised, not made */
    int64_t status_ms;   /* since when it is so */
    int64_t expires_ms;  /* of reads; 0: never */
    struct str accounts; /* ids, 16 bytes each: shared; or paid from */
    struct str document; /* of reads: Data as the client sent it */
    struct str payee;    /* of a payment */
    struct money amount; /* of a payment */
    bool paid;           /* payment_status and payment_reason say what became of it */
    enum payment_status payment_status;
};
enum { CUSTOMER_CONSENTS_MAX = 25 };
struct customer_consents {
    struct consent_id before_reads, before_payments; /* only older ones than this; zero: from the newest */
    /* the answer */
    struct customer_consent_view *reads, *payments; /* newest first, at most CUSTOMER_CONSENTS_MAX of each */
    size_t read_count, payment_count;
    bool more_reads, more_payments; /* there are older ones */
    struct str name;                /* of the customer */
};
int query_customer_consents(struct query *query, const struct customer_id *customer_id, int64_t now_ms,
                            struct arena *arena, struct customer_consents *consents);

#endif
