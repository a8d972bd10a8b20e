/* str.h - a borrowed run of bytes. Nobody owns through a struct str; whoever made the bytes does. Not NUL-terminated.
 */
#ifndef GIRO_PLATFORM_STR_H
#define GIRO_PLATFORM_STR_H

#include "platform/base.h"

struct str {
    const char *at;
    size_t len;
};

#define STR(literal) ((struct str){ .at = ("" literal), .len = sizeof(literal) - 1 })
#define STR_INIT(literal)                                                                                              \
    { .at = ("" literal), .len = sizeof(literal) - 1 } /* for static tables */
#define STR_FMT "%.*s"                                 /* printf("..." STR_FMT, STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).at

/* NULL gives the empty string. Here, so that the length of a literal is known when the caller is compiled. */
static inline struct str str_from_c(const char *text) {
    return (struct str){ .at = text ? text : "", .len = text ? strlen(text) : 0 };
}
static inline struct str str_from_bytes(const void *at, size_t len) {
    return (struct str){ .at = (const char *)at, .len = len };
}
bool str_equal(struct str a, struct str b);
bool str_equal_c(struct str a, const char *b);
bool str_equal_nocase(struct str a, struct str b); /* ASCII letters only */
int str_compare(struct str a, struct str b);       /* by byte, shorter first; <0, 0, >0 */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_slice(struct str s, size_t from, size_t to); /* clamped to the string */
struct str str_trim(struct str s);                          /* spaces and tabs at both ends */
/* Cuts s at the first separator: *ret_head gets what is before, s becomes what is after. False (and *ret_head = all, s
 * empty) when there is no separator. */
bool str_cut(struct str *s, char separator, struct str *ret_head);
bool str_find(struct str s, struct str needle, size_t *ret_at);
/* Decimal digits only, no sign, no blanks, no leading zero (except "0"). 0 or -EINVAL/-ERANGE (no err path). */
int str_to_u64(struct str s, uint64_t *ret_value);
/* Copies into text with a final NUL; -ENAMETOOLONG when it does not fit, -EINVAL when s holds a NUL. */
int str_to_c(struct str s, char *text, size_t bytes_max);
/* Length of the leading run of printable ASCII (0x20..0x7e) without '"' and '\\': what stands in JSON text as it is. */
size_t str_plain_len(struct str s);
bool str_is_utf8(struct str s); /* strict: no overlong, no surrogates, no more than U+10FFFF */

#endif
