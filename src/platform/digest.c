#include "platform/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static _Thread_local struct sha256 thread_sha;

/* The fetched algorithm; fetching costs more than hashing a short text. */
static const EVP_MD *sha256_algorithm(void) {
    static _Thread_local EVP_MD *algorithm;
    if (!algorithm) algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    check(algorithm != NULL);
    return algorithm;
}

struct hash sha256(const void *bytes, size_t len) {
    if (!thread_sha.context) check(sha256_init(&thread_sha) == 0);
    sha256_begin(&thread_sha);
    sha256_update(&thread_sha, bytes, len);
    return sha256_end(&thread_sha);
}

struct hash sha256_str(struct str s) {
    return sha256(s.at, s.len);
}

struct hash hmac_sha256(struct str key, struct str message) {
    struct hash hash;
    unsigned len = 0;
    check(key.len <= INT32_MAX);
    check(HMAC(sha256_algorithm(), key.at, (int)key.len, (const unsigned char *)message.at, message.len, hash.bytes, &len) != NULL);
    check(len == sizeof hash.bytes);
    return hash;
}

bool bytes_equal_constant_time(const void *a, const void *b, size_t len) {
    return CRYPTO_memcmp(a, b, len) == 0;
}

bool hash_equal(const struct hash *a, const struct hash *b) {
    return bytes_equal_constant_time(a->bytes, b->bytes, sizeof a->bytes);
}

int sha256_init(struct sha256 *sha) {
    sha->context = EVP_MD_CTX_new();
    return sha->context ? 0 : err_origin(-ENOMEM);
}

void sha256_release(struct sha256 *sha) {
    EVP_MD_CTX_free(sha->context);
    sha->context = NULL;
}

void sha256_begin(struct sha256 *sha) {
    check(EVP_DigestInit_ex(sha->context, sha256_algorithm(), NULL) == 1);
}

void sha256_update(struct sha256 *sha, const void *bytes, size_t len) {
    check(EVP_DigestUpdate(sha->context, bytes, len) == 1);
}

struct hash sha256_end(struct sha256 *sha) {
    struct hash hash;
    unsigned len = 0;
    check(EVP_DigestFinal_ex(sha->context, hash.bytes, &len) == 1 && len == sizeof hash.bytes);
    return hash;
}
