#include "app/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_members(void **state) {
    struct bench_result result = { .window_us = 2500000, .accepted = 3000, .completed = 2501, .ended = 3000,
                                   .cpu_us = { 300000, 600001, 0, 3000 }, .flush_us = 412 };
    char memory[1024];
    struct buffer out;
    (void)state;
    latencies_init(&result.latencies);
    for (int us = 1; us <= 2000; us++) latencies_add(&result.latencies, us * 1000LL);
    buffer_init(&out, memory, sizeof memory);
    bench_result_write(&result, &out);
    memory[out.len] = 0;
    assert_string_equal(memory, "{\"payments_per_second\":1000.4,\"accepted_per_second\":1200.0,\"p50_ms\":1.000,"
                                "\"p95_ms\":1.900,\"p99_ms\":1.980,\"cpu_us_per_payment\":{\"edge\":100.0,\"giro\":200.0,"
                                "\"core\":0.0,\"load\":1.0},\"flush_us\":412}");
    latencies_release(&result.latencies);
}

static void test_flush_floor(void **state) {
    struct message message;
    int64_t us = -1;
    (void)state;
    assert_int_equal(bench_flush_floor("/tmp", &us, &message), 0);
    assert_true(us >= 0);
    assert_true(bench_flush_floor("/proc", &us, &message) < 0);
    assert_non_null(strstr(message.text, "/proc/bench-flush-"));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_members), cmocka_unit_test(test_flush_floor) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
