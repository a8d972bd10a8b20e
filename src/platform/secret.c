#include "platform/secret.h"

#include "platform/random.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void secret_wipe(void *bytes, size_t len) {
    if (len) OPENSSL_cleanse(bytes, len);
}

int secret_alloc(size_t len, struct secret_bytes *ret_secret) {
    check(len > 0 && len <= SECRET_BYTES_MAX);
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t mapped_bytes = (len + page_bytes - 1) / page_bytes * page_bytes;
    void *at = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return err_origin(-ENOMEM);
    (void)madvise(at, mapped_bytes, MADV_DONTDUMP); /* a kernel without it: secrets_no_core still holds */
    *ret_secret = (struct secret_bytes){
        .at = at, .len = len, .mapped_bytes = mapped_bytes, .locked = mlock(at, mapped_bytes) == 0
    };
    return 0;
}

void secret_release(struct secret_bytes *secret) {
    if (secret->at) {
        secret_wipe(secret->at, secret->mapped_bytes);
        check(munmap(secret->at, secret->mapped_bytes) == 0); /* unlocks too */
    }
    *secret = (struct secret_bytes){ 0 };
}

struct str secret_str(const struct secret_bytes *secret) {
    return str_from_bytes(secret->at ? (const char *)secret->at : "", secret->len);
}

int secrets_no_core(void) {
    struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) return err_origin(-errno);
    if (setrlimit(RLIMIT_CORE, &none)) return err_origin(-errno);
    return 0;
}

/* Judges the open file by (S2). */
static int secret_judge(const char *path, const struct stat *stat, struct message *message) {
    if (!S_ISREG(stat->st_mode)) {
        message_set(message, "%s is not a regular file", path);
        return SECRET_E_KIND;
    }
    unsigned mode = stat->st_mode & 07777u;
    if (mode != 0600 && mode != 0400) {
        message_set(message, "%s has mode %04o: a secret must be for its owner alone; run chmod 600 %s", path, mode,
                    path);
        return SECRET_E_MODE;
    }
    if (stat->st_uid != geteuid() && stat->st_uid != 0 && geteuid() != 0) {
        message_set(message, "%s belongs to another user (uid %u)", path, (unsigned)stat->st_uid);
        return SECRET_E_OWNER;
    }
    return 0;
}

static int read_fully(int fd, uint8_t *at, size_t len) {
    for (size_t done = 0; done < len;) {
        ssize_t got = read(fd, at + done, len - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return err_origin(-errno);
        if (got == 0) return err_origin(-EIO); /* cut short while being read */
        done += (size_t)got;
    }
    return 0;
}

static int secret_read(int fd, const char *path, size_t range[2], struct secret_bytes *ret_secret,
                       struct message *message) {
    struct stat stat;
    if (fstat(fd, &stat)) return err_origin(-errno);
    int r = secret_judge(path, &stat, message);
    if (r) return r;
    if (stat.st_size < (off_t)range[0] || stat.st_size > (off_t)range[1]) {
        message_set(message, "%s has %lld bytes where %zu to %zu were expected", path, (long long)stat.st_size,
                    range[0], range[1]);
        return SECRET_E_SIZE;
    }
    struct secret_bytes secret = { 0 };
    r = secret_alloc((size_t)stat.st_size, &secret);
    if (r == 0) r = read_fully(fd, secret.at, secret.len);
    if (r == 0) *ret_secret = secret;
    else secret_release(&secret);
    return err_trace(r);
}

static int secret_load(const char *path, size_t range[2], struct secret_bytes *ret_secret, struct message *message) {
    check(range[0] > 0 && range[0] <= range[1] && range[1] <= SECRET_BYTES_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe must not hold the start */
    if (fd < 0) {
        int error = errno;
        message_set(message, "cannot open %s: %s", path, strerrordesc_np(error));
        if (error == ENOENT || error == ENOTDIR) return SECRET_E_MISSING;
        if (error == EACCES || error == EPERM || error == ELOOP) return SECRET_E_ACCESS;
        return err_origin(-error);
    }
    int r = secret_read(fd, path, range, ret_secret, message);
    (void)close(fd); /* only read from */
    return r;
}

int secret_load_file(const char *path, size_t bytes, struct secret_bytes *ret_secret, struct message *message) {
    return secret_load(path, (size_t[2]){ bytes, bytes }, ret_secret, message);
}

int secret_load_text(const char *path, size_t bytes_max, struct secret_bytes *ret_secret, struct message *message) {
    return secret_load(path, (size_t[2]){ 1, bytes_max }, ret_secret, message);
}

static int write_fully(int fd, struct str bytes) {
    while (bytes.len) {
        ssize_t put = write(fd, bytes.at, bytes.len);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return err_origin(-errno);
        bytes = str_slice(bytes, (size_t)put, bytes.len);
    }
    return fsync(fd) ? err_origin(-errno) : 0;
}

static int flush_directory_of(const char *path) {
    char directory[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash == path) slash++; /* the root's own name is its slash */
    if (slash && str_to_c(str_from_bytes(path, (size_t)(slash - path)), directory, sizeof directory))
        return err_origin(-ENAMETOOLONG);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return err_origin(-errno);
    int r = fsync(fd) ? err_origin(-errno) : 0;
    (void)close(fd); /* only flushed */
    return r;
}

/* Gives the finished file its name; link() refuses a name that exists, so nothing is ever replaced. */
static int secret_name_file(const char *temporary, const char *path, struct message *message) {
    if (link(temporary, path) == 0) return flush_directory_of(path);
    if (errno != EEXIST) return err_origin(-errno);
    message_set(message, "%s exists already and is not replaced", path);
    return SECRET_E_EXISTS;
}

int secret_write_file(const char *path, struct str bytes, struct message *message) {
    check(bytes.len > 0 && bytes.len <= SECRET_BYTES_MAX);
    char temporary[PATH_MAX];
    uint64_t salt;
    random_bytes(&salt, sizeof salt);
    int len = snprintf(temporary, sizeof temporary, "%s.new-%016llx", path, (unsigned long long)salt);
    if (len < 0 || (size_t)len >= sizeof temporary) return err_origin(-ENAMETOOLONG);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        int error = errno;
        message_set(message, "cannot create %s: %s", path, strerrordesc_np(error));
        if (error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM || error == EROFS)
            return SECRET_E_ACCESS;
        return err_origin(-error);
    }
    int r =
        fchmod(fd, 0600) ? err_origin(-errno) : write_fully(fd, bytes); /* a umask of 0777 would leave no mode at all */
    if (close(fd) && r == 0) r = err_origin(-errno);
    if (r == 0) r = secret_name_file(temporary, path, message);
    (void)unlink(temporary); /* its second name; a crash before this leaves a spare 0600 file */
    return err_trace(r);
}

int secret_create_file(const char *path, size_t bytes, struct secret_bytes *ret_secret, struct message *message) {
    struct secret_bytes secret = { 0 };
    int r = secret_alloc(bytes, &secret);
    if (r) return err_trace(r);
    random_bytes(secret.at, secret.len);
    r = secret_write_file(path, secret_str(&secret), message);
    if (r == 0) *ret_secret = secret;
    else secret_release(&secret);
    return err_trace(r);
}
