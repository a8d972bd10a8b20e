/* client_limits.c - the operator changes what a client may do: its rate, its burst, its day, where it calls from,
 * whether it must sign. */
#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "platform/cidr.h"
#include "services/identity/client.h"

#define X(code, name) [code] = name,
static const char *const refusal_names[CLIENT_LIMITS_E_COUNT] = { CLIENT_LIMITS_E_MAP(X) };
#undef X
enum { CLIENT_RATE_MAX = 1000000 /* a second, and a burst */ };

static const char *client_limits_refusal_name(int refusal) {
    check(refusal > 0 && refusal < CLIENT_LIMITS_E_COUNT);
    return refusal_names[refusal];
}

static bool addresses_fit(struct str list) {
    struct cidr cidr;
    struct str word;
    bool more = list.len > 0;
    while (more) {
        more = str_cut(&list, ' ', &word);
        if (cidr_parse(word, &cidr)) return false;
    }
    return true;
}

static bool limits_fit(const struct client_limits_input *input) {
    if (input->requests_per_second < -1 || input->requests_per_second > CLIENT_RATE_MAX) return false;
    if (input->burst < -1 || input->burst > CLIENT_RATE_MAX || input->daily_limit < -1) return false;
    return input->addresses.len <= CLIENT_ADDRESSES_BYTES_MAX && addresses_fit(input->addresses);
}

static int client_limits_decide(struct work *work, struct command *command) {
    const struct client_limits_input *input = command->input;
    struct client_limits limits = { .requests_per_second = input->requests_per_second,
                                    .burst = input->burst,
                                    .daily_limit = input->daily_limit,
                                    .set_addresses = input->set_addresses,
                                    .addresses = input->addresses,
                                    .signing = (enum client_signing)input->signing };
    if (!limits_fit(input)) return CLIENT_LIMITS_E_INPUT;
    int r = client_set_limits(work, input->name, &limits, command->resource_id);
    if (r == CLIENT_E_ABSENT) return CLIENT_LIMITS_E_ABSENT;
    return r == VIEW_NEED ? r : err_fold(r);
}

static const struct command_kind client_limits_kind = { .name = "client_limits",
                                                        .decide = client_limits_decide,
                                                        .refusal_name = client_limits_refusal_name };

static const struct command_field client_limits_fields[] = {
    FIELD_MAX(struct client_limits_input, name, TEXT, CLIENT_NAME_BYTES_MAX),
    FIELD(struct client_limits_input, requests_per_second, I64),
    FIELD(struct client_limits_input, burst, I64),
    FIELD(struct client_limits_input, daily_limit, I64),
    FIELD(struct client_limits_input, set_addresses, BOOL),
    FIELD_MAX(struct client_limits_input, addresses, TEXT, CLIENT_ADDRESSES_BYTES_MAX),
    FIELD_MAX(struct client_limits_input, signing, CHOICE, CLIENT_SIGNING_OPTIONAL + 1),
};
const struct command_form client_limits_form = { .kind = &client_limits_kind,
                                                 .input_bytes = sizeof(struct client_limits_input),
                                                 .fields = client_limits_fields,
                                                 .field_count = ARRAY_COUNT(client_limits_fields),
                                                 .refusal_count = CLIENT_LIMITS_E_COUNT };

int command_client_limits(struct integration *integration, struct command_call *call,
                          const struct client_limits_input *input) {
    struct client_limits_input *copy = arena_new(call->arena, struct client_limits_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &client_limits_kind, copy);
}
