#include "auth/dpop_nonce.h"

#include "platform/buffer.h"
#include "platform/encoding.h"

enum { NONCE_MAC_BYTES = 16 };

static struct str make(const struct hash *key, uint64_t period, char memory[DPOP_NONCE_TEXT_BYTES]) {
    uint8_t bytes[8 + NONCE_MAC_BYTES];
    struct buffer out;
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(period >> (56 - 8 * i));
    struct hash mac = hmac_sha256(str_from_bytes(key->bytes, sizeof key->bytes), str_from_bytes(bytes, 8));
    memcpy(bytes + 8, mac.bytes, NONCE_MAC_BYTES);
    buffer_init(&out, memory, DPOP_NONCE_TEXT_BYTES - 1);
    base64url_encode(&out, bytes, sizeof bytes);
    check(!out.overflow && out.len == DPOP_NONCE_TEXT_BYTES - 1);
    memory[out.len] = 0;
    return buffer_str(&out);
}

struct str dpop_nonce_make(const struct hash *key, int64_t now_ms, char memory[DPOP_NONCE_TEXT_BYTES]) {
    return make(key, (uint64_t)now_ms / DPOP_NONCE_PERIOD_MS, memory);
}

bool dpop_nonce_fits(const struct hash *key, int64_t now_ms, struct str nonce) {
    char memory[DPOP_NONCE_TEXT_BYTES];
    uint64_t period = (uint64_t)now_ms / DPOP_NONCE_PERIOD_MS;
    bool fits = false;
    if (nonce.len != DPOP_NONCE_TEXT_BYTES - 1) return false;
    for (uint64_t one = period - 1; one <= period + 1; one++) {
        struct str good = make(key, one, memory);
        fits = bytes_equal_constant_time(good.at, nonce.at, nonce.len) || fits;
    }
    return fits;
}
