/* jws_detached.h - message signatures of UK Open Banking (x-jws-signature): a detached JWS (RFC 7515 appendix F), rules
 * J1 to J8.
 *
 * The value is BASE64URL(header) ".." BASE64URL(signature). The signature covers the header and the base64url of the
 * exact bytes of the body (J8). PS256 alone. The header holds alg, kid, crit, http://openbanking.org.uk/iat, /iss and
 * /tan, crit names exactly those three in any order, typ "JOSE" and cty "json" or "application/json" may be there,
 * nothing else (J4, J6). */
#ifndef GIRO_WIRE_JWS_DETACHED_H
#define GIRO_WIRE_JWS_DETACHED_H

#include "wire/jwks.h"

enum { JWS_DETACHED_BYTES_MAX = 4 * 1024, JWS_DETACHED_BODY_BYTES_MAX = 16 * 1024 * 1024 };

/* The names are the codes of the standard, all of them 400: does not verify, a claim's value or presence is wrong, a
 * claim is missing, not such a value at all, no signature, a signature where none is expected. */
#define JWS_DETACHED_E_MAP(X)                                                                                          \
    X(JWS_DETACHED_E_INVALID, "U015")                                                                                  \
    X(JWS_DETACHED_E_CLAIM, "U016")                                                                                    \
    X(JWS_DETACHED_E_CLAIM_MISSING, "U017")                                                                            \
    X(JWS_DETACHED_E_MALFORMED, "U018")                                                                                \
    X(JWS_DETACHED_E_MISSING, "U019")                                                                                  \
    X(JWS_DETACHED_E_UNEXPECTED, "U020")
#define X(code, name) code,
enum jws_detached_refusal { JWS_DETACHED_E_NONE = 0, JWS_DETACHED_E_MAP(X) JWS_DETACHED_E_COUNT };
#undef X
const char *jws_detached_refusal_code(int refusal); /* "U015" ... */

struct jws_detached_rules {
    bool wanted;                     /* this endpoint's messages are signed; otherwise a signature is refused */
    const struct jwks *keys;         /* of the signer */
    const struct str *issuers; /* acceptable iss: "{org-id}/{software-id}", "{org-id}", or the certificate's subject */
    size_t issuer_count;
    const struct str *trust_anchors; /* acceptable tan */
    size_t trust_anchor_count;
    int64_t now_ms;
    int64_t leeway_ms;               /* how far iat may be ahead of now_ms; 0 is the letter of J5 */
};
/* value: the header field, .len 0 when it is absent. body: the bytes as received, at most JWS_DETACHED_BODY_BYTES_MAX
 * (check). On a refusal of U016 or U017 *claim (may be NULL) names the header's member, borrowed from the arena. The
 * arena must have room for 4/3 of the body and 32 KiB. 0, JWS_DETACHED_E_*, or -ENOMEM. */
int jws_detached_verify(struct str value, struct str body, const struct jws_detached_rules *rules, struct arena *arena,
                        struct str *claim) MUST_USE;

struct jws_detached_signer {
    const struct key *key;           /* RSA, private */
    struct str kid, issuer, trust_anchor;
};
/* Appends the header field's value for body, made at now_ms. 0, or a fault: -EINVAL for a key that cannot do PS256,
 * -ENOMEM for a full arena (room as above) or buffer, -EMSGSIZE for names that make the header too large. */
int jws_detached_sign(const struct jws_detached_signer *signer, struct str body, int64_t now_ms, struct arena *arena,
                      struct buffer *out) MUST_USE;

#endif
