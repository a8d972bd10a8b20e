/* quarantine.h - commands that were in the batch when the process aborted are remembered in a marker file; one that was
 * there at two aborts is never decided again (design.md section 4).
 *
 * (Q1) the marker is a list of records of 20 bytes: a command's 16-byte idempotency key and how many aborts to add, 0 =
 * none any more (it committed). A record cut short at the end counts for nothing.
 * (Q2) on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT of a thread that runs a batch, be it that it decides it or that
 * it writes it, the keys of that batch are appended, with async-signal-safe calls alone, on a stack of its own; then
 * the signal takes its former course. An abort of another thread marks nothing.
 * (Q3) a command without an idempotency key cannot be told from another and is not marked.
 * (Q4) a key that commits well is cleared. (Q5) a command that was there at one abort is run alone, so that the second
 * abort names the culprit and not its mates. Private to the engine; one per process. Tests: quarantine_test.c. */
#ifndef GIRO_ENGINE_QUARANTINE_H
#define GIRO_ENGINE_QUARANTINE_H

#include "engine/engine.h"

enum {
    QUARANTINE_ABORTS = 2,      /* so many, and the command is refused */
    QUARANTINE_KEYS_MAX = 8192, /* remembered; further keys are not */
    QUARANTINE_BATCH_MAX = ENGINE_DUE_MAX + ENGINE_BATCH_MAX,
    QUARANTINE_RECORD_BYTES = 20,
    /* of a marker: what is remembered, what is cleared of it, and one batch more; a longer file is not ours */
    QUARANTINE_FILE_BYTES_MAX = (2 * QUARANTINE_KEYS_MAX + QUARANTINE_BATCH_MAX) * QUARANTINE_RECORD_BYTES,
    QUARANTINE_STACK_BYTES = 64 * 1024,
    QUARANTINE_BATCHES = 2, /* at a time: one is decided, one written */
};

struct quarantine;
/* Reads the marker at path (made with mode 0600 when it is not there; its folder must exist), rewrites it short, and
 * listens for the signals. 0, or <0 with message: -EBADMSG it is too long to be a marker, -EBUSY this process has one,
 * or the file's fault. */
int quarantine_open(const char *path, struct quarantine **ret_quarantine, struct message *message);
struct quarantine *quarantine_close(struct quarantine *quarantine); /* returns NULL, takes NULL */

/* All take NULL and, but for the two in the middle, are called by the thread that decides. */
/* This command was in the batch at QUARANTINE_ABORTS aborts: it is refused. */
bool quarantine_holds(const struct quarantine *quarantine, const struct command *command);
/* It was there at an abort, or is held: it gets a batch of its own (Q5). */
bool quarantine_suspects(const struct quarantine *quarantine, const struct command *command);
/* From now on these are batch number `batch` (below QUARANTINE_BATCHES), and the calling thread runs it; those that
 * are held are left out. */
void quarantine_enter(struct quarantine *quarantine, size_t batch, struct command *const *commands, size_t count);
/* The calling thread runs the batch, which another has entered; and it runs none any more. */
void quarantine_run(struct quarantine *quarantine, size_t batch);
void quarantine_rest(struct quarantine *quarantine);
/* The batch is over; the first `committed` of commands, which are all or none, have committed well. */
void quarantine_leave(struct quarantine *quarantine, size_t batch, struct command *const *commands, size_t committed);
/* The calling thread is the second one that runs batches: it gets a stack for (Q2), until it ends. */
void quarantine_second(struct quarantine *quarantine);

#endif
