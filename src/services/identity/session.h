/* session.h - a customer on the consent pages, between authorize and the redirect, or on the bank's own page.
 *
 *   LOGIN --password--> ACCOUNT --accounts--> CONFIRM --one-time code, or rejected--> ENDED
 *                          ^-----other accounts---/
 *   CUSTOMER --logged out--> ENDED
 *
 * (S1) a session serves one pushed request and, once the password was right, one customer; at CUSTOMER it serves no
 * request and the customer has given password and one-time code. (S2) its key changes when
 * the customer is known (session_renew), so that a key planted before is worth nothing. (S3) SESSION_FAILURES_MAX wrong
 * passwords or codes end it, whoever's they were; the customer's own count is customers' business. (S4) nothing moves
 * after expires_ms. (S5) at CUSTOMER it ends SESSION_CUSTOMER_IDLE_MS after the last thing that was done with it, and
 * SESSION_CUSTOMER_LIFE_MS after the login at the latest (SCA-RTS, Article 4(3)(d)). */
#ifndef GIRO_SERVICES_IDENTITY_SESSION_H
#define GIRO_SERVICES_IDENTITY_SESSION_H

#include "engine/decision.h"
#include "platform/digest.h"

enum session_stage {
    SESSION_LOGIN,
    SESSION_ACCOUNT,
    SESSION_CONFIRM,
    SESSION_CUSTOMER,
    SESSION_ENDED,
    SESSION_STAGE_COUNT
};
enum {
    SESSION_FAILURES_MAX = 10,
    SESSION_LIFE_MS = 10 * 60 * 1000,
    SESSION_CUSTOMER_IDLE_MS = 5 * 60 * 1000,
    SESSION_CUSTOMER_LIFE_MS = 60 * 60 * 1000,
    SESSION_ACCOUNTS_MAX = 50
};

struct session_row {
    struct hash session_hash; /* SHA-256 of the cookie */
    struct hash request_hash; /* of the pushed request it serves; at CUSTOMER zero */
    uint8_t client_id[16];    /* of that request; at CUSTOMER zero */
    uint8_t customer_id[16];  /* zero until the password was right */
    struct str accounts;      /* ids, 16 bytes each; empty until chosen */
    int64_t stage;            /* enum session_stage */
    int64_t failed_count;
    int64_t auth_ms; /* when the one-time code was right; 0 = not yet */
    int64_t created_ms, expires_ms;
};
extern const struct table session_table;

enum session_refusal { SESSION_E_NONE, SESSION_E_ABSENT, SESSION_E_EXPIRED, SESSION_E_STAGE };

/* Inserts the session at LOGIN; session_hash is fresh. 0 or <0. */
int session_open(struct work *work, struct session_row *session);
/* (S5) Inserts the session of a customer who logged in, at CUSTOMER; session_hash is fresh. 0 or <0. */
int session_open_customer(struct work *work, const struct hash *session_hash, const uint8_t customer_id[16]);
/* A login that failed leaves this: one row, whoever's it was, so that no answer is quicker than another. 0 or <0. */
int session_open_ended(struct work *work, const struct hash *session_hash);
/* (S5) Something was done with it. 0 or <0. */
int session_keep(struct work *work, const struct session_row *session);
void session_want(struct work *work, const struct hash *session_hash);
/* The living session, at this stage (or at any before ENDED with SESSION_STAGE_COUNT). 0, SESSION_E_*, VIEW_NEED. */
int session_judge(struct work *work, const struct hash *session_hash, enum session_stage stage,
                  const struct session_row **ret_session);
/* Writes what became of it; the key is unchanged. 0 or <0. */
int session_update(struct work *work, const struct session_row *session);
/* (S2) The session under a fresh key, the old one gone. session carries what else changes. 0 or <0. */
int session_renew(struct work *work, struct session_row *session, const struct hash *fresh_hash);
/* (S3) One failure more; the session ends at the limit. 0 or <0. */
int session_fail(struct work *work, const struct session_row *session);

#endif
