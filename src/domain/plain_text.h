/* plain_text.h - text that a person wrote and that may be shown to another: valid UTF-8 and nothing that moves the
 * cursor, ends a line or reorders what stands around it. */
#ifndef GIRO_DOMAIN_PLAIN_TEXT_H
#define GIRO_DOMAIN_PLAIN_TEXT_H

#include "platform/str.h"

/* True when s is strict UTF-8 without control characters (U+0000..1F, U+7F..9F), line and paragraph separators (U+2028,
 * U+2029) and bidirectional controls (U+061C, U+200E, U+200F, U+202A..202E, U+2066..2069; Unicode TR 36). Empty is
 * plain. */
bool plain_text(struct str s);
/* True when s holds nothing but blanks, or nothing. */
bool plain_text_is_blank(struct str s);

#endif
