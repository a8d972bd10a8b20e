/* html.h - small HTML pages written from C: everything that is not markup of ours passes html_text. */
#ifndef GIRO_AUTH_HTML_H
#define GIRO_AUTH_HTML_H

#include "platform/buffer.h"

/* Appends text for use between tags and inside quoted attributes: & < > " ' become references, control characters are
 * left out. */
void html_text(struct buffer *out, struct str text);
/* The same in an element that keeps its direction to itself (<bdi>), for words that others wrote. */
void html_foreign(struct buffer *out, struct str text);

void html_page_begin(struct buffer *out, const char *title); /* up to <h1>title</h1>; title is ours */
void html_page_end(struct buffer *out);

#endif
