/* auth_customer_test.c - the customer's own page in one process: in and out, what ends a session, whose access may be
 * ended, and how often one may guess from one address. */
#include "app/auth_test_world.h"

#include "auth/guess_limit.h"
#include "services/consents/account_consent.h"
#include "services/identity/session.h"

struct visitor {
    struct world *world;
    struct call call;
    struct str cookies;
    struct auth_answer answer;
};

static void visitor_take(struct visitor *visitor, struct auth_answer answer) {
    struct str set = header_of(&answer, "Set-Cookie"), pair;
    if (set.at) {
        (void)str_cut(&set, ';', &pair);
        visitor->cookies = pair;
    }
    visitor->answer = answer;
}

static void visit(struct visitor *visitor) {
    struct str none = { 0 };
    visitor_take(visitor, world_send(visitor->world, &visitor->call, auth_customer, none, none, visitor->cookies));
}

static bool page_has(const struct visitor *visitor, const char *text) {
    size_t at;
    return str_find(visitor->answer.content, str_from_c(text), &at);
}

static void assert_page(const struct visitor *visitor, const char *text) {
    if (!page_has(visitor, text)) fail_msg("no \"%s\" in: " STR_FMT, text, STR_ARG(visitor->answer.content));
}

static const char *csrf_of(const struct visitor *visitor) {
    struct str text = visitor->answer.content, mark = STR("name=\"csrf\" value=\"");
    size_t at;
    assert_true(str_find(text, mark, &at));
    return arena_dup(&visitor->world->arena, str_slice(text, at + mark.len, at + mark.len + 43)).at;
}

static void log_in(struct visitor *visitor, const char *login, const char *password) {
    char code[TOTP_DIGITS + 1];
    struct str none = { 0 };
    assert_int_equal(totp_generate(STR(TOTP_SECRET), world_clock(), code), 0);
    if (!visitor->answer.content.len) visit(visitor);
    struct str form =
        form_of(visitor->world, "csrf", csrf_of(visitor), "login", login, "password", password, "code", code, NULL);
    visitor_take(visitor,
                 world_send(visitor->world, &visitor->call, auth_customer_login, form, none, visitor->cookies));
}

static void enter(struct visitor *visitor, const char *login) {
    log_in(visitor, login, PASSWORD);
    assert_int_equal(visitor->answer.status, 303);
    visit(visitor);
    assert_page(visitor, "Your permissions");
}

static void withdraw(struct visitor *visitor, const struct consent_id *consent, const uint8_t *account_id) {
    char id[ID_TEXT_BYTES], account[ID_TEXT_BYTES];
    struct str none = { 0 };
    const char *consent_text = arena_dup(&visitor->world->arena, id_format(consent->bytes, id)).at;
    const char *account_text = account_id ? arena_dup(&visitor->world->arena, id_format(account_id, account)).at : NULL;
    struct str form = form_of(visitor->world, "csrf", csrf_of(visitor), "consent_id", consent_text,
                              account_text ? "account_id" : "all", account_text ? account_text : "1", NULL);
    visitor_take(visitor,
                 world_send(visitor->world, &visitor->call, auth_customer_withdraw, form, none, visitor->cookies));
}

/* ---- what there is ---- */

static struct customer_id customer_id_of(struct world *world, const char *login) {
    struct customer_secrets customer;
    assert_int_equal(query_begin(world->query), 0);
    assert_int_equal(query_customer_by_login(world->query, str_from_c(login), &world->arena, &customer), 0);
    query_end(world->query);
    return customer.customer_id;
}

static struct account_id account_id_of(struct world *world, const char *login) {
    struct call call = { .customer_id = customer_id_of(world, login) };
    struct account_page page = { .limit = 1 };
    assert_int_equal(query_begin(world->query), 0);
    assert_int_equal(query_accounts(world->query, &call, &page, &world->arena), 0);
    query_end(world->query);
    assert_int_equal(page.count, 1);
    return page.accounts[0].account_id;
}

/* An authorised consent of acme to reads of login's account. */
static struct consent_id access_new(struct world *world, const char *login) {
    struct customer_id customer_id = customer_id_of(world, login);
    struct account_id account_id = account_id_of(world, login);
    struct account_consent_row row = { .status = ACCOUNT_CONSENT_AUTH,
                                       .from_ms = INT64_MIN,
                                       .to_ms = INT64_MAX,
                                       .accounts = str_from_bytes((const char *)account_id.bytes, 16),
                                       .document = STR("{\"Permissions\":[\"ReadBalances\"]}"),
                                       .created_ms = world_clock(),
                                       .status_ms = world_clock() };
    struct consent_id id;
    random_bytes(id.bytes, sizeof id.bytes);
    memcpy(row.consent_id, id.bytes, 16);
    memcpy(row.client_id, world->acme.client_id.bytes, 16);
    memcpy(row.customer_id, customer_id.bytes, 16);
    struct store_change change = { .table = &account_consent_table, .kind = STORE_INSERT, .row = &row };
    assert_int_equal(store_commit(world->store, &change, 1), 0); /* the engine is idle */
    return id;
}

static enum account_consent_status access_status(struct world *world, const struct consent_id *id) {
    struct account_consent_row probe = { 0 };
    memcpy(probe.consent_id, id->bytes, 16);
    struct store_probe want = { .table = &account_consent_table, .row = &probe };
    assert_int_equal(store_load(world->store, &want, 1, &world->arena), 0);
    assert_non_null(want.ret_row);
    return (enum account_consent_status)((const struct account_consent_row *)want.ret_row)->status;
}

/* ---- tests ---- */

/* spec: uk/Q9, uk/Q10 */
static void only_ones_own_access_is_ended(void **state) {
    struct world *world = *state;
    struct visitor mia = { .world = world };
    struct consent_id mias = access_new(world, "mia"), again = access_new(world, "mia"),
                      sams = access_new(world, "sam");
    struct account_id account = account_id_of(world, "mia");
    enter(&mia, "mia");
    assert_page(&mia, "Acme &lt;Payments&gt; &amp; Co");
    assert_page(&mia, "How much money is in the accounts");
    withdraw(&mia, &sams, NULL);
    assert_page(&mia, "had ended already");
    assert_int_equal(access_status(world, &sams), ACCOUNT_CONSENT_AUTH);
    withdraw(&mia, &mias, NULL);
    assert_int_equal(mia.answer.status, 303);
    assert_int_equal(access_status(world, &mias), ACCOUNT_CONSENT_CANC);
    visit(&mia);
    withdraw(&mia, &mias, NULL); /* once only */
    assert_page(&mia, "had ended already");
    withdraw(&mia, &again, account.bytes); /* the last account: all of it */
    assert_int_equal(mia.answer.status, 303);
    assert_int_equal(access_status(world, &again), ACCOUNT_CONSENT_CANC);
    world_restart(world);
    visit(&mia);
    assert_page(&mia, "Taken back by you");
}

static void s5_a_session_ends(void **state) {
    struct world *world = *state;
    struct visitor mia = { .world = world };
    struct consent_id access = access_new(world, "mia"), kept = access_new(world, "mia");
    enter(&mia, "mia");
    atomic_fetch_add(&world_now_ms, SESSION_CUSTOMER_IDLE_MS - 1);
    withdraw(&mia, &access, NULL); /* something was done: it goes on */
    assert_int_equal(mia.answer.status, 303);
    atomic_fetch_add(&world_now_ms, SESSION_CUSTOMER_IDLE_MS - 1);
    visit(&mia);
    assert_page(&mia, "Your permissions");
    atomic_fetch_add(&world_now_ms, 1);
    withdraw(&mia, &kept, NULL);
    assert_page(&mia, "Your session is over");
    visit(&mia);
    assert_page(&mia, "Log in to your bank");
    assert_int_equal(access_status(world, &kept), ACCOUNT_CONSENT_AUTH);
}

static void a_code_is_used_once_here_too(void **state) {
    struct world *world = *state;
    struct visitor first = { .world = world }, second = { .world = world };
    enter(&first, "mia");
    log_in(&second, "mia", PASSWORD);
    assert_page(&second, "are not right");
    log_in(&second, "sam", "wrong");
    assert_page(&second, "are not right");
    atomic_fetch_add(&world_now_ms, TOTP_STEP_MS);
    second.answer.content = (struct str){ 0 };
    enter(&second, "mia");
}

/* A6: the right password does not help any more, from that address; from another one it does. */
static void a6_an_address_has_so_many_guesses(void **state) {
    struct world *world = *state;
    struct visitor guesser = { .world = world, .call = { .remote_address = STR("192.0.2.1") } },
                   other = { .world = world, .call = { .remote_address = STR("192.0.2.2") } };
    visit(&guesser);
    for (int i = 0; i < WORLD_GUESSES_MAX; i++) {
        log_in(&guesser, "nobody", "wrong");
        assert_int_equal(guesser.answer.status, 200);
    }
    log_in(&guesser, "mia", PASSWORD);
    assert_int_equal(guesser.answer.status, 429);
    assert_str(header_of(&guesser.answer, "Retry-After"), "600");
    enter(&other, "mia");
    atomic_fetch_add(&world_now_ms, GUESS_WINDOW_MS);
    guesser.answer.content = (struct str){ 0 };
    enter(&guesser, "mia");
}

#define CUSTOMER_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        CUSTOMER_TEST(only_ones_own_access_is_ended),
        CUSTOMER_TEST(s5_a_session_ends),
        CUSTOMER_TEST(a_code_is_used_once_here_too),
        CUSTOMER_TEST(a6_an_address_has_so_many_guesses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
