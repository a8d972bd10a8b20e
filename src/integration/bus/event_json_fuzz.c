/* event_json_fuzz.c - any bytes as an event of the journal: what is read is an event of ours, and written it has one
 * text: that text reads as an event that is written so again, and its type alone is its type. (What a type does not
 * carry is not written, so the first text may hold more.) */
#include "integration/bus/event_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { EVENT_BYTES_MAX = 16 * 1024 };

static struct str written(const struct event *event, char memory[EVENT_BYTES_MAX]) {
    struct buffer out;
    buffer_init(&out, memory, EVENT_BYTES_MAX);
    event_json_write(&out, event);
    check(!out.overflow);
    return buffer_str(&out);
}

static void event_check(const struct event *event, struct arena *arena) {
    static char memory[2][EVENT_BYTES_MAX];
    struct event again;
    enum event_type type;
    check(event->type < EVENT_TYPE_COUNT);
    struct str text = written(event, memory[0]);
    check(event_json_read(text, arena, &again) == 0);
    check(again.type == event->type && again.time_ms == event->time_ms && id_equal(again.id.bytes, event->id.bytes));
    check(event_json_type(text, &type) == 0 && type == event->type);
    memcpy(again.subject, event->subject, sizeof again.subject); /* its text is not read back */
    check(str_equal(written(&again, memory[1]), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct event event;
    struct arena arena;
    if (size > EVENT_BYTES_MAX / 2) return 0;
    check(arena_init(&arena, 64 * 1024, 512 * 1024) == 0);
    int r = event_json_read(str_from_bytes(bytes, size), &arena, &event);
    check(r == 0 || r == EVENT_JSON_E_FORMAT);
    if (r == 0) event_check(&event, &arena);
    arena_release(&arena);
    return 0;
}
