/* quota_test.c - q1 to q3: what a day has left, over restarts and midnights. */
#include "services/identity/quota.h"

#include "engine/engine_test_world.h"

enum { DAY_MS = 86400000 };

struct asked {
    struct quota_ask ask;
    struct quota_grant grant;
    int64_t give_back, end_ms;
};

static int decide_reserve(struct work *work, void *input) {
    struct asked *asked = input;
    return quota_reserve(work, &asked->ask, &asked->grant);
}

static int decide_return(struct work *work, void *input) {
    const struct asked *asked = input;
    return quota_return(work, &asked->ask.key, asked->give_back, asked->end_ms);
}

static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table, &quota_table };

static void world_open(struct test_world *world, const char *name) {
    *world = (struct test_world){
        .options = { .ops = &store_memory_ops, .path = name, .tables = tables, .table_count = ARRAY_COUNT(tables) }
    };
    test_open(world);
}

static struct quota_grant reserve(struct test_world *world, uint8_t subject, int64_t limit, int64_t want_max) {
    struct asked asked = { .ask = { .key = { { subject } }, .limit = limit, .want_max = want_max } };
    assert_int_equal(test_decide(world, decide_reserve, &asked), 0);
    return asked.grant;
}

static void give_back(struct test_world *world, uint8_t subject, int64_t count, int64_t end_ms) {
    struct asked asked = { .ask = { .key = { { subject } } }, .give_back = count, .end_ms = end_ms };
    assert_int_equal(test_decide(world, decide_return, &asked), 0);
}

/* spec: gateway/45 */
static void q1_never_more_than_the_limit(void **state) {
    struct test_world world;
    int64_t all = 0, blocks = 0;
    (void)state;
    world_open(&world, "quota-q1");
    for (;; blocks++) {
        struct quota_grant grant = reserve(&world, 1, 500000, QUOTA_BLOCK_MAX);
        if (!grant.count) break;
        all += grant.count;
        assert_true(grant.count <= QUOTA_BLOCK_MAX && grant.used == all);
        if (blocks % 100 == 0) test_restart(&world); /* a count that was told is there again */
    }
    assert_int_equal(all, 500000);
    assert_in_range(blocks, 500, 800); /* not a commit a request */
    assert_int_equal(reserve(&world, 1, 500000, QUOTA_BLOCK_MAX).count, 0);
    assert_int_equal(reserve(&world, 2, 4, QUOTA_BLOCK_MAX).count, 1); /* another subject; small ones one by one */
    assert_int_equal(reserve(&world, 1, 500001, 1).count, 1);          /* a higher limit holds at once */
    assert_int_equal(reserve(&world, 1, 10, 1).count, 0);              /* and a lower one */
    test_shut(&world);
}

static void q2_a_day_ends_at_midnight_utc(void **state) {
    const int64_t before = test_now_ms, midnight = quota_day_end_ms(before);
    struct test_world world;
    (void)state;
    world_open(&world, "quota-q2");
    assert_int_equal(midnight % DAY_MS, 0);
    assert_true(midnight > before && midnight - before <= DAY_MS);
    test_now_ms = midnight - 1;
    assert_int_equal(reserve(&world, 1, 1, 1).end_ms, midnight);
    assert_int_equal(reserve(&world, 1, 1, 1).count, 0);
    test_now_ms = midnight;
    struct quota_grant grant = reserve(&world, 1, 1, 1);
    assert_int_equal(grant.count, 1);
    assert_int_equal(grant.end_ms, midnight + DAY_MS);
    const struct quota_row row = { .expires_ms = midnight, .used = 3 };
    assert_int_equal(quota_used(&row, midnight - 1), 3);
    assert_int_equal(quota_used(&row, midnight), 0);
    assert_int_equal(quota_used(NULL, midnight), 0);
    test_shut(&world);
    test_now_ms = before;
}

static void q3_what_comes_back(void **state) {
    const int64_t before = test_now_ms;
    struct test_world world;
    (void)state;
    world_open(&world, "quota-q3");
    struct quota_grant grant = reserve(&world, 1, 160, QUOTA_BLOCK_MAX);
    assert_int_equal(grant.count, 10);
    give_back(&world, 1, 7, grant.end_ms);
    assert_int_equal(reserve(&world, 1, 160, 1).used, 4);
    give_back(&world, 1, 5, grant.end_ms); /* more than is there */
    give_back(&world, 2, 1, grant.end_ms); /* of nobody */
    assert_int_equal(reserve(&world, 1, 160, 1).used, 5);
    test_now_ms = grant.end_ms;
    assert_int_equal(reserve(&world, 1, 160, 1).used, 1);
    give_back(&world, 1, 1, grant.end_ms); /* of yesterday: today's count stands */
    assert_int_equal(reserve(&world, 1, 160, 1).used, 2);
    test_shut(&world);
    test_now_ms = before;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q1_never_more_than_the_limit),
        cmocka_unit_test(q2_a_day_ends_at_midnight_utc),
        cmocka_unit_test(q3_what_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
