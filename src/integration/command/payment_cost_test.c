/* payment_cost_test.c - what a payment takes beside its amount, and what is given back of it: the fee in its own hold
 * and its own transaction, refunds in parts. */
#include "integration/command/command_run.h"

#include "integration/bank_test_world.h"
#include "integration/books.h"
#include "services/ledger/ledger_fee.h"

enum { ON_US_FEE = 30, AMOUNT = 5000, AMOUNT_FEE = 50 }; /* of AMOUNT to another bank: 10 per mille, at least 25 */

struct world {
    struct bank bank;
    struct ledger_fees fees;
    struct arena arena;
    struct bank_account creditor;
};

static int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_int_equal(arena_init(&world->arena, 64 * 1024, 1 << 22), 0);
    bank_open(&world->bank, &store_memory_ops, "payment_cost_test");
    world->fees.rows[world->fees.count++] = (struct ledger_fee_row){
        .type = PAYMENT_ON_US, .product = LEDGER_FEE_BUSINESS, .currency = bank_gbp(), .fixed_minor = ON_US_FEE
    };
    world->fees.rows[world->fees.count++] = (struct ledger_fee_row){ .type = PAYMENT_DOMESTIC,
                                                                     .product = LEDGER_FEE_BUSINESS,
                                                                     .currency = bank_gbp(),
                                                                     .min_minor = 25,
                                                                     .per_mille = 10 };
    world->bank.integration.fees = &world->fees;
    *state = world;
    return 0;
}
static int world_close(void **state) {
    struct world *world = *state;
    bank_shut(&world->bank);
    store_memory_forget("payment_cost_test");
    arena_release(&world->arena);
    free(world);
    return 0;
}

static void account_of(struct world *world, struct bank_account *account, bool business, int64_t fund_minor) {
    account->business = business;
    account->fund_minor = fund_minor;
    bank_client_account_open(&world->bank, account);
}

static void on_done(void *owner) {
    *(bool *)owner = true;
}

/* A payment of AMOUNT by the command that clients use. */
static struct bank_payment pay(struct world *world, const struct bank_account *debtor, const char *iban) {
    struct payment_order order = { .client_id = { { 1 } }, .amount = { AMOUNT, bank_gbp() } };
    struct bank_payment payment = { .bank = &world->bank, .debtor = debtor, .amount_minor = AMOUNT };
    bool answered = false;
    struct command_call call = { .arena = &world->arena, .on_done = on_done, .owner = &answered };
    memcpy(order.debtor_account_id.bytes, debtor->row.account_id, 16);
    order.creditor.scheme = CREDITOR_SCHEME_IBAN;
    assert_int_equal(person_name_parse(STR("Jane Doe"), &order.creditor.name), 0);
    assert_int_equal(iban_parse(str_from_c(iban), &order.creditor.iban), 0);
    world->bank.world.followup_count = 0;
    assert_int_equal(command_payment_accept(&world->bank.integration, &call, &order), 0);
    engine_step(world->bank.world.engine);
    assert_true(answered);
    assert_int_equal(call.answer.result, ANSWER_DONE);
    assert_int_equal(call.answer.refusal, 0);
    memcpy(payment.id, call.answer.resource_id, 16);
    return payment;
}

static int64_t fees_earned(struct world *world) {
    return bank_ledger_row(&world->bank, ledger_internal_number(LEDGER_FEES, bank_gbp())).posted_minor;
}

/* The legs of the one transaction that booked the payment. */
static int64_t legs_of(struct world *world, const struct bank_payment *payment) {
    struct ledger_hold_row hold, probe = { .hold_id = { 0 } };
    memcpy(probe.hold_id, payment->id, 16);
    assert_true(test_row(&world->bank.world, &ledger_hold_table, &probe, &hold));
    struct ledger_transaction_row row, transaction = { .number = hold.transaction };
    assert_true(test_row(&world->bank.world, &ledger_transaction_table, &transaction, &row));
    assert_memory_equal(row.payment_id, payment->id, 16);
    assert_int_equal(row.amount_minor, AMOUNT + bank_payment_row(&world->bank, payment).fee_minor);
    return row.entry_count;
}

static void books_are_clean(struct world *world) {
    struct books_result *result = calloc(1, sizeof *result);
    struct reader reader;
    assert_int_equal(reader_open(world->bank.world.store, &reader), 0);
    assert_int_equal(books_verify(&reader, result), 0);
    assert_true(books_is_clean(result));
    reader_close(&reader);
    free(result);
}

/* ---- fees ---- */

static const char FAR[] = "GB82WEST12345698765432";
static const struct {
    const char *name;
    bool business, on_us;
    int64_t fund_minor, fee_minor;
    enum payment_status status; /* of one to another bank: before the core has said anything */
} fee_cases[] = {
    { "a business account, on us", true, true, AMOUNT + ON_US_FEE, ON_US_FEE, PAYMENT_COMPLETED },
    { "a penny less", true, true, AMOUNT + ON_US_FEE - 1, ON_US_FEE, PAYMENT_REJECTED },
    { "a personal account pays none", false, true, AMOUNT, 0, PAYMENT_COMPLETED },
    { "a business account, to another bank", true, false, AMOUNT + AMOUNT_FEE, AMOUNT_FEE, PAYMENT_PENDING },
    { "a penny less for another bank", true, false, AMOUNT + AMOUNT_FEE - 1, AMOUNT_FEE, PAYMENT_REJECTED },
};

/* spec: ledger/37 */
static void a_fee_is_held_and_booked_with_its_payment(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(fee_cases); i++) {
        world_close(state);
        world_open(state);
        struct world *world = *state;
        struct bank_account debtor = { .row = { .number = 0 } };
        account_of(world, &debtor, fee_cases[i].business, fee_cases[i].fund_minor);
        account_of(world, &world->creditor, false, 0);
        struct bank_payment payment = pay(world, &debtor, fee_cases[i].on_us ? world->creditor.iban : FAR);
        struct payment_row row = bank_payment_row(&world->bank, &payment);
        struct ledger_account_row account = bank_ledger_row(&world->bank, debtor.row.number);
        bool rejected = fee_cases[i].status == PAYMENT_REJECTED, booked = fee_cases[i].status == PAYMENT_COMPLETED;
        int64_t whole_minor = AMOUNT + fee_cases[i].fee_minor;
        if (row.status != (int64_t)fee_cases[i].status || row.fee_minor != fee_cases[i].fee_minor)
            fail_msg("%s: %lld, fee %lld", fee_cases[i].name, (long long)row.status, (long long)row.fee_minor);
        assert_int_equal(row.reason, rejected ? PAYMENT_REASON_INSUFFICIENT_FUNDS : PAYMENT_REASON_NONE);
        assert_int_equal(account.posted_minor, fee_cases[i].fund_minor - (booked ? whole_minor : 0));
        assert_int_equal(account.held_minor, booked || rejected ? 0 : whole_minor);
        assert_int_equal(fees_earned(world), booked ? fee_cases[i].fee_minor : 0);
        if (booked) assert_int_equal(legs_of(world, &payment), fee_cases[i].fee_minor ? 4 : 2);
        books_are_clean(world);
    }
}

/* spec: ledger/37 */
static void a_fee_is_earned_when_the_core_has_booked(void **state) {
    struct world *world = *state;
    struct bank_account debtor = { .row = { .number = 0 } };
    account_of(world, &debtor, true, 2 * (AMOUNT + AMOUNT_FEE));
    struct bank_payment refused = pay(world, &debtor, FAR), booked = pay(world, &debtor, FAR);
    assert_int_equal(bank_ledger_row(&world->bank, debtor.row.number).held_minor, 2 * (AMOUNT + AMOUNT_FEE));
    assert_int_equal(bank_core_says(&world->bank, &refused, CORE_VERDICT_REFUSED), 0);
    assert_int_equal(fees_earned(world), 0);
    assert_int_equal(bank_core_says(&world->bank, &booked, CORE_VERDICT_BOOKED), 0);
    assert_int_equal(fees_earned(world), AMOUNT_FEE);
    assert_int_equal(legs_of(world, &booked), 4);
    struct ledger_account_row account = bank_ledger_row(&world->bank, debtor.row.number);
    assert_int_equal(account.posted_minor, AMOUNT + AMOUNT_FEE);
    assert_int_equal(account.held_minor, 0);
    books_are_clean(world);
}

/* ---- refunds ---- */

static const char *refund(struct world *world, const struct bank_payment *payment, int64_t amount_minor) {
    struct payment_refund_input input = { .amount = { amount_minor, bank_gbp() } };
    bool answered = false;
    struct command_call call = { .arena = &world->arena, .on_done = on_done, .owner = &answered };
    memcpy(input.payment_id.bytes, payment->id, 16);
    assert_int_equal(command_payment_refund(&world->bank.integration, &call, &input), 0);
    engine_step(world->bank.world.engine);
    assert_true(answered);
    assert_int_equal(call.answer.result, ANSWER_DONE);
    return call.answer.refusal ? call.answer.refusal_name : "";
}

/* The fee is not given back; what was paid on us comes from the creditor, who must have it. */
/* spec: ledger/36 */
static void a_payment_is_refunded_in_parts_and_once(void **state) {
    struct world *world = *state;
    struct bank_account debtor = { .row = { .number = 0 } };
    account_of(world, &debtor, true, 2 * AMOUNT + ON_US_FEE + AMOUNT_FEE);
    account_of(world, &world->creditor, false, 0);
    struct bank_payment on_us = pay(world, &debtor, world->creditor.iban), far = pay(world, &debtor, FAR);
    int64_t number = debtor.row.number, settlement = ledger_internal_number(LEDGER_SETTLEMENT, bank_gbp());
    assert_string_equal(refund(world, &far, 1), "not_reversible"); /* it is not completed yet */
    assert_int_equal(bank_core_says(&world->bank, &far, CORE_VERDICT_BOOKED), 0);
    assert_int_equal(bank_ledger_row(&world->bank, number).posted_minor, 0);
    static const struct {
        int64_t minor;
        const char *want;
        int64_t debtor_minor; /* afterwards */
    } steps[] = {
        { 2000, "", 2000 },
        { AMOUNT - 2000 + 1, "not_reversible", 2000 },
        { AMOUNT - 2000, "", 5000 },
        { 1, "not_reversible", 5000 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        assert_string_equal(refund(world, &far, steps[i].minor), steps[i].want);
        assert_int_equal(bank_ledger_row(&world->bank, number).posted_minor, steps[i].debtor_minor);
    }
    assert_int_equal(bank_ledger_row(&world->bank, settlement).posted_minor, 0);
    assert_string_equal(refund(world, &on_us, AMOUNT), "");
    assert_int_equal(bank_ledger_row(&world->bank, world->creditor.row.number).posted_minor, 0);
    assert_int_equal(bank_ledger_row(&world->bank, number).posted_minor, 2 * AMOUNT);
    assert_int_equal(fees_earned(world), ON_US_FEE + AMOUNT_FEE);
    books_are_clean(world);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_fee_is_held_and_booked_with_its_payment),
        WORLD_TEST(a_fee_is_earned_when_the_core_has_booked),
        WORLD_TEST(a_payment_is_refunded_in_parts_and_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
