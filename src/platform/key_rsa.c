/* key_rsa.c - whether the numbers of a private RSA key belong together.
 *
 * OpenSSL's own check of a pair searches both primes for factors in 64 rounds each, 45 ms for 2048 bits: made for
 * primes that somebody else has chosen. A private key comes from our own file of mode 0600, so that a daemon's start
 * need not pay for it. Here every equation of RFC 8017 section 3.2 is computed, and one signature, by numbers that are
 * none of its own, is verified: with a p or q that is no prime it does not verify, but for a chance far below 2^-100.
 */
#include "platform/key_int.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

enum { N, E, D, P, Q, DP, DQ, QI, NUMBER_COUNT };

struct numbers {
    BIGNUM *at[NUMBER_COUNT], *a, *b; /* a, b: of one equation */
    BN_CTX *context;
};

static void numbers_release(struct numbers *numbers) {
    for (size_t i = 0; i < NUMBER_COUNT; i++) BN_clear_free(numbers->at[i]);
    BN_clear_free(numbers->a);
    BN_clear_free(numbers->b);
    BN_CTX_free(numbers->context);
}

/* A key of more than two primes has others besides, which the product gives away. */
static int numbers_read(const EVP_PKEY *evp, struct numbers *numbers) {
    static const char *const names[NUMBER_COUNT] = {
        [N] = OSSL_PKEY_PARAM_RSA_N,          [E] = OSSL_PKEY_PARAM_RSA_E,
        [D] = OSSL_PKEY_PARAM_RSA_D,          [P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
        [Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,    [DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
        [DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2, [QI] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1
    };
    numbers->a = BN_secure_new();
    numbers->b = BN_secure_new();
    numbers->context = BN_CTX_secure_new();
    if (!numbers->a || !numbers->b || !numbers->context) return err_origin(-ENOMEM);
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        if (EVP_PKEY_get_bn_param(evp, names[i], &numbers->at[i]) != 1) return KEY_E_VALUE;
    return 0;
}

static int multiplied(struct numbers *numbers, int one, int other, const BIGNUM *modulus) {
    return BN_mod_mul(numbers->b, numbers->at[one], numbers->at[other], modulus, numbers->context);
}

/* e times d is 1, and d the short exponent, modulo the prime less one. 1 yes, 0 no, -1 no memory. */
static int exponents_fit(struct numbers *numbers, int prime, int exponent) {
    const BIGNUM *p = numbers->at[prime];
    if (!BN_copy(numbers->a, p) || !BN_sub_word(numbers->a, 1) || !multiplied(numbers, E, D, numbers->a)) return -1;
    if (!BN_is_one(numbers->b)) return 0;
    if (!BN_nnmod(numbers->b, numbers->at[D], numbers->a, numbers->context)) return -1;
    return BN_cmp(numbers->b, numbers->at[exponent]) == 0;
}

/* And neither factor is so short that it could be found. */
static int product_fits(struct numbers *numbers) {
    int bits_min = BN_num_bits(numbers->at[N]) / 3;
    if (BN_num_bits(numbers->at[P]) < bits_min || BN_num_bits(numbers->at[Q]) < bits_min) return 0;
    if (!BN_mul(numbers->a, numbers->at[P], numbers->at[Q], numbers->context)) return -1;
    if (BN_cmp(numbers->a, numbers->at[N]) != 0) return 0;
    if (!multiplied(numbers, Q, QI, numbers->at[P])) return -1;
    return BN_is_one(numbers->b);
}

static int signature_fits(EVP_PKEY *evp) {
    static const unsigned char text[] = "giro";
    unsigned char signature[KEY_RSA_BYTES_MAX];
    size_t len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL; /* the signature's salt makes the number that is raised a chosen one of nobody */
    if (!context) return -1;
    bool made = EVP_DigestSignInit_ex(context, &padding, "SHA256", NULL, NULL, evp, NULL) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_DigestSign(context, signature, &len, text, sizeof text) == 1;
    bool good = made && EVP_MD_CTX_reset(context) == 1 &&
                EVP_DigestVerifyInit_ex(context, &padding, "SHA256", NULL, NULL, evp, NULL) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_DigestVerify(context, signature, len, text, sizeof text) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

int key_rsa_pair_judge(EVP_PKEY *evp) {
    struct numbers numbers = { .a = NULL };
    int r = numbers_read(evp, &numbers);
    if (!r) {
        int fits = product_fits(&numbers);
        if (fits == 1) fits = exponents_fit(&numbers, P, DP);
        if (fits == 1) fits = exponents_fit(&numbers, Q, DQ);
        if (fits == 1) fits = signature_fits(evp);
        r = fits < 0 ? err_origin(-ENOMEM) : fits ? 0 : KEY_E_VALUE;
    }
    numbers_release(&numbers);
    ERR_clear_error();
    return r;
}
