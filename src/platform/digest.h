/* digest.h - SHA-256, SHA-512 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), on OpenSSL. */
#ifndef GIRO_PLATFORM_DIGEST_H
#define GIRO_PLATFORM_DIGEST_H

#include "platform/str.h"

struct hash {
    uint8_t bytes[32];
};

struct hash sha256(const void *bytes, size_t len);
struct hash sha256_str(struct str s);
struct hash512 {
    uint8_t bytes[64];
};
struct hash512 sha512_str(struct str s);
struct hash hmac_sha256(struct str key, struct str message);
bool hash_equal(const struct hash *a, const struct hash *b); /* constant time */
bool bytes_equal_constant_time(const void *a, const void *b, size_t len);

/* Piecewise; one context per thread may be reused for ever. */
struct sha256 {
    void *context; /* EVP_MD_CTX */
};
int sha256_init(struct sha256 *sha); /* 0 or -ENOMEM */
void sha256_release(struct sha256 *sha);
void sha256_begin(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const void *bytes, size_t len);
struct hash sha256_end(struct sha256 *sha);

#endif
