#include "wire/jws_detached.h"

#include "platform/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ISS "0015800000jfQ9aAAE/4VgMwnVtNRYuVN0JvX5tmO"
#define OB "http://openbanking.org.uk/"
static const int64_t now_ms = 1800000000000;
static const struct str body = STR_INIT("{\"Data\":{\"Amount\":\"1.00\"}}");
static const struct str issuers[] = { STR_INIT(ISS) }, anchors[] = { STR_INIT("openbanking.org.uk") };

static struct key *rsa, *other;
static struct jwks *jwks;
static struct arena arena;
static char value_memory[16 * 1024];
static struct buffer value;

static int setup(void **state) {
    (void)state;
    char memory[2048];
    struct buffer text;
    buffer_init(&text, memory, sizeof memory);
    buffer_init(&value, value_memory, sizeof value_memory);
    if (key_generate(KEY_TYPE_RSA, &rsa) || key_generate(KEY_TYPE_RSA, &other)) return -1;
    struct jwk jwk = { .kid = STR("k1"), .key = rsa };
    return jwks_write(&text, &jwk, 1) || jwks_parse(buffer_str(&text), &jwks, NULL) ||
           arena_init(&arena, 64 * 1024, 128 * 1024);
}

static int teardown(void **state) {
    (void)state;
    key_free(rsa);
    key_free(other);
    jwks_free(jwks);
    arena_release(&arena);
    return 0;
}

static struct jws_detached_rules rules_of(void) {
    return (struct jws_detached_rules){ .wanted = true, .keys = jwks, .issuers = issuers, .issuer_count = 1,
                                        .trust_anchors = anchors, .trust_anchor_count = 1, .now_ms = now_ms };
}

/* header ".." signature over header "." BASE64URL(text), or over the bare text as RFC 7797 would have it. */
static struct str value_make(const struct key *key, const char *header, struct str text, bool bare) {
    char memory[8192];
    struct buffer input;
    struct key_signature signature;
    buffer_init(&input, memory, sizeof memory);
    buffer_reset(&value);
    arena_reset(&arena);
    base64url_encode(&value, header, strlen(header));
    buffer_append_str(&input, buffer_str(&value));
    buffer_append_char(&input, '.');
    if (bare) buffer_append_str(&input, text);
    else base64url_encode(&input, text.at, text.len);
    assert_int_equal(key_sign(key, KEY_ALG_PS256, buffer_str(&input), &signature), 0);
    buffer_append_c(&value, "..");
    base64url_encode(&value, signature.bytes, signature.len);
    assert_false(value.overflow || input.overflow);
    return buffer_str(&value);
}

#define ALG "\"alg\":\"PS256\","
#define KID "\"kid\":\"k1\","
#define IAT "\"" OB "iat\":1799999990,"
#define ISC "\"" OB "iss\":\"" ISS "\","
#define TAN "\"" OB "tan\":\"openbanking.org.uk\","
#define CRIT "\"crit\":[\"" OB "iat\",\"" OB "iss\",\"" OB "tan\"]"

/* spec: uk/J4, uk/J6 */
static void j4_headers_are_judged_claim_by_claim(void **state) {
    (void)state;
    static const struct {
        const char *name, *header;
        int want;
        const char *claim;
    } cases[] = {
        { "good", "{" ALG KID IAT ISC TAN CRIT "}", 0, "" },
        { "typ and cty", "{" ALG KID IAT ISC TAN CRIT ",\"typ\":\"JOSE\",\"cty\":\"json\"}", 0, "" },
        { "cty in full", "{" ALG KID IAT ISC TAN CRIT ",\"cty\":\"application/json\"}", 0, "" },
        { "crit in another order", "{" ALG KID IAT ISC TAN "\"crit\":[\"" OB "tan\",\"" OB "iat\",\"" OB "iss\"]}", 0,
          "" },
        { "no alg", "{" KID IAT ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM_MISSING, "alg" },
        { "no kid", "{" ALG IAT ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM_MISSING, "kid" },
        { "no iat", "{" ALG KID ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM_MISSING, OB "iat" },
        { "no iss", "{" ALG KID IAT TAN CRIT "}", JWS_DETACHED_E_CLAIM_MISSING, OB "iss" },
        { "no tan", "{" ALG KID IAT ISC CRIT "}", JWS_DETACHED_E_CLAIM_MISSING, OB "tan" },
        { "no crit", "{" ALG KID IAT ISC "\"" OB "tan\":\"openbanking.org.uk\"}", JWS_DETACHED_E_CLAIM_MISSING,
          "crit" },
        { "J3 none", "{\"alg\":\"none\"," KID IAT ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, "alg" },
        { "J3 RS256", "{\"alg\":\"RS256\"," KID IAT ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, "alg" },
        { "J3 ES256", "{\"alg\":\"ES256\"," KID IAT ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, "alg" },
        { "J3 ps256", "{\"alg\":\"ps256\"," KID IAT ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, "alg" },
        { "unknown kid", "{" ALG "\"kid\":\"k2\"," IAT ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, "kid" },
        { "kid a number", "{" ALG "\"kid\":1," IAT ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, "kid" },
        { "kid empty", "{" ALG "\"kid\":\"\"," IAT ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, "kid" },
        { "J5 iat ahead", "{" ALG KID "\"" OB "iat\":1800000001," ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, OB "iat" },
        { "J5 iat now", "{" ALG KID "\"" OB "iat\":1800000000," ISC TAN CRIT "}", 0, "" },
        { "J5 iat text", "{" ALG KID "\"" OB "iat\":\"1799999990\"," ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, OB "iat" },
        { "J5 iat null", "{" ALG KID "\"" OB "iat\":null," ISC TAN CRIT "}", JWS_DETACHED_E_CLAIM, OB "iat" },
        { "J5 iss of another", "{" ALG KID IAT "\"" OB "iss\":\"0015800000jfQ9aAAE/other\"," TAN CRIT "}",
          JWS_DETACHED_E_CLAIM, OB "iss" },
        { "J5 iss in part", "{" ALG KID IAT "\"" OB "iss\":\"0015800000jfQ9aAAE\"," TAN CRIT "}", JWS_DETACHED_E_CLAIM,
          OB "iss" },
        { "J5 tan not trusted", "{" ALG KID IAT ISC "\"" OB "tan\":\"evil.example\"," CRIT "}", JWS_DETACHED_E_CLAIM,
          OB "tan" },
        { "crit of two", "{" ALG KID IAT ISC TAN "\"crit\":[\"" OB "iat\",\"" OB "iss\"]}", JWS_DETACHED_E_CLAIM,
          "crit" },
        { "crit of four", "{" ALG KID IAT ISC TAN "\"crit\":[\"" OB "iat\",\"" OB "iss\",\"" OB "tan\",\"alg\"]}",
          JWS_DETACHED_E_CLAIM, "crit" },
        { "crit twice the same", "{" ALG KID IAT ISC TAN "\"crit\":[\"" OB "iat\",\"" OB "iss\",\"" OB "iss\"]}",
          JWS_DETACHED_E_CLAIM, "crit" },
        { "crit text", "{" ALG KID IAT ISC TAN "\"crit\":\"" OB "iat\"}", JWS_DETACHED_E_CLAIM, "crit" },
        { "J6 b64 false", "{" ALG KID IAT ISC TAN CRIT ",\"b64\":false}", JWS_DETACHED_E_CLAIM, "b64" },
        { "J6 b64 true", "{" ALG KID IAT ISC TAN CRIT ",\"b64\":true}", JWS_DETACHED_E_CLAIM, "b64" },
        { "J4 another claim", "{" ALG KID IAT ISC TAN CRIT ",\"x5t\":\"a\"}", JWS_DETACHED_E_CLAIM, "x5t" },
        { "J4 a claim without a name", "{" ALG KID IAT ISC TAN CRIT ",\"\":1}", JWS_DETACHED_E_CLAIM, "" },
        { "typ of a token", "{" ALG KID IAT ISC TAN CRIT ",\"typ\":\"JWT\"}", JWS_DETACHED_E_CLAIM, "typ" },
        { "cty of another kind", "{" ALG KID IAT ISC TAN CRIT ",\"cty\":\"text/xml\"}", JWS_DETACHED_E_CLAIM, "cty" },
        { "duplicate member", "{" ALG ALG KID IAT ISC TAN CRIT "}", JWS_DETACHED_E_MALFORMED, "" },
        { "no object", "[]", JWS_DETACHED_E_MALFORMED, "" },
        { "no JSON", "PS256", JWS_DETACHED_E_MALFORMED, "" },
    };
    struct jws_detached_rules rules = rules_of();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct str claim = STR("");
        int r = jws_detached_verify(value_make(rsa, cases[i].header, body, false), body, &rules, &arena, &claim);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
        if (!str_equal_c(claim, cases[i].claim)) fail_msg("%s: claim " STR_FMT, cases[i].name, STR_ARG(claim));
    }
}

/* spec: uk/J3 */
static void signatures_are_judged(void **state) {
    (void)state;
    static const char header[] = "{" ALG KID IAT ISC TAN CRIT "}";
    struct jws_detached_rules rules = rules_of(), unwanted = rules_of();
    unwanted.wanted = false;
    struct str good = value_make(rsa, header, body, false);
    assert_int_equal(jws_detached_verify(good, body, &rules, &arena, NULL), 0);
    assert_int_equal(jws_detached_verify(good, STR("{ \"Data\":{\"Amount\":\"1.00\"}}"), &rules, &arena, NULL),
                     JWS_DETACHED_E_INVALID); /* J8 */
    assert_int_equal(jws_detached_verify(good, STR(""), &rules, &arena, NULL), JWS_DETACHED_E_INVALID);
    assert_int_equal(jws_detached_verify(good, body, &unwanted, &arena, NULL), JWS_DETACHED_E_UNEXPECTED);
    assert_int_equal(jws_detached_verify(STR(""), body, &unwanted, &arena, NULL), 0);
    assert_int_equal(jws_detached_verify(STR(""), body, &rules, &arena, NULL), JWS_DETACHED_E_MISSING); /* J1 */
    assert_int_equal(jws_detached_verify(value_make(other, header, body, false), body, &rules, &arena, NULL),
                     JWS_DETACHED_E_INVALID);
    assert_int_equal(jws_detached_verify(value_make(rsa, header, body, true), body, &rules, &arena, NULL),
                     JWS_DETACHED_E_INVALID); /* J6 */
    assert_int_equal(jws_detached_verify(value_make(rsa, header, STR(""), false), STR(""), &rules, &arena, NULL), 0);
    rules.leeway_ms = 8000;
    assert_int_equal(
        jws_detached_verify(value_make(rsa, "{" ALG KID "\"" OB "iat\":1800000008," ISC TAN CRIT "}", body, false),
                            body, &rules, &arena, NULL),
        0);
    assert_int_equal(
        jws_detached_verify(value_make(rsa, "{" ALG KID "\"" OB "iat\":1800000009," ISC TAN CRIT "}", body, false),
                            body, &rules, &arena, NULL),
        JWS_DETACHED_E_CLAIM);
}

static void forms_that_are_malformed(void **state) {
    (void)state;
    struct jws_detached_rules rules = rules_of();
    struct str good = value_make(rsa, "{" ALG KID IAT ISC TAN CRIT "}", body, false);
    char text[8192], attached[8192];
    assert_int_equal(str_to_c(good, text, sizeof text), 0);
    struct str header, rest = str_from_c(text);
    (void)str_cut(&rest, '.', &header);
    (void)snprintf(attached, sizeof attached, STR_FMT ".e30" STR_FMT, STR_ARG(header),
                   STR_ARG(rest)); /* the payload left in place */
    const char *const bad[] = { ".", "..", "...", "a", "a..", "..a", "a.b.c", "e30.AA", "a...b", "!..AA", attached };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        if (jws_detached_verify(str_from_c(bad[i]), body, &rules, &arena, NULL) != JWS_DETACHED_E_MALFORMED)
            fail_msg("%s", bad[i]);
    size_t len = strlen(text);
    memcpy(text + len, "=", 2);
    assert_int_equal(jws_detached_verify(str_from_c(text), body, &rules, &arena, NULL), JWS_DETACHED_E_MALFORMED);
    memset(value_memory, 'A', sizeof value_memory);
    assert_int_equal(
        jws_detached_verify(str_from_bytes(value_memory, JWS_DETACHED_BYTES_MAX + 1), body, &rules, &arena, NULL),
        JWS_DETACHED_E_MALFORMED);
}

/* spec: uk/J7 */
static void j7_what_we_sign_verifies(void **state) {
    (void)state;
    struct jws_detached_signer signer = {
        .key = rsa, .kid = STR("k1"), .issuer = STR(ISS), .trust_anchor = STR("openbanking.org.uk")
    };
    struct jws_detached_rules rules = rules_of();
    static const struct str bodies[] = { STR_INIT(""), STR_INIT("a"), STR_INIT("ab"), STR_INIT("abc"),
                                         STR_INIT("{\"Errors\":[]}") };
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        buffer_reset(&value);
        arena_reset(&arena);
        assert_int_equal(jws_detached_sign(&signer, bodies[i], now_ms, &arena, &value), 0);
        assert_int_equal(jws_detached_verify(buffer_str(&value), bodies[i], &rules, &arena, NULL), 0);
        assert_int_equal(jws_detached_verify(buffer_str(&value), STR("x"), &rules, &arena, NULL),
                         JWS_DETACHED_E_INVALID);
    }
    struct key *ec = NULL;
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &ec), 0);
    signer.key = ec;
    assert_int_equal(jws_detached_sign(&signer, body, now_ms, &arena, &value), -EINVAL);
    key_free(ec);
    assert_string_equal(jws_detached_refusal_code(JWS_DETACHED_E_MISSING), "U019");
}

static void a_full_arena_is_a_fault(void **state) {
    (void)state;
    static char large[100 * 1024]; /* 4/3 of it is over the arena's cap */
    struct jws_detached_rules rules = rules_of();
    struct str good = value_make(rsa, "{" ALG KID IAT ISC TAN CRIT "}", body, false);
    assert_int_equal(jws_detached_verify(good, str_from_bytes(large, sizeof large), &rules, &arena, NULL), -ENOMEM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(j4_headers_are_judged_claim_by_claim),
        cmocka_unit_test(signatures_are_judged),
        cmocka_unit_test(forms_that_are_malformed),
        cmocka_unit_test(j7_what_we_sign_verifies),
        cmocka_unit_test(a_full_arena_is_a_fault),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
