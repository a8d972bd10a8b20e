/* x509.h - X.509 certificates (RFC 5280): those of clients read strictly, chains judged against a trust list, and those
 * of the development CA made.
 *
 * (X1) a struct certificate is one certificate, never a bundle: what stands beside it in the input makes it refused.
 * (X2) names that hold a NUL or another control character, or that are not UTF-8, make it refused, as do two common
 * names, two organization identifiers or two organizational units, and qualified statements that are malformed or name
 * another authority than the organization identifier (ETSI TS 119 495): an identity is never guessed. (X3) a struct
 * trust never changes once loaded; a new list is a new struct (trust_set.h puts it in place of the old one). */
#ifndef GIRO_PLATFORM_X509_H
#define GIRO_PLATFORM_X509_H

#include "platform/arena.h"
#include "platform/digest.h"
#include "platform/key.h"
#include "platform/psd2_statement.h"

enum {
    CERTIFICATE_BYTES_MAX = 8 * 1024, /* DER */
    CERTIFICATE_PEM_BYTES_MAX = 12 * 1024,
    CERTIFICATE_NAME_BYTES_MAX = 1024, /* subject as text, one SAN */
    CERTIFICATE_SANS_MAX = 64,         /* of each kind */
    TRUST_FILE_BYTES_MAX = 4 * 1024 * 1024,
    TRUST_FILES_MAX = 1024,
    TRUST_CERTIFICATES_MAX = 4096,
    TRUST_DEPTH_MAX = 5, /* CA certificates between client and anchor */
};

#define CERTIFICATE_E_MAP(X)                                                                                           \
    X(CERTIFICATE_E_SYNTAX, "not one certificate")                                                                     \
    X(CERTIFICATE_E_SIZE, "too large")                                                                                 \
    X(CERTIFICATE_E_NAME, "name not acceptable")                                                                       \
    X(CERTIFICATE_E_AMBIGUOUS, "a name that must be single is there twice")                                            \
    X(CERTIFICATE_E_KEY, "kind or size of key not supported")                                                          \
    X(CERTIFICATE_E_TIME, "validity not readable")                                                                     \
    X(CERTIFICATE_E_STATEMENT, "qualified statements not acceptable")
#define X(code, name) code,
enum certificate_refusal { CERTIFICATE_E_NONE = 0, CERTIFICATE_E_MAP(X) CERTIFICATE_E_COUNT };
#undef X

/* Read only; all text is UTF-8 and lives as long as the certificate. Empty = not there. */
struct certificate {
    struct hash sha256; /* of the DER: x5t#S256 (RFC 8705 section 3.1) */
    struct str subject; /* RFC 4514 text, last RDN first, "organizationIdentifier" by that name */
    struct str common_name, organization, organization_id /* 2.5.4.97 */, unit;
    struct str *san_dns, *san_uri, *san_email, *san_ip; /* addresses as inet_ntop writes them */
    size_t san_dns_count, san_uri_count, san_email_count, san_ip_count;
    int64_t not_before_ms, not_after_ms;
    bool has_psd2;       /* an eIDAS certificate with a PSD2 statement (psd2_statement.h) */
    unsigned psd2_roles; /* with it: enum psp_role */
    struct str nca_id;   /* with it: the authority, "GB-FCA" */
    struct key *key;     /* public; owned by the certificate (key_share to keep it) */
    struct arena arena;  /* holds the text */
    void *x509;          /* X509, for x509_*.c */
};

/* Exactly one certificate in DER, no byte behind it. 0, CERTIFICATE_E_*, or -ENOMEM. */
int certificate_parse_der(struct str der, struct certificate **ret_certificate) MUST_USE;
/* Exactly one "BEGIN CERTIFICATE" block; only line ends and blanks around it. Same results. */
int certificate_parse_pem(struct str pem, struct certificate **ret_certificate) MUST_USE;
/* The first block of a chain in PEM, with only blanks before it; what stands behind it is not looked at (T6). */
int certificate_parse_pem_first(struct str pem, struct certificate **ret_certificate) MUST_USE;
struct certificate *certificate_free(struct certificate *certificate); /* takes NULL, returns NULL */
int certificate_write_pem(const struct certificate *certificate,
                          struct buffer *out) MUST_USE; /* appends; 0 or -ENOMEM */
int certificate_write_der(const struct certificate *certificate,
                          struct buffer *out) MUST_USE; /* appends; 0 or -ENOMEM */

/* --- trust lists --- */
#define TRUST_E_MAP(X)                                                                                                 \
    X(TRUST_E_ISSUER, "issuer not trusted")                                                                            \
    X(TRUST_E_EXPIRED, "expired")                                                                                      \
    X(TRUST_E_NOT_YET, "not yet valid")                                                                                \
    X(TRUST_E_PURPOSE, "not for TLS clients")                                                                          \
    X(TRUST_E_SIGNATURE, "signature wrong")                                                                            \
    X(TRUST_E_WEAK, "too weak")                                                                                        \
    X(TRUST_E_CHAIN, "chain not acceptable")                                                                           \
    X(TRUST_E_FILE, "trust list not usable")
#define X(code, name) code,
enum trust_refusal { TRUST_E_NONE = 0, TRUST_E_MAP(X) TRUST_E_COUNT };
#undef X

struct trust; /* immutable, reference counted, shared by threads */
/* Loads CA certificates from count files of PEM blocks or directories (their *.pem and *.crt, one level). Each one is
 * an anchor: a root, or an intermediate trusted without its root. 0; TRUST_E_FILE with the path and reason in message
 * (unreadable, no certificate, not a CA, over a limit); -ENOMEM. An empty list (count 0) trusts nobody. */
int trust_load(const char *const *paths, size_t count, struct trust **ret_trust, struct message *message) MUST_USE;
struct trust *trust_share(struct trust *trust);
struct trust *trust_free(struct trust *trust); /* one reference less; takes NULL, returns NULL */
size_t trust_count(const struct trust *trust);
const struct hash *
trust_version(const struct trust *trust); /* the same certificates in the same order give the same; for caches */
/* Is this certificate good for a TLS client at now_ms (from not_before to just before not_after)? Intermediates come
 * from the list alone. 0, any TRUST_E_* but _FILE, -ENOMEM. */
int trust_verify(const struct trust *trust, const struct certificate *certificate, int64_t now_ms) MUST_USE;
/* The same; *ret_until_ms is the end of the certificate of the chain that ends first: the verdict holds until then. */
int trust_verify_until(const struct trust *trust, const struct certificate *certificate, int64_t now_ms,
                       int64_t *ret_until_ms) MUST_USE;

/* --- making certificates: the development CA --- */
struct authority; /* a CA's private key and certificate */

#define AUTHORITY_E_MAP(X)                                                                                             \
    X(AUTHORITY_E_NAME, "name not acceptable")                                                                         \
    X(AUTHORITY_E_PAIR, "key and certificate do not belong together or are no CA")
#define X(code, name) code,
enum authority_refusal { AUTHORITY_E_NONE = 0, AUTHORITY_E_MAP(X) AUTHORITY_E_COUNT };
#undef X

enum certificate_use { CERTIFICATE_FOR_SERVER = 1, CERTIFICATE_FOR_CLIENT = 2 };

/* What a certificate shall say. Empty names are left out; the lists may be NULL. */
struct certificate_request {
    enum certificate_use use;
    struct str organization, organization_id, unit, common_name; /* UTF-8; at most 64, 256, 64, 64 characters */
    const struct str *dns_names, *ip_addresses, *uris;           /* subject alternative names */
    size_t dns_count, ip_count, uri_count;
    int64_t not_before_ms, not_after_ms; /* whole seconds are kept */
};

/* A new self-signed CA with a key of its own; of request only organization, common_name and the validity are used.
 * 0, AUTHORITY_E_NAME, or a fault. */
int authority_create(enum key_type type, const struct certificate_request *request,
                     struct authority **ret_authority) MUST_USE;
/* One made earlier. Both are copied or shared, not taken. 0, AUTHORITY_E_PAIR, or a fault. */
int authority_open(struct key *key, const struct certificate *certificate, struct authority **ret_authority) MUST_USE;
struct authority *authority_free(struct authority *authority);
struct key *authority_key(const struct authority *authority);                       /* borrowed */
const struct certificate *authority_certificate(const struct authority *authority); /* borrowed */
/* A certificate for subject_key (its public half) with serverAuth or clientAuth. 0, AUTHORITY_E_NAME, or a fault. */
int authority_issue(const struct authority *authority, const struct certificate_request *request,
                    const struct key *subject_key, struct certificate **ret_certificate) MUST_USE;

#endif
