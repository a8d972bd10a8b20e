/* customer.h - people: login, password, one-time-code secret, lock-out. */
#ifndef GIRO_SERVICES_CUSTOMERS_CUSTOMER_H
#define GIRO_SERVICES_CUSTOMERS_CUSTOMER_H

#include "engine/decision.h"

enum { CUSTOMER_NAME_BYTES_MAX = 140 * 4, CUSTOMER_LOGIN_BYTES_MAX = 64, CUSTOMER_FAILURES_MAX = 5, CUSTOMER_LOCK_MS = 5 * 60 * 1000 };

struct customer_row {
    uint8_t customer_id[16];
    struct str login;          /* unique */
    struct str name;
    struct str password;       /* argon2id, encoded */
    struct str totp_secret;    /* raw bytes */
    int64_t totp_last_step;    /* a code is used once */
    int64_t failed_count, locked_until_ms;
    int64_t created_ms;
};
enum { CUSTOMER_INDEX_LOGIN = 1 };
extern const struct table customer_table; /* index 1 (login) unique */

#endif
