#include "observe/pii_hash.h"

#include "platform/encoding.h"

enum { PII_VALUE_BYTES_MAX = 512, PII_SHOWN_BYTES = 16 };
static_assert(POSTAL_ADDRESS_BYTES_MAX + 32 <= PII_VALUE_BYTES_MAX,
              "the longest personal type and its kind's name fit");

int pii_keys_add(struct pii_keys *keys, uint32_t version, const uint8_t bytes[PII_KEY_BYTES]) {
    static const uint8_t zero[PII_KEY_BYTES];
    if (memcmp(bytes, zero, PII_KEY_BYTES) == 0) return err_origin(-EINVAL);
    if (version == 0 || (keys->count && version <= keys->keys[keys->count - 1].version)) return err_origin(-EINVAL);
    if (keys->count == PII_KEYS_MAX) return err_origin(-ENOSPC);
    keys->keys[keys->count].version = version;
    memcpy(keys->keys[keys->count].bytes, bytes, PII_KEY_BYTES);
    keys->count++;
    return 0;
}

bool pii_keys_retire(struct pii_keys *keys) {
    if (keys->count < 2) return false;
    memmove(&keys->keys[0], &keys->keys[1], (keys->count - 1) * sizeof keys->keys[0]);
    keys->count--;
    explicit_bzero(&keys->keys[keys->count], sizeof keys->keys[0]);
    return true;
}

void pii_keys_release(struct pii_keys *keys) {
    explicit_bzero(keys, sizeof *keys);
}

struct pii_hash pii_hash_under(const struct pii_keys *keys, size_t index, enum personal_kind kind, struct str value) {
    char memory[PII_VALUE_BYTES_MAX];
    struct buffer message;
    check(index < keys->count);
    buffer_init(&message, memory, sizeof memory);
    buffer_append_c(&message, personal_kind_name(kind));
    buffer_append_char(&message, 0);
    buffer_append_str(&message, value);
    check(!message.overflow);
    struct pii_hash hash = { .version = keys->keys[index].version };
    hash.hash = hmac_sha256(str_from_bytes(keys->keys[index].bytes, PII_KEY_BYTES), buffer_str(&message));
    explicit_bzero(memory, sizeof memory);
    return hash;
}

struct pii_hash pii_hash(const struct pii_keys *keys, enum personal_kind kind, struct str value) {
    check(keys->count > 0);
    return pii_hash_under(keys, keys->count - 1, kind, value);
}

bool pii_hash_equal(const struct pii_hash *a, const struct pii_hash *b) {
    return a->version == b->version && hash_equal(&a->hash, &b->hash);
}

struct str pii_hash_text(const struct pii_hash *hash, char text[PII_HASH_TEXT_BYTES]) {
    struct buffer out;
    buffer_init(&out, text, PII_HASH_TEXT_BYTES - 1);
    buffer_append_char(&out, 'h');
    buffer_append_u64(&out, hash->version);
    buffer_append_char(&out, ':');
    hex_encode(&out, hash->hash.bytes, PII_SHOWN_BYTES);
    check(!out.overflow);
    text[out.len] = 0;
    return buffer_str(&out);
}
