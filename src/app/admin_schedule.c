/* admin_schedule.c - the operator's commands for payments of a later day. */
#include "app/admin_int.h"

#include "domain/civil_date.h"
#include "integration/schedule_rules.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "services/accounts/account.h"

static struct str text_of(const struct admin_request *request, const char *name) {
    return json_get_string(request->json, name);
}

/* What became of it: NULL, or the error's name. */
static const char *outcome_of(int r, const struct command_answer *answer, int *ret_fault) {
    if (r == COMMAND_E_FULL) return "unavailable";
    if (r < 0) *ret_fault = r;
    if (r) return "fault";
    switch (answer->result) {
    case ANSWER_DONE:
    case ANSWER_REPLAYED:
        return answer->refusal ? answer->refusal_name : NULL;
    case ANSWER_KEY_REUSED:
        return "idempotency_key_reused";
    case ANSWER_UNAVAILABLE:
        return "unavailable";
    case ANSWER_UNKNOWN:
        return "unknown";
    case ANSWER_TOO_COMPLEX:
    case ANSWER_FAULT:
    case ANSWER_RESULT_COUNT:
        break;
    }
    return "fault";
}

static void put_answer(struct json_writer *out, const char *name, const struct command_answer *answer) {
    char text[ID_TEXT_BYTES];
    json_member_str(out, name, id_format(answer->resource_id, text));
    json_member_bool(out, "replayed", answer->result == ANSWER_REPLAYED);
}

/* The account named by id or IBAN, and its holder as the one who pays. NULL or the error's name. */
static const char *read_debtor(const struct admin_request *request, struct payment_order *order,
                               struct currency *ret_currency, int *ret_fault) {
    struct reader reader;
    struct account_row probe = { .iban = text_of(request, "account") };
    uint8_t index = id_parse(probe.iban, probe.account_id) == 0 ? 0 : ACCOUNT_INDEX_IBAN;
    const void *found = NULL;
    int r = reader_open(request->options->integration->store, &reader);
    if (!r) {
        r = read_row(&reader, &account_table, index, &probe, request->arena, &found);
        reader_close(&reader);
    }
    if (r) *ret_fault = err_trace(r);
    if (r || !found) return r ? "fault" : "account_not_found";
    const struct account_row *account = found;
    memcpy(order->debtor_account_id.bytes, account->account_id, 16);
    memcpy(order->customer_id.bytes, account->customer_id, 16);
    memcpy(order->client_id.bytes, account->client_id, 16);
    ret_currency->code = (uint32_t)account->currency;
    return NULL;
}

static bool read_creditor(const struct admin_request *request, struct creditor *creditor) {
    struct str iban = text_of(request, "iban");
    if (person_name_parse(text_of(request, "name"), &creditor->name)) return false;
    creditor->scheme = iban.len ? CREDITOR_SCHEME_IBAN : CREDITOR_SCHEME_UK;
    if (iban.len) return iban_parse(iban, &creditor->iban) == 0;
    return sort_code_parse(text_of(request, "sort_code"), &creditor->sort_code) == 0 &&
           account_number_parse(text_of(request, "account_number"), ACCOUNT_SCHEME_UK, &creditor->account_number) == 0;
}

static const char *read_order(const struct admin_request *request, struct payment_order *order, int *ret_fault) {
    struct str reference = text_of(request, "reference");
    struct currency currency;
    const char *error = read_debtor(request, order, &currency, ret_fault);
    if (error) return error;
    if (!read_creditor(request, &order->creditor) ||
        money_parse(text_of(request, "amount"), currency, &order->amount) ||
        (reference.len && payment_reference_parse(reference, &order->reference)))
        return "invalid_request";
    return NULL;
}

/* An optional date; false when it is none. */
static bool read_day(const struct admin_request *request, const char *name, int64_t *ret_day) {
    struct str text = text_of(request, name);
    return text.len == 0 || civil_parse(text, ret_day) == 0;
}

static bool read_amount(const struct admin_request *request, const char *name, struct currency currency,
                        int64_t *ret_minor) {
    struct str text = text_of(request, name);
    struct money money;
    if (text.len == 0) return true;
    if (money_parse(text, currency, &money)) return false;
    *ret_minor = money.minor;
    return true;
}

const char *admin_schedule(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "payment_schedule" };
    struct schedule_create_input input = { .day = 0 };
    struct command_call call;
    const char *error = read_order(request, &input.order, ret_fault);
    if (error) return error;
    if (!read_day(request, "on", &input.day) || !input.day) return "invalid_request";
    admin_call_init(request, &audited, &call);
    int r = command_schedule_create(request->options->integration, &call, &input);
    error = outcome_of(r, &call.answer, ret_fault);
    if (!error) put_answer(out, "scheduled_id", &call.answer);
    return error;
}

const char *admin_schedule_cancel(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "payment_schedule_cancel" };
    struct command_call call;
    uint8_t id[16];
    if (id_parse(text_of(request, "scheduled_id"), id)) return "invalid_request";
    admin_call_init(request, &audited, &call);
    int r = command_schedule_cancel(request->options->integration, &call, id);
    const char *error = outcome_of(r, &call.answer, ret_fault);
    if (!error) put_answer(out, "scheduled_id", &call.answer);
    return error;
}

const char *admin_standing_order(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "standing_order" };
    struct standing_order_input input = { .frequency = text_of(request, "frequency"),
                                          .payments_max = json_get_integer(request->json, "payments", 0) };
    struct command_call call;
    const char *error = read_order(request, &input.order, ret_fault);
    if (error) return error;
    struct currency currency = input.order.amount.currency;
    if (!read_day(request, "first", &input.first_day) || !read_day(request, "recurring", &input.recurring_day) ||
        !read_day(request, "final", &input.final_day) ||
        !read_amount(request, "first_amount", currency, &input.first_minor) ||
        !read_amount(request, "final_amount", currency, &input.final_minor))
        return "invalid_request";
    admin_call_init(request, &audited, &call);
    int r = command_standing_order_create(request->options->integration, &call, &input);
    error = outcome_of(r, &call.answer, ret_fault);
    if (!error) put_answer(out, "standing_order_id", &call.answer);
    return error;
}

const char *admin_standing_order_cancel(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "standing_order_cancel" };
    struct command_call call;
    uint8_t id[16];
    if (id_parse(text_of(request, "standing_order_id"), id)) return "invalid_request";
    admin_call_init(request, &audited, &call);
    int r = command_standing_order_cancel(request->options->integration, &call, id);
    const char *error = outcome_of(r, &call.answer, ret_fault);
    if (!error) put_answer(out, "standing_order_id", &call.answer);
    return error;
}

/* The day that the wall clock of the currency's calendar shows; 0 where it has none (the command refuses it then). */
static int64_t today_of(const struct admin_request *request, struct currency currency) {
    const struct schedule_rail *rail = schedule_rules_rail(request->options->integration->schedule, currency.code);
    return rail ? time_zone_day(rail->calendar.zone, clock_now_ms()) : 0;
}

static bool read_hash(struct str text, struct hash *ret_hash) {
    struct buffer raw;
    struct hash hash;
    buffer_init(&raw, hash.bytes, sizeof hash.bytes);
    if (base64_decode(text, &raw) || raw.overflow || raw.len != sizeof hash.bytes) return false;
    *ret_hash = hash;
    return true;
}

/* The refusal's name with the sentence behind it, which names line and field but no value. */
static const char *explain(const struct admin_request *request, const char *error, const struct message *message) {
    if (!error || !message->text[0]) return error;
    struct str text = arena_printf(request->arena, "%s (%s)", error, message->text);
    return text.at ? text.at : error;
}

const char *admin_payment_file(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "payment_file" };
    struct payment_file_input input = { .text = text_of(request, "file"),
                                        .reference = text_of(request, "reference"),
                                        .item_count = json_get_integer(request->json, "items", 0) };
    struct command_call call;
    struct currency currency;
    struct message message = { .text = "" };
    const char *error = read_debtor(request, &input.terms, &currency, ret_fault);
    if (error) return error;
    if (!read_hash(text_of(request, "hash"), &input.hash) ||
        money_parse(text_of(request, "sum"), currency, &input.control_sum) || !read_day(request, "on", &input.day))
        return "invalid_request";
    if (!input.day) input.day = today_of(request, currency);
    admin_call_init(request, &audited, &call);
    int r = command_payment_file_create(request->options->integration, &call, &input, &message);
    error = explain(request, outcome_of(r, &call.answer, ret_fault), &message);
    if (!error) put_answer(out, "file_id", &call.answer);
    return error;
}
