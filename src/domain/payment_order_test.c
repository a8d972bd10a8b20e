#include "domain/payment_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct payment_order order_valid(enum creditor_scheme scheme) {
    struct payment_order order = { .client_id = { { 1 } }, .debtor_account_id = { { 2 } }, .creditor.scheme = scheme };
    struct currency gbp;
    check(currency_parse(STR("GBP"), &gbp) == 0 && money_parse(STR("19.99"), gbp, &order.amount) == 0);
    check(person_name_parse(STR("Ada"), &order.creditor.name) == 0);
    if (scheme == CREDITOR_SCHEME_IBAN) check(iban_parse(STR("GB82WEST12345698765432"), &order.creditor.iban) == 0);
    if (scheme != CREDITOR_SCHEME_UK) return order;
    check(sort_code_parse(STR("12-34-56"), &order.creditor.sort_code) == 0);
    check(account_number_parse(STR("98765432"), ACCOUNT_SCHEME_UK, &order.creditor.account_number) == 0);
    return order;
}

/* Each breaks one thing. */
static void break_nothing(struct payment_order *order) { (void)order; }
static void break_client(struct payment_order *order) { order->client_id = (struct client_id){ 0 }; }
static void break_debtor(struct payment_order *order) { order->debtor_account_id = (struct account_id){ 0 }; }
static void break_name_none(struct payment_order *order) { order->creditor.name.len = 0; }
static void break_name_control(struct payment_order *order) { order->creditor.name.at[1].value = '\n'; }
static void break_name_length(struct payment_order *order) { order->creditor.name.len = PERSON_NAME_BYTES_MAX + 1; }
static void break_scheme(struct payment_order *order) { order->creditor.scheme = CREDITOR_SCHEME_NONE; }
static void break_both(struct payment_order *order) {
    order->creditor.iban.len = 22;
    order->creditor.sort_code.len = 6;
}
static void break_iban(struct payment_order *order) { order->creditor.iban.at[10].value ^= 1; }
static void break_iban_none(struct payment_order *order) { order->creditor.iban.len = 0; }
static void break_iban_length(struct payment_order *order) { order->creditor.iban.len = 255; }
static void break_sort_code(struct payment_order *order) { order->creditor.sort_code.at[0].value = 'x'; }
static void break_sort_code_none(struct payment_order *order) { order->creditor.sort_code.len = 0; }
static void break_number(struct payment_order *order) { order->creditor.account_number.len = 7; }
static void break_number_length(struct payment_order *order) { order->creditor.account_number.len = 200; }
static void break_currency(struct payment_order *order) { order->amount.currency.code = 0; }
static void break_zero(struct payment_order *order) { order->amount.minor = 0; }
static void break_negative(struct payment_order *order) { order->amount.minor = INT64_MIN; }
static void break_reference(struct payment_order *order) { order->reference.len = 1; order->reference.at[0].value = 7; }
static void break_reference_length(struct payment_order *order) { order->reference.len = 141; }
static void break_end_to_end(struct payment_order *order) {
    order->end_to_end_id = (struct end_to_end_id){ .at = "\x1b", .len = 1 };
}
static void break_instruction(struct payment_order *order) {
    order->instruction_id = (struct end_to_end_id){ .at = "\n", .len = 1 };
}
static void break_end_to_end_length(struct payment_order *order) { order->end_to_end_id.len = 36; }
static void break_all(struct payment_order *order) { memset(order, 0, sizeof *order); }
static void break_creditor_and_amount(struct payment_order *order) { break_iban(order); break_zero(order); }
static void set_optional(struct payment_order *order) {
    check(payment_reference_parse(STR("Rent"), &order->reference) == 0);
    check(end_to_end_id_parse(STR("E2E-1"), &order->end_to_end_id) == 0);
    check(end_to_end_id_parse(STR("INSTR-1"), &order->instruction_id) == 0);
    order->amount.minor = INT64_MAX;
}

static const struct {
    const char *name;
    enum creditor_scheme scheme;
    void (*change)(struct payment_order *order);
    int want;
} cases[] = {
    { "valid with IBAN", CREDITOR_SCHEME_IBAN, break_nothing, 0 },
    { "valid with sort code", CREDITOR_SCHEME_UK, break_nothing, 0 },
    { "valid with all options", CREDITOR_SCHEME_IBAN, set_optional, 0 },
    { "no client", CREDITOR_SCHEME_IBAN, break_client, PAYMENT_ORDER_E_CLIENT },
    { "no debtor", CREDITOR_SCHEME_IBAN, break_debtor, PAYMENT_ORDER_E_DEBTOR },
    { "no name", CREDITOR_SCHEME_IBAN, break_name_none, PAYMENT_ORDER_E_CREDITOR_NAME },
    { "line feed in name", CREDITOR_SCHEME_IBAN, break_name_control, PAYMENT_ORDER_E_CREDITOR_NAME },
    { "name too long", CREDITOR_SCHEME_IBAN, break_name_length, PAYMENT_ORDER_E_CREDITOR_NAME },
    { "no scheme", CREDITOR_SCHEME_IBAN, break_scheme, PAYMENT_ORDER_E_CREDITOR_ACCOUNT },
    { "both schemes, IBAN named", CREDITOR_SCHEME_IBAN, break_both, PAYMENT_ORDER_E_CREDITOR_ACCOUNT },
    { "both schemes, UK named", CREDITOR_SCHEME_UK, break_both, PAYMENT_ORDER_E_CREDITOR_ACCOUNT },
    { "IBAN changed", CREDITOR_SCHEME_IBAN, break_iban, PAYMENT_ORDER_E_CREDITOR_IBAN },
    { "no IBAN", CREDITOR_SCHEME_IBAN, break_iban_none, PAYMENT_ORDER_E_CREDITOR_IBAN },
    { "IBAN claims 255 bytes", CREDITOR_SCHEME_IBAN, break_iban_length, PAYMENT_ORDER_E_CREDITOR_IBAN },
    { "sort code not digits", CREDITOR_SCHEME_UK, break_sort_code, PAYMENT_ORDER_E_CREDITOR_SORT_CODE },
    { "no sort code", CREDITOR_SCHEME_UK, break_sort_code_none, PAYMENT_ORDER_E_CREDITOR_SORT_CODE },
    { "account number short", CREDITOR_SCHEME_UK, break_number, PAYMENT_ORDER_E_CREDITOR_ACCOUNT_NUMBER },
    { "account number claims 200", CREDITOR_SCHEME_UK, break_number_length, PAYMENT_ORDER_E_CREDITOR_ACCOUNT_NUMBER },
    { "no currency", CREDITOR_SCHEME_IBAN, break_currency, PAYMENT_ORDER_E_CURRENCY },
    { "zero", CREDITOR_SCHEME_IBAN, break_zero, PAYMENT_ORDER_E_AMOUNT },
    { "negative", CREDITOR_SCHEME_IBAN, break_negative, PAYMENT_ORDER_E_AMOUNT },
    { "bell in reference", CREDITOR_SCHEME_IBAN, break_reference, PAYMENT_ORDER_E_REFERENCE },
    { "reference too long", CREDITOR_SCHEME_IBAN, break_reference_length, PAYMENT_ORDER_E_REFERENCE },
    { "escape in end-to-end id", CREDITOR_SCHEME_IBAN, break_end_to_end, PAYMENT_ORDER_E_END_TO_END_ID },
    { "end-to-end id too long", CREDITOR_SCHEME_IBAN, break_end_to_end_length, PAYMENT_ORDER_E_END_TO_END_ID },
    { "line end in instruction id", CREDITOR_SCHEME_IBAN, break_instruction, PAYMENT_ORDER_E_INSTRUCTION_ID },
    { "all wrong: the first answers", CREDITOR_SCHEME_IBAN, break_all, PAYMENT_ORDER_E_CLIENT },
    { "creditor before amount", CREDITOR_SCHEME_IBAN, break_creditor_and_amount, PAYMENT_ORDER_E_CREDITOR_IBAN },
};

static void order_is_judged_as_the_table_says(void **state) {
    (void)state;
    bool seen[PAYMENT_ORDER_E_COUNT] = { 0 };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct payment_order order = order_valid(cases[i].scheme);
        cases[i].change(&order);
        int r = payment_order_check(&order);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
        seen[r] = true;
    }
    for (int refusal = 0; refusal < PAYMENT_ORDER_E_COUNT; refusal++) assert_true(seen[refusal]);
}

static void refusals_name_path_and_reason(void **state) {
    (void)state;
    assert_string_equal(payment_order_refusal_path(PAYMENT_ORDER_E_AMOUNT), "amount.value");
    for (int refusal = 1; refusal < PAYMENT_ORDER_E_COUNT; refusal++) {
        assert_true(payment_order_refusal_path(refusal)[0]);
        assert_string_not_equal(payment_order_refusal_text(refusal), payment_order_refusal_text(0));
    }
}

static void end_to_end_id_is_bounded(void **state) {
    (void)state;
    struct end_to_end_id id = { 0 };
    assert_int_equal(end_to_end_id_parse(STR("01234567890123456789012345678901234"), &id), 0);
    assert_true(str_equal(end_to_end_id_str(&id), STR("01234567890123456789012345678901234")));
    assert_int_equal(end_to_end_id_parse(STR("012345678901234567890123456789012345"), &id),
                     PAYMENT_ORDER_E_END_TO_END_ID);
    assert_int_equal(end_to_end_id_parse(STR(""), &id), PAYMENT_ORDER_E_END_TO_END_ID);
    assert_int_equal(end_to_end_id_parse(STR("a\r\nb"), &id), PAYMENT_ORDER_E_END_TO_END_ID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_judged_as_the_table_says),
        cmocka_unit_test(refusals_name_path_and_reason),
        cmocka_unit_test(end_to_end_id_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
