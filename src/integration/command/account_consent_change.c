/* account_consent_change.c - a consent to reads of accounts is made, and ends (uk/Q1 to Q11). Its authorisation is the
 * consent page's business (authorize.c). */
#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "services/consents/account_consent.h"

static_assert((int)ACCOUNT_CONSENT_PART_BYTES_MAX == (int)ACCOUNT_CONSENT_DOCUMENT_BYTES_MAX,
              "what layer 1 lets in fits the row");

/* ---- making ---- */

struct account_consent_create {
    struct client_id client_id;
    struct account_consent_create_input input;
    int64_t renewal_ms;
};

static int create_decide(struct work *work, struct command *command) {
    const struct account_consent_create *create = command->input;
    struct account_consent_row consent = { .permissions = create->input.permissions,
                                           .expires_ms = create->input.expires_ms,
                                           .from_ms = create->input.from_ms,
                                           .to_ms = create->input.to_ms,
                                           .renewal_ms = create->renewal_ms,
                                           .document = create->input.document };
    memcpy(consent.client_id, create->client_id.bytes, 16);
    int r = account_consent_create(work, &consent);
    if (r) return r;
    memcpy(command->resource_id, consent.consent_id, 16);
    return 0;
}

static const struct command_kind create_kind = { .name = "account_consent_create", .decide = create_decide };

static const struct command_field create_fields[] = {
    FIELD(struct account_consent_create, client_id, ID),
    FIELD_MAX(struct account_consent_create, input.document, TEXT, ACCOUNT_CONSENT_PART_BYTES_MAX),
    FIELD(struct account_consent_create, input.permissions, I64),
    FIELD(struct account_consent_create, input.expires_ms, I64),
    FIELD(struct account_consent_create, input.from_ms, I64),
    FIELD(struct account_consent_create, input.to_ms, I64),
    FIELD(struct account_consent_create, renewal_ms, I64),
};
const struct command_form account_consent_create_form = { .kind = &create_kind,
                                                          .input_bytes = sizeof(struct account_consent_create),
                                                          .fields = create_fields,
                                                          .field_count = ARRAY_COUNT(create_fields) };

int command_account_consent_create(struct integration *integration, struct command_call *call,
                                   const struct account_consent_create_input *input) {
    struct account_consent_create *create = arena_new(call->arena, struct account_consent_create);
    if (!create) return err_origin(-ENOMEM);
    check(call->call && call->call->has_client && input->document.len <= ACCOUNT_CONSENT_PART_BYTES_MAX);
    *create = (struct account_consent_create){ .client_id = call->call->client_id,
                                               .input = *input,
                                               .renewal_ms = integration->sca_renewal_ms };
    return command_run(integration, call, &create_kind, create);
}

/* ---- changing ---- */

struct account_consent_ending {
    struct client_id client_id; /* zero: the operator's */
    struct account_consent_change_input input;
};

static void change_needs(struct work *work, const struct command *command) {
    account_consent_want(work, ((const struct account_consent_ending *)command->input)->input.consent_id.bytes);
}

static int change(struct work *work, const struct account_consent_change_input *input) {
    switch (input->change) {
    case ACCOUNT_CONSENT_DELETE:
        return account_consent_delete(work, input->consent_id.bytes);
    case ACCOUNT_CONSENT_REVOKE:
        return account_consent_cancel(work, input->consent_id.bytes);
    case ACCOUNT_CONSENT_DEMAND:
        return account_consent_demand_authentication(work, input->consent_id.bytes);
    case ACCOUNT_CONSENT_REMOVE_ACCOUNT:
        return account_consent_remove_account(work, input->consent_id.bytes, input->account_id.bytes);
    case ACCOUNT_CONSENT_CHANGE_COUNT:
        break;
    }
    return err_origin(-EINVAL);
}

static int change_decide(struct work *work, struct command *command) {
    const struct account_consent_ending *ending = command->input;
    const struct account_consent_row *consent;
    int r = account_consent_get(work, ending->input.consent_id.bytes, &consent);
    if (r) return r;
    bool own =
        consent && (id_is_zero(ending->client_id.bytes) || id_equal(consent->client_id, ending->client_id.bytes));
    if (!own) return ACCOUNT_CONSENT_CHANGE_E_ABSENT;
    r = change(work, &ending->input);
    if (r == ACCOUNT_CONSENT_E_ABSENT) return ACCOUNT_CONSENT_CHANGE_E_ABSENT;
    if (r == ACCOUNT_CONSENT_E_STATUS) return ACCOUNT_CONSENT_CHANGE_E_STATUS;
    if (r) return r;
    memcpy(command->resource_id, ending->input.consent_id.bytes, 16);
    return 0;
}

static const char *change_refusal_name(int refusal) {
#define X(code, name) [code] = name,
    static const char *const names[ACCOUNT_CONSENT_CHANGE_E_COUNT] = { ACCOUNT_CONSENT_CHANGE_E_MAP(X) };
#undef X
    check(refusal > 0 && refusal < ACCOUNT_CONSENT_CHANGE_E_COUNT);
    return names[refusal];
}

static const struct command_kind change_kind = { .name = "account_consent_change",
                                                 .needs = change_needs,
                                                 .decide = change_decide,
                                                 .refusal_name = change_refusal_name };

static const struct command_field change_fields[] = {
    FIELD(struct account_consent_ending, client_id, ID),
    FIELD_MAX(struct account_consent_ending, input.change, CHOICE, ACCOUNT_CONSENT_CHANGE_COUNT),
    FIELD(struct account_consent_ending, input.consent_id, ID),
    FIELD(struct account_consent_ending, input.account_id, ID),
};
const struct command_form account_consent_change_form = { .kind = &change_kind,
                                                          .input_bytes = sizeof(struct account_consent_ending),
                                                          .fields = change_fields,
                                                          .field_count = ARRAY_COUNT(change_fields),
                                                          .refusal_count = ACCOUNT_CONSENT_CHANGE_E_COUNT };

int command_account_consent_change(struct integration *integration, struct command_call *call,
                                   const struct account_consent_change_input *input) {
    struct account_consent_ending *ending = arena_new(call->arena, struct account_consent_ending);
    if (!ending) return err_origin(-ENOMEM);
    check(input->change < ACCOUNT_CONSENT_CHANGE_COUNT && (!call->call || call->call->has_client));
    *ending = (struct account_consent_ending){ .input = *input };
    if (call->call) ending->client_id = call->call->client_id;
    return command_run(integration, call, &change_kind, ending);
}
