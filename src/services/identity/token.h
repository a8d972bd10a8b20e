/* token.h - access tokens (opaque, 256 bits, stored hashed) and what must be used once: jti, pushed requests, codes.
 *
 * (T1) a token row binds one client, one certificate, at most one consent and one customer. (T2) a jti is a unique row, so it is used
 * once also after a restart. (T3) a code or pushed request is consumed by changing its row in the commit that uses it. */
#ifndef GIRO_SERVICES_IDENTITY_TOKEN_H
#define GIRO_SERVICES_IDENTITY_TOKEN_H

#include "engine/decision.h"
#include "platform/digest.h"

enum { TOKEN_SCOPE_BYTES_MAX = 512, TOKEN_BYTES = 32, TOKEN_NONCE_BYTES_MAX = 512, PUSHED_PARAMS_BYTES_MAX = 16 * 1024 };

struct token_row {
    struct hash token_hash;       /* SHA-256 of the token's text */
    uint8_t client_id[16];
    uint8_t customer_id[16];      /* zero for client credentials */
    uint8_t consent_id[16];       /* zero for client credentials */
    struct str scope;
    struct hash certificate_hash; /* x5t#S256 */
    int64_t issued_ms, expires_ms;
    int64_t revoked_ms;           /* 0 = valid */
};
struct jti_row {
    uint8_t key[16];              /* first half of SHA-256(client_id, jti) */
    int64_t expires_ms;
};
struct pushed_row {
    struct hash request_hash;     /* SHA-256 of the request_uri */
    uint8_t client_id[16];
    uint8_t consent_id[16];
    struct str params;            /* the pushed parameters as a JSON object, checked */
    int64_t created_ms, expires_ms;
    int64_t used_ms;              /* 0 = not yet */
};
struct code_row {
    struct hash code_hash;
    uint8_t client_id[16];
    uint8_t customer_id[16];
    uint8_t consent_id[16];
    struct str scope, redirect_uri, code_challenge, nonce, acr;
    int64_t auth_ms, issued_ms, expires_ms;
    int64_t used_ms;              /* 0 = not yet */
    struct hash token_hash;       /* of the token it was exchanged for, to revoke on reuse */
};
/* A customer's login on the consent pages, between authorize and the redirect. */
struct session_row {
    struct hash session_hash;     /* SHA-256 of the cookie */
    struct hash request_hash;     /* of the pushed request it serves */
    uint8_t customer_id[16];      /* zero until the password was right */
    int64_t stage;                /* of auth/authorize */
    int64_t failed_count;
    int64_t created_ms, expires_ms;
};
extern const struct table token_table, jti_table, pushed_table, code_table, session_table;

#endif
