#include "auth/request_object.h"

#include "auth/client_assertion.h"
#include "auth/profile.h"

static int refuse(const char *text, const char **ret_text) {
    *ret_text = text;
    return REQUEST_OBJECT_E_INVALID;
}

static bool type_fits(struct str typ) {
    return typ.len == 0 || str_equal_nocase(typ, STR("JWT")) || str_equal_nocase(typ, STR("oauth-authz-req+jwt")) ||
           str_equal_nocase(typ, STR("application/oauth-authz-req+jwt"));
}

/* ---- the claims as parameters ---- */

/* The value as a form would carry it; .at == NULL for one that no parameter has, or when the arena is full. */
static struct str text_of(const struct json *value, struct arena *arena) {
    char *memory;
    struct buffer out;
    switch (json_type(value)) {
    case JSON_STRING_TYPE:
        return json_string(value);
    case JSON_INTEGER_TYPE:
        return arena_printf(arena, "%lld", (long long)json_integer(value, 0));
    case JSON_BOOL_TYPE:
        return json_bool(value, false) ? STR("true") : STR("false");
    case JSON_OBJECT_TYPE:
    case JSON_ARRAY_TYPE:
        memory = arena_alloc(arena, JOSE_TOKEN_BYTES_MAX);
        if (!memory) return (struct str){ 0 };
        buffer_init(&out, memory, JOSE_TOKEN_BYTES_MAX);
        json_write(&out, value);
        return out.overflow ? (struct str){ 0 } : buffer_str(&out);
    case JSON_REAL_TYPE:
    case JSON_NULL_TYPE:
        break;
    }
    return (struct str){ 0 };
}

static int read_parameters(const struct json *claims, struct arena *arena, struct form *ret_form,
                           const char **ret_text) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    ret_form->count = 0;
    while (json_next(claims, &iterator, &name, &value)) {
        if (json_type(value) == JSON_NULL_TYPE || json_type(value) == JSON_REAL_TYPE) continue; /* times, perhaps */
        if (ret_form->count == FORM_FIELDS_MAX) return refuse("the request object has too many claims", ret_text);
        struct str text = text_of(value, arena);
        if (!text.at) return err_origin(-ENOMEM);
        ret_form->fields[ret_form->count++] = (struct form_field){ .name = name, .value = text };
    }
    return 0;
}

/* ---- who, for whom, when ---- */

static int judge_claims(const struct json *claims, const struct request_object_rules *rules, int64_t *ret_expires_ms,
                        const char **ret_text) {
    const struct json *client_id = json_get(claims, "client_id"), *issuer = json_get(claims, "iss");
    struct jwt_rules jwt = { .issuer = rules->client->name,
                             .issuer_optional = client_id != NULL,
                             .audiences = &rules->issuer,
                             .audience_count = 1,
                             .now_ms = rules->now_ms,
                             .leeway_ms = JWT_LEEWAY_MS,
                             .nbf_age_max_ms = REQUEST_OBJECT_WINDOW_MS,
                             .exp_after_nbf_max_ms = REQUEST_OBJECT_WINDOW_MS,
                             .nbf_required = true };
    struct jwt_facts facts;
    if (json_get(claims, "request") || json_get(claims, "request_uri"))
        return refuse("request and request_uri may not be inside the request object", ret_text);
    if (client_id && (!json_is_string(client_id) || !str_equal(json_string(client_id), rules->client->name)))
        return refuse("client_id of the request object is another one", ret_text);
    if (!client_id && !issuer) return refuse("client_id missing in the request object", ret_text);
    int r = jwt_check(claims, &jwt, &facts);
    if (r) return refuse(jwt_refusal_text(r), ret_text);
    *ret_expires_ms = facts.expires_ms;
    return 0;
}

int request_object_read(struct str text, const struct request_object_rules *rules, struct arena *arena,
                        struct request_object *ret_object, const char **ret_text) {
    struct jws jws;
    const struct json *claims;
    struct request_object *object = arena_new(arena, struct request_object);
    if (!object) return err_origin(-ENOMEM);
    struct client_key_source source = { .jwks = rules->client->jwks,
                                        .jwks_uri = rules->client->jwks_uri,
                                        .cache = rules->key_cache,
                                        .interaction_id = rules->interaction_id };
    int r = client_signature_judge(text, &source, arena, &jws);
    if (r < 0) return err_trace(r);
    if (r) return refuse(client_assertion_text(r), ret_text);
    if (!profile_admits(profile_of(rules->client), jws.alg))
        return refuse("the algorithm is not one of this client's profile", ret_text);
    ret_object->hash = sha256_str(jws.signing_input);
    ret_object->is_signed = true;
    if (!type_fits(jws.typ)) return refuse("typ of the request object is not oauth-authz-req+jwt", ret_text);
    r = jws_claims(&jws, arena, &claims);
    if (r < 0) return err_trace(r);
    if (r) return refuse(jose_refusal_text(r), ret_text);
    r = judge_claims(claims, rules, &object->expires_ms, ret_text);
    if (!r) r = read_parameters(claims, arena, &object->parameters, ret_text);
    if (r) return r < 0 ? err_trace(r) : r;
    object->hash = ret_object->hash;
    object->is_signed = true;
    *ret_object = *object;
    return 0;
}
