/* customer.h - people: login, password, one-time-code secret, lock-out. */
#ifndef GIRO_SERVICES_CUSTOMERS_CUSTOMER_H
#define GIRO_SERVICES_CUSTOMERS_CUSTOMER_H

#include "engine/decision.h"

enum {
    CUSTOMER_NAME_BYTES_MAX = 140 * 4,
    CUSTOMER_LOGIN_BYTES_MAX = 64,
    CUSTOMER_FAILURES_MAX = 5,
    CUSTOMER_LOCK_MS = 5 * 60 * 1000
};

struct customer_row {
    uint8_t customer_id[16];
    struct str login; /* unique */
    struct str name;
    struct str password;    /* argon2id, encoded */
    struct str totp_secret; /* raw bytes */
    int64_t totp_last_step; /* a code is used once */
    int64_t failed_count, locked_until_ms;
    int64_t created_ms;
};
enum { CUSTOMER_INDEX_LOGIN = 1 };
extern const struct table customer_table; /* index 1 (login) unique */

enum customer_refusal { CUSTOMER_E_NONE, CUSTOMER_E_EXISTS, CUSTOMER_E_ABSENT, CUSTOMER_E_LOCKED, CUSTOMER_E_WRONG };
/* Inserts the row; customer_id and created_ms are given here. 0, CUSTOMER_E_EXISTS (login taken), VIEW_NEED, <0. */
int customer_register(struct work *work, struct customer_row *customer);
void customer_want(struct work *work, const uint8_t customer_id[16]);
/* What a password that was checked before means: right says whether it was. Wrong ones are counted,
 * CUSTOMER_FAILURES_MAX in a row (with wrong one-time codes) lock the customer for CUSTOMER_LOCK_MS; only a right
 * one-time code forgets them, so that a known password does not buy guesses at the code. The caller accepts whatever
 * this says, so that the count is written. 0, CUSTOMER_E_ABSENT, _LOCKED, _WRONG, VIEW_NEED, <0. */
int customer_judge_password(struct work *work, const uint8_t customer_id[16], bool right);
/* The same for a one-time code; step: the one it belongs to. A step is good once, and none before it (RFC 6238, 5.2).
 */
int customer_judge_code(struct work *work, const uint8_t customer_id[16], bool right, int64_t step);

#endif
