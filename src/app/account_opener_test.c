#include "app/account_opener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void check_line(const struct account_opener *opener, const struct account_wish *wish, const char *want) {
    char memory[1024];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    account_opener_write_open(opener, wish, &out);
    if (!str_equal_c(buffer_str(&out), want)) print_error(STR_FMT "\n", STR_ARG(buffer_str(&out)));
    assert_true(str_equal_c(buffer_str(&out), want));
}

static void test_lines(void **state) {
    struct account_opener opener = { .holder = "bench-client", .name = "Order account" };
    struct account_wish wish = { .fund_minor = 490400 };
    char memory[1024];
    struct buffer out;
    (void)state;
    assert_int_equal(currency_parse(STR("CZK"), &opener.currency), 0);
    assert_int_equal(iban_make(STR("GB"), STR("WEST12345698765432"), &wish.iban), 0);
    check_line(&opener, &wish, "{\"command\":\"account_open\",\"client_name\":\"bench-client\",\"name\":\"Order account\","
                               "\"iban\":\"GB82WEST12345698765432\",\"currency\":\"CZK\",\"fund_minor\":490400,"
                               "\"business\":false}");
    (void)snprintf(wish.sort_code, sizeof wish.sort_code, "123456");
    (void)snprintf(wish.account_number, sizeof wish.account_number, "98765432");
    opener.business = true;
    check_line(&opener, &wish, "{\"command\":\"account_open\",\"client_name\":\"bench-client\",\"name\":\"Order account\","
                               "\"iban\":\"GB82WEST12345698765432\",\"sort_code\":\"123456\",\"account_number\":\"98765432\","
                               "\"currency\":\"CZK\",\"fund_minor\":490400,\"business\":true}");
    buffer_init(&out, memory, sizeof memory);
    account_opener_write_fund(&opener, &wish, 5, &out);
    assert_true(str_equal_c(buffer_str(&out), "{\"command\":\"account_fund\",\"account_id\":\"00000000-0000-0000-0000-000000000000\","
                                              "\"amount\":\"0.05\",\"currency\":\"CZK\"}"));
}

/* Nobody listens: one sentence that says what to do. */
static void test_no_daemon(void **state) {
    struct sandbox sandbox;
    struct account_wish wish = { .fund_minor = 1 };
    struct account_opener opener = { .sandbox = &sandbox, .holder = "bench-client", .name = "a", .title = "Accounts",
                                     .wishes = &wish, .count = 1 };
    struct message message = { .text = "" };
    char folder[] = "/tmp/giro-opener-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(sandbox_init(&sandbox, folder, &message), 0);
    assert_int_equal(currency_parse(STR("CZK"), &opener.currency), 0);
    assert_int_equal(account_opener_run(&opener, &message), SANDBOX_CALLER_E_UNREACHABLE);
    assert_non_null(strstr(message.text, "is ./run running?"));
    assert_int_equal(remove(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_no_daemon) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
