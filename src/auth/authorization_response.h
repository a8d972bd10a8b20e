/* authorization_response.h - back to the client (RFC 6749 section 4.1.2, RFC 9207): 303, never 307 (FAPI A10, A11). */
#ifndef GIRO_AUTH_AUTHORIZATION_RESPONSE_H
#define GIRO_AUTH_AUTHORIZATION_RESPONSE_H

#include "auth/oauth_error.h"
#include "auth/pushed_request.h"

enum { REDIRECT_BYTES_MAX = 12 * 1024 };

/* redirect_uri with code (empty: none), state as it was pushed, and iss, in this order: code is never the last.
 * AUTH_ANSWERED or <0. */
int authorization_response_code(struct auth_request *request, const struct pushed_terms *terms, struct str code);
int authorization_response_error(struct auth_request *request, const struct pushed_terms *terms,
                                 enum oauth_error error);
/* "https://host:port" of a URI, borrowed. */
struct str uri_origin(struct str uri);

#endif
