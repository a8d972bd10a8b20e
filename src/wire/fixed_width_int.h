/* fixed_width_int.h - the compiled layout. */
#ifndef GIRO_WIRE_FIXED_WIDTH_INT_H
#define GIRO_WIRE_FIXED_WIDTH_INT_H

#include "platform/arena.h"
#include "wire/fixed_width.h"

enum fixed_width_kind {
    FIXED_WIDTH_LITERAL,
    FIXED_WIDTH_TEXT,
    FIXED_WIDTH_NUMBER,
    FIXED_WIDTH_DIGITS,
    FIXED_WIDTH_LETTERS,
    FIXED_WIDTH_TIMESTAMP,
};

enum { FIXED_WIDTH_TIMESTAMP_BYTES = 14 };

struct fixed_width_field {
    struct str name, literal;
    enum fixed_width_kind kind;
    size_t offset, width;
    char fill;
    bool right; /* the value stands at the right end */
    bool optional;
};

struct fixed_width {
    struct arena arena; /* the texts */
    struct str record;
    struct fixed_width_field fields[FIXED_WIDTH_FIELDS_MAX];
    size_t field_count, bytes;
};

#endif
