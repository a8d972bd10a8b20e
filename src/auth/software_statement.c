#include "auth/software_statement.h"

#include "wire/jose.h"
#include "wire/jwt.h"

enum { TEXT_BYTES_MAX = 64 };

const char *software_statement_refusal_text(int refusal) {
#define X(code, name) [code] = name,
    static const char *const texts[SOFTWARE_STATEMENT_E_COUNT] = { [0] = "done", SOFTWARE_STATEMENT_E_MAP(X) };
#undef X
    check(refusal >= 0 && refusal < SOFTWARE_STATEMENT_E_COUNT);
    return texts[refusal];
}

static int verify(const struct jws *jws, struct str directory_keys) {
    struct jwks *keys;
    if (directory_keys.len == 0) return SOFTWARE_STATEMENT_E_SIGNATURE;
    int r = jwks_parse(directory_keys, &keys, NULL);
    if (r) return r < 0 ? err_trace(r) : SOFTWARE_STATEMENT_E_SIGNATURE;
    r = jws_verify_set(jws, keys, KEY_ALG_NONE);
    jwks_free(keys);
    if (r < 0) return err_trace(r);
    return r ? SOFTWARE_STATEMENT_E_SIGNATURE : 0;
}

/* exp is optional, iat is not (uk/D1: freshness). NumericDate in whole seconds. */
static int judge_times(const struct json *claims, const struct software_rules *rules) {
    const struct json *issued = json_get(claims, "iat"), *expires = json_get(claims, "exp");
    const int64_t seconds_max = INT64_C(253402300799);
    int64_t iat = json_integer(issued, -1), exp = json_integer(expires, -1);
    if (iat < 0 || iat > seconds_max || iat * 1000 > rules->now_ms + JWT_LEEWAY_MS ||
        iat * 1000 < rules->now_ms - rules->life_ms)
        return SOFTWARE_STATEMENT_E_STALE;
    if (expires && (exp < 0 || exp > seconds_max || exp * 1000 <= rules->now_ms)) return SOFTWARE_STATEMENT_E_EXPIRED;
    return 0;
}

static bool roles_read(const struct json *list, char *roles, size_t size) {
    static const struct {
        const char *name, *role;
    } known[] = { { "AISP", "PSP_AI" }, { "PISP", "PSP_PI" }, { "CBPII", "PSP_IC" } };
    struct buffer out;
    buffer_init(&out, roles, size - 1);
    if (json_type(list) != JSON_ARRAY_TYPE) return false;
    for (size_t k = 0; k < ARRAY_COUNT(known); k++) {
        bool has = false;
        for (size_t i = 0; i < json_count(list); i++)
            has = has || str_equal_c(json_string(json_at(list, i)), known[k].name);
        if (has) buffer_printf(&out, "%s%s", out.len ? " " : "", known[k].role);
    }
    roles[out.len] = 0;
    return out.len > 0 && !out.overflow;
}

static bool uris_fit(const struct json *uris) {
    if (json_type(uris) != JSON_ARRAY_TYPE || json_count(uris) > SOFTWARE_STATEMENT_URIS_MAX) return false;
    for (size_t i = 0; i < json_count(uris); i++)
        if (!json_is_string(json_at(uris, i))) return false;
    return true;
}

static bool text_fits(struct str text) {
    return text.len > 0 && text.len <= TEXT_BYTES_MAX;
}

static int read_claims(const struct json *claims, struct software_statement *statement) {
    statement->software_id = json_get_string(claims, "software_id");
    statement->org_id = json_get_string(claims, "org_id");
    statement->client_name = json_get_string(claims, "software_client_name");
    statement->redirect_uris = json_get(claims, "software_redirect_uris");
    statement->keys = json_get(claims, "software_jwks");
    statement->keys_uri = json_get_string(claims, "software_jwks_endpoint");
    if (statement->keys) statement->keys_uri = STR("");
    bool keys = json_type(statement->keys) == JSON_OBJECT_TYPE || str_starts(statement->keys_uri, STR("https://"));
    bool good = text_fits(statement->software_id) && text_fits(statement->org_id) &&
                text_fits(statement->client_name) && keys && uris_fit(statement->redirect_uris) &&
                roles_read(json_get(claims, "software_roles"), statement->roles, sizeof statement->roles);
    return good ? 0 : SOFTWARE_STATEMENT_E_CLAIMS;
}

int software_statement_read(struct str token, const struct software_rules *rules, struct arena *arena,
                            struct software_statement *ret_statement) {
    struct software_statement statement = { 0 };
    const struct json *claims;
    struct jws jws;
    check(rules->life_ms > 0);
    int r = jws_parse(token, arena, &jws);
    if (r) return r < 0 ? err_trace(r) : SOFTWARE_STATEMENT_E_SYNTAX;
    r = verify(&jws, rules->directory_keys);
    if (r) return r;
    r = jws_claims(&jws, arena, &claims);
    if (r) return r < 0 ? err_trace(r) : SOFTWARE_STATEMENT_E_SYNTAX;
    if (!str_equal(json_get_string(claims, "iss"), rules->directory_issuer)) return SOFTWARE_STATEMENT_E_ISSUER;
    r = judge_times(claims, rules);
    if (!r) r = read_claims(claims, &statement);
    if (!r) *ret_statement = statement;
    return r;
}
