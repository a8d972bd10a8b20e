#include "tools/tidy/rules.h"

#include <stdarg.h>

/* Written in pieces so that this file passes its own rule. */
static const char *const markers[] = { "TO"
                                       "DO",
                                       "FIX"
                                       "ME",
                                       "XX"
                                       "X:" };
static const char *const machine_paths[] = { "/ro"
                                             "ot/",
                                             "/ho"
                                             "me/" };
static const char *const source_suffixes[] = { ".c", ".h", ".py", ".js", ".mjs", ".sh", ".build", ".sql", ".css" };
static const char *const vague_names[] = { "util", "utils", "misc", "common", "helper", "helpers" };

PRINTF_LIKE(4, 0)
static void report_line(struct report *report, const char *word, const char *place, const char *format, va_list args) {
    char text[512];
    (void)vsnprintf(text, sizeof text, format, args); /* a long message is cut */
    buffer_printf(report->out, "%s%s: %s\n", word, place, text);
}

static const char *place_of(const struct source *source, size_t line, char *text, size_t bytes_max) {
    (void)snprintf(text, bytes_max, "%s:%zu", source->path, line);
    return text;
}

void report_fault(struct report *report, const struct source *source, size_t line, const char *format, ...) {
    char place[SOURCE_PATH_BYTES_MAX + 32];
    va_list args;
    va_start(args, format);
    report_line(report, "", place_of(source, line, place, sizeof place), format, args);
    va_end(args);
    report->faults++;
}

void report_warning(struct report *report, const struct source *source, size_t line, const char *format, ...) {
    char place[SOURCE_PATH_BYTES_MAX + 32];
    va_list args;
    va_start(args, format);
    report_line(report, "warning: ", place_of(source, line, place, sizeof place), format, args);
    va_end(args);
    report->warnings++;
}

void report_excuse(struct report *report, const struct source *source, size_t line, const char *format, ...) {
    char place[SOURCE_PATH_BYTES_MAX + 32];
    va_list args;
    va_start(args, format);
    report_line(report, "excused: ", place_of(source, line, place, sizeof place), format, args);
    va_end(args);
    report->excuses++;
}

/* The third marker is also the currency code of "no currency": it counts with a colon. */
static bool has_word(struct str line, const char *word) {
    size_t at, from = 0, len = strlen(word);
    while (str_find(str_slice(line, from, line.len), str_from_c(word), &at)) {
        at += from;
        bool left = at > 0 && source_is_word_char(line.at[at - 1]);
        bool right = at + len < line.len && source_is_word_char(line.at[at + len]);
        if (!left && !right) return true;
        from = at + 1;
    }
    return false;
}

/* A path of one machine begins a word: "x/hom" "e/" in the middle of a longer path is another folder's name. */
static bool has_machine_path(struct str line, const char *path) {
    size_t at;
    if (!str_find(line, str_from_c(path), &at)) return false;
    return at == 0 || !(source_is_word_char(line.at[at - 1]) || strchr(".-}])/", line.at[at - 1]));
}

static size_t columns_of(struct str line) {
    size_t columns = 0;
    for (size_t i = 0; i < line.len; i++) columns += ((unsigned char)line.at[i] & 0xC0) != 0x80;
    return columns;
}

static void check_line(const struct source *source, size_t number, bool is_source, struct report *report) {
    struct str line = source_line(source, number);
    char last = line.len ? line.at[line.len - 1] : 'x';
    if (last == ' ' || last == '\t' || last == '\r')
        report_fault(report, source, number, "blanks at the end of the line");
    else if (is_source && memchr(line.at, '\t', line.len)) report_fault(report, source, number, "tab");
    if (is_source && columns_of(line) > LINE_COLUMNS_MAX)
        report_fault(report, source, number, "line of %zu columns, at most %d", columns_of(line), LINE_COLUMNS_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(markers); i++)
        if (has_word(line, markers[i])) report_fault(report, source, number, "marker %s finish it", markers[i]);
    for (size_t i = 0; i < ARRAY_COUNT(machine_paths); i++)
        if (has_machine_path(line, machine_paths[i]))
            report_fault(report, source, number, "path of one machine: %s", machine_paths[i]);
}

void rule_text(const struct source *source, struct report *report) {
    bool is_source = source->len > 2 && memcmp(source->text, "#!", 2) == 0;
    for (size_t i = 0; i < ARRAY_COUNT(source_suffixes); i++)
        is_source = is_source || source_has_suffix(source, source_suffixes[i]);
    for (size_t line = 1; line <= source->line_count; line++) check_line(source, line, is_source, report);
    if (source->len && source->text[source->len - 1] != '\n')
        report_fault(report, source, source->line_count, "no line end at the end of the file");
}

void rule_file_name(const struct source *source, struct report *report) {
    struct str stem = source_stem(source), rest = stem, word = { 0 };
    bool more;
    do {
        more = str_cut(&rest, '_', &word);
    } while (more);
    for (size_t i = 0; i < ARRAY_COUNT(vague_names); i++)
        if (str_equal_c(word, vague_names[i]))
            report_fault(report, source, 1, "a file named \"" STR_FMT "\" has no noun", STR_ARG(stem));
}
