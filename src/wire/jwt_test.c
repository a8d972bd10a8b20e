#include "wire/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Times in the table are relative to now = 1,800,000,000 s, written out because JSON has no arithmetic. */
static const int64_t now_ms = 1800000000000;
static const struct str issuer_url = STR_INIT("https://localhost:8444");
static const struct str endpoints[] = { STR_INIT("https://localhost:8444"), STR_INIT("https://localhost:8443/token"),
                                        STR_INIT("https://localhost:8443/par") };

static struct jwt_rules fapi2_rules(void) {
    return (struct jwt_rules){ .issuer = STR("acme"),
                               .subject = STR("acme"),
                               .audiences = &issuer_url,
                               .audience_count = 1,
                               .audience_string_only = true,
                               .now_ms = now_ms,
                               .leeway_ms = JWT_LEEWAY_MS,
                               .exp_ahead_max_ms = JWT_ASSERTION_AHEAD_MS,
                               .jti_required = true };
}

static int judge(const char *text, const struct jwt_rules *rules, struct jwt_facts *facts) {
    struct json *claims = NULL;
    if (json_parse(str_from_c(text), 4096, 8, &claims, NULL)) fail_msg("not JSON: %s", text);
    int r = jwt_check(claims, rules, facts);
    json_free(claims);
    return r;
}

struct jwt_case {
    const char *name, *claims;
    int want;
};

static void judge_all(const struct jwt_case *cases, size_t count, const struct jwt_rules *rules) {
    for (size_t i = 0; i < count; i++) {
        struct jwt_facts facts = { .expires_ms = -1 };
        int r = judge(cases[i].claims, rules, &facts);
        if (r != cases[i].want) fail_msg("%s: %d (%s)", cases[i].name, r, jwt_refusal_text(r));
        if (r) assert_int_equal(facts.expires_ms, -1); /* nothing is told of a refused token */
    }
}

#define ISS "\"iss\":\"acme\","
#define SUB "\"sub\":\"acme\","
#define AUD "\"aud\":\"https://localhost:8444\","
#define EXP "\"exp\":1800000060,"
#define JTI "\"jti\":\"1\""

static void client_assertions(void **state) {
    (void)state;
    static const struct jwt_case cases[] = {
        { "good", "{" ISS SUB AUD EXP JTI "}", 0 },
        { "more than asked", "{" ISS SUB AUD EXP JTI ",\"x\":{}}", 0 },
        { "C1 no iss", "{" SUB AUD EXP JTI "}", JWT_E_ISSUER_MISSING },
        { "C1 no sub", "{" ISS AUD EXP JTI "}", JWT_E_SUBJECT_MISSING },
        { "C1 no aud", "{" ISS SUB EXP JTI "}", JWT_E_AUDIENCE_MISSING },
        { "C1 no exp", "{" ISS SUB AUD JTI "}", JWT_E_EXP_MISSING },
        { "C1 no jti", "{" ISS SUB AUD "\"exp\":1800000060}", JWT_E_JTI_MISSING },
        { "C2 other iss", "{\"iss\":\"beta\"," SUB AUD EXP JTI "}", JWT_E_ISSUER },
        { "C2 other sub", "{" ISS "\"sub\":\"beta\"," AUD EXP JTI "}", JWT_E_SUBJECT },
        { "C8 another client's", "{\"iss\":\"beta\",\"sub\":\"beta\"," AUD EXP JTI "}", JWT_E_ISSUER },
        { "iss a list", "{\"iss\":[\"acme\"]," SUB AUD EXP JTI "}", JWT_E_ISSUER },
        { "sub null", "{" ISS "\"sub\":null," AUD EXP JTI "}", JWT_E_SUBJECT },
        { "iss in other case", "{\"iss\":\"Acme\"," SUB AUD EXP JTI "}", JWT_E_ISSUER },
        { "G8 list of one", "{" ISS SUB "\"aud\":[\"https://localhost:8444\"]," EXP JTI "}", JWT_E_AUDIENCE_LIST },
        { "G8 token endpoint", "{" ISS SUB "\"aud\":\"https://localhost:8443/token\"," EXP JTI "}", JWT_E_AUDIENCE },
        { "G8 PAR endpoint", "{" ISS SUB "\"aud\":\"https://localhost:8443/par\"," EXP JTI "}", JWT_E_AUDIENCE },
        { "aud with a slash more", "{" ISS SUB "\"aud\":\"https://localhost:8444/\"," EXP JTI "}", JWT_E_AUDIENCE },
        { "aud a number", "{" ISS SUB "\"aud\":1," EXP JTI "}", JWT_E_AUDIENCE },
        { "C3 5 min past", "{" ISS SUB AUD "\"exp\":1799999700," JTI "}", JWT_E_EXPIRED },
        { "exp now", "{" ISS SUB AUD "\"exp\":1800000000," JTI "}", JWT_E_EXPIRED },
        { "exp in 1 s", "{" ISS SUB AUD "\"exp\":1800000001," JTI "}", 0 },
        { "exp in half a second", "{" ISS SUB AUD "\"exp\":1800000000.5," JTI "}", 0 },
        { "C4 exp in 5 min", "{" ISS SUB AUD "\"exp\":1800000300," JTI "}", 0 },
        { "C4 exp in 5 min and 1 s", "{" ISS SUB AUD "\"exp\":1800000301," JTI "}", JWT_E_EXP_AHEAD },
        { "C4 exp in ms", "{" ISS SUB AUD "\"exp\":1800000060000," JTI "}", JWT_E_EXP },
        { "exp text", "{" ISS SUB AUD "\"exp\":\"1800000060\"," JTI "}", JWT_E_EXP },
        { "exp negative", "{" ISS SUB AUD "\"exp\":-1," JTI "}", JWT_E_EXP },
        { "exp beyond all", "{" ISS SUB AUD "\"exp\":1e300," JTI "}", JWT_E_EXP },
        { "exp largest", "{" ISS SUB AUD "\"exp\":9223372036854775807," JTI "}", JWT_E_EXP },
        { "exp true", "{" ISS SUB AUD "\"exp\":true," JTI "}", JWT_E_EXP },
        { "exp null", "{" ISS SUB AUD "\"exp\":null," JTI "}", JWT_E_EXP },
        { "G13 iat +8 s", "{" ISS SUB AUD EXP JTI ",\"iat\":1800000008}", 0 },
        { "G13 iat +60 s", "{" ISS SUB AUD EXP JTI ",\"iat\":1800000060}", 0 },
        { "G13 iat +61 s", "{" ISS SUB AUD EXP JTI ",\"iat\":1800000061}", JWT_E_IAT_AHEAD },
        { "G13 nbf +8 s", "{" ISS SUB AUD EXP JTI ",\"nbf\":1800000008}", 0 },
        { "G13 nbf +61 s", "{" ISS SUB AUD EXP JTI ",\"nbf\":1800000061}", JWT_E_NBF_AHEAD },
        { "old iat", "{" ISS SUB AUD EXP JTI ",\"iat\":1}", 0 },
        { "iat text", "{" ISS SUB AUD EXP JTI ",\"iat\":\"1\"}", JWT_E_IAT },
        { "nbf list", "{" ISS SUB AUD EXP JTI ",\"nbf\":[]}", JWT_E_NBF },
        { "jti a number", "{" ISS SUB AUD EXP "\"jti\":1}", JWT_E_JTI },
        { "jti empty", "{" ISS SUB AUD EXP "\"jti\":\"\"}", JWT_E_JTI },
        { "nothing", "{}", JWT_E_ISSUER_MISSING },
        { "a list", "[]", JWT_E_CLAIMS },
    };
    struct jwt_rules rules = fapi2_rules();
    judge_all(cases, ARRAY_COUNT(cases), &rules);
}

static void fapi1_assertions_may_name_endpoints(void **state) {
    (void)state;
    static const struct jwt_case cases[] = {
        { "issuer", "{" ISS SUB AUD EXP JTI "}", 0 },
        { "token endpoint", "{" ISS SUB "\"aud\":\"https://localhost:8443/token\"," EXP JTI "}", 0 },
        { "PAR endpoint in a list",
          "{" ISS SUB "\"aud\":[\"https://other\",\"https://localhost:8443/par\"]," EXP JTI "}", 0 },
        { "nothing of ours", "{" ISS SUB "\"aud\":[\"https://other\"]," EXP JTI "}", JWT_E_AUDIENCE },
        { "empty list", "{" ISS SUB "\"aud\":[]," EXP JTI "}", JWT_E_AUDIENCE },
        { "a list with a number", "{" ISS SUB "\"aud\":[\"https://localhost:8444\",1]," EXP JTI "}", JWT_E_AUDIENCE },
        { "a list in a list", "{" ISS SUB "\"aud\":[[\"https://localhost:8444\"]]," EXP JTI "}", JWT_E_AUDIENCE },
    };
    struct jwt_rules rules = fapi2_rules();
    rules.audiences = endpoints;
    rules.audience_count = ARRAY_COUNT(endpoints);
    rules.audience_string_only = false;
    judge_all(cases, ARRAY_COUNT(cases), &rules);
}

static void request_objects_live_an_hour(void **state) {
    (void)state;
    static const struct jwt_case cases[] = {
        { "good", "{" ISS AUD "\"exp\":1800003600,\"nbf\":1800000000}", 0 },
        { "no nbf", "{" ISS AUD "\"exp\":1800003600}", JWT_E_NBF_MISSING },
        { "61 min of life", "{" ISS AUD "\"exp\":1800003660,\"nbf\":1800000000}", JWT_E_LIFE },
        { "nbf an hour ago", "{" ISS AUD "\"exp\":1800000000.001,\"nbf\":1799996400.001}", 0 },
        { "nbf older", "{" ISS AUD "\"exp\":1800000001,\"nbf\":1799996399}", JWT_E_NBF_OLD },
    };
    struct jwt_rules rules = { .issuer = STR("acme"),
                               .audiences = &issuer_url,
                               .audience_count = 1,
                               .now_ms = now_ms,
                               .leeway_ms = JWT_LEEWAY_MS,
                               .nbf_age_max_ms = 3600000,
                               .exp_after_nbf_max_ms = 3600000,
                               .nbf_required = true };
    judge_all(cases, ARRAY_COUNT(cases), &rules);
}

static void a_token_that_passed_tells_its_facts(void **state) {
    (void)state;
    struct jwt_rules rules = fapi2_rules();
    struct json *claims = NULL;
    struct jwt_facts facts;
    assert_int_equal(json_parse(STR("{" ISS SUB AUD EXP "\"jti\":\"abc\",\"iat\":1800000000,\"nbf\":1799999999}"), 4096,
                                8, &claims, NULL),
                     0);
    assert_int_equal(jwt_check(claims, &rules, &facts), 0);
    assert_true(str_equal_c(facts.issuer, "acme") && str_equal_c(facts.subject, "acme") &&
                str_equal_c(facts.jti, "abc"));
    assert_int_equal(facts.expires_ms, now_ms + 60000);
    assert_int_equal(facts.issued_ms, now_ms);
    assert_int_equal(facts.not_before_ms, now_ms - 1000);
    json_free(claims);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_assertions),
        cmocka_unit_test(fapi1_assertions_may_name_endpoints),
        cmocka_unit_test(request_objects_live_an_hour),
        cmocka_unit_test(a_token_that_passed_tells_its_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
