/* auth_rules_test.c - the small rules of the authorization server: PKCE, scopes, redirect URIs, escaping, cookies. */
#include "auth/authorization_response.h"
#include "auth/browser_session.h"
#include "auth/html.h"
#include "auth/proof_key.h"
#include "auth/scope.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TEN "0123456789"
#define V43 TEN TEN TEN TEN "abc"

static void verifiers_become_challenges(void **state) {
    (void)state;
    char challenge[PROOF_KEY_CHALLENGE_BYTES + 1];
    static const struct {
        const char *name, *verifier;
        bool fits;
    } cases[] = {
        { "43 characters", V43, true },
        { "42 characters", TEN TEN TEN TEN "ab", false },
        { "128 characters", TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "01234567", true },
        { "129 characters", TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345678", false },
        { "all that is unreserved", V43 "-._~AZaz", true },
        { "a blank", V43 " ", false },
        { "a plus", V43 "+", false },
        { "empty", "", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        if (proof_key_challenge_of(str_from_c(cases[i].verifier), challenge) != cases[i].fits)
            fail_msg("%s", cases[i].name);
    /* RFC 7636 appendix B */
    assert_true(proof_key_challenge_of(STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), challenge));
    assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    assert_true(proof_key_challenge_fits(str_from_c(challenge)));
    assert_false(proof_key_challenge_fits(STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c")));
    assert_false(proof_key_challenge_fits(STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c+")));
    assert_false(proof_key_challenge_fits(STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMM")));
}

static void scopes_stay_within(void **state) {
    (void)state;
    static const struct {
        const char *name, *scope, *allowed;
        bool within;
    } cases[] = {
        { "one", "payments", "openid payments", true },
        { "all, other order", "payments openid", "openid payments", true },
        { "empty", "", "openid payments", false },
        { "one more", "openid payments cards", "openid payments", false },
        { "part of a word", "pay", "openid payments", false },
        { "two blanks", "openid  payments", "openid payments", false },
        { "blank in front", " openid", "openid payments", false },
        { "blank behind", "openid ", "openid payments", false },
        { "nothing allowed", "openid", "", false },
        { "case", "OpenID", "openid", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        if (scope_within(str_from_c(cases[i].scope), str_from_c(cases[i].allowed)) != cases[i].within)
            fail_msg("%s", cases[i].name);
    char many[SCOPE_BYTES_MAX + 2];
    memset(many, ' ', sizeof many);
    for (size_t i = 0; i + 1 < sizeof many; i += 2) many[i] = 'a';
    assert_true(scope_within(str_from_bytes(many, SCOPE_BYTES_MAX - 1), STR("a")));
    assert_false(scope_within(str_from_bytes(many, SCOPE_BYTES_MAX + 1), STR("a")));
}

/* spec: gateway/T15 */
static void redirect_uris_are_matched_exactly(void **state) {
    (void)state;
    static const char list[] = "https://a.example/cb https://b.example/cb?x=1";
    static const struct {
        const char *name, *uri;
        bool listed;
    } cases[] = {
        { "first", "https://a.example/cb", true },
        { "second", "https://b.example/cb?x=1", true },
        { "prefix", "https://a.example/c", false },
        { "suffix", "https://a.example/cb/", false },
        { "query", "https://a.example/cb?x=1", false },
        { "other host", "https://a.example.evil/cb", false },
        { "case", "https://A.example/cb", false },
        { "empty", "", false },
        { "the whole list", list, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        if (word_list_has(str_from_c(list), str_from_c(cases[i].uri)) != cases[i].listed) fail_msg("%s", cases[i].name);
}

static void origins_are_cut(void **state) {
    (void)state;
    assert_true(str_equal(uri_origin(STR("https://localhost:9443/cb?a=b")), STR("https://localhost:9443")));
    assert_true(str_equal(uri_origin(STR("https://a.example?x")), STR("https://a.example")));
    assert_true(str_equal(uri_origin(STR("https://a.example")), STR("https://a.example")));
}

static void text_is_escaped(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "plain", "plain" },
        { "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;" },
        { "\" onload='x'", "&quot; onload=&#39;x&#39;" },
        { "a & b", "a &amp; b" },
        { "&amp;", "&amp;amp;" },
        { "line\r\nend\x7f\x01", "lineend" },
        { "Zo\xc3\xab", "Zo\xc3\xab" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char memory[256];
        struct buffer out;
        buffer_init(&out, memory, sizeof memory);
        html_text(&out, str_from_c(cases[i].text));
        if (!str_equal_c(buffer_str(&out), cases[i].want))
            fail_msg("%s: " STR_FMT, cases[i].text, STR_ARG(buffer_str(&out)));
    }
}

#define COOKIE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void cookies_are_read(void **state) {
    (void)state;
    static const struct {
        const char *name, *header;
        bool ours;
    } cases[] = {
        { "alone", "__Host-giro-session=" COOKIE, true },
        { "among others", "a=b; __Host-giro-session=" COOKIE "; c=d", true },
        { "none", "", false },
        { "others only", "a=b; c", false },
        { "other prefix", "giro-session=" COOKIE, false },
        { "twice", "__Host-giro-session=" COOKIE "; __Host-giro-session=" COOKIE, false },
        { "too short", "__Host-giro-session=AAAA", false },
        { "not ours in form", "__Host-giro-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct str cookie = { 0 };
        if (browser_session_read(COOKIE_CONSENT, str_from_c(cases[i].header), &cookie) != cases[i].ours)
            fail_msg("%s", cases[i].name);
        if (cases[i].ours) assert_true(str_equal_c(cookie, COOKIE));
    }
    char one[FORM_TOKEN_TEXT_BYTES], two[FORM_TOKEN_TEXT_BYTES];
    struct str token = form_token_of(STR(COOKIE), one), other = form_token_of(STR("B"), two);
    assert_true(form_token_is_right(STR(COOKIE), token));
    assert_false(form_token_is_right(STR(COOKIE), other));
    assert_false(form_token_is_right(STR(COOKIE), STR("")));
    assert_false(form_token_is_right(STR(COOKIE), str_slice(token, 0, 42)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifiers_become_challenges),
        cmocka_unit_test(scopes_stay_within),
        cmocka_unit_test(redirect_uris_are_matched_exactly),
        cmocka_unit_test(origins_are_cut),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(cookies_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
