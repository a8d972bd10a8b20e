/* revocation_answer_fuzz.c - lists of revoked certificates and OCSP answers that their issuer has signed, whatever they
 * say: so that the fuzzer reaches what stands behind the signature. The first byte chooses; the rest is the list or the
 * basic answer in DER, which is signed here. What is taken obeys its header. */
#include "platform/revocation_list.h"
#include "platform/x509_int.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static X509 *issuer, *client;
static EVP_PKEY *key;
static struct trust_link link;

static X509 *make(const char *name, long serial) {
    X509 *x509 = X509_new();
    X509_NAME *subject = X509_NAME_new(), *signer = X509_NAME_new();
    check(x509 && subject && signer && X509_set_version(x509, X509_VERSION_3) == 1);
    check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1);
    check(X509_NAME_add_entry_by_txt(signer, "CN", MBSTRING_ASC, (const unsigned char *)"Fuzz", -1, -1, 0) == 1);
    check(X509_set_pubkey(x509, key) == 1 && X509_set_subject_name(x509, subject) == 1);
    check(X509_set_issuer_name(x509, signer) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x509), serial) == 1);
    check(X509_gmtime_adj(X509_getm_notBefore(x509), -3600) && X509_gmtime_adj(X509_getm_notAfter(x509), 86400));
    check(X509_sign(x509, key, NULL) > 0);
    X509_NAME_free(subject);
    X509_NAME_free(signer);
    return x509;
}

static void setup(void) {
    static const unsigned char number[32] = { 1 }; /* always the same, so that an answer in the corpus names it */
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, number, sizeof number);
    check(key != NULL);
    issuer = make("Fuzz", 1);
    client = make("client", 0x1234);
    check(trust_link_of(client, issuer, &link));
}

static void list_check(const struct revocation_list *list) {
    check(hash_equal(&list->issuer, &link.issuer) && list->count <= REVOCATION_SERIALS_MAX);
    check(strlen(list->point) < REVOCATION_URL_BYTES_MAX);
    bool named = false;
    for (size_t i = 0; i < list->count; i++) {
        check(list->serials[i].len <= TRUST_SERIAL_BYTES_MAX);
        named |= list->serials[i].len == link.serial_len &&
                 memcmp(list->serials[i].bytes, link.serial, link.serial_len) == 0;
    }
    check(named == revocation_list_names(list, &link));
}

static void list_try(struct str text) {
    const unsigned char *at = (const unsigned char *)text.at;
    struct revocation_list list;
    unsigned char *der = NULL;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)text.len);
    if (!crl) return;
    if (X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 && X509_CRL_sign(crl, key, NULL) > 0) {
        int len = i2d_X509_CRL(crl, &der);
        if (len > 0 && revocation_list_read(str_from_bytes(der, (size_t)len), issuer, &list) == 0) {
            list_check(&list);
            revocation_list_release(&list);
        }
        OPENSSL_free(der);
    }
    X509_CRL_free(crl);
}

static void answer_try(struct str text) {
    const unsigned char *at = (const unsigned char *)text.at;
    struct revocation_answer answer, other;
    OCSP_BASICRESP *basic = d2i_OCSP_BASICRESP(NULL, &at, (long)text.len);
    OCSP_RESPONSE *response = NULL;
    unsigned char *der = NULL;
    if (basic && OCSP_basic_sign(basic, issuer, key, NULL, NULL, OCSP_NOTIME | OCSP_NOCERTS) == 1)
        response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int len = response ? i2d_OCSP_RESPONSE(response, &der) : 0;
    if (len > 0) {
        struct str whole = str_from_bytes(der, (size_t)len);
        int r = revocation_ocsp_read(whole, client, issuer, &answer);
        check(r >= 0 && r < REVOCATION_E_COUNT);
        if (r == 0) check(answer.known || !answer.revoked);
        check(revocation_ocsp_read(str_slice(whole, 0, whole.len - 1), client, issuer, &other) != 0);
    }
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 2 || size > 16 * 1024) return 0;
    if (!issuer) setup();
    struct str text = str_from_bytes(bytes + 1, size - 1);
    if (bytes[0] & 1) answer_try(text);
    else list_try(text);
    ERR_clear_error();
    return 0;
}
