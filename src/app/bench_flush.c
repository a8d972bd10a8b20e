#include "app/bench.h"

#include <fcntl.h>
#include <unistd.h>

#include "platform/clock.h"

enum { PATH_BYTES = 512 };

static int flush_for_a_while(int fd, struct latencies *latencies) {
    static const char block[BENCH_FLUSH_BYTES] = { 1 };
    int64_t end_ns = clock_mono_ns() + BENCH_FLUSH_MS * 1000000LL;
    while (clock_mono_ns() < end_ns && latencies->count < BENCH_FLUSHES_MAX) {
        int64_t from_ns = clock_mono_ns();
        ssize_t len = write(fd, block, sizeof block);
        if (len != (ssize_t)sizeof block) return err_origin(len < 0 ? -errno : -EIO);
        if (fdatasync(fd)) return err_origin(-errno);
        latencies_add(latencies, clock_mono_ns() - from_ns);
    }
    return 0;
}

int bench_flush_floor(const char *folder, int64_t *ret_us, struct message *message) {
    char path[PATH_BYTES];
    struct latencies latencies;
    int len = snprintf(path, sizeof path, "%s/bench-flush-%ld.tmp", folder, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof path) return err_origin(-ENAMETOOLONG);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        int r = -errno;
        message_set(message, "cannot make %s (%s)", path, strerror(-r));
        return err_origin(r);
    }
    latencies_init(&latencies);
    int r = flush_for_a_while(fd, &latencies);
    if (r) message_set(message, "cannot flush %s (%s)", path, strerror(-r));
    if (!r) *ret_us = latencies_at(&latencies, 500);
    latencies_release(&latencies);
    (void)close(fd);
    (void)unlink(path);
    return err_trace(r);
}
