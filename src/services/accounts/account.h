/* account.h - accounts as customers and clients know them: holder, product, status, IBAN. Balances are the ledger's. */
#ifndef GIRO_SERVICES_ACCOUNTS_ACCOUNT_H
#define GIRO_SERVICES_ACCOUNTS_ACCOUNT_H

#include "engine/decision.h"

enum account_status { ACCOUNT_OPEN, ACCOUNT_BLOCKED, ACCOUNT_CLOSED };
/* Personal accounts are watched for velocity by fraud; business accounts pay in bulk. */
enum account_product { ACCOUNT_PERSONAL, ACCOUNT_BUSINESS };
enum { ACCOUNT_IBAN_BYTES_MAX = 34, ACCOUNT_NAME_BYTES_MAX = 140 };

struct account_row {
    uint8_t account_id[16];
    int64_t number;          /* of the ledger's account */
    uint8_t customer_id[16]; /* holder; zero when a client holds it for itself */
    uint8_t client_id[16]; /* client that pays from it with a client-credentials token; zero for customers' accounts */
    struct str iban;       /* unique */
    struct str sort_code;  /* 6 digits, or empty outside the UK */
    struct str account_number;
    struct str name; /* what the holder calls it */
    int64_t currency, product, status, opened_ms;
};
enum { ACCOUNT_INDEX_IBAN = 1, ACCOUNT_INDEX_CUSTOMER = 2, ACCOUNT_INDEX_CLIENT = 3, ACCOUNT_INDEX_NUMBER = 4 };
/* Indexes: 1 (iban) unique, 2 (customer_id, account_id), 3 (client_id, account_id), 4 (number) unique. */
extern const struct table account_table;

void account_want(struct work *work, const uint8_t account_id[16]);
void account_want_iban(struct work *work, struct str iban);
/* *ret_row NULL when there is none. 0 or VIEW_NEED. */
int account_get(struct work *work, const uint8_t account_id[16], const struct account_row **ret_row);
int account_get_iban(struct work *work, struct str iban, const struct account_row **ret_row);
/* Inserts the row (its id is given when zero) and emits AccountOpened. The caller has found the IBAN free
 * (account_get_iban), or made it of a fresh number. 0 or <0. */
int account_open(struct work *work, struct account_row *account);
/* The status of the account with that number in the ledger; one that is not there is left alone. 0, VIEW_NEED, <0. */
int account_set_status(struct work *work, int64_t number, enum account_status status);

#endif
