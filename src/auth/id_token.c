#include "auth/id_token.h"

#include "auth/auth_int.h"
#include "wire/jose.h"

int id_token_write(const struct auth *auth, const struct code_view *code, struct str audience, struct buffer *out) {
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
    if (code->refresh_expires_ms)
        json_member_i64(&writer, "http://openbanking.org.uk/refresh_token_expires_at", code->refresh_expires_ms / 1000);
    json_object_end(&writer);
    if (claims.overflow) return err_origin(-EMSGSIZE);
    struct jws_header header = { .kid = auth->kid, .typ = STR("JWT") };
    return err_fold(jws_sign(auth->options.signing_key, &header, buffer_str(&claims), out));
}
