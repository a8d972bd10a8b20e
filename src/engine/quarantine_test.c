/* quarantine_test.c - processes that a command kills: q1..q4, and what the next process answers. */
#include "engine/quarantine.h"

#include "platform/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table };

enum { COMMANDS = 3, POISON = 1, WELL = 0, OVERRUN = 1000 /* runs over its stack */ };

struct world {
    char folder[64], path[96];
    struct store *store;
    struct engine *engine;
    int quarantined;
    bool steps; /* of the engine */
};

struct dose {
    struct command command;
    int signal; /* raised by the decision; WELL: none */
    int decided, replied;
};

static int deeper(volatile const char *above, unsigned depth) {
    volatile char here[512] = { above[0] };
    return depth ? deeper(here, depth - 1) + here[depth % sizeof here] : 0;
}

static int dose_decide(struct work *work, struct command *command) {
    struct dose *dose = command->input;
    (void)work;
    dose->decided++;
    if (dose->signal == OVERRUN) return deeper("", UINT32_MAX);
    if (dose->signal == SIGABRT) abort();
    if (dose->signal) (void)raise(dose->signal);
    command->answer = STR("taken");
    return 0;
}
static void dose_on_reply(struct command *command) {
    ((struct dose *)command->owner)->replied++;
}
static void dose_audit(struct buffer *out, const struct command *command) {
    buffer_printf(out, "{\"result\":%d}", (int)command->result);
}
static const struct command_kind dose_kind = { .name = "dose", .decide = dose_decide };

static void on_fault(void *ctx, const char *operation, int code) {
    (void)code;
    ((struct world *)ctx)->quarantined += !strcmp(operation, "quarantined");
}

static void world_open(struct world *world) {
    struct message message = { { 0 } };
    struct store_options store = { .ops = &store_memory_ops, .tables = tables, .table_count = ARRAY_COUNT(tables) };
    struct engine_options engine = {
        .on_fault = on_fault, .ctx = world, .quarantine_path = world->path, .steps = world->steps
    };
    assert_int_equal(store_open(&store, &world->store, &message), 0);
    engine.store = world->store;
    if (engine_open(&engine, &world->engine, &message)) fail_msg("%s", message.text);
}

static void world_shut(struct world *world) {
    world->engine = engine_close(world->engine);
    world->store = store_close(world->store);
}

static int world_make(void **state) {
    struct world *world = calloc(1, sizeof *world);
    (void)snprintf(world->folder, sizeof world->folder, "/tmp/giro-test-quarantine-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    (void)snprintf(world->path, sizeof world->path, "%s/crash.marker", world->folder);
    *state = world;
    return 0;
}

static int world_drop(void **state) {
    struct world *world = *state;
    assert_int_equal(dir_remove(world->folder, NULL), 0);
    free(world);
    return 0;
}

/* One batch: a key each, "k0" "k1" "k2"; the poison in the middle. */
static void submit_batch(struct world *world, struct dose doses[COMMANDS], int poison, bool keyed) {
    for (int i = 0; i < COMMANDS; i++) {
        char key[3] = { 'k', (char)('0' + i), 0 };
        doses[i] = (struct dose){ .signal = i == POISON ? poison : WELL };
        doses[i].command = (struct command){ .kind = &dose_kind,
                                             .input = &doses[i],
                                             .owner = &doses[i],
                                             .on_reply = dose_on_reply,
                                             .write_audit = dose_audit };
        doses[i].command.idempotency.present = keyed;
        idempotency_key(STR("client"), STR("POST"), STR("/dose"), str_from_c(key), doses[i].command.idempotency.key);
        assert_int_equal(engine_submit(world->engine, &doses[i].command), 0);
    }
}

static void run_batch(struct world *world, struct dose doses[COMMANDS], int poison, bool keyed) {
    submit_batch(world, doses, poison, keyed);
    engine_step(world->engine);
}

/* A process that runs the batch; which signal ended it, 0 = none. threaded: on the engine's own thread. */
static int child_runs(struct world *world, int poison, bool keyed, bool threaded) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct dose doses[COMMANDS];
        int fd = open("/dev/null", O_WRONLY);
        (void)dup2(fd, STDERR_FILENO); /* what a sanitizer says of a crash that is wanted */
        for (size_t i = 0; i < 5; i++) (void)signal((int[]){ SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT }[i], SIG_DFL);
        world_open(world);
        submit_batch(world, doses, poison, keyed);
        if (threaded) assert_int_equal(engine_start(world->engine), 0);
        else engine_step(world->engine);
        if (threaded) engine_stop(world->engine); /* waits for the thread, which does not come back */
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void q2_two_aborts_and_a_command_is_never_decided(void **state) {
    static const struct {
        int poison, wanted;
        bool threaded;
    } cases[] = {
        { SIGSEGV, SIGSEGV, false }, { SIGBUS, SIGBUS, false },   { SIGFPE, SIGFPE, false },
        { SIGILL, SIGILL, false },   { SIGABRT, SIGABRT, false }, { OVERRUN, SIGSEGV, false },
        { SIGSEGV, SIGSEGV, true },  { OVERRUN, SIGSEGV, true },
    };
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct dose doses[COMMANDS];
        for (int aborts = 0; aborts < QUARANTINE_ABORTS; aborts++)
            if (child_runs(world, cases[i].poison, true, cases[i].threaded) != cases[i].wanted)
                fail_msg("case %zu did not end as wanted", i);
        world->quarantined = 0;
        world_open(world);
        run_batch(world, doses, cases[i].poison, true);
        for (int n = 0; n < COMMANDS; n++) { /* q5: its batch mates are innocent */
            assert_int_equal(doses[n].replied, 1);
            assert_int_equal(doses[n].decided, n != POISON);
            assert_int_equal(doses[n].command.result, n == POISON ? COMMAND_FAULT : COMMAND_DONE);
        }
        assert_int_equal(world->quarantined, 1);
        world_shut(world);
        assert_int_equal(unlink(world->path), 0);
    }
}

static void q3_without_a_key_nothing_is_marked(void **state) {
    struct world *world = *state;
    struct dose doses[COMMANDS];
    for (int i = 0; i < 3; i++) assert_int_equal(child_runs(world, SIGSEGV, false, false), SIGSEGV);
    world_open(world);
    run_batch(world, doses, WELL, true);
    for (int n = 0; n < COMMANDS; n++) assert_int_equal(doses[n].command.result, COMMAND_DONE);
    world_shut(world);
}

static void q4_what_commits_well_is_cleared(void **state) {
    struct world *world = *state;
    struct dose doses[COMMANDS];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(child_runs(world, SIGSEGV, true, false), SIGSEGV);
        assert_int_equal(child_runs(world, WELL, true, false), 0); /* the bug was mended */
    }
    world_open(world);
    run_batch(world, doses, WELL, true);
    for (int n = 0; n < COMMANDS; n++) assert_int_equal(doses[n].command.result, COMMAND_DONE);
    world_shut(world);
}

/* ---- two batches at a time ---- */

enum { FLIGHT = 20 };
static void flush_dies(void *ctx) {
    (void)ctx;
    (void)raise(SIGSEGV);
}

static void submit_some(struct world *world, struct dose doses[FLIGHT], char first, int count, int poison) {
    for (int i = 0; i < count; i++) {
        char key[3] = { first, (char)('0' + i), 0 };
        doses[i] = (struct dose){ .signal = i ? WELL : poison };
        doses[i].command =
            (struct command){ .kind = &dose_kind, .input = &doses[i], .owner = &doses[i], .on_reply = dose_on_reply };
        doses[i].command.idempotency.present = true;
        idempotency_key(STR("client"), STR("POST"), STR("/dose"), str_from_c(key), doses[i].command.idempotency.key);
        assert_int_equal(engine_submit(world->engine, &doses[i].command), 0);
    }
}

/* written: it dies where the first batch is written, by the writer's thread; else where the second is decided. */
static void die_over_a_flight(struct world *world, bool written) {
    struct dose doses[2][FLIGHT];
    int fd = open("/dev/null", O_WRONLY);
    (void)dup2(fd, STDERR_FILENO);
    (void)signal(SIGSEGV, SIG_DFL);
    world->steps = !written;
    world_open(world);
    if (written) store_memory_on_flush(world->store, flush_dies, NULL);
    submit_some(world, doses[0], 'a', FLIGHT, WELL);
    engine_advance(world->engine);
    submit_some(world, doses[1], 'b', COMMANDS, written ? WELL : SIGSEGV);
    engine_advance(world->engine);
    engine_settle(world->engine);
    _exit(1);
}

static void q2_only_the_batch_that_a_thread_runs_is_marked(void **state) {
    struct world *world = *state;
    for (int written = 0; written < 2; written++) {
        pid_t pid = fork();
        int status;
        struct arena arena;
        struct str bytes;
        uint8_t key[16];
        assert_true(pid >= 0);
        if (pid == 0) die_over_a_flight(world, written);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
        assert_int_equal(arena_init(&arena, 4096, 65536), 0);
        assert_int_equal(file_read_all(world->path, 4096, &arena, &bytes, NULL), 0);
        assert_int_equal(bytes.len, QUARANTINE_RECORD_BYTES * (written ? FLIGHT : COMMANDS));
        idempotency_key(STR("client"), STR("POST"), STR("/dose"), written ? STR("a0") : STR("b0"), key);
        assert_memory_equal(bytes.at, key, sizeof key);
        arena_release(&arena);
        assert_int_equal(unlink(world->path), 0);
    }
}

/* The suspect is run alone, behind what is in flight. */
static void q5_a_suspect_is_not_decided_over_a_flight(void **state) {
    struct world *world = *state;
    struct dose doses[COMMANDS], before[FLIGHT];
    assert_int_equal(child_runs(world, SIGSEGV, true, false), SIGSEGV);
    world->steps = true;
    world_open(world);
    submit_some(world, before, 'c', 1, WELL);
    engine_advance(world->engine);
    submit_batch(world, doses, WELL, true);
    engine_advance(world->engine);
    assert_int_equal(before[0].replied, 1);
    for (int i = 0; i < COMMANDS; i++) assert_int_equal(doses[i].command.result, COMMAND_DONE);
    struct engine_state told;
    engine_state(world->engine, &told);
    assert_int_equal(told.overlapped, 0);
    assert_int_equal(told.journal_seq, 1 + COMMANDS);
    world_shut(world);
}

static void *other_thread(void *ctx) {
    (void)ctx;
    (void)raise(SIGSEGV);
    return NULL;
}

static void q2_an_abort_of_another_thread_marks_nothing(void **state) {
    struct world *world = *state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct quarantine *quarantine;
        struct command command = { .kind = &dose_kind, .idempotency = { .present = true } };
        struct command *commands[1] = { &command };
        pthread_t thread;
        (void)signal(SIGSEGV, SIG_DFL);
        if (quarantine_open(world->path, &quarantine, NULL)) _exit(1);
        quarantine_enter(quarantine, 0, commands, 1);
        if (pthread_create(&thread, NULL, other_thread, NULL)) _exit(1);
        (void)pthread_join(thread, NULL);
        _exit(1);
    }
    int status;
    struct arena arena;
    struct str bytes;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    assert_int_equal(arena_init(&arena, 4096, 65536), 0);
    assert_int_equal(file_read_all(world->path, 4096, &arena, &bytes, NULL), 0);
    assert_int_equal(bytes.len, 0);
    arena_release(&arena);
}

/* q1: what stands in the marker, and how often its command k1 was there. */
static const struct {
    const char *name;
    size_t records, cut;
    uint32_t aborts[3];
    bool held;
} marker_cases[] = {
    { "none", 0, 0, { 0 }, false },
    { "one abort", 1, 0, { 1 }, false },
    { "two aborts", 2, 0, { 1, 1 }, true },
    { "two, counted before", 1, 0, { 2 }, true },
    { "cleared between", 3, 0, { 1, 0, 1 }, false },
    { "the second cut short", 2, 1, { 1, 1 }, false },
    { "more than a number holds", 2, 0, { UINT32_MAX, UINT32_MAX }, true },
};

static void q1_the_marker_is_read_as_written(void **state) {
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_COUNT(marker_cases); i++) {
        struct command command = { .kind = &dose_kind, .idempotency = { .present = true, .key = "0123456789abcde" } };
        struct quarantine *quarantine;
        char bytes[3 * QUARANTINE_RECORD_BYTES];
        struct buffer out;
        buffer_init(&out, bytes, sizeof bytes);
        for (size_t n = 0; n < marker_cases[i].records; n++) {
            buffer_append(&out, command.idempotency.key, 16);
            buffer_append_be(&out, marker_cases[i].aborts[n], 4);
        }
        out.len -= marker_cases[i].cut;
        assert_int_equal(file_write_atomic(world->path, buffer_str(&out), 0600, NULL), 0);
        for (int again = 0; again < 2; again++) { /* the second time it reads what the first has rewritten */
            assert_int_equal(quarantine_open(world->path, &quarantine, NULL), 0);
            if (quarantine_holds(quarantine, &command) != marker_cases[i].held) fail_msg("%s", marker_cases[i].name);
            quarantine_close(quarantine);
        }
    }
}

static void q1_a_file_that_is_no_marker_is_refused(void **state) {
    struct world *world = *state;
    struct quarantine *quarantine;
    struct message message = { { 0 } };
    char *bytes = calloc(1, QUARANTINE_FILE_BYTES_MAX + 1);
    assert_non_null(bytes);
    struct str text = str_from_bytes(bytes, QUARANTINE_FILE_BYTES_MAX + 1);
    assert_int_equal(file_write_atomic(world->path, text, 0600, NULL), 0);
    assert_int_equal(quarantine_open(world->path, &quarantine, &message), -EBADMSG);
    assert_non_null(strstr(message.text, "crash marker"));
    text.len--;
    assert_int_equal(file_write_atomic(world->path, text, 0600, NULL), 0);
    assert_int_equal(quarantine_open(world->path, &quarantine, &message), 0);
    quarantine_close(quarantine);
    free(bytes);
}

#define QUARANTINE_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        QUARANTINE_TEST(q1_the_marker_is_read_as_written),
        QUARANTINE_TEST(q1_a_file_that_is_no_marker_is_refused),
        QUARANTINE_TEST(q2_two_aborts_and_a_command_is_never_decided),
        QUARANTINE_TEST(q2_an_abort_of_another_thread_marks_nothing),
        QUARANTINE_TEST(q2_only_the_batch_that_a_thread_runs_is_marked),
        QUARANTINE_TEST(q3_without_a_key_nothing_is_marked),
        QUARANTINE_TEST(q4_what_commits_well_is_cleared),
        QUARANTINE_TEST(q5_a_suspect_is_not_decided_over_a_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
