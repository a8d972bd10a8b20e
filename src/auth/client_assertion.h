/* client_assertion.h - a client proves who it is: private_key_jwt (RFC 7523, FAPI C1 to C8, G8, G13), or by the
 * certificate of its connection (client_certificate.h); only by the method that it is registered for (G6).
 *
 * PS256, ES256 or (FAPI 2.0) EdDSA with a registered key; iss = sub = client_id; aud is the issuer as one string (FAPI
 * 2.0), or it, the token or the PAR URL, in a list too (FAPI 1.0: item 15); exp at most 5 minutes ahead; iat and nbf at
 * most 60 s ahead; jti of 1 to 128 bytes. That the jti is new is judged by the command that the assertion buys. */
#ifndef GIRO_AUTH_CLIENT_ASSERTION_H
#define GIRO_AUTH_CLIENT_ASSERTION_H

#include "auth/auth.h"
#include "auth/client_keys.h"
#include "wire/form.h"
#include "wire/jose.h"
#include "wire/jwt.h"

enum { CLIENT_ASSERTION_JTI_BYTES_MAX = 128 };

struct client_assertion_rules {
    struct str client_name;
    const struct str *audiences; /* of these, one */
    size_t audience_count;
    bool audience_string_only;     /* and not in a list (G8) */
    bool edwards;                  /* EdDSA counts too */
    struct client_key_source keys; /* of the client */
    int64_t now_ms;
};
/* refusals: positive, told by client_assertion_text; they name the rule, never what the token said. */
enum { CLIENT_ASSERTION_E_JTI_LONG = 1000, CLIENT_ASSERTION_E_KEYS, CLIENT_ASSERTION_E_ALG, CLIENT_ASSERTION_E_BUSY };
const char *client_assertion_text(int refusal);
/* Takes a client's token apart and verifies its signature by one of its keys; one that is not there has those by URL
 * fetched anew (FAPI C7). 0, JOSE_E_*, CLIENT_ASSERTION_E_KEYS, _BUSY (too many wait for keys by URL), or <0. */
int client_signature_judge(struct str token, const struct client_key_source *source, struct arena *arena,
                           struct jws *ret_jws) MUST_USE;
struct client_key_source client_key_source_of(const struct auth_request *request, const struct client_view *client);
/* 0, a refusal (JOSE_E_*, 100 + JWT_E_*, CLIENT_ASSERTION_E_*), or <0. *ret_text (may be NULL) says why. */
int client_assertion_judge(struct str assertion, const struct client_assertion_rules *rules, struct arena *arena,
                           struct jwt_facts *ret_facts, const char **ret_text) MUST_USE;

/* Of a request whose client has proven who it is. client.scope: what it is registered for and its roles allow. */
struct authenticated {
    struct client_view client;
    struct assertion_spend assertion;
    struct form form;
};
/* Parses the body and authenticates. 0 with *ret_client in the arena, or the request is answered: AUTH_ANSWERED is 0
 * too, so the two are told apart by *ret_client (NULL: answered). <0 a fault. */
int client_authenticate(struct auth_request *request, struct authenticated **ret_client) MUST_USE;

#endif
