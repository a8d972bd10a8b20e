/* token.h - access tokens (opaque, 256 bits, stored hashed) and what must be used once: jti, pushed requests, codes.
 *
 * (T1) a token row binds one client, one certificate or one key (DPoP), at most one consent and one customer. (T2) a
 * jti is a unique row, so it is used once also after a restart. (T3) a code or pushed request is consumed by changing
 * its row in the commit that uses it. (T4) a token of a customer belongs to a grant (grant.h) and is dead when that is.
 */
#ifndef GIRO_SERVICES_IDENTITY_TOKEN_H
#define GIRO_SERVICES_IDENTITY_TOKEN_H

#include "engine/decision.h"
#include "platform/digest.h"

enum {
    TOKEN_SCOPE_BYTES_MAX = 512,
    TOKEN_BYTES = 32,
    TOKEN_NONCE_BYTES_MAX = 512,
    TOKEN_DETAILS_BYTES_MAX = 1024, /* authorization_details as granted (RFC 9396) */
    PUSHED_PARAMS_BYTES_MAX = 16 * 1024
};

struct token_row {
    struct hash token_hash; /* SHA-256 of the token's text */
    uint8_t client_id[16];
    uint8_t customer_id[16]; /* zero for client credentials */
    uint8_t consent_id[16];  /* zero for client credentials */
    struct str scope;
    struct hash certificate_hash; /* x5t#S256; zero when it is bound to a key */
    int64_t issued_ms, expires_ms;
    int64_t revoked_ms;         /* 0 = valid */
    struct hash key_thumbprint; /* jkt (RFC 9449); zero when it is bound to a certificate */
    uint8_t grant_id[16];       /* zero for client credentials */
};
struct jti_row {
    uint8_t key[16]; /* first half of SHA-256(client_id, jti), or of a proof's (auth/dpop_proof.h) */
    int64_t expires_ms;
};
struct pushed_row {
    struct hash request_hash; /* SHA-256 of the request_uri */
    uint8_t client_id[16];
    uint8_t consent_id[16];
    struct str params; /* the pushed parameters as a JSON object, checked */
    int64_t created_ms, expires_ms;
    int64_t used_ms; /* 0 = not yet */
};
struct code_row {
    struct hash code_hash;
    uint8_t client_id[16];
    uint8_t customer_id[16];
    uint8_t consent_id[16];
    struct str scope, redirect_uri, code_challenge, nonce, acr;
    int64_t auth_ms, issued_ms, expires_ms;
    int64_t used_ms;            /* 0 = not yet */
    uint8_t grant_id[16];       /* what it became when it was used, to revoke on reuse */
    struct hash key_thumbprint; /* of the key that must prove itself (dpop_jkt); zero: none in particular */
    struct str details;         /* authorization_details as granted, a JSON array; empty: none were asked for */
};
extern const struct table token_table, jti_table, pushed_table, code_table;

/* ---- decisions: each judges facts that were found out before the command, and the rows as they stand ----------------
 */

enum token_refusal {
    TOKEN_E_NONE,
    TOKEN_E_JTI_USED, /* this jti was spent before */
    TOKEN_E_ABSENT,   /* no such token, code or pushed request */
    TOKEN_E_CLIENT,   /* it is another client's */
    TOKEN_E_EXPIRED,
    TOKEN_E_USED,
    TOKEN_E_REDIRECT,  /* redirect_uri is not the one of the code */
    TOKEN_E_CHALLENGE, /* the verifier does not belong to the challenge */
    TOKEN_E_KEY,       /* the proof is by another key than the code is bound to */
    TOKEN_E_REVOKED,
};

/* What a jti is kept under: the client is part of it, so clients cannot spend each other's. */
void jti_key(const uint8_t client_id[16], struct str jti, uint8_t ret_key[16]);
void jti_want(struct work *work, const struct jti_row *jti);
/* (T2) 0, TOKEN_E_JTI_USED, VIEW_NEED, <0. */
int jti_spend(struct work *work, const struct jti_row *jti);

/* Inserts the token, valid from now for life_ms; token_hash is fresh. 0 or <0. */
int token_issue(struct work *work, struct token_row *token, int64_t life_ms);
/* A token of this client. 0 (also when it was revoked before), TOKEN_E_ABSENT, TOKEN_E_CLIENT, VIEW_NEED, <0. */
int token_revoke(struct work *work, const struct hash *token_hash, const uint8_t client_id[16]);

/* Inserts the request, valid from now for life_ms; request_hash is fresh. 0 or <0. */
int pushed_store(struct work *work, struct pushed_row *pushed, int64_t life_ms);
void pushed_want(struct work *work, const struct hash *request_hash);
/* The request of this client, unused. Its expiry is judged when it is opened (authorize), not here. 0, TOKEN_E_ABSENT,
 * _CLIENT, _USED, VIEW_NEED. */
int pushed_judge(struct work *work, const struct hash *request_hash, const uint8_t client_id[16],
                 const struct pushed_row **ret_pushed);
/* (T3) As pushed_judge, and marks it used. */
int pushed_consume(struct work *work, const struct hash *request_hash, const uint8_t client_id[16]);

/* Inserts the code, valid from now for life_ms; code_hash is fresh. 0 or <0. */
int code_issue(struct work *work, struct code_row *code, int64_t life_ms);
struct code_claim {
    struct hash code_hash;
    uint8_t client_id[16];
    struct str redirect_uri, code_challenge; /* challenge: made from the verifier */
    struct hash key_thumbprint;              /* of the key that proved itself; zero: none */
};
void code_want(struct work *work, const struct hash *code_hash);
/* (T3) Judges the claim and marks the code used; ret_code->grant_id is fresh, and the caller opens that grant. On
 * TOKEN_E_USED the grant of its first use has been revoked, and with it every token (FAPI A9): the caller accepts, so
 * that this is written. 0, TOKEN_E_ABSENT, _CLIENT, _USED, _EXPIRED, _REDIRECT, _CHALLENGE, _KEY, VIEW_NEED, <0. */
int code_exchange(struct work *work, const struct code_claim *claim, struct code_row *ret_code);

#endif
