#include "observe/call_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HEAD                                                                                                           \
    "{\"id\":\"05000000-0000-0000-0000-000000000000\",\"event\":\"call_out\",\"time\":\"2026-11-22T03:45:00.123Z\","
#define INTERACTION "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"
#define SHA256_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define URL_64 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"
#define URL_512 URL_64 URL_64 URL_64 URL_64 URL_64 URL_64 URL_64 URL_64

static const struct {
    const char *name;
    struct outbound_report report;
    const char *want;
} cases[] = {
    { "answered",
      { .operation = "jwks",
        .interaction_id = STR_INIT(INTERACTION),
        .peer = "keys.example.com:443",
        .url = STR_INIT("https://keys.example.com/a/keys"),
        .duration_us = 812,
        .status = 200,
        .body = STR_INIT("abc"),
        .why = "" },
      HEAD "\"interaction_id\":\"" INTERACTION "\",\"peer\":\"keys.example.com:443\",\"operation\":\"jwks\","
           "\"status\":200,\"outcome\":\"answered\",\"duration_us\":812,"
           "\"request\":{\"url\":\"https://keys.example.com/a/keys\"},"
           "\"response\":{\"bytes\":3,\"sha256\":\"" SHA256_ABC "\"}}" },
    { "a status that is none of success; what could be secret of a URL is not written",
      { .operation = "crl",
        .peer = "::1:80",
        .url = STR_INIT("http://u:p@x@[::1]/list?token=secret#part"),
        .status = 404,
        .body = STR_INIT("abc"),
        .why = "" },
      HEAD "\"peer\":\"::1:80\",\"operation\":\"crl\",\"status\":404,\"outcome\":\"refused\",\"duration_us\":0,"
           "\"request\":{\"url\":\"http://[::1]/list\"},"
           "\"response\":{\"bytes\":3,\"sha256\":\"" SHA256_ABC "\"}}" },
    { "what is confidential has a length",
      { .operation = "introspection",
        .peer = "as.example:443",
        .url = STR_INIT("https://as.example/introspect"),
        .status = 200,
        .body = STR_INIT("abc"),
        .confidential = true,
        .why = "" },
      HEAD "\"peer\":\"as.example:443\",\"operation\":\"introspection\",\"status\":200,\"outcome\":\"answered\","
           "\"duration_us\":0,\"request\":{\"url\":\"https://as.example/introspect\"},"
           "\"response\":{\"bytes\":3}}" },
    { "a query before any path",
      { .operation = "ocsp",
        .peer = "a:80",
        .url = STR_INIT("http://u@a?b@c/d"),
        .refusal = OUTBOUND_E_FAILED,
        .why = "no" },
      HEAD "\"peer\":\"a:80\",\"operation\":\"ocsp\",\"outcome\":\"unknown\",\"duration_us\":0,"
           "\"why\":{\"detail\":\"no\"},\"request\":{\"url\":\"http://a\"}}" },
    { "not called",
      { .operation = "jwks",
        .peer = "10.0.0.1:443",
        .url = STR_INIT("https://10.0.0.1/"),
        .refusal = OUTBOUND_E_INTERNAL,
        .why = "an internal address" },
      HEAD "\"peer\":\"10.0.0.1:443\",\"operation\":\"jwks\",\"outcome\":\"unsent\",\"duration_us\":0,"
           "\"why\":{\"detail\":\"an internal address\"},\"request\":{\"url\":\"https://10.0.0.1/\"}}" },
    { "a long one is cut",
      { .operation = "jwks", .peer = "a:443", .url = STR_INIT("https://" URL_512), .refusal = -ENOMEM, .why = "" },
      HEAD "\"peer\":\"a:443\",\"operation\":\"jwks\",\"outcome\":\"unsent\",\"duration_us\":0,"
           "\"request\":{\"url\":\"https://" URL_64 URL_64 URL_64 URL_64 URL_64 URL_64 URL_64
           "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcd\"},\"request_cut\":true}" },
};

/* spec: gateway/61 */
static void a_call_is_written_without_its_secrets(void **state) {
    static const uint8_t id[ID_BYTES] = { 5 };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char memory[CALL_OUT_RECORD_BYTES_MAX + 1];
        struct buffer out;
        buffer_init(&out, memory, CALL_OUT_RECORD_BYTES_MAX);
        call_out_write(&cases[i].report, 1795319100123, id, &out);
        memory[out.len] = 0;
        if (out.overflow || strcmp(memory, cases[i].want) != 0) fail_msg("%s: %s", cases[i].name, memory);
    }
}

static void the_longest_record_fits(void **state) {
    char memory[CALL_OUT_RECORD_BYTES_MAX], url[OUTBOUND_URL_BYTES_MAX], why[MESSAGE_BYTES_MAX];
    static const uint8_t id[ID_BYTES] = { 5 };
    struct outbound_report report = cases[0].report;
    struct buffer out;
    (void)state;
    memset(url, 1, sizeof url);
    memset(why, 1, sizeof why);
    why[sizeof why - 1] = 0;
    report.url = str_from_bytes(url, sizeof url);
    report.why = why;
    buffer_init(&out, memory, sizeof memory);
    call_out_write(&report, 1795319100123, id, &out);
    assert_false(out.overflow);
    size_t at;
    assert_true(str_find(buffer_str(&out), STR("\"why\":{\"detail\":\"\\u0001"), &at));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_written_without_its_secrets),
        cmocka_unit_test(the_longest_record_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
