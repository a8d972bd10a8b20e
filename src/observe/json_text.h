/* json_text.h - the few bytes of JSON that log lines and audit records need; wire/json.h is for those who read JSON. */
#ifndef GIRO_OBSERVE_JSON_TEXT_H
#define GIRO_OBSERVE_JSON_TEXT_H

#include "platform/buffer.h"

/* Appends s as a JSON string with its quotes. Nothing in it can end a line, move a cursor or break the JSON: quotes and
 * backslashes are escaped, so are control characters (U+0000..1F, U+7F..9F: CR, LF, ESC), U+2028, U+2029 and the
 * bidirectional controls; each byte that is not UTF-8 becomes U+FFFD. At most 6 bytes come out per byte of s. */
void json_text_append(struct buffer *out, struct str s);
/* Appends ,"name": - without the comma when the object has just begun. name is a literal of ours. */
static inline void json_text_name(struct buffer *out, const char *name) {
    if (out->len && out->at[out->len - 1] != '{') buffer_append_char(out, ',');
    json_text_append(out, str_from_c(name));
    buffer_append_char(out, ':');
}

#endif
