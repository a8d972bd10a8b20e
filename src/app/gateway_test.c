/* gateway_test.c - the whole gateway over its real socket: each check with what it refuses beside what it lets through,
 * then whole exchanges. */
#include "app/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const enum world_certificate acme_second = WORLD_ACME_SECOND, beta = WORLD_BETA, suspended = WORLD_SUSPENDED,
                                    stranger = WORLD_STRANGER, other_org = WORLD_OTHER_ORG, nobody = WORLD_NOBODY,
                                    expired = WORLD_EXPIRED, narrow = WORLD_NARROW, elsewhere = WORLD_ELSEWHERE,
                                    none = WORLD_CERTIFICATES;

static struct world *the_world; /* shared by the table tests; nothing in them changes what the others see */

/* What every answer must have, whatever it says. */
static void expect_common(const struct world_answer *answer, const char *name) {
    uint8_t id[ID_BYTES];
    if (id_parse(world_header(answer, "x-fapi-interaction-id"), id)) fail_msg("%s: no interaction id", name);
    if (world_header(answer, "Cache-Control").len == 0) fail_msg("%s: no Cache-Control", name);
    if (contains(answer->head, "X-OB-") || contains(answer->head, "Client-Cert"))
        fail_msg("%s: an internal header came out", name);
    if (answer->status >= 400 && !str_equal(world_header(answer, "Content-Type"), STR("application/problem+json")))
        fail_msg("%s: no problem: " STR_FMT, name, STR_ARG(answer->body));
}

struct row {
    const char *name;
    struct ask ask;
    int status;
    const char *text; /* in the body, or in the head */
};

static void run_rows(const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct world_answer answer = world_ask(the_world, &rows[i].ask);
        if (answer.status != rows[i].status)
            fail_msg("%s: %d " STR_FMT, rows[i].name, answer.status, STR_ARG(answer.body));
        if (rows[i].text && !contains(answer.body, rows[i].text) && !contains(answer.head, rows[i].text))
            fail_msg("%s: " STR_FMT STR_FMT, rows[i].name, STR_ARG(answer.head), STR_ARG(answer.body));
        expect_common(&answer, rows[i].name);
    }
}

#define LIST "GET /v1/accounts"

/* spec: uk/H1, uk/H2, gateway/65 */
static void checks_interaction(void **state) {
    static const struct row rows[] = {
        { "none: a fresh one", { .line = LIST }, 200, "\"accounts\"" },
        { "a UUID is echoed",
          { .line = LIST, .more = "x-fapi-interaction-id: " INTERACTION "\r\n" },
          200,
          "\r\nx-fapi-interaction-id: " INTERACTION "\r\n" },
        { "and on errors",
          { .line = "GET /nowhere", .more = "X-Fapi-Interaction-Id: " INTERACTION "\r\n" },
          404,
          "\"interaction_id\":\"" INTERACTION "\"" },
        { "no UUID", { .line = LIST, .more = "x-fapi-interaction-id: 1234\r\n" }, 400, "header.x-fapi-interaction-id" },
        { "empty", { .line = LIST, .more = "x-fapi-interaction-id:\r\n" }, 400, "header.x-fapi-interaction-id" },
        { "two",
          { .line = LIST,
            .more = "x-fapi-interaction-id: " INTERACTION "\r\nx-fapi-interaction-id: " INTERACTION "\r\n" },
          400,
          "invalid_request" },
    };
    (void)state;
    run_rows(rows, ARRAY_COUNT(rows));
}

/* T4: whoever is not the edge cannot speak as the edge. */
/* spec: gateway/T4, gateway/5 */
static void checks_edge(void **state) {
    static const struct row rows[] = {
        { "the edge's headers",
          { .line = LIST, .more = "X-OB-Client-Address: 127.0.0.1\r\nX-OB-Client-Verify: NONE\r\n" },
          200,
          NULL },
        { "no listener", { .line = LIST, .listener = "" }, 400, "only the edge" },
        { "unknown listener", { .line = LIST, .listener = "admin" }, 400, "only the edge" },
        { "two listeners", { .line = LIST, .more = "X-OB-Listener: mtls\r\n" }, 400, "only the edge" },
        { "two listeners, another case", { .line = LIST, .more = "x-ob-listener: browser\r\n" }, 400, "only the edge" },
        { "two certificates", { .line = LIST, .more = "X-OB-Client-Cert: x\r\n" }, 400, "only the edge" },
        { "two addresses",
          { .line = LIST, .more = "X-OB-Client-Address: a\r\nx-ob-client-address: b\r\n" },
          400,
          "only the edge" },
        { "another edge's form", { .line = LIST, .more = "Client-Cert: :AA==:\r\n" }, 400, "only the edge" },
        { "a chain", { .line = LIST, .more = "client-cert-chain: :AA==:\r\n" }, 400, "only the edge" },
        { "underscores", { .line = LIST, .more = "X_OB_Client_Cert: x\r\n" }, 400, "only the edge" },
        { "one underscore",
          { .line = LIST, .certificate = &none, .more = "X-OB-Client_Cert: x\r\n" },
          400,
          "only the edge" },
        { "Envoy's form", { .line = LIST, .more = "X-Forwarded-Client-Cert: Cert=x\r\n" }, 400, "only the edge" },
        { "AWS's form", { .line = LIST, .more = "X-Amzn-Mtls-Clientcert: x\r\n" }, 400, "only the edge" },
        { "AWS's leaf", { .line = LIST, .more = "x-amzn-mtls-clientcert-leaf: x\r\n" }, 400, "only the edge" },
        { "AWS's subject", { .line = LIST, .more = "X-Amzn-Mtls-Clientcert-Subject: x\r\n" }, 400, "only the edge" },
        { "Azure's form", { .line = LIST, .more = "X-ARR-ClientCert: x\r\n" }, 400, "only the edge" },
        { "Azure's, underscores", { .line = LIST, .more = "X_ARR_ClientCert: x\r\n" }, 400, "only the edge" },
        { "another letter case",
          { .line = LIST, .certificate = &none, .more = "x-ob-client-cert: x\r\n" },
          400,
          "only the edge" },
        { "another letter case of an address",
          { .line = LIST, .more = "X-Ob-Client-Address: 127.0.0.1\r\n" },
          400,
          "only the edge" },
        { "underscore, other form", { .line = LIST, .more = "Client_Cert: x\r\n" }, 400, "only the edge" },
        { "on an unknown path too",
          { .line = "GET /nowhere", .more = "X-OB-Listener: mtls\r\n" },
          400,
          "only the edge" },
        { "a certificate on the browser listener is nobody", { .line = LIST, .listener = "browser" }, 404, NULL },
    };
    (void)state;
    /* on the browser listener errors are pages */
    run_rows(rows, ARRAY_COUNT(rows) - 1);
    struct world_answer answer = world_ask(the_world, &rows[ARRAY_COUNT(rows) - 1].ask);
    assert_int_equal(answer.status, 404);
}

/* spec: uk/D3, gateway/2, gateway/3 */
static void checks_roles_and_directories(void **state) {
    static const struct row rows[] = {
        { "the role covers accounts",
          { .line = LIST, .certificate = &narrow, .authorization = "Bearer narrow" },
          200,
          "\"accounts\"" },
        { "and not payments, whatever the token says",
          { .line = "POST /v1/payments", .certificate = &narrow, .authorization = "Bearer narrow", .body = "{}" },
          403,
          "payment service roles" },
        { "nobody's roles: the body is looked at", { .line = "POST /v1/payments", .body = "{}" }, 400, NULL },
        { "trusted, but not by the list of the client's directory",
          { .line = LIST, .certificate = &elsewhere, .authorization = "Bearer elsewhere" },
          401,
          "client_certificate_required" },
    };
    (void)state;
    run_rows(rows, ARRAY_COUNT(rows));
}

static void checks_route(void **state) {
    static const struct row rows[] = {
        { "found", { .line = LIST }, 200, NULL },
        { "trailing slash", { .line = "GET /v1/accounts/" }, 200, NULL },
        { "not found", { .line = "GET /v1/cheques" }, 404, "\"code\":\"not_found\"" },
        { "method", { .line = "DELETE /v1/accounts" }, 405, "\r\nAllow: GET, HEAD, POST\r\n" },
        { "accept json", { .line = LIST, .more = "Accept: application/json\r\n" }, 200, NULL },
        { "accept json in a second header",
          { .line = LIST, .more = "Accept: text/html\r\nAccept: */*\r\n" },
          200,
          NULL },
        { "accept html", { .line = LIST, .more = "Accept: text/html\r\n" }, 406, "not_acceptable" },
        { "content type",
          { .line = "POST /v1/payments", .type = "text/plain", .body = "{}" },
          415,
          "unsupported_media_type" },
        { "no content type", { .line = "POST /v1/payments", .type = "", .body = "{}" }, 415, "unsupported_media_type" },
        { "two content types",
          { .line = "POST /v1/payments", .more = "Content-Type: application/json\r\n", .body = "{}" },
          415,
          NULL },
        { "the document, without certificate or token",
          { .line = "GET /v1/openapi.json", .certificate = &none, .authorization = "" },
          200,
          "\"openapi\": \"3.1.0\"" },
    };
    (void)state;
    run_rows(rows, ARRAY_COUNT(rows));
}

static void checks_certificate(void **state) {
    static const struct row rows[] = {
        { "acme's", { .line = LIST }, 200, NULL },
        { "acme's again, from the cache", { .line = LIST }, 200, NULL },
        { "none", { .line = LIST, .certificate = &none }, 401, "client_certificate_required" },
        { "no certificate", { .line = LIST, .certificate = &none, .more = "X-OB-Client-Cert: abc\r\n" }, 401, NULL },
        { "issued by a stranger", { .line = LIST, .certificate = &stranger }, 401, "client_certificate_required" },
        { "of another organization", { .line = LIST, .certificate = &other_org }, 401, "client_certificate_required" },
        { "of nobody", { .line = LIST, .certificate = &nobody }, 401, "client_certificate_required" },
        { "expired", { .line = LIST, .certificate = &expired }, 401, "client_certificate_required" },
        { "of a suspended client", { .line = LIST, .certificate = &suspended }, 401, "client_certificate_required" },
    };
    (void)state;
    run_rows(rows, ARRAY_COUNT(rows));
}

/* What the cache knows ends with the first certificate of the chain, not with the client's alone. */
static void a_certificate_ends_with_its_ca(void **state) {
    static const struct row before[] = { { "trusted, so the token is asked for",
                                           { .line = LIST, .certificate = &acme_second, .authorization = "" },
                                           401,
                                           "Bearer realm" } },
                            after[] = { { "the CA has ended, the certificate has not",
                                          { .line = LIST, .certificate = &acme_second, .authorization = "" },
                                          401,
                                          "client_certificate_required" } };
    (void)state;
    run_rows(before, 1);
    world_ahead_ms = 49LL * WORLD_HOUR_MS;
    run_rows(after, 1);
    world_ahead_ms = 0;
    run_rows(before, 1);
}

static void checks_token(void **state) {
    static const struct row rows[] = {
        { "good", { .line = LIST }, 200, NULL },
        { "scheme in another case", { .line = LIST, .authorization = "bEARER  good" }, 200, NULL },
        { "none",
          { .line = LIST, .authorization = "" },
          401,
          "\r\nWWW-Authenticate: Bearer realm=\"giro\", DPoP realm=\"giro\", algs=\"PS256 ES256\"\r\n" },
        { "unknown",
          { .line = LIST, .authorization = "Bearer bad" },
          401,
          "\r\nWWW-Authenticate: Bearer realm=\"giro\", error=\"invalid_token\"\r\n" },
        { "expired", { .line = LIST, .authorization = "Bearer expired" }, 401, "invalid_token" },
        { "revoked", { .line = LIST, .authorization = "Bearer revoked" }, 401, "invalid_token" },
        { "of another client", { .line = LIST, .authorization = "Bearer not-its-client" }, 401, "invalid_token" },
        { "of another client and certificate", { .line = LIST, .authorization = "Bearer beta" }, 401, "invalid_token" },
        { "bound to another certificate", { .line = LIST, .certificate = &acme_second }, 401, "invalid_token" },
        { "another scheme", { .line = LIST, .authorization = "DPoP good" }, 401, "invalid_token" },
        { "scheme alone", { .line = LIST, .authorization = "Bearer" }, 401, "invalid_token" },
        { "two words", { .line = LIST, .authorization = "Bearer good good" }, 401, "invalid_token" },
        { "two headers", { .line = LIST, .more = "Authorization: Bearer good\r\n" }, 400, "header.authorization" },
        { "in the query", { .line = LIST "?access_token=good", .authorization = "" }, 400, "access token" },
        { "in the query too", { .line = LIST "?access%5Ftoken=good" }, 400, "access token" },
        { "scope, accounts", { .line = LIST, .authorization = "Bearer accounts-only" }, 200, NULL },
        { "scope, no accounts",
          { .line = LIST, .authorization = "Bearer payments-only" },
          403,
          "error=\"insufficient_scope\", scope=\"accounts\"" },
        { "a customer's", { .line = LIST, .authorization = "Bearer customer" }, 200, "{\"accounts\":[]}" },
        { "a customer's where a client's is wanted",
          { .line = "POST /v1/accounts",
            .authorization = "Bearer customer",
            .body = "{\"name\":\"x\",\"currency\":\"GBP\"}" },
          403,
          NULL },
        { "a consent's, outside Open Banking",
          { .line = LIST, .authorization = "Bearer consent" },
          403,
          "insufficient_scope" },
    };
    (void)state;
    run_rows(rows, ARRAY_COUNT(rows));
}

#define ACCOUNT_BODY "{\"name\":\"Savings\",\"currency\":\"GBP\"}"
#define KEY_64 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
#define KEY_255 KEY_64 KEY_64 KEY_64 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

/* spec: ledger/43 */
static void checks_idempotency_header(void **state) {
    static const struct row rows[] = {
        { "one", { .line = "POST /v1/accounts", .body = ACCOUNT_BODY }, 201, "\"status\":\"open\"" },
        { "none",
          { .line = "POST /v1/accounts", .key = "", .body = ACCOUNT_BODY },
          400,
          "\"code\":\"idempotency_key_required\"" },
        { "empty",
          { .line = "POST /v1/accounts", .key = "", .more = "Idempotency-Key:\r\n", .body = ACCOUNT_BODY },
          400,
          NULL },
        { "two",
          { .line = "POST /v1/accounts", .more = "Idempotency-Key: b\r\n", .body = ACCOUNT_BODY },
          400,
          "invalid_request" },
        { "255 characters", { .line = "POST /v1/accounts", .key = KEY_255, .body = ACCOUNT_BODY }, 201, NULL },
        { "256 characters",
          { .line = "POST /v1/accounts", .key = KEY_255 "k", .body = ACCOUNT_BODY },
          400,
          "invalid_request" },
        { "beyond ASCII",
          { .line = "POST /v1/accounts", .key = "caf\xc3\xa9", .body = ACCOUNT_BODY },
          400,
          "invalid_request" },
    };
    (void)state;
    run_rows(rows, ARRAY_COUNT(rows));
}

#define PAYMENT_HEAD "{\"debtor_account_id\":\"0192f7a1-4c5b-7d10-8a3e-5b6c7d8e9f00\","
#define PAYMENT_CREDITOR "\"creditor\":{\"name\":\"Ada\",\"iban\":\"GB82WEST12345698765432\"},"
#define AMOUNT(value) PAYMENT_HEAD PAYMENT_CREDITOR "\"amount\":{\"value\":" value ",\"currency\":\"GBP\"}}"
#define CREDITOR(creditor)                                                                                             \
    PAYMENT_HEAD "\"creditor\":" creditor ",\"amount\":{\"value\":\"1.00\",\"currency\":\"GBP\"}}"
#define PAY "POST /v1/payments"

static void checks_body(void **state) {
    static const struct row rows[] = {
        { "whole", { .line = PAY, .body = AMOUNT("\"19.99\"") }, 422, "\"code\":\"account_not_found\"" },
        { "no body", { .line = PAY, .type = "application/json" }, 400, "a body is required" },
        { "a body where none belongs", { .line = LIST, .body = "{}" }, 400, "no body" },
        { "not JSON", { .line = PAY, .body = "{" }, 400, "\"path\":\"$\"" },
        { "bytes behind", { .line = PAY, .body = AMOUNT("\"19.99\"") "x" }, 400, "not valid JSON" },
        { "twice the same member",
          { .line = PAY, .body = PAYMENT_HEAD PAYMENT_CREDITOR PAYMENT_CREDITOR "\"amount\":{}}" },
          400,
          "duplicate member" },
        { "not UTF-8", { .line = PAY, .body = "{\"a\":\"\xff\"}" }, 400, "not valid UTF-8" },
        { "too deep",
          { .line = PAY, .body = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]" },
          400,
          "nested too deeply" },
        { "all that is missing", { .line = PAY, .body = "{}" }, 400, "\"path\":\"$.amount\"" },
        { "all that is missing, too", { .line = PAY, .body = "{}" }, 400, "\"path\":\"$.creditor\"" },
        { "unknown member",
          { .line = PAY,
            .body = PAYMENT_HEAD PAYMENT_CREDITOR "\"amount\":{\"value\":\"1.00\",\"currency\":\"GBP\"},\"x\":1}" },
          400,
          "\"path\":\"$.x\"" },
        { "an array", { .line = PAY, .body = "[]" }, 400, "\"path\":\"$\"" },
        { "amount as a number", { .line = PAY, .body = AMOUNT("19.99") }, 400, "\"path\":\"$.amount.value\"" },
        { "amount of zero", { .line = PAY, .body = AMOUNT("\"0.00\"") }, 400, "\"path\":\"$.amount.value\"" },
        { "negative amount", { .line = PAY, .body = AMOUNT("\"-1.00\"") }, 400, "\"path\":\"$.amount.value\"" },
        { "too many decimals", { .line = PAY, .body = AMOUNT("\"1.001\"") }, 400, "\"path\":\"$.amount.value\"" },
        { "exponent", { .line = PAY, .body = AMOUNT("\"1e2\"") }, 400, "\"path\":\"$.amount.value\"" },
        { "leading zeros", { .line = PAY, .body = AMOUNT("\"01.00\"") }, 400, "\"path\":\"$.amount.value\"" },
        { "overflow", { .line = PAY, .body = AMOUNT("\"92233720368547758.08\"") }, 400, "\"path\":\"$.amount.value\"" },
        { "largest amount", { .line = PAY, .body = AMOUNT("\"92233720368547758.07\"") }, 422, NULL },
        { "currency",
          { .line = PAY,
            .body = PAYMENT_HEAD PAYMENT_CREDITOR "\"amount\":{\"value\":\"1.00\",\"currency\":\"XYZ\"}}" },
          400,
          "\"path\":\"$.amount.currency\"" },
        { "creditor's IBAN",
          { .line = PAY, .body = CREDITOR("{\"name\":\"Ada\",\"iban\":\"GB83WEST12345698765432\"}") },
          400,
          "\"path\":\"$.creditor.iban\"" },
        { "creditor by sort code",
          { .line = PAY,
            .body = CREDITOR("{\"name\":\"Ada\",\"sort_code\":\"12-34-56\",\"account_number\":\"12345678\"}") },
          422,
          NULL },
        { "creditor's sort code",
          { .line = PAY,
            .body = CREDITOR("{\"name\":\"Ada\",\"sort_code\":\"12345x\",\"account_number\":\"12345678\"}") },
          400,
          "\"path\":\"$.creditor.sort_code\"" },
        { "creditor both ways",
          { .line = PAY,
            .body = CREDITOR("{\"name\":\"Ada\",\"iban\":\"GB82WEST12345698765432\",\"sort_code\":\"123456\"}") },
          400,
          "\"path\":\"$.creditor.sort_code\"" },
        { "creditor's name",
          { .line = PAY, .body = CREDITOR("{\"name\":\" \",\"iban\":\"GB82WEST12345698765432\"}") },
          400,
          "\"path\":\"$.creditor.name\"" },
    };
    static char large[20 * 1024];
    static const struct row too_large[] = { { "17 KiB", { .line = PAY, .body = large }, 413, "body_too_large" } };
    (void)state;
    run_rows(rows, ARRAY_COUNT(rows));
    memset(large, ' ', 17 * 1024);
    run_rows(too_large, 1);
}

/* Open Banking's envelope, its own idempotency header, and the signature at the end of the checks. */
static void checks_open_banking(void **state) {
#define CONSENTS "/open-banking/v4.0/pisp/domestic-payment-consents"
    static const char key[] = "x-idempotency-key: 1\r\n";
    static const struct row rows[] = {
        { "no token: no body",
          { .line = "GET " CONSENTS "/x", .authorization = "" },
          401,
          "\r\nContent-Length: 0\r\n" },
        { "no scope",
          { .line = "GET " CONSENTS "/x", .authorization = "Bearer accounts-only" },
          403,
          "\"ErrorCode\":\"U000\"" },
        { "undefined path", { .line = "GET /open-banking/v4.0/pisp/foobar" }, 404, "\"ErrorCode\":\"U011\"" },
        { "unknown id", { .line = "GET " CONSENTS "/foobar" }, 400, "\"Errors\":[{" },
        { "wrong method", { .line = "DELETE " CONSENTS "/x" }, 405, "\"ErrorCode\":\"U000\"" },
        { "html", { .line = "GET " CONSENTS "/x", .more = "Accept: text/html\r\n" }, 406, "\"Errors\":[{" },
        { "interaction id",
          { .line = "GET " CONSENTS "/x", .more = "x-fapi-interaction-id: 1\r\n" },
          400,
          "\"ErrorCode\":\"U006\"" },
        { "no key", { .line = "POST " CONSENTS, .body = "{}" }, 400, "\"ErrorCode\":\"U007\"" },
        { "41 characters",
          { .line = "POST " CONSENTS,
            .body = "{}",
            .more = "x-idempotency-key: 12345678901234567890123456789012345678901\r\n" },
          400,
          "\"ErrorCode\":\"U006\"" },
        { "not JSON", { .line = "POST " CONSENTS, .more = key, .body = "{" }, 400, "\"ErrorCode\":\"U002\"" },
        { "what is missing",
          { .line = "POST " CONSENTS, .more = key, .body = "{\"Data\":{}}" },
          400,
          "\"ErrorCode\":\"U004\"" },
        { "a customer's token for a client's resource",
          { .line = "GET " CONSENTS "/x", .authorization = "Bearer consent" },
          403,
          "\"Errors\":[{" },
        { "a consent's token",
          { .line = "GET " CONSENTS "/x/funds-confirmation", .authorization = "Bearer consent" },
          400,
          NULL },
        { "a consent's token where there is no such consent",
          { .line = "GET " CONSENTS "/x/funds-confirmation", .authorization = "Bearer no-consent" },
          403,
          "\"Errors\":[{" },
        { "a customer's token without a consent",
          { .line = "GET " CONSENTS "/x/funds-confirmation", .authorization = "Bearer customer" },
          403,
          NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world_answer answer = world_ask(the_world, &rows[i].ask);
        if (answer.status != rows[i].status)
            fail_msg("%s: %d " STR_FMT, rows[i].name, answer.status, STR_ARG(answer.body));
        if (rows[i].text && !contains(answer.body, rows[i].text) && !contains(answer.head, rows[i].text))
            fail_msg("%s: " STR_FMT STR_FMT, rows[i].name, STR_ARG(answer.head), STR_ARG(answer.body));
        assert_int_equal(world_header(&answer, "x-fapi-interaction-id").len, ID_TEXT_BYTES - 1);
        bool is_signed = world_header(&answer, "x-jws-signature").len > 0;
        if (is_signed != (answer.body.len > 0)) fail_msg("%s: signed %d (uk/J7)", rows[i].name, is_signed);
    }
}

/* ---- whole exchanges ---- */

static int open_world(void **state) {
    the_world = *state = world_open();
    return 0;
}
static int close_world(void **state) {
    world_close(*state);
    return 0;
}

static void a_payment_on_us(void **state) {
    struct world *world = *state;
    char location[80], line[96], first[1024];
    struct world_answer answer = world_ask(
        world, &(struct ask){ .line = PAY, .key = "pay-1", .body = payment_body(world, "19.99", world->other_iban) });
    assert_int_equal(answer.status, 201);
    assert_true(contains(answer.body, "\"status\":\"completed\""));
    assert_true(contains(answer.body, "\"payment_type\":\"on_us\""));
    assert_int_equal(world_header(&answer, "Idempotent-Replayed").len, 0);
    assert_true(contains(answer.head, "\r\nRateLimit-Policy: \"burst\";q=100000;w=1, \"daily\";q=500000;w=86400\r\n"));
    assert_int_equal(str_to_c(world_header(&answer, "Location"), location, sizeof location), 0);
    assert_int_equal(str_to_c(answer.body, first, sizeof first), 0);

    (void)snprintf(line, sizeof line, "GET %s", location);
    answer = world_ask(world, &(struct ask){ .line = line });
    assert_int_equal(answer.status, 200);
    assert_true(str_equal_c(answer.body, first));
    answer = world_ask(world, &(struct ask){ .line = line, .certificate = &beta, .authorization = "Bearer beta" });
    assert_int_equal(answer.status, 404); /* another client's */
    answer = world_ask(world, &(struct ask){ .line = line, .authorization = "Bearer customer" });
    assert_int_equal(answer.status, 404); /* another customer's */

    answer = world_ask(
        world, &(struct ask){ .line = PAY, .key = "pay-1", .body = payment_body(world, "19.99", world->other_iban) });
    assert_int_equal(answer.status, 201);
    assert_true(str_equal(world_header(&answer, "Idempotent-Replayed"), STR("true")));
    assert_true(str_equal_c(answer.body, first));
    answer = world_ask(
        world, &(struct ask){ .line = PAY, .key = "pay-1", .body = payment_body(world, "20.00", world->other_iban) });
    assert_int_equal(answer.status, 422);
    assert_true(contains(answer.body, "\"code\":\"idempotency_key_reused\""));

    answer = world_ask(world, &(struct ask){ .line = account_line(&world->account, "/balances") });
    assert_true(contains(answer.body, "\"booked\":{\"value\":\"980.01\",\"currency\":\"GBP\"}"));
    assert_true(contains(answer.body, "\"available\":{\"value\":\"980.01\",\"currency\":\"GBP\"}"));
    answer = world_ask(world, &(struct ask){ .line = account_line(&world->account, "/transactions?limit=1") });
    assert_true(contains(answer.body, "\"direction\":\"debit\",\"amount\":{\"value\":\"19.99\""));
    assert_true(contains(answer.body, "\"after\":\""));
}

static void refusals_of_the_business(void **state) {
    struct world *world = *state;
    struct ask ask = { .line = PAY, .key = "poor", .body = payment_body(world, "1000000.00", world->other_iban) };
    struct world_answer answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 201);
    assert_true(contains(answer.body, "\"status\":\"rejected\""));
    ask = (struct ask){ .line = PAY, .key = "self", .body = payment_body(world, "1.00", world->iban) };
    for (int i = 0; i < 2; i++) { /* decided, stored, and told again */
        answer = world_ask(world, &ask);
        assert_int_equal(answer.status, 422);
        assert_true(contains(answer.body, "\"code\":\"creditor_not_reachable\""));
        assert_int_equal(world_header(&answer, "Idempotent-Replayed").len != 0, i == 1);
    }
    ask = (struct ask){ .line = PAY, .key = "core", .body = payment_body(world, "1.00", "GB33BUKB20201555555555") };
    answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 201);
    assert_true(contains(answer.body, "\"status\":\"pending\""));
}

static void accounts_are_the_callers(void **state) {
    struct world *world = *state;
    struct world_answer answer = world_ask(world, &(struct ask){ .line = LIST "?limit=1" });
    char after[64], line[128], etag[64], more[128], id[ID_TEXT_BYTES];
    assert_int_equal(answer.status, 200);
    assert_true(contains(answer.body, id_format(world->account.bytes, id).at));
    assert_true(contains(answer.body, "\"after\":"));
    (void)id_format(world->account.bytes, after);
    (void)snprintf(line, sizeof line, LIST "?limit=1&after=%s", after);
    answer = world_ask(world, &(struct ask){ .line = line });
    assert_true(contains(answer.body, id_format(world->other_account.bytes, id).at));
    assert_int_equal(world_ask(world, &(struct ask){ .line = account_line(&world->foreign_account, "") }).status, 404);
    assert_int_equal(world_ask(world, &(struct ask){ .line = "GET /v1/accounts/foobar" }).status, 404);
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST "?limit=0" }).status, 400);
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST "?limit=101" }).status, 400);
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST "?after=x" }).status, 400);
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST "?limit=1&limit=2" }).status, 400);
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST "?page=2" }).status, 400);

    answer = world_ask(world, &(struct ask){ .line = account_line(&world->account, "") });
    assert_int_equal(answer.status, 200);
    assert_true(str_equal(world_header(&answer, "Cache-Control"), STR("private, no-cache")));
    assert_int_equal(str_to_c(world_header(&answer, "ETag"), etag, sizeof etag), 0);
    (void)snprintf(more, sizeof more, "If-None-Match: %s\r\n", etag);
    answer = world_ask(world, &(struct ask){ .line = account_line(&world->account, ""), .more = more });
    assert_int_equal(answer.status, 304);
    assert_int_equal(answer.body.len, 0);
    assert_true(str_equal_c(world_header(&answer, "ETag"), etag));
    answer = world_ask(world, &(struct ask){ .line = account_line(&world->other_account, ""), .more = more });
    assert_int_equal(answer.status, 200);
}

static void an_account_opens_once_for_a_key(void **state) {
    struct world *world = *state;
    struct ask ask = { .line = "POST /v1/accounts", .key = "open", .body = ACCOUNT_BODY };
    char first[1024], line[128];
    struct world_answer answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 201);
    assert_true(contains(answer.body, "\"sort_code\":\"040004\""));
    assert_int_equal(str_to_c(answer.body, first, sizeof first), 0);
    (void)snprintf(line, sizeof line, "GET " STR_FMT, STR_ARG(world_header(&answer, "Location")));
    answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 201);
    assert_true(str_equal_c(answer.body, first));
    answer = world_ask(world, &(struct ask){ .line = line });
    assert_int_equal(answer.status, 200);
    assert_true(str_equal_c(answer.body, first));
}

/* spec: gateway/47 */
static void limits_of_a_tier(void **state) {
    struct world *world = *state;
    struct ask ask = { .line = LIST, .certificate = &beta, .authorization = "Bearer beta" };
    struct world_answer answer = { .status = 200 };
    for (int i = 0; i < 4 && answer.status == 200; i++) answer = world_ask(world, &ask); /* three a day, in all tests */
    assert_int_equal(answer.status, 429);
    assert_true(contains(answer.body, "\"code\":\"rate_limited\"") ||
                contains(answer.body, "\"code\":\"daily_limit\""));
    assert_true(world_header(&answer, "Retry-After").len > 0);
    assert_true(world_header(&answer, "RateLimit").len > 0);
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST }).status,
                     200); /* another client's limits are its own */
}

static void errors_of_the_server_itself(void **state) {
    struct world *world = *state;
    struct world_answer answer =
        world_send(world, STR("POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"));
    assert_int_equal(answer.status, 413);
    assert_true(contains(answer.body, "\"code\":\"body_too_large\""));
    expect_common(&answer, "413");
    answer = world_send(world,
                        STR("POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"));
    assert_int_equal(answer.status, 400);
    expect_common(&answer, "400");
    answer = world_send(
        world, STR("POST /open-banking/v4.0/pisp/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert_int_equal(answer.status, 400);
    assert_true(contains(answer.body, "\"ErrorCode\":\"U010\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_interaction),
        cmocka_unit_test(checks_edge),
        cmocka_unit_test(checks_route),
        cmocka_unit_test(checks_roles_and_directories),
        cmocka_unit_test(checks_certificate),
        cmocka_unit_test(a_certificate_ends_with_its_ca),
        cmocka_unit_test(checks_token),
        cmocka_unit_test(checks_idempotency_header),
        cmocka_unit_test(checks_body),
        cmocka_unit_test(checks_open_banking),
        cmocka_unit_test(a_payment_on_us),
        cmocka_unit_test(refusals_of_the_business),
        cmocka_unit_test(accounts_are_the_callers),
        cmocka_unit_test(an_account_opens_once_for_a_key),
        cmocka_unit_test(limits_of_a_tier),
        cmocka_unit_test(errors_of_the_server_itself),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
