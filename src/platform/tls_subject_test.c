/* tls_subject_test.c - registered subjects of tls_client_auth against certificates, one line a case. */
#include "platform/tls_subject.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct certificate shown = {
    .subject =
        STR_INIT("CN=api.acme.example,OU=soft\\,ware,organizationIdentifier=PSDGB-FCA-1,O=Acme \\\"Ltd\\\",C=GB"),
    .san_dns = (struct str[]){ STR_INIT("api.acme.example"), STR_INIT("*.other.example") },
    .san_dns_count = 2,
    .san_uri = (struct str[]){ STR_INIT("urn:acme:1") },
    .san_uri_count = 1,
    .san_ip = (struct str[]){ STR_INIT("192.0.2.7"), STR_INIT("2001:db8::7") },
    .san_ip_count = 2,
    .san_email = (struct str[]){ STR_INIT("ops@acme.example") },
    .san_email_count = 1,
};

/* spec: gateway/T12, gateway/12 */
static void a_certificate_has_a_subject_or_not(void **state) {
    static const struct {
        const char *subject;
        bool fits, matches;
    } rows[] = {
        { "dn:CN=api.acme.example,OU=soft\\,ware,organizationIdentifier=PSDGB-FCA-1,O=Acme \\\"Ltd\\\",C=GB", true,
          true },
        { "dn:cn = api.acme.example, ou=soft\\2Cware , 2.5.4.97=PSDGB-FCA-1, o=Acme \\22Ltd\\22, c=GB", true, true },
        { "dn:CN=api.acme.example,OU=soft\\,ware,2.5.4.97=#130b50534447422d4643412d31,O=Acme \\\"Ltd\\\",C=GB", true,
          true },
        { "dn:CN=api.acme.example,OU=soft\\,ware,organizationIdentifier=PSDGB-FCA-1,O=Acme \\\"Ltd\\\",C=gb", true,
          false },
        { "dn:CN=api.acme.example,OU=soft\\,ware,organizationIdentifier=PSDGB-FCA-1,O=Acme \\\"Ltd\\\"", true, false },
        { "dn:C=GB,O=Acme \\\"Ltd\\\",organizationIdentifier=PSDGB-FCA-1,OU=soft\\,ware,CN=api.acme.example", true,
          false },
        { "dn:CN=api.acme.example", true, false },
        { "dn:CN=*,OU=soft\\,ware,organizationIdentifier=PSDGB-FCA-1,O=Acme \\\"Ltd\\\",C=GB", true, false },
        { "dn:CN=a+OU=b", true, false },
        { "dn:CN=a\\00b", true, false },
        { "dn:", false, false },
        { "dn:CN", false, false },
        { "dn:CN=", false, false },
        { "dn:CN=a,", false, false },
        { "dn:=a", false, false },
        { "dn:CN=a;O=b", false, false },
        { "dn:CN=\"a\"", false, false },
        { "dn:CN=a\\", false, false },
        { "dn:CN=a\\q", false, false },
        { "dn:CN=#13", false, false },
        { "dn:CN=#1305aa", false, false },
        { "dns:api.acme.example", true, true },
        { "dns:API.ACME.example", true, true },
        { "dns:acme.example", true, false },
        { "dns:www.other.example", true, false },
        { "dns:*.other.example", false, false },
        { "uri:urn:acme:1", true, true },
        { "uri:urn:acme:12", true, false },
        { "uri:URN:acme:1", true, false },
        { "ip:192.0.2.7", true, true },
        { "ip:2001:0db8:0:0::7", true, true },
        { "ip:192.0.2.70", true, false },
        { "ip:192.0.2.0/24", false, false },
        { "email:ops@acme.example", true, true },
        { "email:Ops@acme.example", true, false },
        { "email:ops@acme.example ", false, false },
        { "upn:ops@acme.example", false, false },
        { "urn:acme:1", false, false },
        { "", false, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (tls_subject_fits(str_from_c(rows[i].subject)) != rows[i].fits) fail_msg("fits: %s", rows[i].subject);
        if (tls_subject_matches(str_from_c(rows[i].subject), &shown) != rows[i].matches)
            fail_msg("matches: %s", rows[i].subject);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_certificate_has_a_subject_or_not) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
