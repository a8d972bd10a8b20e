/* browser_session.h - the cookie of a customer on the consent pages, and the token that proves that a form came from
 * one of them.
 *
 * The cookie is 256 random bits, kept hashed; the form's token is HMAC-SHA-256 keyed by the cookie, so it is bound to
 * the session and needs no row. */
#ifndef GIRO_AUTH_BROWSER_SESSION_H
#define GIRO_AUTH_BROWSER_SESSION_H

#include "auth/auth_int.h"

/* One cookie for each way of being here; a name that begins so is only taken from this host, over TLS, for all paths.
 */
enum browser_cookie {
    COOKIE_CONSENT, /* SameSite=Lax: the customer comes from the client's site */
    COOKIE_CUSTOMER /* SameSite=Strict */
};

/* The cookie's value in a Cookie header (RFC 6265 section 4.2); false when it is absent, there twice, or not ours in
 * form. */
bool browser_session_read(enum browser_cookie kind, struct str cookies, struct str *ret_cookie);
/* Set-Cookie; 0 or -ENOMEM. */
int browser_session_set(struct auth_request *request, enum browser_cookie kind, struct str cookie) MUST_USE;
void browser_session_clear(struct auth_request *request, enum browser_cookie kind);

enum { FORM_TOKEN_TEXT_BYTES = 44 };
struct str form_token_of(struct str cookie, char text[FORM_TOKEN_TEXT_BYTES]);
bool form_token_is_right(struct str cookie, struct str token); /* constant time */

#endif
