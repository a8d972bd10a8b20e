#include "wire/jose.h"

#include "platform/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Published vectors, read from $GIRO_SHARED/data/jose (default ../shared), skipped where that is absent. */

enum { VECTOR_BYTES_MAX = 1024 * 1024 };
static struct arena arena;

static int setup(void **state) {
    (void)state;
    return arena_init(&arena, 64 * 1024, 256 * 1024);
}

static int teardown(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

/* NULL when the file is absent. The caller frees. */
static struct json *vectors_read(const char *name) {
    char path[512];
    const char *shared = getenv("GIRO_SHARED");
    static char text[VECTOR_BYTES_MAX];
    (void)snprintf(path, sizeof path, "%s/data/jose/%s", shared ? shared : "../shared", name);
    FILE *file = fopen(path, "r");
    if (!file) return NULL;
    size_t len = fread(text, 1, sizeof text, file);
    assert_true(len < sizeof text);
    (void)fclose(file); /* only read from */
    struct json *json = NULL;
    assert_int_equal(json_parse(str_from_bytes(text, len), VECTOR_BYTES_MAX, JSON_DEPTH_MAX, &json, NULL), 0);
    return json;
}

/* The set of one key, or NULL when it is refused as a whole (a symmetric key). */
static struct jwks *set_of(const struct json *jwk) {
    static char memory[16 * 1024];
    struct buffer text;
    struct jwks *jwks = NULL;
    buffer_init(&text, memory, sizeof memory);
    buffer_append_c(&text, "{\"keys\":[");
    json_write(&text, jwk);
    buffer_append_c(&text, "]}");
    assert_false(text.overflow);
    return jwks_parse(buffer_str(&text), &jwks, NULL) ? NULL : jwks;
}

static bool is_accepted(struct str token, const struct jwks *jwks) {
    struct jws jws;
    arena_reset(&arena);
    return jws_parse(token, &arena, &jws) == 0 && jws_verify_set(&jws, jwks, KEY_ALG_NONE) == 0;
}

static bool alg_is_ours(struct str alg) {
    return key_alg_parse(alg) != KEY_ALG_NONE;
}

/* spec: gateway/r9 */
static void wycheproof(void **state) {
    (void)state;
    struct json *all = vectors_read("wycheproof_jws_1_200.json");
    if (!all) skip();
    const struct json *groups = json_get(all, "testGroups");
    size_t count = 0, accepted = 0;
    for (size_t g = 0; g < json_count(groups); g++) {
        const struct json *group = json_at(groups, g), *tests = json_get(group, "tests");
        const struct json *public = json_get(group, "public");
        struct jwks *jwks = set_of(public ? public : json_get(group, "private"));
        bool ours = alg_is_ours(json_get_string(public, "alg"));
        for (size_t i = 0; i < json_count(tests); i++, count++) {
            const struct json *test = json_at(tests, i);
            bool is_valid = str_equal_c(json_get_string(test, "result"), "valid");
            bool is_good = jwks && is_accepted(json_get_string(test, "jws"), jwks);
            accepted += is_good;
            if (is_good != (ours && is_valid))
                fail_msg("%lld " STR_FMT ": accepted %d", (long long)json_get_integer(test, "tcId", 0),
                         STR_ARG(json_get_string(test, "comment")), is_good);
        }
        jwks_free(jwks);
    }
    assert_int_equal(count, 200);
    assert_true(accepted > 0); /* the ES256 ones */
    json_free(all);
}

/* The same tokens against the same RSA numbers when nobody wrote an algorithm to the key: still refused, by their
 * header. */
static void wycheproof_rs256_with_an_unmarked_key(void **state) {
    (void)state;
    struct json *all = vectors_read("wycheproof_jws_1_200.json");
    if (!all) skip();
    const struct json *groups = json_get(all, "testGroups");
    size_t count = 0;
    for (size_t g = 0; g < json_count(groups); g++) {
        const struct json *public = json_get(json_at(groups, g), "public"),
                          *tests = json_get(json_at(groups, g), "tests");
        char memory[4096];
        struct buffer text;
        struct jwks *jwks = NULL;
        if (!str_equal_c(json_get_string(public, "kty"), "RSA")) continue;
        buffer_init(&text, memory, sizeof memory);
        buffer_printf(&text, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" STR_FMT "\",\"e\":\"AQAB\"}]}",
                      STR_ARG(json_get_string(public, "n")));
        assert_int_equal(jwks_parse(buffer_str(&text), &jwks, NULL), 0);
        assert_int_equal(jwks_count(jwks), 1);
        for (size_t i = 0; i < json_count(tests); i++, count++) {
            struct jws jws;
            arena_reset(&arena);
            assert_int_not_equal(jws_parse(json_get_string(json_at(tests, i), "jws"), &arena, &jws), 0);
        }
        jwks_free(jwks);
    }
    assert_true(count > 100);
    json_free(all);
}

/* RFC 7520 signs with RS256, PS384, ES512 and HS256: its keys are read or left out as our rules say, its tokens are
 * refused. */
/* spec: gateway/r9 */
static void rfc_7520(void **state) {
    (void)state;
    static const struct {
        const char *file;
        int want; /* of jws_parse */
    } tokens[] = {
        { "rfc7520_4_1.rsa_v15_signature.json", JOSE_E_ALG },
        { "rfc7520_4_2.rsa-pss_signature.json", JOSE_E_ALG },
        { "rfc7520_4_3.ecdsa_signature.json", JOSE_E_ALG },
        { "rfc7520_4_4.hmac-sha2_integrity_protection.json", JOSE_E_ALG },
        { "rfc7520_4_5.signature_with_detached_content.json", JOSE_E_ALG },
    };
    static const struct {
        const char *file;
        bool is_refused;
        size_t count;
    } keys[] = {
        { "rfc7520_3_1.ec_public_key.json", false, 0 }, /* P-521 */
        { "rfc7520_3_2.ec_private_key.json", true, 0 },
        { "rfc7520_3_3.rsa_public_key.json", false, 1 },
        { "rfc7520_3_4.rsa_private_key.json", true, 0 },
        { "rfc7520_3_5.symmetric_key_mac_computation.json", true, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(tokens); i++) {
        struct json *json = vectors_read(tokens[i].file);
        struct jws jws;
        if (!json) skip();
        struct str compact = json_string(json_path(json, "output.compact"));
        assert_true(compact.len > 0);
        arena_reset(&arena);
        int r = jws_parse(compact, &arena, &jws);
        if (r != tokens[i].want) fail_msg("%s: %d", tokens[i].file, r);
        json_free(json);
    }
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        struct json *json = vectors_read(keys[i].file);
        if (!json) skip();
        struct jwks *jwks = set_of(json);
        if ((jwks == NULL) != keys[i].is_refused) fail_msg("%s", keys[i].file);
        if (jwks) assert_int_equal(jwks_count(jwks), keys[i].count);
        jwks_free(jwks);
        json_free(json);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof),
        cmocka_unit_test(wycheproof_rs256_with_an_unmarked_key),
        cmocka_unit_test(rfc_7520),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
