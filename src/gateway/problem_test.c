/* problem_test.c - refusals in each family's envelope, and what the cache of certificates keeps. */
#include "gateway/problem.h"

#include "gateway/certificate_cache.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ID "0192f7a1-4c5b-7d10-8a3e-5b6c7d8e9f00"

static struct str write(enum route_family family, const struct refusal *refusal, const struct schema_errors *errors,
                        const char **ret_type) {
    static char memory[PROBLEM_BYTES_MAX];
    struct buffer out;
    struct problem problem = { .refusal = refusal, .interaction_id = STR(ID), .errors = errors };
    buffer_init(&out, memory, sizeof memory);
    *ret_type = problem_write(family, &problem, &out);
    assert_false(out.overflow);
    return buffer_str(&out);
}

static void envelopes(void **state) {
    static const struct {
        enum route_family family;
        const struct refusal *refusal;
        const char *type, *body;
    } rows[] = {
        { FAMILY_V1, &refusal_not_found, "application/problem+json",
          "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"There is nothing at this "
          "address.\","
          "\"instance\":\"urn:uuid:" ID "\",\"code\":\"not_found\",\"interaction_id\":\"" ID "\"}" },
        { FAMILY_OPEN_BANKING, &refusal_not_found, "application/json; charset=utf-8",
          "{\"Id\":\"" ID
          "\",\"Errors\":[{\"ErrorCode\":\"U011\",\"Message\":\"There is nothing at this address.\"}]}" },
        { FAMILY_OPEN_BANKING, &refusal_invalid_token, NULL, "" },
        { FAMILY_OAUTH, &refusal_certificate_required, "application/json",
          "{\"error\":\"invalid_client\",\"error_description\":\"A trusted client certificate of a registered client "
          "is required.\"}" },
        { FAMILY_OAUTH, &refusal_invalid_request, "application/json",
          "{\"error\":\"invalid_request\",\"error_description\":\"The request is not what this endpoint takes.\"}" },
        { FAMILY_PAGES, &refusal_not_found, "text/html; charset=utf-8",
          "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Not "
          "Found</title></head><body><main><h1>Not Found</h1>"
          "<p>There is nothing at this address.</p><p>Reference: " ID "</p></main></body></html>" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *type;
        struct str body = write(rows[i].family, rows[i].refusal, NULL, &type);
        if (!str_equal_c(body, rows[i].body)) fail_msg("%zu: " STR_FMT, i, STR_ARG(body));
        if (rows[i].type) assert_string_equal(type, rows[i].type);
        else assert_null(type);
    }
}

static void errors_are_listed(void **state) {
    struct schema_errors errors = { .count = 0 };
    const char *type;
    size_t at;
    (void)state;
    schema_errors_add(&errors, "$.amount.value", "must be \"more\"");
    schema_errors_add(&errors, "$.reference", "too long");
    errors.items[1].kind = SCHEMA_ERROR_MISSING;
    struct str body = write(FAMILY_V1, &refusal_invalid_request, &errors, &type);
    assert_true(str_find(body,
                         STR("\"errors\":[{\"path\":\"$.amount.value\",\"message\":\"must be \\\"more\\\"\"},"
                             "{\"path\":\"$.reference\",\"message\":\"too long\"}]}"),
                         &at));
    body = write(FAMILY_OPEN_BANKING, &refusal_invalid_request, &errors, &type);
    assert_true(str_find(
        body,
        STR("\"Errors\":[{\"ErrorCode\":\"U002\",\"Message\":\"must be \\\"more\\\"\",\"Path\":\"$.amount.value\"},"
            "{\"ErrorCode\":\"U004\",\"Message\":\"too long\",\"Path\":\"$.reference\"}]}"),
        &at));
    body = write(FAMILY_OPEN_BANKING, &refusal_invalid_header, &errors, &type);
    assert_true(str_find(
        body,
        STR("\"Errors\":[{\"ErrorCode\":\"U006\",\"Message\":\"must be \\\"more\\\"\",\"Path\":\"$.amount.value\"},"
            "{\"ErrorCode\":\"U006\""),
        &at));
    for (size_t i = 0; i < 2 * SCHEMA_ERRORS_MAX; i++) schema_errors_add(&errors, "$", "more");
    assert_int_equal(errors.count, SCHEMA_ERRORS_MAX);
    assert_true(errors.more);
}

/* The server's own refusals wear the envelope of what the first line names. */
static void errors_of_the_server(void **state) {
    static const struct {
        const char *received, *type;
    } rows[] = {
        { "POST /v1/payments HTTP/1.1\r\n", "application/problem+json" },
        { "POST /open-banking/v4.0/pisp/domestic-payments HTTP/1.1\r\n", "application/json; charset=utf-8" },
        { "POST /token?x=/v1 HTTP/1.1\r\n", "application/json" },
        { "POST /token", "application/json" },
        { "GET", "application/problem+json" },
        { "", "application/problem+json" },
        { "\xff\xff \xff", "application/problem+json" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char memory[HTTP_ERROR_BYTES_MAX];
        uint8_t id[ID_BYTES];
        struct buffer body;
        struct http_error error = {
            .status = 413, .code = "body_too_large", .received = str_from_c(rows[i].received), .body = &body
        };
        buffer_init(&body, memory, sizeof memory);
        problem_on_http_error(NULL, &error);
        assert_string_equal(error.media_type, rows[i].type);
        assert_string_equal(error.header_name, "x-fapi-interaction-id");
        assert_int_equal(id_parse(str_from_c(error.header_value), id), 0);
        assert_int_equal(id[6] >> 4, 4);
        assert_int_equal(id[8] >> 6, 2);
        assert_true(body.len > 0 && !body.overflow);
    }
    for (int status = 400; status < 600; status++) { /* whatever it refuses has words that fit */
        char memory[HTTP_ERROR_BYTES_MAX];
        struct buffer body;
        struct http_error error = { .status = status, .code = "x", .received = STR("GET /v1 HTTP/1.1"), .body = &body };
        buffer_init(&body, memory, sizeof memory);
        problem_on_http_error(NULL, &error);
        assert_true(body.len > 0 && !body.overflow);
    }
}

static void cache_of_certificates(void **state) {
    struct certificate_cache *cache;
    struct certificate_identity found,
        identity = { .not_before_ms = 100, .not_after_ms = 200, .org_id_len = 1, .org_id = "x" };
    struct hash header = sha256_str(STR("a")), other = sha256_str(STR("b")), list = sha256_str(STR("1")),
                next = sha256_str(STR("2"));
    (void)state;
    assert_int_equal(certificate_cache_new(64, &cache), 0);
    assert_false(certificate_cache_find(cache, &header, &list, 150, &found));
    certificate_cache_put(cache, &header, &list, &identity);
    assert_true(certificate_cache_find(cache, &header, &list, 150, &found)); /* v1, and its refused twins */
    assert_int_equal(found.org_id[0], 'x');
    assert_true(certificate_cache_find(cache, &header, &list, 100, &found));
    assert_false(certificate_cache_find(cache, &header, &list, 99, &found));
    assert_false(certificate_cache_find(cache, &header, &list, 200, &found));
    assert_false(certificate_cache_find(cache, &header, &next, 150, &found));
    assert_false(certificate_cache_find(cache, &other, &list, 150, &found));
    for (uint32_t i = 0; i < 10000; i++) { /* v3: a flood finds no more room than there is; what is used stays */
        struct hash flood = sha256(&i, sizeof i);
        assert_true(certificate_cache_find(cache, &header, &list, 150, &found));
        certificate_cache_put(cache, &flood, &list, &identity);
    }
    (void)certificate_cache_free(cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes),
        cmocka_unit_test(errors_are_listed),
        cmocka_unit_test(errors_of_the_server),
        cmocka_unit_test(cache_of_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
