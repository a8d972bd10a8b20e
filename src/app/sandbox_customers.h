/* sandbox_customers.h - the sample customers: var/customers.json (0600) with their passwords, one-time-code secrets and
 * ids. `giro sandbox customers --json` adds their names and account numbers, which no file of var holds in clear. */
#ifndef GIRO_APP_SANDBOX_CUSTOMERS_H
#define GIRO_APP_SANDBOX_CUSTOMERS_H

#include "app/sandbox.h"
#include "platform/buffer.h"

enum {
    SANDBOX_CUSTOMERS = 6,
    SANDBOX_CUSTOMER_ACCOUNTS = 2,
    SANDBOX_SECRET_TEXT_BYTES = 40, /* with its NUL */
    SANDBOX_CUSTOMERS_BYTES_MAX = 32 * 1024,
};

struct sandbox_account {
    char account_id[37]; /* empty until it was opened */
    char iban[35], sort_code[7], account_number[9];
    const char *name;
    int64_t fund_minor; /* pence at the opening */
};
struct sandbox_customer {
    const char *login, *name;
    char password[SANDBOX_SECRET_TEXT_BYTES], totp_secret[SANDBOX_SECRET_TEXT_BYTES]; /* base32 */
    char customer_id[37];                                                             /* empty until registered */
    struct sandbox_account accounts[SANDBOX_CUSTOMER_ACCOUNTS];
};
struct sandbox_customers {
    struct sandbox_customer at[SANDBOX_CUSTOMERS];
};

/* The UK account number N of the sandbox bank: sort code, number, IBAN with check digits. */
void sandbox_account_name(uint32_t number, struct sandbox_account *account);
/* Reads var/customers.json, or draws passwords and secrets and writes it. 0; SANDBOX_E_INVALID (damaged); -errno. */
int sandbox_customers_open(const struct sandbox *sandbox, struct sandbox_customers *ret_customers,
                           struct message *message) MUST_USE;
int sandbox_customers_write(const struct sandbox *sandbox, const struct sandbox_customers *customers,
                            struct message *message) MUST_USE;
/* The array of the contract. */
void sandbox_customers_put(struct buffer *out, const struct sandbox_customers *customers);
void sandbox_customers_release(struct sandbox_customers *customers); /* wipes */

#endif
