/* store_sqlite_files.c - the files beside the database.
 *
 *   <path>.lock     held by flock while a process writes; its first line names that process. It is never removed.
 *   <path>.unknown  a commit of the last process failed so that nobody knows whether it is there. A failed flush leaves
 *   pages
 *                   that the kernel may hold as clean though the disk never got them; so the log is read back, written
 *                   to a
 *                   fresh file, flushed, and put in the old one's place before SQLite may believe it.
 *
 * Closing any descriptor of the database or its shared memory would drop SQLite's own locks on them (POSIX), so nothing
 * here opens those two while this process has a connection. */
#include "store/store_sqlite_int.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOCK_LINE_BYTES = 32,      /* "pid 12345\n", filled with blanks */
    COPY_BYTES = 256 * 1024,
    /* byte of the -shm file that every open connection holds shared (SQLite, "WAL-mode file format") */
    SHARED_MEMORY_LOCK = 128
};
static const char unknown_line[LOCK_LINE_BYTES] = "unknown                        \n";

static void companion(const char *path, const char *suffix, char text[STORE_COMPANION_BYTES_MAX]) {
    int len = snprintf(text, STORE_COMPANION_BYTES_MAX, "%s%s", path, suffix);
    check(len > 0 && len < STORE_COMPANION_BYTES_MAX);
}

static int folder_flush(const char *path) {
    char folder[STORE_COMPANION_BYTES_MAX];
    companion(path, "", folder);
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder ? 1 : 0] = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return err_origin(-errno);
    int r = fsync(fd) ? err_origin(-errno) : 0;
    (void)close(fd); /* nothing was written through it */
    return r;
}

int sqlite_file_create(const char *path, struct message *message) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) return 0;
    int r = fd < 0 ? -errno : 0;
    if (fd >= 0) (void)close(fd); /* empty */
    if (r == 0) r = folder_flush(path);
    if (r) message_set(message, "the store %s cannot be created: %s", path, strerror(-r));
    return r ? err_origin(r) : 0;
}

int sqlite_log_is_of_store(const char *path, struct message *message) {
    char log[STORE_COMPANION_BYTES_MAX];
    struct stat store_status, log_status;
    companion(path, "-wal", log);
    if (stat(path, &store_status) == 0 ? store_status.st_size > 0 : errno != ENOENT) return 0;
    if (stat(log, &log_status) != 0 || log_status.st_size == 0) return 0;
    message_set(message,
                "the store %s is missing or empty and its log %s is there, with what was written last: put the store"
                " back from a backup; to begin a new one, move the log away",
                path, log);
    return err_origin(-ENODATA);
}

static int lock_refused(int fd, const char *path, struct message *message) {
    char line[LOCK_LINE_BYTES + 1] = { 0 };
    unsigned long pid = 0;
    if (pread(fd, line, LOCK_LINE_BYTES, 0) > 4) pid = strtoul(line + 4, NULL, 10);
    if (pid) message_set(message, "the store %s is in use by process %lu: stop that one first", path, pid);
    else message_set(message, "the store %s is in use by another process: stop that one first", path);
    (void)close(fd); /* read only so far */
    return err_origin(-EBUSY);
}

int sqlite_lock_take(const char *path, int *ret_lock_fd, struct message *message) {
    char name[STORE_COMPANION_BYTES_MAX];
    companion(path, ".lock", name);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int r = err_origin(-errno);
        message_set(message, "the store's lock file %s cannot be written: %s", name, strerror(-r));
        return r;
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EWOULDBLOCK) return lock_refused(fd, path, message);
        int r = err_origin(-errno);
        message_set(message, "the store's lock file %s cannot be locked: %s", name, strerror(-r));
        (void)close(fd);
        return r;
    }
    char line[LOCK_LINE_BYTES + 1], second[LOCK_LINE_BYTES];
    (void)snprintf(line, sizeof line, "pid %-*ld\n", LOCK_LINE_BYTES - 5, (long)getpid());
    bool marked = pread(fd, second, sizeof second, LOCK_LINE_BYTES) == LOCK_LINE_BYTES;
    memset(second, ' ', sizeof second);
    second[LOCK_LINE_BYTES - 1] = '\n';
    bool written = pwrite(fd, line, LOCK_LINE_BYTES, 0) == LOCK_LINE_BYTES &&
                   (marked || pwrite(fd, second, sizeof second, LOCK_LINE_BYTES) == LOCK_LINE_BYTES);
    if (!written) {
        message_set(message, "the store's lock file %s cannot be written: no space or a failing disk", name);
        (void)close(fd);
        return err_origin(-EIO);
    }
    *ret_lock_fd = fd;
    return 0;
}

void sqlite_marker_leave(const char *path, int lock_fd) {
    char name[STORE_COMPANION_BYTES_MAX];
    companion(path, ".unknown", name);
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)fsync(fd); /* on a failing disk the mark in the lock file is the second chance */
        (void)close(fd);
        (void)folder_flush(path);
    }
    if (pwrite(lock_fd, unknown_line, LOCK_LINE_BYTES, LOCK_LINE_BYTES) == LOCK_LINE_BYTES) (void)fdatasync(lock_fd);
}

bool sqlite_marker_found(const char *path, int lock_fd) {
    char name[STORE_COMPANION_BYTES_MAX], line[LOCK_LINE_BYTES];
    companion(path, ".unknown", name);
    if (access(name, F_OK) == 0) return true;
    return lock_fd >= 0 && pread(lock_fd, line, sizeof line, LOCK_LINE_BYTES) == LOCK_LINE_BYTES &&
           memcmp(line, unknown_line, sizeof line) == 0;
}

int sqlite_marker_remove(const char *path, int lock_fd, struct message *message) {
    char name[STORE_COMPANION_BYTES_MAX], line[LOCK_LINE_BYTES];
    companion(path, ".unknown", name);
    memset(line, ' ', sizeof line);
    line[LOCK_LINE_BYTES - 1] = '\n';
    int r = 0;
    if (pwrite(lock_fd, line, sizeof line, LOCK_LINE_BYTES) != LOCK_LINE_BYTES || fdatasync(lock_fd)) r = -EIO;
    if (r == 0 && unlink(name) && errno != ENOENT) r = -errno;
    if (r == 0) r = folder_flush(path);
    if (r) message_set(message, "the marker %s cannot be removed: %s", name, strerror(-r));
    return r ? err_origin(r) : 0;
}

/* True when a connection of any process has the shared memory open. */
static bool opened_elsewhere(const char *path) {
    char name[STORE_COMPANION_BYTES_MAX];
    companion(path, "-shm", name);
    int fd = open(name, O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = SHARED_MEMORY_LOCK, .l_len = 1 };
    bool taken = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    (void)close(fd);
    return taken;
}

bool sqlite_shared_memory_take(const char *path, int *ret_fd) {
    char name[STORE_COMPANION_BYTES_MAX];
    struct stat ours, named;
    companion(path, "-shm", name);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = SHARED_MEMORY_LOCK, .l_len = 1 };
    bool taken = fcntl(fd, F_SETLK, &lock) == 0 && fstat(fd, &ours) == 0 && stat(name, &named) == 0 &&
                 ours.st_ino == named.st_ino; /* who closes last removes it */
    if (taken) *ret_fd = fd;
    else (void)close(fd);
    return taken;
}

static int copy_bytes(int from, int to) {
    static char bytes[COPY_BYTES]; /* at opening, under the writer's lock: one thread */
    ssize_t len;
    while ((len = read(from, bytes, sizeof bytes)) > 0)
        for (ssize_t done = 0; done < len;) {
            ssize_t written = write(to, bytes + done, (size_t)(len - done));
            if (written < 0) return err_origin(-errno);
            done += written;
        }
    if (len < 0) return err_origin(-errno);
    return fsync(to) ? err_origin(-errno) : 0;
}

int sqlite_log_refresh(const char *path, struct message *message) {
    char log[STORE_COMPANION_BYTES_MAX], fresh[STORE_COMPANION_BYTES_MAX];
    companion(path, "-wal", log);
    companion(path, "-wal.fresh", fresh);
    if (opened_elsewhere(path)) {
        message_set(message,
            "the store %s ended in the middle of a commit and another process still reads it: close that one first",
                    path);
        return err_origin(-EBUSY);
    }
    int r = 0, to = -1;
    int from = open(log, O_RDONLY | O_CLOEXEC);
    if (from < 0 && errno == ENOENT) return 0;
    if (from < 0) r = err_origin(-errno);
    if (r == 0) to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (r == 0 && to < 0) r = err_origin(-errno);
    if (r == 0) r = copy_bytes(from, to);
    if (from >= 0) (void)close(from);
    if (to >= 0 && close(to) && r == 0) r = err_origin(-errno);
    if (r == 0 && rename(fresh, log)) r = err_origin(-errno);
    if (r == 0) r = folder_flush(path);
    if (r) message_set(message, "the log %s cannot be copied after an unknown commit: %s", log, strerror(-r));
    return r;
}
