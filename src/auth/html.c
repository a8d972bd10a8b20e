#include "auth/html.h"

#include "domain/time_zone.h"

static const char *reference_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    }
    return NULL;
}

void html_text(struct buffer *out, struct str text) {
    for (size_t i = 0; i < text.len; i++) {
        const char *reference = reference_of(text.at[i]);
        if (reference) buffer_append_c(out, reference);
        else if ((unsigned char)text.at[i] >= ' ' && text.at[i] != 0x7f) buffer_append_char(out, text.at[i]);
    }
}

void html_foreign(struct buffer *out, struct str text) {
    buffer_append_c(out, "<bdi>");
    html_text(out, text);
    buffer_append_c(out, "</bdi>");
}

void html_day(struct buffer *out, int64_t day) {
    static const char *const months[] = { "January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December" };
    struct civil_date date = civil_date_of(day < 0 ? 0 : day > CIVIL_DAY_MAX ? CIVIL_DAY_MAX : day);
    buffer_printf(out, "%d %s %d", date.day, months[date.month - 1], date.year);
}

void html_moment(struct buffer *out, int64_t at_ms) {
    static const int64_t last_ms = (int64_t)CIVIL_DAY_MAX * 24 * 3600 * 1000;
    html_day(out, time_zone_day(TIME_ZONE_LONDON, at_ms < 0 ? 0 : at_ms > last_ms ? last_ms : at_ms));
}

void html_page_begin(struct buffer *out, const struct html_page *page) {
    buffer_printf(out,
                  "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s%s - ",
                  page->problem ? "Error: " : "", page->title);
    html_text(out, page->bank);
    buffer_append_c(out, "</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n"
                         "<header><p class=\"bank\">");
    html_text(out, page->bank);
    buffer_printf(out, "</p></header>\n<main>\n<h1>%s</h1>\n", page->title);
}

void html_page_end(struct buffer *out) {
    buffer_append_c(out,
                    "</main>\n<footer><p>Your bank never asks for your password or a code by telephone or "
                    "e-mail. Check that the address of this page is your bank's.</p></footer>\n</body>\n</html>\n");
}
