#include "integration/acl/core_carries.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct { const char *iban, *sort_code, *number, *want; } account_cases[] = {
    { "", "202020", "11111111", "20202011111111" },
    { "GB82WEST12345698765432", "", "", "WEST12345698765432" },
    { "GB82WEST12345698765432", "123456", "98765432", "12345698765432" }, /* the sort code goes first */
    { "CZ6508000000192000145399", "", "", "08000000192000145399" },       /* 20: just fits */
    { "FR1420041010050500013M02606", "", "", NULL },                      /* 23 */
    { "MT84MALT011000012345MTLCAST001S", "", "", NULL },
    { "GB82", "", "", NULL },
    { "GB", "", "", NULL },
    { "", "", "", NULL },
    { "", "", "11111111", NULL },
    { "", "202020", "", NULL },
    { "", "202020", "1111111", NULL },
    { "", "202020", "111111111", NULL },
    { "", "20202", "11111111", NULL },
    { "", "20 020", "11111111", NULL },
    { "", "202020", "1111111x", NULL },
    { "CZ65 08000000192000145", "", "", NULL },
};

static void accounts_as_the_core_knows_them(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(account_cases); i++) {
        struct core_account account = { .len = 99 };
        int r = core_account_make(str_from_c(account_cases[i].iban), str_from_c(account_cases[i].sort_code),
                                  str_from_c(account_cases[i].number), &account);
        assert_int_equal(r, account_cases[i].want ? 0 : CORE_CARRIES_E_CREDITOR);
        if (!r) assert_true(str_equal_c(core_account_reveal(&account), account_cases[i].want));
        else assert_int_equal(account.len, 99);
    }
}

static struct payment_order order_to(const char *iban, int64_t minor) {
    struct payment_order order = { .amount = { .minor = minor } };
    order.creditor.scheme = CREDITOR_SCHEME_IBAN;
    assert_int_equal(iban_parse(str_from_c(iban), &order.creditor.iban), 0);
    return order;
}

static void orders_that_do_not_fit_are_refused(void **state) {
    (void)state;
    static const struct { const char *iban; int64_t minor; int want; } cases[] = {
        { "GB82WEST12345698765432", 1, 0 },
        { "CZ6508000000192000145399", 999999999999, 0 },
        { "CZ6508000000192000145399", 1000000000000, CORE_CARRIES_E_AMOUNT },
        { "GB82WEST12345698765432", INT64_MAX, CORE_CARRIES_E_AMOUNT },
        { "FR1420041010050500013M02606", 1, CORE_CARRIES_E_CREDITOR },
        { "FR1420041010050500013M02606", INT64_MAX, CORE_CARRIES_E_CREDITOR },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct payment_order order = order_to(cases[i].iban, cases[i].minor);
        assert_int_equal(core_carries(&order), cases[i].want);
    }
    struct payment_order order = { .amount = { .minor = 1 } };
    assert_int_equal(core_carries(&order), CORE_CARRIES_E_CREDITOR);
    order.creditor.scheme = CREDITOR_SCHEME_UK;
    assert_int_equal(core_carries(&order), CORE_CARRIES_E_CREDITOR);
    assert_int_equal(sort_code_parse(STR("20-20-20"), &order.creditor.sort_code), 0);
    assert_int_equal(account_number_parse(STR("11111111"), ACCOUNT_SCHEME_UK, &order.creditor.account_number), 0);
    assert_int_equal(core_carries(&order), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_as_the_core_knows_them),
        cmocka_unit_test(orders_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
