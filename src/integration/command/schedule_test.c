/* schedule_test.c - scheduled payments and standing orders on a real bank with a clock of the test: what is refused,
 * what goes out when, once, and what a standstill leaves behind. */
#include "integration/command/due.h"

#include "domain/civil_date.h"
#include "integration/bank_test_world.h"
#include "integration/command/command_run.h"
#include "integration/schedule_jobs.h"
#include "integration/schedule_rules.h"

enum { FUND = 100000, AMOUNT = 2500, HOUR = 3600000, DAY = 86400000, ARENA = 1 << 20 };

struct world {
    struct bank bank;
    struct schedule_rules rules;
    struct schedule_jobs jobs;
    struct job table[SCHEDULE_JOBS_COUNT];
    struct bank_account debtor, creditor;
    struct arena arena;
    int notices;
};

static void on_notice(void *ctx, const char *text) {
    struct world *world = ctx;
    assert_non_null(strstr(text, "extend it"));
    world->notices++;
}

static int64_t day_of(const char *text) {
    int64_t day;
    if (civil_parse(str_from_c(text), &day)) fail_msg("no day: %s", text);
    return day;
}

/* London's wall clock. */
static int64_t at(const char *day, int64_t hour) {
    return time_zone_moment(TIME_ZONE_LONDON, day_of(day), hour * HOUR);
}

static void read_calendar(struct world *world) {
    struct str text;
    struct message message = { { 0 } };
    struct schedule_rail *rail = &world->rules.rails[world->rules.rail_count++];
    assert_int_equal(file_read_all("policy/calendar/GB.csv", CALENDAR_FILE_BYTES_MAX, &world->arena, &text, &message),
                     0);
    assert_int_equal(calendar_read(text, "policy/calendar/GB.csv", &rail->calendar, &message), 0);
    rail->currency = bank_gbp();
    rail->opens_ms = 6 * HOUR;
    rail->retry_ms = 14 * HOUR;
    rail->cut_off_ms = 22 * HOUR;
    for (int i = 0; i < SCHEDULE_KIND_COUNT; i++) world->rules.rules[i] = CALENDAR_FOLLOWING;
}

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    test_now_ms = at("2026-11-20", 12); /* a Friday */
    assert_int_equal(arena_init(&world->arena, ARENA, 64 * ARENA), 0);
    bank_open(&world->bank, &store_memory_ops, "schedule_test");
    read_calendar(world);
    world->bank.integration.schedule = &world->rules;
    world->jobs = (struct schedule_jobs){ .now_ms = test_now, .on_notice = on_notice, .ctx = world };
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
    store_memory_forget("schedule_test");
    arena_release(&world->arena);
    free(world);
    test_now_ms = INT64_C(1000) * TEST_NOW_MS;
    return 0;
}

/* Another process on the same store. */
static void restart(struct world *world) {
    engine_stop(world->bank.world.engine);
    bank_restart(&world->bank);
    assert_int_equal(engine_start(world->bank.world.engine), 0);
}

static struct payment_order order_of(struct world *world, int64_t amount_minor) {
    struct payment_order order = { .client_id = { { 1 } }, .amount = { amount_minor, bank_gbp() } };
    memcpy(order.debtor_account_id.bytes, world->debtor.row.account_id, 16);
    order.creditor.scheme = CREDITOR_SCHEME_IBAN;
    assert_int_equal(person_name_parse(STR("Jane Doe"), &order.creditor.name), 0);
    assert_int_equal(iban_parse(str_from_c(world->creditor.iban), &order.creditor.iban), 0);
    return order;
}

struct answered {
    int refusal;
    enum answer_result result;
    uint8_t id[16];
};
static struct answered answered_by(int r, const struct command_call *call) {
    struct answered answered = { .refusal = call->answer.refusal, .result = call->answer.result };
    assert_int_equal(r, 0);
    memcpy(answered.id, call->answer.resource_id, 16);
    return answered;
}

static struct answered schedule_key(struct world *world, int64_t amount_minor, int64_t day, const char *key) {
    struct command_call call = { .arena = &world->arena, .idempotent = key != NULL };
    struct schedule_create_input input = { .order = order_of(world, amount_minor), .day = day };
    call.key = str_from_c(key);
    call.method = STR("POST");
    call.route_template = STR("/schedule");
    call.fingerprint = sha256(&amount_minor, sizeof amount_minor);
    return answered_by(command_schedule_create(&world->bank.integration, &call, &input), &call);
}
static struct answered schedule(struct world *world, int64_t amount_minor, const char *day) {
    return schedule_key(world, amount_minor, day_of(day), NULL);
}
static int cancel(struct world *world, const uint8_t id[16]) {
    struct command_call call = { .arena = &world->arena };
    return answered_by(command_schedule_cancel(&world->bank.integration, &call, id), &call).refusal;
}

/* Runs a job until nothing is left; returns the number of portions that did something. */
static int run_job(struct world *world, int number) {
    struct reader reader;
    struct arena arena = { 0 };
    int portions = 0, r;
    assert_int_equal(reader_open(world->bank.world.store, &reader), 0);
    assert_int_equal(arena_init(&arena, ARENA, JOB_ARENA_BYTES_MAX), 0);
    do {
        world->bank.world.followup_count = 0;
        arena_reset(&arena);
        r = world->table[number].run(world->table[number].ctx, &world->bank.integration, &reader, &arena);
        assert_true(r >= 0 && portions < 100);
        portions += r;
    } while (r);
    arena_release(&arena);
    reader_close(&reader);
    return portions;
}
enum { SCHEDULED, STANDING };

static struct scheduled_row scheduled(struct world *world, const uint8_t id[16]) {
    struct scheduled_row row = { .state = 0 }, probe = { .state = 0 };
    memcpy(probe.scheduled_id, id, 16);
    assert_true(test_row(&world->bank.world, &scheduled_table, &probe, &row));
    return row;
}
static struct standing_order_row standing(struct world *world, const uint8_t id[16]) {
    struct standing_order_row row = { .state = 0 }, probe = { .state = 0 };
    memcpy(probe.standing_order_id, id, 16);
    assert_true(test_row(&world->bank.world, &standing_order_table, &probe, &row));
    return row;
}
static int64_t received(struct world *world) {
    return bank_ledger_row(&world->bank, world->creditor.row.number).posted_minor;
}
static int64_t payment_type_of(struct world *world, const uint8_t id[16]) {
    struct payment_row row = { .type = 0 }, probe = { .type = 0 };
    memcpy(probe.payment_id, id, 16);
    assert_true(test_row(&world->bank.world, &payment_table, &probe, &row));
    return row.type;
}

/* spec: ledger/28, ledger/42 */
static void what_is_refused_when_it_is_ordered(void **state) {
    struct world *world = *state;
    static const struct {
        const char *name;
        int64_t now_hour;
        const char *day;
        int refusal;
        const char *due_day;
    } cases[] = {
        { "tomorrow, a Saturday", 12, "2026-11-21", 0, "2026-11-23" },
        { "today", 12, "2026-11-20", 0, "2026-11-20" },
        { "today, the last minute", 21, "2026-11-20", 0, "2026-11-20" },
        { "today, behind the cut-off", 22, "2026-11-20", SCHEDULE_E_CUT_OFF, NULL },
        { "tomorrow, behind it", 22, "2026-11-21", 0, "2026-11-23" },
        { "yesterday", 12, "2026-11-19", SCHEDULE_E_DATE, NULL },
        { "Christmas", 12, "2026-12-25", 0, "2026-12-29" },
        { "the calendar's last business day", 12, "2028-12-29", 0, "2028-12-29" },
        { "behind the calendar", 12, "2028-12-30", SCHEDULE_E_CALENDAR, NULL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_now_ms = at("2026-11-20", cases[i].now_hour);
        struct answered got = schedule(world, AMOUNT, cases[i].day);
        if (got.refusal != cases[i].refusal) fail_msg("%s: %d", cases[i].name, got.refusal);
        if (!got.refusal) assert_int_equal(scheduled(world, got.id).due_day, day_of(cases[i].due_day));
    }
    struct payment_order order = order_of(world, AMOUNT);
    order.client_id.bytes[0] = 2;
    struct command_call call = { .arena = &world->arena };
    struct schedule_create_input input = { .order = order, .day = day_of("2026-11-24") };
    assert_int_equal(answered_by(command_schedule_create(&world->bank.integration, &call, &input), &call).refusal,
                     SCHEDULE_E_ACCOUNT);
    world->bank.integration.schedule = NULL;
    assert_int_equal(schedule(world, AMOUNT, "2026-11-24").refusal, SCHEDULE_E_RAIL);
}

static void the_same_order_again(void **state) {
    struct world *world = *state;
    struct answered first = schedule_key(world, AMOUNT, day_of("2026-11-24"), "a");
    struct answered again = schedule_key(world, AMOUNT, day_of("2026-11-24"), "a");
    assert_int_equal(again.result, ANSWER_REPLAYED);
    assert_memory_equal(again.id, first.id, 16);
    assert_int_equal(schedule_key(world, AMOUNT + 1, day_of("2026-11-24"), "a").result, ANSWER_KEY_REUSED);
    test_now_ms = at("2026-11-24", 6);
    (void)run_job(world, SCHEDULED);
    assert_int_equal(received(world), AMOUNT);
}

/* spec: ledger/28 */
static void s1_made_on_its_day_and_once(void **state) {
    struct world *world = *state;
    struct answered made = schedule(world, AMOUNT, "2026-11-21"); /* a Saturday: Monday */
    test_now_ms = at("2026-11-23", 6) - 1;
    assert_int_equal(run_job(world, SCHEDULED), 0);
    assert_int_equal(received(world), 0);
    test_now_ms = at("2026-11-23", 6);
    assert_int_equal(run_job(world, SCHEDULED), 1);
    assert_int_equal(received(world), AMOUNT);
    struct scheduled_row row = scheduled(world, made.id);
    assert_int_equal(row.state, SCHEDULED_EXECUTED);
    assert_int_equal(payment_type_of(world, row.payment_id), PAYMENT_SCHEDULED);
    assert_int_equal(run_job(world, SCHEDULED), 0);
    restart(world);
    test_now_ms = at("2026-11-24", 6);
    assert_int_equal(run_job(world, SCHEDULED), 0);
    assert_int_equal(received(world), AMOUNT);
}

/* The job's command twice in the queue, as after a crash whose commit was kept: the row says it is done. */
/* spec: ledger/28 */
static void s1_a_command_that_comes_twice(void **state) {
    struct world *world = *state;
    struct answered made = schedule(world, AMOUNT, "2026-11-20");
    struct scheduled_due due = { .accept = { .integration = &world->bank.integration,
                                             .order = order_of(world, AMOUNT),
                                             .core_open = true,
                                             .type_given = true,
                                             .type = PAYMENT_SCHEDULED } };
    due.accept.creditor_iban = str_from_c(world->creditor.iban);
    memcpy(due.scheduled_id, made.id, 16);
    assert_int_equal(command_run_program(&world->bank.integration, &scheduled_due_kind, &due), 0);
    assert_int_equal(command_run_program(&world->bank.integration, &scheduled_due_kind, &due), DUE_E_PAST);
    assert_int_equal(received(world), AMOUNT);
}

static void no_funds_once_more_in_the_afternoon(void **state) {
    struct world *world = *state;
    struct answered made = schedule(world, FUND + 1, "2026-11-23");
    test_now_ms = at("2026-11-23", 6);
    (void)run_job(world, SCHEDULED);
    struct scheduled_row row = scheduled(world, made.id);
    assert_int_equal(row.state, SCHEDULED_PENDING);
    assert_int_equal(row.attempts, 1);
    assert_int_equal(row.due_ms, at("2026-11-23", 14));
    test_now_ms = at("2026-11-23", 14);
    (void)run_job(world, SCHEDULED);
    row = scheduled(world, made.id);
    assert_int_equal(row.state, SCHEDULED_REJECTED); /* S2 */
    assert_false(id_is_zero(row.payment_id));
    assert_non_null(strstr(test_last_events(&world->bank.world), "PaymentRejected"));
    assert_non_null(strstr(world->bank.world.events, "insufficient_funds"));
    assert_int_equal(received(world), 0);
}

static int fund_decide(struct work *work, void *input) {
    struct ledger_posting posting = { .debit_account = ledger_internal_number(LEDGER_FUNDING, bank_gbp()),
                                      .credit_account = ((struct world *)input)->debtor.row.number,
                                      .amount = { 1, bank_gbp() },
                                      .kind = LEDGER_FUND };
    return ledger_post(work, &posting);
}

static int program_decide(struct work *work, struct command *command) {
    return fund_decide(work, command->input);
}

static void money_that_comes_before_the_afternoon(void **state) {
    static const struct command_kind fund = { .name = "fund", .decide = program_decide };
    struct world *world = *state;
    struct answered made = schedule(world, FUND + 1, "2026-11-23");
    test_now_ms = at("2026-11-23", 6);
    (void)run_job(world, SCHEDULED);
    assert_int_equal(command_run_program(&world->bank.integration, &fund, world), 0);
    assert_int_equal(run_job(world, SCHEDULED), 0);
    test_now_ms = at("2026-11-23", 14);
    (void)run_job(world, SCHEDULED);
    assert_int_equal(scheduled(world, made.id).state, SCHEDULED_EXECUTED);
    assert_int_equal(received(world), FUND + 1);
}

/* What could not even be a payment any more is rejected with the word of the refusal and an event of its own. */
static void s2_not_accepted_on_the_day(void **state) {
    struct world *world = *state;
    struct answered made = schedule(world, AMOUNT, "2026-11-20");
    struct scheduled_due due = {
        .accept = { .integration = &world->bank.integration, .order = order_of(world, AMOUNT), .core_open = true }
    };
    due.accept.creditor_iban = str_from_c(world->debtor.iban); /* to itself */
    memcpy(due.scheduled_id, made.id, 16);
    assert_int_equal(command_run_program(&world->bank.integration, &scheduled_due_kind, &due), 0);
    assert_int_equal(scheduled(world, made.id).state, SCHEDULED_REJECTED);
    assert_true(id_is_zero(scheduled(world, made.id).payment_id));
    assert_non_null(strstr(test_last_events(&world->bank.world), "ScheduledPaymentRejected"));
}

/* spec: ledger/28 */
static void cancelled_until_the_day_before(void **state) {
    struct world *world = *state;
    struct answered monday = schedule(world, AMOUNT, "2026-11-23"), today = schedule(world, AMOUNT, "2026-11-20");
    static const uint8_t unknown[16] = { 9 };
    assert_int_equal(cancel(world, unknown), SCHEDULE_E_ABSENT);
    assert_int_equal(cancel(world, today.id), SCHEDULE_E_LATE);
    test_now_ms = at("2026-11-20", 22); /* the business day before Monday */
    assert_int_equal(cancel(world, monday.id), SCHEDULE_E_LATE);
    struct answered tuesday = schedule(world, AMOUNT, "2026-11-24");
    test_now_ms = at("2026-11-23", 21);
    assert_int_equal(cancel(world, tuesday.id), 0);
    assert_int_equal(cancel(world, tuesday.id), SCHEDULE_E_STATE);
    test_now_ms = at("2026-11-24", 7);
    (void)run_job(world, SCHEDULED);
    assert_int_equal(scheduled(world, tuesday.id).state, SCHEDULED_CANCELLED);
    assert_int_equal(received(world), 2 * AMOUNT); /* Monday's and Friday's */
}

/* ---- standing orders ---- */

static struct answered stand(struct world *world, struct standing_order_input input, const char *frequency) {
    struct command_call call = { .arena = &world->arena };
    input.order = order_of(world, AMOUNT);
    input.frequency = str_from_c(frequency);
    return answered_by(command_standing_order_create(&world->bank.integration, &call, &input), &call);
}

static bool run_row(struct world *world, const uint8_t id[16], int64_t sequence, struct standing_order_run_row *row) {
    struct standing_order_run_row probe = { .sequence = sequence };
    memcpy(probe.standing_order_id, id, 16);
    return test_row(&world->bank.world, &standing_order_run_table, &probe, row);
}

/* spec: ledger/29 */
static void o1_each_date_once(void **state) {
    struct world *world = *state;
    struct standing_order_input input = {
        .first_day = day_of("2026-11-30"), .payments_max = 3, .first_minor = 100, .final_minor = 300
    };
    struct answered made = stand(world, input, "MNTH");
    static const struct {
        const char *day;
        int64_t received, sequence, state;
        const char *next; /* due */
    } steps[] = {
        { "2026-11-29", 0, 0, STANDING_ORDER_ACTIVE, "2026-11-30" },
        { "2026-11-30", 100, 1, STANDING_ORDER_ACTIVE, "2026-12-30" },
        { "2026-12-29", 100, 1, STANDING_ORDER_ACTIVE, "2026-12-30" },
        { "2026-12-30", 100 + AMOUNT, 2, STANDING_ORDER_ACTIVE, "2027-02-01" }, /* 30 January is a Saturday */
        { "2027-01-30", 100 + AMOUNT, 2, STANDING_ORDER_ACTIVE, "2027-02-01" },
        { "2027-02-01", 400 + AMOUNT, 3, STANDING_ORDER_COMPLETED, NULL },
        { "2027-03-30", 400 + AMOUNT, 3, STANDING_ORDER_COMPLETED, NULL },
    };
    assert_int_equal(made.refusal, 0);
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        test_now_ms = at(steps[i].day, 6);
        (void)run_job(world, STANDING);
        (void)run_job(world, STANDING);
        struct standing_order_row row = standing(world, made.id);
        if (received(world) != steps[i].received || row.sequence != steps[i].sequence || row.state != steps[i].state)
            fail_msg("%s: %lld received, %lld made", steps[i].day, (long long)received(world), (long long)row.sequence);
        assert_int_equal(row.due_day, steps[i].next ? day_of(steps[i].next) : 0);
    }
    struct standing_order_run_row run;
    assert_true(run_row(world, made.id, 3, &run) && !run_row(world, made.id, 4, &run));
    assert_true(run_row(world, made.id, 2, &run));
    assert_int_equal(run.plan_day, day_of("2026-12-30"));
    assert_int_equal(payment_type_of(world, run.payment_id), PAYMENT_STANDING_ORDER);
    assert_non_null(strstr(test_last_events(&world->bank.world), "StandingOrderCompleted"));
}

/* spec: ledger/29 */
static void o2_a_standstill_is_caught_up_in_order(void **state) {
    struct world *world = *state;
    struct standing_order_input input = { .first_day = day_of("2026-11-23") };
    struct answered made = stand(world, input, "EvryWorkgDay");
    test_now_ms = at("2026-12-04", 12); /* a Friday, two weeks later: ten business days */
    restart(world);
    assert_int_equal(run_job(world, STANDING), 10);
    assert_int_equal(received(world), 10 * AMOUNT);
    for (int64_t sequence = 1, day = day_of("2026-11-23"); sequence <= 10; sequence++) {
        struct standing_order_run_row run;
        assert_true(run_row(world, made.id, sequence, &run));
        assert_int_equal(run.plan_day, day);
        day += civil_weekday(day) == 5 ? 3 : 1;
    }
    assert_int_equal(standing(world, made.id).due_day, day_of("2026-12-07"));
}

/* spec: ledger/29 */
static void o3_a_rejected_date_is_over(void **state) {
    struct world *world = *state;
    struct standing_order_input input = { .first_day = day_of("2026-11-23"), .first_minor = FUND + 1 };
    struct answered made = stand(world, input, "WEEK");
    struct standing_order_run_row run;
    test_now_ms = at("2026-11-23", 6);
    (void)run_job(world, STANDING);
    assert_int_equal(standing(world, made.id).sequence, 0);
    assert_int_equal(standing(world, made.id).due_ms, at("2026-11-23", 14));
    test_now_ms = at("2026-11-23", 14);
    (void)run_job(world, STANDING);
    assert_true(run_row(world, made.id, 1, &run));
    assert_false(id_is_zero(run.payment_id));
    test_now_ms = at("2026-11-30", 6);
    (void)run_job(world, STANDING);
    assert_true(run_row(world, made.id, 2, &run));
    assert_int_equal(received(world), AMOUNT);
}

/* spec: ledger/29 */
static void a_standing_order_is_cancelled(void **state) {
    struct world *world = *state;
    struct standing_order_input input = { .first_day = day_of("2026-11-23") };
    struct answered made = stand(world, input, "WEEK");
    struct command_call call = { .arena = &world->arena };
    test_now_ms = at("2026-11-20", 22);
    assert_int_equal(
        answered_by(command_standing_order_cancel(&world->bank.integration, &call, made.id), &call).refusal,
        SCHEDULE_E_LATE);
    test_now_ms = at("2026-11-23", 6);
    (void)run_job(world, STANDING);
    assert_int_equal(
        answered_by(command_standing_order_cancel(&world->bank.integration, &call, made.id), &call).refusal, 0);
    test_now_ms = at("2026-12-30", 6);
    assert_int_equal(run_job(world, STANDING), 0);
    assert_int_equal(received(world), AMOUNT);
}

/* The next date lies behind the calendar: nothing is guessed, the operator is told, and a longer calendar lets it go
 * on. */
/* spec: ledger/42 */
static void a_calendar_that_ends(void **state) {
    struct world *world = *state;
    struct schedule_rail *rail = &world->rules.rails[0];
    struct standing_order_input input = { .first_day = day_of("2026-11-23") };
    int64_t last_day = rail->calendar.last_day;
    struct answered made = stand(world, input, "WEEK");
    rail->calendar.last_day = day_of("2026-11-29");
    test_now_ms = at("2026-11-23", 6);
    (void)run_job(world, STANDING);
    assert_int_equal(world->notices, 1);
    assert_int_equal(standing(world, made.id).due_day, 0);
    test_now_ms = at("2026-11-30", 12);
    (void)run_job(world, STANDING);
    assert_int_equal(received(world), AMOUNT);
    rail->calendar.last_day = last_day;
    test_now_ms = at("2026-11-30", 19);
    (void)run_job(world, STANDING);
    (void)run_job(world, STANDING);
    assert_int_equal(received(world), 2 * AMOUNT);
    assert_int_equal(standing(world, made.id).due_day, day_of("2026-12-07"));
}

/* spec: ledger/29 */
static void standing_orders_that_are_refused(void **state) {
    struct world *world = *state;
    struct standing_order_input good = { .first_day = day_of("2026-11-23") }, past = good, both = good;
    past.first_day = day_of("2026-11-19");
    both.final_day = day_of("2026-12-23");
    both.payments_max = 2;
    assert_int_equal(stand(world, good, "MNTH").refusal, 0);
    assert_int_equal(stand(world, good, "ADHO").refusal, SCHEDULE_E_FREQUENCY);
    assert_int_equal(stand(world, past, "MNTH").refusal, SCHEDULE_E_DATE);
    assert_int_equal(stand(world, both, "MNTH").refusal, SCHEDULE_E_PLAN);
}

/* A scheduled payment whose row says nothing that can be paid. */
static int unreadable_decide(struct work *work, struct command *command) {
    const struct world *world = command->input;
    struct scheduled_row row = { .terms = { .currency = bank_gbp().code, .amount_minor = AMOUNT }, .due_ms = 1 };
    memcpy(row.terms.debtor_account_id, world->debtor.row.account_id, 16);
    return scheduled_create(work, &row);
}
static const struct command_kind unreadable_kind = { .name = "unreadable", .decide = unreadable_decide };

/* It is told and tried again, but the others do not wait behind it. */
static void an_unreadable_row_stops_nobody_else(void **state) {
    struct world *world = *state;
    struct reader reader;
    struct arena arena = { 0 };
    struct answered made = schedule(world, AMOUNT, "2026-11-23");
    assert_int_equal(command_run_program(&world->bank.integration, &unreadable_kind, world), 0);
    test_now_ms = at("2026-11-23", 6);
    assert_int_equal(reader_open(world->bank.world.store, &reader), 0);
    assert_int_equal(arena_init(&arena, ARENA, JOB_ARENA_BYTES_MAX), 0);
    assert_int_equal(world->table[SCHEDULED].run(&world->jobs, &world->bank.integration, &reader, &arena), -EBADMSG);
    arena_release(&arena);
    reader_close(&reader);
    assert_int_equal(scheduled(world, made.id).state, SCHEDULED_EXECUTED);
    assert_int_equal(received(world), AMOUNT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_refused_when_it_is_ordered),
        TEST(the_same_order_again),
        TEST(s1_made_on_its_day_and_once),
        TEST(s1_a_command_that_comes_twice),
        TEST(no_funds_once_more_in_the_afternoon),
        TEST(money_that_comes_before_the_afternoon),
        TEST(s2_not_accepted_on_the_day),
        TEST(an_unreadable_row_stops_nobody_else),
        TEST(cancelled_until_the_day_before),
        TEST(o1_each_date_once),
        TEST(o2_a_standstill_is_caught_up_in_order),
        TEST(o3_a_rejected_date_is_over),
        TEST(a_standing_order_is_cancelled),
        TEST(a_calendar_that_ends),
        TEST(standing_orders_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
