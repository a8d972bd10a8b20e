/* record_log.h - the own file of a simulator: lines that are only ever appended, flushed before anyone hears of
 * them.
 *
 * A line is: sum (8 hex digits, the first 4 bytes of the SHA-256 of what follows), blank, sequence (16 decimal
 * digits, from 1 on), blank, payload (any bytes but a line end), line end. Line 0 carries the name of the format.
 * (R1) What record_log_flush has returned 0 for is on disk (fdatasync), whole and in order.
 * (R2) Reading back, an unfinished last line (no line end: the process died while writing it) is dropped, and cut
 *      off when the file was opened for writing. Anything else that is not right (sum, sequence, length) is
 *      -EBADMSG: such a file is not used.
 * (R3) One process writes: it holds the lock file PATH.lock. Reading needs no lock and may happen meanwhile.
 * Not thread-safe. */
#ifndef GIRO_SIMULATORS_COMMON_RECORD_LOG_H
#define GIRO_SIMULATORS_COMMON_RECORD_LOG_H

#include "platform/buffer.h"

enum { RECORD_LOG_PAYLOAD_BYTES_MAX = 32 * 1024, RECORD_LOG_BATCH_BYTES_MAX = 1024 * 1024 };

struct record_log {
    int fd, lock_fd;
    uint64_t sequence; /* of the last line appended; 0 = none yet */
    struct buffer batch;
};

/* Takes one line read back; anything but 0 stops the reading and is returned. */
typedef int (*record_log_take)(void *ctx, uint64_t sequence, struct str payload);
struct record_log_reader {
    const char *format; /* name and version in line 0 */
    record_log_take take;
    void *ctx;
};

/* Opens (or makes, mode 0600) path for appending after reading it back. 0; RECORD_LOG_E_LOCKED: another process has it;
 * -EBADMSG: corrupt; other faults of the system. */
enum record_log_refusal { RECORD_LOG_E_NONE = 0, RECORD_LOG_E_LOCKED };
int record_log_open(struct record_log *log, const char *path, const struct record_log_reader *reader,
                    struct message *message);
void record_log_release(struct record_log *log); /* drops what was not flushed; works on a zeroed struct */
/* Only reads. -ENOENT when there is no such file. */
int record_log_read(const char *path, const struct record_log_reader *reader, struct message *message);
/* Adds a line to the batch and gives its sequence. When the batch is full it is flushed first. After a fault the file's
 * end is not known and the log must not be used again. payload: at most RECORD_LOG_PAYLOAD_BYTES_MAX bytes, no line end
 * (check). */
int record_log_append(struct record_log *log, struct str payload, uint64_t *ret_sequence);
int record_log_flush(struct record_log *log);

#endif
