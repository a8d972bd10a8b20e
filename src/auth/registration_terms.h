/* registration_terms.h - the metadata that a client wants to be registered with (RFC 7591 section 2, Open Banking
 * dynamic client registration), judged against its software statement. Pure. */
#ifndef GIRO_AUTH_REGISTRATION_TERMS_H
#define GIRO_AUTH_REGISTRATION_TERMS_H

#include "auth/oauth_error.h"
#include "auth/software_statement.h"

struct registration_terms {
    int profile, sender, auth;              /* enum client_profile, client_sender, client_auth */
    struct str scope, redirect_uris;        /* space separated */
    struct str jwks, jwks_uri, tls_subject; /* as in struct client_row */
    bool signs;                             /* its requests to resources (RFC 9421) */
    struct str metadata;                    /* the members as accepted, a JSON object: what the answer repeats */
};
struct registration_refusal {
    enum oauth_error error;
    const char *description;
};
/* claims: of the registration token, verified. Everything not asked for is given its default; what is asked for and
 * cannot be had is refused (never changed in silence). False with *ret_refusal; an arena that is full is
 * OAUTH_ERROR_COUNT there (a fault). Rules: redirect_uris within the statement's, exact, https (uk/D2); scope within
 * what the statement's roles allow (uk/D3); algorithms PS256, ES256, EdDSA; authentication by private_key_jwt,
 * tls_client_auth or self_signed_tls_client_auth; a response type that fits the profile; sender constraint by
 * certificate or DPoP; giro_http_signatures, "required" or "optional", with the profile fapi2-ms. */
bool registration_terms_read(const struct json *claims, const struct software_statement *statement, struct arena *arena,
                             struct registration_terms *ret_terms, struct registration_refusal *ret_refusal);

#endif
