/* token_issue.c - what a client's assertion buys: a token, a pushed request, a code's exchange. The jti of the
 * assertion is spent in the same commit, so it is used once also after a restart (FAPI C5). */
#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "services/identity/client.h"
#include "services/identity/token.h"

static const char *jti_refusal_name(int refusal) {
    check(refusal == COMMAND_E_JTI_REPLAYED);
    return "assertion_replayed";
}

static struct jti_row jti_of(const struct assertion_spend *assertion) {
    struct jti_row jti = { .expires_ms = assertion->expires_ms };
    jti_key(assertion->client_id.bytes, assertion->jti, jti.key);
    return jti;
}

static void want_jti(struct work *work, const struct assertion_spend *assertion) {
    struct jti_row jti = jti_of(assertion);
    jti_want(work, &jti);
}

/* 0, COMMAND_E_JTI_REPLAYED, VIEW_NEED, <0: as a decision returns it. */
static int spend(struct work *work, const struct assertion_spend *assertion) {
    struct jti_row jti = jti_of(assertion);
    int r = jti_spend(work, &jti);
    if (r == TOKEN_E_JTI_USED) return COMMAND_E_JTI_REPLAYED;
    return r == VIEW_NEED ? r : err_fold(r);
}

/* ---- the jti alone ---- */

static void assertion_spend_needs(struct work *work, const struct command *command) {
    want_jti(work, command->input);
}

static int assertion_spend_decide(struct work *work, struct command *command) {
    return spend(work, command->input);
}

static const struct command_kind assertion_spend_kind = { .name = "assertion_spend",
                                                          .needs = assertion_spend_needs,
                                                          .decide = assertion_spend_decide,
                                                          .refusal_name = jti_refusal_name };

static const struct command_field assertion_spend_fields[] = {
    FIELD(struct assertion_spend, client_id, ID),
    FIELD_MAX(struct assertion_spend, jti, TEXT, COMMAND_JTI_BYTES_MAX),
    FIELD(struct assertion_spend, expires_ms, I64),
};
const struct command_form assertion_spend_form = { .kind = &assertion_spend_kind,
                                                   .input_bytes = sizeof(struct assertion_spend),
                                                   .fields = assertion_spend_fields,
                                                   .field_count = ARRAY_COUNT(assertion_spend_fields),
                                                   .refusal_count = COMMAND_E_JTI_REPLAYED + 1 };

int command_assertion_spend(struct integration *integration, struct command_call *call,
                            const struct assertion_spend *assertion) {
    struct assertion_spend *copy = arena_new(call->arena, struct assertion_spend);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *assertion;
    return command_run(integration, call, &assertion_spend_kind, copy);
}

/* ---- client credentials ---- */

static void token_issue_needs(struct work *work, const struct command *command) {
    want_jti(work, &((const struct token_issue_input *)command->input)->assertion);
}

static int token_issue_decide(struct work *work, struct command *command) {
    const struct token_issue_input *input = command->input;
    struct token_row token = { .token_hash = input->token_hash,
                               .scope = input->scope,
                               .certificate_hash = input->certificate_hash };
    memcpy(token.client_id, input->assertion.client_id.bytes, 16);
    int r = spend(work, &input->assertion);
    return r ? r : err_fold(token_issue(work, &token, TOKEN_LIFE_MS));
}

static const struct command_kind token_issue_kind = {
    .name = "token_issue", .needs = token_issue_needs, .decide = token_issue_decide, .refusal_name = jti_refusal_name
};

static const struct command_field token_issue_fields[] = {
    FIELD(struct token_issue_input, assertion.client_id, ID),
    FIELD_MAX(struct token_issue_input, assertion.jti, TEXT, COMMAND_JTI_BYTES_MAX),
    FIELD(struct token_issue_input, assertion.expires_ms, I64),
    FIELD(struct token_issue_input, token_hash, HASH),
    FIELD(struct token_issue_input, certificate_hash, HASH),
    FIELD_MAX(struct token_issue_input, scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
};
const struct command_form token_issue_form = { .kind = &token_issue_kind,
                                               .input_bytes = sizeof(struct token_issue_input),
                                               .fields = token_issue_fields,
                                               .field_count = ARRAY_COUNT(token_issue_fields),
                                               .refusal_count = COMMAND_E_JTI_REPLAYED + 1 };

int command_token_issue(struct integration *integration, struct command_call *call,
                        const struct token_issue_input *input) {
    struct token_issue_input *copy = arena_new(call->arena, struct token_issue_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &token_issue_kind, copy);
}

/* ---- pushed requests ---- */

static void pushed_store_needs(struct work *work, const struct command *command) {
    want_jti(work, &((const struct pushed_store_input *)command->input)->assertion);
}

static int pushed_store_decide(struct work *work, struct command *command) {
    const struct pushed_store_input *input = command->input;
    struct pushed_row pushed = { .request_hash = input->request_hash, .params = input->params };
    memcpy(pushed.client_id, input->assertion.client_id.bytes, 16);
    memcpy(pushed.consent_id, input->consent_id.bytes, 16);
    int r = spend(work, &input->assertion);
    return r ? r : err_fold(pushed_store(work, &pushed, PUSHED_LIFE_MS));
}

static const struct command_kind pushed_store_kind = {
    .name = "pushed_store", .needs = pushed_store_needs, .decide = pushed_store_decide, .refusal_name = jti_refusal_name
};

static const struct command_field pushed_store_fields[] = {
    FIELD(struct pushed_store_input, assertion.client_id, ID),
    FIELD_MAX(struct pushed_store_input, assertion.jti, TEXT, COMMAND_JTI_BYTES_MAX),
    FIELD(struct pushed_store_input, assertion.expires_ms, I64),
    FIELD(struct pushed_store_input, request_hash, HASH),
    FIELD(struct pushed_store_input, consent_id, ID),
    FIELD_MAX(struct pushed_store_input, params, TEXT, PUSHED_PARAMS_BYTES_MAX),
};
const struct command_form pushed_store_form = { .kind = &pushed_store_kind,
                                                .input_bytes = sizeof(struct pushed_store_input),
                                                .fields = pushed_store_fields,
                                                .field_count = ARRAY_COUNT(pushed_store_fields),
                                                .refusal_count = COMMAND_E_JTI_REPLAYED + 1 };

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
    want_jti(work, &input->assertion);
    code_want(work, &input->code_hash);
}

static int code_exchange_decide(struct work *work, struct command *command) {
    const struct code_exchange_input *input = command->input;
    const struct code_row *code;
    struct code_claim claim = { .code_hash = input->code_hash,
                                .redirect_uri = input->redirect_uri,
                                .code_challenge = input->code_challenge,
                                .token_hash = input->token_hash };
    memcpy(claim.client_id, input->assertion.client_id.bytes, 16);
    command->answer = STR("");
    int r = spend(work, &input->assertion);
    if (r) return r;
    r = code_exchange(work, &claim, &code);
    if (r < 0 || r == VIEW_NEED) return r;
    if (r) {
        command->answer = STR("invalid_grant"); /* accepted: jti spent, perhaps a token revoked */
        return 0;
    }
    struct token_row token = { .token_hash = input->token_hash,
                               .scope = code->scope,
                               .certificate_hash = input->certificate_hash };
    memcpy(token.client_id, code->client_id, 16);
    memcpy(token.customer_id, code->customer_id, 16);
    memcpy(token.consent_id, code->consent_id, 16);
    memcpy(command->resource_id, code->consent_id, 16);
    return err_fold(token_issue(work, &token, TOKEN_LIFE_MS));
}

static const struct command_kind code_exchange_kind = { .name = "code_exchange",
                                                        .needs = code_exchange_needs,
                                                        .decide = code_exchange_decide,
                                                        .refusal_name = jti_refusal_name };

static const struct command_field code_exchange_fields[] = {
    FIELD(struct code_exchange_input, assertion.client_id, ID),
    FIELD_MAX(struct code_exchange_input, assertion.jti, TEXT, COMMAND_JTI_BYTES_MAX),
    FIELD(struct code_exchange_input, assertion.expires_ms, I64),
    FIELD(struct code_exchange_input, code_hash, HASH),
    FIELD(struct code_exchange_input, token_hash, HASH),
    FIELD(struct code_exchange_input, certificate_hash, HASH),
    FIELD_MAX(struct code_exchange_input, redirect_uri, TEXT, CLIENT_URI_BYTES_MAX),
    FIELD_MAX(struct code_exchange_input, code_challenge, TEXT, 1024),
};
const struct command_form code_exchange_form = { .kind = &code_exchange_kind,
                                                 .input_bytes = sizeof(struct code_exchange_input),
                                                 .fields = code_exchange_fields,
                                                 .field_count = ARRAY_COUNT(code_exchange_fields),
                                                 .refusal_count = COMMAND_E_JTI_REPLAYED + 1 };

int command_code_exchange(struct integration *integration, struct command_call *call,
                          const struct code_exchange_input *input) {
    struct code_exchange_input *copy = arena_new(call->arena, struct code_exchange_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &code_exchange_kind, copy);
}

/* ---- revocation ---- */

static int token_revoke_decide(struct work *work, struct command *command) {
    int r = token_revoke(work, command->input);
    command->answer = r == TOKEN_E_ABSENT ? STR("absent") : STR("");
    if (r == TOKEN_E_ABSENT) return 0;
    return r == VIEW_NEED ? r : err_fold(r);
}

static const struct command_kind token_revoke_kind = { .name = "token_revoke", .decide = token_revoke_decide };

static const struct command_field token_revoke_fields[] = { { .type = FIELD_HASH } };
const struct command_form token_revoke_form = { .kind = &token_revoke_kind,
                                                .input_bytes = sizeof(struct hash),
                                                .fields = token_revoke_fields,
                                                .field_count = ARRAY_COUNT(token_revoke_fields) };

int command_token_revoke(struct integration *integration, struct command_call *call, const struct hash *token_hash) {
    struct hash *copy = arena_new(call->arena, struct hash);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *token_hash;
    return command_run(integration, call, &token_revoke_kind, copy);
}
