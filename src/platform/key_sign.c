#include "platform/key.h"

#include "platform/key_int.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>

enum { PS256_SALT_BYTES = 32, ES256_DER_BYTES_MAX = 72 };

/* The order n of P-256 (FIPS 186-5 / SP 800-186 section 3.2.1.3). */
static const uint8_t p256_order[KEY_P256_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                                    0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };

static pthread_key_t thread_context_key;
static pthread_once_t thread_context_once = PTHREAD_ONCE_INIT;

static void thread_context_free(void *context) {
    EVP_MD_CTX_free(context);
}

static void thread_context_setup(void) {
    check(pthread_key_create(&thread_context_key, thread_context_free) == 0);
}

/* This thread's context, made at its first signature and freed when the thread ends. NULL without memory. */
static EVP_MD_CTX *thread_context(void) {
    check(pthread_once(&thread_context_once, thread_context_setup) == 0);
    EVP_MD_CTX *context = pthread_getspecific(thread_context_key);
    if (context) return EVP_MD_CTX_reset(context) == 1 ? context : NULL;
    context = EVP_MD_CTX_new();
    if (context && pthread_setspecific(thread_context_key, context)) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return context;
}

/* EdDSA hashes by itself (RFC 8032 section 5.1). */
static const char *digest_name(const struct key *key) {
    return key->type == KEY_TYPE_ED25519 ? NULL : "SHA256";
}

/* PSS with SHA-256 throughout and a salt of exactly 32 bytes, for RSA; nothing to say for the others. */
static bool padding_set(const struct key *key, EVP_PKEY_CTX *context) {
    if (key->type != KEY_TYPE_RSA) return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, PS256_SALT_BYTES) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, "SHA256", NULL) == 1;
}

/* r and s of a DER signature, each padded to 32 bytes. */
static bool es256_from_der(const unsigned char *der, size_t len, uint8_t raw[KEY_ES256_SIGNATURE_BYTES]) {
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool done = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, KEY_P256_BYTES) == KEY_P256_BYTES &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + KEY_P256_BYTES, KEY_P256_BYTES) == KEY_P256_BYTES;
    ECDSA_SIG_free(pair);
    return done;
}

int key_sign(const struct key *key, enum key_alg alg, struct str message, struct key_signature *ret_signature) {
    if (alg != key_algorithm(key)) return KEY_E_ALG;
    if (!key->is_private) return KEY_E_PUBLIC;
    EVP_MD_CTX *context = thread_context();
    EVP_PKEY_CTX *key_context = NULL;
    struct key_signature signature = { .len = sizeof signature.bytes };
    bool done =
        context && EVP_DigestSignInit_ex(context, &key_context, digest_name(key), NULL, NULL, key->evp, NULL) == 1 &&
        padding_set(key, key_context) &&
        EVP_DigestSign(context, signature.bytes, &signature.len, (const unsigned char *)message.at, message.len) == 1;
    if (done && key->type == KEY_TYPE_EC_P256) {
        uint8_t raw[KEY_ES256_SIGNATURE_BYTES];
        done = es256_from_der(signature.bytes, signature.len, raw);
        if (done) memcpy(signature.bytes, raw, sizeof raw);
        signature.len = sizeof raw;
    }
    if (context) (void)EVP_MD_CTX_reset(context); /* lets go of the key; the context itself stays */
    ERR_clear_error();
    if (!done) return err_origin(-EIO);
    *ret_signature = signature;
    return 0;
}

/* In [1, n-1]? Signatures are public, so this need not be constant time. */
static bool p256_scalar_is_valid(const uint8_t scalar[KEY_P256_BYTES]) {
    static const uint8_t zero[KEY_P256_BYTES];
    return memcmp(scalar, zero, sizeof zero) != 0 && memcmp(scalar, p256_order, sizeof p256_order) < 0;
}

/* One positive DER INTEGER, the shortest form; returns its length. */
static size_t der_integer(const uint8_t scalar[KEY_P256_BYTES], uint8_t *out) {
    size_t skip = 0;
    while (skip < KEY_P256_BYTES - 1 && scalar[skip] == 0) skip++;
    size_t len = KEY_P256_BYTES - skip, sign = scalar[skip] & 0x80 ? 1 : 0;
    out[0] = 0x02;
    out[1] = (uint8_t)(len + sign);
    out[2] = 0; /* overwritten below when no sign byte is needed */
    memcpy(out + 2 + sign, scalar + skip, len);
    return 2 + sign + len;
}

/* r || s as SEQUENCE { r, s }; both were judged before. Returns the length. */
static size_t es256_to_der(const uint8_t raw[KEY_ES256_SIGNATURE_BYTES], uint8_t der[ES256_DER_BYTES_MAX]) {
    size_t len = der_integer(raw, der + 2);
    len += der_integer(raw + KEY_P256_BYTES, der + 2 + len);
    der[0] = 0x30;
    der[1] = (uint8_t)len;
    return len + 2;
}

int key_verify(const struct key *key, enum key_alg alg, struct str message, struct str signature) {
    if (alg != key_algorithm(key)) return KEY_E_ALG;
    uint8_t der[ES256_DER_BYTES_MAX];
    if (key->type == KEY_TYPE_EC_P256) {
        const uint8_t *raw = (const uint8_t *)signature.at;
        if (signature.len != KEY_ES256_SIGNATURE_BYTES) return KEY_E_SIGNATURE;
        if (!p256_scalar_is_valid(raw) || !p256_scalar_is_valid(raw + KEY_P256_BYTES)) return KEY_E_SIGNATURE;
        signature = str_from_bytes(der, es256_to_der(raw, der));
    } else if (signature.len !=
               (key->type == KEY_TYPE_ED25519 ? (size_t)KEY_EDDSA_SIGNATURE_BYTES : (key->bits + 7) / 8)) {
        return KEY_E_SIGNATURE;
    }
    EVP_MD_CTX *context = thread_context();
    EVP_PKEY_CTX *key_context = NULL;
    if (!context) return err_origin(-ENOMEM);
    int verdict = -1;
    bool ready = EVP_DigestVerifyInit_ex(context, &key_context, digest_name(key), NULL, NULL, key->evp, NULL) == 1 &&
                 padding_set(key, key_context);
    if (ready)
        verdict = EVP_DigestVerify(context, (const unsigned char *)signature.at, signature.len,
                                   (const unsigned char *)message.at, message.len);
    (void)EVP_MD_CTX_reset(context); /* lets go of the key; the context itself stays */
    ERR_clear_error();
    if (!ready) return err_origin(-ENOMEM);
    /* A negative verdict cannot be told from a bad signature: refused as well. */
    return verdict == 1 ? 0 : KEY_E_SIGNATURE;
}
