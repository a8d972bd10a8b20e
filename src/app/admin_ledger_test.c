/* admin_ledger_test.c - the operator's commands on money: no money out of nothing, each in the audit trail, and never
 * twice under one key. */
#include "app/admin_int.h"

#include "integration/bank_test_world.h"

enum { ANSWER_BYTES = 16 * 1024 };

struct world {
    struct bank bank;
    struct bank_account account, other;
    struct arena arena;
    char line[1024], answer[ANSWER_BYTES];
};

static int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    bank_open(&world->bank, &store_memory_ops, "admin_ledger_test");
    world->account.fund_minor = world->other.fund_minor = 1000;
    bank_account_open(&world->bank, &world->account);
    bank_account_open(&world->bank, &world->other);
    world->bank.integration.sandbox = false;
    assert_int_equal(arena_init(&world->arena, ADMIN_ARENA_BYTES, ADMIN_ARENA_BYTES_MAX), 0);
    assert_int_equal(engine_start(world->bank.world.engine), 0);
    *state = world;
    return 0;
}
static int world_close(void **state) {
    struct world *world = *state;
    bank_shut(&world->bank);
    store_memory_forget("admin_ledger_test");
    arena_release(&world->arena);
    free(world);
    return 0;
}

/* "done", or the error's name. */
static const char *ask(struct world *world, const char *line) {
    struct admin_options options = { .integration = &world->bank.integration };
    struct admin_request request = { .options = &options, .line = str_from_c(line), .arena = &world->arena };
    struct json_writer writer;
    struct buffer out;
    int fault = 0;
    buffer_init(&out, world->answer, sizeof world->answer);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    assert_int_equal(json_parse_arena(request.line, ADMIN_LINE_BYTES_MAX, JSON_DEPTH_MAX, &world->arena, &request.json),
                     0);
    const char *error = admin_handle(&request, &writer, &fault);
    assert_int_equal(fault, 0);
    return error ? error : "done";
}

/* A posting of 1.00 from an account to the customer's. */
static const char *post_line(struct world *world, const char *debit, const char *more) {
    (void)snprintf(
        world->line, sizeof world->line,
        "{\"command\":\"ledger_post\",\"legs\":[{\"side\":\"debit\",\"account\":\"%s\",\"amount\":\"1.00\","
        "\"currency\":\"GBP\"},{\"side\":\"credit\",\"account\":%lld,\"amount\":\"1.00\",\"currency\":\"GBP\"}]"
        "%s}",
        debit, (long long)world->account.row.number, more);
    return world->line;
}

static int64_t booked(struct world *world) {
    return bank_ledger_row(&world->bank, world->account.row.number).posted_minor;
}

struct wanted {
    const char *text;
    int found;
};
static int audit_look(void *ctx, const void *row) {
    struct wanted *wanted = ctx;
    struct str body = ((const struct journal_row *)row)->body, json;
    enum journal_frame type;
    bool good;
    while (journal_frame_next(&body, &type, &json, &good))
        wanted->found += type == JOURNAL_AUDIT && memmem(json.at, json.len, wanted->text, strlen(wanted->text)) != NULL;
    return 0;
}
/* How many audit records name the operation; ends the engine. */
static int audits_of(struct world *world, const char *operation) {
    struct wanted wanted = { .text = operation };
    struct store_range range = { .table = &engine_journal_table, .limit = 100 };
    struct reader reader;
    engine_stop(world->bank.world.engine);
    assert_int_equal(reader_open(world->bank.world.store, &reader), 0);
    assert_int_equal(read_range(&reader, &range, &world->arena, audit_look, &wanted), 0);
    reader_close(&reader);
    return wanted.found;
}

static void no_money_out_of_nothing(void **state) {
    struct world *world = *state;
    assert_string_equal(ask(world, post_line(world, "funding/GBP", "")), "sandbox_only");
    (void)snprintf(world->answer, 32, "%lld", (long long)ledger_internal_number(LEDGER_FUNDING, bank_gbp()));
    assert_string_equal(ask(world, post_line(world, world->answer, "")), "sandbox_only"); /* by its number */
    assert_string_equal(ask(world, post_line(world, "funding/GBP/7", "")), "sandbox_only");
    assert_int_equal(booked(world), 1000);
    assert_string_equal(ask(world, post_line(world, "suspense/GBP", "")), "done"); /* a correction */
    world->bank.integration.sandbox = true;
    assert_string_equal(ask(world, post_line(world, "funding/GBP", "")), "done");
    assert_int_equal(booked(world), 1200);
}

/* spec: ledger/43, ledger/46 */
static void once_under_one_key(void **state) {
    struct world *world = *state;
    const char *line = post_line(world, "suspense/GBP", ",\"key\":\"case 7\"");
    assert_string_equal(ask(world, line), "done");
    assert_string_equal(ask(world, line), "done"); /* the answer was lost, the operator asks again */
    assert_int_equal(booked(world), 1100);
    assert_string_equal(ask(world, post_line(world, "capital/GBP", ",\"key\":\"case 7\"")), "idempotency_key_reused");
    assert_int_equal(booked(world), 1100);
}

static void each_is_audited(void **state) {
    struct world *world = *state;
    char line[256];
    assert_string_equal(ask(world, post_line(world, "suspense/GBP", "")), "done");
    assert_string_equal(ask(world, "{\"command\":\"ledger_reverse\",\"transaction\":3}"), "done");
    (void)snprintf(line, sizeof line, "{\"command\":\"ledger_account\",\"action\":\"freeze\",\"account\":%lld}",
                   (long long)world->account.row.number);
    assert_string_equal(ask(world, line), "done");
    (void)snprintf(line, sizeof line,
                   "{\"command\":\"ledger_hold\",\"action\":\"reserve\",\"account\":%lld,\"amount\":\"1.00\","
                   "\"currency\":\"GBP\"}",
                   (long long)world->account.row.number);
    assert_string_equal(ask(world, line), "done");
    assert_string_equal(ask(world,
                            "{\"command\":\"payment_refund\",\"payment_id\":"
                            "\"00000000-0000-7000-8000-000000000001\",\"amount\":\"1.00\",\"currency\":\"GBP\"}"),
                        "transaction_not_found");
    assert_string_equal(ask(world, "{\"command\":\"ledger_close_day\",\"key\":\"k\"}"), "done");
    static const char *const operations[] = { "ledger_post", "ledger_reverse", "ledger_account", "ledger_hold",
                                              "payment_refund" };
    assert_int_equal(audits_of(world, "\"ledger_close_day\""), 2); /* closed, then sealed */
    for (size_t i = 0; i < ARRAY_COUNT(operations); i++) assert_int_equal(audits_of(world, operations[i]), 1);
}

/* An overdraft given, a client let in: the operator's other commands leave a record too. */
static void what_opens_the_door_is_audited(void **state) {
    struct world *world = *state;
    assert_string_equal(ask(world, "{\"command\":\"client_register\",\"name\":\"tpp-one\",\"display_name\":\"Tpp\","
                                   "\"profile\":\"fapi2\",\"sender\":\"mtls\",\"tier\":\"standard\","
                                   "\"scope\":\"payments\",\"software_id\":\"tpp-one\",\"jwks\":{\"keys\":[{"
                                   "\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"kid\":\"1\",\"x\":"
                                   "\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":"
                                   "\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}}"),
                        "done");
    assert_string_equal(ask(world, "{\"command\":\"customer_register\",\"login\":\"jane\",\"name\":\"Jane Doe\","
                                   "\"password\":\"correct horse battery\",\"totp_secret\":"
                                   "\"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"}"),
                        "done");
    assert_string_equal(ask(world, "{\"command\":\"account_open\",\"client_name\":\"nobody\",\"name\":\"x\","
                                   "\"currency\":\"GBP\",\"overdraft_minor\":5}"),
                        "holder_not_found");
    world->bank.integration.sandbox = true;
    assert_string_equal(ask(world,
                            "{\"command\":\"account_fund\",\"account_id\":\"00000000-0000-7000-8000-000000000001\","
                            "\"currency\":\"GBP\",\"amount\":\"1.00\"}"),
                        "account_not_found");
    static const char *const operations[] = { "client_register", "customer_register", "account_open", "account_fund" };
    for (size_t i = 0; i < ARRAY_COUNT(operations); i++)
        if (audits_of(world, operations[i]) != 1) fail_msg("%s", operations[i]);
}

/* A number that is none must not become "all that is left", or zero. */
static void amounts_are_whole_numbers(void **state) {
    struct world *world = *state;
    static const char *const lines[] = {
        "{\"command\":\"ledger_reverse\",\"transaction\":1,\"amount_minor\":\"5\"}",
        "{\"command\":\"ledger_reverse\",\"transaction\":1,\"amount_minor\":5.0}",
        "{\"command\":\"ledger_account\",\"action\":\"limits\",\"account\":1,\"floor_minor\":\"5\"}",
        "{\"command\":\"ledger_account\",\"action\":\"limits\",\"account\":1,\"ceiling_minor\":null}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        const char *error = ask(world, lines[i]);
        if (strcmp(error, "invalid_request") != 0) fail_msg("%s: %s", lines[i], error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_money_out_of_nothing, world_open, world_close),
        cmocka_unit_test_setup_teardown(once_under_one_key, world_open, world_close),
        cmocka_unit_test_setup_teardown(each_is_audited, world_open, world_close),
        cmocka_unit_test_setup_teardown(what_opens_the_door_is_audited, world_open, world_close),
        cmocka_unit_test_setup_teardown(amounts_are_whole_numbers, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
