#include "platform/seal.h"

#include "platform/random.h"
#include "platform/secret.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static int seal_fault(EVP_CIPHER_CTX *context) {
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    return err_origin(-ENOMEM);
}

static const unsigned char *bytes_of(struct str s) {
    return (const unsigned char *)(s.len ? s.at : "");
}

/* Feeds associated data; none is fine. */
static bool associated_put(EVP_CIPHER_CTX *context, struct str associated) {
    int len = 0;
    return associated.len == 0 || EVP_CipherUpdate(context, NULL, &len, bytes_of(associated), (int)associated.len) == 1;
}

int seal_bytes(const uint8_t key[SEAL_KEY_BYTES], struct str associated, struct str plain, struct buffer *out) {
    if (plain.len > SEAL_PLAIN_BYTES_MAX || associated.len > SEAL_PLAIN_BYTES_MAX) return SEAL_E_SIZE;
    uint8_t sealed[SEAL_PLAIN_BYTES_MAX + SEAL_OVERHEAD_BYTES];
    int len = 0, tail = 0;
    random_bytes(sealed, SEAL_NONCE_BYTES);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context || EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, sealed) != 1 ||
        !associated_put(context, associated) ||
        EVP_EncryptUpdate(context, sealed + SEAL_NONCE_BYTES, &len, bytes_of(plain), (int)plain.len) != 1 ||
        EVP_EncryptFinal_ex(context, sealed + SEAL_NONCE_BYTES + len, &tail) != 1 || (size_t)len != plain.len ||
        tail != 0 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, sealed + SEAL_NONCE_BYTES + plain.len) != 1)
        return seal_fault(context);
    EVP_CIPHER_CTX_free(context);
    buffer_append(out, sealed, plain.len + SEAL_OVERHEAD_BYTES);
    return out->overflow ? err_origin(-ENOMEM) : 0;
}

int seal_open(const uint8_t key[SEAL_KEY_BYTES], struct str associated, struct str sealed, struct buffer *out) {
    if (sealed.len < SEAL_OVERHEAD_BYTES || sealed.len > SEAL_PLAIN_BYTES_MAX + SEAL_OVERHEAD_BYTES) return SEAL_E_SIZE;
    if (associated.len > SEAL_PLAIN_BYTES_MAX) return SEAL_E_SIZE;
    const unsigned char *at = bytes_of(sealed);
    size_t plain_bytes = sealed.len - SEAL_OVERHEAD_BYTES;
    uint8_t plain[SEAL_PLAIN_BYTES_MAX], tag[SEAL_TAG_BYTES];
    memcpy(tag, at + SEAL_NONCE_BYTES + plain_bytes, sizeof tag);
    int len = 0, tail = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context || EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, at) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, tag) != 1)
        return seal_fault(context);
    bool proven = associated_put(context, associated) &&
                  EVP_DecryptUpdate(context, plain, &len, at + SEAL_NONCE_BYTES, (int)plain_bytes) == 1 &&
                  EVP_DecryptFinal_ex(context, plain + len, &tail) == 1;
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    if (proven) buffer_append(out, plain, plain_bytes);
    secret_wipe(plain, plain_bytes);
    if (!proven) return SEAL_E_FORGED;
    return out->overflow ? err_origin(-ENOMEM) : 0;
}
