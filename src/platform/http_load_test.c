#include "platform/http_load.h"

#include "platform/http_server.h"
#include "platform/pool.h"

#include <signal.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { SLOTS = 16, CALLS_PER_SLOT = 50 };

struct bench {
    struct http_server *server;
    struct pool *pool;
    char url[64];
    struct http_header headers[SLOTS];
    char texts[SLOTS][32];
    int asked[SLOTS], answered[SLOTS], refused, waits;
    bool malformed;
};

static void echo(void *worker_ctx, void *job_ctx) {
    struct http_request *request = job_ctx;
    (void)worker_ctx;
    struct http_header header = { STR("X-Slot"), http_header(request, STR("X-Slot")) };
    http_reply(request, &(struct http_response){
                            .status = 201, .headers = &header, .header_count = 1, .body = request->body });
}

static void on_request(void *ctx, struct http_request *request) {
    struct bench *bench = ctx;
    check(pool_submit(bench->pool, echo, request) == 0);
}

static int set_up(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct message message;
    struct http_server_options options = http_server_options_default();
    struct pool_options pool = { .name = "echo", .threads = 2, .queue_max = SLOTS };
    options.on_request = on_request;
    options.ctx = bench;
    if (!bench || pool_start(&pool, &bench->pool) || http_server_start(&options, &bench->server, &message)) return -1;
    (void)snprintf(bench->url, sizeof bench->url, "http://127.0.0.1:%u/p", http_server_port(bench->server));
    *state = bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    pool_stop(bench->pool);
    (void)http_server_free(bench->server);
    (void)pool_free(bench->pool);
    free(bench);
    return 0;
}

static enum http_load_next next_request(void *ctx, size_t slot, struct http_call *ret_call, int64_t *ret_wait_ms) {
    struct bench *bench = ctx;
    assert_int_equal(bench->asked[slot], bench->answered[slot]); /* L2 */
    if (bench->asked[slot] == CALLS_PER_SLOT) return HTTP_LOAD_DONE;
    if (slot == 3 && bench->asked[slot] == 10 && bench->waits++ < 2) {
        *ret_wait_ms = 5;
        return HTTP_LOAD_WAIT;
    }
    (void)snprintf(bench->texts[slot], sizeof bench->texts[slot], "%zu-%d", slot, bench->asked[slot]++);
    bench->headers[slot] =
        (struct http_header){ STR("X-Slot"), str_from_c(bench->malformed ? "a\nb" : bench->texts[slot]) };
    *ret_call = (struct http_call){ .method = STR("POST"),
                                    .url = str_from_c(bench->url),
                                    .headers = &bench->headers[slot],
                                    .header_count = 1,
                                    .body = str_from_c(bench->texts[slot]),
                                    .idempotent = true };
    return HTTP_LOAD_SEND;
}

static void on_response(void *ctx, size_t slot, const struct http_load_response *response) {
    struct bench *bench = ctx;
    bench->answered[slot]++;
    if (response->refusal) {
        bench->refused++;
        return;
    }
    const struct http_result *result = &response->result;
    assert_int_equal(result->status, 201);
    assert_true(str_equal_c(result->body, bench->texts[slot]));
    assert_true(
        str_equal_c(http_headers_get(result->headers, result->header_count, STR("x-slot")), bench->texts[slot]));
    assert_true(response->latency_ns > 0);
}

static struct http_load_options options_of(struct bench *bench) {
    return (struct http_load_options){ .client = http_client_options_default(), .connections = SLOTS,
                                       .next_request = next_request, .on_response = on_response, .ctx = bench };
}

static void every_call_is_answered_over_kept_connections(void **state) { /* L1, L2 */
    struct bench *bench = *state;
    struct http_load_options options = options_of(bench);
    struct http_server_stats stats;
    assert_int_equal(http_load_run(&options), 0);
    for (int i = 0; i < SLOTS; i++) assert_int_equal(bench->answered[i], CALLS_PER_SLOT);
    assert_int_equal(bench->refused, 0);
    assert_int_equal(bench->waits, 3);
    http_server_stats(bench->server, &stats);
    assert_int_equal(stats.requests, SLOTS * CALLS_PER_SLOT);
    assert_true(stats.accepted <= SLOTS);
}

static void an_unreachable_server_is_told_call_by_call(void **state) {
    struct bench *bench = *state;
    struct http_load_options options = options_of(bench);
    http_server_drain(bench->server, 0);
    assert_int_equal(http_load_run(&options), 0);
    assert_int_equal(bench->refused, SLOTS * CALLS_PER_SLOT);
}

static void a_malformed_call_ends_the_run(void **state) {
    struct bench *bench = *state;
    struct http_load_options options = options_of(bench);
    bench->malformed = true;
    assert_int_equal(http_load_run(&options), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_call_is_answered_over_kept_connections),
        TEST(an_unreachable_server_is_told_call_by_call),
        TEST(a_malformed_call_ends_the_run),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
