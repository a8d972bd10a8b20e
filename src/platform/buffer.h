/* buffer.h - text or bytes being built, with a ceiling from birth.
 *
 * (B1) len never passes bytes_max; the first append that does not fit appends nothing and sets overflow, which sticks,
 * so a writer checks once at the end. The memory is the caller's (fixed) or grows on the heap (buffer_init_heap). */
#ifndef GIRO_PLATFORM_BUFFER_H
#define GIRO_PLATFORM_BUFFER_H

#include "platform/str.h"

struct buffer {
    char *at;
    size_t len, capacity, bytes_max;
    bool overflow, heap;
};

void buffer_init(struct buffer *buffer, void *memory, size_t bytes_max); /* borrowed memory */
void buffer_init_heap(struct buffer *buffer, size_t bytes_max);          /* allocates as it grows, up to bytes_max */
void buffer_release(struct buffer *buffer);                              /* frees heap memory; harmless twice */
void buffer_reset(struct buffer *buffer);                                /* empty again, overflow cleared */
void buffer_append_slow(struct buffer *buffer, const void *bytes, size_t len); /* grows, or sets overflow */
static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t len) {
    if (len == 0 || len > buffer->capacity - buffer->len || buffer->overflow) {
        buffer_append_slow(buffer, bytes, len);
        return;
    }
    memcpy(buffer->at + buffer->len, bytes, len);
    buffer->len += len;
}
static inline void buffer_append_str(struct buffer *buffer, struct str s) {
    buffer_append(buffer, s.at, s.len);
}
static inline void buffer_append_c(struct buffer *buffer, const char *text) {
    buffer_append(buffer, text, strlen(text));
}
static inline void buffer_append_char(struct buffer *buffer, char c) {
    buffer_append(buffer, &c, 1);
}
/* Where the next bytes go when len more (1..) fit as it is, else NULL: the caller writes them there and then says how
 * many they were with buffer_wrote, or appends them. */
static inline char *buffer_room(const struct buffer *buffer, size_t len) {
    return len > buffer->capacity - buffer->len || buffer->overflow ? NULL : buffer->at + buffer->len;
}
static inline void buffer_wrote(struct buffer *buffer, const char *end) {
    buffer->len = (size_t)(end - buffer->at);
}
void buffer_append_u64(struct buffer *buffer, uint64_t value);              /* decimal */
void buffer_append_i64(struct buffer *buffer, int64_t value);               /* decimal */
void buffer_append_be(struct buffer *buffer, uint64_t value, size_t bytes); /* big-endian binary, 1..8 bytes */
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
struct str buffer_str(const struct buffer *buffer); /* borrowed until the next append */

#endif
