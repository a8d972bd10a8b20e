#include "integration/saga/saga_run.h"

#include "integration/saga/saga_test_tasks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { NEED = 1 << 20, TRACE_BYTES_MAX = 4096 };

/* One saga under test: definition, state, script of its tasks, and the notes as text. */
struct world {
    struct saga_def *def;
    struct saga_state saga;
    struct script script;
    struct saga_env env;
    struct saga_step step;
    char trace_text[TRACE_BYTES_MAX];
    struct buffer trace;
};

static void world_note(void *ctx, const struct saga_note *note) {
    struct world *world = ctx;
    if (note->kind == SAGA_NOTE_STATE_ENTERED) buffer_printf(&world->trace, STR_FMT " ", STR_ARG(note->state_name));
    if (note->kind == SAGA_NOTE_CAUGHT) buffer_printf(&world->trace, "(" STR_FMT ") ", STR_ARG(note->error));
    if (note->kind == SAGA_NOTE_RETRY)
        buffer_printf(&world->trace, "+%lld ", (long long)(note->wake_at_ms - note->at_ms));
}

static void world_open(struct world *world, const char *text) {
    struct message message = { "" };
    memset(world, 0, sizeof *world);
    int r = saga_def_compile(str_from_c(text), &test_registry, &world->def, &message);
    if (r) fail_msg("%s: %s", message.text, text);
    world->env = (struct saga_env){ .now_ms = 1000, .ctx = &world->script, .note = world_note, .note_ctx = world };
    buffer_init(&world->trace, world->trace_text, sizeof world->trace_text);
    saga_start(world->def, &world->saga, 1000);
}

static void world_close(struct world *world) {
    world->def = saga_def_free(world->def);
}

static void put(struct world *world, const char *name, struct saga_value value) {
    assert_int_equal(saga_put(world->def, &world->saga, str_from_c(name), &value), 0);
}

static enum saga_step_kind advance(struct world *world) {
    assert_int_equal(saga_advance(world->def, &world->saga, &world->env, &world->step), 0);
    return world->step.kind;
}

/* Goes on over waits and retries; leaves the clock where it then is. */
static enum saga_step_kind run_on(struct world *world) {
    enum saga_step_kind kind = advance(world);
    while (kind == SAGA_STEP_WAITS || kind == SAGA_STEP_CONTINUES) {
        if (kind == SAGA_STEP_WAITS) world->env.now_ms = world->step.wake_at_ms;
        kind = advance(world);
    }
    return kind;
}

static void assert_value(struct world *world, const char *name, struct saga_value wanted) {
    struct saga_value value = saga_get(world->def, &world->saga, str_from_c(name));
    if (value.type != wanted.type || (wanted.type == SAGA_STRING && !str_equal(value.text, wanted.text)) ||
        (wanted.type != SAGA_STRING && value.number != wanted.number))
        fail_msg("%s is of type %d, number %lld, text " STR_FMT, name, value.type, (long long)value.number,
                 STR_ARG(value.text));
}

static void assert_trace(struct world *world, const char *wanted) {
    struct str trace = buffer_str(&world->trace);
    if (!str_equal_c(trace, wanted)) fail_msg("trace is \"" STR_FMT "\", not \"%s\"", STR_ARG(trace), wanted);
}

static void payment_open(struct world *world) {
    size_t len = 0;
    char *text = test_read_file("sagas/payment.asl.json", &len);
    assert_non_null(text);
    text[len] = 0;
    world_open(world, text);
    free(text);
}

/* ---- the payment saga */
static void payment_on_us_runs_in_one_call(void **state) {
    (void)state;
    static struct world world;
    payment_open(&world);
    put(&world, "payment.on_us", saga_bool(true));
    assert_int_equal(advance(&world), SAGA_STEP_SUCCEEDED);
    assert_trace(&world, "FraudCheck AmlCheck HoldBalance IsOnUs BookTransfer PaymentSucceeded ");
    assert_int_equal(world.script.runs, 4);
    world_close(&world);
}

static void payment_through_the_core_waits_for_it(void **state) {
    (void)state;
    static struct world world;
    payment_open(&world);
    put(&world, "payment.on_us", saga_bool(false));
    assert_int_equal(advance(&world), SAGA_STEP_STARTS_TASK);
    assert_string_equal(world.step.task->name, "giro:core:execute");
    assert_int_equal(world.step.wake_at_ms, 1000 + 10000);
    assert_int_equal(world.step.attempt, 1);
    assert_int_equal(advance(&world), SAGA_STEP_AWAITS_TASK); /* after a restart */
    world.env.now_ms = 60000;
    assert_int_equal(saga_timed_out(world.def, &world.saga, &world.env), SAGA_E_ENQUIRE); /* S3 */
    assert_int_equal(world.saga.status, SAGA_TASK_OPEN);
    assert_int_equal(saga_task_succeeded(world.def, &world.saga, &world.env, NULL, 0), 0);
    assert_int_equal(advance(&world), SAGA_STEP_SUCCEEDED);
    assert_int_equal(advance(&world), SAGA_STEP_SUCCEEDED); /* an end stays */
    assert_int_equal(saga_task_succeeded(world.def, &world.saga, &world.env, NULL, 0), SAGA_E_NOT_OPEN);
    assert_int_equal(saga_task_failed(world.def, &world.saga, &world.env, STR("CoreRefused"), STR("")),
                     SAGA_E_NOT_OPEN);
    assert_int_equal(saga_timed_out(world.def, &world.saga, &world.env), SAGA_E_NOT_OPEN);
    world_close(&world);
}

struct refusal_case {
    const char *task, *error;
    const char *failure; /* $.failure.Error at the end */
    const char *trace;
};
static const struct refusal_case refusals[] = {
    { "giro:fraud:check", "FraudDetected", "FraudDetected", "FraudCheck (FraudDetected) RejectPayment " },
    { "giro:fraud:check", "Deadline", "Deadline", "FraudCheck (Deadline) RejectPayment " },
    { "giro:aml:check", "AmlFlagged", "AmlFlagged", "FraudCheck AmlCheck (AmlFlagged) RejectPayment " },
    { "giro:ledger:hold", "InsufficientFunds", "InsufficientFunds",
      "FraudCheck AmlCheck HoldBalance (InsufficientFunds) RejectPayment " },
    { "giro:ledger:hold", "AccountBlocked", "AccountBlocked",
      "FraudCheck AmlCheck HoldBalance (AccountBlocked) RejectPayment " },
    { "giro:ledger:book", "AccountBlocked", "AccountBlocked",
      "FraudCheck AmlCheck HoldBalance IsOnUs BookTransfer (AccountBlocked) ReleaseHold RejectPayment " },
};

static void payment_refusals_keep_their_reason(void **state) {
    (void)state;
    static struct world world;
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        payment_open(&world);
        world.script.answers[0] = (struct answer){ .task = refusals[i].task, .error = refusals[i].error };
        put(&world, "payment.on_us", saga_bool(true));
        assert_int_equal(run_on(&world), SAGA_STEP_FAILED);
        assert_trace(&world, refusals[i].trace);
        assert_value(&world, "failure.Error", saga_string(str_from_c(refusals[i].failure)));
        assert_value(&world, "failure.Cause", saga_string(STR("scripted")));
        assert_value(&world, "payment.on_us", saga_bool(true));
        assert_true(str_equal_c(world.step.error, "PaymentRejected"));
        world_close(&world);
    }
}

/* A check that gives no verdict is asked once more, then the payment is refused. */
static void payment_checks_fail_closed(void **state) {
    (void)state;
    static struct world world;
    payment_open(&world);
    for (size_t i = 0; i < 2; i++)
        world.script.answers[i] = (struct answer){ .task = "giro:aml:check", .error = "CheckUnavailable" };
    assert_int_equal(run_on(&world), SAGA_STEP_FAILED);
    assert_trace(&world, "FraudCheck AmlCheck +1000 (CheckUnavailable) RejectPayment ");
    assert_value(&world, "failure.Error", saga_string(STR("CheckUnavailable")));
    world_close(&world);

    payment_open(&world); /* pooled: not at hand, started outside, its time is up twice */
    for (size_t i = 0; i < 2; i++) world.script.answers[i] = (struct answer){ .task = "giro:aml:check", .defer = true };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_on(&world), SAGA_STEP_STARTS_TASK);
        assert_int_equal(world.step.attempt, i + 1);
        assert_int_equal(saga_timed_out(world.def, &world.saga, &world.env), SAGA_E_EARLY);
        world.env.now_ms = world.step.wake_at_ms;
        assert_int_equal(saga_timed_out(world.def, &world.saga, &world.env), 0); /* A62 */
    }
    assert_int_equal(run_on(&world), SAGA_STEP_FAILED);
    assert_trace(&world, "FraudCheck AmlCheck +1000 (States.Timeout) RejectPayment ");
    assert_value(&world, "failure.Error", saga_string(STR("States.Timeout")));
    world_close(&world);
}

static void payment_refused_by_the_core_releases_the_hold(void **state) {
    (void)state;
    static struct world world;
    payment_open(&world);
    assert_int_equal(advance(&world), SAGA_STEP_STARTS_TASK); /* on_us is absent: through the core */
    assert_int_equal(saga_task_failed(world.def, &world.saga, &world.env, STR("Nonsense"), STR("")),
                     SAGA_E_ERROR_NAME); /* T2 */
    assert_int_equal(saga_task_failed(world.def, &world.saga, &world.env, STR("States.Timeout"), STR("")),
                     SAGA_E_ERROR_NAME);
    assert_int_equal(saga_task_failed(world.def, &world.saga, &world.env, STR("CoreRefused"), STR("\xff")),
                     SAGA_E_VALUE);
    assert_int_equal(saga_task_failed(world.def, &world.saga, &world.env, STR("CoreRefused"), STR("code 12")), 0);
    assert_int_equal(advance(&world), SAGA_STEP_FAILED);
    assert_trace(&world,
                 "FraudCheck AmlCheck HoldBalance IsOnUs ExecutePayment (CoreRefused) ReleaseHold RejectPayment ");
    assert_value(&world, "failure.Error", saga_string(STR("CoreRefused")));
    assert_value(&world, "failure.Cause", saga_string(STR("code 12")));
    world_close(&world);
}

/* ---- S1 */
static void what_a_task_returns_passes_through(void **state) {
    (void)state;
    static const int codes[] = { NEED, 7, -EIO };
    static struct world world;
    static struct saga_state before;
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        char text[2][8 * 1024];
        struct buffer bytes[2];
        payment_open(&world);
        put(&world, "payment.on_us", saga_bool(true));
        saga_state_copy(world.def, &before, &world.saga);
        world.script.answers[0] = (struct answer){ .task = "giro:ledger:hold", .code = codes[i] };
        assert_int_equal(saga_advance(world.def, &world.saga, &world.env, &world.step), codes[i]);
        for (size_t k = 0; k < 2; k++) {
            buffer_init(&bytes[k], text[k], sizeof text[k]);
            saga_state_write(world.def, k ? &world.saga : &before, &bytes[k]);
        }
        assert_true(str_equal(buffer_str(&bytes[0]), buffer_str(&bytes[1])));
        world.script.answers[0].code = 0; /* the row is there now: again from the first line */
        assert_int_equal(advance(&world), SAGA_STEP_SUCCEEDED);
        world_close(&world);
    }
}

static void errors_that_a_task_does_not_list_are_faults(void **state) {
    (void)state;
    static struct world world;
    payment_open(&world);
    world.script.answers[0] = (struct answer){ .task = "giro:fraud:check", .error = "Surprise" };
    assert_int_equal(saga_advance(world.def, &world.saga, &world.env, &world.step), -EPROTO); /* T2 */
    assert_int_equal(world.saga.status, SAGA_NEW);
    world_close(&world);
}

/* ---- S2 */
static void a_call_makes_64_transitions_at_most(void **state) {
    (void)state;
    static struct world world;
    world_open(
        &world,
        "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"giro:test:echo\",\"ResultPath\":null,"
        "\"Catch\":[{\"ErrorEquals\":[\"ErrorA\"],\"Next\":\"Z\"}],\"Next\":\"A\"},\"Z\":{\"Type\":\"Succeed\"}}}");
    assert_int_equal(advance(&world), SAGA_STEP_CONTINUES);
    assert_int_equal(world.script.runs, SAGA_INLINE_STEPS_MAX);
    world.script.answers[0] = (struct answer){ .task = "giro:test:echo", .error = "ErrorA" };
    assert_int_equal(advance(&world), SAGA_STEP_SUCCEEDED);
    assert_int_equal(world.script.runs, SAGA_INLINE_STEPS_MAX + 1);
    world_close(&world);
}

/* ---- Retry and Catch */
#define OUTSIDE(retry)                                                                                                 \
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"giro:test:outside\",\"TimeoutSeconds\":5," \
    "\"Retry\":[" retry "],\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"Z\"}],\"Next\":\"Z\"},"             \
    "\"Z\":{\"Type\":\"Succeed\"}}}"

struct retry_case {
    const char *rule, *retry;
    const char *errors; /* one letter an attempt: A, B, C, T = States.Timeout */
    const char *trace;
};
static const struct retry_case retries[] = {
    { "A56",
      "{\"ErrorEquals\":[\"ErrorA\",\"ErrorB\"],\"IntervalSeconds\":1,\"BackoffRate\":2.0,\"MaxAttempts\":2},"
      "{\"ErrorEquals\":[\"ErrorC\"],\"IntervalSeconds\":5}",
      "ABCB", "A +1000 +2000 +5000 (ErrorB) Z " },
    { "A55", "{\"ErrorEquals\":[\"ErrorA\"],\"MaxAttempts\":1},{\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":5}",
      "AA", "A +1000 (ErrorA) Z " },
    { "A55", "{\"ErrorEquals\":[\"ErrorA\"],\"MaxAttempts\":1},{\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":1}",
      "ABB", "A +1000 +1000 (ErrorB) Z " },
    { "A55", "{\"ErrorEquals\":[\"States.TaskFailed\"],\"MaxAttempts\":1}", "T", "A (States.Timeout) Z " },
    { "A55", "{\"ErrorEquals\":[\"States.TaskFailed\"],\"MaxAttempts\":1}", "AA", "A +1000 (ErrorA) Z " },
    { "A57", "{\"ErrorEquals\":[\"ErrorA\"]}", "AAAA", "A +1000 +2000 +4000 (ErrorA) Z " },
    { "A57", "{\"ErrorEquals\":[\"ErrorA\"],\"MaxAttempts\":0}", "A", "A (ErrorA) Z " },
    { "A57", "{\"ErrorEquals\":[\"ErrorA\"],\"IntervalSeconds\":3,\"BackoffRate\":1.5,\"MaxAttempts\":3}", "AAAA",
      "A +3000 +4500 +6750 (ErrorA) Z " },
    { "A57", "{\"ErrorEquals\":[\"ErrorA\"],\"IntervalSeconds\":3,\"MaxDelaySeconds\":10,\"MaxAttempts\":4}", "AAAAA",
      "A +3000 +6000 +10000 +10000 (ErrorA) Z " },
    { "A62", "{\"ErrorEquals\":[\"States.Timeout\"],\"MaxAttempts\":1}", "TT", "A +1000 (States.Timeout) Z " },
    { "no", "{\"ErrorEquals\":[\"ErrorB\"],\"MaxAttempts\":1}", "A", "A (ErrorA) Z " },
};

static void fail_attempt(struct world *world, char letter) {
    char error[] = "Error?";
    error[5] = letter;
    if (letter == 'T') {
        world->env.now_ms = world->step.wake_at_ms;
        assert_int_equal(saga_timed_out(world->def, &world->saga, &world->env), 0);
    } else {
        assert_int_equal(saga_task_failed(world->def, &world->saga, &world->env, str_from_c(error), STR("")), 0);
    }
}

static void retriers_follow_the_rules(void **state) {
    (void)state;
    static struct world world;
    for (size_t i = 0; i < ARRAY_COUNT(retries); i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, OUTSIDE("%s"), retries[i].retry);
        world_open(&world, text);
        for (const char *letter = retries[i].errors; *letter; letter++) {
            assert_int_equal(run_on(&world), SAGA_STEP_STARTS_TASK);
            assert_int_equal(world.step.attempt, letter - retries[i].errors + 1);
            fail_attempt(&world, *letter);
        }
        assert_int_equal(run_on(&world), SAGA_STEP_SUCCEEDED);
        assert_trace(&world, retries[i].trace);
        world_close(&world);
    }
}

/* A retry waits for its time; counters start anew in the next visit (A56). */
static void retries_wait_and_are_counted_by_visit(void **state) {
    (void)state;
    static struct world world;
    world_open(
        &world,
        "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"giro:test:echo\",\"ResultPath\":null,"
        "\"Retry\":[{\"ErrorEquals\":[\"ErrorA\"],\"MaxAttempts\":1}],"
        "\"Catch\":[{\"ErrorEquals\":[\"ErrorA\"],\"Next\":\"A\"}],\"End\":true}}}");
    for (size_t i = 0; i < 3; i++)
        world.script.answers[i] = (struct answer){ .task = "giro:test:echo", .error = "ErrorA" };
    assert_int_equal(advance(&world), SAGA_STEP_WAITS);
    assert_int_equal(world.step.wake_at_ms, 2000);
    world.env.now_ms = 1999;
    assert_int_equal(advance(&world), SAGA_STEP_WAITS);
    assert_int_equal(world.script.runs, 1);
    assert_int_equal(run_on(&world), SAGA_STEP_SUCCEEDED);
    assert_trace(&world, "A +1000 (ErrorA) A +1000 ");
    world_close(&world);
}

static void retried_for_ever_means_that(void **state) {
    (void)state;
    static struct world world;
    world_open(&world, OUTSIDE("{\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":99999999,\"MaxDelaySeconds\":60}"));
    world.env.note = NULL;
    assert_int_equal(advance(&world), SAGA_STEP_STARTS_TASK);
    world.saga.attempts[0] = UINT32_MAX - 1;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run_on(&world), i ? SAGA_STEP_STARTS_TASK : SAGA_STEP_AWAITS_TASK);
        int64_t now_ms = world.env.now_ms;
        fail_attempt(&world, 'A');
        assert_int_equal(world.saga.status, SAGA_RETRYING);
        assert_int_equal(world.saga.wake_at_ms, now_ms + 60000);
    }
    world_close(&world);
}

/* A58: FULL draws from 0 to the delay. */
static void jitter_is_between_nothing_and_the_delay(void **state) {
    (void)state;
    static struct world world;
    static const struct {
        uint64_t random;
        int64_t delay_ms;
    } rows[] = { { 0, 0 }, { 4000, 4000 }, { 4001, 0 }, { UINT64_MAX, (int64_t)(UINT64_MAX % 4001) } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        world_open(&world, OUTSIDE("{\"ErrorEquals\":[\"ErrorA\"],\"IntervalSeconds\":4,\"JitterStrategy\":\"FULL\"}"));
        world.env.random = rows[i].random;
        assert_int_equal(advance(&world), SAGA_STEP_STARTS_TASK);
        fail_attempt(&world, 'A');
        assert_int_equal(world.saga.wake_at_ms, 1000 + rows[i].delay_ms);
        world_close(&world);
    }
}

/* ---- Wait: A51 to A54 */
struct wait_case {
    const char *rule, *wait;
    struct saga_value value;
    int64_t wake_at_ms; /* 0: at once; -1: States.Runtime */
};
static const struct wait_case waits[] = {
    { "A51", "\"Seconds\":10", { .type = SAGA_ABSENT }, 11000 },
    { "A51", "\"Seconds\":0", { .type = SAGA_ABSENT }, 0 },
    { "A51", "\"SecondsPath\":\"$.t\"", { .type = SAGA_I64, .number = 7 }, 8000 },
    { "A52", "\"SecondsPath\":\"$.t\"", { .type = SAGA_ABSENT }, -1 },
    { "A52", "\"SecondsPath\":\"$.t\"", { .type = SAGA_I64, .number = -1 }, -1 },
    { "A52", "\"SecondsPath\":\"$.t\"", { .type = SAGA_I64, .number = INT64_MAX }, -1 },
    { "A52", "\"SecondsPath\":\"$.t\"", { .type = SAGA_STRING, .text = STR_INIT("1.5") }, -1 },
    { "A51", "\"Timestamp\":\"1970-01-01T00:00:05Z\"", { .type = SAGA_ABSENT }, 5000 },
    { "A53", "\"Timestamp\":\"1970-01-01T00:00:01Z\"", { .type = SAGA_ABSENT }, 0 },
    { "A51",
      "\"TimestampPath\":\"$.t\"",
      { .type = SAGA_STRING, .text = STR_INIT("1970-01-01T01:00:05+01:00") },
      5000 },
    { "A53", "\"TimestampPath\":\"$.t\"", { .type = SAGA_STRING, .text = STR_INIT("1970-01-01T00:00:00Z") }, 0 },
    { "A54", "\"TimestampPath\":\"$.t\"", { .type = SAGA_STRING, .text = STR_INIT("1970-13-01T00:00:00Z") }, -1 },
    { "A54", "\"TimestampPath\":\"$.t\"", { .type = SAGA_STRING, .text = STR_INIT("1970-01-01T25:00:00Z") }, -1 },
    { "A54", "\"TimestampPath\":\"$.t\"", { .type = SAGA_STRING, .text = STR_INIT("1970-01-01T00:00:00") }, -1 },
    { "A54", "\"TimestampPath\":\"$.t\"", { .type = SAGA_STRING, .text = STR_INIT("1970-01-01 00:00:00Z") }, -1 },
    { "A54", "\"TimestampPath\":\"$.t\"", { .type = SAGA_STRING, .text = STR_INIT("01-01-1970T00:00:00Z") }, -1 },
    { "A54", "\"TimestampPath\":\"$.t\"", { .type = SAGA_I64, .number = 5 }, -1 },
};

static void waits_end_in_time(void **state) {
    (void)state;
    static struct world world;
    for (size_t i = 0; i < ARRAY_COUNT(waits); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Wait\",%s,\"End\":true}}}",
                       waits[i].wait);
        world_open(&world, text);
        put(&world, "t", waits[i].value);
        enum saga_step_kind kind = advance(&world);
        if (waits[i].wake_at_ms > 0) {
            assert_int_equal(kind, SAGA_STEP_WAITS);
            assert_int_equal(world.step.wake_at_ms, waits[i].wake_at_ms);
            world.env.now_ms = waits[i].wake_at_ms - 1;
            assert_int_equal(advance(&world), SAGA_STEP_WAITS);
            world.env.now_ms++;
            kind = advance(&world);
        }
        assert_int_equal(kind, waits[i].wake_at_ms < 0 ? SAGA_STEP_FAILED : SAGA_STEP_SUCCEEDED);
        if (kind == SAGA_STEP_FAILED) assert_true(str_equal_c(world.step.error, "States.Runtime"));
        world_close(&world);
    }
}

/* ---- time limits */
static void the_sagas_own_limit_ends_it(void **state) {
    (void)state;
    static struct world world;
    world_open(
        &world,
        "{\"StartAt\":\"A\",\"TimeoutSeconds\":5,\"States\":{\"A\":{\"Type\":\"Wait\",\"Seconds\":10,\"End\":true}}}");
    assert_int_equal(advance(&world), SAGA_STEP_WAITS);
    world.env.now_ms = 5999;
    assert_int_equal(advance(&world), SAGA_STEP_WAITS);
    world.env.now_ms = 6000;
    assert_int_equal(advance(&world), SAGA_STEP_FAILED); /* A8 */
    assert_true(str_equal_c(world.step.error, "States.Timeout"));
    world_close(&world);

    world_open(&world, "{\"StartAt\":\"A\",\"TimeoutSeconds\":5,\"States\":{\"A\":{\"Type\":\"Task\","
                       "\"Resource\":\"giro:core:execute\",\"TimeoutSeconds\":1,\"End\":true}}}");
    assert_int_equal(advance(&world), SAGA_STEP_STARTS_TASK);
    world.env.now_ms = 100000;
    assert_int_equal(advance(&world), SAGA_STEP_AWAITS_TASK); /* S3 */
    world_close(&world);
}

/* The specification says 60 s where a Task names no limit, AWS 99,999,999 s: this is the spec dialect. */
static void tasks_outside_have_60_seconds_by_default(void **state) {
    (void)state;
    static struct world world;
    world_open(
        &world,
        "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"giro:test:outside\",\"End\":true}}}");
    assert_int_equal(advance(&world), SAGA_STEP_STARTS_TASK);
    assert_int_equal(world.step.wake_at_ms, 61000);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payment_on_us_runs_in_one_call),
        cmocka_unit_test(payment_through_the_core_waits_for_it),
        cmocka_unit_test(payment_refusals_keep_their_reason),
        cmocka_unit_test(payment_checks_fail_closed),
        cmocka_unit_test(payment_refused_by_the_core_releases_the_hold),
        cmocka_unit_test(what_a_task_returns_passes_through),
        cmocka_unit_test(errors_that_a_task_does_not_list_are_faults),
        cmocka_unit_test(a_call_makes_64_transitions_at_most),
        cmocka_unit_test(retriers_follow_the_rules),
        cmocka_unit_test(retries_wait_and_are_counted_by_visit),
        cmocka_unit_test(retried_for_ever_means_that),
        cmocka_unit_test(jitter_is_between_nothing_and_the_delay),
        cmocka_unit_test(waits_end_in_time),
        cmocka_unit_test(the_sagas_own_limit_ends_it),
        cmocka_unit_test(tasks_outside_have_60_seconds_by_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
