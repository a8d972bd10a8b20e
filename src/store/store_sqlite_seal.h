/* store_sqlite_seal.h - the sealed form of the embedded store: a VFS over the default one. docs/sealed-store.md has the
 * formats and what they protect against.
 *
 * store_sqlite_seal_keys.c  the ring of data keys and the file `<path>-keys` beside the database
 * store_sqlite_seal_page.c  one page sealed and opened
 * store_sqlite_seal_vfs.c   the VFS, and the database file
 * store_sqlite_seal_log.c   the write-ahead log: frames sealed, small writes joined
 * store_sqlite_seal_file.c  a new database, a database sealed anew, a new wrapping key
 *
 * (V1) No page leaves this process in clear. Only the database and the log have files; a rollback journal or a
 * temporary file is refused, so a setting that forgot to keep them in memory is an error and not a leak. (V2) A (data
 * key, nonce) pair is used once: a data key is made at random by the process that seals with it, at its first page
 * after each open and every SEAL_KEY_PAGES_MAX pages; the nonce is the key's page counter. A forked child cannot seal
 * with its parent's key. (V3) A data key is wrapped, and flushed in the side file with its folder, before the first
 * page is sealed with it. (V4) A page that does not prove itself is SQLITE_CORRUPT, never data. The one exception is
 * the log's end: while the log is recovered, a frame that does not prove itself ends it, as a wrong checksum does in a
 * stock store. (V5) Every frame of a commit is in the file before SQLite makes the commit visible or flushes it. */
#ifndef GIRO_STORE_STORE_SQLITE_SEAL_H
#define GIRO_STORE_STORE_SQLITE_SEAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "platform/secret.h"

enum {
    SEAL_PAGE_BYTES = 4096,
    SEAL_RESERVED_BYTES = 32, /* at each page's end: epoch 4, nonce 12, tag 16 */
    SEAL_TEXT_BYTES = SEAL_PAGE_BYTES - SEAL_RESERVED_BYTES,
    SEAL_MAGIC_BYTES = 16,
    SEAL_CLEAR_BYTES = 24, /* of page 1: the magic and what SQLite must know before it can read a page */
    SEAL_STORE_ID_BYTES = 16,
    SEAL_KEYS_MAX = 1024,             /* data keys in the side file */
    SEAL_KEYS_RENEW = 960,            /* so many at open: the database is sealed anew with one key */
    SEAL_KEYS_FULL = 1016,            /* so many at open, and it cannot be: refused */
    SEAL_EPOCH_AHEAD_MAX = 65536,     /* a log frame with an epoch so little beyond the newest: a key is missing */
    SEAL_LOCK_MS = 5000,              /* waiting for another process that writes the side file */
    SEAL_JOIN_BYTES_MAX = 128 * 1024, /* a joined write to the log is shorter */
    SEAL_CONTEXTS = 4                 /* data keys that one file keeps ready for reading */
};
#define SEAL_KEY_PAGES_MAX ((uint32_t)1 << 31)

/* The data keys of one store in this process, and the VFS made of them. Positions never change once published. */
struct seal_ring {
    sqlite3_vfs vfs; /* first: SQLite hands it to xOpen */
    sqlite3_vfs *lower;
    char name[40];
    const char *path; /* borrowed */
    uint8_t store_id[SEAL_STORE_ID_BYTES];
    const struct secret_bytes *key; /* borrowed: the store's key, from which the wrapping key comes */
    struct secret_bytes secret;     /* the wrapping key, then the data keys by position */
    uint32_t epochs[SEAL_KEYS_MAX];
    _Atomic uint32_t count;
    _Atomic uint64_t ticket; /* position of the key to seal with << 32 | pages sealed with it */
    uint32_t key_pages_max;  /* SEAL_KEY_PAGES_MAX; tests lower it */
    unsigned forks;          /* the process's count of forks when the ring was made */
    atomic_bool keyless;     /* a page was met whose key the side file lacks */
    bool registered;
    pthread_mutex_t mutex; /* one thread at a time reads or writes the side file */
};

/* Reads the side file (absent or empty: no key yet) and registers the VFS. path and key (32 bytes) are borrowed until
 * the ring is closed. Writes nothing. 0 or -errno with a sentence: -EACCES the key is not the store's, -EPROTO the side
 * file is damaged. */
int sqlite_seal_open(const char *path, const struct secret_bytes *key, struct seal_ring **ret_ring,
                     struct message *message);
struct seal_ring *sqlite_seal_close(struct seal_ring *ring); /* after the last connection; returns NULL, takes NULL */
const char *sqlite_seal_vfs(const struct seal_ring *ring);   /* for sqlite3_open_v2; NULL (the default) for NULL */
/* Right after sqlite3_open_v2, before any statement: is the file of the kind that the ring (NULL: stock) wants? A
 * statement would already believe, and on closing remove, a log of the other kind. 0 or -errno with a sentence. */
int sqlite_seal_judge(sqlite3 *db, const struct seal_ring *ring, const char *path, struct message *message);
/* Makes the sealed database when the file is absent or empty: under another name, flushed, then renamed. */
int sqlite_seal_create(struct seal_ring *ring, const char *path, struct message *message);
/* When the side file is nearly full: copies the database sealed with one fresh key, puts it in the old one's place and
 * drops the old keys. Nothing is done while another process has the store open, unless the side file is full: -EBUSY.
 */
int sqlite_seal_renew(struct seal_ring **ring, struct message *message);

#endif
