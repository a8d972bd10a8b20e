#include "wire/jose.h"

#include "platform/encoding.h"
#include "wire/jose_int.h"

/* (r2) Each of these would let a token choose what judges it, or change what was signed. */
static const char *const forbidden_members[] = { "zip", "jku", "x5u", "b64" };

const char *jose_refusal_text(int refusal) {
#define X(code, name) [code] = name,
    static const char *const texts[JOSE_E_COUNT] = { [JOSE_E_NONE] = "done", JOSE_E_MAP(X) };
#undef X
    return refusal >= 0 && refusal < JOSE_E_COUNT ? texts[refusal] : "unknown";
}

int jose_decode(struct str text, struct arena *arena, struct str *ret_bytes) {
    size_t bytes_max = text.len / 4 * 3 + 3;
    char *at = arena_alloc(arena, bytes_max);
    if (!at) return err_origin(-ENOMEM);
    struct buffer bytes;
    buffer_init(&bytes, at, bytes_max);
    if (base64url_decode(text, &bytes)) return JOSE_E_SYNTAX;
    check(!bytes.overflow);
    *ret_bytes = buffer_str(&bytes);
    return 0;
}

int jose_header_decode(struct str text, struct arena *arena, const struct json **ret_header) {
    struct str bytes = { 0 };
    if (text.len > (JOSE_HEADER_BYTES_MAX * 4 + 2) / 3) return JOSE_E_SIZE;
    int r = jose_decode(text, arena, &bytes);
    if (r) return r < 0 ? err_trace(r) : r;
    const struct json *header = NULL;
    r = json_parse_arena(bytes, JOSE_HEADER_BYTES_MAX, JOSE_DEPTH_MAX, arena, &header);
    if (r < 0) return err_trace(r);
    if (r == JSON_E_SIZE) return JOSE_E_SIZE;
    if (r > 0 || json_type(header) != JSON_OBJECT_TYPE) return JOSE_E_HEADER;
    *ret_header = header;
    return 0;
}

/* An optional string member; false when it is there and not a string of 1 to bytes_max. */
static bool text_member(const struct json *header, const char *name, size_t bytes_max, struct str *ret_text) {
    const struct json *member = json_get(header, name);
    if (!member) return true;
    *ret_text = json_string(member);
    return json_is_string(member) && ret_text->len > 0 && ret_text->len <= bytes_max;
}

/* keyed: the header must carry its key; else it must not (r2). */
static int header_judge(const struct json *header, bool keyed, struct jws *jws) {
    jws->alg = key_alg_parse(json_get_string(header, "alg"));
    if (jws->alg == KEY_ALG_NONE) return JOSE_E_ALG;
    if ((json_get(header, "jwk") != NULL) != keyed) return JOSE_E_MEMBER;
    for (size_t i = 0; i < ARRAY_COUNT(forbidden_members); i++)
        if (json_get(header, forbidden_members[i])) return JOSE_E_MEMBER;
    if (json_get(header, "crit")) return JOSE_E_CRIT;
    if (!text_member(header, "kid", JWK_KID_BYTES_MAX, &jws->kid)) return JOSE_E_HEADER;
    return text_member(header, "typ", JOSE_HEADER_BYTES_MAX, &jws->typ) ? 0 : JOSE_E_HEADER;
}

static int parse(struct str token, bool keyed, struct arena *arena, struct jws *ret_jws) {
    if (token.len > JOSE_TOKEN_BYTES_MAX) return JOSE_E_SIZE;
    struct str rest = token, header, payload;
    if (!str_cut(&rest, '.', &header) || !str_cut(&rest, '.', &payload)) return JOSE_E_SYNTAX;
    if (header.len == 0 || rest.len == 0)
        return JOSE_E_SYNTAX; /* a third point is no base64url, so jose_decode refuses it */
    struct jws jws = { .signing_input = str_slice(token, 0, header.len + 1 + payload.len) };
    int r = jose_header_decode(header, arena, &jws.header);
    if (r == 0) r = header_judge(jws.header, keyed, &jws);
    if (r == 0) r = jose_decode(payload, arena, &jws.payload);
    if (r == 0) r = jose_decode(rest, arena, &jws.signature);
    if (r) return r < 0 ? err_trace(r) : r;
    *ret_jws = jws;
    return 0;
}

int jws_parse(struct str token, struct arena *arena, struct jws *ret_jws) {
    return parse(token, false, arena, ret_jws);
}

int jws_parse_keyed(struct str token, struct arena *arena, struct jws *ret_jws) {
    return parse(token, true, arena, ret_jws);
}

int jws_verify(const struct jws *jws, const struct key *key, enum key_alg alg) {
    if (alg == KEY_ALG_NONE) alg = key_algorithm(key);
    if (alg != key_algorithm(key) || jws->alg != alg) return JOSE_E_ALG; /* (r1) */
    int r = key_verify(key, alg, jws->signing_input, jws->signature);
    if (r < 0) return err_trace(r);
    return r ? JOSE_E_SIGNATURE : 0;
}

int jws_verify_set(const struct jws *jws, const struct jwks *keys, enum key_alg alg) {
    if (alg != KEY_ALG_NONE && jws->alg != alg) return JOSE_E_ALG; /* (r1) */
    const struct jwk *jwk = jwks_find(keys, jws->kid, jws->alg);
    if (!jwk) return jws->kid.len && jwks_has_kid(keys, jws->kid) ? JOSE_E_ALG : JOSE_E_KEY;
    int r = jws_verify(jws, jwk->key, alg);
    return r < 0 ? err_trace(r) : r;
}

int jws_claims(const struct jws *jws, struct arena *arena, const struct json **ret_claims) {
    const struct json *claims = NULL;
    int r = json_parse_arena(jws->payload, JOSE_TOKEN_BYTES_MAX, JOSE_DEPTH_MAX, arena, &claims);
    if (r < 0) return err_trace(r);
    if (r > 0 || json_type(claims) != JSON_OBJECT_TYPE) return JOSE_E_CLAIMS;
    *ret_claims = claims;
    return 0;
}

int jose_signature_append(const struct key *key, struct str signing_input, struct buffer *out) {
    struct key_signature signature;
    int r = key_sign(key, key_algorithm(key), signing_input, &signature);
    if (r < 0) return err_trace(r);
    if (r > 0) return JOSE_E_KEY;
    buffer_append_char(out, '.');
    base64url_encode(out, signature.bytes, signature.len);
    return out->overflow ? err_origin(-ENOMEM) : 0;
}

int jws_sign(const struct key *key, const struct jws_header *header, struct str payload, struct buffer *out) {
    char header_memory[JOSE_HEADER_BYTES_MAX], token_memory[JOSE_TOKEN_BYTES_MAX];
    struct buffer header_text, token;
    struct json_writer writer;
    buffer_init(&header_text, header_memory, sizeof header_memory);
    buffer_init(&token, token_memory, sizeof token_memory);
    json_begin(&writer, &header_text);
    json_object_begin(&writer);
    json_member_c(&writer, "alg", key_alg_name(key_algorithm(key)));
    if (header->kid.len) json_member_str(&writer, "kid", header->kid);
    if (header->typ.len) json_member_str(&writer, "typ", header->typ);
    json_object_end(&writer);
    base64url_encode(&token, header_text.at, header_text.len);
    buffer_append_char(&token, '.');
    base64url_encode(&token, payload.at, payload.len);
    if (header_text.overflow || token.overflow) return JOSE_E_SIZE;
    int r = jose_signature_append(key, buffer_str(&token), &token);
    if (token.overflow) return JOSE_E_SIZE;
    if (r) return r < 0 ? err_trace(r) : r;
    buffer_append_str(out, buffer_str(&token));
    return out->overflow ? err_origin(-ENOMEM) : 0;
}
