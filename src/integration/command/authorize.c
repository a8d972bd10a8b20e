/* authorize.c - a customer's way over the consent pages, step by step, and its end: consent, code, request and session
 * in one commit. */
#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "integration/command/consent_choice.h"
#include "services/customers/customer.h"
#include "services/identity/client.h"
#include "services/identity/session.h"
#include "services/identity/token.h"

#define X(code, name) [code] = name,
static const char *const refusal_names[AUTHORIZE_E_COUNT] = { AUTHORIZE_E_MAP(X) };
#undef X

static const char *authorize_refusal_name(int refusal) {
    check(refusal > 0 && refusal < AUTHORIZE_E_COUNT);
    return refusal_names[refusal];
}

/* The session at stage, in the words of these commands. */
static int session_at(struct work *work, const struct hash *session_hash, enum session_stage stage,
                      const struct session_row **ret_session) {
    int r = session_judge(work, session_hash, stage, ret_session);
    if (r == SESSION_E_STAGE) return AUTHORIZE_E_STAGE;
    return r == SESSION_E_ABSENT || r == SESSION_E_EXPIRED ? AUTHORIZE_E_SESSION : r;
}

static int folded(int r) {
    return r == VIEW_NEED ? r : err_fold(r);
}

static int run(struct integration *integration, struct command_call *call, const struct command_kind *kind,
               const void *input, size_t bytes) {
    void *copy = arena_alloc(call->arena, bytes);
    if (!copy) return err_origin(-ENOMEM);
    memcpy(copy, input, bytes);
    return command_run(integration, call, kind, copy);
}

/* ---- requests by value ---- */

static_assert((int)AUTHORIZE_PARAMS_BYTES_MAX == (int)PUSHED_PARAMS_BYTES_MAX, "both are the column's");
#define BY_VALUE_FIELDS(type)                                                                                          \
    FIELD_MAX(type, by_value.params, TEXT, PUSHED_PARAMS_BYTES_MAX), FIELD(type, by_value.consent_id, ID),             \
        FIELD(type, by_value.expires_ms, I64)

/* The request, stored unless it was pushed or is there already; and then judged. 0, AUTHORIZE_E_REQUEST, VIEW_NEED,
 * <0. */
static int request_open(struct work *work, const struct hash *request_hash, const struct client_id *client_id,
                        const struct authorize_by_value *by_value, const struct pushed_row **ret_pushed) {
    struct view view = view_of(work, "identity");
    int64_t now_ms = view_now_ms(&view);
    int r = pushed_judge(work, request_hash, client_id->bytes, ret_pushed);
    if (r == TOKEN_E_ABSENT && by_value->params.len && by_value->expires_ms > now_ms) {
        struct pushed_row pushed = { .request_hash = *request_hash, .params = by_value->params };
        memcpy(pushed.client_id, client_id->bytes, 16);
        memcpy(pushed.consent_id, by_value->consent_id.bytes, 16);
        r = pushed_store(work, &pushed, by_value->expires_ms - now_ms);
        if (!r) r = pushed_judge(work, request_hash, client_id->bytes, ret_pushed);
    }
    if (r) return r < 0 || r == VIEW_NEED ? r : AUTHORIZE_E_REQUEST;
    return now_ms >= (*ret_pushed)->expires_ms ? AUTHORIZE_E_REQUEST : 0;
}

/* ---- open ---- */

static int authorize_open_decide(struct work *work, struct command *command) {
    const struct authorize_open_input *input = command->input;
    const struct pushed_row *pushed;
    struct session_row session = { .session_hash = input->session_hash, .request_hash = input->request_hash };
    memcpy(session.client_id, input->client_id.bytes, 16);
    int r = request_open(work, &input->request_hash, &input->client_id, &input->by_value, &pushed);
    if (!r) r = folded(session_open(work, &session));
    return r ? r : consent_choice_ask(work, pushed->consent_id, session.expires_ms);
}

static void authorize_open_needs(struct work *work, const struct command *command) {
    pushed_want(work, &((const struct authorize_open_input *)command->input)->request_hash);
}

static const struct command_kind authorize_open_kind = { .name = "authorize_open",
                                                         .needs = authorize_open_needs,
                                                         .decide = authorize_open_decide,
                                                         .refusal_name = authorize_refusal_name };

static const struct command_field authorize_open_fields[] = {
    FIELD(struct authorize_open_input, session_hash, HASH),
    FIELD(struct authorize_open_input, request_hash, HASH),
    FIELD(struct authorize_open_input, client_id, ID),
    BY_VALUE_FIELDS(struct authorize_open_input),
};
const struct command_form authorize_open_form = { .kind = &authorize_open_kind,
                                                  .input_bytes = sizeof(struct authorize_open_input),
                                                  .fields = authorize_open_fields,
                                                  .field_count = ARRAY_COUNT(authorize_open_fields),
                                                  .refusal_count = AUTHORIZE_E_COUNT };

int command_authorize_open(struct integration *integration, struct command_call *call,
                           const struct authorize_open_input *input) {
    return run(integration, call, &authorize_open_kind, input, sizeof *input);
}

/* ---- password ---- */

static void session_needs(struct work *work, const struct command *command) {
    session_want(work, command->input); /* every input below begins with the session's hash */
}

static int login_wrong(struct work *work, struct command *command, const struct session_row *session) {
    command->answer = STR("wrong");
    return folded(session_fail(work, session));
}

static int authorize_login_decide(struct work *work, struct command *command) {
    const struct authorize_login_input *input = command->input;
    const struct session_row *session;
    command->answer = STR("");
    int r = session_at(work, &input->session_hash, SESSION_LOGIN, &session);
    if (r) return r;
    if (id_is_zero(input->customer_id.bytes)) return login_wrong(work, command, session);
    r = customer_judge_password(work, input->customer_id.bytes, input->password_right);
    if (r == CUSTOMER_E_ABSENT || r == CUSTOMER_E_LOCKED || r == CUSTOMER_E_WRONG)
        return login_wrong(work, command, session);
    if (r) return folded(r);
    struct session_row known = *session;
    memcpy(known.customer_id, input->customer_id.bytes, 16);
    known.stage = SESSION_ACCOUNT;
    return folded(session_renew(work, &known, &input->fresh_hash));
}

static const struct command_kind authorize_login_kind = { .name = "authorize_login",
                                                          .needs = session_needs,
                                                          .decide = authorize_login_decide,
                                                          .refusal_name = authorize_refusal_name };

static const struct command_field authorize_login_fields[] = {
    FIELD(struct authorize_login_input, session_hash, HASH),
    FIELD(struct authorize_login_input, fresh_hash, HASH),
    FIELD(struct authorize_login_input, customer_id, ID),
    FIELD(struct authorize_login_input, password_right, BOOL),
};
const struct command_form authorize_login_form = { .kind = &authorize_login_kind,
                                                   .input_bytes = sizeof(struct authorize_login_input),
                                                   .fields = authorize_login_fields,
                                                   .field_count = ARRAY_COUNT(authorize_login_fields),
                                                   .refusal_count = AUTHORIZE_E_COUNT };

int command_authorize_login(struct integration *integration, struct command_call *call,
                            const struct authorize_login_input *input) {
    static_assert(offsetof(struct authorize_login_input, session_hash) == 0, "session_needs reads it there");
    return run(integration, call, &authorize_login_kind, input, sizeof *input);
}

/* ---- accounts ---- */

/* The request that a session serves, not used. */
static int request_of(struct work *work, const struct session_row *session, const struct pushed_row **ret_pushed) {
    int r = pushed_judge(work, &session->request_hash, session->client_id, ret_pushed);
    return r > 0 && r != VIEW_NEED ? AUTHORIZE_E_REQUEST : r;
}

static int authorize_account_decide(struct work *work, struct command *command) {
    const struct authorize_account_input *input = command->input;
    const struct session_row *session;
    const struct pushed_row *pushed;
    int r = session_at(work, &input->session_hash, SESSION_ACCOUNT, &session);
    if (r == AUTHORIZE_E_STAGE) r = session_at(work, &input->session_hash, SESSION_CONFIRM, &session); /* others */
    if (!r) r = request_of(work, session, &pushed);
    if (!r) r = consent_choice_judge(work, pushed->consent_id, session->customer_id, input->accounts);
    if (r) return r;
    struct session_row chosen = *session;
    chosen.stage = SESSION_CONFIRM;
    chosen.accounts = input->accounts;
    return folded(session_update(work, &chosen));
}

static const struct command_kind authorize_account_kind = { .name = "authorize_account",
                                                            .needs = session_needs,
                                                            .decide = authorize_account_decide,
                                                            .refusal_name = authorize_refusal_name };

static const struct command_field authorize_account_fields[] = {
    FIELD(struct authorize_account_input, session_hash, HASH),
    FIELD_MAX(struct authorize_account_input, accounts, TEXT, AUTHORIZE_ACCOUNTS_MAX * 16),
};
const struct command_form authorize_account_form = { .kind = &authorize_account_kind,
                                                     .input_bytes = sizeof(struct authorize_account_input),
                                                     .fields = authorize_account_fields,
                                                     .field_count = ARRAY_COUNT(authorize_account_fields),
                                                     .refusal_count = AUTHORIZE_E_COUNT };

int command_authorize_account(struct integration *integration, struct command_call *call,
                              const struct authorize_account_input *input) {
    static_assert(offsetof(struct authorize_account_input, session_hash) == 0, "session_needs reads it there");
    return run(integration, call, &authorize_account_kind, input, sizeof *input);
}

/* ---- the end: yes ---- */

struct approver {
    const struct pushed_row *pushed;
    const uint8_t *customer_id;
    struct str accounts;
    int64_t auth_ms;
};

static int approve(struct work *work, const struct approver *approver, const struct code_terms *terms) {
    const struct pushed_row *pushed = approver->pushed;
    struct code_row code = { .code_hash = terms->code_hash,
                             .scope = terms->scope,
                             .redirect_uri = terms->redirect_uri,
                             .code_challenge = terms->code_challenge,
                             .nonce = terms->nonce,
                             .acr = terms->acr,
                             .details = terms->details,
                             .key_thumbprint = terms->key_thumbprint,
                             .auth_ms = approver->auth_ms };
    memcpy(code.client_id, pushed->client_id, 16);
    memcpy(code.customer_id, approver->customer_id, 16);
    memcpy(code.consent_id, pushed->consent_id, 16);
    int r = consent_choice_authorise(work, pushed->consent_id, approver->customer_id, approver->accounts);
    if (r) return r;
    r = pushed_consume(work, &pushed->request_hash, pushed->client_id);
    if (!r) r = code_issue(work, &code, CODE_LIFE_MS);
    return folded(r);
}

static int end_session(struct work *work, const struct session_row *session) {
    struct session_row ended = *session;
    ended.stage = SESSION_ENDED;
    return folded(session_update(work, &ended));
}

/* The code is spent whatever it was for: of another approval than the session's it approves nothing. The verdict, or
 * NULL: go on. 0, VIEW_NEED, <0. */
static int judge_code(struct work *work, const struct authorize_confirm_input *input, const struct session_row *session,
                      const uint8_t consent_id[16], const char **ret_verdict) {
    struct hash approval;
    int r = consent_choice_approval(work, consent_id, session->accounts, &approval);
    if (r) return r;
    r = customer_judge_code(work, session->customer_id, input->code_right, input->step);
    if (r == CUSTOMER_E_ABSENT || r == CUSTOMER_E_LOCKED || r == CUSTOMER_E_WRONG) {
        *ret_verdict = "wrong";
        return folded(session_fail(work, session));
    }
    *ret_verdict = hash_equal(&approval, &input->approval_hash) ? NULL : "changed";
    return folded(r);
}

static int authorize_confirm_decide(struct work *work, struct command *command) {
    const struct authorize_confirm_input *input = command->input;
    const struct session_row *session;
    const struct pushed_row *pushed;
    const char *verdict;
    struct view view = view_of(work, "identity");
    command->answer = STR("");
    int r = session_at(work, &input->session_hash, SESSION_CONFIRM, &session);
    if (!r) r = request_of(work, session, &pushed);
    if (!r) r = judge_code(work, input, session, pushed->consent_id, &verdict);
    if (r) return r;
    if (verdict) {
        command->answer = str_from_c(verdict);
        return 0;
    }
    struct approver approver = { .pushed = pushed,
                                 .customer_id = session->customer_id,
                                 .accounts = session->accounts,
                                 .auth_ms = view_now_ms(&view) };
    memcpy(command->resource_id, pushed->consent_id, 16);
    r = approve(work, &approver, &input->terms);
    return r ? r : end_session(work, session);
}

static const struct command_kind authorize_confirm_kind = { .name = "authorize_confirm",
                                                            .needs = session_needs,
                                                            .decide = authorize_confirm_decide,
                                                            .refusal_name = authorize_refusal_name };

static const struct command_field authorize_confirm_fields[] = {
    FIELD(struct authorize_confirm_input, session_hash, HASH),
    FIELD(struct authorize_confirm_input, approval_hash, HASH),
    FIELD(struct authorize_confirm_input, code_right, BOOL),
    FIELD(struct authorize_confirm_input, step, I64),
    FIELD(struct authorize_confirm_input, terms.code_hash, HASH),
    FIELD_MAX(struct authorize_confirm_input, terms.scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    FIELD_MAX(struct authorize_confirm_input, terms.redirect_uri, TEXT, CLIENT_URI_BYTES_MAX),
    FIELD_MAX(struct authorize_confirm_input, terms.code_challenge, TEXT, 1024),
    FIELD_MAX(struct authorize_confirm_input, terms.nonce, TEXT, TOKEN_NONCE_BYTES_MAX),
    FIELD_MAX(struct authorize_confirm_input, terms.acr, TEXT, 1024),
    FIELD_MAX(struct authorize_confirm_input, terms.details, TEXT, TOKEN_DETAILS_BYTES_MAX),
    FIELD(struct authorize_confirm_input, terms.key_thumbprint, HASH),
};
const struct command_form authorize_confirm_form = { .kind = &authorize_confirm_kind,
                                                     .input_bytes = sizeof(struct authorize_confirm_input),
                                                     .fields = authorize_confirm_fields,
                                                     .field_count = ARRAY_COUNT(authorize_confirm_fields),
                                                     .refusal_count = AUTHORIZE_E_COUNT };

int command_authorize_confirm(struct integration *integration, struct command_call *call,
                              const struct authorize_confirm_input *input) {
    static_assert(offsetof(struct authorize_confirm_input, session_hash) == 0, "session_needs reads it there");
    return run(integration, call, &authorize_confirm_kind, input, sizeof *input);
}

/* ---- the end: no ---- */

static int reject(struct work *work, const struct pushed_row *pushed) {
    int r = consent_choice_reject(work, pushed->consent_id);
    if (!r) r = pushed_consume(work, &pushed->request_hash, pushed->client_id);
    return folded(r);
}

static int authorize_reject_decide(struct work *work, struct command *command) {
    const struct session_row *session;
    const struct pushed_row *pushed;
    int r = session_at(work, command->input, SESSION_STAGE_COUNT, &session);
    if (!r) r = request_of(work, session, &pushed);
    if (r) return r;
    memcpy(command->resource_id, pushed->consent_id, 16);
    r = reject(work, pushed);
    return r ? r : end_session(work, session);
}

static const struct command_kind authorize_reject_kind = { .name = "authorize_reject",
                                                           .needs = session_needs,
                                                           .decide = authorize_reject_decide,
                                                           .refusal_name = authorize_refusal_name };

static const struct command_field authorize_reject_fields[] = { { .type = FIELD_HASH } };
const struct command_form authorize_reject_form = { .kind = &authorize_reject_kind,
                                                    .input_bytes = sizeof(struct hash),
                                                    .fields = authorize_reject_fields,
                                                    .field_count = ARRAY_COUNT(authorize_reject_fields),
                                                    .refusal_count = AUTHORIZE_E_COUNT };

int command_authorize_reject(struct integration *integration, struct command_call *call,
                             const struct hash *session_hash) {
    return run(integration, call, &authorize_reject_kind, session_hash, sizeof *session_hash);
}

/* ---- sandbox: at once ---- */

static int authorize_at_once_decide(struct work *work, struct command *command) {
    const struct authorize_at_once_input *input = command->input;
    const struct pushed_row *pushed;
    struct view view = view_of(work, "identity");
    int r = request_open(work, &input->request_hash, &input->client_id, &input->by_value, &pushed);
    if (r) return r;
    memcpy(command->resource_id, pushed->consent_id, 16);
    if (id_is_zero(input->customer_id.bytes)) return reject(work, pushed);
    struct approver approver = { .pushed = pushed,
                                 .customer_id = input->customer_id.bytes,
                                 .accounts = input->accounts,
                                 .auth_ms = view_now_ms(&view) };
    return approve(work, &approver, &input->terms);
}

static void authorize_at_once_needs(struct work *work, const struct command *command) {
    pushed_want(work, &((const struct authorize_at_once_input *)command->input)->request_hash);
}

static const struct command_kind authorize_at_once_kind = { .name = "authorize_at_once",
                                                            .needs = authorize_at_once_needs,
                                                            .decide = authorize_at_once_decide,
                                                            .refusal_name = authorize_refusal_name };

static const struct command_field authorize_at_once_fields[] = {
    FIELD(struct authorize_at_once_input, request_hash, HASH),
    FIELD(struct authorize_at_once_input, client_id, ID),
    FIELD(struct authorize_at_once_input, customer_id, ID),
    FIELD_MAX(struct authorize_at_once_input, accounts, TEXT, AUTHORIZE_ACCOUNTS_MAX * 16),
    FIELD(struct authorize_at_once_input, terms.code_hash, HASH),
    FIELD_MAX(struct authorize_at_once_input, terms.scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    FIELD_MAX(struct authorize_at_once_input, terms.redirect_uri, TEXT, CLIENT_URI_BYTES_MAX),
    FIELD_MAX(struct authorize_at_once_input, terms.code_challenge, TEXT, 1024),
    FIELD_MAX(struct authorize_at_once_input, terms.nonce, TEXT, TOKEN_NONCE_BYTES_MAX),
    FIELD_MAX(struct authorize_at_once_input, terms.acr, TEXT, 1024),
    BY_VALUE_FIELDS(struct authorize_at_once_input),
    FIELD_MAX(struct authorize_at_once_input, terms.details, TEXT, TOKEN_DETAILS_BYTES_MAX),
    FIELD(struct authorize_at_once_input, terms.key_thumbprint, HASH),
};
const struct command_form authorize_at_once_form = { .kind = &authorize_at_once_kind,
                                                     .input_bytes = sizeof(struct authorize_at_once_input),
                                                     .fields = authorize_at_once_fields,
                                                     .field_count = ARRAY_COUNT(authorize_at_once_fields),
                                                     .refusal_count = AUTHORIZE_E_COUNT };

int command_authorize_at_once(struct integration *integration, struct command_call *call,
                              const struct authorize_at_once_input *input) {
    return run(integration, call, &authorize_at_once_kind, input, sizeof *input);
}
