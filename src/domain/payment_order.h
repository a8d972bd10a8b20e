/* payment_order.h - what a client asks for, whichever API it came through: a plain value of fixed size that travels
 * from the gateway into a command. Personal parts keep their types (personal.h). */
#ifndef GIRO_DOMAIN_PAYMENT_ORDER_H
#define GIRO_DOMAIN_PAYMENT_ORDER_H

#include "domain/id.h"
#include "domain/money.h"
#include "domain/personal.h"

enum { END_TO_END_ID_BYTES_MAX = 35 };
struct end_to_end_id {
    char at[END_TO_END_ID_BYTES_MAX];
    uint8_t len; /* 0 = none */
};

enum creditor_scheme { CREDITOR_SCHEME_NONE, CREDITOR_SCHEME_IBAN, CREDITOR_SCHEME_UK };
struct creditor {
    struct person_name name;
    enum creditor_scheme scheme;
    struct iban iban;                     /* CREDITOR_SCHEME_IBAN */
    struct sort_code sort_code;           /* CREDITOR_SCHEME_UK */
    struct account_number account_number; /* CREDITOR_SCHEME_UK: 8 digits */
};

struct payment_order {
    struct client_id client_id;           /* who asks */
    struct customer_id customer_id;       /* for whom; zero when the client pays from its own account */
    struct consent_id consent_id;         /* under which consent; zero when none is needed */
    struct account_id debtor_account_id;
    struct creditor creditor;
    struct money amount;
    struct payment_reference reference;   /* optional */
    struct end_to_end_id end_to_end_id;   /* optional */
    struct end_to_end_id instruction_id;  /* optional; the client's own name of the instruction, same rules */
};

/* Verdicts, in the order in which payment_order_check looks: the first that applies is the answer. The name is the path
 * of the field in the body of POST /v1/payments. */
#define PAYMENT_ORDER_E_MAP(X)                                                                                         \
    X(PAYMENT_ORDER_E_CLIENT, "client")                                                                                \
    X(PAYMENT_ORDER_E_DEBTOR, "debtor_account_id")                                                                     \
    X(PAYMENT_ORDER_E_CREDITOR_NAME, "creditor.name")                                                                  \
    X(PAYMENT_ORDER_E_CREDITOR_ACCOUNT, "creditor")                                                                    \
    X(PAYMENT_ORDER_E_CREDITOR_IBAN, "creditor.iban")                                                                  \
    X(PAYMENT_ORDER_E_CREDITOR_SORT_CODE, "creditor.sort_code")                                                        \
    X(PAYMENT_ORDER_E_CREDITOR_ACCOUNT_NUMBER, "creditor.account_number")                                              \
    X(PAYMENT_ORDER_E_CURRENCY, "amount.currency")                                                                     \
    X(PAYMENT_ORDER_E_AMOUNT, "amount.value")                                                                          \
    X(PAYMENT_ORDER_E_REFERENCE, "reference")                                                                          \
    X(PAYMENT_ORDER_E_END_TO_END_ID, "end_to_end_id")                                                                  \
    X(PAYMENT_ORDER_E_INSTRUCTION_ID, "instruction_id")
#define X(code, name) code,
enum payment_order_refusal { PAYMENT_ORDER_E_NONE = 0, PAYMENT_ORDER_E_MAP(X) PAYMENT_ORDER_E_COUNT };
#undef X
const char *payment_order_refusal_path(int refusal); /* "creditor.iban" */
const char *payment_order_refusal_text(int refusal); /* a sentence for people, without the value */

/* Pure. 0, or the first of:
 *   CLIENT                   client_id is zero
 *   DEBTOR                   debtor_account_id is zero
 *   CREDITOR_NAME            none, over 140 bytes, or not plain text
 *   CREDITOR_ACCOUNT         no scheme, or parts of both schemes are set
 *   CREDITOR_IBAN            scheme IBAN: not a valid IBAN
 *   CREDITOR_SORT_CODE       scheme UK: not six digits
 *   CREDITOR_ACCOUNT_NUMBER  scheme UK: not eight digits
 *   CURRENCY                 not an ISO 4217 currency
 *   AMOUNT                   zero or negative
 *   REFERENCE                set, and over 140 bytes or not plain text
 *   END_TO_END_ID            set, and over 35 bytes or not plain text
 *   INSTRUCTION_ID           the same */
int payment_order_check(const struct payment_order *order);

/* 1..35 bytes of plain text; 0 or PAYMENT_ORDER_E_END_TO_END_ID. */
int end_to_end_id_parse(struct str text, struct end_to_end_id *ret_id);
struct str end_to_end_id_str(const struct end_to_end_id *id); /* borrowed */

#endif
