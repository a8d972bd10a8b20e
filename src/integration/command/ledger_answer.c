#include "integration/command/ledger_answer.h"

#include "platform/clock.h"
#include "services/ledger/ledger.h"
#include "wire/json.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, DAY_TEXT_BYTES = 10 };
static_assert((int)LEDGER_POST_LEGS_MAX == (int)LEDGER_LEGS_MAX, "one posting");
static_assert((int)LEDGER_POST_NOTES_MAX == (int)LEDGER_NOTES_MAX, "one set of notes");

const struct command_field ledger_note_fields[2] = {
    FIELD_MAX(struct ledger_post_note, key, TEXT, COMMAND_NOTE_BYTES_MAX),
    FIELD_MAX(struct ledger_post_note, value, TEXT, COMMAND_NOTE_BYTES_MAX),
};

const char *ledger_answer_refusal_name(int refusal) {
    return refusal == LEDGER_NOTE_REFUSAL ? "invalid_note" : ledger_refusal_name(refusal);
}

static void put_balances(struct json_writer *writer, int64_t account, const struct ledger_balances *balances) {
    char text[4];
    json_object_begin(writer);
    json_member_i64(writer, "account", account);
    json_member_str(writer, "currency", currency_text(balances->currency, text));
    json_member_i64(writer, "booked_minor", balances->booked_minor);
    json_member_i64(writer, "held_minor", balances->held_minor);
    json_member_i64(writer, "incoming_minor", balances->incoming_minor);
    json_member_i64(writer, "overdraft_minor", balances->overdraft_minor);
    json_member_i64(writer, "available_minor", balances->available_minor);
    json_member_i64(writer, "expected_minor", balances->expected_minor);
    json_object_end(writer);
}

static int answer_begin(struct work *work, struct buffer *body, struct json_writer *writer) {
    struct view view = view_of(work, "ledger");
    char *memory = arena_alloc(view_arena(&view), LEDGER_ANSWER_BYTES_MAX);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(body, memory, LEDGER_ANSWER_BYTES_MAX);
    json_begin(writer, body);
    json_object_begin(writer);
    return 0;
}

static int answer_end(struct command *command, struct buffer *body, struct json_writer *writer) {
    json_object_end(writer);
    if (body->overflow) return err_origin(-EMSGSIZE);
    command->answer = buffer_str(body);
    return 0;
}

int ledger_answer_receipt(struct work *work, struct command *command, const struct ledger_receipt *receipt) {
    struct buffer body;
    struct json_writer writer;
    char id[ID_TEXT_BYTES], text[CLOCK_TEXT_BYTES];
    int r = answer_begin(work, &body, &writer);
    if (r) return r;
    json_member_i64(&writer, "transaction", receipt->transaction);
    json_member_str(&writer, "transaction_id", id_format(receipt->transaction_id, id));
    json_member_str(&writer, "booked_at", clock_format_rfc3339(receipt->booked_ms, text));
    json_member_str(&writer, "booking_day",
                    str_slice(clock_format_rfc3339(receipt->booking_day * DAY_MS, text), 0, DAY_TEXT_BYTES));
    json_name(&writer, "balances");
    json_array_begin(&writer);
    for (size_t i = 0; i < receipt->account_count; i++)
        put_balances(&writer, receipt->accounts[i], &receipt->balances[i]);
    json_array_end(&writer);
    memcpy(command->resource_id, receipt->transaction_id, 16);
    return answer_end(command, &body, &writer);
}

int ledger_answer_account(struct work *work, struct command *command, int64_t number) {
    struct ledger_balances balances;
    struct buffer body;
    struct json_writer writer;
    int r = ledger_balances(work, number, &balances);
    if (r == VIEW_NEED) return r;
    if (!r) r = answer_begin(work, &body, &writer);
    if (r) return err_fold(r);
    json_name(&writer, "balances");
    json_array_begin(&writer);
    put_balances(&writer, number, &balances);
    json_array_end(&writer);
    return answer_end(command, &body, &writer);
}

int ledger_answer_notes(struct work *work, enum ledger_note_subject subject, int64_t number,
                        const struct ledger_post_note *notes, size_t count) {
    struct ledger_note own[LEDGER_NOTES_MAX];
    for (size_t i = 0; i < count; i++) own[i] = (struct ledger_note){ notes[i].key, notes[i].value };
    int r = ledger_note_write(work, subject, number, own, count);
    return r == LEDGER_NOTE_E_INPUT ? LEDGER_NOTE_REFUSAL : r;
}
