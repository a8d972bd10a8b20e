/* admin_consent.c - the operator ends a consent on a customer's behalf, or asks for the customer's authentication. */
#include "app/admin_int.h"

static const char *change(const struct admin_request *request, enum account_consent_change kind,
                          struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation =
                                         kind == ACCOUNT_CONSENT_REVOKE ? "consent_revoke" : "consent_authenticate" };
    struct account_consent_change_input input = { .change = kind };
    struct command_call call;
    char id[ID_TEXT_BYTES];
    if (id_parse(json_get_string(request->json, "consent_id"), input.consent_id.bytes)) return "invalid_request";
    admin_call_init(request, &audited, &call);
    int r = command_account_consent_change(request->options->integration, &call, &input);
    const char *error = admin_outcome(r, &call.answer, ret_fault);
    if (error) return error;
    if (call.answer.refusal) return call.answer.refusal_name;
    json_member_str(out, "consent_id", id_format(input.consent_id.bytes, id));
    json_member_bool(out, "replayed", call.answer.result == ANSWER_REPLAYED);
    return NULL;
}

const char *admin_consent_revoke(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    return change(request, ACCOUNT_CONSENT_REVOKE, out, ret_fault);
}

const char *admin_consent_authenticate(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    return change(request, ACCOUNT_CONSENT_DEMAND, out, ret_fault);
}
