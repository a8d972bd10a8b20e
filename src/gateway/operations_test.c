/* operations_test.c - the port for people who run the program, over its real socket. */
#include "gateway/operations.h"

#include "observe/metric_table.h"
#include "platform/clock.h"
#include "platform/net.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { WAIT_MS = 5000 };
static const char *reason;
static int refreshed;

static const char *why_not_ready(void *ctx) {
    (void)ctx;
    return reason;
}
static void refresh(void *ctx) {
    (void)ctx;
    refreshed++;
}

static struct str ask(const struct operations *operations, const char *head) {
    static char answer[256 * 1024];
    char request[512];
    size_t len = 0, got = 1;
    int fd;
    assert_int_equal(net_connect_tcp("127.0.0.1", operations_port(operations), clock_mono_ms() + WAIT_MS, &fd), 0);
    (void)snprintf(request, sizeof request, "%s\r\nHost: x\r\nConnection: close\r\n\r\n", head);
    assert_int_equal(net_send_all(fd, request, strlen(request), clock_mono_ms() + WAIT_MS), 0);
    while (got) {
        assert_int_equal(net_receive_some(fd, answer + len, sizeof answer - len, clock_mono_ms() + WAIT_MS, &got), 0);
        len += got;
    }
    net_close(fd);
    return str_from_bytes(answer, len);
}

static void expect(struct str answer, const char *text) {
    size_t at;
    if (!str_find(answer, str_from_c(text), &at)) fail_msg("%s not in: " STR_FMT, text, STR_ARG(answer));
}

static void pages(void **state) {
    struct operations *operations;
    struct metrics *metrics;
    struct message message = { { 0 } };
    (void)state;
    assert_int_equal(metrics_new(metric_families, METRIC_FAMILY_COUNT, &metrics), 0);
    struct operations_options options = { .metrics = metrics, .why_not_ready = why_not_ready, .refresh = refresh };
    assert_int_equal(operations_start(&options, &operations, &message), 0);
    expect(ask(operations, "GET /healthz HTTP/1.1"), "HTTP/1.1 200");
    expect(ask(operations, "GET /readyz HTTP/1.1"), "HTTP/1.1 200");
    reason = "draining";
    expect(ask(operations, "GET /readyz HTTP/1.1"), "HTTP/1.1 503");
    expect(ask(operations, "GET /readyz HTTP/1.1"), "{\"status\":\"draining\"}");
    expect(ask(operations, "GET /healthz HTTP/1.1"), "HTTP/1.1 200");
    expect(ask(operations, "GET /metrics HTTP/1.1"), "# TYPE banking_api_duration_seconds histogram");
    expect(ask(operations, "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text; version=1.0.0"), "# EOF\n");
    assert_int_equal(refreshed, 2);
    expect(ask(operations, "POST /metrics HTTP/1.1"), "HTTP/1.1 405");
    expect(ask(operations, "POST /metrics HTTP/1.1"), "\r\nAllow: GET, HEAD\r\n");
    expect(ask(operations, "GET /v1/payments HTTP/1.1"), "HTTP/1.1 404");
    (void)operations_free(operations);
    (void)metrics_free(metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(pages) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
