/* err.h - the path of a fault, and messages for people.
 *
 * A fault is a negative errno. Where it first appears it passes err_origin(), on its way up err_trace(); both note file
 * and line in a thread-local list that err_path() prints. A refusal (positive) of a lower module that the caller did
 * not expect is a bug: err_fold() turns it into -EPROTO. The names of the codes never leave the process in an answer.
 */
#ifndef GIRO_PLATFORM_ERR_H
#define GIRO_PLATFORM_ERR_H

#include <errno.h>
#include <stddef.h>

enum { ERR_PATH_STEPS_MAX = 16, MESSAGE_BYTES_MAX = 480 };

#define err_origin(code) err_origin_at((code), __FILE__, __LINE__)
#define err_trace(code) err_trace_at((code), __FILE__, __LINE__)
#define err_fold(code) err_fold_at((code), __FILE__, __LINE__)

void err_begin(const char *file, int line); /* a new path, with its first step */
void err_step(const char *file, int line);  /* one more step */
void err_fold_note(int code);               /* keeps the number of a refusal that became a fault, for the path */

/* Inline, so that the compiler sees that the code comes back unchanged. */
static inline int err_origin_at(int code, const char *file, int line) { /* code < 0 */
    err_begin(file, line);
    return code;
}
static inline int err_trace_at(int code, const char *file, int line) { /* adds a step when code < 0 */
    if (code < 0) err_step(file, line);
    return code;
}
static inline int err_fold_at(int code, const char *file, int line) { /* positive becomes -EPROTO with a new path */
    if (code <= 0) return err_trace_at(code, file, line);
    err_begin(file, line);
    err_fold_note(code);
    return -EPROTO;
}

/* Writes "errno name: file:line < file:line ..." of this thread's last fault into text (cut to bytes_max). */
void err_path(int code, char *text, size_t bytes_max);

/* One sentence for the person who started the program: what is wrong and what to change. */
struct message {
    char text[MESSAGE_BYTES_MAX];
};
/* Formats into message (which may be NULL: then nothing happens); cut at its size. Never pass personal data. */
void message_set(struct message *message, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
