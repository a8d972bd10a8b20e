#include "integration/acl/core_call_record.h"

#include "observe/audit.h"
#include "observe/mask.h"
#include "platform/clock.h"
#include "wire/json.h"

enum { REQUEST_BYTES_MAX = 384, RESPONSE_BYTES_MAX = 256, WHY_BYTES_MAX = 160 };

static const char *outcome_word(const struct core_answer *answer) {
    switch (answer->outcome) {
    case CORE_BOOKED:
    case CORE_NEVER_SEEN:
    case CORE_NOTHING_TO_REVERSE:
        return "answered";
    case CORE_REFUSED:
    case CORE_BARRED:
        return "refused";
    case CORE_UNKNOWN:
        break;
    }
    return answer->sent ? "unknown" : "unsent";
}

static void member_account(struct json_writer *writer, const char *name, const struct core_account *account) {
    struct masked masked = mask_text(PERSONAL_ACCOUNT_NUMBER, core_account_reveal(account));
    json_member_c(writer, name, masked.text);
}

/* What was sent, in the words of layouts/txn.json and enq.json. */
static struct str write_request(struct buffer *out, const struct core_call_facts *facts) {
    const struct core_transfer *transfer = facts->transfer;
    char reference[ID_HEX_BYTES], currency[4], timestamp[CLOCK_TEXT_BYTES];
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    if (facts->kind == FOLLOWUP_CORE_ENQUIRE) {
        json_member_c(&writer, "record", "ENQ");
    } else {
        json_member_c(&writer, "record", "TXN");
        member_account(&writer, "debtor", &transfer->debtor);
        member_account(&writer, "creditor", &transfer->creditor);
        json_member_i64(&writer, "amount", transfer->amount.minor);
        json_member_str(&writer, "currency", currency_text(transfer->amount.currency, currency));
        json_member_str(&writer, "timestamp", clock_format_compact(transfer->recorded_ms, timestamp));
    }
    json_member_str(&writer, "reference", id_format_hex(transfer->payment_id.bytes, reference));
    json_object_end(&writer);
    check(!out->overflow);
    return buffer_str(out);
}

/* Empty when no well-formed answer came. */
static struct str write_response(struct buffer *out, const struct core_record_answer *record) {
    struct json_writer writer;
    if (!record->code[0]) return (struct str){ 0 };
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "code", record->code);
    if (record->core_reference[0]) json_member_c(&writer, "core_reference", record->core_reference);
    if (record->timestamp[0]) json_member_c(&writer, "timestamp", record->timestamp);
    json_object_end(&writer);
    return out->overflow ? (struct str){ 0 } : buffer_str(out);
}

static struct str write_why(struct buffer *out, const struct core_answer *answer, uint64_t left_out) {
    const char *detail = answer->fault < 0 ? strerrordesc_np(-answer->fault) : NULL;
    struct json_writer writer;
    if (!detail && !left_out) return (struct str){ 0 };
    json_begin(&writer, out);
    json_object_begin(&writer);
    if (detail) json_member_c(&writer, "detail", detail);
    if (left_out) json_member_i64(&writer, "left_out", (int64_t)left_out);
    json_object_end(&writer);
    return out->overflow ? (struct str){ 0 } : buffer_str(out);
}

/* A UUID of RFC 9562's version 8: a hash of what makes the call one of its own (R3). */
static void write_id(const struct core_call_facts *facts, uint8_t ret_id[ID_BYTES]) {
    struct {
        uint8_t payment_id[16];
        int64_t time_ms, began_us, kind;
    } call = { .time_ms = facts->time_ms, .began_us = facts->began_us, .kind = facts->kind };
    memcpy(call.payment_id, facts->transfer->payment_id.bytes, sizeof call.payment_id);
    struct hash hash = sha256(&call, sizeof call);
    memcpy(ret_id, hash.bytes, ID_BYTES);
    ret_id[6] = (uint8_t)(0x80 | (ret_id[6] & 0x0f));
    ret_id[8] = (uint8_t)(0x80 | (ret_id[8] & 0x3f));
}

void core_call_record_write(const struct core_call_facts *facts, const struct core_answer *answer, struct buffer *out) {
    char request_bytes[REQUEST_BYTES_MAX], response_bytes[RESPONSE_BYTES_MAX], why_bytes[WHY_BYTES_MAX];
    char interaction_id[ID_TEXT_BYTES];
    struct buffer request, response, why;
    buffer_init(&request, request_bytes, sizeof request_bytes);
    buffer_init(&response, response_bytes, sizeof response_bytes);
    buffer_init(&why, why_bytes, sizeof why_bytes);
    struct audit_record record = { .time_ms = facts->time_ms,
                                   .event = "call_out",
                                   .peer = CORE_CALL_PEER,
                                   .operation = facts->kind == FOLLOWUP_CORE_ENQUIRE ? "enquiry" : "transfer",
                                   .outcome = outcome_word(answer),
                                   .duration_us = facts->ended_us - facts->began_us,
                                   .request = { .json = write_request(&request, facts) },
                                   .response = { .json = write_response(&response, &answer->record) },
                                   .why = write_why(&why, answer, facts->left_out) };
    write_id(facts, record.id);
    if (!id_is_zero(facts->interaction_id)) record.interaction_id = id_format(facts->interaction_id, interaction_id);
    memcpy(record.resource_id, facts->transfer->payment_id.bytes, sizeof record.resource_id);
    audit_encode(&record, out);
}
