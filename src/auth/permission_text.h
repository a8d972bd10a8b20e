/* permission_text.h - what a consent to reads of accounts allows, in plain words: the data clusters of the Open Banking
 * customer experience guidelines. */
#ifndef GIRO_AUTH_PERMISSION_TEXT_H
#define GIRO_AUTH_PERMISSION_TEXT_H

#include "platform/arena.h"
#include "platform/buffer.h"

/* Appends HTML: a heading of this level (2..4) and a list for every cluster that the document (Data of the consent,
 * JSON) asks for, and for transactions the days they are of. A permission that has no words here is named as it is. 0
 * or <0. */
int permission_text_write(struct buffer *out, struct str document, int heading_level, struct arena *arena) MUST_USE;

#endif
