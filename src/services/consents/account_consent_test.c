/* account_consent_test.c - a1 to a5: which status follows which, and what becomes of the accounts. */
#include "services/consents/account_consent.h"

#include "engine/engine_test_world.h"

static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table, &account_consent_table };
static const uint8_t customer[16] = { 1 }, stranger[16] = { 2 }, client[16] = { 4 };
static const uint8_t accounts[3 * 16] = { [0] = 5, [16] = 6, [32] = 7 };
enum { LIFE_MS = 60000 };

static int world_open(void **state) {
    struct test_world *world = calloc(1, sizeof *world);
    world->options = (struct store_options){
        .ops = &store_memory_ops, .path = "account_consent_test", .tables = tables, .table_count = ARRAY_COUNT(tables)
    };
    test_open(world);
    *state = world;
    return 0;
}
static int world_close(void **state) {
    test_shut(*state);
    store_memory_forget("account_consent_test");
    free(*state);
    return 0;
}

static int create_decide(struct work *work, void *input) {
    struct account_consent_row row = { .document = STR("{\"Permissions\":[\"ReadBalances\"]}"),
                                       .permissions = 4,
                                       .expires_ms = test_now_ms + LIFE_MS,
                                       .from_ms = 7,
                                       .to_ms = 8,
                                       .status = ACCOUNT_CONSENT_AUTH }; /* what the caller says of it does not count */
    memcpy(row.client_id, client, 16);
    int r = account_consent_create(work, &row);
    memcpy(input, row.consent_id, 16);
    return r;
}
static struct str chosen(size_t count) {
    return str_from_bytes((const char *)accounts, count * 16);
}
static int authorise_decide(struct work *work, void *input) {
    return account_consent_authorise(work, input, customer, chosen(3));
}
static int one_account_decide(struct work *work, void *input) {
    return account_consent_authorise(work, input, customer, chosen(1));
}
static int stranger_decide(struct work *work, void *input) {
    return account_consent_authorise(work, input, stranger, chosen(1));
}
static int reject_decide(struct work *work, void *input) {
    return account_consent_reject(work, input);
}
static int cancel_decide(struct work *work, void *input) {
    return account_consent_cancel(work, input);
}
static int demand_decide(struct work *work, void *input) {
    return account_consent_demand_authentication(work, input);
}
static int delete_decide(struct work *work, void *input) {
    return account_consent_delete(work, input);
}
static int remove_decide(struct work *work, void *input) {
    return account_consent_remove_account(work, input, accounts + 16);
}

static const struct {
    char letter;
    int (*decide)(struct work *work, void *input);
} steps[] = {
    { 'A', authorise_decide }, { '1', one_account_decide }, { 'S', stranger_decide }, { 'R', reject_decide },
    { 'C', cancel_decide },    { 'D', delete_decide },      { 'M', remove_decide },   { 'Q', demand_decide }
};

static int step(struct test_world *world, char letter, uint8_t id[16]) {
    if (letter == 'X') { /* its time is over */
        test_now_ms += LIFE_MS;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++)
        if (steps[i].letter == letter) return test_decide(world, steps[i].decide, id);
    fail();
    return -1;
}
/* Its texts live until the next call. */
static struct account_consent_row row_of(struct test_world *world, const uint8_t id[16]) {
    static char accounts_memory[sizeof accounts], document_memory[128];
    struct account_consent_row probe = { 0 }, row;
    struct store_probe want = { .table = &account_consent_table, .row = &probe };
    struct arena arena;
    memcpy(probe.consent_id, id, 16);
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    assert_int_equal(store_load(world->store, &want, 1, &arena), 0);
    assert_non_null(want.ret_row);
    row = *(const struct account_consent_row *)want.ret_row;
    assert_true(row.accounts.len <= sizeof accounts_memory && row.document.len <= sizeof document_memory);
    if (row.accounts.len) memcpy(accounts_memory, row.accounts.at, row.accounts.len);
    if (row.document.len) memcpy(document_memory, row.document.at, row.document.len);
    row.accounts.at = accounts_memory;
    row.document.at = document_memory;
    arena_release(&arena);
    return row;
}

/* A authorise, 1 authorise with one account, S by another customer, R reject, C cancel, D delete, M remove an account,
 * Q the bank asks for authentication, X its time passes; all but the last are accepted. */
#define NO ACCOUNT_CONSENT_E_STATUS
static const struct {
    const char *steps;
    int want;
    enum account_consent_status end;
    const char *event; /* NULL: not looked at; "": none */
} paths[] = {
    { "A", 0, ACCOUNT_CONSENT_AUTH, "ConsentAuthorised" },
    { "R", 0, ACCOUNT_CONSENT_RJCT, "ConsentRejected" },
    { "D", 0, ACCOUNT_CONSENT_DELETED, "" },
    { "C", NO, ACCOUNT_CONSENT_AWAU, NULL },
    { "M", NO, ACCOUNT_CONSENT_AWAU, NULL },
    { "AC", 0, ACCOUNT_CONSENT_CANC, "ConsentRevoked" },
    { "AD", 0, ACCOUNT_CONSENT_DELETED, "ConsentRevoked" },
    { "AR", NO, ACCOUNT_CONSENT_AUTH, NULL },
    { "AA", 0, ACCOUNT_CONSENT_AUTH, "ConsentAuthorised" },
    { "ACA", 0, ACCOUNT_CONSENT_AUTH, "ConsentAuthorised" },
    { "AS", NO, ACCOUNT_CONSENT_AUTH, NULL },
    { "ACS", NO, ACCOUNT_CONSENT_CANC, NULL },
    { "ACC", NO, ACCOUNT_CONSENT_CANC, NULL },
    { "ACD", 0, ACCOUNT_CONSENT_DELETED, "" },
    { "RA", NO, ACCOUNT_CONSENT_RJCT, NULL },
    { "RC", NO, ACCOUNT_CONSENT_RJCT, NULL },
    { "RD", 0, ACCOUNT_CONSENT_DELETED, "" },
    { "DA", NO, ACCOUNT_CONSENT_DELETED, NULL },
    { "DD", NO, ACCOUNT_CONSENT_DELETED, NULL },
    { "DR", NO, ACCOUNT_CONSENT_DELETED, NULL },
    { "DC", NO, ACCOUNT_CONSENT_DELETED, NULL },
    { "AXA", NO, ACCOUNT_CONSENT_EXPD, NULL },
    { "AXC", NO, ACCOUNT_CONSENT_EXPD, NULL },
    { "AXM", NO, ACCOUNT_CONSENT_EXPD, NULL },
    { "AXD", 0, ACCOUNT_CONSENT_DELETED, NULL },
    { "XA", NO, ACCOUNT_CONSENT_AWAU, NULL },
    { "ACXA", NO, ACCOUNT_CONSENT_CANC, NULL },
    { "Q", NO, ACCOUNT_CONSENT_AWAU, NULL },
    { "AQ", 0, ACCOUNT_CONSENT_CANC, "ConsentRevoked" },
    { "AQQ", NO, ACCOUNT_CONSENT_CANC, NULL },
    { "AQA", 0, ACCOUNT_CONSENT_AUTH, "ConsentAuthorised" },
    { "AQS", NO, ACCOUNT_CONSENT_CANC, NULL },
    { "RQ", NO, ACCOUNT_CONSENT_RJCT, NULL },
};

/* spec: uk/Q2, uk/Q3, uk/Q6 */
static void a1_to_a4_final_is_final(void **state) {
    struct test_world *world = *state;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        uint8_t id[16];
        int r = 0;
        assert_int_equal(test_decide(world, create_decide, id), 0);
        int64_t expires_ms = test_now_ms + LIFE_MS;
        assert_int_equal(row_of(world, id).status, ACCOUNT_CONSENT_AWAU);
        for (const char *at = paths[i].steps; *at; at++) {
            if (r) fail_msg("%s: refused too early", paths[i].steps);
            test_now_ms += 1000;
            r = step(world, *at, id);
        }
        if (r != paths[i].want) fail_msg("%s: %d", paths[i].steps, r);
        struct account_consent_row row = row_of(world, id);
        assert_string_equal(account_consent_status_name(account_consent_status_at(&row, test_now_ms)),
                            account_consent_status_name(paths[i].end));
        if (paths[i].event) assert_string_equal(test_last_events(world), paths[i].event);
        assert_true(row.permissions == 4 && row.from_ms == 7 && row.to_ms == 8 && row.expires_ms == expires_ms);
        assert_true(str_equal(row.document, STR("{\"Permissions\":[\"ReadBalances\"]}")));
        assert_memory_equal(row.client_id, client, 16);
    }
}

static void a3_authorised_ends_by_the_clock_of_who_looks(void **state) {
    (void)state;
    struct account_consent_row row = { .status = ACCOUNT_CONSENT_AUTH, .expires_ms = 1000 };
    assert_int_equal(account_consent_status_at(&row, 999), ACCOUNT_CONSENT_AUTH);
    assert_int_equal(account_consent_status_at(&row, 1000), ACCOUNT_CONSENT_EXPD);
    row.expires_ms = 0;
    assert_int_equal(account_consent_status_at(&row, INT64_MAX), ACCOUNT_CONSENT_AUTH);
    row = (struct account_consent_row){ .status = ACCOUNT_CONSENT_CANC, .expires_ms = 1000 };
    assert_int_equal(account_consent_status_at(&row, 1000), ACCOUNT_CONSENT_CANC);
}

/* spec: uk/Q9 */
static void a5_an_account_less_leaves_the_others(void **state) {
    struct test_world *world = *state;
    uint8_t id[16];
    assert_int_equal(test_decide(world, create_decide, id), 0);
    assert_int_equal(step(world, 'A', id), 0);
    int64_t authorised_ms = test_now_ms;
    test_now_ms += 1000;
    assert_int_equal(step(world, 'M', id), 0);
    struct account_consent_row row = row_of(world, id);
    assert_int_equal(row.status, ACCOUNT_CONSENT_AUTH);
    assert_int_equal(row.status_ms, authorised_ms);
    assert_true(account_consent_has_account(&row, accounts) && account_consent_has_account(&row, accounts + 32));
    assert_false(account_consent_has_account(&row, accounts + 16));
    assert_int_equal(step(world, 'M', id), ACCOUNT_CONSENT_E_STATUS); /* it is gone already */
    assert_int_equal(test_decide(world, create_decide, id), 0);
    assert_int_equal(step(world, '1', id), 0);
    assert_int_equal(step(world, 'M', id), ACCOUNT_CONSENT_E_STATUS); /* not among them */
    assert_int_equal(row_of(world, id).accounts.len, 16);
}

/* spec: uk/X2, uk/X3, uk/X5 */
static void a8_authentication_lasts_as_long_as_the_bank_says(void **state) {
    enum { DAY_MS = 86400000 };
    static const struct {
        const char *name;
        int64_t renewal_ms, at_ms;
        enum account_consent_status end;
        bool wants;
    } cases[] = {
        { "UK, day 91", 0, 91LL * DAY_MS, ACCOUNT_CONSENT_AUTH, false },
        { "UK, ten years", 0, 3650LL * DAY_MS, ACCOUNT_CONSENT_AUTH, false },
        { "EU, day 180 but a millisecond", 180LL * DAY_MS, 180LL * DAY_MS - 1, ACCOUNT_CONSENT_AUTH, false },
        { "EU, day 180", 180LL * DAY_MS, 180LL * DAY_MS, ACCOUNT_CONSENT_CANC, true },
    };
    struct test_world *world = *state;
    uint8_t id[16];
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct account_consent_row row = { .status = ACCOUNT_CONSENT_AUTH,
                                           .status_ms = 1000,
                                           .renewal_ms = cases[i].renewal_ms };
        if (account_consent_status_at(&row, 1000 + cases[i].at_ms) != cases[i].end) fail_msg("%s", cases[i].name);
        if (account_consent_wants_authentication(&row, 1000 + cases[i].at_ms) != cases[i].wants)
            fail_msg("%s", cases[i].name);
        row.status = ACCOUNT_CONSENT_CANC; /* the customer withdrew it */
        assert_false(account_consent_wants_authentication(&row, 1000 + cases[i].at_ms));
    }
    assert_int_equal(test_decide(world, create_decide, id), 0);
    assert_int_equal(step(world, 'A', id), 0);
    assert_int_equal(step(world, 'Q', id), 0);
    struct account_consent_row row = row_of(world, id);
    assert_true(account_consent_wants_authentication(&row, test_now_ms));
    assert_int_equal(step(world, 'A', id), 0);
    assert_int_equal(step(world, 'C', id), 0); /* by the customer: nothing is left of the bank's demand */
    row = row_of(world, id);
    assert_false(account_consent_wants_authentication(&row, test_now_ms));
}

static int last_account_decide(struct work *work, void *input) {
    return account_consent_remove_account(work, input, accounts);
}

static void the_last_account_cancels(void **state) {
    struct test_world *world = *state;
    uint8_t id[16];
    assert_int_equal(test_decide(world, create_decide, id), 0);
    assert_int_equal(step(world, '1', id), 0);
    assert_int_equal(test_decide(world, last_account_decide, id), 0);
    assert_int_equal(row_of(world, id).status, ACCOUNT_CONSENT_CANC);
    assert_string_equal(test_last_events(world), "ConsentRevoked");
}

static void what_is_not_there_is_absent(void **state) {
    uint8_t id[16] = { 9 };
    for (const char *at = "ARCDM"; *at; at++) assert_int_equal(step(*state, *at, id), ACCOUNT_CONSENT_E_ABSENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a1_to_a4_final_is_final, world_open, world_close),
        cmocka_unit_test(a3_authorised_ends_by_the_clock_of_who_looks),
        cmocka_unit_test_setup_teardown(a5_an_account_less_leaves_the_others, world_open, world_close),
        cmocka_unit_test_setup_teardown(a8_authentication_lasts_as_long_as_the_bank_says, world_open, world_close),
        cmocka_unit_test_setup_teardown(the_last_account_cancels, world_open, world_close),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_absent, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
