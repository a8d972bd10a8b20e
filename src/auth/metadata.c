/* metadata.c - what clients may rely on (OpenID Connect Discovery 1.0, RFC 8414, RFC 8705, RFC 9126, RFC 9207, RFC
 * 9396, RFC 9449, RFC 9701). Only what exists. */
#include "auth/auth_int.h"

#include "wire/json.h"

static void member_list(struct json_writer *writer, const char *name, const char *const *values, size_t count) {
    json_name(writer, name);
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++) json_put_str(writer, str_from_c(values[i]));
    json_array_end(writer);
}

static void member_url(struct json_writer *writer, const char *name, struct str base, const char *path) {
    char text[AUTH_URL_BYTES_MAX + 64];
    struct buffer url;
    buffer_init(&url, text, sizeof text);
    buffer_append_str(&url, base);
    buffer_append_c(&url, path);
    json_member_str(writer, name, buffer_str(&url));
}

static void write_endpoints(struct json_writer *writer, const struct auth *auth) {
    json_member_str(writer, "issuer", auth->issuer);
    member_url(writer, "authorization_endpoint", auth->issuer, "/authorize");
    member_url(writer, "token_endpoint", auth->api_url, "/token");
    member_url(writer, "pushed_authorization_request_endpoint", auth->api_url, "/par");
    member_url(writer, "revocation_endpoint", auth->api_url, "/revoke");
    member_url(writer, "introspection_endpoint", auth->api_url, "/introspect");
    member_url(writer, "jwks_uri", auth->issuer, "/jwks");
    if (auth->options.directory_keys.len) member_url(writer, "registration_endpoint", auth->api_url, "/register");
    json_name(writer, "mtls_endpoint_aliases");
    json_object_begin(writer);
    member_url(writer, "token_endpoint", auth->api_url, "/token");
    member_url(writer, "pushed_authorization_request_endpoint", auth->api_url, "/par");
    if (auth->options.directory_keys.len) member_url(writer, "registration_endpoint", auth->api_url, "/register");
    member_url(writer, "revocation_endpoint", auth->api_url, "/revoke");
    member_url(writer, "introspection_endpoint", auth->api_url, "/introspect");
    json_object_end(writer);
}

#define MEMBER_LIST(writer, name, ...)                                                                                 \
    member_list((writer), (name), (const char *const[]){ __VA_ARGS__ },                                                \
                ARRAY_COUNT(((const char *const[]){ __VA_ARGS__ })))

/* Of tokens after their issue, and of what else binds or describes them. */
static void write_tokens(struct json_writer *writer) {
    MEMBER_LIST(writer, "revocation_endpoint_auth_methods_supported", "private_key_jwt", "tls_client_auth",
                "self_signed_tls_client_auth");
    MEMBER_LIST(writer, "revocation_endpoint_auth_signing_alg_values_supported", "PS256", "ES256");
    MEMBER_LIST(writer, "introspection_endpoint_auth_methods_supported", "private_key_jwt", "tls_client_auth",
                "self_signed_tls_client_auth");
    MEMBER_LIST(writer, "introspection_endpoint_auth_signing_alg_values_supported", "PS256", "ES256");
    MEMBER_LIST(writer, "introspection_signing_alg_values_supported", "PS256");
    MEMBER_LIST(writer, "dpop_signing_alg_values_supported", "PS256", "ES256");
    MEMBER_LIST(writer, "authorization_details_types_supported", "payment_initiation", "account_information");
}

static void write_metadata(struct json_writer *writer, const struct auth *auth) {
    json_object_begin(writer);
    write_endpoints(writer, auth);
    json_member_bool(writer, "require_pushed_authorization_requests", false); /* of FAPI 2.0 clients, see profile.h */
    json_member_bool(writer, "authorization_response_iss_parameter_supported", true);
    json_member_bool(writer, "tls_client_certificate_bound_access_tokens", true);
    json_member_bool(writer, "claims_parameter_supported", true);
    json_member_bool(writer, "request_parameter_supported", true);
    json_member_bool(writer, "request_uri_parameter_supported", false); /* of other origin than PAR */
    MEMBER_LIST(writer, "response_types_supported", "code", "code id_token");
    MEMBER_LIST(writer, "response_modes_supported", "query", "fragment", "jwt", "query.jwt", "fragment.jwt");
    MEMBER_LIST(writer, "request_object_signing_alg_values_supported", "PS256", "ES256", "EdDSA");
    MEMBER_LIST(writer, "authorization_signing_alg_values_supported", "PS256");
    MEMBER_LIST(writer, "grant_types_supported", "authorization_code", "client_credentials", "refresh_token");
    MEMBER_LIST(writer, "code_challenge_methods_supported", "S256");
    MEMBER_LIST(writer, "token_endpoint_auth_methods_supported", "private_key_jwt", "tls_client_auth",
                "self_signed_tls_client_auth");
    MEMBER_LIST(writer, "token_endpoint_auth_signing_alg_values_supported", "PS256", "ES256", "EdDSA");
    MEMBER_LIST(writer, "id_token_signing_alg_values_supported", "PS256");
    MEMBER_LIST(writer, "subject_types_supported", "public");
    MEMBER_LIST(writer, "scopes_supported", "openid", "accounts", "payments");
    MEMBER_LIST(writer, "claims_supported", "iss", "sub", "aud", "exp", "iat", "nonce", "acr", "auth_time",
                "openbanking_intent_id");
    MEMBER_LIST(writer, "acr_values_supported", "urn:openbanking:psd2:sca", "urn:openbanking:psd2:ca");
    write_tokens(writer);
    json_object_end(writer);
}

int metadata_build(struct auth *auth) {
    char memory[AUTH_METADATA_BYTES_MAX];
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, memory, sizeof memory);
    json_begin(&writer, &out);
    write_metadata(&writer, auth);
    if (out.overflow) return err_origin(-EMSGSIZE);
    auth->metadata = arena_dup(&auth->arena, buffer_str(&out));
    return auth->metadata.at ? 0 : err_origin(-ENOMEM);
}
