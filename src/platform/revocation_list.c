#include "platform/revocation_list.h"

#include "platform/encoding.h"
#include "platform/x509_int.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

const char *revocation_refusal_text(int refusal) {
    static const char *const texts[] = { [REVOCATION_E_NONE] = "none",
#define X(code, name) [code] = name,
                                         REVOCATION_E_MAP(X)
#undef X
    };
    check(refusal >= 0 && refusal < REVOCATION_E_COUNT);
    return texts[refusal];
}

/* ---- lists ---- */

static bool time_ms(const ASN1_TIME *time, int64_t *ret_ms) {
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1) return false;
    *ret_ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

/* The one URI that a distribution point is named by. */
static bool point_uri(const DIST_POINT_NAME *name, char uri[REVOCATION_URL_BYTES_MAX]) {
    if (name->type != 0) return false;
    for (int i = 0; i < sk_GENERAL_NAME_num(name->name.fullname); i++) {
        const GENERAL_NAME *entry = sk_GENERAL_NAME_value(name->name.fullname, i);
        if (entry->type != GEN_URI) continue;
        struct str text = str_from_bytes(ASN1_STRING_get0_data(entry->d.ia5), (size_t)ASN1_STRING_length(entry->d.ia5));
        if (str_to_c(text, uri, REVOCATION_URL_BYTES_MAX) == 0) return true;
    }
    return false;
}

/* (L2) False when the list is one of a part. */
static bool scope_read(const X509_CRL *crl, struct revocation_list *list) {
    int critical = -1;
    if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0) return false;
    if (X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) < 0) return true;
    ISSUING_DIST_POINT *idp = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);
    if (!idp) return false;
    bool whole = idp->onlyCA <= 0 && idp->indirectCRL <= 0 && idp->onlyattr <= 0 && !idp->onlysomereasons;
    if (whole && idp->distpoint) whole = point_uri(idp->distpoint, list->point);
    ISSUING_DIST_POINT_free(idp);
    return whole;
}

/* Another extension that must be understood makes the list one we do not understand (RFC 5280 section 5.2). */
static bool extensions_are_known(const X509_CRL *crl) {
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (X509_EXTENSION_get_critical(extension) && nid != NID_issuing_distribution_point &&
            nid != NID_authority_key_identifier && nid != NID_crl_number)
            return false;
    }
    return true;
}

static int compare_serials(const void *a, const void *b) {
    const struct revocation_serial *left = a, *right = b;
    return left->len != right->len ? left->len - right->len : memcmp(left->bytes, right->bytes, left->len);
}

static int serials_read(X509_CRL *crl, struct revocation_list *list) {
    const STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(crl);
    int count = revoked ? sk_X509_REVOKED_num(revoked) : 0;
    if (count <= 0) return 0;
    if (count > REVOCATION_SERIALS_MAX) return REVOCATION_E_SIZE;
    list->serials = calloc((size_t)count, sizeof *list->serials);
    if (!list->serials) return err_origin(-ENOMEM);
    for (int i = 0; i < count; i++) {
        const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i));
        int len = ASN1_STRING_length(serial);
        if (len < 0 || len > TRUST_SERIAL_BYTES_MAX) continue; /* no certificate of ours has such a one */
        struct revocation_serial *place = &list->serials[list->count++];
        place->len = (uint8_t)len;
        memcpy(place->bytes, ASN1_STRING_get0_data(serial), (size_t)len);
    }
    qsort(list->serials, list->count, sizeof *list->serials, compare_serials);
    return 0;
}

static int list_take(X509_CRL *crl, X509 *issuer, struct revocation_list *list) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0) return REVOCATION_E_ISSUER;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    if (!key || X509_CRL_verify(crl, key) != 1) return REVOCATION_E_SIGNATURE;
    if ((X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
        return REVOCATION_E_SIGNATURE; /* all bits without the extension */
    if (!scope_read(crl, list) || !extensions_are_known(crl)) return REVOCATION_E_PARTIAL;
    if (!time_ms(X509_CRL_get0_lastUpdate(crl), &list->this_ms) ||
        !time_ms(X509_CRL_get0_nextUpdate(crl), &list->next_ms))
        return REVOCATION_E_TIME; /* without nextUpdate nobody knows how long it is good */
    if (!trust_issuer_hash(issuer, &list->issuer)) return err_origin(-ENOMEM);
    return serials_read(crl, list);
}

int revocation_list_read(struct str der, const void *issuer, struct revocation_list *ret_list) {
    const unsigned char *at = (const unsigned char *)der.at;
    struct revocation_list list = { .count = 0 };
    if (der.len == 0 || der.len > REVOCATION_CRL_BYTES_MAX) return REVOCATION_E_SIZE;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    X509 *ca = X509_dup(issuer);
    int r = crl && at == (const unsigned char *)der.at + der.len ? 0 : REVOCATION_E_SYNTAX;
    if (r == 0) r = ca ? list_take(crl, ca, &list) : err_origin(-ENOMEM);
    X509_CRL_free(crl);
    X509_free(ca);
    ERR_clear_error();
    if (r == 0) *ret_list = list;
    else revocation_list_release(&list);
    return r < 0 ? err_trace(r) : r;
}

void revocation_list_release(struct revocation_list *list) {
    free(list->serials);
    *list = (struct revocation_list){ .count = 0 };
}

bool revocation_list_names(const struct revocation_list *list, const struct trust_link *link) {
    struct revocation_serial probe = { .len = link->serial_len };
    if (!hash_equal(&list->issuer, &link->issuer) || list->count == 0) return false;
    memcpy(probe.bytes, link->serial, link->serial_len);
    return bsearch(&probe, list->serials, list->count, sizeof probe, compare_serials) != NULL;
}

/* Base64 between the lines of a PEM block, into der. */
static bool block_decode(struct str body, struct buffer *der) {
    struct buffer text;
    buffer_init_heap(&text, body.len + 1);
    for (size_t i = 0; i < body.len; i++)
        if (body.at[i] != '\n' && body.at[i] != '\r') buffer_append_char(&text, body.at[i]);
    bool good = !text.overflow && base64_decode(buffer_str(&text), der) == 0 && !der->overflow && der->len > 0;
    buffer_release(&text);
    return good;
}

bool revocation_list_next(struct str *text, struct buffer *der) {
    static const struct str begin = STR_INIT("-----BEGIN X509 CRL-----"), end = STR_INIT("-----END X509 CRL-----");
    size_t from, to;
    buffer_reset(der);
    if (text->len && (unsigned char)text->at[0] == 0x30) { /* DER */
        buffer_append_str(der, *text);
        text->len = 0;
        return !der->overflow;
    }
    if (!str_find(*text, begin, &from)) return false;
    struct str body = str_slice(*text, from + begin.len, text->len);
    if (!str_find(body, end, &to)) return false;
    *text = str_slice(body, to + end.len, body.len);
    return block_decode(str_slice(body, 0, to), der);
}

/* ---- where a certificate says it is published ---- */

static bool place_take(const ASN1_IA5STRING *value, char place[REVOCATION_URL_BYTES_MAX]) {
    struct str url = str_from_bytes(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) return false;
    return str_to_c(url, place, REVOCATION_URL_BYTES_MAX) == 0;
}

static void points_read(const X509 *x509, struct revocation_places *places) {
    STACK_OF(DIST_POINT) *points = X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
    for (int i = 0; i < sk_DIST_POINT_num(points) && places->crl_count < REVOCATION_URLS_MAX; i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        if (!point->distpoint || point->reasons || point->CRLissuer) continue;
        if (!point_uri(point->distpoint, places->crl[places->crl_count])) continue;
        struct str url = str_from_c(places->crl[places->crl_count]);
        if (str_starts(url, STR("http://")) || str_starts(url, STR("https://"))) places->crl_count++;
    }
    sk_DIST_POINT_pop_free(points, DIST_POINT_free);
}

void revocation_places_read(const void *x509, struct revocation_places *ret_places) {
    *ret_places = (struct revocation_places){ .crl_count = 0 };
    points_read(x509, ret_places);
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(x509, NID_info_access, NULL, NULL);
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access) && !ret_places->ocsp[0]; i++) {
        const ACCESS_DESCRIPTION *entry = sk_ACCESS_DESCRIPTION_value(access, i);
        if (OBJ_obj2nid(entry->method) == NID_ad_OCSP && entry->location->type == GEN_URI)
            (void)place_take(entry->location->d.uniformResourceIdentifier, ret_places->ocsp); /* else the next */
    }
    AUTHORITY_INFO_ACCESS_free(access);
    ERR_clear_error();
}

/* ---- OCSP ---- */

int revocation_ocsp_request(const void *x509, const void *issuer, struct buffer *out) {
    unsigned char *der = NULL;
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id =
        OCSP_cert_to_id(EVP_sha1(), x509, issuer); /* the hash that all responders know; it proves nothing */
    bool good = request && id && OCSP_request_add0_id(request, id);
    if (!good) OCSP_CERTID_free(id);
    int len = good ? i2d_OCSP_REQUEST(request, &der) : 0;
    if (len > 0) buffer_append(out, der, (size_t)len);
    OPENSSL_free(der);
    OCSP_REQUEST_free(request);
    ERR_clear_error();
    return len > 0 && !out->overflow ? 0 : err_origin(-ENOMEM);
}

/* (L1) */
static bool is_signed_by(OCSP_BASICRESP *basic, X509 *issuer) {
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *others = sk_X509_new_null();
    bool good = store && others && X509_STORE_add_cert(store, issuer) == 1 && sk_X509_push(others, issuer) > 0 &&
                X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    good = good && OCSP_basic_verify(basic, others, store, 0) == 1;
    sk_X509_free(others);
    X509_STORE_free(store);
    return good;
}

static int answer_take(OCSP_BASICRESP *basic, X509 *x509, X509 *issuer, struct revocation_answer *answer) {
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    int status = V_OCSP_CERTSTATUS_UNKNOWN;
    if (!is_signed_by(basic, issuer)) return REVOCATION_E_SIGNATURE;
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), x509, issuer);
    if (!id) return err_origin(-ENOMEM);
    bool found = OCSP_resp_find_status(basic, id, &status, NULL, NULL, &from, &until) == 1;
    OCSP_CERTID_free(id);
    if (!found) return REVOCATION_E_ISSUER;
    if (!time_ms(from, &answer->this_ms)) return REVOCATION_E_TIME;
    if (!until) answer->next_ms = answer->this_ms + REVOCATION_KEEP_MS;
    else if (!time_ms(until, &answer->next_ms)) return REVOCATION_E_TIME;
    answer->known = status != V_OCSP_CERTSTATUS_UNKNOWN;
    answer->revoked = status == V_OCSP_CERTSTATUS_REVOKED;
    return 0;
}

int revocation_ocsp_read(struct str der, const void *x509, const void *issuer, struct revocation_answer *ret_answer) {
    const unsigned char *at = (const unsigned char *)der.at;
    struct revocation_answer answer = { .known = false };
    if (der.len == 0 || der.len > REVOCATION_OCSP_BYTES_MAX) return REVOCATION_E_SIZE;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    bool whole = response && at == (const unsigned char *)der.at + der.len &&
                 OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
    OCSP_BASICRESP *basic = whole ? OCSP_response_get1_basic(response) : NULL;
    X509 *subject = X509_dup(x509), *ca = X509_dup(issuer);
    int r = basic ? 0 : REVOCATION_E_SYNTAX;
    if (r == 0) r = subject && ca ? answer_take(basic, subject, ca, &answer) : err_origin(-ENOMEM);
    X509_free(subject);
    X509_free(ca);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    if (r == 0) *ret_answer = answer;
    return r < 0 ? err_trace(r) : r;
}
