#include "platform/key.h"

#include "platform/key_int.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { KEY_PEM_BLOCKS_MAX = 2 }; /* "EC PARAMETERS" may stand before the key */

const char *key_refusal_text(int refusal) {
#define X(code, name) [code] = name,
    static const char *const texts[KEY_E_COUNT] = { [KEY_E_NONE] = "done", KEY_E_MAP(X) };
#undef X
    return refusal >= 0 && refusal < KEY_E_COUNT ? texts[refusal] : "unknown";
}

const char *key_alg_name(enum key_alg alg) {
    switch (alg) {
    case KEY_ALG_PS256:
        return "PS256";
    case KEY_ALG_ES256:
        return "ES256";
    case KEY_ALG_EDDSA:
        return "EdDSA";
    case KEY_ALG_NONE:
        break;
    }
    return "none";
}

enum key_alg key_alg_parse(struct str name) {
    if (str_equal(name, STR("PS256"))) return KEY_ALG_PS256;
    if (str_equal(name, STR("ES256"))) return KEY_ALG_ES256;
    if (str_equal(name, STR("EdDSA")) || str_equal(name, STR("Ed25519"))) return KEY_ALG_EDDSA;
    return KEY_ALG_NONE;
}

/* Forgets OpenSSL's own list of errors (it would confuse the next reader of it) and starts a path of ours. */
static int key_fault(void) {
    ERR_clear_error();
    return err_origin(-ENOMEM);
}

static int key_refuse(int refusal) {
    ERR_clear_error();
    return refusal;
}

static int rsa_judge(const EVP_PKEY *evp) {
    int bits = EVP_PKEY_get_bits(evp);
    if (bits < KEY_RSA_BITS_MIN) return KEY_E_WEAK;
    if (bits > KEY_RSA_BITS_MAX) return KEY_E_SIZE;
    BIGNUM *n = NULL, *e = NULL;
    int r = KEY_E_VALUE;
    if (EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_N, &n) != 1) goto out;
    if (EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_E, &e) != 1) goto out;
    int e_bits = BN_num_bits(e);
    if (BN_is_odd(n) && BN_is_odd(e) && e_bits > 16 && e_bits <= 8 * KEY_RSA_EXPONENT_BYTES_MAX) r = 0;
out:
    BN_free(n);
    BN_free(e);
    return r;
}

/* P-256 by name; a curve spelled out in numbers is refused even if they are those of P-256. */
static int ec_judge(const EVP_PKEY *evp) {
    char group[32];
    size_t group_bytes = 0;
    int explicit_numbers = 0;
    if (EVP_PKEY_get_group_name(evp, group, sizeof group, &group_bytes) != 1) return KEY_E_KIND;
    if (!str_equal_c(str_from_bytes(group, group_bytes), "prime256v1")) return KEY_E_KIND;
    if (EVP_PKEY_get_int_param(evp, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_numbers) == 1 &&
        explicit_numbers)
        return KEY_E_KIND;
    return 0;
}

/* Points of small order, and those not written as RFC 8032 section 5.1.3 does (y below p): all but the sign bit of the
 * last byte, which may be either. Signatures by them prove nothing. */
static const uint8_t ed25519_weak[][KEY_ED25519_BYTES] = {
    { 0 },
    { 1 },
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
};

/* y is p - 1 or more: 0xec..0xff, then 30 bytes of 0xff, then 0x7f. */
static bool ed25519_is_high(const uint8_t y[KEY_ED25519_BYTES]) {
    if (y[0] < 0xec || y[KEY_ED25519_BYTES - 1] != 0x7f) return false;
    for (size_t i = 1; i < KEY_ED25519_BYTES - 1; i++)
        if (y[i] != 0xff) return false;
    return true;
}

static int ed25519_judge(const EVP_PKEY *evp) {
    uint8_t y[KEY_ED25519_BYTES];
    size_t len = sizeof y;
    if (EVP_PKEY_get_raw_public_key(evp, y, &len) != 1 || len != sizeof y) return KEY_E_KIND;
    y[KEY_ED25519_BYTES - 1] &= 0x7f;
    if (ed25519_is_high(y)) return KEY_E_VALUE;
    for (size_t i = 0; i < ARRAY_COUNT(ed25519_weak); i++)
        if (memcmp(y, ed25519_weak[i], sizeof y) == 0) return KEY_E_VALUE;
    return 0;
}

/* An EC point must be on the curve; a private key must fit its public one. RSA public keys were judged by rsa_judge;
 * for Ed25519 the public key is made from the private one. */
static int key_judge_numbers(EVP_PKEY *evp, enum key_type type, bool is_private) {
    if (type == KEY_TYPE_ED25519 || (type == KEY_TYPE_RSA && !is_private)) return 0;
    if (type == KEY_TYPE_RSA) return key_rsa_pair_judge(evp);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
    if (!context) return key_fault();
    int verdict = EVP_PKEY_public_check(context);
    if (verdict == 1 && is_private) verdict = EVP_PKEY_pairwise_check(context);
    EVP_PKEY_CTX_free(context);
    return verdict == 1 ? 0 : KEY_E_VALUE;
}

int key_wrap_take(EVP_PKEY *evp, bool is_private, struct key **ret_key) {
    enum key_type type = KEY_TYPE_EC_P256;
    int r = KEY_E_KIND; /* RSA-PSS keys with parameters of their own, other curves, Ed448, X25519, DH ... */
    if (EVP_PKEY_is_a(evp, "RSA")) type = KEY_TYPE_RSA;
    else if (EVP_PKEY_is_a(evp, "ED25519")) type = KEY_TYPE_ED25519;
    if (type == KEY_TYPE_RSA) r = rsa_judge(evp);
    else if (type == KEY_TYPE_ED25519) r = ed25519_judge(evp);
    else if (EVP_PKEY_is_a(evp, "EC")) r = ec_judge(evp);
    if (r == 0) r = key_judge_numbers(evp, type, is_private);
    struct key *key = r == 0 ? calloc(1, sizeof *key) : NULL;
    if (r == 0 && !key) r = err_origin(-ENOMEM);
    if (r) {
        EVP_PKEY_free(evp);
        ERR_clear_error();
        return r < 0 ? err_trace(r) : r;
    }
    key->evp = evp;
    key->type = type;
    key->bits = (size_t)EVP_PKEY_get_bits(evp);
    key->is_private = is_private;
    atomic_init(&key->references, 1);
    *ret_key = key;
    return 0;
}

int key_generate(enum key_type type, struct key **ret_key) {
    EVP_PKEY *evp = NULL;
    switch (type) {
    case KEY_TYPE_RSA:
        evp = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)KEY_RSA_BITS_MIN);
        break;
    case KEY_TYPE_EC_P256:
        evp = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        break;
    case KEY_TYPE_ED25519:
        evp = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    }
    if (!evp) return key_fault();
    return err_fold(key_wrap_take(evp, true, ret_key));
}

struct pem_block {
    char *name, *header;
    unsigned char *data;
    long len;
};

static void pem_block_release(struct pem_block *block) {
    OPENSSL_secure_free(block->name);
    OPENSSL_secure_free(block->header);
    if (block->data) OPENSSL_secure_clear_free(block->data, (size_t)block->len);
    *block = (struct pem_block){ 0 };
}

/* No callback for passwords exists here, so an encrypted key is refused and never asks at the terminal. */
static int key_from_block(const struct pem_block *block, struct key **ret_key) {
    const unsigned char *at = block->data;
    struct str name = str_from_c(block->name);
    bool is_public = str_equal_c(name, PEM_STRING_PUBLIC);
    EVP_PKEY *evp = NULL;
    if (block->header[0]) return KEY_E_SYNTAX;
    if (is_public) evp = d2i_PUBKEY(NULL, &at, block->len);
    else if (str_equal_c(name, PEM_STRING_PKCS8INF) || str_equal_c(name, PEM_STRING_RSA) ||
             str_equal_c(name, PEM_STRING_ECPRIVATEKEY))
        evp = d2i_AutoPrivateKey(NULL, &at, block->len);
    if (evp && at != block->data + block->len) {
        EVP_PKEY_free(evp);
        evp = NULL;
    }
    if (!evp) return KEY_E_SYNTAX;
    int r = key_wrap_take(evp, !is_public, ret_key);
    return r < 0 ? err_trace(r) : r;
}

int key_load_pem(struct str pem, struct key **ret_key) {
    if (pem.len == 0) return KEY_E_SYNTAX;
    if (pem.len > KEY_PEM_BYTES_MAX) return KEY_E_SIZE;
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    if (!bio) return key_fault();
    int r = KEY_E_SYNTAX;
    for (int count = 0; count < KEY_PEM_BLOCKS_MAX; count++) {
        struct pem_block block = { 0 };
        if (PEM_read_bio_ex(bio, &block.name, &block.header, &block.data, &block.len,
                            PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) != 1)
            break;
        bool is_parameters = str_equal_c(str_from_c(block.name), PEM_STRING_ECPARAMETERS);
        if (!is_parameters) r = key_from_block(&block, ret_key);
        pem_block_release(&block);
        if (!is_parameters) break;
    }
    BIO_free(bio);
    ERR_clear_error();
    return r < 0 ? err_trace(r) : r;
}

/* A public key from its numbers. */
static int key_from_params(const char *type, OSSL_PARAM_BLD *builder, struct key **ret_key) {
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *evp = NULL;
    int r = 0;
    if (!params || !context || EVP_PKEY_fromdata_init(context) != 1) r = key_fault();
    else if (EVP_PKEY_fromdata(context, &evp, EVP_PKEY_PUBLIC_KEY, params) != 1) r = key_refuse(KEY_E_VALUE);
    else r = key_wrap_take(evp, false, ret_key);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return r < 0 ? err_trace(r) : r;
}

int key_load_rsa(struct str n, struct str e, struct key **ret_key) {
    if (n.len == 0 || e.len == 0 || n.at[0] == 0 || e.at[0] == 0) return KEY_E_VALUE;
    if (n.len > KEY_RSA_BYTES_MAX) return KEY_E_SIZE;
    if (n.len < KEY_RSA_BITS_MIN / 8) return KEY_E_WEAK;
    if (e.len > KEY_RSA_EXPONENT_BYTES_MAX) return KEY_E_VALUE;
    BIGNUM *n_number = BN_bin2bn((const unsigned char *)n.at, (int)n.len, NULL);
    BIGNUM *e_number = BN_bin2bn((const unsigned char *)e.at, (int)e.len, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    int r;
    if (!n_number || !e_number || !builder || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n_number) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e_number) != 1)
        r = key_fault();
    else r = key_from_params("RSA", builder, ret_key);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n_number);
    BN_free(e_number);
    return r < 0 ? err_trace(r) : r;
}

int key_load_ec_p256(struct str x, struct str y, struct key **ret_key) {
    if (x.len != KEY_P256_BYTES || y.len != KEY_P256_BYTES) return KEY_E_VALUE;
    unsigned char point[1 + 2 * KEY_P256_BYTES] = { 4 }; /* uncompressed, SEC 1 section 2.3.3 */
    memcpy(point + 1, x.at, KEY_P256_BYTES);
    memcpy(point + 1 + KEY_P256_BYTES, y.at, KEY_P256_BYTES);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    int r;
    if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) != 1)
        r = key_fault();
    else r = key_from_params("EC", builder, ret_key);
    OSSL_PARAM_BLD_free(builder);
    return r < 0 ? err_trace(r) : r;
}

int key_load_ed25519(struct str x, struct key **ret_key) {
    if (x.len != KEY_ED25519_BYTES) return KEY_E_VALUE;
    EVP_PKEY *evp = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.at, x.len);
    if (!evp) return key_fault();
    int r = key_wrap_take(evp, false, ret_key);
    return r < 0 ? err_trace(r) : r;
}

struct key *key_share(struct key *key) {
    unsigned before = atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    check(before > 0 && before < UINT32_MAX);
    return key;
}

struct key *key_free(struct key *key) {
    if (!key) return NULL;
    unsigned before = atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel);
    check(before > 0);
    if (before == 1) {
        EVP_PKEY_free(key->evp); /* wipes the private numbers */
        free(key);
    }
    return NULL;
}

enum key_type key_type(const struct key *key) {
    return key->type;
}

enum key_alg key_algorithm(const struct key *key) {
    switch (key->type) {
    case KEY_TYPE_RSA:
        return KEY_ALG_PS256;
    case KEY_TYPE_EC_P256:
        return KEY_ALG_ES256;
    case KEY_TYPE_ED25519:
        return KEY_ALG_EDDSA;
    }
    return KEY_ALG_NONE;
}

size_t key_bits(const struct key *key) {
    return key->bits;
}

bool key_is_private(const struct key *key) {
    return key->is_private;
}

bool key_equal_public(const struct key *a, const struct key *b) {
    bool equal = a->type == b->type && EVP_PKEY_eq(a->evp, b->evp) == 1;
    ERR_clear_error();
    return equal;
}

static int key_number(const struct key *key, const char *name, uint8_t *at, size_t *len) {
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key->evp, name, &number) != 1) return key_fault();
    check((size_t)BN_num_bytes(number) <= *len); /* judged when the key was made */
    *len = (size_t)BN_bn2bin(number, at);
    BN_free(number);
    return 0;
}

int key_public_parts(const struct key *key, struct key_parts *ret_parts) {
    struct key_parts parts = { .type = key->type };
    if (key->type == KEY_TYPE_RSA) {
        parts.n_bytes = sizeof parts.n;
        parts.e_bytes = sizeof parts.e;
        int r = key_number(key, OSSL_PKEY_PARAM_RSA_N, parts.n, &parts.n_bytes);
        if (r == 0) r = key_number(key, OSSL_PKEY_PARAM_RSA_E, parts.e, &parts.e_bytes);
        if (r) return err_trace(r);
    } else if (key->type == KEY_TYPE_ED25519) {
        size_t len = sizeof parts.x;
        if (EVP_PKEY_get_raw_public_key(key->evp, parts.x, &len) != 1 || len != sizeof parts.x) return key_fault();
    } else {
        unsigned char point[1 + 2 * KEY_P256_BYTES];
        size_t len = 0;
        if (EVP_PKEY_get_octet_string_param(key->evp, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) != 1)
            return key_fault();
        if (len != sizeof point || point[0] != 4) return err_origin(-EPROTO);
        memcpy(parts.x, point + 1, KEY_P256_BYTES);
        memcpy(parts.y, point + 1 + KEY_P256_BYTES, KEY_P256_BYTES);
    }
    *ret_parts = parts;
    return 0;
}

int key_write_pem(const struct key *key, struct secret_bytes *ret_pem) {
    if (!key->is_private) return KEY_E_PUBLIC;
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    if (!bio) return key_fault();
    struct secret_bytes pem = { 0 };
    char *at = NULL;
    int r = PEM_write_bio_PKCS8PrivateKey(bio, key->evp, NULL, NULL, 0, NULL, NULL) == 1 ? 0 : key_fault();
    long len = r == 0 ? BIO_get_mem_data(bio, &at) : 0;
    if (r == 0 && (len <= 0 || len > KEY_PEM_BYTES_MAX)) r = err_origin(-EPROTO);
    if (r == 0) r = secret_alloc((size_t)len, &pem);
    if (r == 0) {
        memcpy(pem.at, at, (size_t)len);
        *ret_pem = pem;
    }
    BIO_free(bio);
    return err_trace(r);
}

int key_write_public_pem(const struct key *key, struct buffer *out) {
    BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;
    if (!bio || PEM_write_bio_PUBKEY(bio, key->evp) != 1) {
        BIO_free(bio);
        return key_fault();
    }
    long len = BIO_get_mem_data(bio, &at);
    buffer_append(out, at, (size_t)len);
    BIO_free(bio);
    return 0;
}
