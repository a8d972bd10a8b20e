/* redis_test.c - r1 to r3 against a real server that is killed, stopped and started. */
#include "platform/redis.h"

#include <stdatomic.h>

#include "platform/redis_test_server.h"

static const char script[] = "local n = redis.call('INCRBY', KEYS[1], ARGV[1])\nreturn { n, n * 2 }\n";
enum { TIMEOUT_MS = 100 };

struct seen {
    atomic_int up, down;
};

static void on_state(void *ctx, bool up) {
    struct seen *seen = ctx;
    atomic_fetch_add(up ? &seen->up : &seen->down, 1);
}

static struct redis *open_at(const char *address, struct seen *seen) {
    struct redis_options options = { .address = str_from_c(address),
                                     .timeout_ms = TIMEOUT_MS,
                                     .connections_max = 2,
                                     .script = script,
                                     .on_state = on_state,
                                     .ctx = seen };
    struct redis *redis;
    assert_int_equal(redis_open(&options, &redis), 0);
    return redis;
}

static void wait_up(const struct redis *redis, bool up) {
    int64_t end_ms = clock_mono_ms() + REDIS_TEST_WAIT_MS;
    while (redis_is_up(redis) != up) {
        assert_true(clock_mono_ms() < end_ms);
        (void)sched_yield();
    }
}

static int add(struct redis *redis, const char *key, int64_t number, int64_t values[2]) {
    struct redis_call call = { .key = str_from_c(key), .arguments = { number }, .argument_count = 1, .value_count = 2 };
    return redis_run(redis, &call, values);
}

static void addresses(void **state) {
    static const struct {
        const char *text;
        bool fits;
    } rows[] = {
        { "unix:/run/redis.sock", true },
        { "localhost:6379", true },
        { "127.0.0.1:1", true },
        { "unix:redis.sock", false },
        { "unix:", false },
        { "localhost", false },
        { ":6379", false },
        { "localhost:0", false },
        { "localhost:65536", false },
        { "localhost:6379x", false },
        { "", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (redis_address_fits(str_from_c(rows[i].text)) != rows[i].fits) fail_msg("\"%s\"", rows[i].text);
}

static void a_script_on_a_key(void **state) {
    struct redis_server server;
    struct seen seen = { 0 };
    int64_t values[2] = { 0 };
    (void)state;
    redis_server_make(&server);
    struct redis *redis = open_at(server.address, &seen);
    wait_up(redis, true);
    assert_int_equal(add(redis, "a", 3, values), 0);
    assert_true(values[0] == 3 && values[1] == 6);
    assert_int_equal(add(redis, "a", -5, values), 0);
    assert_int_equal(values[0], -2);
    assert_int_equal(add(redis, "b", 1, values), 0);
    assert_int_equal(values[0], 1);
    struct redis_call wrong = { .key = STR("a"), .arguments = { 1 }, .argument_count = 1, .value_count = 1 };
    assert_int_equal(redis_run(redis, &wrong, values), -EAGAIN); /* another number of values than the script gives */
    redis = redis_close(redis);
    redis_server_remove(&server);
}

/* spec: gateway/46 */
static void r2_it_goes_and_comes_back(void **state) {
    struct redis_server server;
    struct seen seen = { 0 };
    int64_t values[2];
    (void)state;
    redis_server_make(&server);
    struct redis *redis = open_at(server.address, &seen);
    wait_up(redis, true);
    redis_server_kill(&server);
    for (int i = 0; i < 1000; i++) {
        int64_t began_ms = clock_mono_ms();
        assert_int_equal(add(redis, "a", 1, values), -EAGAIN);
        assert_true(clock_mono_ms() - began_ms < 10 * TIMEOUT_MS);
    }
    wait_up(redis, false);
    redis_server_start(&server);
    wait_up(redis, true); /* by itself */
    assert_int_equal(add(redis, "a", 1, values), 0);
    assert_int_equal(values[0], 1); /* it forgot, and knows the script */
    redis = redis_close(redis);
    assert_true(seen.up >= 2); /* r3: one after the other; "gone" may have been the first that was known */
    assert_in_range(seen.down, seen.up - 1, seen.up);
    redis_server_remove(&server);
}

static void r1_a_server_that_hangs(void **state) {
    struct redis_server server;
    struct seen seen = { 0 };
    int64_t values[2];
    (void)state;
    redis_server_make(&server);
    struct redis *redis = open_at(server.address, &seen);
    wait_up(redis, true);
    assert_int_equal(kill(server.pid, SIGSTOP), 0);
    int64_t began_ms = clock_mono_ms();
    for (int i = 0; i < 1000; i++) assert_int_equal(add(redis, "a", 1, values), -EAGAIN);
    assert_true(clock_mono_ms() - began_ms < 20 * TIMEOUT_MS); /* one waits, the others hear at once */
    assert_int_equal(kill(server.pid, SIGCONT), 0);
    wait_up(redis, true);
    assert_int_equal(add(redis, "b", 1, values), 0);
    redis = redis_close(redis);
    redis_server_remove(&server);
}

static void none_at_all(void **state) {
    struct seen seen = { 0 };
    int64_t values[2];
    (void)state;
    struct redis *redis = open_at("unix:/nowhere/redis.sock", &seen);
    while (!seen.down) (void)sched_yield();
    assert_int_equal(add(redis, "a", 1, values), -EAGAIN);
    redis = redis_close(redis);
    assert_true(seen.down == 1 && seen.up == 0);
    assert_null(redis_close(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(a_script_on_a_key),
        cmocka_unit_test(r2_it_goes_and_comes_back),
        cmocka_unit_test(r1_a_server_that_hangs),
        cmocka_unit_test(none_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
