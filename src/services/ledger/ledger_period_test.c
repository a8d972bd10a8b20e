/* ledger_period_test.c - days that are closed, and fees: ledger/20, 37. */
#include "services/ledger/ledger_test_world.h"

#include "platform/clock.h"
#include "services/ledger/ledger_fee.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static int close_day_decide(struct work *work, void *input) {
    return ledger_close_day(work, *(const int64_t *)input);
}
static int seal_decide(struct work *work, void *input) {
    return ledger_seal_day(work, input);
}
static int business_day_decide(struct work *work, void *input) {
    return ledger_business_day(work, input);
}

struct dated {
    int64_t account, booking_day, value_day;
    struct ledger_receipt receipt;
};
static int dated_decide(struct work *work, void *input) {
    struct dated *dated = input;
    struct money one = money_of("GBP", 1);
    const struct ledger_leg legs[] = {
        { ledger_internal_number(LEDGER_SUSPENSE, one.currency), LEDGER_DEBIT, one, 0 },
        { dated->account, LEDGER_CREDIT, one, 0 },
    };
    struct ledger_order order = { .kind = LEDGER_ADJUSTMENT,
                                  .legs = legs,
                                  .leg_count = 2,
                                  .booking_day = dated->booking_day,
                                  .value_day = dated->value_day };
    return ledger_transact(work, &order, &dated->receipt);
}
static int book(struct test_world *world, struct dated dated, int64_t *ret_day) {
    int r = test_decide(world, dated_decide, &dated);
    *ret_day = dated.receipt.booking_day;
    return r;
}

static struct ledger_closing closing_of(struct test_world *world, int64_t day) {
    struct ledger_closing closing;
    struct reader reader;
    assert_int_equal(reader_open(world->store, &reader), 0);
    assert_int_equal(read_begin(&reader), 0);
    assert_int_equal(ledger_closing_read(&reader, day, &closing), 0);
    read_end(&reader);
    reader_close(&reader);
    return closing;
}

/* spec: ledger/20 */
static void ledger_20_a_closed_day_takes_no_more(void **state) {
    struct test_world *world = *state;
    const int64_t began_ms = test_now_ms;
    int64_t number = account_make(world, "GBP", 0, 100), today = clock_day(test_now_ms), day;
    int64_t yesterday = today - 1, tomorrow = today + 1;
    assert_int_equal(book(world, (struct dated){ number, yesterday, 0, { 0 } }, &day), 0); /* still open */
    assert_int_equal(book(world, (struct dated){ number, tomorrow, 0, { 0 } }, &day), LEDGER_E_PERIOD);
    assert_int_equal(test_decide(world, close_day_decide, &tomorrow), LEDGER_E_PERIOD);
    assert_int_equal(test_decide(world, close_day_decide, &yesterday), 0);
    assert_int_equal(test_decide(world, close_day_decide, &yesterday), LEDGER_E_PERIOD); /* once */
    assert_int_equal(book(world, (struct dated){ number, yesterday, 0, { 0 } }, &day), LEDGER_E_PERIOD);
    assert_int_equal(book(world, (struct dated){ number, yesterday - 5, 0, { 0 } }, &day), LEDGER_E_PERIOD);
    assert_int_equal(book(world, (struct dated){ number, 0, yesterday - 5, { 0 } }, &day), 0); /* value date before */
    assert_int_equal(day, today);
    books_are_clean(world, 3);
    /* end of day: today is closed before it ends, the business date rolls */
    assert_int_equal(test_decide(world, close_day_decide, &today), 0);
    assert_int_equal(test_decide(world, business_day_decide, &day), 0);
    assert_int_equal(day, tomorrow);
    assert_int_equal(test_decide(world, close_day_decide, &tomorrow), LEDGER_E_PERIOD); /* it has not begun */
    test_restart(world);
    assert_int_equal(book(world, (struct dated){ number, 0, 0, { 0 } }, &day), 0);
    assert_int_equal(day, tomorrow);
    test_now_ms += 3 * (int64_t)DAY_MS; /* the calendar goes on */
    assert_int_equal(book(world, (struct dated){ number, 0, 0, { 0 } }, &day), 0);
    assert_int_equal(day, today + 3);
    books_are_clean(world, 5);
    test_now_ms = began_ms;
}

/* spec: ledger/20 */
static void ledger_20_what_stands_at_the_end_of_a_day_is_sealed(void **state) {
    struct test_world *world = *state;
    int64_t number = account_make(world, "GBP", 0, 100), today = clock_day(test_now_ms), day;
    (void)account_make(world, "JPY", 0, 7);
    struct ledger_closing early = closing_of(world, today);
    assert_int_equal(test_decide(world, seal_decide, &early), LEDGER_E_PERIOD); /* not closed */
    assert_int_equal(test_decide(world, close_day_decide, &today), 0);
    assert_int_equal(book(world, (struct dated){ number, 0, 0, { 0 } }, &day), 0); /* tomorrow's: not in it */
    struct ledger_closing closing = closing_of(world, today), wrong = closing;
    assert_int_equal(closing.transactions, 2);
    assert_int_equal(closing.accounts, 4);
    assert_memory_equal(&closing.digest, &early.digest, sizeof closing.digest);
    wrong.difference_minor = 1;
    assert_int_equal(test_decide(world, seal_decide, &wrong), LEDGER_E_UNBALANCED);
    assert_int_equal(test_decide(world, seal_decide, &closing), 0);
    assert_int_equal(test_decide(world, seal_decide, &closing), LEDGER_E_PERIOD); /* once */
    struct ledger_closing later = closing_of(world, day);
    assert_memory_not_equal(&later.digest, &closing.digest, sizeof closing.digest);
    books_are_clean(world, 3); /* P3: the digest is found again */
}

/* ---- fees ---- */

static const struct {
    const char *name;
    int64_t fixed, per_mille, min, max, amount, want;
} fee_cases[] = {
    { "nothing", 0, 0, 0, 0, 100000, 0 },
    { "fixed", 30, 0, 0, 0, 1, 30 },
    { "a share", 0, 2, 0, 0, 100000, 200 },
    { "both", 30, 2, 0, 0, 100000, 230 },
    { "half goes to the even one below", 0, 1, 0, 0, 2500, 2 },
    { "half goes to the even one above", 0, 1, 0, 0, 3500, 4 },
    { "more than half", 0, 1, 0, 0, 2501, 3 },
    { "less than half", 0, 1, 0, 0, 3499, 3 },
    { "at least", 0, 2, 50, 0, 100, 50 },
    { "at most", 30, 2, 50, 2500, 100000000, 2500 },
    { "of the greatest amount", 0, 1000, 0, 0, INT64_MAX, INT64_MAX },
    { "of the greatest amount, capped", 0, 999, 0, 700, INT64_MAX, 700 },
    { "beyond the range", 1, 1000, 0, 0, INT64_MAX, -1 },
};

/* spec: ledger/37 */
static void ledger_37_fees_are_exact(void **state) {
    (void)state;
    struct currency gbp = currency_of("GBP");
    for (size_t i = 0; i < ARRAY_COUNT(fee_cases); i++) {
        struct ledger_fees fees = { .count = 1,
                                    .rows = { { .type = PAYMENT_DOMESTIC,
                                                .currency = gbp,
                                                .fixed_minor = fee_cases[i].fixed,
                                                .per_mille = fee_cases[i].per_mille,
                                                .min_minor = fee_cases[i].min,
                                                .max_minor = fee_cases[i].max } } };
        struct ledger_fee_subject subject = { PAYMENT_DOMESTIC, true, { fee_cases[i].amount, gbp } };
        int64_t fee = -1;
        int r = ledger_fee(&fees, &subject, &fee);
        if ((r < 0) != (fee_cases[i].want < 0) || (!r && fee != fee_cases[i].want))
            fail_msg("%s: %lld", fee_cases[i].name, (long long)fee);
    }
}

/* spec: ledger/37 */
static void ledger_37_the_first_row_that_fits_decides(void **state) {
    (void)state;
    struct currency gbp = currency_of("GBP"), eur = currency_of("EUR");
    struct ledger_fees fees = {
        .count = 3,
        .rows = { { .type = PAYMENT_INTERNATIONAL, .product = LEDGER_FEE_BUSINESS, .currency = gbp, .fixed_minor = 1 },
                  { .type = PAYMENT_INTERNATIONAL, .currency = gbp, .fixed_minor = 2 },
                  { .type = PAYMENT_ON_US, .product = LEDGER_FEE_PERSONAL, .currency = gbp, .fixed_minor = 3 } }
    };
    const struct {
        struct ledger_fee_subject subject;
        int64_t want;
    } cases[] = {
        { { PAYMENT_INTERNATIONAL, true, { 100, gbp } }, 1 }, { { PAYMENT_INTERNATIONAL, false, { 100, gbp } }, 2 },
        { { PAYMENT_INTERNATIONAL, true, { 100, eur } }, 0 }, { { PAYMENT_ON_US, false, { 100, gbp } }, 3 },
        { { PAYMENT_ON_US, true, { 100, gbp } }, 0 },         { { PAYMENT_DOMESTIC, true, { 100, gbp } }, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t fee;
        assert_int_equal(ledger_fee(&fees, &cases[i].subject, &fee), 0);
        assert_int_equal(fee, cases[i].want);
        assert_int_equal(ledger_fee(NULL, &cases[i].subject, &fee), 0);
        assert_int_equal(fee, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(ledger_20_a_closed_day_takes_no_more),
        LEDGER_TEST(ledger_20_what_stands_at_the_end_of_a_day_is_sealed),
        cmocka_unit_test(ledger_37_fees_are_exact),
        cmocka_unit_test(ledger_37_the_first_row_that_fits_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
