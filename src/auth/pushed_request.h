/* pushed_request.h - what a client may ask its customer for (RFC 9126, FAPI A1 to A8, A14, A15, A19, uk/B1). */
#ifndef GIRO_AUTH_PUSHED_REQUEST_H
#define GIRO_AUTH_PUSHED_REQUEST_H

#include "auth/oauth_error.h"
#include "auth/profile.h"
#include "wire/form.h"

enum {
    PUSHED_STATE_BYTES_MAX = 2048, /* echoed as it came, or refused */
    PUSHED_NONCE_BYTES_MAX = 512,
    PUSHED_LOGIN_HINT_BYTES_MAX = 64,
    PUSHED_CLAIMS_BYTES_MAX = 4 * 1024,
};
enum { PUSHED_E_REFUSED = 1 };
#define PUSHED_URI_PREFIX "urn:ietf:params:oauth:request_uri:"
#define ACR_SCA "urn:openbanking:psd2:sca"
#define ACR_CA "urn:openbanking:psd2:ca"

struct auth_request;      /* auth/auth.h */
struct consent_page_view; /* integration/query.h */

/* The parameters that count; empty = absent. Text of the form, the claims, or a stored request. */
struct pushed_terms {
    struct str redirect_uri, scope, state, nonce, code_challenge, login_hint, prompt;
    struct str acr;    /* what the ID token will say */
    struct str client; /* OAuth client_id */
    enum response_form response_form;
    bool id_token; /* at the front too */
    struct consent_id consent_id;
    struct str details;  /* authorization_details as they will be granted; empty: none */
    struct str dpop_jkt; /* the thumbprint of the key that the code is bound to; empty: none in particular */
};
struct pushed_refusal {
    enum oauth_error error;
    const char *description;
    bool redirects;         /* it may go to the client: the terms below are those of a registered redirect URI */
    struct pushed_terms to; /* what was read before the refusal */
};
/* Where parameters come from: a form without duplicates, or the claims of a request object. */
struct pushed_source {
    const struct form *form;
    const struct client_view *client;
    bool by_value; /* not pushed: PKCE is asked for only where a challenge is sent (V10) */
};
/* Judges the parameters by the client's registration and profile alone; whether the consent is this client's and waits
 * is the caller's to ask. True and *ret_terms; else false and *ret_refusal. claims are parsed in the arena. */
bool pushed_terms_read(const struct pushed_source *source, struct arena *arena, struct pushed_terms *ret_terms,
                       struct pushed_refusal *ret_refusal);
/* The rules of what the client asks for about the consent it names: its own and waiting (66), of the kind that the
 * scope is for, and as authorization_details say. 0 with *ret_consent; PUSHED_E_REFUSED with *ret_refusal's error and
 * description; or <0. */
int pushed_consent_judge(struct auth_request *request, const struct client_view *client,
                         const struct pushed_terms *terms, struct consent_page_view *ret_consent,
                         struct pushed_refusal *ret_refusal) MUST_USE;
/* As a JSON object for the store, and back (consent_id is kept beside it). 0 or <0. */
int pushed_terms_write(const struct pushed_terms *terms, struct buffer *out) MUST_USE;
int pushed_terms_load(struct str params, struct arena *arena, struct pushed_terms *ret_terms) MUST_USE;

#endif
