#include "observe/json_text.h"

/* Length of the UTF-8 sequence at the start of s, 0 when there is none. */
static size_t sequence_bytes(struct str s) {
    unsigned char first = (unsigned char)s.at[0];
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return len <= s.len && str_is_utf8(str_slice(s, 0, len)) ? len : 0;
}

static uint32_t code_point(struct str sequence) {
    const unsigned char *at = (const unsigned char *)sequence.at;
    uint32_t code = sequence.len == 1 ? at[0] : at[0] & (0x7fu >> sequence.len);
    for (size_t i = 1; i < sequence.len; i++) code = code << 6 | (at[i] & 0x3fu);
    return code;
}

static bool is_harmful(uint32_t code) {
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
    if (code == 0x061c || code == 0x200e || code == 0x200f) return true;
    return (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void append_code_point(struct buffer *out, struct str sequence) {
    static const char hex[] = "0123456789abcdef";
    uint32_t code = code_point(sequence);
    if (code == '"' || code == '\\') {
        buffer_append_char(out, '\\');
        buffer_append_char(out, (char)code);
    } else if (is_harmful(code)) {
        const char text[6] = {
            '\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]
        };
        buffer_append(out, text, sizeof text);
    } else {
        buffer_append_str(out, sequence);
    }
}

/* All of s as it stands, when that is what it needs and there is room; false: nothing was done. */
static bool append_plain(struct buffer *out, struct str s) {
    char *at = buffer_room(out, s.len + 2);
    if (!at || str_plain_len(s) != s.len) return false;
    *at++ = '"';
    if (s.len) memcpy(at, s.at, s.len);
    at += s.len;
    *at++ = '"';
    buffer_wrote(out, at);
    return true;
}

void json_text_append(struct buffer *out, struct str s) {
    if (append_plain(out, s)) return;
    buffer_append_char(out, '"');
    while (s.len) {
        size_t len = str_plain_len(s);
        buffer_append(out, s.at, len);
        s = str_slice(s, len, s.len);
        if (!s.len) break;
        len = sequence_bytes(s);
        if (len) append_code_point(out, str_slice(s, 0, len));
        else buffer_append_c(out, "\\ufffd");
        s = str_slice(s, len ? len : 1, s.len);
    }
    buffer_append_char(out, '"');
}
