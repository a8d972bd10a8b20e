/* external_call.h - one question to another authorization server about one token (RFC 7662), under the rules of
 * outbound_guard.h. Blocks; for threads that have nothing else to do (external_lookup.h). */
#ifndef GIRO_AUTH_EXTERNAL_CALL_H
#define GIRO_AUTH_EXTERNAL_CALL_H

#include "auth/external_token.h"
#include "platform/outbound_guard.h"

enum {
    EXTERNAL_CALL_CONNECT_MS = 2000,
    EXTERNAL_CALL_MS = 3000, /* the look-up of the name comes on top */
    EXTERNAL_CALL_BODY_BYTES_MAX = 24 * 1024,
    EXTERNAL_ASSERTION_LIFE_S = 60,
};

struct external_call {
    const struct external_issuer *issuer; /* with an endpoint */
    const struct outbound_guard *guard;
    const char *ca_file; /* PEM, of the servers; NULL: the system's */
    int64_t now_ms;      /* of the assertion */
};
/* Appends the document of an answer with status 200. 0; > 0 there is none, with a sentence that names the host at most;
 * -ENOMEM, -EINVAL. */
int external_call_ask(const struct external_call *call, struct str token, struct buffer *out,
                      struct message *message) MUST_USE;
/* Appends the body of the question: token, client_id and, with a signing key, the assertion (RFC 7523), whose audience
 * is the issuer. 0, -ENOMEM, -EMSGSIZE. */
int external_call_body(const struct external_call *call, struct str token, struct buffer *out) MUST_USE;

#endif
