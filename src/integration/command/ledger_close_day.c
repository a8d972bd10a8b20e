/* ledger_close_day.c - the end of a day, in two commits: first it takes no more, then what stands at its end is sealed.
 */
#include "integration/command/ledger_answer.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "services/ledger/ledger_period.h"
#include "wire/json.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, DAY_TEXT_BYTES = 10 };

/* The answer of the first commit: the day that was closed and the business date after it, eight bytes each,
 * big-endian: it may come from another node. */
enum { DAY_BYTES = 8, CLOSING_BYTES = 2 * DAY_BYTES };

struct day_closing {
    int64_t day; /* 0: the business date */
};
struct closed {
    int64_t day, business_day;
};

/* Whether the day is closed, but what stands at its end was never sealed. *ret_code: VIEW_NEED, else LEDGER_E_PERIOD.
 */
static bool is_unsealed(struct work *work, int64_t day, int *ret_code) {
    struct view view = view_of(work, "ledger");
    struct ledger_period_row probe = { .day = day };
    const void *found = NULL;
    int r = view_get(&view, &ledger_period_table, &probe, &found);
    *ret_code = r ? r : LEDGER_E_PERIOD;
    return !r && found && ((const struct ledger_period_row *)found)->sealed_ms == 0;
}

static int close_day_decide(struct work *work, struct command *command) {
    const struct day_closing *closing = command->input;
    struct view view = view_of(work, "ledger");
    struct buffer out;
    int64_t today;
    int r = ledger_business_day(work, &today);
    if (r) return r;
    int64_t day = closing->day ? closing->day : today;
    r = ledger_close_day(work, day);
    if (r == LEDGER_E_PERIOD && !closing->day) day--; /* today is closed already */
    if (r == LEDGER_E_PERIOD && is_unsealed(work, day, &r)) r = 0; /* only the sealing is left to do */
    if (r) return r;
    r = ledger_business_day(work, &today);
    if (r) return r;
    char *memory = arena_alloc(view_arena(&view), CLOSING_BYTES);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&out, memory, CLOSING_BYTES);
    buffer_append_be(&out, (uint64_t)day, DAY_BYTES);
    buffer_append_be(&out, (uint64_t)today, DAY_BYTES);
    command->answer = buffer_str(&out);
    return 0;
}
static const struct command_kind close_day_kind = { .name = "ledger_close_day",
                                                    .decide = close_day_decide,
                                                    .refusal_name = ledger_answer_refusal_name };

static int seal_day_decide(struct work *work, struct command *command) {
    return ledger_seal_day(work, command->input);
}
static const struct command_kind seal_day_kind = { .name = "ledger_seal_day",
                                                   .decide = seal_day_decide,
                                                   .refusal_name = ledger_answer_refusal_name };

static const struct command_field close_day_fields[] = {
    FIELD(struct day_closing, day, I64),
};
const struct command_form close_day_form = { .kind = &close_day_kind,
                                             .input_bytes = sizeof(struct day_closing),
                                             .fields = close_day_fields,
                                             .field_count = ARRAY_COUNT(close_day_fields),
                                             .refusal_count = LEDGER_REFUSAL_COUNT };

static const struct command_field seal_day_fields[] = {
    FIELD(struct ledger_closing, day, I64),          FIELD(struct ledger_closing, accounts, I64),
    FIELD(struct ledger_closing, transactions, I64), FIELD(struct ledger_closing, difference_minor, I64),
    FIELD(struct ledger_closing, digest, HASH),
};
const struct command_form seal_day_form = { .kind = &seal_day_kind,
                                            .input_bytes = sizeof(struct ledger_closing),
                                            .fields = seal_day_fields,
                                            .field_count = ARRAY_COUNT(seal_day_fields),
                                            .refusal_count = LEDGER_REFUSAL_COUNT };

static int closing_read(struct integration *integration, struct ledger_closing *closing) {
    struct reader reader;
    int r = reader_open(integration->store, &reader);
    if (r) return err_trace(r);
    r = read_begin(&reader);
    if (!r) {
        r = ledger_closing_read(&reader, closing->day, closing);
        read_end(&reader);
    }
    reader_close(&reader);
    return err_trace(r);
}

static void put_day(struct json_writer *writer, const char *name, int64_t day) {
    char text[CLOCK_TEXT_BYTES];
    json_member_str(writer, name, str_slice(clock_format_rfc3339(day * DAY_MS, text), 0, DAY_TEXT_BYTES));
}

static int64_t read_number(const char *at) {
    uint64_t number = 0;
    for (size_t i = 0; i < DAY_BYTES; i++) number = number << 8 | (uint8_t)at[i];
    return (int64_t)number;
}

static int read_closed(struct str body, struct closed *ret_closed) {
    if (body.len != CLOSING_BYTES) return err_origin(-EBADMSG);
    *ret_closed = (struct closed){ .day = read_number(body.at), .business_day = read_number(body.at + DAY_BYTES) };
    return 0;
}

static int answer(struct command_call *call, const struct closed *closed, const struct ledger_closing *sealed) {
    enum { ANSWER_BYTES_MAX = 512 };
    struct buffer body, digest;
    struct json_writer writer;
    char hex[2 * sizeof sealed->digest.bytes];
    char *memory = arena_alloc(call->arena, ANSWER_BYTES_MAX);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&body, memory, ANSWER_BYTES_MAX);
    buffer_init(&digest, hex, sizeof hex);
    hex_encode(&digest, sealed->digest.bytes, sizeof sealed->digest.bytes);
    json_begin(&writer, &body);
    json_object_begin(&writer);
    put_day(&writer, "day", sealed->day);
    put_day(&writer, "business_day", closed->business_day);
    json_member_i64(&writer, "accounts", sealed->accounts);
    json_member_i64(&writer, "transactions", sealed->transactions);
    json_member_str(&writer, "digest", buffer_str(&digest));
    json_object_end(&writer);
    call->answer.body = buffer_str(&body);
    return body.overflow ? err_origin(-EMSGSIZE) : 0;
}

int command_ledger_close_day(struct integration *integration, struct command_call *call, int64_t day) {
    struct day_closing *closing = arena_new(call->arena, struct day_closing);
    struct ledger_closing *sealed = arena_new(call->arena, struct ledger_closing);
    if (!closing || !sealed) return err_origin(-ENOMEM);
    check(!call->on_done);
    *closing = (struct day_closing){ .day = day };
    int r = command_run(integration, call, &close_day_kind, closing);
    if (r || call->answer.result != ANSWER_DONE || call->answer.refusal) return r;
    struct closed closed;
    r = read_closed(call->answer.body, &closed);
    if (r) return err_trace(r);
    *sealed = (struct ledger_closing){ .day = closed.day };
    r = closing_read(integration, sealed);
    if (!r) r = command_run(integration, call, &seal_day_kind, sealed);
    if (r || call->answer.result != ANSWER_DONE || call->answer.refusal) return r;
    return answer(call, &closed, sealed);
}
