/* auth_flow_world.h - a consent's way over the pages, for the tests of the authorization server: consents as the API
 * writes them, pushed requests, a browser, the client's exchange. Included once by a test, which uses all of it. */
#ifndef GIRO_APP_AUTH_FLOW_WORLD_H
#define GIRO_APP_AUTH_FLOW_WORLD_H

#include "app/auth_test_world.h"

#include "auth/pushed_request.h"

enum { SESSION_MS = 10 * 60 * 1000 };
#define VERIFIER "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static char challenge[64];

/* A consent of the client, as the API writes it. */
static struct consent_id consent_new(struct world *world, const struct call *call, const char *debtor) {
    struct payment_consent_row row = { .status = CONSENT_AWAU,
                                       .initiation =
                                           STR("{\"RemittanceInformation\":{\"Unstructured\":[\"Rent <May>\"]}}"),
                                       .risk = STR("{}"),
                                       .document = STR("{}"),
                                       .amount_minor = 1999,
                                       .creditor_name = STR("Zoe & Sons"),
                                       .creditor_scheme = STR("UK.OBIE.SortCodeAccountNumber"),
                                       .creditor_identification = STR("40000133333333"),
                                       .debtor_scheme = debtor ? STR("UK.OBIE.SortCodeAccountNumber") : STR(""),
                                       .debtor_identification = str_from_c(debtor) };
    struct consent_id id;
    struct currency pounds;
    random_bytes(id.bytes, sizeof id.bytes);
    assert_int_equal(currency_parse(STR("GBP"), &pounds), 0);
    row.currency = pounds.code;
    memcpy(row.consent_id, id.bytes, 16);
    memcpy(row.client_id, call->client_id.bytes, 16);
    struct store_change change = { .table = &payment_consent_table, .kind = STORE_INSERT, .row = &row };
    assert_int_equal(store_commit(world->store, &change, 1), 0); /* the engine is idle */
    return id;
}

static enum consent_status consent_status(struct world *world, const struct consent_id *id,
                                          struct payment_consent_row *ret_row) {
    struct payment_consent_row probe = { 0 };
    memcpy(probe.consent_id, id->bytes, 16);
    struct store_probe want = { .table = &payment_consent_table, .row = &probe };
    assert_int_equal(store_load(world->store, &want, 1, &world->arena), 0);
    assert_non_null(want.ret_row);
    if (ret_row) *ret_row = *(const struct payment_consent_row *)want.ret_row;
    return (enum consent_status)((const struct payment_consent_row *)want.ret_row)->status;
}

/* One pushed parameter changed: name's value, or left out when value is NULL. */
struct change {
    const char *name, *value;
};

static struct str claims_of(struct world *world, const struct consent_id *consent) {
    char id[ID_TEXT_BYTES];
    return arena_printf(&world->arena,
                        "{\"id_token\":{\"openbanking_intent_id\":{\"value\":\"" STR_FMT "\",\"essential\":true},"
                        "\"acr\":{\"essential\":true,\"values\":[\"urn:openbanking:psd2:sca\"]}}}",
                        STR_ARG(id_format(consent->bytes, id)));
}

static struct str pushed_form(struct world *world, const struct consent_id *consent, const struct change *changes) {
    const struct change standard[] = {
        { "response_type", "code" },
        { "redirect_uri", REDIRECT_URI },
        { "scope", "openid payments" },
        { "state", "st &=%?#" },
        { "nonce", "n-1" },
        { "code_challenge", challenge },
        { "claims", claims_of(world, consent).at },
        { "code_challenge_method", "S256" },
    };
    char *memory = arena_alloc(&world->arena, 32 * 1024);
    struct buffer out;
    buffer_init(&out, memory, 32 * 1024);
    for (size_t i = 0; i < ARRAY_COUNT(standard); i++) {
        const char *value = standard[i].value;
        for (const struct change *at = changes; at && at->name; at++)
            if (strcmp(at->name, standard[i].name) == 0) value = at->value;
        if (value) form_put_c(&out, standard[i].name, value);
    }
    for (const struct change *at = changes; at && at->name; at++) {
        bool known = false;
        for (size_t i = 0; i < ARRAY_COUNT(standard); i++) known = known || strcmp(at->name, standard[i].name) == 0;
        if (!known) form_put_c(&out, at->name, at->value);
    }
    assert_false(out.overflow);
    return buffer_str(&out);
}

/* The query text for authorize. */
static struct str push(struct world *world, const struct call *call, const struct consent_id *consent,
                       const struct change *changes) {
    struct auth_answer answer = post(world, call, auth_pushed, pushed_form(world, consent, changes));
    if (answer.status != 201) fail_msg("pushed: " STR_FMT, STR_ARG(answer.content));
    struct str request_uri = member(world, answer.content, "request_uri");
    return form_of(world, "client_id", arena_dup(&world->arena, call->client_name).at, "request_uri",
                   arena_dup(&world->arena, request_uri).at, NULL);
}

/* ---- the browser ---- */

struct browser {
    struct world *world;
    struct call call;
    struct str cookies;
    struct auth_answer answer;
};

static void browser_take(struct browser *browser, struct auth_answer answer) {
    struct str set = header_of(&answer, "Set-Cookie"), pair;
    if (set.at) {
        (void)str_cut(&set, ';', &pair);
        browser->cookies = pair;
    }
    browser->answer = answer;
}

static void browser_get(struct browser *browser, struct str query_text) {
    struct str none = { 0 };
    browser_take(browser,
                 world_send(browser->world, &browser->call, auth_authorize, none, query_text, browser->cookies));
}

static struct str csrf_of(struct browser *browser) {
    struct str text = browser->answer.content, mark = STR("name=\"csrf\" value=\"");
    size_t at;
    assert_true(str_find(text, mark, &at));
    return str_slice(text, at + mark.len, at + mark.len + 43);
}

/* tidy: parameters because a form has up to two fields. */
static void browser_post(struct browser *browser, int (*entry)(struct auth_request *), const char *name,
                         const char *value, const char *second_name, const char *second) {
    struct world *world = browser->world;
    struct str csrf = arena_dup(&world->arena, csrf_of(browser)), none = { 0 };
    struct str form = name ? form_of(world, "csrf", csrf.at, name, value, second_name, second, NULL)
                           : form_of(world, "csrf", csrf.at, NULL);
    browser_take(browser, world_send(world, &browser->call, entry, form, none, browser->cookies));
}

static bool page_has(const struct browser *browser, const char *text) {
    size_t at;
    return str_find(browser->answer.content, str_from_c(text), &at);
}

static void assert_page(const struct browser *browser, const char *text) {
    if (!page_has(browser, text)) fail_msg("no \"%s\" in: " STR_FMT, text, STR_ARG(browser->answer.content));
}

static void log_in(struct browser *browser, const char *login, const char *password) {
    browser_post(browser, auth_page_login, "login", login, "password", password);
}

/* What the page says that a code would approve. */
static const char *approval_of(struct browser *browser) {
    struct str mark = STR("name=\"approval\" value=\"");
    size_t at;
    assert_true(str_find(browser->answer.content, mark, &at));
    return arena_dup(&browser->world->arena, str_slice(browser->answer.content, at + mark.len, at + mark.len + 43)).at;
}

static void give_code(struct browser *browser, const char *code) {
    browser_post(browser, auth_page_confirm, "approval", approval_of(browser), "code", code);
}

static const char *code_now(struct world *world) {
    char *code = arena_alloc(&world->arena, TOTP_DIGITS + 1);
    assert_int_equal(totp_generate(STR(TOTP_SECRET), world_clock(), code), 0);
    return code;
}

/* The right one-time code, for what the page shows. */
static void confirm(struct browser *browser) {
    give_code(browser, code_now(browser->world));
}

static const char *offered_account(struct browser *browser) {
    struct str mark = STR("name=\"account_id\" value=\"");
    size_t at;
    assert_true(str_find(browser->answer.content, mark, &at));
    return arena_dup(&browser->world->arena, str_slice(browser->answer.content, at + mark.len, at + mark.len + 36)).at;
}

static void walk_on_to_confirm(struct browser *browser, const char *login) {
    log_in(browser, login, PASSWORD);
    browser_post(browser, auth_page_account, "account_id", offered_account(browser), NULL, NULL);
    assert_page(browser, "Confirm this payment");
}

static void walk_to_confirm(struct browser *browser, struct str query_text) {
    browser_get(browser, query_text);
    assert_page(browser, "Log in to your bank");
    walk_on_to_confirm(browser, "mia");
}

/* The parameters of the redirect. */
static struct form redirect_of(struct world *world, const struct auth_answer *answer) {
    struct str location = header_of(answer, "Location"), query_text = location, uri;
    struct form form;
    if (answer->status != 303) fail_msg("status %d: " STR_FMT, answer->status, STR_ARG(answer->content));
    (void)str_cut(&query_text, '?', &uri);
    assert_str(uri, REDIRECT_URI);
    assert_int_equal(form_parse(query_text, &world->arena, &form), 0);
    return form;
}

static struct str parameter(const struct form *form, const char *name) {
    struct str value = { 0 };
    (void)form_get(form, name, &value);
    return value;
}

static struct str code_of(struct world *world, const struct auth_answer *answer) {
    struct form form = redirect_of(world, answer);
    struct str code = parameter(&form, "code");
    assert_int_equal(code.len, 43);
    assert_str(parameter(&form, "iss"), ISSUER);
    assert_str(form.fields[form.count - 1].name, "iss"); /* code is never the last */
    return code;
}

static struct auth_answer exchange(struct world *world, const struct call *call, struct str code,
                                   const char *redirect_uri, const char *verifier) {
    return post(world, call, auth_token,
                form_of(world, "grant_type", "authorization_code", "code", arena_dup(&world->arena, code).at,
                        "redirect_uri", redirect_uri, "code_verifier", verifier, NULL));
}

static struct str code_at_once(struct world *world, struct consent_id *ret_consent) {
    static const struct change hint[] = { { "login_hint", "mia" }, { NULL, NULL } };
    struct browser browser = { .world = world };
    *ret_consent = consent_new(world, &world->gamma, NULL);
    browser_get(&browser, push(world, &world->gamma, ret_consent, hint));
    return code_of(world, &browser.answer);
}

static struct token_view token_row_of(struct world *world, struct str text) {
    struct hash hash = sha256_str(text);
    struct token_view token;
    assert_int_equal(query_begin(world->query), 0);
    assert_int_equal(query_token(world->query, &hash, &world->arena, &token), 0);
    query_end(world->query);
    return token;
}
/* ---- before a test ---- */

static int flow_open(void **state) {
    struct hash hash = sha256_str(STR(VERIFIER));
    struct buffer text;
    buffer_init(&text, challenge, sizeof challenge - 1);
    base64url_encode(&text, hash.bytes, sizeof hash.bytes);
    challenge[text.len] = 0;
    return world_open(state);
}

static int flow_open_waiting(void **state) {
    int r = flow_open(state);
    ((struct world *)*state)->waits = true;
    return r;
}

#define WAITING_TEST(name) cmocka_unit_test_setup_teardown(name, flow_open_waiting, world_close)
#define FLOW_TEST(name) cmocka_unit_test_setup_teardown(name, flow_open, world_close)

#endif
