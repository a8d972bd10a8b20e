#include "domain/approval.h"

#include "platform/buffer.h"
#include "platform/encoding.h"

enum { APPROVAL_FIELDS = 7, APPROVAL_NUMBERS = 3 };

static void put_number(uint8_t bytes[8], int64_t number) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
}

struct hash approval_hash(const struct approval *approval) {
    const struct str fields[APPROVAL_FIELDS] = {
        STR("giro approval 1"), str_from_bytes((const char *)approval->consent_id, 16),
        approval->accounts,     approval->payee_name,
        approval->payee_scheme, approval->payee_identification,
        approval->document,
    };
    const int64_t numbers[APPROVAL_NUMBERS] = { approval->amount_minor, approval->currency, approval->expires_ms };
    uint8_t bytes[APPROVAL_FIELDS * sizeof(struct hash) + APPROVAL_NUMBERS * 8], *at = bytes;
    for (size_t i = 0; i < APPROVAL_FIELDS; i++) { /* (P1) hashed one by one: fixed lengths side by side */
        struct hash hash = sha256_str(fields[i]);
        memcpy(at, hash.bytes, sizeof hash.bytes);
        at += sizeof hash.bytes;
    }
    for (size_t i = 0; i < APPROVAL_NUMBERS; i++, at += 8) put_number(at, numbers[i]);
    return sha256(bytes, sizeof bytes);
}

struct str approval_text(const struct hash *hash, char text[APPROVAL_TEXT_BYTES]) {
    struct buffer out;
    buffer_init(&out, text, APPROVAL_TEXT_BYTES);
    base64url_encode(&out, hash->bytes, sizeof hash->bytes);
    return buffer_str(&out);
}

int approval_parse(struct str text, struct hash *ret_hash) {
    char memory[sizeof(struct hash)];
    struct buffer bytes;
    buffer_init(&bytes, memory, sizeof memory);
    if (text.len != APPROVAL_TEXT_BYTES - 1 || base64url_decode(text, &bytes) || bytes.len != sizeof memory)
        return -EINVAL;
    memcpy(ret_hash->bytes, memory, sizeof memory);
    return 0;
}
