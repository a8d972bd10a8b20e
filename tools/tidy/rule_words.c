#include "tools/tidy/rules.h"

static const char *const banned_calls[] = {
    "strcpy",  "strncpy",   "stpcpy", "strcat",  "strncat", "sprintf", "vsprintf",   "gets",   "strtok",
    "atoi",    "atol",      "atoll",  "atof",    "rand",    "srand",   "rand_r",     "random", "srandom",
    "drand48", "localtime", "gmtime", "asctime", "ctime",   "system",  "popen",      "alloca", "mktemp",
    "tmpnam",  "tempnam",   "scanf",  "sscanf",  "fscanf",  "longjmp", "siglongjmp", "vfork",
};
/* A test may drive the shell and read what a program printed. */
static const char *const test_calls[] = { "system", "popen", "sscanf", "fscanf" };
/* Time and randomness are inputs everywhere but in the platform. */
static const char *const platform_calls[] = { "time",      "gettimeofday", "clock_gettime", "clock",
                                              "getrandom", "getentropy",   "arc4random" };
static const char *const exact_folders[] = { "src/services/", "src/engine/", "src/domain/money", "src/integration/",
                                             "src/store/" };
/* Numbers of a saga definition are JSON's; a measurement prints what it measured. Neither knows money. */
static const char *const inexact_folders[] = { "src/integration/saga/", "src/store/store_sqlite_bench_test.c",
                                               "src/store/store_postgres_bench_test.c" };
static const char *const floating_words[] = { "double", "float", "strtod", "strtof", "strtold", "json_real" };

static bool listed(struct str word, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (str_equal_c(word, list[i])) return true;
    return false;
}

/* A call: the word is followed by '(' and is no member ("->time(", ".time("). */
static bool is_call(const struct source *source, size_t from, size_t to) {
    while (to < source->len && source->code[to] == ' ') to++;
    if (to >= source->len || source->code[to] != '(') return false;
    while (from > 0 && source->code[from - 1] == ' ') from--;
    bool arrow = from > 1 && source->code[from - 1] == '>' && source->code[from - 2] == '-';
    return !arrow && !(from > 0 && source->code[from - 1] == '.');
}

static bool wants_exact_numbers(const struct source *source) {
    for (size_t i = 0; i < ARRAY_COUNT(inexact_folders); i++)
        if (source_under(source, inexact_folders[i])) return false;
    for (size_t i = 0; i < ARRAY_COUNT(exact_folders); i++)
        if (source_under(source, exact_folders[i])) return true;
    return false;
}

static void check_word(const struct source *source, size_t from, size_t to, struct report *report) {
    struct str word = str_from_bytes(source->code + from, to - from);
    size_t line = source_line_of(source, from);
    if (listed(word, floating_words, ARRAY_COUNT(floating_words)) && wants_exact_numbers(source))
        report_fault(report, source, line, "floating point (" STR_FMT ") where money is decided", STR_ARG(word));
    if (!is_call(source, from, to)) return;
    bool is_excepted = source_is_test(source) && listed(word, test_calls, ARRAY_COUNT(test_calls));
    if (!is_excepted && listed(word, banned_calls, ARRAY_COUNT(banned_calls)))
        report_fault(report, source, line, "banned function " STR_FMT, STR_ARG(word));
    if (listed(word, platform_calls, ARRAY_COUNT(platform_calls)) && !source_under(source, "src/platform/"))
        report_fault(report, source, line, STR_FMT "() outside src/platform: time and randomness are inputs",
                     STR_ARG(word));
}

/* "#pragma GCC poison" and "#define" name functions without calling them. */
static bool is_directive(const struct source *source, size_t line) {
    return str_starts(str_trim(source_line(source, line)), STR("#"));
}

/* "%f", "%8.2f", "%Lg" in a text: at is the '%'. */
static bool is_floating_format(const struct source *source, size_t at) {
    if (source->text[at] != '%' || source->code[at] == '%') return false; /* a remainder is no format */
    if (at > 0 && source->text[at - 1] == '%') return false;
    at++;
    while (at < source->len && strchr("-+#0123456789.*", source->text[at])) at++;
    while (at < source->len && strchr("lL", source->text[at])) at++;
    return at < source->len && strchr("fFeEgGaA", source->text[at]);
}

static void check_formats(const struct source *source, struct report *report) {
    for (size_t at = 0; at < source->len; at++)
        if (is_floating_format(source, at))
            report_fault(report, source, source_line_of(source, at), "floating point (%%f) where money is decided");
}

void rule_words(const struct source *source, struct report *report) {
    for (size_t at = 0; at < source->len;) {
        if (!source_is_word_char(source->code[at])) {
            at++;
            continue;
        }
        size_t from = at;
        while (at < source->len && source_is_word_char(source->code[at])) at++;
        if (!is_directive(source, source_line_of(source, from))) check_word(source, from, at, report);
    }
    if (wants_exact_numbers(source)) check_formats(source, report);
}
