#include "wire/jwt.h"

static const double date_max_s = 253402300799.0; /* 9999-12-31T23:59:59Z */

const char *jwt_refusal_text(int refusal) {
#define X(code, name) [code] = name,
    static const char *const texts[JWT_E_COUNT] = { [JWT_E_NONE] = "done", JWT_E_MAP(X) };
#undef X
    return refusal >= 0 && refusal < JWT_E_COUNT ? texts[refusal] : "unknown";
}

/* NumericDate in ms; false when it is no number or out of range. */
static bool date_read(const struct json *date, int64_t *ret_ms) {
    enum json_type type = json_type(date);
    if (type != JSON_INTEGER_TYPE && type != JSON_REAL_TYPE) return false;
    double seconds = json_real(date);
    if (!(seconds >= 0 && seconds <= date_max_s)) return false;
    *ret_ms = type == JSON_INTEGER_TYPE ? json_integer(date, 0) * 1000 : (int64_t)(seconds * 1000);
    return true;
}

static int party_check(const struct json *claims, const struct jwt_rules *rules, struct jwt_facts *facts) {
    const struct json *issuer = json_get(claims, "iss"), *subject = json_get(claims, "sub");
    if (!issuer && !rules->issuer_optional) return JWT_E_ISSUER_MISSING;
    if (issuer && (!json_is_string(issuer) || !str_equal(json_string(issuer), rules->issuer))) return JWT_E_ISSUER;
    facts->issuer = json_string(issuer);
    if (subject && !json_is_string(subject)) return JWT_E_SUBJECT;
    facts->subject = json_string(subject);
    if (rules->subject.len == 0) return 0;
    if (!subject) return JWT_E_SUBJECT_MISSING;
    return str_equal(facts->subject, rules->subject) ? 0 : JWT_E_SUBJECT;
}

static bool audience_is_ours(const struct json *audience, const struct jwt_rules *rules) {
    if (!json_is_string(audience)) return false;
    for (size_t i = 0; i < rules->audience_count; i++)
        if (str_equal(json_string(audience), rules->audiences[i])) return true;
    return false;
}

static int audience_check(const struct json *claims, const struct jwt_rules *rules) {
    const struct json *audience = json_get(claims, "aud");
    if (!audience) return rules->audience_optional ? 0 : JWT_E_AUDIENCE_MISSING;
    if (json_type(audience) != JSON_ARRAY_TYPE) return audience_is_ours(audience, rules) ? 0 : JWT_E_AUDIENCE;
    if (rules->audience_string_only) return JWT_E_AUDIENCE_LIST;
    bool ours = false;
    for (size_t i = 0; i < json_count(audience); i++) {
        if (!json_is_string(json_at(audience, i))) return JWT_E_AUDIENCE;
        ours = ours || audience_is_ours(json_at(audience, i), rules);
    }
    return ours ? 0 : JWT_E_AUDIENCE;
}

static int exp_check(const struct json *claims, const struct jwt_rules *rules, struct jwt_facts *facts) {
    const struct json *exp = json_get(claims, "exp");
    if (!exp) return JWT_E_EXP_MISSING;
    if (!date_read(exp, &facts->expires_ms)) return JWT_E_EXP;
    if (facts->expires_ms <= rules->now_ms) return JWT_E_EXPIRED; /* RFC 7519 section 4.1.4: on or after is too late */
    if (rules->exp_ahead_max_ms && facts->expires_ms > rules->now_ms + rules->exp_ahead_max_ms) return JWT_E_EXP_AHEAD;
    return 0;
}

static int iat_check(const struct json *claims, const struct jwt_rules *rules, struct jwt_facts *facts) {
    const struct json *iat = json_get(claims, "iat");
    if (!iat) return rules->iat_required ? JWT_E_IAT_MISSING : 0;
    if (!date_read(iat, &facts->issued_ms)) return JWT_E_IAT;
    return facts->issued_ms > rules->now_ms + rules->leeway_ms ? JWT_E_IAT_AHEAD : 0;
}

static int nbf_check(const struct json *claims, const struct jwt_rules *rules, struct jwt_facts *facts) {
    const struct json *nbf = json_get(claims, "nbf");
    if (!nbf) return rules->nbf_required ? JWT_E_NBF_MISSING : 0;
    if (!date_read(nbf, &facts->not_before_ms)) return JWT_E_NBF;
    if (facts->not_before_ms > rules->now_ms + rules->leeway_ms) return JWT_E_NBF_AHEAD;
    if (rules->nbf_age_max_ms && facts->not_before_ms < rules->now_ms - rules->nbf_age_max_ms) return JWT_E_NBF_OLD;
    if (rules->exp_after_nbf_max_ms && facts->expires_ms > facts->not_before_ms + rules->exp_after_nbf_max_ms)
        return JWT_E_LIFE;
    return 0;
}

static int jti_check(const struct json *claims, const struct jwt_rules *rules, struct jwt_facts *facts) {
    const struct json *jti = json_get(claims, "jti");
    if (!jti) return rules->jti_required ? JWT_E_JTI_MISSING : 0;
    facts->jti = json_string(jti);
    return json_is_string(jti) && facts->jti.len > 0 && facts->jti.len <= JWT_JTI_BYTES_MAX ? 0 : JWT_E_JTI;
}

int jwt_check(const struct json *claims, const struct jwt_rules *rules, struct jwt_facts *ret_facts) {
    check(rules->issuer.len > 0 && rules->audience_count > 0 && rules->now_ms > 0);
    check(rules->leeway_ms >= 0 && rules->exp_ahead_max_ms >= 0);
    if (rules->exp_after_nbf_max_ms) check(rules->nbf_required);
    struct jwt_facts facts = { 0 };
    if (json_type(claims) != JSON_OBJECT_TYPE) return JWT_E_CLAIMS;
    int r = party_check(claims, rules, &facts);
    if (r == 0) r = audience_check(claims, rules);
    if (r == 0) r = exp_check(claims, rules, &facts);
    if (r == 0) r = iat_check(claims, rules, &facts);
    if (r == 0) r = nbf_check(claims, rules, &facts);
    if (r == 0) r = jti_check(claims, rules, &facts);
    if (r == 0) *ret_facts = facts;
    return r;
}
