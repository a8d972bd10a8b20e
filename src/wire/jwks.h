/* jwks.h - sets of public keys (RFC 7517), those of clients read, ours written.
 *
 * (J1) a set holds only keys that may verify a signature: RSA for PS256, EC P-256 for ES256, OKP Ed25519 for
 * EdDSA. Others (use enc, other
 * curves, other algorithms, key_ops without verify) are left out, as RFC 7517 section 5 asks; what is private or
 * symmetric, or points elsewhere (x5u, jku), makes the whole set refused. (J2) kid and algorithm together name at most
 * one key (duplicate kids are told apart by kty, use, alg and crv: FAPI K6). (J3) a set never changes once read, so
 * threads may share it. */
#ifndef GIRO_WIRE_JWKS_H
#define GIRO_WIRE_JWKS_H

#include "platform/key.h"
#include "wire/json.h"

enum { JWKS_BYTES_MAX = 64 * 1024, JWKS_KEYS_MAX = 32, JWKS_DEPTH_MAX = 8, JWK_KID_BYTES_MAX = 255 };

#define JWKS_E_MAP(X)                                                                                                  \
    X(JWKS_E_SYNTAX, "not a set of keys")                                                                              \
    X(JWKS_E_SIZE, "too large or too many keys")                                                                       \
    X(JWKS_E_PRIVATE, "a private or symmetric key in it")                                                              \
    X(JWKS_E_REMOTE, "a key points elsewhere (x5u, jku)")                                                              \
    X(JWKS_E_KEY, "a key cannot be used safely")                                                                       \
    X(JWKS_E_DUPLICATE, "two keys with the same kid and algorithm")
#define X(code, name) code,
enum jwks_refusal { JWKS_E_NONE = 0, JWKS_E_MAP(X) JWKS_E_COUNT };
#undef X

struct jwk {
    struct str kid;   /* empty when the key has none */
    struct key *key;  /* its algorithm is key_algorithm(key) */
};
struct jwks;

/* text: {"keys":[...]}, at most JWKS_BYTES_MAX. message (may be NULL) says which key and why, never its content. The
 * caller frees. 0, JWKS_E_*, or -ENOMEM. */
int jwks_parse(struct str text, struct jwks **ret_jwks, struct message *message) MUST_USE;
int jwks_read(const struct json *json, struct jwks **ret_jwks,
              struct message *message) MUST_USE;                 /* the same from a tree, not kept */
/* One public key by the rules of a set (J1); a key that a set would leave out is JWKS_E_KEY. The caller frees. */
int jwk_read(const struct json *json, struct key **ret_key, struct message *message) MUST_USE;
struct jwks *jwks_free(struct jwks *jwks);                       /* takes NULL, returns NULL */
size_t jwks_count(const struct jwks *jwks);
const struct jwk *jwks_at(const struct jwks *jwks, size_t index); /* check: index < count */
bool jwks_has_kid(const struct jwks *jwks, struct str kid);
/* The key of that kid and algorithm; kid empty: the only key of that algorithm. NULL when there is none, or no single
 * one. */
const struct jwk *jwks_find(const struct jwks *jwks, struct str kid, enum key_alg alg);

/* Appends {"keys":[...]} with kty, use, alg, kid and the public numbers of each. 0 or a fault. */
int jwks_write(struct buffer *out, const struct jwk *keys, size_t count) MUST_USE;
/* RFC 7638: SHA-256 of the key's canonical JWK; base64url of it makes a good kid. 0 or a fault. */
int jwk_thumbprint(const struct key *key, struct hash *ret_thumbprint) MUST_USE;

#endif
