/* store_sqlite_seal_keys.c - the data keys of a sealed store, and the side file that keeps them wrapped.
 *
 *   <path>-keys   magic 16, store id 16, count 4, check 28; then count entries of epoch 4 and wrapped key 60.
 *
 * Everything is big-endian. check and wrapped key are in the form of platform/seal.h (nonce, ciphertext, tag) under the
 * wrapping key, which is HMAC-SHA-256(the store's key, "giro sealed store" || store id). The associated data of check
 * (an empty text) is magic and store id, that of an entry "giro data key", store id and epoch.
 *
 * (K1) The file is replaced as a whole (written beside, flushed, renamed, folder flushed): half of it is never there.
 * (K2) Who replaces it holds its flock, has read it under that lock and writes back every entry it found.
 * (K3) Epochs grow by one; entries and positions are in the order of their epochs. */
#include "store/store_sqlite_seal_int.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/digest.h"
#include "platform/file.h"
#include "platform/random.h"
#include "platform/seal.h"

enum {
    FILE_MAGIC_BYTES = 16,
    FILE_COUNT_AT = FILE_MAGIC_BYTES + SEAL_STORE_ID_BYTES,
    FILE_CHECK_AT = FILE_COUNT_AT + 4,
    FILE_HEADER_BYTES = FILE_CHECK_AT + SEAL_OVERHEAD_BYTES,
    ENTRY_BYTES = 4 + SEAL_KEY_BYTES + SEAL_OVERHEAD_BYTES,
    KEYS_FILE_BYTES_MAX = FILE_HEADER_BYTES + SEAL_KEYS_MAX * ENTRY_BYTES,
    LOCK_RETRY_MS = 10
};
static_assert(ENTRY_BYTES == 64 && FILE_HEADER_BYTES == 64, "as documented");

static const uint8_t file_magic[FILE_MAGIC_BYTES] = "giro db keys 1\n";

struct keys_file {
    size_t len;
    uint8_t bytes[KEYS_FILE_BYTES_MAX];
};

static atomic_uint forks;
static void count_fork(void) {
    atomic_fetch_add(&forks, 1);
}
static void watch_forks(void) {
    check(pthread_atfork(NULL, NULL, count_fork) == 0);
}

static uint32_t get_be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_be32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void keys_path(const struct seal_ring *ring, char path[STORE_COMPANION_BYTES_MAX]) {
    int len = snprintf(path, STORE_COMPANION_BYTES_MAX, "%s-keys", ring->path);
    check(len > 0 && len < STORE_COMPANION_BYTES_MAX);
}

const uint8_t *seal_ring_key(const struct seal_ring *ring, uint32_t position) {
    return ring->secret.at + SEAL_KEY_BYTES * (1 + position);
}

/* The caller wipes it. */
static struct hash wrapping_key(const struct seal_ring *ring, const uint8_t store_id[SEAL_STORE_ID_BYTES]) {
    char label[17 + SEAL_STORE_ID_BYTES];
    memcpy(label, "giro sealed store", 17);
    memcpy(label + 17, store_id, SEAL_STORE_ID_BYTES);
    return hmac_sha256(secret_str(ring->key), str_from_bytes(label, sizeof label));
}

static void ring_wrapping_key_set(struct seal_ring *ring, const uint8_t store_id[SEAL_STORE_ID_BYTES]) {
    struct hash key = wrapping_key(ring, store_id);
    memcpy(ring->secret.at, key.bytes, SEAL_KEY_BYTES);
    memcpy(ring->store_id, store_id, SEAL_STORE_ID_BYTES);
    secret_wipe(&key, sizeof key);
}

/* The associated data of an entry. */
static struct str entry_use(const struct seal_ring *ring, uint32_t epoch, char text[13 + SEAL_STORE_ID_BYTES + 4]) {
    memcpy(text, "giro data key", 13);
    memcpy(text + 13, ring->store_id, SEAL_STORE_ID_BYTES);
    put_be32((uint8_t *)text + 13 + SEAL_STORE_ID_BYTES, epoch);
    return str_from_bytes(text, 13 + SEAL_STORE_ID_BYTES + 4);
}

static int keys_read(const struct seal_ring *ring, struct keys_file *file) {
    char path[STORE_COMPANION_BYTES_MAX];
    keys_path(ring, path);
    file->len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return errno == ENOENT ? 0 : err_origin(-errno);
    ssize_t got = 1;
    while (file->len < sizeof file->bytes && got > 0) {
        got = read(fd, file->bytes + file->len, sizeof file->bytes - file->len);
        if (got > 0) file->len += (size_t)got;
    }
    int r = got < 0 ? err_origin(-errno) : 0;
    (void)close(fd); /* only read */
    return r;
}

/* Is it a whole file of this store, under the store's key? 0, -EACCES: another key's file, -EBADMSG: damaged. */
static int keys_judge(const struct seal_ring *ring, const struct keys_file *file) {
    struct buffer nothing;
    char none[1];
    if (file->len < FILE_HEADER_BYTES || memcmp(file->bytes, file_magic, sizeof file_magic) != 0)
        return err_origin(-EBADMSG);
    uint32_t count = get_be32(file->bytes + FILE_COUNT_AT);
    if (count > SEAL_KEYS_MAX || file->len != FILE_HEADER_BYTES + (size_t)count * ENTRY_BYTES)
        return err_origin(-EBADMSG);
    if (atomic_load(&ring->count) && memcmp(file->bytes + FILE_MAGIC_BYTES, ring->store_id, SEAL_STORE_ID_BYTES) != 0)
        return err_origin(-EBADMSG); /* exchanged while the store was open */
    struct hash key = wrapping_key(ring, file->bytes + FILE_MAGIC_BYTES);
    buffer_init(&nothing, none, sizeof none);
    int r = seal_open(key.bytes, str_from_bytes(file->bytes, FILE_COUNT_AT),
                      str_from_bytes(file->bytes + FILE_CHECK_AT, SEAL_OVERHEAD_BYTES), &nothing);
    secret_wipe(&key, sizeof key);
    return r > 0 ? err_origin(-EACCES) : err_trace(r);
}

/* Takes the entries that the ring does not have yet. As keys_judge. */
static int keys_take(struct seal_ring *ring, const struct keys_file *file) {
    uint8_t bytes[SEAL_KEY_BYTES];
    struct buffer out;
    uint32_t have = atomic_load(&ring->count);
    if (file->len == 0) return have ? err_origin(-EBADMSG) : 0;
    int r = keys_judge(ring, file);
    if (r) return err_trace(r);
    ring_wrapping_key_set(ring, file->bytes + FILE_MAGIC_BYTES);
    buffer_init(&out, bytes, sizeof bytes);
    uint32_t count = get_be32(file->bytes + FILE_COUNT_AT);
    for (uint32_t i = 0; i < count && r == 0; i++) {
        const uint8_t *entry = file->bytes + FILE_HEADER_BYTES + (size_t)i * ENTRY_BYTES;
        uint32_t epoch = get_be32(entry);
        char use[13 + SEAL_STORE_ID_BYTES + 4];
        if (have && epoch <= ring->epochs[have - 1]) continue;
        if (epoch == 0 || have == SEAL_KEYS_MAX) r = err_origin(-EBADMSG);
        buffer_reset(&out);
        if (r == 0)
            r = seal_open(ring->secret.at, entry_use(ring, epoch, use), str_from_bytes(entry + 4, ENTRY_BYTES - 4),
                          &out);
        if (r == 0 && out.len != SEAL_KEY_BYTES) r = err_origin(-EBADMSG);
        if (r) break;
        memcpy(ring->secret.at + SEAL_KEY_BYTES * (1 + have), bytes, SEAL_KEY_BYTES);
        ring->epochs[have++] = epoch;
        atomic_store(&ring->count, have); /* published: other threads may look it up from here on */
    }
    secret_wipe(bytes, sizeof bytes);
    return r > 0 ? err_origin(-EBADMSG) : r;
}

static bool find_known(const struct seal_ring *ring, uint32_t epoch, uint32_t *ret_position) {
    uint32_t from = 0, to = atomic_load(&ring->count);
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (ring->epochs[middle] < epoch) from = middle + 1;
        else to = middle;
    }
    *ret_position = from;
    return from < atomic_load(&ring->count) && ring->epochs[from] == epoch;
}

bool seal_ring_find(struct seal_ring *ring, uint32_t epoch, uint32_t *ret_position) {
    if (find_known(ring, epoch, ret_position)) return true;
    struct keys_file *file = malloc(sizeof *file);
    if (!file) return false;
    pthread_mutex_lock(&ring->mutex);
    if (keys_read(ring, file) == 0) (void)keys_take(ring, file); /* a file that cannot be read has no such key */
    pthread_mutex_unlock(&ring->mutex);
    free(file);
    return find_known(ring, epoch, ret_position);
}

/* Locks the side file, making it when absent; who waited may hold one that was replaced meanwhile. */
static int keys_lock(const struct seal_ring *ring, int *ret_fd) {
    char path[STORE_COMPANION_BYTES_MAX];
    keys_path(ring, path);
    for (int waited_ms = 0; waited_ms <= SEAL_LOCK_MS; waited_ms += LOCK_RETRY_MS) {
        struct stat ours, named;
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return err_origin(-errno);
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (locked && fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino) {
            *ret_fd = fd;
            return 0;
        }
        (void)close(fd); /* nothing was written */
        struct timespec pause = { .tv_nsec = LOCK_RETRY_MS * 1000000 };
        (void)nanosleep(&pause, NULL); /* a signal only shortens it */
    }
    return err_origin(-EBUSY);
}

static int keys_write(const struct seal_ring *ring, const struct keys_file *file) {
    char path[STORE_COMPANION_BYTES_MAX];
    keys_path(ring, path);
    return err_trace(file_write_atomic(path, str_from_bytes(file->bytes, file->len), 0600, NULL));
}

static int keys_begin(struct seal_ring *ring, struct keys_file *file, const uint8_t store_id[SEAL_STORE_ID_BYTES]) {
    struct buffer out;
    memcpy(file->bytes, file_magic, sizeof file_magic);
    memcpy(file->bytes + FILE_MAGIC_BYTES, store_id, SEAL_STORE_ID_BYTES);
    put_be32(file->bytes + FILE_COUNT_AT, 0);
    ring_wrapping_key_set(ring, store_id);
    buffer_init(&out, file->bytes + FILE_CHECK_AT, SEAL_OVERHEAD_BYTES);
    int r = seal_bytes(ring->secret.at, str_from_bytes(file->bytes, FILE_COUNT_AT), STR(""), &out);
    file->len = FILE_HEADER_BYTES;
    return err_fold(r);
}

static int keys_append(const struct seal_ring *ring, struct keys_file *file, uint32_t epoch,
                       const uint8_t key[SEAL_KEY_BYTES]) {
    struct buffer out;
    char use[13 + SEAL_STORE_ID_BYTES + 4];
    uint8_t *entry = file->bytes + file->len;
    if (file->len + ENTRY_BYTES > sizeof file->bytes) return err_origin(-EMFILE);
    put_be32(entry, epoch);
    buffer_init(&out, entry + 4, ENTRY_BYTES - 4);
    int r = seal_bytes(ring->secret.at, entry_use(ring, epoch, use), str_from_bytes(key, SEAL_KEY_BYTES), &out);
    if (r) return err_fold(r);
    file->len += ENTRY_BYTES;
    put_be32(file->bytes + FILE_COUNT_AT, get_be32(file->bytes + FILE_COUNT_AT) + 1);
    return 0;
}

/* Under the mutex and the file's lock: reads what is there, adds a fresh key, flushes it, and only then publishes it.
 */
static int make_key_locked(struct seal_ring *ring, struct keys_file *file) {
    uint8_t store_id[SEAL_STORE_ID_BYTES];
    int r = keys_read(ring, file);
    if (r == 0) r = keys_take(ring, file);
    if (r == 0 && file->len == 0) {
        random_bytes(store_id, sizeof store_id);
        r = keys_begin(ring, file, store_id);
    }
    if (r) return err_trace(r);
    uint32_t count = atomic_load(&ring->count), epoch = count ? ring->epochs[count - 1] + 1 : 1;
    if (count == SEAL_KEYS_MAX || epoch == 0) return err_origin(-EMFILE);
    uint8_t *key = ring->secret.at + SEAL_KEY_BYTES * (1 + count);
    random_bytes(key, SEAL_KEY_BYTES);
    r = keys_append(ring, file, epoch, key);
    if (r == 0) r = keys_write(ring, file);
    if (r) {
        secret_wipe(key, SEAL_KEY_BYTES);
        return err_trace(r);
    }
    ring->epochs[count] = epoch;
    atomic_store(&ring->count, count + 1);
    atomic_store(&ring->ticket, (uint64_t)count << 32);
    return 0;
}

static int make_key(struct seal_ring *ring) {
    int fd;
    struct keys_file *file = malloc(sizeof *file);
    if (!file) return err_origin(-ENOMEM);
    int r = keys_lock(ring, &fd);
    if (r == 0) {
        r = make_key_locked(ring, file);
        (void)close(fd); /* gives up the lock */
    }
    free(file);
    return err_trace(r);
}

int seal_ring_ticket(struct seal_ring *ring, uint32_t *ret_position, uint32_t *ret_counter) {
    if (atomic_load(&forks) != ring->forks) return err_origin(-EPERM); /* (V2) */
    for (;;) {
        uint64_t ticket = atomic_fetch_add(&ring->ticket, 1);
        if ((uint32_t)ticket < ring->key_pages_max) {
            *ret_position = (uint32_t)(ticket >> 32);
            *ret_counter = (uint32_t)ticket;
            return 0;
        }
        pthread_mutex_lock(&ring->mutex);
        int r = 0;
        ticket = atomic_load(&ring->ticket);
        if ((uint32_t)ticket >= ring->key_pages_max) r = make_key(ring);
        if (r) /* so that failing again and again never counts into the next position */
            atomic_store(&ring->ticket, (ticket >> 32 << 32) + ring->key_pages_max);
        pthread_mutex_unlock(&ring->mutex);
        if (r) return err_trace(r);
    }
}

/* A whole new side file with the keys at positions from and later, wrapped by the ring's key. */
static int keys_replace(struct seal_ring *ring, uint32_t from, struct keys_file *file) {
    int r = keys_begin(ring, file, ring->store_id);
    for (uint32_t i = from; i < atomic_load(&ring->count) && r == 0; i++)
        r = keys_append(ring, file, ring->epochs[i], seal_ring_key(ring, i));
    return r ? err_trace(r) : err_trace(keys_write(ring, file));
}

int seal_ring_drop_before(struct seal_ring *ring, uint32_t position) {
    int fd;
    struct keys_file *file = malloc(sizeof *file);
    if (!file) return err_origin(-ENOMEM);
    pthread_mutex_lock(&ring->mutex);
    int r = keys_lock(ring, &fd);
    if (r == 0) {
        r = keys_replace(ring, position, file);
        (void)close(fd); /* gives up the lock */
    }
    pthread_mutex_unlock(&ring->mutex);
    free(file);
    return err_trace(r);
}

int seal_ring_rewrap(struct seal_ring *ring, const struct secret_bytes *new_key) {
    int fd;
    struct keys_file *file = malloc(sizeof *file);
    if (!file) return err_origin(-ENOMEM);
    pthread_mutex_lock(&ring->mutex);
    int r = keys_lock(ring, &fd);
    if (r == 0) {
        r = keys_read(ring, file);
        if (r == 0) r = keys_take(ring, file);
        ring->key = new_key;
        if (r == 0) r = keys_replace(ring, 0, file);
        (void)close(fd); /* gives up the lock */
    }
    pthread_mutex_unlock(&ring->mutex);
    free(file);
    return err_trace(r);
}

static int open_sentence(const struct seal_ring *ring, int r, struct message *message) {
    char path[STORE_COMPANION_BYTES_MAX];
    keys_path(ring, path);
    if (r == -EACCES && access(path, R_OK) == 0)
        message_set(message,
                    "the store's key does not open %s: %s was written with another key; give the key that the "
                    "store was made with",
                    ring->path, path);
    else if (r == -EBADMSG)
        message_set(message, "the store's keys file %s is damaged: restore it, and the store with it, from a backup",
                    path);
    else message_set(message, "the store's keys file %s cannot be read: %s", path, strerror(-r));
    return r == -EBADMSG ? err_origin(-EPROTO) : r; /* it is not the database that is damaged */
}

static int ring_load(struct seal_ring *ring, struct message *message) {
    struct keys_file *file = malloc(sizeof *file);
    if (!file) return err_origin(-ENOMEM);
    int r = secret_alloc(SEAL_KEY_BYTES * (1 + SEAL_KEYS_MAX), &ring->secret);
    if (r == 0) r = keys_read(ring, file);
    if (r == 0) r = keys_take(ring, file);
    free(file);
    return r ? open_sentence(ring, r, message) : 0;
}

int sqlite_seal_open(const char *path, const struct secret_bytes *key, struct seal_ring **ret_ring,
                     struct message *message) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    check(key->len == STORE_KEY_BYTES);
    (void)pthread_once(&once, watch_forks); /* cannot fail with a valid control */
    struct seal_ring *ring = calloc(1, sizeof *ring);
    if (!ring) return err_origin(-ENOMEM);
    ring->path = path;
    ring->key = key;
    ring->forks = atomic_load(&forks);
    ring->key_pages_max = SEAL_KEY_PAGES_MAX;
    atomic_store(&ring->ticket, SEAL_KEY_PAGES_MAX); /* none left: the first page makes a key */
    check(pthread_mutex_init(&ring->mutex, NULL) == 0);
    int r = ring_load(ring, message);
    if (r == 0) r = seal_vfs_register(ring);
    if (r) (void)sqlite_seal_close(ring);
    else *ret_ring = ring;
    return err_trace(r);
}

struct seal_ring *sqlite_seal_close(struct seal_ring *ring) {
    if (!ring) return NULL;
    if (ring->registered) (void)sqlite3_vfs_unregister(&ring->vfs); /* cannot fail for a registered one */
    secret_release(&ring->secret);
    pthread_mutex_destroy(&ring->mutex);
    free(ring);
    return NULL;
}
