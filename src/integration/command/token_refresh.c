/* token_refresh.c - a grant that is used again, and one that ends (RFC 6749 section 6, RFC 7009). */
#include "integration/command/command_run.h"

#include "integration/command/assertion_spend.h"
#include "integration/command/consent_alive.h"
#include "services/identity/grant.h"

static bool is_set(const struct hash *hash) {
    static const struct hash none;
    return !hash_equal(hash, &none);
}

/* ---- refresh ---- */

static void token_refresh_needs(struct work *work, const struct command *command) {
    const struct token_refresh_input *input = command->input;
    assertion_want(work, &input->assertion);
    refresh_want(work, &input->refresh_hash);
}

/* FAPI 2 section 5.3.2.1: no rotation in general; where it is switched on, the old token serves a retry. */
static int rotate(struct work *work, const struct token_refresh_input *input, const struct refresh_row *old,
                  int64_t grant_expires_ms) {
    struct refresh_row fresh = { .refresh_hash = input->fresh_hash, .expires_ms = grant_expires_ms };
    if (!is_set(&input->fresh_hash)) return 0;
    memcpy(fresh.grant_id, old->grant_id, 16);
    memcpy(fresh.client_id, old->client_id, 16);
    int r = refresh_replace(work, old, input->retry_ms);
    return r ? r : refresh_issue(work, &fresh);
}

static int token_refresh_decide(struct work *work, struct command *command) {
    const struct token_refresh_input *input = command->input;
    const struct refresh_row *refresh;
    const struct grant_row *grant;
    bool alive = false;
    command->answer = STR("");
    int r = assertion_spend(work, &input->assertion);
    if (r) return r;
    r = refresh_judge(work, &input->refresh_hash, input->assertion.client_id.bytes, &refresh, &grant);
    if (r < 0 || r == VIEW_NEED) return r;
    if (!r) {
        struct consent_claim consent = { .consent_id = grant->consent_id,
                                         .client_id = grant->client_id,
                                         .customer_id = grant->customer_id,
                                         .granted_ms = grant->granted_ms };
        int need = consent_alive(work, &consent, &alive);
        if (need) return need;
    }
    if (!alive) {
        command->answer = STR("invalid_grant"); /* accepted: the jti is spent */
        return 0;
    }
    struct token_row token = { .token_hash = input->token_hash,
                               .scope = input->scope,
                               .certificate_hash = input->certificate_hash,
                               .key_thumbprint = input->key_thumbprint };
    memcpy(token.client_id, grant->client_id, 16);
    memcpy(token.customer_id, grant->customer_id, 16);
    memcpy(token.consent_id, grant->consent_id, 16);
    memcpy(token.grant_id, grant->grant_id, 16);
    memcpy(command->resource_id, grant->consent_id, 16);
    r = rotate(work, input, refresh, grant->expires_ms);
    return err_fold(r ? r : token_issue(work, &token, TOKEN_LIFE_MS));
}

static const struct command_kind token_refresh_kind = { .name = "token_refresh",
                                                        .needs = token_refresh_needs,
                                                        .decide = token_refresh_decide,
                                                        .refusal_name = assertion_refusal_name };

static const struct command_field token_refresh_fields[] = {
    ASSERTION_FIELDS(struct token_refresh_input),
    FIELD(struct token_refresh_input, refresh_hash, HASH),
    FIELD(struct token_refresh_input, token_hash, HASH),
    FIELD(struct token_refresh_input, certificate_hash, HASH),
    FIELD(struct token_refresh_input, key_thumbprint, HASH),
    FIELD_MAX(struct token_refresh_input, scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    FIELD(struct token_refresh_input, fresh_hash, HASH),
    FIELD(struct token_refresh_input, retry_ms, I64),
};
const struct command_form token_refresh_form = { .kind = &token_refresh_kind,
                                                 .input_bytes = sizeof(struct token_refresh_input),
                                                 .fields = token_refresh_fields,
                                                 .field_count = ARRAY_COUNT(token_refresh_fields),
                                                 .refusal_count = COMMAND_E_SPEND_COUNT };

int command_token_refresh(struct integration *integration, struct command_call *call,
                          const struct token_refresh_input *input) {
    struct token_refresh_input *copy = arena_new(call->arena, struct token_refresh_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &token_refresh_kind, copy);
}

/* ---- revocation ---- */

static void token_revoke_needs(struct work *work, const struct command *command) {
    const struct token_revoke_input *input = command->input;
    assertion_want(work, &input->assertion);
    refresh_want(work, &input->token_hash);
}

/* The text of a token says nothing of its kind, so both are looked for, whatever the hint said (RFC 7009 section 2.1).
 */
static int token_revoke_decide(struct work *work, struct command *command) {
    const struct token_revoke_input *input = command->input;
    const uint8_t *client_id = input->assertion.client_id.bytes;
    command->answer = STR("");
    int r = assertion_spend(work, &input->assertion);
    if (r) return r;
    r = token_revoke(work, &input->token_hash, client_id);
    if (r == TOKEN_E_ABSENT || r == TOKEN_E_CLIENT) r = refresh_revoke(work, &input->token_hash, client_id);
    if (r == TOKEN_E_ABSENT || r == TOKEN_E_CLIENT) {
        command->answer = STR("absent");
        return 0;
    }
    return r == VIEW_NEED ? r : err_fold(r);
}

static const struct command_kind token_revoke_kind = { .name = "token_revoke",
                                                       .needs = token_revoke_needs,
                                                       .decide = token_revoke_decide,
                                                       .refusal_name = assertion_refusal_name };

static const struct command_field token_revoke_fields[] = {
    ASSERTION_FIELDS(struct token_revoke_input),
    FIELD(struct token_revoke_input, token_hash, HASH),
};
const struct command_form token_revoke_form = { .kind = &token_revoke_kind,
                                                .input_bytes = sizeof(struct token_revoke_input),
                                                .fields = token_revoke_fields,
                                                .field_count = ARRAY_COUNT(token_revoke_fields),
                                                .refusal_count = COMMAND_E_SPEND_COUNT };

int command_token_revoke(struct integration *integration, struct command_call *call,
                         const struct token_revoke_input *input) {
    struct token_revoke_input *copy = arena_new(call->arena, struct token_revoke_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &token_revoke_kind, copy);
}
