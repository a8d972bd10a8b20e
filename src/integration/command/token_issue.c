/* token_issue.c - what a client's assertion buys: a token, a pushed request, a code's exchange. The jti of the
 * assertion is spent in the same commit, so it is used once also after a restart (FAPI C5). */
#include "integration/command/command_run.h"

#include "integration/command/assertion_spend.h"
#include "integration/command/command_codec.h"
#include "integration/command/consent_alive.h"
#include "services/identity/client.h"
#include "services/identity/grant.h"
#include "services/identity/token.h"

/* ---- the jti alone ---- */

static void assertion_spend_needs(struct work *work, const struct command *command) {
    assertion_want(work, command->input);
}

static int assertion_spend_decide(struct work *work, struct command *command) {
    return assertion_spend(work, command->input);
}

static const struct command_kind assertion_spend_kind = { .name = "assertion_spend",
                                                          .needs = assertion_spend_needs,
                                                          .decide = assertion_spend_decide,
                                                          .refusal_name = assertion_refusal_name };

static const struct command_field assertion_spend_fields[] = {
    FIELD(struct assertion_spend, client_id, ID),
    FIELD_MAX(struct assertion_spend, jti, TEXT, COMMAND_JTI_BYTES_MAX),
    FIELD(struct assertion_spend, expires_ms, I64),
    FIELD(struct assertion_spend, proof_jti, ID),
    FIELD(struct assertion_spend, proof_expires_ms, I64),
};
const struct command_form assertion_spend_form = { .kind = &assertion_spend_kind,
                                                   .input_bytes = sizeof(struct assertion_spend),
                                                   .fields = assertion_spend_fields,
                                                   .field_count = ARRAY_COUNT(assertion_spend_fields),
                                                   .refusal_count = COMMAND_E_SPEND_COUNT };

int command_assertion_spend(struct integration *integration, struct command_call *call,
                            const struct assertion_spend *assertion) {
    struct assertion_spend *copy = arena_new(call->arena, struct assertion_spend);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *assertion;
    return command_run(integration, call, &assertion_spend_kind, copy);
}

/* ---- client credentials ---- */

static void token_issue_needs(struct work *work, const struct command *command) {
    assertion_want(work, &((const struct token_issue_input *)command->input)->assertion);
}

static int token_issue_decide(struct work *work, struct command *command) {
    const struct token_issue_input *input = command->input;
    struct token_row token = { .token_hash = input->token_hash,
                               .scope = input->scope,
                               .certificate_hash = input->certificate_hash,
                               .key_thumbprint = input->key_thumbprint };
    memcpy(token.client_id, input->assertion.client_id.bytes, 16);
    int r = assertion_spend(work, &input->assertion);
    return r ? r : err_fold(token_issue(work, &token, TOKEN_LIFE_MS));
}

static const struct command_kind token_issue_kind = { .name = "token_issue",
                                                      .needs = token_issue_needs,
                                                      .decide = token_issue_decide,
                                                      .refusal_name = assertion_refusal_name };

static const struct command_field token_issue_fields[] = {
    ASSERTION_FIELDS(struct token_issue_input),
    FIELD(struct token_issue_input, token_hash, HASH),
    FIELD(struct token_issue_input, certificate_hash, HASH),
    FIELD(struct token_issue_input, key_thumbprint, HASH),
    FIELD_MAX(struct token_issue_input, scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
};
const struct command_form token_issue_form = { .kind = &token_issue_kind,
                                               .input_bytes = sizeof(struct token_issue_input),
                                               .fields = token_issue_fields,
                                               .field_count = ARRAY_COUNT(token_issue_fields),
                                               .refusal_count = COMMAND_E_SPEND_COUNT };

int command_token_issue(struct integration *integration, struct command_call *call,
                        const struct token_issue_input *input) {
    struct token_issue_input *copy = arena_new(call->arena, struct token_issue_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &token_issue_kind, copy);
}

/* ---- pushed requests ---- */

static void pushed_store_needs(struct work *work, const struct command *command) {
    assertion_want(work, &((const struct pushed_store_input *)command->input)->assertion);
}

static int pushed_store_decide(struct work *work, struct command *command) {
    const struct pushed_store_input *input = command->input;
    struct pushed_row pushed = { .request_hash = input->request_hash, .params = input->params };
    memcpy(pushed.client_id, input->assertion.client_id.bytes, 16);
    memcpy(pushed.consent_id, input->consent_id.bytes, 16);
    int r = assertion_spend(work, &input->assertion);
    return r ? r : err_fold(pushed_store(work, &pushed, PUSHED_LIFE_MS));
}

static const struct command_kind pushed_store_kind = { .name = "pushed_store",
                                                       .needs = pushed_store_needs,
                                                       .decide = pushed_store_decide,
                                                       .refusal_name = assertion_refusal_name };

static const struct command_field pushed_store_fields[] = {
    ASSERTION_FIELDS(struct pushed_store_input),
    FIELD(struct pushed_store_input, request_hash, HASH),
    FIELD(struct pushed_store_input, consent_id, ID),
    FIELD_MAX(struct pushed_store_input, params, TEXT, PUSHED_PARAMS_BYTES_MAX),
};
const struct command_form pushed_store_form = { .kind = &pushed_store_kind,
                                                .input_bytes = sizeof(struct pushed_store_input),
                                                .fields = pushed_store_fields,
                                                .field_count = ARRAY_COUNT(pushed_store_fields),
                                                .refusal_count = COMMAND_E_SPEND_COUNT };

int command_pushed_store(struct integration *integration, struct command_call *call,
                         const struct pushed_store_input *input) {
    struct pushed_store_input *copy = arena_new(call->arena, struct pushed_store_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &pushed_store_kind, copy);
}

/* ---- codes ---- */

static void code_exchange_needs(struct work *work, const struct command *command) {
    const struct code_exchange_input *input = command->input;
    assertion_want(work, &input->assertion);
    code_want(work, &input->code_hash);
}

/* The grant of a code that was exchanged just now, and its refresh token when there is one. */
static int open_grant(struct work *work, const struct code_row *code, const struct code_exchange_input *input) {
    static const struct hash none;
    bool refreshed = !hash_equal(&input->refresh_hash, &none);
    struct grant_row grant = { .scope = code->scope,
                               .acr = code->acr,
                               .details = code->details,
                               .auth_ms = code->auth_ms,
                               .granted_ms = code->issued_ms,
                               .expires_ms = refreshed ? input->refresh_expires_ms : code->used_ms + TOKEN_LIFE_MS };
    struct refresh_row refresh = { .refresh_hash = input->refresh_hash, .expires_ms = grant.expires_ms };
    memcpy(grant.grant_id, code->grant_id, 16);
    memcpy(grant.client_id, code->client_id, 16);
    memcpy(grant.customer_id, code->customer_id, 16);
    memcpy(grant.consent_id, code->consent_id, 16);
    memcpy(refresh.grant_id, code->grant_id, 16);
    memcpy(refresh.client_id, code->client_id, 16);
    int r = grant_open(work, &grant);
    return r || !refreshed ? r : refresh_issue(work, &refresh);
}

static int code_exchange_decide(struct work *work, struct command *command) {
    const struct code_exchange_input *input = command->input;
    struct code_row code = { 0 };
    struct code_claim claim = { .code_hash = input->code_hash,
                                .redirect_uri = input->redirect_uri,
                                .code_challenge = input->code_challenge,
                                .key_thumbprint = input->key_thumbprint };
    bool alive = false;
    memcpy(claim.client_id, input->assertion.client_id.bytes, 16);
    command->answer = STR("");
    int r = assertion_spend(work, &input->assertion);
    if (r) return r;
    r = code_exchange(work, &claim, &code);
    if (r < 0 || r == VIEW_NEED) return r;
    struct consent_claim consent = { .consent_id = code.consent_id,
                                     .client_id = code.client_id,
                                     .customer_id = code.customer_id,
                                     .granted_ms = code.issued_ms };
    int need = r ? 0 : consent_alive(work, &consent, &alive);
    if (need) return need;
    if (r || !alive) {
        command->answer = STR("invalid_grant"); /* accepted: jti spent, perhaps a grant revoked */
        return 0;
    }
    struct token_row token = { .token_hash = input->token_hash,
                               .scope = code.scope,
                               .certificate_hash = input->certificate_hash,
                               .key_thumbprint = input->key_thumbprint };
    memcpy(token.client_id, code.client_id, 16);
    memcpy(token.customer_id, code.customer_id, 16);
    memcpy(token.consent_id, code.consent_id, 16);
    memcpy(token.grant_id, code.grant_id, 16);
    memcpy(command->resource_id, code.consent_id, 16);
    r = open_grant(work, &code, input);
    return err_fold(r ? r : token_issue(work, &token, TOKEN_LIFE_MS));
}

static const struct command_kind code_exchange_kind = { .name = "code_exchange",
                                                        .needs = code_exchange_needs,
                                                        .decide = code_exchange_decide,
                                                        .refusal_name = assertion_refusal_name };

static const struct command_field code_exchange_fields[] = {
    ASSERTION_FIELDS(struct code_exchange_input),
    FIELD(struct code_exchange_input, code_hash, HASH),
    FIELD(struct code_exchange_input, token_hash, HASH),
    FIELD(struct code_exchange_input, certificate_hash, HASH),
    FIELD(struct code_exchange_input, key_thumbprint, HASH),
    FIELD(struct code_exchange_input, refresh_hash, HASH),
    FIELD(struct code_exchange_input, refresh_expires_ms, I64),
    FIELD_MAX(struct code_exchange_input, redirect_uri, TEXT, CLIENT_URI_BYTES_MAX),
    FIELD_MAX(struct code_exchange_input, code_challenge, TEXT, 1024),
};
const struct command_form code_exchange_form = { .kind = &code_exchange_kind,
                                                 .input_bytes = sizeof(struct code_exchange_input),
                                                 .fields = code_exchange_fields,
                                                 .field_count = ARRAY_COUNT(code_exchange_fields),
                                                 .refusal_count = COMMAND_E_SPEND_COUNT };

int command_code_exchange(struct integration *integration, struct command_call *call,
                          const struct code_exchange_input *input) {
    struct code_exchange_input *copy = arena_new(call->arena, struct code_exchange_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &code_exchange_kind, copy);
}
