/* payment_consent_test.c - c1, c2: which status follows which, and one payment a consent. */
#include "services/consents/payment_consent.h"

#include "engine/engine_test_world.h"

static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table, &payment_consent_table };
static const uint8_t customer[16] = { 1 }, account[16] = { 2 }, payment[16] = { 3 }, client[16] = { 4 };

static int world_open(void **state) {
    struct test_world *world = calloc(1, sizeof *world);
    world->options = (struct store_options){
        .ops = &store_memory_ops, .path = "consent_test", .tables = tables, .table_count = ARRAY_COUNT(tables)
    };
    test_open(world);
    *state = world;
    return 0;
}
static int world_close(void **state) {
    test_shut(*state);
    store_memory_forget("consent_test");
    free(*state);
    return 0;
}

static int create_decide(struct work *work, void *input) {
    struct payment_consent_row row = {
        .initiation = STR("{}"), .risk = STR("{}"), .document = STR("{}"), .amount_minor = 1, .status = CONSENT_COND
    }; /* what the caller says of the status does not count */
    memcpy(row.client_id, client, 16);
    int r = payment_consent_create(work, &row);
    memcpy(input, row.consent_id, 16);
    return r;
}
static int authorise_decide(struct work *work, void *input) {
    return payment_consent_authorise(work, input, customer, account);
}
static int reject_decide(struct work *work, void *input) {
    return payment_consent_reject(work, input);
}
static int consume_decide(struct work *work, void *input) {
    return payment_consent_consume(work, input, payment);
}

static int step(struct test_world *world, char letter, uint8_t id[16]) {
    return test_decide(world, letter == 'A' ? authorise_decide : letter == 'R' ? reject_decide : consume_decide, id);
}
static struct payment_consent_row row_of(struct test_world *world, const uint8_t id[16]) {
    struct payment_consent_row row = { 0 }, probe = { 0 };
    memcpy(probe.consent_id, id, 16);
    assert_true(test_row(world, &payment_consent_table, &probe, &row));
    return row;
}

/* A authorise, R reject, C consume; all but the last are accepted. */
static const struct {
    const char *steps;
    int want;
    enum consent_status end;
    const char *event;
} paths[] = {
    { "A", 0, CONSENT_AUTH, "ConsentAuthorised" },
    { "R", 0, CONSENT_RJCT, "ConsentRejected" },
    { "AC", 0, CONSENT_COND, "" },
    { "C", PAYMENT_CONSENT_E_STATUS, CONSENT_AWAU, NULL },
    { "AA", PAYMENT_CONSENT_E_STATUS, CONSENT_AUTH, NULL },
    { "AR", PAYMENT_CONSENT_E_STATUS, CONSENT_AUTH, NULL },
    { "RR", PAYMENT_CONSENT_E_STATUS, CONSENT_RJCT, NULL },
    { "RA", PAYMENT_CONSENT_E_STATUS, CONSENT_RJCT, NULL },
    { "RC", PAYMENT_CONSENT_E_STATUS, CONSENT_RJCT, NULL },
    { "ACC", PAYMENT_CONSENT_E_STATUS, CONSENT_COND, NULL },
    { "ACA", PAYMENT_CONSENT_E_STATUS, CONSENT_COND, NULL },
    { "ACR", PAYMENT_CONSENT_E_STATUS, CONSENT_COND, NULL },
};

static void c1_final_is_final(void **state) {
    struct test_world *world = *state;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        uint8_t id[16];
        int r = 0;
        assert_int_equal(test_decide(world, create_decide, id), 0);
        assert_int_equal(row_of(world, id).status, CONSENT_AWAU);
        for (const char *at = paths[i].steps; *at; at++) {
            if (r) fail_msg("%s: refused too early", paths[i].steps);
            test_now_ms += 1000;
            r = step(world, *at, id);
        }
        if (r != paths[i].want) fail_msg("%s: %d", paths[i].steps, r);
        struct payment_consent_row row = row_of(world, id);
        assert_string_equal(consent_status_name((enum consent_status)row.status), consent_status_name(paths[i].end));
        if (paths[i].event) assert_string_equal(test_last_events(world), paths[i].event);
        if (!r) assert_int_equal(row.status_ms, test_now_ms);
        bool authorised = row.status == CONSENT_AUTH || row.status == CONSENT_COND;
        assert_int_equal(id_equal(row.customer_id, customer) && id_equal(row.account_id, account), authorised);
        assert_int_equal(id_equal(row.payment_id, payment), row.status == CONSENT_COND);
        assert_memory_equal(row.client_id, client, 16);
    }
}

static void c2_two_payments_of_one_batch_spend_it_once(void **state) {
    struct test_world *world = *state;
    uint8_t id[16];
    struct test_decision decisions[2] = { { .decide = consume_decide, .input = id },
                                          { .decide = consume_decide, .input = id } };
    assert_int_equal(test_decide(world, create_decide, id), 0);
    assert_int_equal(step(world, 'A', id), 0);
    test_submit(world, &decisions[0]);
    test_submit(world, &decisions[1]);
    assert_int_equal(engine_step(world->engine), 2);
    assert_int_equal(decisions[0].command.refusal, 0);
    assert_int_equal(decisions[1].command.refusal, PAYMENT_CONSENT_E_STATUS);
    test_restart(world);
    assert_int_equal(step(world, 'C', id), PAYMENT_CONSENT_E_STATUS);
}

static void what_is_not_there_is_absent(void **state) {
    uint8_t id[16] = { 9 };
    for (const char *at = "ARC"; *at; at++) assert_int_equal(step(*state, *at, id), PAYMENT_CONSENT_E_ABSENT);
}

#define CONSENT_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        CONSENT_TEST(c1_final_is_final),
        CONSENT_TEST(c2_two_payments_of_one_batch_spend_it_once),
        CONSENT_TEST(what_is_not_there_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
