#include "platform/revocation_list.h"

#include "platform/x509_int.h"

#include <openssl/evp.h>

/* A list and an OCSP answer of an issuer whose signature no input has: nothing may be accepted, and nothing may break.
 */

static X509 *make_issuer(void) {
    X509 *x509 = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    check(x509 && key && X509_set_pubkey(x509, key) == 1);
    check(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC, (const unsigned char *)"Fuzz", -1,
                                     -1, 0) == 1);
    check(X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1 &&
          ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1 && X509_sign(x509, key, EVP_sha256()) > 0);
    EVP_PKEY_free(key);
    return x509;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static X509 *issuer;
    struct revocation_list list;
    struct revocation_answer answer;
    struct buffer der;
    struct str text = str_from_bytes(data, size);
    if (!issuer) issuer = make_issuer();
    check(revocation_list_read(text, issuer, &list) != 0);
    check(revocation_ocsp_read(text, issuer, issuer, &answer) != 0);
    buffer_init_heap(&der, 64 * 1024);
    for (size_t i = 0; i < 64 && revocation_list_next(&text, &der); i++) continue;
    buffer_release(&der);
    return 0;
}
