#include "tools/tidy/tree.h"

#include <dirent.h>
#include <sys/stat.h>

struct tree {
    const char *root;
    struct source *builds; /* every meson.build, for the rule that each .c is named by one */
    size_t build_count;
    struct source *sources;
    size_t source_count;
};

static const char *const roots[] = { ".ci", "docs", "simulators", "src", "tests", "tools" };
static const char *const skipped_names[] = { "corpus", "data", "node_modules", "__pycache__", ".pytest_cache" };

static bool is_skipped(const char *path, const char *name) {
    if (strcmp(path, "tests/tidy") == 0) return true;
    for (size_t i = 0; i < ARRAY_COUNT(skipped_names); i++)
        if (strcmp(name, skipped_names[i]) == 0) return true;
    return false;
}

static int keep(struct source **list, size_t *count, const struct source *source) {
    if (*count == TREE_FILES_MAX) return -E2BIG;
    struct source *grown = realloc(*list, (*count + 1) * sizeof *grown);
    if (!grown) return -ENOMEM;
    *list = grown;
    grown[(*count)++] = *source;
    return 0;
}

static int read_file(struct tree *tree, const char *path) {
    struct source source;
    int r = source_read(&source, tree->root, path);
    if (r) return r;
    if (source_is_binary(&source)) {
        source_release(&source);
        return 0;
    }
    bool is_build = str_ends(str_from_c(path), STR("meson.build"));
    r = keep(&tree->sources, &tree->source_count, &source);
    if (r) source_release(&source);
    if (r || !is_build) return r;
    r = source_read(&source, tree->root, path); /* a copy of its own: both lists own what they hold */
    return r ? r : keep(&tree->builds, &tree->build_count, &source);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int read_path(struct tree *tree, const char *path, const char *name);

static int read_folder(struct tree *tree, const char *path) {
    char file[2 * SOURCE_PATH_BYTES_MAX], child[SOURCE_PATH_BYTES_MAX];
    struct dirent **entries;
    int r = 0;
    (void)snprintf(file, sizeof file, "%s/%s", tree->root, path);
    int count = scandir(file, &entries, not_dots, by_name);
    if (count < 0) return errno == ENOENT ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        if (!r && snprintf(child, sizeof child, "%s/%s", path, entries[i]->d_name) >= (int)sizeof child)
            r = -ENAMETOOLONG;
        if (!r) r = read_path(tree, child, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int read_path(struct tree *tree, const char *path, const char *name) {
    char file[2 * SOURCE_PATH_BYTES_MAX];
    struct stat info;
    (void)snprintf(file, sizeof file, "%s/%s", tree->root, path);
    if (is_skipped(path, name)) return 0;
    if (lstat(file, &info) < 0) return -errno;
    if (S_ISDIR(info.st_mode)) return read_folder(tree, path);
    return S_ISREG(info.st_mode) ? read_file(tree, path) : 0;
}

/* The scripts and documents that lie at the root itself, and its meson.build. */
static int read_root(struct tree *tree) {
    struct dirent **entries;
    int r = 0;
    int count = scandir(tree->root, &entries, not_dots, by_name);
    if (count < 0) return -errno;
    for (int i = 0; i < count; i++) {
        struct str name = str_from_c(entries[i]->d_name);
        bool wanted = str_equal_c(name, "run") || str_equal_c(name, "test") || str_equal_c(name, "meson.build") ||
                      str_ends(name, STR(".md"));
        if (!r && wanted) r = read_path(tree, entries[i]->d_name, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return r;
}

/* Does a meson.build of this file's folder, or of one above it, name it in quotes? */
static bool is_registered(const struct tree *tree, const struct source *source) {
    char quoted[SOURCE_PATH_BYTES_MAX + 2];
    for (size_t i = 0; i < tree->build_count; i++) {
        const struct source *build = &tree->builds[i];
        size_t at, folder_len = strlen(build->path) - strlen("meson.build");
        if (strncmp(source->path, build->path, folder_len) != 0) continue;
        (void)snprintf(quoted, sizeof quoted, "'%s'", source->path + folder_len);
        if (str_find(str_from_bytes(build->text, build->len), str_from_c(quoted), &at)) return true;
    }
    return false;
}

static bool has_header(const struct tree *tree, const struct source *source) {
    char header[SOURCE_PATH_BYTES_MAX];
    if (!source_has_suffix(source, ".c")) return false;
    (void)snprintf(header, sizeof header, "%s", source->path);
    header[strlen(header) - 1] = 'h';
    for (size_t i = 0; i < tree->source_count; i++)
        if (strcmp(tree->sources[i].path, header) == 0) return true;
    return false;
}

static void check_source(const struct tree *tree, const struct source *source, struct report *report) {
    bool is_c = source_has_suffix(source, ".c"), is_h = source_has_suffix(source, ".h");
    rule_file_name(source, report);
    rule_text(source, report);
    if (!is_c && !is_h) return;
    rule_includes(source, has_header(tree, source), report);
    rule_words(source, report);
    rule_functions(source, report);
    if (is_h) rule_header_guard(source, report);
    if (is_c && !is_registered(tree, source)) report_fault(report, source, 1, "no meson.build names this file");
}

int tree_check(const char *root, struct report *report, size_t *ret_files) {
    struct tree tree = { .root = root };
    int r = read_root(&tree);
    for (size_t i = 0; !r && i < ARRAY_COUNT(roots); i++) r = read_folder(&tree, roots[i]);
    for (size_t i = 0; !r && i < tree.source_count; i++) check_source(&tree, &tree.sources[i], report);
    if (!r) *ret_files = tree.source_count;
    for (size_t i = 0; i < tree.source_count; i++) source_release(&tree.sources[i]);
    for (size_t i = 0; i < tree.build_count; i++) source_release(&tree.builds[i]);
    free(tree.sources);
    free(tree.builds);
    return r < 0 ? err_origin(r) : r;
}
