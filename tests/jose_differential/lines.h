/* lines.h - what both C programs of the differential share: lines of fields, parted by tabs, bytes that are no letter
 * of a token as %XX. */
#ifndef GIRO_TESTS_JOSE_DIFFERENTIAL_LINES_H
#define GIRO_TESTS_JOSE_DIFFERENTIAL_LINES_H

#include "platform/encoding.h"

enum { LINE_FIELDS = 3, LINE_BYTES_MAX = 256 * 1024 };

struct line {
    struct str fields[LINE_FIELDS]; /* each followed by a byte 0; good until the next line */
};
/* The next line of stdin; false at the end. A malformed line ends the program. */
static inline bool line_next(struct line *ret_line) {
    static char text[LINE_BYTES_MAX], memory[LINE_FIELDS][LINE_BYTES_MAX];
    if (!fgets(text, sizeof text, stdin)) return false;
    struct str rest = str_from_c(text), field;
    check(rest.len > 0 && rest.at[rest.len - 1] == '\n');
    rest.len--;
    for (size_t i = 0; i < LINE_FIELDS; i++) {
        struct buffer bytes;
        bool more = str_cut(&rest, '\t', &field);
        check(more == (i + 1 < LINE_FIELDS));
        buffer_init(&bytes, memory[i], sizeof memory[i] - 1);
        check(percent_decode(field, false, &bytes) == 0 && !bytes.overflow);
        memory[i][bytes.len] = 0;
        ret_line->fields[i] = buffer_str(&bytes);
    }
    return true;
}

/* "accept" and the payload's bytes, so that whoever accepts is seen to have read the same. */
static inline void line_accept(struct str payload) {
    static char memory[LINE_BYTES_MAX];
    struct buffer text;
    buffer_init(&text, memory, sizeof memory);
    hex_encode(&text, payload.at, payload.len);
    check(!text.overflow);
    printf("accept\t" STR_FMT "\n", STR_ARG(buffer_str(&text)));
}

#endif
