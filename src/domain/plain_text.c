#include "domain/plain_text.h"

/* s starts with a sequence already known to be valid UTF-8. */
static uint32_t code_point_at(struct str s, size_t *ret_len) {
    const unsigned char *at = (const unsigned char *)s.at;
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t code = len == 1 ? at[0] : at[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) code = code << 6 | (at[i] & 0x3fu);
    *ret_len = len;
    return code;
}

static bool code_point_is_plain(uint32_t code) {
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false;
    if (code == 0x061c || code == 0x200e || code == 0x200f) return false;
    return !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

bool plain_text(struct str s) {
    if (!str_is_utf8(s)) return false;
    while (s.len) {
        size_t len;
        if (!code_point_is_plain(code_point_at(s, &len))) return false;
        s = str_slice(s, len, s.len);
    }
    return true;
}

bool plain_text_is_blank(struct str s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] != ' ') return false;
    return true;
}
