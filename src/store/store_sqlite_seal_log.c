/* store_sqlite_seal_log.c - the write-ahead log of a sealed store.
 *
 * The file keeps SQLite's layout: a header of 32 bytes, then frames of 24 + SEAL_PAGE_BYTES. Headers stay in clear
 * (page number, commit mark, salts, checksums); the page is sealed, bound to the frame's place and to the first 16
 * bytes of its header, so that a frame cannot be played again elsewhere, under other salts, or with another commit
 * mark. SQLite's checksums are over the clear page: they are computed before sealing and compared after opening.
 *
 * (L1) Frames are joined in memory and written in pieces shorter than SEAL_JOIN_BYTES_MAX. A frame with a commit mark
 *      ends the piece, so the commit is in the file before SQLite flushes it or tells anybody (V5); every read, flush,
 *      truncation and question for the size ends it too.
 * (L2) SQLite writes a header, then its page. A header that does not follow what was written last is written through:
 *      it may be one whose checksums alone change. A page without its header before it (a page that changed again in
 *      the same commit) takes the header that is in the file.
 * (L3) A failed write loses what was joined. SQLite may hear of it in a call that was not the frame's own, so nothing
 *      behind the loss is written or read until the commit was rolled back and begins at or before it again.
 * (L4) While a commit writes pages again, SQLite leaves the salts of its frame headers zero until it has summed them up
 *      anew; such a frame is bound to the salts of the log's header, which it is about to get. */
#include "store/store_sqlite_seal_int.h"

static bool at_frame(int64_t at) {
    return at >= LOG_HEADER_BYTES && (at - LOG_HEADER_BYTES) % FRAME_BYTES == 0;
}

/* Within the log's header or that of a frame: in clear. */
static bool in_header(int64_t at, int len) {
    if (at < LOG_HEADER_BYTES) return at >= 0 && at + len <= LOG_HEADER_BYTES;
    return (at - LOG_HEADER_BYTES) % FRAME_BYTES + len <= FRAME_HEADER_BYTES;
}

static int join_flush(struct seal_file *file) {
    if (file->joined_bytes == 0) return SQLITE_OK;
    int code = file->lower->pMethods->xWrite(file->lower, file->joined, (int)file->joined_bytes, file->joined_at);
    file->joined_bytes = 0;
    if (code == SQLITE_OK) return SQLITE_OK;
    file->next = -1;
    if (file->lost_at < 0 || file->joined_at < file->lost_at) file->lost_at = file->joined_at;
    return code;
}

/* Room for len bytes at `at` behind what is joined; NULL: *ret_code says why. */
static uint8_t *join_room(struct seal_file *file, int64_t at, size_t len, int *ret_code) {
    bool follows = file->joined_bytes && file->joined_at + (int64_t)file->joined_bytes == at;
    *ret_code = SQLITE_OK;
    if (!follows || file->joined_bytes + len >= SEAL_JOIN_BYTES_MAX) *ret_code = join_flush(file);
    if (*ret_code == SQLITE_OK && !file->joined) {
        file->joined = malloc(SEAL_JOIN_BYTES_MAX);
        if (!file->joined) *ret_code = SQLITE_IOERR_NOMEM;
    }
    if (*ret_code != SQLITE_OK) return NULL;
    if (file->joined_bytes == 0) file->joined_at = at;
    return file->joined + file->joined_bytes;
}

static int join_header(struct seal_file *file, const void *at, size_t len, int64_t to) {
    int code;
    uint8_t *room = join_room(file, to, len, &code);
    if (!room) return code;
    memcpy(room, at, len);
    file->joined_bytes += len;
    file->next = to + (int64_t)len;
    return SQLITE_OK;
}

static int write_frame_header(struct seal_file *file, const uint8_t *header, int64_t to) {
    int code;
    if (to == file->next) {
        code = join_header(file, header, FRAME_HEADER_BYTES, to);
    } else {
        code = join_flush(file);
        if (code == SQLITE_OK) code = file->lower->pMethods->xWrite(file->lower, header, FRAME_HEADER_BYTES, to);
        file->next = to + FRAME_HEADER_BYTES;
    }
    if (code != SQLITE_OK) {
        file->header_at = file->next = -1;
        return code;
    }
    memcpy(file->header, header, FRAME_HEADER_BYTES);
    file->header_at = to;
    return SQLITE_OK;
}

/* What a frame's page is bound to; flushes what is joined when the log's header must be asked (L4). */
static int frame_place(struct seal_file *file, int64_t frame_at, const uint8_t header[FRAME_HEADER_BYTES],
                       struct seal_place *ret_place) {
    static const uint8_t no_salts[SALT_BYTES];
    uint8_t bound[FRAME_SEALED_BYTES];
    memcpy(bound, header, sizeof bound);
    if (memcmp(header + FRAME_SALTS_AT, no_salts, SALT_BYTES) == 0) {
        int code = join_flush(file);
        if (code == SQLITE_OK)
            code = file->lower->pMethods->xRead(file->lower, bound + FRAME_SALTS_AT, SALT_BYTES, LOG_SALTS_AT);
        if (code != SQLITE_OK) return code;
    }
    *ret_place = seal_place_log((uint64_t)frame_at, bound);
    return SQLITE_OK;
}

static bool is_commit(const uint8_t header[FRAME_HEADER_BYTES]) {
    return (header[4] | header[5] | header[6] | header[7]) != 0; /* the database's size behind the commit */
}

/* The page of the frame whose header came just before. */
static int write_next_page(struct seal_file *file, const uint8_t *page, int64_t to) {
    struct seal_place place;
    int code = frame_place(file, file->header_at, file->header, &place);
    if (code != SQLITE_OK) return code;
    uint8_t *room = join_room(file, to, SEAL_PAGE_BYTES, &code);
    if (!room) return code;
    int r = seal_page(file->ring, &file->cipher, &place, page, room);
    if (r) return seal_code(r, SQLITE_IOERR_WRITE);
    file->joined_bytes += SEAL_PAGE_BYTES;
    file->next = to + SEAL_PAGE_BYTES;
    file->header_at = -1;
    return is_commit(file->header) ? join_flush(file) : SQLITE_OK;
}

/* A page written again into its frame. */
static int write_page_again(struct seal_file *file, const uint8_t *page, int64_t to) {
    uint8_t header[FRAME_HEADER_BYTES];
    int64_t frame_at = to - FRAME_HEADER_BYTES;
    int code = join_flush(file);
    if (code == SQLITE_OK) code = file->lower->pMethods->xRead(file->lower, header, sizeof header, frame_at);
    struct seal_place place;
    if (code == SQLITE_OK) code = frame_place(file, frame_at, header, &place);
    if (code != SQLITE_OK) return code;
    int r = seal_page(file->ring, &file->cipher, &place, page, file->frame);
    if (r) return seal_code(r, SQLITE_IOERR_WRITE);
    return file->lower->pMethods->xWrite(file->lower, file->frame, SEAL_PAGE_BYTES, to);
}

static int log_write(sqlite3_file *base, const void *at, int len, sqlite3_int64 to) {
    struct seal_file *file = seal_file_of(base);
    file->wrote = true;
    if (file->lost_at >= 0 && (len == SEAL_PAGE_BYTES || to > file->lost_at)) return SQLITE_IOERR_WRITE;
    file->lost_at = -1;
    if (to == 0 && len == LOG_HEADER_BYTES) return join_header(file, at, LOG_HEADER_BYTES, 0);
    if (len == FRAME_HEADER_BYTES && at_frame(to)) return write_frame_header(file, at, to);
    if (len != SEAL_PAGE_BYTES || !at_frame(to - FRAME_HEADER_BYTES)) return SQLITE_IOERR_WRITE;
    if (file->header_at >= 0 && file->header_at + FRAME_HEADER_BYTES == to) return write_next_page(file, at, to);
    return write_page_again(file, at, to);
}

/* A frame of this log, not of one before it: its salts are those of the log's header. */
static bool is_current(struct seal_file *file, const uint8_t frame_header[FRAME_HEADER_BYTES]) {
    uint8_t salts[SALT_BYTES];
    int code = file->lower->pMethods->xRead(file->lower, salts, sizeof salts, LOG_SALTS_AT);
    return code == SQLITE_OK && memcmp(salts, frame_header + FRAME_SALTS_AT, SALT_BYTES) == 0;
}

/* A whole frame: SQLite recovers the log, or sums up anew what it has just written. */
static int read_frame(struct seal_file *file, uint8_t *at, int64_t from) {
    int code = file->lower->pMethods->xRead(file->lower, at, FRAME_BYTES, from);
    if (code != SQLITE_OK) {
        memset(at, 0, FRAME_BYTES);
        return code;
    }
    struct seal_place place;
    code = frame_place(file, from, at, &place);
    if (code != SQLITE_OK) return code;
    uint8_t *page = at + FRAME_HEADER_BYTES;
    switch (seal_page_open(file->ring, &file->cipher, &place, page, page)) {
    case SEAL_SOUND:
        return SQLITE_OK;
    case SEAL_NO_MEMORY:
        return SQLITE_IOERR_NOMEM;
    case SEAL_KEYLESS: /* the log must not end here because somebody put back an old side file */
        if (!is_current(file, at)) break;
        atomic_store(&file->ring->keyless, true);
        return SQLITE_CORRUPT;
    case SEAL_DAMAGED:
        break;
    }
    if (file->wrote && !(file->database && file->database->recovering)) return SQLITE_CORRUPT;
    memset(at, 0, FRAME_BYTES); /* page number 0: the log ends before it (V4) */
    return SQLITE_OK;
}

static int read_page(struct seal_file *file, uint8_t *at, int64_t from) {
    int64_t frame_at = from - FRAME_HEADER_BYTES;
    int code = file->lower->pMethods->xRead(file->lower, file->frame, FRAME_BYTES, frame_at);
    memset(at, 0, SEAL_PAGE_BYTES);
    struct seal_place place;
    if (code == SQLITE_OK) code = frame_place(file, frame_at, file->frame, &place);
    if (code != SQLITE_OK) return code;
    switch (seal_page_open(file->ring, &file->cipher, &place, file->frame + FRAME_HEADER_BYTES, at)) {
    case SEAL_SOUND:
        return SQLITE_OK;
    case SEAL_NO_MEMORY:
        return SQLITE_IOERR_NOMEM;
    case SEAL_KEYLESS:
        atomic_store(&file->ring->keyless, true);
        return SQLITE_CORRUPT;
    case SEAL_DAMAGED:
        break;
    }
    return SQLITE_CORRUPT;
}

static int log_read(sqlite3_file *base, void *at, int len, sqlite3_int64 from) {
    struct seal_file *file = seal_file_of(base);
    int code = join_flush(file);
    if (code != SQLITE_OK) return code;
    if (file->lost_at >= 0 && from >= file->lost_at) return SQLITE_IOERR_READ;
    if (in_header(from, len)) return file->lower->pMethods->xRead(file->lower, at, len, from);
    if (at_frame(from) && len == FRAME_BYTES) return read_frame(file, at, from);
    if (at_frame(from - FRAME_HEADER_BYTES) && len == SEAL_PAGE_BYTES) return read_page(file, at, from);
    return SQLITE_IOERR_READ; /* SQLite reads these pieces and no others */
}

static int log_truncate(sqlite3_file *base, sqlite3_int64 len) {
    struct seal_file *file = seal_file_of(base);
    int code = join_flush(file);
    file->next = file->header_at = -1;
    return code == SQLITE_OK ? file->lower->pMethods->xTruncate(file->lower, len) : code;
}

static int log_sync(sqlite3_file *base, int flags) {
    struct seal_file *file = seal_file_of(base);
    int code = join_flush(file);
    return code == SQLITE_OK ? file->lower->pMethods->xSync(file->lower, flags) : code;
}

static int log_size(sqlite3_file *base, sqlite3_int64 *ret_len) {
    struct seal_file *file = seal_file_of(base);
    int code = join_flush(file);
    return code == SQLITE_OK ? file->lower->pMethods->xFileSize(file->lower, ret_len) : code;
}

const sqlite3_io_methods seal_log_methods = {
    .iVersion = 1,
    .xClose = seal_file_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = seal_file_lock,
    .xUnlock = seal_file_unlock,
    .xCheckReservedLock = seal_file_reserved,
    .xFileControl = seal_file_control,
    .xSectorSize = seal_file_sector,
    .xDeviceCharacteristics = seal_file_device,
};
