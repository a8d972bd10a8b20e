#include "integration/saga/saga_check_int.h"

#include <stdarg.h>

/* The words of the checker. */

enum { PATH_STATES_MAX = 14 }; /* longer paths lose their beginning */

static bool is_warning(enum saga_finding_kind kind) {
    return kind == SAGA_FINDING_DATA || kind == SAGA_FINDING_NEVER_RAISED || kind == SAGA_FINDING_FRACTION ||
           kind == SAGA_FINDING_FAIL_AFTER_PIVOT;
}

static bool is_known(const struct saga_report *report, const char *text) {
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->findings[i].text, text) == 0) return true;
    return false;
}

static void add(struct saga_report *report, enum saga_finding_kind kind, uint16_t state, const char *text) {
    if (is_known(report, text)) return;
    bool warning = is_warning(kind);
    if (warning) report->warning_count++;
    else report->error_count++;
    if (report->count == SAGA_FINDINGS_MAX) return;
    struct saga_finding *finding = &report->findings[report->count++];
    *finding = (struct saga_finding){ .kind = kind, .warning = warning, .state = state };
    (void)snprintf(finding->text, sizeof finding->text, "%s", text); /* cut is fine */
}

void report_state(const struct checker *checker, enum saga_finding_kind kind, uint16_t state, const char *format, ...) {
    char text[SAGA_FINDING_BYTES_MAX], words[SAGA_FINDING_BYTES_MAX / 2], show[SHOWN_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    (void)snprintf(text, sizeof text, "%s: %s", shown(checker->def->nodes[state].name, show), words);
    add(checker->report, kind, state, text);
}

static void append_state(const struct checker *checker, struct buffer *out, const struct visit *visit) {
    char show[SHOWN_BYTES];
    buffer_append_c(out, shown(checker->def->nodes[visit->state].name, show));
}

static void append_error(struct buffer *out, struct str error) {
    char show[SHOWN_BYTES];
    if (error.len) buffer_printf(out, " (%s)", shown(error, show));
}

/* "A -> B (Error) -> C" up to this visit. */
static void append_path(const struct checker *checker, struct buffer *out, int32_t visit) {
    int32_t path[PATH_STATES_MAX];
    size_t count = 0;
    for (; visit >= 0 && count < PATH_STATES_MAX; visit = checker->visits[visit].parent) path[count++] = visit;
    if (visit >= 0) buffer_append_c(out, "... -> ");
    for (size_t i = count; i-- > 0;) {
        append_state(checker, out, &checker->visits[path[i]]);
        if (i == 0) return;
        append_error(out, checker->visits[path[i - 1]].came_by);
        buffer_append_c(out, " -> ");
    }
}

void report_path(const struct checker *checker, enum saga_finding_kind kind, const struct spot *spot,
                 const char *format, ...) {
    char text[SAGA_FINDING_BYTES_MAX], words[SAGA_FINDING_BYTES_MAX / 2];
    struct buffer out;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    buffer_init(&out, text, sizeof text - 1);
    append_path(checker, &out, spot->visit);
    append_error(&out, spot->error);
    buffer_append_c(&out, ": ");
    if (out.overflow) buffer_reset(&out); /* a path of very long names: the words alone */
    buffer_append_c(&out, words);
    text[out.len] = 0;
    add(checker->report, kind, checker->visits[spot->visit].state, text);
}
