/* password.h - customers' passwords: argon2id (RFC 9106) with its encoded string.
 *
 * The cost is modest so that a laptop's sandbox stays quick (OWASP's smallest: 19 MiB, two passes); verification takes
 * the cost from the stored string, so raising the constants changes new hashes only. Call from the pool, never from an
 * HTTP thread. */
#ifndef GIRO_PLATFORM_PASSWORD_H
#define GIRO_PLATFORM_PASSWORD_H

#include "platform/str.h"

enum {
    PASSWORD_MEMORY_KIB = 19 * 1024,
    PASSWORD_PASSES = 2,
    PASSWORD_LANES = 1,
    PASSWORD_SALT_BYTES = 16,
    PASSWORD_HASH_BYTES = 32,
    PASSWORD_BYTES_MAX = 1024,            /* of a password */
    PASSWORD_TEXT_BYTES = 128,            /* of an encoded hash with its NUL */
    PASSWORD_MEMORY_KIB_MAX = 256 * 1024, /* a stored hash that asks for more is refused */
    PASSWORD_PASSES_MAX = 16,
    PASSWORD_LANES_MAX = 8,
};

#define PASSWORD_E_MAP(X)                                                                                              \
    X(PASSWORD_E_WRONG, "wrong password")                                                                              \
    X(PASSWORD_E_LENGTH, "empty or too long")                                                                          \
    X(PASSWORD_E_HASH, "not an argon2id hash")
#define X(code, name) code,
enum password_refusal { PASSWORD_E_NONE = 0, PASSWORD_E_MAP(X) PASSWORD_E_COUNT };
#undef X

/* "$argon2id$v=19$m=19456,t=2,p=1$salt$hash" with a random salt into text. 0, PASSWORD_E_LENGTH, or -ENOMEM. */
int password_hash(struct str password, char text[PASSWORD_TEXT_BYTES]) MUST_USE;
/* Constant time in the comparison. 0, PASSWORD_E_WRONG, _LENGTH, _HASH, or -ENOMEM. */
int password_verify(struct str encoded, struct str password) MUST_USE;
/* Costs what password_verify costs and always refuses: for a login that does not exist, so that it cannot be told by
 * time. PASSWORD_E_WRONG, _LENGTH, or -ENOMEM. */
int password_verify_nobody(struct str password) MUST_USE;

#endif
