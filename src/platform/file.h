/* file.h - whole files: read, replaced so that a crash leaves the old or the new one, locked; and folders.
 *
 * message (may be NULL) gets one sentence: which path, what is wrong, what to change; never the
 * content. Thread-safe. */
#ifndef GIRO_PLATFORM_FILE_H
#define GIRO_PLATFORM_FILE_H

#include "platform/arena.h"

enum { FILE_PATH_BYTES_MAX = 1024 };

#define FILE_E_MAP(X) X(FILE_E_LOCKED, "locked by another process")
#define X(code, name) code,
enum file_refusal { FILE_E_NONE = 0, FILE_E_MAP(X) FILE_E_COUNT };
#undef X

/* The bytes of a regular file of at most bytes_max bytes, in arena, with a NUL behind them (not counted).
 * 0; -ENOENT, -EACCES, -EISDIR, -EINVAL (not a regular file), -EFBIG (over bytes_max), -ENOMEM (arena full), -EIO. */
int file_read_all(const char *path, size_t bytes_max, struct arena *arena, struct str *ret_bytes,
                  struct message *message);
/* Replaces path by a file of these bytes and this mode: written beside it, flushed, renamed, the folder flushed. When
 * it returns 0 the new content survives a power cut; after any fault the old file is still there as it was. */
int file_write_atomic(const char *path, struct str bytes, unsigned mode, struct message *message);
/* The same for whoever reads it while this machine runs: a power cut may leave either content, or nothing. */
int file_write_unflushed(const char *path, struct str bytes, unsigned mode, struct message *message);
/* Makes path and the parents it lacks, all with mode (parents also with u+wx). 0 when it is there already; -ENOTDIR
 * when a part of it is a file. */
int dir_make(const char *path, unsigned mode, struct message *message);
/* Removes the folder path with everything in it; links are removed, not followed. 0 when it is not there; after a fault
 * a part of it is gone. -EINVAL: not a folder, or the root. */
int dir_remove(const char *path, struct message *message);
/* Takes the lock file path (made with mode 0600) for as long as *ret_fd, which the caller closes, stays open; it is
 * lost with the process, however that ends. FILE_E_LOCKED when another process has it. */
int file_lock(const char *path, int *ret_fd, struct message *message);
bool file_exists(const char *path); /* anything at all, also a folder; a dangling link does not exist */
/* Flushes the folder that holds path, so that a file just made there keeps its name. */
int file_sync_folder(const char *path);

#endif
