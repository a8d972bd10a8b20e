/* What may be called from inside: addresses, URLs, and that a name is called where it was looked up. */
#include "platform/outbound_guard.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool judge(const char *text) {
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) return outbound_address_is_public((struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return outbound_address_is_public((struct sockaddr *)&in6);
}

/* spec: gateway/16, gateway/T9 */
static void internal_addresses_are_told(void **state) {
    static const char *const outside[] = { "1.1.1.1",     "8.8.8.8",         "100.63.255.255", "100.128.0.1",
                                           "172.15.0.1",  "172.32.0.1",      "192.167.1.1",    "169.253.1.1",
                                           "223.255.0.1", "2606:4700::1111", "2a00:1450::1",   "2002:0808:0808::1" };
    static const char *const inside[] = { "0.0.0.0",
                                          "0.1.2.3",
                                          "10.0.0.1",
                                          "100.64.0.1",
                                          "127.0.0.1",
                                          "127.255.255.254",
                                          "169.254.169.254",
                                          "172.16.0.1",
                                          "172.31.255.255",
                                          "192.0.0.8",
                                          "192.0.2.1",
                                          "192.168.0.1",
                                          "198.18.0.1",
                                          "198.51.100.1",
                                          "203.0.113.9",
                                          "224.0.0.1",
                                          "239.255.255.255",
                                          "240.0.0.1",
                                          "255.255.255.255",
                                          "::",
                                          "::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:8.8.8.8",
                                          "::127.0.0.1",
                                          "64:ff9b::7f00:1",
                                          "fe80::1",
                                          "fc00::1",
                                          "fd12:3456::1",
                                          "ff02::1",
                                          "2001:db8::1",
                                          "2001::1",
                                          "2002:7f00:1::1",
                                          "2002:a00:1::1",
                                          "3fff::1",
                                          "100::1",
                                          "fec0::1" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(outside); i++)
        if (!judge(outside[i])) fail_msg("%s", outside[i]);
    for (size_t i = 0; i < ARRAY_COUNT(inside); i++)
        if (judge(inside[i])) fail_msg("%s", inside[i]);
}

/* spec: gateway/T9 */
static void urls_are_judged(void **state) {
    static const struct str hosts[] = { STR_INIT("localhost"), STR_INIT("127.0.0.2") };
    static const struct {
        const char *url;
        bool http;
        int want;
        const char *pin;
    } cases[] = {
        { "https://1.1.1.1/keys", false, 0, "1.1.1.1:443:1.1.1.1" },
        { "https://1.1.1.1:8443/keys", false, 0, "1.1.1.1:8443:1.1.1.1" },
        { "https://[2606:4700::1111]/", false, 0, "" },
        { "http://1.1.1.1/list.crl", true, 0, "1.1.1.1:80:1.1.1.1" },
        { "http://1.1.1.1/list.crl", false, OUTBOUND_E_SCHEME, NULL },
        { "ftp://1.1.1.1/", true, OUTBOUND_E_URL, NULL },
        { "file:///etc/passwd", true, OUTBOUND_E_URL, NULL },
        { "https://user@1.1.1.1/", false, OUTBOUND_E_URL, NULL },
        { "https://a:b@1.1.1.1/", false, OUTBOUND_E_URL, NULL },
        { "https://1.1.1.1:0/", false, OUTBOUND_E_URL, NULL },
        { "https://1.1.1.1:65536/", false, OUTBOUND_E_URL, NULL },
        { "https://1.1.1.1\\@127.0.0.1/", false, OUTBOUND_E_URL, NULL },
        { "https://nothing.invalid./", false, OUTBOUND_E_UNKNOWN, NULL },
        { "https://1.1.1.1 /", false, OUTBOUND_E_URL, NULL },
        { "//1.1.1.1/", false, OUTBOUND_E_URL, NULL },
        { "", false, OUTBOUND_E_URL, NULL },
        { "https://127.0.0.1/", false, OUTBOUND_E_INTERNAL, NULL },
        { "https://2130706433/", false, OUTBOUND_E_INTERNAL, NULL },
        { "https://0x7f.1/", false, OUTBOUND_E_INTERNAL, NULL },
        { "https://0177.0.0.1/", false, OUTBOUND_E_INTERNAL, NULL },
        { "https://[::ffff:127.0.0.1]/", false, OUTBOUND_E_INTERNAL, NULL },
        { "https://169.254.169.254/latest/meta-data", false, OUTBOUND_E_INTERNAL, NULL },
        { "https://127.0.0.2:8443/", false, 0, "127.0.0.2:8443:127.0.0.2" }, /* named in hosts */
        { "https://no-such-name.invalid/", false, OUTBOUND_E_UNKNOWN, NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct outbound_guard guard = { .hosts = hosts, .host_count = ARRAY_COUNT(hosts), .http = cases[i].http };
        struct outbound_target target = { { 0 } };
        int r = outbound_guard_resolve(&guard, str_from_c(cases[i].url), &target);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].url, r);
        if (cases[i].pin) assert_string_equal(target.pin, cases[i].pin);
    }
    struct outbound_guard closed = { .host_count = 0 };
    struct outbound_target target;
    assert_int_equal(outbound_guard_resolve(&closed, STR("https://localhost/"), &target), OUTBOUND_E_INTERNAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(internal_addresses_are_told),
        cmocka_unit_test(urls_are_judged),
    };
    return cmocka_run_group_tests_name("outbound_guard", tests, NULL, NULL);
}
