/* self_signed.h - certificates that no trust list knows (RFC 8705 section 2.2): they identify a client only when it is
 * registered for self_signed_tls_client_auth, and then by their key alone.
 *
 * (S1) Nothing that such a certificate says of itself is looked at: neither organisation nor software nor roles. (S2)
 * Who calls is named otherwise: by client_id in a form, by the access token on a resource; the certificate must then be
 * that client's: its key is registered, or the token is bound to it. (S3) Whoever is not identified so is nobody: the
 * check refuses, as it does without this. */
#ifndef GIRO_GATEWAY_SELF_SIGNED_H
#define GIRO_GATEWAY_SELF_SIGNED_H

#include "gateway/exchange.h"

/* Fills exchange->call with the client; *ret_found tells. 0 or a fault. */
int self_signed_find(struct exchange *exchange, bool *ret_found) MUST_USE;

#endif
