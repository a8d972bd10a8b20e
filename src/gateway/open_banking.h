/* open_banking.h - what the files of the UK Open Banking endpoints share, in v4.0 and v3.1. Private to the gateway.
 *
 *   open_banking_version.c    how each version calls things
 *   open_banking_payments.c   the routes; domestic payments
 *   open_banking_consents.c   domestic payment consents and funds confirmation
 *   open_banking_documents.c  what is read of an Initiation, and the answers' documents
 *
 * Statuses of a payment: the answer that creates it says RCVD, or RJCT when it was refused at once (uk/P8), as of its
 * creation; every later answer says where it stands: PDNG while pending and also while the outcome is not known - that
 * is never called final -, ACSC when completed, RJCT when rejected. In v3.1 these are Pending,
 * AcceptedSettlementCompleted and Rejected. */
#ifndef GIRO_GATEWAY_OPEN_BANKING_H
#define GIRO_GATEWAY_OPEN_BANKING_H

#include "domain/payment_order.h"
#include "gateway/route.h"

#define OPEN_BANKING_V4_PATH "/open-banking/v4.0"
#define OPEN_BANKING_V3_PATH "/open-banking/v3.1"

/* Three parts of CONSENT_PART_BYTES_MAX and what is around them. */
enum { OPEN_BANKING_DOCUMENT_BYTES_MAX = 128 * 1024 };

/* ---- versions (open_banking_version.c) ---- */

const char *open_banking_path(enum open_banking_version version); /* OPEN_BANKING_V4_PATH ... */
int64_t open_banking_major(enum open_banking_version version);    /* 4, 3 */
/* What the version calls a consent's status that v4.0 calls status: "AUTH", in v3.1 "Authorised". v3.1 has no word for
 * EXPD and says Revoked. */
const char *open_banking_consent_status(enum open_banking_version version, const char *status);
const char *open_banking_payment_status(enum open_banking_version version, enum payment_status status);
const char *open_banking_payment_received(enum open_banking_version version); /* of the answer that creates it */

/* ---- what is read of Data.Initiation (open_banking_documents.c) ---- */

struct initiation {
    struct creditor creditor;
    struct creditor debtor; /* without a name; scheme NONE: the customer chooses the account */
    struct money amount;
    /* Of the remittance information: the first unstructured line, else the creditor's reference. */
    struct payment_reference reference;
    struct end_to_end_id end_to_end_id, instruction_id;
};
/* Reads an Initiation that fits the OpenAPI document's schema. What the schema cannot say is judged here, and every
 * field at fault is added to errors (uk/E4), with paths from "Data.Initiation": amounts of the currency's decimals and
 * above zero, accounts by IBAN or by sort code and account number, names and references that fit a payment. *ret is
 * whole only when nothing was added. */
void initiation_read(const struct json *initiation, struct schema_errors *errors, struct initiation *ret_initiation);
/* "UK.OBIE.IBAN", "UK.OBIE.SortCodeAccountNumber", or empty for none. */
struct str account_scheme_name(enum creditor_scheme scheme);
/* The identification in that scheme, in the arena (.at NULL: it is full); empty for none. Personal data. */
struct str account_identification(const struct creditor *account, struct arena *arena);

/* ---- documents of answers ---- */

/* All append the whole body; 0 or -ENOMEM. */
struct open_banking_writer {
    struct buffer *out;
    struct arena *arena;
    struct str api_url;
    enum open_banking_version version;
};
void open_banking_member_time(struct json_writer *writer, const char *name, int64_t ms); /* RFC 3339, in UTC */
void open_banking_member_id(struct json_writer *writer, const char *name, const uint8_t id[ID_BYTES]);

int consent_document_write(const struct open_banking_writer *to, const struct payment_consent_view *consent);
void funds_document_write(const struct open_banking_writer *to, const struct payment_consent_view *consent,
                          bool available, int64_t now_ms);
struct domestic_payment {
    const struct payment_view *payment;
    const struct payment_consent_view *consent;
    const struct account_view *refund; /* NULL: not asked for, or the account is gone */
    bool first;                        /* the answer that creates it */
};
int domestic_payment_document_write(const struct open_banking_writer *to, const struct domestic_payment *domestic);
void payment_details_document_write(const struct open_banking_writer *to, const struct payment_view *payment);

/* ---- endpoints ---- */

int consent_post_handle(struct exchange *exchange);
int consent_post_finish(struct exchange *exchange);
int consent_get_handle(struct exchange *exchange);
int funds_confirmation_handle(struct exchange *exchange);

/* The consent that text names, if it is this client's and was made with this version of the API: EXCHANGE_GOES_ON, or
 * EXCHANGE_ANSWERED: 400 (uk/S1, P9), 403 (uk/S4). path (may be NULL) names the field of the body that text comes from.
 */
int open_banking_consent_find(struct exchange *exchange, struct str text, const char *path,
                              struct payment_consent_view *ret_consent);
/* Starts an answer in the exchange's arena; false: it is full, and the exchange was answered 500. */
bool open_banking_answer_begin(struct exchange *exchange, struct buffer *body, struct open_banking_writer *ret_writer);
/* Ends it; r: what the writer of the document returned. EXCHANGE_ANSWERED. */
int open_banking_answer_end(struct exchange *exchange, int status, const struct open_banking_writer *writer, int r);

extern const struct refusal refusal_ob_unknown, refusal_ob_other_client, refusal_ob_token_consent,
    refusal_ob_consent_status;

#endif
