/* authorization_response.h - back to the client (RFC 6749 section 4.1.2, RFC 9207, OAuth 2.0 Multiple Response Types,
 * JARM): 303, never 307 (FAPI A10, A11).
 *
 * How it goes is the request's own word (pushed_terms.response_form): parameters in the query or the fragment, or one
 * signed parameter "response" in either. A success that has to carry an ID token (id_token) carries one that is a
 * detached signature of the response (V8). */
#ifndef GIRO_AUTH_AUTHORIZATION_RESPONSE_H
#define GIRO_AUTH_AUTHORIZATION_RESPONSE_H

#include "auth/oauth_error.h"
#include "auth/pushed_request.h"

enum {
    REDIRECT_BYTES_MAX = 12 * 1024,
    RESPONSE_JWT_LIFE_MS = 5 * 60 * 1000 /* JARM section 2.1: at most 10 minutes */
};

/* redirect_uri with code (empty: none), state as it was pushed, and iss, in this order: code is never the last. With
 * JARM the three are claims of "response" beside aud and exp, and nothing stands outside (A7, 63). The code was issued
 * by the command that this request waited for. AUTH_ANSWERED or <0. */
int authorization_response_code(struct auth_request *request, const struct pushed_terms *terms, struct str code);
int authorization_response_error(struct auth_request *request, const struct pushed_terms *terms,
                                 enum oauth_error error);
/* "https://host:port" of a URI, borrowed. */
struct str uri_origin(struct str uri);

#endif
