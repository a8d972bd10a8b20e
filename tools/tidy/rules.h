/* rules.h - the rules of the tree, each a pure function from one source to lines of a report. */
#ifndef GIRO_TOOLS_TIDY_RULES_H
#define GIRO_TOOLS_TIDY_RULES_H

#include "tools/tidy/source.h"

enum {
    FILE_LINES_MAX = 800,
    FILE_LINES_WARN = 600,
    FUNCTION_LINES_MAX = 70,
    LINE_COLUMNS_MAX = 120,
    PARAMETERS_MAX = 5,
    REPORT_BYTES_MAX = 4 * 1024 * 1024,
};

struct report {
    struct buffer *out; /* lines "path:line: message"; a warning or an excuse begins with its word */
    size_t faults, warnings, excuses;
};

void report_fault(struct report *report, const struct source *source, size_t line, const char *format, ...)
    PRINTF_LIKE(4, 5);
void report_warning(struct report *report, const struct source *source, size_t line, const char *format, ...)
    PRINTF_LIKE(4, 5);
void report_excuse(struct report *report, const struct source *source, size_t line, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Every text file: trailing blanks, tabs, columns, markers of unfinished work, paths of one machine, file names. */
void rule_text(const struct source *source, struct report *report);
void rule_file_name(const struct source *source, struct report *report);
/* .c and .h: the include table of the design. has_header: a header of the same name lies beside a .c. */
void rule_includes(const struct source *source, bool has_header, struct report *report);
void rule_header_guard(const struct source *source, struct report *report);
void rule_words(const struct source *source, struct report *report);     /* banned functions, floating point */
void rule_functions(const struct source *source, struct report *report); /* length of files and functions, parameters */

#endif
