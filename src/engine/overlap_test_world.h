/* overlap_test_world.h - a store in memory, an engine whose writer takes its turn when the test says so, and commands
 * that do one thing with one coin. Included by overlap*_test.c only. */
#ifndef GIRO_ENGINE_OVERLAP_TEST_WORLD_H
#define GIRO_ENGINE_OVERLAP_TEST_WORLD_H

#include "engine/engine.h"

#include "engine/idempotency.h"
#include "engine/journal.h"
#include "engine/read.h"
#include "engine/row_cache.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct coin_row {
    int64_t number, label, amount;
};
enum { COIN_LABEL = 1 }; /* its unique index */
static const struct column coin_columns[] = { COLUMN(struct coin_row, number, I64), COLUMN(struct coin_row, label, I64),
                                              COLUMN(struct coin_row, amount, I64) };
static const struct table_index coin_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "label", .columns = { 1 }, .column_count = 1, .unique = true },
};
static const struct table coin_table = {
    .service = "coin",
    .name = "coin_coin",
    .row_bytes = sizeof(struct coin_row),
    .columns = coin_columns,
    .column_count = 3,
    .indexes = coin_indexes,
    .index_count = 2,
};
static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table, &coin_table };

enum { ORDER_MAX = 64 };
struct world {
    struct store *store;
    struct engine *engine;
    bool threads;
    int unknowns, fenced, faults, due_calls;
    int64_t due_ms; /* what next_due_ms says */
    const struct act *heard[ORDER_MAX];
    size_t heard_count;
    int64_t committed[ORDER_MAX];
    size_t committed_count;
};

/* What one command does with one coin. */
enum act_kind {
    ACT_MAKE,       /* number, label, amount; the key is not looked up */
    ACT_MAKE_CLASH, /* the same, and a row that the store has under a key which the set has not seen */
    ACT_MAKE_REFUSED,
    ACT_FIND_MAKE,  /* looks by label first, and for coin 1 at last: is run again behind its insert */
    ACT_ADD,        /* by number; makes it when it is not there */
    ACT_ADD_LABEL,  /* by label; refused when it is not there */
    ACT_REMOVE,     /* by number */
    ACT_LOOK,       /* by number: seen */
    ACT_LOOK_LABEL, /* by label */
    ACT_DRAW,       /* an id and a number of the entries' sequence, in a coin under `number` */
};
struct act {
    enum act_kind kind;
    int64_t number, label, amount;
    void (*within)(struct act *act); /* in the middle of the decision */
    struct world *world;
    struct command command;
    int64_t seen, drawn, seq; /* seen: the amount, -1 absent */
    uint8_t id[16];
    int decided, replied;
};
enum { ACT_E_REFUSED = 1 };

static inline int act_find(const struct view *view, const struct act *act, const void **ret_found) {
    const struct coin_row probe = { .number = act->number, .label = act->label };
    bool label = act->kind == ACT_ADD_LABEL || act->kind == ACT_LOOK_LABEL;
    return view_find(view, &coin_table, label ? COIN_LABEL : 0, &probe, ret_found);
}

static inline int act_change(const struct view *view, struct act *act) {
    const void *found = NULL;
    int r = act_find(view, act, &found);
    if (r) return r;
    struct coin_row row = { .number = act->number, .label = act->label };
    if (found) row = *(const struct coin_row *)found;
    act->seen = found ? row.amount : -1;
    row.amount += act->amount;
    if (act->kind == ACT_LOOK || act->kind == ACT_LOOK_LABEL) return 0;
    if (act->kind == ACT_REMOVE) return found ? view_delete(view, &coin_table, found) : ACT_E_REFUSED;
    if (found) return view_update(view, &coin_table, &row);
    return act->kind == ACT_ADD ? view_insert(view, &coin_table, &row) : ACT_E_REFUSED;
}

static inline int act_make(const struct view *view, struct act *act) {
    const struct coin_row row = { .number = act->number, .label = act->label, .amount = act->amount },
                          clash = { .number = 777, .label = 777 };
    int r = view_insert(view, &coin_table, &row);
    if (!r && act->kind == ACT_MAKE_CLASH) r = view_insert(view, &coin_table, &clash);
    if (!r && act->kind == ACT_MAKE_REFUSED) r = ACT_E_REFUSED;
    return r;
}

static inline int act_find_make(const struct view *view, struct act *act) {
    const struct coin_row first = { .number = 1 }, probe = { .label = act->label };
    const void *found;
    int r = view_find(view, &coin_table, COIN_LABEL, &probe, &found);
    if (r || found) return r ? r : ACT_E_REFUSED;
    r = act_make(view, act);
    return r ? r : view_get(view, &coin_table, &first, &found);
}

static inline int act_draw(const struct view *view, struct act *act) {
    struct coin_row row = { .number = act->number, .label = act->number };
    view_new_id(view, act->id);
    row.amount = act->drawn = view_next_number(view, COUNTER_ENTRY);
    return view_insert(view, &coin_table, &row);
}

static inline int act_decide(struct work *work, struct command *command) {
    struct act *act = command->input;
    struct view view = view_of(work, "coin");
    int r = 0;
    act->decided++;
    act->seq = view_batch_seq(&view);
    if (act->within) act->within(act);
    switch (act->kind) {
    case ACT_MAKE:
    case ACT_MAKE_CLASH:
    case ACT_MAKE_REFUSED:
        r = act_make(&view, act);
        break;
    case ACT_FIND_MAKE:
        r = act_find_make(&view, act);
        break;
    case ACT_ADD:
    case ACT_ADD_LABEL:
    case ACT_REMOVE:
    case ACT_LOOK:
    case ACT_LOOK_LABEL:
        r = act_change(&view, act);
        break;
    case ACT_DRAW:
        r = act_draw(&view, act);
        break;
    }
    return r;
}
static const struct command_kind act_kind = { .name = "act", .decide = act_decide };

static inline void act_on_reply(struct command *command) {
    struct act *act = command->owner;
    struct world *world = act->world;
    act->replied++;
    if (!world->threads && world->heard_count < ORDER_MAX) world->heard[world->heard_count++] = act;
}

static inline void submit(struct world *world, struct act *act, const char *key) {
    act->world = world;
    act->decided = act->replied = 0;
    act->command = (struct command){ .kind = &act_kind, .input = act, .owner = act, .on_reply = act_on_reply };
    if (key) {
        act->command.idempotency.present = true;
        idempotency_key(STR("client"), STR("POST"), STR("/act"), str_from_c(key), act->command.idempotency.key);
    }
    assert_int_equal(engine_submit(world->engine, &act->command), 0);
}

static inline void encode_event(struct buffer *out, const struct event *event) {
    buffer_append_c(out, event_type_name(event->type));
}
static int64_t fake_now_ms;
static int64_t fake_now(void) {
    return fake_now_ms;
}
static inline void on_unknown(void *ctx) {
    struct world *world = ctx;
    world->unknowns++;
    world->committed_count = 0;
}
static inline void on_fenced(void *ctx) {
    ((struct world *)ctx)->fenced++;
}
static inline void on_fault(void *ctx, const char *command, int code) {
    (void)command, (void)code;
    ((struct world *)ctx)->faults++;
}
static inline void on_committed(void *ctx, int64_t seq, uint32_t commands, int64_t ns) {
    struct world *world = ctx;
    (void)commands, (void)ns;
    if (world->committed_count < ORDER_MAX) world->committed[world->committed_count++] = seq;
}
static inline size_t due(void *ctx, int64_t now_ms, struct command **commands, size_t max) {
    (void)now_ms, (void)commands, (void)max;
    ((struct world *)ctx)->due_calls++;
    return 0;
}
static inline int64_t next_due_ms(void *ctx) {
    return ((struct world *)ctx)->due_ms;
}

static inline void open_all(struct world *world) {
    struct store_options store = {
        .ops = &store_memory_ops, .path = "overlap_test", .tables = tables, .table_count = ARRAY_COUNT(tables)
    };
    struct engine_options options = { .encode_event = encode_event,
                                      .on_unknown = on_unknown,
                                      .on_fenced = on_fenced,
                                      .on_fault = on_fault,
                                      .on_committed = on_committed,
                                      .due = due,
                                      .next_due_ms = next_due_ms,
                                      .ctx = world,
                                      .now_ms = fake_now,
                                      .steps = !world->threads };
    struct message message = { 0 };
    assert_int_equal(store_open(&store, &world->store, &message), 0);
    options.store = world->store;
    assert_int_equal(engine_open(&options, &world->engine, &message), 0);
}

static inline void restart(struct world *world) {
    engine_close(world->engine);
    world->store = store_close(world->store);
    open_all(world);
}

static inline int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    fake_now_ms = 1700000000000;
    world->due_ms = INT64_MAX;
    open_all(world);
    *state = world;
    return 0;
}

static inline int world_close(void **state) {
    struct world *world = *state;
    engine_close(world->engine);
    store_close(world->store);
    store_memory_forget("overlap_test");
    free(world);
    return 0;
}

static inline int64_t stored(struct world *world, int64_t number) {
    struct arena arena;
    struct coin_row probe = { .number = number };
    struct store_probe want = { .table = &coin_table, .row = &probe };
    assert_int_equal(arena_init(&arena, 4096, 65536), 0);
    assert_int_equal(store_load(world->store, &want, 1, &arena), 0);
    int64_t amount = want.ret_row ? ((const struct coin_row *)want.ret_row)->amount : -1;
    arena_release(&arena);
    return amount;
}

/* Committed before the test begins. */
static inline void there(struct world *world, int64_t number, int64_t amount) {
    struct act make = { .kind = ACT_MAKE, .number = number, .label = number, .amount = amount };
    submit(world, &make, NULL);
    engine_step(world->engine);
    assert_int_equal(make.command.result, COMMAND_DONE);
    world->heard_count = world->committed_count = 0;
}

/* One command a batch: the first is in flight, nothing of it is written, and the second is decided over it. */
static inline void fly_two(struct world *world, struct act *first, struct act *second) {
    submit(world, first, NULL);
    engine_advance(world->engine);
    assert_int_equal(first->replied, 0);
    submit(world, second, NULL);
    engine_advance(world->engine);
}

static inline struct engine_state told(struct world *world) {
    struct engine_state state;
    engine_state(world->engine, &state);
    return state;
}

struct chain {
    struct hash head;
    int64_t seq;
};
static inline int chain_check(void *ctx, const void *row) {
    struct chain *chain = ctx;
    const struct journal_row *record = row;
    struct hash hash = journal_hash(record);
    assert_int_equal(record->seq, chain->seq + 1);
    assert_memory_equal(record->prev_hash.bytes, chain->head.bytes, 32); /* J1 */
    assert_memory_equal(record->hash.bytes, hash.bytes, 32);
    chain->head = record->hash;
    chain->seq = record->seq;
    return 0;
}

static inline void chain_is_whole(struct world *world, int64_t records) {
    struct reader reader;
    struct arena arena;
    struct chain chain = { 0 };
    struct store_range range = { .table = &engine_journal_table, .limit = 1000 };
    assert_int_equal(arena_init(&arena, 4096, 64 << 20), 0);
    assert_int_equal(reader_open(world->store, &reader), 0);
    assert_int_equal(read_range(&reader, &range, &arena, chain_check, &chain), 0);
    assert_int_equal(chain.seq, records);
    reader_close(&reader);
    arena_release(&arena);
}

#define OVERLAP_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

#endif
