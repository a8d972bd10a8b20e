#include "observe/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *name;
    struct audit_record record;
    const char *want;
} cases[] = {
    { "everything",
      { .time_ms = 1795319100123,
        .interaction_id = STR_INIT("0190A1B2-C3D4-7E5F-8A6B-7C8D9E0F1A2B"),
        .client_id = { { 1 } },
        .customer_id = { { 2 } },
        .method = "POST",
        .route = "/v1/payments/{payment_id}",
        .status = 201,
        .outcome = "accepted",
        .duration_us = 812,
        .resource_id = { 3 },
        .certificate_sha256 = { { 0xab } } },
      "{\"time\":\"2026-11-22T03:45:00.123Z\",\"interaction_id\":\"0190A1B2-C3D4-7E5F-8A6B-7C8D9E0F1A2B\","
      "\"client_id\":\"01000000-0000-0000-0000-000000000000\",\"customer_id\":\"02000000-0000-0000-0000-000000000000\","
      "\"method\":\"POST\",\"route\":\"/v1/payments/"
      "{payment_id}\",\"status\":201,\"outcome\":\"accepted\",\"duration_us\":812,"
      "\"resource_id\":\"03000000-0000-0000-0000-000000000000\","
      "\"certificate_sha256\":\"ab00000000000000000000000000000000000000000000000000000000000000\"}" },
    { "nothing",
      { 0 },
      "{\"time\":\"1970-01-01T00:00:00.000Z\",\"method\":\"unnamed\",\"route\":\"unnamed\",\"outcome\":\"unnamed\","
      "\"duration_us\":0}" },
    { "an interaction id that is no UUID is not written",
      { .interaction_id = STR_INIT("4111111111111111"),
        .method = "GET",
        .route = "/v1/accounts",
        .outcome = "not_found" },
      "{\"time\":\"1970-01-01T00:00:00.000Z\",\"method\":\"GET\",\"route\":\"/v1/"
      "accounts\",\"outcome\":\"not_found\",\"duration_us\":0}" },
    { "words that are not ours are not written",
      { .method = "GET\r\nX: y", .route = "/v1/\"},{\"a\":\"", .outcome = "GB82 WEST" },
      "{\"time\":\"1970-01-01T00:00:00.000Z\",\"method\":\"unnamed\",\"route\":\"unnamed\",\"outcome\":\"unnamed\","
      "\"duration_us\":0}" },
};

static void record_is_written_by_type(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char memory[AUDIT_RECORD_BYTES_MAX + 1];
        struct buffer out;
        buffer_init(&out, memory, AUDIT_RECORD_BYTES_MAX);
        audit_encode(&cases[i].record, &out);
        memory[out.len] = 0;
        if (out.overflow || strcmp(memory, cases[i].want) != 0) fail_msg("%s: %s", cases[i].name, memory);
    }
}

static void longest_record_fits(void **state) {
    (void)state;
    char word[AUDIT_WORD_BYTES_MAX + 2] = { 0 }, memory[AUDIT_RECORD_BYTES_MAX];
    struct audit_record record = cases[0].record;
    struct buffer out;
    memset(word, 'w', AUDIT_WORD_BYTES_MAX);
    record.method = record.route = record.outcome = word;
    record.time_ms = 253402300799999;
    record.status = INT32_MIN;
    record.duration_us = INT64_MIN;
    buffer_init(&out, memory, sizeof memory);
    audit_encode(&record, &out);
    assert_false(out.overflow);
    size_t at;
    assert_true(str_find(buffer_str(&out), str_from_c(word), &at));
    word[AUDIT_WORD_BYTES_MAX] = 'w';
    buffer_reset(&out);
    audit_encode(&record, &out);
    assert_false(str_find(buffer_str(&out), STR("www"), &at));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(record_is_written_by_type),
                                        cmocka_unit_test(longest_record_fits) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
