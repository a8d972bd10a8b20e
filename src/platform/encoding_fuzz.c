/* encoding_fuzz.c - any bytes as text of each encoding. Decoders are strict: what is taken is the one text that its
 * bytes have (percent-encoding has several: there the second time changes nothing). Encoders: what is written is read
 * back. The first byte chooses. */
#include "platform/encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { BYTES_MAX = 4096, TEXT_BYTES_MAX = 4 * BYTES_MAX };

static char memory[3][TEXT_BYTES_MAX];

struct codec {
    void (*encode)(struct buffer *out, const void *bytes, size_t len);
    int (*decode)(struct str text, struct buffer *out);
};
static const struct codec codecs[] = {
    { base64_encode, base64_decode },
    { base64url_encode, base64url_decode },
    { base32_encode, base32_decode },
};

static void codec_try(const struct codec *codec, struct str text) {
    struct buffer first, second, third;
    buffer_init(&first, memory[0], TEXT_BYTES_MAX);
    buffer_init(&second, memory[1], TEXT_BYTES_MAX);
    if (codec->decode(text, &first) == 0) {
        check(first.len <= text.len);
        codec->encode(&second, first.at, first.len);
        check(str_equal(buffer_str(&second), text));
    }
    buffer_init(&second, memory[1], TEXT_BYTES_MAX);
    buffer_init(&third, memory[2], TEXT_BYTES_MAX);
    codec->encode(&second, text.at, text.len);
    check(codec->decode(buffer_str(&second), &third) == 0 && str_equal(buffer_str(&third), text));
    check(!first.overflow && !second.overflow && !third.overflow);
}

static void hex_try(struct str text) {
    struct buffer out;
    buffer_init(&out, memory[0], TEXT_BYTES_MAX);
    if (text.len % 2 == 0 && hex_decode(text, memory[1], text.len / 2) == 0) {
        hex_encode(&out, memory[1], text.len / 2);
        check(str_equal_nocase(buffer_str(&out), text));
    }
    buffer_reset(&out);
    hex_encode(&out, text.at, text.len);
    check(hex_decode(buffer_str(&out), memory[1], text.len) == 0);
    check(text.len == 0 || memcmp(memory[1], text.at, text.len) == 0);
}

static void percent_try(struct str text, bool plus_is_space) {
    struct buffer first, second, third;
    buffer_init(&first, memory[0], TEXT_BYTES_MAX);
    buffer_init(&second, memory[1], TEXT_BYTES_MAX);
    buffer_init(&third, memory[2], TEXT_BYTES_MAX);
    if (percent_decode(text, plus_is_space, &first) == 0) {
        check(first.len <= text.len);
        percent_encode(&second, buffer_str(&first));
        check(percent_decode(buffer_str(&second), plus_is_space, &third) == 0);
        check(str_equal(buffer_str(&first), buffer_str(&third)));
    }
    buffer_reset(&second);
    buffer_reset(&third);
    percent_encode(&second, text);
    check(percent_decode(buffer_str(&second), plus_is_space, &third) == 0 && str_equal(buffer_str(&third), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size == 0 || size > BYTES_MAX) return 0;
    struct str text = str_from_bytes(bytes + 1, size - 1);
    size_t which = bytes[0] % (ARRAY_COUNT(codecs) + 3);
    if (which < ARRAY_COUNT(codecs)) codec_try(&codecs[which], text);
    else if (which == ARRAY_COUNT(codecs)) hex_try(text);
    else percent_try(text, which == ARRAY_COUNT(codecs) + 1);
    return 0;
}
