/* log.h - what happened, for the people who run the program: one JSON object a line.
 *
 *   {"time":"2026-11-22T03:45:00.123Z","level":"info","event":"payment_accepted","payment_id":"...","duration_us":812}
 *
 * (L1) A line is one write(2), at most LOG_LINE_BYTES_MAX bytes with its line end; a field that does not fit is left
 *      out or cut and the line says "cut":true. (L2) Nothing from outside can make a second line, move a cursor or
 *      break the JSON (json_text.h). (L3) Fields are made by the constructors below and by nothing else. None takes a
 *      personal type or a secret: log_str accepts struct str, char * and const char * only, log_masked only what mask.h
 *      made (personal_refused.sh proves that the rest does not compile). What an x_reveal() gave must not be passed to
 *      log_str.
 * (L4) Of identical lines (level, event and all fields but log_correlation) at most LOG_IDENTICAL_MAX are written in
 *      LOG_WINDOW_MS; the next one says how many were "suppressed", and log_flush says it when no next one comes.
 * (L5) A failed write never stops the caller; it is counted (log_lost).
 * Modules do not log faults: the edge that ends an operation does, once, with log_fault.
 * All functions may be called from any thread, and take a NULL log: then nothing is written. */
#ifndef GIRO_OBSERVE_LOG_H
#define GIRO_OBSERVE_LOG_H

#include "observe/mask.h"
#include "observe/pii_hash.h"

#include <pthread.h>

enum {
    LOG_LINE_BYTES_MAX = 4096,
    LOG_VALUE_BYTES_MAX = 512, /* of one text, before escaping */
    LOG_FIELDS_MAX = 24,
    LOG_IDENTICAL_MAX = 10,
    LOG_WINDOW_MS = 1000,
    LOG_SLOTS = 64,            /* different lines watched at a time */
};

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

enum log_kind {
    LOG_KIND_TEXT, LOG_KIND_CORRELATION, LOG_KIND_NUMBER, LOG_KIND_BOOL, LOG_KIND_ID, LOG_KIND_MASKED, LOG_KIND_HASH
};
struct log_field {
    const char *name; /* a literal */
    enum log_kind kind;
    union {
        struct str text; /* borrowed until the call returns */
        int64_t number;
        bool fact;
        uint8_t id[16];
        struct masked masked;
        struct pii_hash hash;
    } value;
};

struct log_field log_text_str(const char *name, struct str value);
struct log_field log_text_c(const char *name, const char *value); /* NULL: empty */
/* Text that is ours or was checked: words, routes, codes. Not personal, not secret. */
#define log_str(name, value)                                                                                           \
    _Generic((value), struct str: log_text_str, const char *: log_text_c, char *: log_text_c)((name), (value))
struct log_field log_i64(const char *name, int64_t value);
struct log_field log_bool(const char *name, bool value);
struct log_field log_id(const char *name, const uint8_t id[16]);          /* all zero: null */
struct log_field log_masked(const char *name, struct masked value);
struct log_field log_hash(const char *name, struct pii_hash value);
/* An interaction or trace id: it differs in lines that are alike. */
struct log_field log_correlation(const char *name, struct str value);

struct log_slot {
    uint64_t key;
    const char *event; /* NULL: free */
    int64_t window_ms; /* when it began, monotonic */
    uint32_t written, suppressed;
};
struct log {
    int fd; /* borrowed; opened with O_APPEND by its owner, who rotates it with dup2 */
    enum log_level level_min;
    int64_t (*now_ms)(void);  /* clock_now_ms */
    int64_t (*mono_ms)(void); /* clock_mono_ms */
    pthread_mutex_t lock;     /* of the slots */
    uint64_t seed;
    struct log_slot slots[LOG_SLOTS];
    _Atomic uint64_t lost;
};

void log_init(struct log *log, int fd, enum log_level level_min);
void log_release(struct log *log); /* flushes; the descriptor stays open */
/* Writes a line "log_suppressed" for each event whose suppressed lines were not told yet. */
void log_flush(struct log *log);
uint64_t log_lost(struct log *log); /* lines that could not be written */

/* log_event(log, LOG_LEVEL_INFO, "payment_accepted", log_id("payment_id", id), log_i64("duration_us", us));
 * event is a literal in snake_case; 1..LOG_FIELDS_MAX fields. log_note is the same without fields. */
#define log_event(log, level, event, ...)                                                                              \
    log_write((log), (level), (event), (const struct log_field[]){ __VA_ARGS__ },                                      \
              sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))
#define log_note(log, level, event) log_write((log), (level), (event), NULL, 0)
void log_write(struct log *log, enum log_level level, const char *event, const struct log_field *fields, size_t count);

/* The fault that ended operation: level error, event "fault", the name of the errno and the path it took (err_path of
 * this thread). interaction_id may be empty. */
void log_fault(struct log *log, const char *operation, int code, struct str interaction_id);

#endif
