/* Account access consents of UK Open Banking and what they let be read, over the gateway's socket: accounts, balances,
 * parties; every refusal beside its accepted twin. */
#include "app/ob_accounts_world.h"

/* ---- consents ---- */

#define WINDOWED                                                                                                       \
    "{\"Data\":{\"Permissions\":[" BASIC "," BALANCES "],\"ExpirationDateTime\":\"2099-01-01T00:00:00.500+01:00\","    \
    "\"TransactionFromDateTime\":\"2020-05-03T00:00:00+00:00\",\"TransactionToDateTime\":\"2099-12-03T00:00:00Z\"},"   \
    "\"Risk\":{}}"

static void assert_consent(const struct world_answer *answer, int status, const char *state, const char *reason) {
    const struct json *json = answer->json;
    assert_status(answer, status);
    assert_true(str_equal_c(data(answer, "Status"), state));
    assert_int_equal(json_type(json_path(json, "Data.StatusReason")), JSON_ARRAY_TYPE);
    assert_true(
        str_equal_c(json_get_string(json_at(json_path(json, "Data.StatusReason"), 0), "StatusReasonCode"), reason));
    const char *self = path_of("https://bank.example:8443" V4 CONSENTS "/", data(answer, "ConsentId"), "");
    assert_true(str_equal_c(json_string(json_path(json, "Links.Self")), self));
    assert_int_equal(json_type(json_get(json, "Meta")), JSON_OBJECT_TYPE);
    assert_int_equal(json_type(json_get(json, "Risk")), JSON_OBJECT_TYPE);
    assert_int_equal(answer->signature.len, 0);
    assert_int_equal(answer->interaction_id.len, 36);
}

/* spec: uk/Q1, uk/Q2, uk/Q5, uk/Q6, uk/S6, gateway/36 */
static void q1_a_consent_awaits_its_customer(void **state) {
    (void)state;
    struct world_answer answer = post_consent(V4, WINDOWED);
    struct consent_id id = made(&answer);
    assert_consent(&answer, 201, "AWAU", "U036");
    answer = get(consent_path(&id), accounts_client_token);
    assert_consent(&answer, 200, "AWAU", "U036");
    assert_true(str_equal(data(&answer, "ExpirationDateTime"), STR("2099-01-01T00:00:00.500+01:00")));
    assert_true(str_equal(data(&answer, "TransactionFromDateTime"), STR("2020-05-03T00:00:00+00:00")));
    assert_true(str_equal(data(&answer, "TransactionToDateTime"), STR("2099-12-03T00:00:00Z")));
    const struct json *permissions = json_path(answer.json, "Data.Permissions");
    assert_int_equal(json_count(permissions), 2);
    assert_true(str_equal(json_string(json_at(permissions, 1)), STR("ReadBalances")));
    authorise(&id, &world.account_id, 1);
    answer = get(consent_path(&id), accounts_client_token);
    assert_consent(&answer, 200, "AUTH", "");
    assert_true(str_equal(data(&answer, "ExpirationDateTime"), STR("2099-01-01T00:00:00.500+01:00")));
    struct world_input input = { 0 };
    answer = post_consent(V4, PERMISSIONS(BASIC));
    input.consent_id = made(&answer);
    world_run(&world, reject_accounts_decide, &input);
    answer = get(consent_path(&input.consent_id), accounts_client_token);
    assert_consent(&answer, 200, "RJCT", "CUST");
    assert_null(json_path(answer.json, "Data.ExpirationDateTime"));
}

/* spec: uk/I1, uk/I7 */
static void i1_a_key_is_ignored_two_posts_make_two(void **state) {
    (void)state;
    struct world_call call = { .client = ACME,
                               .method = "POST",
                               .base = V4,
                               .path = CONSENTS,
                               .token = accounts_client_token,
                               .key = world_new_key(&world),
                               .signature = STR("-"),
                               .unsigned_answer = true,
                               .body = STR(PERMISSIONS(BASIC)) };
    struct world_answer first = world_send(&world, &call), second = world_send(&world, &call);
    struct consent_id one = made(&first), two = made(&second);
    assert_false(id_equal(one.bytes, two.bytes));
    call.key = STR("12345678901234567890123456789012345678901"); /* too long where one is wanted */
    first = world_send(&world, &call);
    assert_status(&first, 201);
}

static const struct {
    const char *body, *code, *path; /* code NULL: accepted */
} consent_cases[] = {
    { PERMISSIONS(BASIC), NULL, NULL },
    { PERMISSIONS(BASIC "," DETAIL), NULL, NULL },
    { PERMISSIONS(DETAIL "," ROWS_DETAIL "," ROWS "," CREDITS), NULL, NULL },
    { PERMISSIONS(BASIC ",\"ReadBeneficiariesDetail\""), NULL, NULL },
    { PERMISSIONS(""), "U002", "Data.Permissions" },
    { PERMISSIONS(BASIC ",\"ReadEverything\""), "U002", "Data.Permissions[1]" },
    { PERMISSIONS(BALANCES), "U002", "Data.Permissions" },
    { PERMISSIONS(BASIC "," ROWS), "U002", "Data.Permissions" },
    { PERMISSIONS(BASIC "," ROWS_DETAIL), "U002", "Data.Permissions" },
    { PERMISSIONS(BASIC "," DEBITS), "U002", "Data.Permissions" },
    { "{\"Data\":{},\"Risk\":{}}", "U004", "Data.Permissions" },
    { "{\"Data\":{\"Permissions\":[" BASIC "]}}", "U004", "Risk" },
    { "{\"Data\":{\"Permissions\":[" BASIC "]},\"Risk\":{\"a\":1}}", "U005", "Risk.a" },
    { "{\"Data\":{\"Permissions\":[" BASIC "],\"ExpirationDateTime\":\"tomorrow\"},\"Risk\":{}}", "U003",
      "Data.ExpirationDateTime" },
    { "{\"Data\":{\"Permissions\":[" BASIC "],\"ExpirationDateTime\":\"2020-01-01T00:00:00Z\"},\"Risk\":{}}", "U003",
      "Data.ExpirationDateTime" },
    { "{\"Data\":{\"Permissions\":[" BASIC "],\"TransactionFromDateTime\":\"2021-01-01T00:00:00Z\","
      "\"TransactionToDateTime\":\"2020-01-01T00:00:00Z\"},\"Risk\":{}}",
      "U003", "Data.TransactionToDateTime" },
    { "{\"Data\":{\"Permissions\":[" BASIC "]},\"Risk\":{}", "U002", "" },
    { "{\"Data\":{\"Permissions\":[\"\xff\"]},\"Risk\":{}}", "U002", "" },
};

/* spec: uk/Q8, uk/rule8, uk/E1, uk/E2, uk/E4, uk/S10, uk/rule17 */
static void rule8_what_may_be_asked_for(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(consent_cases); i++) {
        struct world_answer answer = post_consent(V4, consent_cases[i].body);
        if (!consent_cases[i].code) assert_status(&answer, 201);
        else assert_refused(&answer, 400, consent_cases[i].code, consent_cases[i].path);
        if (!consent_cases[i].code) continue;
        assert_true(str_equal(json_get_string(answer.json, "Id"), answer.interaction_id));
        assert_null(json_get(answer.json, "Code"));
    }
    /* E4: all of them */
    struct world_answer answer =
        post_consent(V4, "{\"Data\":{\"Permissions\":[\"x\"],\"ExpirationDateTime\":\"y\"},\"Risk\":{\"z\":1}}");
    assert_int_equal(json_count(json_get(answer.json, "Errors")), 3);
}

/* spec: uk/Q3, uk/S1, uk/S4, uk/S6, uk/rule10 */
static void q3_deleted_is_gone(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC), 1);
    struct consent_id nowhere = { { 0x01, 0x23 } };
    struct world_call theirs = { .client = BETA,
                                 .method = "GET",
                                 .base = V4,
                                 .path = consent_path(&agreement.id),
                                 .token = world_token(&world, BETA, "accounts", NULL),
                                 .unsigned_answer = true };
    struct world_answer answer = world_send(&world, &theirs);
    assert_refused(&answer, 403, "U000", "");
    theirs.method = "DELETE";
    answer = world_send(&world, &theirs);
    assert_refused(&answer, 403, "U000", "");
    answer = get("/accounts", agreement.token); /* still there */
    assert_status(&answer, 200);
    answer = ask(V4, "DELETE", consent_path(&agreement.id), accounts_client_token);
    assert_status(&answer, 204);
    assert_int_equal(answer.body.len, 0);
    answer = get("/accounts", agreement.token);
    assert_status(&answer, 401);
    assert_int_equal(answer.body.len, 0);
    const char *const gone[] = { consent_path(&agreement.id), consent_path(&nowhere), CONSENTS "/foobar" };
    for (size_t i = 0; i < ARRAY_COUNT(gone); i++) {
        answer = get(gone[i], accounts_client_token);
        assert_refused(&answer, 400, "U011", "");
        answer = ask(V4, "DELETE", gone[i], accounts_client_token);
        assert_refused(&answer, 400, "U011", "");
    }
    answer = post_consent(V4, PERMISSIONS(BASIC));
    struct consent_id waiting = made(&answer);
    answer = ask(V4, "DELETE", consent_path(&waiting), accounts_client_token);
    assert_status(&answer, 204);
    struct agreement mine = agree(V4, PERMISSIONS(BASIC), 1); /* a customer's token is none for consents */
    answer = get(consent_path(&mine.id), mine.token);
    assert_refused(&answer, 403, "U000", "");
    answer = get(consent_path(&mine.id), ACME->client_token); /* of payments */
    assert_refused(&answer, 403, "U000", "");
}

/* ---- what kills a token ---- */

/* spec: uk/Q10, uk/B7, uk/Q5, uk/X6, gateway/36, gateway/38 */
static void q10_revoked_at_the_bank_and_given_again(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC), 2);
    struct world_answer answer = get("/accounts", agreement.token);
    assert_status(&answer, 200);
    change_consent(&agreement.id, ACCOUNT_CONSENT_REVOKE);
    answer = get("/accounts", agreement.token);
    assert_status(&answer, 401);
    assert_int_equal(answer.body.len, 0);
    answer = get(consent_path(&agreement.id), accounts_client_token);
    assert_consent(&answer, 200, "CANC", "TKSP");
    authorise(&agreement.id, &world.account_id, 1);
    answer = get("/accounts", agreement.token); /* the old one stays dead */
    assert_status(&answer, 401);
    struct str fresh = world_token(&world, ACME, "openid accounts", &agreement.id);
    answer = get("/accounts", fresh);
    assert_status(&answer, 200);
    assert_int_equal(json_count(json_path(answer.json, "Data.Account")), 1);
    answer = get(consent_path(&agreement.id), accounts_client_token);
    assert_consent(&answer, 200, "AUTH", "");
}

/* spec: uk/Q9, gateway/41 */
static void q9_an_account_less_leaves_the_others(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC), 2);
    struct world_answer answer = get(account_path(&second_account, ""), agreement.token);
    assert_status(&answer, 200);
    change_consent(&agreement.id, ACCOUNT_CONSENT_REMOVE_ACCOUNT);
    answer = get(account_path(&second_account, ""), agreement.token);
    assert_refused(&answer, 403, "U000", "");
    answer = get("/accounts", agreement.token);
    assert_status(&answer, 200);
    assert_int_equal(json_count(json_path(answer.json, "Data.Account")), 1);
}

/* spec: uk/S5, uk/rule9, uk/Q11 */
static void rule9_expired_says_so(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, WINDOWED, 1);
    struct world_answer answer = get("/accounts", agreement.token);
    assert_status(&answer, 200);
    int64_t token_life_ms = 700000;
    world_ahead_ms = token_life_ms; /* the token is over: the consent is not */
    answer = get("/accounts", agreement.token);
    assert_status(&answer, 401);
    assert_int_equal(answer.body.len, 0);
    world_ahead_ms = 0;
    answer = get(consent_path(&agreement.id), accounts_client_token);
    assert_consent(&answer, 200, "AUTH", "");

    char day[CLOCK_TEXT_BYTES];
    struct str soon = clock_format_rfc3339(clock_now_ms() + 60000, day);
    const char *body =
        arena_printf(&world.arena,
                     "{\"Data\":{\"Permissions\":[" BASIC "],\"ExpirationDateTime\":\"" STR_FMT "\"},\"Risk\":{}}",
                     STR_ARG(soon))
            .at;
    agreement = agree(V4, body, 1);
    answer = get("/accounts", agreement.token);
    assert_status(&answer, 200);
    world_ahead_ms = 60000;
    answer = get("/accounts", agreement.token);
    assert_refused(&answer, 401, "U009", "");
    answer = get(consent_path(&agreement.id), accounts_client_token);
    assert_consent(&answer, 200, "EXPD", "TKXP");
    assert_true(str_equal(data(&answer, "StatusUpdateDateTime"), soon));
    assert_true(str_equal(data(&answer, "ExpirationDateTime"), soon));
    world_ahead_ms = 0;
}

/* ---- the customer's authentication ---- */

static void assert_must_authenticate(const struct agreement *agreement) {
    struct world_answer answer = get("/accounts", agreement->token);
    assert_refused(&answer, 403, "U028", "");
    answer = get(consent_path(&agreement->id), accounts_client_token);
    assert_consent(&answer, 200, "CANC", "TKSP");
    const struct json *second = json_at(json_path(answer.json, "Data.StatusReason"), 1);
    assert_true(str_equal_c(json_get_string(second, "StatusReasonCode"), "U028"));
}

/* spec: uk/X5, uk/Q5, uk/X6 */
static void x5_the_bank_asks_for_authentication(void **state) {
    (void)state;
    struct agreement asked = agree(V4, PERMISSIONS(BASIC), 2), other = agree(V4, PERMISSIONS(BASIC), 2);
    change_consent(&asked.id, ACCOUNT_CONSENT_DEMAND);
    assert_must_authenticate(&asked);
    struct world_answer answer = ask(V3, "GET", "/accounts", asked.token);
    assert_refused(&answer, 403, "UK.OBIE.Reauthenticate", "");
    answer = get("/accounts", other.token); /* nobody else's */
    assert_status(&answer, 200);
    authorise(&asked.id, &world.account_id, 1);
    answer = get("/accounts", asked.token); /* of the old grant */
    assert_status(&answer, 401);
    answer = get("/accounts", world_token(&world, ACME, "openid accounts", &asked.id));
    assert_status(&answer, 200);
}

/* spec: uk/X2, uk/X3 */
static void x3_authentication_grows_old_where_the_bank_says_so(void **state) {
    enum { RENEWAL_MS = 60000 };
    (void)state;
    struct agreement endless = agree(V4, PERMISSIONS(BASIC), 1);
    world.integration.sca_renewal_ms = RENEWAL_MS;
    int64_t before_ms = clock_now_ms();
    struct agreement renewed = agree(V4, PERMISSIONS(BASIC), 1);
    world.integration.sca_renewal_ms = 0;
    int64_t took_ms = clock_now_ms() - before_ms;
    world_ahead_ms = RENEWAL_MS - took_ms - 20000;
    struct world_answer answer = get("/accounts", renewed.token);
    assert_status(&answer, 200);
    world_ahead_ms = RENEWAL_MS;
    assert_must_authenticate(&renewed);
    answer = get("/accounts", endless.token);
    assert_status(&answer, 200);
    world_ahead_ms = 0;
}

/* ---- who may ---- */

/* spec: uk/S5, uk/S4, uk/rule3 */
static void s5_tokens(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(EVERYTHING), 1);
    static const struct str none;
    const struct str dead[] = { none, STR("nonsense"), accounts_client_token };
    struct world_answer answer;
    for (size_t i = 0; i < ARRAY_COUNT(dead); i++) {
        answer = get("/accounts", dead[i]);
        assert_status(&answer, 401);
        assert_int_equal(answer.body.len, 0);
        assert_int_equal(answer.interaction_id.len, 36);
    }
    answer = get("/accounts", world_token(&world, ACME, "openid payments", &agreement.id)); /* another scope */
    assert_refused(&answer, 403, "U000", "");
    answer = ask("", "GET", "/v1/accounts", agreement.token); /* a consent opens Open Banking alone */
    assert_status(&answer, 403);
    struct world_call theirs = { .client = BETA,
                                 .method = "GET",
                                 .base = V4,
                                 .path = "/accounts",
                                 .token = agreement.token,
                                 .unsigned_answer = true };
    answer = world_send(&world, &theirs); /* bound to acme's certificate */
    assert_status(&answer, 401);
    answer = get("/accounts", agreement.token);
    assert_status(&answer, 200);
}

#define PATHS_MAX 9
static const struct {
    const char *permissions;
    const char *open; /* one letter a path below: + 200, - 403 */
} permission_cases[] = {
    { BASIC, "++-------" },
    { DETAIL, "++-------" },
    { BASIC "," BALANCES, "++++-----" },
    { BASIC "," ROWS "," CREDITS, "++--++---" },
    { BASIC "," ROWS_DETAIL "," DEBITS, "++--++---" },
    { BASIC ",\"ReadParty\"", "++----++-" },
    { BASIC ",\"ReadPartyPSU\"", "++------+" },
    { BASIC ",\"ReadStatementsDetail\",\"ReadBeneficiariesBasic\"", "++-------" },
    { EVERYTHING, "+++++++++" },
};

/* spec: uk/S4, uk/rule3 */
static void s4_permissions_open_endpoints(void **state) {
    (void)state;
    const char *const paths[PATHS_MAX] = { "/accounts",
                                           account_path(&world.account_id, ""),
                                           "/balances",
                                           account_path(&world.account_id, "/balances"),
                                           "/transactions",
                                           account_path(&world.account_id, "/transactions"),
                                           account_path(&world.account_id, "/party"),
                                           account_path(&world.account_id, "/parties"),
                                           "/party" };
    for (size_t i = 0; i < ARRAY_COUNT(permission_cases); i++) {
        char body[512];
        (void)snprintf(body, sizeof body, PERMISSIONS("%s"), permission_cases[i].permissions);
        struct agreement agreement = agree(V4, body, 1);
        for (size_t k = 0; k < PATHS_MAX; k++) {
            struct world_answer answer = get(paths[k], agreement.token);
            int want = permission_cases[i].open[k] == '+' ? 200 : 403;
            if (answer.status != want) fail_msg("%s: %s: %d", permission_cases[i].permissions, paths[k], answer.status);
            if (want == 403) assert_refused(&answer, 403, "U000", "");
        }
    }
}

/* spec: uk/S1, uk/S2, uk/S4, uk/H7, uk/H8, uk/rule2, gateway/41 */
static void s1_s2_what_is_not_there(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(EVERYTHING), 1);
    const struct account_id nowhere = { { 0x09 } };
    const char *const reads[] = { "", "/balances", "/transactions", "/party", "/parties" };
    for (size_t i = 0; i < ARRAY_COUNT(reads); i++) {
        struct world_answer answer = get(account_path(&world.account_id, reads[i]), agreement.token);
        assert_status(&answer, 200);
        answer = get(path_of("/accounts/foobar", STR(""), reads[i]), agreement.token);
        assert_refused(&answer, 400, "U011", "");
        answer = get(account_path(&nowhere, reads[i]), agreement.token);
        assert_refused(&answer, 400, "U011", "");
        answer = get(account_path(&second_account, reads[i]), agreement.token); /* hers, not chosen */
        assert_refused(&answer, 403, "U000", "");
        answer = get(account_path(&sams_account, reads[i]), agreement.token);
        assert_refused(&answer, 403, "U000", "");
    }
    const char *const absent[] = { "/foobar", "/beneficiaries", "/statements", "/products" };
    for (size_t i = 0; i < ARRAY_COUNT(absent); i++) {
        struct world_answer answer = get(absent[i], agreement.token);
        assert_refused(&answer, 404, "U011", "");
        answer = get(account_path(&world.account_id, absent[i]), agreement.token);
        assert_refused(&answer, 404, "U011", "");
    }
    struct world_answer answer = get(account_path(&world.account_id, "/balances/"), agreement.token);
    assert_status(&answer, 200); /* a slash behind it */
    assert_true(str_equal_c(
        json_string(json_path(answer.json, "Links.Self")),
        arena_printf(&world.arena, "https://bank.example:8443" V4 "%s", account_path(&world.account_id, "/balances"))
            .at));
    answer = ask(V4, "POST", "/accounts", agreement.token);
    assert_refused(&answer, 405, "U000", "");
    assert_true(str_equal(answer.allow, STR("GET, HEAD")));
    struct world_call call = { .client = ACME,
                               .method = "GET",
                               .base = V4,
                               .path = "/accounts",
                               .token = agreement.token,
                               .more = { { STR("Accept"), STR("application/xml") } },
                               .unsigned_answer = true };
    answer = world_send(&world, &call);
    assert_refused(&answer, 406, "U006", "");
}

/* spec: uk/H1, uk/H2, uk/H3, uk/H10 */
static void h1_to_h3_headers(void **state) {
    (void)state;
    static const struct {
        struct http_header header;
        int status;
    } cases[] = {
        { { STR_INIT("x-fapi-interaction-id"), STR_INIT("93bac548-d2de-4546-b106-880a5018460d") }, 200 },
        { { STR_INIT("x-fapi-interaction-id"), STR_INIT("nonsense") }, 400 },
        { { STR_INIT("x-fapi-auth-date"), STR_INIT("Sun, 10 Sep 2017 19:43:31 GMT") }, 200 },
        { { STR_INIT("x-fapi-auth-date"), STR_INIT("2017-09-10T19:43:31Z") }, 400 },
        { { STR_INIT("x-fapi-auth-date"), STR_INIT("Sun, 10 Sep 2017 19:43:31 UTC") }, 400 },
        { { STR_INIT("x-fapi-customer-ip-address"), STR_INIT("104.25.212.99") }, 200 },
        { { STR_INIT("payload-version"), STR_INIT("99") }, 200 },
        { { STR_INIT("x-fapi-financial-id"), STR_INIT("") }, 200 },
    };
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC), 1);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct world_call call = { .client = ACME,
                                   .method = "GET",
                                   .base = V4,
                                   .path = "/accounts",
                                   .token = agreement.token,
                                   .more = { cases[i].header },
                                   .unsigned_answer = true };
        struct world_answer answer = world_send(&world, &call);
        assert_status(&answer, cases[i].status);
        if (answer.status == 400) assert_string_equal(answer.error, "U006");
        assert_int_equal(answer.interaction_id.len, 36);
        if (i == 0) assert_true(str_equal(answer.interaction_id, cases[0].header.value));
    }
}

/* ---- accounts, balances, parties ---- */

static const struct json *first(const struct world_answer *answer, const char *path) {
    assert_status(answer, 200);
    return json_at(json_path(answer->json, path), 0);
}

/* What a client may see of the accounts' names and numbers: nothing without ReadAccountsDetail. */
/* spec: uk/S7, gateway/39 */
static void detail_shows_what_basic_hides(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC), 2);
    struct world_answer answer = get("/accounts", agreement.token);
    const struct json *account = first(&answer, "Data.Account");
    size_t at;
    assert_int_equal(json_count(json_path(answer.json, "Data.Account")), 2);
    assert_true(str_equal(json_get_string(account, "AccountId"), text_of(world.account_id.bytes)));
    assert_true(str_equal(json_get_string(account, "Status"), STR("Enabled")));
    assert_true(str_equal(json_get_string(account, "Currency"), STR("GBP")));
    assert_true(str_equal(json_get_string(account, "AccountCategory"), STR("Personal")));
    assert_true(str_equal(json_get_string(account, "AccountTypeCode"), STR("CACC")));
    assert_null(json_get(account, "Account"));
    static const char *const hidden[] = { "Current account", "00000042", "GIRO" };
    for (size_t i = 0; i < ARRAY_COUNT(hidden); i++) assert_false(str_find(answer.body, str_from_c(hidden[i]), &at));
    agreement = agree(V4, PERMISSIONS(DETAIL), 2);
    answer = get(account_path(&world.account_id, ""), agreement.token);
    account = first(&answer, "Data.Account");
    assert_int_equal(json_count(json_path(answer.json, "Data.Account")), 1);
    const struct json *names = json_get(account, "Account");
    assert_int_equal(json_count(names), 2);
    assert_true(str_equal(json_get_string(json_at(names, 0), "SchemeName"), STR("UK.OBIE.SortCodeAccountNumber")));
    assert_true(str_equal(json_get_string(json_at(names, 0), "Identification"), STR("20000000000042")));
    assert_true(str_equal(json_get_string(json_at(names, 0), "Name"), STR("Current account")));
    assert_true(str_equal(json_get_string(json_at(names, 1), "SchemeName"), STR("UK.OBIE.IBAN")));
    assert_int_equal(json_type(json_get(account, "StatementFrequencyAndFormat")), JSON_ARRAY_TYPE);
}

static void balances_of_one_and_all(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC "," BALANCES), 2);
    (void)move_money(&second_account, -1234);
    struct world_answer answer = get("/balances", agreement.token);
    const struct json *rows = json_path(answer.json, "Data.Balance");
    assert_status(&answer, 200);
    assert_int_equal(json_count(rows), 4);
    assert_true(str_equal(answer.cache_control, STR("no-store")));
    answer = get(account_path(&second_account, "/balances"), agreement.token);
    rows = json_path(answer.json, "Data.Balance");
    assert_int_equal(json_count(rows), 2);
    const struct json *booked = json_at(rows, 0), *available = json_at(rows, 1);
    assert_true(str_equal(json_get_string(booked, "Type"), STR("ITBD")));
    assert_true(str_equal(json_get_string(booked, "CreditDebitIndicator"), STR("Debit")));
    assert_true(str_equal(json_string(json_path(booked, "Amount.Amount")), STR("12.34")));
    assert_true(str_equal(json_get_string(available, "Type"), STR("ITAV")));
    assert_true(str_equal(json_get_string(available, "CreditDebitIndicator"), STR("Credit")));
    assert_true(str_equal(json_string(json_path(available, "Amount.Amount")), STR("37.66")));
    const struct json *line = json_at(json_get(available, "CreditLine"), 0);
    assert_true(json_get_bool(line, "Included", false));
    assert_true(str_equal(json_string(json_path(line, "Amount.Amount")), STR("50.00")));
    answer = get(account_path(&world.account_id, "/balances"), agreement.token);
    assert_int_equal(json_count(json_get(first(&answer, "Data.Balance"), "CreditLine")), 0);
    (void)move_money(&second_account, 1234);
}

static void parties(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC ",\"ReadParty\",\"ReadPartyPSU\""), 1);
    const char *const one[] = { "/party", account_path(&world.account_id, "/party") };
    struct world_answer answer;
    for (size_t i = 0; i < ARRAY_COUNT(one); i++) {
        answer = get(one[i], agreement.token);
        assert_status(&answer, 200);
        assert_true(str_equal(json_string(json_path(answer.json, "Data.Party.Name")), STR("mia")));
        assert_true(
            str_equal(json_string(json_path(answer.json, "Data.Party.PartyId")), text_of(world.customer_id.bytes)));
    }
    answer = get(account_path(&world.account_id, "/parties"), agreement.token);
    assert_true(str_equal(json_get_string(first(&answer, "Data.Party"), "Name"), STR("mia")));
}

/* Kept by the client alone, and asked for again each time. */
/* spec: gateway/60 */
static void an_answer_is_kept_by_its_client_alone(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(EVERYTHING), 1), other = agree(V4, PERMISSIONS(BASIC), 1);
    const char *const paths[] = { "/accounts", "/transactions", "/party" };
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct world_answer answer = get(paths[i], agreement.token);
        assert_status(&answer, 200);
        assert_true(str_equal(answer.cache_control, STR("private, no-cache")));
        struct world_call call = { .client = ACME,
                                   .method = "GET",
                                   .base = V4,
                                   .path = paths[i],
                                   .token = agreement.token,
                                   .more = { { STR("If-None-Match"), answer.etag } },
                                   .unsigned_answer = true };
        struct world_answer again = world_send(&world, &call);
        assert_status(&again, 304);
        assert_int_equal(again.body.len, 0);
        call.token = other.token; /* the tag opens nothing */
        again = world_send(&world, &call);
        assert_status(&again, i == 0 ? 200 : 403);
        call.token = (struct str){ 0 };
        again = world_send(&world, &call);
        assert_status(&again, 401);
        assert_true(str_equal(again.cache_control, STR("no-store")));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q1_a_consent_awaits_its_customer),
        cmocka_unit_test(i1_a_key_is_ignored_two_posts_make_two),
        cmocka_unit_test(rule8_what_may_be_asked_for),
        cmocka_unit_test(q3_deleted_is_gone),
        cmocka_unit_test(q10_revoked_at_the_bank_and_given_again),
        cmocka_unit_test(q9_an_account_less_leaves_the_others),
        cmocka_unit_test(rule9_expired_says_so),
        cmocka_unit_test(x5_the_bank_asks_for_authentication),
        cmocka_unit_test(x3_authentication_grows_old_where_the_bank_says_so),
        cmocka_unit_test(s5_tokens),
        cmocka_unit_test(s4_permissions_open_endpoints),
        cmocka_unit_test(s1_s2_what_is_not_there),
        cmocka_unit_test(h1_to_h3_headers),
        cmocka_unit_test(detail_shows_what_basic_hides),
        cmocka_unit_test(balances_of_one_and_all),
        cmocka_unit_test(parties),
        cmocka_unit_test(an_answer_is_kept_by_its_client_alone),
    };
    return cmocka_run_group_tests(tests, accounts_setup, accounts_teardown);
}
