/* sender.h - what the tokens of a request are bound to: the certificate of its connection (RFC 8705), or the key that a
 * proof shows (DPoP, RFC 9449), as the client is registered (FAPI G4, G5, G12). */
#ifndef GIRO_AUTH_SENDER_H
#define GIRO_AUTH_SENDER_H

#include "auth/client_assertion.h"

struct sender {
    struct hash certificate_hash, key_thumbprint; /* one of them; the other is zero */
};

/* For the token endpoint: a client whose tokens are bound to a key must prove one. path: "/token". 0 with *ret_sender
 * and the proof's jti in client->assertion, to be spent with it; or the request is answered, which *ret_answered tells
 * and the return value is the entry function's; <0 a fault. */
int sender_judge(struct auth_request *request, struct authenticated *client, const char *path,
                 struct sender *ret_sender, bool *ret_answered) MUST_USE;
/* For pushed requests: a proof may be there (109). As above; both hashes zero when there is none. */
int sender_offered(struct auth_request *request, struct authenticated *client, const char *path,
                   struct sender *ret_sender, bool *ret_answered) MUST_USE;
/* The JWK thumbprint that dpop_jkt is (RFC 9449 section 10); false when it is none. */
bool sender_thumbprint_parse(struct str text, struct hash *ret_thumbprint);
bool sender_is_zero(const struct hash *hash);
/* The header DPoP-Nonce where nonces are asked for; else nothing. 0 or -ENOMEM. */
int sender_give_nonce(struct auth_request *request) MUST_USE;

#endif
