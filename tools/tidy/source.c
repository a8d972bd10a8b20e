#include "tools/tidy/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_whole(const char *file, char **ret_text, size_t *ret_len) {
    struct stat info;
    int r = 0;
    char *text = NULL;
    size_t len = 0;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    if (fstat(fd, &info) < 0) r = -errno;
    else if (info.st_size > SOURCE_BYTES_MAX) r = -EFBIG;
    if (!r) text = malloc((size_t)info.st_size + 1);
    if (!r && !text) r = -ENOMEM;
    while (!r && len < (size_t)info.st_size) {
        ssize_t got = read(fd, text + len, (size_t)info.st_size - len);
        if (got < 0) r = -errno;
        if (got <= 0) break;
        len += (size_t)got;
    }
    (void)close(fd); /* read-only */
    if (r) {
        free(text);
        return r;
    }
    text[len] = 0;
    *ret_text = text;
    *ret_len = len;
    return 0;
}

/* The end of a comment or literal that begins at `at`, or `at` when nothing begins there. */
static size_t blank_end(const char *text, size_t len, size_t at) {
    if (text[at] == '/' && at + 1 < len && text[at + 1] == '/') {
        while (at < len && text[at] != '\n') at++;
        return at;
    }
    if (text[at] == '/' && at + 1 < len && text[at + 1] == '*') {
        const char *end = strstr(text + at + 2, "*/");
        return end ? (size_t)(end - text) + 2 : len;
    }
    if (text[at] != '"' && text[at] != '\'') return at;
    char quote = text[at++];
    while (at < len && text[at] != quote && text[at] != '\n') at += text[at] == '\\' && at + 1 < len ? 2 : 1;
    return at < len ? at + 1 : len;
}

static void blank_code(char *code, const char *text, size_t len) {
    memcpy(code, text, len + 1);
    for (size_t at = 0; at < len;) {
        size_t end = blank_end(text, len, at);
        if (end == at) {
            at++;
            continue;
        }
        for (; at < end; at++)
            if (code[at] != '\n') code[at] = ' ';
    }
}

static int find_lines(struct source *source) {
    size_t count = 0;
    for (size_t i = 0; i < source->len; i++) count += i == 0 || source->text[i - 1] == '\n';
    source->line_starts = calloc(count ? count : 1, sizeof *source->line_starts);
    if (!source->line_starts) return -ENOMEM;
    for (size_t i = 0; i < source->len; i++)
        if (i == 0 || source->text[i - 1] == '\n') source->line_starts[source->line_count++] = i;
    return 0;
}

int source_read(struct source *source, const char *root, const char *path) {
    char file[2 * SOURCE_PATH_BYTES_MAX];
    *source = (struct source){ 0 };
    int r = str_to_c(str_from_c(path), source->path, sizeof source->path);
    if (r) return r;
    if (snprintf(file, sizeof file, "%s/%s", root, path) >= (int)sizeof file) return -ENAMETOOLONG;
    r = read_whole(file, &source->text, &source->len);
    if (!r) r = find_lines(source);
    if (!r && (source_has_suffix(source, ".c") || source_has_suffix(source, ".h"))) {
        source->code = malloc(source->len + 1);
        if (source->code) blank_code(source->code, source->text, source->len);
        else r = -ENOMEM;
    }
    if (r) source_release(source);
    return r;
}

void source_release(struct source *source) {
    free(source->text);
    free(source->code);
    free(source->line_starts);
    *source = (struct source){ 0 };
}

bool source_is_binary(const struct source *source) {
    return memchr(source->text, 0, source->len) != NULL;
}

bool source_has_suffix(const struct source *source, const char *suffix) {
    return str_ends(str_from_c(source->path), str_from_c(suffix));
}

struct str source_line(const struct source *source, size_t line) {
    check(line >= 1 && line <= source->line_count);
    size_t from = source->line_starts[line - 1];
    size_t to = line < source->line_count ? source->line_starts[line] : source->len;
    if (to > from && source->text[to - 1] == '\n') to--;
    return str_from_bytes(source->text + from, to - from);
}

size_t source_line_of(const struct source *source, size_t offset) {
    size_t low = 0, high = source->line_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (source->line_starts[middle] <= offset) low = middle;
        else high = middle;
    }
    return low + 1;
}

bool source_under(const struct source *source, const char *folder) {
    return str_starts(str_from_c(source->path), str_from_c(folder));
}

bool source_is_test(const struct source *source) {
    struct str stem = source_stem(source);
    size_t at;
    return str_ends(stem, STR("_test")) || str_find(stem, STR("_test_"), &at) || source_under(source, "tests/");
}

struct str source_stem(const struct source *source) {
    const char *slash = strrchr(source->path, '/');
    const char *name = slash ? slash + 1 : source->path;
    const char *dot = strrchr(name, '.');
    return str_from_bytes(name, dot ? (size_t)(dot - name) : strlen(name));
}

bool source_is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

const char *source_include_path(const struct source *source) {
    return source_under(source, "src/") ? source->path + strlen("src/") : source->path;
}
