#include "wire/payment_file_csv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD "creditor_name,iban,sort_code,account_number,amount,currency,reference,end_to_end_id\n"
#define UK "Jane Doe,,200000,55779911,19.99,GBP,invoice 7,E2E-1\n"

static int arena_setup(void **state) {
    struct arena *arena = calloc(1, sizeof *arena);
    assert_non_null(arena);
    assert_int_equal(arena_init(arena, 64 * 1024, 16 * 1024 * 1024), 0);
    *state = arena;
    return 0;
}
static int arena_teardown(void **state) {
    arena_release(*state);
    free(*state);
    return 0;
}

static void v1_read_or_refused_with_its_line(void **state) {
    static const struct {
        const char *name, *text, *message; /* NULL: read */
        size_t count;
        int64_t sum;
    } cases[] = {
        { "one", HEAD UK, NULL, 1, 1999 },
        { "without a last line end", HEAD "Jane Doe,,200000,55779911,0.01,GBP,,", NULL, 1, 1 },
        { "two, by IBAN too", HEAD UK "Hans,DE89370400440532013000,,,100.00,GBP,,\n", NULL, 2, 11999 },
        { "CRLF",
          "creditor_name,iban,sort_code,account_number,amount,currency,reference,end_to_end_id\r\n"
          "Jane Doe,,200000,55779911,1.00,GBP,,\r\n",
          NULL, 1, 100 },
        { "quotes, a comma and a quote inside", HEAD "\"Doe, \"\"J\"\"\",,200000,55779911,\"1.00\",GBP,\"\",\"x\"\n",
          NULL, 1, 100 },
        { "nothing", "", "line 0: no payment in the file", 0, 0 },
        { "headings alone", HEAD, "line 1: no payment in the file", 0, 0 },
        { "no headings", UK, "line 1: want the headings of a file of payments", 0, 0 },
        { "an empty line", HEAD "\n" UK, "line 2: too few fields", 0, 0 },
        { "a field too many", HEAD "Jane Doe,,200000,55779911,1.00,GBP,,,\n", "line 2: too many fields", 0, 0 },
        { "an open quote", HEAD "\"Jane,,200000,55779911,1.00,GBP,,\n", "line 2: a quote that is not closed", 0, 0 },
        { "behind a quote", HEAD "\"Jane\"x,,200000,55779911,1.00,GBP,,\n", "line 2: something behind a closing quote",
          0, 0 },
        { "a quote inside", HEAD "Ja\"ne,,200000,55779911,1.00,GBP,,\n", "line 2: a quote inside a field", 0, 0 },
        { "no name", HEAD ",,200000,55779911,1.00,GBP,,\n", "line 2, creditor_name: it is empty", 0, 0 },
        { "two accounts", HEAD "J,DE89370400440532013000,200000,55779911,1.00,GBP,,\n",
          "line 2: want an iban, or a sort_code and an account_number", 0, 0 },
        { "no account", HEAD "J,,,,1.00,GBP,,\n", "line 2: want an iban, or a sort_code and an account_number", 0, 0 },
        { "an amount of nothing", HEAD UK "J,,200000,55779911,0.00,GBP,,\n",
          "line 3, amount: amount must be greater than zero", 0, 0 },
        { "two currencies (V2)", HEAD UK "J,,200000,55779911,1.00,EUR,,\n",
          "line 3, currency: another currency than in the line before", 0, 0 },
        { "a sum that does not fit (V2)", HEAD UK "J,,200000,55779911,92233720368547758.07,GBP,,\n",
          "line 3, amount: the sum of the file is too large", 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct payment_file_content content;
        struct message message = { { 0 } };
        int r = payment_file_csv_read(str_from_c(cases[i].text), *state, &content, &message);
        bool good = cases[i].message ? r == PAYMENT_FILE_CSV_E_FORMAT &&
                                           (strstr(message.text, cases[i].message) || strstr(cases[i].message, "empty"))
                                     : !r && content.count == cases[i].count && content.sum.minor == cases[i].sum;
        if (!good) fail_msg("%s: %d %s", cases[i].name, r, message.text);
    }
}

static void v1_the_fields_arrive(void **state) {
    struct payment_file_content content;
    assert_int_equal(payment_file_csv_read(STR(HEAD UK), *state, &content, NULL), 0);
    const struct payment_order *order = &content.orders[0];
    assert_int_equal(order->creditor.scheme, CREDITOR_SCHEME_UK);
    assert_true(str_equal(person_name_reveal(&order->creditor.name), STR("Jane Doe")));
    assert_true(str_equal(sort_code_reveal(&order->creditor.sort_code), STR("200000")));
    assert_true(str_equal(account_number_reveal(&order->creditor.account_number), STR("55779911")));
    assert_true(str_equal(payment_reference_reveal(&order->reference), STR("invoice 7")));
    assert_true(str_equal(end_to_end_id_str(&order->end_to_end_id), STR("E2E-1")));
}

static void v1_limits(void **state) {
    struct payment_file_content content;
    struct message message;
    struct buffer text;
    buffer_init_heap(&text, 2 * PAYMENT_FILE_CSV_BYTES_MAX);
    buffer_append_c(&text, HEAD);
    for (int i = 0; i < PAYMENT_FILE_CSV_ITEMS_MAX; i++) buffer_append_c(&text, UK);
    assert_int_equal(payment_file_csv_read(buffer_str(&text), *state, &content, &message), 0);
    assert_int_equal(content.count, PAYMENT_FILE_CSV_ITEMS_MAX);
    buffer_append_c(&text, UK);
    assert_int_equal(payment_file_csv_read(buffer_str(&text), *state, &content, &message), PAYMENT_FILE_CSV_E_FORMAT);
    assert_string_equal(message.text, "line 4002: too many payments");
    while (text.len <= PAYMENT_FILE_CSV_BYTES_MAX) buffer_append_c(&text, UK);
    assert_int_equal(payment_file_csv_read(buffer_str(&text), *state, &content, &message), PAYMENT_FILE_CSV_E_FORMAT);
    assert_string_equal(message.text, "line 0: the file is too large");
    buffer_release(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(v1_read_or_refused_with_its_line, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(v1_the_fields_arrive, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(v1_limits, arena_setup, arena_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
