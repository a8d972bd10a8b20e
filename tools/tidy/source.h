/* source.h - one file of the tree as tidy sees it: its text, its text with comments and literals blanked, and its
 * lines.
 *
 * A source owns its memory; everything got from it is borrowed until source_release. */
#ifndef GIRO_TOOLS_TIDY_SOURCE_H
#define GIRO_TOOLS_TIDY_SOURCE_H

#include "platform/buffer.h"

enum { SOURCE_BYTES_MAX = 8 * 1024 * 1024, SOURCE_PATH_BYTES_MAX = 1024 };

struct source {
    char path[SOURCE_PATH_BYTES_MAX]; /* relative to the root of the tree, with '/' */
    char *text;                       /* len bytes and a final NUL */
    char *code; /* as text, with comments, strings and characters as blanks; only for .c and .h, else NULL */
    size_t len;
    size_t *line_starts; /* line_count offsets into text */
    size_t line_count;
};

/* Reads root/path. 0, -errno, or -EFBIG above SOURCE_BYTES_MAX. */
int source_read(struct source *source, const char *root, const char *path);
void source_release(struct source *source); /* works on a zeroed struct */
bool source_is_binary(const struct source *source);
bool source_has_suffix(const struct source *source, const char *suffix);
struct str source_line(const struct source *source, size_t line);   /* line counts from 1; without its line end */
size_t source_line_of(const struct source *source, size_t offset);  /* counts from 1 */
bool source_under(const struct source *source, const char *folder); /* folder ends in '/' */
bool source_is_test(const struct source *source); /* x_test.c, its parts (x_test_rows.h), and all under tests/ */
bool source_is_word_char(char c);                 /* a letter, a digit or '_' */
/* The path as an #include names it: without "src/". */
const char *source_include_path(const struct source *source);
struct str source_stem(const struct source *source); /* "arena" of "src/platform/arena.c" */

#endif
