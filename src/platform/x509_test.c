#include "platform/x509.h"

#include "platform/encoding.h"
#include "platform/key_int.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { DAY_MS = 24 * 3600 * 1000 };
static const int64_t now_ms = 1767225600000; /* 2026-01-01 */
static struct authority *authority, *stranger;
static struct key *client_key;
static struct certificate *client;
static struct trust *trust;
static char directory[64];

static struct certificate_request ca_request(const char *name) {
    return (struct certificate_request){ .organization = STR("Giro"),
                                         .common_name = str_from_c(name),
                                         .not_before_ms = now_ms - DAY_MS,
                                         .not_after_ms = now_ms + 100LL * DAY_MS };
}

static struct certificate_request client_request(void) {
    return (struct certificate_request){ .use = CERTIFICATE_FOR_CLIENT,
                                         .organization = STR("Acme, \"Pay\" Ltd"),
                                         .organization_id = STR("PSDGB-FCA-123456"),
                                         .unit = STR("acmeSoftware0000000001"),
                                         .common_name = STR("acme-tpp \xc3\xa9"),
                                         .not_before_ms = now_ms - 1000,
                                         .not_after_ms = now_ms + 10LL * DAY_MS };
}

static void file_put(const char *name, const struct certificate *const *certificates, size_t count) {
    char path[128];
    uint8_t memory[16384];
    struct buffer pem;
    buffer_init(&pem, memory, sizeof memory);
    buffer_append_c(&pem, "# comments are fine in a bundle\n");
    for (size_t i = 0; i < count; i++) assert_int_equal(certificate_write_pem(certificates[i], &pem), 0);
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(pem.at, 1, pem.len, file), pem.len);
    assert_int_equal(fclose(file), 0);
}

static int load(const char *name, struct trust **ret_trust, struct message *message) {
    char path[128];
    const char *paths[] = { path };
    (void)snprintf(path, sizeof path, "%s%s%s", directory, name[0] ? "/" : "", name);
    return trust_load(paths, 1, ret_trust, message);
}

static int setup(void **state) {
    (void)state;
    struct certificate_request ours = ca_request("Giro development CA"), theirs = ca_request("Another CA"),
                               request = client_request();
    (void)snprintf(directory, sizeof directory, "/tmp/giro-x509-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(authority_create(KEY_TYPE_RSA, &ours, &authority), 0);
    assert_int_equal(authority_create(KEY_TYPE_EC_P256, &theirs, &stranger), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &client_key), 0);
    assert_int_equal(authority_issue(authority, &request, client_key, &client), 0);
    const struct certificate *ca = authority_certificate(authority);
    file_put("ca.pem", &ca, 1);
    assert_int_equal(load("ca.pem", &trust, NULL), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    static const char *const names[] = { "ca.pem", "both.pem", "leaf.pem", "bad.pem" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    trust_free(trust);
    certificate_free(client);
    key_free(client_key);
    authority_free(authority);
    authority_free(stranger);
    return rmdir(directory);
}

static void a_client_certificate_says_who(void **state) {
    (void)state;
    uint8_t memory[CERTIFICATE_BYTES_MAX];
    struct buffer der;
    buffer_init(&der, memory, sizeof memory);
    assert_int_equal(certificate_write_der(client, &der), 0);
    struct certificate *again = NULL;
    assert_int_equal(certificate_parse_der(buffer_str(&der), &again), 0);
    struct hash hash = sha256_str(buffer_str(&der));
    assert_true(hash_equal(&again->sha256, &hash));
    assert_true(str_equal_c(again->common_name, "acme-tpp \xc3\xa9"));
    assert_true(str_equal_c(again->organization, "Acme, \"Pay\" Ltd"));
    assert_true(str_equal_c(again->organization_id, "PSDGB-FCA-123456"));
    assert_true(str_equal_c(again->unit, "acmeSoftware0000000001"));
    assert_true(str_equal_c(again->subject,
                            "CN=acme-tpp \xc3\xa9,OU=acmeSoftware0000000001,organizationIdentifier=PSDGB-FCA-123456,"
                            "O=Acme\\, \\\"Pay\\\" Ltd"));
    assert_int_equal(again->not_before_ms, now_ms - 1000);
    assert_int_equal(again->not_after_ms, now_ms + 10LL * DAY_MS);
    assert_true(key_equal_public(again->key, client_key));
    assert_false(key_is_private(again->key));
    certificate_free(again);
}

static void a_server_certificate_names_its_hosts(void **state) {
    (void)state;
    const struct str dns[] = { STR("localhost") }, ips[] = { STR("127.0.0.1"), STR("::1") },
                     uris[] = { STR("urn:giro:node:1") };
    struct certificate_request request = { .use = CERTIFICATE_FOR_SERVER,
                                           .common_name = STR("localhost"),
                                           .dns_names = dns,
                                           .dns_count = 1,
                                           .ip_addresses = ips,
                                           .ip_count = 2,
                                           .uris = uris,
                                           .uri_count = 1,
                                           .not_before_ms = now_ms,
                                           .not_after_ms = now_ms + DAY_MS };
    struct certificate *server = NULL;
    assert_int_equal(authority_issue(authority, &request, client_key, &server), 0);
    assert_int_equal(server->san_dns_count, 1);
    assert_true(str_equal_c(server->san_dns[0], "localhost"));
    assert_int_equal(server->san_uri_count, 1);
    assert_true(str_equal_c(server->san_uri[0], "urn:giro:node:1"));
    assert_int_equal(X509_check_host(server->x509, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(server->x509, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(server->x509, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(server->x509, "127.0.0.2", 0), 0);
    assert_int_equal(trust_verify(trust, server, now_ms), TRUST_E_PURPOSE); /* a server's is no client's */
    certificate_free(server);
    static const struct {
        struct str dns, ip;
    } bad[] = { { STR_INIT("local host"), STR_INIT("::1") },
                { STR_INIT(""), STR_INIT("::1") },
                { STR_INIT("a\0b"), STR_INIT("::1") },
                { STR_INIT("a"), STR_INIT("1.2.3") },
                { STR_INIT("a"), STR_INIT("DNS:x") } };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        request.dns_names = &bad[i].dns;
        request.ip_addresses = &bad[i].ip;
        request.ip_count = 1;
        assert_int_equal(authority_issue(authority, &request, client_key, &server), AUTHORITY_E_NAME);
    }
}

static void the_chain_is_judged(void **state) {
    (void)state;
    struct certificate_request request = client_request();
    struct certificate *foreign = NULL, *damaged = NULL;
    assert_int_equal(authority_issue(stranger, &request, client_key, &foreign), 0);
    uint8_t memory[CERTIFICATE_BYTES_MAX];
    struct buffer der;
    buffer_init(&der, memory, sizeof memory);
    assert_int_equal(certificate_write_der(client, &der), 0);
    memory[der.len - 1] ^= 1; /* the last byte of the signature */
    assert_int_equal(certificate_parse_der(buffer_str(&der), &damaged), 0);
    const struct {
        const char *name;
        const struct certificate *certificate;
        int64_t at_ms;
        int want;
    } cases[] = {
        { "good", client, now_ms, 0 },
        { "its first second", client, client->not_before_ms, 0 },
        { "before", client, client->not_before_ms - 1000, TRUST_E_NOT_YET },
        { "its last second", client, client->not_after_ms - 1000, 0 },
        { "its end", client, client->not_after_ms, TRUST_E_EXPIRED },
        { "another CA's", foreign, now_ms, TRUST_E_ISSUER },
        { "another CA", authority_certificate(stranger), now_ms, TRUST_E_ISSUER },
        { "signature changed", damaged, now_ms, TRUST_E_SIGNATURE },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int r = trust_verify(trust, cases[i].certificate, cases[i].at_ms);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
    }
    struct trust *nobody = NULL;
    assert_int_equal(trust_load(NULL, 0, &nobody, NULL), 0);
    assert_int_equal(trust_verify(nobody, client, now_ms), TRUST_E_ISSUER);
    trust_free(nobody);
    certificate_free(foreign);
    certificate_free(damaged);
}

static void a_verdict_is_good_until_the_first_end(void **state) {
    (void)state;
    struct certificate_request request = client_request();
    struct certificate *outlives = NULL;
    int64_t until_ms = 0, ca_end_ms = authority_certificate(authority)->not_after_ms;
    assert_int_equal(trust_verify_until(trust, client, now_ms, &until_ms), 0);
    assert_int_equal(until_ms, client->not_after_ms);
    request.not_after_ms = ca_end_ms + DAY_MS;
    assert_int_equal(authority_issue(authority, &request, client_key, &outlives), 0);
    assert_int_equal(trust_verify_until(trust, outlives, now_ms, &until_ms), 0);
    assert_int_equal(until_ms, ca_end_ms);
    assert_int_equal(trust_verify(trust, outlives, ca_end_ms - 1000), 0);
    assert_int_equal(trust_verify(trust, outlives, ca_end_ms), TRUST_E_EXPIRED);
    certificate_free(outlives);
}

static void x3_trust_lists_load(void **state) {
    (void)state;
    const struct certificate *both[] = { authority_certificate(authority), authority_certificate(stranger) };
    const struct certificate *leaf[] = { client };
    struct trust *two = NULL, *none = NULL, *whole = NULL;
    struct message message = { "" };
    file_put("both.pem", both, 2);
    file_put("leaf.pem", leaf, 1);
    file_put("bad.pem", NULL, 0);
    assert_int_equal(load("both.pem", &two, &message), 0);
    assert_int_equal(trust_count(two), 2);
    assert_false(hash_equal(trust_version(two), trust_version(trust)));
    assert_int_equal(load("leaf.pem", &none, &message), TRUST_E_FILE);
    assert_non_null(strstr(message.text, "leaf.pem"));
    assert_int_equal(load("bad.pem", &none, &message), TRUST_E_FILE);
    assert_int_equal(load("absent.pem", &none, &message), TRUST_E_FILE);
    assert_int_equal(load("", &none, &message),
                     TRUST_E_FILE); /* the directory holds a leaf and a file without certificates */
    char path[128];
    static const char *const spoiled[] = { "leaf.pem", "bad.pem" };
    for (size_t i = 0; i < ARRAY_COUNT(spoiled); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, spoiled[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(load("", &whole, &message), 0);
    assert_int_equal(trust_count(whole), 3);
    trust_free(whole);
    trust_free(two);
}

/* --- X2: names that try to be two things (T12) --- */
static void der_with_names(const struct str *names, const int *nids, size_t count, struct str san, struct buffer *der) {
    X509 *x509 = X509_new();
    X509_NAME *name = X509_NAME_new();
    assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), 7), 1);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(X509_NAME_add_entry_by_NID(name, nids[i], V_ASN1_UTF8STRING,
                                                    (const unsigned char *)names[i].at, (int)names[i].len, -1, 0),
                         1);
    assert_int_equal(X509_set_subject_name(x509, name), 1);
    assert_int_equal(X509_set_issuer_name(x509, name), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x509), 1700000000));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x509), 1800000000));
    assert_int_equal(X509_set_pubkey(x509, client_key->evp), 1);
    if (san.len) {
        GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
        GENERAL_NAME *entry = GENERAL_NAME_new();
        ASN1_IA5STRING *value = ASN1_IA5STRING_new();
        assert_int_equal(ASN1_STRING_set(value, san.at, (int)san.len), 1);
        GENERAL_NAME_set0_value(entry, GEN_DNS, value);
        assert_true(sk_GENERAL_NAME_push(list, entry) > 0);
        assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT), 1);
        GENERAL_NAMES_free(list);
    }
    assert_true(X509_sign(x509, client_key->evp, EVP_sha256()) > 0);
    unsigned char *at = NULL;
    int len = i2d_X509(x509, &at);
    buffer_reset(der);
    buffer_append(der, at, (size_t)len);
    OPENSSL_free(at);
    X509_NAME_free(name);
    X509_free(x509);
}

enum { CN = NID_commonName, OU = NID_organizationalUnitName, ID = NID_organizationIdentifier, CITY = NID_localityName };
static const struct {
    const char *title;
    int nids[2];
    struct str names[2], san;
    int want;
} name_cases[] = {
#define S(text) STR_INIT(text)
    { "plain", { CN, OU }, { S("acme"), S("unit") }, S("acme.example"), 0 },
    { "NUL in the common name", { CN, OU }, { S("acme\0.evil"), S("unit") }, S(""), CERTIFICATE_E_NAME },
    { "NUL in the unit", { CN, OU }, { S("acme"), S("unit\0") }, S(""), CERTIFICATE_E_NAME },
    { "NUL in a name nobody reads", { CN, CITY }, { S("acme"), S("x\0y") }, S(""), CERTIFICATE_E_NAME },
    { "line end", { CN, OU }, { S("acme\nOU=x"), S("unit") }, S(""), CERTIFICATE_E_NAME },
    { "NUL in the host", { CN, OU }, { S("acme"), S("unit") }, S("acme.example\0.evil"), CERTIFICATE_E_NAME },
    { "blank in the host", { CN, OU }, { S("acme"), S("unit") }, S("a b"), CERTIFICATE_E_NAME },
    { "two common names", { CN, CN }, { S("acme"), S("evil") }, S(""), CERTIFICATE_E_AMBIGUOUS },
    { "two units", { OU, OU }, { S("a"), S("b") }, S(""), CERTIFICATE_E_AMBIGUOUS },
    { "two organization ids", { ID, ID }, { S("a"), S("a") }, S(""), CERTIFICATE_E_AMBIGUOUS },
#undef S
};

/* spec: gateway/T12 */
static void x2_names_are_never_guessed(void **state) {
    (void)state;
    uint8_t memory[CERTIFICATE_BYTES_MAX];
    struct buffer der;
    buffer_init(&der, memory, sizeof memory);
    for (size_t i = 0; i < ARRAY_COUNT(name_cases); i++) {
        struct certificate *certificate = NULL;
        der_with_names(name_cases[i].names, name_cases[i].nids, 2, name_cases[i].san, &der);
        int r = certificate_parse_der(buffer_str(&der), &certificate);
        if (r != name_cases[i].want) fail_msg("%s: %d", name_cases[i].title, r);
        certificate_free(certificate);
    }
}

/* spec: gateway/T12 */
static void x2_names_are_utf8(void **state) {
    (void)state;
    uint8_t memory[CERTIFICATE_BYTES_MAX];
    struct buffer der;
    struct certificate *certificate = NULL;
    size_t at = 0;
    buffer_init(&der, memory, sizeof memory);
    der_with_names((struct str[]){ STR("acme\xc3\x80") }, (int[]){ NID_commonName }, 1, STR(""), &der);
    assert_int_equal(certificate_parse_der(buffer_str(&der), &certificate), 0);
    certificate = certificate_free(certificate);
    while (str_find(buffer_str(&der), STR("acme\xc3\x80"), &at)) der.at[at + 4] = (char)0xc0; /* overlong UTF-8 */
    int r = certificate_parse_der(buffer_str(&der), &certificate);
    assert_true(r == CERTIFICATE_E_NAME || r == CERTIFICATE_E_SYNTAX); /* newer OpenSSL refuses it while decoding */
}

static void x1_one_certificate_and_nothing_else(void **state) {
    (void)state;
    uint8_t memory[CERTIFICATE_PEM_BYTES_MAX], der_memory[CERTIFICATE_BYTES_MAX];
    struct buffer pem, der;
    struct certificate *certificate = NULL;
    buffer_init(&pem, memory, sizeof memory);
    buffer_init(&der, der_memory, sizeof der_memory);
    assert_int_equal(certificate_write_pem(client, &pem), 0);
    assert_int_equal(certificate_parse_pem(buffer_str(&pem), &certificate), 0);
    certificate = certificate_free(certificate);
    size_t one = pem.len;
    assert_int_equal(certificate_write_pem(authority_certificate(authority), &pem), 0); /* T6: a second one */
    assert_int_equal(certificate_parse_pem(buffer_str(&pem), &certificate), CERTIFICATE_E_SYNTAX);
    pem.len = one;
    for (size_t len = 0; len + 1 < one; len += 31)
        assert_int_equal(certificate_parse_pem(str_slice(buffer_str(&pem), 0, len), &certificate),
                         CERTIFICATE_E_SYNTAX);
    assert_int_equal(certificate_write_der(client, &der), 0);
    buffer_append_char(&der, 0);
    assert_int_equal(certificate_parse_der(buffer_str(&der), &certificate), CERTIFICATE_E_SYNTAX);
    der.len--;
    for (size_t len = 0; len < der.len; len += 7)
        assert_int_equal(certificate_parse_der(str_slice(buffer_str(&der), 0, len), &certificate),
                         CERTIFICATE_E_SYNTAX);
    assert_int_equal(certificate_parse_der(str_from_bytes(memory, CERTIFICATE_BYTES_MAX + 1), &certificate),
                     CERTIFICATE_E_SIZE);
}

static void authorities_open_with_their_own_key(void **state) {
    (void)state;
    struct authority *again = NULL;
    assert_int_equal(authority_open(authority_key(authority), authority_certificate(authority), &again), 0);
    struct certificate_request request = client_request();
    struct certificate *certificate = NULL;
    assert_int_equal(authority_issue(again, &request, client_key, &certificate), 0);
    assert_int_equal(trust_verify(trust, certificate, now_ms), 0);
    assert_false(hash_equal(&certificate->sha256, &client->sha256)); /* another serial number */
    certificate_free(certificate);
    authority_free(again);
    assert_int_equal(authority_open(authority_key(stranger), authority_certificate(authority), &again),
                     AUTHORITY_E_PAIR);
    assert_int_equal(authority_open(client_key, client, &again), AUTHORITY_E_PAIR);
    request.common_name = STR("longer than the sixty-four characters that RFC 5280 allows a common name");
    assert_int_equal(authority_issue(authority, &request, client_key, &certificate), AUTHORITY_E_NAME);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_certificate_says_who),
        cmocka_unit_test(a_server_certificate_names_its_hosts),
        cmocka_unit_test(the_chain_is_judged),
        cmocka_unit_test(a_verdict_is_good_until_the_first_end),
        cmocka_unit_test(x3_trust_lists_load),
        cmocka_unit_test(x2_names_are_never_guessed),
        cmocka_unit_test(x2_names_are_utf8),
        cmocka_unit_test(x1_one_certificate_and_nothing_else),
        cmocka_unit_test(authorities_open_with_their_own_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
