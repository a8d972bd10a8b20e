#include "integration/command/assertion_spend.h"

#include "services/identity/token.h"

const char *assertion_refusal_name(int refusal) {
    check(refusal == COMMAND_E_JTI_REPLAYED || refusal == COMMAND_E_PROOF_REPLAYED);
    return refusal == COMMAND_E_JTI_REPLAYED ? "assertion_replayed" : "proof_replayed";
}

static struct jti_row jti_of(const struct assertion_spend *assertion) {
    struct jti_row jti = { .expires_ms = assertion->expires_ms };
    jti_key(assertion->client_id.bytes, assertion->jti, jti.key);
    return jti;
}

static struct jti_row proof_of(const struct assertion_spend *assertion) {
    struct jti_row jti = { .expires_ms = assertion->proof_expires_ms };
    memcpy(jti.key, assertion->proof_jti, sizeof jti.key);
    return jti;
}

void assertion_want(struct work *work, const struct assertion_spend *assertion) {
    struct jti_row jti = jti_of(assertion), proof = proof_of(assertion);
    if (assertion->jti.len) jti_want(work, &jti);
    if (!id_is_zero(assertion->proof_jti)) jti_want(work, &proof);
}

int assertion_spend(struct work *work, const struct assertion_spend *assertion) {
    struct jti_row jti = jti_of(assertion), proof = proof_of(assertion);
    int r = assertion->jti.len ? jti_spend(work, &jti) : 0;
    if (r == TOKEN_E_JTI_USED) return COMMAND_E_JTI_REPLAYED;
    if (r) return r == VIEW_NEED ? r : err_fold(r);
    if (id_is_zero(assertion->proof_jti)) return 0;
    r = jti_spend(work, &proof);
    if (r == TOKEN_E_JTI_USED) return COMMAND_E_PROOF_REPLAYED;
    return r == VIEW_NEED ? r : err_fold(r);
}
