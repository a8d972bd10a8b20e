/* external_token.h - access tokens of other authorization servers, in place of ours: JWTs (RFC 9068) of issuers that
 * the configuration names, each with its keys and the names of its claims.
 *
 * (E1) Nothing of a token counts before its signature was verified with a key of the issuer that it names, and its
 * issuer, audience and times were judged. (E2) Such a token cannot be looked up, so it can only end by its exp, which
 * is at most EXTERNAL_TOKEN_AHEAD_MS away. (E3) What it is bound to is said by cnf (RFC 8705, RFC 9449); whether one
 * that is bound to nothing may be used is the caller's to judge. A pure function: time is an input. */
#ifndef GIRO_AUTH_EXTERNAL_TOKEN_H
#define GIRO_AUTH_EXTERNAL_TOKEN_H

#include "domain/id.h"
#include "platform/arena.h"
#include "platform/digest.h"
#include "wire/jwks.h"

enum {
    EXTERNAL_ISSUERS_MAX = 8,
    EXTERNAL_TOKEN_BYTES_MAX = 4 * 1024,
    EXTERNAL_TOKEN_AHEAD_MS = 60 * 60 * 1000,
};

struct external_issuer {
    struct str issuer, audience; /* iss and aud must be, or hold, these */
    struct jwks *keys;
    /* Which claim says what; empty: none does. */
    struct str client_claim;   /* the OAuth client_id, as registered here */
    struct str customer_claim; /* our id of the customer */
    struct str consent_claim;  /* our id of the consent */
    struct str scope_claim;
};
struct external_claims {
    struct str client_name, scope;
    struct customer_id customer_id; /* zero: none */
    struct consent_id consent_id;   /* zero: none */
    int64_t issued_ms;
    bool by_certificate, by_key; /* what it is bound to; neither: nothing */
    struct hash certificate_hash, key_thumbprint;
};
enum external_refusal { EXTERNAL_E_NONE, EXTERNAL_E_TOKEN /* unknown issuer, or not good */ };

bool external_token_looks(struct str text); /* like a JWT: our own tokens never do */
/* 0, EXTERNAL_E_TOKEN, <0. Text lives in the arena.
 * tidy: parameters because a token is judged by a table of issuers and by the time. */
int external_token_judge(struct str text, const struct external_issuer *issuers, size_t issuer_count, int64_t now_ms,
                         struct arena *arena, struct external_claims *ret_claims) MUST_USE;

#endif
