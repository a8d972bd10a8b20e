/* edge_certificate.h - the client certificate that the edge found, as it stands in its header.
 *
 * Two forms, told apart by their first character: nginx's $ssl_client_escaped_cert (PEM, percent-encoded) and RFC
 * 9440's Client-Cert, a structured-field byte sequence (":" base64 of the DER ":"), exactly one without parameters.
 * Believe it only on the edge's own socket. The chain is not judged here (trust_verify). */
#ifndef GIRO_PLATFORM_EDGE_CERTIFICATE_H
#define GIRO_PLATFORM_EDGE_CERTIFICATE_H

#include "platform/x509.h"

enum { EDGE_CERTIFICATE_BYTES_MAX = 8 * 1024 }; /* of the header's value */

#define EDGE_CERTIFICATE_E_MAP(X)                                                                                      \
    X(EDGE_CERTIFICATE_E_EMPTY, "no certificate")                                                                      \
    X(EDGE_CERTIFICATE_E_SIZE, "too large")                                                                            \
    X(EDGE_CERTIFICATE_E_ENCODING, "neither escaped PEM nor a byte sequence")                                          \
    X(EDGE_CERTIFICATE_E_CERTIFICATE, "not an acceptable certificate")
#define X(code, name) code,
enum edge_certificate_refusal { EDGE_CERTIFICATE_E_NONE = 0, EDGE_CERTIFICATE_E_MAP(X) EDGE_CERTIFICATE_E_COUNT };
#undef X

/* value: the header's value, at most EDGE_CERTIFICATE_BYTES_MAX. The caller frees the certificate. 0,
 * EDGE_CERTIFICATE_E_*, or -ENOMEM. */
int edge_certificate_parse(struct str value, struct certificate **ret_certificate) MUST_USE;

#endif
