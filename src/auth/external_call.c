#include "auth/external_call.h"

#include "platform/encoding.h"
#include "platform/random.h"
#include "platform/secret.h"
#include "wire/form.h"
#include "wire/jose.h"

enum { CLAIMS_BYTES_MAX = 4 * 1024, JTI_BYTES = 16, ARENA_BYTES_MAX = 128 * 1024 };

static int assertion_claims(const struct external_call *call, struct buffer *out) {
    const struct external_endpoint *endpoint = &call->issuer->endpoint;
    uint8_t random[JTI_BYTES];
    char memory[2 * JTI_BYTES];
    struct buffer jti;
    struct json_writer writer;
    random_bytes(random, sizeof random);
    buffer_init(&jti, memory, sizeof memory);
    base64url_encode(&jti, random, sizeof random);
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_str(&writer, "iss", endpoint->client_id);
    json_member_str(&writer, "sub", endpoint->client_id);
    json_member_str(&writer, "aud", call->issuer->issuer);
    json_member_str(&writer, "jti", buffer_str(&jti));
    json_member_i64(&writer, "iat", call->now_ms / 1000);
    json_member_i64(&writer, "exp", call->now_ms / 1000 + EXTERNAL_ASSERTION_LIFE_S);
    json_object_end(&writer);
    return out->overflow ? err_origin(-EMSGSIZE) : 0;
}

static int put_assertion(const struct external_call *call, struct buffer *out) {
    const struct external_endpoint *endpoint = &call->issuer->endpoint;
    struct jws_header header = { .kid = endpoint->signing_kid };
    char memory[CLAIMS_BYTES_MAX];
    struct buffer claims, assertion;
    buffer_init(&claims, memory, sizeof memory);
    int r = assertion_claims(call, &claims);
    if (r) return err_trace(r);
    buffer_init_heap(&assertion, JOSE_TOKEN_BYTES_MAX);
    r = jws_sign(endpoint->signing_key, &header, buffer_str(&claims), &assertion);
    if (!r) {
        form_put_c(out, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        form_put(out, STR("client_assertion"), buffer_str(&assertion));
    }
    buffer_release(&assertion);
    return r > 0 ? err_origin(-EMSGSIZE) : err_trace(r); /* the key is private: issuer_config.c */
}

int external_call_body(const struct external_call *call, struct str token, struct buffer *out) {
    form_put(out, STR("token"), token);
    form_put_c(out, "token_type_hint", "access_token");
    form_put(out, STR("client_id"), call->issuer->endpoint.client_id);
    int r = call->issuer->endpoint.signing_key ? put_assertion(call, out) : 0;
    if (r) return err_trace(r);
    return out->overflow ? err_origin(-EMSGSIZE) : 0;
}

static int ask(const struct external_call *call, struct str body, struct arena *arena, struct buffer *out,
               struct message *message) {
    static const struct http_header headers[] = {
        { .name = STR_INIT("Content-Type"), .value = STR_INIT("application/x-www-form-urlencoded") },
        { .name = STR_INIT("Accept"), .value = STR_INIT("application/json") },
    };
    struct http_client_options limits = http_client_options_default();
    struct http_call http = { .method = STR("POST"),
                              .url = call->issuer->endpoint.url,
                              .headers = headers,
                              .header_count = ARRAY_COUNT(headers),
                              .body = body };
    struct http_result result;
    limits.ca_file = call->ca_file;
    limits.cert_file = call->issuer->endpoint.certificate;
    limits.key_file = call->issuer->endpoint.key;
    limits.connect_ms = EXTERNAL_CALL_CONNECT_MS;
    limits.total_ms = EXTERNAL_CALL_MS;
    limits.response_bytes_max = EXTERNAL_ANSWER_BYTES_MAX;
    int r = outbound_guard_run(call->guard, &limits, &http, arena, &result, message);
    if (r) return r < 0 ? err_trace(r) : r;
    if (result.status != 200) {
        message_set(message, "answered with status %d", result.status);
        return OUTBOUND_E_FAILED;
    }
    buffer_append_str(out, result.body);
    return 0;
}

int external_call_ask(const struct external_call *call, struct str token, struct buffer *out, struct message *message) {
    struct arena arena = { 0 };
    struct buffer body;
    char *memory = malloc(EXTERNAL_CALL_BODY_BYTES_MAX);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&body, memory, EXTERNAL_CALL_BODY_BYTES_MAX);
    int r = external_call_body(call, token, &body);
    if (!r) r = arena_init(&arena, 16 * 1024, ARENA_BYTES_MAX);
    if (!r) r = ask(call, buffer_str(&body), &arena, out, message);
    arena_release(&arena);
    secret_wipe(memory, EXTERNAL_CALL_BODY_BYTES_MAX);
    free(memory);
    return r < 0 ? err_trace(r) : r;
}
