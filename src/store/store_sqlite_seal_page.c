/* store_sqlite_seal_page.c - one page sealed with AES-256-GCM (NIST SP 800-38D) and opened again. */
#include "store/store_sqlite_seal_int.h"

#include <openssl/err.h>

enum { EPOCH_AT = SEAL_TEXT_BYTES, NONCE_AT = EPOCH_AT + 4, NONCE_BYTES = 12, TAG_AT = NONCE_AT + NONCE_BYTES };
static_assert(TAG_AT + 16 == SEAL_PAGE_BYTES, "epoch, nonce and tag fill the reserved bytes");

static void put_be(uint8_t *at, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static uint32_t get_be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

struct seal_place seal_place_database(uint64_t page, const uint8_t header[SEAL_CLEAR_BYTES]) {
    struct seal_place place = { .bytes = { 'D' }, .len = 9 };
    put_be(place.bytes + 1, page, 8);
    if (page != 1) return place;
    memcpy(place.bytes + 9, header, SEAL_CLEAR_BYTES);
    place.len += SEAL_CLEAR_BYTES;
    place.clear = SEAL_CLEAR_BYTES;
    return place;
}

struct seal_place seal_place_log(uint64_t frame_offset, const uint8_t frame_header[FRAME_SEALED_BYTES]) {
    struct seal_place place = { .bytes = { 'W' }, .len = 9 + FRAME_SEALED_BYTES };
    put_be(place.bytes + 1, frame_offset, 8);
    memcpy(place.bytes + 9, frame_header, FRAME_SEALED_BYTES);
    return place;
}

void seal_cipher_release(struct seal_cipher *cipher) {
    EVP_CIPHER_CTX_free(cipher->seal); /* wipes; takes NULL */
    for (size_t i = 0; i < SEAL_CONTEXTS; i++) EVP_CIPHER_CTX_free(cipher->open[i]);
    *cipher = (struct seal_cipher){ 0 };
}

/* The context with the key of that position: expanding a key costs as much as sealing a tenth of a page. */
static int cipher_key(EVP_CIPHER_CTX **context, uint32_t *held, uint32_t position, const uint8_t *key, int sealing) {
    if (*context && *held == position) return 0;
    if (!*context) *context = EVP_CIPHER_CTX_new();
    if (*context && EVP_CipherInit_ex(*context, EVP_aes_256_gcm(), NULL, key, NULL, sealing) == 1) {
        *held = position;
        return 0;
    }
    EVP_CIPHER_CTX_free(*context);
    *context = NULL;
    ERR_clear_error();
    return err_origin(-ENOMEM);
}

static bool reserved_is_zero(const uint8_t *page) {
    uint64_t words[SEAL_RESERVED_BYTES / 8];
    memcpy(words, page + SEAL_TEXT_BYTES, sizeof words);
    return (words[0] | words[1] | words[2] | words[3]) == 0;
}

int seal_page(struct seal_ring *ring, struct seal_cipher *cipher, const struct seal_place *place, const uint8_t *page,
              uint8_t *sealed) {
    uint32_t position, counter;
    if (!reserved_is_zero(page)) return err_origin(-EINVAL); /* made without the reserved bytes: they would be lost */
    int r = seal_ring_ticket(ring, &position, &counter);
    if (r == 0) r = cipher_key(&cipher->seal, &cipher->seal_position, position, seal_ring_key(ring, position), 1);
    if (r) return err_trace(r);
    EVP_CIPHER_CTX *context = cipher->seal;
    int len = 0, tail = 0, text_bytes = SEAL_TEXT_BYTES - (int)place->clear;
    put_be(sealed + EPOCH_AT, ring->epochs[position], 4);
    memset(sealed + NONCE_AT, 0, NONCE_BYTES);
    put_be(sealed + NONCE_AT + NONCE_BYTES - 8, counter, 8);
    bool done = EVP_EncryptInit_ex(context, NULL, NULL, NULL, sealed + NONCE_AT) == 1 &&
                EVP_EncryptUpdate(context, NULL, &len, place->bytes, (int)place->len) == 1 &&
                EVP_EncryptUpdate(context, sealed + place->clear, &len, page + place->clear, text_bytes) == 1 &&
                EVP_EncryptFinal_ex(context, sealed + place->clear + len, &tail) == 1 && len == text_bytes &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, sealed + TAG_AT) == 1;
    if (done) return 0;
    ERR_clear_error();
    return err_origin(-ENOMEM);
}

static bool is_proven(EVP_CIPHER_CTX *context, const struct seal_place *place, const uint8_t *sealed, uint8_t *page) {
    uint8_t trailer[SEAL_RESERVED_BYTES];
    int len = 0, tail = 0, text_bytes = SEAL_TEXT_BYTES - (int)place->clear;
    memcpy(trailer, sealed + SEAL_TEXT_BYTES, sizeof trailer); /* page may be sealed */
    return EVP_DecryptInit_ex(context, NULL, NULL, NULL, trailer + (NONCE_AT - SEAL_TEXT_BYTES)) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, trailer + (TAG_AT - SEAL_TEXT_BYTES)) == 1 &&
           EVP_DecryptUpdate(context, NULL, &len, place->bytes, (int)place->len) == 1 &&
           EVP_DecryptUpdate(context, page + place->clear, &len, sealed + place->clear, text_bytes) == 1 &&
           EVP_DecryptFinal_ex(context, page + place->clear + len, &tail) == 1 && len == text_bytes;
}

enum seal_verdict seal_page_open(struct seal_ring *ring, struct seal_cipher *cipher, const struct seal_place *place,
                                 const uint8_t *sealed, uint8_t *page) {
    uint32_t position, epoch = get_be32(sealed + EPOCH_AT);
    enum seal_verdict verdict = SEAL_DAMAGED;
    if (epoch && seal_ring_find(ring, epoch, &position)) {
        size_t slot = position % SEAL_CONTEXTS;
        int r =
            cipher_key(&cipher->open[slot], &cipher->open_positions[slot], position, seal_ring_key(ring, position), 0);
        if (r) verdict = SEAL_NO_MEMORY;
        else if (is_proven(cipher->open[slot], place, sealed, page)) verdict = SEAL_SOUND;
        ERR_clear_error(); /* a wrong tag leaves nothing, a fault might */
    } else {
        uint32_t count = atomic_load(&ring->count), newest = count ? ring->epochs[count - 1] : 0;
        if (epoch > newest && epoch - newest <= SEAL_EPOCH_AHEAD_MAX) verdict = SEAL_KEYLESS;
    }
    if (verdict == SEAL_SOUND) memset(page + SEAL_TEXT_BYTES, 0, SEAL_RESERVED_BYTES);
    else secret_wipe(page, SEAL_PAGE_BYTES);
    return verdict;
}
