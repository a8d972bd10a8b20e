/* overlap_test.c - a batch decided while the one before it is in flight: f1..f4 (flight.c), w5, w6 (work.h). The writer
 * takes its turn when the test says so; the last tests let it run as a thread. */
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

static int act_find(const struct view *view, const struct act *act, const void **ret_found) {
    const struct coin_row probe = { .number = act->number, .label = act->label };
    bool label = act->kind == ACT_ADD_LABEL || act->kind == ACT_LOOK_LABEL;
    return view_find(view, &coin_table, label ? COIN_LABEL : 0, &probe, ret_found);
}

static int act_change(const struct view *view, struct act *act) {
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

static int act_make(const struct view *view, struct act *act) {
    const struct coin_row row = { .number = act->number, .label = act->label, .amount = act->amount },
                          clash = { .number = 777, .label = 777 };
    int r = view_insert(view, &coin_table, &row);
    if (!r && act->kind == ACT_MAKE_CLASH) r = view_insert(view, &coin_table, &clash);
    if (!r && act->kind == ACT_MAKE_REFUSED) r = ACT_E_REFUSED;
    return r;
}

static int act_find_make(const struct view *view, struct act *act) {
    const struct coin_row first = { .number = 1 }, probe = { .label = act->label };
    const void *found;
    int r = view_find(view, &coin_table, COIN_LABEL, &probe, &found);
    if (r || found) return r ? r : ACT_E_REFUSED;
    r = act_make(view, act);
    return r ? r : view_get(view, &coin_table, &first, &found);
}

static int act_draw(const struct view *view, struct act *act) {
    struct coin_row row = { .number = act->number, .label = act->number };
    view_new_id(view, act->id);
    row.amount = act->drawn = view_next_number(view, COUNTER_ENTRY);
    return view_insert(view, &coin_table, &row);
}

static int act_decide(struct work *work, struct command *command) {
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

static void act_on_reply(struct command *command) {
    struct act *act = command->owner;
    struct world *world = act->world;
    act->replied++;
    if (!world->threads && world->heard_count < ORDER_MAX) world->heard[world->heard_count++] = act;
}

static void submit(struct world *world, struct act *act, const char *key) {
    act->world = world;
    act->decided = act->replied = 0;
    act->command = (struct command){ .kind = &act_kind, .input = act, .owner = act, .on_reply = act_on_reply };
    if (key) {
        act->command.idempotency.present = true;
        idempotency_key(STR("client"), STR("POST"), STR("/act"), str_from_c(key), act->command.idempotency.key);
    }
    assert_int_equal(engine_submit(world->engine, &act->command), 0);
}

static void encode_event(struct buffer *out, const struct event *event) {
    buffer_append_c(out, event_type_name(event->type));
}
static int64_t fake_now_ms;
static int64_t fake_now(void) {
    return fake_now_ms;
}
static void on_unknown(void *ctx) {
    struct world *world = ctx;
    world->unknowns++;
    world->committed_count = 0;
}
static void on_fenced(void *ctx) {
    ((struct world *)ctx)->fenced++;
}
static void on_fault(void *ctx, const char *command, int code) {
    (void)command, (void)code;
    ((struct world *)ctx)->faults++;
}
static void on_committed(void *ctx, int64_t seq, uint32_t commands, int64_t ns) {
    struct world *world = ctx;
    (void)commands, (void)ns;
    if (world->committed_count < ORDER_MAX) world->committed[world->committed_count++] = seq;
}
static size_t due(void *ctx, int64_t now_ms, struct command **commands, size_t max) {
    (void)now_ms, (void)commands, (void)max;
    ((struct world *)ctx)->due_calls++;
    return 0;
}
static int64_t next_due_ms(void *ctx) {
    return ((struct world *)ctx)->due_ms;
}

static void open_all(struct world *world) {
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

static void restart(struct world *world) {
    engine_close(world->engine);
    world->store = store_close(world->store);
    open_all(world);
}

static int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    fake_now_ms = 1700000000000;
    world->due_ms = INT64_MAX;
    open_all(world);
    *state = world;
    return 0;
}

static int world_close(void **state) {
    struct world *world = *state;
    engine_close(world->engine);
    store_close(world->store);
    store_memory_forget("overlap_test");
    free(world);
    return 0;
}

static int64_t stored(struct world *world, int64_t number) {
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
static void there(struct world *world, int64_t number, int64_t amount) {
    struct act make = { .kind = ACT_MAKE, .number = number, .label = number, .amount = amount };
    submit(world, &make, NULL);
    engine_step(world->engine);
    assert_int_equal(make.command.result, COMMAND_DONE);
    world->heard_count = world->committed_count = 0;
}

/* One command a batch: the first is in flight, nothing of it is written, and the second is decided over it. */
static void fly_two(struct world *world, struct act *first, struct act *second) {
    submit(world, first, NULL);
    engine_advance(world->engine);
    assert_int_equal(first->replied, 0);
    submit(world, second, NULL);
    engine_advance(world->engine);
}

static struct engine_state told(struct world *world) {
    struct engine_state state;
    engine_state(world->engine, &state);
    return state;
}

struct chain {
    struct hash head;
    int64_t seq;
};
static int chain_check(void *ctx, const void *row) {
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

static void chain_is_whole(struct world *world, int64_t records) {
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

/* ---- what the second sees ---- */

/* Coins 1 (10, label 1) and 2 (20, label 2) are there. w5: one row, one thing that the batch in flight did with it, and
 * one way of finding it. */
static const struct {
    const char *name;
    struct act first, second;
    int64_t seen; /* by the second */
    int64_t left; /* amount of coin .number of the second in the end, -1: absent */
    int refusal;  /* of the second */
    bool loads;   /* the second, what the first does not know */
} sight_cases[] = {
    { "changed",
      { .kind = ACT_ADD, .number = 1, .amount = 5 },
      { .kind = ACT_ADD, .number = 1, .amount = 3 },
      15,
      18,
      0,
      false },
    { "changed, by label",
      { .kind = ACT_ADD, .number = 1, .amount = 5 },
      { .kind = ACT_ADD_LABEL, .number = 1, .label = 1, .amount = 3 },
      15,
      18,
      0,
      false },
    { "made",
      { .kind = ACT_MAKE, .number = 3, .label = 33, .amount = 7 },
      { .kind = ACT_ADD, .number = 3, .amount = 1 },
      7,
      8,
      0,
      false },
    { "made, by label",
      { .kind = ACT_MAKE, .number = 3, .label = 33, .amount = 7 },
      { .kind = ACT_ADD_LABEL, .number = 3, .label = 33, .amount = 1 },
      7,
      8,
      0,
      false },
    { "gone",
      { .kind = ACT_REMOVE, .number = 1 },
      { .kind = ACT_ADD, .number = 1, .label = 1, .amount = 4 },
      -1,
      4,
      0,
      false },
    { "gone, by label",
      { .kind = ACT_REMOVE, .number = 1 },
      { .kind = ACT_ADD_LABEL, .number = 1, .label = 1, .amount = 4 },
      -1,
      -1,
      ACT_E_REFUSED,
      false },
    { "made twice",
      { .kind = ACT_REMOVE, .number = 1 },
      { .kind = ACT_MAKE, .number = 1, .label = 1, .amount = 9 },
      0,
      9,
      0,
      false },
    { "gone twice",
      { .kind = ACT_ADD, .number = 1, .amount = 5 },
      { .kind = ACT_REMOVE, .number = 1 },
      15,
      -1,
      0,
      false },
    { "not touched",
      { .kind = ACT_ADD, .number = 1, .amount = 5 },
      { .kind = ACT_ADD, .number = 2, .amount = 3 },
      20,
      23,
      0,
      true },
    { "only looked at",
      { .kind = ACT_LOOK, .number = 1 },
      { .kind = ACT_ADD, .number = 1, .amount = 3 },
      10,
      13,
      0,
      false },
    { "absent for both",
      { .kind = ACT_LOOK, .number = 5 },
      { .kind = ACT_ADD, .number = 5, .label = 5, .amount = 3 },
      -1,
      3,
      0,
      false },
    { "made and refused",
      { .kind = ACT_MAKE_REFUSED, .number = 1, .label = 99 },
      { .kind = ACT_ADD, .number = 1, .amount = 3 },
      10,
      13,
      0,
      true }, /* w6 */
};

static void w5_the_second_sees_what_the_first_will_have_left(void **state) {
    struct world *world = *state;
    for (int cached = 0; cached < 2; cached++)
        for (size_t i = 0; i < ARRAY_COUNT(sight_cases); i++) {
            struct act first = sight_cases[i].first, second = sight_cases[i].second,
                       other = { .kind = ACT_ADD, .number = 50, .label = 50, .amount = 1 };
            there(world, 1, 10);
            there(world, 2, 20);
            if (!cached) restart(world); /* so that they must be loaded */
            uint64_t overlapped = told(world).overlapped;
            submit(world, &other, NULL); /* the first batch writes something in any case */
            fly_two(world, &first, &second);
            if (told(world).overlapped != overlapped + 1) fail_msg("%s: not overlapped", sight_cases[i].name);
            engine_settle(world->engine);
            bool loads = !cached && sight_cases[i].loads;
            if (second.decided != 1 + loads) fail_msg("%s: decided %d times", sight_cases[i].name, second.decided);
            if (second.seen != sight_cases[i].seen || second.command.refusal != sight_cases[i].refusal ||
                second.command.result != COMMAND_DONE || stored(world, second.number) != sight_cases[i].left)
                fail_msg("%s: seen %lld, left %lld, refusal %d", sight_cases[i].name, (long long)second.seen,
                         (long long)stored(world, second.number), second.command.refusal);
            assert_int_equal(told(world).voided, 0);
            engine_close(world->engine);
            store_close(world->store);
            store_memory_forget("overlap_test");
            open_all(world);
        }
}

/* w6: also within one batch, and by the label whose slot the insert took. */
static void w6_an_insert_that_came_to_nothing_says_nothing(void **state) {
    struct world *world = *state;
    struct act guess = { .kind = ACT_MAKE_REFUSED, .number = 1, .label = 2 },
               by_number = { .kind = ACT_LOOK, .number = 1 }, by_label = { .kind = ACT_LOOK_LABEL, .label = 2 };
    there(world, 1, 10);
    there(world, 2, 20);
    restart(world);
    submit(world, &guess, NULL);
    submit(world, &by_number, NULL);
    submit(world, &by_label, NULL);
    engine_step(world->engine);
    assert_int_equal(by_number.seen, 10);
    assert_int_equal(by_label.seen, 20);
}

/* w6: that it was free is known of the label also when the insert that took it was dropped. */
static void w6_what_was_known_stays_known(void **state) {
    struct world *world = *state;
    struct act make = { .kind = ACT_FIND_MAKE, .number = 5, .label = 5, .amount = 7 }, again = make;
    there(world, 1, 10);
    restart(world);
    submit(world, &make, NULL);
    again.number = 6;
    submit(world, &again, NULL);
    engine_step(world->engine);
    assert_int_equal(make.decided, 3);
    assert_int_equal(make.command.result, COMMAND_DONE);
    assert_int_equal(again.command.refusal, ACT_E_REFUSED);
    assert_int_equal(stored(world, 5), 7);
    assert_int_equal(stored(world, 6), -1);
}

static void the_second_goes_on_with_ids_numbers_and_the_chain(void **state) {
    struct world *world = *state;
    struct act draws[6];
    for (int i = 0; i < 6; i++) {
        draws[i] = (struct act){ .kind = ACT_DRAW, .number = 100 + i };
        submit(world, &draws[i], NULL);
        engine_advance(world->engine);
    }
    engine_settle(world->engine);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(draws[i].drawn, i + 1);
        assert_int_equal(draws[i].seq, i + 1);
        if (i) assert_true(memcmp(draws[i - 1].id, draws[i].id, 16) < 0);
    }
    assert_int_equal(told(world).overlapped, 5);
    chain_is_whole(world, 6);
    restart(world); /* and the next process takes it up */
    struct act draw = { .kind = ACT_DRAW, .number = 200 };
    submit(world, &draw, NULL);
    engine_step(world->engine);
    assert_int_equal(draw.drawn, 7);
    assert_true(memcmp(draws[5].id, draw.id, 16) < 0);
    chain_is_whole(world, 7);
}

static void the_second_finds_the_firsts_key(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, again = first;
    submit(world, &first, "k");
    engine_advance(world->engine);
    submit(world, &again, "k");
    engine_advance(world->engine);
    engine_settle(world->engine);
    assert_int_equal(first.command.result, COMMAND_DONE);
    assert_int_equal(again.command.result, COMMAND_REPLAYED);
    assert_int_equal(told(world).overlapped, 1);
    assert_int_equal(stored(world, 1), 5);
}

/* ---- who hears what, and when ---- */

static struct act *flush_second;
static void flush_looks(void *ctx) {
    struct world *world = ctx;
    assert_int_equal(world->heard_count, world->committed_count); /* f2: one command a batch here */
    if (flush_second && world->committed_count == 0) assert_int_equal(flush_second->replied, 0);
}

static void f2_each_hears_after_its_own_commit(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 },
               second = { .kind = ACT_ADD, .number = 1, .amount = 1 };
    flush_second = &second;
    store_memory_on_flush(world->store, flush_looks, world);
    fly_two(world, &first, &second);
    assert_int_equal(first.replied, 1);
    assert_int_equal(second.replied, 0); /* decided, and now itself in flight */
    assert_int_equal(stored(world, 1), 5);
    assert_true(engine_write(world->engine));
    assert_false(engine_write(world->engine)); /* once */
    assert_int_equal(stored(world, 1), 6);
    assert_int_equal(second.replied, 0);
    engine_settle(world->engine);
    assert_int_equal(second.replied, 1);
    assert_int_equal(world->committed_count, 2);
    assert_int_equal(world->committed[0], 1);
    assert_int_equal(world->committed[1], 2);
    store_memory_on_flush(world->store, NULL, NULL);
}

/* Only replays: nothing to write, and yet it must wait for the batch that it replays. */
static void f2_an_answer_without_a_commit_waits_for_the_one_before(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, again = first;
    submit(world, &first, "k");
    engine_advance(world->engine);
    store_memory_fault(world->store, STORE_FAULT_FULL, 0, 1);
    submit(world, &again, "k");
    engine_advance(world->engine);
    engine_settle(world->engine);
    assert_int_equal(first.command.result, COMMAND_UNAVAILABLE);
    assert_int_equal(again.command.result, COMMAND_DONE); /* not a replay of what never happened */
    assert_int_equal(stored(world, 1), 5);
}

static void write_within(struct act *act) {
    if (act->decided > 1) return;
    assert_true(engine_write(act->world->engine));
}
static struct act *heard_within;
static void heard_already(struct act *act) {
    (void)act;
    assert_int_equal(heard_within->replied, 1);
}

/* The batch in flight lands while the next is decided: its callers need not wait for the rest. */
static void the_first_is_answered_within_the_seconds_decision(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 },
               second = { .kind = ACT_ADD, .number = 1, .amount = 1, .within = write_within },
               third = { .kind = ACT_ADD, .number = 1, .amount = 2, .within = heard_already };
    submit(world, &first, NULL);
    engine_advance(world->engine);
    heard_within = &first;
    submit(world, &second, NULL);
    submit(world, &third, NULL);
    engine_advance(world->engine);
    assert_int_equal(first.replied, 1);
    engine_settle(world->engine);
    assert_int_equal(third.seen, 6);
    assert_int_equal(stored(world, 1), 8);
    assert_int_equal(told(world).overlapped, 1);
}

static void a_batch_waits_for_the_one_that_is_written_alone(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 };
    submit(world, &first, NULL);
    engine_advance(world->engine);
    assert_int_equal(engine_advance(world->engine), 0); /* nothing more to do: it is over */
    assert_int_equal(first.replied, 1);
}

/* ---- the first fails ---- */

static const struct {
    const char *name;
    enum store_fault fault;
    uint32_t count;
    enum command_result first, second;
    int64_t seen, left; /* by the second at last; in the end */
    int unknowns, fenced, faults;
} failure_cases[] = {
    { "undone once", STORE_FAULT_UNDONE, 1, COMMAND_DONE, COMMAND_DONE, 15, 16, 0, 0, 0 },
    { "undone twice: alone, it is the culprit", STORE_FAULT_UNDONE, 2, COMMAND_FAULT, COMMAND_DONE, 10, 11, 0, 0, 1 },
    { "undone three times", STORE_FAULT_UNDONE, 3, COMMAND_FAULT, COMMAND_DONE, 10, 11, 0, 0, 1 },
    { "undone for ever", STORE_FAULT_UNDONE, 1000, COMMAND_FAULT, COMMAND_FAULT, 10, 10, 0, 0, 2 },
    { "full once", STORE_FAULT_FULL, 1, COMMAND_UNAVAILABLE, COMMAND_DONE, 10, 11, 0, 0, 0 },
    { "full for ever", STORE_FAULT_FULL, 1000, COMMAND_UNAVAILABLE, COMMAND_UNAVAILABLE, 10, 10, 0, 0, 0 },
    { "away once", STORE_FAULT_AWAY, 1, COMMAND_UNAVAILABLE, COMMAND_DONE, 10, 11, 0, 0, 0 },
    { "away for ever", STORE_FAULT_AWAY, 1000, COMMAND_UNAVAILABLE, COMMAND_UNAVAILABLE, 15, 10, 0, 0, 0 },
    { "fenced for ever", STORE_FAULT_FENCED, 1000, COMMAND_UNAVAILABLE, COMMAND_UNAVAILABLE, 15, 10, 0, 2, 0 },
    { "unknown and lost", STORE_FAULT_UNKNOWN_LOST, 1, COMMAND_UNKNOWN, COMMAND_UNKNOWN, 15, 10, 1, 0, 0 },
    { "unknown and kept", STORE_FAULT_UNKNOWN_KEPT, 1, COMMAND_UNKNOWN, COMMAND_UNKNOWN, 15, 15, 1, 0, 0 },
};

static void f3_what_was_decided_over_a_failed_batch_is_void(void **state) {
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_COUNT(failure_cases); i++) {
        struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 },
                   second = { .kind = ACT_ADD, .number = 1, .amount = 1 };
        there(world, 1, 10);
        world->unknowns = world->fenced = world->faults = 0;
        submit(world, &first, NULL);
        engine_advance(world->engine);
        store_memory_fault(world->store, failure_cases[i].fault, 0, failure_cases[i].count);
        submit(world, &second, NULL);
        engine_advance(world->engine);
        assert_int_equal(told(world).overlapped, 1);
        assert_int_equal(told(world).voided, 1);
        engine_settle(world->engine);
        store_memory_fault(world->store, STORE_FAULT_NONE, 0, 0);
        if (first.command.result != failure_cases[i].first || second.command.result != failure_cases[i].second ||
            first.replied != 1 || second.replied != 1 || second.seen != failure_cases[i].seen)
            fail_msg("%s: %d, %d, seen %lld", failure_cases[i].name, first.command.result, second.command.result,
                     (long long)second.seen);
        if (world->unknowns != failure_cases[i].unknowns || world->fenced != failure_cases[i].fenced ||
            world->faults != failure_cases[i].faults)
            fail_msg("%s: unknown %d, fenced %d, faults %d", failure_cases[i].name, world->unknowns, world->fenced,
                     world->faults);
        assert_ptr_equal(world->heard[0], &first); /* in the order of the queue */
        restart(world);
        if (stored(world, 1) != failure_cases[i].left)
            fail_msg("%s: left %lld", failure_cases[i].name, (long long)stored(world, 1));
        engine_close(world->engine);
        store_close(world->store);
        store_memory_forget("overlap_test");
        open_all(world);
    }
}

/* A culprit among others in the batch in flight; the next was decided over all of them. */
static void f3_the_culprit_is_found_and_the_second_never_saw_it(void **state) {
    enum { COUNT = 5, CULPRIT = 3 };
    struct world *world = *state;
    struct act firsts[COUNT], second = { .kind = ACT_ADD, .number = 10 + CULPRIT, .label = 10 + CULPRIT, .amount = 1 };
    there(world, 777, 0);
    restart(world); /* the set has not seen it */
    for (int i = 0; i < COUNT; i++) {
        firsts[i] = (struct act){ .kind = i == CULPRIT ? ACT_MAKE_CLASH : ACT_MAKE, .number = 10 + i, .label = 10 + i };
        submit(world, &firsts[i], NULL);
    }
    engine_advance(world->engine);
    submit(world, &second, NULL);
    engine_advance(world->engine);
    engine_settle(world->engine);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(firsts[i].replied, 1);
        assert_int_equal(firsts[i].command.result, i == CULPRIT ? COMMAND_FAULT : COMMAND_DONE);
    }
    assert_int_equal(second.seen, -1); /* in the end; first it saw the coin */
    assert_int_equal(stored(world, 10 + CULPRIT), 1);
    assert_int_equal(world->faults, 1);
    chain_is_whole(world, (int64_t)told(world).journal_seq);
}

/* Every n-th commit fails, for every n: nothing is lost, nothing counts twice, the chain stays whole. */
static void f3_failing_nth_commits(void **state) {
    enum { BATCHES = 6, NTH_MAX = 9 };
    struct world *world = *state;
    for (uint32_t nth = 0; nth < NTH_MAX; nth++)
        for (uint32_t times = 1; times <= 2; times++) {
            struct act acts[BATCHES][2];
            store_memory_fault(world->store, STORE_FAULT_UNDONE, nth, times);
            for (int64_t i = 0; i < BATCHES; i++) {
                for (int j = 0; j < 2; j++) {
                    acts[i][j] = (struct act){ .kind = ACT_ADD, .number = 1, .label = 1, .amount = 1 };
                    submit(world, &acts[i][j], NULL);
                }
                engine_advance(world->engine);
            }
            engine_settle(world->engine);
            store_memory_fault(world->store, STORE_FAULT_NONE, 0, 0);
            int64_t done = 0;
            for (int i = 0; i < BATCHES; i++)
                for (int j = 0; j < 2; j++) {
                    assert_int_equal(acts[i][j].replied, 1);
                    assert_int_equal(acts[i][j].command.result, COMMAND_DONE);
                    done++;
                }
            assert_int_equal(done, stored(world, 1));
            chain_is_whole(world, told(world).journal_seq);
            engine_close(world->engine);
            store_close(world->store);
            store_memory_forget("overlap_test");
            open_all(world);
        }
}

static void notes_of_a_void_batch_are_kept(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, second = { .kind = ACT_LOOK, .number = 1 };
    submit(world, &first, NULL);
    engine_advance(world->engine);
    store_memory_fault(world->store, STORE_FAULT_UNDONE, 0, 1);
    engine_note(world->engine, STR("{\"read\":1}"));
    submit(world, &second, NULL);
    engine_advance(world->engine);
    engine_settle(world->engine);
    assert_int_equal(told(world).journal_seq, 2); /* the second batch wrote nothing but the note */
    assert_int_equal(told(world).voided, 1);
}

/* ---- the load beside the writer ---- */

/* The second connection shows another state than the one that the batch in flight stands on: as a copy that was left
 * behind. Nothing of it is used. */
static void a_state_of_another_time_is_not_decided_on(void **state) {
    struct world *world = *state;
    struct {
        int64_t kind, value;
    } mark = { .kind = COUNTER_HEAD, .value = 12345 };
    const struct coin_row stale = { .number = 2, .label = 2, .amount = 99 };
    const struct store_change changes[] = { { .table = &engine_counter_table, .row = &mark, .kind = STORE_UPDATE },
                                            { .table = &coin_table, .row = &stale, .kind = STORE_UPDATE } };
    const struct coin_row fresh = { .number = 2, .label = 2, .amount = 20 };
    const struct store_change back = { .table = &coin_table, .row = &fresh, .kind = STORE_UPDATE };
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 },
               second = { .kind = ACT_ADD, .number = 2, .amount = 1 };
    there(world, 1, 10);
    there(world, 2, 20);
    restart(world);
    submit(world, &first, NULL);
    engine_advance(world->engine);
    assert_int_equal(store_commit(world->store, changes, ARRAY_COUNT(changes)), 0); /* what the reader sees */
    submit(world, &second, NULL);
    engine_advance(world->engine);
    engine_settle(world->engine);
    assert_int_equal(second.command.result, COMMAND_DONE);
    assert_int_equal(told(world).overlapped, 0);
    assert_int_equal(second.decided, 3); /* it asked; then behind the first's commit: asked again, and had its row */
    assert_int_equal(store_commit(world->store, &back, 1), 0);
}

/* ---- time ---- */

static void what_is_due_is_asked_for_when_nothing_is_in_flight(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, second = first;
    submit(world, &first, NULL);
    engine_advance(world->engine);
    world->due_ms = fake_now_ms; /* by now */
    submit(world, &second, NULL);
    engine_advance(world->engine);
    assert_int_equal(world->due_calls, 1);
    assert_int_equal(first.replied, 1);
    assert_int_equal(told(world).overlapped, 0);
    world->due_ms = INT64_MAX;
    engine_settle(world->engine);
}

static void the_time_goes_on_from_the_batch_in_flight(void **state) {
    struct world *world = *state;
    struct act first = { .kind = ACT_ADD, .number = 1, .amount = 5 }, second = first;
    int64_t at_ms = fake_now_ms;
    submit(world, &first, NULL);
    engine_advance(world->engine);
    fake_now_ms -= 1000;
    submit(world, &second, NULL);
    engine_advance(world->engine);
    assert_int_equal(engine_time_ms(world->engine), at_ms);
    engine_settle(world->engine);
}

/* ---- the cache ---- */

static void make_many(struct world *world, int64_t *number, size_t count) {
    static struct act acts[ENGINE_BATCH_MAX];
    for (size_t i = 0; i < count; i++, ++*number) {
        acts[i] = (struct act){ .kind = ACT_MAKE, .number = *number, .label = *number };
        submit(world, &acts[i], NULL);
    }
}

/* A row that only the cache's old generation holds is used by the second batch; then the first one's rows fill the
 * young generation, and the old one is given up and written over. */
static void what_the_second_borrowed_outlives_the_caches_turn(void **state) {
    enum { TURN_ROWS = ROW_CACHE_ROWS / 4 * 3, BATCHES = 2 * ((TURN_ROWS + ENGINE_BATCH_MAX - 1) / ENGINE_BATCH_MAX) };
    struct world *world = *state;
    struct act look = { .kind = ACT_LOOK, .number = 1 }, again = look;
    int64_t number = 10;
    there(world, 1, 41);
    for (int i = 0; i < BATCHES; i++) {
        make_many(world, &number, ENGINE_BATCH_MAX);
        engine_advance(world->engine);
    }
    submit(world, &look, NULL); /* the second turn comes when the batch below it has landed */
    make_many(world, &number, 50);
    engine_advance(world->engine);
    assert_int_equal(look.decided, 1); /* it was in the cache */
    engine_settle(world->engine);
    submit(world, &again, NULL);
    engine_step(world->engine);
    assert_int_equal(again.decided, 1);
    assert_int_equal(again.seen, 41);
}

/* ---- with threads ---- */

static void open_with_threads(struct world *world) {
    engine_close(world->engine);
    world->store = store_close(world->store);
    world->threads = true;
    open_all(world);
}

enum { CALLERS = 3, CALLS = 400 };
struct caller {
    struct world *world;
    struct act acts[CALLS];
};
static void *caller_main(void *ctx) {
    struct caller *caller = ctx;
    for (int i = 0; i < CALLS; i++) {
        caller->acts[i] = (struct act){ .kind = ACT_ADD, .number = i % 7, .label = i % 7, .amount = 1 };
        submit(caller->world, &caller->acts[i], NULL);
    }
    return NULL;
}

static void threads_lose_nothing(void **state) {
    static struct caller callers[CALLERS];
    struct world *world = *state;
    pthread_t threads[CALLERS];
    int64_t sum = 0;
    open_with_threads(world);
    assert_int_equal(engine_start(world->engine), 0);
    for (int i = 0; i < CALLERS; i++) {
        callers[i].world = world;
        assert_int_equal(pthread_create(&threads[i], NULL, caller_main, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    engine_stop(world->engine);
    for (int i = 0; i < CALLERS; i++)
        for (int j = 0; j < CALLS; j++) {
            assert_int_equal(callers[i].acts[j].replied, 1);
            assert_int_equal(callers[i].acts[j].command.result, COMMAND_DONE);
        }
    for (int i = 0; i < 7; i++) sum += stored(world, i);
    assert_int_equal(sum, CALLERS * CALLS);
    chain_is_whole(world, told(world).journal_seq);
}

/* A flush that does not end before the next batch is being decided. */
static sem_t gate;
static void flush_waits(void *ctx) {
    (void)ctx;
    while (sem_wait(&gate) < 0) continue;
}
static void flush_may_end(struct act *act) {
    if (act->decided == 1) assert_int_equal(sem_post(&gate), 0);
}

enum { ROUNDS = 10, ROUND_COMMANDS = 40, ROUND_COINS = 5 };
static void advance_rounds(struct world *world, void (*within)(struct act *act)) {
    static struct act acts[ROUNDS][ROUND_COMMANDS];
    for (int i = 0; i < ROUNDS; i++) {
        for (int j = 0; j < ROUND_COMMANDS; j++) {
            int64_t coin = j % ROUND_COINS;
            acts[i][j] = (struct act){ .kind = ACT_ADD, .number = coin, .label = coin, .amount = 1 };
            if (i && !j) acts[i][j].within = within;
            submit(world, &acts[i][j], NULL);
        }
        engine_advance(world->engine);
    }
    if (within) assert_int_equal(sem_post(&gate), 0); /* the last */
    engine_settle(world->engine);
    for (int i = 0; i < ROUNDS; i++)
        for (int j = 0; j < ROUND_COMMANDS; j++) assert_int_equal(acts[i][j].command.result, COMMAND_DONE);
}

/* As `giro bench engine` drives it: batches worth a second thread, each over the one before. */
static void f1_the_writers_thread_commits_in_order(void **state) {
    struct world *world = *state;
    open_with_threads(world);
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    store_memory_on_flush(world->store, flush_waits, NULL);
    advance_rounds(world, flush_may_end);
    store_memory_on_flush(world->store, NULL, NULL);
    assert_int_equal(told(world).overlapped, ROUNDS - 1);
    store_memory_fault(world->store, STORE_FAULT_UNDONE, 1, 3);
    advance_rounds(world, NULL);
    for (int i = 0; i < ROUND_COINS; i++) assert_int_equal(stored(world, i), 2 * ROUNDS * ROUND_COMMANDS / ROUND_COINS);
    for (size_t i = 0; i < world->committed_count; i++) assert_int_equal(world->committed[i], i + 1);
    chain_is_whole(world, told(world).journal_seq);
    sem_destroy(&gate);
}

static void a_lone_command_is_committed_where_it_was_decided(void **state) {
    struct world *world = *state;
    struct act act = { .kind = ACT_ADD, .number = 1, .amount = 5 };
    open_with_threads(world);
    submit(world, &act, NULL);
    assert_int_equal(engine_advance(world->engine), 1);
    assert_int_equal(act.replied, 1);
}

#define OVERLAP_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        OVERLAP_TEST(w5_the_second_sees_what_the_first_will_have_left),
        OVERLAP_TEST(w6_an_insert_that_came_to_nothing_says_nothing),
        OVERLAP_TEST(w6_what_was_known_stays_known),
        OVERLAP_TEST(the_second_goes_on_with_ids_numbers_and_the_chain),
        OVERLAP_TEST(the_second_finds_the_firsts_key),
        OVERLAP_TEST(f2_each_hears_after_its_own_commit),
        OVERLAP_TEST(f2_an_answer_without_a_commit_waits_for_the_one_before),
        OVERLAP_TEST(the_first_is_answered_within_the_seconds_decision),
        OVERLAP_TEST(a_batch_waits_for_the_one_that_is_written_alone),
        OVERLAP_TEST(f3_what_was_decided_over_a_failed_batch_is_void),
        OVERLAP_TEST(f3_the_culprit_is_found_and_the_second_never_saw_it),
        OVERLAP_TEST(f3_failing_nth_commits),
        OVERLAP_TEST(notes_of_a_void_batch_are_kept),
        OVERLAP_TEST(a_state_of_another_time_is_not_decided_on),
        OVERLAP_TEST(what_is_due_is_asked_for_when_nothing_is_in_flight),
        OVERLAP_TEST(the_time_goes_on_from_the_batch_in_flight),
        OVERLAP_TEST(what_the_second_borrowed_outlives_the_caches_turn),
        OVERLAP_TEST(threads_lose_nothing),
        OVERLAP_TEST(f1_the_writers_thread_commits_in_order),
        OVERLAP_TEST(a_lone_command_is_committed_where_it_was_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
