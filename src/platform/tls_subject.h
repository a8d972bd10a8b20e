/* tls_subject.h - the subject that a client of tls_client_auth is registered with, and whether a certificate has it
 * (RFC 8705 section 2.1.2). As text: "dn:", "dns:", "uri:", "ip:" or "email:" and the value.
 *
 * A distinguished name (RFC 4514) is compared part by part, in order: types by name in any case or by number, values
 * byte by byte once their escapes are undone. A DNS name in any case, an address by its bytes, the others byte by byte.
 * Nothing is a pattern. */
#ifndef GIRO_PLATFORM_TLS_SUBJECT_H
#define GIRO_PLATFORM_TLS_SUBJECT_H

#include "platform/x509.h"

/* Whether a certificate could have it: one of the five kinds, and well-formed. */
bool tls_subject_fits(struct str subject);
/* Whether it has it; false for what does not fit. Nothing about the certificate's chain. */
bool tls_subject_matches(struct str subject, const struct certificate *certificate);

#endif
