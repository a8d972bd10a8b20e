#include "platform/encoding.h"

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base32_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char hex_digits[] = "0123456789abcdef";

void hex_encode(struct buffer *out, const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    char text[64];
    while (len) {
        size_t piece = len < sizeof text / 2 ? len : sizeof text / 2;
        for (size_t i = 0; i < piece; i++) {
            text[2 * i] = hex_digits[at[i] >> 4];
            text[2 * i + 1] = hex_digits[at[i] & 15];
        }
        buffer_append(out, text, 2 * piece);
        at += piece;
        len -= piece;
    }
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int hex_decode(struct str text, void *bytes, size_t len) {
    unsigned char *at = bytes;
    if (text.len != 2 * len) return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text.at[2 * i]), low = hex_value(text.at[2 * i + 1]);
        if (high < 0 || low < 0) return -EINVAL;
        at[i] = (unsigned char)(high << 4 | low);
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
