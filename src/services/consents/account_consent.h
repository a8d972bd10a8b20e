/* account_consent.h - a customer's consent to reads of accounts (UK Open Banking, uk/Q1 to Q11).
 *
 *   AWAU --account_consent_authorise--> AUTH --account_consent_cancel--> CANC
 *     \----account_consent_reject-----> RJCT   \--(its time is over)---> EXPD
 *
 * (A1) RJCT and DELETED are final: no way leads out of them. (A2) AUTH and CANC can be authorised anew, by the same
 * customer (uk/Q2, X6); EXPD cannot. (A3) that a consent's time is over is judged by the clock of whoever looks
 * (account_consent_status_at), nothing needs to be written for it. (A4) what the client asked for is never changed:
 * document, permissions, times (uk/Q6); accounts may become fewer (uk/Q9). (A5) status_ms is when it came to its
 * status, with AUTH when it was last authorised: a token issued before that is dead (uk/B7). (A6) a
 * customer who was asked and did not answer in time said no: AWAU is RJCT from asked_until_ms on, judged as A3 (uk/Q4).
 * (A7) what was approved is kept as a hash. (A8) the customer's authentication is good for renewal_ms from status_ms on
 * (0: for as long as the consent): then AUTH is CANC, judged as A3, until it is authorised anew (uk/X3). Tests:
 * account_consent_test.c, a1..a8. */
#ifndef GIRO_SERVICES_CONSENTS_ACCOUNT_CONSENT_H
#define GIRO_SERVICES_CONSENTS_ACCOUNT_CONSENT_H

#include "engine/decision.h"
#include "platform/digest.h"

#define ACCOUNT_CONSENT_STATUS_MAP(X)                                                                                  \
    X(ACCOUNT_CONSENT_AWAU, "AWAU")                                                                                    \
    X(ACCOUNT_CONSENT_AUTH, "AUTH")                                                                                    \
    X(ACCOUNT_CONSENT_RJCT, "RJCT")                                                                                    \
    X(ACCOUNT_CONSENT_CANC, "CANC") X(ACCOUNT_CONSENT_EXPD, "EXPD") X(ACCOUNT_CONSENT_DELETED, "DELETED")
#define X(code, name) code,
enum account_consent_status { ACCOUNT_CONSENT_STATUS_MAP(X) ACCOUNT_CONSENT_STATUS_COUNT };
#undef X
const char *account_consent_status_name(enum account_consent_status status);

enum { ACCOUNT_CONSENT_ACCOUNTS_MAX = 50, ACCOUNT_CONSENT_DOCUMENT_BYTES_MAX = 8 * 1024 };

struct account_consent_row {
    uint8_t consent_id[16];
    uint8_t client_id[16];
    uint8_t customer_id[16]; /* zero until authorised */
    int64_t status;          /* enum account_consent_status; AUTH also after expires_ms (A3) */
    int64_t permissions;     /* bits; what each means is the API's business */
    int64_t expires_ms;      /* 0: never */
    int64_t from_ms, to_ms;  /* of the transactions that may be read; INT64_MIN, INT64_MAX: no bound */
    struct str accounts;     /* the customer's choice: account ids, 16 bytes each */
    struct str document;     /* Data as sent (JSON text) */
    int64_t created_ms, status_ms;
    int64_t asked_until_ms;    /* the last customer who was asked has so long; 0: nobody was asked */
    struct hash approval_hash; /* account_consent_approval of what was authorised last; zero until then */
    int64_t renewal_ms;        /* (A8); 0: never */
    int64_t demanded;          /* 1: CANC because the bank asks for the customer's authentication (uk/X5) */
};
enum { ACCOUNT_CONSENT_INDEX_CUSTOMER = 1, ACCOUNT_CONSENT_INDEX_CLIENT = 2 };
/* Indexes: 1 (customer_id, consent_id), 2 (client_id, consent_id), not unique. */
extern const struct table account_consent_table;

/* (A3) AUTH becomes EXPD from expires_ms on. (A6) AWAU becomes RJCT from asked_until_ms on. (A8) AUTH becomes CANC when
 * its authentication is too old. */
enum account_consent_status account_consent_status_at(const struct account_consent_row *consent, int64_t now_ms);
/* CANC, and not because somebody withdrew it: only the customer's authentication is missing (uk/X3, X5). */
bool account_consent_wants_authentication(const struct account_consent_row *consent, int64_t now_ms);
bool account_consent_has_account(const struct account_consent_row *consent, const uint8_t account_id[16]);

/* (A7) What was asked for, until when, and these accounts. */
struct hash account_consent_approval(const struct account_consent_row *consent, struct str accounts);

enum account_consent_refusal { ACCOUNT_CONSENT_E_NONE, ACCOUNT_CONSENT_E_ABSENT, ACCOUNT_CONSENT_E_STATUS };
void account_consent_want(struct work *work, const uint8_t consent_id[16]);
/* *ret_row NULL when there is none. 0 or VIEW_NEED. */
int account_consent_get(struct work *work, const uint8_t consent_id[16], const struct account_consent_row **ret_row);
/* Inserts the consent (consent_id and times given here) as AWAU. 0 or <0. */
int account_consent_create(struct work *work, struct account_consent_row *consent);
/* (A6) A customer is asked now and has until until_ms; changes nothing of a consent that was given before. 0,
 * ACCOUNT_CONSENT_E_*, VIEW_NEED, <0. */
int account_consent_ask(struct work *work, const uint8_t consent_id[16], int64_t until_ms);
/* AWAU, AUTH or CANC -> AUTH for this customer and these accounts (ids, 16 bytes each, 1..ACCOUNT_CONSENT_ACCOUNTS_MAX;
 * whose they are was judged before); emits ConsentAuthorised. 0, ACCOUNT_CONSENT_E_ABSENT, _STATUS (also: another
 * customer authorised it), VIEW_NEED, <0. */
int account_consent_authorise(struct work *work, const uint8_t consent_id[16], const uint8_t customer_id[16],
                              struct str accounts);
/* AWAU -> RJCT; emits ConsentRejected. As above. */
int account_consent_reject(struct work *work, const uint8_t consent_id[16]);
/* AUTH -> CANC by its customer; emits ConsentRevoked. As above. */
int account_consent_cancel(struct work *work, const uint8_t consent_id[16]);
/* AUTH -> CANC by the bank, which asks for the customer's authentication (uk/X5); emits ConsentRevoked. As above. */
int account_consent_demand_authentication(struct work *work, const uint8_t consent_id[16]);
/* Whatever is not yet DELETED -> DELETED by its client; emits ConsentRevoked when it was AUTH. As above. */
int account_consent_delete(struct work *work, const uint8_t consent_id[16]);
/* One account less of an AUTH consent (uk/Q9); the last one cancels it. E_STATUS also when it has no such account. */
int account_consent_remove_account(struct work *work, const uint8_t consent_id[16], const uint8_t account_id[16]);

#endif
