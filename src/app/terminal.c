#include "app/terminal.h"

#include <unistd.h>

#include "platform/clock.h"

bool terminal_has_colours(FILE *stream) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no_color && *no_color) return false;
    if (!term || strcmp(term, "dumb") == 0) return false;
    return isatty(fileno(stream)) == 1;
}

const char *terminal_colour(bool has_colours, enum terminal_colour colour) {
    if (!has_colours) return "";
    switch (colour) {
    case TERMINAL_PLAIN: return "\033[0m";
    case TERMINAL_GREEN: return "\033[32m";
    case TERMINAL_RED: return "\033[31m";
    case TERMINAL_DIM: return "\033[2m";
    }
    return "";
}

void progress_begin(struct progress *progress, const char *title, uint64_t count_max) {
    check(count_max > 0);
    *progress = (struct progress){ .title = title, .count_max = count_max, .shown = isatty(STDERR_FILENO) == 1 };
    progress_show(progress, 0);
}

void progress_write(const struct progress *progress, uint64_t count, char *text, size_t bytes) {
    char bar[TERMINAL_BAR_CELLS + 1];
    uint64_t done = count < progress->count_max ? count : progress->count_max;
    size_t cells = (size_t)(done * TERMINAL_BAR_CELLS / progress->count_max);
    memset(bar, '#', cells);
    memset(bar + cells, '.', TERMINAL_BAR_CELLS - cells);
    bar[TERMINAL_BAR_CELLS] = 0;
    (void)snprintf(text, bytes, "%-18s [%s] %llu of %llu", progress->title, bar, (unsigned long long)done,
                   (unsigned long long)progress->count_max);
}

void progress_show(struct progress *progress, uint64_t count) {
    char text[160];
    int64_t now_ms = clock_mono_ms();
    if (!progress->shown || (progress->drawn_ms && now_ms < progress->drawn_ms + TERMINAL_BAR_MS)) return;
    progress->drawn_ms = now_ms;
    progress_write(progress, count, text, sizeof text);
    fprintf(stderr, "\r%s", text);
    (void)fflush(stderr);
}

void progress_end(struct progress *progress) {
    if (progress->shown) fprintf(stderr, "\r\033[K");
    progress->shown = false;
}
