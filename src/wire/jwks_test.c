#include "wire/jwks.h"

#include "platform/encoding.h"
#include "wire/jose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The public keys of RFC 7517 appendix A.1 and RFC 7515 appendix A.3. */
#define RSA_N                                                                                                          \
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"                          \
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ"                                                                               \
    "_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"                                                           \
    "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpb"                                              \
    "ISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RSA(more) "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"" more "}"
#define EC(more) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"" more "}"
#define OKP_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" /* RFC 8037 appendix A.2 */
#define OKP(more) "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "\"" more "}"
#define SET(keys) STR_INIT("{\"keys\":[" keys "]}")

/* spec: fapi/K5, fapi/K6 */
static void sets_are_judged(void **state) {
    (void)state;
    static const struct {
        const char *name;
        struct str text;
        int want;
        size_t count;
    } cases[] = {
        { "empty", SET(""), 0, 0 },
        { "one of each", SET(RSA(",\"kid\":\"a\"") "," EC(",\"kid\":\"b\"")), 0, 2 },
        { "fully described", SET(RSA(",\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"PS256\",\"key_ops\":[\"verify\"]")), 0,
          1 },
        { "without kid", SET(EC("")), 0, 1 },
        { "same kid, other algorithm (K6)", SET(RSA(",\"kid\":\"a\"") "," EC(",\"kid\":\"a\"")), 0, 2 },
        { "same kid, one for encryption (K6)", SET(RSA(",\"kid\":\"a\"") "," RSA(",\"kid\":\"a\",\"use\":\"enc\"")), 0,
          1 },
        { "same kid, same algorithm", SET(EC(",\"kid\":\"a\"") "," EC(",\"kid\":\"a\"")), JWKS_E_DUPLICATE, 0 },
        { "for encryption", SET(RSA(",\"use\":\"enc\"")), 0, 0 },
        { "use of another type", SET(RSA(",\"use\":1")), 0, 0 },
        { "RS256", SET(RSA(",\"alg\":\"RS256\"")), 0, 0 },
        { "RSA says ES256", SET(RSA(",\"alg\":\"ES256\"")), 0, 0 },
        { "key_ops without verify", SET(EC(",\"key_ops\":[\"encrypt\"]")), 0, 0 },
        { "key_ops no list", SET(EC(",\"key_ops\":\"verify\"")), 0, 0 },
        { "P-384", SET("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}"), 0, 0 },
        { "Ed25519", SET(OKP(",\"kid\":\"a\"")), 0, 1 },
        { "Ed25519 that says EdDSA", SET(OKP(",\"alg\":\"EdDSA\"")), 0, 1 },
        { "Ed25519 that says so", SET(OKP(",\"alg\":\"Ed25519\"")), 0, 1 },
        { "Ed25519 that says ES256", SET(OKP(",\"alg\":\"ES256\"")), 0, 0 },
        { "Ed25519, short", SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}"), JWKS_E_KEY, 0 },
        { "Ed25519, no point", SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}"), JWKS_E_KEY, 0 },
        { "X25519", SET("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}"), 0, 0 },
        { "Ed448", SET("{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AA\"}"), 0, 0 },
        { "EC without curve", SET("{\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}"), 0, 0 },
        { "private RSA", SET(RSA(",\"d\":\"AA\"")), JWKS_E_PRIVATE, 0 },
        { "private, even of another kind", SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\",\"d\":\"AA\"}"),
          JWKS_E_PRIVATE, 0 },
        { "symmetric", SET("{\"kty\":\"oct\",\"k\":\"AAAA\"}"), JWKS_E_PRIVATE, 0 },
        { "x5u", SET(EC(",\"x5u\":\"https://a\"")), JWKS_E_REMOTE, 0 },
        { "jku", SET(EC(",\"jku\":\"https://a\"")), JWKS_E_REMOTE, 0 },
        { "no kty", SET("{\"n\":\"AA\"}"), JWKS_E_SYNTAX, 0 },
        { "kid a number", SET(EC(",\"kid\":1")), JWKS_E_SYNTAX, 0 },
        { "kid empty", SET(EC(",\"kid\":\"\"")), JWKS_E_SYNTAX, 0 },
        { "key no object", SET("1"), JWKS_E_SYNTAX, 0 },
        { "short RSA", SET("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"), JWKS_E_KEY, 0 },
        { "padded n", SET("{\"kty\":\"RSA\",\"n\":\"" RSA_N "==\",\"e\":\"AQAB\"}"), JWKS_E_KEY, 0 },
        { "leading zero", SET("{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AAEAAQ\"}"), JWKS_E_KEY, 0 },
        { "no e", SET("{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}"), JWKS_E_KEY, 0 },
        { "off the curve", SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_X "\"}"), JWKS_E_KEY,
          0 },
        { "y short", SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"AAAA\"}"), JWKS_E_KEY, 0 },
        { "no set", STR_INIT("[]"), JWKS_E_SYNTAX, 0 },
        { "keys no list", STR_INIT("{\"keys\":{}}"), JWKS_E_SYNTAX, 0 },
        { "duplicate member", STR_INIT("{\"keys\":[],\"keys\":[]}"), JWKS_E_SYNTAX, 0 },
        { "no JSON", STR_INIT("keys"), JWKS_E_SYNTAX, 0 },
        { "too many", SET("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"), JWKS_E_SIZE, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct jwks *jwks = NULL;
        struct message message = { "" };
        int r = jwks_parse(cases[i].text, &jwks, &message);
        if (r != cases[i].want) fail_msg("%s: %d %s", cases[i].name, r, message.text);
        if (r) assert_true(message.text[0] != 0);
        if (r == 0 && jwks_count(jwks) != cases[i].count) fail_msg("%s: %zu keys", cases[i].name, jwks_count(jwks));
        jwks_free(jwks);
    }
}

static void j2_keys_are_found_by_kid_and_algorithm(void **state) {
    (void)state;
    static const struct str text = SET(RSA(",\"kid\":\"a\"") "," EC(",\"kid\":\"a\"") "," EC(",\"kid\":\"b\"") "," RSA(
        ",\"kid\":\"e\",\"use\":\"enc\""));
    struct jwks *jwks = NULL;
    assert_int_equal(jwks_parse(text, &jwks, NULL), 0);
    static const struct {
        const char *kid;
        enum key_alg alg;
        bool found;
    } cases[] = {
        { "a", KEY_ALG_PS256, true },  { "a", KEY_ALG_ES256, true },           { "b", KEY_ALG_ES256, true },
        { "b", KEY_ALG_PS256, false }, { "e", KEY_ALG_PS256, false },          { "A", KEY_ALG_PS256, false },
        { "", KEY_ALG_PS256, true },   { "", KEY_ALG_ES256, false /* two */ }, { "a", KEY_ALG_NONE, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct jwk *jwk = jwks_find(jwks, str_from_c(cases[i].kid), cases[i].alg);
        if ((jwk != NULL) != cases[i].found) fail_msg("%s %d", cases[i].kid, (int)cases[i].alg);
        if (jwk) assert_int_equal(key_algorithm(jwk->key), cases[i].alg);
    }
    jwks_free(jwks);
}

/* RFC 7515 appendix A.3 through the set that holds its key, and through sets that do not. */
static void tokens_verify_with_the_key_that_kid_names(void **state) {
    (void)state;
    static const struct str text =
        STR_INIT("eyJhbGciOiJFUzI1NiJ9."
                 "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
                 "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    static const struct {
        const char *name;
        struct str set;
        enum key_alg registered;
        int want;
    } cases[] = {
        { "its key", SET(EC(",\"kid\":\"b\"") "," RSA("")), KEY_ALG_NONE, 0 },
        { "its algorithm registered", SET(EC("")), KEY_ALG_ES256, 0 },
        { "another one registered", SET(EC("")), KEY_ALG_PS256, JOSE_E_ALG },
        { "no such key", SET(RSA("")), KEY_ALG_NONE, JOSE_E_KEY },
        { "two fit and no kid tells", SET(EC(",\"kid\":\"a\"") "," EC(",\"kid\":\"b\"")), KEY_ALG_NONE, JOSE_E_KEY },
    };
    struct arena arena;
    struct jws jws;
    assert_int_equal(arena_init(&arena, 4096, 65536), 0);
    assert_int_equal(jws_parse(text, &arena, &jws), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct jwks *jwks = NULL;
        assert_int_equal(jwks_parse(cases[i].set, &jwks, NULL), 0);
        int r = jws_verify_set(&jws, jwks, cases[i].registered);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
        jwks_free(jwks);
    }
    arena_release(&arena);
}

static void what_is_written_reads_back(void **state) {
    (void)state;
    static const struct str text =
        SET(RSA(",\"kid\":\"a\"") "," EC(",\"kid\":\"\\\"b\\\"\"") "," OKP(",\"kid\":\"c\""));
    struct jwks *jwks = NULL, *again = NULL;
    char memory[4096];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    assert_int_equal(jwks_parse(text, &jwks, NULL), 0);
    assert_int_equal(jwks_write(&out, jwks_at(jwks, 0), jwks_count(jwks)), 0);
    assert_int_equal(jwks_parse(buffer_str(&out), &again, NULL), 0);
    assert_int_equal(jwks_count(again), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_equal(jwks_at(again, i)->kid, jwks_at(jwks, i)->kid));
        assert_true(key_equal_public(jwks_at(again, i)->key, jwks_at(jwks, i)->key));
    }
    struct hash thumbprint; /* RFC 7638 section 3.1 */
    char digest[64];
    struct buffer digest_text;
    buffer_init(&digest_text, digest, sizeof digest);
    assert_int_equal(jwk_thumbprint(jwks_at(jwks, 0)->key, &thumbprint), 0);
    base64url_encode(&digest_text, thumbprint.bytes, sizeof thumbprint.bytes);
    assert_true(str_equal_c(buffer_str(&digest_text), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    buffer_reset(&digest_text); /* RFC 8037 appendix A.3 */
    assert_int_equal(jwk_thumbprint(jwks_at(jwks, 2)->key, &thumbprint), 0);
    base64url_encode(&digest_text, thumbprint.bytes, sizeof thumbprint.bytes);
    assert_true(str_equal_c(buffer_str(&digest_text), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    jwks_free(jwks);
    jwks_free(again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_judged),
        cmocka_unit_test(j2_keys_are_found_by_kid_and_algorithm),
        cmocka_unit_test(tokens_verify_with_the_key_that_kid_names),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
