#include "tools/tidy/rules.h"

/* A walk over the code at brace depth 0. What stands between two ends (';' or '}') is one declaration: a function when
 * its first parenthesis at depth 0 follows a name and no '=' came before it. */
struct declaration {
    size_t begin;      /* offset of its first character */
    size_t parameters; /* offset of '(' of the parameter list; 0 = none yet */
    bool is_value;     /* an initialiser, a type or an assertion: no function */
    struct str name;
};

static bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t';
}

/* The word that ends right before `at` (blanks skipped); empty when something else stands there. */
static struct str word_before(const struct source *source, size_t at) {
    while (at > 0 && is_blank(source->code[at - 1])) at--;
    size_t end = at;
    while (at > 0 && source_is_word_char(source->code[at - 1])) at--;
    return str_from_bytes(source->code + at, end - at);
}

/* The offset behind the bracket that closes the one at `at`; len when it is never closed. */
static size_t skip_brackets(const struct source *source, size_t at) {
    size_t depth = 0;
    for (; at < source->len; at++) {
        char c = source->code[at];
        if (c == '(' || c == '{' || c == '[') depth++;
        if ((c == ')' || c == '}' || c == ']') && --depth == 0) return at + 1;
    }
    return source->len;
}

static size_t skip_directive(const struct source *source, size_t at) {
    while (at < source->len && !(source->code[at] == '\n' && source->code[at - 1] != '\\')) at++;
    return at;
}

/* Parameters between the brackets at [open, close): commas at depth 1 plus one; "void", "" and "..." count nothing. */
static size_t count_parameters(const struct source *source, size_t open, size_t close) {
    size_t count = 0, depth = 0;
    bool any = false;
    struct str inside = str_trim(str_from_bytes(source->code + open + 1, close - open - 2));
    if (inside.len == 0 || str_equal_c(inside, "void")) return 0;
    for (size_t i = 0; i < inside.len; i++) {
        char c = inside.at[i];
        if (c == '(' || c == '[') depth++;
        if (c == ')' || c == ']') depth--;
        if (c == ',' && depth == 0) {
            count += any;
            any = false;
        } else if (source_is_word_char(c)) {
            any = true;
        }
    }
    return count + any;
}

static bool is_type_word(struct str word) {
    return str_equal_c(word, "static_assert") || str_equal_c(word, "_Static_assert") || str_equal_c(word, "typeof") ||
           str_equal_c(word, "__attribute__") || str_equal_c(word, "_Alignas") || str_equal_c(word, "alignas");
}

/* The excuse must stand in the comment right above the function: mark and a reason ("tidy: long because ..."). */
static bool find_excuse(const struct source *source, size_t first_line, struct str mark, struct str *ret_reason) {
    for (size_t line = first_line; line-- > 1;) {
        struct str text = str_trim(source_line(source, line));
        size_t at;
        bool is_comment =
            text.len &&
            str_trim(str_from_bytes(source->code + source->line_starts[line - 1], source_line(source, line).len)).len ==
                0;
        if (!is_comment) return false;
        if (!str_find(text, mark, &at)) continue;
        struct str reason = str_slice(text, at + mark.len, text.len);
        if (str_ends(reason, STR("*/"))) reason = str_trim(str_slice(reason, 0, reason.len - 2));
        *ret_reason = reason;
        return reason.len > 0;
    }
    return false;
}

static void check_parameters(const struct source *source, const struct declaration *declaration,
                             struct report *report) {
    size_t close = skip_brackets(source, declaration->parameters);
    size_t count = count_parameters(source, declaration->parameters, close);
    size_t line = source_line_of(source, declaration->begin);
    struct str reason;
    if (count <= PARAMETERS_MAX) return;
    if (find_excuse(source, line, STR("tidy: parameters because "), &reason))
        report_excuse(report, source, line, STR_FMT " has %zu parameters: " STR_FMT, STR_ARG(declaration->name), count,
                      STR_ARG(reason));
    else
        report_fault(report, source, line, STR_FMT " has %zu parameters, at most %d", STR_ARG(declaration->name), count,
                     PARAMETERS_MAX);
}

static void check_body(const struct source *source, const struct declaration *declaration, size_t end,
                       struct report *report) {
    size_t first = source_line_of(source, declaration->begin), last = source_line_of(source, end - 1);
    size_t lines = last - first + 1;
    struct str reason;
    if (lines <= FUNCTION_LINES_MAX) return;
    if (find_excuse(source, first, STR("tidy: long because "), &reason))
        report_excuse(report, source, first, STR_FMT " has %zu lines: " STR_FMT, STR_ARG(declaration->name), lines,
                      STR_ARG(reason));
    else
        report_fault(report, source, first, "function " STR_FMT " has %zu lines, at most %d",
                     STR_ARG(declaration->name), lines, FUNCTION_LINES_MAX);
}

static void note_bracket(const struct source *source, struct declaration *declaration, size_t at) {
    struct str word = word_before(source, at);
    if (declaration->parameters || declaration->is_value) return;
    if (word.len == 0 || is_type_word(word)) {
        declaration->is_value = declaration->is_value || !str_equal_c(word, "__attribute__");
        return;
    }
    declaration->parameters = at;
    declaration->name = word;
}

static void check_length(const struct source *source, struct report *report) {
    if (source->line_count > FILE_LINES_MAX)
        report_fault(report, source, source->line_count, "file of %zu lines, at most %d", source->line_count,
                     FILE_LINES_MAX);
    else if (source->line_count > FILE_LINES_WARN)
        report_warning(report, source, source->line_count, "file of %zu lines, aim at %d", source->line_count,
                       FILE_LINES_WARN);
}

void rule_functions(const struct source *source, struct report *report) {
    struct declaration now = { 0 };
    bool is_open = false; /* inside a declaration */
    check_length(source, report);
    for (size_t at = 0; at < source->len;) {
        char c = source->code[at];
        if (is_blank(c)) {
            at++;
            continue;
        }
        if (c == '#') {
            at = skip_directive(source, at);
            continue;
        }
        if (!is_open) now = (struct declaration){ .begin = at };
        is_open = true;
        size_t next = c == '(' || c == '{' || c == '[' ? skip_brackets(source, at) : at + 1;
        if (c == '(') note_bracket(source, &now, at);
        if (c == '=') now.is_value = true;
        if ((c == ';' || c == '{') && now.parameters && !now.is_value) check_parameters(source, &now, report);
        if (c == '{' && now.parameters && !now.is_value) check_body(source, &now, next, report);
        bool ends_function = c == '{' && now.parameters;
        if (c == ';' || ends_function) is_open = false;
        at = next;
    }
}
