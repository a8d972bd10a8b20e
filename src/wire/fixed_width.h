/* fixed_width.h - records of fixed length, as core banking hosts speak them; a layout is a JSON document, compiled
 * once:
 *
 *   {"record":"TXN","fields":[{"name":"tag","literal":"TXN"},
 *     {"name":"debtor","width":20,"align":"right","fill":" "}, {"name":"amount","width":12,"kind":"number"}, ...]}
 *
 * kind "text" (default): printable ASCII, padded with fill (default blank) on the side away from align (default
 * "left"); "number": decimal digits, right-justified, zero-filled; "digits" and "letters" (A-Z): exactly width of them;
 * "timestamp": YYYYMMDDhhmmss, a second that exists. "optional": true lets a field other than a number be empty: all
 * fill, or all blank.
 *
 * (F1) what is encoded decodes to the same values; what cannot is refused: nothing is ever cut, rounded or replaced.
 * (F2) decoding checks every byte: length, literals, fill, digits.
 * (F3) a layout is immutable and may be shared by threads. Messages name fields, never values. */
#ifndef GIRO_WIRE_FIXED_WIDTH_H
#define GIRO_WIRE_FIXED_WIDTH_H

#include "platform/buffer.h"

#define FIXED_WIDTH_E_MAP(X)                                                                                           \
    X(FIXED_WIDTH_E_LAYOUT, "the layout is at fault")                                                                  \
    X(FIXED_WIDTH_E_MISSING, "a value is missing")                                                                     \
    X(FIXED_WIDTH_E_UNKNOWN, "a value that the layout does not have")                                                  \
    X(FIXED_WIDTH_E_TOO_LONG, "a value is too long")                                                                   \
    X(FIXED_WIDTH_E_CHARACTER, "a character that the field does not carry")                                            \
    X(FIXED_WIDTH_E_EMPTY, "a value is empty")                                                                         \
    X(FIXED_WIDTH_E_LENGTH, "the record has another length")                                                           \
    X(FIXED_WIDTH_E_LITERAL, "a fixed part differs")
#define X(code, name) code,
enum fixed_width_refusal { FIXED_WIDTH_E_NONE = 0, FIXED_WIDTH_E_MAP(X) FIXED_WIDTH_E_COUNT };
#undef X
const char *fixed_width_refusal_text(int refusal);

enum { FIXED_WIDTH_FIELDS_MAX = 32, FIXED_WIDTH_RECORD_BYTES_MAX = 1024, FIXED_WIDTH_LAYOUT_BYTES_MAX = 64 * 1024 };

struct fixed_width;

/* text: the layout as JSON, borrowed only during the call. 0, FIXED_WIDTH_E_LAYOUT (message, which may be NULL, says
 * what is wrong and where), or -ENOMEM. */
int fixed_width_load(struct str text, struct fixed_width **ret_layout, struct message *message);
struct fixed_width *fixed_width_free(struct fixed_width *layout); /* returns NULL, takes NULL */

struct str fixed_width_record(const struct fixed_width *layout); /* its name: "TXN" */
size_t fixed_width_bytes(const struct fixed_width *layout);      /* length of a record */

struct fixed_width_value {
    struct str name, text; /* a number's text has no leading zeros ("0" is zero) */
};

/* Whether a single value could be encoded: 0, FIXED_WIDTH_E_UNKNOWN (no such field), _TOO_LONG, _CHARACTER (for text
 * also a fill character at the padded edge, which would not come back), _EMPTY. */
int fixed_width_fits(const struct fixed_width *layout, struct fixed_width_value value);

/* Appends one record made of values (any order, each field once, literals not among them). Nothing is appended on
 * refusal: those of fixed_width_fits, and FIXED_WIDTH_E_MISSING, _UNKNOWN (also a name given twice). message (may be
 * NULL) names the field. */
int fixed_width_encode(const struct fixed_width *layout, const struct fixed_width_value *values, size_t count,
                       struct buffer *out, struct message *message);

struct fixed_width_values {
    struct fixed_width_value items[FIXED_WIDTH_FIELDS_MAX]; /* in the order of the layout, without literals */
    size_t count;
};
/* Takes a record apart; texts are borrowed from record, names from the layout. 0, or FIXED_WIDTH_E_LENGTH, _LITERAL,
 * _CHARACTER, _EMPTY. message (may be NULL) names the field. */
int fixed_width_decode(const struct fixed_width *layout, struct str record, struct fixed_width_values *ret_values,
                       struct message *message);
/* Empty when there is no such field. */
struct str fixed_width_get(const struct fixed_width_values *values, const char *name);

#endif
