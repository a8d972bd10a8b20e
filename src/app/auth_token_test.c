/* auth_token_test.c - client credentials over a real engine on the memory store: what is granted, what is refused, jti
 * used once. */
#include "app/auth_test_world.h"

static struct str token_form(struct world *world) {
    return form_of(world, "grant_type", "client_credentials", "scope", "payments", NULL);
}

static void a_client_gets_a_bound_token(void **state) {
    struct world *world = *state;
    struct auth_answer answer = post(world, &world->acme, auth_token, token_form(world));
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.media_type, "application/json");
    assert_str(header_of(&answer, "Cache-Control"), "no-store");
    assert_str(member(world, answer.content, "token_type"), "Bearer");
    assert_str(member(world, answer.content, "scope"), "payments");
    struct str text = member(world, answer.content, "access_token");
    assert_int_equal(text.len, 43); /* 256 bits */
    struct hash hash = sha256_str(text);
    struct token_view token;
    assert_int_equal(query_begin(world->query), 0);
    assert_int_equal(query_token(world->query, &hash, &world->arena, &token), 0);
    query_end(world->query);
    assert_true(hash_equal(&token.certificate_hash, &world->acme.certificate_hash));
    assert_true(id_equal(token.client_id.bytes, world->acme.client_id.bytes));
    assert_true(id_is_zero(token.customer_id.bytes) && id_is_zero(token.consent_id.bytes));
    assert_int_equal(token.expires_ms, world_clock() + TOKEN_LIFE_MS);
    struct auth_answer other = post(world, &world->acme, auth_token, token_form(world));
    assert_false(str_equal(member(world, other.content, "access_token"), text));
    /* none asked: all but openid */
    answer = post(world, &world->acme, auth_token, form_of(world, "grant_type", "client_credentials", NULL));
    assert_str(member(world, answer.content, "scope"), "accounts payments");
}

static void forms_are_judged(void **state) {
    struct world *world = *state;
    static const struct {
        const char *name, *form;
        int status;
        const char *error;
    } cases[] = {
        { "granted", "grant_type=client_credentials&scope=payments", 200, "" },
        { "scopes in any order", "grant_type=client_credentials&scope=payments%20accounts", 200, "" },
        { "client_id that is right", "grant_type=client_credentials&client_id=acme-tpp", 200, "" },
        { "scope not registered", "grant_type=client_credentials&scope=customers", 400, "invalid_scope" },
        { "one scope not registered", "grant_type=client_credentials&scope=payments%20cards", 400, "invalid_scope" },
        { "doubled blank in scope", "grant_type=client_credentials&scope=payments%20%20accounts", 400,
          "invalid_scope" },
        { "G2 password", "grant_type=password&username=mia&password=x", 400, "unsupported_grant_type" },
        { "implicit", "grant_type=implicit", 400, "unsupported_grant_type" },
        { "78 unknown refresh_token", "grant_type=refresh_token&refresh_token=x", 400, "invalid_grant" },
        { "no refresh_token", "grant_type=refresh_token", 400, "invalid_request" },
        { "details without a customer",
          "grant_type=client_credentials&authorization_details=%5B%7B%22type%22%3A%22payment_initiation%22%7D%5D", 400,
          "invalid_authorization_details" },
        { "no grant", "scope=payments", 400, "invalid_request" },
        { "a parameter twice", "grant_type=client_credentials&scope=payments&scope=accounts", 400, "invalid_request" },
        { "broken form", "grant_type=%zz", 400, "invalid_request" },
        { "C8 other client_id", "grant_type=client_credentials&client_id=gamma-tpp", 401, "invalid_client" },
        { "G6 client_secret", "grant_type=client_credentials&client_secret=x", 401, "invalid_client" },
        { "unknown code",
          "grant_type=authorization_code&code=x&redirect_uri=https%3A%2F%2Ftpp.example%2Fback&code_verifier="
          "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
          400, "invalid_grant" },
        { "72 no verifier", "grant_type=authorization_code&code=x&redirect_uri=https%3A%2F%2Ftpp.example%2Fback", 400,
          "invalid_grant" },
        { "no code", "grant_type=authorization_code", 400, "invalid_request" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct auth_answer answer = post(world, &world->acme, auth_token, str_from_c(cases[i].form));
        if (answer.status != cases[i].status) fail_msg("%s: %d", cases[i].name, answer.status);
        struct str error = member(world, answer.content, "error");
        if (!str_equal_c(error, cases[i].error)) fail_msg("%s: " STR_FMT, cases[i].name, STR_ARG(error));
    }
}

/* spec: fapi/C5, fapi/24, gateway/13 */
static void c5_a_jti_is_used_once_also_after_a_restart(void **state) {
    struct world *world = *state;
    struct str body = with_assertion(world, token_form(world), assertion_of(world, &world->acme, "once"));
    struct str none = { 0 };
    assert_int_equal(world_send(world, &world->acme, auth_token, body, none, none).status, 200);
    struct auth_answer again = world_send(world, &world->acme, auth_token, body, none, none);
    assert_int_equal(again.status, 401);
    assert_str(member(world, again.content, "error"), "invalid_client");
    world_restart(world);
    again = world_send(world, &world->acme, auth_token, body, none, none);
    assert_int_equal(again.status, 401);
    /* another client's jti is its own */
    body = with_assertion(world, token_form(world), assertion_of(world, &world->gamma, "once"));
    assert_int_equal(world_send(world, &world->gamma, auth_token, body, none, none).status, 200);
    /* what was refused for another reason is spent too */
    struct str proof = assertion_of(world, &world->acme, "refused");
    body = with_assertion(world, form_of(world, "grant_type", "password", NULL), proof);
    assert_int_equal(world_send(world, &world->acme, auth_token, body, none, none).status, 400);
    assert_int_equal(
        world_send(world, &world->acme, auth_token, with_assertion(world, token_form(world), proof), none, none).status,
        401);
}

/* spec: fapi/K1, gateway/11 */
static void an_ed25519_key_proves_a_client(void **state) {
    struct world *world = *state;
    struct key *key;
    struct str none = { 0 };
    static const struct {
        const char *name;
        int profile, status;
    } cases[] = { { "ed-tpp", CLIENT_FAPI2, 200 },
                  { "ed-ms-tpp", CLIENT_FAPI2_MS, 200 },
                  { "ed1-tpp", CLIENT_FAPI1, 401 } };
    assert_int_equal(key_generate(KEY_TYPE_ED25519, &key), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t now = world_clock() / 1000;
        world_client(world, cases[i].name, key, cases[i].profile, CLIENT_SENDER_MTLS);
        struct call call = world_call(world, cases[i].name);
        struct str claims = arena_printf(&world->arena,
                                         "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"" ISSUER
                                         "\",\"iat\":%lld,\"exp\":%lld,\"jti\":\"ed-%zu\"}",
                                         cases[i].name, cases[i].name, (long long)now, (long long)now + 60, i);
        struct str body = with_assertion(world, token_form(world), assertion_with(world, key, claims.at));
        assert_int_equal(world_send(world, &call, auth_token, body, none, none).status, cases[i].status);
    }
    key_free(key);
}

/* spec: fapi/C8, fapi/25 */
static void a1_the_assertion_must_be_of_the_certificates_client(void **state) {
    struct world *world = *state;
    struct str none = { 0 }, body = with_assertion(world, token_form(world), assertion_of(world, &world->gamma, "g"));
    assert_int_equal(world_send(world, &world->acme, auth_token, body, none, none).status, 401);
    struct call nobody = { .has_certificate = true };
    assert_int_equal(world_send(world, &nobody, auth_token, body, none, none).status, 401);
    assert_int_equal(world_send(world, &world->gamma, auth_token, body, none, none).status, 200);
}

/* spec: fapi/G1, fapi/9 */
static void documents_name_what_exists(void **state) {
    struct world *world = *state;
    assert_str(member(world, auth_metadata(world->auth), "issuer"), ISSUER);
    assert_str(member(world, auth_metadata(world->auth), "token_endpoint"), "https://localhost:8443/token");
    assert_str(member(world, auth_metadata(world->auth), "authorization_endpoint"), ISSUER "/authorize");
    struct jwks *keys;
    assert_int_equal(jwks_parse(auth_jwks(world->auth, &world->arena), &keys, NULL), 0); /* refuses private members */
    assert_int_equal(jwks_count(keys), 1);
    assert_int_equal(jwks_at(keys, 0)->kid.len, 43);
    assert_true(key_equal_public(jwks_at(keys, 0)->key, world->bank_key));
    jwks_free(keys);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_client_gets_a_bound_token),
        WORLD_TEST(forms_are_judged),
        WORLD_TEST(c5_a_jti_is_used_once_also_after_a_restart),
        WORLD_TEST(a1_the_assertion_must_be_of_the_certificates_client),
        WORLD_TEST(an_ed25519_key_proves_a_client),
        WORLD_TEST(documents_name_what_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
