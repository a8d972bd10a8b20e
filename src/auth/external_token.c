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

static bool read_claims(const struct json *claims, const struct external_issuer *issuer, int64_t now_ms,
                        struct external_claims *ret_claims) {
    struct external_claims facts = { .client_name = claim_of(claims, issuer->client_claim),
                                     .scope = claim_of(claims, issuer->scope_claim) };
    struct jwt_rules rules = { .issuer = issuer->issuer,
                               .audiences = &issuer->audience,
                               .audience_count = 1,
                               .now_ms = now_ms,
                               .leeway_ms = JWT_LEEWAY_MS,
                               .exp_ahead_max_ms = EXTERNAL_TOKEN_AHEAD_MS,
                               .jti_required = true,
                               .iat_required = true };
    struct jwt_facts jwt;
    if (jwt_check(claims, &rules, &jwt) || facts.client_name.len == 0) return false;
    if (!id_of(claims, issuer->customer_claim, facts.customer_id.bytes)) return false;
    if (!id_of(claims, issuer->consent_claim, facts.consent_id.bytes) || !read_binding(claims, &facts)) return false;
    facts.issued_ms = jwt.issued_ms;
    *ret_claims = facts;
    return true;
}

/* tidy: parameters because a token is judged by a table of issuers and by the time. */
int external_token_judge(struct str text, const struct external_issuer *issuers, size_t issuer_count, int64_t now_ms,
                         struct arena *arena, struct external_claims *ret_claims) {
    struct jws jws;
    const struct json *claims;
    if (text.len > EXTERNAL_TOKEN_BYTES_MAX) return EXTERNAL_E_TOKEN;
    int r = jws_parse(text, arena, &jws);
    if (!r) r = jws_claims(&jws, arena, &claims);
    if (r) return r < 0 ? err_trace(r) : EXTERNAL_E_TOKEN;
    const struct external_issuer *issuer = issuer_of(claims, issuers, issuer_count); /* only to find the keys (E1) */
    if (!issuer) return EXTERNAL_E_TOKEN;
    r = jws_verify_set(&jws, issuer->keys, KEY_ALG_NONE);
    if (r) return r < 0 ? err_trace(r) : EXTERNAL_E_TOKEN;
    bool typed = str_equal_nocase(jws.typ, STR("at+jwt")) || str_equal_nocase(jws.typ, STR("application/at+jwt"));
    return typed && read_claims(claims, issuer, now_ms, ret_claims) ? 0 : EXTERNAL_E_TOKEN;
}
