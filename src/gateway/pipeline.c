/* pipeline.c - the order of the checks, and what is common to all answers. */
#include "gateway/pipeline.h"

#include "gateway/checks.h"
#include "gateway/deprecation.h"
#include "gateway/gateway_int.h"

/* The one order. Nobody calls "next": each check answers or goes on. */
static int (*const gateway_checks[])(struct exchange *) = {
    check_interaction,        check_edge, check_route,     check_certificate, check_rate, check_token, check_consent,
    check_idempotency_header, check_body, check_signature,
};

static int run_checks(struct exchange *exchange) {
    int next = EXCHANGE_GOES_ON;
    for (size_t i = 0; i < ARRAY_COUNT(gateway_checks) && next == EXCHANGE_GOES_ON; i++)
        next = gateway_checks[i](exchange);
    return next;
}

/* Runs step under a snapshot of this worker; the exchange may be gone when it says WAITS. */
static int run_in_snapshot(struct query *query, struct exchange *exchange, int (*step)(struct exchange *)) {
    exchange->query = query;
    int r = query_begin(query);
    if (r && !exchange->call.interaction_id.len && check_interaction(exchange) != EXCHANGE_GOES_ON)
        return EXCHANGE_ANSWERED;
    if (r) return exchange_fault(exchange, "query_begin", r);
    int next = step(exchange);
    query_end(query);
    return next;
}

static int checks_and_handle(struct exchange *exchange) {
    int next = run_checks(exchange);
    return next == EXCHANGE_GOES_ON ? exchange->route->handle(exchange) : next;
}

void pipeline_run(struct query *query, struct exchange *exchange) {
    int next = run_in_snapshot(query, exchange, checks_and_handle);
    if (next == EXCHANGE_WAITS) return;
    check(next == EXCHANGE_ANSWERED);
    pipeline_answer(exchange);
}

static int finish(struct exchange *exchange) {
    return exchange->route->finish(exchange);
}

static void run_finish(void *worker_ctx, void *job_ctx) {
    struct exchange *exchange = job_ctx;
    enum answer_result result = exchange->command.answer.result;
    bool stands = result == ANSWER_DONE || result == ANSWER_REPLAYED || result == ANSWER_UNKNOWN;
    exchange->decided = exchange->command.idempotent && stands;
    int next = run_in_snapshot(worker_ctx, exchange, finish);
    check(next == EXCHANGE_ANSWERED);
    pipeline_answer(exchange);
}

void pipeline_resume(struct exchange *exchange) {
    check(exchange->route->finish != NULL);
    check(pool_submit(exchange->gateway->pool, run_finish, exchange) == 0); /* (W1) */
}

/* ---- the answer ---- */

static int64_t duration_us(const struct exchange *exchange) {
    int64_t ns = exchange->gateway->options.mono_ns() - exchange->began_ns;
    return ns > 0 ? ns / 1000 : 0;
}

void pipeline_audit_record(const struct exchange *exchange, struct audit_record *ret_record) {
    const struct call *call = &exchange->call;
    *ret_record = (struct audit_record){ .time_ms = exchange->gateway->options.now_ms(),
                                         .interaction_id = call->interaction_id,
                                         .client_id = call->client_id,
                                         .customer_id = call->customer_id,
                                         .method = exchange->route ? exchange->route->method : "NONE",
                                         .route = exchange->route ? exchange->route->path : "unmatched",
                                         .status = exchange->status,
                                         .outcome = exchange->outcome,
                                         .duration_us = duration_us(exchange),
                                         .certificate_sha256 = call->certificate_hash };
    memcpy(ret_record->resource_id, exchange->resource_id, sizeof ret_record->resource_id);
}

/* Refusals before a client is known make no record: a flood of them must not fill the disk. The metrics count them. */
static void note_audit(const struct exchange *exchange) {
    char memory[AUDIT_RECORD_BYTES_MAX];
    struct audit_record record;
    struct buffer json;
    if (exchange->audited || !exchange->call.has_client) return;
    buffer_init(&json, memory, sizeof memory);
    pipeline_audit_record(exchange, &record);
    audit_encode(&record, &json);
    if (!json.overflow) command_note(exchange->gateway->options.integration, buffer_str(&json));
}

static void count(const struct exchange *exchange) {
    struct metrics *metrics = exchange->gateway->options.metrics;
    enum route_family family = exchange->route ? exchange->route->family
                                               : route_family_of_path(exchange->call.listener, exchange->request->path);
    struct str route = exchange->route ? str_from_c(exchange->route->path) : STR("unmatched");
    char status[16];
    (void)snprintf(status, sizeof status, "%d", exchange->status);
    metrics_observe(metrics, METRIC_API_DURATION,
                    (struct metric_labels){ { str_from_c(route_family_name(family)), route } }, duration_us(exchange));
    metrics_add(metrics, METRIC_HTTP_REQUESTS, (struct metric_labels){ { route, str_from_c(status) } }, 1);
}

static void log_access(const struct exchange *exchange) {
    log_event(exchange->gateway->options.log, LOG_LEVEL_INFO, "request", log_str("method", exchange->request->method),
              log_str("route", exchange->route ? exchange->route->path : "unmatched"),
              log_i64("status", exchange->status), log_str("outcome", exchange->outcome),
              log_i64("duration_us", duration_us(exchange)), log_str("client", exchange->call.client_name),
              log_correlation("interaction_id", exchange->call.interaction_id));
}

static bool has_header(const struct exchange *exchange, struct str name) {
    for (size_t i = 0; i < exchange->header_count; i++)
        if (str_equal_nocase(exchange->headers[i].name, name)) return true;
    return false;
}

/* Of a signed route, or a refusal before a route of Open Banking was found (405, a bad interaction id). */
static bool is_signed(const struct exchange *exchange) {
    if (exchange->content.len == 0) return false;
    if (exchange->route) return exchange->route->flags & ROUTE_SIGNED;
    return exchange->gateway->options.message_signature_sign && exchange->call.listener == CALL_MTLS &&
           route_family_of_path(CALL_MTLS, exchange->request->path) == FAMILY_OPEN_BANKING;
}

/* Signs such an answer; what cannot be signed is not sent (uk/J7). */
static void sign(struct exchange *exchange) {
    if (!is_signed(exchange)) return;
    int r = exchange->gateway->options.message_signature_sign(exchange);
    if (r == 0) return;
    check(r < 0);
    (void)exchange_fault(exchange, "message_signature_sign", r);
}

void pipeline_answer(struct exchange *exchange) {
    struct gateway *gateway = exchange->gateway;
    check(exchange->status != 0);
    deprecation_headers(exchange);
    sign(exchange);
    exchange_header(exchange, STR("x-fapi-interaction-id"), exchange->call.interaction_id);
    if (!has_header(exchange, STR("Cache-Control"))) exchange_header(exchange, STR("Cache-Control"), STR("no-store"));
    note_audit(exchange);
    count(exchange);
    log_access(exchange);
    struct http_response response = { .status = exchange->status,
                                      .headers = exchange->headers,
                                      .header_count = exchange->header_count,
                                      .body = exchange->content };
    http_reply(exchange->request, &response); /* the exchange is gone */
    atomic_fetch_sub(&gateway->requests, 1);
}
