/* Lists of revoked certificates: what they name, and the ones that are refused beside them. */
#include "platform/revocation_list.h"

#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/key_int.h"
#include "platform/x509_int.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LIST_BYTES_MAX = 8192 };

static struct authority *ours, *theirs;
static struct certificate *client;
static struct trust_link link;

static struct authority *make_authority(const char *name) {
    struct certificate_request request = { .common_name = str_from_c(name),
                                           .not_before_ms = clock_now_ms() - 1000,
                                           .not_after_ms = clock_now_ms() + 1000000 };
    struct authority *authority;
    assert_int_equal(authority_create(KEY_TYPE_EC_P256, &request, &authority), 0);
    return authority;
}

static int setup(void **state) {
    struct certificate_request request = { .use = CERTIFICATE_FOR_CLIENT,
                                           .common_name = STR("client"),
                                           .not_before_ms = clock_now_ms() - 1000,
                                           .not_after_ms = clock_now_ms() + 1000000 };
    struct key *key;
    (void)state;
    ours = make_authority("ours");
    theirs = make_authority("theirs");
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &key), 0);
    assert_int_equal(authority_issue(ours, &request, key, &client), 0);
    key = key_free(key);
    assert_true(trust_link_of(client->x509, authority_certificate(ours)->x509, &link));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    client = certificate_free(client);
    ours = authority_free(ours);
    theirs = authority_free(theirs);
    return 0;
}

/* What a list holds. */
struct sample {
    bool names_client, of_theirs, signed_by_theirs, is_delta, no_next;
    const char *scope; /* issuingDistributionPoint in OpenSSL's words; NULL: none */
};

static void add_extensions(X509_CRL *crl, const struct sample *sample) {
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    assert_int_equal(ASN1_INTEGER_set(number, 7), 1);
    if (sample->is_delta) assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0), 1);
    ASN1_INTEGER_free(number);
    if (!sample->scope) return;
    X509_EXTENSION *scope = X509V3_EXT_conf_nid(NULL, NULL, NID_issuing_distribution_point, sample->scope);
    assert_non_null(scope);
    assert_int_equal(X509_CRL_add_ext(crl, scope, -1), 1);
    X509_EXTENSION_free(scope);
}

static struct str write_sample(const struct sample *sample, unsigned char memory[LIST_BYTES_MAX]) {
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)(clock_now_ms() / 1000 - 60));
    const struct authority *issuer = sample->of_theirs ? theirs : ours;
    const struct authority *signer = sample->signed_by_theirs ? theirs : issuer;
    unsigned char *at = memory;
    X509 *x509 = authority_certificate(issuer)->x509;
    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(x509)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, time), 1);
    if (sample->names_client) {
        X509_REVOKED *revoked = X509_REVOKED_new();
        assert_int_equal(X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(client->x509)), 1);
        assert_int_equal(X509_REVOKED_set_revocationDate(revoked, time), 1);
        assert_int_equal(X509_CRL_add0_revoked(crl, revoked), 1);
    }
    ASN1_TIME_set(time, (time_t)(clock_now_ms() / 1000 + 3600));
    if (!sample->no_next) assert_int_equal(X509_CRL_set1_nextUpdate(crl, time), 1);
    add_extensions(crl, sample);
    assert_true(X509_CRL_sign(crl, authority_key(signer)->evp, EVP_sha256()) > 0);
    int len = i2d_X509_CRL(crl, NULL);
    assert_true(len > 0 && len <= LIST_BYTES_MAX && i2d_X509_CRL(crl, &at) == len);
    ASN1_TIME_free(time);
    X509_CRL_free(crl);
    return str_from_bytes(memory, (size_t)len);
}

/* spec: gateway/4 */
static void lists_are_verified(void **state) {
    static const struct {
        struct sample sample;
        int want;
        bool names;
        const char *point;
    } cases[] = {
        { { .names_client = true }, 0, true, "" },
        { { .names_client = false }, 0, false, "" },
        { { .names_client = true, .scope = "onlyuser:TRUE" }, 0, true, "" },
        { { .names_client = true, .scope = "fullname:URI:http://x.example/1.crl" }, 0, true, "http://x.example/1.crl" },
        { { .signed_by_theirs = true }, REVOCATION_E_SIGNATURE, false, "" },
        { { .of_theirs = true }, REVOCATION_E_ISSUER, false, "" },
        { { .is_delta = true }, REVOCATION_E_PARTIAL, false, "" },
        { { .scope = "onlyCA:TRUE" }, REVOCATION_E_PARTIAL, false, "" },
        { { .scope = "onlyAA:TRUE" }, REVOCATION_E_PARTIAL, false, "" },
        { { .scope = "indirectCRL:TRUE" }, REVOCATION_E_PARTIAL, false, "" },
        { { .scope = "onlysomereasons:keyCompromise" }, REVOCATION_E_PARTIAL, false, "" },
        { { .no_next = true }, REVOCATION_E_TIME, false, "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        unsigned char memory[LIST_BYTES_MAX];
        struct revocation_list list = { .count = 0 };
        struct str der = write_sample(&cases[i].sample, memory);
        int r = revocation_list_read(der, authority_certificate(ours)->x509, &list);
        if (r != cases[i].want) fail_msg("case %zu: %d", i, r);
        if (r) continue;
        assert_int_equal(revocation_list_names(&list, &link), cases[i].names);
        assert_string_equal(list.point, cases[i].point);
        assert_true(list.this_ms < clock_now_ms() && list.next_ms > clock_now_ms());
        struct trust_link other = link;
        other.serial[0] ^= 1;
        assert_false(revocation_list_names(&list, &other));
        other = link;
        other.issuer.bytes[0] ^= 1;
        assert_false(revocation_list_names(&list, &other));
        revocation_list_release(&list);
        assert_int_equal(revocation_list_read(str_slice(der, 0, der.len - 1), authority_certificate(ours)->x509, &list),
                         REVOCATION_E_SYNTAX);
    }
}

static void files_hold_several(void **state) {
    static const struct sample sample = { .names_client = true };
    unsigned char memory[LIST_BYTES_MAX];
    struct str der = write_sample(&sample, memory);
    struct buffer text, out;
    (void)state;
    buffer_init_heap(&text, 64 * 1024);
    buffer_init_heap(&out, LIST_BYTES_MAX);
    for (int i = 0; i < 2; i++) {
        buffer_append_c(&text, "comment\n-----BEGIN X509 CRL-----\n");
        base64_encode(&text, der.at, der.len);
        buffer_append_c(&text, "\n-----END X509 CRL-----\n");
    }
    struct str rest = buffer_str(&text);
    assert_true(revocation_list_next(&rest, &out) && str_equal(buffer_str(&out), der));
    assert_true(revocation_list_next(&rest, &out) && str_equal(buffer_str(&out), der));
    assert_false(revocation_list_next(&rest, &out));
    rest = der;
    assert_true(revocation_list_next(&rest, &out) && str_equal(buffer_str(&out), der));
    assert_false(revocation_list_next(&rest, &out));
    buffer_release(&text);
    buffer_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_verified),
        cmocka_unit_test(files_hold_several),
    };
    return cmocka_run_group_tests_name("revocation_list", tests, setup, teardown);
}
