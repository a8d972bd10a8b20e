#include "auth/target_uri.h"

#include "platform/encoding.h"

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/* Where the host ends: at its bracket when it has one (RFC 3986 section 3.2.2), else at the first colon; 0: no host. */
static size_t host_length(struct str authority) {
    const bool bracketed = str_starts(authority, STR("["));
    const char *end = authority.len ? memchr(authority.at, bracketed ? ']' : ':', authority.len) : NULL;
    if (!end) return bracketed ? 0 : authority.len;
    return (size_t)(end - authority.at) + bracketed;
}

/* host[:port]; the port 443 is what is meant without one. */
static bool put_authority(struct str authority, struct buffer *out) {
    const size_t host = host_length(authority);
    struct str port = str_slice(authority, host, authority.len);
    if (host == 0 || memchr(authority.at, '@', authority.len)) return false;
    for (size_t i = 0; i < host; i++) buffer_append_char(out, lower(authority.at[i]));
    for (size_t i = 0; i < port.len; i++)
        if (i == 0 ? port.at[i] != ':' : port.at[i] < '0' || port.at[i] > '9') return false;
    if (port.len > 1 && !str_equal(port, STR(":443"))) buffer_append_str(out, port);
    return true;
}

static bool put_path(struct str path, struct buffer *out) {
    static const char digits[] = "0123456789ABCDEF";
    if (path.len == 0) buffer_append_char(out, '/');
    for (size_t i = 0; i < path.len; i++) {
        uint8_t byte;
        if (path.at[i] != '%') {
            buffer_append_char(out, path.at[i]);
            continue;
        }
        if (i + 2 >= path.len || hex_decode(str_slice(path, i + 1, i + 3), &byte, 1)) return false;
        i += 2;
        if (is_unreserved((char)byte)) {
            buffer_append_char(out, (char)byte);
            continue;
        }
        buffer_append_char(out, '%');
        buffer_append_char(out, digits[byte >> 4]);
        buffer_append_char(out, digits[byte & 15]);
    }
    return true;
}

bool target_uri_normal(struct str uri, struct buffer *out) {
    const struct str scheme = STR("https://");
    if (uri.len > TARGET_URI_BYTES_MAX || !str_equal_nocase(str_slice(uri, 0, scheme.len), scheme)) return false;
    for (size_t i = 0; i < uri.len; i++)
        if (uri.at[i] <= ' ' || uri.at[i] > '~') return false;
    struct str rest = str_slice(uri, scheme.len, uri.len);
    size_t end = 0, path_end;
    while (end < rest.len && !memchr("/?#", rest.at[end], 3)) end++;
    path_end = end;
    while (path_end < rest.len && !memchr("?#", rest.at[path_end], 2)) path_end++;
    buffer_append_str(out, scheme);
    return put_authority(str_slice(rest, 0, end), out) && put_path(str_slice(rest, end, path_end), out) &&
           !out->overflow;
}
