#include "platform/file.h"

#include "platform/random.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_fault(int fault, const char *verb, const char *path, struct message *message) {
    const char *advice;
    switch (-fault) {
    case ENOENT:
        advice = "it does not exist; create it or correct the path";
        break;
    case EACCES:
        advice = "this user may not; change its owner or mode, or those of its folder";
        break;
    case EPERM:
        advice = "the system does not allow it; change its owner or attributes";
        break;
    case EISDIR:
        advice = "it is a folder; name a file";
        break;
    case ENOTDIR:
        advice = "a part of the path is a file, not a folder; correct the path";
        break;
    case EINVAL:
        advice = "it is not a regular file; name one";
        break;
    case EFBIG:
        advice = "it is larger than allowed; name a smaller file";
        break;
    case ENAMETOOLONG:
        advice = "the path is too long; use a shorter one";
        break;
    case ENOSPC:
    case EDQUOT:
        advice = "the disk is full; free some space";
        break;
    case EROFS:
        advice = "the file system is read-only; use another folder";
        break;
    default:
        advice = strerrordesc_np(-fault);
        break;
    }
    message_set(message, "cannot %s %.300s: %s", verb, path, advice);
    return err_trace(fault);
}

static int read_full(int fd, char *bytes, size_t len, size_t *ret_len) {
    size_t have = 0;
    while (have < len) {
        ssize_t got = read(fd, bytes + have, len - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return err_origin(-errno);
        if (got == 0) break;
        have += (size_t)got;
    }
    *ret_len = have;
    return 0;
}

static int read_open_file(int fd, size_t bytes_max, struct arena *arena, struct str *ret_bytes) {
    struct stat status;
    size_t len;
    if (fstat(fd, &status) != 0) return err_origin(-errno);
    if (S_ISDIR(status.st_mode)) return err_origin(-EISDIR);
    if (!S_ISREG(status.st_mode)) return err_origin(-EINVAL);
    if ((uintmax_t)status.st_size > bytes_max) return err_origin(-EFBIG);
    size_t size = (size_t)status.st_size;
    char *bytes = arena_alloc(arena, size + 1);
    if (!bytes) return err_origin(-ENOMEM);
    int r = read_full(fd, bytes, size, &len);
    if (r) return err_trace(r);
    bytes[len] = 0;
    *ret_bytes = str_from_bytes(bytes, len);
    return 0;
}

int file_read_all(const char *path, size_t bytes_max, struct arena *arena, struct str *ret_bytes,
                  struct message *message) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hold us up */
    int r = fd < 0 ? err_origin(-errno) : read_open_file(fd, bytes_max, arena, ret_bytes);
    if (fd >= 0) (void)close(fd); /* read only: nothing to lose */
    return r ? file_fault(r, "read", path, message) : 0;
}

static int write_all(int fd, struct str bytes, unsigned mode) {
    while (bytes.len) {
        ssize_t written = write(fd, bytes.at, bytes.len);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return err_origin(-errno);
        bytes = str_slice(bytes, (size_t)written, bytes.len);
    }
    return fchmod(fd, mode) == 0 ? 0 : err_origin(-errno);
}

int file_sync_folder(const char *path) {
    char folder[FILE_PATH_BYTES_MAX];
    if (str_to_c(str_from_c(path), folder, sizeof folder)) return err_origin(-ENAMETOOLONG);
    char *slash = strrchr(folder, '/');
    if (slash == folder) slash[1] = 0;
    else if (slash) *slash = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return err_origin(-errno);
    int r =
        fsync(fd) == 0 || errno == EINVAL ? 0 : err_origin(-errno); /* EINVAL: this file system has nothing to flush */
    (void)close(fd);
    return r;
}

/* Writes a new file beside path and renames it over path. */
static int replace(const char *path, struct str bytes, unsigned mode, bool flushed) {
    char beside[FILE_PATH_BYTES_MAX];
    uint32_t nonce;
    random_bytes(&nonce, sizeof nonce);
    int len = snprintf(beside, sizeof beside, "%s.%08x.new", path, nonce);
    if (len < 0 || (size_t)len >= sizeof beside) return err_origin(-ENAMETOOLONG);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return err_origin(-errno);
    int r = write_all(fd, bytes, mode);
    if (!r && flushed && fsync(fd) != 0) r = err_origin(-errno);
    if (close(fd) != 0 && !r) r = err_origin(-errno);
    if (!r && rename(beside, path) != 0) r = err_origin(-errno);
    if (r) (void)unlink(beside); /* the fault that brought us here is the one to tell */
    return r || !flushed ? err_trace(r) : err_trace(file_sync_folder(path));
}

int file_write_atomic(const char *path, struct str bytes, unsigned mode, struct message *message) {
    int r = replace(path, bytes, mode, true);
    return r ? file_fault(r, "write", path, message) : 0;
}

int file_write_unflushed(const char *path, struct str bytes, unsigned mode, struct message *message) {
    int r = replace(path, bytes, mode, false);
    return r ? file_fault(r, "write", path, message) : 0;
}

/* One folder; 0 also when it stands there already. */
static int make_one(const char *path, unsigned mode) {
    struct stat status;
    if (mkdir(path, mode) == 0) return 0;
    if (errno != EEXIST) return err_origin(-errno);
    if (stat(path, &status) != 0) return err_origin(-errno);
    return S_ISDIR(status.st_mode) ? 0 : err_origin(-ENOTDIR);
}

int dir_make(const char *path, unsigned mode, struct message *message) {
    char part[FILE_PATH_BYTES_MAX];
    int r = 0;
    if (*path == 0) r = err_origin(-ENOENT);
    else if (str_to_c(str_from_c(path), part, sizeof part)) r = err_origin(-ENAMETOOLONG);
    for (char *slash = part; !r && (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = 0;
        r = make_one(part, mode | S_IWUSR | S_IXUSR);
    }
    if (!r) r = make_one(part, mode);
    return r ? file_fault(r, "make the folder", path, message) : 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status; /* a folder comes after what it holds, so each can be removed as it comes */
    (void)kind;
    (void)place;
    return remove(path) == 0 ? 0 : -errno;
}

int dir_remove(const char *path, struct message *message) {
    enum { DESCRIPTORS_MAX = 16 };
    struct stat status;
    int r = lstat(path, &status) == 0 ? 0 : err_origin(-errno);
    if (r == -ENOENT) return 0;
    if (!r && (!S_ISDIR(status.st_mode) || strspn(path, "/.") == strlen(path))) r = err_origin(-EINVAL);
    if (!r) r = nftw(path, remove_one, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS);
    if (r == -1) r = err_origin(-errno);
    return r ? file_fault(r, "remove the folder", path, message) : 0;
}

int file_lock(const char *path, int *ret_fd, struct message *message) {
    int r = 0;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return file_fault(err_origin(-errno), "lock", path, message);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0 && !r)
        if (errno != EINTR) r = errno == EWOULDBLOCK ? (int)FILE_E_LOCKED : err_origin(-errno);
    if (r == 0) {
        *ret_fd = fd;
        return 0;
    }
    (void)close(fd);
    if (r < 0) return file_fault(r, "lock", path, message);
    message_set(message, "cannot lock %s: another process holds it; stop that one or use another folder", path);
    return r;
}

bool file_exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0;
}
