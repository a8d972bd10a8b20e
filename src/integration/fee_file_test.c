/* fee_file_test.c - the fee schedule as people write it: ledger/37. */
#include "integration/fee_file.h"

#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROW "\"payment_type\":\"domestic\",\"currency\":\"GBP\""

static const struct {
    const char *name, *text;
    bool good;
    size_t count;
} cases[] = {
    { "nothing", "", true, 0 },
    { "no rows", "{\"fees\":[]}", true, 0 },
    { "a row", "{\"fees\":[{" ROW ",\"fixed\":\"0.30\",\"per_mille\":2}]}", true, 1 },
    { "for a product", "{\"fees\":[{" ROW ",\"product\":\"personal\"}]}", true, 1 },
    { "for no product", "{\"fees\":[{" ROW ",\"product\":\"student\"}]}", false, 0 },
    { "of no type", "{\"fees\":[{\"payment_type\":\"smoke\",\"currency\":\"GBP\"}]}", false, 0 },
    { "of no currency", "{\"fees\":[{\"payment_type\":\"domestic\"}]}", false, 0 },
    { "an amount as a number", "{\"fees\":[{" ROW ",\"fixed\":0.3}]}", false, 0 },
    { "an amount with three decimals", "{\"fees\":[{" ROW ",\"fixed\":\"0.305\"}]}", false, 0 },
    { "below nothing", "{\"fees\":[{" ROW ",\"fixed\":\"-0.30\"}]}", false, 0 },
    { "a share of a share", "{\"fees\":[{" ROW ",\"per_mille\":1.5}]}", false, 0 },
    { "more than all", "{\"fees\":[{" ROW ",\"per_mille\":1001}]}", false, 0 },
    { "min above max", "{\"fees\":[{" ROW ",\"min\":\"2\",\"max\":\"1\"}]}", false, 0 },
    { "an unknown member", "{\"fees\":[{" ROW ",\"flat\":\"2\"}]}", false, 0 },
    { "no list", "{\"fees\":{}}", false, 0 },
    { "no JSON", "fees", false, 0 },
};

/* spec: ledger/37 */
static void ledger_37_the_schedule_is_read_strictly(void **state) {
    static struct ledger_fees fees;
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct message message = { { 0 } };
        int r = fee_file_read(str_from_c(cases[i].text), &fees, &message);
        if ((r == 0) != cases[i].good) fail_msg("%s: %d %s", cases[i].name, r, message.text);
        if (!r) assert_int_equal(fees.count, cases[i].count);
        if (r) assert_true(message.text[0]);
    }
}

/* What the project ships: domestic payments cost nothing. */
/* spec: ledger/37 */
static void ledger_37_the_schedule_of_the_sandbox(void **state) {
    static struct ledger_fees fees;
    struct arena arena;
    struct str text;
    struct message message = { { 0 } };
    struct currency gbp;
    int64_t fee;
    (void)state;
    assert_int_equal(arena_init(&arena, 4096, FEE_FILE_BYTES_MAX), 0);
    assert_int_equal(file_read_all("policy/fees.json", FEE_FILE_BYTES_MAX, &arena, &text, &message), 0);
    assert_int_equal(fee_file_read(text, &fees, &message), 0);
    assert_int_equal(currency_parse(STR("GBP"), &gbp), 0);
    struct ledger_fee_subject domestic = { PAYMENT_DOMESTIC, true, { 10000, gbp } },
                              abroad = { PAYMENT_INTERNATIONAL, true, { 100000, gbp } };
    assert_int_equal(ledger_fee(&fees, &domestic, &fee), 0);
    assert_int_equal(fee, 0);
    assert_int_equal(ledger_fee(&fees, &abroad, &fee), 0);
    assert_int_equal(fee, 230);
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(ledger_37_the_schedule_is_read_strictly),
                                        cmocka_unit_test(ledger_37_the_schedule_of_the_sandbox) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
