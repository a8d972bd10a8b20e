#include "wire/jws_detached.h"

#include "platform/encoding.h"
#include "wire/jose_int.h"

#define CLAIM_IAT "http://openbanking.org.uk/iat"
#define CLAIM_ISS "http://openbanking.org.uk/iss"
#define CLAIM_TAN "http://openbanking.org.uk/tan"

/* In the order in which they are missed. */
static const char *const required_claims[] = { "alg", "kid", CLAIM_IAT, CLAIM_ISS, CLAIM_TAN, "crit" };
static const char *const critical_claims[] = { CLAIM_IAT, CLAIM_ISS, CLAIM_TAN };
static const char *const optional_claims[] = { "typ", "cty" };

const char *jws_detached_refusal_code(int refusal) {
#define X(code, name) [code] = name,
    static const char *const codes[JWS_DETACHED_E_COUNT] = { [JWS_DETACHED_E_NONE] = "", JWS_DETACHED_E_MAP(X) };
#undef X
    return refusal >= 0 && refusal < JWS_DETACHED_E_COUNT ? codes[refusal] : "";
}

static bool is_one_of(struct str text, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (str_equal_c(text, names[i])) return true;
    return false;
}

static bool is_one_of_strs(const struct json *value, const struct str *texts, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (json_is_string(value) && str_equal(json_string(value), texts[i])) return true;
    return false;
}

/* Exactly the three, in any order: three elements, and each of the three among them. */
static bool crit_is_right(const struct json *crit) {
    if (json_type(crit) != JSON_ARRAY_TYPE || json_count(crit) != ARRAY_COUNT(critical_claims)) return false;
    for (size_t i = 0; i < ARRAY_COUNT(critical_claims); i++) {
        bool named = false;
        for (size_t k = 0; k < json_count(crit); k++)
            named = named || str_equal_c(json_string(json_at(crit, k)), critical_claims[i]);
        if (!named) return false;
    }
    return true;
}

static bool iat_is_right(const struct json *iat, const struct jws_detached_rules *rules) {
    enum json_type type = json_type(iat);
    if (type != JSON_INTEGER_TYPE && type != JSON_REAL_TYPE) return false; /* a number in a string is not a number */
    double limit_s = (double)(rules->now_ms + rules->leeway_ms) / 1000;
    return json_real(iat) > 0 && json_real(iat) <= limit_s;
}

static bool optional_text_is(const struct json *header, const char *name, const char *one, const char *other) {
    const struct json *member = json_get(header, name);
    return !member || (json_is_string(member) &&
                       (str_equal_c(json_string(member), one) || str_equal_c(json_string(member), other)));
}

/* The first member whose value is wrong, or that may not be there; .at == NULL when all is right. */
static struct str claim_at_fault(const struct json *header, const struct jws_detached_rules *rules) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    while (json_next(header, &iterator, &name, &value))
        if (!is_one_of(name, required_claims, ARRAY_COUNT(required_claims)) &&
            !is_one_of(name, optional_claims, ARRAY_COUNT(optional_claims)))
            return name;
    if (key_alg_parse(json_get_string(header, "alg")) != KEY_ALG_PS256) return STR("alg");
    if (!crit_is_right(json_get(header, "crit"))) return STR("crit");
    if (!optional_text_is(header, "typ", "JOSE", "JOSE")) return STR("typ");
    if (!optional_text_is(header, "cty", "json", "application/json")) return STR("cty");
    if (!iat_is_right(json_get(header, CLAIM_IAT), rules)) return STR(CLAIM_IAT);
    if (!is_one_of_strs(json_get(header, CLAIM_ISS), rules->issuers, rules->issuer_count)) return STR(CLAIM_ISS);
    if (!is_one_of_strs(json_get(header, CLAIM_TAN), rules->trust_anchors, rules->trust_anchor_count))
        return STR(CLAIM_TAN);
    struct str kid = json_get_string(header, "kid");
    if (kid.len == 0 || !jwks_find(rules->keys, kid, KEY_ALG_PS256)) return STR("kid");
    return (struct str){ 0 };
}

static int header_judge(const struct json *header, const struct jws_detached_rules *rules, struct str *claim) {
    for (size_t i = 0; i < ARRAY_COUNT(required_claims); i++) {
        if (json_get(header, required_claims[i])) continue;
        *claim = str_from_c(required_claims[i]);
        return JWS_DETACHED_E_CLAIM_MISSING;
    }
    struct str fault = claim_at_fault(header, rules);
    if (!fault.at) return 0;
    *claim = fault;
    return JWS_DETACHED_E_CLAIM;
}

/* What is signed: header "." BASE64URL(body), in the arena. .at == NULL when it is full. */
static struct str signing_input(struct str header, struct str body, struct arena *arena) {
    check(body.len <= JWS_DETACHED_BODY_BYTES_MAX);
    size_t bytes_max = header.len + 1 + body.len / 3 * 4 + 4;
    char *at = arena_alloc(arena, bytes_max);
    if (!at) return (struct str){ 0 };
    struct buffer input;
    buffer_init(&input, at, bytes_max);
    buffer_append_str(&input, header);
    buffer_append_char(&input, '.');
    base64url_encode(&input, body.at, body.len);
    check(!input.overflow);
    return buffer_str(&input);
}

/* "header..signature". 0, JWS_DETACHED_E_MALFORMED, or -ENOMEM. */
static int value_split(struct str value, struct arena *arena, struct str *ret_header, struct str *ret_signature) {
    struct str rest = value, header, between;
    if (value.len > JWS_DETACHED_BYTES_MAX) return JWS_DETACHED_E_MALFORMED;
    if (!str_cut(&rest, '.', &header) || !str_cut(&rest, '.', &between)) return JWS_DETACHED_E_MALFORMED;
    if (header.len == 0 || between.len > 0 || rest.len == 0) return JWS_DETACHED_E_MALFORMED;
    int r = jose_decode(rest, arena, ret_signature);
    if (r == 0) *ret_header = header;
    return r > 0 ? JWS_DETACHED_E_MALFORMED : err_trace(r);
}

int jws_detached_verify(struct str value, struct str body, const struct jws_detached_rules *rules, struct arena *arena,
                        struct str *claim) {
    struct str nowhere, header, signature;
    const struct json *tree = NULL;
    if (!rules->wanted) return value.len ? JWS_DETACHED_E_UNEXPECTED : 0;
    if (value.len == 0) return JWS_DETACHED_E_MISSING;
    int r = value_split(value, arena, &header, &signature);
    if (r) return r < 0 ? err_trace(r) : r;
    r = jose_header_decode(header, arena, &tree);
    if (r) return r < 0 ? err_trace(r) : JWS_DETACHED_E_MALFORMED;
    r = header_judge(tree, rules, claim ? claim : &nowhere);
    if (r) return r;
    const struct jwk *jwk = jwks_find(rules->keys, json_get_string(tree, "kid"), KEY_ALG_PS256);
    struct str input = signing_input(header, body, arena);
    if (!input.at) return err_origin(-ENOMEM);
    r = key_verify(jwk->key, KEY_ALG_PS256, input, signature);
    if (r < 0) return err_trace(r);
    return r ? JWS_DETACHED_E_INVALID : 0;
}

static void header_write(const struct jws_detached_signer *signer, int64_t now_ms, struct buffer *out) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "alg", "PS256");
    json_member_str(&writer, "kid", signer->kid);
    json_member_c(&writer, "typ", "JOSE");
    json_member_c(&writer, "cty", "application/json");
    json_member_i64(&writer, CLAIM_IAT, now_ms / 1000);
    json_member_str(&writer, CLAIM_ISS, signer->issuer);
    json_member_str(&writer, CLAIM_TAN, signer->trust_anchor);
    json_name(&writer, "crit");
    json_array_begin(&writer);
    for (size_t i = 0; i < ARRAY_COUNT(critical_claims); i++) json_put_str(&writer, str_from_c(critical_claims[i]));
    json_array_end(&writer);
    json_object_end(&writer);
}

int jws_detached_sign(const struct jws_detached_signer *signer, struct str body, int64_t now_ms, struct arena *arena,
                      struct buffer *out) {
    char memory[JOSE_HEADER_BYTES_MAX], encoded_memory[JOSE_HEADER_BYTES_MAX * 4 / 3 + 4];
    struct buffer text, encoded;
    if (key_algorithm(signer->key) != KEY_ALG_PS256 || !key_is_private(signer->key)) return err_origin(-EINVAL);
    buffer_init(&text, memory, sizeof memory);
    buffer_init(&encoded, encoded_memory, sizeof encoded_memory);
    header_write(signer, now_ms, &text);
    if (text.overflow) return err_origin(-EMSGSIZE);
    base64url_encode(&encoded, text.at, text.len);
    check(!encoded.overflow);
    struct str input = signing_input(buffer_str(&encoded), body, arena);
    if (!input.at) return err_origin(-ENOMEM);
    buffer_append_str(out, buffer_str(&encoded));
    buffer_append_char(out, '.');
    return err_fold(jose_signature_append(signer->key, input, out));
}
