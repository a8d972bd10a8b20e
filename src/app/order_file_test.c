#include "app/order_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HEADING "\"order_id\";\"account_id\";\"bank_to\";\"account_to\";\"amount\";\"k_symbol\"\n"
#define GOOD "29401;1;\"YZ\";\"87144583\";2452.00;\"SIPO\"\n"

static const struct {
    const char *text;
    const char *message; /* NULL: accepted */
} rows[] = {
    { HEADING GOOD, NULL },
    { HEADING "29401;1;\"YZ\";\"87144583\";2452.00;\"SIPO\"", NULL },
    { HEADING "29401;1;\"YZ\";\"87144583\";2452;\" \"\r\n", NULL },
    { HEADING "29401;1;\"YZ\";\"87144583\";2452.5;\"\"\n", NULL },
    { HEADING "29401;1;\"YZ\";\"0\";0.01;\"a;b\"\n", NULL },
    { HEADING "29401;9999999999;\"YZ\";\"9999999999\";1;\"\"\n", NULL },
    { HEADING GOOD "29402;1;\"YZ\";\"1\";1.00;\"\"\n", NULL },
    { "", "line 1: the file is empty" },
    { HEADING, "line 1: no order follows" },
    { GOOD, "line 1, column 1 (order_id): must stand in double quotes" },
    { "\"order_id\";\"account_id\"\n" GOOD, "line 1, column 3 (bank_to): is missing" },
    { "\"order_id\";\"account_id\";\"bank\";\"account_to\";\"amount\";\"k_symbol\"\n" GOOD,
      "line 1, column 3 (bank_to): is named differently" },
    { HEADING GOOD "\n", "line 3, column 2 (account_id): is missing" },
    { HEADING GOOD GOOD, "line 3, column 1 (order_id): stands in an earlier line already" },
    { HEADING "29401;1;\"YZ\";\"1\";1.00;\"\";1\n", "line 2: more than 6 columns" },
    { HEADING "29401;1;\"YZ\";\"1\";1.00\n", "line 2, column 6 (k_symbol): is missing" },
    { HEADING "29401;1;\"YZ;\"1\";1.00;\"\"\n", "line 2, column 3 (bank_to): a quote is not closed" },
    { HEADING "29401;1;\"YZ\";\"1\";1.00;\"\n", "line 2, column 6 (k_symbol): a quote is not closed" },
    { HEADING "x;1;\"YZ\";\"1\";1.00;\"\"\n",
      "line 2, column 1 (order_id): must be a whole number above 0 with at most 10 digits" },
    { HEADING "0;1;\"YZ\";\"1\";1.00;\"\"\n",
      "line 2, column 1 (order_id): must be a whole number above 0 with at most 10 digits" },
    { HEADING "01;1;\"YZ\";\"1\";1.00;\"\"\n",
      "line 2, column 1 (order_id): must be a whole number above 0 with at most 10 digits" },
    { HEADING "1;12345678901;\"YZ\";\"1\";1.00;\"\"\n",
      "line 2, column 2 (account_id): must be a whole number above 0 with at most 10 digits" },
    { HEADING "1;-1;\"YZ\";\"1\";1.00;\"\"\n",
      "line 2, column 2 (account_id): must be a whole number above 0 with at most 10 digits" },
    { HEADING "1;1;YZ;\"1\";1.00;\"\"\n", "line 2, column 3 (bank_to): must stand in double quotes" },
    { HEADING "1;1;\"\";\"1\";1.00;\"\"\n", "line 2, column 3 (bank_to): is empty" },
    { HEADING "1;1;\"yz\";\"1\";1.00;\"\"\n", "line 2, column 3 (bank_to): must be capital letters" },
    { HEADING "1;1;\"YZ\";\"\";1.00;\"\"\n", "line 2, column 4 (account_to): must be 1 to 10 digits" },
    { HEADING "1;1;\"YZ\";\"1a\";1.00;\"\"\n", "line 2, column 4 (account_to): must be 1 to 10 digits" },
    { HEADING "1;1;\"YZ\";\"12345678901\";1.00;\"\"\n", "line 2, column 4 (account_to): must be 1 to 10 digits" },
    { HEADING "1;1;\"YZ\";\"1\";0.00;\"\"\n", "line 2, column 5 (amount): amount must be greater than zero" },
    { HEADING "1;1;\"YZ\";\"1\";-1.00;\"\"\n", "line 2, column 5 (amount): amount must be greater than zero" },
    { HEADING "1;1;\"YZ\";\"1\";1.005;\"\"\n", "line 2, column 5 (amount): " },
    { HEADING "1;1;\"YZ\";\"1\";1,00;\"\"\n", "line 2, column 5 (amount): " },
    { HEADING "1;1;\"YZ\";\"1\";1e2;\"\"\n", "line 2, column 5 (amount): " },
    { HEADING "1;1;\"YZ\";\"1\";99999999999999999999;\"\"\n", "line 2, column 5 (amount): " },
    { HEADING "1;1;\"YZ\";\"1\";92233720368547758.07;\"\"\n2;2;\"YZ\";\"1\";0.01;\"\"\n",
      "the orders add up to more than can be counted" },
    { HEADING "1;1;\"YZ\";\"1\";1.00;\"\x01\"\n", "line 2, column 6 (k_symbol): holds a character that may not stand there" },
    { HEADING "1;1;\"YZ\";\"1\";1.00;\"123456789012345678901234567890123\"\n",
      "line 2, column 6 (k_symbol): is longer than 32 bytes" },
};

static void test_lines(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena arena;
        struct order_file file;
        struct message message = { .text = "" };
        assert_int_equal(arena_init(&arena, 4096, ORDER_FILE_ARENA_BYTES_MAX), 0);
        int r = order_file_parse(str_from_c(rows[i].text), &arena, &file, &message);
        bool fits = rows[i].message && strncmp(message.text, rows[i].message, strlen(rows[i].message)) == 0;
        if (r != (rows[i].message ? ORDER_FILE_E_INVALID : 0) || (r && !fits))
            print_error("row %zu: %d, %s\n", i, r, message.text);
        assert_int_equal(r, rows[i].message ? ORDER_FILE_E_INVALID : 0);
        assert_true(r == 0 || fits);
        arena_release(&arena);
    }
}

/* F2: the order of the file is kept, accounts and banks are sorted. */
static void test_lists(void **state) {
    static const char text[] = HEADING "9;20;\"YZ\";\"5\";1.00;\"\"\n7;3;\"AB\";\"6\";2.50;\"\"\n8;20;\"AB\";\"7\";0.25;\"\"\n";
    static const struct {
        uint64_t id, account_id;
        const char *bank;
        size_t bank_index, account_index;
    } want[] = { { 9, 20, "YZ", 1, 1 }, { 7, 3, "AB", 0, 0 }, { 8, 20, "AB", 0, 1 } };
    struct arena arena;
    struct order_file file;
    (void)state;
    assert_int_equal(arena_init(&arena, 4096, ORDER_FILE_ARENA_BYTES_MAX), 0);
    assert_int_equal(order_file_parse(str_from_c(text), &arena, &file, NULL), 0);
    assert_int_equal(file.order_count, 3);
    assert_int_equal(file.account_count, 2);
    assert_int_equal(file.bank_count, 2);
    assert_int_equal(file.total.minor, 375);
    assert_int_equal(file.accounts[0].total_minor, 250);
    assert_int_equal(file.accounts[1].total_minor, 125);
    for (size_t i = 0; i < ARRAY_COUNT(want); i++) {
        assert_int_equal(file.orders[i].order_id, want[i].id);
        assert_true(str_equal_c(file.orders[i].bank_to, want[i].bank));
        assert_int_equal(file.orders[i].bank, want[i].bank_index);
        assert_int_equal(file.orders[i].account, want[i].account_index);
        assert_int_equal(file.accounts[file.orders[i].account].account_id, want[i].account_id);
    }
    arena_release(&arena);
}

/* The check digits were computed apart from this program: 98 less the remainder by 97 of BBAN, "1235" (CZ), "00". */
static void test_ibans(void **state) {
    static const struct {
        bool debtor;
        uint64_t account_id;
        size_t bank;
        const char *account_to, *want;
    } ibans[] = {
        { true, 1, 0, "", "CZ7988880000000000000001" },
        { true, 11362, 0, "", "CZ4688880000000000011362" },
        { true, 9999999999, 0, "", "CZ7188880000009999999999" },
        { false, 0, 0, "1", "CZ9290000000000000000001" },
        { false, 0, 12, "87144583", "CZ5290120000000087144583" },
        { false, 0, 999, "0000000007", "CZ7899990000000000000007" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(ibans); i++) {
        struct iban iban;
        const struct order order = { .bank = ibans[i].bank, .account_to = str_from_c(ibans[i].account_to) };
        if (ibans[i].debtor)
            order_debtor_iban(ibans[i].account_id, &iban);
        else
            order_creditor_iban(&order, &iban);
        assert_true(str_equal_c(iban_reveal(&iban), ibans[i].want));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_lists),
                                        cmocka_unit_test(test_ibans) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
