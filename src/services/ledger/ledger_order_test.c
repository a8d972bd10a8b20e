/* ledger_order_test.c - orders of n legs: ledger/1, 2, 3, 5, 7, 8, 13, 15, 16, 63 of the feature list. */
#include "services/ledger/ledger_test_world.h"

#include "platform/clock.h"
#include "platform/file.h"
#include "services/ledger/ledger_chart.h"

struct ordering {
    struct ledger_order order;
    struct ledger_leg legs[LEDGER_LEGS_MAX + 1];
    struct ledger_receipt receipt;
};
static int order_decide(struct work *work, void *input) {
    struct ordering *ordering = input;
    ordering->order.legs = ordering->legs;
    return ledger_transact(work, &ordering->order, &ordering->receipt);
}

/* Accounts of the cases: A and B have 100.00 GBP each, E 100.00 EUR; the bank's own behind them. */
enum { A, B, E, FEES, NOSTRO, SUSPENSE, FEES_EUR, ACCOUNTS };
static void accounts_make(struct test_world *world, int64_t numbers[ACCOUNTS]) {
    numbers[A] = account_make(world, "GBP", 0, 10000);
    numbers[B] = account_make(world, "GBP", 0, 10000);
    numbers[E] = account_make(world, "EUR", 0, 10000);
    numbers[FEES] = ledger_internal_number(LEDGER_FEES, currency_of("GBP"));
    numbers[NOSTRO] = ledger_internal_number(LEDGER_NOSTRO, currency_of("GBP"));
    numbers[SUSPENSE] = ledger_internal_number(LEDGER_SUSPENSE, currency_of("GBP"));
    numbers[FEES_EUR] = ledger_internal_number(LEDGER_FEES, currency_of("EUR"));
}

enum { D = LEDGER_DEBIT, C = LEDGER_CREDIT };
struct case_leg {
    int account;
    int side;
    const char *currency;
    int64_t minor;
};
static const struct {
    const char *name;
    struct case_leg legs[5];
    size_t count;
    int want;
    int64_t after[3]; /* of A, B, E */
} order_cases[] = {
    { "two legs", { { A, D, "GBP", 5 }, { B, C, "GBP", 5 } }, 2, 0, { 9995, 10005, 10000 } },
    { "one to many", { { A, D, "GBP", 9 }, { B, C, "GBP", 6 }, { FEES, C, "GBP", 3 } }, 3, 0, { 9991, 10006, 10000 } },
    { "many to many",
      { { A, D, "GBP", 4 }, { B, D, "GBP", 4 }, { FEES, C, "GBP", 1 }, { SUSPENSE, C, "GBP", 7 } },
      4,
      0,
      { 9996, 9996, 10000 } },
    { "an account in several legs",
      { { A, D, "GBP", 4 }, { A, D, "GBP", 6 }, { A, C, "GBP", 1 }, { B, C, "GBP", 9 } },
      4,
      0,
      { 9991, 10009, 10000 } },
    { "what it has is judged on the whole order",
      { { A, D, "GBP", 10005 }, { A, C, "GBP", 5 }, { B, C, "GBP", 10000 } },
      3,
      0,
      { 0, 20000, 10000 } },
    { "and refused on the whole order",
      { { A, D, "GBP", 10006 }, { A, C, "GBP", 5 }, { B, C, "GBP", 10001 } },
      3,
      LEDGER_E_FUNDS,
      { 10000, 10000, 10000 } },
    { "two currencies, each for itself",
      { { A, D, "GBP", 7 }, { FEES, C, "GBP", 7 }, { E, D, "EUR", 9 }, { FEES_EUR, C, "EUR", 9 } },
      4,
      0,
      { 9993, 10000, 9991 } },
    { "two currencies that balance only together",
      { { A, D, "GBP", 7 }, { FEES_EUR, C, "EUR", 7 } },
      2,
      LEDGER_E_UNBALANCED,
      { 10000, 10000, 10000 } },
    { "debits above credits",
      { { A, D, "GBP", 7 }, { B, C, "GBP", 6 } },
      2,
      LEDGER_E_UNBALANCED,
      { 10000, 10000, 10000 } },
    { "credits above debits",
      { { A, D, "GBP", 6 }, { B, C, "GBP", 7 } },
      2,
      LEDGER_E_UNBALANCED,
      { 10000, 10000, 10000 } },
    { "one leg", { { A, D, "GBP", 7 } }, 1, LEDGER_E_LEGS, { 10000, 10000, 10000 } },
    { "no leg", { { A, D, "GBP", 7 } }, 0, LEDGER_E_LEGS, { 10000, 10000, 10000 } },
    { "an amount of nothing", { { A, D, "GBP", 0 }, { B, C, "GBP", 0 } }, 2, LEDGER_E_AMOUNT, { 10000, 10000, 10000 } },
    { "an amount below nothing",
      { { A, D, "GBP", -5 }, { B, C, "GBP", -5 } },
      2,
      LEDGER_E_AMOUNT,
      { 10000, 10000, 10000 } },
    { "a side that is none", { { A, 2, "GBP", 5 }, { B, C, "GBP", 5 } }, 2, LEDGER_E_LEGS, { 10000, 10000, 10000 } },
    { "an account of another currency",
      { { A, D, "EUR", 5 }, { FEES_EUR, C, "EUR", 5 } },
      2,
      LEDGER_E_CURRENCY,
      { 10000, 10000, 10000 } },
    { "the sum of the debits overflows",
      { { SUSPENSE, D, "GBP", INT64_MAX }, { SUSPENSE, D, "GBP", 1 }, { A, C, "GBP", INT64_MAX }, { B, C, "GBP", 1 } },
      4,
      LEDGER_E_OVERFLOW,
      { 10000, 10000, 10000 } },
    { "income is credited", { { A, D, "GBP", 5 }, { FEES, C, "GBP", 5 } }, 2, 0, { 9995, 10000, 10000 } },
    { "income is not debited",
      { { FEES, D, "GBP", 5 }, { A, C, "GBP", 5 } },
      2,
      LEDGER_E_SIDE,
      { 10000, 10000, 10000 } },
};

/* spec: ledger/1, ledger/3, ledger/5, ledger/7 */
static void ledger_1_3_5_orders_balance_currency_by_currency(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(order_cases); i++) {
        world_close(state);
        world_open(state);
        struct test_world *world = *state;
        int64_t numbers[ACCOUNTS];
        struct ordering ordering = { .order = { .kind = LEDGER_ADJUSTMENT, .leg_count = order_cases[i].count } };
        accounts_make(world, numbers);
        for (size_t j = 0; j < order_cases[i].count; j++) {
            const struct case_leg *leg = &order_cases[i].legs[j];
            ordering.legs[j] = (struct ledger_leg){ numbers[leg->account], (enum ledger_side)leg->side,
                                                    money_of(leg->currency, leg->minor), 0 };
        }
        int r = test_decide(world, order_decide, &ordering);
        if (r != order_cases[i].want) fail_msg("%s: %d, not %d", order_cases[i].name, r, order_cases[i].want);
        for (int account = A; account <= E; account++)
            if (account_row(world, numbers[account]).posted_minor != order_cases[i].after[account])
                fail_msg("%s: account %d", order_cases[i].name, account);
        books_are_clean(world, r ? 3 : 4);
    }
}

/* Whatever a decision might say: the store writes no debit without its credit. */
/* spec: ledger/1, ledger/5 */
static void ledger_1_the_store_refuses_what_does_not_balance(void **state) {
    struct test_world *world = *state;
    struct ledger_entry_row entries[] = {
        { .number = 901, .transaction = 900, .side = LEDGER_DEBIT, .currency = 1, .amount_minor = 5 },
        { .number = 902, .transaction = 900, .side = LEDGER_CREDIT, .currency = 1, .amount_minor = 5 },
    };
    struct store_change changes[] = { { &ledger_entry_table, STORE_INSERT, &entries[0] },
                                      { &ledger_entry_table, STORE_INSERT, &entries[1] } };
    assert_int_equal(store_commit(world->store, changes, 1), STORE_E_UNDONE);
    assert_int_equal(store_culprit(world->store), 0);
    entries[1].amount_minor = 4;
    assert_int_equal(store_commit(world->store, changes, 2), STORE_E_UNDONE);
    entries[1].amount_minor = 5;
    entries[1].currency = 2;
    assert_int_equal(store_commit(world->store, changes, 2), STORE_E_UNDONE);
    entries[1].currency = 1;
    entries[1].transaction = 899;
    assert_int_equal(store_commit(world->store, changes, 2), STORE_E_UNDONE);
    entries[1].transaction = 900;
    assert_int_equal(store_commit(world->store, changes, 2), 0);
}

/* spec: ledger/3 */
static void ledger_3_as_many_legs_as_an_order_may_have(void **state) {
    struct test_world *world = *state;
    int64_t numbers[ACCOUNTS];
    struct ordering ordering = { .order = { .kind = LEDGER_ADJUSTMENT, .leg_count = LEDGER_LEGS_MAX } };
    accounts_make(world, numbers);
    for (int i = 0; i <= LEDGER_LEGS_MAX; i++)
        ordering.legs[i] = (struct ledger_leg){ i % 2 ? account_make(world, "GBP", 0, 0) : numbers[A],
                                                i % 2 ? LEDGER_CREDIT : LEDGER_DEBIT, money_of("GBP", 1), 0 };
    assert_int_equal(test_decide(world, order_decide, &ordering), 0);
    assert_int_equal(ordering.receipt.entry_count, LEDGER_LEGS_MAX);
    assert_int_equal(account_row(world, numbers[A]).posted_minor, 10000 - LEDGER_LEGS_MAX / 2);
    ordering.order.leg_count = LEDGER_LEGS_MAX + 1;
    assert_int_equal(test_decide(world, order_decide, &ordering), LEDGER_E_LEGS);
    books_are_clean(world, 4);
}

/* spec: ledger/2 */
static void ledger_2_no_amount_is_lost_at_the_ends_of_the_range(void **state) {
    struct test_world *world = *state;
    struct currency yen = currency_of("JPY");
    int64_t a = account_make(world, "JPY", 0, INT64_MAX), b = account_make(world, "JPY", 0, 0);
    struct ledger_posting all = { a, b, { INT64_MAX, yen }, LEDGER_TRANSFER, { 0 } };
    assert_int_equal(test_decide(world, post_decide, &all), 0);
    assert_int_equal(account_row(world, b).posted_minor, INT64_MAX);
    assert_int_equal(account_row(world, ledger_internal_number(LEDGER_FUNDING, yen)).posted_minor, -INT64_MAX);
    struct ledger_posting one = { ledger_internal_number(LEDGER_FUNDING, yen), b, { 1, yen }, LEDGER_FUND, { 0 } };
    assert_int_equal(test_decide(world, post_decide, &one), LEDGER_E_OVERFLOW);
    books_are_clean(world, 2);
}

/* spec: ledger/15 */
static void ledger_15_the_answer_has_the_balances_that_result(void **state) {
    struct test_world *world = *state;
    int64_t numbers[ACCOUNTS];
    accounts_make(world, numbers);
    struct holding hold = { numbers[A], { 1 }, money_of("GBP", 300) };
    assert_int_equal(test_decide(world, hold_decide, &hold), 0);
    struct ordering ordering = { .order = { .kind = LEDGER_ADJUSTMENT, .leg_count = 3 },
                                 .legs = { { numbers[A], LEDGER_DEBIT, money_of("GBP", 50), 0 },
                                           { numbers[B], LEDGER_CREDIT, money_of("GBP", 20), 0 },
                                           { numbers[B], LEDGER_CREDIT, money_of("GBP", 30), 0 } } };
    assert_int_equal(test_decide(world, order_decide, &ordering), 0);
    const struct ledger_receipt *receipt = &ordering.receipt;
    assert_int_equal(receipt->account_count, 2);
    assert_int_equal(receipt->accounts[0], numbers[A]);
    assert_int_equal(receipt->balances[0].booked_minor, 9950);
    assert_int_equal(receipt->balances[0].held_minor, 300);
    assert_int_equal(receipt->balances[0].available_minor, 9650);
    assert_int_equal(receipt->balances[1].booked_minor, 10050);
    struct ledger_entry_row entry, probe = { .number = receipt->first_entry + 2 };
    assert_true(test_row(world, &ledger_entry_table, &probe, &entry));
    assert_int_equal(entry.transaction, receipt->transaction);
    assert_int_equal(entry.balance_after_minor, 10050);
    struct ledger_transaction_row row, transaction_probe = { .number = receipt->transaction };
    assert_true(test_row(world, &ledger_transaction_table, &transaction_probe, &row));
    assert_int_equal(row.first_entry, receipt->first_entry);
    assert_memory_equal(row.transaction_id, receipt->transaction_id, 16);
}

/* spec: ledger/13 */
static void ledger_13_each_leg_has_a_value_date(void **state) {
    struct test_world *world = *state;
    int64_t numbers[ACCOUNTS], today = clock_day(test_now_ms);
    accounts_make(world, numbers);
    struct ordering ordering = { .order = { .kind = LEDGER_ADJUSTMENT, .leg_count = 3, .value_day = today - 30 },
                                 .legs = { { numbers[A], LEDGER_DEBIT, money_of("GBP", 50), 0 },
                                           { numbers[B], LEDGER_CREDIT, money_of("GBP", 20), today + 2 },
                                           { numbers[B], LEDGER_CREDIT, money_of("GBP", 30), 0 } } };
    const int64_t wanted[] = { today - 30, today + 2, today - 30 };
    assert_int_equal(test_decide(world, order_decide, &ordering), 0);
    assert_int_equal(ordering.receipt.booking_day, today);
    for (int64_t i = 0; i < 3; i++) {
        struct ledger_entry_row entry, probe = { .number = ordering.receipt.first_entry + i };
        assert_true(test_row(world, &ledger_entry_table, &probe, &entry));
        assert_int_equal(entry.value_day, wanted[i]);
        assert_int_equal(entry.booked_ms, test_now_ms);
    }
}

/* ---- the chart ---- */

/* spec: ledger/7, ledger/8 */
static void ledger_7_8_every_kind_has_its_class_and_its_side(void **state) {
    (void)state;
    for (int kind = 0; kind < LEDGER_ACCOUNT_KIND_COUNT; kind++) {
        const struct ledger_chart_row *row = ledger_chart((enum ledger_account_kind)kind);
        enum ledger_account_kind found;
        bool debit = row->class == LEDGER_ASSET || row->class == LEDGER_EXPENSE;
        assert_int_equal(row->normal, debit ? LEDGER_DEBIT : LEDGER_CREDIT);
        if (row->sides == LEDGER_DEBITS_ONLY) assert_int_equal(row->normal, LEDGER_DEBIT);
        if (row->sides == LEDGER_CREDITS_ONLY) assert_int_equal(row->normal, LEDGER_CREDIT);
        if (row->class == LEDGER_INCOME || row->class == LEDGER_EXPENSE) assert_false(row->limits || row->holds);
        if (row->holds) assert_int_equal(row->normal, LEDGER_CREDIT); /* a hold reserves what is owed */
        assert_true(ledger_kind_find(str_from_c(row->name), &found));
        assert_int_equal(found, kind);
        assert_string_equal(ledger_account_kind_name(kind), row->name);
    }
    assert_string_equal(ledger_account_kind_name(LEDGER_ACCOUNT_KIND_COUNT), "?");
    assert_string_equal(ledger_account_kind_name(-1), "?");
}

static const char *yes(bool value) {
    return value ? "yes" : "no";
}

/* spec: ledger/7 */
static void ledger_7_the_document_is_the_chart(void **state) {
    enum { DOCUMENT_BYTES_MAX = 64 * 1024 };
    static const char *const sides[] = { "both", "debit", "credit" };
    struct arena arena;
    struct str text;
    struct message message = { { 0 } };
    (void)state;
    assert_int_equal(arena_init(&arena, 4096, DOCUMENT_BYTES_MAX), 0);
    assert_int_equal(file_read_all("docs/ledger.md", DOCUMENT_BYTES_MAX, &arena, &text, &message), 0);
    for (int kind = 0; kind < LEDGER_ACCOUNT_KIND_COUNT; kind++) {
        const struct ledger_chart_row *row = ledger_chart((enum ledger_account_kind)kind);
        char line[200];
        int len = snprintf(line, sizeof line, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", row->name,
                           ledger_class_name(row->class), ledger_side_name(row->normal), sides[row->sides],
                           yes(row->overdraft), yes(row->limits), yes(row->holds), yes(row->freezes));
        if (!memmem(text.at, text.len, line, (size_t)len)) fail_msg("docs/ledger.md lacks: %s", line);
    }
    arena_release(&arena);
}

/* spec: ledger/7 */
static void ledger_7_numbers_of_the_banks_own_name_kind_and_currency(void **state) {
    struct test_world *world = *state;
    struct currency gbp = currency_of("GBP"), eur = currency_of("EUR");
    int64_t nostro = ledger_own_number(LEDGER_NOSTRO, gbp, 7);
    assert_int_not_equal(nostro, ledger_own_number(LEDGER_NOSTRO, gbp, 8));
    assert_int_equal(ledger_own_number(LEDGER_NOSTRO, gbp, 0), ledger_internal_number(LEDGER_NOSTRO, gbp));
    struct ledger_posting posting = {
        nostro, ledger_internal_number(LEDGER_SUSPENSE, gbp), { 5, gbp }, LEDGER_MIRROR, { 0 }
    };
    assert_int_equal(test_decide(world, post_decide, &posting), 0);
    assert_int_equal(account_row(world, nostro).kind, LEDGER_NOSTRO);
    const int64_t none[] = { -1,
                             -16,
                             INT64_MIN,
                             -((int64_t)gbp.code * 16 + 15),
                             ledger_own_number(LEDGER_NOSTRO, eur, 7),
                             -((((int64_t)LEDGER_PARTS_MAX + 1) * (1 << 24) + gbp.code) * 16 + LEDGER_NOSTRO) };
    for (size_t i = 0; i < ARRAY_COUNT(none); i++) {
        posting.debit_account = none[i];
        assert_int_equal(test_decide(world, post_decide, &posting), LEDGER_E_CURRENCY);
    }
    books_are_clean(world, 1);
}

static int floor_decide(struct work *work, void *input) {
    struct ledger_limits limits = { .has_floor = true };
    return ledger_set_limits(work, *(const int64_t *)input, &limits);
}

/* What the correspondent's statement debits, our nostro account credits: its mirror. What nobody knows waits in
 * suspense until it is cleared. */
/* spec: ledger/63 */
static void ledger_63_nostro_mirrors_and_suspense_is_cleared(void **state) {
    struct test_world *world = *state;
    int64_t numbers[ACCOUNTS];
    struct currency gbp = currency_of("GBP");
    accounts_make(world, numbers);
    int64_t settlement = ledger_internal_number(LEDGER_SETTLEMENT, gbp);
    struct ledger_posting steps[] = {
        { numbers[A], settlement, { 400, gbp }, LEDGER_PAYMENT, { 0 } },            /* sent */
        { settlement, numbers[NOSTRO], { 400, gbp }, LEDGER_MIRROR, { 0 } },        /* the statement debits us */
        { numbers[NOSTRO], numbers[SUSPENSE], { 900, gbp }, LEDGER_MIRROR, { 0 } }, /* it credits us: from whom? */
        { numbers[SUSPENSE], numbers[B], { 900, gbp }, LEDGER_ADJUSTMENT, { 0 } },  /* somebody has looked */
    };
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) assert_int_equal(test_decide(world, post_decide, &steps[i]), 0);
    assert_int_equal(account_row(world, settlement).posted_minor, 0);
    assert_int_equal(account_row(world, numbers[SUSPENSE]).posted_minor, 0);
    assert_int_equal(account_row(world, numbers[NOSTRO]).posted_minor, -500); /* an asset: 5.00 are there for us */
    assert_int_equal(account_row(world, numbers[B]).posted_minor, 10900);
    books_are_clean(world, 7);
}

/* A correspondent's account with us is owed by the bank like a customer's: it takes what comes in for it, pays within
 * its floor, and may be held. */
/* spec: ledger/63 */
static void ledger_63_a_vostro_account_is_the_correspondents(void **state) {
    struct test_world *world = *state;
    int64_t numbers[ACCOUNTS];
    struct currency gbp = currency_of("GBP");
    accounts_make(world, numbers);
    int64_t vostro = ledger_own_number(LEDGER_VOSTRO, gbp, 3);
    struct ledger_posting in = { numbers[NOSTRO], vostro, { 900, gbp }, LEDGER_MIRROR, { 0 } },
                          out = { vostro, numbers[B], { 600, gbp }, LEDGER_PAYMENT, { 0 } };
    struct holding hold = { vostro, { 1 }, { 100, gbp } };
    assert_int_equal(test_decide(world, post_decide, &in), 0);
    assert_int_equal(test_decide(world, floor_decide, &vostro), 0);
    assert_int_equal(test_decide(world, hold_decide, &hold), 0);
    assert_int_equal(test_decide(world, post_decide, &out), 0);
    assert_int_equal(account_row(world, vostro).kind, LEDGER_VOSTRO);
    assert_int_equal(account_row(world, vostro).posted_minor, 300);
    out.amount.minor = 201;
    assert_int_equal(test_decide(world, post_decide, &out), LEDGER_E_FUNDS);
    out.amount.minor = 200;
    assert_int_equal(test_decide(world, post_decide, &out), 0);
    books_are_clean(world, 6);
}

/* ---- notes ---- */

struct noting {
    enum ledger_note_subject subject;
    int64_t number;
    struct ledger_note notes[LEDGER_NOTES_MAX + 1];
    size_t count;
};
static int note_decide(struct work *work, void *input) {
    const struct noting *noting = input;
    return ledger_note_write(work, noting->subject, noting->number, noting->notes, noting->count);
}

static const struct {
    const char *name, *key;
    size_t key_len, value_len, count;
    int want;
} note_cases[] = {
    { "a note", "purpose", 0, 5, 1, 0 },
    { "the longest", "k", LEDGER_NOTE_KEY_BYTES_MAX, LEDGER_NOTE_VALUE_BYTES_MAX, 1, 0 },
    { "a key too long", "k", LEDGER_NOTE_KEY_BYTES_MAX + 1, 1, 1, LEDGER_NOTE_E_INPUT },
    { "a value too long", "k", 0, LEDGER_NOTE_VALUE_BYTES_MAX + 1, 1, LEDGER_NOTE_E_INPUT },
    { "no key", "", 0, 1, 1, LEDGER_NOTE_E_INPUT },
    { "a key in capitals", "Key", 0, 1, 1, LEDGER_NOTE_E_INPUT },
    { "the same key twice", "k", 0, 1, 2, LEDGER_NOTE_E_INPUT },
    { "an empty value", "k", 0, 0, 1, 0 },
};

/* spec: ledger/16 */
static void ledger_16_notes_are_bounded_and_read_back(void **state) {
    struct test_world *world = *state;
    static char longest[LEDGER_NOTE_VALUE_BYTES_MAX + 1];
    memset(longest, 'k', sizeof longest);
    for (size_t i = 0; i < ARRAY_COUNT(note_cases); i++) {
        struct str key =
            note_cases[i].key_len ? str_from_bytes(longest, note_cases[i].key_len) : str_from_c(note_cases[i].key);
        struct str value = str_from_bytes(longest, note_cases[i].value_len);
        struct noting noting = { LEDGER_NOTE_ACCOUNT, 1, { { key, value }, { key, value } }, note_cases[i].count };
        int r = test_decide(world, note_decide, &noting);
        if (r != note_cases[i].want) fail_msg("%s: %d", note_cases[i].name, r);
    }
    struct noting most = { .subject = LEDGER_NOTE_TRANSACTION, .number = 7, .count = LEDGER_NOTES_MAX + 1 };
    char keys[LEDGER_NOTES_MAX + 1][3];
    for (int i = 0; i <= LEDGER_NOTES_MAX; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%c", 'a' + i);
        most.notes[i] = (struct ledger_note){ str_from_c(keys[i]), str_from_bytes(longest, (size_t)i * 16) };
    }
    assert_int_equal(test_decide(world, note_decide, &most), LEDGER_NOTE_E_INPUT);
    most.count = LEDGER_NOTES_MAX;
    assert_int_equal(test_decide(world, note_decide, &most), 0);
    assert_int_equal(test_decide(world, note_decide, &most), TEST_FAULT); /* a transaction's words are written once */
    struct arena arena;
    struct ledger_note_row probe = { .subject = LEDGER_NOTE_TRANSACTION, .number = 7 };
    struct store_probe want = { .table = &ledger_note_table, .row = &probe };
    struct ledger_note note;
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    assert_int_equal(store_load(world->store, &want, 1, &arena), 0);
    struct str text = ((const struct ledger_note_row *)want.ret_row)->text;
    for (size_t i = 0; i < LEDGER_NOTES_MAX; i++) {
        assert_true(ledger_note_next(&text, &note));
        assert_true(str_equal(note.key, most.notes[i].key) && str_equal(note.value, most.notes[i].value));
    }
    assert_false(ledger_note_next(&text, &note));
    arena_release(&arena);
    struct noting none = { .subject = LEDGER_NOTE_ACCOUNT, .number = 1 };
    assert_int_equal(test_decide(world, note_decide, &none), 0);
    struct ledger_note_row row, account_probe = { .subject = LEDGER_NOTE_ACCOUNT, .number = 1 };
    assert_false(test_row(world, &ledger_note_table, &account_probe, &row));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(ledger_1_3_5_orders_balance_currency_by_currency),
        LEDGER_TEST(ledger_1_the_store_refuses_what_does_not_balance),
        LEDGER_TEST(ledger_3_as_many_legs_as_an_order_may_have),
        LEDGER_TEST(ledger_2_no_amount_is_lost_at_the_ends_of_the_range),
        LEDGER_TEST(ledger_15_the_answer_has_the_balances_that_result),
        LEDGER_TEST(ledger_13_each_leg_has_a_value_date),
        cmocka_unit_test(ledger_7_8_every_kind_has_its_class_and_its_side),
        cmocka_unit_test(ledger_7_the_document_is_the_chart),
        LEDGER_TEST(ledger_7_numbers_of_the_banks_own_name_kind_and_currency),
        LEDGER_TEST(ledger_63_nostro_mirrors_and_suspense_is_cleared),
        LEDGER_TEST(ledger_63_a_vostro_account_is_the_correspondents),
        LEDGER_TEST(ledger_16_notes_are_bounded_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
