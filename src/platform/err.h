/* err.h - the path of a fault, and messages for people.
 *
 * A fault is a negative errno. Where it first appears it passes err_origin(), on its way up err_trace(); both note file
 * and line in a thread-local list that err_path() prints. A refusal (positive) of a lower module that the caller did not
 * expect is a bug: err_fold() turns it into -EPROTO. The names of the codes never leave the process in an answer. */
#ifndef GIRO_PLATFORM_ERR_H
#define GIRO_PLATFORM_ERR_H

#include <stddef.h>

enum { ERR_PATH_STEPS_MAX = 16, MESSAGE_BYTES_MAX = 480 };

#define err_origin(code) err_origin_at((code), __FILE__, __LINE__)
#define err_trace(code) err_trace_at((code), __FILE__, __LINE__)
#define err_fold(code) err_fold_at((code), __FILE__, __LINE__)

int err_origin_at(int code, const char *file, int line); /* starts a new path; returns code; code < 0 */
int err_trace_at(int code, const char *file, int line);  /* adds a step when code < 0; returns code unchanged */
int err_fold_at(int code, const char *file, int line);   /* positive becomes -EPROTO with a new path; others as they are */

/* Writes "errno name: file:line < file:line ..." of this thread's last fault into text (cut to bytes_max). */
void err_path(int code, char *text, size_t bytes_max);

/* One sentence for the person who started the program: what is wrong and what to change. */
struct message {
    char text[MESSAGE_BYTES_MAX];
};
/* Formats into message (which may be NULL: then nothing happens); cut at its size. Never pass personal data. */
void message_set(struct message *message, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
