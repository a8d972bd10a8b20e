/* key.h - keys for signatures: RSA (2048 to 4096 bits), EC on P-256 and Ed25519, on OpenSSL's EVP.
 *
 * (K1) a key is parsed and checked once; what could not sign or verify safely never becomes a struct key.
 * (K2) a key does exactly one algorithm: RSA PS256, EC ES256 (RFC 7518 sections 3.4 and 3.5), Ed25519 EdDSA (RFC 8037).
 * (K3) a struct key never changes after its creation and is reference counted, so threads may share it freely. */
#ifndef GIRO_PLATFORM_KEY_H
#define GIRO_PLATFORM_KEY_H

#include "platform/buffer.h"
#include "platform/digest.h"
#include "platform/secret.h"

struct key;
enum key_type { KEY_TYPE_RSA = 1, KEY_TYPE_EC_P256 = 2, KEY_TYPE_ED25519 = 3 };
enum key_alg { KEY_ALG_NONE = 0, KEY_ALG_PS256 = 1, KEY_ALG_ES256 = 2, KEY_ALG_EDDSA = 3 };

enum {
    KEY_RSA_BITS_MIN = 2048,
    KEY_RSA_BITS_MAX = 4096,
    KEY_RSA_BYTES_MAX = KEY_RSA_BITS_MAX / 8,
    KEY_RSA_EXPONENT_BYTES_MAX = 4, /* odd, 65537 to 2^32 - 1 */
    KEY_P256_BYTES = 32,
    KEY_ES256_SIGNATURE_BYTES = 64,
    KEY_ED25519_BYTES = 32,
    KEY_EDDSA_SIGNATURE_BYTES = 64,
    KEY_SIGNATURE_BYTES_MAX = KEY_RSA_BYTES_MAX,
    KEY_PEM_BYTES_MAX = 16 * 1024,
};

#define KEY_E_MAP(X)                                                                                                   \
    X(KEY_E_SYNTAX, "not a key")                                                                                       \
    X(KEY_E_KIND, "kind of key not supported")                                                                         \
    X(KEY_E_WEAK, "key too short")                                                                                     \
    X(KEY_E_SIZE, "key too large")                                                                                     \
    X(KEY_E_VALUE, "numbers that make no key")                                                                         \
    X(KEY_E_ALG, "algorithm is not this key's")                                                                        \
    X(KEY_E_PUBLIC, "private key needed")                                                                              \
    X(KEY_E_SIGNATURE, "signature does not verify")
#define X(code, name) code,
enum key_refusal { KEY_E_NONE = 0, KEY_E_MAP(X) KEY_E_COUNT };
#undef X
const char *key_refusal_text(int refusal);

/* RSA of 2048 bits, EC P-256 or Ed25519, private. 0 or a fault. */
int key_generate(enum key_type type, struct key **ret_key) MUST_USE;
/* One private key (PKCS #8, PKCS #1 or SEC 1, not encrypted) or one public key (SubjectPublicKeyInfo) in PEM.
 * 0, KEY_E_SYNTAX, _KIND, _WEAK, _SIZE, _VALUE, or a fault. */
int key_load_pem(struct str pem, struct key **ret_key) MUST_USE;
/* The public key of an RSA JWK: n and e big-endian, without leading zero bytes (RFC 7518 section 6.3.1). Same results.
 */
int key_load_rsa(struct str n, struct str e, struct key **ret_key) MUST_USE;
/* The public key of an EC P-256 JWK: x and y of 32 bytes each, a point of the curve (RFC 7518 section 6.2.1). Same
 * results. */
int key_load_ec_p256(struct str x, struct str y, struct key **ret_key) MUST_USE;
/* The public key of an Ed25519 JWK: x of 32 bytes (RFC 8037 section 2), not one of the few points that any signature
 * fits. Same results. */
int key_load_ed25519(struct str x, struct key **ret_key) MUST_USE;
struct key *key_share(struct key *key); /* one reference more; returns key */
struct key *key_free(struct key *key);  /* one reference less, the last one frees; takes NULL, returns NULL */

enum key_type key_type(const struct key *key);
enum key_alg key_algorithm(const struct key *key); /* the one of (K2) */
size_t key_bits(const struct key *key);
bool key_is_private(const struct key *key);
bool key_equal_public(const struct key *a, const struct key *b);
const char *key_alg_name(enum key_alg alg);        /* "PS256", "ES256", "EdDSA", "none" */
/* Exactly those, and "Ed25519" (RFC 9864) for EdDSA; case counts; else KEY_ALG_NONE. */
enum key_alg key_alg_parse(struct str name);

/* The public numbers, big-endian: n, e without leading zeros, x, y padded to 32 bytes; of Ed25519 the encoded point in
 * x. What does not apply has length 0. */
struct key_parts {
    enum key_type type;
    uint8_t n[KEY_RSA_BYTES_MAX], e[KEY_RSA_EXPONENT_BYTES_MAX], x[KEY_P256_BYTES], y[KEY_P256_BYTES];
    size_t n_bytes, e_bytes;
};
int key_public_parts(const struct key *key, struct key_parts *ret_parts) MUST_USE; /* 0 or a fault */
/* Private key as PKCS #8 PEM, not encrypted: for files of mode 0600 (secret_write_file). 0, KEY_E_PUBLIC, or a fault.
 */
int key_write_pem(const struct key *key, struct secret_bytes *ret_pem) MUST_USE;
/* Public key as SubjectPublicKeyInfo PEM, appended. 0 or a fault. */
int key_write_public_pem(const struct key *key, struct buffer *out) MUST_USE;

struct key_signature {
    uint8_t bytes[KEY_SIGNATURE_BYTES_MAX];
    size_t len;
};
/* PS256: SHA-256, MGF1 with SHA-256, salt of 32 bytes. ES256: r || s, 64 bytes. EdDSA: 64 bytes. 0, KEY_E_ALG,
 * KEY_E_PUBLIC, or a fault.
 */
int key_sign(const struct key *key, enum key_alg alg, struct str message, struct key_signature *ret_signature) MUST_USE;
/* 0 when it verifies; KEY_E_ALG when alg is not this key's; KEY_E_SIGNATURE for anything else: wrong length (before any
 * conversion), r or s outside [1, n-1], other salt length, other bytes. -ENOMEM. */
int key_verify(const struct key *key, enum key_alg alg, struct str message, struct str signature) MUST_USE;

#endif
