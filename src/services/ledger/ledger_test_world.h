/* ledger_test_world.h - the ledger alone on the memory store, one decision at a time. Included by ledger *_test.c only.
 */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_TEST_WORLD_H
#define GIRO_SERVICES_LEDGER_LEDGER_TEST_WORLD_H

#include "engine/engine_test_world.h"
#include "services/ledger/ledger_note.h"
#include "services/ledger/ledger_period.h"
#include "services/ledger/ledger_reversal.h"
#include "services/ledger/ledger_verify.h"

static const struct table *const tables[] = { &engine_journal_table,  &engine_key_table,      &engine_answer_table,
                                              &engine_counter_table,  &ledger_account_table,  &ledger_transaction_table,
                                              &ledger_entry_table,    &ledger_hold_table,     &ledger_hold_expiry_table,
                                              &ledger_reversal_table, &ledger_reversed_table, &ledger_books_table,
                                              &ledger_period_table,   &ledger_note_table };

static inline struct currency currency_of(const char *code) {
    struct currency currency;
    assert_int_equal(currency_parse(str_from_c(code), &currency), 0);
    return currency;
}
static inline struct money money_of(const char *code, int64_t minor) {
    return (struct money){ .minor = minor, .currency = currency_of(code) };
}

static inline int world_open(void **state) {
    struct test_world *world = calloc(1, sizeof *world);
    world->options = (struct store_options){
        .ops = &store_memory_ops, .path = "ledger_test", .tables = tables, .table_count = ARRAY_COUNT(tables)
    };
    test_open(world);
    *state = world;
    return 0;
}
static inline int world_close(void **state) {
    test_shut(*state);
    store_memory_forget("ledger_test");
    free(*state);
    return 0;
}

/* ---- what the cases do, each as one decision ---- */

struct opening {
    const char *currency;
    int64_t overdraft, fund, number;
};
static inline int opening_decide(struct work *work, void *input) {
    struct opening *opening = input;
    struct currency currency = currency_of(opening->currency);
    int r = ledger_open_account(work, currency, opening->overdraft, &opening->number);
    if (r || !opening->fund) return r;
    struct ledger_posting posting = { .debit_account = ledger_internal_number(LEDGER_FUNDING, currency),
                                      .credit_account = opening->number,
                                      .amount = { opening->fund, currency },
                                      .kind = LEDGER_FUND };
    return ledger_post(work, &posting);
}
static inline int64_t account_make(struct test_world *world, const char *currency, int64_t overdraft, int64_t fund) {
    struct opening opening = { .currency = currency, .overdraft = overdraft, .fund = fund };
    assert_int_equal(test_decide(world, opening_decide, &opening), 0);
    return opening.number;
}

struct holding {
    int64_t account;
    uint8_t id[16];
    struct money amount;
};
static inline int hold_decide(struct work *work, void *input) {
    const struct holding *holding = input;
    return ledger_hold(work, holding->account, holding->id, holding->amount);
}
static inline int release_decide(struct work *work, void *input) {
    return ledger_release(work, ((const struct holding *)input)->id);
}
struct capturing {
    uint8_t id[16];
    struct ledger_posting posting;
};
static inline int capture_decide(struct work *work, void *input) {
    const struct capturing *capture = input;
    return ledger_capture(work, capture->id, &capture->posting);
}
static inline int post_decide(struct work *work, void *input) {
    return ledger_post(work, input);
}

static inline struct ledger_account_row account_row(struct test_world *world, int64_t number) {
    struct ledger_account_row row = { .number = number }, probe = row;
    assert_true(test_row(world, &ledger_account_table, &probe, &row));
    return row;
}
static inline int64_t hold_state(struct test_world *world, const uint8_t id[16]) {
    struct ledger_hold_row row, probe = { 0 };
    memcpy(probe.hold_id, id, 16);
    return test_row(world, &ledger_hold_table, &probe, &row) ? row.state : -1;
}

static inline void books_are_clean(struct test_world *world, int64_t transactions) {
    struct ledger_verify_result *result = calloc(1, sizeof *result);
    struct reader reader;
    assert_int_equal(reader_open(world->store, &reader), 0);
    assert_int_equal(read_begin(&reader), 0);
    assert_int_equal(ledger_verify(&reader, result), 0);
    read_end(&reader);
    reader_close(&reader);
    if (result->finding_count) fail_msg("%s", ledger_finding_name(result->findings[0].kind));
    assert_int_equal(result->chain.broken, 0);
    assert_int_equal(result->difference_minor, 0);
    if (transactions >= 0) assert_int_equal(result->transactions, transactions);
    free(result);
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

#endif
