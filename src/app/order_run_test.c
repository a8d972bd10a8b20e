#include "app/order_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct money money(int64_t minor, const char *letters) {
    struct money money = { .minor = minor };
    assert_int_equal(currency_parse(str_from_c(letters), &money.currency), 0);
    return money;
}

static struct payment_answer payment(uint8_t id, bool replayed, enum payment_status status, const char *reason) {
    struct payment_answer answer = { .kind = PAYMENT_ANSWER_PAYMENT, .replayed = replayed, .status = status,
                                     .amount = money(100, "CZK"), .payment_id = { { id } } };
    (void)snprintf(answer.reason, sizeof answer.reason, "%s", reason);
    return answer;
}

static struct payment_answer refused(const char *reason) {
    struct payment_answer answer = { .kind = PAYMENT_ANSWER_REFUSED };
    (void)snprintf(answer.reason, sizeof answer.reason, "%s", reason);
    return answer;
}

struct counted {
    const char *name;
    struct order_result result;
    bool good;
    const char *want;
};

static void test_counts(void **state) {
    (void)state;
    const struct payment_answer first = payment(1, false, PAYMENT_PENDING, ""), again = payment(1, true, PAYMENT_PENDING, "");
    const struct payment_answer done = payment(1, false, PAYMENT_COMPLETED, "");
    const struct counted cases[] = {
        { "once and replayed", { { first, again }, done }, true,
          "\"sent\":2,\"completed\":1,\"duplicates\":0,\"total_minor\":100,\"currency\":\"CZK\",\"rejected\":0,\"open\":0,"
          "\"replayed\":1,\"replays_unmarked\":0,\"reasons\":{}}" },
        { "the second was first", { { again, first }, done }, true, "\"replayed\":1,\"replays_unmarked\":0,\"reasons\":{}}" },
        { "a second run: both replayed", { { again, again }, done }, true, "\"replayed\":2,\"replays_unmarked\":0,\"reasons\":{}}" },
        { "two payments", { { first, payment(2, false, PAYMENT_PENDING, "") }, done }, false, "\"duplicates\":1" },
        { "two payments, marked", { { first, payment(2, true, PAYMENT_PENDING, "") }, done }, false, "\"duplicates\":1" },
        { "a replay without its mark", { { first, first }, done }, false, "\"replays_unmarked\":1" },
        { "one send refused", { { first, refused("internal") }, done }, false, "\"sent\":1,\"completed\":1" },
        { "its reason", { { first, refused("internal") }, done }, false, "\"reasons\":{\"internal\":1}}" },
        { "rejected", { { first, again }, payment(1, false, PAYMENT_REJECTED, "fraud") }, false,
          "\"completed\":0,\"duplicates\":0,\"total_minor\":0,\"currency\":\"\",\"rejected\":1,\"open\":0,"
          "\"replayed\":1,\"replays_unmarked\":0,\"reasons\":{\"fraud\":1}}" },
        { "unknown", { { first, again }, payment(1, false, PAYMENT_UNKNOWN, "") }, false, "\"reasons\":{\"unknown\":1}}" },
        { "never asked", { .now = { .kind = PAYMENT_ANSWER_NONE } }, false, "\"sent\":0,\"completed\":0" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char memory[1024];
        struct buffer out;
        struct order_counts counts;
        size_t at;
        buffer_init(&out, memory, sizeof memory);
        order_counts_of(&cases[i].result, 1, &counts);
        order_counts_write(&counts, &out);
        bool fits = str_starts(buffer_str(&out), STR("{\"orders\":1,")) &&
                    str_find(buffer_str(&out), str_from_c(cases[i].want), &at);
        if (!fits) print_error("%s: " STR_FMT "\n", cases[i].name, STR_ARG(buffer_str(&out)));
        assert_true(fits);
        assert_int_equal(order_counts_are_good(&counts), cases[i].good);
    }
}

static void test_mixed_currencies_are_no_total(void **state) {
    const struct payment_answer one = payment(1, false, PAYMENT_COMPLETED, ""), copy = payment(1, true, PAYMENT_COMPLETED, "");
    struct order_result results[2] = { { { one, copy }, one }, { { one, copy }, one } };
    struct order_counts counts;
    (void)state;
    order_counts_of(results, 2, &counts);
    assert_true(order_counts_are_good(&counts));
    assert_int_equal(counts.total.minor, 200);
    results[1].now.amount = money(100, "GBP");
    order_counts_of(results, 2, &counts);
    assert_true(counts.mixed_currency);
    assert_int_equal(counts.total.minor, 100);
    assert_false(order_counts_are_good(&counts));
}

static void test_body(void **state) {
    const struct order order = { .order_id = 29401, .bank_to = STR("YZ"), .account_to = STR("87144583"), .bank = 12,
                                 .amount = money(245200, "CZK") };
    const struct account_id account_id = { { 1, 2 } };
    char memory[BULK_BODY_BYTES_MAX];
    struct buffer out;
    (void)state;
    buffer_init(&out, memory, sizeof memory);
    order_write_body(&order, &account_id, &out);
    assert_true(str_equal_c(buffer_str(&out),
                            "{\"debtor_account_id\":\"01020000-0000-0000-0000-000000000000\","
                            "\"creditor\":{\"name\":\"Bank YZ\",\"iban\":\"CZ5290120000000087144583\"},"
                            "\"amount\":{\"value\":\"2452.00\",\"currency\":\"CZK\"},\"reference\":\"order-29401\"}"));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_counts), cmocka_unit_test(test_mixed_currencies_are_no_total),
                                        cmocka_unit_test(test_body) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
