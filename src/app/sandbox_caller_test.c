#include "app/sandbox_caller.h"

#include "app/exit_code.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/secret.h"
#include "wire/form.h"
#include "wire/jose.h"
#include "wire/jws_detached.h"
#include "wire/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CLIENT(endpoint)                                                                                               \
    "{\"client_id\":\"acme-tpp\",\"org_id\":\"org\",\"software_id\":\"soft\",\"kid\":\"k1\",\"issuer\":\"https://localhost:8444\"," \
    "\"redirect_uris\":[\"https://acme.example/callback\"],\"token_endpoint\":\"" endpoint "\"}"

struct fixture {
    char folder[32];
    struct sandbox sandbox;
    struct key *key;
    struct arena arena;
};

static void put_file(const struct fixture *fixture, const char *name, struct str text) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/clients/acme-tpp/%s", fixture->folder, name);
    assert_int_equal(file_write_atomic(path, text, 0600, NULL), 0);
}

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct secret_bytes pem = { 0 };
    char path[256];
    assert_non_null(fixture);
    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/giro-caller-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(path, sizeof path, "%s/clients/acme-tpp", fixture->folder);
    assert_int_equal(dir_make(path, 0700, NULL), 0);
    assert_int_equal(sandbox_init(&fixture->sandbox, fixture->folder, NULL), 0);
    assert_int_equal(key_generate(KEY_TYPE_RSA, &fixture->key), 0);
    assert_int_equal(key_write_pem(fixture->key, &pem), 0);
    put_file(fixture, "signing.key", secret_str(&pem));
    put_file(fixture, "client.json", STR(CLIENT("https://localhost:8443/token")));
    secret_release(&pem);
    assert_int_equal(arena_init(&fixture->arena, 64 * 1024, 4 << 20), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    (void)dir_remove(fixture->folder, NULL);
    key_free(fixture->key);
    arena_release(&fixture->arena);
    free(fixture);
    return 0;
}

static struct sandbox_caller *open_caller(struct fixture *fixture) {
    struct sandbox_caller *caller = NULL;
    struct message message = { .text = "" };
    int r = sandbox_caller_open(&fixture->sandbox, "acme-tpp", &caller, &message);
    if (r) print_error("%d %s\n", r, message.text);
    assert_int_equal(r, 0);
    return caller;
}

static void test_facts(void **state) {
    struct sandbox_caller *caller = open_caller(*state);
    const struct sandbox_caller_facts *facts = sandbox_caller_facts(caller);
    assert_true(str_equal_c(facts->api, "https://localhost:8443"));
    assert_true(str_equal_c(facts->operations, "http://127.0.0.1:8445"));
    assert_true(str_equal_c(facts->redirect_uri, "https://acme.example/callback"));
    sandbox_caller_close(caller);
}

static const struct {
    const char *name, *json;
    int want;
} client_rows[] = {
    { "whole", CLIENT("https://localhost:8443/token"), 0 },
    { "another port", CLIENT("https://localhost:9000/token"), 0 },
    { "no port", CLIENT("https://localhost/token"), SANDBOX_CALLER_E_ANSWER },
    { "not https", CLIENT("http://localhost:8443/token"), SANDBOX_CALLER_E_ANSWER },
    { "port with letters", CLIENT("https://localhost:84a3/token"), SANDBOX_CALLER_E_ANSWER },
    { "last port", CLIENT("https://localhost:65535/token"), SANDBOX_CALLER_E_ANSWER },
    { "a member missing", "{\"client_id\":\"a\"}", SANDBOX_CALLER_E_ANSWER },
    { "no JSON", "{", SANDBOX_CALLER_E_ANSWER },
};

static void test_client_json(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_COUNT(client_rows); i++) {
        struct sandbox_caller *caller = NULL;
        struct message message = { .text = "" };
        put_file(fixture, "client.json", str_from_c(client_rows[i].json));
        int r = sandbox_caller_open(&fixture->sandbox, "acme-tpp", &caller, &message);
        if (r != client_rows[i].want) print_error("%s: %d %s\n", client_rows[i].name, r, message.text);
        assert_int_equal(r, client_rows[i].want);
        assert_int_equal(message.text[0] != 0, r != 0);
        sandbox_caller_close(caller);
    }
}

static void test_absent(void **state) {
    struct fixture *fixture = *state;
    struct sandbox_caller *caller = NULL;
    struct message message = { .text = "" };
    assert_int_equal(sandbox_caller_open(&fixture->sandbox, "nobody", &caller, &message), SANDBOX_CALLER_E_ABSENT);
    assert_non_null(strstr(message.text, "is ./run running"));
    assert_int_equal(sandbox_caller_complain("test", SANDBOX_CALLER_E_ABSENT, &message), EXIT_UNAVAILABLE);
    assert_int_equal(sandbox_caller_complain("test", SANDBOX_CALLER_E_DENIED, &message), EXIT_DENIED);
    assert_int_equal(sandbox_caller_complain("test", SANDBOX_CALLER_E_UNREACHABLE, &message), EXIT_UNAVAILABLE);
    assert_int_equal(sandbox_caller_complain("test", SANDBOX_CALLER_E_REFUSED, &message), EXIT_FAILED);
}

/* The assertion is what the authorization server asks for (FAPI C1 to C4, G8). */
static void test_assertion(void **state) {
    struct fixture *fixture = *state;
    struct sandbox_caller *caller = open_caller(fixture);
    static const struct str issuer = STR_INIT("https://localhost:8444");
    const struct jwt_rules rules = { .issuer = STR("acme-tpp"), .subject = STR("acme-tpp"), .audiences = &issuer,
                                     .audience_count = 1, .audience_string_only = true, .now_ms = clock_now_ms(),
                                     .exp_ahead_max_ms = JWT_ASSERTION_AHEAD_MS, .jti_required = true };
    char memory[8192];
    struct buffer form;
    struct form read;
    struct jws jws;
    struct jwt_facts facts;
    struct str token;
    const struct json *claims;
    buffer_init(&form, memory, sizeof memory);
    assert_int_equal(sandbox_caller_authenticate(caller, &form), 0);
    assert_int_equal(form_parse(buffer_str(&form), &fixture->arena, &read), 0);
    assert_true(form_get(&read, "client_assertion", &token));
    assert_int_equal(jws_parse(token, &fixture->arena, &jws), 0);
    assert_int_equal(jws_verify(&jws, fixture->key, KEY_ALG_PS256), 0);
    assert_int_equal(jws_claims(&jws, &fixture->arena, &claims), 0);
    assert_int_equal(jwt_check(claims, &rules, &facts), 0);
    assert_true(str_equal_c(jws.kid, "k1"));
    sandbox_caller_close(caller);
}

static struct jwks *public_keys(struct fixture *fixture) {
    char memory[4096];
    struct buffer out;
    struct jwks *keys = NULL;
    const struct jwk jwk = { .kid = STR("k1"), .key = fixture->key };
    buffer_init(&out, memory, sizeof memory);
    assert_int_equal(jwks_write(&out, &jwk, 1), 0);
    assert_int_equal(jwks_parse(buffer_str(&out), &keys, NULL), 0);
    return keys;
}

static void test_signatures(void **state) {
    struct fixture *fixture = *state;
    struct sandbox_caller *caller = open_caller(fixture);
    struct jwks *keys = public_keys(fixture);
    static const struct {
        const char *issuer, *body;
        bool has_signature, required;
        int want;
    } rows[] = { { SANDBOX_BANK_ORG_ID, "{}", true, true, 0 },
                 { SANDBOX_BANK_ORG_ID, "{}", true, false, 0 },
                 { "org/soft", "{}", true, true, SANDBOX_CALLER_E_ANSWER },
                 { SANDBOX_BANK_ORG_ID, "{ }", true, true, SANDBOX_CALLER_E_ANSWER },
                 { SANDBOX_BANK_ORG_ID, "{ }", true, false, SANDBOX_CALLER_E_ANSWER },
                 { SANDBOX_BANK_ORG_ID, "{}", false, true, SANDBOX_CALLER_E_ANSWER },
                 { SANDBOX_BANK_ORG_ID, "{}", false, false, 0 } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char memory[JWS_DETACHED_BYTES_MAX];
        struct buffer out;
        struct message message = { .text = "" };
        const struct jws_detached_signer signer = { .key = fixture->key, .kid = STR("k1"),
                                                    .issuer = str_from_c(rows[i].issuer),
                                                    .trust_anchor = STR(SANDBOX_TRUST_ANCHOR) };
        buffer_init(&out, memory, sizeof memory);
        assert_int_equal(jws_detached_sign(&signer, STR("{}"), clock_now_ms(), &fixture->arena, &out), 0);
        const struct http_header header = { STR("X-JWS-Signature"), buffer_str(&out) };
        const struct http_result result = { .status = 200, .headers = &header, .header_count = rows[i].has_signature,
                                            .body = str_from_c(rows[i].body) };
        assert_int_equal(sandbox_caller_verify(&result, keys, rows[i].required, &fixture->arena, &message), rows[i].want);
    }
    jwks_free(keys);
    sandbox_caller_close(caller);
}

/* What the caller signs is what the bank accepts: its own keys, "org/software", the anchor. */
static void test_request_signature(void **state) {
    struct fixture *fixture = *state;
    struct sandbox_caller *caller = open_caller(fixture);
    struct jwks *keys = public_keys(fixture);
    static const struct str issuers[] = { STR_INIT("org/soft") }, anchors[] = { STR_INIT(SANDBOX_TRUST_ANCHOR) };
    const struct jws_detached_rules rules = { .wanted = true, .keys = keys, .issuers = issuers, .issuer_count = 1,
                                              .trust_anchors = anchors, .trust_anchor_count = 1,
                                              .now_ms = clock_now_ms() + 1000 };
    struct str value;
    assert_int_equal(sandbox_caller_sign(caller, STR("{\"a\":1}"), &fixture->arena, &value), 0);
    assert_int_equal(jws_detached_verify(value, STR("{\"a\":1}"), &rules, &fixture->arena, NULL), 0);
    assert_int_equal(jws_detached_verify(value, STR("{\"a\":2}"), &rules, &fixture->arena, NULL), JWS_DETACHED_E_INVALID);
    jwks_free(keys);
    sandbox_caller_close(caller);
}

static const struct {
    int status;
    const char *body;
    int want;
    const char *message;
} answer_rows[] = {
    { 201, "{\"a\":1}", 0, "" },
    { 201, "[]", SANDBOX_CALLER_E_ANSWER, "no JSON object" },
    { 201, "", SANDBOX_CALLER_E_ANSWER, "no JSON object" },
    { 400, "{\"code\":\"invalid_request\",\"detail\":\"so\"}", SANDBOX_CALLER_E_REFUSED, "400 (invalid_request: so)" },
    { 401, "{\"error\":\"invalid_client\"}", SANDBOX_CALLER_E_REFUSED, "401 (invalid_client)" },
    { 400, "{\"Errors\":[{\"ErrorCode\":\"U019\",\"Message\":\"m\"}]}", SANDBOX_CALLER_E_REFUSED, "400 (U019: m)" },
    { 502, "<html>", SANDBOX_CALLER_E_REFUSED, "502 (no code)" },
    { 200, "{}", SANDBOX_CALLER_E_REFUSED, "200 (no code)" },
};

static void test_answers(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_COUNT(answer_rows); i++) {
        const struct http_result result = { .status = answer_rows[i].status, .body = str_from_c(answer_rows[i].body) };
        struct message message = { .text = "" };
        const struct json *json = NULL;
        int r = sandbox_caller_expect(&result, 201, "POST /x", &fixture->arena, &json, &message);
        if (r != answer_rows[i].want) print_error("%s: %d\n", answer_rows[i].body, r);
        assert_int_equal(r, answer_rows[i].want);
        assert_non_null(strstr(message.text, answer_rows[i].message));
        assert_int_equal(json != NULL, r == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_facts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assertion, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_request_signature, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
