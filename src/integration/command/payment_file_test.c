/* payment_file_test.c - files of payments on a real bank: taken whole or not, each item once and in order, also over a
 * restart in the middle. */
#include "integration/command/due.h"

#include "integration/bank_test_world.h"
#include "integration/schedule_jobs.h"
#include "integration/schedule_rules.h"
#include "wire/payment_file_csv.h"

enum { FUND = 100000, HOUR = 3600000, DAY = 20772 /* 2026-11-15 */, ARENA = 1 << 20, FILES = 2, TEXT_MAX = 64 * 1024 };
#define HEAD "creditor_name,iban,sort_code,account_number,amount,currency,reference,end_to_end_id\n"
#define AWAY "DE89370400440532013000"

struct world {
    struct bank bank;
    struct schedule_rules rules;
    struct schedule_jobs jobs;
    struct job table[SCHEDULE_JOBS_COUNT];
    struct bank_account debtor, creditor;
    struct arena arena;
};

static int64_t now_of(int64_t day, int64_t hour) {
    return time_zone_moment(TIME_ZONE_LONDON, day, hour * HOUR);
}

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    test_now_ms = now_of(DAY, 12);
    assert_int_equal(arena_init(&world->arena, ARENA, 256 * ARENA), 0);
    bank_open(&world->bank, &store_memory_ops, "payment_file_test");
    world->rules.rail_count = 1; /* every day is a business day: the calendar has its own test */
    world->rules.rails[0] = (struct schedule_rail){ .currency = bank_gbp(),
                                                    .calendar = { .zone = TIME_ZONE_LONDON, .last_day = 30000 },
                                                    .opens_ms = 6 * HOUR,
                                                    .retry_ms = 14 * HOUR,
                                                    .cut_off_ms = 22 * HOUR };
    world->bank.integration.schedule = &world->rules;
    world->jobs = (struct schedule_jobs){ .now_ms = test_now };
    schedule_jobs_table(&world->jobs, 1000, world->table);
    world->debtor.business = world->creditor.business = true;
    world->debtor.fund_minor = FUND;
    bank_client_account_open(&world->bank, &world->debtor);
    bank_client_account_open(&world->bank, &world->creditor);
    assert_int_equal(engine_start(world->bank.world.engine), 0);
    *state = world;
    return 0;
}
static int teardown(void **state) {
    struct world *world = *state;
    engine_stop(world->bank.world.engine);
    bank_shut(&world->bank);
    store_memory_forget("payment_file_test");
    arena_release(&world->arena);
    free(world);
    test_now_ms = INT64_C(1000) * TEST_NOW_MS;
    return 0;
}

/* What the sender says of text, true unless changed. */
static struct payment_file_input input_of(struct world *world, struct str text, int64_t items, int64_t sum_minor) {
    struct payment_file_input input = { .text = text,
                                        .hash = sha256_str(text),
                                        .item_count = items,
                                        .control_sum = { sum_minor, bank_gbp() },
                                        .day = DAY };
    input.terms.client_id.bytes[0] = 1;
    memcpy(input.terms.debtor_account_id.bytes, world->debtor.row.account_id, 16);
    return input;
}

static int create(struct world *world, const struct payment_file_input *input, uint8_t ret_id[16]) {
    struct command_call call = { .arena = &world->arena };
    struct message message = { { 0 } };
    assert_int_equal(command_payment_file_create(&world->bank.integration, &call, input, &message), 0);
    assert_int_equal(call.answer.result, ANSWER_DONE);
    memcpy(ret_id, call.answer.resource_id, 16);
    return call.answer.refusal;
}

static bool file_row(struct world *world, const uint8_t id[16], struct payment_file_row *row) {
    struct payment_file_row probe = { .state = 0 };
    memcpy(probe.file_id, id, 16);
    return test_row(&world->bank.world, &payment_file_table, &probe, row);
}
static struct payment_file_row file(struct world *world, const uint8_t id[16]) {
    struct payment_file_row row = { .state = 0 };
    assert_true(file_row(world, id, &row));
    return row;
}
static struct payment_file_result_row result(struct world *world, const uint8_t id[16], int64_t number) {
    struct payment_file_result_row row = { .number = 0 }, probe = { .number = number };
    memcpy(probe.file_id, id, 16);
    assert_true(test_row(&world->bank.world, &payment_file_result_table, &probe, &row));
    return row;
}
static int64_t received(struct world *world) {
    return bank_ledger_row(&world->bank, world->creditor.row.number).posted_minor;
}

/* One portion of the job. */
static int run_once(struct world *world) {
    struct reader reader;
    struct arena arena = { 0 };
    assert_int_equal(reader_open(world->bank.world.store, &reader), 0);
    assert_int_equal(arena_init(&arena, ARENA, JOB_ARENA_BYTES_MAX), 0);
    world->bank.world.followup_count = 0;
    int r = world->table[FILES].run(world->table[FILES].ctx, &world->bank.integration, &reader, &arena);
    arena_release(&arena);
    reader_close(&reader);
    return r;
}

/* A file of `count` payments of one pound to our other account. */
static struct str file_of(struct world *world, int count) {
    struct buffer out;
    char *memory = arena_alloc(&world->arena, TEXT_MAX);
    assert_non_null(memory);
    buffer_init(&out, memory, TEXT_MAX);
    buffer_append_c(&out, HEAD);
    for (int i = 0; i < count; i++)
        buffer_printf(&out, "Jane Doe,%s,,,1.00,GBP,item %d,\n", world->creditor.iban, i + 1);
    assert_false(out.overflow);
    return buffer_str(&out);
}

/* The command for an item of one pound to iban, by hand; file and number are the test's. */
static struct file_item_due due_of(struct world *world, const char *iban, bool core_open) {
    struct file_item_due due = { .accept = { .integration = &world->bank.integration, .core_open = core_open } };
    struct payment_order *order = &due.accept.order;
    *order = (struct payment_order){ .client_id = { { 1 } }, .amount = { 100, bank_gbp() } };
    memcpy(order->debtor_account_id.bytes, world->debtor.row.account_id, 16);
    order->creditor.scheme = CREDITOR_SCHEME_IBAN;
    assert_int_equal(person_name_parse(STR("Jane Doe"), &order->creditor.name), 0);
    assert_int_equal(iban_parse(str_from_c(iban), &order->creditor.iban), 0);
    due.accept.creditor_iban = str_from_c(iban);
    due.item.terms.amount_minor = 100;
    return due;
}

/* spec: ledger/30 */
static void b1_whole_or_not_at_all(void **state) {
    struct world *world = *state;
    struct str text = file_of(world, 2);
    uint8_t id[16];
    struct payment_file_input good = input_of(world, text, 2, 200), bad;
    struct payment_file_row row;
    bad = good, bad.hash.bytes[0] ^= 1;
    assert_int_equal(create(world, &bad, id), SCHEDULE_E_HASH);
    bad = good, bad.item_count = 3;
    assert_int_equal(create(world, &bad, id), SCHEDULE_E_ITEMS);
    bad = good, bad.control_sum.minor++;
    assert_int_equal(create(world, &bad, id), SCHEDULE_E_SUM);
    bad = good, bad.terms.client_id.bytes[0] = 2;
    assert_int_equal(create(world, &bad, id), SCHEDULE_E_ACCOUNT);
    bad = good, bad.day = DAY - 1;
    assert_int_equal(create(world, &bad, id), SCHEDULE_E_DATE);
    bad = good, bad.text = STR(HEAD "x\n"), bad.hash = sha256_str(bad.text);
    assert_int_equal(create(world, &bad, id), SCHEDULE_E_FILE);
    assert_int_equal(run_once(world), 0);
    assert_int_equal(received(world), 0);
    assert_int_equal(create(world, &good, id), 0);
    assert_true(file_row(world, id, &row));
    assert_int_equal(row.item_count, 2);
    assert_int_equal(row.state, PAYMENT_FILE_ACCEPTED);
}

/* spec: ledger/30 */
static void b1_the_largest_file_is_one_commit(void **state) {
    struct world *world = *state;
    struct buffer out;
    uint8_t id[16];
    buffer_init_heap(&out, PAYMENT_FILE_CSV_BYTES_MAX);
    buffer_append_c(&out, HEAD);
    for (int i = 0; i < PAYMENT_FILE_ITEMS_MAX; i++) buffer_append_c(&out, "J,,200000,55779911,0.01,GBP,,\n");
    struct payment_file_input input = input_of(world, buffer_str(&out), PAYMENT_FILE_ITEMS_MAX, PAYMENT_FILE_ITEMS_MAX);
    assert_int_equal(create(world, &input, id), 0);
    assert_int_equal(file(world, id).item_count, PAYMENT_FILE_ITEMS_MAX);
    buffer_release(&out);
}

/* spec: ledger/30 */
static void b3_each_item_with_its_result(void **state) {
    struct world *world = *state;
    char text[1024];
    uint8_t id[16];
    int len = snprintf(text, sizeof text,
                       HEAD "Jane Doe,%s,,,10.00,GBP,,\nIvan PETROV,%s,,,5.00,GBP,,\n"
                            "Jane Doe,%s,,,5000.00,GBP,,\nMyself,%s,,,1.00,GBP,,\nJane Doe,%s,,,20.00,GBP,,\n",
                       world->creditor.iban, world->creditor.iban, world->creditor.iban, world->debtor.iban,
                       world->creditor.iban);
    struct payment_file_input input = input_of(world, str_from_bytes(text, (size_t)len), 5, 503600);
    assert_int_equal(create(world, &input, id), 0);
    assert_int_equal(run_once(world), 1);
    assert_int_equal(run_once(world), 0);
    static const struct {
        const char *reason;
        bool made;
    } want[] = { { "", true },
                 { "sanctions", true },
                 { "insufficient_funds", true },
                 { "creditor_not_reachable", false },
                 { "", true } };
    for (size_t i = 0; i < ARRAY_COUNT(want); i++) {
        struct payment_file_result_row row = result(world, id, (int64_t)i + 1);
        assert_int_equal(row.reason.len, strlen(want[i].reason));
        assert_int_equal(!id_is_zero(row.payment_id), want[i].made);
    }
    struct payment_file_row row = file(world, id);
    assert_int_equal(row.state, PAYMENT_FILE_COMPLETED);
    assert_int_equal(row.accepted, 2);
    assert_int_equal(row.rejected, 3);
    assert_int_equal(row.accepted_minor, 3000);
    assert_int_equal(received(world), 3000);
}

static void b2_goes_on_behind_a_restart(void **state) {
    enum { ITEMS = SCHEDULE_PASS_MAX + 44 };
    struct world *world = *state;
    uint8_t id[16];
    struct payment_file_input input = input_of(world, file_of(world, ITEMS), ITEMS, ITEMS * 100);
    assert_int_equal(create(world, &input, id), 0);
    assert_int_equal(run_once(world), 1);
    assert_int_equal(file(world, id).done, SCHEDULE_PASS_MAX);
    engine_stop(world->bank.world.engine);
    bank_restart(&world->bank);
    assert_int_equal(engine_start(world->bank.world.engine), 0);
    assert_int_equal(run_once(world), 1);
    assert_int_equal(run_once(world), 0);
    assert_int_equal(file(world, id).state, PAYMENT_FILE_COMPLETED);
    assert_int_equal(received(world), ITEMS * 100);
}

/* An item that comes twice makes nothing the second time, and the file ends with its last. */
/* spec: ledger/30 */
static void b2_each_item_once(void **state) {
    struct world *world = *state;
    struct file_item_due due = due_of(world, world->creditor.iban, true);
    uint8_t id[16];
    struct payment_file_input input = input_of(world, file_of(world, 2), 2, 200);
    assert_int_equal(create(world, &input, id), 0);
    memcpy(due.item.file_id, id, 16);
    static const struct {
        int64_t number;
        int want;
    } steps[] = { { 2, 0 }, { 2, DUE_E_PAST }, { 1, 0 }, { 1, DUE_E_PAST }, { 2, DUE_E_PAST } };
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        due.item.number = steps[i].number;
        assert_int_equal(command_run_program(&world->bank.integration, &file_item_due_kind, &due), steps[i].want);
        assert_int_equal(strstr(test_last_events(&world->bank.world), "PaymentFileCompleted") != NULL, i >= 2);
    }
    assert_int_equal(received(world), 200);
    assert_int_equal(file(world, id).state, PAYMENT_FILE_COMPLETED);
    assert_int_equal(run_once(world), 0);
}

/* One item of a portion was not decided (the process died): the next portion makes it and nothing else again. */
static void b2_a_gap_is_closed(void **state) {
    enum { ITEMS = 5 };
    struct world *world = *state;
    struct file_item_due due = due_of(world, world->creditor.iban, true);
    uint8_t id[16];
    struct payment_file_input input = input_of(world, file_of(world, ITEMS), ITEMS, ITEMS * 100);
    assert_int_equal(create(world, &input, id), 0);
    memcpy(due.item.file_id, id, 16);
    for (due.item.number = 1; due.item.number <= ITEMS; due.item.number++)
        if (due.item.number != 3)
            assert_int_equal(command_run_program(&world->bank.integration, &file_item_due_kind, &due), 0);
    assert_int_equal(file(world, id).done, ITEMS - 1);
    assert_int_equal(run_once(world), 1);
    assert_int_equal(file(world, id).state, PAYMENT_FILE_COMPLETED);
    assert_int_equal(file(world, id).through, 2);
    assert_int_equal(received(world), ITEMS * 100);
}

/* With the core away the file waits at its first item that needs it. */
static void b2_waits_for_the_core(void **state) {
    struct world *world = *state;
    struct file_item_due due = due_of(world, AWAY, false);
    uint8_t id[16];
    struct payment_file_input input = input_of(world, STR(HEAD "Jane Doe," AWAY ",,,1.00,GBP,,\n"), 1, 100);
    assert_int_equal(create(world, &input, id), 0);
    memcpy(due.item.file_id, id, 16);
    due.item.number = 1;
    assert_int_equal(command_run_program(&world->bank.integration, &file_item_due_kind, &due), DUE_E_CORE);
    assert_int_equal(file(world, id).done, 0);
    assert_int_equal(run_once(world), 1); /* the core is back: the payment is on its way */
    assert_int_equal(file(world, id).accepted, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(b1_whole_or_not_at_all),       TEST(b1_the_largest_file_is_one_commit),
        TEST(b2_goes_on_behind_a_restart),  TEST(b2_each_item_once),
        TEST(b2_a_gap_is_closed),           TEST(b2_waits_for_the_core),
        TEST(b3_each_item_with_its_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
