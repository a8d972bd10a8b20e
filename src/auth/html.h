/* html.h - small HTML pages written from C: everything that is not markup of ours passes html_text. */
#ifndef GIRO_AUTH_HTML_H
#define GIRO_AUTH_HTML_H

#include "domain/civil_date.h"
#include "platform/buffer.h"

/* Appends text for use between tags and inside quoted attributes: & < > " ' become references, control characters are
 * left out. */
void html_text(struct buffer *out, struct str text);
/* The same in an element that keeps its direction to itself (<bdi>), for words that others wrote. */
void html_foreign(struct buffer *out, struct str text);
void html_day(struct buffer *out, int64_t day);      /* "22 November 2026"; day as in civil_date.h */
void html_moment(struct buffer *out, int64_t at_ms); /* the day in London, as above */

struct html_page {
    struct str bank;   /* its name */
    const char *title; /* ours; also the heading */
    bool problem;      /* the page says that something went wrong: its title begins so */
};
void html_page_begin(struct buffer *out, const struct html_page *page); /* up to <h1>title</h1> */
void html_page_end(struct buffer *out);

#endif
