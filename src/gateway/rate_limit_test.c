/* rate_limit_test.c - r1 to r5 with a clock of the test's own and a store of days beside it. */
#include "gateway/rate_limit.h"

#include "platform/clock.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { DAY_MS = 86400000, SUBJECTS_MAX = 4 };
static const int64_t second_ns = 1000000000;
static const uint8_t acme[16] = { 1 }, beta[16] = { 2 };

/* What identity/quota.c does, for at most SUBJECTS_MAX clients, at the time that the test says. */
struct days {
    struct {
        int64_t used, end_ms;
    } of[SUBJECTS_MAX];
    int64_t now_ms;
    bool away, silent; /* cannot be asked; takes the question and does not answer yet */
    _Atomic int reserves;
    struct rate_ask open; /* with silent */
    struct rate_limit *limits[2];
    int64_t shared_ns, shared_level; /* take_shared's bucket, in millionths */
    bool shared_gone;
};
static struct days days;

static struct rate_grant days_reserve(const struct rate_ask *ask) {
    int64_t end_ms = (days.now_ms / DAY_MS + 1) * DAY_MS, *used = &days.of[ask->client_id[0]].used;
    if (days.of[ask->client_id[0]].end_ms != end_ms) *used = 0;
    days.of[ask->client_id[0]].end_ms = end_ms;
    int64_t left = (int64_t)ask->daily_limit - *used, count = left / 16 > 1 ? left / 16 : left > 0;
    if (count > 1000) count = 1000;
    *used += count;
    return (struct rate_grant){ .decided = true, .count = count, .used = *used, .end_ms = end_ms };
}

static int reserve(void *ctx, const struct rate_ask *ask) {
    struct rate_limit *const *limit = ctx;
    days.reserves++;
    if (days.away) return -EAGAIN;
    days.open = *ask;
    if (days.silent) return 0;
    struct rate_grant grant = days_reserve(ask);
    rate_limit_grant(*limit, ask, &grant);
    return 0;
}

static void give_back(void *ctx, const struct rate_ask *ask) {
    (void)ctx;
    if (days.of[ask->client_id[0]].end_ms == ask->end_ms) days.of[ask->client_id[0]].used -= ask->give_back;
}

/* One bucket for both instances, by the test's clock. */
static int take_shared(void *ctx, const uint8_t client_id[16], const struct rate_tier *tier, int64_t *ret_level,
                       bool *ret_taken) {
    int64_t max = (int64_t)tier->burst * 1000000, now_ns = days.now_ms * 1000000;
    (void)ctx, (void)client_id;
    if (days.shared_gone) return -EAGAIN;
    days.shared_level += (now_ns - days.shared_ns) / 1000 * tier->requests_per_second;
    if (days.shared_level > max) days.shared_level = max;
    days.shared_ns = now_ns;
    *ret_taken = days.shared_level >= 1000000;
    if (*ret_taken) days.shared_level -= 1000000;
    *ret_level = days.shared_level;
    return 0;
}

static struct rate_limit *limit_new_at(size_t node, size_t clients_max, bool shared) {
    struct rate_options options = { .clients_max = clients_max,
                                    .reserve = reserve,
                                    .give_back = give_back,
                                    .take_shared = shared ? take_shared : NULL,
                                    .ctx = &days.limits[node] };
    assert_int_equal(rate_limit_new(&options, &days.limits[node]), 0);
    return days.limits[node];
}

static struct rate_limit *limit_new(void) {
    days = (struct days){ 0 };
    return limit_new_at(0, 4096, false);
}

static struct rate_verdict take(struct rate_limit *limit, const uint8_t id[16], const struct rate_tier *tier,
                                int64_t ns) {
    struct rate_verdict verdict;
    days.now_ms = ns / 1000000;
    rate_limit_take(limit, id, tier, (struct rate_now){ .mono_ns = ns, .wall_ms = ns / 1000000 }, &verdict);
    return verdict;
}

/* As many as pass when asked every step_ns over ten seconds. */
static uint64_t count_passed(const struct rate_tier *tier, int64_t step_ns) {
    struct rate_limit *limit = limit_new();
    uint64_t passed = 0;
    for (int64_t ns = 0; ns <= 10 * second_ns; ns += step_ns)
        passed += take(limit, acme, tier, ns).result == RATE_PASSES;
    (void)rate_limit_free(limit);
    return passed;
}

/* spec: gateway/44 */
static void r1_exact(void **state) {
    static const struct {
        struct rate_tier tier;
        int64_t step_ns;
        uint64_t want;
    } rows[] = {
        { { "flood", 50, 100, 0 }, 100000, 600 }, /* burst and 10 s of rate */
        { { "flood", 200, 500, 0 }, 100000, 2500 },
        { { "flood", 3, 1, 0 }, 1000000, 30 }, /* a bucket of one keeps nothing of what came above it */
        { { "flood", 3, 2, 0 }, 1000000, 32 }, /* a third of a second is no whole number of nanoseconds */
        { { "flood", 7, 2, 0 }, 1000001, 71 },
        { { "as fast as allowed", 50, 1, 0 }, 20000000, 501 },
        { { "slower than allowed", 50, 1, 0 }, 25000000, 401 },
        { { "no rate", 0, 0, 0 }, 1000000, 10001 },
        { { "day first", 50, 100, 40 }, 100000, 40 },
        { { "a long day, in blocks", 0, 0, 9000 }, 1000000, 9000 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(count_passed(&rows[i].tier, rows[i].step_ns), rows[i].want);
}

static void r2_a_refusal_takes_nothing(void **state) {
    const struct rate_tier tier = { "t", 1, 2, 5 };
    struct rate_limit *limit = limit_new();
    (void)state;
    assert_int_equal(take(limit, acme, &tier, 0).burst_left, 1);
    assert_int_equal(take(limit, acme, &tier, 0).burst_left, 0);
    for (int i = 0; i < 100; i++) {
        struct rate_verdict verdict = take(limit, acme, &tier, second_ns / 2);
        assert_int_equal(verdict.result, RATE_TOO_FAST);
        assert_int_equal(verdict.retry_after_s, 1);
        assert_int_equal(verdict.full_in_s, 2);
        assert_int_equal(verdict.day_left, 3);
    }
    assert_int_equal(take(limit, beta, &tier, second_ns / 2).result, RATE_PASSES); /* another client */
    assert_int_equal(take(limit, acme, &tier, second_ns).result, RATE_PASSES);     /* exactly one token */
    assert_int_equal(take(limit, acme, &tier, second_ns).result, RATE_TOO_FAST);
    (void)rate_limit_free(limit);
}

/* spec: gateway/45 */
static void a_day_ends_at_midnight_utc(void **state) {
    const struct rate_tier tier = { "t", 0, 0, 2 };
    struct rate_limit *limit = limit_new();
    const int64_t midnight_ns = 3LL * DAY_MS * 1000000;
    (void)state;
    assert_int_equal(take(limit, acme, &tier, midnight_ns - 2 * second_ns).day_left, 1);
    assert_int_equal(take(limit, acme, &tier, midnight_ns - 2 * second_ns).day_left, 0);
    struct rate_verdict verdict = take(limit, acme, &tier, midnight_ns - second_ns);
    assert_int_equal(verdict.result, RATE_DAY_OVER);
    assert_int_equal(verdict.retry_after_s, 1);
    assert_int_equal(take(limit, acme, &tier, midnight_ns - 1000000).result, RATE_DAY_OVER);
    assert_int_equal(take(limit, acme, &tier, midnight_ns).result, RATE_PASSES);
    struct rate_now back = { .mono_ns = midnight_ns, .wall_ms = midnight_ns / 1000000 - 1000 };
    rate_limit_take(limit, acme, &tier, back, &verdict); /* a clock that goes back gives no new day */
    assert_int_equal(verdict.day_left, 0);
    assert_int_equal(take(limit, acme, &tier, midnight_ns).result, RATE_DAY_OVER);
    (void)rate_limit_free(limit);
}

static void r3_memory_is_fixed(void **state) {
    const struct rate_tier tier = { "t", 1, 1, 0 };
    (void)state;
    days = (struct days){ 0 };
    struct rate_limit *limit = limit_new_at(0, 16, false);
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t id[16] = { 0 };
        memcpy(id, &i, sizeof i);
        assert_int_equal(take(limit, id, &tier, i).result, RATE_PASSES);
    }
    (void)rate_limit_free(limit);
}

/* A process that ends, in order or not, and the next: never more than the quota; in order, all of it. */
/* spec: gateway/45 */
static void r4_a_restart_gives_no_more(void **state) {
    const struct rate_tier tier = { "t", 0, 0, 1000 };
    (void)state;
    for (int killed = 0; killed <= 1; killed++) {
        uint64_t passed = 0, lost_max = killed ? 5 * 2 * 63 : 0; /* two blocks a death, each a sixteenth at most */
        days = (struct days){ 0 };
        for (int life = 0; life < 6; life++) {
            struct rate_limit *limit = limit_new_at(0, 4096, false);
            for (int i = 0; i < (life < 5 ? 100 : 2000); i++)
                passed += take(limit, acme, &tier, second_ns * life + i).result == RATE_PASSES;
            if (!killed) rate_limit_give_back(limit, days.now_ms);
            (void)rate_limit_free(limit);
        }
        assert_true(passed <= 1000 && passed >= 1000 - lost_max);
        if (!killed) assert_int_equal(passed, 1000);
    }
}

/* spec: gateway/46 */
static void r4_two_nodes_share_a_day(void **state) {
    const struct rate_tier tier = { "t", 0, 0, 5000 };
    uint64_t passed = 0;
    (void)state;
    days = (struct days){ 0 };
    struct rate_limit *one = limit_new_at(0, 4096, false), *two = limit_new_at(1, 4096, false);
    for (int i = 0; i < 20000; i++) passed += take(i % 3 ? one : two, acme, &tier, second_ns + i).result == RATE_PASSES;
    assert_true(passed > 5000 * 99 / 100 && passed <= 5000);
    (void)rate_limit_free(one);
    (void)rate_limit_free(two);
}

static void r4_a_day_that_cannot_be_had(void **state) {
    const struct rate_tier tier = { "t", 0, 0, 100 }, none = { "t", 0, 0, 0 };
    struct rate_limit *limit = limit_new();
    (void)state;
    days.away = true;
    assert_int_equal(take(limit, acme, &tier, 1).result, RATE_DAY_UNKNOWN);
    assert_int_equal(take(limit, acme, &none, 1).result, RATE_PASSES); /* without a quota nothing is asked for */
    days.away = false;
    assert_int_equal(take(limit, acme, &tier, 2).result, RATE_PASSES);
    days.away = true; /* what was reserved still serves, and the next block is asked for again and again */
    for (int i = 0; i < 4; i++) assert_int_equal(take(limit, acme, &tier, 3).result, RATE_PASSES);
    assert_true(days.reserves > 3);
    (void)rate_limit_free(limit);
}

static void a_changed_quota_holds_at_once(void **state) {
    struct rate_tier tier = { "t", 0, 0, 10 };
    struct rate_limit *limit = limit_new();
    (void)state;
    for (int i = 0; i < 10; i++) assert_int_equal(take(limit, acme, &tier, i).result, RATE_PASSES);
    assert_int_equal(take(limit, acme, &tier, 20).result, RATE_DAY_OVER);
    tier.daily_limit = 12;
    assert_int_equal(take(limit, acme, &tier, 21).result, RATE_PASSES);
    tier.daily_limit = 5;
    assert_int_equal(take(limit, acme, &tier, 22).result, RATE_DAY_OVER);
    tier.daily_limit = 12;
    assert_int_equal(take(limit, acme, &tier, 23).result, RATE_PASSES);
    assert_int_equal(take(limit, acme, &tier, 24).result, RATE_DAY_OVER);
    days.of[1].used = 11; /* another node gave one back: found out after a while */
    assert_int_equal(take(limit, acme, &tier, 11 * second_ns).result, RATE_PASSES);
    (void)rate_limit_free(limit);
}

/* ---- a request that waits for its day ---- */

static void *take_later(void *argument) {
    const struct rate_tier tier = { "t", 0, 0, 100 };
    struct rate_verdict *verdict = argument;
    rate_limit_take(days.limits[0], acme, &tier, (struct rate_now){ .mono_ns = 1, .wall_ms = 1 }, verdict);
    return NULL;
}

static void the_first_of_a_day_waits_for_it(void **state) {
    struct rate_limit *limit = limit_new();
    struct rate_verdict verdicts[4];
    pthread_t threads[4];
    (void)state;
    days.silent = true;
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, take_later, &verdicts[i]), 0);
    struct rate_ask ask = { .client_id = { 1 }, .daily_limit = 100 };
    struct rate_grant grant = days_reserve(&ask);
    while (days.reserves == 0) (void)sched_yield(); /* one asks for all */
    rate_limit_grant(limit, &ask, &grant);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(verdicts[i].result, RATE_PASSES);
    }
    (void)rate_limit_free(limit);
}

/* One request is kept waiting for an answer that does not come; the next ones are not, and ask no more. */
static void a_late_answer_holds_up_nobody_else(void **state) {
    const struct rate_tier tier = { "t", 0, 0, 100 };
    const int64_t later_ns = (RATE_RESERVE_WAIT_MS + 1) * INT64_C(1000000);
    struct rate_limit *limit = limit_new();
    (void)state;
    days.silent = true;
    assert_int_equal(take(limit, acme, &tier, 0).result, RATE_DAY_UNKNOWN);
    int64_t began_ms = clock_mono_ms();
    for (int i = 0; i < 100; i++) assert_int_equal(take(limit, acme, &tier, later_ns).result, RATE_DAY_UNKNOWN);
    assert_true(clock_mono_ms() - began_ms < RATE_RESERVE_WAIT_MS);
    assert_int_equal(days.reserves, 1);
    struct rate_grant grant = days_reserve(&days.open);
    rate_limit_grant(limit, &days.open, &grant);
    assert_int_equal(take(limit, acme, &tier, later_ns).result, RATE_PASSES);
    (void)rate_limit_free(limit);
}

/* An IO thread does not wait: it hears so, nothing is asked for or taken, and a worker is told the rest. */
static void who_asks_at_once_never_waits(void **state) {
    const struct rate_tier tier = { "t", 0, 0, 3 }, none = { "t", 5, 1, 0 };
    const struct rate_now at_once = { .mono_ns = 1, .wall_ms = 1, .at_once = true };
    struct rate_limit *limit = limit_new();
    struct rate_verdict verdict;
    (void)state;
    rate_limit_take(limit, acme, &tier, at_once, &verdict);
    assert_int_equal(verdict.result, RATE_WOULD_WAIT);
    assert_int_equal(days.reserves, 0);
    assert_int_equal(take(limit, acme, &tier, 1).day_left, 2); /* it took none */
    rate_limit_take(limit, acme, &tier, at_once, &verdict);    /* now a block is there */
    assert_int_equal(verdict.result, RATE_PASSES);
    assert_int_equal(verdict.day_left, 1);
    assert_int_equal(take(limit, acme, &tier, 1).result, RATE_PASSES);
    assert_int_equal(take(limit, acme, &tier, 1).result, RATE_DAY_OVER);
    rate_limit_take(limit, acme, &tier, at_once, &verdict); /* what is known is said at once */
    assert_int_equal(verdict.result, RATE_DAY_OVER);
    rate_limit_take(limit, beta, &none, at_once, &verdict); /* no day, no shared bucket: nothing to wait for */
    assert_int_equal(verdict.result, RATE_PASSES);
    rate_limit_take(limit, beta, &none, at_once, &verdict);
    assert_int_equal(verdict.result, RATE_TOO_FAST);
    (void)rate_limit_free(limit);
}

static void a_shared_bucket_is_not_asked_at_once(void **state) {
    const struct rate_tier tier = { "t", 1, 1, 0 };
    struct rate_verdict verdict;
    (void)state;
    days = (struct days){ .shared_level = 1000000 };
    struct rate_limit *limit = limit_new_at(0, 4096, true);
    rate_limit_take(limit, acme, &tier, (struct rate_now){ .at_once = true }, &verdict);
    assert_int_equal(verdict.result, RATE_WOULD_WAIT);
    assert_int_equal(take(limit, acme, &tier, 0).result, RATE_PASSES); /* it is still there */
    (void)rate_limit_free(limit);
}

/* ---- r5 ---- */

/* spec: gateway/46 */
static void r5_two_nodes_share_a_bucket(void **state) {
    const struct rate_tier tier = { "t", 50, 100, 0 };
    uint64_t passed = 0;
    (void)state;
    days = (struct days){ .shared_level = 100 * 1000000 };
    struct rate_limit *nodes[] = { limit_new_at(0, 4096, true), limit_new_at(1, 4096, true) };
    for (int64_t ns = 0; ns <= 10 * second_ns; ns += 1000000)
        passed += take(nodes[ns / 1000000 % 2], acme, &tier, ns).result == RATE_PASSES;
    assert_int_equal(passed, 600);
    days.shared_gone = true; /* each goes on from the level it last heard of, with the whole rate */
    uint64_t alone = 0;
    for (int64_t ns = 10 * second_ns; ns <= 20 * second_ns; ns += 1000000)
        alone += take(nodes[0], acme, &tier, ns).result == RATE_PASSES;
    assert_in_range(alone, 499, 501);
    for (size_t i = 0; i < 2; i++) (void)rate_limit_free(nodes[i]);
}

static void r5_a_shared_refusal_takes_no_day(void **state) {
    const struct rate_tier tier = { "t", 1, 1, 10 };
    (void)state;
    days = (struct days){ .shared_level = 1000000 };
    struct rate_limit *limit = limit_new_at(0, 4096, true);
    assert_int_equal(take(limit, acme, &tier, 0).day_left, 9);
    for (int i = 0; i < 50; i++) {
        struct rate_verdict verdict = take(limit, acme, &tier, second_ns / 2);
        assert_int_equal(verdict.result, RATE_TOO_FAST);
        assert_int_equal(verdict.day_left, 9);
        assert_int_equal(verdict.retry_after_s, 1);
    }
    (void)rate_limit_free(limit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_exact),
        cmocka_unit_test(r2_a_refusal_takes_nothing),
        cmocka_unit_test(a_day_ends_at_midnight_utc),
        cmocka_unit_test(r3_memory_is_fixed),
        cmocka_unit_test(r4_a_restart_gives_no_more),
        cmocka_unit_test(r4_two_nodes_share_a_day),
        cmocka_unit_test(r4_a_day_that_cannot_be_had),
        cmocka_unit_test(a_changed_quota_holds_at_once),
        cmocka_unit_test(the_first_of_a_day_waits_for_it),
        cmocka_unit_test(a_late_answer_holds_up_nobody_else),
        cmocka_unit_test(who_asks_at_once_never_waits),
        cmocka_unit_test(a_shared_bucket_is_not_asked_at_once),
        cmocka_unit_test(r5_two_nodes_share_a_bucket),
        cmocka_unit_test(r5_a_shared_refusal_takes_no_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
