#include "platform/key.h"

#include "platform/encoding.h"
#include "platform/key_int.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct key *rsa, *ec, *ed;

static int setup(void **state) {
    (void)state;
    return key_generate(KEY_TYPE_RSA, &rsa) || key_generate(KEY_TYPE_EC_P256, &ec) ||
           key_generate(KEY_TYPE_ED25519, &ed);
}

static int teardown(void **state) {
    (void)state;
    key_free(rsa);
    key_free(ec);
    key_free(ed);
    return 0;
}

static struct str signature_str(const struct key_signature *signature) {
    return str_from_bytes(signature->bytes, signature->len);
}

static void a_key_verifies_what_it_signed(void **state) {
    (void)state;
    const struct {
        const struct key *key;
        enum key_alg alg, other;
        size_t bytes, bits;
    } cases[] = { { rsa, KEY_ALG_PS256, KEY_ALG_ES256, 256, 2048 },
                  { ec, KEY_ALG_ES256, KEY_ALG_PS256, 64, 256 },
                  { ed, KEY_ALG_EDDSA, KEY_ALG_ES256, 64, 256 } };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct key_signature signature;
        assert_int_equal(key_algorithm(cases[i].key), cases[i].alg);
        assert_int_equal(key_bits(cases[i].key), cases[i].bits);
        for (int round = 0; round < 50; round++) { /* DER lengths of ES256 vary */
            char text[16];
            (void)snprintf(text, sizeof text, "message %d", round);
            assert_int_equal(key_sign(cases[i].key, cases[i].alg, str_from_c(text), &signature), 0);
            assert_int_equal(signature.len, cases[i].bytes);
            assert_int_equal(key_verify(cases[i].key, cases[i].alg, str_from_c(text), signature_str(&signature)), 0);
        }
        assert_int_equal(key_verify(cases[i].key, cases[i].alg, STR("other"), signature_str(&signature)),
                         KEY_E_SIGNATURE);
        assert_int_equal(key_verify(cases[i].key, cases[i].alg, STR(""), signature_str(&signature)), KEY_E_SIGNATURE);
        assert_int_equal(key_verify(cases[i].key, cases[i].alg, STR("message 49"), STR("")), KEY_E_SIGNATURE);
        assert_int_equal(key_verify(cases[i].key, cases[i].other, STR("message 49"), signature_str(&signature)),
                         KEY_E_ALG);
        assert_int_equal(key_verify(cases[i].key, KEY_ALG_NONE, STR("message 49"), signature_str(&signature)),
                         KEY_E_ALG);
        assert_int_equal(key_sign(cases[i].key, cases[i].other, STR("x"), &signature), KEY_E_ALG);
        assert_int_equal(ERR_peek_error(), 0); /* nothing of ours stays in OpenSSL's list */
    }
}

/* RFC 7515 appendix A.3: what others signed. */
static void the_vector_of_rfc_7515(void **state) {
    (void)state;
    uint8_t x[32], y[32], raw[64];
    struct buffer buffers[3];
    buffer_init(&buffers[0], x, sizeof x);
    buffer_init(&buffers[1], y, sizeof y);
    buffer_init(&buffers[2], raw, sizeof raw);
    assert_int_equal(base64url_decode(STR("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), &buffers[0]), 0);
    assert_int_equal(base64url_decode(STR("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"), &buffers[1]), 0);
    assert_int_equal(
        base64url_decode(STR("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
                         &buffers[2]),
        0);
    struct key *key = NULL;
    struct str input =
        STR("eyJhbGciOiJFUzI1NiJ9."
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ");
    assert_int_equal(key_load_ec_p256(buffer_str(&buffers[0]), buffer_str(&buffers[1]), &key), 0);
    assert_int_equal(key_verify(key, KEY_ALG_ES256, input, buffer_str(&buffers[2])), 0);
    assert_int_equal(key_verify(key, KEY_ALG_ES256, str_slice(input, 1, input.len), buffer_str(&buffers[2])),
                     KEY_E_SIGNATURE);
    struct key_signature signature;
    assert_int_equal(key_sign(key, KEY_ALG_ES256, input, &signature), KEY_E_PUBLIC);
    struct secret_bytes pem = { 0 };
    assert_int_equal(key_write_pem(key, &pem), KEY_E_PUBLIC);
    key_free(key);
}

/* RFC 8037 appendix A.4, RFC 8032 section 7.1 test 3. */
static void the_vector_of_rfc_8032(void **state) {
    (void)state;
    static const char x_hex[] = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    static const char s_hex[] = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                                "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
    uint8_t x[32], signature[64];
    struct key *key = NULL;
    struct key_parts parts;
    assert_int_equal(hex_decode(str_from_c(x_hex), x, sizeof x), 0);
    assert_int_equal(hex_decode(str_from_c(s_hex), signature, sizeof signature), 0);
    assert_int_equal(key_load_ed25519(str_from_bytes(x, 32), &key), 0);
    assert_int_equal(key_verify(key, KEY_ALG_EDDSA, STR("\xaf\x82"), str_from_bytes(signature, 64)), 0);
    assert_int_equal(key_verify(key, KEY_ALG_EDDSA, STR("\xaf\x83"), str_from_bytes(signature, 64)), KEY_E_SIGNATURE);
    assert_int_equal(key_verify(key, KEY_ALG_EDDSA, STR("\xaf\x82"), str_from_bytes(signature, 63)), KEY_E_SIGNATURE);
    assert_int_equal(key_public_parts(key, &parts), 0);
    assert_memory_equal(parts.x, x, 32);
    key_free(key);
    assert_int_equal(key_alg_parse(STR("EdDSA")), KEY_ALG_EDDSA);
    assert_int_equal(key_alg_parse(STR("Ed25519")), KEY_ALG_EDDSA);
    assert_int_equal(key_alg_parse(STR("ed25519")), KEY_ALG_NONE);
    assert_int_equal(key_alg_parse(STR("Ed448")), KEY_ALG_NONE);
}

/* s + L in place of s: the same point, another text; RFC 8032 section 5.1.7 refuses it. */
static void eddsa_s_raised(uint8_t signature[64]) {
    static const char order_hex_25519[] = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";
    uint8_t big_endian[32];
    BIGNUM *order = NULL;
    for (int i = 0; i < 32; i++) big_endian[i] = signature[63 - i];
    BIGNUM *s = BN_bin2bn(big_endian, 32, NULL);
    assert_true(BN_hex2bn(&order, order_hex_25519) > 0);
    assert_int_equal(BN_add(s, s, order), 1);
    assert_int_equal(BN_bn2binpad(s, big_endian, 32), 32);
    for (int i = 0; i < 32; i++) signature[63 - i] = big_endian[i];
    BN_free(order);
    BN_free(s);
}

static void points_that_prove_nothing_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *name, *hex;
    } cases[] = {
        { "order 4", "0000000000000000000000000000000000000000000000000000000000000000" },
        { "the neutral one", "0100000000000000000000000000000000000000000000000000000000000000" },
        { "order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05" },
        { "order 8, other sign", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85" },
        { "the other of order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a" },
        { "order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
        { "zero, not reduced", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
        { "one, not reduced", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
        { "too high", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint8_t x[32];
        struct key *key = NULL;
        assert_int_equal(hex_decode(str_from_c(cases[i].hex), x, sizeof x), 0);
        if (key_load_ed25519(str_from_bytes(x, 32), &key) != KEY_E_VALUE) fail_msg("%s", cases[i].name);
        assert_int_equal(key_load_ed25519(str_from_bytes(x, 31), &key), KEY_E_VALUE);
    }
    struct key_signature signature;
    assert_int_equal(key_sign(ed, KEY_ALG_EDDSA, STR("pay"), &signature), 0);
    eddsa_s_raised(signature.bytes);
    assert_int_equal(key_verify(ed, KEY_ALG_EDDSA, STR("pay"), signature_str(&signature)), KEY_E_SIGNATURE);
}

/* --- ES256 malleations: r5 --- */
static const char order_hex[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/* s := n - s, which is mathematically as good: it verifies, and so nobody may use a signature's bytes as an identity.
 */
static void s_negated(uint8_t raw[64]) {
    BIGNUM *n = NULL, *s = BN_bin2bn(raw + 32, 32, NULL);
    assert_true(BN_hex2bn(&n, order_hex) > 0);
    assert_int_equal(BN_sub(s, n, s), 1);
    assert_int_equal(BN_bn2binpad(s, raw + 32, 32), 32);
    BN_free(n);
    BN_free(s);
}

/* spec: gateway/r5 */
static void es256_signatures_are_judged_before_any_conversion(void **state) {
    (void)state;
    uint8_t order[32], zero[32] = { 0 }, above[32], ones[32];
    memset(ones, 0xff, sizeof ones);
    assert_int_equal(hex_decode(STR("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"), order, 32), 0);
    memcpy(above, order, 32);
    above[31]++;
    const struct {
        const char *name;
        const uint8_t *r, *s;
    } cases[] = {
        { "r zero", zero, NULL },     { "s zero", NULL, zero },     { "both zero", zero, zero },
        { "r is n", order, NULL },    { "s is n", NULL, order },    { "both n", order, order },
        { "r above n", above, NULL }, { "s above n", NULL, above }, { "all ones", ones, ones },
    };
    struct key_signature good;
    assert_int_equal(key_sign(ec, KEY_ALG_ES256, STR("pay"), &good), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint8_t raw[64];
        memcpy(raw, good.bytes, 64);
        if (cases[i].r) memcpy(raw, cases[i].r, 32);
        if (cases[i].s) memcpy(raw + 32, cases[i].s, 32);
        if (key_verify(ec, KEY_ALG_ES256, STR("pay"), str_from_bytes(raw, 64)) != KEY_E_SIGNATURE)
            fail_msg("%s", cases[i].name);
    }
    uint8_t longer[130] = { 0 };
    memcpy(longer, good.bytes, 64);
    for (size_t len = 0; len <= sizeof longer; len++)
        assert_int_equal(key_verify(ec, KEY_ALG_ES256, STR("pay"), str_from_bytes(longer, len)),
                         len == 64 ? 0 : KEY_E_SIGNATURE);
    memcpy(longer + 1, good.bytes, 64); /* 65 bytes with a leading zero */
    longer[0] = 0;
    assert_int_equal(key_verify(ec, KEY_ALG_ES256, STR("pay"), str_from_bytes(longer, 65)), KEY_E_SIGNATURE);
    for (size_t bit = 0; bit < 512; bit += 7) {
        uint8_t raw[64];
        memcpy(raw, good.bytes, 64);
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(key_verify(ec, KEY_ALG_ES256, STR("pay"), str_from_bytes(raw, 64)), KEY_E_SIGNATURE);
    }
    s_negated(good.bytes);
    assert_int_equal(key_verify(ec, KEY_ALG_ES256, STR("pay"), signature_str(&good)), 0);
}

/* spec: gateway/r5 */
static void es256_in_der_is_refused(void **state) {
    (void)state;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char der[80];
    size_t len = sizeof der;
    assert_int_equal(EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, ec->evp, NULL), 1);
    assert_int_equal(EVP_DigestSign(context, der, &len, (const unsigned char *)"pay", 3), 1);
    EVP_MD_CTX_free(context);
    assert_int_equal(key_verify(ec, KEY_ALG_ES256, STR("pay"), str_from_bytes(der, len)), KEY_E_SIGNATURE);
}

/* --- PS256: r6 --- */
/* spec: gateway/r6, fapi/V14 */
static void ps256_takes_one_padding_alone(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int padding, salt_bytes;
        const char *digest, *mask_digest;
        int want;
    } cases[] = {
        { "the one", RSA_PKCS1_PSS_PADDING, 32, "SHA256", "SHA256", 0 },
        { "no salt", RSA_PKCS1_PSS_PADDING, 0, "SHA256", "SHA256", KEY_E_SIGNATURE },
        { "short salt", RSA_PKCS1_PSS_PADDING, 20, "SHA256", "SHA256", KEY_E_SIGNATURE },
        { "one byte more", RSA_PKCS1_PSS_PADDING, 33, "SHA256", "SHA256", KEY_E_SIGNATURE },
        { "longest salt", RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_MAX, "SHA256", "SHA256", KEY_E_SIGNATURE },
        { "mask by SHA-1", RSA_PKCS1_PSS_PADDING, 32, "SHA256", "SHA1", KEY_E_SIGNATURE },
        { "PS384", RSA_PKCS1_PSS_PADDING, 48, "SHA384", "SHA384", KEY_E_SIGNATURE },
        { "RS256", RSA_PKCS1_PADDING, -9, "SHA256", NULL, KEY_E_SIGNATURE },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_PKEY_CTX *inner = NULL;
        unsigned char raw[256];
        size_t len = sizeof raw;
        assert_int_equal(EVP_DigestSignInit_ex(context, &inner, cases[i].digest, NULL, NULL, rsa->evp, NULL), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(inner, cases[i].padding), 1);
        if (cases[i].mask_digest) {
            assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, cases[i].salt_bytes), 1);
            assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(inner, cases[i].mask_digest, NULL), 1);
        }
        assert_int_equal(EVP_DigestSign(context, raw, &len, (const unsigned char *)"pay", 3), 1);
        EVP_MD_CTX_free(context);
        int r = key_verify(rsa, KEY_ALG_PS256, STR("pay"), str_from_bytes(raw, len));
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
        assert_int_equal(key_verify(rsa, KEY_ALG_PS256, STR("pay"), str_from_bytes(raw, len - 1)), KEY_E_SIGNATURE);
    }
}

/* --- loading --- */
static void pem_of(EVP_PKEY *evp, bool is_private, struct buffer *out) {
    BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;
    assert_non_null(evp);
    assert_int_equal(
        is_private ? PEM_write_bio_PrivateKey(bio, evp, NULL, NULL, 0, NULL, NULL) : PEM_write_bio_PUBKEY(bio, evp), 1);
    long len = BIO_get_mem_data(bio, &at);
    buffer_reset(out);
    buffer_append(out, at, (size_t)len);
    BIO_free(bio);
    EVP_PKEY_free(evp);
}

/* spec: fapi/K1, fapi/K3, gateway/r6 */
static void only_strong_keys_of_three_kinds_load(void **state) {
    (void)state;
    static const struct {
        const char *type, *curve;
        size_t bits;
        int want;
    } cases[] = {
        { "RSA", NULL, 2048, 0 },          { "RSA", NULL, 3072, 0 },
        { "RSA", NULL, 2047, KEY_E_WEAK }, { "RSA", NULL, 1024, KEY_E_WEAK },
        { "EC", "P-256", 0, 0 },           { "EC", "P-384", 0, KEY_E_KIND },
        { "EC", "P-521", 0, KEY_E_KIND },  { "EC", "secp256k1", 0, KEY_E_KIND },
        { "ED25519", NULL, 0, 0 },         { "X25519", NULL, 0, KEY_E_KIND },
        { "ED448", NULL, 0, KEY_E_KIND },
    };
    uint8_t memory[8192];
    struct buffer pem;
    buffer_init(&pem, memory, sizeof memory);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (int is_private = 0; is_private < 2; is_private++) {
            EVP_PKEY *evp = cases[i].bits    ? EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type, cases[i].bits)
                            : cases[i].curve ? EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type, cases[i].curve)
                                             : EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type);
            struct key *key = NULL;
            pem_of(evp, is_private, &pem);
            int r = key_load_pem(buffer_str(&pem), &key);
            if (r != cases[i].want)
                fail_msg("%s %s %zu private %d: %d", cases[i].type, cases[i].curve, cases[i].bits, is_private, r);
            assert_int_equal(key != NULL, r == 0);
            if (key) assert_int_equal(key_is_private(key), is_private);
            key_free(key);
        }
    }
}

static void pem_round_trip_and_refusals(void **state) {
    (void)state;
    const struct key *keys[] = { rsa, ec };
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        struct secret_bytes pem = { 0 };
        struct key *again = NULL, *public = NULL;
        uint8_t memory[2048];
        struct buffer public_pem;
        buffer_init(&public_pem, memory, sizeof memory);
        assert_int_equal(key_write_pem(keys[i], &pem), 0);
        assert_int_equal(key_load_pem(secret_str(&pem), &again), 0);
        assert_int_equal(key_write_public_pem(keys[i], &public_pem), 0);
        assert_int_equal(key_load_pem(buffer_str(&public_pem), &public), 0);
        assert_true(key_equal_public(keys[i], again) && key_equal_public(keys[i], public));
        assert_false(key_equal_public(keys[i], keys[1 - i]));
        struct key_signature signature;
        assert_int_equal(key_sign(again, key_algorithm(again), STR("m"), &signature), 0);
        assert_int_equal(key_verify(public, key_algorithm(public), STR("m"), signature_str(&signature)), 0);
        key_free(again);
        key_free(public);
        struct key *key = NULL;
        for (size_t len = 0; len < pem.len - 2; len += 53)
            assert_int_equal(key_load_pem(str_slice(secret_str(&pem), 0, len), &key), KEY_E_SYNTAX);
        secret_release(&pem);
    }
    static const char *const bad[] = {
        "",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct key *key = NULL;
        assert_int_equal(key_load_pem(str_from_c(bad[i]), &key), KEY_E_SYNTAX);
    }
}

enum { N, E, D, P, Q, DP, DQ, QI, NUMBERS };

/* The private key of these numbers in PEM, whatever they are. */
static void rsa_pem_of(BIGNUM *const numbers[NUMBERS], struct buffer *out) {
    static const char *const names[NUMBERS] = { OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                                OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                                OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                                OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 };
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *evp = NULL;
    for (int i = 0; i < NUMBERS; i++) assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, names[i], numbers[i]), 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &evp, EVP_PKEY_KEYPAIR, params), 1);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    pem_of(evp, true, out);
}

/* Of two factors of 1024 bits and the exponent 65537, all that RFC 8017 section 3.2 derives from them. */
static void rsa_numbers_from(BIGNUM *numbers[NUMBERS], BN_CTX *context) {
    BIGNUM *p = BN_dup(numbers[P]), *q = BN_dup(numbers[Q]), *phi = BN_new();
    BN_sub_word(p, 1);
    BN_sub_word(q, 1);
    BN_mul(phi, p, q, context);
    BN_mul(numbers[N], numbers[P], numbers[Q], context);
    assert_non_null(BN_mod_inverse(numbers[D], numbers[E], phi, context));
    BN_mod(numbers[DP], numbers[D], p, context);
    BN_mod(numbers[DQ], numbers[D], q, context);
    assert_non_null(BN_mod_inverse(numbers[QI], numbers[Q], numbers[P], context));
    BN_free(p);
    BN_free(q);
    BN_free(phi);
}

/* One of whose predecessor 65537 is no factor: that can be the exponent. */
static void prime_new(BIGNUM *number, int bits) {
    do assert_int_equal(BN_generate_prime_ex(number, bits, 0, NULL, NULL, NULL), 1);
    while (BN_mod_word(number, 65537) == 1);
}

/* The first factor is of so many bits, and prime or not; the other one makes it 2048. */
static void rsa_numbers_new(BIGNUM *numbers[NUMBERS], int bits, bool prime, BN_CTX *context) {
    for (int i = 0; i < NUMBERS; i++) numbers[i] = BN_new();
    BN_set_word(numbers[E], 65537);
    prime_new(numbers[Q], 2048 - bits);
    prime_new(numbers[P], bits);
    while (!prime && (BN_num_bits(numbers[P]) == 1024 || BN_mod_word(numbers[P], 65537) == 1)) {
        BIGNUM *one = BN_new(), *other = BN_new();
        prime_new(one, 512);
        prime_new(other, 513);
        BN_mul(numbers[P], one, other, context); /* 1025 bits */
        BN_free(one);
        BN_free(other);
    }
    rsa_numbers_from(numbers, context);
}

static int rsa_numbers_load(BIGNUM *const numbers[NUMBERS]) {
    uint8_t memory[8192];
    struct buffer pem;
    struct key *key = NULL;
    buffer_init(&pem, memory, sizeof memory);
    rsa_pem_of(numbers, &pem);
    int r = key_load_pem(buffer_str(&pem), &key);
    assert_int_equal(key != NULL, r == 0);
    key_free(key);
    return r;
}

/* Each number of a private key by itself wrong; every equation holds, but a factor is no prime, or is short. */
static void private_rsa_numbers_must_fit(void **state) {
    (void)state;
    static const struct {
        int bits;
        bool prime;
        int want;
    } cases[] = { { 1024, true, 0 }, { 1024, false, KEY_E_VALUE }, { 600, true, KEY_E_VALUE } };
    BIGNUM *numbers[NUMBERS];
    BN_CTX *context = BN_CTX_new();
    for (size_t at = 0; at < ARRAY_COUNT(cases); at++) {
        rsa_numbers_new(numbers, cases[at].bits, cases[at].prime, context);
        if (rsa_numbers_load(numbers) != cases[at].want) fail_msg("case %zu", at);
        for (int i = 0; cases[at].want == 0 && i < NUMBERS; i++) {
            BIGNUM *right = BN_dup(numbers[i]);
            BN_add_word(numbers[i], 2);
            if (rsa_numbers_load(numbers) != KEY_E_VALUE) fail_msg("number %d may be wrong", i);
            BN_copy(numbers[i], right);
            BN_free(right);
        }
        for (int i = 0; i < NUMBERS; i++) BN_free(numbers[i]);
    }
    BN_CTX_free(context);
}

static void curves_spelled_out_are_refused(void **state) {
    (void)state;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *evp = NULL;
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "P-256" }, 0),
                            OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, (char[]){ "explicit" }, 0),
                            OSSL_PARAM_construct_end() };
    uint8_t memory[4096];
    struct buffer pem;
    struct key *key = NULL;
    buffer_init(&pem, memory, sizeof memory);
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_params(context, params), 1);
    assert_int_equal(EVP_PKEY_generate(context, &evp), 1);
    EVP_PKEY_CTX_free(context);
    pem_of(evp, true, &pem);
    assert_int_equal(key_load_pem(buffer_str(&pem), &key), KEY_E_KIND);
}

static void jwk_numbers_are_judged(void **state) {
    (void)state;
    struct key_parts rsa_parts, ec_parts;
    struct key *key = NULL;
    assert_int_equal(key_public_parts(rsa, &rsa_parts), 0);
    assert_int_equal(key_public_parts(ec, &ec_parts), 0);
    struct str n = str_from_bytes(rsa_parts.n, rsa_parts.n_bytes), e = str_from_bytes(rsa_parts.e, rsa_parts.e_bytes);
    uint8_t even[256], leading[257] = { 0 }, large[KEY_RSA_BYTES_MAX + 1];
    memcpy(even, n.at, 256);
    even[255] &= 0xfe;
    memcpy(leading + 1, n.at, 256);
    memset(large, 0xff, sizeof large);
    const struct {
        const char *name;
        struct str n, e;
        int want;
    } rsa_cases[] = {
        { "good", n, e, 0 },
        { "leading zero", str_from_bytes(leading, 257), e, KEY_E_VALUE },
        { "even modulus", str_from_bytes(even, 256), e, KEY_E_VALUE },
        { "short", str_slice(n, 0, 255), e, KEY_E_WEAK },
        { "empty", STR(""), e, KEY_E_VALUE },
        { "too large", str_from_bytes(large, sizeof large), e, KEY_E_SIZE },
        { "exponent 1", n, STR("\x01"), KEY_E_VALUE },
        { "exponent 3", n, STR("\x03"), KEY_E_VALUE },
        { "exponent even", n, STR("\x01\x00\x00"), KEY_E_VALUE },
        { "exponent empty", n, STR(""), KEY_E_VALUE },
        { "exponent long", n, STR("\x01\x00\x00\x00\x01"), KEY_E_VALUE },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rsa_cases); i++) {
        int r = key_load_rsa(rsa_cases[i].n, rsa_cases[i].e, &key);
        if (r != rsa_cases[i].want) fail_msg("%s: %d", rsa_cases[i].name, r);
        if (r == 0) assert_true(key_equal_public(key, rsa));
        if (r == 0) key = key_free(key);
    }
    struct str x = str_from_bytes(ec_parts.x, 32), y = str_from_bytes(ec_parts.y, 32);
    uint8_t off[32], zero[32] = { 0 };
    memcpy(off, ec_parts.y, 32);
    off[31] ^= 1;
    const struct {
        const char *name;
        struct str x, y;
        int want;
    } ec_cases[] = {
        { "good", x, y, 0 },
        { "off the curve", x, str_from_bytes(off, 32), KEY_E_VALUE },
        { "zero", str_from_bytes(zero, 32), str_from_bytes(zero, 32), KEY_E_VALUE },
        { "x short", str_slice(x, 0, 31), y, KEY_E_VALUE },
        { "y empty", x, STR(""), KEY_E_VALUE },
    };
    for (size_t i = 0; i < ARRAY_COUNT(ec_cases); i++) {
        int r = key_load_ec_p256(ec_cases[i].x, ec_cases[i].y, &key);
        if (r != ec_cases[i].want) fail_msg("%s: %d", ec_cases[i].name, r);
        if (r == 0) assert_true(key_equal_public(key, ec));
        if (r == 0) key = key_free(key);
    }
}

static void *sign_many(void *context) {
    struct key *key = context;
    for (int i = 0; i < 20; i++) {
        struct key_signature signature;
        if (key_sign(key, key_algorithm(key), STR("m"), &signature)) return context;
        if (key_verify(key, key_algorithm(key), STR("m"), signature_str(&signature))) return context;
    }
    key_free(key);
    return NULL;
}

/* spec: gateway/r7 */
static void k3_threads_share_a_key(void **state) {
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, key_share(i % 2 ? rsa : ec)), 0);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_verifies_what_it_signed),
        cmocka_unit_test(the_vector_of_rfc_7515),
        cmocka_unit_test(es256_signatures_are_judged_before_any_conversion),
        cmocka_unit_test(es256_in_der_is_refused),
        cmocka_unit_test(ps256_takes_one_padding_alone),
        cmocka_unit_test(only_strong_keys_of_three_kinds_load),
        cmocka_unit_test(the_vector_of_rfc_8032),
        cmocka_unit_test(points_that_prove_nothing_are_refused),
        cmocka_unit_test(pem_round_trip_and_refusals),
        cmocka_unit_test(private_rsa_numbers_must_fit),
        cmocka_unit_test(curves_spelled_out_are_refused),
        cmocka_unit_test(jwk_numbers_are_judged),
        cmocka_unit_test(k3_threads_share_a_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
