#include "platform/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

static pthread_once_t digest_once = PTHREAD_ONCE_INIT;
static pthread_key_t digest_key; /* each thread's context, freed when the thread ends */
static EVP_MD *digest_algorithm; /* fetched once: fetching costs more than hashing a short text */
static _Thread_local EVP_MD_CTX *thread_context;

static void context_free(void *context) {
    EVP_MD_CTX_free(context);
}

static void digest_init(void) {
    digest_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    check(digest_algorithm != NULL && pthread_key_create(&digest_key, context_free) == 0);
}

static const EVP_MD *sha256_algorithm(void) {
    check(pthread_once(&digest_once, digest_init) == 0);
    return digest_algorithm;
}

struct hash sha256(const void *bytes, size_t len) {
    const EVP_MD *algorithm = sha256_algorithm();
    struct hash hash;
    unsigned hash_len = 0;
    if (!thread_context) {
        thread_context = EVP_MD_CTX_new();
        check(thread_context != NULL && pthread_setspecific(digest_key, thread_context) == 0);
    }
    check(EVP_DigestInit_ex(thread_context, algorithm, NULL) == 1 && EVP_DigestUpdate(thread_context, bytes, len) == 1);
    check(EVP_DigestFinal_ex(thread_context, hash.bytes, &hash_len) == 1 && hash_len == sizeof hash.bytes);
    return hash;
}

struct hash sha256_str(struct str s) {
    return sha256(s.at, s.len);
}

struct hash512 sha512_str(struct str s) {
    struct hash512 hash;
    unsigned len = 0;
    check(EVP_Digest(s.at, s.len, hash.bytes, &len, EVP_sha512(), NULL) == 1 && len == sizeof hash.bytes);
    return hash;
}

struct hash hmac_sha256(struct str key, struct str message) {
    struct hash hash;
    unsigned len = 0;
    check(key.len <= INT32_MAX);
    check(HMAC(sha256_algorithm(), key.at, (int)key.len, (const unsigned char *)message.at, message.len, hash.bytes,
               &len) != NULL);
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
