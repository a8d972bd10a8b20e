/* dpop_proof_test.c - proofs of a key, one line a case: each rule of RFC 9449 section 4.3 broken beside a proof that is
 * good; addresses in their normal form; nonces. */
#include "auth/dpop_proof.h"

#include "auth/dpop_nonce.h"
#include "auth/target_uri.h"
#include "platform/encoding.h"
#include "wire/jose.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1700000000000)
#define NOW "1700000000"
#define URL "https://bank.example/v1/accounts"
#define ATH "3-xHIYekk60uPEXc_8fSYB0U5-vuGYr2vnKX6OkeLEc" /* of another token */

struct fixture {
    struct arena arena;
    struct key *key, *other;
    char jwk[512], ath[64];
};

static int setup(void **state) {
    static struct fixture fixture;
    struct buffer text;
    assert_int_equal(arena_init(&fixture.arena, 64 * 1024, 1024 * 1024), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &fixture.key), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &fixture.other), 0);
    struct key_parts parts;
    assert_int_equal(key_public_parts(fixture.key, &parts), 0);
    buffer_init(&text, fixture.jwk, sizeof fixture.jwk - 1);
    buffer_append_c(&text, "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
    base64url_encode(&text, parts.x, sizeof parts.x);
    buffer_append_c(&text, "\",\"y\":\"");
    base64url_encode(&text, parts.y, sizeof parts.y);
    buffer_append_c(&text, "\"");
    struct hash hash = sha256_str(STR("token"));
    buffer_init(&text, fixture.ath, sizeof fixture.ath - 1);
    base64url_encode(&text, hash.bytes, sizeof hash.bytes);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    key_free(fixture->key);
    key_free(fixture->other);
    arena_release(&fixture->arena);
    return 0;
}

/* '@' in the header stands for the key's members, in the claims for the token's hash. */
static struct str replaced(struct arena *arena, const char *text, char mark, const char *value) {
    char *memory = arena_alloc(arena, 4096);
    struct buffer out;
    buffer_init(&out, memory, 4096);
    for (const char *at = text; *at; at++) {
        if (*at == mark) buffer_append_c(&out, value);
        else buffer_append_char(&out, *at);
    }
    assert_false(out.overflow);
    return buffer_str(&out);
}

static struct str proof_by(struct fixture *fixture, const struct key *key, const char *header, const char *claims) {
    char *memory = arena_alloc(&fixture->arena, 8192);
    struct buffer out;
    struct str head = replaced(&fixture->arena, header, '@', fixture->jwk);
    struct str body = replaced(&fixture->arena, claims, '@', fixture->ath);
    struct key_signature signature;
    buffer_init(&out, memory, 8192);
    base64url_encode(&out, head.at, head.len);
    buffer_append_char(&out, '.');
    base64url_encode(&out, body.at, body.len);
    assert_int_equal(key_sign(key, KEY_ALG_ES256, buffer_str(&out), &signature), 0);
    buffer_append_char(&out, '.');
    base64url_encode(&out, signature.bytes, signature.len);
    return buffer_str(&out);
}

static struct dpop_rules rules_of(void) {
    return (struct dpop_rules){ .method = STR("GET"), .url = STR(URL), .access_token = STR("token"), .now_ms = NOW_MS };
}

#define HEAD "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{@}}"
#define MEMBERS(jti, htm, htu, iat, ath) "{" jti htm htu iat ath "\"end\":0}"
#define JTI "\"jti\":\"1\","
#define HTM "\"htm\":\"GET\","
#define HTU "\"htu\":\"" URL "\","
#define IAT "\"iat\":" NOW ","
#define TOKEN_HASH "\"ath\":\"@\","

/* spec: fapi/R7, fapi/86, fapi/87, fapi/88, fapi/89, fapi/90, fapi/91, fapi/92, fapi/93, fapi/94, fapi/99 */
static void proofs_are_judged(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *name, *header, *claims;
        bool good;
    } cases[] = {
        { "good", HEAD, MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH), true },
        { "106 more claims", HEAD, MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH "\"x\":1,\"exp\":1700000060,"), true },
        { "typ in capitals", "{\"typ\":\"DPOP+JWT\",\"alg\":\"ES256\",\"jwk\":{@}}",
          MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH), true },
        { "10 s old", HEAD, MEMBERS(JTI, HTM, HTU, "\"iat\":1699999990,", TOKEN_HASH), true },
        { "10 s ahead", HEAD, MEMBERS(JTI, HTM, HTU, "\"iat\":1700000010,", TOKEN_HASH), true },
        { "120 s old", HEAD, MEMBERS(JTI, HTM, HTU, "\"iat\":1699999880,", TOKEN_HASH), true },
        { "60 s ahead", HEAD, MEMBERS(JTI, HTM, HTU, "\"iat\":1700000060.0,", TOKEN_HASH), true },
        { "a nonce nobody asked for", HEAD, MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH "\"nonce\":\"n\","), true },
        { "102 121 s old", HEAD, MEMBERS(JTI, HTM, HTU, "\"iat\":1699999879,", TOKEN_HASH), false },
        { "102 61 s ahead", HEAD, MEMBERS(JTI, HTM, HTU, "\"iat\":1700000061,", TOKEN_HASH), false },
        { "102 an hour old", HEAD, MEMBERS(JTI, HTM, HTU, "\"iat\":1699996400,", TOKEN_HASH), false },
        { "expired", HEAD, MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH "\"exp\":" NOW ","), false },
        { "not yet", HEAD, MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH "\"nbf\":1700000061,"), false },
        { "exp no time", HEAD, MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH "\"exp\":\"x\","), false },
        { "86 no typ", "{\"alg\":\"ES256\",\"jwk\":{@}}", MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH), false },
        { "94 typ", "{\"typ\":\"jwt\",\"alg\":\"ES256\",\"jwk\":{@}}", MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH), false },
        { "87 no alg", "{\"typ\":\"dpop+jwt\",\"jwk\":{@}}", MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH), false },
        { "95 RS256", "{\"typ\":\"dpop+jwt\",\"alg\":\"RS256\",\"jwk\":{@}}", MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH),
          false },
        { "alg of another key", "{\"typ\":\"dpop+jwt\",\"alg\":\"PS256\",\"jwk\":{@}}",
          MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH), false },
        { "96 none", "{\"typ\":\"dpop+jwt\",\"alg\":\"none\",\"jwk\":{@}}", MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH),
          false },
        { "88 no jwk", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH), false },
        { "jwk no key", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{}}", MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH),
          false },
        { "98 private", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{@,\"d\":\"AA\"}}",
          MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH), false },
        { "for encryption", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{@,\"use\":\"enc\"}}",
          MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH), false },
        { "89 no jti", HEAD, MEMBERS("", HTM, HTU, IAT, TOKEN_HASH), false },
        { "90 no htm", HEAD, MEMBERS(JTI, "", HTU, IAT, TOKEN_HASH), false },
        { "91 no htu", HEAD, MEMBERS(JTI, HTM, "", IAT, TOKEN_HASH), false },
        { "92 no iat", HEAD, MEMBERS(JTI, HTM, HTU, "", TOKEN_HASH), false },
        { "93 no ath", HEAD, MEMBERS(JTI, HTM, HTU, IAT, ""), false },
        { "99 htm", HEAD, MEMBERS(JTI, "\"htm\":\"POST\",", HTU, IAT, TOKEN_HASH), false },
        { "100 htu", HEAD, MEMBERS(JTI, HTM, "\"htu\":\"" URL "/1\",", IAT, TOKEN_HASH), false },
        { "104 ath", HEAD, MEMBERS(JTI, HTM, HTU, IAT, "\"ath\":\"" ATH "\","), false },
        { "no claims", HEAD, "[]", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct dpop_facts facts;
        struct dpop_rules rules = rules_of();
        const char *wrong = NULL;
        arena_reset(&fixture->arena);
        struct str proof = proof_by(fixture, fixture->key, cases[i].header, cases[i].claims);
        int r = dpop_proof_judge(proof, &rules, &fixture->arena, &facts, &wrong);
        if (r != (cases[i].good ? 0 : DPOP_E_PROOF)) fail_msg("%s: %d, %s", cases[i].name, r, wrong ? wrong : "");
        if (!cases[i].good) assert_non_null(wrong);
    }
}

/* spec: fapi/85, fapi/97, fapi/R7 */
static void what_is_no_signed_token_proves_nothing(void **state) {
    struct fixture *fixture = *state;
    struct dpop_rules rules = rules_of();
    struct dpop_facts facts;
    struct hash thumbprint;
    struct str good = proof_by(fixture, fixture->key, HEAD, MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH));
    assert_int_equal(dpop_proof_judge(good, &rules, &fixture->arena, &facts, NULL), 0);
    assert_int_equal(jwk_thumbprint(fixture->key, &thumbprint), 0);
    assert_true(hash_equal(&thumbprint, &facts.thumbprint));
    assert_int_equal(facts.expires_ms, NOW_MS + DPOP_AGE_MAX_MS);
    struct str other = proof_by(fixture, fixture->other, HEAD, MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH));
    assert_int_equal(dpop_proof_judge(other, &rules, &fixture->arena, &facts, NULL), DPOP_E_PROOF);
    const struct str bad[] = {
        STR(""), STR("x"), STR(".."), STR("a.b.c"), str_slice(good, 0, good.len - 1), str_slice(good, 1, good.len)
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(dpop_proof_judge(bad[i], &rules, &fixture->arena, &facts, NULL), DPOP_E_PROOF);
    rules.access_token = (struct str){ 0 }; /* at the token endpoint nobody looks at ath */
    good = proof_by(fixture, fixture->key, HEAD, MEMBERS(JTI, HTM, HTU, IAT, ""));
    assert_int_equal(dpop_proof_judge(good, &rules, &fixture->arena, &facts, NULL), 0);
}

/* spec: fapi/G10, fapi/102, fapi/110 */
static void nonces_are_asked_for(void **state) {
    struct fixture *fixture = *state;
    struct hash key = sha256_str(STR("ours")), foreign = sha256_str(STR("theirs"));
    struct dpop_rules rules = rules_of();
    struct dpop_facts facts;
    static const struct {
        const char *name;
        int64_t age_ms; /* of the nonce */
        bool ours;
        int want;
    } cases[] = {
        { "fresh", 0, true, 0 },
        { "of the period before", DPOP_NONCE_PERIOD_MS, true, 0 },
        { "of a node whose clock is ahead", -DPOP_NONCE_PERIOD_MS, true, 0 },
        { "old", 2 * DPOP_NONCE_PERIOD_MS, true, DPOP_E_NONCE },
        { "made with another key", 0, false, DPOP_E_NONCE },
    };
    rules.nonce_key = &key;
    struct str without = proof_by(fixture, fixture->key, HEAD, MEMBERS(JTI, HTM, HTU, IAT, TOKEN_HASH));
    assert_int_equal(dpop_proof_judge(without, &rules, &fixture->arena, &facts, NULL), DPOP_E_NONCE);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char nonce[DPOP_NONCE_TEXT_BYTES];
        (void)dpop_nonce_make(cases[i].ours ? &key : &foreign, NOW_MS - cases[i].age_ms, nonce);
        struct str claims = arena_printf(&fixture->arena, "{" JTI HTM HTU "\"iat\":%s," TOKEN_HASH "\"nonce\":\"%s\"}",
                                         cases[i].want ? NOW : "1699996400", nonce);
        struct str proof = proof_by(fixture, fixture->key, HEAD, claims.at);
        int r = dpop_proof_judge(proof, &rules, &fixture->arena, &facts, NULL);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
    }
}

/* spec: fapi/101 */
static void addresses_have_one_form(void **state) {
    (void)state;
    static const struct {
        const char *uri, *normal; /* NULL: no address */
    } cases[] = {
        { "https://a.example/x", "https://a.example/x" },
        { "HTTPS://A.Example:443/x", "https://a.example/x" },
        { "https://a.example:/x", "https://a.example/x" },
        { "https://a.example:8443/x", "https://a.example:8443/x" },
        { "https://a.example", "https://a.example/" },
        { "https://a.example?q", "https://a.example/" },
        { "https://a.example/x?q=1#f", "https://a.example/x" },
        { "https://a.example/x#f?", "https://a.example/x" },
        { "https://a.example/%7ex%2fy%41", "https://a.example/~x%2FyA" },
        { "https://a.example/X", "https://a.example/X" },
        { "https://[2001:DB8::1]/x", "https://[2001:db8::1]/x" },
        { "http://a.example/x", NULL },
        { "https:///x", NULL },
        { "https://:443/x", NULL },
        { "https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x" },
        { "https://[2001:db8::1/x", NULL },
        { "https://[::1]x/x", NULL },
        { "https://a.example::/x", NULL },
        { "https://a.example:x/x", NULL },
        { "https://u@a.example/x", NULL },
        { "https://a.example/%4", NULL },
        { "https://a.example/%zz", NULL },
        { "https://a.example/a b", NULL },
        { "/x", NULL },
        { "", NULL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char memory[256];
        struct buffer out;
        buffer_init(&out, memory, sizeof memory);
        bool fits = target_uri_normal(str_from_c(cases[i].uri), &out);
        if (fits != (cases[i].normal != NULL)) fail_msg("%s", cases[i].uri);
        if (fits && !str_equal_c(buffer_str(&out), cases[i].normal))
            fail_msg("%s: " STR_FMT, cases[i].uri, STR_ARG(buffer_str(&out)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_are_judged),
        cmocka_unit_test(what_is_no_signed_token_proves_nothing),
        cmocka_unit_test(nonces_are_asked_for),
        cmocka_unit_test(addresses_have_one_form),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
