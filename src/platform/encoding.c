#include "platform/encoding.h"

#include <endian.h>

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base32_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char hex_digits[] = "0123456789abcdef";

/* The eight digits of four bytes, which stand in word in the order of memory: the bytes are spread to two each, then
 * the halves, and each half becomes its digit. */
static uint64_t hex_word(uint32_t word) {
    const uint64_t each = 0x0101010101010101u;
    uint64_t halves = word;
    halves = (halves | halves << 16) & 0x0000ffff0000ffffu;
    halves = (halves | halves << 8) & 0x00ff00ff00ff00ffu;
    halves = (halves >> 4 & 0x000f000f000f000fu) | (halves & 0x000f000f000f000fu) << 8;
    uint64_t letters = (halves + each * 6) >> 4 & each; /* 1 where it is above 9 */
    return halves + each * '0' + letters * ('a' - '9' - 1);
}

char *hex_put(char *to, const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    for (; len >= 4; len -= 4, at += 4, to += 8) {
        uint32_t word;
        memcpy(&word, at, sizeof word);
        uint64_t digits = htole64(hex_word(le32toh(word)));
        memcpy(to, &digits, sizeof digits);
    }
    for (; len; len--, at++) {
        *to++ = hex_digits[*at >> 4];
        *to++ = hex_digits[*at & 15];
    }
    return to;
}

void hex_encode(struct buffer *out, const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    char text[64];
    while (len) {
        size_t piece = len < sizeof text / 2 ? len : sizeof text / 2;
        (void)hex_put(text, at, piece);
        buffer_append(out, text, 2 * piece);
        at += piece;
        len -= piece;
    }
}

/* One more than the digit's value; 0: no digit. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int hex_decode(struct str text, void *bytes, size_t len) {
    unsigned char *at = bytes;
    if (text.len != 2 * len) return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        unsigned high = hex_values[(unsigned char)text.at[2 * i]], low = hex_values[(unsigned char)text.at[2 * i + 1]];
        if (!high || !low) return -EINVAL;
        at[i] = (unsigned char)((high - 1) << 4 | (low - 1));
    }
    return 0;
}

/* bits: how many bits one character carries (5 or 6). */
static void encode_bits(struct buffer *out, const unsigned char *at, size_t len, const char *alphabet, unsigned bits) {
    uint32_t held = 0;
    unsigned count = 0;
    for (size_t i = 0; i < len; i++) {
        held = held << 8 | at[i];
        for (count += 8; count >= bits; count -= bits)
            buffer_append_char(out, alphabet[held >> (count - bits) & ((1u << bits) - 1)]);
        held &= (1u << count) - 1;
    }
    if (count) buffer_append_char(out, alphabet[held << (bits - count) & ((1u << bits) - 1)]);
}

static int decode_bits(struct str text, struct buffer *out, const char *alphabet, unsigned bits) {
    uint32_t held = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *hit = text.at[i] ? strchr(alphabet, text.at[i]) : NULL;
        if (!hit) return -EINVAL;
        held = held << bits | (uint32_t)(hit - alphabet);
        count += bits;
        if (count >= 8) {
            count -= 8;
            buffer_append_char(out, (char)(held >> count));
            held &= (1u << count) - 1;
        }
    }
    return count >= bits || held ? -EINVAL : 0; /* a whole unused character, or stray bits */
}

void base64_encode(struct buffer *out, const void *bytes, size_t len) {
    encode_bits(out, bytes, len, base64_alphabet, 6);
    for (size_t i = len; i % 3; i++) buffer_append_char(out, '=');
}

int base64_decode(struct str text, struct buffer *out) {
    if (text.len % 4) return -EINVAL;
    size_t padding = 0;
    while (padding < 2 && text.len > padding && text.at[text.len - 1 - padding] == '=') padding++;
    return decode_bits(str_slice(text, 0, text.len - padding), out, base64_alphabet, 6);
}

void base64url_encode(struct buffer *out, const void *bytes, size_t len) {
    encode_bits(out, bytes, len, base64url_alphabet, 6);
}

int base64url_decode(struct str text, struct buffer *out) {
    return decode_bits(text, out, base64url_alphabet, 6);
}

void base32_encode(struct buffer *out, const void *bytes, size_t len) {
    encode_bits(out, bytes, len, base32_alphabet, 5);
}

int base32_decode(struct str text, struct buffer *out) {
    return decode_bits(text, out, base32_alphabet, 5);
}

static bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void percent_encode(struct buffer *out, struct str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (is_unreserved(s.at[i])) buffer_append_char(out, s.at[i]);
        else buffer_printf(out, "%%%02X", c);
    }
}

int percent_decode(struct str text, bool plus_is_space, struct buffer *out) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '%') {
            if (i + 2 >= text.len || hex_decode(str_slice(text, i + 1, i + 3), &c, 1)) return -EINVAL;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        buffer_append_char(out, (char)c);
    }
    return 0;
}
