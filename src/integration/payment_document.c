#include "integration/payment_document.h"

#include "platform/clock.h"
#include "wire/json.h"

struct payment_view payment_view_of(const struct payment_row *payment) {
    struct payment_view view = {
        .creditor_name = payment->creditor_name,
        .creditor_iban = payment->creditor_iban,
        .creditor_sort_code = payment->creditor_sort_code,
        .creditor_account_number = payment->creditor_account_number,
        .reference = payment->reference,
        .end_to_end_id = payment->end_to_end_id,
        .instruction_id = payment->instruction_id,
        .amount = { .minor = payment->amount_minor, .currency = { .code = (uint32_t)payment->currency } },
        .fee_minor = payment->fee_minor,
        .type = (enum payment_type)payment->type,
        .status = (enum payment_status)payment->status,
        .reason = (enum payment_reason)payment->reason,
        .created_ms = payment->created_ms,
        .status_ms = payment->status_ms,
    };
    struct payment_step steps[PAYMENT_TIMELINE_MAX];
    memcpy(view.payment_id.bytes, payment->payment_id, 16);
    memcpy(view.client_id.bytes, payment->client_id, 16);
    memcpy(view.customer_id.bytes, payment->customer_id, 16);
    memcpy(view.consent_id.bytes, payment->consent_id, 16);
    memcpy(view.debtor_account_id.bytes, payment->debtor_account_id, 16);
    static_assert((int)QUERY_TIMELINE_MAX == (int)PAYMENT_TIMELINE_MAX, "one timeline");
    view.timeline_count = payment_timeline(payment->timeline, steps);
    for (size_t i = 0; i < view.timeline_count; i++) {
        view.timeline[i].status = steps[i].status;
        view.timeline[i].at_ms = steps[i].at_ms;
    }
    return view;
}

static void member_time(struct json_writer *writer, const char *name, int64_t ms) {
    char text[CLOCK_TEXT_BYTES];
    json_member_str(writer, name, clock_format_rfc3339(ms, text));
}

static void member_id(struct json_writer *writer, const char *name, const uint8_t id[16]) {
    char text[ID_TEXT_BYTES];
    json_member_str(writer, name, id_format(id, text));
}

static void write_creditor(struct json_writer *writer, const struct payment_view *payment) {
    json_name(writer, "creditor");
    json_object_begin(writer);
    json_member_str(writer, "name", payment->creditor_name);
    if (payment->creditor_iban.len) json_member_str(writer, "iban", payment->creditor_iban);
    if (payment->creditor_sort_code.len) json_member_str(writer, "sort_code", payment->creditor_sort_code);
    if (payment->creditor_account_number.len)
        json_member_str(writer, "account_number", payment->creditor_account_number);
    json_object_end(writer);
}

static void write_amount(struct json_writer *writer, const char *name, struct money amount) {
    char value[MONEY_TEXT_BYTES], currency[4];
    json_name(writer, name);
    json_object_begin(writer);
    json_member_str(writer, "value", money_text(amount, value));
    json_member_str(writer, "currency", currency_text(amount.currency, currency));
    json_object_end(writer);
}

void query_payment_json(struct buffer *out, const struct payment_view *payment) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    member_id(&writer, "payment_id", payment->payment_id.bytes);
    json_member_c(&writer, "status", payment_status_name(payment->status));
    if (payment->status == PAYMENT_REJECTED) json_member_c(&writer, "reason", payment_reason_name(payment->reason));
    json_member_c(&writer, "payment_type", payment_type_name(payment->type));
    member_id(&writer, "debtor_account_id", payment->debtor_account_id.bytes);
    write_creditor(&writer, payment);
    write_amount(&writer, "amount", payment->amount);
    if (payment->fee_minor)
        write_amount(&writer, "fee",
                     (struct money){ .minor = payment->fee_minor, .currency = payment->amount.currency });
    if (payment->reference.len) json_member_str(&writer, "reference", payment->reference);
    member_time(&writer, "created_at", payment->created_ms);
    member_time(&writer, "status_at", payment->status_ms);
    json_name(&writer, "timeline");
    json_array_begin(&writer);
    for (size_t i = 0; i < payment->timeline_count; i++) {
        json_object_begin(&writer);
        json_member_c(&writer, "status", payment_status_name(payment->timeline[i].status));
        member_time(&writer, "at", payment->timeline[i].at_ms);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
}

void payment_document_write(struct buffer *out, const struct payment_row *payment) {
    struct payment_view view = payment_view_of(payment);
    query_payment_json(out, &view);
}
