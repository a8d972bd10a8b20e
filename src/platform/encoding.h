/* encoding.h - bytes as text: hexadecimal, base64 (RFC 4648 section 4), base64url without padding (section 5), base32,
 * percent-encoding. Decoders are strict: no blanks, no line ends, no stray bits in the last character. */
#ifndef GIRO_PLATFORM_ENCODING_H
#define GIRO_PLATFORM_ENCODING_H

#include "platform/buffer.h"

char *hex_put(char *to, const void *bytes, size_t len); /* lower case, into room for 2*len; returns the end */
void hex_encode(struct buffer *out, const void *bytes, size_t len); /* lower case */
int hex_decode(struct str text, void *bytes, size_t len); /* exactly 2*len digits, either case; 0 or -EINVAL */
void base64_encode(struct buffer *out, const void *bytes, size_t len);    /* padded */
int base64_decode(struct str text, struct buffer *out);                   /* padding required; 0 or -EINVAL */
void base64url_encode(struct buffer *out, const void *bytes, size_t len); /* no padding */
int base64url_decode(struct str text, struct buffer *out);                /* padding refused; 0 or -EINVAL */
void base32_encode(struct buffer *out, const void *bytes, size_t len);    /* RFC 4648 section 6, no padding */
int base32_decode(struct str text, struct buffer *out);                   /* no padding; 0 or -EINVAL */
void percent_encode(struct buffer *out, struct str s); /* all but unreserved (RFC 3986 section 2.3) */
int percent_decode(struct str text, bool plus_is_space, struct buffer *out); /* 0 or -EINVAL */

#endif
