/* customer_page.c - a customer at the bank's own page: in, out, and what was allowed taken back. */
#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "services/consents/account_consent.h"
#include "services/customers/customer.h"
#include "services/identity/session.h"

#define X(code, name) [code] = name,
static const char *const refusal_names[AUTHORIZE_E_COUNT] = { AUTHORIZE_E_MAP(X) };
#undef X

static const char *customer_refusal_name(int refusal) {
    check(refusal > 0 && refusal < AUTHORIZE_E_COUNT);
    return refusal_names[refusal];
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

/* ---- in ---- */

static int customer_login_decide(struct work *work, struct command *command) {
    const struct customer_login_input *input = command->input;
    command->answer = STR("wrong");
    int r = id_is_zero(input->customer_id.bytes)
                ? CUSTOMER_E_ABSENT
                : customer_judge_code(work, input->customer_id.bytes, input->right, input->step);
    if (r == CUSTOMER_E_ABSENT || r == CUSTOMER_E_LOCKED || r == CUSTOMER_E_WRONG)
        return folded(session_open_ended(work, &input->session_hash));
    if (r) return folded(r);
    command->answer = STR("");
    return folded(session_open_customer(work, &input->session_hash, input->customer_id.bytes));
}

static const struct command_kind customer_login_kind = { .name = "customer_login",
                                                         .decide = customer_login_decide,
                                                         .refusal_name = customer_refusal_name };

static const struct command_field customer_login_fields[] = {
    FIELD(struct customer_login_input, session_hash, HASH),
    FIELD(struct customer_login_input, customer_id, ID),
    FIELD(struct customer_login_input, right, BOOL),
    FIELD(struct customer_login_input, step, I64),
};
const struct command_form customer_login_form = { .kind = &customer_login_kind,
                                                  .input_bytes = sizeof(struct customer_login_input),
                                                  .fields = customer_login_fields,
                                                  .field_count = ARRAY_COUNT(customer_login_fields),
                                                  .refusal_count = AUTHORIZE_E_COUNT };

int command_customer_login(struct integration *integration, struct command_call *call,
                           const struct customer_login_input *input) {
    return run(integration, call, &customer_login_kind, input, sizeof *input);
}

/* ---- out ---- */

static void session_needs(struct work *work, const struct command *command) {
    session_want(work, command->input); /* every input below begins with the session's hash */
}

/* The session of a customer who is in. 0, AUTHORIZE_E_SESSION, VIEW_NEED. */
static int session_of(struct work *work, const struct hash *session_hash, const struct session_row **ret_session) {
    int r = session_judge(work, session_hash, SESSION_CUSTOMER, ret_session);
    return r == SESSION_E_ABSENT || r == SESSION_E_EXPIRED || r == SESSION_E_STAGE ? AUTHORIZE_E_SESSION : r;
}

static int customer_logout_decide(struct work *work, struct command *command) {
    const struct session_row *session;
    int r = session_of(work, command->input, &session);
    if (r) return r;
    struct session_row ended = *session;
    ended.stage = SESSION_ENDED;
    return folded(session_update(work, &ended));
}

static const struct command_kind customer_logout_kind = { .name = "customer_logout",
                                                          .needs = session_needs,
                                                          .decide = customer_logout_decide,
                                                          .refusal_name = customer_refusal_name };

static const struct command_field customer_logout_fields[] = { { .type = FIELD_HASH } };
const struct command_form customer_logout_form = { .kind = &customer_logout_kind,
                                                   .input_bytes = sizeof(struct hash),
                                                   .fields = customer_logout_fields,
                                                   .field_count = ARRAY_COUNT(customer_logout_fields),
                                                   .refusal_count = AUTHORIZE_E_COUNT };

int command_customer_logout(struct integration *integration, struct command_call *call,
                            const struct hash *session_hash) {
    return run(integration, call, &customer_logout_kind, session_hash, sizeof *session_hash);
}

/* ---- taken back ---- */

static int withdraw(struct work *work, const struct customer_withdraw_input *input) {
    const uint8_t *consent_id = input->consent_id.bytes;
    int r = id_is_zero(input->account_id.bytes)
                ? account_consent_cancel(work, consent_id)
                : account_consent_remove_account(work, consent_id, input->account_id.bytes);
    return r > 0 && r != VIEW_NEED ? AUTHORIZE_E_CONSENT : r;
}

static int customer_withdraw_decide(struct work *work, struct command *command) {
    const struct customer_withdraw_input *input = command->input;
    const struct session_row *session;
    const struct account_consent_row *consent;
    int r = session_of(work, &input->session_hash, &session);
    if (!r) r = account_consent_get(work, input->consent_id.bytes, &consent);
    if (r) return r;
    if (!consent || !id_equal(consent->customer_id, session->customer_id)) return AUTHORIZE_E_CONSENT;
    memcpy(command->resource_id, input->consent_id.bytes, 16);
    r = withdraw(work, input);
    return r ? r : folded(session_keep(work, session));
}

static const struct command_kind customer_withdraw_kind = { .name = "customer_withdraw",
                                                            .needs = session_needs,
                                                            .decide = customer_withdraw_decide,
                                                            .refusal_name = customer_refusal_name };

static const struct command_field customer_withdraw_fields[] = {
    FIELD(struct customer_withdraw_input, session_hash, HASH),
    FIELD(struct customer_withdraw_input, consent_id, ID),
    FIELD(struct customer_withdraw_input, account_id, ID),
};
const struct command_form customer_withdraw_form = { .kind = &customer_withdraw_kind,
                                                     .input_bytes = sizeof(struct customer_withdraw_input),
                                                     .fields = customer_withdraw_fields,
                                                     .field_count = ARRAY_COUNT(customer_withdraw_fields),
                                                     .refusal_count = AUTHORIZE_E_COUNT };

int command_customer_withdraw(struct integration *integration, struct command_call *call,
                              const struct customer_withdraw_input *input) {
    static_assert(offsetof(struct customer_withdraw_input, session_hash) == 0, "session_needs reads it there");
    return run(integration, call, &customer_withdraw_kind, input, sizeof *input);
}
