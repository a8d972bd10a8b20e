#include "gateway/operations.h"

#include "platform/http_server.h"

enum { OPERATIONS_CONNECTIONS_MAX = 32, OPERATIONS_DRAIN_MS = 500 };

struct operations {
    struct operations_options options;
    struct http_server *server;
    struct buffer page; /* touched by the one IO thread alone */
};

static void reply(struct http_request *request, int status, const char *media_type, struct str body) {
    struct http_header headers[] = { { STR("Content-Type"), str_from_c(media_type) },
                                     { STR("Cache-Control"), STR("no-store") },
                                     { STR("Allow"), STR("GET, HEAD") } };
    struct http_response response = {
        .status = status, .headers = headers, .header_count = status == 405 ? 3 : 2, .body = body
    };
    http_reply(request, &response);
}

static void reply_word(struct http_request *request, int status, const char *word) {
    char text[128];
    (void)snprintf(text, sizeof text, "{\"status\":\"%s\"}", word);
    reply(request, status, "application/json", str_from_c(text));
}

static void show_health(struct operations *operations, struct http_request *request) {
    (void)operations;
    reply_word(request, 200, "ok");
}

static void show_ready(struct operations *operations, struct http_request *request) {
    const char *reason = operations->options.why_not_ready(operations->options.ctx);
    reply_word(request, reason ? 503 : 200, reason ? reason : "ready");
}

static void show_metrics(struct operations *operations, struct http_request *request) {
    enum metric_format format = metric_format_choose(http_header(request, STR("Accept")));
    if (operations->options.refresh) operations->options.refresh(operations->options.ctx);
    buffer_reset(&operations->page);
    int r = metrics_write(operations->options.metrics, format, &operations->page);
    if (r) reply_word(request, 500, "page_too_large");
    else reply(request, 200, metric_format_content_type(format), buffer_str(&operations->page));
}

static const struct {
    const char *path;
    void (*show)(struct operations *operations, struct http_request *request);
} pages[] = { { "/healthz", show_health }, { "/readyz", show_ready }, { "/metrics", show_metrics } };

static void on_request(void *ctx, struct http_request *request) {
    bool reads = str_equal(request->method, STR("GET")) || str_equal(request->method, STR("HEAD"));
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        if (!str_equal_c(request->path, pages[i].path)) continue;
        if (reads) pages[i].show(ctx, request);
        else reply_word(request, 405, "method_not_allowed");
        return;
    }
    reply_word(request, 404, "not_found");
}

int operations_start(const struct operations_options *options, struct operations **ret_operations,
                     struct message *message) {
    check(options->metrics && options->why_not_ready);
    struct operations *operations = calloc(1, sizeof *operations);
    if (!operations) return err_origin(-ENOMEM);
    operations->options = *options;
    buffer_init_heap(&operations->page, METRIC_PAGE_BYTES_MAX);
    struct http_server_options server = http_server_options_default();
    server.name = "operations";
    server.tcp_port = options->port;
    server.connections_max = OPERATIONS_CONNECTIONS_MAX;
    server.response_bytes_max = METRIC_PAGE_BYTES_MAX + 16 * 1024;
    server.on_request = on_request;
    server.ctx = operations;
    int r = http_server_start(&server, &operations->server, message);
    if (r) {
        (void)operations_free(operations);
        return err_trace(r);
    }
    *ret_operations = operations;
    return 0;
}

uint16_t operations_port(const struct operations *operations) {
    return http_server_port(operations->server);
}

struct operations *operations_free(struct operations *operations) {
    if (!operations) return NULL;
    if (operations->server) http_server_drain(operations->server, OPERATIONS_DRAIN_MS);
    (void)http_server_free(operations->server);
    buffer_release(&operations->page);
    free(operations);
    return NULL;
}
