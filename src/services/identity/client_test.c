/* client_test.c - which redirect URIs a client may register (FAPI A8, V19). */
#include "services/identity/client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void redirect_uris_fit(void **state) {
    (void)state;
    static const struct {
        const char *uri;
        bool fits;
    } cases[] = {
        { "https://tpp.example/cb", true },
        { "https://localhost:9443/cb?a=b", true },
        { "https://[::1]:1/", true },
        { "https://tpp.example", true },
        { "http://tpp.example/cb", false },
        { "HTTPS://tpp.example/cb", false },
        { "https:///cb", false },
        { "https://:443/cb", false },
        { "https://tpp.example/cb#f", false },
        { "https://user@tpp.example/cb", false },
        { "https://tpp.example;x/cb", false },
        { "https://tpp.example\\@evil/", false },
        { "https://tpp.example/\"x", false },
        { "https://tpp.example/\n", false },
        { "com.example.app:/cb", false },
        { "urn:ietf:wg:oauth:2.0:oob", false },
        { "", false },
        { "https://tpp.example/a b", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        if (client_redirect_uri_fits(str_from_c(cases[i].uri)) != cases[i].fits) fail_msg("%s", cases[i].uri);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(redirect_uris_fit) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
