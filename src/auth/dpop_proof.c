#include "auth/dpop_proof.h"

#include "auth/auth_int.h"
#include "auth/dpop_nonce.h"
#include "auth/target_uri.h"
#include "platform/encoding.h"
#include "wire/jose.h"

struct judging {
    const struct dpop_rules *rules;
    const struct json *claims;
    bool fresh; /* a nonce of ours says that the proof was made just now */
    int64_t issued_ms;
};

/* A member that must be a string of 1 to bytes_max. */
static struct str text_of(const struct json *claims, const char *name, size_t bytes_max) {
    struct str text = json_get_string(claims, name);
    return text.len <= bytes_max ? text : (struct str){ 0 };
}

/* NumericDate in ms; false when it is there and no time, or absent and needed. */
static bool time_of(const struct json *claims, const char *name, bool needed, int64_t *ret_ms) {
    const struct json *member = json_get(claims, name);
    if (!member) return !needed;
    double seconds = json_real(member);
    if (!json_is_number(member) || !(seconds >= 0) || seconds > 253402300799.0) return false;
    *ret_ms = (int64_t)(seconds * 1000);
    return true;
}

/* ---- the rules, one after another; each says what is wrong, or NULL ---- */

static const char *judge_jti(struct judging *judging) {
    return text_of(judging->claims, "jti", DPOP_JTI_BYTES_MAX).len ? NULL : "jti missing or too long";
}

static const char *judge_method(struct judging *judging) {
    struct str method = json_get_string(judging->claims, "htm");
    if (method.len == 0) return "htm missing";
    return str_equal(method, judging->rules->method) ? NULL : "htm is not the method of the request";
}

static const char *judge_target(struct judging *judging) {
    char memory[2][TARGET_URI_BYTES_MAX + 1];
    struct buffer asked, said;
    struct str target = json_get_string(judging->claims, "htu");
    buffer_init(&asked, memory[0], sizeof memory[0]);
    buffer_init(&said, memory[1], sizeof memory[1]);
    if (target.len == 0) return "htu missing";
    if (!target_uri_normal(target, &said)) return "htu is no https URI";
    if (!target_uri_normal(judging->rules->url, &asked)) return "the address of the request is too long";
    return str_equal(buffer_str(&asked), buffer_str(&said)) ? NULL : "htu is not the address of the request";
}

static const char *judge_times(struct judging *judging) {
    const struct dpop_rules *rules = judging->rules;
    int64_t not_before_ms = 0, expires_ms = INT64_MAX;
    if (!time_of(judging->claims, "iat", true, &judging->issued_ms)) return "iat missing or not a time";
    if (!time_of(judging->claims, "nbf", false, &not_before_ms)) return "nbf is not a time";
    if (!time_of(judging->claims, "exp", false, &expires_ms)) return "exp is not a time";
    if (not_before_ms > rules->now_ms + DPOP_AHEAD_MAX_MS) return "not yet valid";
    if (expires_ms <= rules->now_ms) return "expired";
    if (judging->fresh) return NULL;
    if (judging->issued_ms > rules->now_ms + DPOP_AHEAD_MAX_MS) return "iat in the future";
    return judging->issued_ms >= rules->now_ms - DPOP_AGE_MAX_MS ? NULL : "iat too old";
}

static const char *judge_token(struct judging *judging) {
    char memory[AUTH_SECRET_TEXT_BYTES];
    struct buffer text;
    if (judging->rules->access_token.len == 0) return NULL;
    struct str said = json_get_string(judging->claims, "ath");
    if (said.len == 0) return "ath missing";
    struct hash hash = sha256_str(judging->rules->access_token);
    buffer_init(&text, memory, sizeof memory);
    base64url_encode(&text, hash.bytes, sizeof hash.bytes);
    return str_equal(said, buffer_str(&text)) ? NULL : "ath is not of the access token";
}

static const char *judge_claims(struct judging *judging) {
    static const char *(*const rules[])(struct judging *) = { judge_jti, judge_method, judge_target, judge_times,
                                                              judge_token };
    const char *wrong = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(rules) && !wrong; i++) wrong = rules[i](judging);
    return wrong;
}

/* ---- signature ---- */

/* Everything is asked of the token itself: what is proven is the possession of the key that it brings. 0 with the key's
 * thumbprint and the claims, DPOP_E_PROOF, <0. */
static int judge_signature(struct str proof, struct arena *arena, struct hash *ret_thumbprint,
                           const struct json **ret_claims, const char **ret_wrong) {
    struct jws jws;
    struct key *key = NULL;
    if (proof.len > DPOP_PROOF_BYTES_MAX) {
        *ret_wrong = "the proof is too long";
        return DPOP_E_PROOF;
    }
    int r = jws_parse_keyed(proof, arena, &jws);
    if (!r && !str_equal_nocase(jws.typ, STR("dpop+jwt"))) {
        *ret_wrong = "typ must be dpop+jwt";
        return DPOP_E_PROOF;
    }
    if (!r) {
        r = jwk_read(json_get(jws.header, "jwk"), &key, NULL);
        *ret_wrong = "jwk is no public key that may be used here";
        if (r) return r < 0 ? err_trace(r) : DPOP_E_PROOF;
        r = jws_verify(&jws, key, KEY_ALG_NONE);
    }
    if (!r) r = jws_claims(&jws, arena, ret_claims);
    if (r > 0) *ret_wrong = jose_refusal_text(r);
    if (!r) r = err_fold(jwk_thumbprint(key, ret_thumbprint));
    key_free(key);
    if (r < 0) return err_trace(r);
    return r ? DPOP_E_PROOF : 0;
}

/* The key is part of it, so that senders cannot spend each other's; longer than what a client's jti is kept under is
 * made from, so never the same bytes. */
static void jti_key(const struct hash *thumbprint, struct str jti, uint8_t ret_key[16]) {
    struct hash inner = sha256_str(jti);
    uint8_t both[2 * sizeof inner.bytes];
    memcpy(both, thumbprint->bytes, sizeof thumbprint->bytes);
    memcpy(both + sizeof thumbprint->bytes, inner.bytes, sizeof inner.bytes);
    struct hash outer = sha256(both, sizeof both);
    memcpy(ret_key, outer.bytes, 16);
}

int dpop_proof_judge(struct str proof, const struct dpop_rules *rules, struct arena *arena,
                     struct dpop_facts *ret_facts, const char **ret_text) {
    struct judging judging = { .rules = rules };
    struct dpop_facts facts = { 0 };
    const char *wrong = NULL;
    int r = judge_signature(proof, arena, &facts.thumbprint, &judging.claims, &wrong);
    if (r < 0) return err_trace(r);
    struct str nonce = r ? (struct str){ 0 } : json_get_string(judging.claims, "nonce");
    judging.fresh = !r && rules->nonce_key && dpop_nonce_fits(rules->nonce_key, rules->now_ms, nonce);
    if (!r) wrong = judge_claims(&judging);
    if (!r && !wrong && rules->nonce_key && !judging.fresh) {
        if (ret_text) *ret_text = "a nonce is asked for: use the one in the header DPoP-Nonce";
        return DPOP_E_NONCE;
    }
    if (wrong) {
        if (ret_text) *ret_text = wrong;
        return DPOP_E_PROOF;
    }
    jti_key(&facts.thumbprint, json_get_string(judging.claims, "jti"), facts.jti_key);
    facts.expires_ms = judging.fresh ? rules->now_ms + DPOP_NONCE_LIFE_MS : judging.issued_ms + DPOP_AGE_MAX_MS;
    *ret_facts = facts;
    return 0;
}

const struct hash *auth_dpop_nonce_key(const struct auth *auth) {
    return auth->options.dpop_nonce ? &auth->dpop_nonce_key : NULL;
}
