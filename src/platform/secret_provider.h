/* secret_provider.h - where long-lived keys come from: a table of functions, so that the key of the store or of a token
 * comes from a folder of files here and from Vault or a cloud's key service there.
 *
 * (P1) A name is a lower-case word: a letter, then letters, digits, '_' and '-', at most SECRET_NAME_BYTES_MAX bytes.
 * It never reaches a path, a URL or a log before it was found to be one. (P2) A key that is there is never replaced;
 * making one that others made meanwhile gives theirs. */
#ifndef GIRO_PLATFORM_SECRET_PROVIDER_H
#define GIRO_PLATFORM_SECRET_PROVIDER_H

#include "platform/secret.h"

enum { SECRET_NAME_BYTES_MAX = 63 };

struct secret_provider;
struct secret_provider_ops {
    const char *name; /* "files" */
    /* name obeys (P1), bytes is 1..SECRET_BYTES_MAX. Refusals and faults as secret_provider_get. */
    int (*get)(struct secret_provider *provider, const char *name, size_t bytes, struct secret_bytes *ret_secret,
               struct message *message);
    void (*close)(struct secret_provider *provider);
};
/* A provider's own struct begins with one of these. */
struct secret_provider {
    const struct secret_provider_ops *ops;
};

/* The key of that name, exactly bytes long; the caller releases it. Thread-safe. 0, a refusal of secret.h with a
 * sentence in message (may be NULL): SECRET_E_MISSING no such key and none may be made, _MODE, _OWNER, _KIND, _SIZE,
 * _ACCESS; or a fault: -EINVAL the name is not a word. */
int secret_provider_get(struct secret_provider *provider, const char *name, size_t bytes,
                        struct secret_bytes *ret_secret, struct message *message) MUST_USE;
struct secret_provider *secret_provider_close(struct secret_provider *provider); /* returns NULL, takes NULL */

/* A folder with one file of mode 0600 for each key, named as the key. make: a missing key is made at random at its
 * first use (the sandbox), else it is refused (production). The folder is looked at when a key is asked for. 0,
 * -ENOMEM, or -ENAMETOOLONG. */
int secret_provider_files(const char *folder, bool make, struct secret_provider **ret_provider) MUST_USE;

#endif
