/* auth_reads_test.c - consents to reads of accounts on their way over the pages: what may be pushed, which accounts may
 * be chosen, and that a consent may be given anew. */
#include "app/auth_flow_world.h"

#include "services/consents/account_consent.h"

static const struct change reads_scope[] = { { "scope", "openid accounts" }, { NULL, NULL } };

/* A consent of the client as the API writes it, in status; expires_ms 0: never. */
static struct consent_id reads_new(struct world *world, const struct call *call, enum account_consent_status status,
                                   int64_t expires_ms) {
    struct account_consent_row row = { .status = status,
                                       .expires_ms = expires_ms,
                                       .from_ms = INT64_MIN,
                                       .to_ms = INT64_MAX,
                                       .document = STR("{\"Permissions\":[\"ReadAccountsDetail\",\"ReadBalances\"]}"),
                                       .created_ms = world_clock(),
                                       .status_ms = world_clock() };
    struct consent_id id;
    random_bytes(id.bytes, sizeof id.bytes);
    memcpy(row.consent_id, id.bytes, 16);
    memcpy(row.client_id, call->client_id.bytes, 16);
    struct store_change change = { .table = &account_consent_table, .kind = STORE_INSERT, .row = &row };
    assert_int_equal(store_commit(world->store, &change, 1), 0); /* the engine is idle */
    return id;
}

static struct account_consent_row reads_row(struct world *world, const struct consent_id *id) {
    struct account_consent_row probe = { 0 };
    memcpy(probe.consent_id, id->bytes, 16);
    struct store_probe want = { .table = &account_consent_table, .row = &probe };
    assert_int_equal(store_load(world->store, &want, 1, &world->arena), 0);
    assert_non_null(want.ret_row);
    return *(const struct account_consent_row *)want.ret_row;
}

static void second_account(struct world *world, const char *login, const char *iban, const char *number) {
    struct account_open_input account = { .customer_login = str_from_c(login),
                                          .name = STR("Savings"),
                                          .iban = str_from_c(iban),
                                          .sort_code = STR("400000"),
                                          .account_number = str_from_c(number) };
    assert_int_equal(currency_parse(STR("EUR"), &account.currency), 0);
    assert_int_equal(
        world_answer(world, command_account_open(&world->integration, world_command(world), &account))->refusal, 0);
}

/* Account ids of the page, at most two. */
static size_t offered_accounts(struct browser *browser, const char *ids[2]) {
    struct str text = browser->answer.content, mark = STR("name=\"account_id\" value=\"");
    size_t count = 0, at;
    while (count < 2 && str_find(text, mark, &at)) {
        text = str_slice(text, at + mark.len, text.len);
        ids[count++] = arena_dup(&browser->world->arena, str_slice(text, 0, 36)).at;
    }
    return count;
}

static void walk_to_accounts(struct browser *browser, struct str query_text, const char *login) {
    browser_get(browser, query_text);
    assert_page(browser, "Log in to your bank");
    log_in(browser, login, PASSWORD);
    assert_page(browser, "Choose the accounts to share");
}

/* The customer's yes to every account offered; the code. */
static struct str say_yes(struct browser *browser) {
    const char *ids[2];
    size_t count = offered_accounts(browser, ids);
    browser_post(browser, auth_page_account, "account_id", ids[0], count > 1 ? "account_id" : NULL, ids[1]);
    assert_page(browser, "Confirm access to your accounts");
    confirm(browser);
    return code_of(browser->world, &browser->answer);
}

/* spec: fapi/65, uk/B2, uk/B3 */
static void a_customer_shares_several_accounts(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world };
    struct consent_id consent = reads_new(world, &world->acme, ACCOUNT_CONSENT_AWAU, 0);
    second_account(world, "mia", "GB94BARC10201530093459", "33333333");
    walk_to_accounts(&browser, push(world, &world->acme, &consent, reads_scope), "mia");
    struct str code = say_yes(&browser);
    world_restart(world);
    struct account_consent_row row = reads_row(world, &consent);
    assert_int_equal(row.status, ACCOUNT_CONSENT_AUTH);
    assert_int_equal(row.accounts.len, 32);
    struct auth_answer answer = exchange(world, &world->acme, code, REDIRECT_URI, VERIFIER);
    assert_int_equal(answer.status, 200);
    assert_str(member(world, answer.content, "scope"), "openid accounts");
    struct token_view token = token_row_of(world, member(world, answer.content, "access_token"));
    assert_true(id_equal(token.consent_id.bytes, consent.bytes) && id_equal(token.customer_id.bytes, row.customer_id));
    struct jws jws;
    const struct json *claims;
    char id[ID_TEXT_BYTES];
    assert_int_equal(jws_parse(member(world, answer.content, "id_token"), &world->arena, &jws), 0);
    assert_int_equal(jws_claims(&jws, &world->arena, &claims), 0);
    assert_true(str_equal(json_get_string(claims, "openbanking_intent_id"), id_format(consent.bytes, id)));
    assert_str(json_get_string(claims, "acr"), "urn:openbanking:psd2:sca");
}

/* spec: uk/B1, uk/Q3, uk/Q6, fapi/66, gateway/37 */
static void only_a_consent_that_can_be_given_is_pushed(void **state) {
    struct world *world = *state;
    const struct {
        const char *name;
        const struct call *client;
        enum account_consent_status status;
        int64_t life_ms; /* 0: for ever */
        const char *scope;
        int want;
        const char *error;
    } cases[] = {
        { "waits", &world->acme, ACCOUNT_CONSENT_AWAU, 0, "openid accounts", 201, "" },
        { "scope in other order", &world->acme, ACCOUNT_CONSENT_AWAU, 0, "accounts openid", 201, "" },
        { "X6 given before", &world->acme, ACCOUNT_CONSENT_AUTH, 0, "openid accounts", 201, "" },
        { "X6 taken back", &world->acme, ACCOUNT_CONSENT_CANC, 0, "openid accounts", 201, "" },
        { "its time goes on", &world->acme, ACCOUNT_CONSENT_AUTH, 1000, "openid accounts", 201, "" },
        { "its time is over", &world->acme, ACCOUNT_CONSENT_AUTH, -1, "openid accounts", 400, "invalid_request" },
        { "never given, over", &world->acme, ACCOUNT_CONSENT_AWAU, -1, "openid accounts", 400, "invalid_request" },
        { "rejected", &world->acme, ACCOUNT_CONSENT_RJCT, 0, "openid accounts", 400, "invalid_request" },
        { "deleted", &world->acme, ACCOUNT_CONSENT_DELETED, 0, "openid accounts", 400, "invalid_request" },
        { "another client's", &world->gamma, ACCOUNT_CONSENT_AWAU, 0, "openid accounts", 400, "invalid_request" },
        { "for payments", &world->acme, ACCOUNT_CONSENT_AWAU, 0, "openid payments", 400, "invalid_scope" },
        { "for both", &world->acme, ACCOUNT_CONSENT_AWAU, 0, "openid accounts payments", 400, "invalid_scope" },
        { "for neither", &world->acme, ACCOUNT_CONSENT_AWAU, 0, "openid", 400, "invalid_scope" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t expires_ms = cases[i].life_ms ? world_clock() + cases[i].life_ms : 0;
        struct consent_id consent = reads_new(world, cases[i].client, cases[i].status, expires_ms);
        struct change changes[] = { { "scope", cases[i].scope }, { NULL, NULL } };
        struct auth_answer answer = post(world, &world->acme, auth_pushed, pushed_form(world, &consent, changes));
        if (answer.status != cases[i].want)
            fail_msg("%s: %d " STR_FMT, cases[i].name, answer.status, STR_ARG(answer.content));
        struct str error = member(world, answer.content, "error");
        if (!str_equal_c(error, cases[i].error)) fail_msg("%s: " STR_FMT, cases[i].name, STR_ARG(error));
    }
    struct consent_id payment = consent_new(world, &world->acme, NULL);
    struct auth_answer answer = post(world, &world->acme, auth_pushed, pushed_form(world, &payment, reads_scope));
    assert_str(member(world, answer.content, "error"), "invalid_scope");
}

static void only_ones_own_accounts_are_shared(void **state) {
    struct world *world = *state;
    struct browser mia = { .world = world }, sam = { .world = world };
    struct consent_id consent = reads_new(world, &world->acme, ACCOUNT_CONSENT_AWAU, 0),
                      other = reads_new(world, &world->acme, ACCOUNT_CONSENT_AWAU, 0);
    const char *mias[2], *sams[2];
    walk_to_accounts(&mia, push(world, &world->acme, &consent, reads_scope), "mia");
    walk_to_accounts(&sam, push(world, &world->acme, &other, reads_scope), "sam");
    assert_int_equal(offered_accounts(&mia, mias), 1);
    assert_int_equal(offered_accounts(&sam, sams), 1);
    assert_string_not_equal(mias[0], sams[0]);
    const char *refused[][2] = { { sams[0], NULL }, { mias[0], sams[0] }, { mias[0], mias[0] }, { "nonsense", NULL } };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        browser_post(&mia, auth_page_account, "account_id", refused[i][0], refused[i][1] ? "account_id" : NULL,
                     refused[i][1]);
        assert_page(&mia, "Choose the accounts to share");
    }
    browser_post(&mia, auth_page_account, NULL, NULL, NULL, NULL); /* none at all */
    assert_page(&mia, "Choose the accounts to share");
    (void)say_yes(&mia);
    assert_int_equal(reads_row(world, &consent).status, ACCOUNT_CONSENT_AUTH);
}

/* spec: uk/Q2, uk/X6 */
static void a_consent_is_given_anew_by_its_customer_only(void **state) {
    struct world *world = *state;
    struct browser mia = { .world = world }, sam = { .world = world }, again = { .world = world };
    struct consent_id consent = reads_new(world, &world->acme, ACCOUNT_CONSENT_AWAU, 0);
    const char *sams[2];
    walk_to_accounts(&mia, push(world, &world->acme, &consent, reads_scope), "mia");
    (void)say_yes(&mia);
    atomic_fetch_add(&world_now_ms, TOTP_STEP_MS);
    walk_to_accounts(&sam, push(world, &world->acme, &consent, reads_scope), "sam");
    (void)offered_accounts(&sam, sams);
    browser_post(&sam, auth_page_account, "account_id", sams[0], NULL, NULL);
    assert_page(&sam, "Choose the accounts to share");
    browser_post(&sam, auth_page_reject, NULL, NULL, NULL, NULL); /* what mia gave stays */
    struct form redirect = redirect_of(world, &sam.answer);
    assert_str(parameter(&redirect, "error"), "access_denied");
    assert_int_equal(reads_row(world, &consent).status, ACCOUNT_CONSENT_AUTH);
    walk_to_accounts(&again, push(world, &world->acme, &consent, reads_scope), "mia");
    struct str code = say_yes(&again);
    assert_int_equal(reads_row(world, &consent).status, ACCOUNT_CONSENT_AUTH);
    assert_int_equal(exchange(world, &world->acme, code, REDIRECT_URI, VERIFIER).status, 200);
}

/* spec: uk/Q2, fapi/64 */
static void the_customer_shares_nothing(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world };
    struct consent_id consent = reads_new(world, &world->acme, ACCOUNT_CONSENT_AWAU, 0);
    struct str query_text = push(world, &world->acme, &consent, reads_scope);
    walk_to_accounts(&browser, query_text, "mia");
    browser_post(&browser, auth_page_reject, NULL, NULL, NULL, NULL);
    struct form redirect = redirect_of(world, &browser.answer);
    assert_str(parameter(&redirect, "error"), "access_denied");
    assert_int_equal(reads_row(world, &consent).status, ACCOUNT_CONSENT_RJCT);
    struct auth_answer answer = post(world, &world->acme, auth_pushed, pushed_form(world, &consent, reads_scope));
    assert_str(member(world, answer.content, "error"), "invalid_request"); /* Q3 */
    struct consent_id payment = consent_new(world, &world->acme, NULL);
    struct browser payer = { .world = world };
    atomic_fetch_add(&world_now_ms, TOTP_STEP_MS);
    walk_to_confirm(&payer, push(world, &world->acme, &payment, NULL)); /* a payment goes on as it did */
    browser_post(&payer, auth_page_reject, NULL, NULL, NULL, NULL);
    assert_int_equal(consent_status(world, &payment, NULL), CONSENT_RJCT);
}

static void the_sandbox_shares_all_accounts_at_once(void **state) {
    struct world *world = *state;
    static const struct change mia[] = { { "scope", "openid accounts" }, { "login_hint", "mia" }, { NULL, NULL } };
    static const struct change no[] = { { "scope", "openid accounts" }, { "login_hint", "decline" }, { NULL, NULL } };
    struct consent_id consent = reads_new(world, &world->gamma, ACCOUNT_CONSENT_AWAU, 0), payment;
    struct browser browser = { .world = world }, second = { .world = world };
    second_account(world, "mia", "GB94BARC10201530093459", "33333333");
    browser_get(&browser, push(world, &world->gamma, &consent, mia));
    (void)code_of(world, &browser.answer);
    assert_int_equal(reads_row(world, &consent).status, ACCOUNT_CONSENT_AUTH);
    assert_int_equal(reads_row(world, &consent).accounts.len, 32);
    consent = reads_new(world, &world->gamma, ACCOUNT_CONSENT_AWAU, 0);
    browser_get(&second, push(world, &world->gamma, &consent, no));
    struct form redirect = redirect_of(world, &second.answer);
    assert_str(parameter(&redirect, "error"), "access_denied");
    assert_int_equal(reads_row(world, &consent).status, ACCOUNT_CONSENT_RJCT);
    (void)code_at_once(world, &payment); /* one account, although the customer has two */
    assert_int_equal(consent_status(world, &payment, NULL), CONSENT_AUTH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_customer_shares_several_accounts),    FLOW_TEST(only_a_consent_that_can_be_given_is_pushed),
        FLOW_TEST(only_ones_own_accounts_are_shared),     FLOW_TEST(a_consent_is_given_anew_by_its_customer_only),
        FLOW_TEST(the_customer_shares_nothing),           FLOW_TEST(the_sandbox_shares_all_accounts_at_once),
        WAITING_TEST(a_customer_shares_several_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
