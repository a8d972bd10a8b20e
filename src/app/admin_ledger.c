/* admin_ledger.c - the operator's commands on the ledger, from a line of JSON. */
#include "app/admin_int.h"

#include "platform/clock.h"
#include "services/accounts/account.h"
#include "services/ledger/ledger_chart.h"

static const char invalid[] = "invalid_request";

static struct str text_of(const struct json *json, const char *name) {
    return json_get_string(json, name);
}

/* "2026-11-22"; absent: 0. */
static bool day_read(const struct json *json, const char *name, int64_t *ret_day) {
    enum { DAY_TEXT_BYTES = 10 };
    struct str text = text_of(json, name);
    char moment[CLOCK_TEXT_BYTES];
    int64_t ms;
    *ret_day = 0;
    if (!json_get(json, name)) return true;
    if (text.len != DAY_TEXT_BYTES) return false;
    int len = snprintf(moment, sizeof moment, STR_FMT "T00:00:00Z", STR_ARG(text));
    if (clock_parse_rfc3339(str_from_bytes(moment, (size_t)len), &ms)) return false;
    *ret_day = clock_day(ms);
    return *ret_day > 0;
}

/* A whole number, if it is there: nothing else stands for one. */
static bool whole_read(const struct json *json, const char *name, int64_t absent, int64_t *ret_number) {
    const struct json *value = json_get(json, name);
    *ret_number = json_integer(value, absent);
    return !value || json_type(value) == JSON_INTEGER_TYPE;
}

static bool money_read(const struct json *json, struct money *ret_money) {
    struct currency currency;
    return !currency_parse(text_of(json, "currency"), &currency) &&
           !money_parse(text_of(json, "amount"), currency, ret_money);
}

/* "fees/GBP" or "nostro/GBP/3". */
static bool own_account_read(struct str text, int64_t *ret_number) {
    enum ledger_account_kind kind;
    struct currency currency;
    struct str name, code;
    uint64_t part = 0;
    if (!str_cut(&text, '/', &name) || !ledger_kind_find(name, &kind) || kind == LEDGER_CUSTOMER) return false;
    bool has_part = str_cut(&text, '/', &code);
    if (has_part && (str_to_u64(text, &part) || part > LEDGER_PARTS_MAX)) return false;
    if (currency_parse(code, &currency)) return false;
    *ret_number = ledger_own_number(kind, currency, (uint32_t)part);
    return true;
}

/* NULL: found. */
static const char *account_by_id(const struct admin_request *request, const struct account_row *probe,
                                 int64_t *ret_number, int *ret_fault) {
    struct reader reader;
    const void *row = NULL;
    int r = reader_open(request->options->integration->store, &reader);
    if (!r) {
        r = read_row(&reader, &account_table, 0, probe, request->arena, &row);
        reader_close(&reader);
    }
    if (r) {
        *ret_fault = r;
        return "fault";
    }
    if (!row) return "account_not_found";
    *ret_number = ((const struct account_row *)row)->number;
    return NULL;
}

/* NULL: read. */
static const char *account_read(const struct admin_request *request, const struct json *json, int64_t *ret_number,
                                int *ret_fault) {
    struct account_row probe = { 0 };
    struct str text = json_string(json);
    uint64_t digits;
    if (!json) return invalid;
    if (json_type(json) == JSON_INTEGER_TYPE) {
        *ret_number = json_integer(json, 0);
        return *ret_number ? NULL : invalid;
    }
    bool negative = str_starts(text, STR("-"));
    if (str_to_u64(str_slice(text, negative, text.len), &digits) == 0 && digits > 0 && digits <= INT64_MAX) {
        *ret_number = negative ? -(int64_t)digits : (int64_t)digits;
        return NULL;
    }
    if (own_account_read(text, ret_number)) return NULL;
    if (id_parse(text, probe.account_id)) return invalid;
    return account_by_id(request, &probe, ret_number, ret_fault);
}

/* As many notes as fit; the command judges them. */
static bool notes_read(const struct json *json, struct ledger_post_note *notes, size_t *ret_count) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    *ret_count = 0;
    while (json_next(json, &iterator, &name, &value)) {
        if (*ret_count == LEDGER_POST_NOTES_MAX || !json_is_string(value)) return false;
        notes[(*ret_count)++] = (struct ledger_post_note){ name, json_string(value) };
    }
    return true;
}

/* What the command said, as members of the answer. */
static const char *put_answer(int r, const struct command_call *call, struct json_writer *out, int *ret_fault) {
    char id[ID_TEXT_BYTES];
    const char *error = admin_outcome(r, &call->answer, ret_fault);
    if (error) return error;
    if (call->answer.refusal) return call->answer.refusal_name;
    if (!id_is_zero(call->answer.resource_id)) json_member_str(out, "id", id_format(call->answer.resource_id, id));
    json_member_raw(out, "result", call->answer.body);
    return NULL;
}

static const char *leg_read(const struct admin_request *request, const struct json *json, struct ledger_post_leg *leg,
                            int *ret_fault) {
    struct str side = text_of(json, "side");
    leg->credit = str_equal_c(side, "credit");
    if (!leg->credit && !str_equal_c(side, "debit")) return invalid;
    if (!money_read(json, &leg->amount) || !day_read(json, "value_day", &leg->value_day)) return invalid;
    return account_read(request, json_get(json, "account"), &leg->account, ret_fault);
}

/* Outside a sandbox nothing comes from where a sandbox's money comes from (account_fund, admin_command.c). */
static bool is_forbidden(const struct admin_request *request, const struct ledger_post_leg *leg) {
    return !leg->credit && ledger_number_is_of(leg->account, LEDGER_FUNDING) && !request->options->integration->sandbox;
}

const char *admin_ledger_post(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "ledger_post" };
    struct command_call call;
    struct ledger_post_input input = { .mirror = json_get_bool(request->json, "mirror", false) };
    const struct json *legs = json_get(request->json, "legs");
    if (json_count(legs) > LEDGER_POST_LEGS_MAX) return "invalid_legs";
    for (size_t i = 0; i < json_count(legs); i++) {
        struct ledger_post_leg *leg = &input.legs[input.leg_count++];
        const char *error = leg_read(request, json_at(legs, i), leg, ret_fault);
        if (error) return error;
        if (is_forbidden(request, leg)) return "sandbox_only";
    }
    if (!day_read(request->json, "booking_day", &input.booking_day) ||
        !day_read(request->json, "value_day", &input.value_day) ||
        !notes_read(json_get(request->json, "notes"), input.notes, &input.note_count))
        return invalid;
    admin_call_init(request, &audited, &call);
    return put_answer(command_ledger_post(request->options->integration, &call, &input), &call, out, ret_fault);
}

const char *admin_ledger_reverse(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "ledger_reverse" };
    struct command_call call;
    struct ledger_reverse_input input;
    if (!whole_read(request->json, "transaction", 0, &input.transaction) ||
        !whole_read(request->json, "amount_minor", 0, &input.amount_minor) || input.transaction <= 0 ||
        input.amount_minor < 0)
        return invalid;
    admin_call_init(request, &audited, &call);
    return put_answer(command_ledger_reverse(request->options->integration, &call, &input), &call, out, ret_fault);
}

const char *admin_payment_refund(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "payment_refund" };
    struct command_call call;
    struct payment_refund_input input;
    if (id_parse(text_of(request->json, "payment_id"), input.payment_id.bytes) ||
        !money_read(request->json, &input.amount))
        return invalid;
    admin_call_init(request, &audited, &call);
    return put_answer(command_payment_refund(request->options->integration, &call, &input), &call, out, ret_fault);
}

/* The position of the action among names; false: it is none of them. */
static bool action_find(const struct admin_request *request, const char *const *names, size_t count, int *ret_action) {
    struct str action = text_of(request->json, "action");
    for (size_t i = 0; i < count; i++) {
        if (!str_equal_c(action, names[i])) continue;
        *ret_action = (int)i;
        return true;
    }
    return false;
}

const char *admin_ledger_account(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    static const char *const actions[] = { [LEDGER_ACCOUNT_OVERDRAFT] = "overdraft",
                                           [LEDGER_ACCOUNT_LIMITS] = "limits",
                                           [LEDGER_ACCOUNT_FREEZE] = "freeze",
                                           [LEDGER_ACCOUNT_CLOSE] = "close",
                                           [LEDGER_ACCOUNT_NOTES] = "notes" };
    struct admin_audited audited = { .operation = "ledger_account" };
    struct command_call call;
    const struct json *json = request->json;
    struct ledger_account_input input = { .has_floor = json_get(json, "floor_minor") != NULL,
                                          .has_ceiling = json_get(json, "ceiling_minor") != NULL,
                                          .debits = json_get_bool(json, "debits", false),
                                          .credits = json_get_bool(json, "credits", false) };
    int action;
    if (!action_find(request, actions, ARRAY_COUNT(actions), &action) ||
        !whole_read(json, "amount_minor", -1, &input.amount_minor) ||
        !whole_read(json, "floor_minor", 0, &input.floor_minor) ||
        !whole_read(json, "ceiling_minor", 0, &input.ceiling_minor) ||
        !notes_read(json_get(json, "notes"), input.notes, &input.note_count))
        return invalid;
    input.action = (enum ledger_account_action)action;
    const char *error = account_read(request, json_get(json, "account"), &input.number, ret_fault);
    if (error) return error;
    admin_call_init(request, &audited, &call);
    return put_answer(command_ledger_account(request->options->integration, &call, &input), &call, out, ret_fault);
}

/* Only what the action asks for. */
static const char *hold_read(const struct admin_request *request, struct ledger_hold_input *input, int *ret_fault) {
    const struct json *json = request->json;
    bool reserves = input->action == LEDGER_HOLD_RESERVE, captures = input->action == LEDGER_HOLD_CAPTURE;
    bool counts = reserves || captures || input->action == LEDGER_HOLD_INCREASE;
    const char *error = NULL;
    if (!reserves && id_parse(text_of(json, "hold_id"), input->hold_id)) return invalid;
    if (counts && !money_read(json, &input->amount)) return invalid;
    if (json_get(json, "expires_at") && clock_parse_rfc3339(text_of(json, "expires_at"), &input->expires_ms))
        return invalid;
    if (reserves) error = account_read(request, json_get(json, "account"), &input->account, ret_fault);
    if (captures) error = account_read(request, json_get(json, "contra"), &input->contra, ret_fault);
    return error;
}

const char *admin_ledger_hold(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    static const char *const actions[] = { [LEDGER_HOLD_RESERVE] = "reserve",
                                           [LEDGER_HOLD_CAPTURE] = "capture",
                                           [LEDGER_HOLD_RELEASE] = "release",
                                           [LEDGER_HOLD_INCREASE] = "increase",
                                           [LEDGER_HOLD_EXTEND] = "extend" };
    struct admin_audited audited = { .operation = "ledger_hold" };
    struct command_call call;
    struct ledger_hold_input input = { .final = json_get_bool(request->json, "final", false) };
    int action;
    if (!action_find(request, actions, ARRAY_COUNT(actions), &action)) return invalid;
    input.action = (enum ledger_hold_action)action;
    const char *error = hold_read(request, &input, ret_fault);
    if (error) return error;
    admin_call_init(request, &audited, &call);
    return put_answer(command_ledger_hold(request->options->integration, &call, &input), &call, out, ret_fault);
}

const char *admin_ledger_close_day(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "ledger_close_day" };
    struct command_call call;
    int64_t day;
    if (!day_read(request->json, "day", &day)) return invalid;
    admin_call_init(request, &audited, &call);
    call.idempotent = false; /* two commands; a second call finds the day closed */
    return put_answer(command_ledger_close_day(request->options->integration, &call, day), &call, out, ret_fault);
}
