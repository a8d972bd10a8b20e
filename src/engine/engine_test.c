/* engine_test.c - the engine on the memory store: e1..e4, needs and rounds, idempotency, the chain. */
#include "engine/engine.h"

#include "engine/idempotency.h"
#include "engine/journal.h"
#include "engine/read.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct purse_row {
    int64_t number, amount;
};
static const struct column purse_columns[] = { COLUMN(struct purse_row, number, I64),
                                               COLUMN(struct purse_row, amount, I64) };
static const struct table_index purse_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
static const struct table purse_table = {
    .service = "purse",
    .name = "purse_purse",
    .row_bytes = sizeof(struct purse_row),
    .columns = purse_columns,
    .column_count = 2,
    .indexes = purse_indexes,
    .index_count = 1,
};
static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table, &purse_table };

struct world {
    struct store *store;
    struct engine *engine;
    int unknowns, fenced, faults, followups, committed;
};

/* Takes amount out of a purse, making it with 100 when it is not there. */
struct take {
    struct command command;
    int64_t purse, amount;
    int64_t also, also_amount; /* a second purse, which is there; 0: none */
    bool poison;               /* writes a row that the store refuses */
    int decided, replied;
    char answer[32];
};
enum { TAKE_E_EMPTY = 1 };

static int take_decide(struct work *work, struct command *command) {
    struct take *take = command->input;
    struct view view = view_of(work, "purse");
    struct purse_row row = { .number = take->purse, .amount = 100 };
    const void *found;
    take->decided++;
    int r = view_get(&view, &purse_table, &row, &found);
    if (r) return r;
    if (found) row = *(const struct purse_row *)found;
    if (row.amount < take->amount) return TAKE_E_EMPTY;
    row.amount -= take->amount;
    r = found ? view_update(&view, &purse_table, &row) : view_insert(&view, &purse_table, &row);
    if (r) return r;
    if (take->poison) { /* a second row under a key that the work set has not seen but the store has */
        struct purse_row clash = { .number = 777 };
        r = view_insert(&view, &purse_table, &clash);
        if (r) return r;
    }
    command->answer = arena_printf(view_arena(&view), "left %lld", (long long)row.amount);
    if (take->also) {
        row = (struct purse_row){ .number = take->also };
        r = view_get(&view, &purse_table, &row, &found);
        if (r) return r;
        row.amount = ((const struct purse_row *)found)->amount - take->also_amount;
        r = view_update(&view, &purse_table, &row);
        if (r) return r;
    }
    struct followup followup = { .kind = FOLLOWUP_SAGA_WAKE };
    return work_followup(work, &followup);
}

static const char *take_refusal_name(int refusal) {
    return refusal == TAKE_E_EMPTY ? "empty" : "?";
}
static bool take_refusal_is_stored(int refusal) {
    return refusal == TAKE_E_EMPTY;
}
static const struct command_kind take_kind = { .name = "take",
                                               .decide = take_decide,
                                               .refusal_name = take_refusal_name,
                                               .refusal_is_stored = take_refusal_is_stored };

static void take_on_reply(struct command *command) {
    struct take *take = command->owner;
    take->replied++;
    assert_true(command->answer.len < sizeof take->answer);
    if (command->answer.len) memcpy(take->answer, command->answer.at, command->answer.len);
    take->answer[command->answer.len] = 0;
}

static void take_submit(struct world *world, struct take *take, const char *key) {
    take->command = (struct command){ .kind = &take_kind, .input = take, .owner = take, .on_reply = take_on_reply };
    if (key) {
        take->command.idempotency.present = true;
        take->command.idempotency.fingerprint = sha256(&take->amount, sizeof take->amount);
        idempotency_key(STR("client"), STR("POST"), STR("/take"), str_from_c(key), take->command.idempotency.key);
    }
    assert_int_equal(engine_submit(world->engine, &take->command), 0);
}

static void encode_event(struct buffer *out, const struct event *event) {
    buffer_append_c(out, event_type_name(event->type));
}
static int64_t fake_now_ms;
static int64_t fake_now(void) {
    return fake_now_ms;
}
static void on_followup(void *ctx, const struct followup *followup) {
    (void)followup;
    ((struct world *)ctx)->followups++;
}
static void on_unknown(void *ctx) {
    ((struct world *)ctx)->unknowns++;
}
static void on_fenced(void *ctx) {
    ((struct world *)ctx)->fenced++;
}
static void on_fault(void *ctx, const char *command, int code) {
    (void)command;
    (void)code;
    ((struct world *)ctx)->faults++;
}
static void on_committed(void *ctx, int64_t seq, uint32_t rows, int64_t ns) {
    (void)seq;
    (void)rows;
    (void)ns;
    ((struct world *)ctx)->committed++;
}

static void world_open_engine(struct world *world) {
    struct engine_options options = { .store = world->store,
                                      .encode_event = encode_event,
                                      .on_followup = on_followup,
                                      .on_unknown = on_unknown,
                                      .on_fenced = on_fenced,
                                      .on_fault = on_fault,
                                      .on_committed = on_committed,
                                      .ctx = world,
                                      .now_ms = fake_now };
    struct message message = { 0 };
    assert_int_equal(engine_open(&options, &world->engine, &message), 0);
}

static void world_open_store(struct world *world) {
    struct store_options options = {
        .ops = &store_memory_ops, .path = "engine_test", .tables = tables, .table_count = ARRAY_COUNT(tables)
    };
    struct message message = { 0 };
    assert_int_equal(store_open(&options, &world->store, &message), 0);
}

/* As a process that ends and the next one that opens what is there. */
static void world_restart(struct world *world) {
    engine_close(world->engine);
    world->store = store_close(world->store);
    world_open_store(world);
    world_open_engine(world);
}

static int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    fake_now_ms = 1700000000000;
    world_open_store(world);
    world_open_engine(world);
    *state = world;
    return 0;
}

static int world_close(void **state) {
    struct world *world = *state;
    engine_close(world->engine);
    store_close(world->store);
    store_memory_forget("engine_test");
    free(world);
    return 0;
}

static int64_t purse_amount(struct world *world, int64_t number) {
    struct arena arena;
    struct purse_row probe = { .number = number };
    struct store_probe want = { .table = &purse_table, .row = &probe };
    assert_int_equal(arena_init(&arena, 4096, 65536), 0);
    assert_int_equal(store_load(world->store, &want, 1, &arena), 0);
    int64_t amount = want.ret_row ? ((const struct purse_row *)want.ret_row)->amount : -1;
    arena_release(&arena);
    return amount;
}

static void a_command_is_decided_committed_and_answered(void **state) {
    struct world *world = *state;
    struct take take = { .purse = 1, .amount = 30 };
    take_submit(world, &take, NULL);
    assert_int_equal(take.replied, 0); /* e1: nothing before the commit */
    assert_int_equal(engine_step(world->engine), 1);
    assert_int_equal(take.replied, 1);
    assert_int_equal(take.command.result, COMMAND_DONE);
    assert_string_equal(take.answer, "left 70");
    assert_int_equal(take.decided, 2); /* once to say what it needs, once with the row */
    assert_int_equal(purse_amount(world, 1), 70);
    assert_int_equal(world->followups, 1);
}

static void commands_of_one_batch_see_each_other_and_commit_once(void **state) {
    struct world *world = *state;
    struct take takes[5] = { { .amount = 30 }, { .amount = 30 }, { .amount = 30 }, { .amount = 30 }, { .amount = 10 } };
    for (size_t i = 0; i < 5; i++) {
        takes[i].purse = 1;
        take_submit(world, &takes[i], NULL);
    }
    assert_int_equal(engine_step(world->engine), 5);
    assert_int_equal(takes[2].command.refusal, 0);
    assert_int_equal(takes[3].command.refusal, TAKE_E_EMPTY); /* a refused one changes nothing for the next */
    assert_int_equal(takes[4].command.refusal, 0);
    assert_int_equal(purse_amount(world, 1), 0);
    assert_int_equal(world->committed, 1);
}

/* The first needs a load, the second has all at hand from an earlier batch, and yet comes second. */
/* spec: ledger/49 */
static void e6_commands_are_decided_in_the_order_of_the_queue(void **state) {
    struct world *world = *state;
    struct take before = { .purse = 2, .amount = 1 }, first = { .purse = 1, .amount = 1, .also = 2, .also_amount = 99 },
                second = { .purse = 2, .amount = 99 };
    take_submit(world, &before, NULL);
    engine_step(world->engine);
    take_submit(world, &first, NULL);
    take_submit(world, &second, NULL);
    engine_step(world->engine);
    assert_int_equal(first.command.refusal, 0);
    assert_int_equal(second.command.refusal, TAKE_E_EMPTY);
    assert_int_equal(purse_amount(world, 2), 0);
}

/* spec: ledger/45, ledger/46, ledger/48 */
static void e2_a_key_finds_its_answer_again(void **state) {
    struct world *world = *state;
    struct take first = { .purse = 1, .amount = 30 }, same_batch = first, later = first,
                other = { .purse = 1, .amount = 40 };
    take_submit(world, &first, "k");
    take_submit(world, &same_batch, "k");
    engine_step(world->engine);
    world_restart(world); /* and in the next process */
    take_submit(world, &later, "k");
    take_submit(world, &other, "k");
    engine_step(world->engine);
    assert_int_equal(first.command.result, COMMAND_DONE);
    assert_int_equal(same_batch.command.result, COMMAND_REPLAYED);
    assert_string_equal(same_batch.answer, "left 70");
    assert_int_equal(later.command.result, COMMAND_REPLAYED);
    assert_string_equal(later.answer, "left 70");
    assert_int_equal(other.command.result, COMMAND_KEY_REUSED);
    assert_int_equal(purse_amount(world, 1), 70);
}

/* spec: ledger/45 */
static void e2_a_stored_refusal_is_replayed(void **state) {
    struct world *world = *state;
    struct take refused = { .purse = 1, .amount = 300 }, again = refused;
    take_submit(world, &refused, "k");
    engine_step(world->engine);
    take_submit(world, &again, "k");
    engine_step(world->engine);
    assert_int_equal(refused.command.refusal, TAKE_E_EMPTY);
    assert_int_equal(again.command.result, COMMAND_REPLAYED);
    assert_int_equal(again.command.refusal, TAKE_E_EMPTY);
    assert_int_equal(purse_amount(world, 1), -1);
}

static void e4_undone_once_is_decided_again(void **state) {
    struct world *world = *state;
    struct take take = { .purse = 1, .amount = 30 };
    store_memory_fault(world->store, STORE_FAULT_UNDONE, 0, 1);
    take_submit(world, &take, NULL);
    engine_step(world->engine);
    assert_int_equal(take.command.result, COMMAND_DONE);
    assert_int_equal(take.replied, 1);
    assert_int_equal(purse_amount(world, 1), 70);
}

static void e4_the_culprit_is_found_and_the_others_pass(void **state) {
    struct world *world = *state;
    struct take first = { .purse = 777, .amount = 1 }, takes[7] = { 0 };
    take_submit(world, &first, NULL);
    engine_step(world->engine);
    for (size_t i = 0; i < 7; i++) {
        takes[i] = (struct take){ .purse = (int64_t)i + 1, .amount = 10, .poison = i == 4 };
        take_submit(world, &takes[i], NULL);
    }
    engine_step(world->engine);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(takes[i].replied, 1);
        assert_int_equal(takes[i].command.result, i == 4 ? COMMAND_FAULT : COMMAND_DONE);
        assert_int_equal(purse_amount(world, (int64_t)i + 1), i == 4 ? -1 : 90);
    }
    assert_int_equal(world->faults, 1);
}

/* spec: ledger/58 */
static void e4_full_is_unavailable_until_a_write_works(void **state) {
    struct world *world = *state;
    struct take take = { .purse = 1, .amount = 30 }, again = take;
    struct engine_state told;
    store_memory_fault(world->store, STORE_FAULT_FULL, 0, 1);
    take_submit(world, &take, "k");
    engine_step(world->engine);
    engine_state(world->engine, &told);
    assert_int_equal(take.command.result, COMMAND_UNAVAILABLE);
    assert_false(told.writable);
    assert_int_equal(purse_amount(world, 1), -1);
    take_submit(world, &again, "k"); /* nothing was stored under the key */
    engine_step(world->engine);
    engine_state(world->engine, &told);
    assert_int_equal(again.command.result, COMMAND_DONE);
    assert_true(told.writable);
}

/* spec: ledger/44, ledger/58 */
static void e4_unknown_is_said_and_found_out_by_the_key(void **state) {
    struct world *world = *state;
    static const enum store_fault faults[] = { STORE_FAULT_UNKNOWN_KEPT, STORE_FAULT_UNKNOWN_LOST };
    for (size_t i = 0; i < 2; i++) {
        struct take take = { .purse = (int64_t)i + 1, .amount = 30 }, again = take;
        char key[2] = { (char)('a' + i), 0 };
        store_memory_fault(world->store, faults[i], 0, 1);
        take_submit(world, &take, key);
        engine_step(world->engine);
        assert_int_equal(take.command.result, COMMAND_UNKNOWN);
        assert_int_equal(world->unknowns, (int)i + 1);
        world_restart(world);
        take_submit(world, &again, key);
        engine_step(world->engine);
        assert_int_equal(again.command.result, i == 0 ? COMMAND_REPLAYED : COMMAND_DONE);
        assert_int_equal(purse_amount(world, (int64_t)i + 1), 70); /* once, either way */
    }
}

static int row_count(void *ctx, const void *row) {
    (void)row;
    ++*(int64_t *)ctx;
    return 0;
}
static int64_t rows_of(struct world *world, const struct table *table) {
    struct reader reader;
    struct arena arena;
    struct store_range range = { .table = table, .limit = 100 };
    int64_t count = 0;
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    assert_int_equal(reader_open(world->store, &reader), 0);
    assert_int_equal(read_range(&reader, &range, &arena, row_count, &count), 0);
    reader_close(&reader);
    arena_release(&arena);
    return count;
}
static void count_flush(void *ctx) {
    ++*(int *)ctx;
}

/* e2: the key, the answer and what the command did are one commit: all there after it, or none of them. */
/* spec: ledger/44 */
static void e2_a_key_is_written_with_what_was_done_under_it(void **state) {
    static const struct {
        enum store_fault fault;
        uint32_t count;
        bool there;
    } cases[] = {
        { STORE_FAULT_NONE, 0, true },          { STORE_FAULT_UNDONE, 1000, false },   { STORE_FAULT_FULL, 1, false },
        { STORE_FAULT_UNKNOWN_LOST, 1, false }, { STORE_FAULT_UNKNOWN_KEPT, 1, true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        world_close(state);
        world_open(state);
        struct world *world = *state;
        struct take take = { .purse = 1, .amount = 30 };
        int flushes = 0;
        store_memory_on_flush(world->store, count_flush, &flushes);
        store_memory_fault(world->store, cases[i].fault, 0, cases[i].count);
        take_submit(world, &take, "k");
        engine_step(world->engine);
        if (cases[i].fault == STORE_FAULT_NONE) assert_int_equal(flushes, 1);
        store_memory_fault(world->store, STORE_FAULT_NONE, 0, 0);
        world_restart(world);
        assert_int_equal(rows_of(world, &engine_key_table), cases[i].there);
        assert_int_equal(rows_of(world, &engine_answer_table), cases[i].there);
        assert_int_equal(rows_of(world, &engine_journal_table), cases[i].there);
        assert_int_equal(purse_amount(world, 1), cases[i].there ? 70 : -1);
    }
}

/* e4: a batch of three while the store fails `count` times, then the same three again on a store that is well. */
enum { FAIL_COMMANDS = 3 };
static const struct {
    const char *name;
    enum store_fault fault;
    uint32_t count;
    enum command_result first, again; /* of each of the three */
    int unknowns, fenced, faults;
    bool ends, writable; /* the process ends before the second time; writable after the first */
} failure_cases[] = {
    { "undone once", STORE_FAULT_UNDONE, 1, COMMAND_DONE, COMMAND_REPLAYED, 0, 0, 0, false, true },
    { "undone twice", STORE_FAULT_UNDONE, 2, COMMAND_DONE, COMMAND_REPLAYED, 0, 0, 0, false, true },
    { "undone for ever", STORE_FAULT_UNDONE, 1000, COMMAND_FAULT, COMMAND_DONE, 0, 0, 3, false, true },
    { "full once", STORE_FAULT_FULL, 1, COMMAND_UNAVAILABLE, COMMAND_DONE, 0, 0, 0, false, false },
    { "full for ever", STORE_FAULT_FULL, 1000, COMMAND_UNAVAILABLE, COMMAND_DONE, 0, 0, 0, false, false },
    { "away at the load", STORE_FAULT_AWAY, 1, COMMAND_UNAVAILABLE, COMMAND_DONE, 0, 0, 0, false, false },
    { "away for ever", STORE_FAULT_AWAY, 1000, COMMAND_UNAVAILABLE, COMMAND_DONE, 0, 0, 0, false, false },
    { "fenced at the load", STORE_FAULT_FENCED, 1, COMMAND_UNAVAILABLE, COMMAND_DONE, 0, 1, 0, true, false },
    { "fenced for ever", STORE_FAULT_FENCED, 1000, COMMAND_UNAVAILABLE, COMMAND_DONE, 0, 1, 0, true, false },
    { "unknown and lost", STORE_FAULT_UNKNOWN_LOST, 1, COMMAND_UNKNOWN, COMMAND_DONE, 1, 0, 0, true, true },
    { "unknown and kept", STORE_FAULT_UNKNOWN_KEPT, 1, COMMAND_UNKNOWN, COMMAND_REPLAYED, 1, 0, 0, true, true },
};

static void submit_three(struct world *world, struct take takes[FAIL_COMMANDS], size_t row) {
    for (int64_t i = 0; i < FAIL_COMMANDS; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "%zu.%d", row, (int)i);
        takes[i] = (struct take){ .purse = (int64_t)row * 10 + i + 1, .amount = 30 };
        take_submit(world, &takes[i], key);
    }
    engine_step(world->engine);
}

/* spec: ledger/58 */
static void e4_each_failure_is_answered_by_its_kind(void **state) {
    struct world *world = *state;
    for (size_t row = 0; row < ARRAY_COUNT(failure_cases); row++) {
        struct take first[FAIL_COMMANDS], again[FAIL_COMMANDS];
        struct engine_state told;
        world->unknowns = world->fenced = world->faults = 0;
        store_memory_fault(world->store, failure_cases[row].fault, 0, failure_cases[row].count);
        submit_three(world, first, row);
        engine_state(world->engine, &told);
        if (told.writable != failure_cases[row].writable || world->unknowns != failure_cases[row].unknowns ||
            world->fenced != failure_cases[row].fenced || world->faults != failure_cases[row].faults)
            fail_msg("%s: writable %d, unknown %d, fenced %d, faults %d", failure_cases[row].name, told.writable,
                     world->unknowns, world->fenced, world->faults);
        store_memory_fault(world->store, STORE_FAULT_NONE, 0, 0);
        if (failure_cases[row].ends) world_restart(world);
        submit_three(world, again, row);
        for (int i = 0; i < FAIL_COMMANDS; i++) {
            if (first[i].command.result != failure_cases[row].first || first[i].replied != 1 ||
                again[i].command.result != failure_cases[row].again || again[i].replied != 1)
                fail_msg("%s: %d, then %d", failure_cases[row].name, first[i].command.result, again[i].command.result);
            assert_int_equal(purse_amount(world, again[i].purse), 70); /* once, whatever happened */
        }
    }
}

/* spec: ledger/58 */
static void e4_after_an_unknown_commit_nothing_is_written(void **state) {
    struct world *world = *state;
    struct take first = { .purse = 1, .amount = 30 }, later = { .purse = 2, .amount = 30 };
    store_memory_fault(world->store, STORE_FAULT_UNKNOWN_LOST, 0, 1);
    take_submit(world, &first, NULL);
    engine_step(world->engine);
    take_submit(world, &later, NULL);
    engine_step(world->engine);
    assert_int_equal(later.command.result, COMMAND_UNKNOWN);
    world_restart(world);
    assert_int_equal(purse_amount(world, 2), -1);
}

/* e1: at the flush, and until it is over, nobody has heard anything. */
static struct take *flush_take;
static void flush_looks(void *ctx) {
    ++*(int *)ctx;
    assert_int_equal(flush_take->replied, 0);
}
/* spec: ledger/50 */
static void e1_nobody_hears_before_the_flush_is_over(void **state) {
    struct world *world = *state;
    struct take take = { .purse = 1, .amount = 30 };
    int flushes = 0;
    flush_take = &take;
    store_memory_on_flush(world->store, flush_looks, &flushes);
    take_submit(world, &take, NULL);
    engine_step(world->engine);
    assert_int_equal(flushes, 1);
    assert_int_equal(take.replied, 1);
}

static void the_engines_time_never_goes_back(void **state) {
    struct world *world = *state;
    struct take take = { .purse = 1, .amount = 1 };
    int64_t before_ms = fake_now_ms;
    take_submit(world, &take, NULL);
    engine_step(world->engine);
    assert_int_equal(engine_time_ms(world->engine), before_ms);
    fake_now_ms -= 3600000;
    assert_int_equal(engine_time_ms(world->engine), before_ms);
    world_restart(world); /* nor in the next process */
    assert_int_equal(engine_time_ms(world->engine), before_ms);
    fake_now_ms = before_ms + 5;
    assert_int_equal(engine_time_ms(world->engine), before_ms + 5);
}

struct chain {
    struct hash head;
    int64_t seq, count;
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
    chain->count++;
    return 0;
}

/* spec: ledger/51 */
static void j1_records_hold_the_hash_before(void **state) {
    struct world *world = *state;
    struct reader reader;
    struct arena arena;
    struct chain chain = { 0 };
    for (int i = 0; i < 5; i++) {
        struct take take = { .purse = i + 1, .amount = 1 };
        take_submit(world, &take, NULL);
        engine_step(world->engine);
        if (i == 2) {
            world_restart(world);
        }
    }
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    assert_int_equal(reader_open(world->store, &reader), 0);
    struct store_range range = { .table = &engine_journal_table, .limit = 100 };
    assert_int_equal(read_range(&reader, &range, &arena, chain_check, &chain), 0);
    assert_int_equal(chain.count, 5);
    reader_close(&reader);
    arena_release(&arena);
}

/* Hashes and cache are made beside the store's writing (ENGINE_SIDE_CHANGES_MIN): undone once, they are made anew. */
/* spec: ledger/51 */
static void j1_large_batches_are_chained_and_their_rows_kept(void **state) {
    enum { PURSES = 600, ROUNDS = 4, UNDONE_ROUND = 2 };
    static struct take takes[PURSES];
    struct world *world = *state;
    struct reader reader;
    struct arena arena;
    struct chain chain = { 0 };
    for (int round = 1; round <= ROUNDS; round++) {
        if (round == UNDONE_ROUND) store_memory_fault(world->store, STORE_FAULT_UNDONE, 0, 1);
        for (int i = 0; i < PURSES; i++) {
            takes[i] = (struct take){ .purse = i + 1, .amount = 1 };
            take_submit(world, &takes[i], NULL);
        }
        assert_int_equal(engine_step(world->engine), PURSES);
        for (int i = 0; i < PURSES; i++) {
            assert_int_equal(takes[i].command.result, COMMAND_DONE);
            assert_int_equal(takes[i].decided, round == 1 || round == UNDONE_ROUND ? takes[i].decided : 1); /* cached */
        }
        for (int i = 1; i <= PURSES; i += 97) assert_int_equal(purse_amount(world, i), 100 - round);
    }
    assert_int_equal(arena_init(&arena, 4096, 64 << 20), 0);
    assert_int_equal(reader_open(world->store, &reader), 0);
    struct store_range range = { .table = &engine_journal_table, .limit = 100 };
    assert_int_equal(read_range(&reader, &range, &arena, chain_check, &chain), 0);
    assert_int_equal(chain.count, ROUNDS);
    reader_close(&reader);
    arena_release(&arena);
}

static void the_time_of_a_batch_never_goes_back(void **state) {
    struct world *world = *state;
    struct take first = { .purse = 1, .amount = 1 }, second = first;
    take_submit(world, &first, NULL);
    engine_step(world->engine);
    fake_now_ms -= 3600000;
    world_restart(world);
    take_submit(world, &second, NULL);
    engine_step(world->engine);
    assert_int_equal(second.command.result, COMMAND_DONE);
}

/* Draws one id and tells it. */
struct draw {
    struct command command;
    uint8_t id[16];
    int replied;
};
static int draw_decide(struct work *work, struct command *command) {
    struct draw *draw = command->input;
    struct view view = view_of(work, "purse");
    struct purse_row row = { .number = 900 + view_batch_seq(&view) };
    view_new_id(&view, draw->id);
    return view_insert(&view, &purse_table, &row);
}
static const struct command_kind draw_kind = { .name = "draw", .decide = draw_decide };
static void draw_on_reply(struct command *command) {
    ((struct draw *)command->owner)->replied++;
}

static void draw_id(struct world *world, uint8_t ret_id[16]) {
    struct draw draw = { 0 };
    draw.command = (struct command){ .kind = &draw_kind, .input = &draw, .owner = &draw, .on_reply = draw_on_reply };
    assert_int_equal(engine_submit(world->engine, &draw.command), 0);
    engine_step(world->engine);
    assert_int_equal(draw.replied, 1);
    memcpy(ret_id, draw.id, 16);
}

/* Also when the last record before the restart drew no id: a note of a read, say. */
static void ids_never_go_back(void **state) {
    struct world *world = *state;
    uint8_t before[16], after[16];
    draw_id(world, before);
    draw_id(world, before);
    fake_now_ms -= 3600000; /* the clock stands until it has caught up */
    world_restart(world);
    engine_note(world->engine, STR("{\"read\":1}"));
    engine_step(world->engine);
    world_restart(world);
    draw_id(world, after);
    assert_true(memcmp(before, after, 16) < 0);
}

/* Writes frames of history until the journal's body is nearly full, and a long audit record. */
enum { FILL_FRAMES = JOURNAL_BODY_BYTES_MAX / (JOURNAL_FRAME_BYTES_MAX + 5), FILL_AUDIT_BYTES = 8000 };
static char fill_bytes[JOURNAL_FRAME_BYTES_MAX];
struct fill {
    struct command command;
    size_t frames;
    int replied;
};
static int fill_decide(struct work *work, struct command *command) {
    const struct fill *fill = command->input;
    int r = 0;
    for (size_t i = 0; !r && i < fill->frames; i++)
        r = work_history(work, str_from_bytes(fill_bytes, sizeof fill_bytes));
    return r;
}
static void fill_audit(struct buffer *out, const struct command *command) {
    (void)command;
    buffer_append(out, fill_bytes, FILL_AUDIT_BYTES);
}
static void fill_on_reply(struct command *command) {
    ((struct fill *)command->owner)->replied++;
}
static const struct command_kind fill_kind = { .name = "fill", .decide = fill_decide };

static int body_check(void *ctx, const void *row) {
    struct str body = ((const struct journal_row *)row)->body, json;
    enum journal_frame type;
    bool good;
    while (journal_frame_next(&body, &type, &json, &good)) *(int *)ctx += type == JOURNAL_AUDIT;
    assert_true(good);
    return 0;
}

/* More than a record holds is like an undone commit: halved, not called unknown; and no audit record is lost. */
static void e4_a_record_that_overflows_is_halved(void **state) {
    enum { FILLS = 32 };
    static struct fill fills[FILLS];
    struct world *world = *state;
    struct store_reader *reader;
    struct arena arena;
    int audits = 0;
    memset(fill_bytes, 'x', sizeof fill_bytes);
    for (size_t i = 0; i < FILLS; i++) {
        fills[i] = (struct fill){ .frames = i ? 0 : FILL_FRAMES };
        fills[i].command = (struct command){ .kind = &fill_kind,
                                             .input = &fills[i],
                                             .owner = &fills[i],
                                             .write_audit = fill_audit,
                                             .on_reply = fill_on_reply };
        assert_int_equal(engine_submit(world->engine, &fills[i].command), 0);
    }
    engine_step(world->engine);
    assert_int_equal(world->unknowns, 0);
    for (size_t i = 0; i < FILLS; i++) {
        assert_int_equal(fills[i].replied, 1);
        assert_int_equal(fills[i].command.result, COMMAND_DONE);
    }
    assert_int_equal(arena_init(&arena, 4096, 2 * (size_t)JOURNAL_BODY_BYTES_MAX), 0);
    assert_int_equal(store_reader_open(world->store, &reader), 0);
    struct store_range range = { .table = &engine_journal_table, .limit = 100 };
    assert_int_equal(store_range(reader, &range, &arena, body_check, &audits), 0);
    assert_int_equal(audits, FILLS);
    store_reader_close(reader);
    arena_release(&arena);
}

static void notes_are_written_with_the_next_commit(void **state) {
    struct world *world = *state;
    struct engine_state told;
    engine_note(world->engine, STR("{\"read\":1}"));
    assert_int_equal(engine_step(world->engine), 0);
    engine_state(world->engine, &told);
    assert_int_equal(told.journal_seq, 1);
    assert_int_equal(engine_step(world->engine), 0); /* nothing more to write */
    engine_state(world->engine, &told);
    assert_int_equal(told.journal_seq, 1);
}

/* A read that was answered stays in the audit trail when the first command of the batch is the culprit. */
static void notes_outlive_a_culprit(void **state) {
    struct world *world = *state;
    struct take there = { .purse = 777, .amount = 1 }, culprit = { .purse = 1, .amount = 10, .poison = true };
    struct engine_state before, told;
    take_submit(world, &there, NULL);
    engine_step(world->engine);
    engine_state(world->engine, &before);
    engine_note(world->engine, STR("{\"read\":1}"));
    take_submit(world, &culprit, NULL);
    engine_step(world->engine);
    assert_int_equal(culprit.command.result, COMMAND_FAULT);
    assert_int_equal(culprit.replied, 1);
    engine_state(world->engine, &told);
    assert_int_equal(told.journal_seq, before.journal_seq + 1);
}

static void a_stopping_engine_takes_nothing_and_decides_what_it_has(void **state) {
    struct world *world = *state;
    struct take take = { .purse = 1, .amount = 30 }, late = take;
    take_submit(world, &take, NULL);
    assert_int_equal(engine_start(world->engine), 0);
    engine_stop(world->engine);
    assert_int_equal(take.replied, 1);
    late.command = (struct command){ .kind = &take_kind, .input = &late, .owner = &late, .on_reply = take_on_reply };
    assert_int_equal(engine_submit(world->engine, &late.command), ENGINE_E_FULL);
    assert_int_equal(late.replied, 0);
}

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_command_is_decided_committed_and_answered),
        ENGINE_TEST(commands_of_one_batch_see_each_other_and_commit_once),
        ENGINE_TEST(e6_commands_are_decided_in_the_order_of_the_queue),
        ENGINE_TEST(e2_a_key_finds_its_answer_again),
        ENGINE_TEST(e2_a_stored_refusal_is_replayed),
        ENGINE_TEST(e4_undone_once_is_decided_again),
        ENGINE_TEST(e4_the_culprit_is_found_and_the_others_pass),
        ENGINE_TEST(e4_full_is_unavailable_until_a_write_works),
        ENGINE_TEST(e4_unknown_is_said_and_found_out_by_the_key),
        ENGINE_TEST(e2_a_key_is_written_with_what_was_done_under_it),
        ENGINE_TEST(e4_each_failure_is_answered_by_its_kind),
        ENGINE_TEST(e4_after_an_unknown_commit_nothing_is_written),
        ENGINE_TEST(e1_nobody_hears_before_the_flush_is_over),
        ENGINE_TEST(the_engines_time_never_goes_back),
        ENGINE_TEST(j1_records_hold_the_hash_before),
        ENGINE_TEST(j1_large_batches_are_chained_and_their_rows_kept),
        ENGINE_TEST(the_time_of_a_batch_never_goes_back),
        ENGINE_TEST(ids_never_go_back),
        ENGINE_TEST(e4_a_record_that_overflows_is_halved),
        ENGINE_TEST(notes_are_written_with_the_next_commit),
        ENGINE_TEST(notes_outlive_a_culprit),
        ENGINE_TEST(a_stopping_engine_takes_nothing_and_decides_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
