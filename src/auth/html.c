#include "auth/html.h"

#include "auth/auth.h"

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

void html_page_begin(struct buffer *out, const char *title) {
    buffer_printf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s - Giro Bank</title>\n"
        "<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n<header><p>Giro Bank</p></header>\n"
        "<main>\n<h1>%s</h1>\n",
        title, title);
}

void html_page_end(struct buffer *out) {
    buffer_append_c(out, "</main>\n</body>\n</html>\n");
}

struct str auth_style(void) {
    return STR(
        "html { color-scheme: light; }\n"
        "body { margin: 0; font: 1.125rem/1.5 system-ui, sans-serif; color: #14202b; background: #f3f5f7; }\n"
        "header { background: #0b3d5c; color: #fff; padding: 0.75rem 1rem; font-weight: 600; }\n"
        "header p { max-width: 34rem; margin: 0 auto; }\n"
        "main { max-width: 34rem; margin: 1.5rem auto; padding: 1.5rem; background: #fff; border-radius: 0.5rem; }\n"
        "h1 { margin-top: 0; font-size: 1.5rem; line-height: 1.25; }\n"
        "dl { display: grid; grid-template-columns: 6rem 1fr; gap: 0.25rem 1rem; margin: 1rem 0; }\n"
        "dt { color: #45525e; } dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }\n"
        "label { display: block; margin: 1rem 0 0.25rem; }\n"
        "fieldset { border: 1px solid #6b7884; border-radius: 0.25rem; margin: 1rem 0; }\n"
        "fieldset label { margin: 0.5rem 0; }\n"
        "input[type=text], input[type=password] { box-sizing: border-box; width: 100%; padding: 0.5rem; font: "
        "inherit;\n"
        "  border: 1px solid #6b7884; border-radius: 0.25rem; }\n"
        "button { font: inherit; padding: 0.6rem 1.25rem; margin: 1.25rem 0.75rem 0 0; border-radius: 0.25rem;\n"
        "  border: 1px solid #0b3d5c; background: #0b3d5c; color: #fff; cursor: pointer; }\n"
        "button.second { background: #fff; color: #0b3d5c; }\n"
        ":focus-visible { outline: 3px solid #d97706; outline-offset: 2px; }\n"
        ".notice { border-left: 4px solid #b42318; background: #fdecea; padding: 0.5rem 0.75rem; }\n");
}
