/* rate_shared_test.c - s1, s3: two nodes on one real Redis, which is then killed under load. */
#include "gateway/rate_shared.h"

#include <pthread.h>
#include <stdatomic.h>

#include "platform/redis.h"
#include "platform/redis_test_server.h"

enum { NODES = 2, THREADS_A_NODE = 2, TIMEOUT_MS = 200 };
static const uint8_t acme[16] = { 0xab, 1 };
static const struct rate_tier tier = { "t", 200, 100, 0 };
/* So low that four threads ask for more than it allows on a machine that is busy with other tests, too. */
static const struct rate_tier slow_tier = { "slow", 50, 25, 0 };

struct node {
    struct rate_shared *shared;
    struct rate_limit *limit;
    _Atomic uint64_t passed, asked;
    _Atomic uint64_t passed_shared, alone; /* by the shared bucket; asked when it could not be had */
    _Atomic uint64_t full;                 /* found it full: what came after that is lost, nobody asked in time */
    _Atomic int64_t first_ns, refused_ns;  /* after the first answer; before the last one that found it empty */
    _Atomic int64_t slowest_ns;
};
struct load {
    struct node *node;
    const struct rate_tier *tier;
    int64_t end_ns;
};

static int reserve_none(void *ctx, const struct rate_ask *ask) {
    (void)ctx, (void)ask;
    return -EAGAIN; /* the tier has no quota: never asked */
}

static void give_none(void *ctx, const struct rate_ask *ask) {
    (void)ctx, (void)ask;
}

/* rate_shared_take, and what came of it: the limit alone does not say by whose count it lets pass. */
static int take_counted(void *ctx, const uint8_t client_id[16], const struct rate_tier *of, int64_t *ret_level,
                        bool *ret_taken) {
    struct node *node = ctx;
    int64_t now_ns = clock_mono_ns(), none = 0;
    int r = rate_shared_take(node->shared, client_id, of, ret_level, ret_taken);
    if (r) node->alone++;
    if (r) return r;
    (void)atomic_compare_exchange_strong(&node->first_ns, &none, clock_mono_ns()); /* else it was not the first */
    node->passed_shared += *ret_taken ? 1u : 0u;
    node->full += *ret_taken && *ret_level == (of->burst - 1) * INT64_C(1000000) ? 1u : 0u;
    if (!*ret_taken) node->refused_ns = now_ns; /* an older one of the other thread's will do as well */
    return 0;
}

static void node_open(struct node *node, const char *address, int timeout_ms) {
    struct rate_shared_options shared = { .address = str_from_c(address),
                                          .timeout_ms = timeout_ms,
                                          .connections_max = THREADS_A_NODE };
    *node = (struct node){ 0 };
    assert_int_equal(rate_shared_open(&shared, &node->shared), 0);
    struct rate_options options = {
        .clients_max = 1024, .reserve = reserve_none, .give_back = give_none, .take_shared = take_counted, .ctx = node
    };
    assert_int_equal(rate_limit_new(&options, &node->limit), 0);
    int64_t end_ms = clock_mono_ms() + REDIS_TEST_WAIT_MS;
    while (!rate_shared_is_up(node->shared)) {
        assert_true(clock_mono_ms() < end_ms);
        (void)sched_yield();
    }
}

static void node_close(struct node *node) {
    node->limit = rate_limit_free(node->limit);
    node->shared = rate_shared_close(node->shared);
}

static void *load_run(void *argument) {
    const struct load *load = argument;
    for (int64_t now_ns; (now_ns = clock_mono_ns()) < load->end_ns;) {
        struct rate_verdict verdict;
        struct rate_now now = { .mono_ns = now_ns, .wall_ms = clock_now_ms() };
        rate_limit_take(load->node->limit, acme, load->tier, now, &verdict);
        int64_t took_ns = clock_mono_ns() - now_ns;
        if (took_ns > load->node->slowest_ns) load->node->slowest_ns = took_ns; /* a lost one is of no matter */
        load->node->passed += verdict.result == RATE_PASSES ? 1u : 0u;
        load->node->asked++;
        if (verdict.result == RATE_TOO_FAST) check(verdict.retry_after_s >= 1);
        struct timespec pause = { .tv_nsec = 1000000 };
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

/* All nodes at once for so long; what passed in all. */
static uint64_t run_load(struct node nodes[NODES], const struct rate_tier *of, int64_t ms, void (*meanwhile)(void *ctx),
                         void *ctx) {
    pthread_t threads[NODES * THREADS_A_NODE];
    struct load loads[NODES];
    uint64_t passed = 0;
    int64_t end_ns = clock_mono_ns() + ms * 1000000;
    for (size_t i = 0; i < NODES; i++) {
        loads[i] = (struct load){ .node = &nodes[i], .tier = of, .end_ns = end_ns };
        nodes[i].passed = 0;
        nodes[i].asked = 0;
        nodes[i].passed_shared = nodes[i].alone = nodes[i].full = 0;
        nodes[i].first_ns = nodes[i].refused_ns = 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_run, &loads[i % NODES]), 0);
    if (meanwhile) meanwhile(ctx);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < NODES; i++) passed += nodes[i].passed;
    return passed;
}

/* (S1) Exact of what the shared bucket gave, however busy the machine is; what passed beside it passed because Redis
 * did not answer in time (R5 of rate_limit.h), and there is no more of that than such answers. */
/* spec: gateway/46 */
static void s1_two_nodes_share_one_bucket(void **state) {
    enum { LOAD_MS = 10000 };
    struct redis_server server;
    struct node nodes[NODES];
    uint64_t shared = 0, alone = 0, full = 0;
    int64_t first_ns = INT64_MAX, refused_ns = 0;
    (void)state;
    redis_server_make(&server);
    for (size_t i = 0; i < NODES; i++) node_open(&nodes[i], server.address, REDIS_TIMEOUT_MS_MAX);
    int64_t began_ns = clock_mono_ns();
    (void)run_load(nodes, &slow_tier, LOAD_MS, NULL, NULL);
    uint64_t took_us = (uint64_t)(clock_mono_ns() - began_ns) / 1000;
    for (size_t i = 0; i < NODES; i++) {
        assert_in_range(nodes[i].passed - nodes[i].passed_shared, 0, nodes[i].alone);
        assert_true(nodes[i].passed_shared > slow_tier.burst); /* neither takes it all */
        shared += nodes[i].passed_shared;
        alone += nodes[i].alone;
        full += nodes[i].full;
        if (nodes[i].first_ns < first_ns) first_ns = nodes[i].first_ns;
        if (nodes[i].refused_ns > refused_ns) refused_ns = nodes[i].refused_ns;
    }
    print_message("passed %llu in %llu ms; late %llu, full %llu times\n", (unsigned long long)shared,
                  (unsigned long long)took_us / 1000, (unsigned long long)alone, (unsigned long long)full);
    assert_true(shared <= slow_tier.burst + slow_tier.requests_per_second * took_us / 1000000);
    /* Empty at the end and full but at the beginning: it has given all there was. */
    uint64_t span_us = refused_ns > first_ns ? (uint64_t)(refused_ns - first_ns) / 1000 : 0;
    if (full <= 1 && !alone)
        assert_true(shared + 1 >= slow_tier.burst + slow_tier.requests_per_second * span_us / 1000000);
    for (size_t i = 0; i < NODES; i++) node_close(&nodes[i]);
    redis_server_remove(&server);
}

static void kill_soon(void *ctx) {
    struct timespec pause = { .tv_sec = 1 };
    (void)nanosleep(&pause, NULL); /* in the middle of the load */
    redis_server_kill(ctx);
}

static void s3_a_server_that_dies_under_load(void **state) {
    enum { LOAD_MS = 3000 };
    struct redis_server server;
    struct node nodes[NODES];
    (void)state;
    redis_server_make(&server);
    for (size_t i = 0; i < NODES; i++) node_open(&nodes[i], server.address, TIMEOUT_MS);
    int64_t began_ns = clock_mono_ns();
    (void)run_load(nodes, &tier, LOAD_MS, kill_soon, &server);
    uint64_t most = tier.burst + tier.requests_per_second * (uint64_t)(clock_mono_ns() - began_ns) / 1000000000;
    assert_in_range(nodes[0].passed_shared + nodes[1].passed_shared, 1, most); /* few where answers came late */
    for (size_t i = 0; i < NODES; i++) {
        uint64_t alone = nodes[i].passed - nodes[i].passed_shared; /* a bucket of its own, from the level it knew */
        assert_in_range(alone, tier.requests_per_second / 2, most < nodes[i].alone ? most : nodes[i].alone);
        assert_true(nodes[i].slowest_ns < REDIS_TEST_WAIT_MS * INT64_C(1000000)); /* nobody hung */
        assert_false(rate_shared_is_up(nodes[i].shared));
    }
    redis_server_start(&server);
    int64_t end_ms = clock_mono_ms() + REDIS_TEST_WAIT_MS;
    while (!rate_shared_is_up(nodes[0].shared)) assert_true(clock_mono_ms() < end_ms);
    for (size_t i = 0; i < NODES; i++) node_close(&nodes[i]);
    redis_server_remove(&server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_two_nodes_share_one_bucket),
        cmocka_unit_test(s3_a_server_that_dies_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
