/* signing_keys.h - the keys by which this bank signs: ID tokens, authorization responses, messages. One signs, one is
 * published before it will, one is published after it did, so that a change of keys breaks nothing (FAPI key rotation
 * with overlap; docs/authorization.md).
 *
 * (S1) every key is RSA and private, its kid is its RFC 7638 thumbprint, and no two in a set are the same. (S2) a set
 * never changes; signing_keys_put swaps it whole, and who took the old one before goes on with it. (S3) the key that
 * signs is always one of those published. Threads share it. */
#ifndef GIRO_AUTH_SIGNING_KEYS_H
#define GIRO_AUTH_SIGNING_KEYS_H

#include "platform/key.h"
#include "wire/jwks.h"

struct signing_keys;

enum signing_place { SIGNING_CURRENT, SIGNING_NEXT, SIGNING_PREVIOUS, SIGNING_PLACE_COUNT };
const char *signing_place_name(enum signing_place place); /* "current", "next", "previous" */

enum { SIGNING_KID_BYTES = 43, SIGNING_JWKS_BYTES_MAX = 4 * 1024 };

/* By place; all but the current one may be NULL, or equal to it (then it counts once). Shared, not taken. */
struct signing_key_set {
    struct key *keys[SIGNING_PLACE_COUNT];
};
/* 0; -EINVAL: no current key, or one that is not RSA or not private; or another fault. */
int signing_keys_new(const struct signing_key_set *set, struct signing_keys **ret_keys) MUST_USE;
int signing_keys_put(struct signing_keys *keys,
                     const struct signing_key_set *set) MUST_USE;  /* the same; else as it was */
struct signing_keys *signing_keys_free(struct signing_keys *keys); /* takes NULL, returns NULL */

/* One set, held until signing_set_release. */
struct signing_set;
struct signing_set *signing_set_take(struct signing_keys *keys);
void signing_set_release(struct signing_set *set);                    /* takes NULL */
const struct jwk *signing_set_current(const struct signing_set *set); /* signs */
/* NULL: no key at that place. */
const struct jwk *signing_set_at(const struct signing_set *set, enum signing_place place);
struct str signing_set_jwks(const struct signing_set *set); /* what is published, as JSON */

/* Appends a compact JWS of payload by the current key, PS256; typ empty: none. 0 or <0. */
int signing_keys_sign(struct signing_keys *keys, struct str typ, struct str payload, struct buffer *out) MUST_USE;

#endif
