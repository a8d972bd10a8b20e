/* x509_int.h - what x509_*.c, trust_set.c and revocation*.c share. */
#ifndef GIRO_PLATFORM_X509_INT_H
#define GIRO_PLATFORM_X509_INT_H

#include "platform/trust_set.h"
#include "platform/x509.h"

#include <openssl/x509.h>

/* Reads everything a struct certificate says; x509 is taken also when it is refused. 0, CERTIFICATE_E_*, or -ENOMEM. */
int certificate_wrap_take(X509 *x509, struct certificate **ret_certificate) MUST_USE;
/* Finds the next "BEGIN CERTIFICATE" block in *text, decodes it strictly into der (reset first), and leaves in *text
 * what is behind it; *ret_before gets what stood in front. 1 found, 0 none left, CERTIFICATE_PEM_BAD. */
enum { CERTIFICATE_PEM_NONE = 0, CERTIFICATE_PEM_FOUND = 1, CERTIFICATE_PEM_BAD = 2 };
int certificate_pem_next(struct str *text, struct buffer *der, struct str *ret_before);
/* d2i with nothing behind it; NULL when it is not a certificate. The caller frees. */
X509 *certificate_decode(struct str der);

X509_STORE *trust_store(const struct trust *trust); /* borrowed; only read */
/* As trust_verify_until; a good chain (the certificate first, its anchor last) must also be accepted, else
 * TRUST_E_CHAIN. */
struct trust_chain {
    bool (*accept)(void *ctx, const STACK_OF(X509) * chain, int64_t until_ms);
    void *ctx;
};
int trust_verify_chain(const struct trust *trust, const struct certificate *certificate, int64_t now_ms,
                       const struct trust_chain *chain) MUST_USE;
/* SHA-256 over a CA's name and public key; false without memory. */
bool trust_issuer_hash(const X509 *issuer, struct hash *ret_hash) MUST_USE;
/* False without memory, and for a serial number over TRUST_SERIAL_BYTES_MAX bytes. */
bool trust_link_of(const X509 *x509, const X509 *issuer, struct trust_link *ret_link) MUST_USE;

#endif
