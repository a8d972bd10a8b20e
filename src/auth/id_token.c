#include "auth/id_token.h"

#include "auth/auth_int.h"
#include "platform/encoding.h"
#include "wire/json.h"

/* The left half of the hash of a text, as PS256 says which hash (OpenID Connect Core section 3.3.2.11). */
static void put_half_hash(struct json_writer *writer, const char *name, struct str text) {
    char memory[AUTH_SECRET_TEXT_BYTES];
    struct buffer half;
    struct hash hash = sha256_str(text);
    buffer_init(&half, memory, sizeof memory);
    base64url_encode(&half, hash.bytes, sizeof hash.bytes / 2);
    json_member_str(writer, name, buffer_str(&half));
}

int id_token_write(const struct auth *auth, const struct code_view *code, struct str audience,
                   const struct id_token_binding *binding, struct buffer *out) {
    char memory[ID_TOKEN_BYTES_MAX], id[ID_TEXT_BYTES];
    struct buffer claims;
    struct json_writer writer;
    int64_t now_ms = auth->options.now_ms();
    buffer_init(&claims, memory, sizeof memory);
    json_begin(&writer, &claims);
    json_object_begin(&writer);
    json_member_str(&writer, "iss", auth->issuer);
    json_member_str(&writer, "sub", id_format(code->customer_id.bytes, id));
    json_member_str(&writer, "aud", audience);
    json_member_i64(&writer, "iat", now_ms / 1000);
    json_member_i64(&writer, "exp", (now_ms + ID_TOKEN_LIFE_MS) / 1000);
    json_member_i64(&writer, "auth_time", code->auth_ms / 1000);
    json_member_str(&writer, "acr", code->acr);
    json_member_str(&writer, "openbanking_intent_id", id_format(code->consent_id.bytes, id));
    if (code->nonce.len) json_member_str(&writer, "nonce", code->nonce);
    if (binding) put_half_hash(&writer, "c_hash", binding->code);
    if (binding && binding->state.len) put_half_hash(&writer, "s_hash", binding->state);
    if (code->refresh_expires_ms)
        json_member_i64(&writer, "http://openbanking.org.uk/refresh_token_expires_at", code->refresh_expires_ms / 1000);
    json_object_end(&writer);
    if (claims.overflow) return err_origin(-EMSGSIZE);
    return err_trace(signing_keys_sign(auth->options.signing_keys, STR("JWT"), buffer_str(&claims), out));
}
