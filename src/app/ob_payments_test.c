/* Domestic payments of UK Open Banking over the gateway's socket: consent, authorisation, payment, retry; every refusal
 * beside its accepted twin. world_send proves the bank's signature on every answer that has a body. */
#include "app/ob_test_world.h"

static struct world world;

static int setup(void **state) {
    (void)state;
    return world_open(&world);
}
static int teardown(void **state) {
    (void)state;
    return world_close(&world);
}

#define ACME (&world.clients[0])
#define BETA (&world.clients[1])
#define OUTSIDE                                                                                                        \
    "\"SchemeName\":\"UK.OBIE.SortCodeAccountNumber\",\"Identification\":\"08080021325698\",\"Name\":\"ACME Inc\""
#define INITIATION(amount, creditor)                                                                                   \
    "{\"InstructionIdentification\":\"ACME412\",\"EndToEndIdentification\":\"FRESCO.21302.GFX.20\","                   \
    "\"InstructedAmount\":"                                                                                            \
    "{\"Amount\":\"" amount "\",\"Currency\":\"GBP\"},\"CreditorAccount\":{" creditor "},"                             \
    "\"RemittanceInformation\":{\"Unstructured\":[\"FRESCO-101\"]}}"
#define RISK "{\"PaymentContextCode\":\"EcommerceMerchantInitiatedPayment\",\"ContractPresentIndicator\":false}"
#define CONSENT(amount, creditor)                                                                                      \
    "{\"Data\":{\"ReadRefundAccount\":\"Yes\",\"Initiation\":" INITIATION(amount, creditor) "},\"Risk\":" RISK "}"

/* ---- steps ---- */

static struct world_answer get(const struct world_client *client, struct str token, const char *path) {
    struct world_call call = { .client = client, .method = "GET", .path = path, .token = token };
    return world_send(&world, &call);
}

static struct world_answer post_consent(const struct world_client *client, const char *body, struct str key) {
    struct world_call call = { .client = client,
                               .method = "POST",
                               .path = "/domestic-payment-consents",
                               .token = client->client_token,
                               .key = key,
                               .body = str_from_c(body) };
    return world_send(&world, &call);
}

static struct consent_id consent_id_of(const struct world_answer *answer) {
    struct consent_id id;
    assert_int_equal(answer->status, 201);
    assert_int_equal(id_parse(json_string(json_path(answer->json, "Data.ConsentId")), id.bytes), 0);
    return id;
}

struct agreement {
    struct consent_id consent_id;
    struct str token; /* of customer and consent */
};

/* A consent of acme that mia authorised. */
static struct agreement agree(const char *consent_body) {
    struct world_answer answer = post_consent(ACME, consent_body, world_new_key(&world));
    struct agreement agreement = { .consent_id = consent_id_of(&answer) };
    struct world_input input = { .consent_id = agreement.consent_id,
                                 .customer_id = world.customer_id,
                                 .account_id = world.account_id };
    world_run(&world, world_authorise_decide, &input);
    agreement.token = world_token(&world, ACME, "openid payments", &agreement.consent_id);
    return agreement;
}

static struct str payment_body(const struct consent_id *consent_id, const char *initiation, const char *risk) {
    char text[ID_TEXT_BYTES];
    return arena_printf(&world.arena, "{\"Data\":{\"ConsentId\":\"" STR_FMT "\",\"Initiation\":%s},\"Risk\":%s}",
                        STR_ARG(id_format(consent_id->bytes, text)), initiation, risk);
}

static struct world_answer post_payment(const struct agreement *agreement, struct str body, struct str key) {
    struct world_call call = { .client = ACME,
                               .method = "POST",
                               .path = "/domestic-payments",
                               .token = agreement->token,
                               .key = key,
                               .body = body };
    return world_send(&world, &call);
}

static const char *path_of(const char *collection, struct str id, const char *rest) {
    return arena_printf(&world.arena, "%s" STR_FMT "%s", collection, STR_ARG(id), rest).at;
}
static struct str text_of(const struct consent_id *id) {
    char text[ID_TEXT_BYTES];
    return arena_dup(&world.arena, id_format(id->bytes, text));
}
static struct str data(const struct world_answer *answer, const char *name) {
    return json_get_string(json_get(answer->json, "Data"), name);
}

static void assert_refused(const struct world_answer *answer, int status, const char *code, const char *path) {
    if (answer->status == status && strcmp(answer->error, code) == 0 && strcmp(answer->error_path, path) == 0) return;
    fail_msg("%d %s \"%s\" instead of %d %s \"%s\"", answer->status, answer->error, answer->error_path, status, code,
             path);
}

/* ---- the walk ---- */

static void assert_consent(const struct world_answer *answer, int status, const char *state, const char *reason) {
    const struct json *json = answer->json;
    assert_int_equal(answer->status, status);
    assert_true(str_equal_c(data(answer, "Status"), state));
    assert_true(
        str_equal_c(json_get_string(json_at(json_path(json, "Data.StatusReason"), 0), "StatusReasonCode"), reason));
    const char *self = path_of("https://bank.example:8443/open-banking/v4.0/pisp/domestic-payment-consents/",
                               data(answer, "ConsentId"), "");
    assert_true(str_equal_c(json_string(json_path(json, "Links.Self")), self));
    assert_true(str_equal(data(answer, "ReadRefundAccount"), STR("Yes")));
    assert_int_equal(json_type(json_get(json, "Meta")), JSON_OBJECT_TYPE);
}

/* spec: uk/P1, uk/P2, uk/P4, uk/P5 */
static void p1_to_p5_one_consent_one_payment(void **state) {
    (void)state;
    struct str key = world_new_key(&world), body;
    struct world_answer answer = post_consent(ACME, CONSENT("165.88", OUTSIDE), key);
    struct agreement agreement = { .consent_id = consent_id_of(&answer) };
    const char *path = path_of("/domestic-payment-consents/", text_of(&agreement.consent_id), "");
    const char *funds = path_of("/domestic-payment-consents/", text_of(&agreement.consent_id), "/funds-confirmation");
    assert_consent(&answer, 201, "AWAU", "U036");
    answer = get(ACME, ACME->client_token, path);
    assert_consent(&answer, 200, "AWAU", "U036");
    struct world_input input = { .consent_id = agreement.consent_id,
                                 .customer_id = world.customer_id,
                                 .account_id = world.account_id };
    world_run(&world, world_authorise_decide, &input);
    agreement.token = world_token(&world, ACME, "openid payments", &agreement.consent_id);
    answer = get(ACME, ACME->client_token, path);
    assert_consent(&answer, 200, "AUTH", "");
    answer = post_consent(ACME, CONSENT("165.88", OUTSIDE), key); /* I3: as it is now */
    assert_consent(&answer, 201, "AUTH", "");
    assert_true(str_equal(data(&answer, "ConsentId"), text_of(&agreement.consent_id)));
    answer = get(ACME, agreement.token, funds);
    assert_int_equal(answer.status, 200);
    assert_true(json_bool(json_path(answer.json, "Data.FundsAvailableResult.FundsAvailable"), false));

    key = world_new_key(&world);
    body = payment_body(&agreement.consent_id, INITIATION("165.88", OUTSIDE), RISK);
    answer = post_payment(&agreement, body, key);
    assert_int_equal(answer.status, 201);
    assert_true(str_equal(data(&answer, "Status"), STR("RCVD")));
    assert_true(str_equal(data(&answer, "ConsentId"), text_of(&agreement.consent_id)));
    assert_true(str_equal(json_string(json_path(answer.json, "Data.Refund.Account.Name")), STR("Current account")));
    assert_int_equal(json_string(json_path(answer.json, "Data.Refund.Account.Identification")).len, 14);
    struct str payment = data(&answer, "DomesticPaymentId");
    answer = post_payment(&agreement, body, key); /* I3 */
    assert_int_equal(answer.status, 201);
    assert_true(str_equal(answer.replayed, STR("true")));
    assert_true(str_equal(data(&answer, "DomesticPaymentId"), payment) &&
                str_equal(data(&answer, "Status"), STR("PDNG")));
    answer = post_payment(&agreement, arena_printf(&world.arena, STR_FMT " ", STR_ARG(body)), key); /* I4 */
    assert_refused(&answer, 400, "U006", "");
    answer = post_payment(&agreement, body, world_new_key(&world)); /* P4 */
    assert_refused(&answer, 400, "U009", "Data.ConsentId");

    answer = get(ACME, ACME->client_token, path_of("/domestic-payments/", payment, ""));
    assert_int_equal(answer.status, 200);
    assert_true(str_equal(data(&answer, "Status"), STR("PDNG")));
    answer = get(ACME, ACME->client_token, path_of("/domestic-payments/", payment, "/payment-details"));
    assert_int_equal(answer.status, 200);
    assert_true(
        str_equal(json_get_string(json_at(json_path(answer.json, "Data.PaymentStatus"), 0), "Status"), STR("PDNG")));
    answer = get(ACME, ACME->client_token, path);
    assert_consent(&answer, 200, "COND", "");
    answer = get(ACME, agreement.token, funds); /* P5 */
    assert_refused(&answer, 400, "U009", "");
}

static void payment_keeps_the_clients_names(void **state) {
    (void)state;
    struct agreement agreement = agree(CONSENT("1.00", OUTSIDE));
    struct world_answer answer = post_payment(
        &agreement, payment_body(&agreement.consent_id, INITIATION("1.00", OUTSIDE), RISK), world_new_key(&world));
    struct payment_id payment_id;
    struct payment_view payment;
    struct query *query;
    assert_int_equal(id_parse(data(&answer, "DomesticPaymentId"), payment_id.bytes), 0);
    assert_int_equal(query_open(&world.integration, &query), 0);
    assert_int_equal(query_begin(query), 0);
    assert_int_equal(query_payment(query, &payment_id, &world.arena, &payment), 0);
    query_end(query);
    (void)query_close(query);
    assert_true(str_equal(payment.instruction_id, STR("ACME412")));
    assert_true(str_equal(payment.end_to_end_id, STR("FRESCO.21302.GFX.20")));
    assert_true(str_equal(payment.reference, STR("FRESCO-101")));
    assert_true(id_equal(payment.debtor_account_id.bytes, world.account_id.bytes));
}

#define OUR_OWN                                                                                                        \
    "\"SchemeName\":\"UK.OBIE.SortCodeAccountNumber\",\"Identification\":\"20000000000043\",\"Name\":\"Sam\""

/* Completed in its own commit, and still received first; where it stands says GET. */
/* spec: uk/P8 */
static void p8_a_payment_starts_as_received(void **state) {
    (void)state;
    world_open_account(&world, "sam", STR("00000043"), 0);
    struct agreement agreement = agree(CONSENT("3.00", OUR_OWN));
    struct str body = payment_body(&agreement.consent_id, INITIATION("3.00", OUR_OWN), RISK);
    struct world_answer answer = post_payment(&agreement, body, world_new_key(&world));
    assert_int_equal(answer.status, 201);
    assert_true(str_equal(data(&answer, "Status"), STR("RCVD")));
    assert_true(str_equal(data(&answer, "StatusUpdateDateTime"), data(&answer, "CreationDateTime")));
    answer = get(ACME, ACME->client_token, path_of("/domestic-payments/", data(&answer, "DomesticPaymentId"), ""));
    assert_true(str_equal(data(&answer, "Status"), STR("ACSC")));
}

static void rejected_at_once_says_so(void **state) {
    (void)state;
    struct agreement agreement = agree(CONSENT("99999.00", OUTSIDE));
    const char *funds = path_of("/domestic-payment-consents/", text_of(&agreement.consent_id), "/funds-confirmation");
    struct world_answer answer = get(ACME, agreement.token, funds);
    assert_int_equal(answer.status, 200);
    assert_false(json_bool(json_path(answer.json, "Data.FundsAvailableResult.FundsAvailable"), true));
    agreement = agree(CONSENT("2000.00", OUTSIDE));
    answer = post_payment(&agreement, payment_body(&agreement.consent_id, INITIATION("2000.00", OUTSIDE), RISK),
                          world_new_key(&world));
    assert_int_equal(answer.status, 201);
    assert_true(str_equal(data(&answer, "Status"), STR("RJCT")));
    assert_true(str_equal(json_get_string(json_at(json_path(answer.json, "Data.StatusReason"), 0), "StatusReasonCode"),
                          STR("AM04")));
}

/* spec: uk/Q5 */
static void q4_rejected_consent_has_a_reason(void **state) {
    (void)state;
    struct world_answer answer = post_consent(ACME, CONSENT("1.00", OUTSIDE), world_new_key(&world));
    struct world_input input = { .consent_id = consent_id_of(&answer) };
    world_run(&world, world_reject_decide, &input);
    answer = get(ACME, ACME->client_token, path_of("/domestic-payment-consents/", text_of(&input.consent_id), ""));
    assert_consent(&answer, 200, "RJCT", "CUST");
}

/* ---- P3: by JSON value ---- */

#define AS_SENT INITIATION("5.00", OUTSIDE)
static const struct {
    const char *name, *initiation, *risk, *path; /* path NULL: accepted */
} mismatch_cases[] = {
    { "another amount", INITIATION("5.01", OUTSIDE), RISK, "Data.Initiation" },
    { "the same amount in other words", INITIATION("5.0", OUTSIDE), RISK, "Data.Initiation" },
    { "another creditor",
      INITIATION("5.00", "\"SchemeName\":\"UK.OBIE.SortCodeAccountNumber\",\"Identification\":\"08080021325699\","
                         "\"Name\":\"ACME Inc\""),
      RISK, "Data.Initiation" },
    { "a member more", INITIATION("5.00", OUTSIDE ",\"SecondaryIdentification\":\"1\""), RISK, "Data.Initiation" },
    { "another risk", AS_SENT, "{\"PaymentContextCode\":\"TransferToThirdParty\",\"ContractPresentIndicator\":false}",
      "Risk" },
    { "a risk less", AS_SENT, "{\"PaymentContextCode\":\"EcommerceMerchantInitiatedPayment\"}", "Risk" },
    { "other order and blanks", AS_SENT,
      "{ \"ContractPresentIndicator\" : false,\n\"PaymentContextCode\":\"EcommerceMerchantInitiatedPayment\" }", NULL },
};

/* spec: uk/P3, uk/rule11, ledger/76 */
static void p3_payment_must_be_the_one_consented_to(void **state) {
    (void)state;
    struct agreement agreement = agree(CONSENT("5.00", OUTSIDE));
    for (size_t i = 0; i < ARRAY_COUNT(mismatch_cases); i++) {
        struct str body = payment_body(&agreement.consent_id, mismatch_cases[i].initiation, mismatch_cases[i].risk);
        struct world_answer answer = post_payment(&agreement, body, world_new_key(&world));
        if (mismatch_cases[i].path) assert_refused(&answer, 400, "U008", mismatch_cases[i].path);
        else assert_int_equal(answer.status, 201);
    }
}

/* ---- whose is it ---- */

/* spec: uk/S1, uk/S4, uk/B3, uk/rule2 */
static void s1_s4_b3_resources_have_owners(void **state) {
    (void)state;
    struct agreement agreement = agree(CONSENT("1.00", OUTSIDE)), other = agree(CONSENT("1.00", OUTSIDE));
    struct str body = payment_body(&agreement.consent_id, INITIATION("1.00", OUTSIDE), RISK);
    struct consent_id nowhere = { { 0x01, 0x23 } };
    const char *path = path_of("/domestic-payment-consents/", text_of(&agreement.consent_id), "");
    const char *funds = path_of("/domestic-payment-consents/", text_of(&agreement.consent_id), "/funds-confirmation");
    struct world_answer answer = get(BETA, BETA->client_token, path);
    assert_refused(&answer, 403, "U000", "");
    answer = get(ACME, other.token, funds);
    assert_refused(&answer, 403, "U000", "");
    answer = get(ACME, agreement.token, path); /* rule 12: a client's token reads */
    assert_int_equal(answer.status, 403);
    answer = get(ACME, (struct str){ 0 }, path);
    assert_int_equal(answer.status, 401);
    assert_null(answer.json);
    answer = get(ACME, ACME->client_token, path_of("/domestic-payment-consents/", text_of(&nowhere), ""));
    assert_refused(&answer, 400, "U011", "");
    answer = get(ACME, ACME->client_token, "/domestic-payment-consents/foobar");
    assert_refused(&answer, 400, "U011", "");
    answer = get(ACME, ACME->client_token, "/domestic-payments/foobar");
    assert_refused(&answer, 400, "U011", "");
    answer = get(ACME, ACME->client_token, "/foobar");
    assert_int_equal(answer.status, 404);
    answer = post_payment(&other, body, world_new_key(&world));
    assert_refused(&answer, 403, "U000", "");
    struct agreement wrong = { .consent_id = nowhere, .token = agreement.token };
    answer = post_payment(&wrong, payment_body(&nowhere, INITIATION("1.00", OUTSIDE), RISK), world_new_key(&world));
    assert_refused(&answer, 400, "U011", "Data.ConsentId");
    wrong.token = ACME->client_token;
    answer = post_payment(&wrong, body, world_new_key(&world));
    assert_int_equal(answer.status, 403);
    answer = post_payment(&agreement, body, world_new_key(&world));
    assert_int_equal(answer.status, 201);
    struct str payment = data(&answer, "DomesticPaymentId");
    answer = get(BETA, BETA->client_token, path_of("/domestic-payments/", payment, ""));
    assert_refused(&answer, 403, "U000", "");
    answer = get(ACME, ACME->client_token, path_of("/domestic-payments/", payment, ""));
    assert_int_equal(answer.status, 200);
}

/* spec: uk/I1, uk/I2, uk/I5, uk/rule6, ledger/43 */
static void i1_i2_i5_keys(void **state) {
    (void)state;
    struct str key = world_new_key(&world);
    struct world_answer answer = post_consent(ACME, CONSENT("1.00", OUTSIDE), (struct str){ 0 });
    assert_refused(&answer, 400, "U007", "");
    answer = post_consent(ACME, CONSENT("1.00", OUTSIDE), STR("12345678901234567890123456789012345678901"));
    assert_refused(&answer, 400, "U006", "");
    answer = post_consent(ACME, CONSENT("1.00", OUTSIDE), STR("1234567890123456789012345678901234567890"));
    assert_int_equal(answer.status, 201);
    answer = post_consent(ACME, CONSENT("1.00", OUTSIDE), key);
    struct consent_id first = consent_id_of(&answer);
    answer = post_consent(BETA, CONSENT("1.00", OUTSIDE), key);
    struct consent_id second = consent_id_of(&answer);
    assert_false(id_equal(first.bytes, second.bytes));
    answer = post_consent(ACME, CONSENT("1.01", OUTSIDE), key);
    assert_refused(&answer, 400, "U006", "");
}

/* There is no cut-off: what is asked for in any hour of any day is accepted (docs/authorization.md). */
/* spec: uk/P7 */
static void p7_every_hour_of_the_week(void **state) {
    enum { HOURS_MS = 5 * 3600000, HOURS_OF_A_WEEK = 168 };
    (void)state;
    for (int hour = 0; hour < HOURS_OF_A_WEEK; hour += 5, world_engine_ahead_ms += HOURS_MS) {
        struct agreement agreement = agree(CONSENT("1.00", OUTSIDE));
        struct world_answer answer =
            get(ACME, ACME->client_token, path_of("/domestic-payment-consents/", text_of(&agreement.consent_id), ""));
        assert_consent(&answer, 200, "AUTH", "");
        assert_int_equal(data(&answer, "CutOffDateTime").len, 0);
        struct str body = payment_body(&agreement.consent_id, INITIATION("1.00", OUTSIDE), RISK);
        answer = post_payment(&agreement, body, world_new_key(&world));
        assert_int_equal(answer.status, 201);
        assert_true(str_equal_c(data(&answer, "Status"), "RCVD"));
        answer = post_payment(&agreement, body, world_new_key(&world)); /* used up, not late */
        assert_refused(&answer, 400, "U009", "Data.ConsentId");
    }
}

/* The last test: the engine's clock stays ahead. */
/* spec: uk/I3, uk/I6, gateway/57, ledger/47 */
static void i6_a_key_is_new_after_a_day(void **state) {
    enum { DAY_MS = 24 * 3600 * 1000, MINUTE_MS = 60000 };
    (void)state;
    struct str key = world_new_key(&world);
    struct world_answer answer = post_consent(ACME, CONSENT("1.00", OUTSIDE), key);
    struct consent_id first = consent_id_of(&answer);
    world_engine_ahead_ms += DAY_MS - MINUTE_MS;
    answer = post_consent(ACME, CONSENT("1.00", OUTSIDE), key);
    struct consent_id replayed = consent_id_of(&answer);
    assert_memory_equal(first.bytes, replayed.bytes, sizeof first.bytes);
    answer = post_consent(ACME, CONSENT("1.01", OUTSIDE), key);
    assert_refused(&answer, 400, "U006", "");
    world_engine_ahead_ms += MINUTE_MS;
    answer = post_consent(ACME, CONSENT("1.01", OUTSIDE), key);
    struct consent_id second = consent_id_of(&answer);
    assert_false(id_equal(first.bytes, second.bytes));
}

/* spec: uk/E4 */
static void e4_fields_at_fault_are_named(void **state) {
    (void)state;
    static const struct {
        const char *body, *code, *path;
    } cases[] = {
        { CONSENT("1.000", OUTSIDE), "U002", "Data.Initiation.InstructedAmount.Amount" },
        { CONSENT("1e2", OUTSIDE), "U002", "Data.Initiation.InstructedAmount.Amount" },
        { CONSENT("1.00", "\"SchemeName\":\"UK.OBIE.IBAN\",\"Identification\":\"GB00\",\"Name\":\"x\""), "U002",
          "Data.Initiation.CreditorAccount.Identification" },
        { CONSENT("1.00", "\"SchemeName\":\"UK.OBIE.IBAN\",\"Identification\":\"GB82WEST12345698765432\""), "U004",
          "Data.Initiation.CreditorAccount.Name" },
        { CONSENT("1.00", OUTSIDE ",\"Extra\":1"), "U005", "Data.Initiation.CreditorAccount.Extra" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct world_answer answer = post_consent(ACME, cases[i].body, world_new_key(&world));
        assert_refused(&answer, 400, cases[i].code, cases[i].path);
        assert_int_equal(json_get_string(answer.json, "Id").len, 36);
    }
}

/* ---- J1 to J8 ---- */

enum signature_fault {
    FAULT_NONE,
    FAULT_ABSENT,
    FAULT_TEXT,
    FAULT_KEY,
    FAULT_BODY,
    FAULT_ISS,
    FAULT_TAN,
    FAULT_KID,
    FAULT_IAT,
    FAULT_NO_ISS,
    FAULT_ALG
};
static const struct {
    const char *name;
    enum signature_fault fault;
    const char *code, *path; /* NULL: accepted */
} signature_cases[] = {
    { "good", FAULT_NONE, NULL, NULL },
    { "J1: absent", FAULT_ABSENT, "U019", "x-jws-signature" },
    { "not such a value", FAULT_TEXT, "U018", "x-jws-signature" },
    { "another client's key under this kid", FAULT_KEY, "U015", "x-jws-signature" },
    { "J8: the body without a blank", FAULT_BODY, "U015", "x-jws-signature" },
    { "J5: another issuer", FAULT_ISS, "U016", "http://openbanking.org.uk/iss" },
    { "J5: an unknown trust anchor", FAULT_TAN, "U016", "http://openbanking.org.uk/tan" },
    { "a kid that is not registered", FAULT_KID, "U016", "kid" },
    { "J5: made in the future", FAULT_IAT, "U016", "http://openbanking.org.uk/iat" },
    { "J4: no issuer", FAULT_NO_ISS, "U017", "http://openbanking.org.uk/iss" },
    { "J3: another algorithm", FAULT_ALG, "U016", "alg" },
};

#define OB "http://openbanking.org.uk/"
/* A value whose header is ours to choose; the signature is never reached. */
static struct str value_of_header(const char *header) {
    char memory[2048];
    struct buffer value;
    buffer_init(&value, memory, sizeof memory);
    base64url_encode(&value, header, strlen(header));
    buffer_append_c(&value, "..AAAA");
    return arena_dup(&world.arena, buffer_str(&value));
}

static struct str signature_with(enum signature_fault fault, struct str body) {
    struct jws_detached_signer signer = world_signer(&world, ACME);
    int64_t now_ms = clock_now_ms();
    switch (fault) {
    case FAULT_NONE:
        break;
    case FAULT_ABSENT:
        return STR("-");
    case FAULT_TEXT:
        return STR("abc.def.ghi");
    case FAULT_KEY:
        signer.key = BETA->key;
        break;
    case FAULT_BODY:
        body.len--;
        break;
    case FAULT_ISS:
        signer.issuer = STR("0015800000jfQ9bAAE/5VgMwnVtNRYuVN0JvX5tmO");
        break;
    case FAULT_TAN:
        signer.trust_anchor = STR("example.org");
        break;
    case FAULT_KID:
        signer.kid = STR("k2");
        break;
    case FAULT_IAT:
        now_ms += 60000;
        break;
    case FAULT_NO_ISS:
        return value_of_header("{\"alg\":\"PS256\",\"kid\":\"k1\",\"" OB "iat\":1700000000,\"" OB
                               "tan\":\"openbanking.org.uk\",\"crit\":[\"" OB "iat\",\"" OB "iss\",\"" OB "tan\"]}");
    case FAULT_ALG:
        return value_of_header("{\"alg\":\"RS256\",\"kid\":\"k1\",\"" OB "iat\":1700000000,\"" OB "iss\":\"x\",\"" OB
                               "tan\":\"openbanking.org.uk\",\"crit\":[\"" OB "iat\",\"" OB "iss\",\"" OB "tan\"]}");
    }
    return world_sign(&world, &signer, body, now_ms);
}

/* spec: uk/J1, uk/J2, uk/J5, uk/J7, uk/J8, gateway/56 */
static void j1_to_j8_requests_are_signed(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(signature_cases); i++) {
        struct str body = STR(CONSENT("1.00", OUTSIDE) " ");
        struct world_call call = { .client = ACME,
                                   .method = "POST",
                                   .path = "/domestic-payment-consents",
                                   .token = ACME->client_token,
                                   .key = world_new_key(&world),
                                   .body = body,
                                   .signature = signature_with(signature_cases[i].fault, body) };
        struct world_answer answer = world_send(&world, &call);
        if (!signature_cases[i].code) assert_int_equal(answer.status, 201);
        else assert_refused(&answer, 400, signature_cases[i].code, signature_cases[i].path);
    }
}

/* The payment is there when its answer cannot be made: not a failure, which would invite a second payment. */
static void what_was_decided_and_cannot_be_answered_is_unknown(void **state) {
    (void)state;
    struct agreement agreement = agree(CONSENT("2.00", OUTSIDE));
    struct world_call call = { .client = ACME,
                               .method = "POST",
                               .path = "/domestic-payments",
                               .token = agreement.token,
                               .key = world_new_key(&world),
                               .body = payment_body(&agreement.consent_id, INITIATION("2.00", OUTSIDE), RISK),
                               .unsigned_answer = true };
    world_signing_fails = true;
    struct world_answer answer = world_send(&world, &call);
    world_signing_fails = false;
    assert_refused(&answer, 504, "U000", "");
    answer = world_send(&world, &call);
    assert_int_equal(answer.status, 201);
    assert_true(str_equal(answer.replayed, STR("true")));
}

static void j1_what_has_no_body_is_not_signed(void **state) {
    (void)state;
    struct jws_detached_signer signer = world_signer(&world, ACME);
    struct world_answer answer = post_consent(ACME, CONSENT("1.00", OUTSIDE), world_new_key(&world));
    struct consent_id consent_id = consent_id_of(&answer);
    struct world_call call = { .client = ACME,
                               .method = "GET",
                               .token = ACME->client_token,
                               .path = path_of("/domestic-payment-consents/", text_of(&consent_id), "") };
    answer = world_send(&world, &call);
    assert_int_equal(answer.status, 200);
    call.signature = world_sign(&world, &signer, STR(""), clock_now_ms());
    answer = world_send(&world, &call);
    assert_refused(&answer, 400, "U020", "x-jws-signature");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_to_p5_one_consent_one_payment),
        cmocka_unit_test(payment_keeps_the_clients_names),
        cmocka_unit_test(p8_a_payment_starts_as_received),
        cmocka_unit_test(rejected_at_once_says_so),
        cmocka_unit_test(q4_rejected_consent_has_a_reason),
        cmocka_unit_test(p3_payment_must_be_the_one_consented_to),
        cmocka_unit_test(s1_s4_b3_resources_have_owners),
        cmocka_unit_test(i1_i2_i5_keys),
        cmocka_unit_test(e4_fields_at_fault_are_named),
        cmocka_unit_test(j1_to_j8_requests_are_signed),
        cmocka_unit_test(j1_what_has_no_body_is_not_signed),
        cmocka_unit_test(what_was_decided_and_cannot_be_answered_is_unknown),
        cmocka_unit_test(p7_every_hour_of_the_week),
        cmocka_unit_test(i6_a_key_is_new_after_a_day),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
