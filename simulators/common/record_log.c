#include "simulators/common/record_log.h"

#include "platform/digest.h"
#include "platform/encoding.h"
#include "platform/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUM_CHARS = 8, SEQUENCE_CHARS = 16, HEAD_CHARS = SUM_CHARS + 1 + SEQUENCE_CHARS + 1,
       LINE_BYTES_MAX = HEAD_CHARS + RECORD_LOG_PAYLOAD_BYTES_MAX + 1 };

static void put_line(struct buffer *out, uint64_t sequence, struct str payload) {
    char sum_text[SUM_CHARS];
    struct buffer sum_out;
    size_t at = out->len;
    buffer_append(out, "........ ", SUM_CHARS + 1);
    buffer_printf(out, "%0*llu ", SEQUENCE_CHARS, (unsigned long long)sequence);
    buffer_append_str(out, payload);
    if (out->overflow) return;
    struct hash sum = sha256(out->at + at + SUM_CHARS + 1, out->len - at - SUM_CHARS - 1);
    buffer_init(&sum_out, sum_text, sizeof sum_text);
    hex_encode(&sum_out, sum.bytes, SUM_CHARS / 2);
    memcpy(out->at + at, sum_text, SUM_CHARS);
    buffer_append_char(out, '\n');
}

/* Whether line (with its line end) is exactly what put_line writes for this sequence. */
static bool line_is_right(struct str line, uint64_t sequence) {
    static char memory[LINE_BYTES_MAX];
    struct buffer want;
    if (line.len <= HEAD_CHARS || line.len > LINE_BYTES_MAX) return false;
    buffer_init(&want, memory, sizeof memory);
    put_line(&want, sequence, str_slice(line, HEAD_CHARS, line.len - 1));
    return str_equal(buffer_str(&want), line);
}

static int take_line(const struct record_log_reader *reader, uint64_t sequence, struct str line) {
    if (!line_is_right(line, sequence)) return err_origin(-EBADMSG);
    struct str payload = str_slice(line, HEAD_CHARS, line.len - 1);
    if (sequence > 0) return reader->take(reader->ctx, sequence, payload);
    return str_equal_c(payload, reader->format) ? 0 : err_origin(-EBADMSG);
}

/* An unfinished first line is the start of a file whose maker died: anything else is not ours and must not be cut. */
static bool could_be_header(const char *format, struct str tail) {
    char memory[256];
    struct buffer header;
    buffer_init(&header, memory, sizeof memory);
    put_line(&header, 0, str_from_c(format));
    return str_starts(buffer_str(&header), tail);
}

struct scan {
    uint64_t lines;     /* right ones, the header included */
    off_t good_bytes;   /* their length */
    size_t tail_bytes;  /* the unfinished line behind them */
};

static int scan_file(int fd, const struct record_log_reader *reader, struct scan *ret_scan) {
    static char bytes[LINE_BYTES_MAX + 1];
    struct scan scan = { 0 };
    for (;;) {
        ssize_t got = read(fd, bytes + scan.tail_bytes, sizeof bytes - scan.tail_bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return err_origin(-errno);
        if (got == 0) break;
        struct str rest = str_from_bytes(bytes, scan.tail_bytes + (size_t)got);
        const char *end;
        while (rest.len && (end = memchr(rest.at, '\n', rest.len)) != NULL) {
            size_t line_bytes = (size_t)(end - rest.at) + 1;
            int r = take_line(reader, scan.lines, str_slice(rest, 0, line_bytes));
            if (r) return err_trace(r);
            scan.lines++;
            scan.good_bytes += (off_t)line_bytes;
            rest = str_slice(rest, line_bytes, rest.len);
        }
        if (rest.len == sizeof bytes) return err_origin(-EBADMSG);
        memmove(bytes, rest.at, rest.len);
        scan.tail_bytes = rest.len;
    }
    if (scan.lines == 0 && !could_be_header(reader->format, str_from_bytes(bytes, scan.tail_bytes)))
        return err_origin(-EBADMSG);
    *ret_scan = scan;
    return 0;
}

static int tell(int fault, const char *path, struct message *message) {
    if (fault == -EBADMSG)
        message_set(message, "%s is damaged or not a file of this program: restore it, or name another file", path);
    else if (fault == -ENOENT)
        message_set(message, "cannot open %s: it does not exist; correct the path", path);
    else
        message_set(message, "cannot open %s: %s; correct the path or its permissions", path, strerrordesc_np(-fault));
    return err_trace(fault);
}

int record_log_read(const char *path, const struct record_log_reader *reader, struct message *message) {
    struct scan scan;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? err_origin(-errno) : scan_file(fd, reader, &scan);
    if (fd >= 0) (void)close(fd); /* read only */
    return r ? tell(r, path, message) : 0;
}

/* Reads back, cuts the unfinished line off, writes the header into an empty file. */
static int prepare(struct record_log *log, const char *path, const struct record_log_reader *reader) {
    struct scan scan;
    int r = scan_file(log->fd, reader, &scan);
    if (r) return err_trace(r);
    if (scan.tail_bytes && ftruncate(log->fd, scan.good_bytes) != 0) return err_origin(-errno);
    if (lseek(log->fd, scan.good_bytes, SEEK_SET) < 0) return err_origin(-errno);
    if (scan.lines > 0) {
        log->sequence = scan.lines - 1;
        return fdatasync(log->fd) == 0 ? 0
                                       : err_origin(-errno); /* what was read may not have been flushed by who died */
    }
    put_line(&log->batch, 0, str_from_c(reader->format));
    r = record_log_flush(log);
    return r ? err_trace(r) : err_trace(file_sync_folder(path));
}

int record_log_open(struct record_log *log, const char *path, const struct record_log_reader *reader,
                    struct message *message) {
    char lock_path[FILE_PATH_BYTES_MAX];
    *log = (struct record_log){ .fd = -1, .lock_fd = -1 };
    buffer_init_heap(&log->batch, RECORD_LOG_BATCH_BYTES_MAX);
    int len = snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    if (len < 0 || (size_t)len >= sizeof lock_path) return tell(err_origin(-ENAMETOOLONG), path, message);
    int r = file_lock(lock_path, &log->lock_fd, message);
    if (r) return r < 0 ? err_trace(r) : RECORD_LOG_E_LOCKED;
    log->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    r = log->fd < 0 ? err_origin(-errno) : prepare(log, path, reader);
    return r ? tell(r, path, message) : 0;
}

void record_log_release(struct record_log *log) {
    if (log->batch.heap && log->fd >= 0) (void)close(log->fd); /* what mattered has been flushed */
    if (log->batch.heap && log->lock_fd >= 0) (void)close(log->lock_fd);
    buffer_release(&log->batch);
    *log = (struct record_log){ .fd = -1, .lock_fd = -1 };
}

int record_log_append(struct record_log *log, struct str payload, uint64_t *ret_sequence) {
    check(payload.len <= RECORD_LOG_PAYLOAD_BYTES_MAX && !memchr(payload.at, '\n', payload.len));
    if (log->batch.len + payload.len + HEAD_CHARS + 1 > RECORD_LOG_BATCH_BYTES_MAX) {
        int r = record_log_flush(log);
        if (r) return err_trace(r);
    }
    put_line(&log->batch, log->sequence + 1, payload);
    if (log->batch.overflow) return err_origin(-ENOMEM);
    *ret_sequence = ++log->sequence;
    return 0;
}

int record_log_flush(struct record_log *log) {
    struct str rest = buffer_str(&log->batch);
    if (rest.len == 0) return 0;
    while (rest.len) {
        ssize_t written = write(log->fd, rest.at, rest.len);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return err_origin(-errno);
        rest = str_slice(rest, (size_t)written, rest.len);
    }
    if (fdatasync(log->fd) != 0) return err_origin(-errno);
    buffer_reset(&log->batch);
    return 0;
}
