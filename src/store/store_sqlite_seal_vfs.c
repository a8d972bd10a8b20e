/* store_sqlite_seal_vfs.c - the sealing VFS, and its database file: a page is sealed when it is written and proven when
 * it is read. The file keeps SQLite's layout, page for page. Of page 1, SEAL_CLEAR_BYTES stay readable: SQLite asks for
 * the page size and the reserved bytes before it can read a page. */
#include "store/store_sqlite_seal_int.h"

enum {
    READ_TRIES = 3,           /* a page that another process is writing right now is read again */
    HEADER_PIECE_BYTES = 100, /* what SQLite reads of a file before it locks it */
    RECOVER_LOCK = 2          /* the lock in the -shm file that is held while the log is recovered */
};

const uint8_t stock_magic[SEAL_MAGIC_BYTES] = "SQLite format 3";
const uint8_t seal_magic[SEAL_MAGIC_BYTES] = "giro sealed db1";
/* Behind the magic: page size, WAL for writing and reading, reserved bytes, three fractions that SQLite fixes. */
static const uint8_t clear_rest[SEAL_CLEAR_BYTES - SEAL_MAGIC_BYTES] = { 0x10, 0x00, 2, 2, SEAL_RESERVED_BYTES,
                                                                         64,   32,   32 };

int seal_code(int fault, int otherwise) {
    switch (-fault) {
    case ENOMEM:
        return SQLITE_IOERR_NOMEM;
    case ENOSPC:
    case EDQUOT:
        return SQLITE_FULL;
    default:
        return otherwise;
    }
}

/* ---- what is handed down ---- */

int seal_file_close(sqlite3_file *base) {
    struct seal_file *file = seal_file_of(base);
    /* frames still joined belong to no commit (V5) */
    seal_cipher_release(&file->cipher);
    free(file->joined);
    return file->lower->pMethods->xClose(file->lower);
}
int seal_file_lock(sqlite3_file *base, int lock) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    return lower->pMethods->xLock(lower, lock);
}
int seal_file_unlock(sqlite3_file *base, int lock) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    return lower->pMethods->xUnlock(lower, lock);
}
int seal_file_reserved(sqlite3_file *base, int *ret_lock) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    return lower->pMethods->xCheckReservedLock(lower, ret_lock);
}
int seal_file_sector(sqlite3_file *base) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    return lower->pMethods->xSectorSize(lower);
}
/* No atomic writes: they would leave the journal out. A write that leaves its neighbours alone: no padding of commits.
 */
int seal_file_device(sqlite3_file *base) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    return (lower->pMethods->xDeviceCharacteristics(lower) & SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN) |
           SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}
int seal_file_control(sqlite3_file *base, int operation, void *argument) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    return lower->pMethods->xFileControl(lower, operation, argument);
}

/* ---- the database ---- */

static enum seal_kind kind_of(const uint8_t magic[SEAL_MAGIC_BYTES], int64_t size) {
    if (size == 0) return SEAL_KIND_NEW;
    if (memcmp(magic, seal_magic, SEAL_MAGIC_BYTES) == 0) return SEAL_KIND_SEALED;
    return memcmp(magic, stock_magic, SEAL_MAGIC_BYTES) == 0 ? SEAL_KIND_STOCK : SEAL_KIND_OTHER;
}

/* One page, whole, proven. Page 1 of an empty file: zeros and SQLITE_IOERR_SHORT_READ, as SQLite expects. Any other
 * page that is not there was cut off: SQLite reads none that was not written, and takes a short read for zeros (V4). */
static int page_read(struct seal_file *file, uint64_t number, uint8_t *page) {
    int64_t at = (int64_t)(number - 1) * SEAL_PAGE_BYTES;
    enum seal_verdict verdict = SEAL_DAMAGED;
    for (int i = 0; i < READ_TRIES && verdict == SEAL_DAMAGED; i++) {
        sqlite3_int64 size = 0;
        int code = file->lower->pMethods->xRead(file->lower, page, SEAL_PAGE_BYTES, at);
        if (code == SQLITE_IOERR_SHORT_READ) {
            memset(page, 0, SEAL_PAGE_BYTES);
            code = file->lower->pMethods->xFileSize(file->lower, &size);
            return code != SQLITE_OK ? code : size > 0 || at > 0 ? SQLITE_CORRUPT : SQLITE_IOERR_SHORT_READ;
        }
        if (code != SQLITE_OK) return code;
        uint8_t header[SEAL_CLEAR_BYTES];
        memcpy(header, page, sizeof header);
        struct seal_place place = seal_place_database(number, header);
        verdict = seal_page_open(file->ring, &file->cipher, &place, page, page);
        if (verdict != SEAL_SOUND || number != 1) continue;
        memcpy(page, stock_magic, SEAL_MAGIC_BYTES);
        memcpy(page + SEAL_MAGIC_BYTES, header + SEAL_MAGIC_BYTES, SEAL_CLEAR_BYTES - SEAL_MAGIC_BYTES);
    }
    if (verdict == SEAL_KEYLESS) atomic_store(&file->ring->keyless, true);
    return verdict == SEAL_SOUND ? SQLITE_OK : verdict == SEAL_NO_MEMORY ? SQLITE_IOERR_NOMEM : SQLITE_CORRUPT;
}

/* What SQLite reads without a lock, when page 1 may be half written: the bytes that are always the same. */
static int header_read(struct seal_file *file, uint8_t *at, int len) {
    uint8_t header[SEAL_CLEAR_BYTES];
    memset(at, 0, (size_t)len);
    if (file->kind == SEAL_KIND_STOCK || file->kind == SEAL_KIND_OTHER)
        return SQLITE_IOERR_SHORT_READ; /* judged later */
    int code = file->lower->pMethods->xRead(file->lower, header, SEAL_CLEAR_BYTES, 0);
    if (code != SQLITE_OK) return code;
    if (memcmp(header, seal_magic, SEAL_MAGIC_BYTES) != 0 || header[16] != clear_rest[0] ||
        header[17] != clear_rest[1] || header[20] != SEAL_RESERVED_BYTES)
        return SQLITE_IOERR_SHORT_READ; /* page 1 will not prove itself */
    memcpy(at, stock_magic, SEAL_MAGIC_BYTES);
    memcpy(at + SEAL_MAGIC_BYTES, header + SEAL_MAGIC_BYTES, SEAL_CLEAR_BYTES - SEAL_MAGIC_BYTES);
    return SQLITE_OK;
}

static int database_read(sqlite3_file *base, void *at, int len, sqlite3_int64 from) {
    struct seal_file *file = seal_file_of(base);
    if (from == 0 && len == HEADER_PIECE_BYTES) return header_read(file, at, len);
    if (file->kind == SEAL_KIND_STOCK || file->kind == SEAL_KIND_OTHER) return SQLITE_NOTADB;
    uint64_t number = (uint64_t)from / SEAL_PAGE_BYTES + 1;
    size_t inside = (size_t)from % SEAL_PAGE_BYTES;
    if (inside == 0 && len == SEAL_PAGE_BYTES) return page_read(file, number, at);
    if (len < 0 || inside + (size_t)len > SEAL_PAGE_BYTES) return SQLITE_IOERR_READ; /* SQLite reads within a page */
    uint8_t page[SEAL_PAGE_BYTES];
    int code = page_read(file, number, page);
    memcpy(at, page + inside, (size_t)len);
    secret_wipe(page, sizeof page);
    return code;
}

static int database_write(sqlite3_file *base, const void *at, int len, sqlite3_int64 to) {
    struct seal_file *file = seal_file_of(base);
    const uint8_t *page = at;
    uint8_t header[SEAL_CLEAR_BYTES] = { 0 }, *sealed = file->frame;
    if (file->kind == SEAL_KIND_STOCK || file->kind == SEAL_KIND_OTHER) return SQLITE_NOTADB;
    if (len != SEAL_PAGE_BYTES || to % SEAL_PAGE_BYTES) return SQLITE_IOERR_WRITE;
    if (to == 0) {
        if (memcmp(page, stock_magic, SEAL_MAGIC_BYTES) != 0) return SQLITE_IOERR_WRITE;
        memcpy(header, seal_magic, SEAL_MAGIC_BYTES);
        memcpy(header + SEAL_MAGIC_BYTES, page + SEAL_MAGIC_BYTES, sizeof header - SEAL_MAGIC_BYTES);
        memcpy(sealed, header, sizeof header);
    }
    struct seal_place place = seal_place_database((uint64_t)to / SEAL_PAGE_BYTES + 1, header);
    int r = seal_page(file->ring, &file->cipher, &place, page, sealed);
    if (r) return seal_code(r, SQLITE_IOERR_WRITE);
    int code = file->lower->pMethods->xWrite(file->lower, sealed, SEAL_PAGE_BYTES, to);
    if (code == SQLITE_OK && to == 0) file->kind = SEAL_KIND_SEALED;
    return code;
}

static int database_truncate(sqlite3_file *base, sqlite3_int64 len) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    return lower->pMethods->xTruncate(lower, len);
}
static int database_sync(sqlite3_file *base, int flags) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    return lower->pMethods->xSync(lower, flags);
}
static int database_size(sqlite3_file *base, sqlite3_int64 *ret_len) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    return lower->pMethods->xFileSize(lower, ret_len);
}

/* Whoever has mapped the shared memory keeps the database from being sealed anew under another inode; who comes between
 * its opening and its mapping finds that it holds the old file. */
static int shared_map(sqlite3_file *base, int region, int len, int extend, void volatile **ret_at) {
    struct seal_file *file = seal_file_of(base);
    int moved = 0, code = file->lower->pMethods->xShmMap(file->lower, region, len, extend, ret_at);
    if (code != SQLITE_OK || file->mapped) return code;
    (void)file->lower->pMethods->xFileControl(file->lower, SQLITE_FCNTL_HAS_MOVED, &moved); /* unknown to it: 0 stays */
    if (moved) return SQLITE_IOERR;
    file->mapped = true;
    return SQLITE_OK;
}
static int shared_lock(sqlite3_file *base, int from, int count, int flags) {
    struct seal_file *file = seal_file_of(base);
    int code = file->lower->pMethods->xShmLock(file->lower, from, count, flags);
    bool recovery = (flags & SQLITE_SHM_EXCLUSIVE) && from <= RECOVER_LOCK && RECOVER_LOCK < from + count;
    if (recovery && code == SQLITE_OK) file->recovering = (flags & SQLITE_SHM_LOCK) != 0;
    return code;
}
static void shared_barrier(sqlite3_file *base) {
    sqlite3_file *lower = seal_file_of(base)->lower;
    lower->pMethods->xShmBarrier(lower);
}
static int shared_unmap(sqlite3_file *base, int erase) {
    struct seal_file *file = seal_file_of(base);
    file->mapped = false;
    return file->lower->pMethods->xShmUnmap(file->lower, erase);
}

/* Version 2: without xFetch no page is read through a memory map. */
static const sqlite3_io_methods database_methods = {
    .iVersion = 2,
    .xClose = seal_file_close,
    .xRead = database_read,
    .xWrite = database_write,
    .xTruncate = database_truncate,
    .xSync = database_sync,
    .xFileSize = database_size,
    .xLock = seal_file_lock,
    .xUnlock = seal_file_unlock,
    .xCheckReservedLock = seal_file_reserved,
    .xFileControl = seal_file_control,
    .xSectorSize = seal_file_sector,
    .xDeviceCharacteristics = seal_file_device,
    .xShmMap = shared_map,
    .xShmLock = shared_lock,
    .xShmBarrier = shared_barrier,
    .xShmUnmap = shared_unmap,
};

/* ---- the VFS ---- */

static int database_opened(struct seal_file *file) {
    uint8_t magic[SEAL_MAGIC_BYTES] = { 0 };
    sqlite3_int64 size = 0;
    int code = file->lower->pMethods->xFileSize(file->lower, &size);
    if (code == SQLITE_OK) code = file->lower->pMethods->xRead(file->lower, magic, SEAL_MAGIC_BYTES, 0);
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) return code;
    file->kind = kind_of(magic, size);
    if (file->lower->pMethods->iVersion < 2) return SQLITE_CANTOPEN; /* no shared memory, no log */
    file->base.pMethods = &database_methods;
    return SQLITE_OK;
}

/* tidy: parameters because SQLite calls it with these five. */
static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags) {
    struct seal_ring *ring = (struct seal_ring *)vfs;
    struct seal_file *file = seal_file_of(base);
    *file = (struct seal_file){ .ring = ring, .next = -1, .header_at = -1, .lost_at = -1 };
    file->lower = (sqlite3_file *)(file + 1);
    if (!name || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))) return SQLITE_CANTOPEN; /* (V1) */
    file->lower->pMethods = NULL;
    int code = ring->lower->xOpen(ring->lower, name, file->lower, flags, ret_flags);
    if (code == SQLITE_OK && (flags & SQLITE_OPEN_WAL)) {
        file->database = seal_file_of(sqlite3_database_file_object(name));
        file->base.pMethods = &seal_log_methods;
    } else if (code == SQLITE_OK) {
        code = database_opened(file);
    }
    if (code != SQLITE_OK && file->lower->pMethods) (void)file->lower->pMethods->xClose(file->lower);
    return code;
}

int seal_vfs_register(struct seal_ring *ring) {
    ring->lower = sqlite3_vfs_find(NULL); /* initialises SQLite */
    if (!ring->lower) return err_origin(-ENOTSUP);
    ring->vfs = *ring->lower;
    ring->vfs.pNext = NULL;
    ring->vfs.szOsFile = (int)sizeof(struct seal_file) + ring->lower->szOsFile;
    ring->vfs.xOpen = vfs_open;
    (void)snprintf(ring->name, sizeof ring->name, "giro-sealed-%p", (void *)ring);
    ring->vfs.zName = ring->name;
    if (sqlite3_vfs_register(&ring->vfs, 0) != SQLITE_OK) return err_origin(-ENOMEM);
    ring->registered = true;
    return 0;
}

const char *sqlite_seal_vfs(const struct seal_ring *ring) {
    return ring ? ring->name : NULL;
}

static int judge_sealed(const struct seal_file *file, const char *path, struct message *message) {
    switch (file->kind) {
    case SEAL_KIND_NEW:
        return 0;
    case SEAL_KIND_SEALED:
        if (atomic_load(&file->ring->count)) return 0;
        message_set(message, "the store %s is sealed and its keys file %s-keys is missing: restore that file", path,
                    path);
        return err_origin(-ENOKEY);
    case SEAL_KIND_STOCK:
        message_set(message, "the store %s is not sealed: set store.sealed to false, or begin a new store elsewhere",
                    path);
        return err_origin(-EPROTO);
    case SEAL_KIND_OTHER:
        break;
    }
    message_set(message, "the store %s is damaged: restore it from a backup", path);
    return err_origin(-EBADMSG);
}

int sqlite_seal_judge(sqlite3 *db, const struct seal_ring *ring, const char *path, struct message *message) {
    sqlite3_file *file = NULL;
    uint8_t magic[SEAL_MAGIC_BYTES];
    int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code != SQLITE_OK || !file || !file->pMethods) return err_origin(-EIO);
    if (ring) return judge_sealed(seal_file_of(file), path, message);
    code = file->pMethods->xRead(file, magic, SEAL_MAGIC_BYTES, 0);
    if (code != SQLITE_OK || kind_of(magic, SEAL_MAGIC_BYTES) != SEAL_KIND_SEALED)
        return 0; /* SQLite judges the rest */
    message_set(message, "the store %s is sealed: set store.sealed to true and give its key", path);
    return err_origin(-EPROTO);
}
