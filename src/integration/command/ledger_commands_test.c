/* ledger_commands_test.c - the operator's commands on the ledger through the engine's own thread: ledger/10, 11, 15,
 * 17, 19, 20, 23, 36, 59. */
#include "integration/bank_test_world.h"
#include "integration/ledger_watch.h"
#include "observe/metric_table.h"
#include "services/ledger/ledger_period.h"

struct world {
    struct bank bank;
    struct arena arena;
    struct bank_account a, b;
};

static int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_int_equal(arena_init(&world->arena, 64 * 1024, 1 << 20), 0);
    bank_open(&world->bank, &store_memory_ops, "ledger_commands_test");
    world->a.fund_minor = world->b.fund_minor = 1000;
    bank_account_open(&world->bank, &world->a);
    bank_account_open(&world->bank, &world->b);
    assert_int_equal(engine_start(world->bank.world.engine), 0);
    *state = world;
    return 0;
}
static int world_close(void **state) {
    struct world *world = *state;
    bank_shut(&world->bank);
    store_memory_forget("ledger_commands_test");
    arena_release(&world->arena);
    free(world);
    return 0;
}

static struct command_call call_of(struct world *world) {
    return (struct command_call){ .arena = &world->arena };
}
/* "" when accepted, else the refusal's name. */
static const char *said(int r, const struct command_call *call) {
    assert_int_equal(r, 0);
    assert_int_equal(call->answer.result, ANSWER_DONE);
    return call->answer.refusal ? call->answer.refusal_name : "";
}
static bool answer_has(const struct command_call *call, const char *part) {
    return memmem(call->answer.body.at, call->answer.body.len, part, strlen(part)) != NULL;
}

/* spec: ledger/15, ledger/17 */
static void ledger_15_17_posted_and_taken_back(void **state) {
    struct world *world = *state;
    struct money ten = { 10, bank_gbp() };
    struct command_call call = call_of(world);
    struct ledger_post_input post = { .legs = { { world->a.row.number, false, ten, 0 },
                                                { world->b.row.number, true, ten, 0 } },
                                      .leg_count = 2,
                                      .notes = { { STR("purpose"), STR("test") } },
                                      .note_count = 1 };
    assert_string_equal(said(command_ledger_post(&world->bank.integration, &call, &post), &call), "");
    assert_true(answer_has(&call, "\"booked_minor\":990") && answer_has(&call, "\"booked_minor\":1010"));
    struct ledger_reverse_input reverse = { .transaction = 3, .amount_minor = 4 };
    assert_string_equal(said(command_ledger_reverse(&world->bank.integration, &call, &reverse), &call), "");
    assert_true(answer_has(&call, "\"booked_minor\":994"));
    reverse.amount_minor = 7;
    assert_string_equal(said(command_ledger_reverse(&world->bank.integration, &call, &reverse), &call),
                        "not_reversible");
    post.legs[1].amount.minor = 9;
    assert_string_equal(said(command_ledger_post(&world->bank.integration, &call, &post), &call), "unbalanced");
    post.legs[1].amount.minor = 10;
    post.notes[0].key = STR("No Key");
    assert_string_equal(said(command_ledger_post(&world->bank.integration, &call, &post), &call), "invalid_note");
    struct payment_refund_input refund = { .amount = ten };
    assert_string_equal(said(command_payment_refund(&world->bank.integration, &call, &refund), &call),
                        "transaction_not_found");
}

/* spec: ledger/10, ledger/11, ledger/19 */
static void ledger_10_11_19_accounts_are_changed(void **state) {
    struct world *world = *state;
    struct command_call call = call_of(world);
    struct ledger_account_input input = { .action = LEDGER_ACCOUNT_OVERDRAFT,
                                          .number = world->a.row.number,
                                          .amount_minor = 50 };
    assert_string_equal(said(command_ledger_account(&world->bank.integration, &call, &input), &call), "");
    assert_true(answer_has(&call, "\"available_minor\":1050"));
    input.action = LEDGER_ACCOUNT_CLOSE;
    assert_string_equal(said(command_ledger_account(&world->bank.integration, &call, &input), &call),
                        "account_not_empty");
    input =
        (struct ledger_account_input){ .action = LEDGER_ACCOUNT_FREEZE, .number = world->a.row.number, .debits = true };
    assert_string_equal(said(command_ledger_account(&world->bank.integration, &call, &input), &call), "");
    input = (struct ledger_account_input){
        .action = LEDGER_ACCOUNT_LIMITS, .number = world->b.row.number, .has_ceiling = true, .ceiling_minor = 999
    };
    assert_string_equal(said(command_ledger_account(&world->bank.integration, &call, &input), &call),
                        "limit_not_allowed");
    engine_stop(world->bank.world.engine);
    struct account_row row, probe = { 0 };
    memcpy(probe.account_id, world->a.row.account_id, 16);
    assert_true(test_row(&world->bank.world, &account_table, &probe, &row));
    assert_int_equal(row.status, ACCOUNT_BLOCKED);
}

/* spec: ledger/23, ledger/24 */
static void ledger_23_25_holds_by_command(void **state) {
    struct world *world = *state;
    struct command_call call = call_of(world);
    struct ledger_hold_input input = { .action = LEDGER_HOLD_RESERVE,
                                       .account = world->a.row.number,
                                       .amount = { 100, bank_gbp() } };
    assert_string_equal(said(command_ledger_hold(&world->bank.integration, &call, &input), &call), "");
    assert_true(answer_has(&call, "\"held_minor\":100"));
    memcpy(input.hold_id, call.answer.resource_id, 16);
    input.action = LEDGER_HOLD_CAPTURE;
    input.account = 0;
    input.contra = world->b.row.number;
    input.amount.minor = 60;
    assert_string_equal(said(command_ledger_hold(&world->bank.integration, &call, &input), &call), "");
    assert_true(answer_has(&call, "\"held_minor\":40"));
    assert_string_equal(said(command_ledger_hold(&world->bank.integration, &call, &input), &call), "hold_not_active");
    input.action = LEDGER_HOLD_RELEASE;
    assert_string_equal(said(command_ledger_hold(&world->bank.integration, &call, &input), &call), "");
    assert_true(answer_has(&call, "\"held_minor\":0"));
}

/* spec: ledger/20 */
static void ledger_20_a_day_is_closed_and_sealed(void **state) {
    struct world *world = *state;
    struct command_call call = call_of(world);
    assert_string_equal(said(command_ledger_close_day(&world->bank.integration, &call, 0), &call), "");
    assert_true(answer_has(&call, "\"transactions\":2") && answer_has(&call, "\"digest\":"));
    assert_string_equal(said(command_ledger_close_day(&world->bank.integration, &call, 1), &call), "period_closed");
    /* once more, perhaps because the answer was lost: tomorrow stays open */
    assert_string_equal(said(command_ledger_close_day(&world->bank.integration, &call, 0), &call), "period_closed");
}

static int close_today_decide(struct work *work, void *input) {
    int64_t day;
    int r = ledger_business_day(work, &day);
    (void)input;
    return r ? r : ledger_close_day(work, day);
}

/* The process ended between the two commits: the same command once more seals what is closed. */
/* spec: ledger/20 */
static void ledger_20_a_closed_day_is_sealed_later(void **state) {
    struct world *world = *state;
    struct command_call call = call_of(world);
    engine_stop(world->bank.world.engine);
    bank_restart(&world->bank);
    assert_int_equal(test_decide(&world->bank.world, close_today_decide, NULL), 0);
    assert_int_equal(engine_start(world->bank.world.engine), 0);
    assert_string_equal(said(command_ledger_close_day(&world->bank.integration, &call, 0), &call), "");
    assert_true(answer_has(&call, "\"transactions\":2") && answer_has(&call, "\"digest\":"));
    assert_string_equal(said(command_ledger_close_day(&world->bank.integration, &call, 0), &call), "period_closed");
}

/* The job runs once; the page then has this line. */
static void watch_says(struct world *world, const char *line) {
    struct integration *integration = &world->bank.integration;
    struct reader reader;
    struct buffer page;
    assert_int_equal(reader_open(integration->store, &reader), 0);
    assert_int_equal(ledger_watch_run(NULL, integration, &reader, &world->arena), 0);
    reader_close(&reader);
    buffer_init_heap(&page, 1 << 20);
    assert_int_equal(metrics_write(integration->metrics, METRIC_FORMAT_TEXT, &page), 0);
    if (!memmem(page.at, page.len, line, strlen(line))) fail_msg("no %s in " STR_FMT, line, STR_ARG(buffer_str(&page)));
    buffer_release(&page);
}

/* Behind the engine's back. */
static void balance_damage(struct world *world, int64_t minor) {
    struct ledger_account_row row = bank_ledger_row(&world->bank, world->a.row.number);
    struct store_change change = { &ledger_account_table, STORE_UPDATE, &row };
    row.posted_minor += minor;
    assert_int_equal(store_commit(world->bank.world.store, &change, 1), 0);
}

/* spec: ledger/59 */
static void ledger_59_the_difference_is_a_gauge(void **state) {
    struct world *world = *state;
    struct integration *integration = &world->bank.integration;
    engine_stop(world->bank.world.engine);
    assert_int_equal(metrics_new(metric_families, METRIC_FAMILY_COUNT, &integration->metrics), 0);
    watch_says(world, "giro_ledger_difference_minor{currency=\"GBP\"} 0\n");
    balance_damage(world, 7);
    watch_says(world, "giro_ledger_difference_minor{currency=\"GBP\"} 7\n");
    balance_damage(world, -7);
    watch_says(world, "giro_ledger_difference_minor{currency=\"GBP\"} 0\n");
    integration->metrics = metrics_free(integration->metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ledger_15_17_posted_and_taken_back, world_open, world_close),
        cmocka_unit_test_setup_teardown(ledger_10_11_19_accounts_are_changed, world_open, world_close),
        cmocka_unit_test_setup_teardown(ledger_23_25_holds_by_command, world_open, world_close),
        cmocka_unit_test_setup_teardown(ledger_20_a_day_is_closed_and_sealed, world_open, world_close),
        cmocka_unit_test_setup_teardown(ledger_20_a_closed_day_is_sealed_later, world_open, world_close),
        cmocka_unit_test_setup_teardown(ledger_59_the_difference_is_a_gauge, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
