#include "platform/err.h"

#include "platform/base.h"

#include <stdarg.h>

struct err_step {
    const char *file;
    int line;
};
static _Thread_local struct err_step err_steps[ERR_PATH_STEPS_MAX];
static _Thread_local size_t err_step_count;

static void err_add(const char *file, int line) {
    if (err_step_count == ERR_PATH_STEPS_MAX) return; /* the origin matters most; later steps are dropped */
    err_steps[err_step_count++] = (struct err_step){ .file = file, .line = line };
}

int err_origin_at(int code, const char *file, int line) {
    err_step_count = 0;
    err_add(file, line);
    return code;
}

int err_trace_at(int code, const char *file, int line) {
    if (code < 0) err_add(file, line);
    return code;
}

int err_fold_at(int code, const char *file, int line) {
    return code > 0 ? err_origin_at(-EPROTO, file, line) : err_trace_at(code, file, line);
}

void err_path(int code, char *text, size_t bytes_max) {
    const char *name = strerrorname_np(code < 0 ? -code : code);
    int used = snprintf(text, bytes_max, "%s:", name ? name : "unknown");
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
