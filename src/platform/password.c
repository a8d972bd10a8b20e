#include "platform/password.h"

#include "platform/random.h"

#include <argon2.h>

static bool password_length_fits(struct str password) {
    return password.len > 0 && password.len <= PASSWORD_BYTES_MAX;
}

int password_hash(struct str password, char text[PASSWORD_TEXT_BYTES]) {
    if (!password_length_fits(password)) return PASSWORD_E_LENGTH;
    uint8_t salt[PASSWORD_SALT_BYTES];
    random_bytes(salt, sizeof salt);
    int result = argon2id_hash_encoded(PASSWORD_PASSES, PASSWORD_MEMORY_KIB, PASSWORD_LANES, password.at, password.len,
                                       salt, sizeof salt, PASSWORD_HASH_BYTES, text, PASSWORD_TEXT_BYTES);
    return result == ARGON2_OK ? 0 : err_origin(-ENOMEM);
}

/* A decimal number behind prefix, up to max; moves rest behind it. */
static bool cost_read(struct str *rest, struct str prefix, uint64_t max) {
    uint64_t value = 0;
    size_t digits = 0;
    if (!str_starts(*rest, prefix)) return false;
    *rest = str_slice(*rest, prefix.len, rest->len);
    while (digits < rest->len && rest->at[digits] >= '0' && rest->at[digits] <= '9') digits++;
    if (str_to_u64(str_slice(*rest, 0, digits), &value) || value == 0 || value > max) return false;
    *rest = str_slice(*rest, digits, rest->len);
    return true;
}

/* The library would obey any cost the string names; a damaged row must not take a gigabyte. */
static bool password_cost_fits(struct str encoded) {
    struct str rest = encoded;
    return cost_read(&rest, STR("$argon2id$v=19$m="), PASSWORD_MEMORY_KIB_MAX) &&
           cost_read(&rest, STR(",t="), PASSWORD_PASSES_MAX) && cost_read(&rest, STR(",p="), PASSWORD_LANES_MAX) &&
           str_starts(rest, STR("$"));
}

int password_verify(struct str encoded, struct str password) {
    char text[PASSWORD_TEXT_BYTES];
    if (!password_length_fits(password)) return PASSWORD_E_LENGTH;
    if (str_to_c(encoded, text, sizeof text) || !password_cost_fits(encoded)) return PASSWORD_E_HASH;
    int result = argon2id_verify(text, password.at, password.len); /* compares in constant time, wipes its memory */
    if (result == ARGON2_OK) return 0;
    if (result == ARGON2_VERIFY_MISMATCH) return PASSWORD_E_WRONG;
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR || result == ARGON2_THREAD_FAIL) return err_origin(-ENOMEM);
    return PASSWORD_E_HASH;
}

int password_verify_nobody(struct str password) {
    if (!password_length_fits(password)) return PASSWORD_E_LENGTH;
    static const uint8_t salt[PASSWORD_SALT_BYTES];
    uint8_t hash[PASSWORD_HASH_BYTES];
    int result = argon2id_hash_raw(PASSWORD_PASSES, PASSWORD_MEMORY_KIB, PASSWORD_LANES, password.at, password.len,
                                   salt, sizeof salt, hash, sizeof hash);
    return result == ARGON2_OK ? PASSWORD_E_WRONG : err_origin(-ENOMEM);
}
