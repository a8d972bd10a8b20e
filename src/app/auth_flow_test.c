/* auth_flow_test.c - the whole way in one process: pushed request, authorize, login, one-time code, account,
 * confirmation, token; and what is refused beside it. */
#include "app/auth_flow_world.h"

/* ---- tests ---- */

/* spec: fapi/A10, fapi/A11, fapi/55, fapi/65, fapi/67, fapi/77 */
static void a_customer_consents_and_the_client_gets_its_token(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world };
    struct consent_id consent = consent_new(world, &world->acme, NULL);
    struct payment_consent_row row;
    walk_to_confirm(&browser, push(world, &world->acme, &consent, NULL));
    assert_page(&browser, "Zoe &amp; Sons");
    assert_page(&browser, "19.99 GBP");
    assert_page(&browser, "Rent &lt;May&gt;");
    assert_page(&browser, "Acme &lt;Payments&gt; &amp; Co");
    assert_false(page_has(&browser, "<script"));
    struct str policy = header_of(&browser.answer, "Content-Security-Policy");
    size_t at;
    assert_true(str_find(policy, STR("default-src 'none'"), &at) &&
                str_find(policy, STR("form-action 'self' https://tpp.example;"), &at));
    confirm(&browser);
    struct str code = code_of(world, &browser.answer);
    struct form redirect = redirect_of(world, &browser.answer);
    assert_str(parameter(&redirect, "state"), "st &=%?#"); /* intact */
    assert_int_equal(consent_status(world, &consent, &row), CONSENT_AUTH);
    assert_false(id_is_zero(row.customer_id) || id_is_zero(row.account_id));

    struct auth_answer answer = exchange(world, &world->acme, code, REDIRECT_URI, VERIFIER);
    assert_int_equal(answer.status, 200);
    assert_str(member(world, answer.content, "scope"), "openid payments");
    struct token_view token = token_row_of(world, member(world, answer.content, "access_token"));
    assert_true(id_equal(token.consent_id.bytes, consent.bytes) &&
                id_equal(token.customer_id.bytes, row.customer_id)); /* uk/B3 */
    assert_true(hash_equal(&token.certificate_hash, &world->acme.certificate_hash));
    struct jws jws;
    const struct json *claims;
    char id[ID_TEXT_BYTES];
    assert_int_equal(jws_parse(member(world, answer.content, "id_token"), &world->arena, &jws), 0);
    assert_int_equal(jws_verify(&jws, world->bank_key, KEY_ALG_PS256), 0);
    assert_int_equal(jws_claims(&jws, &world->arena, &claims), 0);
    assert_true(str_equal(json_get_string(claims, "openbanking_intent_id"), id_format(consent.bytes, id))); /* uk/B2 */
    assert_true(str_equal(json_get_string(claims, "sub"), id_format(row.customer_id, id)));
    assert_str(json_get_string(claims, "iss"), ISSUER);
    assert_str(json_get_string(claims, "aud"), "acme-tpp");
    assert_str(json_get_string(claims, "nonce"), "n-1");
    assert_str(json_get_string(claims, "acr"), "urn:openbanking:psd2:sca");
    assert_int_equal(json_get_integer(claims, "auth_time", 0), world_clock() / 1000);
    assert_int_equal(json_get_integer(claims, "exp", 0), world_clock() / 1000 + 600);
}

/* spec: fapi/A1, fapi/A5, fapi/A6, fapi/A8, fapi/A14, fapi/A15, fapi/A19, fapi/26, fapi/27, fapi/29, fapi/30, fapi/56,
 * fapi/57, fapi/58, fapi/59, fapi/66, gateway/25, gateway/T15 */
static void pushed_requests_are_judged(void **state) {
    struct world *world = *state;
    struct consent_id mine = consent_new(world, &world->acme, NULL), others = consent_new(world, &world->gamma, NULL);
    char *long_state = arena_alloc(&world->arena, 4096), *state_1000 = arena_alloc(&world->arena, 1001);
    memset(long_state, 's', PUSHED_STATE_BYTES_MAX + 1);
    memset(state_1000, 's', 1000);
    const struct {
        const char *name;
        struct change change;
        int status;
        const char *error;
    } cases[] = {
        { "as it should be", { "x", "y" }, 201, "" },
        { "A15 long state", { "state", state_1000 }, 201, "" },
        { "state too long", { "state", long_state }, 400, "invalid_request" },
        { "56 no state", { "state", NULL }, 201, "" },
        { "57 no nonce", { "nonce", NULL }, 201, "" },
        { "A14 nonce of 64", { "nonce", "0123456789012345678901234567890123456789012345678901234567890123" }, 201, "" },
        { "control character in state", { "state", "a\nb" }, 400, "invalid_request" },
        { "58 scope in other order", { "scope", "payments openid" }, 201, "" },
        { "scope without openid", { "scope", "payments" }, 400, "invalid_scope" },
        { "scope not registered", { "scope", "openid payments cards" }, 400, "invalid_scope" },
        { "no scope", { "scope", NULL }, 400, "invalid_scope" },
        { "second registered URI", { "redirect_uri", "https://tpp.example/back?x=1" }, 201, "" },
        { "A6 no redirect_uri", { "redirect_uri", NULL }, 400, "invalid_request" },
        { "30 suffix appended", { "redirect_uri", REDIRECT_URI "/more" }, 400, "invalid_request" },
        { "30 query appended", { "redirect_uri", REDIRECT_URI "?a=b" }, 400, "invalid_request" },
        { "prefix of a registered one", { "redirect_uri", "https://tpp.example/bac" }, 400, "invalid_request" },
        { "two registered ones at once",
          { "redirect_uri", REDIRECT_URI " https://tpp.example/back?x=1" },
          400,
          "invalid_request" },
        { "A8 http", { "redirect_uri", "http://tpp.example/back" }, 400, "invalid_request" },
        { "A1 token", { "response_type", "token" }, 400, "unsupported_response_type" },
        { "59 code id_token", { "response_type", "code id_token" }, 400, "unsupported_response_type" },
        { "no response_type", { "response_type", NULL }, 400, "invalid_request" },
        { "response_mode query", { "response_mode", "query" }, 201, "" },
        { "response_mode fragment", { "response_mode", "fragment" }, 400, "invalid_request" },
        { "A5 no challenge", { "code_challenge", NULL }, 400, "invalid_request" },
        { "A5 plain", { "code_challenge_method", "plain" }, 400, "invalid_request" },
        { "A5 no method", { "code_challenge_method", NULL }, 400, "invalid_request" },
        { "challenge too short", { "code_challenge", "abc" }, 400, "invalid_request" },
        { "A19 request_uri inside", { "request_uri", "urn:x" }, 400, "invalid_request" },
        { "request object", { "request", "a.b.c" }, 400, "request_not_supported" },
        { "no claims", { "claims", NULL }, 400, "invalid_request" },
        { "claims not JSON", { "claims", "{" }, 400, "invalid_request" },
        { "B1 not essential",
          { "claims", "{\"id_token\":{\"openbanking_intent_id\":{\"value\":\"x\"}}}" },
          400,
          "invalid_request" },
        { "B1 no such consent",
          { "claims", "{\"id_token\":{\"openbanking_intent_id\":{\"value\":"
                      "\"00000000-0000-4000-8000-000000000000\",\"essential\":true}}}" },
          400,
          "invalid_request" },
        { "66 other client's consent", { "claims", claims_of(world, &others).at }, 400, "invalid_request" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct change changes[2] = { cases[i].change, { NULL, NULL } };
        struct auth_answer answer = post(world, &world->acme, auth_pushed, pushed_form(world, &mine, changes));
        if (answer.status != cases[i].status)
            fail_msg("%s: %d " STR_FMT, cases[i].name, answer.status, STR_ARG(answer.content));
        struct str error = member(world, answer.content, "error");
        if (!str_equal_c(error, cases[i].error)) fail_msg("%s: " STR_FMT, cases[i].name, STR_ARG(error));
    }
}

/* spec: fapi/A2, fapi/A4, fapi/C5, fapi/24 */
static void a4_par_needs_client_authentication(void **state) {
    struct world *world = *state;
    struct consent_id consent = consent_new(world, &world->acme, NULL);
    struct str form = pushed_form(world, &consent, NULL), none = { 0 };
    struct auth_answer answer = world_send(world, &world->acme, auth_pushed, form, none, none);
    assert_int_equal(answer.status, 401);
    assert_str(member(world, answer.content, "error"), "invalid_client");
    struct str body = with_assertion(world, form, assertion_of(world, &world->acme, "par"));
    assert_int_equal(world_send(world, &world->acme, auth_pushed, body, none, none).status, 201);
    assert_int_equal(world_send(world, &world->acme, auth_pushed, body, none, none).status, 401); /* C5 */
    assert_int_equal(world_send(world, &world->acme, auth_token, body, none, none).status,
                     401); /* nor at the other endpoint */
}

/* spec: gateway/24, fapi/A3, fapi/A12, fapi/A16, fapi/A18, fapi/G7, fapi/31, fapi/32, fapi/36 */
static void a3_authorize_trusts_only_pushed_requests(void **state) {
    struct world *world = *state;
    struct consent_id consent = consent_new(world, &world->acme, NULL);
    struct str query_text = push(world, &world->acme, &consent, NULL);
    struct str gamma_text = arena_printf(&world->arena, "client_id=gamma-tpp%s", strchr(query_text.at, '&'));
    const struct str refused[] = {
        STR("client_id=acme-tpp"),
        STR("client_id=acme-tpp&redirect_uri=https%3A%2F%2Fevil.example"),
        STR(""),
        STR("client_id=%zz"),
        STR("client_id=acme-tpp&request_uri=urn:ietf:params:oauth:request_uri:"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        STR("client_id=nobody&request_uri=x"),
        gamma_text /* A16 */,
        arena_printf(&world->arena, STR_FMT "&client_id=acme-tpp", STR_ARG(query_text)),
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct browser browser = { .world = world };
        browser_get(&browser, refused[i]);
        assert_int_equal(browser.answer.status, 400);
        assert_null(header_of(&browser.answer, "Location").at);
    }
    struct browser browser = { .world = world };
    browser_get(&browser, arena_printf(&world->arena, STR_FMT "&state=other&redirect_uri=https%%3A%%2F%%2Fevil.example",
                                       STR_ARG(query_text)));
    assert_int_equal(browser.answer.status, 200); /* A18: ignored */
    atomic_fetch_add(&world_now_ms, PUSHED_LIFE_MS);
    struct browser late = { .world = world };
    browser_get(&late, query_text);
    assert_int_equal(late.answer.status, 400); /* A12 */
    browser_get(&browser, query_text);
    assert_int_equal(browser.answer.status, 200); /* but whoever came in time goes on */
}

/* spec: fapi/A17, fapi/33, fapi/34 */
static void a17_a_page_may_be_loaded_again_a_request_is_used_once(void **state) {
    struct world *world = *state;
    struct consent_id consent = consent_new(world, &world->acme, NULL);
    struct str query_text = push(world, &world->acme, &consent, NULL);
    struct browser browser = { .world = world }, second = { .world = world };
    browser_get(&browser, query_text);
    struct str first = browser.cookies;
    browser_get(&browser, query_text);
    assert_true(str_equal(browser.cookies, first)); /* the same session */
    browser_get(&second, query_text);               /* another browser, another session */
    assert_false(str_equal(second.cookies, first));
    log_in(&browser, "mia", PASSWORD);
    assert_false(str_equal(browser.cookies, first)); /* S2 */
    browser_get(&browser, query_text);
    assert_page(&browser, "Choose the account to pay from");
    assert_page(&browser, "19.99 GBP");
    assert_page(&browser, "Zoe &amp; Sons");
    walk_to_confirm(&second, query_text = push(world, &world->acme, &consent, NULL));
    confirm(&second);
    (void)code_of(world, &second.answer);
    struct browser third = { .world = world };
    browser_get(&third, query_text);
    assert_int_equal(third.answer.status, 400); /* 33 */
}

/* spec: fapi/A7, fapi/54, fapi/64 */
static void the_customer_says_no(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world };
    struct consent_id consent = consent_new(world, &world->acme, NULL);
    struct str query_text = push(world, &world->acme, &consent, NULL);
    walk_to_confirm(&browser, query_text);
    browser_post(&browser, auth_page_reject, NULL, NULL, NULL, NULL);
    struct form redirect = redirect_of(world, &browser.answer);
    assert_str(parameter(&redirect, "error"), "access_denied"); /* 64 */
    assert_str(parameter(&redirect, "state"), "st &=%?#");
    assert_str(parameter(&redirect, "iss"), ISSUER); /* A7 */
    assert_int_equal(parameter(&redirect, "code").len, 0);
    assert_int_equal(consent_status(world, &consent, NULL), CONSENT_RJCT);
    browser_get(&browser, query_text);
    assert_int_equal(browser.answer.status, 400);
}

static void forms_need_session_token_and_stage(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world }, other = { .world = world };
    struct consent_id consent = consent_new(world, &world->acme, NULL);
    struct str query_text = push(world, &world->acme, &consent, NULL), none = { 0 };
    browser_get(&browser, query_text);
    browser_get(&other, query_text);
    struct str form = form_of(world, "csrf", arena_dup(&world->arena, csrf_of(&other)).at, "login", "mia", "password",
                              PASSWORD, NULL);
    assert_int_equal(world_send(world, &browser.call, auth_page_login, form, none, browser.cookies).status,
                     400); /* another session's token */
    assert_int_equal(world_send(world, &browser.call, auth_page_login, form, none, none).status, 400); /* no cookie */
    assert_int_equal(world_send(world, &browser.call, auth_page_login, form, none, other.cookies).status, 200);
    browser_post(&browser, auth_page_confirm, "code", "123456", NULL, NULL); /* a step too far shows where one is */
    assert_page(&browser, "Log in to your bank");
    assert_int_equal(consent_status(world, &consent, NULL), CONSENT_AWAU);
    atomic_fetch_add(&world_now_ms, 10 * 60 * 1000);
    log_in(&browser, "mia", PASSWORD);
    assert_int_equal(browser.answer.status, 400); /* S4 */
}

static void passwords_are_guessed_a_few_times_only(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world };
    struct consent_id consent = consent_new(world, &world->acme, NULL);
    struct str query_text = push(world, &world->acme, &consent, NULL), unknown;
    browser_get(&browser, query_text);
    log_in(&browser, "nobody", PASSWORD);
    unknown = arena_dup(&world->arena, browser.answer.content);
    for (int i = 0; i < 5; i++) log_in(&browser, "mia", "wrong");
    assert_int_equal(browser.answer.content.len, unknown.len); /* A5: the same page */
    assert_memory_equal(browser.answer.content.at, unknown.at, unknown.len);
    log_in(&browser, "mia", PASSWORD); /* right, but locked, and not told apart */
    assert_memory_equal(browser.answer.content.at, unknown.at, unknown.len);
    atomic_fetch_add(&world_now_ms, 5 * 60 * 1000);
    walk_on_to_confirm(&browser, "mia");
    for (int i = 0; i < 3; i++) {
        assert_page(&browser, "Confirm this payment");
        give_code(&browser, "000000");
    }
    assert_int_equal(browser.answer.status, 400); /* S3: ten in one session end it */
    browser_get(&browser, query_text);
    assert_int_equal(browser.answer.status, 400);
}

static void a_one_time_code_works_once(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world }, second = { .world = world };
    struct consent_id consent = consent_new(world, &world->acme, NULL), next = consent_new(world, &world->acme, NULL);
    walk_to_confirm(&browser, push(world, &world->acme, &consent, NULL));
    confirm(&browser);
    (void)code_of(world, &browser.answer);
    walk_to_confirm(&second, push(world, &world->acme, &next, NULL));
    confirm(&second); /* the same step */
    assert_page(&second, "The code is not right");
    assert_int_equal(consent_status(world, &next, NULL), CONSENT_AWAU);
    atomic_fetch_add(&world_now_ms, TOTP_STEP_MS);
    confirm(&second);
    (void)code_of(world, &second.answer);
}

/* spec: uk/X1, ledger/76 */
static void a_code_approves_what_its_page_showed(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world }, other = { .world = world };
    struct consent_id consent = consent_new(world, &world->acme, NULL), dearer = consent_new(world, &world->acme, NULL);
    struct payment_consent_row row;
    walk_to_confirm(&browser, push(world, &world->acme, &consent, NULL));
    walk_to_confirm(&other, push(world, &world->acme, &dearer, NULL));
    const char *shown_elsewhere = approval_of(&other), *code = code_now(world);
    assert_page(&browser, "19.99 GBP"); /* payee, amount and account where the code is asked */
    assert_page(&browser, "Zoe &amp; Sons");
    assert_page(&browser, "11111111");
    browser_post(&browser, auth_page_confirm, "approval", shown_elsewhere, "code", code);
    assert_page(&browser, "has changed");
    assert_int_equal(consent_status(world, &consent, &row), CONSENT_AWAU);
    confirm(&browser); /* and the code is spent: it is worth nothing for anything */
    assert_page(&browser, "The code is not right");
    confirm(&other);
    assert_page(&other, "The code is not right");
    assert_int_equal(consent_status(world, &dearer, NULL), CONSENT_AWAU);
    atomic_fetch_add(&world_now_ms, TOTP_STEP_MS);
    browser_post(&browser, auth_page_confirm, "code", code_now(world), NULL, NULL); /* of no page at all */
    assert_page(&browser, "has changed");
    atomic_fetch_add(&world_now_ms, TOTP_STEP_MS);
    confirm(&browser);
    (void)code_of(world, &browser.answer);
    assert_int_equal(consent_status(world, &consent, &row), CONSENT_AUTH);
    struct hash approved = payment_consent_approval(&row, row.account_id); /* what the page showed is on record */
    assert_true(hash_equal(&approved, &row.approval_hash));
}

/* spec: uk/Q4 */
static void who_goes_away_has_said_no(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world }, again = { .world = world };
    struct consent_id consent = consent_new(world, &world->acme, NULL), asleep = consent_new(world, &world->acme, NULL);
    struct payment_consent_row row;
    browser_get(&browser, push(world, &world->acme, &consent, NULL));
    atomic_fetch_add(&world_now_ms, SESSION_MS / 2);
    browser_get(&again, push(world, &world->acme, &consent, NULL)); /* asked a second time */
    atomic_fetch_add(&world_now_ms, SESSION_MS / 2);
    (void)consent_status(world, &consent, &row);
    assert_int_equal(payment_consent_status_at(&row, world_clock()), CONSENT_AWAU);
    (void)push(world, &world->acme, &consent, NULL);
    atomic_fetch_add(&world_now_ms, SESSION_MS / 2 - 1);
    assert_int_equal(payment_consent_status_at(&row, world_clock()), CONSENT_AWAU);
    atomic_fetch_add(&world_now_ms, 1);
    assert_int_equal(payment_consent_status_at(&row, world_clock()), CONSENT_RJCT);
    struct auth_answer answer = post(world, &world->acme, auth_pushed, pushed_form(world, &consent, NULL));
    assert_str(member(world, answer.content, "error"), "invalid_request");
    (void)consent_status(world, &asleep, &row); /* nobody was asked: it waits */
    assert_int_equal(payment_consent_status_at(&row, world_clock()), CONSENT_AWAU);
    (void)push(world, &world->acme, &asleep, NULL);
}

static void other_accounts_may_be_chosen_after_all(void **state) {
    struct world *world = *state;
    struct browser browser = { .world = world };
    struct consent_id consent = consent_new(world, &world->acme, NULL);
    walk_to_confirm(&browser, push(world, &world->acme, &consent, NULL));
    browser_post(&browser, auth_page_account, "change", "1", NULL, NULL);
    assert_page(&browser, "Choose the account to pay from");
    browser_post(&browser, auth_page_account, "account_id", offered_account(&browser), NULL, NULL);
    assert_page(&browser, "Confirm this payment");
    confirm(&browser);
    (void)code_of(world, &browser.answer);
}

static void only_ones_own_account_in_the_right_place(void **state) {
    struct world *world = *state;
    struct browser mia = { .world = world }, sam = { .world = world };
    struct consent_id consent = consent_new(world, &world->acme, NULL),
                      named = consent_new(world, &world->acme, "40000022222222");
    browser_get(&mia, push(world, &world->acme, &consent, NULL));
    log_in(&mia, "mia", PASSWORD);
    const char *mias = offered_account(&mia);
    browser_get(&sam, push(world, &world->acme, &named, NULL));
    log_in(&sam, "sam", PASSWORD);
    const char *sams = offered_account(&sam);
    assert_string_not_equal(mias, sams);
    browser_post(&mia, auth_page_account, "account_id", sams, NULL, NULL); /* guessed */
    assert_page(&mia, "Choose one of the accounts shown");
    browser_post(&mia, auth_page_account, "account_id", "nonsense", NULL, NULL);
    assert_page(&mia, "Choose one of the accounts shown");
    atomic_fetch_add(&world_now_ms, TOTP_STEP_MS);
    struct browser wrong = { .world = world }; /* the consent names sam's account */
    browser_get(&wrong, push(world, &world->acme, &named, NULL));
    log_in(&wrong, "mia", PASSWORD);
    assert_page(&wrong, "You have no account");
    browser_post(&wrong, auth_page_account, "account_id", mias, NULL, NULL);
    assert_page(&wrong, "You have no account");
}

/* spec: fapi/A9, fapi/G11, fapi/69, fapi/70, fapi/71, fapi/73, fapi/74 */
static void codes_are_judged(void **state) {
    struct world *world = *state;
    struct consent_id consent;
    struct str code = code_at_once(world, &consent);
    static const char wrong[] = "zzcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const struct {
        const char *name;
        const struct call *call;
        const char *redirect_uri, *verifier;
    } refused[] = {
        { "71 another client", &world->acme, REDIRECT_URI, VERIFIER },
        { "73 wrong verifier", &world->gamma, REDIRECT_URI, wrong },
        { "74 other redirect_uri", &world->gamma, "https://tpp.example/back?x=1", VERIFIER },
        { "malformed verifier", &world->gamma, REDIRECT_URI, "short" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct auth_answer answer =
            exchange(world, refused[i].call, code, refused[i].redirect_uri, refused[i].verifier);
        if (answer.status != 400) fail_msg("%s: %d", refused[i].name, answer.status);
        assert_str(member(world, answer.content, "error"), "invalid_grant");
    }
    atomic_fetch_add(&world_now_ms, 59 * 1000); /* G11 */
    struct auth_answer first = exchange(world, &world->gamma, code, REDIRECT_URI, VERIFIER);
    assert_int_equal(first.status, 200);
    struct str token = member(world, first.content, "access_token");
    assert_int_equal(token_row_of(world, token).revoked_ms, 0);
    assert_int_equal(exchange(world, &world->acme, code, REDIRECT_URI, VERIFIER).status, 400); /* breaks nothing */
    assert_int_equal(token_row_of(world, token).revoked_ms, 0);
    world_restart(world);
    struct auth_answer again = exchange(world, &world->gamma, code, REDIRECT_URI, VERIFIER); /* A9 */
    assert_int_equal(again.status, 400);
    assert_int_not_equal(token_row_of(world, token).revoked_ms, 0);
    code = code_at_once(world, &consent);
    atomic_fetch_add(&world_now_ms, 60 * 1000);
    assert_int_equal(exchange(world, &world->gamma, code, REDIRECT_URI, VERIFIER).status, 400); /* G11, 70 */
}

static void the_sandbox_answers_at_once(void **state) {
    struct world *world = *state;
    static const struct change decline[] = { { "login_hint", "decline" }, { NULL, NULL } },
                               nobody[] = { { "login_hint", "xyz" }, { NULL, NULL } },
                               mia[] = { { "login_hint", "mia" }, { NULL, NULL } };
    struct consent_id consent;
    struct browser browser = { .world = world };
    (void)code_at_once(world, &consent);
    assert_int_equal(consent_status(world, &consent, NULL), CONSENT_AUTH);
    consent = consent_new(world, &world->gamma, NULL);
    browser_get(&browser, push(world, &world->gamma, &consent, decline));
    struct form redirect = redirect_of(world, &browser.answer);
    assert_str(parameter(&redirect, "error"), "access_denied");
    assert_int_equal(consent_status(world, &consent, NULL), CONSENT_RJCT);
    consent = consent_new(world, &world->gamma, "40000022222222"); /* not mia's */
    browser_get(&browser, push(world, &world->gamma, &consent, mia));
    redirect = redirect_of(world, &browser.answer);
    assert_str(parameter(&redirect, "error"), "access_denied");
    consent = consent_new(world, &world->gamma, NULL);
    browser_get(&browser, push(world, &world->gamma, &consent, nobody));
    assert_int_equal(browser.answer.status, 200); /* pages */
    consent = consent_new(world, &world->acme, NULL);
    browser_get(&browser, push(world, &world->acme, &consent, mia));
    assert_int_equal(browser.answer.status, 200); /* not marked */
}
int main(void) {
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_customer_consents_and_the_client_gets_its_token),
        FLOW_TEST(pushed_requests_are_judged),
        FLOW_TEST(a4_par_needs_client_authentication),
        FLOW_TEST(a3_authorize_trusts_only_pushed_requests),
        FLOW_TEST(a17_a_page_may_be_loaded_again_a_request_is_used_once),
        FLOW_TEST(the_customer_says_no),
        FLOW_TEST(forms_need_session_token_and_stage),
        FLOW_TEST(passwords_are_guessed_a_few_times_only),
        FLOW_TEST(a_one_time_code_works_once),
        FLOW_TEST(a_code_approves_what_its_page_showed),
        FLOW_TEST(who_goes_away_has_said_no),
        FLOW_TEST(other_accounts_may_be_chosen_after_all),
        FLOW_TEST(only_ones_own_account_in_the_right_place),
        FLOW_TEST(codes_are_judged),
        FLOW_TEST(the_sandbox_answers_at_once),
        WAITING_TEST(a_customer_consents_and_the_client_gets_its_token),
        WAITING_TEST(passwords_are_guessed_a_few_times_only),
        WAITING_TEST(codes_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
