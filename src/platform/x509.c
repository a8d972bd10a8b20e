#include "platform/x509.h"

#include "platform/encoding.h"
#include "platform/key_int.h"
#include "platform/x509_int.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { CERTIFICATE_TEXT_BYTES_MAX = 64 * 1024, CERTIFICATE_TEXT_BLOCK_BYTES = 2048 };

static int certificate_fault(void) {
    ERR_clear_error();
    return err_origin(-ENOMEM);
}

/* Printable UTF-8: no control characters, so no NUL either (CVE-2009-2408 and its kin). */
static bool name_is_clean(struct str name) {
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] < 0x20 || name.at[i] == 0x7f) return false;
    return name.len <= CERTIFICATE_NAME_BYTES_MAX && str_is_utf8(name);
}

/* One attribute of a name as UTF-8 in the arena. 0, CERTIFICATE_E_NAME, -ENOMEM. */
static int name_text(struct arena *arena, const X509_NAME_ENTRY *entry, struct str *ret_text) {
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    if (len < 0) return CERTIFICATE_E_NAME;
    struct str text = str_from_bytes(utf8, (size_t)len);
    int r = name_is_clean(text) ? 0 : CERTIFICATE_E_NAME;
    if (r == 0) {
        text = arena_dup(arena, text);
        if (!text.at) r = err_origin(-ENOMEM);
    }
    OPENSSL_free(utf8);
    if (r == 0) *ret_text = text;
    return r;
}

/* Where an attribute of the subject goes; NULL for those we only check. */
static struct str *name_place(struct certificate *certificate, const X509_NAME_ENTRY *entry) {
    switch (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry))) {
    case NID_commonName:
        return &certificate->common_name;
    case NID_organizationName:
        return &certificate->organization;
    case NID_organizationalUnitName:
        return &certificate->unit;
    case NID_organizationIdentifier:
        return &certificate->organization_id;
    default:
        return NULL; /* numbers of OpenSSL, not an enum of ours */
    }
}

static int subject_text(struct certificate *certificate, const X509_NAME *subject) {
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio) return certificate_fault();
    char *at = NULL;
    /* RFC 4514 with UTF-8 left readable: everything that could end a line or a value is escaped */
    unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    int r = X509_NAME_print_ex(bio, subject, 0, flags) < 0 ? certificate_fault() : 0;
    long len = BIO_get_mem_data(bio, &at);
    if (r == 0 && len > CERTIFICATE_NAME_BYTES_MAX) r = CERTIFICATE_E_NAME;
    if (r == 0) {
        certificate->subject = arena_dup(&certificate->arena, str_from_bytes(at, (size_t)len));
        if (!certificate->subject.at) r = err_origin(-ENOMEM);
    }
    BIO_free(bio);
    return r;
}

static int subject_read(struct certificate *certificate, const X509 *x509) {
    const X509_NAME *subject = X509_get_subject_name(x509);
    for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        struct str text = { 0 };
        struct str *place = name_place(certificate, entry);
        int r = name_text(&certificate->arena, entry, &text);
        if (r) return r;
        if (place && place->at) return CERTIFICATE_E_AMBIGUOUS;
        if (place) *place = text;
    }
    return subject_text(certificate, subject);
}

/* Copies the alternative names of one kind. 0, CERTIFICATE_E_NAME, _SIZE, -ENOMEM. */
static int sans_of_kind(struct arena *arena, const GENERAL_NAMES *names, int kind, struct str **ret_list,
                        size_t *ret_count) {
    struct str *list = arena_new_array(arena, struct str, CERTIFICATE_SANS_MAX);
    size_t count = 0;
    if (!list) return err_origin(-ENOMEM);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != kind) continue;
        const ASN1_IA5STRING *value = name->d.ia5; /* dNSName, rfc822Name and URI share this arm */
        struct str text = str_from_bytes(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
        for (size_t k = 0; k < text.len; k++)
            if (text.at[k] <= 0x20 || text.at[k] >= 0x7f)
                return CERTIFICATE_E_NAME; /* IA5String: ASCII, here without blanks */
        if (text.len == 0 || text.len > CERTIFICATE_NAME_BYTES_MAX) return CERTIFICATE_E_NAME;
        if (count == CERTIFICATE_SANS_MAX) return CERTIFICATE_E_SIZE;
        list[count] = arena_dup(arena, text);
        if (!list[count++].at) return err_origin(-ENOMEM);
    }
    *ret_list = list;
    *ret_count = count;
    return 0;
}

/* The addresses among the alternative names, as text. 0, CERTIFICATE_E_NAME, _SIZE, -ENOMEM. */
static int sans_of_addresses(struct certificate *certificate, const GENERAL_NAMES *names) {
    certificate->san_ip = arena_new_array(&certificate->arena, struct str, CERTIFICATE_SANS_MAX);
    if (!certificate->san_ip) return err_origin(-ENOMEM);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char text[INET6_ADDRSTRLEN];
        if (name->type != GEN_IPADD) continue;
        int bytes = ASN1_STRING_length(name->d.iPAddress);
        if (bytes != 4 && bytes != 16) return CERTIFICATE_E_NAME;
        if (certificate->san_ip_count == CERTIFICATE_SANS_MAX) return CERTIFICATE_E_SIZE;
        if (!inet_ntop(bytes == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof text))
            return CERTIFICATE_E_NAME;
        struct str *place = &certificate->san_ip[certificate->san_ip_count++];
        *place = arena_dup(&certificate->arena, str_from_c(text));
        if (!place->at) return err_origin(-ENOMEM);
    }
    return 0;
}

static int sans_read(struct certificate *certificate, const X509 *x509) {
    int position = X509_get_ext_by_NID(x509, NID_subject_alt_name, -1);
    if (position < 0) return 0;
    if (X509_get_ext_by_NID(x509, NID_subject_alt_name, position) >= 0) return CERTIFICATE_E_AMBIGUOUS;
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    if (!names) return CERTIFICATE_E_SYNTAX;
    int r = sans_of_kind(&certificate->arena, names, GEN_DNS, &certificate->san_dns, &certificate->san_dns_count);
    if (r == 0)
        r = sans_of_kind(&certificate->arena, names, GEN_URI, &certificate->san_uri, &certificate->san_uri_count);
    if (r == 0)
        r = sans_of_kind(&certificate->arena, names, GEN_EMAIL, &certificate->san_email, &certificate->san_email_count);
    if (r == 0) r = sans_of_addresses(certificate, names);
    GENERAL_NAMES_free(names);
    return r;
}

static int time_ms(const ASN1_TIME *time, int64_t *ret_ms) {
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1) return CERTIFICATE_E_TIME;
    *ret_ms = (int64_t)timegm(&tm) * 1000;
    return 0;
}

/* The PSD2 statement, when there is one. 0, CERTIFICATE_E_STATEMENT, -ENOMEM. */
static int statement_read(struct certificate *certificate, const X509 *x509) {
    struct psd2_statement statement;
    int position = X509_get_ext_by_NID(x509, NID_qcStatements, -1);
    if (position < 0) return 0;
    if (X509_get_ext_by_NID(x509, NID_qcStatements, position) >= 0) return CERTIFICATE_E_AMBIGUOUS;
    const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(X509_get_ext(x509, position));
    struct str der = str_from_bytes(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data));
    if (psd2_statement_parse(der, &statement)) return CERTIFICATE_E_STATEMENT;
    if (!statement.present) return 0;
    if (!psd2_organization_fits(certificate->organization_id, statement.nca_id)) return CERTIFICATE_E_STATEMENT;
    certificate->has_psd2 = true;
    certificate->psd2_roles = statement.roles;
    certificate->nca_id = arena_dup(&certificate->arena, statement.nca_id);
    return certificate->nca_id.at ? 0 : err_origin(-ENOMEM);
}

static int validity_read(struct certificate *certificate, const X509 *x509) {
    int r = time_ms(X509_get0_notBefore(x509), &certificate->not_before_ms);
    if (r == 0) r = time_ms(X509_get0_notAfter(x509), &certificate->not_after_ms);
    return r;
}

static int public_key_read(struct certificate *certificate, X509 *x509) {
    EVP_PKEY *evp = X509_get_pubkey(x509);
    if (!evp) return CERTIFICATE_E_KEY;
    int r = key_wrap_take(evp, false, &certificate->key);
    return r > 0 ? CERTIFICATE_E_KEY : r;
}

static int digest_read(struct certificate *certificate, const X509 *x509) {
    unsigned len = 0;
    if (X509_digest(x509, EVP_sha256(), certificate->sha256.bytes, &len) != 1 ||
        len != sizeof certificate->sha256.bytes)
        return certificate_fault();
    return 0;
}

int certificate_wrap_take(X509 *x509, struct certificate **ret_certificate) {
    struct certificate *certificate = calloc(1, sizeof *certificate);
    if (!certificate) {
        X509_free(x509);
        return err_origin(-ENOMEM);
    }
    certificate->x509 = x509;
    int r = arena_init(&certificate->arena, CERTIFICATE_TEXT_BLOCK_BYTES, CERTIFICATE_TEXT_BYTES_MAX);
    if (r == 0) r = digest_read(certificate, x509);
    if (r == 0) r = subject_read(certificate, x509);
    if (r == 0) r = sans_read(certificate, x509);
    if (r == 0) r = statement_read(certificate, x509);
    if (r == 0) r = validity_read(certificate, x509);
    if (r == 0) r = public_key_read(certificate, x509);
    ERR_clear_error();
    if (r) {
        certificate_free(certificate);
        return r < 0 ? err_trace(r) : r;
    }
    *ret_certificate = certificate;
    return 0;
}

struct certificate *certificate_free(struct certificate *certificate) {
    if (!certificate) return NULL;
    key_free(certificate->key);
    X509_free(certificate->x509);
    arena_release(&certificate->arena);
    free(certificate);
    return NULL;
}

X509 *certificate_decode(struct str der) {
    const unsigned char *at = (const unsigned char *)der.at;
    X509 *x509 = der.len ? d2i_X509(NULL, &at, (long)der.len) : NULL;
    if (x509 && at != (const unsigned char *)der.at + der.len) {
        X509_free(x509);
        x509 = NULL;
    }
    ERR_clear_error();
    return x509;
}

int certificate_parse_der(struct str der, struct certificate **ret_certificate) {
    if (der.len > CERTIFICATE_BYTES_MAX) return CERTIFICATE_E_SIZE;
    X509 *x509 = certificate_decode(der);
    if (!x509) return CERTIFICATE_E_SYNTAX;
    int r = certificate_wrap_take(x509, ret_certificate);
    return r < 0 ? err_trace(r) : r;
}

int certificate_pem_next(struct str *text, struct buffer *der, struct str *ret_before) {
    static const struct str begin = STR_INIT("-----BEGIN CERTIFICATE-----"),
                            end = STR_INIT("-----END CERTIFICATE-----");
    size_t from = 0, to = 0;
    *ret_before = *text;
    if (!str_find(*text, begin, &from)) return CERTIFICATE_PEM_NONE;
    *ret_before = str_slice(*text, 0, from);
    struct str body = str_slice(*text, from + begin.len, text->len);
    if (!str_find(body, end, &to)) return CERTIFICATE_PEM_BAD;
    *text = str_slice(body, to + end.len, body.len);
    char base64[4 * CERTIFICATE_BYTES_MAX / 3 + 8];
    size_t len = 0;
    for (size_t i = 0; i < to; i++) {
        if (body.at[i] == '\n' || body.at[i] == '\r') continue;
        if (len == sizeof base64) return CERTIFICATE_PEM_BAD;
        base64[len++] = body.at[i];
    }
    buffer_reset(der);
    if (base64_decode(str_from_bytes(base64, len), der) || der->overflow || der->len == 0) return CERTIFICATE_PEM_BAD;
    return CERTIFICATE_PEM_FOUND;
}

static bool is_blank(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\r\n", text.at[i]) || text.at[i] == 0) return false;
    return true;
}

int certificate_parse_pem(struct str pem, struct certificate **ret_certificate) {
    uint8_t memory[CERTIFICATE_BYTES_MAX];
    struct buffer der;
    struct str before;
    buffer_init(&der, memory, sizeof memory);
    if (pem.len > CERTIFICATE_PEM_BYTES_MAX) return CERTIFICATE_E_SIZE;
    if (certificate_pem_next(&pem, &der, &before) != CERTIFICATE_PEM_FOUND) return CERTIFICATE_E_SYNTAX;
    if (!is_blank(before) || !is_blank(pem)) return CERTIFICATE_E_SYNTAX; /* (X1) */
    int r = certificate_parse_der(buffer_str(&der), ret_certificate);
    return r < 0 ? err_trace(r) : r;
}

int certificate_parse_pem_first(struct str pem, struct certificate **ret_certificate) {
    uint8_t memory[CERTIFICATE_BYTES_MAX];
    struct buffer der;
    struct str before;
    buffer_init(&der, memory, sizeof memory);
    if (certificate_pem_next(&pem, &der, &before) != CERTIFICATE_PEM_FOUND) return CERTIFICATE_E_SYNTAX;
    if (!is_blank(before)) return CERTIFICATE_E_SYNTAX;
    int r = certificate_parse_der(buffer_str(&der), ret_certificate);
    return r < 0 ? err_trace(r) : r;
}

int certificate_write_der(const struct certificate *certificate, struct buffer *out) {
    unsigned char *der = NULL;
    int len = i2d_X509(certificate->x509, &der);
    if (len <= 0) return certificate_fault();
    buffer_append(out, der, (size_t)len);
    OPENSSL_free(der);
    return out->overflow ? err_origin(-ENOMEM) : 0;
}

int certificate_write_pem(const struct certificate *certificate, struct buffer *out) {
    BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;
    if (!bio || PEM_write_bio_X509(bio, certificate->x509) != 1) {
        BIO_free(bio);
        return certificate_fault();
    }
    long len = BIO_get_mem_data(bio, &at);
    buffer_append(out, at, (size_t)len);
    BIO_free(bio);
    return out->overflow ? err_origin(-ENOMEM) : 0;
}
