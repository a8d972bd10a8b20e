#include "platform/secret_provider.h"

#include <limits.h>

struct files {
    struct secret_provider base;
    bool make;
    char folder[PATH_MAX];
};

static bool is_word(const char *name) {
    size_t len = strlen(name);
    return len > 0 && len <= SECRET_NAME_BYTES_MAX && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

int secret_provider_get(struct secret_provider *provider, const char *name, size_t bytes,
                        struct secret_bytes *ret_secret, struct message *message) {
    check(bytes > 0 && bytes <= SECRET_BYTES_MAX);
    if (is_word(name)) return err_trace(provider->ops->get(provider, name, bytes, ret_secret, message));
    message_set(message, "a key's name is a lower-case word of at most %d letters, digits, '_' and '-'",
                SECRET_NAME_BYTES_MAX);
    return err_origin(-EINVAL);
}

struct secret_provider *secret_provider_close(struct secret_provider *provider) {
    if (provider) provider->ops->close(provider);
    return NULL;
}

static int files_get(struct secret_provider *provider, const char *name, size_t bytes, struct secret_bytes *ret_secret,
                     struct message *message) {
    const struct files *files = (const struct files *)provider;
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", files->folder, name);
    if (len < 0 || (size_t)len >= sizeof path) return err_origin(-ENAMETOOLONG);
    int r = secret_load_file(path, bytes, ret_secret, message);
    if (r != SECRET_E_MISSING || !files->make) return err_trace(r);
    r = secret_create_file(path, bytes, ret_secret, message);
    if (r == SECRET_E_EXISTS)
        r = secret_load_file(path, bytes, ret_secret, message); /* made by another one meanwhile */
    return err_trace(r);
}

static void files_close(struct secret_provider *provider) {
    free(provider);
}

static const struct secret_provider_ops files_ops = { .name = "files", .get = files_get, .close = files_close };

int secret_provider_files(const char *folder, bool make, struct secret_provider **ret_provider) {
    struct files *files = malloc(sizeof *files);
    if (!files) return err_origin(-ENOMEM);
    *files = (struct files){ .base = { &files_ops }, .make = make };
    if (str_to_c(str_from_c(folder), files->folder, sizeof files->folder)) {
        free(files);
        return err_origin(-ENAMETOOLONG);
    }
    *ret_provider = &files->base;
    return 0;
}
