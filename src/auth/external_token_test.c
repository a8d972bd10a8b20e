/* external_token_test.c - what an issuer says about its tokens, and how it is asked (external_token.h E1, E3, E4). */
#include "auth/external_call.h"

#include "wire/form.h"
#include "wire/jose.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW_S "1700000000"
static const int64_t now_ms = INT64_C(1700000000) * 1000;
#define BASE "\"client_id\":\"acme\",\"token_type\":\"Bearer\",\"exp\":1700000600"
#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"

static struct external_issuer issuer_make(void) {
    return (struct external_issuer){ .issuer = STR("https://peer.example"),
                                     .audience = STR("https://giro.example"),
                                     .endpoint = { .url = STR("https://peer.example/introspect"),
                                                   .client_id = STR("giro & sons") },
                                     .client_claim = STR("client_id"),
                                     .customer_claim = STR("customer_id"),
                                     .consent_claim = STR("openbanking_intent_id"),
                                     .scope_claim = STR("scope") };
}

static const struct {
    const char *name, *answer;
    int want;
} answers[] = {
    { "active", "{\"active\":true," BASE "}", 0 },
    { "by its certificate", "{\"active\":true," BASE ",\"cnf\":{\"x5t#S256\":\"" HASH "\"}}", 0 },
    { "by its key", "{\"active\":true," BASE ",\"cnf\":{\"jkt\":\"" HASH "\"}}", 0 },
    { "DPoP", "{\"active\":true,\"client_id\":\"acme\",\"token_type\":\"DPoP\",\"exp\":1700000600}", 0 },
    { "our issuer", "{\"active\":true," BASE ",\"iss\":\"https://peer.example\"}", 0 },
    { "our audience", "{\"active\":true," BASE ",\"aud\":[\"x\",\"https://giro.example\"]}", 0 },
    { "not active", "{\"active\":false}", EXTERNAL_E_TOKEN },
    { "not active, with more", "{\"active\":false," BASE "}", EXTERNAL_E_TOKEN },
    { "another issuer", "{\"active\":true," BASE ",\"iss\":\"https://evil.example\"}", EXTERNAL_E_TOKEN },
    { "another audience", "{\"active\":true," BASE ",\"aud\":\"https://x.example\"}", EXTERNAL_E_TOKEN },
    { "no client", "{\"active\":true,\"token_type\":\"Bearer\",\"exp\":1700000600}", EXTERNAL_E_TOKEN },
    { "no exp", "{\"active\":true,\"client_id\":\"acme\",\"token_type\":\"Bearer\"}", EXTERNAL_E_TOKEN },
    { "over", "{\"active\":true,\"client_id\":\"acme\",\"token_type\":\"Bearer\",\"exp\":" NOW_S "}",
      EXTERNAL_E_TOKEN },
    { "not yet", "{\"active\":true," BASE ",\"nbf\":1700000100}", EXTERNAL_E_TOKEN },
    { "from the future", "{\"active\":true," BASE ",\"iat\":1700000100}", EXTERNAL_E_TOKEN },
    { "a refresh token", "{\"active\":true,\"client_id\":\"acme\",\"exp\":1700000600}", EXTERNAL_E_TOKEN },
    { "another kind", "{\"active\":true,\"client_id\":\"acme\",\"token_type\":\"N_A\",\"exp\":1700000600}",
      EXTERNAL_E_TOKEN },
    { "bound to nothing known", "{\"active\":true," BASE ",\"cnf\":{\"kid\":\"x\"}}", EXTERNAL_E_TOKEN },
    { "a malformed binding", "{\"active\":true," BASE ",\"cnf\":{\"jkt\":\"x\"}}", EXTERNAL_E_TOKEN },
    { "bound twice", "{\"active\":true," BASE ",\"cnf\":{\"jkt\":\"" HASH "\",\"x5t#S256\":\"" HASH "\"}}",
      EXTERNAL_E_TOKEN },
    { "a customer that is no id", "{\"active\":true," BASE ",\"customer_id\":\"mia\"}", EXTERNAL_E_TOKEN },
    { "no answer at all", "", EXTERNAL_E_UNKNOWN },
    { "no JSON", "<html>", EXTERNAL_E_UNKNOWN },
    { "no object", "[true]", EXTERNAL_E_UNKNOWN },
    { "nothing about it", "{" BASE "}", EXTERNAL_E_UNKNOWN },
    { "active as text", "{\"active\":\"true\"," BASE "}", EXTERNAL_E_UNKNOWN },
};

/* spec: gateway/31 */
static void an_answer_is_judged(void **state) {
    struct external_issuer issuer = issuer_make();
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        struct external_claims claims;
        struct arena arena = { 0 };
        assert_int_equal(arena_init(&arena, 4096, 65536), 0);
        int r = external_answer_judge(str_from_c(answers[i].answer), &issuer, now_ms, &arena, &claims);
        if (r != answers[i].want) fail_msg("%s: %d", answers[i].name, r);
        if (!r) assert_true(str_equal_c(claims.client_name, "acme") && claims.expires_ms == now_ms + 600000);
        if (!r) assert_int_equal(claims.by_certificate, strstr(answers[i].answer, "x5t") != NULL);
        if (!r) assert_int_equal(claims.by_key, strstr(answers[i].answer, "jkt") != NULL);
        arena_release(&arena);
    }
}

static void a_claim_that_is_too_long_is_refused(void **state) {
    struct external_issuer issuer = issuer_make();
    char text[EXTERNAL_NAME_BYTES_MAX + 200], name[EXTERNAL_NAME_BYTES_MAX + 2];
    (void)state;
    for (size_t len = EXTERNAL_NAME_BYTES_MAX; len <= EXTERNAL_NAME_BYTES_MAX + 1; len++) {
        struct external_claims claims;
        struct arena arena = { 0 };
        assert_int_equal(arena_init(&arena, 4096, 65536), 0);
        memset(name, 'a', len);
        name[len] = 0;
        (void)snprintf(text, sizeof text,
                       "{\"active\":true,\"client_id\":\"%s\",\"token_type\":\"Bearer\",\"exp\":1700000600}", name);
        int r = external_answer_judge(str_from_c(text), &issuer, now_ms, &arena, &claims);
        assert_int_equal(r, len > EXTERNAL_NAME_BYTES_MAX ? EXTERNAL_E_TOKEN : 0);
        arena_release(&arena);
    }
}

/* spec: gateway/31 */
static void a_question_says_who_asks(void **state) {
    struct external_issuer issuer = issuer_make();
    struct external_call call = { .issuer = &issuer, .now_ms = now_ms };
    char memory[EXTERNAL_CALL_BODY_BYTES_MAX];
    struct buffer body;
    struct form form;
    struct str value;
    struct jws jws;
    struct arena arena = { 0 };
    (void)state;
    assert_int_equal(arena_init(&arena, 4096, 262144), 0);
    buffer_init(&body, memory, sizeof memory);
    assert_int_equal(external_call_body(&call, STR("a+b/c="), &body), 0);
    assert_int_equal(form_parse(buffer_str(&body), &arena, &form), 0);
    assert_true(form_get(&form, "token", &value) && str_equal_c(value, "a+b/c="));
    assert_true(form_get(&form, "client_id", &value) && str_equal_c(value, "giro & sons"));
    assert_false(form_get(&form, "client_assertion", &value));
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &issuer.endpoint.signing_key), 0);
    issuer.endpoint.signing_kid = STR("k1");
    buffer_reset(&body);
    assert_int_equal(external_call_body(&call, STR("t"), &body), 0);
    assert_int_equal(form_parse(buffer_str(&body), &arena, &form), 0);
    assert_true(form_get(&form, "client_assertion", &value));
    assert_int_equal(jws_parse(value, &arena, &jws), 0);
    assert_int_equal(jws_verify(&jws, issuer.endpoint.signing_key, KEY_ALG_NONE), 0);
    assert_true(str_equal_c(jws.kid, "k1"));
    buffer_init(&body, memory, 20);
    assert_int_equal(external_call_body(&call, STR("t"), &body), -EMSGSIZE);
    (void)key_free(issuer.endpoint.signing_key);
    arena_release(&arena);
}

/* The guard stands before these calls too: an internal address is not called. */
/* spec: gateway/31 */
static void an_internal_address_is_not_asked(void **state) {
    struct external_issuer issuer = issuer_make();
    struct outbound_guard guard = { 0 };
    struct external_call call = { .issuer = &issuer, .guard = &guard, .now_ms = now_ms };
    struct message message = { { 0 } };
    char memory[64];
    struct buffer out;
    (void)state;
    buffer_init(&out, memory, sizeof memory);
    issuer.endpoint.url = STR("https://127.0.0.1:1/introspect");
    assert_true(external_call_ask(&call, STR("t"), &out, &message) > 0);
    assert_string_equal(message.text, "an internal address");
    struct str allowed = STR("127.0.0.1");
    guard = (struct outbound_guard){ .hosts = &allowed, .host_count = 1 };
    assert_true(external_call_ask(&call, STR("t"), &out, &message) > 0);
    assert_string_not_equal(message.text, "an internal address"); /* it was called, and nobody is there */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_judged),
        cmocka_unit_test(a_claim_that_is_too_long_is_refused),
        cmocka_unit_test(a_question_says_who_asks),
        cmocka_unit_test(an_internal_address_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
