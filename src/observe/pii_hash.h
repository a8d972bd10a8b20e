/* pii_hash.h - keyed hashes of personal data, for correlation and look-up: the same value under the same key gives the
 * same hash, and without the key nobody can try all account numbers. HMAC-SHA-256 (RFC 2104) over the kind's name, a
 * zero byte and the value as its parser keeps it; so an account number and a phone of the same digits have different
 * hashes.
 *
 * (H1) a hash says the version of its key, so that rows hashed before a rotation are still found: look up under every
 * version that pii_keys holds. (H2) key bytes leave this module only as hashes and are wiped by pii_keys_release. */
#ifndef GIRO_OBSERVE_PII_HASH_H
#define GIRO_OBSERVE_PII_HASH_H

#include "domain/personal.h"
#include "platform/digest.h"

enum { PII_KEYS_MAX = 8, PII_KEY_BYTES = 32, PII_HASH_TEXT_BYTES = 48 };

struct pii_keys {
    struct {
        uint32_t version;
        uint8_t bytes[PII_KEY_BYTES];
    } keys[PII_KEYS_MAX]; /* oldest first; the last is current */
    size_t count;
};
struct pii_hash {
    uint32_t version;
    struct hash hash;
};

/* Adds a key, which becomes the current one. version must be above those before. 0, -EINVAL (version not above, or
 * all-zero key), -ENOSPC (PII_KEYS_MAX: retire one first). */
int pii_keys_add(struct pii_keys *keys, uint32_t version, const uint8_t bytes[PII_KEY_BYTES]);
/* Forgets the oldest key, wiped; the current one always stays. False when there is nothing to retire. */
bool pii_keys_retire(struct pii_keys *keys);
void pii_keys_release(struct pii_keys *keys); /* wipes all */

/* Under the current key. check: there is one. value: what x_reveal() gave. */
struct pii_hash pii_hash(const struct pii_keys *keys, enum personal_kind kind, struct str value);
/* Under the key at index (0 = oldest), to look up rows written before a rotation. check: index < keys->count. */
struct pii_hash pii_hash_under(const struct pii_keys *keys, size_t index, enum personal_kind kind, struct str value);
bool pii_hash_equal(const struct pii_hash *a, const struct pii_hash *b);
/* "h3:" and the first 16 bytes in hex, for logs: version 3. */
struct str pii_hash_text(const struct pii_hash *hash, char text[PII_HASH_TEXT_BYTES]);

#endif
