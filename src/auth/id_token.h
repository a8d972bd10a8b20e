/* id_token.h - the ID token of a payment's authorization (OpenID Connect Core section 2, uk/B2, B4). */
#ifndef GIRO_AUTH_ID_TOKEN_H
#define GIRO_AUTH_ID_TOKEN_H

#include "auth/auth.h"

enum { ID_TOKEN_LIFE_MS = 600 * 1000, ID_TOKEN_BYTES_MAX = 4 * 1024 };

/* What binds an ID token of the front channel to its response (OpenID Connect Core section 3.3.2.11; FAPI V8). */
struct id_token_binding {
    struct str code, state; /* state empty: none was sent, no s_hash */
};
/* iss, sub, aud, exp, iat, auth_time, acr, openbanking_intent_id, nonce when there was one, and
 * refresh_token_expires_at when the refresh token beside it expires by itself (uk/B5), signed PS256. audience:
 * the OAuth client_id. binding (NULL at the token endpoint): c_hash and s_hash too. Nothing personal but sub, which is
 * ours and opaque. Appended to out. 0 or <0. */
int id_token_write(const struct auth *auth, const struct code_view *code, struct str audience,
                   const struct id_token_binding *binding, struct buffer *out) MUST_USE;

#endif
