/* payment_accept_test.c - what is refused at acceptance, before the hold, because nobody could carry it afterwards. */
#include "integration/command/command_run.h"

#include "integration/acl/core_carries.h"
#include "integration/bank_test_world.h"

enum { FUND = 100000, AMOUNT = 2500 };

static int bank_setup(void **state) {
    struct bank *bank = calloc(1, sizeof *bank);
    bank_open(bank, &store_memory_ops, "payment_accept_test");
    *state = bank;
    return 0;
}
static int bank_teardown(void **state) {
    bank_shut(*state);
    store_memory_forget("payment_accept_test");
    free(*state);
    return 0;
}

static void on_done(void *owner) {
    *(bool *)owner = true;
}

/* A payment of AMOUNT to iban from an account of its own with the given numbers: 0 or the refusal. */
static int pay(struct bank *bank, const struct account_row *numbers, const char *iban) {
    struct bank_account debtor = { .bank = bank, .fund_minor = FUND };
    struct payment_order order = { .client_id = { { 1 } }, .amount = { AMOUNT, bank_gbp() } };
    struct arena arena;
    bool answered = false;
    debtor.row = (struct account_row){ .iban = numbers->iban,
                                       .sort_code = numbers->sort_code,
                                       .account_number = numbers->account_number,
                                       .client_id = { 1 },
                                       .name = STR("test"),
                                       .currency = bank_gbp().code,
                                       .product = ACCOUNT_BUSINESS };
    assert_int_equal(test_decide(&bank->world, bank_account_decide, &debtor), 0);
    memcpy(order.debtor_account_id.bytes, debtor.row.account_id, 16);
    order.creditor.scheme = CREDITOR_SCHEME_IBAN;
    assert_int_equal(person_name_parse(STR("Jane Doe"), &order.creditor.name), 0);
    assert_int_equal(iban_parse(str_from_c(iban), &order.creditor.iban), 0);
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    struct command_call call = { .arena = &arena, .on_done = on_done, .owner = &answered };
    assert_int_equal(command_payment_accept(&bank->integration, &call, &order), 0);
    engine_step(bank->world.engine);
    assert_true(answered);
    assert_int_equal(call.answer.result, ANSWER_DONE);
    int64_t held = bank_ledger_row(bank, debtor.row.number).held_minor;
    assert_int_equal(held, call.answer.refusal ? 0 : AMOUNT);
    arena_release(&arena);
    return call.answer.refusal;
}

/* The core must be able to name both sides, or the payment would keep its hold and never leave. */
static void the_core_must_carry_both_accounts(void **state) {
    static const char near[] = "DE89370400440532013000", far[] = "FR1420041010050500013M02606";
    static const struct {
        const char *name, *iban, *sort_code, *account_number, *creditor;
        int refusal;
    } cases[] = {
        { "both fit", "GB33BUKB20201555555555", "", "", near, 0 },
        { "UK numbers", "GB94BARC10201530093459", "102015", "30093459", near, 0 },
        { "the creditor's BBAN is too long", "GB29NWBK60161331926819", "", "", far, PAYMENT_ACCEPT_E_CREDITOR },
        { "the debtor's BBAN is too long", far, "", "", near, PAYMENT_ACCEPT_E_CREDITOR },
        { "its UK numbers fit", "IT60X0542811101000000123456", "102015", "30093460", near, 0 },
        { "its sort code is none", "GB60BARC20000055779911", "1020", "30093461", near, PAYMENT_ACCEPT_E_CREDITOR },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct account_row numbers = { .iban = str_from_c(cases[i].iban),
                                       .sort_code = str_from_c(cases[i].sort_code),
                                       .account_number = str_from_c(cases[i].account_number) };
        print_message("%s\n", cases[i].name);
        assert_int_equal(pay(*state, &numbers, cases[i].creditor), cases[i].refusal);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_core_must_carry_both_accounts, bank_setup, bank_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
