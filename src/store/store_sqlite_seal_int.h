/* store_sqlite_seal_int.h - private to the sealing VFS. */
#ifndef GIRO_STORE_STORE_SQLITE_SEAL_INT_H
#define GIRO_STORE_STORE_SQLITE_SEAL_INT_H

#include <openssl/evp.h>

#include "store/store_sqlite_int.h"
#include "store/store_sqlite_seal.h"

enum {
    LOG_HEADER_BYTES = 32, /* SQLite's file format, "The Write-Ahead Log" */
    FRAME_HEADER_BYTES = 24,
    FRAME_BYTES = FRAME_HEADER_BYTES + SEAL_PAGE_BYTES,
    FRAME_SEALED_BYTES = 16, /* of its header: page number, commit mark, salts */
    FRAME_SALTS_AT = 8,
    LOG_SALTS_AT = 16,
    SALT_BYTES = 8,
    PLACE_BYTES_MAX = 40
};

extern const uint8_t seal_magic[SEAL_MAGIC_BYTES], stock_magic[SEAL_MAGIC_BYTES];

/* The ring (store_sqlite_seal_keys.c). ticket: the right to seal one page; makes a key when none is left. 0 or -errno.
 */
int seal_ring_ticket(struct seal_ring *ring, uint32_t *ret_position, uint32_t *ret_counter);
/* The position of an epoch; reads the side file when it is not known. False: there is no such key. */
bool seal_ring_find(struct seal_ring *ring, uint32_t epoch, uint32_t *ret_position);
const uint8_t *seal_ring_key(const struct seal_ring *ring, uint32_t position);
/* Both put a new side file in the old one's place. drop_before: without the keys before that position. rewrap: all
 * wrapped by another key of the store, borrowed from then on. */
int seal_ring_drop_before(struct seal_ring *ring, uint32_t position);
int seal_ring_rewrap(struct seal_ring *ring, const struct secret_bytes *new_key);

int seal_vfs_register(struct seal_ring *ring); /* under a name of its own, over the default VFS */

/* Cipher contexts of one file, of one thread at a time. */
struct seal_cipher {
    EVP_CIPHER_CTX *seal, *open[SEAL_CONTEXTS];
    uint32_t seal_position, open_positions[SEAL_CONTEXTS]; /* valid where the context is not NULL */
};
void seal_cipher_release(struct seal_cipher *cipher); /* takes a zeroed one */

/* Where a page stands: the associated data, and how many of its first bytes stay in clear. */
struct seal_place {
    uint8_t bytes[PLACE_BYTES_MAX];
    size_t len, clear;
};
/* A page of the database; header: the SEAL_CLEAR_BYTES of page 1 as they are in the file. */
struct seal_place seal_place_database(uint64_t page, const uint8_t header[SEAL_CLEAR_BYTES]);
struct seal_place seal_place_log(uint64_t frame_offset, const uint8_t frame_header[FRAME_SEALED_BYTES]);

enum seal_verdict {
    SEAL_SOUND,
    SEAL_DAMAGED,
    SEAL_KEYLESS, /* its key is newer than those of the side file */
    SEAL_NO_MEMORY
};
/* page to sealed (both SEAL_PAGE_BYTES, not overlapping); its reserved bytes must be zero, those in clear are left to
 * the caller. 0 or -errno. */
int seal_page(struct seal_ring *ring, struct seal_cipher *cipher, const struct seal_place *place, const uint8_t *page,
              uint8_t *sealed);
/* The other way; page may be sealed. The reserved bytes come back as zeros. What is not sound is wiped. */
enum seal_verdict seal_page_open(struct seal_ring *ring, struct seal_cipher *cipher, const struct seal_place *place,
                                 const uint8_t *sealed, uint8_t *page);

enum seal_kind { SEAL_KIND_NEW, SEAL_KIND_SEALED, SEAL_KIND_STOCK, SEAL_KIND_OTHER };

struct seal_file {
    sqlite3_file base; /* first: SQLite's own struct */
    sqlite3_file *lower;
    struct seal_ring *ring;
    struct seal_cipher cipher;
    uint8_t frame[FRAME_BYTES]; /* sealed bytes on their way */
    /* the database */
    enum seal_kind kind;
    bool recovering, mapped;
    /* the log */
    struct seal_file *database;
    uint8_t *joined; /* SEAL_JOIN_BYTES_MAX, from the first write on */
    size_t joined_bytes;
    int64_t joined_at, next; /* next: the end of what was written last, -1 = nothing yet */
    uint8_t header[FRAME_HEADER_BYTES];
    int64_t header_at; /* of the frame whose page comes next, -1 = none */
    int64_t lost_at;   /* where a failed write lost what was joined, -1 = nowhere */
    bool wrote;
};

static inline struct seal_file *seal_file_of(sqlite3_file *file) {
    return (struct seal_file *)file;
}
int seal_code(int fault, int otherwise); /* -errno as an SQLite code */

extern const sqlite3_io_methods seal_log_methods;
/* What both kinds of file hand to the file below. */
int seal_file_close(sqlite3_file *file);
int seal_file_lock(sqlite3_file *file, int lock);
int seal_file_unlock(sqlite3_file *file, int lock);
int seal_file_reserved(sqlite3_file *file, int *ret_lock);
int seal_file_sector(sqlite3_file *file);
int seal_file_device(sqlite3_file *file);
int seal_file_control(sqlite3_file *file, int operation, void *argument);

#endif
