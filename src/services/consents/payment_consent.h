/* payment_consent.h - a customer's consent to one payment (UK Open Banking, uk/P1 to P9).
 *
 *   AWAU --payment_consent_authorise--> AUTH --payment_consent_consume--> COND
 *     \----payment_consent_reject-----> RJCT
 *
 * (C1) COND and RJCT are final. (C2) one consent makes at most one payment: consume happens in the commit that creates
 * it. (C3) a customer who was asked and did not answer in time said no: AWAU is RJCT from asked_until_ms on
 * (payment_consent_status_at), nothing needs to be written for it (uk/Q4). (C4) what was approved is kept as a hash,
 * and only that is paid. */
#ifndef GIRO_SERVICES_CONSENTS_PAYMENT_CONSENT_H
#define GIRO_SERVICES_CONSENTS_PAYMENT_CONSENT_H

#include "engine/decision.h"
#include "platform/digest.h"

#define CONSENT_STATUS_MAP(X)                                                                                          \
    X(CONSENT_AWAU, "AWAU") X(CONSENT_AUTH, "AUTH") X(CONSENT_COND, "COND") X(CONSENT_RJCT, "RJCT")
#define X(code, name) code,
enum consent_status { CONSENT_STATUS_MAP(X) CONSENT_STATUS_COUNT };
#undef X
const char *consent_status_name(enum consent_status status);

enum { CONSENT_DOCUMENT_BYTES_MAX = 32 * 1024 };

struct payment_consent_row {
    uint8_t consent_id[16];
    uint8_t client_id[16];
    uint8_t customer_id[16]; /* zero until authorised */
    uint8_t account_id[16];  /* debtor account chosen; zero until authorised */
    uint8_t payment_id[16];  /* zero until consumed */
    int64_t status;
    struct str initiation, risk; /* Data.Initiation and Risk as sent (JSON text), immutable */
    struct str
        document; /* the rest of Data that the answer repeats (ReadRefundAccount, Authorisation ...), JSON object */
    int64_t currency, amount_minor;
    struct str creditor_name, creditor_scheme, creditor_identification;
    struct str debtor_scheme, debtor_identification; /* empty: the customer chooses */
    int64_t created_ms, status_ms;
    int64_t asked_until_ms;    /* the last customer who was asked has so long; 0: nobody was asked */
    struct hash approval_hash; /* payment_consent_approval of what was authorised; zero until then */
    int64_t version;           /* major version of the API that it was made with: it is of no use to another (uk/P9) */
};
enum { PAYMENT_CONSENT_INDEX_CUSTOMER = 1, PAYMENT_CONSENT_INDEX_CLIENT = 2 };
/* Indexes: 1 (customer_id, consent_id), 2 (client_id, consent_id), not unique. */
extern const struct table payment_consent_table;

/* (C3) AWAU becomes RJCT from asked_until_ms on. */
enum consent_status payment_consent_status_at(const struct payment_consent_row *consent, int64_t now_ms);
/* (C4) Amount, payee and this account. */
struct hash payment_consent_approval(const struct payment_consent_row *consent, const uint8_t account_id[16]);

enum payment_consent_refusal { PAYMENT_CONSENT_E_NONE, PAYMENT_CONSENT_E_ABSENT, PAYMENT_CONSENT_E_STATUS };
void payment_consent_want(struct work *work, const uint8_t consent_id[16]);
/* *ret_row NULL when there is none. 0 or VIEW_NEED. */
int payment_consent_get(struct work *work, const uint8_t consent_id[16], const struct payment_consent_row **ret_row);
/* Inserts consent (consent_id given here) as AWAU. 0 or <0. */
int payment_consent_create(struct work *work, struct payment_consent_row *consent);
/* (C3) A customer is asked now and has until until_ms; of an AWAU consent. As below. */
int payment_consent_ask(struct work *work, const uint8_t consent_id[16], int64_t until_ms);
/* AWAU -> AUTH for this customer and account; emits ConsentAuthorised. 0, PAYMENT_CONSENT_E_*, VIEW_NEED, <0. */
int payment_consent_authorise(struct work *work, const uint8_t consent_id[16], const uint8_t customer_id[16],
                              const uint8_t account_id[16]);
/* AWAU -> RJCT; emits ConsentRejected. As above. */
int payment_consent_reject(struct work *work, const uint8_t consent_id[16]);
/* AUTH -> COND, naming the payment it made (uk/P1, uk/P4). As above. */
int payment_consent_consume(struct work *work, const uint8_t consent_id[16], const uint8_t payment_id[16]);

#endif
