/* consent_create.c - a payment consent is stored, awaiting its customer (uk/P1). */
#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "services/consents/payment_consent.h"

static_assert((int)CONSENT_PART_BYTES_MAX == (int)CONSENT_DOCUMENT_BYTES_MAX, "what layer 1 lets in fits the row");

struct consent_create {
    struct client_id client_id;
    struct consent_create_input input;
};

static int consent_create_decide(struct work *work, struct command *command) {
    const struct consent_create *create = command->input;
    const struct consent_create_input *input = &create->input;
    struct payment_consent_row consent = { .initiation = input->initiation,
                                           .risk = input->risk,
                                           .document = input->document,
                                           .currency = input->amount.currency.code,
                                           .amount_minor = input->amount.minor,
                                           .creditor_name = input->creditor_name,
                                           .creditor_scheme = input->creditor_scheme,
                                           .creditor_identification = input->creditor_identification,
                                           .debtor_scheme = input->debtor_scheme,
                                           .debtor_identification = input->debtor_identification,
                                           .version = input->version };
    memcpy(consent.client_id, create->client_id.bytes, 16);
    int r = payment_consent_create(work, &consent);
    if (r) return r;
    memcpy(command->resource_id, consent.consent_id, 16);
    return 0;
}

static const struct command_kind consent_create_kind = { .name = "consent_create", .decide = consent_create_decide };

static const struct command_field consent_create_fields[] = {
    FIELD(struct consent_create, client_id, ID),
    FIELD_MAX(struct consent_create, input.initiation, TEXT, CONSENT_PART_BYTES_MAX),
    FIELD_MAX(struct consent_create, input.risk, TEXT, CONSENT_PART_BYTES_MAX),
    FIELD_MAX(struct consent_create, input.document, TEXT, CONSENT_PART_BYTES_MAX),
    FIELD(struct consent_create, input.amount, MONEY),
    FIELD_MAX(struct consent_create, input.creditor_name, TEXT, 1024),
    FIELD_MAX(struct consent_create, input.creditor_scheme, TEXT, 64),
    FIELD_MAX(struct consent_create, input.creditor_identification, TEXT, 1024),
    FIELD_MAX(struct consent_create, input.debtor_scheme, TEXT, 64),
    FIELD_MAX(struct consent_create, input.debtor_identification, TEXT, 1024),
    FIELD(struct consent_create, input.version, I64),
};
const struct command_form consent_create_form = { .kind = &consent_create_kind,
                                                  .input_bytes = sizeof(struct consent_create),
                                                  .fields = consent_create_fields,
                                                  .field_count = ARRAY_COUNT(consent_create_fields) };

int command_consent_create(struct integration *integration, struct command_call *call,
                           const struct consent_create_input *input) {
    struct consent_create *create = arena_new(call->arena, struct consent_create);
    if (!create) return err_origin(-ENOMEM);
    check(call->call && call->call->has_client && input->amount.minor > 0);
    *create = (struct consent_create){ .client_id = call->call->client_id, .input = *input };
    return command_run(integration, call, &consent_create_kind, create);
}
