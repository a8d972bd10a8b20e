/* terminal.h - what only people see: colours in tables, and a bar that shows how far long work is.
 *
 * (T1) Nothing but plain text is written where the stream is no terminal; NO_COLOR (no-color.org) and TERM=dumb take the
 * colours away. (T2) The bar lives on stderr, so that stdout stays data. */
#ifndef GIRO_APP_TERMINAL_H
#define GIRO_APP_TERMINAL_H

#include "platform/str.h"

enum { TERMINAL_BAR_CELLS = 32, TERMINAL_BAR_MS = 100 /* between two drawings */ };

enum terminal_colour { TERMINAL_PLAIN, TERMINAL_GREEN, TERMINAL_RED, TERMINAL_DIM };
/* Before and after what is coloured; empty strings where there is no colour. */
bool terminal_has_colours(FILE *stream);
const char *terminal_colour(bool has_colours, enum terminal_colour colour);

struct progress {
    const char *title;
    uint64_t count_max; /* what 100 % is; > 0 */
    bool shown;
    int64_t drawn_ms;
};
void progress_begin(struct progress *progress, const char *title, uint64_t count_max);
void progress_show(struct progress *progress, uint64_t count); /* draws at most every TERMINAL_BAR_MS */
void progress_end(struct progress *progress);                  /* removes the bar */
/* The bar's text for count of count_max, without the carriage return. */
void progress_write(const struct progress *progress, uint64_t count, char *text, size_t bytes);

#endif
