/* client_change.c - a registered client changes, is suspended, goes on, or is gone. */
#include "integration/command/client_register.h"

#include "integration/command/command_codec.h"
#include "integration/command/command_run.h"
#include "services/identity/client.h"
#include "services/identity/token.h"

static const char *change_refusal_name(int refusal) {
    return refusal == CLIENT_CHANGE_E_ABSENT ? "client_absent" : client_register_refusal_name(refusal);
}

static int folded(int r) {
    if (r == CLIENT_E_ABSENT) return CLIENT_CHANGE_E_ABSENT;
    return r == VIEW_NEED ? r : err_fold(r);
}

/* ---- change ---- */

static void client_change_needs(struct work *work, const struct command *command) {
    client_want(work, ((const struct client_change_input *)command->input)->client_id.bytes);
}

static int client_change_decide(struct work *work, struct command *command) {
    const struct client_change_input *input = command->input;
    const struct client_register_input *wanted = &input->client;
    const struct client_row *old;
    int r = client_get(work, input->client_id.bytes, &old);
    if (r) return r;
    if (!old) return CLIENT_CHANGE_E_ABSENT;
    struct client_row row = *old;
    row.display_name = wanted->display_name;
    row.profile = wanted->profile;
    row.sender = wanted->sender;
    row.scope = wanted->scope;
    row.redirect_uris = wanted->redirect_uris;
    row.jwks = wanted->jwks;
    row.jwks_uri = wanted->jwks_uri;
    row.auth = wanted->auth;
    row.tls_subject = wanted->tls_subject;
    row.roles = wanted->roles;
    row.metadata = wanted->metadata;
    row.flags = (row.flags & ~(int64_t)CLIENT_SIGNS) | (wanted->signs ? CLIENT_SIGNS : 0);
    memcpy(command->resource_id, row.client_id, 16);
    return folded(client_change(work, &row));
}

static const struct command_kind client_change_kind = { .name = "client_change",
                                                        .needs = client_change_needs,
                                                        .decide = client_change_decide,
                                                        .refusal_name = change_refusal_name };

static const struct command_field client_change_fields[] = {
    FIELD(struct client_change_input, client_id, ID),
    FIELD_MAX(struct client_change_input, client.name, TEXT, CLIENT_NAME_BYTES_MAX),
    FIELD_MAX(struct client_change_input, client.software_id, TEXT, CLIENT_NAME_BYTES_MAX),
    FIELD_MAX(struct client_change_input, client.display_name, TEXT, 1024),
    FIELD_MAX(struct client_change_input, client.profile, CHOICE, CLIENT_PROFILE_COUNT),
    FIELD_MAX(struct client_change_input, client.sender, CHOICE, CLIENT_SENDER_COUNT),
    FIELD_MAX(struct client_change_input, client.scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    FIELD_MAX(struct client_change_input, client.redirect_uris, TEXT, CLIENT_URIS_BYTES_MAX),
    FIELD_MAX(struct client_change_input, client.jwks, TEXT, CLIENT_JWKS_BYTES_MAX),
    FIELD_MAX(struct client_change_input, client.auth, CHOICE, CLIENT_AUTH_COUNT),
    FIELD_MAX(struct client_change_input, client.jwks_uri, TEXT, CLIENT_URL_BYTES_MAX),
    FIELD_MAX(struct client_change_input, client.tls_subject, TEXT, CLIENT_SUBJECT_BYTES_MAX),
    FIELD_MAX(struct client_change_input, client.roles, TEXT, CLIENT_ROLES_BYTES_MAX),
    FIELD_MAX(struct client_change_input, client.metadata, TEXT, CLIENT_METADATA_BYTES_MAX),
    FIELD(struct client_change_input, client.signs, BOOL),
};
const struct command_form client_change_form = { .kind = &client_change_kind,
                                                 .input_bytes = sizeof(struct client_change_input),
                                                 .fields = client_change_fields,
                                                 .field_count = ARRAY_COUNT(client_change_fields),
                                                 .refusal_count = CLIENT_CHANGE_E_ABSENT + 1 };

int command_client_change(struct integration *integration, struct command_call *call,
                          const struct client_change_input *input) {
    int r = client_input_fits(&input->client);
    if (r < 0) return err_trace(r);
    if (r) return client_refuse_at_once(call, r, client_register_refusal_name(r));
    struct client_change_input *copy = arena_new(call->arena, struct client_change_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &client_change_kind, copy);
}

/* ---- suspend, resume, remove ---- */

static void client_settle_needs(struct work *work, const struct command *command) {
    client_want(work, ((const struct client_settle_input *)command->input)->client_id.bytes);
}

static int client_settle_decide(struct work *work, struct command *command) {
    const struct client_settle_input *input = command->input;
    const struct client_row *old;
    memcpy(command->resource_id, input->client_id.bytes, 16);
    if (input->fate == CLIENT_FATE_REMOVED) return folded(client_remove(work, input->client_id.bytes));
    int r = client_get(work, input->client_id.bytes, &old);
    if (r) return r;
    if (!old) return CLIENT_CHANGE_E_ABSENT;
    struct client_row row = *old;
    row.status = input->fate == CLIENT_FATE_SUSPENDED ? CLIENT_SUSPENDED : CLIENT_ACTIVE;
    return folded(client_change(work, &row));
}

static const struct command_kind client_settle_kind = { .name = "client_settle",
                                                        .needs = client_settle_needs,
                                                        .decide = client_settle_decide,
                                                        .refusal_name = change_refusal_name };

static const struct command_field client_settle_fields[] = {
    FIELD(struct client_settle_input, client_id, ID),
    FIELD_MAX(struct client_settle_input, fate, CHOICE, CLIENT_FATE_REMOVED + 1),
};
const struct command_form client_settle_form = { .kind = &client_settle_kind,
                                                 .input_bytes = sizeof(struct client_settle_input),
                                                 .fields = client_settle_fields,
                                                 .field_count = ARRAY_COUNT(client_settle_fields),
                                                 .refusal_count = CLIENT_CHANGE_E_ABSENT + 1 };

int command_client_settle(struct integration *integration, struct command_call *call,
                          const struct client_settle_input *input) {
    struct client_settle_input *copy = arena_new(call->arena, struct client_settle_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &client_settle_kind, copy);
}
