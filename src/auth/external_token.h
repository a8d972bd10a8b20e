/* external_token.h - access tokens of other authorization servers, in place of ours, by issuers that the configuration
 * names: JWTs (RFC 9068) judged by the issuer's keys, and tokens that only their issuer can judge, by what it answers
 * when it is asked (RFC 7662; external_lookup.h asks).
 *
 * (E1) Nothing of a JWT counts before its signature was verified with a key of the issuer that it names, and its
 * issuer, audience and times were judged; nothing of another token but what the issuer itself answered. (E2) A JWT
 * cannot be looked up, so it can only end by its exp, which is at most EXTERNAL_TOKEN_AHEAD_MS away. (E3) What it is
 * bound to is said by cnf (RFC 8705, RFC 9449); whether one that is bound to nothing may be used is the caller's to
 * judge. (E4) Keys or answers that cannot be had say nothing about a token: it is unknown, never "not good". */
#ifndef GIRO_AUTH_EXTERNAL_TOKEN_H
#define GIRO_AUTH_EXTERNAL_TOKEN_H

#include "auth/client_keys.h"
#include "domain/id.h"
#include "platform/arena.h"
#include "platform/digest.h"

enum {
    EXTERNAL_ISSUERS_MAX = 8,
    EXTERNAL_TOKEN_BYTES_MAX = 4 * 1024,
    EXTERNAL_TOKEN_AHEAD_MS = 60 * 60 * 1000,
    EXTERNAL_ANSWER_BYTES_MAX = 16 * 1024, /* of introspection */
    EXTERNAL_ANSWER_DEPTH_MAX = 8,
    EXTERNAL_NAME_BYTES_MAX = 255,
    EXTERNAL_SCOPE_BYTES_MAX = 1024,
};

/* Where an issuer answers questions about its tokens (RFC 7662), and how we prove there who we are: by the certificate
 * of the connection, by a signed assertion (RFC 7523), or by both. */
struct external_endpoint {
    struct str url;                /* empty: it is not asked */
    struct str client_id;          /* ours, there */
    const char *certificate, *key; /* PEM files; NULL: no certificate */
    struct key *signing_key;       /* private; NULL: no assertion */
    struct str signing_kid;        /* empty: none is named */
};
struct external_issuer {
    struct str issuer, audience;   /* iss and aud must be, or hold, these */
    struct client_key_source keys; /* of its JWTs; not looked at when it is asked */
    struct external_endpoint endpoint;
    /* Which claim says what; empty: none does. */
    struct str client_claim;   /* the OAuth client_id, as registered here */
    struct str customer_claim; /* our id of the customer */
    struct str consent_claim;  /* our id of the consent */
    struct str scope_claim;
};
struct external_claims {
    struct str client_name, scope;  /* at most EXTERNAL_NAME_BYTES_MAX, EXTERNAL_SCOPE_BYTES_MAX */
    struct customer_id customer_id; /* zero: none */
    struct consent_id consent_id;   /* zero: none */
    int64_t issued_ms, expires_ms;
    bool by_certificate, by_key; /* what it is bound to; neither: nothing */
    struct hash certificate_hash, key_thumbprint;
};
enum external_refusal {
    EXTERNAL_E_NONE,
    EXTERNAL_E_TOKEN,   /* of no known issuer, or not good */
    EXTERNAL_E_UNKNOWN, /* keys or answer cannot be had now (E4) */
};

bool external_token_looks(struct str text); /* like a JWT: our own tokens never do */
/* The issuer that a JWT names, which proves nothing yet (E1). 0, EXTERNAL_E_TOKEN, <0. */
int external_token_issuer(struct str text, const struct external_issuer *issuers, size_t issuer_count,
                          struct arena *arena, const struct external_issuer **ret_issuer) MUST_USE;
/* A JWT by the keys of its issuer; may wait for those by URL (client_keys.h K1). 0, EXTERNAL_E_*, <0. Text lives in the
 * arena. */
int external_token_judge(struct str text, const struct external_issuer *issuer, int64_t now_ms, struct arena *arena,
                         struct external_claims *ret_claims) MUST_USE;
/* What an issuer answered about a token. iss and aud must be ours where they stand there; token_type must stand there,
 * since an answer without one may be about a refresh token; exp must. 0; EXTERNAL_E_TOKEN; EXTERNAL_E_UNKNOWN: not an
 * answer of RFC 7662; -ENOMEM. Text lives in the arena. */
int external_answer_judge(struct str answer, const struct external_issuer *issuer, int64_t now_ms, struct arena *arena,
                          struct external_claims *ret_claims) MUST_USE;

#endif
