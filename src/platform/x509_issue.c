#include "platform/x509.h"

#include "platform/key_int.h"
#include "platform/random.h"
#include "platform/x509_int.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

enum { SERIAL_BYTES = 16 };

struct authority {
    struct key *key;
    struct certificate *certificate;
};

static int issue_fault(void) {
    ERR_clear_error();
    return err_origin(-EIO);
}

/* Adds one attribute; an empty one is left out. OpenSSL refuses what is over the limits of RFC 5280 or not UTF-8. */
static int name_add(X509_NAME *name, int nid, struct str value) {
    if (value.len == 0) return 0;
    if (value.len > CERTIFICATE_NAME_BYTES_MAX || memchr(value.at, 0, value.len)) return AUTHORITY_E_NAME;
    if (X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)value.at, (int)value.len, -1, 0) ==
        1)
        return 0;
    ERR_clear_error();
    return AUTHORITY_E_NAME;
}

static int subject_set(X509 *x509, const struct certificate_request *request) {
    X509_NAME *name = X509_NAME_new();
    if (!name) return issue_fault();
    int r = name_add(name, NID_organizationName, request->organization);
    if (r == 0) r = name_add(name, NID_organizationIdentifier, request->organization_id);
    if (r == 0) r = name_add(name, NID_organizationalUnitName, request->unit);
    if (r == 0) r = name_add(name, NID_commonName, request->common_name);
    if (r == 0 && X509_NAME_entry_count(name) == 0) r = AUTHORITY_E_NAME;
    if (r == 0 && X509_set_subject_name(x509, name) != 1) r = issue_fault();
    X509_NAME_free(name);
    return r;
}

/* One extension in the configuration's words, which are all our own: nothing from a request gets in here. */
static bool extension_add(X509 *x509, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* Takes nothing; false when the text is no such name or memory is out. */
static bool san_add(GENERAL_NAMES *names, int kind, struct str text) {
    char copy[CERTIFICATE_NAME_BYTES_MAX];
    if (text.len == 0 || str_to_c(text, copy, sizeof copy)) return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= 0x20 || text.at[i] >= 0x7f) return false;
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = kind == GEN_IPADD ? a2i_IPADDRESS(copy) : ASN1_IA5STRING_new();
    if (!name || !value || (kind != GEN_IPADD && ASN1_STRING_set(value, text.at, (int)text.len) != 1)) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_set0_value(name, kind, value);
    if (sk_GENERAL_NAME_push(names, name) > 0) return true;
    GENERAL_NAME_free(name);
    return false;
}

static int sans_set(X509 *x509, const struct certificate_request *request) {
    if (request->dns_count + request->ip_count + request->uri_count == 0) return 0;
    if (request->dns_count > CERTIFICATE_SANS_MAX || request->ip_count > CERTIFICATE_SANS_MAX ||
        request->uri_count > CERTIFICATE_SANS_MAX)
        return AUTHORITY_E_NAME;
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    if (!names) return issue_fault();
    bool fits = true;
    for (size_t i = 0; i < request->dns_count; i++) fits = fits && san_add(names, GEN_DNS, request->dns_names[i]);
    for (size_t i = 0; i < request->ip_count; i++) fits = fits && san_add(names, GEN_IPADD, request->ip_addresses[i]);
    for (size_t i = 0; i < request->uri_count; i++) fits = fits && san_add(names, GEN_URI, request->uris[i]);
    int r = 0;
    if (!fits) r = AUTHORITY_E_NAME;
    else if (X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1) r = issue_fault();
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return r;
}

/* Positive, 127 random bits (RFC 5280 section 4.1.2.2 asks for unique; 64 random bits are the custom). */
static bool serial_set(X509 *x509) {
    uint8_t bytes[SERIAL_BYTES];
    random_bytes(bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    return done;
}

static bool validity_set(X509 *x509, const struct certificate_request *request) {
    time_t not_before = (time_t)(request->not_before_ms / 1000), not_after = (time_t)(request->not_after_ms / 1000);
    return ASN1_TIME_adj(X509_getm_notBefore(x509), not_before, 0, 0) &&
           ASN1_TIME_adj(X509_getm_notAfter(x509), not_after, 0, 0);
}

/* The parts that every certificate has. 0, AUTHORITY_E_NAME, or a fault. */
static int certificate_begin(const struct certificate_request *request, const struct key *subject_key,
                             X509 **ret_x509) {
    check(request->not_before_ms >= 0 && request->not_after_ms > request->not_before_ms);
    X509 *x509 = X509_new();
    if (!x509) return issue_fault();
    int r = X509_set_version(x509, X509_VERSION_3) == 1 && serial_set(x509) && validity_set(x509, request) &&
                    X509_set_pubkey(x509, subject_key->evp) == 1
                ? 0
                : issue_fault();
    if (r == 0) r = subject_set(x509, request);
    if (r) X509_free(x509);
    else *ret_x509 = x509;
    return r;
}

/* Signs and reads it back, so that what leaves here obeys (X2). Takes x509. */
static int certificate_finish_take(X509 *x509, const struct key *signer, struct certificate **ret_certificate) {
    if (X509_sign(x509, signer->evp, EVP_sha256()) <= 0) {
        X509_free(x509);
        return issue_fault();
    }
    int r = certificate_wrap_take(x509, ret_certificate);
    return r > 0 ? AUTHORITY_E_NAME : err_trace(r);
}

int authority_open(struct key *key, const struct certificate *certificate, struct authority **ret_authority) {
    if (!key_is_private(key) || !key_equal_public(key, certificate->key) || X509_check_ca(certificate->x509) != 1)
        return AUTHORITY_E_PAIR;
    struct authority *authority = calloc(1, sizeof *authority);
    if (!authority) return err_origin(-ENOMEM);
    check(X509_up_ref(certificate->x509) == 1);
    int r = certificate_wrap_take(certificate->x509, &authority->certificate);
    if (r) {
        free(authority);
        return err_fold(r);
    }
    authority->key = key_share(key);
    *ret_authority = authority;
    return 0;
}

static int authority_self_sign(struct key *key, const struct certificate_request *request,
                               struct certificate **ret_certificate) {
    struct certificate_request own = { .organization = request->organization, .common_name = request->common_name,
                                       .not_before_ms = request->not_before_ms, .not_after_ms = request->not_after_ms };
    X509 *x509 = NULL;
    int r = certificate_begin(&own, key, &x509);
    if (r) return r;
    bool done = X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1 &&
                extension_add(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                extension_add(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                extension_add(x509, x509, NID_subject_key_identifier, "hash");
    if (!done) {
        X509_free(x509);
        return issue_fault();
    }
    return certificate_finish_take(x509, key, ret_certificate);
}

int authority_create(enum key_type type, const struct certificate_request *request, struct authority **ret_authority) {
    struct key *key = NULL;
    struct certificate *certificate = NULL;
    int r = key_generate(type, &key);
    if (r == 0) r = authority_self_sign(key, request, &certificate);
    if (r == 0) {
        r = authority_open(key, certificate, ret_authority);
        check(r <= 0); /* they were made as a pair */
    }
    certificate_free(certificate);
    key_free(key);
    return r < 0 ? err_trace(r) : r;
}

struct authority *authority_free(struct authority *authority) {
    if (!authority) return NULL;
    key_free(authority->key);
    certificate_free(authority->certificate);
    free(authority);
    return NULL;
}

struct key *authority_key(const struct authority *authority) {
    return authority->key;
}

const struct certificate *authority_certificate(const struct authority *authority) {
    return authority->certificate;
}

int authority_issue(const struct authority *authority, const struct certificate_request *request,
                    const struct key *subject_key, struct certificate **ret_certificate) {
    check(request->use == CERTIFICATE_FOR_SERVER || request->use == CERTIFICATE_FOR_CLIENT);
    X509 *issuer = authority->certificate->x509, *x509 = NULL;
    int r = certificate_begin(request, subject_key, &x509);
    if (r) return r < 0 ? err_trace(r) : r;
    bool done = X509_set_issuer_name(x509, X509_get_subject_name(issuer)) == 1 &&
                extension_add(x509, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                extension_add(x509, issuer, NID_key_usage, "critical,digitalSignature") &&
                extension_add(x509, issuer, NID_ext_key_usage,
                              request->use == CERTIFICATE_FOR_SERVER ? "serverAuth" : "clientAuth") &&
                extension_add(x509, issuer, NID_subject_key_identifier, "hash") &&
                extension_add(x509, issuer, NID_authority_key_identifier, "keyid:always");
    r = done ? sans_set(x509, request) : issue_fault();
    if (r) {
        X509_free(x509);
        return r < 0 ? err_trace(r) : r;
    }
    r = certificate_finish_take(x509, authority->key, ret_certificate);
    return r < 0 ? err_trace(r) : r;
}
