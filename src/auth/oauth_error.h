/* oauth_error.h - the errors of OAuth endpoints (RFC 6749 section 5.2, RFC 9126 section 2.3, RFC 9396 section 5, RFC
 * 9449 sections 5 and 8). */
#ifndef GIRO_AUTH_OAUTH_ERROR_H
#define GIRO_AUTH_OAUTH_ERROR_H

#include "auth/auth.h"

/* code, HTTP status, error */
#define OAUTH_ERROR_MAP(X)                                                                                             \
    X(OAUTH_INVALID_REQUEST, 400, "invalid_request")                                                                   \
    X(OAUTH_INVALID_CLIENT, 401, "invalid_client")                                                                     \
    X(OAUTH_INVALID_GRANT, 400, "invalid_grant")                                                                       \
    X(OAUTH_INVALID_SCOPE, 400, "invalid_scope")                                                                       \
    X(OAUTH_UNAUTHORIZED_CLIENT, 400, "unauthorized_client")                                                           \
    X(OAUTH_UNSUPPORTED_GRANT_TYPE, 400, "unsupported_grant_type")                                                     \
    X(OAUTH_UNSUPPORTED_RESPONSE_TYPE, 400, "unsupported_response_type")                                               \
    X(OAUTH_REQUEST_NOT_SUPPORTED, 400, "request_not_supported")                                                       \
    X(OAUTH_ACCESS_DENIED, 403, "access_denied")                                                                       \
    X(OAUTH_LOGIN_REQUIRED, 400, "login_required")                                                                     \
    X(OAUTH_INVALID_REQUEST_OBJECT, 400, "invalid_request_object")                                                     \
    X(OAUTH_INVALID_TOKEN, 401, "invalid_token")                                                                       \
    X(OAUTH_INVALID_REDIRECT_URI, 400, "invalid_redirect_uri")                                                         \
    X(OAUTH_INVALID_CLIENT_METADATA, 400, "invalid_client_metadata")                                                   \
    X(OAUTH_INVALID_SOFTWARE_STATEMENT, 400, "invalid_software_statement")                                             \
    X(OAUTH_UNAPPROVED_SOFTWARE_STATEMENT, 400, "unapproved_software_statement")                                       \
    X(OAUTH_INVALID_DPOP_PROOF, 400, "invalid_dpop_proof")                                                             \
    X(OAUTH_USE_DPOP_NONCE, 400, "use_dpop_nonce")                                                                     \
    X(OAUTH_INVALID_AUTHORIZATION_DETAILS, 400, "invalid_authorization_details")
#define X(code, status, name) code,
enum oauth_error { OAUTH_ERROR_MAP(X) OAUTH_ERROR_COUNT };
#undef X
const char *oauth_error_name(enum oauth_error error);

/* Answers {"error","error_description"}. description: fixed ASCII text without '"' and '\\' (RFC 6749; check).
 * AUTH_ANSWERED, or -ENOMEM. */
int oauth_refuse(struct auth_request *request, enum oauth_error error, const char *description);
/* Answers 200 or 201 with a JSON document that nobody may store; the media type may be changed after it. AUTH_ANSWERED.
 */
int oauth_answer(struct auth_request *request, int status, struct str json);

#endif
