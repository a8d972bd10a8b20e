/* form.h - application/x-www-form-urlencoded (WHATWG URL, section 5) and the query of a URL, read strictly and written.
 *
 * Refused, where browsers would guess: a '%' without two hexadecimal digits, bytes that must not stand there as they
 * are (blanks, control characters, anything beyond ASCII), empty pieces ("a=1&&b=2"), empty names, NUL, and names or
 * values that are not UTF-8 once decoded. A name may come more than once; whether it may is the caller's rule
 * (form_find_duplicate). */
#ifndef GIRO_WIRE_FORM_H
#define GIRO_WIRE_FORM_H

#include "platform/arena.h"
#include "platform/buffer.h"

#define FORM_E_MAP(X)                                                                                                  \
    X(FORM_E_SYNTAX, "not a well-formed form")                                                                         \
    X(FORM_E_UTF8, "not valid UTF-8")                                                                                  \
    X(FORM_E_FIELDS, "too many fields")                                                                                \
    X(FORM_E_SIZE, "too large")
#define X(code, name) code,
enum form_refusal { FORM_E_NONE = 0, FORM_E_MAP(X) FORM_E_COUNT };
#undef X
const char *form_refusal_text(int refusal);

enum { FORM_FIELDS_MAX = 64, FORM_BYTES_MAX = 64 * 1024 };

struct form_field {
    struct str name, value; /* decoded, in the arena */
};
struct form {
    struct form_field fields[FORM_FIELDS_MAX]; /* in the order of the text */
    size_t count;
};

/* text without the '?' of a query; empty text is a form without fields; "flag" is a name with an empty value. 0, or
 * FORM_E_SYNTAX, FORM_E_UTF8, FORM_E_FIELDS, FORM_E_SIZE (over FORM_BYTES_MAX, or the arena is full). */
int form_parse(struct str text, struct arena *arena, struct form *ret_form);

/* The value of the first field of that name; false when there is none. */
bool form_get(const struct form *form, const char *name, struct str *ret_value);
size_t form_count(const struct form *form, const char *name);
/* True, and the name, when some name comes twice. */
bool form_find_duplicate(const struct form *form, struct str *ret_name);

/* Appends "name=value", with "&" before it unless out ends in '?' or is empty: the same call builds bodies and queries.
 * Blanks are written "%20", which form and query both read. */
void form_put(struct buffer *out, struct str name, struct str value);
void form_put_c(struct buffer *out, const char *name, const char *value);

#endif
