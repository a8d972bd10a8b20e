/* revocation_list.h - lists of revoked certificates (CRLs, RFC 5280 section 5) and answers about one (OCSP, RFC 6960),
 * read, their signatures verified, made small. Pure: no files, no calls.
 *
 * (L1) Nothing is believed that the issuer of the certificate, or for OCSP a responder that this issuer has certified
 * for it, has not signed. (L2) A list that speaks of a part of the issuer's certificates only - by reasons, of CAs or
 * attributes alone, of others' (indirect), or a delta - is refused; one of a named distribution point speaks of the
 * certificates that name it. */
#ifndef GIRO_PLATFORM_REVOCATION_LIST_H
#define GIRO_PLATFORM_REVOCATION_LIST_H

#include "platform/buffer.h"
#include "platform/trust_set.h"

enum {
    REVOCATION_CRL_BYTES_MAX = 16 * 1024 * 1024,
    REVOCATION_OCSP_BYTES_MAX = 64 * 1024,
    REVOCATION_SERIALS_MAX = 500000, /* of one list */
    REVOCATION_URL_BYTES_MAX = 512,
    REVOCATION_URLS_MAX = 2,      /* distribution points of one certificate that are asked */
    REVOCATION_SKEW_MS = 300000,  /* of other machines' clocks */
    REVOCATION_KEEP_MS = 3600000, /* how long an OCSP answer without nextUpdate is good */
};

#define REVOCATION_E_MAP(X)                                                                                            \
    X(REVOCATION_E_SYNTAX, "not readable")                                                                             \
    X(REVOCATION_E_ISSUER, "of another issuer")                                                                        \
    X(REVOCATION_E_SIGNATURE, "signature wrong or its signer not entitled")                                            \
    X(REVOCATION_E_PARTIAL, "of a part of the certificates only, or a delta")                                          \
    X(REVOCATION_E_TIME, "not yet good, or out of date")                                                               \
    X(REVOCATION_E_SIZE, "too large")
#define X(code, name) code,
enum revocation_refusal { REVOCATION_E_NONE = 0, REVOCATION_E_MAP(X) REVOCATION_E_COUNT };
#undef X
const char *revocation_refusal_text(int refusal);

struct revocation_serial {
    uint8_t len, bytes[TRUST_SERIAL_BYTES_MAX];
};
struct revocation_list {
    struct hash issuer;                   /* as in struct trust_link */
    char point[REVOCATION_URL_BYTES_MAX]; /* of the one distribution point it speaks of; "" = of all */
    int64_t this_ms, next_ms;             /* good from, until */
    struct revocation_serial *serials;    /* sorted; owned */
    size_t count;
};

/* der: one CRL. issuer: X509 of the CA. A list that is out of date is read too (what it names stays revoked). 0,
 * REVOCATION_E_*, -ENOMEM. */
int revocation_list_read(struct str der, const void *issuer, struct revocation_list *ret_list) MUST_USE;
void revocation_list_release(struct revocation_list *list); /* works on a zeroed one */
bool revocation_list_names(const struct revocation_list *list, const struct trust_link *link);
/* The DER in a file's text: a PEM block "X509 CRL", or the text itself. In PEM the next block; false when none is left.
 */
bool revocation_list_next(struct str *text, struct buffer *der);

/* Where a certificate says that its state is published; http and https only. */
struct revocation_places {
    char crl[REVOCATION_URLS_MAX][REVOCATION_URL_BYTES_MAX];
    size_t crl_count;
    char ocsp[REVOCATION_URL_BYTES_MAX]; /* "" = nowhere */
};
void revocation_places_read(const void *x509, struct revocation_places *ret_places);

/* The request about one certificate; appends. 0 or -ENOMEM. */
int revocation_ocsp_request(const void *x509, const void *issuer, struct buffer *out) MUST_USE;
struct revocation_answer {
    bool revoked, known; /* not known: the responder does not know the certificate */
    int64_t this_ms, next_ms;
};
/* 0, REVOCATION_E_*, -ENOMEM. */
int revocation_ocsp_read(struct str der, const void *x509, const void *issuer,
                         struct revocation_answer *ret_answer) MUST_USE;

#endif
