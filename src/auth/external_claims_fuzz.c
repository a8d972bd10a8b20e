/* external_claims_fuzz.c - any bytes as an access token of another issuer. With the first byte even they are the token
 * itself, which no input has signed; else the claims of one that the issuer has signed: then what is taken names a
 * client, ends in time (E2) and is bound to one thing at most (E3). */
#include "auth/external_token.h"

#include "wire/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const int64_t now_ms = INT64_C(1800000000000);

static struct key *key;
static struct client_key_set *keys;
static struct arena arena;

static void setup(void) {
    char memory[1024];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    check(key_generate(KEY_TYPE_EC_P256, &key) == 0 && arena_init(&arena, 64 * 1024, 512 * 1024) == 0);
    struct jwk jwk = { .kid = STR("i"), .key = key };
    check(jwks_write(&out, &jwk, 1) == 0 && client_key_set_parse(buffer_str(&out), &keys, NULL) == 0);
}

static int judge(struct str token, struct external_claims *ret_claims) {
    const struct external_issuer issuer = { .issuer = STR("https://other.example"),
                                            .audience = STR("https://bank.example"),
                                            .keys = { .set = keys },
                                            .client_claim = STR("client_id"),
                                            .customer_claim = STR("customer"),
                                            .consent_claim = STR("consent"),
                                            .scope_claim = STR("scope") };
    const struct external_issuer *found = NULL;
    int r = external_token_issuer(token, &issuer, 1, &arena, &found);
    check(r == 0 ? found == &issuer : r == EXTERNAL_E_TOKEN);
    return r ? r : external_token_judge(token, &issuer, now_ms, &arena, ret_claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static char token[JOSE_TOKEN_BYTES_MAX];
    struct jws_header header = { .kid = STR("i"), .typ = STR("at+jwt") };
    struct external_claims claims;
    struct buffer out;
    if (size < 2) return 0;
    if (!key) setup();
    arena_reset(&arena);
    struct str text = str_from_bytes(bytes + 1, size - 1);
    if (bytes[0] % 2 == 0) {
        (void)external_token_looks(text);
        check(judge(text, &claims) == EXTERNAL_E_TOKEN);
        return 0;
    }
    buffer_init(&out, token, sizeof token);
    if (jws_sign(key, &header, text, &out)) return 0;
    check(external_token_looks(buffer_str(&out)));
    int r = judge(buffer_str(&out), &claims);
    check(r == 0 || r == EXTERNAL_E_TOKEN);
    if (r) return 0;
    check(out.len <= EXTERNAL_TOKEN_BYTES_MAX && claims.client_name.len > 0);
    check(claims.client_name.len <= EXTERNAL_NAME_BYTES_MAX && claims.scope.len <= EXTERNAL_SCOPE_BYTES_MAX);
    check(claims.expires_ms > now_ms && claims.expires_ms <= now_ms + EXTERNAL_TOKEN_AHEAD_MS);
    check(!(claims.by_certificate && claims.by_key) && claims.issued_ms <= now_ms + 60 * 1000);
    return 0;
}
