/* event_json_fuzz.c - any bytes as an event of the journal or of another node: what is read is an event of ours, and
 * written again it reads as the same; then its type alone is the type. */
#include "integration/bus/event_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { EVENT_BYTES_MAX = 16 * 1024 };

static void events_equal(const struct event *a, const struct event *b) {
    check(a->type == b->type && a->time_ms == b->time_ms && id_equal(a->id.bytes, b->id.bytes));
    check(id_equal(a->payment_id.bytes, b->payment_id.bytes) && id_equal(a->account_id.bytes, b->account_id.bytes));
    check(id_equal(a->customer_id.bytes, b->customer_id.bytes) && id_equal(a->client_id.bytes, b->client_id.bytes));
    check(id_equal(a->consent_id.bytes, b->consent_id.bytes) && a->amount.minor == b->amount.minor);
    check(currency_equal(a->amount.currency, b->amount.currency) && a->payment_type == b->payment_type);
    check(a->status == b->status && a->reason == b->reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static char memory[EVENT_BYTES_MAX];
    struct str text = str_from_bytes(bytes, size);
    struct event event, again;
    struct arena arena;
    struct buffer out;
    enum event_type type;
    if (size > EVENT_BYTES_MAX / 2) return 0;
    check(arena_init(&arena, 64 * 1024, 512 * 1024) == 0);
    int r = event_json_read(text, &arena, &event);
    check(r == 0 || r == EVENT_JSON_E_FORMAT);
    if (r == 0) {
        check(event.type < EVENT_TYPE_COUNT);
        buffer_init(&out, memory, sizeof memory);
        event_json_write(&out, &event);
        check(!out.overflow && event_json_read(buffer_str(&out), &arena, &again) == 0);
        check(event_json_type(buffer_str(&out), &type) == 0 && type == event.type);
        events_equal(&event, &again);
    }
    arena_release(&arena);
    return 0;
}
