#include "platform/str.h"

bool str_equal(struct str a, struct str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_equal_c(struct str a, const char *b) {
    return str_equal(a, str_from_c(b));
}

static char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_equal_nocase(struct str a, struct str b) {
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i])) return false;
    return true;
}

int str_compare(struct str a, struct str b) {
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0;
    if (order) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool str_starts(struct str s, struct str prefix) {
    return s.len >= prefix.len && str_equal(str_slice(s, 0, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix) {
    return s.len >= suffix.len && str_equal(str_slice(s, s.len - suffix.len, s.len), suffix);
}

struct str str_slice(struct str s, size_t from, size_t to) {
    if (to > s.len) to = s.len;
    if (from > to) from = to;
    return (struct str){ .at = s.at ? s.at + from : "", .len = to - from };
}

struct str str_trim(struct str s) {
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t')) s = str_slice(s, 1, s.len);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t')) s.len--;
    return s;
}

bool str_cut(struct str *s, char separator, struct str *ret_head) {
    const char *hit = s->len ? memchr(s->at, separator, s->len) : NULL;
    size_t at = hit ? (size_t)(hit - s->at) : s->len;
    *ret_head = str_slice(*s, 0, at);
    *s = hit ? str_slice(*s, at + 1, s->len) : str_slice(*s, s->len, s->len);
    return hit != NULL;
}

bool str_find(struct str s, struct str needle, size_t *ret_at) {
    const char *hit = needle.len && s.len ? memmem(s.at, s.len, needle.at, needle.len) : NULL;
    if (!hit) return false;
    *ret_at = (size_t)(hit - s.at);
    return true;
}

int str_to_u64(struct str s, uint64_t *ret_value) {
    uint64_t value = 0;
    if (s.len == 0 || (s.len > 1 && s.at[0] == '0')) return -EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9') return -EINVAL;
        uint64_t digit = (uint64_t)(s.at[i] - '0');
        if (checked_mul(value, (uint64_t)10, &value) || checked_add(value, digit, &value)) return -ERANGE;
    }
    *ret_value = value;
    return 0;
}

int str_to_c(struct str s, char *text, size_t bytes_max) {
    if (s.len && memchr(s.at, 0, s.len)) return -EINVAL;
    if (s.len >= bytes_max) return -ENAMETOOLONG;
    if (s.len) memcpy(text, s.at, s.len);
    text[s.len] = 0;
    return 0;
}

/* Length of the UTF-8 sequence at the start of s, 0 when it is not one. */
static size_t utf8_sequence(struct str s) {
    const unsigned char *at = (const unsigned char *)s.at;
    if (at[0] < 0x80) return 1;
    size_t len = at[0] >= 0xc2 && at[0] <= 0xdf   ? 2
                 : at[0] >= 0xe0 && at[0] <= 0xef ? 3
                 : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                  : 0;
    if (len == 0 || len > s.len) return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    if (at[0] == 0xe0 && at[1] < 0xa0) return 0; /* overlong */
    if (at[0] == 0xed && at[1] > 0x9f) return 0; /* surrogates */
    if (at[0] == 0xf0 && at[1] < 0x90) return 0; /* overlong */
    if (at[0] == 0xf4 && at[1] > 0x8f) return 0; /* above U+10FFFF */
    return len;
}

/* Eight bytes at a time. A byte below a limit borrows from the one above it, so that a high bit shows that there is one
 * ("Bit Twiddling Hacks", determine if a word has a byte less than n); which one it is does not matter here. */
static const uint64_t each_01 = 0x0101010101010101u, each_80 = 0x8080808080808080u;

static bool is_plain_word(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t quote = word ^ each_01 * '"', slash = word ^ each_01 * '\\', erase = word ^ each_01 * 0x7f;
    uint64_t odd = word | (word - each_01 * 0x20) | (quote - each_01) | (slash - each_01) | (erase - each_01);
    return !(odd & each_80);
}

static bool is_plain_byte(unsigned char byte) {
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

size_t str_plain_len(struct str s) {
    size_t at = 0;
    while (at + 8 <= s.len && is_plain_word(s.at + at)) at += 8;
    if (s.len >= 8 && at + 8 > s.len && is_plain_word(s.at + s.len - 8)) return s.len; /* the end, once more over */
    while (at < s.len && is_plain_byte((unsigned char)s.at[at])) at++;
    return at;
}

bool str_is_utf8(struct str s) {
    while (s.len) {
        uint64_t word;
        if (s.len >= 8 && (memcpy(&word, s.at, sizeof word), (word & each_80) == 0)) {
            s = (struct str){ .at = s.at + 8, .len = s.len - 8 };
            continue;
        }
        size_t len = utf8_sequence(s);
        if (!len) return false;
        s = (struct str){ .at = s.at + len, .len = s.len - len };
    }
    return true;
}
