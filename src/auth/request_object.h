/* request_object.h - a signed request object (JAR, RFC 9101; FAPI V1 to V6, M1, 37 to 53): a JWT whose claims are the
 * parameters of an authorization request.
 *
 * Signed by a registered key of the client with an algorithm of its profile; typ absent, "JWT" or
 * "oauth-authz-req+jwt"; client_id or iss there, and whichever is there the client's; aud is or holds the issuer; nbf
 * at most 60 minutes old and 60 s ahead; exp in the future and at most 60 minutes after nbf; neither request nor
 * request_uri inside. What its parameters must be is judged by pushed_terms_read, as for any other request. */
#ifndef GIRO_AUTH_REQUEST_OBJECT_H
#define GIRO_AUTH_REQUEST_OBJECT_H

#include "auth/auth.h"
#include "auth/client_keys.h"
#include "wire/form.h"

enum { REQUEST_OBJECT_WINDOW_MS = 60 * 60 * 1000 };

struct request_object_rules {
    const struct client_view *client;
    struct client_keys *key_cache; /* for its keys by URL; may be NULL */
    struct str interaction_id;     /* of the call, for the record of a fetch */
    struct str issuer;
    int64_t now_ms;
};
struct request_object {
    struct form parameters; /* of the claims; objects and lists as JSON text. Without duplicates */
    int64_t expires_ms;
    struct hash hash; /* of what was signed: the same request, the same hash */
    bool is_signed;   /* by the client: hash is set. Also after a refusal, unless the signature is to blame */
};
enum request_object_refusal { REQUEST_OBJECT_E_NONE, REQUEST_OBJECT_E_INVALID };
/* text: the compact JWS. *ret_object comes zeroed. 0, REQUEST_OBJECT_E_INVALID with *ret_text (it names the rule, never
 * what the object said), or <0. */
int request_object_read(struct str text, const struct request_object_rules *rules, struct arena *arena,
                        struct request_object *ret_object, const char **ret_text) MUST_USE;

#endif
