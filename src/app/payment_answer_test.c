#include "app/payment_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ID "01234567-89ab-7def-8123-456789abcdef"
#define PAYMENT(status, more) "{\"payment_id\":\"" ID "\",\"status\":\"" status "\"" more                              \
                              ",\"amount\":{\"value\":\"24.52\",\"currency\":\"CZK\"}}"

static const struct {
    const char *name;
    int refusal, status;
    const char *header, *value, *body;
    enum payment_answer_kind kind;
    const char *reason;
    int64_t wait_ms;
    bool replayed, is_final;
} rows[] = {
    { "accepted", 0, 201, "X", "1", PAYMENT("pending", ""), PAYMENT_ANSWER_PAYMENT, "", 0, false, false },
    { "replayed", 0, 201, "Idempotent-Replayed", "true", PAYMENT("pending", ""), PAYMENT_ANSWER_PAYMENT, "", 0, true, false },
    { "completed", 0, 200, "X", "1", PAYMENT("completed", ""), PAYMENT_ANSWER_PAYMENT, "", 0, false, true },
    { "unknown", 0, 200, "X", "1", PAYMENT("unknown", ""), PAYMENT_ANSWER_PAYMENT, "", 0, false, false },
    { "rejected", 0, 201, "X", "1", PAYMENT("rejected", ",\"reason\":\"fraud\""), PAYMENT_ANSWER_PAYMENT, "fraud", 0, false, true },
    { "a status nobody knows", 0, 200, "X", "1", PAYMENT("done", ""), PAYMENT_ANSWER_REFUSED, "unreadable", 0, false, false },
    { "no payment in it", 0, 201, "X", "1", "{}", PAYMENT_ANSWER_REFUSED, "unreadable", 0, false, false },
    { "no JSON", 0, 201, "X", "1", "<html>", PAYMENT_ANSWER_REFUSED, "unreadable", 0, false, false },
    { "key reused", 0, 422, "X", "1", "{\"code\":\"idempotency_key_reused\"}", PAYMENT_ANSWER_REFUSED, "idempotency_key_reused", 0, false, false },
    { "token over", 0, 401, "X", "1", "{\"code\":\"invalid_token\"}", PAYMENT_ANSWER_REFUSED, "invalid_token", 0, false, false },
    { "fault", 0, 500, "X", "1", "{\"code\":\"internal\"}", PAYMENT_ANSWER_REFUSED, "internal", 0, false, false },
    { "in progress", 0, 409, "X", "1", "{\"code\":\"idempotency_in_progress\"}", PAYMENT_ANSWER_AGAIN, "idempotency_in_progress", 100, false, false },
    { "outcome unknown", 0, 504, "X", "1", "{\"code\":\"outcome_unknown\"}", PAYMENT_ANSWER_AGAIN, "outcome_unknown", 100, false, false },
    { "busy", 0, 503, "Retry-After", "2", "{\"code\":\"unavailable\"}", PAYMENT_ANSWER_AGAIN, "unavailable", 2000, false, false },
    { "busy for long", 0, 503, "Retry-After", "60", "{\"code\":\"unavailable\"}", PAYMENT_ANSWER_AGAIN, "unavailable", 5000, false, false },
    { "busy, a date", 0, 429, "Retry-After", "Sun", "{\"code\":\"rate_limited\"}", PAYMENT_ANSWER_AGAIN, "rate_limited", 100, false, false },
    { "timeout", HTTP_CLIENT_E_TIMEOUT, 0, "X", "1", "", PAYMENT_ANSWER_AGAIN, NULL, 100, false, false },
    { "cut", HTTP_CLIENT_E_BROKEN, 0, "X", "1", "", PAYMENT_ANSWER_AGAIN, NULL, 100, false, false },
    { "nobody there", HTTP_CLIENT_E_CONNECT, 0, "X", "1", "", PAYMENT_ANSWER_LOST, NULL, 100, false, false },
};

static void test_answers(void **state) {
    struct arena arena;
    (void)state;
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct http_header header = { str_from_c(rows[i].header), str_from_c(rows[i].value) };
        const struct http_load_response response = {
            .refusal = rows[i].refusal,
            .result = { .status = rows[i].status, .headers = &header, .header_count = 1, .body = str_from_c(rows[i].body) } };
        struct payment_answer answer;
        arena_reset(&arena);
        payment_answer_read(&response, &arena, &answer);
        if (answer.kind != rows[i].kind) print_error("%s\n", rows[i].name);
        assert_int_equal(answer.kind, rows[i].kind);
        if (rows[i].reason) assert_string_equal(answer.reason, rows[i].reason);
        assert_int_equal(answer.wait_ms, rows[i].wait_ms);
        assert_int_equal(answer.replayed, rows[i].replayed);
        assert_int_equal(payment_answer_is_final(&answer), rows[i].is_final);
        if (answer.kind == PAYMENT_ANSWER_PAYMENT) assert_int_equal(answer.amount.minor, 2452);
    }
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_answers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
