#include "wire/jose.h"

#include "platform/encoding.h"
#include "wire/jws_detached.h"
#include "wire/jwt.h"

/* The first byte chooses the door, the rest goes through it. The keys are published ones, so nothing the fuzzer makes
 * can verify unless it is in the corpus; what counts is that every refusal is clean and every acceptance obeys the
 * rules. */

static const struct str key_set = STR_INIT(
    "{\"keys\":[{\"kty\":\"OKP\",\"kid\":\"o\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
    "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
    "{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},{\"kty\":\"RSA\",\"kid\":\"r\",\"e\":\"AQAB\",\"n\":\""
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ"
    "_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
    "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpb"
    "ISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\"}]}");

static struct arena arena;
static struct jwks *keys;

static void claims_try(const struct json *claims) {
    static const struct str audience = STR_INIT("https://localhost:8444");
    struct jwt_rules rules = { .issuer = STR("acme"),
                               .audiences = &audience,
                               .audience_count = 1,
                               .now_ms = 1800000000000,
                               .leeway_ms = JWT_LEEWAY_MS,
                               .exp_ahead_max_ms = JWT_ASSERTION_AHEAD_MS };
    struct jwt_facts facts;
    if (jwt_check(claims, &rules, &facts)) return;
    check(str_equal_c(facts.issuer, "acme"));
    check(facts.expires_ms > rules.now_ms && facts.expires_ms <= rules.now_ms + rules.exp_ahead_max_ms);
}

static void compact_try(struct str token) {
    struct jws jws;
    const struct json *claims = NULL;
    if (jws_parse(token, &arena, &jws)) return;
    check(jws.alg == KEY_ALG_PS256 || jws.alg == KEY_ALG_ES256 || jws.alg == KEY_ALG_EDDSA);
    check(str_starts(token, jws.signing_input) && token.len <= JOSE_TOKEN_BYTES_MAX);
    check(!json_get(jws.header, "crit") && !json_get(jws.header, "jwk") && !json_get(jws.header, "jku"));
    check(jws_verify_set(&jws, keys, KEY_ALG_NONE) >= 0); /* a refusal or not, never a fault */
    if (jws_claims(&jws, &arena, &claims) == 0) claims_try(claims);
}

/* The bytes up to a NUL are the header, the others the payload: the fuzzer need not learn base64url. */
static void parts_try(struct str text) {
    char memory[2 * JOSE_TOKEN_BYTES_MAX];
    struct buffer token;
    struct str header;
    buffer_init(&token, memory, sizeof memory);
    (void)str_cut(&text, '\0', &header);
    base64url_encode(&token, header.at, header.len);
    buffer_append_char(&token, '.');
    base64url_encode(&token, text.at, text.len);
    buffer_append_char(&token, '.');
    for (size_t i = 0; i < 86; i++) buffer_append_char(&token, 'A');
    if (!token.overflow) compact_try(buffer_str(&token));
}

static void detached_try(struct str text, bool header_is_plain) {
    static const struct str issuers[] = { STR_INIT("org/software") }, anchors[] = { STR_INIT("openbanking.org.uk") };
    struct jws_detached_rules rules = { .wanted = true,
                                        .keys = keys,
                                        .issuers = issuers,
                                        .issuer_count = 1,
                                        .trust_anchors = anchors,
                                        .trust_anchor_count = 1,
                                        .now_ms = 1800000000000 };
    char memory[2 * JWS_DETACHED_BYTES_MAX];
    struct buffer value;
    struct str claim = STR("");
    buffer_init(&value, memory, sizeof memory);
    if (header_is_plain) {
        base64url_encode(&value, text.at, text.len);
        buffer_append_c(&value, "..AAAA");
    } else {
        buffer_append_str(&value, text);
    }
    if (value.overflow) return;
    int r = jws_detached_verify(buffer_str(&value), STR("{}"), &rules, &arena, &claim);
    check(r >= 0 && r < JWS_DETACHED_E_COUNT);
    if (r == JWS_DETACHED_E_CLAIM_MISSING) check(claim.len > 0);
}

/* A set that was read must read again as it was written. */
static void set_try(struct str text) {
    struct jwks *jwks = NULL, *again = NULL;
    struct message message;
    struct buffer out;
    if (jwks_parse(text, &jwks, &message)) return;
    buffer_init_heap(&out, 4 * JWKS_BYTES_MAX);
    if (jwks_count(jwks)) {
        check(jwks_write(&out, jwks_at(jwks, 0), jwks_count(jwks)) == 0);
        if (out.len <= JWKS_BYTES_MAX) {
            check(jwks_parse(buffer_str(&out), &again, &message) == 0);
            check(jwks_count(again) == jwks_count(jwks));
        }
    }
    buffer_release(&out);
    jwks_free(jwks);
    jwks_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    if (!keys) {
        check(jwks_parse(key_set, &keys, NULL) == 0);
        check(arena_init(&arena, 64 * 1024, 256 * 1024) == 0);
    }
    arena_reset(&arena);
    struct str text = str_from_bytes(data + 1, size - 1);
    switch (data[0] % 5) { /* a number, not an enum of ours */
    case 0:
        compact_try(text);
        break;
    case 1:
        parts_try(text);
        break;
    case 2:
        detached_try(text, false);
        break;
    case 3:
        detached_try(text, true);
        break;
    case 4:
        set_try(text);
        break;
    }
    return 0;
}
