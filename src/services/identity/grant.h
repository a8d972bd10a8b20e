/* grant.h - what a customer granted a client by one authorization, and the refresh tokens that keep it in use (opaque,
 * 256 bits, stored hashed).
 *
 *   code --code_exchange, grant_open--> open --grant_revoke--> revoked
 *
 * (G1) every token of a customer and every refresh token names its grant; a grant that is revoked or gone kills all of
 * them at once, by one row (FAPI A9, R4). (G2) a refresh token binds one client and one grant; neither a certificate
 * nor a key: the client proves itself anew each time, so it outlives the rotation of both (uk/D4, RFC 9449 section 5).
 * (G3) nothing that a refresh token buys is more than its grant. (G4) a refresh token that was replaced is good for a
 * bounded time still, so that a lost answer costs nothing (FAPI G9). Whether the consent behind the grant still stands
 * is judged by whoever uses it. */
#ifndef GIRO_SERVICES_IDENTITY_GRANT_H
#define GIRO_SERVICES_IDENTITY_GRANT_H

#include "services/identity/token.h"

#define GRANT_NEVER_MS INT64_MAX /* expires_ms of what does not expire by itself */

struct grant_row {
    uint8_t grant_id[16];
    uint8_t client_id[16], customer_id[16], consent_id[16];
    struct str scope, acr;
    struct str details; /* authorization_details as granted, a JSON array; empty: none */
    int64_t auth_ms;    /* when the customer proved who it is */
    int64_t granted_ms; /* when it agreed */
    int64_t expires_ms; /* nothing can be bought with it from then on; GRANT_NEVER_MS */
    int64_t revoked_ms; /* 0 = open */
};
struct refresh_row {
    struct hash refresh_hash; /* SHA-256 of the refresh token's text */
    uint8_t grant_id[16], client_id[16];
    int64_t issued_ms, expires_ms; /* as the grant's; once replaced, the end of its last time (G4) */
    int64_t replaced_ms;           /* 0 = not replaced */
};
extern const struct table grant_table, refresh_table;

/* Inserts the grant; all but revoked_ms is the caller's, grant_id fresh. 0 or <0. */
int grant_open(struct work *work, const struct grant_row *grant);
/* (G1) 0 (also when it was revoked before), TOKEN_E_ABSENT, VIEW_NEED, <0. */
int grant_revoke(struct work *work, const uint8_t grant_id[16]);

/* Inserts the refresh token of an open grant; refresh_hash, grant_id, client_id and expires_ms are the caller's. 0 or
 * <0. */
int refresh_issue(struct work *work, struct refresh_row *refresh);
void refresh_want(struct work *work, const struct hash *refresh_hash);
/* The refresh token and its grant, of this client and both good. 0, TOKEN_E_ABSENT, _CLIENT, _EXPIRED, _REVOKED,
 * VIEW_NEED, <0. */
int refresh_judge(struct work *work, const struct hash *refresh_hash, const uint8_t client_id[16],
                  const struct refresh_row **ret_refresh, const struct grant_row **ret_grant);
/* (G4) The refresh token ends retry_ms from now, or when it was to end already. 0 or <0. */
int refresh_replace(struct work *work, const struct refresh_row *refresh, int64_t retry_ms);
/* Revokes the grant of a refresh token of this client, whatever became of the token. 0, TOKEN_E_ABSENT, _CLIENT,
 * VIEW_NEED, <0. */
int refresh_revoke(struct work *work, const struct hash *refresh_hash, const uint8_t client_id[16]);

#endif
