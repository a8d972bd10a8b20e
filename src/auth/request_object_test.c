/* request_object_test.c - the rules of signed request objects, one line a case (FAPI V1 to V6, M1, 37 to 53), and what
 * a profile makes of their parameters. */
#include "auth/request_object.h"

#include "auth/profile.h"
#include "auth/pushed_request.h"
#include "wire/jose.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW_S 1700000000LL
#define ISSUER "https://localhost:8444"
#define WHO "\"iss\":\"acme-tpp\",\"client_id\":\"acme-tpp\""
#define AUD ",\"aud\":\"" ISSUER "\""
#define TIMES ",\"nbf\":1700000000,\"exp\":1700000300"
#define GOOD "{" WHO AUD TIMES "}"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

struct world {
    struct key *rsa, *ec, *ed, *stranger;
    char jwks[2048];
    struct arena arena;
};

static int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    struct buffer out;
    assert_int_equal(arena_init(&world->arena, 64 * 1024, 1 << 26), 0);
    assert_int_equal(key_generate(KEY_TYPE_RSA, &world->rsa), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &world->ec), 0);
    assert_int_equal(key_generate(KEY_TYPE_ED25519, &world->ed), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &world->stranger), 0);
    struct jwk list[] = { { .kid = STR("rsa"), .key = world->rsa },
                          { .kid = STR("ec"), .key = world->ec },
                          { .kid = STR("ed"), .key = world->ed } };
    buffer_init(&out, world->jwks, sizeof world->jwks - 1);
    assert_int_equal(jwks_write(&out, list, 3), 0);
    *state = world;
    return 0;
}

static int world_close(void **state) {
    struct world *world = *state;
    key_free(world->rsa);
    key_free(world->ec);
    key_free(world->ed);
    key_free(world->stranger);
    arena_release(&world->arena);
    free(world);
    return 0;
}

/* tidy: parameters because a token has a key, its name, a type and claims. */
static struct str token_of(struct world *world, const struct key *key, const char *kid, const char *typ,
                           const char *claims) {
    struct jws_header header = { .kid = str_from_c(kid), .typ = str_from_c(typ) };
    char *memory = arena_alloc(&world->arena, 16 * 1024);
    struct buffer out;
    buffer_init(&out, memory, 16 * 1024);
    assert_int_equal(jws_sign(key, &header, str_from_c(claims), &out), 0);
    return buffer_str(&out);
}

static struct client_view client_of(const struct world *world, int profile) {
    return (struct client_view){ .name = STR("acme-tpp"),
                                 .scope = STR("openid payments"),
                                 .redirect_uris = STR("https://tpp.example/back"),
                                 .jwks = str_from_c(world->jwks),
                                 .profile = profile,
                                 .profile_served = true };
}

static bool reads(struct world *world, int profile, struct str text, struct request_object *ret_object) {
    struct client_view client = client_of(world, profile);
    struct request_object_rules rules = { .client = &client, .issuer = STR(ISSUER), .now_ms = NOW_S * 1000 };
    const char *why = NULL;
    int r = request_object_read(text, &rules, &world->arena, ret_object, &why);
    assert_true(r == 0 || (r == REQUEST_OBJECT_E_INVALID && why && *why)); /* every refusal says why */
    for (const char *at = why ? why : ""; *at; at++) assert_true(*at >= ' ' && *at <= '~' && *at != '"');
    return r == 0;
}

/* spec: fapi/M1, fapi/V4, fapi/V5, fapi/V15, fapi/28, fapi/41, fapi/42, fapi/43, fapi/44, fapi/45, fapi/46, fapi/47,
 * fapi/48, fapi/G13 */
static void claims_are_judged(void **state) {
    struct world *world = *state;
    static const struct {
        const char *name, *claims;
        bool fits;
    } cases[] = {
        { "good", GOOD, true },
        { "iss alone", "{\"iss\":\"acme-tpp\"" AUD TIMES "}", true },
        { "client_id alone", "{\"client_id\":\"acme-tpp\"" AUD TIMES "}", true },
        { "neither", "{\"aud\":\"" ISSUER "\"" TIMES "}", false },
        { "another iss", "{\"iss\":\"beta-tpp\",\"client_id\":\"acme-tpp\"" AUD TIMES "}", false },
        { "another client_id", "{\"iss\":\"acme-tpp\",\"client_id\":\"beta-tpp\"" AUD TIMES "}", false },
        { "client_id a number", "{\"iss\":\"acme-tpp\",\"client_id\":1" AUD TIMES "}", false },
        { "47 other aud", "{" WHO ",\"aud\":\"https://other.example\"" TIMES "}", false },
        { "47 aud the PAR URL", "{" WHO ",\"aud\":\"https://localhost:8443/par\"" TIMES "}", false },
        { "47 no aud", "{" WHO TIMES "}", false },
        { "48 aud good and bad", "{" WHO ",\"aud\":[\"https://other.example\",\"" ISSUER "\"]" TIMES "}", true },
        { "48 aud list of bad ones", "{" WHO ",\"aud\":[\"https://other.example\"]" TIMES "}", false },
        { "41 no exp", "{" WHO AUD ",\"nbf\":1700000000}", false },
        { "42 exp 60 min after nbf", "{" WHO AUD ",\"nbf\":1700000000,\"exp\":1700003600}", true },
        { "42 exp 1 s more", "{" WHO AUD ",\"nbf\":1700000000,\"exp\":1700003601}", false },
        { "43 expired", "{" WHO AUD ",\"nbf\":1699999900,\"exp\":1700000000}", false },
        { "43 almost", "{" WHO AUD ",\"nbf\":1699999900,\"exp\":1700000001}", true },
        { "44 no nbf", "{" WHO AUD ",\"exp\":1700000300}", false },
        { "45 nbf almost 60 min old", "{" WHO AUD ",\"nbf\":1699996401,\"exp\":1700000000.5}", true },
        { "45 nbf 61 min old", "{" WHO AUD ",\"nbf\":1699996340,\"exp\":1699999940}", false },
        { "46 nbf 8 s ahead", "{" WHO AUD ",\"nbf\":1700000008,\"exp\":1700000300}", true },
        { "46 nbf 61 s ahead", "{" WHO AUD ",\"nbf\":1700000061,\"exp\":1700000300}", false },
        { "iat 61 s ahead", "{" WHO AUD TIMES ",\"iat\":1700000061}", false },
        { "28 request inside", "{" WHO AUD TIMES ",\"request\":\"a.b.c\"}", false },
        { "28 request_uri inside", "{" WHO AUD TIMES ",\"request_uri\":\"urn:x\"}", false },
        { "a member twice", "{" WHO AUD TIMES ",\"scope\":\"a\",\"scope\":\"b\"}", false },
        { "no object", "[]", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct request_object object;
        struct str text = token_of(world, world->ec, "ec", "oauth-authz-req+jwt", cases[i].claims);
        if (reads(world, CLIENT_VIEW_FAPI2_MS, text, &object) != cases[i].fits) fail_msg("%s", cases[i].name);
        if (reads(world, CLIENT_VIEW_FAPI1, text, &object) != cases[i].fits) fail_msg("fapi1: %s", cases[i].name);
    }
}

/* spec: fapi/37, fapi/38, fapi/39, fapi/40, fapi/53, fapi/V1, fapi/V14, fapi/K1, fapi/K2, gateway/21, gateway/26 */
static void signatures_and_types_are_judged(void **state) {
    struct world *world = *state;
    struct request_object object, again;
    const struct {
        const char *name;
        struct str text;
        bool ms, fapi1;
    } cases[] = {
        { "PS256", token_of(world, world->rsa, "rsa", "JWT", GOOD), true, true },
        { "ES256", token_of(world, world->ec, "ec", "", GOOD), true, true },
        { "EdDSA is not FAPI 1.0's", token_of(world, world->ed, "ed", "oauth-authz-req+jwt", GOOD), true, false },
        { "typ in other letters", token_of(world, world->ec, "ec", "OAuth-AuthZ-Req+JWT", GOOD), true, true },
        { "typ of another token", token_of(world, world->ec, "ec", "dpop+jwt", GOOD), false, false },
        { "another key", token_of(world, world->stranger, "ec", "", GOOD), false, false },
        { "another kid", token_of(world, world->ec, "other", "", GOOD), false, false },
        { "37 none", STR("eyJhbGciOiJub25lIn0.e30."), false, false },
        { "38 RS256", STR("eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.e30.AAAA"), false, false },
        { "no token", STR("x"), false, false },
        { "nothing", STR(""), false, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (reads(world, CLIENT_VIEW_FAPI2_MS, cases[i].text, &object) != cases[i].ms) fail_msg("%s", cases[i].name);
        if (reads(world, CLIENT_VIEW_FAPI1, cases[i].text, &object) != cases[i].fapi1) fail_msg("%s", cases[i].name);
    }
    /* Two signatures over the same are the same request. */
    assert_true(reads(world, CLIENT_VIEW_FAPI1, token_of(world, world->ec, "ec", "", GOOD), &object));
    assert_true(reads(world, CLIENT_VIEW_FAPI1, token_of(world, world->ec, "ec", "", GOOD), &again));
    assert_true(hash_equal(&object.hash, &again.hash));
    assert_int_equal(object.expires_ms, (NOW_S + 300) * 1000);
}

static void claims_become_parameters(void **state) {
    struct world *world = *state;
    struct request_object object;
    struct str value;
    static const char claims[] = "{" WHO AUD TIMES ",\"scope\":\"openid\",\"max_age\":300,\"flag\":true,\"none\":null,"
                                 "\"claims\":{\"id_token\":{\"acr\":null}},\"list\":[1,\"a\"]}";
    assert_true(reads(world, CLIENT_VIEW_FAPI1, token_of(world, world->ec, "ec", "", claims), &object));
    static const struct {
        const char *name, *value;
    } want[] = { { "scope", "openid" },
                 { "max_age", "300" },
                 { "flag", "true" },
                 { "claims", "{\"id_token\":{\"acr\":null}}" },
                 { "list", "[1,\"a\"]" } };
    for (size_t i = 0; i < ARRAY_COUNT(want); i++) {
        assert_true(form_get(&object.parameters, want[i].name, &value));
        assert_true(str_equal_c(value, want[i].value));
    }
    assert_false(form_get(&object.parameters, "none", &value));
    char *many = arena_alloc(&world->arena, 8192);
    struct buffer out;
    buffer_init(&out, many, 8191);
    buffer_append_c(&out, "{" WHO AUD TIMES);
    for (int i = 0; i < FORM_FIELDS_MAX; i++) buffer_printf(&out, ",\"p%d\":\"x\"", i);
    buffer_append_c(&out, "}");
    assert_false(reads(world, CLIENT_VIEW_FAPI1, token_of(world, world->ec, "ec", "", many), &object));
}

/* ---- profiles ---- */

struct asked {
    const char *type, *mode, *challenge, *method, *nonce;
};

static void put(struct form *form, const char *name, const char *value) {
    if (value)
        form->fields[form->count++] = (struct form_field){ .name = str_from_c(name), .value = str_from_c(value) };
}

/* -1: accepted; else the error. */
static int ask(struct world *world, int profile, bool by_value, const struct asked *asked) {
    struct form form = { .count = 0 };
    struct client_view client = client_of(world, profile);
    struct pushed_terms terms;
    struct pushed_refusal refusal;
    put(&form, "response_type", asked->type);
    put(&form, "response_mode", asked->mode);
    put(&form, "redirect_uri", "https://tpp.example/back");
    put(&form, "scope", "openid payments");
    put(&form, "state", "s");
    put(&form, "nonce", asked->nonce);
    put(&form, "code_challenge", asked->challenge);
    put(&form, "code_challenge_method", asked->method);
    put(&form, "claims",
        "{\"id_token\":{\"openbanking_intent_id\":{\"value\":\"00000000-0000-4000-8000-000000000001\","
        "\"essential\":true}}}");
    struct pushed_source source = { .form = &form, .client = &client, .by_value = by_value };
    if (pushed_terms_read(&source, &world->arena, &terms, &refusal)) return -1;
    assert_true(refusal.redirects && str_equal_c(refusal.to.state, "s")); /* 54 */
    return (int)refusal.error;
}

/* spec: fapi/A1, fapi/A5, fapi/V2, fapi/V6, fapi/V10, fapi/54, fapi/57, fapi/59, fapi/60 */
static void each_profile_has_its_rules(void **state) {
    struct world *world = *state;
    enum { OK = -1, ABSENT = OAUTH_INVALID_REQUEST, TYPE = OAUTH_UNSUPPORTED_RESPONSE_TYPE };
    static const struct {
        const char *name;
        struct asked asked;
        int fapi2, ms, fapi1, by_value;
    } cases[] = {
        { "code", { "code", NULL, CHALLENGE, "S256", "n" }, OK, OK, TYPE, TYPE },
        { "code by query", { "code", "query", CHALLENGE, "S256", "n" }, OK, OK, ABSENT, ABSENT },
        { "code signed", { "code", "jwt", CHALLENGE, "S256", "n" }, ABSENT, OK, OK, OK },
        { "code signed, query", { "code", "query.jwt", CHALLENGE, "S256", "n" }, ABSENT, OK, OK, OK },
        { "code signed, fragment", { "code", "fragment.jwt", CHALLENGE, "S256", "n" }, ABSENT, OK, OK, OK },
        { "code by form", { "code", "form_post", CHALLENGE, "S256", "n" }, ABSENT, ABSENT, ABSENT, ABSENT },
        { "hybrid", { "code id_token", NULL, CHALLENGE, "S256", "n" }, TYPE, TYPE, OK, OK },
        { "hybrid, other order", { "id_token code", NULL, CHALLENGE, "S256", "n" }, TYPE, TYPE, OK, OK },
        { "hybrid by query", { "code id_token", "query", CHALLENGE, "S256", "n" }, TYPE, TYPE, ABSENT, ABSENT },
        { "hybrid signed", { "code id_token", "jwt", CHALLENGE, "S256", "n" }, TYPE, TYPE, OK, OK },
        { "token", { "token", NULL, CHALLENGE, "S256", "n" }, TYPE, TYPE, TYPE, TYPE },
        { "signed, no challenge", { "code", "jwt", NULL, NULL, "n" }, ABSENT, ABSENT, ABSENT, OK },
        { "signed, method alone", { "code", "jwt", NULL, "S256", "n" }, ABSENT, ABSENT, ABSENT, ABSENT },
        { "signed, plain", { "code", "jwt", CHALLENGE, "plain", "n" }, ABSENT, ABSENT, ABSENT, ABSENT },
        { "no nonce", { "code", "jwt", CHALLENGE, "S256", NULL }, ABSENT, OK, ABSENT, ABSENT },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int fapi2 = ask(world, CLIENT_VIEW_FAPI2, false, &cases[i].asked),
            ms = ask(world, CLIENT_VIEW_FAPI2_MS, false, &cases[i].asked),
            fapi1 = ask(world, CLIENT_VIEW_FAPI1, false, &cases[i].asked),
            by_value = ask(world, CLIENT_VIEW_FAPI1, true, &cases[i].asked);
        if (fapi2 != cases[i].fapi2 || ms != cases[i].ms || fapi1 != cases[i].fapi1 || by_value != cases[i].by_value)
            fail_msg("%s: %d %d %d %d", cases[i].name, fapi2, ms, fapi1, by_value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(claims_are_judged, world_open, world_close),
        cmocka_unit_test_setup_teardown(signatures_and_types_are_judged, world_open, world_close),
        cmocka_unit_test_setup_teardown(claims_become_parameters, world_open, world_close),
        cmocka_unit_test_setup_teardown(each_profile_has_its_rules, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
