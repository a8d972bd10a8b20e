/* jobs_test.c - k1..k4: turns, pauses of what fails, wake-ups, the end; by steps under a clock of the test, and the
 * thread once. */
#include "integration/jobs.h"

#include "integration/bank_test_world.h"
#include "platform/clock.h"

#include <pthread.h>

enum { PERIOD_MS = 1000, WAIT_MS = 20000 };

static int64_t fake_now_ms;
static int64_t fake_now(void) {
    return fake_now_ms;
}

/* A job that says what the test put down, and writes its letter. */
struct script {
    char letter;
    int says[8]; /* what its first portions return; 0 behind the last */
    int portions;
    struct jobs *wakes; /* wakes itself while it runs */
    const char *name;
};
static char written[64];

static int script_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct script *script = ctx;
    assert_non_null(integration);
    assert_non_null(reader->store);
    assert_int_equal(arena->bytes_used, 0);
    assert_non_null(arena_alloc(arena, 100));
    size_t len = strlen(written);
    assert_true(len + 1 < sizeof written);
    written[len] = script->letter;
    written[len + 1] = 0;
    if (script->wakes) jobs_wake(script->wakes, script->name);
    script->wakes = NULL;
    return script->portions < (int)ARRAY_COUNT(script->says) ? script->says[script->portions++] : 0;
}

static int faults_heard;
static void hear_fault(void *ctx, const char *job, int code) {
    assert_null(ctx);
    assert_non_null(job);
    assert_true(code < 0);
    faults_heard++;
}

static int bank_setup(void **state) {
    struct bank *bank = calloc(1, sizeof *bank);
    bank_open(bank, &store_memory_ops, "jobs_test");
    *state = bank;
    faults_heard = 0;
    fake_now_ms = 1000000;
    memset(written, 0, sizeof written);
    return 0;
}
static int bank_teardown(void **state) {
    bank_shut(*state);
    store_memory_forget("jobs_test");
    free(*state);
    return 0;
}

static struct jobs *start(struct bank *bank, struct script *scripts, size_t count) {
    static const char *const names[] = { "first", "second", "third" };
    struct job list[3];
    struct jobs *jobs;
    for (size_t i = 0; i < count; i++) {
        scripts[i].name = names[i];
        list[i] = (struct job){ .name = names[i], .period_ms = PERIOD_MS << i, .run = script_run, .ctx = &scripts[i] };
    }
    struct jobs_options options = { .integration = &bank->integration,
                                    .jobs = list,
                                    .count = count,
                                    .on_fault = hear_fault,
                                    .now_ms = fake_now,
                                    .stepped = true };
    assert_int_equal(jobs_start(&options, &jobs), 0);
    return jobs;
}

/* All that is due at ms from now; what ran is in written. */
static void run_at(struct jobs *jobs, int64_t ms) {
    written[0] = 0;
    fake_now_ms += ms;
    while (jobs_step(jobs)) {
    }
}

static void k1_jobs_take_turns(void **state) {
    struct script scripts[3] = { { .letter = 'a', .says = { 1, 1, 1, 1, 0 } },
                                 { .letter = 'b', .says = { 1, 0 } },
                                 { .letter = 'c' } };
    struct jobs *jobs = start(*state, scripts, 3);
    run_at(jobs, 0);
    assert_string_equal(written, "abcabaaa");
    static const struct {
        int64_t after_ms;
        const char *want;
    } cases[] = { { PERIOD_MS - 1, "" }, { 1, "a" }, { PERIOD_MS, "ba" }, { 2 * PERIOD_MS, "bca" } };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        run_at(jobs, cases[i].after_ms);
        assert_string_equal(written, cases[i].want);
    }
    jobs_stop(jobs);
}

static void k2_what_fails_pauses_longer_each_time(void **state) {
    struct script scripts[2] = { { .letter = 'a', .says = { -EIO, -EIO, -EIO, 0, -EIO, 0 } }, { .letter = 'b' } };
    struct jobs *jobs = start(*state, scripts, 2);
    static const struct {
        const char *name;
        int64_t after_ms;
        const char *want;
        uint64_t in_a_row, all;
    } cases[] = {
        { "fails at once", 0, "ab", 1, 1 },
        { "its period after the first", PERIOD_MS - 1, "", 1, 1 },
        { "fails again", 1, "a", 2, 2 },
        { "twice the period; the other goes on", PERIOD_MS, "b", 2, 2 },
        { "fails the third time", PERIOD_MS, "a", 3, 3 },
        { "four times the period", 4 * PERIOD_MS - 1, "b", 3, 3 },
        { "works", 1, "a", 0, 3 },
        { "fails: the doubling begins anew", PERIOD_MS, "a", 1, 4 },
        { "its period", PERIOD_MS, "ba", 0, 4 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        run_at(jobs, cases[i].after_ms);
        struct job_faults faults = jobs_faults(jobs, "first");
        if (strcmp(written, cases[i].want) != 0 || faults.in_a_row != cases[i].in_a_row || faults.all != cases[i].all)
            fail_msg("%s: %s, %d in a row", cases[i].name, written, (int)faults.in_a_row);
    }
    assert_int_equal(faults_heard, 4);
    assert_int_equal(jobs_faults(jobs, "second").all, 0);
    jobs_stop(jobs);
}

static void k2_the_pause_has_a_limit(void **state) {
    struct script scripts[1] = { { .letter = 'a' } };
    struct jobs *jobs = start(*state, scripts, 1);
    for (int i = 0; i < 100; i++) {
        scripts[0].portions = 0;
        scripts[0].says[0] = -EIO;
        run_at(jobs, JOB_PAUSE_MS_MAX);
        assert_string_equal(written, "a");
    }
    jobs_stop(jobs);
}

static void k3_a_wake_up_counts(void **state) {
    struct script scripts[2] = { { .letter = 'a' }, { .letter = 'b', .says = { 0, 0, -EIO } } };
    struct jobs *jobs = start(*state, scripts, 2);
    run_at(jobs, 0);
    run_at(jobs, 1);
    assert_string_equal(written, "");
    jobs_wake(jobs, "second");
    run_at(jobs, 0);
    assert_string_equal(written, "b");
    scripts[0].wakes = jobs; /* while it runs: again, once */
    jobs_wake(jobs, "first");
    run_at(jobs, 0);
    assert_string_equal(written, "aa");
    jobs_wake(jobs, "second"); /* fails: now its pause stands */
    run_at(jobs, 0);
    jobs_wake(jobs, "second");
    run_at(jobs, 0);
    assert_string_equal(written, "");
    jobs_stop(jobs);
}

/* ---- the thread ---- */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t more;
    int runs;
};

static int waiter_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct waiter *waiter = ctx;
    (void)integration;
    (void)reader;
    (void)arena;
    pthread_mutex_lock(&waiter->lock);
    waiter->runs++;
    pthread_cond_signal(&waiter->more);
    pthread_mutex_unlock(&waiter->lock);
    return 0;
}
static int endless_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    (void)ctx;
    (void)integration;
    (void)reader;
    (void)arena;
    return 1;
}

static void wait_for_runs(struct waiter *waiter, int runs) {
    int64_t until_ms = clock_now_ms() + WAIT_MS;
    struct timespec until = { .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000 };
    pthread_mutex_lock(&waiter->lock);
    int r = 0;
    while (waiter->runs < runs && r == 0) r = pthread_cond_timedwait(&waiter->more, &waiter->lock, &until);
    assert_int_equal(r, 0);
    pthread_mutex_unlock(&waiter->lock);
}

static void k4_the_thread_runs_and_ends(void **state) {
    struct bank *bank = *state;
    struct waiter waiter = { 0 };
    struct jobs *jobs;
    assert_int_equal(pthread_mutex_init(&waiter.lock, NULL) | pthread_cond_init(&waiter.more, NULL), 0);
    const struct job list[] = {
        { .name = "endless", .period_ms = JOB_PERIOD_MS_MAX, .run = endless_run },
        { .name = "rare", .period_ms = JOB_PERIOD_MS_MAX, .run = waiter_run, .ctx = &waiter },
        { .name = "often", .period_ms = 1, .run = waiter_run, .ctx = &waiter },
    };
    struct jobs_options options = { .integration = &bank->integration, .jobs = list + 1, .count = 1 };
    assert_int_equal(jobs_start(&options, &jobs), 0);
    wait_for_runs(&waiter, 1);
    jobs_wake(jobs, "rare"); /* out of its sleep of a day */
    wait_for_runs(&waiter, 2);
    jobs_stop(jobs);
    options.jobs = list; /* one that never ends starves nobody, nor the stop */
    options.count = ARRAY_COUNT(list);
    assert_int_equal(jobs_start(&options, &jobs), 0);
    wait_for_runs(&waiter, 10);
    jobs_stop(jobs);
    int runs = waiter.runs;
    assert_null(jobs_stop(NULL));
    assert_int_equal(waiter.runs, runs);
    pthread_cond_destroy(&waiter.more);
    pthread_mutex_destroy(&waiter.lock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(k1_jobs_take_turns, bank_setup, bank_teardown),
        cmocka_unit_test_setup_teardown(k2_what_fails_pauses_longer_each_time, bank_setup, bank_teardown),
        cmocka_unit_test_setup_teardown(k2_the_pause_has_a_limit, bank_setup, bank_teardown),
        cmocka_unit_test_setup_teardown(k3_a_wake_up_counts, bank_setup, bank_teardown),
        cmocka_unit_test_setup_teardown(k4_the_thread_runs_and_ends, bank_setup, bank_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
