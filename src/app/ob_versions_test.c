/* Open Banking v3.1 beside v4.0, over the gateway's socket: its names and errors, what may cross from one version to
 * the other and what may not, and its end. */
#include "app/ob_accounts_world.h"

#define PISP4 "/open-banking/v4.0/pisp"
#define PISP3 "/open-banking/v3.1/pisp"
#define EVERY_ROW BASIC "," ROWS_DETAIL "," CREDITS "," DEBITS "," BALANCES

static bool is_one_of(struct str text, const char *one) {
    return str_equal_c(text, one);
}

/* ---- reads of accounts ---- */

static void assert_consent(const struct world_answer *answer, int status, const char *state) {
    assert_status(answer, status);
    if (!is_one_of(data(answer, "Status"), state)) fail_msg(STR_FMT, STR_ARG(data(answer, "Status")));
    assert_null(json_path(answer->json, "Data.StatusReason"));
    const char *self = path_of("https://bank.example:8443" V3 CONSENTS "/", data(answer, "ConsentId"), "");
    assert_true(str_equal_c(json_string(json_path(answer->json, "Links.Self")), self));
}

/* spec: uk/Q1, uk/Q2, uk/rule1 */
static void consents_have_the_names_of_v3(void **state) {
    (void)state;
    struct world_answer answer = post_consent(V3, PERMISSIONS(BASIC));
    struct consent_id id = made(&answer);
    assert_consent(&answer, 201, "AwaitingAuthorisation");
    authorise(&id, &world.account_id, 1);
    answer = ask(V3, "GET", consent_path(&id), accounts_client_token);
    assert_consent(&answer, 200, "Authorised");
    change_consent(&id, ACCOUNT_CONSENT_REVOKE);
    answer = ask(V3, "GET", consent_path(&id), accounts_client_token);
    assert_consent(&answer, 200, "Revoked");
    answer = post_consent(V3, PERMISSIONS(BASIC));
    struct world_input input = { .consent_id = made(&answer) };
    world_run(&world, reject_accounts_decide, &input);
    answer = ask(V3, "GET", consent_path(&input.consent_id), accounts_client_token);
    assert_consent(&answer, 200, "Rejected");
    answer = ask(V3, "DELETE", consent_path(&input.consent_id), accounts_client_token);
    assert_status(&answer, 204);
    answer = ask(V3, "GET", consent_path(&input.consent_id), accounts_client_token);
    assert_refused(&answer, 400, "UK.OBIE.Resource.NotFound", "");
}

static void resources_have_the_names_of_v3(void **state) {
    (void)state;
    struct agreement agreement = agree(V3, PERMISSIONS(EVERY_ROW), 1);
    struct world_answer answer = ask(V3, "GET", "/accounts", agreement.token);
    const struct json *account = json_at(json_path(answer.json, "Data.Account"), 0);
    assert_true(is_one_of(json_get_string(account, "AccountType"), "Personal"));
    assert_true(is_one_of(json_get_string(account, "AccountSubType"), "CurrentAccount"));
    assert_null(json_get(account, "AccountCategory"));
    answer = ask(V3, "GET", account_path(&world.account_id, "/balances"), agreement.token);
    assert_true(
        is_one_of(json_get_string(json_at(json_path(answer.json, "Data.Balance"), 0), "Type"), "InterimBooked"));
    answer = ask(V3, "GET", account_path(&world.account_id, "/transactions"), agreement.token);
    const struct json *row = json_at(json_path(answer.json, "Data.Transaction"), 0);
    assert_true(is_one_of(json_get_string(row, "Status"), "Booked"));
    assert_true(is_one_of(json_string(json_path(row, "Balance.Type")), "InterimBooked"));
    const char *self = arena_printf(&world.arena, "https://bank.example:8443" V3 "%s",
                                    account_path(&world.account_id, "/transactions"))
                           .at;
    assert_true(is_one_of(json_string(json_path(answer.json, "Links.Self")), self));
}

/* spec: uk/rule4, uk/E2 */
static void errors_have_the_envelope_of_v3(void **state) {
    (void)state;
    static const struct {
        const char *method, *path, *body, *head, *code;
        int status;
    } cases[] = {
        { "GET", "/foobar", NULL, "404 NotFound", "UK.OBIE.Resource.NotFound", 404 },
        { "PUT", "/accounts", NULL, "405 MethodNotAllowed", "UK.OBIE.UnexpectedError", 405 },
        { "GET", "/account-access-consents/foobar", NULL, "400 BadRequest", "UK.OBIE.Resource.NotFound", 400 },
    };
    struct world_answer answer;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        answer = ask(V3, cases[i].method, cases[i].path, accounts_client_token);
        assert_refused(&answer, cases[i].status, cases[i].code, "");
        assert_true(is_one_of(json_get_string(answer.json, "Code"), cases[i].head));
        assert_true(json_get_string(answer.json, "Message").len > 0);
        assert_true(str_equal(json_get_string(answer.json, "Id"), answer.interaction_id));
        assert_true(json_get_string(json_at(json_get(answer.json, "Errors"), 0), "Message").len > 0);
    }
    answer = post_consent(V3, PERMISSIONS(""));
    assert_refused(&answer, 400, "UK.OBIE.Field.Invalid", "Data.Permissions");
    answer = post_consent(V3, "{\"Data\":{},\"Risk\":{}}");
    assert_refused(&answer, 400, "UK.OBIE.Field.Missing", "Data.Permissions");
    answer = ask(V3, "GET", "/accounts", (struct str){ 0 });
    assert_status(&answer, 401);
    assert_int_equal(answer.body.len, 0);
    answer = ask(V4, "GET", "/foobar", accounts_client_token); /* not in v4.0's */
    assert_null(json_get(answer.json, "Code"));
}

/* spec: uk/rule13 */
static void rule13_a_consent_to_reads_works_in_both(void **state) {
    (void)state;
    struct agreement agreement = agree(V3, PERMISSIONS(BASIC), 1);
    struct world_answer answer = ask(V4, "GET", "/accounts", agreement.token);
    assert_status(&answer, 200);
    assert_non_null(json_get(json_at(json_path(answer.json, "Data.Account"), 0), "AccountCategory"));
    answer = ask(V4, "GET", consent_path(&agreement.id), accounts_client_token);
    assert_true(is_one_of(data(&answer, "Status"), "AUTH"));
}

/* ---- payments ---- */

#define CREDITOR                                                                                                       \
    "\"SchemeName\":\"UK.OBIE.SortCodeAccountNumber\",\"Identification\":\"20000000000043\",\"Name\":\"Sam\""
#define START(remittance)                                                                                              \
    "{\"InstructionIdentification\":\"I1\",\"EndToEndIdentification\":\"E1\",\"InstructedAmount\":{\"Amount\":"        \
    "\"3.00\",\"Currency\":\"GBP\"},\"CreditorAccount\":{" CREDITOR "},\"RemittanceInformation\":{" remittance "}}"
#define START3 START("\"Unstructured\":\"thanks\",\"Reference\":\"FRESCO-101\"")
#define START4 START("\"Unstructured\":[\"thanks\"]")
#define CONSENT(start) "{\"Data\":{\"Initiation\":" start "},\"Risk\":{}}"

static struct world_answer send(const char *base, const char *method, const char *path, struct str token,
                                struct str body) {
    struct world_call call = {
        .client = ACME, .method = method, .base = base, .path = path, .token = token, .body = body
    };
    if (body.len) call.key = world_new_key(&world);
    return world_send(&world, &call);
}

static struct agreement agree_to_pay(const char *base, const char *body) {
    struct world_answer answer = send(base, "POST", "/domestic-payment-consents", ACME->client_token, str_from_c(body));
    struct agreement agreement = { .id = made(&answer) };
    struct world_input input = { .consent_id = agreement.id,
                                 .customer_id = world.customer_id,
                                 .account_id = world.account_id };
    world_run(&world, world_authorise_decide, &input);
    agreement.token = world_token(&world, ACME, "openid payments", &agreement.id);
    return agreement;
}

static struct str order_of(const struct agreement *agreement, const char *start) {
    return arena_printf(&world.arena, "{\"Data\":{\"ConsentId\":\"" STR_FMT "\",\"Initiation\":%s},\"Risk\":{}}",
                        STR_ARG(text_of(agreement->id.bytes)), start);
}

/* spec: uk/P1, uk/P8, uk/rule1 */
static void payments_have_the_names_of_v3(void **state) {
    (void)state;
    struct world_answer answer =
        send(PISP3, "POST", "/domestic-payment-consents", ACME->client_token, STR(CONSENT(START3)));
    assert_status(&answer, 201);
    assert_true(is_one_of(data(&answer, "Status"), "AwaitingAuthorisation"));
    assert_null(json_path(answer.json, "Data.StatusReason"));
    struct agreement agreement = agree_to_pay(PISP3, CONSENT(START3));
    const char *path = path_of("/domestic-payment-consents/", text_of(agreement.id.bytes), "");
    answer = send(PISP3, "GET", path, ACME->client_token, STR(""));
    assert_true(is_one_of(data(&answer, "Status"), "Authorised"));
    answer = send(PISP3, "GET", path_of(path, STR(""), "/funds-confirmation"), agreement.token, STR(""));
    assert_status(&answer, 200);
    answer = send(PISP3, "POST", "/domestic-payments", agreement.token, order_of(&agreement, START3));
    assert_status(&answer, 201);
    assert_true(is_one_of(data(&answer, "Status"), "Pending"));
    struct str payment = data(&answer, "DomesticPaymentId");
    const char *self = path_of("https://bank.example:8443" PISP3 "/domestic-payments/", payment, "");
    assert_true(is_one_of(json_string(json_path(answer.json, "Links.Self")), self));
    answer = send(PISP3, "GET", path_of("/domestic-payments/", payment, ""), ACME->client_token, STR(""));
    assert_true(is_one_of(data(&answer, "Status"), "AcceptedSettlementCompleted"));
    answer =
        send(PISP3, "GET", path_of("/domestic-payments/", payment, "/payment-details"), ACME->client_token, STR(""));
    assert_status(&answer, 200);
    answer = send(PISP3, "GET", path, ACME->client_token, STR(""));
    assert_true(is_one_of(data(&answer, "Status"), "Consumed"));
    answer = send(PISP3, "POST", "/domestic-payments", agreement.token, order_of(&agreement, START3));
    assert_refused(&answer, 400, "UK.OBIE.Resource.InvalidConsentStatus", "Data.ConsentId");
    answer = send(PISP4, "GET", path_of("/domestic-payments/", payment, ""), ACME->client_token, STR(""));
    assert_refused(&answer, 400, "U011", ""); /* P9 */
    answer =
        send(PISP4, "GET", path_of("/domestic-payments/", payment, "/payment-details"), ACME->client_token, STR(""));
    assert_refused(&answer, 400, "U011", "");
}

static void schemas_are_of_their_version(void **state) {
    (void)state;
    struct world_answer answer =
        send(PISP3, "POST", "/domestic-payment-consents", ACME->client_token, STR(CONSENT(START4)));
    assert_refused(&answer, 400, "UK.OBIE.Field.Invalid", "Data.Initiation.RemittanceInformation.Unstructured");
    answer = send(PISP4, "POST", "/domestic-payment-consents", ACME->client_token, STR(CONSENT(START3)));
    assert_status(&answer, 400);
    answer = send(PISP4, "POST", "/domestic-payment-consents", ACME->client_token, STR(CONSENT(START4)));
    assert_status(&answer, 201);
    struct world_call call = { .client = ACME,
                               .method = "POST",
                               .base = PISP3,
                               .path = "/domestic-payment-consents",
                               .token = ACME->client_token,
                               .key = world_new_key(&world),
                               .signature = STR("-"),
                               .body = STR(CONSENT(START3)) };
    answer = world_send(&world, &call);
    assert_refused(&answer, 400, "UK.OBIE.Signature.Missing", "x-jws-signature");
}

/* spec: uk/P9, uk/rule13 */
static void p9_a_payment_consent_stays_in_its_version(void **state) {
    (void)state;
    static const struct {
        const char *mine, *other, *start, *code;
    } cases[] = {
        { PISP3, PISP4, START("\"Unstructured\":\"x\""), "U008" },
        { PISP4, PISP3, START("\"Unstructured\":[\"x\"]"), "UK.OBIE.Resource.ConsentMismatch" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *body = arena_printf(&world.arena, "{\"Data\":{\"Initiation\":%s},\"Risk\":{}}", cases[i].start).at;
        const char *bare = START("");
        struct agreement agreement = agree_to_pay(cases[i].mine, body);
        const char *path = path_of("/domestic-payment-consents/", text_of(agreement.id.bytes), "");
        struct world_answer answer =
            send(cases[i].other, "POST", "/domestic-payments", agreement.token, order_of(&agreement, bare));
        assert_refused(&answer, 400, cases[i].code, "Data.ConsentId");
        answer = send(cases[i].other, "GET", path, ACME->client_token, STR(""));
        assert_refused(&answer, 400, cases[i].code, "");
        answer = send(cases[i].other, "GET", path_of(path, STR(""), "/funds-confirmation"), agreement.token, STR(""));
        assert_refused(&answer, 400, cases[i].code, "");
        answer =
            send(cases[i].mine, "POST", "/domestic-payments", agreement.token, order_of(&agreement, cases[i].start));
        assert_status(&answer, 201);
    }
}

/* spec: uk/S4 */
static void a_consent_opens_its_own_kind(void **state) {
    (void)state;
    struct agreement pay = agree_to_pay(PISP4, CONSENT(START4)), read = agree(V4, PERMISSIONS(BASIC), 1);
    struct str both_pay = world_token(&world, ACME, "openid payments accounts", &pay.id);
    struct str both_read = world_token(&world, ACME, "openid payments accounts", &read.id);
    struct world_answer answer = ask(V4, "GET", "/accounts", both_pay);
    assert_refused(&answer, 403, "U000", "");
    answer = ask(V4, "GET", "/accounts", both_read);
    assert_status(&answer, 200);
    const char *funds = path_of("/domestic-payment-consents/", text_of(pay.id.bytes), "/funds-confirmation");
    answer = send(PISP4, "GET", funds, both_read, STR(""));
    assert_refused(&answer, 403, "U000", "");
    answer = send(PISP4, "GET", funds, both_pay, STR(""));
    assert_status(&answer, 200);
}

/* ---- the end of a version ---- */

/* spec: uk/H11, gateway/59 */
static void h11_the_end_is_said_and_kept(void **state) {
    (void)state;
    struct agreement agreement = agree(V3, PERMISSIONS(BASIC), 1);
    struct world_answer answer = ask(V3, "GET", "/accounts", agreement.token);
    assert_status(&answer, 200);
    assert_true(is_one_of(answer.deprecation, "@1735689600"));
    assert_true(is_one_of(answer.sunset, "Thu, 01 Jan 2099 00:00:00 GMT"));
    answer = ask(V3, "GET", "/foobar", agreement.token);
    assert_true(is_one_of(answer.deprecation, "@1735689600"));
    answer = ask(V4, "GET", "/accounts", agreement.token);
    assert_status(&answer, 200);
    assert_true(answer.deprecation.len == 0 && answer.sunset.len == 0);
    world_ahead_ms = WORLD_V3_SUNSET_MS - clock_now_ms() + 1000;
    answer = ask(V3, "GET", "/accounts", agreement.token);
    assert_refused(&answer, 503, "UK.OBIE.UnexpectedError", "");
    assert_true(is_one_of(answer.retry_after, "86400"));
    answer = ask(V4, "GET", "/accounts", agreement.token); /* only the token is over by then */
    assert_true(answer.status == 401);
    world_ahead_ms = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consents_have_the_names_of_v3),
        cmocka_unit_test(resources_have_the_names_of_v3),
        cmocka_unit_test(errors_have_the_envelope_of_v3),
        cmocka_unit_test(rule13_a_consent_to_reads_works_in_both),
        cmocka_unit_test(payments_have_the_names_of_v3),
        cmocka_unit_test(schemas_are_of_their_version),
        cmocka_unit_test(p9_a_payment_consent_stays_in_its_version),
        cmocka_unit_test(a_consent_opens_its_own_kind),
        cmocka_unit_test(h11_the_end_is_said_and_kept),
    };
    return cmocka_run_group_tests(tests, accounts_setup, accounts_teardown);
}
