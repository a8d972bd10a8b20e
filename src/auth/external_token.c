#include "auth/external_token.h"

#include "auth/sender.h"
#include "wire/jose.h"

bool external_token_looks(struct str text) {
    size_t points = 0;
    for (size_t i = 0; i < text.len; i++) points += text.at[i] == '.';
    return points == 2;
}

static const struct external_issuer *issuer_of(const struct json *claims, const struct external_issuer *issuers,
                                               size_t issuer_count) {
    struct str name = json_get_string(claims, "iss");
    for (size_t i = 0; i < issuer_count && name.len; i++)
        if (str_equal(issuers[i].issuer, name)) return &issuers[i];
    return NULL;
}

static struct str claim_of(const struct json *claims, struct str name) {
    return name.len ? json_string(json_get_str(claims, name)) : (struct str){ 0 };
}

/* An id, or none where the claim is absent; false when it is there and no id. */
static bool id_of(const struct json *claims, struct str name, uint8_t ret_id[16]) {
    struct str text = claim_of(claims, name);
    memset(ret_id, 0, 16);
    if (name.len == 0 || !json_get_str(claims, name)) return true;
    return id_parse(text, ret_id) == 0;
}

/* One confirmation at most: a token that is bound to two things would need both. */
static bool read_binding(const struct json *claims, struct external_claims *facts) {
    const struct json *cnf = json_get(claims, "cnf");
    if (!cnf) return true;
    facts->by_certificate = sender_thumbprint_parse(json_get_string(cnf, "x5t#S256"), &facts->certificate_hash);
    facts->by_key = sender_thumbprint_parse(json_get_string(cnf, "jkt"), &facts->key_thumbprint);
    return facts->by_certificate != facts->by_key && json_count(cnf) == 1;
}

static bool read_claims(const struct json *claims, const struct external_issuer *issuer, const struct jwt_rules *rules,
                        struct external_claims *ret_claims) {
    struct external_claims facts = { .client_name = claim_of(claims, issuer->client_claim),
                                     .scope = claim_of(claims, issuer->scope_claim) };
    struct jwt_facts jwt;
    if (jwt_check(claims, rules, &jwt) || facts.client_name.len == 0) return false;
    if (facts.client_name.len > EXTERNAL_NAME_BYTES_MAX || facts.scope.len > EXTERNAL_SCOPE_BYTES_MAX) return false;
    if (!id_of(claims, issuer->customer_claim, facts.customer_id.bytes)) return false;
    if (!id_of(claims, issuer->consent_claim, facts.consent_id.bytes) || !read_binding(claims, &facts)) return false;
    facts.issued_ms = jwt.issued_ms;
    facts.expires_ms = jwt.expires_ms;
    *ret_claims = facts;
    return true;
}

/* ---- JWTs ---- */

int external_token_issuer(struct str text, const struct external_issuer *issuers, size_t issuer_count,
                          struct arena *arena, const struct external_issuer **ret_issuer) {
    struct jws jws;
    const struct json *claims;
    if (text.len > EXTERNAL_TOKEN_BYTES_MAX) return EXTERNAL_E_TOKEN;
    int r = jws_parse(text, arena, &jws);
    if (!r) r = jws_claims(&jws, arena, &claims);
    if (r) return r < 0 ? err_trace(r) : EXTERNAL_E_TOKEN;
    const struct external_issuer *issuer = issuer_of(claims, issuers, issuer_count);
    if (!issuer) return EXTERNAL_E_TOKEN;
    *ret_issuer = issuer;
    return 0;
}

int external_token_judge(struct str text, const struct external_issuer *issuer, int64_t now_ms, struct arena *arena,
                         struct external_claims *ret_claims) {
    struct jwt_rules rules = { .issuer = issuer->issuer,
                               .audiences = &issuer->audience,
                               .audience_count = 1,
                               .now_ms = now_ms,
                               .leeway_ms = JWT_LEEWAY_MS,
                               .exp_ahead_max_ms = EXTERNAL_TOKEN_AHEAD_MS,
                               .jti_required = true,
                               .iat_required = true };
    struct jws jws;
    const struct json *claims;
    int r = client_signature_judge(text, &issuer->keys, arena, &jws);
    if (r == CLIENT_ASSERTION_E_KEYS || r == CLIENT_ASSERTION_E_BUSY) return EXTERNAL_E_UNKNOWN;
    if (!r) r = jws_claims(&jws, arena, &claims);
    if (r) return r < 0 ? err_trace(r) : EXTERNAL_E_TOKEN;
    bool typed = str_equal_nocase(jws.typ, STR("at+jwt")) || str_equal_nocase(jws.typ, STR("application/at+jwt"));
    return typed && read_claims(claims, issuer, &rules, ret_claims) ? 0 : EXTERNAL_E_TOKEN;
}

/* ---- answers of introspection ---- */

static bool is_access_token(const struct json *answer) {
    struct str type = json_get_string(answer, "token_type");
    return str_equal_nocase(type, STR("Bearer")) || str_equal_nocase(type, STR("DPoP"));
}

int external_answer_judge(struct str answer, const struct external_issuer *issuer, int64_t now_ms, struct arena *arena,
                          struct external_claims *ret_claims) {
    struct jwt_rules rules = { .issuer = issuer->issuer,
                               .issuer_optional = true,
                               .audiences = &issuer->audience,
                               .audience_count = 1,
                               .audience_optional = true,
                               .now_ms = now_ms,
                               .leeway_ms = JWT_LEEWAY_MS };
    const struct json *json;
    int r = json_parse_arena(answer, EXTERNAL_ANSWER_BYTES_MAX, EXTERNAL_ANSWER_DEPTH_MAX, arena, &json);
    if (r < 0) return err_trace(r);
    const struct json *active = r ? NULL : json_get(json, "active");
    if (!active || json_bool(active, false) != json_bool(active, true)) return EXTERNAL_E_UNKNOWN;
    if (!json_bool(active, false) || !is_access_token(json)) return EXTERNAL_E_TOKEN;
    return read_claims(json, issuer, &rules, ret_claims) ? 0 : EXTERNAL_E_TOKEN;
}
