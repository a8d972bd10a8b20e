/* ledger_reversal_test.c - what was booked is taken back by a linked transaction: ledger/17, 36. */
#include "services/ledger/ledger_test_world.h"

struct reversing {
    struct ledger_reversal reversal;
    struct ledger_receipt receipt;
};
static int reverse_decide(struct work *work, void *input) {
    struct reversing *reversing = input;
    return ledger_reverse(work, &reversing->reversal, &reversing->receipt);
}

struct paying {
    int64_t from, to, amount, fee;
    struct ledger_receipt receipt;
};
static int pay_decide(struct work *work, void *input) {
    struct paying *paying = input;
    struct currency gbp = currency_of("GBP");
    const struct ledger_leg legs[] = {
        { paying->from, LEDGER_DEBIT, { paying->amount, gbp }, 0 },
        { paying->to, LEDGER_CREDIT, { paying->amount, gbp }, 0 },
        { paying->from, LEDGER_DEBIT, { paying->fee, gbp }, 0 },
        { ledger_internal_number(LEDGER_FEES, gbp), LEDGER_CREDIT, { paying->fee, gbp }, 0 },
    };
    struct ledger_order order = { .kind = LEDGER_TRANSFER, .legs = legs, .leg_count = 4, .payment_id = { 7 } };
    return ledger_transact(work, &order, &paying->receipt);
}

enum { PARTS = 3 };
static const struct {
    const char *name;
    struct {
        int64_t amount, fee; /* -1: all that is left of everything */
        int want;
    } parts[PARTS];
    int64_t from, to, fees;
} reversal_cases[] = {
    { "all at once", { { -1, 0, 0 }, { -1, 0, LEDGER_E_REVERSAL }, { 1, 0, LEDGER_E_REVERSAL } }, 1000, 0, 0 },
    { "without the fee", { { 300, 0, 0 }, { 1, 0, LEDGER_E_REVERSAL }, { 0, 0, LEDGER_E_REVERSAL } }, 990, 0, 10 },
    { "in parts", { { 100, 0, 0 }, { 200, 0, 0 }, { 1, 0, LEDGER_E_REVERSAL } }, 990, 0, 10 },
    { "a part, then what is left", { { 100, 4, 0 }, { -1, 0, 0 }, { -1, 0, LEDGER_E_REVERSAL } }, 1000, 0, 0 },
    { "more than was booked",
      { { 301, 0, LEDGER_E_REVERSAL }, { 300, 11, LEDGER_E_REVERSAL }, { 300, 10, 0 } },
      1000,
      0,
      0 },
    { "less than nothing", { { -5, 0, LEDGER_E_REVERSAL }, { 0, 0, LEDGER_E_REVERSAL }, { 1, 0, 0 } }, 691, 299, 10 },
};

/* spec: ledger/17, ledger/36 */
static void ledger_17_36_never_more_than_was_booked(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(reversal_cases); i++) {
        world_close(state);
        world_open(state);
        struct test_world *world = *state;
        struct paying paying = {
            account_make(world, "GBP", 0, 1000), account_make(world, "GBP", 0, 0), 300, 10, { 0 }
        };
        assert_int_equal(test_decide(world, pay_decide, &paying), 0);
        for (size_t j = 0; j < PARTS; j++) {
            int64_t amount = reversal_cases[i].parts[j].amount, fee = reversal_cases[i].parts[j].fee;
            struct reversing reversing = { .reversal = { .transaction = paying.receipt.transaction,
                                                         .kind = LEDGER_REFUND,
                                                         .amounts_minor = { amount, amount, fee, fee },
                                                         .count = amount == -1 ? 0 : 4 } };
            int r = test_decide(world, reverse_decide, &reversing);
            if (r != reversal_cases[i].parts[j].want) fail_msg("%s: part %zu: %d", reversal_cases[i].name, j, r);
            books_are_clean(world, -1);
        }
        int64_t fees = account_row(world, ledger_internal_number(LEDGER_FEES, currency_of("GBP"))).posted_minor;
        if (account_row(world, paying.from).posted_minor != reversal_cases[i].from ||
            account_row(world, paying.to).posted_minor != reversal_cases[i].to || fees != reversal_cases[i].fees)
            fail_msg("%s: balances", reversal_cases[i].name);
    }
}

static int find_reversal(void *ctx, const void *row) {
    *(struct ledger_reversal_row *)ctx = *(const struct ledger_reversal_row *)row;
    return 1;
}

/* spec: ledger/17 */
static void ledger_17_linked_both_ways(void **state) {
    struct test_world *world = *state;
    struct paying paying = { account_make(world, "GBP", 0, 1000), account_make(world, "GBP", 0, 0), 300, 10, { 0 } };
    assert_int_equal(test_decide(world, pay_decide, &paying), 0);
    struct reversing reversing = { .reversal = { paying.receipt.transaction, LEDGER_REVERSAL, { 0 }, 0 } };
    assert_int_equal(test_decide(world, reverse_decide, &reversing), 0);
    struct ledger_transaction_row row, probe = { .number = reversing.receipt.transaction };
    assert_true(test_row(world, &ledger_transaction_table, &probe, &row));
    assert_int_equal(row.reverses, paying.receipt.transaction);
    assert_int_equal(row.kind, LEDGER_REVERSAL);
    struct reader reader;
    struct arena arena;
    struct ledger_reversal_row link = { 0 }, wanted = { .original = paying.receipt.transaction };
    struct store_range range = { .table = &ledger_reversal_table,
                                 .index = LEDGER_REVERSAL_INDEX_ORIGINAL,
                                 .row = &wanted,
                                 .equal_columns = 1,
                                 .limit = 1 };
    assert_int_equal(arena_init(&arena, 4096, 1 << 16), 0);
    assert_int_equal(reader_open(world->store, &reader), 0);
    assert_int_equal(read_range(&reader, &range, &arena, find_reversal, &link), 1);
    reader_close(&reader);
    arena_release(&arena);
    assert_int_equal(link.transaction, reversing.receipt.transaction);
    assert_int_equal(link.original_entry, paying.receipt.first_entry);
    /* R3, and what there is none of */
    struct reversing again = { .reversal = { reversing.receipt.transaction, LEDGER_REVERSAL, { 0 }, 0 } },
                     none = { .reversal = { 999, LEDGER_REVERSAL, { 0 }, 0 } },
                     other = { .reversal = { paying.receipt.transaction, LEDGER_REVERSAL, { 1 }, 3 } };
    assert_int_equal(test_decide(world, reverse_decide, &again), LEDGER_E_REVERSAL);
    assert_int_equal(test_decide(world, reverse_decide, &none), LEDGER_E_TRANSACTION);
    assert_int_equal(test_decide(world, reverse_decide, &other), LEDGER_E_LEGS);
}

/* Taken back from one who has spent it: refused, and nothing is written. */
/* spec: ledger/17 */
static void ledger_17_a_reversal_needs_the_funds(void **state) {
    struct test_world *world = *state;
    struct paying paying = { account_make(world, "GBP", 0, 1000), account_make(world, "GBP", 0, 0), 300, 10, { 0 } };
    assert_int_equal(test_decide(world, pay_decide, &paying), 0);
    struct ledger_posting spent = { paying.to, paying.from, money_of("GBP", 1), LEDGER_TRANSFER, { 0 } };
    assert_int_equal(test_decide(world, post_decide, &spent), 0);
    struct reversing reversing = { .reversal = { paying.receipt.transaction, LEDGER_REVERSAL, { 0 }, 0 } };
    assert_int_equal(test_decide(world, reverse_decide, &reversing), LEDGER_E_FUNDS);
    struct reversing unbalanced = { .reversal = { paying.receipt.transaction, LEDGER_REVERSAL, { 5, 4, 0, 0 }, 4 } };
    assert_int_equal(test_decide(world, reverse_decide, &unbalanced), LEDGER_E_UNBALANCED);
    books_are_clean(world, 3);
}

static int find_captured(struct work *work, void *input) {
    return ledger_captured_into(work, (const uint8_t[16]){ 1 }, input);
}
/* spec: ledger/36 */
static void ledger_36_a_payment_leads_to_its_transaction(void **state) {
    struct test_world *world = *state;
    int64_t number = account_make(world, "GBP", 0, 100), transaction = 0;
    struct holding hold = { number, { 1 }, money_of("GBP", 70) };
    struct capturing capture = { { 1 },
                                 { number,
                                   ledger_internal_number(LEDGER_SETTLEMENT, currency_of("GBP")),
                                   money_of("GBP", 70),
                                   LEDGER_PAYMENT,
                                   { 1 } } };
    assert_int_equal(test_decide(world, find_captured, &transaction), LEDGER_E_HOLD);
    assert_int_equal(test_decide(world, hold_decide, &hold), 0);
    assert_int_equal(test_decide(world, find_captured, &transaction), LEDGER_E_HOLD);
    assert_int_equal(test_decide(world, capture_decide, &capture), 0);
    assert_int_equal(test_decide(world, find_captured, &transaction), 0);
    struct reversing part = { .reversal = { transaction, LEDGER_REFUND, { 20, 20 }, 2 } };
    assert_int_equal(test_decide(world, reverse_decide, &part), 0);
    assert_int_equal(account_row(world, number).posted_minor, 50);
    assert_int_equal(part.receipt.balances[0].booked_minor, 50);
    books_are_clean(world, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(ledger_17_36_never_more_than_was_booked),
        LEDGER_TEST(ledger_17_linked_both_ways),
        LEDGER_TEST(ledger_17_a_reversal_needs_the_funds),
        LEDGER_TEST(ledger_36_a_payment_leads_to_its_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
