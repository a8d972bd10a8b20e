/* jose.h - signed tokens: compact JWS (RFC 7515) with PS256, ES256 and EdDSA, nothing else. Rules r1 to r9 of the
 * gateway.
 *
 * (r1) the algorithm is the registered key's; the header must equal it.  (r2) refused whatever the signature: alg none,
 * HS*, RS* and any other, zip, jku, x5u, jwk, b64, and crit (nothing critical is understood).  (r3) a token is at most
 * 16 KiB, its header 2 KiB, JSON at most 8 levels deep without duplicate members.  (r4) base64url is strict.  (r5, r6)
 * signatures are judged by platform/key.h. Nothing that a token says is to be believed before jws_verify; reading a
 * claim to find the client is all that is allowed. */
#ifndef GIRO_WIRE_JOSE_H
#define GIRO_WIRE_JOSE_H

#include "wire/jwks.h"

enum { JOSE_TOKEN_BYTES_MAX = 16 * 1024, JOSE_HEADER_BYTES_MAX = 2 * 1024, JOSE_DEPTH_MAX = 8 };

#define JOSE_E_MAP(X)                                                                                                  \
    X(JOSE_E_SIZE, "token too large")                                                                                  \
    X(JOSE_E_SYNTAX, "not a compact JWS")                                                                              \
    X(JOSE_E_HEADER, "header not acceptable")                                                                          \
    X(JOSE_E_ALG, "algorithm not allowed")                                                                             \
    X(JOSE_E_MEMBER, "header member not allowed")                                                                      \
    X(JOSE_E_CRIT, "critical header not understood")                                                                   \
    X(JOSE_E_KEY, "no key fits")                                                                                       \
    X(JOSE_E_SIGNATURE, "signature does not verify")                                                                   \
    X(JOSE_E_CLAIMS, "claims are not a JSON object")
#define X(code, name) code,
enum jose_refusal { JOSE_E_NONE = 0, JOSE_E_MAP(X) JOSE_E_COUNT };
#undef X
const char *jose_refusal_text(int refusal);

/* Borrowed from the token and the arena. */
struct jws {
    enum key_alg alg;          /* what the header says */
    struct str kid, typ;       /* empty when absent */
    const struct json *header;
    struct str payload;        /* decoded, not verified */
    struct str signing_input;  /* as received: header "." payload */
    struct str signature;      /* decoded */
};

/* Takes a token apart by (r2), (r3), (r4). 0, JOSE_E_SIZE, _SYNTAX, _HEADER, _ALG, _MEMBER, _CRIT, or -ENOMEM (also
 * when the arena is full; 64 KiB are enough). */
int jws_parse(struct str token, struct arena *arena, struct jws *ret_jws) MUST_USE;
/* The same for a token that brings its own key: the header must have a member jwk (for jwk_read). What such a token
 * proves is the possession of that key, never who has it (DPoP, RFC 9449). JOSE_E_MEMBER also without one. */
int jws_parse_keyed(struct str token, struct arena *arena, struct jws *ret_jws) MUST_USE;
/* With the one key that must have signed; alg: the registered algorithm, KEY_ALG_NONE = the key's own. 0, JOSE_E_ALG,
 * JOSE_E_SIGNATURE, or -ENOMEM. */
int jws_verify(const struct jws *jws, const struct key *key, enum key_alg alg) MUST_USE;
/* With the key of a set that kid names (K6). JOSE_E_KEY when none does: the moment to fetch the set anew (C7). */
int jws_verify_set(const struct jws *jws, const struct jwks *keys, enum key_alg alg) MUST_USE;
/* The payload as claims: a JSON object of at most JOSE_DEPTH_MAX levels. 0, JOSE_E_CLAIMS, or -ENOMEM. */
int jws_claims(const struct jws *jws, struct arena *arena, const struct json **ret_claims) MUST_USE;

struct jws_header {
    struct str kid, typ; /* empty = left out */
};
/* Appends a compact JWS of payload with the key's algorithm to out. 0, JOSE_E_SIZE (result over JOSE_TOKEN_BYTES_MAX:
 * nothing usable was appended), JOSE_E_KEY (not a private key), or a fault. */
int jws_sign(const struct key *key, const struct jws_header *header, struct str payload, struct buffer *out) MUST_USE;

#endif
