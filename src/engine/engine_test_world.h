/* engine_test_world.h - a store and an engine for the tests of services and of integration: one decision at a time, on
 * the memory store or on a file. Included by *_test.c only. */
#ifndef GIRO_ENGINE_ENGINE_TEST_WORLD_H
#define GIRO_ENGINE_ENGINE_TEST_WORLD_H

#include "engine/engine.h"
#include "engine/journal.h"
#include "engine/read.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { TEST_FOLLOWUPS_MAX = 64, TEST_EVENTS_BYTES_MAX = 4096, TEST_NOW_MS = 1700000000 };
static int64_t test_now_ms = INT64_C(1000) * TEST_NOW_MS;

struct test_world {
    struct store_options options;
    struct store *store;
    struct engine *engine;
    void (*encode_event)(struct buffer *out, const struct event *event);
    struct followup followups[TEST_FOLLOWUPS_MAX]; /* of all commits since the last test_forget */
    size_t followup_count;
    int faults;
    char events[TEST_EVENTS_BYTES_MAX];
};

/* One decision as a command: the refusal it gives is what test_decide returns. */
struct test_decision {
    int (*decide)(struct work *work, void *input);
    void *input;
    struct command command;
    bool answered;
};
enum { TEST_FAULT = -1 };

static inline int64_t test_now(void) {
    return test_now_ms;
}
static inline void test_on_followup(void *ctx, const struct followup *followup) {
    struct test_world *world = ctx;
    assert_true(world->followup_count < TEST_FOLLOWUPS_MAX);
    world->followups[world->followup_count] = *followup;
    world->followups[world->followup_count++].carried = NULL; /* it is gone by the time that anybody looks */
}
static inline void test_on_fault(void *ctx, const char *command, int code) {
    (void)command, (void)code;
    ((struct test_world *)ctx)->faults++;
}
static inline void test_on_unknown(void *ctx) {
    (void)ctx;
    fail_msg("a commit became unknown");
}
/* The event's name alone, for tests of services. */
static inline void test_encode_event(struct buffer *out, const struct event *event) {
    buffer_append_c(out, event_type_name(event->type));
}

static inline void test_open(struct test_world *world) {
    struct message message = { { 0 } };
    int r = store_open(&world->options, &world->store, &message);
    if (r) fail_msg("store_open: %d %s", r, message.text);
    struct engine_options options = { .store = world->store,
                                      .encode_event = world->encode_event ? world->encode_event : test_encode_event,
                                      .on_followup = test_on_followup,
                                      .on_fault = test_on_fault,
                                      .on_unknown = test_on_unknown,
                                      .ctx = world,
                                      .now_ms = test_now };
    assert_int_equal(engine_open(&options, &world->engine, &message), 0);
}

static inline void test_shut(struct test_world *world) {
    world->engine = engine_close(world->engine);
    world->store = store_close(world->store);
}

/* As a process that ends and the next one that opens what is there. */
static inline void test_restart(struct test_world *world) {
    test_shut(world);
    test_open(world);
}

static inline int test_decide_run(struct work *work, struct command *command) {
    struct test_decision *decision = command->input;
    return decision->decide(work, decision->input);
}
static inline void test_on_reply(struct command *command) {
    ((struct test_decision *)command->owner)->answered = true;
}
static const struct command_kind test_decision_kind = { .name = "test", .decide = test_decide_run };

static inline void test_submit(struct test_world *world, struct test_decision *decision) {
    decision->command = (struct command){
        .kind = &test_decision_kind, .input = decision, .owner = decision, .on_reply = test_on_reply
    };
    assert_int_equal(engine_submit(world->engine, &decision->command), 0);
}

/* One command of a kind, alone in a batch: 0, the refusal, or TEST_FAULT. */
static inline int test_command(struct test_world *world, const struct command_kind *kind, void *input) {
    struct test_decision owner = { 0 };
    owner.command = (struct command){ .kind = kind, .input = input, .owner = &owner, .on_reply = test_on_reply };
    assert_int_equal(engine_submit(world->engine, &owner.command), 0);
    engine_step(world->engine);
    assert_true(owner.answered);
    if (owner.command.result == COMMAND_FAULT) return TEST_FAULT;
    assert_int_equal(owner.command.result, COMMAND_DONE);
    return owner.command.refusal;
}

/* Decides alone in a batch: 0, the refusal, or TEST_FAULT. */
static inline int test_decide(struct test_world *world, int (*decide)(struct work *work, void *input), void *input) {
    struct test_decision decision = { .decide = decide, .input = input };
    return test_command(world, &test_decision_kind, &decision);
}

/* A copy of the row in the caller's memory (texts not kept); false when there is none. */
static inline bool test_row(struct test_world *world, const struct table *table, const void *probe, void *ret_row) {
    struct arena arena;
    struct store_probe want = { .table = table, .row = probe };
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    assert_int_equal(store_load(world->store, &want, 1, &arena), 0);
    if (want.ret_row) memcpy(ret_row, want.ret_row, table->row_bytes);
    arena_release(&arena);
    return want.ret_row != NULL;
}

static inline int test_keep_events(void *ctx, const void *row) {
    struct buffer *out = ctx;
    struct str body = ((const struct journal_row *)row)->body, json;
    enum journal_frame type;
    bool good;
    while (journal_frame_next(&body, &type, &json, &good)) {
        if (type != JOURNAL_EVENT) continue;
        if (out->len) buffer_append_char(out, ' ');
        buffer_append_str(out, json);
    }
    assert_true(good);
    return 0;
}

/* The events of the last record, with blanks between. */
static inline const char *test_last_events(struct test_world *world) {
    struct reader reader;
    struct arena arena;
    struct buffer out;
    struct store_range range = { .table = &engine_journal_table, .descending = true, .limit = 1 };
    buffer_init(&out, world->events, sizeof world->events - 1);
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    assert_int_equal(reader_open(world->store, &reader), 0);
    assert_int_equal(read_range(&reader, &range, &arena, test_keep_events, &out), 0);
    assert_false(out.overflow);
    world->events[out.len] = 0;
    reader_close(&reader);
    arena_release(&arena);
    return world->events;
}

#endif
