/* store_postgres_seal.c - personal columns, each value sealed for itself.
 *
 * (P1) Sealed form: version (1), nonce (12), ciphertext, tag (16): AES-256-GCM (NIST SP 800-38D). The associated data
 *      names table, column and primary key, so a value moved to another place does not open.
 * (P2) A nonce is a salt of 8 random bytes, drawn at every open of a store and every 2^32 values, and a counter of 4.
 *      The salt also chooses the data key (HKDF of the column key with it), so no data key seals more than 2^32 values
 *      and no pair of data key and nonce comes twice unless two salts of 64 bits are equal.
 * (P3) The empty value stays empty: that a customer has no IBAN is no secret, and it needs no row of its own. */
#include "store/store_postgres_int.h"

#include "platform/random.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static int crypto_fault(void) {
    ERR_clear_error();
    return err_origin(-ENOMEM);
}

/* HKDF-SHA-256 (RFC 5869) of 32 bytes. */
static int derive(const uint8_t key[STORE_KEY_BYTES], struct str salt, struct str purpose, uint8_t ret_key[32]) {
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    EVP_KDF_free(kdf);
    char digest[] = "SHA256";
    uint8_t secret[STORE_KEY_BYTES];
    memcpy(secret, key, sizeof secret);
    OSSL_PARAM parameters[5];
    size_t at = 0;
    parameters[at++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    parameters[at++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, sizeof secret);
    parameters[at++] =
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)purpose.at, purpose.len);
    if (salt.len)
        parameters[at++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.at, salt.len);
    parameters[at] = OSSL_PARAM_construct_end();
    bool done = context && EVP_KDF_derive(context, ret_key, 32, parameters) == 1;
    EVP_KDF_CTX_free(context);
    secret_wipe(secret, sizeof secret);
    return done ? 0 : crypto_fault();
}

/* A context keyed for the data key of salt. */
static int data_key(const struct postgres_seal *seal, const uint8_t salt[POSTGRES_SEAL_SALT_BYTES], bool sealing,
                    EVP_CIPHER_CTX *context) {
    uint8_t key[32];
    int r = derive(seal->column_key, str_from_bytes(salt, POSTGRES_SEAL_SALT_BYTES), STR("giro column data key"), key);
    if (r == 0 && EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, NULL, sealing) != 1) r = crypto_fault();
    secret_wipe(key, sizeof key);
    return err_trace(r);
}

static int hash_init(struct postgres_seal *seal, const uint8_t *key) {
    uint8_t hash_key[32];
    char digest[] = "SHA256";
    int r = derive(key, STR(""), STR("giro column hashes"), hash_key);
    if (r) return err_trace(r);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    seal->hash = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    const OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                      OSSL_PARAM_construct_end() };
    bool done = seal->hash && EVP_MAC_init(seal->hash, hash_key, sizeof hash_key, parameters) == 1;
    secret_wipe(hash_key, sizeof hash_key);
    return done ? 0 : crypto_fault();
}

int postgres_seal_init(struct postgres_seal *seal, const uint8_t *key) {
    *seal = (struct postgres_seal){ 0 };
    int r = derive(key, STR(""), STR("giro personal columns"), seal->column_key);
    if (r == 0) r = derive(key, STR(""), STR("giro key check"), seal->check_value);
    if (r == 0) r = hash_init(seal, key);
    if (r) postgres_seal_release(seal);
    return err_trace(r);
}

void postgres_seal_release(struct postgres_seal *seal) {
    EVP_MAC_CTX_free(seal->hash);
    EVP_CIPHER_CTX_free(seal->sealing);
    for (size_t i = 0; i < POSTGRES_SEAL_CACHE; i++) EVP_CIPHER_CTX_free(seal->cache[i].opening);
    secret_wipe(seal, sizeof *seal);
    *seal = (struct postgres_seal){ 0 };
}

/* The nonce of the next value; a new data key first when the counter is used up (P2). */
static int next_nonce(struct postgres_seal *seal, uint8_t nonce[POSTGRES_SEAL_NONCE_BYTES]) {
    if (!seal->sealing || seal->sealed > UINT32_MAX) {
        if (!seal->sealing) seal->sealing = EVP_CIPHER_CTX_new();
        if (!seal->sealing) return crypto_fault();
        random_bytes(seal->salt, sizeof seal->salt);
        int r = data_key(seal, seal->salt, true, seal->sealing);
        if (r) return err_trace(r);
        seal->sealed = 0;
    }
    memcpy(nonce, seal->salt, POSTGRES_SEAL_SALT_BYTES);
    for (int i = 0; i < 4; i++) nonce[POSTGRES_SEAL_SALT_BYTES + i] = (uint8_t)(seal->sealed >> (24 - 8 * i));
    seal->sealed++;
    return 0;
}

static const unsigned char *bytes_of(struct str s) {
    return (const unsigned char *)(s.len ? s.at : "");
}

int postgres_seal_close(struct postgres_seal *seal, struct str associated, struct str plain, struct buffer *out) {
    uint8_t head[1 + POSTGRES_SEAL_NONCE_BYTES] = { POSTGRES_SEAL_VERSION }, tag[POSTGRES_SEAL_TAG_BYTES];
    uint8_t piece[1024];
    int len = 0;
    if (plain.len == 0) return 0;
    int r = next_nonce(seal, head + 1);
    if (r) return err_trace(r);
    EVP_CIPHER_CTX *context = seal->sealing;
    if (EVP_CipherInit_ex(context, NULL, NULL, NULL, head + 1, 1) != 1 ||
        EVP_CipherUpdate(context, NULL, &len, bytes_of(associated), (int)associated.len) != 1)
        return crypto_fault();
    buffer_append(out, head, sizeof head);
    for (size_t at = 0; at < plain.len; at += (size_t)len) {
        struct str part = str_slice(plain, at, at + sizeof piece);
        if (EVP_CipherUpdate(context, piece, &len, bytes_of(part), (int)part.len) != 1 || (size_t)len != part.len)
            return crypto_fault();
        buffer_append(out, piece, part.len);
    }
    if (EVP_CipherFinal_ex(context, piece, &len) != 1 || len != 0 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, sizeof tag, tag) != 1)
        return crypto_fault();
    buffer_append(out, tag, sizeof tag);
    return 0;
}

static int opening_context(struct postgres_seal *seal, const uint8_t *salt, EVP_CIPHER_CTX **ret_context) {
    size_t at = salt[0] % POSTGRES_SEAL_CACHE;
    EVP_CIPHER_CTX *context = seal->cache[at].opening;
    if (context && memcmp(seal->cache[at].salt, salt, POSTGRES_SEAL_SALT_BYTES) == 0) {
        *ret_context = context;
        return 0;
    }
    if (!context) context = EVP_CIPHER_CTX_new();
    if (!context) return crypto_fault();
    seal->cache[at].opening = context;
    memset(seal->cache[at].salt, 0, POSTGRES_SEAL_SALT_BYTES);
    int r = data_key(seal, salt, false, context);
    if (r) {
        EVP_CIPHER_CTX_free(context); /* keyed for nobody */
        seal->cache[at].opening = NULL;
        return err_trace(r);
    }
    memcpy(seal->cache[at].salt, salt, POSTGRES_SEAL_SALT_BYTES);
    *ret_context = context;
    return 0;
}

int postgres_seal_open(struct postgres_seal *seal, struct str associated, struct str sealed, uint8_t *plain,
                       size_t *ret_len) {
    const uint8_t *at = (const uint8_t *)sealed.at;
    if (sealed.len == 0) {
        *ret_len = 0;
        return 0;
    }
    if (sealed.len <= POSTGRES_SEAL_OVERHEAD_BYTES || at[0] != POSTGRES_SEAL_VERSION) return err_origin(-EBADMSG);
    EVP_CIPHER_CTX *context;
    uint8_t tag[POSTGRES_SEAL_TAG_BYTES];
    int len = 0, tail = 0;
    size_t plain_bytes = sealed.len - POSTGRES_SEAL_OVERHEAD_BYTES;
    int r = opening_context(seal, at + 1, &context);
    if (r) return err_trace(r);
    memcpy(tag, at + sealed.len - sizeof tag, sizeof tag);
    bool proven = EVP_CipherInit_ex(context, NULL, NULL, NULL, at + 1, 0) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1 &&
                  EVP_CipherUpdate(context, NULL, &len, bytes_of(associated), (int)associated.len) == 1 &&
                  EVP_CipherUpdate(context, plain, &len, at + 1 + POSTGRES_SEAL_NONCE_BYTES, (int)plain_bytes) == 1 &&
                  EVP_CipherFinal_ex(context, plain + len, &tail) == 1;
    if (!proven) {
        secret_wipe(plain, plain_bytes);
        ERR_clear_error();
        return err_origin(-EBADMSG);
    }
    *ret_len = plain_bytes;
    return 0;
}

int postgres_seal_hash(struct postgres_seal *seal, const struct table *table, uint8_t column, struct str value,
                       uint8_t ret_hash[32]) {
    size_t len = 0;
    const char *names[] = { table->service, table->name, table->columns[column].name };
    bool done = EVP_MAC_init(seal->hash, NULL, 0, NULL) == 1;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        done = done && EVP_MAC_update(seal->hash, (const unsigned char *)names[i], strlen(names[i]) + 1) == 1;
    done = done && EVP_MAC_update(seal->hash, bytes_of(value), value.len) == 1 &&
           EVP_MAC_final(seal->hash, ret_hash, &len, 32) == 1 && len == 32;
    return done ? 0 : crypto_fault();
}
