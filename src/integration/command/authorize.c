/* authorize.c - a customer's way over the consent pages, step by step, and its end: consent, code, request and session
 * in one commit. */
#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "services/accounts/account.h"
#include "services/consents/payment_consent.h"
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

/* ---- open ---- */

static int authorize_open_decide(struct work *work, struct command *command) {
    const struct authorize_open_input *input = command->input;
    const struct pushed_row *pushed;
    struct session_row session = { .session_hash = input->session_hash, .request_hash = input->request_hash };
    memcpy(session.client_id, input->client_id.bytes, 16);
    int r = pushed_judge(work, &input->request_hash, input->client_id.bytes, &pushed);
    if (r) return r == VIEW_NEED ? r : AUTHORIZE_E_REQUEST;
    struct view view = view_of(work, "identity");
    if (view_now_ms(&view) >= pushed->expires_ms) return AUTHORIZE_E_REQUEST;
    return folded(session_open(work, &session));
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
    known.stage = SESSION_CODE;
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

/* ---- one-time code ---- */

static int authorize_code_decide(struct work *work, struct command *command) {
    const struct authorize_code_input *input = command->input;
    const struct session_row *session;
    struct view view = view_of(work, "identity");
    command->answer = STR("");
    int r = session_at(work, &input->session_hash, SESSION_CODE, &session);
    if (r) return r;
    r = customer_judge_code(work, session->customer_id, input->code_right, input->step);
    if (r == CUSTOMER_E_ABSENT || r == CUSTOMER_E_LOCKED || r == CUSTOMER_E_WRONG)
        return login_wrong(work, command, session);
    if (r) return folded(r);
    struct session_row proven = *session;
    proven.stage = SESSION_ACCOUNT;
    proven.auth_ms = view_now_ms(&view);
    return folded(session_update(work, &proven));
}

static const struct command_kind authorize_code_kind = { .name = "authorize_code",
                                                         .needs = session_needs,
                                                         .decide = authorize_code_decide,
                                                         .refusal_name = authorize_refusal_name };

static const struct command_field authorize_code_fields[] = {
    FIELD(struct authorize_code_input, session_hash, HASH),
    FIELD(struct authorize_code_input, code_right, BOOL),
    FIELD(struct authorize_code_input, step, I64),
};
const struct command_form authorize_code_form = { .kind = &authorize_code_kind,
                                                  .input_bytes = sizeof(struct authorize_code_input),
                                                  .fields = authorize_code_fields,
                                                  .field_count = ARRAY_COUNT(authorize_code_fields),
                                                  .refusal_count = AUTHORIZE_E_COUNT };

int command_authorize_code(struct integration *integration, struct command_call *call,
                           const struct authorize_code_input *input) {
    static_assert(offsetof(struct authorize_code_input, session_hash) == 0, "session_needs reads it there");
    return run(integration, call, &authorize_code_kind, input, sizeof *input);
}

/* ---- account ---- */

/* True when scheme and identification name the account. */
static bool is_named(const struct account_row *account, struct str scheme, struct str identification) {
    struct account_view view = { .iban = account->iban,
                                 .sort_code = account->sort_code,
                                 .account_number = account->account_number };
    return account_view_is_named(&view, scheme, identification);
}

/* The customer's open account in the consent's currency, the one it names if it names one; the consent waits. */
static int judge_account(struct work *work, const uint8_t consent_id[16], const uint8_t customer_id[16],
                         const uint8_t account_id[16]) {
    const struct payment_consent_row *consent;
    const struct account_row *account;
    int r = payment_consent_get(work, consent_id, &consent), second = account_get(work, account_id, &account);
    if (r || second) return r ? r : second;
    if (!consent || consent->status != CONSENT_AWAU) return AUTHORIZE_E_CONSENT;
    if (!account || !id_equal(account->customer_id, customer_id) || id_is_zero(customer_id)) return AUTHORIZE_E_ACCOUNT;
    if (account->status != ACCOUNT_OPEN || account->currency != consent->currency) return AUTHORIZE_E_ACCOUNT;
    if (consent->debtor_identification.len &&
        !is_named(account, consent->debtor_scheme, consent->debtor_identification))
        return AUTHORIZE_E_ACCOUNT;
    return 0;
}

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
    if (!r) r = request_of(work, session, &pushed);
    if (!r) r = judge_account(work, pushed->consent_id, session->customer_id, input->account_id.bytes);
    if (r) return r;
    struct session_row chosen = *session;
    chosen.stage = SESSION_CONFIRM;
    memcpy(chosen.account_id, input->account_id.bytes, 16);
    return folded(session_update(work, &chosen));
}

static const struct command_kind authorize_account_kind = { .name = "authorize_account",
                                                            .needs = session_needs,
                                                            .decide = authorize_account_decide,
                                                            .refusal_name = authorize_refusal_name };

static const struct command_field authorize_account_fields[] = {
    FIELD(struct authorize_account_input, session_hash, HASH),
    FIELD(struct authorize_account_input, account_id, ID),
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

struct approval {
    const struct pushed_row *pushed;
    const uint8_t *customer_id, *account_id;
    int64_t auth_ms;
};

static int approve(struct work *work, const struct approval *approval, const struct code_terms *terms) {
    const struct pushed_row *pushed = approval->pushed;
    struct code_row code = { .code_hash = terms->code_hash,
                             .scope = terms->scope,
                             .redirect_uri = terms->redirect_uri,
                             .code_challenge = terms->code_challenge,
                             .nonce = terms->nonce,
                             .acr = terms->acr,
                             .details = terms->details,
                             .key_thumbprint = terms->key_thumbprint,
                             .auth_ms = approval->auth_ms };
    memcpy(code.client_id, pushed->client_id, 16);
    memcpy(code.customer_id, approval->customer_id, 16);
    memcpy(code.consent_id, pushed->consent_id, 16);
    int r = judge_account(work, pushed->consent_id, approval->customer_id, approval->account_id);
    if (r) return r;
    r = payment_consent_authorise(work, pushed->consent_id, approval->customer_id, approval->account_id);
    if (r > 0 && r != VIEW_NEED) return AUTHORIZE_E_CONSENT;
    if (!r) r = pushed_consume(work, &pushed->request_hash, pushed->client_id);
    if (!r) r = code_issue(work, &code, CODE_LIFE_MS);
    return folded(r);
}

static int end_session(struct work *work, const struct session_row *session) {
    struct session_row ended = *session;
    ended.stage = SESSION_ENDED;
    return folded(session_update(work, &ended));
}

struct authorize_confirm {
    struct hash session_hash;
    struct code_terms terms;
};

static int authorize_confirm_decide(struct work *work, struct command *command) {
    const struct authorize_confirm *input = command->input;
    const struct session_row *session;
    const struct pushed_row *pushed;
    int r = session_at(work, &input->session_hash, SESSION_CONFIRM, &session);
    if (!r) r = request_of(work, session, &pushed);
    if (r) return r;
    struct approval approval = { .pushed = pushed,
                                 .customer_id = session->customer_id,
                                 .account_id = session->account_id,
                                 .auth_ms = session->auth_ms };
    memcpy(command->resource_id, pushed->consent_id, 16);
    r = approve(work, &approval, &input->terms);
    return r ? r : end_session(work, session);
}

static const struct command_kind authorize_confirm_kind = { .name = "authorize_confirm",
                                                            .needs = session_needs,
                                                            .decide = authorize_confirm_decide,
                                                            .refusal_name = authorize_refusal_name };

static const struct command_field authorize_confirm_fields[] = {
    FIELD(struct authorize_confirm, session_hash, HASH),
    FIELD(struct authorize_confirm, terms.code_hash, HASH),
    FIELD_MAX(struct authorize_confirm, terms.scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    FIELD_MAX(struct authorize_confirm, terms.redirect_uri, TEXT, CLIENT_URI_BYTES_MAX),
    FIELD_MAX(struct authorize_confirm, terms.code_challenge, TEXT, 1024),
    FIELD_MAX(struct authorize_confirm, terms.nonce, TEXT, TOKEN_NONCE_BYTES_MAX),
    FIELD_MAX(struct authorize_confirm, terms.acr, TEXT, 1024),
    FIELD_MAX(struct authorize_confirm, terms.details, TEXT, TOKEN_DETAILS_BYTES_MAX),
    FIELD(struct authorize_confirm, terms.key_thumbprint, HASH),
};
const struct command_form authorize_confirm_form = { .kind = &authorize_confirm_kind,
                                                     .input_bytes = sizeof(struct authorize_confirm),
                                                     .fields = authorize_confirm_fields,
                                                     .field_count = ARRAY_COUNT(authorize_confirm_fields),
                                                     .refusal_count = AUTHORIZE_E_COUNT };

int command_authorize_confirm(struct integration *integration, struct command_call *call,
                              const struct hash *session_hash, const struct code_terms *terms) {
    struct authorize_confirm input = { .session_hash = *session_hash, .terms = *terms };
    static_assert(offsetof(struct authorize_confirm, session_hash) == 0, "session_needs reads it there");
    return run(integration, call, &authorize_confirm_kind, &input, sizeof input);
}

/* ---- the end: no ---- */

/* A consent that nobody waits for any more stays as it is. */
static int reject(struct work *work, const struct pushed_row *pushed) {
    int r = payment_consent_reject(work, pushed->consent_id);
    if (r == PAYMENT_CONSENT_E_ABSENT || r == PAYMENT_CONSENT_E_STATUS) r = 0;
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
    int r = pushed_judge(work, &input->request_hash, input->client_id.bytes, &pushed);
    if (r) return r == VIEW_NEED ? r : AUTHORIZE_E_REQUEST;
    if (view_now_ms(&view) >= pushed->expires_ms) return AUTHORIZE_E_REQUEST;
    memcpy(command->resource_id, pushed->consent_id, 16);
    if (id_is_zero(input->customer_id.bytes)) return reject(work, pushed);
    struct approval approval = { .pushed = pushed,
                                 .customer_id = input->customer_id.bytes,
                                 .account_id = input->account_id.bytes,
                                 .auth_ms = view_now_ms(&view) };
    return approve(work, &approval, &input->terms);
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
    FIELD(struct authorize_at_once_input, account_id, ID),
    FIELD(struct authorize_at_once_input, terms.code_hash, HASH),
    FIELD_MAX(struct authorize_at_once_input, terms.scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    FIELD_MAX(struct authorize_at_once_input, terms.redirect_uri, TEXT, CLIENT_URI_BYTES_MAX),
    FIELD_MAX(struct authorize_at_once_input, terms.code_challenge, TEXT, 1024),
    FIELD_MAX(struct authorize_at_once_input, terms.nonce, TEXT, TOKEN_NONCE_BYTES_MAX),
    FIELD_MAX(struct authorize_at_once_input, terms.acr, TEXT, 1024),
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
