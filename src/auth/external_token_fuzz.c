/* external_token_fuzz.c - what another authorization server may answer about a token, and what a caller may call a
 * token of one: every refusal is clean, and what is taken obeys the rules (external_token.h). The first byte chooses
 * the door. */
#include "auth/external_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct arena arena;
static const int64_t now_ms = 1700000000000;

static void answer_try(struct str text, const struct external_issuer *issuer) {
    struct external_claims claims;
    int r = external_answer_judge(text, issuer, now_ms, &arena, &claims);
    check(r >= 0);
    if (r) return;
    check(claims.client_name.len > 0 && claims.client_name.len <= EXTERNAL_NAME_BYTES_MAX);
    check(claims.scope.len <= EXTERNAL_SCOPE_BYTES_MAX && claims.expires_ms > now_ms);
    check(!(claims.by_certificate && claims.by_key));
}

static void token_try(struct str text, const struct external_issuer *issuer) {
    const struct external_issuer *found = NULL;
    int r = external_token_issuer(text, issuer, 1, &arena, &found);
    check(r == EXTERNAL_E_TOKEN || (r == 0 && found == issuer));
    check(r || external_token_looks(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct external_issuer issuer = { .issuer = STR("https://peer.example"),
                                      .audience = STR("https://giro.example"),
                                      .client_claim = STR("client_id"),
                                      .customer_claim = STR("customer_id"),
                                      .consent_claim = STR("openbanking_intent_id"),
                                      .scope_claim = STR("scope") };
    if (!arena.first) check(arena_init(&arena, 64 * 1024, 1024 * 1024) == 0);
    if (size == 0 || size > EXTERNAL_ANSWER_BYTES_MAX) return 0;
    arena_reset(&arena);
    struct str text = str_from_bytes(bytes + 1, size - 1);
    if (bytes[0] % 2) token_try(text, &issuer);
    else answer_try(text, &issuer);
    return 0;
}
