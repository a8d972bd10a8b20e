#include "tools/tidy/rules.h"

/* Design, section 1: a folder may include the headers of its own folder and of those named here. A name with a dot is
 * one header, a name that ends in '/' a folder. "*" is everything. */
static const struct {
    const char *folder;
    const char *allowed[12];
} folder_rows[] = {
    { "src/app/", { "*" } },
    { "src/gateway/",
      { "auth/", "integration/command.h", "integration/command/", "integration/query.h", "wire/", "domain/", "observe/",
        "platform/" } },
    { "src/auth/",
      { "integration/command.h", "integration/command/", "integration/query.h", "wire/", "domain/", "observe/",
        "platform/" } },
    { "src/integration/", { "services/", "engine/", "wire/", "domain/", "observe/", "platform/" } },
    { "src/services/", { "engine/", "domain/", "observe/", "platform/" } },
    { "src/engine/", { "store/", "domain/", "observe/", "platform/" } },
    { "src/store/", { "observe/", "platform/" } },
    { "src/wire/", { "domain/", "platform/" } },
    { "src/observe/", { "domain/", "platform/" } },
    { "src/domain/", { "platform/" } },
    { "src/platform/", { 0 } },
    { "simulators/", { "simulators/common/", "wire/", "domain/", "platform/" } },
    { "tools/schema/", { "*" } },
    { "tools/", { "platform/" } },
    { "tests/", { "*" } },
};

/* Headers of libraries, and the only folders that may include them. A name that ends in '/' is a folder of headers. In
 * tests (x_test.c, tests/) sockets and SQLite are allowed too: a test plays the peer, or somebody who changes the
 * store's file behind the program's back. */
static const struct {
    const char *header;
    const char *folders[4];
    bool in_tests;
} library_rows[] = {
    { "sqlite3.h", { "src/store/" }, true },
    { "libpq-fe.h", { "src/store/" }, false },
    { "postgresql/", { "src/store/" }, false },
    { "jansson.h", { "src/wire/" }, false },
    { "libxml/", { "src/wire/" }, false },
    { "pcre2.h", { "src/wire/" }, false },
    { "openssl/", { "src/platform/", "src/wire/", "src/store/" }, false },
    { "curl/", { "src/platform/" }, false },
    { "hiredis/", { "src/platform/" }, false },
    { "cjose/", { "tests/jose_differential/" }, false },
    { "yaml.h", { "src/platform/" }, false },
    { "argon2.h", { "src/platform/" }, false },
    { "liboath/", { "src/platform/" }, false },
    { "oath.h", { "src/platform/" }, false },
    { "sys/socket.h", { "src/platform/" }, true },
    { "sys/un.h", { "src/platform/" }, true },
    { "netinet/", { "src/platform/" }, true },
    { "arpa/inet.h", { "src/platform/" }, true },
    { "netdb.h", { "src/platform/" }, true },
    { "amqp", { "src/integration/bus/" }, false },
    { "rabbitmq-c/", { "src/integration/bus/" }, false },
    { "cmocka.h", { 0 }, true },
    { "setjmp.h", { 0 }, true },
};

static const char *const system_headers[] = {
    "assert.h", "ctype.h",       "dirent.h", "errno.h",     "fcntl.h",    "fenv.h",     "float.h",     "fnmatch.h",
    "ftw.h",    "getopt.h",      "grp.h",    "inttypes.h",  "iso646.h",   "langinfo.h", "libgen.h",    "limits.h",
    "locale.h", "math.h",        "poll.h",   "pthread.h",   "pwd.h",      "sched.h",    "semaphore.h", "signal.h",
    "spawn.h",  "stdalign.h",    "stdarg.h", "stdatomic.h", "stdbool.h",  "stddef.h",   "stdint.h",    "stdio.h",
    "stdlib.h", "stdnoreturn.h", "string.h", "strings.h",   "sysexits.h", "syslog.h",   "termios.h",   "threads.h",
    "time.h",   "unistd.h",      "malloc.h", "endian.h",    "byteswap.h", "linux/",     "sys/",        "sanitizer/",
};

static bool name_matches(struct str name, const char *row) {
    struct str want = str_from_c(row);
    bool is_prefix = want.len && (want.at[want.len - 1] == '/' || !memchr(want.at, '.', want.len));
    return is_prefix ? str_starts(name, want) : str_equal(name, want);
}

/* The folder whose private matters a file may touch: "platform/" of src/platform/arena.c, "services/ledger/" of
 * src/services/ledger/hold.c, "tools/tidy/" of tools/tidy/main.c. */
static struct str own_folder(const struct source *source) {
    struct str path = str_from_c(source_include_path(source));
    bool is_service = source_under(source, "src/services/");
    size_t depth_max = is_service || !source_under(source, "src/") ? 2 : 1;
    size_t depth = 0, end = 0;
    for (size_t i = 0; i < path.len && depth < depth_max; i++)
        if (path.at[i] == '/') {
            depth++;
            end = i + 1;
        }
    return str_slice(path, 0, is_service && depth < depth_max ? 0 : end);
}

static bool folder_allows(const struct source *source, struct str name) {
    struct str own = own_folder(source);
    if (own.len && str_starts(name, own)) return true;
    if (str_ends(name, STR("_int.h"))) return false;
    for (size_t row = 0; row < ARRAY_COUNT(folder_rows); row++) {
        if (!source_under(source, folder_rows[row].folder)) continue;
        for (size_t i = 0; i < ARRAY_COUNT(folder_rows[row].allowed) && folder_rows[row].allowed[i]; i++) {
            const char *allowed = folder_rows[row].allowed[i];
            if (allowed[0] == '*' || name_matches(name, allowed)) return true;
        }
        return false;
    }
    return false;
}

static bool library_allows(const struct source *source, size_t row) {
    if (library_rows[row].in_tests && source_is_test(source)) return true;
    for (size_t i = 0; i < ARRAY_COUNT(library_rows[row].folders) && library_rows[row].folders[i]; i++)
        if (source_under(source, library_rows[row].folders[i])) return true;
    return false;
}

static void check_library(const struct source *source, size_t line, struct str name, struct report *report) {
    for (size_t row = 0; row < ARRAY_COUNT(library_rows); row++) {
        if (!name_matches(name, library_rows[row].header)) continue;
        if (!library_allows(source, row))
            report_fault(report, source, line, "<" STR_FMT "> may not be included here", STR_ARG(name));
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(system_headers); i++)
        if (name_matches(name, system_headers[i])) return;
    report_fault(report, source, line, "<" STR_FMT "> is no library that the design names", STR_ARG(name));
}

/* The name of an #include line and its opening delimiter; false for any other line. */
static bool include_name(struct str line, struct str *ret_name, char *ret_open) {
    line = str_trim(line);
    if (!str_starts(line, STR("#"))) return false;
    line = str_trim(str_slice(line, 1, line.len));
    if (!str_starts(line, STR("include"))) return false;
    line = str_trim(str_slice(line, 7, line.len));
    if (!line.len || (line.at[0] != '"' && line.at[0] != '<')) return false;
    char open = line.at[0];
    struct str name, rest = str_slice(line, 1, line.len);
    if (!str_cut(&rest, open == '"' ? '"' : '>', &name)) return false;
    *ret_name = name;
    *ret_open = open;
    return true;
}

/* Is the line code, not the inside of a comment? */
static bool is_live(const struct source *source, size_t line) {
    struct str raw = source_line(source, line);
    size_t at = 0, from = source->line_starts[line - 1];
    while (at < raw.len && raw.at[at] == ' ') at++;
    return at < raw.len && source->code[from + at] == '#';
}

/* x.c begins with x.h, or with its folder's private header, which includes it. */
static void check_first(const struct source *source, size_t line, struct str name, struct report *report) {
    struct str path = str_from_c(source_include_path(source));
    struct str stem = str_slice(path, 0, path.len - 2), rest = str_slice(name, stem.len, name.len);
    bool is_own = str_starts(name, stem) && (str_equal_c(rest, ".h") || str_equal_c(rest, "_int.h"));
    if (!is_own) report_fault(report, source, line, "the first include must be \"" STR_FMT ".h\"", STR_ARG(stem));
}

void rule_includes(const struct source *source, bool has_header, struct report *report) {
    bool is_first = true;
    for (size_t line = 1; line <= source->line_count; line++) {
        struct str name;
        char open;
        if (!is_live(source, line) || !include_name(source_line(source, line), &name, &open)) continue;
        if (is_first && has_header) check_first(source, line, name, report);
        is_first = false;
        if (open == '<') check_library(source, line, name, report);
        else if (!memchr(name.at, '/', name.len))
            report_fault(report, source, line, "\"" STR_FMT "\" needs its folder: \"folder/name.h\"", STR_ARG(name));
        else if (!folder_allows(source, name))
            report_fault(report, source, line, "\"" STR_FMT "\" may not be included here", STR_ARG(name));
    }
}

void rule_header_guard(const struct source *source, struct report *report) {
    char guard[SOURCE_PATH_BYTES_MAX + 8], want[SOURCE_PATH_BYTES_MAX + 32];
    const char *path = source_under(source, "src/") ? source->path + 4 : source->path;
    size_t len = (size_t)snprintf(guard, sizeof guard, "GIRO_%s", path);
    for (size_t i = 0; i < len; i++) {
        if (guard[i] >= 'a' && guard[i] <= 'z') guard[i] = (char)(guard[i] - 'a' + 'A');
        else if (guard[i] == '/' || guard[i] == '.' || guard[i] == '-') guard[i] = '_';
    }
    const char *const words[] = { "#ifndef", "#define" };
    size_t found = 0;
    for (size_t line = 1; line <= source->line_count && found < ARRAY_COUNT(words); line++) {
        if (!is_live(source, line)) continue;
        (void)snprintf(want, sizeof want, "%s %s", words[found], guard);
        if (!str_equal_c(str_trim(source_line(source, line)), want)) {
            report_fault(report, source, line, "the header guard must be %s", guard);
            return;
        }
        found++;
    }
    if (found < ARRAY_COUNT(words)) report_fault(report, source, 1, "the header guard must be %s", guard);
}
