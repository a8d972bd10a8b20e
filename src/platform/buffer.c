#include "platform/buffer.h"

#include <endian.h>
#include <stdarg.h>

enum { BUFFER_FIRST_BYTES = 256 };

void buffer_init(struct buffer *buffer, void *memory, size_t bytes_max) {
    *buffer = (struct buffer){ .at = memory, .capacity = bytes_max, .bytes_max = bytes_max };
}

void buffer_init_heap(struct buffer *buffer, size_t bytes_max) {
    *buffer = (struct buffer){ .bytes_max = bytes_max, .heap = true };
}

void buffer_release(struct buffer *buffer) {
    if (buffer->heap) free(buffer->at);
    *buffer = (struct buffer){ 0 };
}

void buffer_reset(struct buffer *buffer) {
    buffer->len = 0;
    buffer->overflow = false;
}

/* Makes room for len more bytes; false (and overflow set) when the ceiling forbids it. */
static bool buffer_reserve(struct buffer *buffer, size_t len) {
    if (buffer->overflow || len > buffer->bytes_max - buffer->len) {
        buffer->overflow = true;
        return false;
    }
    size_t need = buffer->len + len;
    if (need <= buffer->capacity) return true;
    size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_FIRST_BYTES;
    while (capacity < need) capacity *= 2;
    if (capacity > buffer->bytes_max) capacity = buffer->bytes_max;
    char *at = realloc(buffer->at, capacity);
    if (!at) {
        buffer->overflow = true;
        return false;
    }
    buffer->at = at;
    buffer->capacity = capacity;
    return true;
}

void buffer_append_slow(struct buffer *buffer, const void *bytes, size_t len) {
    if (!buffer_reserve(buffer, len) || len == 0) return;
    memcpy(buffer->at + buffer->len, bytes, len);
    buffer->len += len;
}

void buffer_append_u64(struct buffer *buffer, uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    buffer_append(buffer, digits + at, sizeof digits - at);
}

void buffer_append_i64(struct buffer *buffer, int64_t value) {
    if (value < 0) buffer_append_char(buffer, '-');
    buffer_append_u64(buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buffer_append_be(struct buffer *buffer, uint64_t value, size_t bytes) {
    check(bytes >= 1 && bytes <= 8);
    uint64_t out = htobe64(value);
    buffer_append(buffer, (const char *)&out + sizeof out - bytes, bytes);
}

void buffer_printf(struct buffer *buffer, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char small[512];
    char *text = len >= 0 && (size_t)len < sizeof small ? small : len >= 0 ? malloc((size_t)len + 1) : NULL;
    if (text) {
        (void)vsnprintf(text, (size_t)len + 1, format, again);
        buffer_append(buffer, text, (size_t)len);
    } else {
        buffer->overflow = true;
    }
    if (text != small) free(text);
    va_end(again);
    va_end(args);
}

struct str buffer_str(const struct buffer *buffer) {
    return (struct str){ .at = buffer->at ? buffer->at : "", .len = buffer->len };
}
