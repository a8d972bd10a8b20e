/* seal.h - a short byte string sealed with AES-256-GCM (NIST SP 800-38D): cookies, references handed to browsers.
 *
 * Sealed form: nonce (12 random bytes) || ciphertext || tag (16). The associated data is not in it; whoever opens must
 * know it, so that what was sealed for one use cannot be presented for another. Random nonces bound one key to 2^32
 * seals. */
#ifndef GIRO_PLATFORM_SEAL_H
#define GIRO_PLATFORM_SEAL_H

#include "platform/buffer.h"

enum {
    SEAL_KEY_BYTES = 32,
    SEAL_NONCE_BYTES = 12,
    SEAL_TAG_BYTES = 16,
    SEAL_OVERHEAD_BYTES = SEAL_NONCE_BYTES + SEAL_TAG_BYTES,
    SEAL_PLAIN_BYTES_MAX = 4096,
};

#define SEAL_E_MAP(X)                                                                                                  \
    X(SEAL_E_SIZE, "too short or too long to be sealed bytes")                                                         \
    X(SEAL_E_FORGED, "not sealed with this key for this use")
#define X(code, name) code,
enum seal_refusal { SEAL_E_NONE = 0, SEAL_E_MAP(X) SEAL_E_COUNT };
#undef X

/* Appends the sealed form of plain (0..SEAL_PLAIN_BYTES_MAX bytes) to out. 0, SEAL_E_SIZE, or -ENOMEM (also when out is
 * full). */
int seal_bytes(const uint8_t key[SEAL_KEY_BYTES], struct str associated, struct str plain, struct buffer *out) MUST_USE;
/* Appends the plain bytes to out, nothing unless they are proven. 0, SEAL_E_SIZE, SEAL_E_FORGED, or -ENOMEM (also when
 * out is full). The caller wipes out when the bytes are secret. */
int seal_open(const uint8_t key[SEAL_KEY_BYTES], struct str associated, struct str sealed, struct buffer *out) MUST_USE;

#endif
