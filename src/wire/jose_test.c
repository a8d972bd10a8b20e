#include "wire/jose.h"

#include "platform/clock.h"
#include "platform/digest.h"
#include "platform/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct key *rsa, *ec, *ed, *stranger;
static struct arena arena;
static char token_memory[64 * 1024];
static struct buffer token;

static int setup(void **state) {
    (void)state;
    buffer_init(&token, token_memory, sizeof token_memory);
    return key_generate(KEY_TYPE_RSA, &rsa) || key_generate(KEY_TYPE_EC_P256, &ec) ||
           key_generate(KEY_TYPE_ED25519, &ed) || key_generate(KEY_TYPE_EC_P256, &stranger) ||
           arena_init(&arena, 64 * 1024, 64 * 1024);
}

static int teardown(void **state) {
    (void)state;
    key_free(rsa);
    key_free(ec);
    key_free(ed);
    key_free(stranger);
    arena_release(&arena);
    return 0;
}

/* header "." payload "." signature of key over them, whatever the header says. */
static struct str token_make(const struct key *key, struct str header, struct str payload) {
    struct key_signature signature;
    arena_reset(&arena);
    buffer_reset(&token);
    base64url_encode(&token, header.at, header.len);
    buffer_append_char(&token, '.');
    base64url_encode(&token, payload.at, payload.len);
    assert_int_equal(key_sign(key, key_algorithm(key), buffer_str(&token), &signature), 0);
    buffer_append_char(&token, '.');
    base64url_encode(&token, signature.bytes, signature.len);
    assert_false(token.overflow);
    return buffer_str(&token);
}

static int judge(struct str text, const struct key *key, enum key_alg alg) {
    struct jws jws;
    int r = jws_parse(text, &arena, &jws);
    return r ? r : jws_verify(&jws, key, alg);
}

static void what_we_sign_verifies(void **state) {
    (void)state;
    const struct key *keys[] = { rsa, ec, ed };
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        struct jws jws;
        struct jws_header header = { .kid = STR("key \"1\""), .typ = STR("JWT") };
        const struct json *claims = NULL;
        arena_reset(&arena);
        buffer_reset(&token);
        assert_int_equal(jws_sign(keys[i], &header, STR("{\"iss\":\"me\"}"), &token), 0);
        assert_int_equal(jws_parse(buffer_str(&token), &arena, &jws), 0);
        assert_true(str_equal(jws.kid, header.kid) && str_equal(jws.typ, header.typ));
        assert_true(str_equal_c(jws.payload, "{\"iss\":\"me\"}"));
        assert_int_equal(jws_verify(&jws, keys[i], KEY_ALG_NONE), 0);
        assert_int_equal(jws_verify(&jws, keys[i], key_algorithm(keys[i])), 0);
        assert_int_equal(jws_verify(&jws, stranger, KEY_ALG_NONE), i == 1 ? JOSE_E_SIGNATURE : JOSE_E_ALG);
        assert_int_equal(jws_claims(&jws, &arena, &claims), 0);
        assert_true(str_equal_c(json_get_string(claims, "iss"), "me"));
    }
}

/* r1: the registered algorithm decides. */
/* spec: gateway/r1, gateway/21 */
static void r1_the_header_equals_the_registered_algorithm(void **state) {
    (void)state;
    const struct {
        const char *name;
        const struct key *key;
        struct str header;
        enum key_alg registered;
        int want;
    } cases[] = {
        { "ES256 as registered", ec, STR("{\"alg\":\"ES256\"}"), KEY_ALG_ES256, 0 },
        { "ES256 by its key", ec, STR("{\"alg\":\"ES256\"}"), KEY_ALG_NONE, 0 },
        { "ES256 where PS256 is registered", ec, STR("{\"alg\":\"ES256\"}"), KEY_ALG_PS256, JOSE_E_ALG },
        { "header says PS256, key is EC", ec, STR("{\"alg\":\"PS256\"}"), KEY_ALG_NONE, JOSE_E_ALG },
        { "PS256 as registered", rsa, STR("{\"alg\":\"PS256\"}"), KEY_ALG_PS256, 0 },
        { "EdDSA", ed, STR("{\"alg\":\"EdDSA\"}"), KEY_ALG_EDDSA, 0 },
        { "EdDSA by its other name", ed, STR("{\"alg\":\"Ed25519\"}"), KEY_ALG_EDDSA, 0 },
        { "EdDSA where ES256 is registered", ed, STR("{\"alg\":\"EdDSA\"}"), KEY_ALG_ES256, JOSE_E_ALG },
        { "header says ES256, key is Ed25519", ed, STR("{\"alg\":\"ES256\"}"), KEY_ALG_NONE, JOSE_E_ALG },
        { "Ed448 by an Ed25519 key", ed, STR("{\"alg\":\"Ed448\"}"), KEY_ALG_NONE, JOSE_E_ALG },
        { "header says ES256, key is RSA", rsa, STR("{\"alg\":\"ES256\"}"), KEY_ALG_NONE, JOSE_E_ALG },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int r = judge(token_make(cases[i].key, cases[i].header, STR("{}")), cases[i].key, cases[i].registered);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
    }
}

/* r2 and T2: each signed with the right key, so that only the header is to blame. */
/* spec: gateway/r2, gateway/21, gateway/T2, fapi/K2 */
static void r2_headers_that_are_refused(void **state) {
    (void)state;
    static const struct {
        struct str header;
        int want;
    } cases[] = {
        { STR_INIT("{\"alg\":\"ES256\"}"), 0 },
        { STR_INIT("{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"JWT\",\"cty\":\"x\",\"other\":{\"a\":[1]}}"), 0 },
        { STR_INIT("{\"alg\":\"none\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"None\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"NONE\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"nOnE\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"es256\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"Es256\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"ES256 \"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":null}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":[\"ES256\"]}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":256}"), JOSE_E_ALG },
        { STR_INIT("{}"), JOSE_E_ALG },
        { STR_INIT("{\"Alg\":\"ES256\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"HS256\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"RS256\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"RS512\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"PS384\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"ES256K\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"ES384\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"EdDSA\"}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"PBES2-HS256+A128KW\",\"p2c\":2147483648}"), JOSE_E_ALG },
        { STR_INIT("{\"alg\":\"ES256\",\"zip\":\"DEF\"}"), JOSE_E_MEMBER },
        { STR_INIT("{\"alg\":\"ES256\",\"jku\":\"https://evil.example/jwks\"}"), JOSE_E_MEMBER },
        { STR_INIT("{\"alg\":\"ES256\",\"x5u\":\"https://evil.example/c\"}"), JOSE_E_MEMBER },
        { STR_INIT("{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\"}}"), JOSE_E_MEMBER },
        { STR_INIT("{\"alg\":\"ES256\",\"jwk\":null}"), JOSE_E_MEMBER },
        { STR_INIT("{\"alg\":\"ES256\",\"b64\":true}"), JOSE_E_MEMBER },
        { STR_INIT("{\"alg\":\"ES256\",\"b64\":false,\"crit\":[\"b64\"]}"), JOSE_E_MEMBER },
        { STR_INIT("{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}"), JOSE_E_CRIT },
        { STR_INIT("{\"alg\":\"ES256\",\"crit\":[]}"), JOSE_E_CRIT },
        { STR_INIT("{\"alg\":\"ES256\",\"crit\":null}"), JOSE_E_CRIT },
        { STR_INIT("{\"alg\":\"ES256\",\"kid\":1}"), JOSE_E_HEADER },
        { STR_INIT("{\"alg\":\"ES256\",\"kid\":\"\"}"), JOSE_E_HEADER },
        { STR_INIT("{\"alg\":\"ES256\",\"typ\":{}}"), JOSE_E_HEADER },
        { STR_INIT("{\"alg\":\"none\",\"alg\":\"ES256\"}"), JOSE_E_HEADER },
        { STR_INIT("{\"alg\":\"ES256\",\"al\\u0067\":\"none\"}"), JOSE_E_HEADER },
        { STR_INIT("[\"alg\",\"ES256\"]"), JOSE_E_HEADER },
        { STR_INIT("\"ES256\""), JOSE_E_HEADER },
        { STR_INIT("{\"alg\":\"ES256\"} x"), JOSE_E_HEADER },
        { STR_INIT("{\"alg\":\"ES256\""), JOSE_E_HEADER },
        { STR_INIT("{\"alg\":\"ES256\",\"kid\":\"\xff\"}"), JOSE_E_HEADER },
        { STR_INIT("{\"alg\":\"ES256\",\"a\":[[[[[[[1]]]]]]]}"), 0 },               /* 8 levels */
        { STR_INIT("{\"alg\":\"ES256\",\"a\":[[[[[[[[1]]]]]]]]}"), JOSE_E_HEADER }, /* 9 */
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int r = judge(token_make(ec, cases[i].header, STR("{}")), ec, KEY_ALG_ES256);
        if (r != cases[i].want) fail_msg(STR_FMT ": %d", STR_ARG(cases[i].header), r);
    }
}

/* r3: sizes, at the limit and one above. */
/* spec: gateway/r3 */
static void r3_sizes_are_bounded(void **state) {
    (void)state;
    static char header[JOSE_HEADER_BYTES_MAX + 1], payload[JOSE_TOKEN_BYTES_MAX];
    memset(header, ' ', sizeof header); /* blanks behind the object are JSON */
    memcpy(header, "{\"alg\":\"ES256\"}", 15);
    assert_int_equal(judge(token_make(ec, str_from_bytes(header, JOSE_HEADER_BYTES_MAX), STR("{}")), ec, KEY_ALG_ES256),
                     0);
    assert_int_equal(
        judge(token_make(ec, str_from_bytes(header, JOSE_HEADER_BYTES_MAX + 1), STR("{}")), ec, KEY_ALG_ES256),
        JOSE_E_SIZE);
    memset(payload, 'x', sizeof payload);
    size_t fixed = 20 + 1 + 1 + 86; /* header, points, signature */
    size_t longest = (JOSE_TOKEN_BYTES_MAX - fixed) / 4 * 3;
    struct str text = token_make(ec, STR("{\"alg\":\"ES256\"}"), str_from_bytes(payload, longest));
    assert_true(text.len <= JOSE_TOKEN_BYTES_MAX && text.len > JOSE_TOKEN_BYTES_MAX - 4);
    assert_int_equal(judge(text, ec, KEY_ALG_ES256), 0);
    text = token_make(ec, STR("{\"alg\":\"ES256\"}"), str_from_bytes(payload, longest + 3));
    assert_true(text.len > JOSE_TOKEN_BYTES_MAX);
    assert_int_equal(judge(text, ec, KEY_ALG_ES256), JOSE_E_SIZE);
    buffer_reset(&token);
    struct jws_header none = { .kid = STR("") };
    assert_int_equal(jws_sign(ec, &none, str_from_bytes(payload, longest + 3), &token), JOSE_E_SIZE);
    assert_int_equal(token.len, 0);
    memset(token_memory, 'A', sizeof token_memory); /* T8: a megabyte would be refused by its length alone */
    assert_int_equal(judge(str_from_bytes(token_memory, sizeof token_memory), ec, KEY_ALG_ES256), JOSE_E_SIZE);
}

/* r4: one good token, spoiled in one place each. */
/* spec: gateway/r4 */
static void r4_the_text_is_strict(void **state) {
    (void)state;
    char good[512];
    struct str text = token_make(ec, STR("{\"alg\":\"ES256\"}"), STR("{\"a\":1}"));
    assert_int_equal(str_to_c(text, good, sizeof good), 0);
    struct str parts[3], rest = str_from_c(good);
    (void)str_cut(&rest, '.', &parts[0]);
    (void)str_cut(&rest, '.', &parts[1]);
    parts[2] = rest;
    static const struct {
        const char *name;
        const char *front, *behind_header, *behind_payload, *behind; /* put around the three parts */
        int want;
    } cases[] = {
        { "good", "", "", "", "", 0 },
        { "payload padded", "", "", "=", "", JOSE_E_SYNTAX },
        { "signature padded", "", "", "", "==", JOSE_E_SYNTAX },
        { "header padded", "", "=", "", "", JOSE_E_SYNTAX },
        { "line end behind", "", "", "", "\n", JOSE_E_SYNTAX },
        { "blank in front", " ", "", "", "", JOSE_E_SYNTAX },
        { "a fourth part", "", "", "", ".", JOSE_E_SYNTAX },
        { "five parts", "", "", "", ".AA.AA", JOSE_E_SYNTAX },
        { "a part in front", ".", "", "", "", JOSE_E_SYNTAX },
        { "a plus sign", "", "", "", "+A", JOSE_E_SYNTAX },
        { "a slash", "", "", "/", "", JOSE_E_SYNTAX },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char spoiled[600];
        (void)snprintf(spoiled, sizeof spoiled, "%s" STR_FMT "%s." STR_FMT "%s." STR_FMT "%s", cases[i].front,
                       STR_ARG(parts[0]), cases[i].behind_header, STR_ARG(parts[1]), cases[i].behind_payload,
                       STR_ARG(parts[2]), cases[i].behind);
        arena_reset(&arena);
        int r = judge(str_from_c(spoiled), ec, KEY_ALG_ES256);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
    }
    static const char *const fragments[] = {
        "", ".", "..", "...", "a.b", "a..b", ".a.b", "eyJhbGciOiJFUzI1NiJ9..", "eyJhbGciOiJFUzI1NiJ9.e30."
    };
    for (size_t i = 0; i < ARRAY_COUNT(fragments); i++) {
        arena_reset(&arena);
        assert_int_not_equal(judge(str_from_c(fragments[i]), ec, KEY_ALG_ES256), 0);
    }
}

/* The last character of a signature carries bits that mean nothing; they must be zero, or one signature has 16
 * spellings. */
/* spec: gateway/r4 */
static void r4_stray_bits_are_refused(void **state) {
    (void)state;
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct str text = token_make(ec, STR("{\"alg\":\"ES256\"}"), STR("{\"a\":1}"));
    size_t last = text.len - 1, accepted = 0;
    char before = token_memory[last];
    for (size_t i = 0; i < 64; i++) {
        token_memory[last] = alphabet[i];
        arena_reset(&arena);
        int r = judge(text, ec, KEY_ALG_ES256);
        if (r == 0) accepted++;
        if (r == 0) assert_int_equal(alphabet[i], before);
    }
    assert_int_equal(accepted, 1);
}

/* T1: HS256 with what the attacker knows as the key. */
/* spec: gateway/T1 */
static void t1_public_keys_are_no_secrets(void **state) {
    (void)state;
    char pem_memory[2048];
    struct buffer pem;
    buffer_init(&pem, pem_memory, sizeof pem_memory);
    assert_int_equal(key_write_public_pem(rsa, &pem), 0);
    const struct str secrets[] = { buffer_str(&pem), str_slice(buffer_str(&pem), 0, pem.len - 1), STR("") };
    static const struct str headers[] = { STR_INIT("{\"alg\":\"HS256\"}"), STR_INIT("{\"alg\":\"PS256\"}"),
                                          STR_INIT("{\"alg\":\"none\"}") };
    for (size_t i = 0; i < ARRAY_COUNT(secrets); i++) {
        for (size_t k = 0; k < ARRAY_COUNT(headers); k++) {
            arena_reset(&arena);
            buffer_reset(&token);
            base64url_encode(&token, headers[k].at, headers[k].len);
            buffer_append_c(&token, ".e30");
            struct hash mac = hmac_sha256(secrets[i], buffer_str(&token));
            buffer_append_char(&token, '.');
            base64url_encode(&token, mac.bytes, sizeof mac.bytes);
            assert_int_equal(judge(buffer_str(&token), rsa, KEY_ALG_PS256), k == 1 ? JOSE_E_SIGNATURE : JOSE_E_ALG);
        }
    }
}

static void claims_are_one_object(void **state) {
    (void)state;
    static const struct {
        struct str payload;
        int want;
    } cases[] = {
        { STR_INIT("{\"a\":1}"), 0 },
        { STR_INIT("{}"), 0 },
        { STR_INIT("{\"iss\":\"a\",\"iss\":\"b\"}"), JOSE_E_CLAIMS },
        { STR_INIT("[]"), JOSE_E_CLAIMS },
        { STR_INIT("\"x\""), JOSE_E_CLAIMS },
        { STR_INIT("null"), JOSE_E_CLAIMS },
        { STR_INIT(""), JOSE_E_CLAIMS },
        { STR_INIT("{\"a\":[[[[[[[1]]]]]]]}"), 0 },
        { STR_INIT("{\"a\":[[[[[[[[1]]]]]]]]}"), JOSE_E_CLAIMS },
        { STR_INIT("{\"a\":\"\xff\"}"), JOSE_E_CLAIMS },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct jws jws;
        const struct json *claims = NULL;
        assert_int_equal(jws_parse(token_make(ec, STR("{\"alg\":\"ES256\"}"), cases[i].payload), &arena, &jws), 0);
        int r = jws_claims(&jws, &arena, &claims);
        if (r != cases[i].want) fail_msg(STR_FMT ": %d", STR_ARG(cases[i].payload), r);
    }
}

/* ---- T8: what is built to cost much is refused before it can ---- */

enum { BOMB_BYTES = 1024 * 1024, BOMB_NS_MAX = 1000 * 1000, BOMB_TRIES = 20 };

/* A token whose header is head, count times fill, tail. */
static struct str bomb_make(struct buffer *out, const char *head, char fill, size_t count, const char *tail) {
    struct buffer header;
    buffer_init_heap(&header, BOMB_BYTES + 1024);
    buffer_append_c(&header, head);
    for (size_t i = 0; i < count; i++) buffer_append_char(&header, fill);
    buffer_append_c(&header, tail);
    buffer_reset(out);
    base64url_encode(out, header.at, header.len);
    buffer_append_c(out, ".e30.AAAA");
    assert_false(header.overflow || out->overflow);
    buffer_release(&header);
    return buffer_str(out);
}

/* The least of several tries: what it costs when nobody else has the processor. */
static int64_t judge_ns(struct str text, int want) {
    int64_t least = INT64_MAX;
    for (int i = 0; i < BOMB_TRIES; i++) {
        arena_reset(&arena);
        int64_t begin = clock_mono_ns();
        int r = judge(text, ec, KEY_ALG_ES256);
        int64_t took = clock_mono_ns() - begin;
        if (r != want) fail_msg("%.60s: %d, not %d", text.at, r, want);
        if (took < least) least = took;
    }
    return least;
}

/* spec: gateway/T8 */
static void t8_bombs_cost_nothing(void **state) {
    (void)state;
    static const struct {
        const char *head;
        char fill;
        size_t count;
        const char *tail;
        int want;
    } cases[] = {
        { "{\"alg\":\"ES256\"}", ' ', 0, "", JOSE_E_SIGNATURE }, /* what an honest one costs */
        { "{\"alg\":\"PBES2-HS512+A256KW\",\"enc\":\"A256GCM\",\"p2c\":2147483648,\"p2s\":\"AAAA\"}", ' ', 0, "",
          JOSE_E_ALG },
        { "{\"alg\":\"ES256\",\"zip\":\"DEF\"}", ' ', 0, "", JOSE_E_MEMBER },
        { "{\"alg\":\"ES256\",\"kid\":\"", 'k', BOMB_BYTES, "\"}", JOSE_E_SIZE },
        { "{\"alg\":\"ES256\",\"kid\":\"", 'k', JOSE_HEADER_BYTES_MAX, "\"}", JOSE_E_SIZE },
        { "{\"alg\":\"ES256\",\"a\":", '[', JOSE_HEADER_BYTES_MAX - 100, "", JOSE_E_HEADER },
        { "{\"alg\":\"ES256\",\"a\":", '[', BOMB_BYTES, "", JOSE_E_SIZE },
        { "{\"alg\":\"ES256\",\"a\":1", '0', JOSE_HEADER_BYTES_MAX - 100, "}", JOSE_E_SIZE },
    };
    struct buffer out;
    buffer_init_heap(&out, 2 * BOMB_BYTES);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct str text = bomb_make(&out, cases[i].head, cases[i].fill, cases[i].count, cases[i].tail);
        int64_t took = judge_ns(text, cases[i].want);
        if (i > 0 && took >= BOMB_NS_MAX) fail_msg("case %zu: %lld ns", i, (long long)took);
    }
    buffer_release(&out);
    /* A JWE, compressed, is not even taken apart. */
    assert_true(judge_ns(STR("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiemlwIjoiREVGIn0..AAAA.AAAA.AAAA.AAAA"),
                         JOSE_E_ALG) < BOMB_NS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_sign_verifies),
        cmocka_unit_test(r1_the_header_equals_the_registered_algorithm),
        cmocka_unit_test(r2_headers_that_are_refused),
        cmocka_unit_test(r3_sizes_are_bounded),
        cmocka_unit_test(r4_the_text_is_strict),
        cmocka_unit_test(r4_stray_bits_are_refused),
        cmocka_unit_test(t1_public_keys_are_no_secrets),
        cmocka_unit_test(claims_are_one_object),
        cmocka_unit_test(t8_bombs_cost_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
