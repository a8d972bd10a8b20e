#include "platform/err.h"

#include "platform/base.h"

#include <stdarg.h>

struct err_place {
    const char *file;
    int line;
};
static _Thread_local struct err_place err_steps[ERR_PATH_STEPS_MAX];
static _Thread_local size_t err_step_count;

static _Thread_local int err_refusal; /* the refusal that a fold met, 0 = none */

void err_step(const char *file, int line) {
    if (err_step_count == ERR_PATH_STEPS_MAX) return; /* the origin matters most; later steps are dropped */
    err_steps[err_step_count++] = (struct err_place){ .file = file, .line = line };
}

void err_begin(const char *file, int line) {
    err_step_count = 0;
    err_refusal = 0;
    err_step(file, line);
}

void err_fold_note(int code) {
    err_refusal = code;
}

void err_path(int code, char *text, size_t bytes_max) {
    const char *name = strerrorname_np(code < 0 ? -code : code);
    int used = snprintf(text, bytes_max, "%s:", name ? name : "unknown");
    if (err_refusal && used > 0 && (size_t)used < bytes_max)
        used += snprintf(text + used, bytes_max - (size_t)used, " refusal %d", err_refusal);
    for (size_t i = 0; i < err_step_count && used > 0 && (size_t)used < bytes_max; i++)
        used += snprintf(text + used, bytes_max - (size_t)used, " %s%s:%d", i ? "< " : "", err_steps[i].file,
                         err_steps[i].line);
}

void message_set(struct message *message, const char *format, ...) {
    if (!message) return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message->text, sizeof message->text, format, args); /* cut is fine */
    va_end(args);
}

void check_failed(const char *file, int line, const char *fact) {
    fprintf(stderr, "giro: check failed at %s:%d: %s\n", file, line, fact);
    abort();
}
