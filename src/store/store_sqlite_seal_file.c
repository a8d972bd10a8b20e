/* store_sqlite_seal_file.c - a new sealed database, a database sealed anew with one key, a new wrapping key. */
#include "store/store_sqlite_seal_int.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/file.h"

static void companion(const char *path, const char *suffix, char text[STORE_COMPANION_BYTES_MAX]) {
    int len = snprintf(text, STORE_COMPANION_BYTES_MAX, "%s%s", path, suffix);
    check(len > 0 && len < STORE_COMPANION_BYTES_MAX);
}

static int remove_companion(const char *path, const char *suffix) {
    char name[STORE_COMPANION_BYTES_MAX];
    companion(path, suffix, name);
    return unlink(name) == 0 || errno == ENOENT ? 0 : err_origin(-errno);
}

static int file_size(const char *path, const char *suffix, int64_t *ret_size) {
    char name[STORE_COMPANION_BYTES_MAX];
    struct stat status;
    companion(path, suffix, name);
    if (stat(name, &status) == 0) *ret_size = status.st_size;
    else if (errno == ENOENT) *ret_size = 0;
    else return err_origin(-errno);
    return 0;
}

/* ---- a new database ---- */

/* Page 1 with its reserved bytes, in write-ahead mode. No journal: a crash leaves a file that has no name yet. */
static int write_first_page(struct seal_ring *ring, const char *path) {
    static const char sql[] = "PRAGMA journal_mode = OFF; PRAGMA temp_store = MEMORY; PRAGMA page_size = 4096;"
                              "PRAGMA user_version = 0; PRAGMA journal_mode = WAL;";
    sqlite3 *db = NULL;
    int reserved = SEAL_RESERVED_BYTES;
    int code =
        sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, ring->name);
    if (code == SQLITE_OK) code = sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    if (code == SQLITE_OK) code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    int closed = sqlite3_close(db);
    if (code == SQLITE_OK) code = closed;
    if (code == SQLITE_FULL) return err_origin(-ENOSPC);
    return code == SQLITE_OK ? 0 : err_origin(sqlite_fault(code));
}

static int flush_file(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return err_origin(-errno);
    int r = fsync(fd) ? err_origin(-errno) : 0;
    (void)close(fd); /* flushed, or given up */
    return r;
}

static int make_database(struct seal_ring *ring, const char *path) {
    char fresh[STORE_COMPANION_BYTES_MAX];
    companion(path, ".new", fresh);
    int r = remove_companion(path, ".new");
    if (r == 0) r = remove_companion(path, "-wal"); /* of a database that is gone: SQLite would play it into this one */
    if (r) return err_trace(r);
    int fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return err_origin(-errno);
    (void)close(fd); /* empty */
    r = write_first_page(ring, fresh);
    if (r == 0) r = flush_file(fresh);
    if (r == 0 && rename(fresh, path)) r = err_origin(-errno);
    (void)remove_companion(path, ".new-wal"); /* empty; they may stay */
    (void)remove_companion(path, ".new-shm");
    if (r) (void)remove_companion(path, ".new");
    return r ? err_trace(r) : err_trace(file_sync_folder(path));
}

int sqlite_seal_create(struct seal_ring *ring, const char *path, struct message *message) {
    int64_t size;
    int r = file_size(path, "", &size);
    if (r == 0 && size == 0) r = make_database(ring, path);
    if (r) message_set(message, "the sealed store %s cannot be created: %s", path, strerror(-r));
    return err_trace(r);
}

/* ---- sealed anew ---- */

struct renewal {
    struct seal_ring *ring;
    int from, to;
    struct seal_cipher cipher;
    uint8_t page[SEAL_PAGE_BYTES], sealed[SEAL_PAGE_BYTES];
};

static bool is_hole(const uint8_t page[SEAL_PAGE_BYTES]) {
    for (size_t i = 0; i < SEAL_PAGE_BYTES; i++)
        if (page[i]) return false;
    return true;
}

static int renew_page(struct renewal *renewal, uint64_t number) {
    off_t at = (off_t)(number - 1) * SEAL_PAGE_BYTES;
    if (pread(renewal->from, renewal->sealed, SEAL_PAGE_BYTES, at) != SEAL_PAGE_BYTES) return err_origin(-EIO);
    if (is_hole(renewal->sealed)) return 0; /* never written, stays so */
    struct seal_place place = seal_place_database(number, renewal->sealed);
    enum seal_verdict verdict = seal_page_open(renewal->ring, &renewal->cipher, &place, renewal->sealed, renewal->page);
    if (verdict != SEAL_SOUND) return err_origin(verdict == SEAL_NO_MEMORY ? -ENOMEM : -EBADMSG);
    int r = seal_page(renewal->ring, &renewal->cipher, &place, renewal->page, renewal->sealed); /* header stays there */
    if (r) return err_trace(r);
    errno = EIO; /* stands for a write cut short */
    return pwrite(renewal->to, renewal->sealed, SEAL_PAGE_BYTES, at) == SEAL_PAGE_BYTES ? 0 : err_origin(-errno);
}

static int renew_pages(struct renewal *renewal, int64_t size) {
    int r = 0;
    if (size % SEAL_PAGE_BYTES) return err_origin(-EBADMSG);
    for (int64_t at = 0; at < size && r == 0; at += SEAL_PAGE_BYTES)
        r = renew_page(renewal, (uint64_t)(at / SEAL_PAGE_BYTES) + 1);
    if (r == 0 && (ftruncate(renewal->to, size) || fsync(renewal->to))) r = err_origin(-errno);
    secret_wipe(renewal->page, sizeof renewal->page);
    return r;
}

static int renew_file(struct seal_ring *ring) {
    char fresh[STORE_COMPANION_BYTES_MAX];
    int64_t size;
    struct renewal renewal = { .ring = ring, .to = -1 };
    companion(ring->path, ".new", fresh);
    int r = file_size(ring->path, "", &size);
    if (r) return err_trace(r);
    renewal.from = open(ring->path, O_RDONLY | O_CLOEXEC);
    if (renewal.from < 0) return err_origin(-errno);
    renewal.to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (renewal.to < 0) r = err_origin(-errno);
    atomic_store(&ring->ticket, ring->key_pages_max); /* the next page makes a fresh key */
    if (r == 0) r = renew_pages(&renewal, size);
    seal_cipher_release(&renewal.cipher);
    (void)close(renewal.from); /* only read */
    if (renewal.to >= 0 && close(renewal.to) && r == 0) r = err_origin(-errno);
    if (r == 0 && rename(fresh, ring->path)) r = err_origin(-errno);
    if (r) (void)remove_companion(ring->path, ".new");
    return r ? err_trace(r) : err_trace(file_sync_folder(ring->path));
}

/* Moves the whole log into the database and closes it, which removes the log when nobody else has it. */
static int empty_log(struct seal_ring *ring, struct message *message) {
    struct sqlite_connection connection;
    int r = sqlite_connection_open(&connection, ring->path, ACCESS_WRITER, ring, message);
    if (r) return err_trace(r);
    (void)sqlite3_wal_checkpoint_v2(connection.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                    NULL); /* judged by the size */
    sqlite_connection_release(&connection);
    return 0;
}

int sqlite_seal_renew(struct seal_ring **ring, struct message *message) {
    const char *path = (*ring)->path;
    const struct secret_bytes *key = (*ring)->key;
    uint32_t count = atomic_load(&(*ring)->count);
    int64_t log_bytes = 0;
    int fd = -1;
    if (count < SEAL_KEYS_RENEW) return 0;
    int r = empty_log(*ring, message);
    if (r) return err_trace(r);
    bool alone = sqlite_shared_memory_take(path, &fd) && file_size(path, "-wal", &log_bytes) == 0 && log_bytes == 0;
    if (alone) r = renew_file(*ring);
    else if (count >= SEAL_KEYS_FULL) r = err_origin(-EBUSY);
    if (alone && r == 0) r = seal_ring_drop_before(*ring, count);
    if (fd >= 0) (void)close(fd); /* gives up the lock */
    if (r == -EBUSY)
        message_set(message,
                    "the store %s must be sealed anew and another process still reads it: close that one first", path);
    else if (r) message_set(message, "the store %s cannot be sealed anew: %s", path, strerror(-r));
    if (r || !alone) return err_trace(r);
    *ring = sqlite_seal_close(*ring); /* the old keys go with it */
    return err_trace(sqlite_seal_open(path, key, ring, message));
}

/* ---- a new wrapping key ---- */

int store_seal_rewrap(const char *path, const struct secret_bytes *old_key, const struct secret_bytes *new_key,
                      struct message *message) {
    struct seal_ring *ring = NULL;
    int lock_fd = -1;
    check(old_key->len == STORE_KEY_BYTES && new_key->len == STORE_KEY_BYTES);
    if (strlen(path) >= STORE_PATH_BYTES_MAX) {
        message_set(message, "the store's path is longer than %d bytes", STORE_PATH_BYTES_MAX - 1);
        return err_origin(-ENAMETOOLONG);
    }
    int r = sqlite_lock_take(path, &lock_fd, message);
    if (r == 0) r = sqlite_seal_open(path, old_key, &ring, message);
    if (r == 0 && atomic_load(&ring->count) == 0) {
        message_set(message, "%s-keys holds no key: %s is not a sealed store", path, path);
        r = err_origin(-ENOKEY);
    } else if (r == 0) {
        r = seal_ring_rewrap(ring, new_key);
        if (r) message_set(message, "the keys file %s-keys cannot be written: %s", path, strerror(-r));
    }
    (void)sqlite_seal_close(ring);
    if (lock_fd >= 0) (void)close(lock_fd); /* gives up the lock */
    return err_trace(r);
}
