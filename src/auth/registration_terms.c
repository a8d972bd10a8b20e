#include "auth/registration_terms.h"

#include "auth/scope.h"
#include "integration/query.h"

enum { LIST_BYTES_MAX = 4096, METADATA_BYTES_MAX = 8 * 1024, TEXT_BYTES_MAX = 512, JWKS_TEXT_BYTES_MAX = 32 * 1024 };

struct reading {
    const struct json *claims;
    const struct software_statement *statement;
    struct arena *arena;
    struct registration_terms terms;
    struct registration_refusal refusal;
};

static bool refuse(struct reading *reading, enum oauth_error error, const char *description) {
    reading->refusal = (struct registration_refusal){ .error = error, .description = description };
    return false;
}

static bool refuse_metadata(struct reading *reading, const char *description) {
    return refuse(reading, OAUTH_INVALID_CLIENT_METADATA, description);
}

static bool list_has(const struct json *list, struct str value) {
    for (size_t i = 0; i < json_count(list); i++)
        if (json_is_string(json_at(list, i)) && str_equal(json_string(json_at(list, i)), value)) return true;
    return false;
}

/* Every element is a string that is one of allowed (space separated, words may hold a plus for a blank). */
static bool list_within(const struct json *list, const char *const *allowed, size_t count) {
    if (json_type(list) != JSON_ARRAY_TYPE || json_count(list) == 0) return false;
    for (size_t i = 0; i < json_count(list); i++) {
        bool known = false;
        for (size_t k = 0; k < count; k++) known = known || str_equal_c(json_string(json_at(list, i)), allowed[k]);
        if (!known) return false;
    }
    return true;
}

/* ---- where answers go ---- */

/* uk/D2: a subset of the statement's, by byte. */
static bool read_redirect_uris(struct reading *reading) {
    const struct json *asked = json_get(reading->claims, "redirect_uris");
    const struct json *allowed = reading->statement->redirect_uris;
    char *memory = arena_alloc(reading->arena, LIST_BYTES_MAX);
    struct buffer out;
    if (!memory) return refuse(reading, OAUTH_ERROR_COUNT, "");
    buffer_init(&out, memory, LIST_BYTES_MAX);
    if (!asked) asked = allowed;
    if (json_type(asked) != JSON_ARRAY_TYPE || json_count(asked) == 0)
        return refuse(reading, OAUTH_INVALID_REDIRECT_URI, "redirect_uris must be a list of at least one");
    for (size_t i = 0; i < json_count(asked); i++) {
        struct str uri = json_string(json_at(asked, i));
        if (!list_has(allowed, uri))
            return refuse(reading, OAUTH_INVALID_REDIRECT_URI, "redirect_uris must be among those of the statement");
        if (uri.len == 0 || memchr(uri.at, ' ', uri.len)) /* it would become two */
            return refuse(reading, OAUTH_INVALID_REDIRECT_URI, "a redirect_uri is empty or holds a blank");
        buffer_printf(&out, "%s" STR_FMT, i ? " " : "", STR_ARG(uri));
    }
    if (out.overflow) return refuse(reading, OAUTH_INVALID_REDIRECT_URI, "redirect_uris are too long");
    reading->terms.redirect_uris = buffer_str(&out);
    return true;
}

/* ---- what it may ask for ---- */

/* The scopes that the statement's roles stand for (uk/D3). */
static struct str scope_of_roles(struct reading *reading) {
    struct str roles = str_from_c(reading->statement->roles);
    return arena_printf(reading->arena, "openid%s%s%s", word_list_has(roles, STR("PSP_AI")) ? " accounts" : "",
                        word_list_has(roles, STR("PSP_PI")) ? " payments" : "",
                        word_list_has(roles, STR("PSP_IC")) ? " fundsconfirmations" : "");
}

static bool read_scope(struct reading *reading) {
    struct str scope = json_get_string(reading->claims, "scope"), allowed = scope_of_roles(reading);
    if (!allowed.at) return refuse(reading, OAUTH_ERROR_COUNT, "");
    if (json_get(reading->claims, "scope") && scope.len == 0) return refuse_metadata(reading, "scope must be a text");
    if (scope.len == 0) scope = allowed;
    if (!scope_within(scope, allowed))
        return refuse_metadata(reading, "scope is more than the roles of the statement allow");
    reading->terms.scope = scope;
    return true;
}

static bool read_grants(struct reading *reading) {
    static const char *const known[] = { "authorization_code", "client_credentials", "refresh_token" };
    const struct json *grants = json_get(reading->claims, "grant_types");
    struct str type = json_get_string(reading->claims, "application_type");
    if (grants && !list_within(grants, known, ARRAY_COUNT(known)))
        return refuse_metadata(reading, "grant_types holds one that is not offered");
    if (type.len && !str_equal_c(type, "web")) return refuse_metadata(reading, "application_type must be web");
    return true;
}

/* ---- profile ---- */

static bool read_profile(struct reading *reading) {
    static const char *const known[] = { "code", "code id_token" };
    const struct json *types = json_get(reading->claims, "response_types");
    struct str profile = json_get_string(reading->claims, "giro_profile");
    bool signed_request = json_get_bool(reading->claims, "require_signed_request_object", false);
    if (types && !list_within(types, known, ARRAY_COUNT(known)))
        return refuse_metadata(reading, "response_types holds one that is not offered");
    bool hybrid = types && list_has(types, STR("code id_token"));
    if (str_equal_c(profile, "fapi1") || (profile.len == 0 && hybrid)) reading->terms.profile = CLIENT_VIEW_FAPI1;
    else if (str_equal_c(profile, "fapi2-ms") || (profile.len == 0 && signed_request))
        reading->terms.profile = CLIENT_VIEW_FAPI2_MS;
    else if (profile.len == 0 || str_equal_c(profile, "fapi2")) reading->terms.profile = CLIENT_VIEW_FAPI2;
    else return refuse_metadata(reading, "giro_profile must be fapi2, fapi2-ms or fapi1");
    if (hybrid && reading->terms.profile != CLIENT_VIEW_FAPI1)
        return refuse_metadata(reading, "code id_token is of the profile fapi1 alone");
    if (signed_request && reading->terms.profile == CLIENT_VIEW_FAPI2)
        return refuse_metadata(reading, "signed request objects are of the profiles fapi2-ms and fapi1");
    return true;
}

static bool read_algorithms(struct reading *reading) {
    static const char *const names[] = { "token_endpoint_auth_signing_alg", "request_object_signing_alg",
                                         "dpop_signing_alg" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct str alg = json_get_string(reading->claims, names[i]);
        bool edwards = str_equal_c(alg, "EdDSA") && reading->terms.profile != CLIENT_VIEW_FAPI1;
        if (json_get(reading->claims, names[i]) && !edwards && !str_equal_c(alg, "PS256") && !str_equal_c(alg, "ES256"))
            return refuse_metadata(reading, "a signing algorithm is not one of PS256, ES256, EdDSA");
    }
    struct str id_token = json_get_string(reading->claims, "id_token_signed_response_alg");
    if (json_get(reading->claims, "id_token_signed_response_alg") && !str_equal_c(id_token, "PS256"))
        return refuse_metadata(reading, "ID tokens are signed with PS256");
    return true;
}

/* FAPI M4: no standard metadata says it. */
static bool read_http_signatures(struct reading *reading) {
    struct str wanted = json_get_string(reading->claims, "giro_http_signatures");
    if (!json_get(reading->claims, "giro_http_signatures")) return true;
    reading->terms.signs = str_equal_c(wanted, "required");
    if (!reading->terms.signs && !str_equal_c(wanted, "optional"))
        return refuse_metadata(reading, "giro_http_signatures must be required or optional");
    return reading->terms.profile == CLIENT_VIEW_FAPI2_MS ||
           refuse_metadata(reading, "giro_http_signatures is of the profile fapi2-ms alone");
}

static bool read_sender(struct reading *reading) {
    bool proof = json_get_bool(reading->claims, "dpop_bound_access_tokens", false);
    bool certificate = json_get_bool(reading->claims, "tls_client_certificate_bound_access_tokens", !proof);
    if (!proof && !certificate) return refuse_metadata(reading, "access tokens are always bound to their sender");
    if (proof && certificate) return refuse_metadata(reading, "access tokens are bound to one of certificate and key");
    if (proof && reading->terms.profile == CLIENT_VIEW_FAPI1)
        return refuse_metadata(reading, "the profile fapi1 binds access tokens to the certificate");
    reading->terms.sender = proof ? CLIENT_VIEW_DPOP : CLIENT_VIEW_MTLS;
    return true;
}

/* ---- how it proves who it is ---- */

/* RFC 8705 section 2.1.2: exactly one of five members. */
static bool read_subject(struct reading *reading) {
    static const struct {
        const char *member, *kind;
    } rows[] = { { "tls_client_auth_subject_dn", "dn" },
                 { "tls_client_auth_san_dns", "dns" },
                 { "tls_client_auth_san_uri", "uri" },
                 { "tls_client_auth_san_ip", "ip" },
                 { "tls_client_auth_san_email", "email" } };
    size_t found = 0;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str value = json_get_string(reading->claims, rows[i].member);
        if (value.len == 0) continue;
        if (value.len > TEXT_BYTES_MAX) return refuse_metadata(reading, "the subject of tls_client_auth is too long");
        found++;
        reading->terms.tls_subject = arena_printf(reading->arena, "%s:" STR_FMT, rows[i].kind, STR_ARG(value));
        if (!reading->terms.tls_subject.at) return refuse(reading, OAUTH_ERROR_COUNT, "");
    }
    return found == 1 || refuse_metadata(reading, "tls_client_auth needs exactly one subject");
}

static bool read_authentication(struct reading *reading) {
    struct str method = json_get_string(reading->claims, "token_endpoint_auth_method");
    if (str_equal_c(method, "tls_client_auth")) {
        reading->terms.auth = CLIENT_VIEW_TLS;
        return read_subject(reading);
    }
    if (str_equal_c(method, "self_signed_tls_client_auth")) reading->terms.auth = CLIENT_VIEW_SELF_SIGNED;
    else if (method.len == 0 || str_equal_c(method, "private_key_jwt")) reading->terms.auth = CLIENT_VIEW_ASSERTION;
    else return refuse_metadata(reading, "token_endpoint_auth_method is not offered");
    return true;
}

/* Keys are the directory's to name. */
static bool read_keys(struct reading *reading) {
    const struct software_statement *statement = reading->statement;
    struct str uri = json_get_string(reading->claims, "jwks_uri");
    bool other_uri = json_get(reading->claims, "jwks_uri") && (uri.len == 0 || !str_equal(uri, statement->keys_uri));
    if (json_get(reading->claims, "jwks") || other_uri)
        return refuse_metadata(reading, "keys come from the software statement");
    reading->terms.jwks_uri = statement->keys_uri;
    if (!statement->keys) return true;
    char *memory = arena_alloc(reading->arena, JWKS_TEXT_BYTES_MAX);
    struct buffer out;
    if (!memory) return refuse(reading, OAUTH_ERROR_COUNT, "");
    buffer_init(&out, memory, JWKS_TEXT_BYTES_MAX);
    json_write(&out, statement->keys);
    if (out.overflow) return refuse_metadata(reading, "the keys of the statement are too large");
    reading->terms.jwks = buffer_str(&out);
    return true;
}

/* ---- what is kept and repeated ---- */

static bool write_metadata(struct reading *reading) {
    static const char *const repeated[] = {
        "redirect_uris",
        "grant_types",
        "response_types",
        "application_type",
        "token_endpoint_auth_method",
        "token_endpoint_auth_signing_alg",
        "request_object_signing_alg",
        "dpop_signing_alg",
        "id_token_signed_response_alg",
        "require_signed_request_object",
        "dpop_bound_access_tokens",
        "giro_http_signatures",
        "tls_client_certificate_bound_access_tokens",
        "tls_client_auth_subject_dn",
        "tls_client_auth_san_dns",
        "tls_client_auth_san_uri",
        "tls_client_auth_san_ip",
        "tls_client_auth_san_email",
    };
    static const char *const profiles[] = { "fapi2", "fapi2-ms", "fapi1" };
    char *memory = arena_alloc(reading->arena, METADATA_BYTES_MAX);
    struct json_writer writer;
    struct buffer out;
    if (!memory) return refuse(reading, OAUTH_ERROR_COUNT, "");
    buffer_init(&out, memory, METADATA_BYTES_MAX);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    json_member_str(&writer, "client_name", reading->statement->client_name);
    json_member_str(&writer, "software_id", reading->statement->software_id);
    json_member_str(&writer, "org_id", reading->statement->org_id);
    json_member_str(&writer, "scope", reading->terms.scope);
    json_member_c(&writer, "giro_profile", profiles[reading->terms.profile]);
    if (reading->terms.jwks_uri.len) json_member_str(&writer, "jwks_uri", reading->terms.jwks_uri);
    for (size_t i = 0; i < ARRAY_COUNT(repeated); i++) {
        const struct json *value = json_get(reading->claims, repeated[i]);
        if (!value) continue;
        json_name(&writer, repeated[i]);
        json_put_value(&writer, value);
    }
    json_object_end(&writer);
    if (out.overflow) return refuse_metadata(reading, "the metadata are too large");
    reading->terms.metadata = buffer_str(&out);
    return true;
}

bool registration_terms_read(const struct json *claims, const struct software_statement *statement, struct arena *arena,
                             struct registration_terms *ret_terms, struct registration_refusal *ret_refusal) {
    static bool (*const rules[])(
        struct reading *) = { read_redirect_uris,   read_scope,  read_grants,         read_profile, read_algorithms,
                              read_http_signatures, read_sender, read_authentication, read_keys,    write_metadata };
    struct reading reading = { .claims = claims, .statement = statement, .arena = arena };
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        if (rules[i](&reading)) continue;
        *ret_refusal = reading.refusal;
        return false;
    }
    *ret_terms = reading.terms;
    return true;
}
