/* client_assertion_test.c - the rules of private_key_jwt, one line a case (FAPI C1 to C6, G8, G13; 15 to 23). */
#include "auth/client_assertion.h"

#include "wire/jose.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW_S 1700000000LL
#define HEAD "\"iss\":\"acme-tpp\",\"sub\":\"acme-tpp\""
#define AUD ",\"aud\":\"https://localhost:8444\""
#define TAIL ",\"iat\":1700000000,\"exp\":1700000060,\"jti\":\"a\""
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

struct keys {
    struct key *rsa, *ec, *ed, *stranger;
    char jwks[2048];
    struct arena arena;
};

static int keys_open(void **state) {
    struct keys *keys = calloc(1, sizeof *keys);
    struct buffer out;
    assert_int_equal(arena_init(&keys->arena, 64 * 1024, 1 << 24), 0);
    assert_int_equal(key_generate(KEY_TYPE_RSA, &keys->rsa), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &keys->ec), 0);
    assert_int_equal(key_generate(KEY_TYPE_ED25519, &keys->ed), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &keys->stranger), 0);
    struct jwk list[] = { { .kid = STR("rsa"), .key = keys->rsa },
                          { .kid = STR("ec"), .key = keys->ec },
                          { .kid = STR("ed"), .key = keys->ed } };
    buffer_init(&out, keys->jwks, sizeof keys->jwks - 1);
    assert_int_equal(jwks_write(&out, list, 3), 0);
    assert_false(out.overflow);
    *state = keys;
    return 0;
}

static int keys_close(void **state) {
    struct keys *keys = *state;
    key_free(keys->rsa);
    key_free(keys->ec);
    key_free(keys->ed);
    key_free(keys->stranger);
    arena_release(&keys->arena);
    free(keys);
    return 0;
}

static struct str token_of(struct keys *keys, const struct key *key, const char *kid, const char *claims) {
    struct jws_header header = { .kid = str_from_c(kid) };
    char *memory = arena_alloc(&keys->arena, 8192);
    struct buffer out;
    buffer_init(&out, memory, 8192);
    assert_int_equal(jws_sign(key, &header, str_from_c(claims), &out), 0);
    return buffer_str(&out);
}

static const struct str audiences[] = { STR_INIT("https://localhost:8444"), STR_INIT("https://localhost:8443/token"),
                                        STR_INIT("https://localhost:8443/par") };

/* fapi1: as FAPI 1.0 has it, which knows three audiences, lists of them, and no EdDSA. */
static int judge_as(struct keys *keys, bool fapi1, struct str token, struct jwt_facts *facts) {
    struct client_assertion_rules rules = { .audiences = audiences,
                                            .audience_count = fapi1 ? 3 : 1,
                                            .audience_string_only = !fapi1,
                                            .edwards = !fapi1,
                                            .client_name = STR("acme-tpp"),
                                            .keys.jwks = str_from_c(keys->jwks),
                                            .now_ms = NOW_S * 1000 };
    const char *text = NULL;
    int r = client_assertion_judge(token, &rules, &keys->arena, facts, &text);
    assert_true((r == 0) == (text == NULL)); /* every refusal says why */
    return r;
}

static int judge(struct keys *keys, struct str token, struct jwt_facts *facts) {
    return judge_as(keys, false, token, facts);
}

/* spec: fapi/C1, fapi/C2, fapi/C3, fapi/C4, fapi/G8, fapi/G13, fapi/17, fapi/18, fapi/19, fapi/20, fapi/22, fapi/23,
 * gateway/14, gateway/15 */
static void claims_are_judged(void **state) {
    struct keys *keys = *state;
    static const struct {
        const char *name, *claims;
        int want; /* 100 + JWT_E_* */
    } cases[] = {
        { "good", "{" HEAD AUD TAIL "}", 0 },
        { "exp as far ahead as it may be", "{" HEAD AUD ",\"exp\":1700000300,\"jti\":\"a\"}", 0 },
        { "22 iat and nbf 8 s ahead",
          "{" HEAD AUD ",\"iat\":1700000008,\"nbf\":1700000008,\"exp\":1700000060,\"jti\":\"a\"}", 0 },
        { "jti of 128 bytes", "{" HEAD AUD ",\"exp\":1700000060,\"jti\":\"" HUNDRED TEN TEN "12345678\"}", 0 },
        { "jti of 129 bytes", "{" HEAD AUD ",\"exp\":1700000060,\"jti\":\"" HUNDRED TEN TEN "123456789\"}",
          CLIENT_ASSERTION_E_JTI_LONG },
        { "C1 no jti", "{" HEAD AUD ",\"exp\":1700000060}", 100 + JWT_E_JTI_MISSING },
        { "C1 no exp", "{" HEAD AUD ",\"jti\":\"a\"}", 100 + JWT_E_EXP_MISSING },
        { "C1 no aud", "{" HEAD TAIL "}", 100 + JWT_E_AUDIENCE_MISSING },
        { "C1 no iss", "{\"sub\":\"acme-tpp\"" AUD TAIL "}", 100 + JWT_E_ISSUER_MISSING },
        { "19 no sub", "{\"iss\":\"acme-tpp\"" AUD TAIL "}", 100 + JWT_E_SUBJECT_MISSING },
        { "20 other iss", "{\"iss\":\"beta-tpp\",\"sub\":\"acme-tpp\"" AUD TAIL "}", 100 + JWT_E_ISSUER },
        { "20 other sub", "{\"iss\":\"acme-tpp\",\"sub\":\"beta-tpp\"" AUD TAIL "}", 100 + JWT_E_SUBJECT },
        { "G8 aud as a list", "{" HEAD ",\"aud\":[\"https://localhost:8444\"]" TAIL "}", 100 + JWT_E_AUDIENCE_LIST },
        { "G8 token endpoint", "{" HEAD ",\"aud\":\"https://localhost:8443/token\"" TAIL "}", 100 + JWT_E_AUDIENCE },
        { "G8 PAR endpoint", "{" HEAD ",\"aud\":\"https://localhost:8443/par\"" TAIL "}", 100 + JWT_E_AUDIENCE },
        { "issuer with a slash", "{" HEAD ",\"aud\":\"https://localhost:8444/\"" TAIL "}", 100 + JWT_E_AUDIENCE },
        { "C3 expired 5 min ago", "{" HEAD AUD ",\"exp\":1699999700,\"jti\":\"a\"}", 100 + JWT_E_EXPIRED },
        { "C4 exp 301 s ahead", "{" HEAD AUD ",\"exp\":1700000301,\"jti\":\"a\"}", 100 + JWT_E_EXP_AHEAD },
        { "23 iat 61 s ahead", "{" HEAD AUD ",\"iat\":1700000061,\"exp\":1700000090,\"jti\":\"a\"}",
          100 + JWT_E_IAT_AHEAD },
        { "23 nbf 61 s ahead", "{" HEAD AUD ",\"nbf\":1700000061,\"exp\":1700000090,\"jti\":\"a\"}",
          100 + JWT_E_NBF_AHEAD },
        { "empty jti", "{" HEAD AUD ",\"exp\":1700000060,\"jti\":\"\"}", 100 + JWT_E_JTI },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct jwt_facts facts;
        int r = judge(keys, token_of(keys, keys->ec, "ec", cases[i].claims), &facts);
        if (r != cases[i].want) fail_msg("%s: %d, want %d", cases[i].name, r, cases[i].want);
    }
}

/* spec: fapi/15, fapi/G8 */
static void audiences_by_profile(void **state) {
    struct keys *keys = *state;
    static const struct {
        const char *name, *audience;
        bool fapi2, fapi1;
    } cases[] = {
        { "issuer", "\"https://localhost:8444\"", true, true },
        { "token URL", "\"https://localhost:8443/token\"", false, true },
        { "PAR URL", "\"https://localhost:8443/par\"", false, true },
        { "list of the issuer", "[\"https://localhost:8444\"]", false, true },
        { "list with a good one", "[\"https://other.example\",\"https://localhost:8443/token\"]", false, true },
        { "list without a good one", "[\"https://other.example\"]", false, false },
        { "empty list", "[]", false, false },
        { "another URL", "\"https://localhost:8444/token\"", false, false },
        { "an object", "{\"aud\":\"https://localhost:8444\"}", false, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct jwt_facts facts;
        struct str claims = arena_printf(&keys->arena, "{" HEAD ",\"aud\":%s" TAIL "}", cases[i].audience);
        struct str token = token_of(keys, keys->ec, "ec", claims.at);
        if ((judge_as(keys, false, token, &facts) == 0) != cases[i].fapi2) fail_msg("fapi2: %s", cases[i].name);
        if ((judge_as(keys, true, token, &facts) == 0) != cases[i].fapi1) fail_msg("fapi1: %s", cases[i].name);
    }
}

/* spec: fapi/K1, fapi/K2, fapi/C6, fapi/16, gateway/11 */
static void signatures_are_judged(void **state) {
    struct keys *keys = *state;
    struct jwt_facts facts;
    const char *good = "{" HEAD AUD TAIL "}";
    assert_int_equal(judge(keys, token_of(keys, keys->rsa, "rsa", good), &facts), 0);
    assert_int_equal(judge(keys, token_of(keys, keys->ec, "ec", good), &facts), 0);
    assert_int_equal(facts.expires_ms, (NOW_S + 60) * 1000);
    assert_int_equal(judge(keys, token_of(keys, keys->ed, "ed", good), &facts), 0);
    assert_int_equal(judge_as(keys, true, token_of(keys, keys->ed, "ed", good), &facts), CLIENT_ASSERTION_E_ALG);
    assert_int_equal(judge_as(keys, true, token_of(keys, keys->rsa, "rsa", good), &facts), 0);
    assert_int_equal(judge(keys, token_of(keys, keys->stranger, "ec", good), &facts), JOSE_E_SIGNATURE);
    assert_int_equal(judge(keys, token_of(keys, keys->ec, "other", good), &facts), JOSE_E_KEY);
    assert_int_equal(judge(keys, STR("eyJhbGciOiJub25lIn0.e30.AAAA"), &facts), JOSE_E_ALG);                  /* K2 */
    assert_int_equal(judge(keys, STR("eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.e30.AAAA"), &facts), JOSE_E_ALG); /* C6 */
    assert_int_equal(judge(keys, STR("nonsense"), &facts), JOSE_E_SYNTAX);
    assert_int_equal(judge(keys, STR(""), &facts), JOSE_E_SYNTAX);
    keys->jwks[0] = 0;
    assert_int_equal(judge(keys, token_of(keys, keys->ec, "ec", good), &facts), CLIENT_ASSERTION_E_KEYS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(claims_are_judged, keys_open, keys_close),
        cmocka_unit_test_setup_teardown(audiences_by_profile, keys_open, keys_close),
        cmocka_unit_test_setup_teardown(signatures_are_judged, keys_open, keys_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
