#include "domain/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct currency currency_of(const char *text) {
    struct currency currency = { 0 };
    assert_int_equal(currency_parse(str_from_c(text), &currency), 0);
    return currency;
}

static const struct {
    const char *text, *currency;
    int want;
    int64_t minor;
} amount_cases[] = {
    { "19.99", "GBP", 0, 1999 },
    { "1", "GBP", 0, 100 },
    { "0.5", "GBP", 0, 50 },
    { "0.50", "GBP", 0, 50 },
    { "0.01", "GBP", 0, 1 },
    { "0.001", "GBP", MONEY_E_DECIMALS, 0 },
    { "19.990", "GBP", MONEY_E_DECIMALS, 0 }, /* zeros count */
    { "0", "GBP", MONEY_E_NOT_POSITIVE, 0 },
    { "0.00", "GBP", MONEY_E_NOT_POSITIVE, 0 },
    { "0.000", "GBP", MONEY_E_DECIMALS, 0 },
    { "-1", "GBP", MONEY_E_NOT_POSITIVE, 0 },
    { "-19.99", "GBP", MONEY_E_NOT_POSITIVE, 0 },
    { "-0", "GBP", MONEY_E_NOT_POSITIVE, 0 },
    { "-", "GBP", MONEY_E_SYNTAX, 0 },
    { "--1", "GBP", MONEY_E_SYNTAX, 0 },
    { "+1", "GBP", MONEY_E_SYNTAX, 0 },
    { "1e2", "GBP", MONEY_E_SYNTAX, 0 },
    { "1E2", "GBP", MONEY_E_SYNTAX, 0 },
    { "1.5e1", "GBP", MONEY_E_SYNTAX, 0 },
    { "01", "GBP", MONEY_E_SYNTAX, 0 },
    { "00", "GBP", MONEY_E_SYNTAX, 0 },
    { "00.50", "GBP", MONEY_E_SYNTAX, 0 },
    { "007.00", "GBP", MONEY_E_SYNTAX, 0 },
    { ".5", "GBP", MONEY_E_SYNTAX, 0 },
    { "5.", "GBP", MONEY_E_SYNTAX, 0 },
    { ".", "GBP", MONEY_E_SYNTAX, 0 },
    { "", "GBP", MONEY_E_SYNTAX, 0 },
    { " ", "GBP", MONEY_E_SYNTAX, 0 },
    { " 1", "GBP", MONEY_E_SYNTAX, 0 },
    { "1 ", "GBP", MONEY_E_SYNTAX, 0 },
    { "1 000", "GBP", MONEY_E_SYNTAX, 0 },
    { "1,00", "GBP", MONEY_E_SYNTAX, 0 },
    { "1.2.3", "GBP", MONEY_E_SYNTAX, 0 },
    { "0x10", "GBP", MONEY_E_SYNTAX, 0 },
    { "1\n", "GBP", MONEY_E_SYNTAX, 0 },
    { "NaN", "GBP", MONEY_E_SYNTAX, 0 },
    { "Infinity", "GBP", MONEY_E_SYNTAX, 0 },
    { "\xd9\xa1", "GBP", MONEY_E_SYNTAX, 0 }, /* arabic-indic one */
    { "92233720368547758.07", "GBP", 0, INT64_MAX },
    { "92233720368547758.08", "GBP", MONEY_E_RANGE, 0 },
    { "92233720368547758.1", "GBP", MONEY_E_RANGE, 0 },
    { "92233720368547759", "GBP", MONEY_E_RANGE, 0 },
    { "9223372036854775807", "GBP", MONEY_E_RANGE, 0 },
    { "9223372036854775807", "JPY", 0, INT64_MAX },
    { "9223372036854775808", "JPY", MONEY_E_RANGE, 0 },
    { "18446744073709551617", "JPY", MONEY_E_RANGE, 0 },
    { "99999999999999999999999999999999999999999999", "JPY", MONEY_E_RANGE, 0 },
    { "100", "JPY", 0, 100 },
    { "100.0", "JPY", MONEY_E_DECIMALS, 0 },
    { "100.", "JPY", MONEY_E_SYNTAX, 0 },
    { "1.234", "BHD", 0, 1234 },
    { "1.2", "BHD", 0, 1200 },
    { "1.2345", "BHD", MONEY_E_DECIMALS, 0 },
    { "1.2345", "CLF", 0, 12345 },
    { "1.23456", "CLF", MONEY_E_DECIMALS, 0 },
};

/* spec: ledger/2 */
static void amount_is_read_as_the_table_says(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(amount_cases); i++) {
        struct money money = { .minor = 77 };
        int r = money_parse(str_from_c(amount_cases[i].text), currency_of(amount_cases[i].currency), &money);
        if (r != amount_cases[i].want) fail_msg("%s %s: %d", amount_cases[i].text, amount_cases[i].currency, r);
        if (money.minor != (r ? 77 : amount_cases[i].minor))
            fail_msg("%s: %ld", amount_cases[i].text, (long)money.minor);
    }
    struct money money;
    assert_int_equal(money_parse(STR("1"), (struct currency){ 0 }, &money), MONEY_E_CURRENCY);
    assert_int_equal(money_parse((struct str){ .at = "1\0", .len = 2 }, currency_of("GBP"), &money), MONEY_E_SYNTAX);
}

static const struct {
    int64_t minor;
    const char *currency, *text;
} text_cases[] = {
    { 1999, "GBP", "19.99" },
    { 0, "GBP", "0.00" },
    { 5, "GBP", "0.05" },
    { -5, "GBP", "-0.05" },
    { -1999, "GBP", "-19.99" },
    { 100, "JPY", "100" },
    { 0, "JPY", "0" },
    { -7, "JPY", "-7" },
    { 1, "BHD", "0.001" },
    { 1, "CLF", "0.0001" },
    { INT64_MAX, "GBP", "92233720368547758.07" },
    { INT64_MIN, "GBP", "-92233720368547758.08" },
    { INT64_MIN, "JPY", "-9223372036854775808" },
};

/* spec: ledger/2 */
static void amount_is_written(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(text_cases); i++) {
        char text[MONEY_TEXT_BYTES];
        struct money money = { .minor = text_cases[i].minor, .currency = currency_of(text_cases[i].currency) }, again;
        struct str written = money_text(money, text);
        assert_true(str_equal_c(written, text_cases[i].text));
        assert_string_equal(text, text_cases[i].text);
        if (money.minor > 0) {
            assert_int_equal(money_parse(written, money.currency, &again), 0);
            assert_int_equal(again.minor, money.minor);
        }
    }
}

static const struct {
    const char *text;
    int want, exponent;
} currency_cases[] = {
    { "GBP", 0, 2 }, { "EUR", 0, 2 }, { "CZK", 0, 2 }, { "USD", 0, 2 }, { "JPY", 0, 0 }, { "KRW", 0, 0 },
    { "ISK", 0, 0 }, { "BHD", 0, 3 }, { "KWD", 0, 3 }, { "CLF", 0, 4 }, { "UYW", 0, 4 }, { "AED", 0, 2 },
    { "ZWG", 0, 2 }, { "XAF", 0, 0 },
    { "gbp", MONEY_E_CURRENCY, 0 }, { "Gbp", MONEY_E_CURRENCY, 0 }, { "GB", MONEY_E_CURRENCY, 0 },
    { "GBPP", MONEY_E_CURRENCY, 0 }, { "", MONEY_E_CURRENCY, 0 }, { "XX" "X", MONEY_E_CURRENCY, 0 },
    { "XAU", MONEY_E_CURRENCY, 0 }, { "XTS", MONEY_E_CURRENCY, 0 }, { "AAA", MONEY_E_CURRENCY, 0 },
    { "ZZZ", MONEY_E_CURRENCY, 0 }, { "HRK", MONEY_E_CURRENCY, 0 }, { "BTC", MONEY_E_CURRENCY, 0 },
    { " GB", MONEY_E_CURRENCY, 0 }, { "\xff\xff\xff", MONEY_E_CURRENCY, 0 },
};

static void currency_is_known_or_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(currency_cases); i++) {
        struct currency currency = { 0 };
        char text[4];
        int r = currency_parse(str_from_c(currency_cases[i].text), &currency);
        if (r != currency_cases[i].want) fail_msg("%s: %d", currency_cases[i].text, r);
        if (r) continue;
        assert_int_equal(currency_exponent(currency), currency_cases[i].exponent);
        assert_true(str_equal_c(currency_text(currency, text), currency_cases[i].text));
    }
    assert_false(currency_is_known((struct currency){ 0 }));
    assert_true(currency_equal(currency_of("GBP"), currency_of("GBP")));
    assert_false(currency_equal(currency_of("GBP"), currency_of("EUR")));
}

/* Every row is found by its own text: the table is sorted and has no duplicate; all others of the 17,576 are refused.
 */
static void currency_table_is_whole(void **state) {
    (void)state;
    size_t known = 0, exponents[5] = { 0 };
    for (int i = 0; i < 26 * 26 * 26; i++) {
        char text[3] = { (char)('A' + i / 676), (char)('A' + i / 26 % 26), (char)('A' + i % 26) };
        struct currency currency;
        if (currency_parse(str_from_bytes(text, 3), &currency)) continue;
        known++;
        exponents[currency_exponent(currency)]++;
    }
    assert_int_equal(known, 165);
    assert_int_equal(exponents[0], 17);
    assert_int_equal(exponents[1], 0);
    assert_int_equal(exponents[3], 7);
    assert_int_equal(exponents[4], 2);
}

static const struct {
    const char *name;
    int64_t a, b;
    int add_want, sub_want;
} sum_cases[] = {
    { "small", 2, 1, 0, 0 },
    { "below zero", 1, 2, 0, 0 },
    { "largest and zero", INT64_MAX, 0, 0, 0 },
    { "largest and one", INT64_MAX, 1, -ERANGE, 0 },
    { "largest and minus one", INT64_MAX, -1, 0, -ERANGE },
    { "smallest and one", INT64_MIN, 1, 0, -ERANGE },
    { "smallest and minus one", INT64_MIN, -1, -ERANGE, 0 },
    { "zero and smallest", 0, INT64_MIN, 0, -ERANGE },
};

/* spec: ledger/2 */
static void sums_overflow_as_a_result(void **state) {
    (void)state;
    struct currency gbp = currency_of("GBP");
    for (size_t i = 0; i < ARRAY_COUNT(sum_cases); i++) {
        struct money a = { .minor = sum_cases[i].a, .currency = gbp }, b = { .minor = sum_cases[i].b, .currency = gbp };
        struct money sum = { .minor = 77 }, difference = { .minor = 77 };
        if (money_add(a, b, &sum) != sum_cases[i].add_want) fail_msg("add: %s", sum_cases[i].name);
        if (money_sub(a, b, &difference) != sum_cases[i].sub_want) fail_msg("sub: %s", sum_cases[i].name);
        assert_true(sum.minor == (sum_cases[i].add_want ? 77 : a.minor + b.minor));
        assert_true(difference.minor == (sum_cases[i].sub_want ? 77 : a.minor - b.minor));
    }
}

static void every_refusal_has_a_sentence(void **state) {
    (void)state;
    for (int refusal = 1; refusal < MONEY_E_COUNT; refusal++)
        for (int other = 0; other < refusal; other++)
            assert_string_not_equal(money_refusal_text(refusal), money_refusal_text(other));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amount_is_read_as_the_table_says), cmocka_unit_test(amount_is_written),
        cmocka_unit_test(currency_is_known_or_refused),     cmocka_unit_test(currency_table_is_whole),
        cmocka_unit_test(sums_overflow_as_a_result),        cmocka_unit_test(every_refusal_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
