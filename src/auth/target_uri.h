/* target_uri.h - https URIs compared as RFC 9449 section 4.3 asks: without query and fragment, by syntax and scheme
 * (RFC 3986 sections 6.2.2 and 6.2.3). Pure. */
#ifndef GIRO_AUTH_TARGET_URI_H
#define GIRO_AUTH_TARGET_URI_H

#include "platform/buffer.h"

enum { TARGET_URI_BYTES_MAX = 4096 };

/* Appends the normal form of uri: scheme and host in lower case, no default port, an empty path as "/", escapes in
 * upper case and those of unreserved characters undone, query and fragment left out. False for anything but an absolute
 * https URI of printable ASCII with a host and without user information, of at most TARGET_URI_BYTES_MAX, or when out
 * is full. */
bool target_uri_normal(struct str uri, struct buffer *out);

#endif
