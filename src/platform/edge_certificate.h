/* edge_certificate.h - the client certificate that the edge found, as it stands in its header.
 *
 * One form a configuration (edge.form):
 *   nginx       X-OB-Client-Cert              nginx's $ssl_client_escaped_cert: PEM, percent-encoded
 *   rfc9440     Client-Cert                   a structured-field byte sequence, ":" base64 of the DER ":", exactly one
 *   xfcc        X-Forwarded-Client-Cert       Envoy's: elements separated by ',', of which only the last is read, that
 * of the hop next to us; its Cert=, else the first of its Chain= (PEM, percent-encoded, usually quoted). Both there:
 * they must agree; so must Hash= aws         X-Amzn-Mtls-Clientcert        passthrough mode of AWS: the chain in PEM,
 * leaf first, percent-encoded but for "+=/"; only the first is read aws-verify  X-Amzn-Mtls-Clientcert-Leaf   verify
 * mode of AWS: the leaf, encoded likewise azure       X-ARR-ClientCert              base64 of the DER (App Service, API
 * Management) Believe it only on the edge's own socket. The chain is not judged here (trust_verify), and what a header
 * holds beside the leaf changes nothing (T6): intermediates come from the trust lists. */
#ifndef GIRO_PLATFORM_EDGE_CERTIFICATE_H
#define GIRO_PLATFORM_EDGE_CERTIFICATE_H

#include "platform/x509.h"

/* Its name in the configuration, the header that holds the certificate. */
#define EDGE_FORM_MAP(X)                                                                                               \
    X(EDGE_FORM_NGINX, "nginx", "X-OB-Client-Cert")                                                                    \
    X(EDGE_FORM_RFC9440, "rfc9440", "Client-Cert")                                                                     \
    X(EDGE_FORM_XFCC, "xfcc", "X-Forwarded-Client-Cert")                                                               \
    X(EDGE_FORM_AWS, "aws", "X-Amzn-Mtls-Clientcert")                                                                  \
    X(EDGE_FORM_AWS_VERIFY, "aws-verify", "X-Amzn-Mtls-Clientcert-Leaf")                                               \
    X(EDGE_FORM_AZURE, "azure", "X-ARR-ClientCert")
#define X(code, name, header) code,
enum edge_form { EDGE_FORM_MAP(X) EDGE_FORM_COUNT };
#undef X
#define EDGE_FORM_CHOICES "nginx|rfc9440|xfcc|aws|aws-verify|azure" /* in the same order */

enum { EDGE_CERTIFICATE_BYTES_MAX = 8 * 1024, EDGE_ELEMENTS_MAX = 16 }; /* of the header's value; of XFCC */

#define EDGE_CERTIFICATE_E_MAP(X)                                                                                      \
    X(EDGE_CERTIFICATE_E_EMPTY, "no certificate")                                                                      \
    X(EDGE_CERTIFICATE_E_SIZE, "too large")                                                                            \
    X(EDGE_CERTIFICATE_E_ENCODING, "not the encoding of its form")                                                     \
    X(EDGE_CERTIFICATE_E_CERTIFICATE, "not an acceptable certificate")
#define X(code, name) code,
enum edge_certificate_refusal { EDGE_CERTIFICATE_E_NONE = 0, EDGE_CERTIFICATE_E_MAP(X) EDGE_CERTIFICATE_E_COUNT };
#undef X

/* value: the header's value, at most EDGE_CERTIFICATE_BYTES_MAX. The caller frees the certificate. 0,
 * EDGE_CERTIFICATE_E_*, or -ENOMEM. */
int edge_certificate_parse(enum edge_form form, struct str value, struct certificate **ret_certificate) MUST_USE;

#endif
