/* client_certificate.h - a client proves who it is by the certificate of its connection (RFC 8705 section 2): one of a
 * trusted chain with the subject it is registered with, or one whose key is among its registered keys. The handshake
 * has shown that the caller has the private key. */
#ifndef GIRO_AUTH_CLIENT_CERTIFICATE_H
#define GIRO_AUTH_CLIENT_CERTIFICATE_H

#include "auth/auth.h"
#include "platform/x509.h"

enum client_certificate_refusal {
    CLIENT_CERTIFICATE_E_NONE = 0,
    CLIENT_CERTIFICATE_E_OTHER, /* not one of this client's */
    CLIENT_CERTIFICATE_E_TIME,  /* not yet valid, or no longer */
    CLIENT_CERTIFICATE_E_KEYS,  /* the client's keys cannot be had or used */
    CLIENT_CERTIFICATE_E_BUSY,  /* too many wait for keys by URL */
};
const char *client_certificate_text(int refusal);
/* Section 2.2: its public key is one of the set, which those with x5c hold as well; nothing of what its names say
 * counts. A key that is not there has a set by URL fetched anew. 0, CLIENT_CERTIFICATE_E_*, <0. */
int client_certificate_registered(const struct certificate *certificate, const struct client_key_source *source,
                                  int64_t now_ms) MUST_USE;
/* Of a client registered for tls_client_auth or self_signed_tls_client_auth (check), by its method and the request's
 * certificate. 0, CLIENT_CERTIFICATE_E_*, <0. */
int client_certificate_judge(const struct auth_request *request, const struct client_view *client) MUST_USE;

#endif
