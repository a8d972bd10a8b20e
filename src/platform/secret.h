/* secret.h - bytes that must not be seen: keys, PEM of private keys, pages of passwords.
 *
 * (S1) a struct secret_bytes lives in pages of its own: locked in memory where the system allows it, left out of core
 *      dumps, wiped before they are given back.
 * (S2) a file of secrets is read only when nobody but its owner (this user or root) may touch it: mode 0600 or 0400.
 *      Root, who may read all anyway, reads those of any one user: the operator beside a bank that runs as its own
 * user. (S3) secret_create_file and secret_write_file never replace a file and never leave half of one under its name.
 * Messages name paths and modes, never content. */
#ifndef GIRO_PLATFORM_SECRET_H
#define GIRO_PLATFORM_SECRET_H

#include "platform/str.h"

enum { SECRET_BYTES_MAX = 64 * 1024 };

#define SECRET_E_MAP(X)                                                                                                \
    X(SECRET_E_MISSING, "no such file")                                                                                \
    X(SECRET_E_MODE, "others may read it")                                                                             \
    X(SECRET_E_OWNER, "wrong owner")                                                                                   \
    X(SECRET_E_KIND, "not a regular file")                                                                             \
    X(SECRET_E_SIZE, "wrong size")                                                                                     \
    X(SECRET_E_EXISTS, "exists already")                                                                               \
    X(SECRET_E_ACCESS, "not accessible")
#define X(code, name) code,
enum secret_refusal { SECRET_E_NONE = 0, SECRET_E_MAP(X) SECRET_E_COUNT };
#undef X

/* Owned by whoever has it; secret_release gives it back. */
struct secret_bytes {
    uint8_t *at;
    size_t len;
    size_t mapped_bytes;
    bool locked; /* false where RLIMIT_MEMLOCK forbids it: the bytes could reach swap */
};

void secret_wipe(void *bytes, size_t len); /* overwrites in a way the compiler keeps; len may be 0 */
/* len zeroed bytes, 1..SECRET_BYTES_MAX (check). 0 or -ENOMEM. */
int secret_alloc(size_t len, struct secret_bytes *ret_secret) MUST_USE;
void secret_release(struct secret_bytes *secret);         /* wipes and unmaps; works on a zeroed struct and twice */
struct str secret_str(const struct secret_bytes *secret); /* borrowed */
/* The process writes no core and cannot be traced by other users (PR_SET_DUMPABLE 0, RLIMIT_CORE 0). 0 or -errno. */
int secrets_no_core(void) MUST_USE;

/* Exactly bytes (1..SECRET_BYTES_MAX) from a file that obeys (S2). 0, SECRET_E_MISSING, _MODE, _OWNER, _KIND, _SIZE,
 * _ACCESS with a sentence in message (may be NULL), or a fault. */
int secret_load_file(const char *path, size_t bytes, struct secret_bytes *ret_secret, struct message *message) MUST_USE;
/* The same for a file of 1..bytes_max bytes, for instance the PEM of a private key. */
int secret_load_text(const char *path, size_t bytes_max, struct secret_bytes *ret_secret,
                     struct message *message) MUST_USE;
/* Makes a file of mode 0600 with that many random bytes, flushed with its directory, and returns them. 0,
 * SECRET_E_EXISTS, SECRET_E_ACCESS (directory missing or not writable), or a fault. */
int secret_create_file(const char *path, size_t bytes, struct secret_bytes *ret_secret,
                       struct message *message) MUST_USE;
/* The same with bytes given by the caller. */
int secret_write_file(const char *path, struct str bytes, struct message *message) MUST_USE;

#endif
