/* structured_field.h - dictionaries of structured fields (RFC 8941, RFC 9651): what Signature-Input, Signature and
 * Content-Digest are. Pure.
 *
 * (F1) what is read and written again is the same but for blanks, and what is written reads as the same: so two who
 * agree on the text of a member agree on its meaning (RFC 9421 section 2.5 signs that text). For this the reader is
 * stricter than RFC 8941 asks: no member, parameter or flag twice, no number with leading zeros, no base64 without its
 * padding, no decimals, dates or display strings, no blanks but SP and none at the ends. (F2) nothing is larger than
 * the limits below. */
#ifndef GIRO_WIRE_STRUCTURED_FIELD_H
#define GIRO_WIRE_STRUCTURED_FIELD_H

#include "platform/arena.h"
#include "platform/buffer.h"

enum {
    STRUCTURED_FIELD_BYTES_MAX = 8 * 1024, /* of a field's value */
    STRUCTURED_MEMBERS_MAX = 8,
    STRUCTURED_ITEMS_MAX = 32,     /* of an inner list */
    STRUCTURED_PARAMETERS_MAX = 8, /* of an item or an inner list */
    STRUCTURED_KEY_BYTES_MAX = 64,
    STRUCTURED_INTEGER_DIGITS_MAX = 15,
};

enum structured_type { STRUCTURED_INTEGER, STRUCTURED_STRING, STRUCTURED_TOKEN, STRUCTURED_BYTES, STRUCTURED_BOOLEAN };
struct structured_value {
    enum structured_type type;
    int64_t integer; /* of 15 digits at most; of a boolean 0 or 1 */
    struct str text; /* of a string without quotes and escapes, a token, the bytes of a byte sequence */
};
struct structured_parameter {
    struct str key;
    struct structured_value value; /* one without a value is true */
};
struct structured_parameters {
    const struct structured_parameter *items;
    size_t count;
};
struct structured_item {
    struct structured_value value;
    struct structured_parameters parameters;
};
struct structured_member {
    struct str key;
    bool is_list;                            /* an inner list with parameters; else one item with its own */
    const struct structured_item *items;     /* [item_count]; of a member that is no list one */
    size_t item_count;                       /* of a list [0, STRUCTURED_ITEMS_MAX] */
    struct structured_parameters parameters; /* of a list */
};
struct structured_dictionary {
    const struct structured_member *members;
    size_t count; /* [1, STRUCTURED_MEMBERS_MAX] */
};

enum structured_refusal {
    STRUCTURED_E_NONE = 0,
    STRUCTURED_E_SYNTAX, /* not such a dictionary, or one that (F1) refuses */
    STRUCTURED_E_SIZE,   /* beyond a limit */
};

/* text: the value of one field line. What is found is borrowed from text and the arena. 0, STRUCTURED_E_*, or -ENOMEM
 * (160 KiB of the arena are enough). */
int structured_dictionary_parse(struct str text, struct arena *arena,
                                struct structured_dictionary *ret_dictionary) MUST_USE;
/* NULL when there is none. */
const struct structured_member *structured_member_find(const struct structured_dictionary *dictionary, struct str key);
const struct structured_value *structured_parameter_find(const struct structured_parameters *parameters,
                                                         const char *key);

/* Append the canonical text (RFC 8941 section 4.1): of a member's value without its key, of one item with its
 * parameters, of a whole dictionary. */
void structured_member_write(struct buffer *out, const struct structured_member *member);
void structured_item_write(struct buffer *out, const struct structured_item *item);
void structured_dictionary_write(struct buffer *out, const struct structured_dictionary *dictionary);

#endif
