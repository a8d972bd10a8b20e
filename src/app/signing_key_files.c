#include "app/signing_key_files.h"

#include "platform/file.h"

#include <unistd.h>

static const char *const suffixes[SIGNING_PLACE_COUNT] = {
    [SIGNING_CURRENT] = "", [SIGNING_NEXT] = ".next", [SIGNING_PREVIOUS] = ".previous"
};

static void path_of(const char *path, const char *suffix, char text[FILE_PATH_BYTES_MAX]) {
    int bytes = snprintf(text, FILE_PATH_BYTES_MAX, "%s%s", path, suffix);
    check(bytes > 0 && bytes < FILE_PATH_BYTES_MAX); /* SIGNING_KEY_PATH_BYTES_MAX leaves room */
}

static bool path_fits(const char *path, struct message *message) {
    if (strlen(path) <= SIGNING_KEY_PATH_BYTES_MAX) return true;
    message_set(message, "the path of the signing key is longer than %d bytes", SIGNING_KEY_PATH_BYTES_MAX);
    return false;
}

static int load(const char *path, struct key **ret_key, struct message *message) {
    struct secret_bytes pem;
    struct key *key = NULL;
    int r = secret_load_text(path, KEY_PEM_BYTES_MAX, &pem, message);
    if (r) return r > 0 ? err_origin(-EACCES) : err_trace(r);
    r = key_load_pem(secret_str(&pem), &key);
    secret_release(&pem);
    if (!r && (!key_is_private(key) || key_algorithm(key) != KEY_ALG_PS256)) r = KEY_E_KIND;
    if (r) {
        key_free(key);
        message_set(message, "%s holds no key that can sign: want RSA of 2048 bits or more in PEM", path);
        return r > 0 ? err_origin(-EINVAL) : err_trace(r);
    }
    *ret_key = key;
    return 0;
}

void signing_key_set_release(struct signing_key_set *set) {
    for (size_t i = 0; i < SIGNING_PLACE_COUNT; i++) set->keys[i] = key_free(set->keys[i]);
}

int signing_key_files_load(const char *path, struct signing_key_set *ret_set, struct message *message) {
    struct signing_key_set set = { .keys = { NULL } };
    char file[FILE_PATH_BYTES_MAX];
    if (!path_fits(path, message)) return err_origin(-ENAMETOOLONG);
    int r = 0;
    for (int place = 0; !r && place < SIGNING_PLACE_COUNT; place++) {
        path_of(path, suffixes[place], file);
        if (place == SIGNING_CURRENT || file_exists(file)) r = load(file, &set.keys[place], message);
    }
    if (r) {
        signing_key_set_release(&set);
        return err_trace(r);
    }
    *ret_set = set;
    return 0;
}

/* ---- the change ---- */

static int fault_of(const char *path, int code, struct message *message) {
    message_set(message, "cannot change %s: %s", path, strerror(code));
    return err_origin(-code);
}

static int make_next(const char *path, struct message *message) {
    char next[FILE_PATH_BYTES_MAX];
    struct key *key = NULL;
    struct secret_bytes pem = { 0 };
    path_of(path, suffixes[SIGNING_NEXT], next);
    int r = key_generate(KEY_TYPE_RSA, &key);
    if (!r) r = key_write_pem(key, &pem);
    if (!r) r = secret_write_file(next, secret_str(&pem), message);
    secret_release(&pem);
    key_free(key);
    return r > 0 ? err_origin(-EACCES) : err_trace(r);
}

/* PATH under the name PATH.previous as well, then PATH.next under the name PATH: at no moment is there no PATH. */
static int move(const char *path, struct message *message) {
    char next[FILE_PATH_BYTES_MAX], previous[FILE_PATH_BYTES_MAX], beside[FILE_PATH_BYTES_MAX];
    path_of(path, suffixes[SIGNING_NEXT], next);
    path_of(path, suffixes[SIGNING_PREVIOUS], previous);
    path_of(path, ".moving", beside);
    if (unlink(beside) && errno != ENOENT) return fault_of(beside, errno, message);
    if (link(path, beside)) return fault_of(beside, errno, message);
    if (rename(beside, previous)) return fault_of(previous, errno, message);
    if (rename(next, path)) return fault_of(path, errno, message);
    return err_trace(file_sync_folder(path));
}

int signing_key_files_rotate(const char *path, bool *ret_moved, struct message *message) {
    char lock[FILE_PATH_BYTES_MAX], next[FILE_PATH_BYTES_MAX];
    int fd;
    if (!path_fits(path, message)) return err_origin(-ENAMETOOLONG);
    path_of(path, ".lock", lock);
    path_of(path, suffixes[SIGNING_NEXT], next);
    int r = file_lock(lock, &fd, message);
    if (r) return r > 0 ? SIGNING_KEY_FILES_E_BUSY : err_trace(r);
    bool moves = file_exists(next);
    if (moves) r = move(path, message);
    if (!r) r = make_next(path, message);
    close(fd);
    if (r) return err_trace(r);
    *ret_moved = moves;
    return 0;
}
