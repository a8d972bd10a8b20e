#include "gateway/gateway_int.h"

#include "auth/external_lookup.h"
#include "gateway/call_audit.h"
#include "gateway/checks.h"
#include "gateway/pipeline.h"
#include "gateway/problem.h"
#include "platform/clock.h"

struct gateway_options gateway_options_default(void) {
    return (struct gateway_options){
        .edge_form = EDGE_FORM_NGINX,
        .io_threads = 1,
        .workers = 16,
        .requests_max = 1024,
        .connections_max = 1024,
        .idempotency_keep_ms = IDEMPOTENCY_V1_KEEP_MS,
        .unattended_reads_per_day = GATEWAY_UNATTENDED_READS,
        .response_check_every = 1,
        .queue_wait_ms_max = GATEWAY_QUEUE_WAIT_MS,
        .key_wait_ms = KEY_WAIT_MS,
    };
}

/* ---- requests ---- */

static void run(void *worker_ctx, void *job_ctx) {
    pipeline_run(worker_ctx, job_ctx);
}

/* Without a worker: on the IO thread itself, and at once. */
static void answer_busy(struct exchange *exchange) {
    if (check_interaction(exchange) == EXCHANGE_GOES_ON) (void)exchange_refuse(exchange, &refusal_unavailable, NULL);
    pipeline_answer(exchange);
}

/* New work would only wait behind what already waits too long. */
static bool is_overloaded(struct gateway *gateway) {
    if (pool_oldest_wait_ms(gateway->pool) <= gateway->options.queue_wait_ms_max) return false;
    metrics_add(gateway->options.metrics, METRIC_SHED, METRIC_NO_LABELS, 1);
    return true;
}

enum {
    QUICK_BODY_BYTES_MAX = 16 * 1024
}; /* a longer body takes too long to judge for who reads the others' requests */
static bool may_be_quick(const struct http_request *request) {
    return request->body.len <= QUICK_BODY_BYTES_MAX;
}

static void on_request(void *ctx, struct http_request *request) {
    struct gateway *gateway = ctx;
    struct query *query = gateway->io_queries[request->io_thread];
    struct exchange *exchange = exchange_new(gateway, request);
    check(exchange != NULL); /* the arena is empty and its first block is larger */
    bool full = atomic_fetch_add(&gateway->requests, 1) >= gateway->options.requests_max;
    if (!full && query && may_be_quick(request) && pipeline_try(query, exchange)) return;
    if (full || is_overloaded(gateway)) answer_busy(exchange);
    else if (pool_submit(gateway->pool, run, exchange)) answer_busy(exchange);
}

static void on_resume(void *ctx, struct http_request *request) {
    (void)ctx; /* the exchange knows it */
    pipeline_finish(request->user);
}

static void on_rest(void *ctx, size_t io_thread) {
    struct gateway *gateway = ctx;
    if (gateway->io_queries[io_thread]) query_rest(gateway->io_queries[io_thread]);
}

/* ---- start ---- */

static void check_options(const struct gateway_options *options) {
    check(options->integration && options->trust && options->socket_path);
    check(options->tier_count >= 1 && options->tier_count <= GATEWAY_TIERS_MAX && options->edge_form < EDGE_FORM_COUNT);
    check(options->io_threads >= 1 && options->io_threads <= HTTP_IO_THREADS_MAX);
    check(options->workers >= 1 && options->workers <= GATEWAY_WORKERS_MAX);
    check(options->requests_max >= 1 && options->requests_max <= GATEWAY_REQUESTS_MAX);
    check(options->response_check_every >= 1 && options->queue_wait_ms_max >= 1 && options->key_wait_ms >= 1);
    check(options->allowed_uid_count >= 1 && options->allowed_uid_count <= HTTP_UIDS_MAX);
    check(!options->message_signature_check == !options->message_signature_sign);
    check(options->openapi_v1.len > 0 && options->openapi_v1.len < EXCHANGE_ANSWER_BYTES_MAX);
}

static int document_load(struct gateway *gateway, size_t index, struct str text, struct message *message) {
    if (text.len == 0) return 0;
    struct message fault = { { 0 } };
    int r = openapi_load(text, &gateway->documents[index], &fault);
    if (r == 0) return 0;
    static const char *const names[] = { "/v1", "Open Banking v4.0", "Open Banking v3.1" };
    message_set(message, "the OpenAPI document of %s is at fault: %s", names[index], fault.text);
    return err_fold(r);
}

static const struct openapi_operation *operation_of(const struct gateway *gateway, const struct route *route) {
    const struct openapi_operation *operation = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(gateway->documents) && !operation; i++)
        if (gateway->documents[i])
            operation = openapi_operation(gateway->documents[i], str_from_c(route->method), str_from_c(route->path));
    return operation;
}

/* A route that asks for what nobody provides is a fault of the program's files, found before the first request. */
static int route_bind(struct gateway *gateway, size_t index, struct message *message) {
    const struct route *route = route_at(index);
    const struct openapi_operation *operation = operation_of(gateway, route);
    gateway->operations[index] = operation;
    if ((route->flags & ROUTE_BODY) && (!operation || !openapi_content(operation->body, STR("application/json")))) {
        message_set(message, "no OpenAPI document describes the JSON body of %s %s", route->method, route->path);
        return err_origin(-EINVAL);
    }
    if ((route->flags & ROUTE_SIGNED) && !gateway->options.message_signature_check) {
        message_set(message, "%s %s is signed, but nothing checks or makes message signatures", route->method,
                    route->path);
        return err_origin(-EINVAL);
    }
    return 0;
}

static int routes_bind(struct gateway *gateway, struct message *message) {
    check(route_count() <= GATEWAY_ROUTES_MAX);
    for (size_t i = 0; i < route_count(); i++) {
        int r = route_bind(gateway, i, message);
        if (r) return err_trace(r);
    }
    return 0;
}

static int worker_init(void *ctx, void **ret_worker_ctx) {
    struct gateway *gateway = ctx;
    struct query *query;
    int r = query_open(gateway->options.integration, &query);
    if (r == 0) *ret_worker_ctx = query;
    return err_trace(r);
}

static void worker_release(void *ctx, void *worker_ctx) {
    (void)ctx;
    (void)query_close(worker_ctx);
}

static int pool_init(struct gateway *gateway) {
    struct pool_options options = { .name = "gateway",
                                    .threads = gateway->options.workers,
                                    .queue_max = gateway->options.requests_max + gateway->options.workers,
                                    .worker_init = worker_init,
                                    .worker_release = worker_release,
                                    .ctx = gateway };
    int r = pool_start(&options, &gateway->pool);
    if (r) return err_trace(r);
    struct key_waits_options waits = { .requests_max = gateway->options.requests_max,
                                       .pool = gateway->pool,
                                       .goes_on = pipeline_go_on,
                                       .too_late = pipeline_too_late,
                                       .stopped = pipeline_stopped };
    return err_trace(key_waits_new(&waits, &gateway->key_waits));
}

static int io_queries_init(struct gateway *gateway) {
    int r = 0;
    for (size_t i = 0; i < gateway->options.io_threads && gateway->options.store_is_near && !r; i++)
        r = query_open(gateway->options.integration, &gateway->io_queries[i]);
    for (size_t i = 0; i < HTTP_IO_THREADS_MAX && !r; i++)
        if (gateway->io_queries[i]) r = query_keep(gateway->io_queries[i]);
    return err_trace(r);
}

static int server_init(struct gateway *gateway, struct message *message) {
    const struct gateway_options *options = &gateway->options;
    struct http_server_options server = http_server_options_default();
    server.name = "api";
    server.unix_path = options->socket_path;
    memcpy(server.allowed_uids, options->allowed_uids, sizeof server.allowed_uids);
    server.allowed_uid_count = options->allowed_uid_count;
    server.io_threads = options->io_threads;
    server.connections_max = options->connections_max;
    server.arena_bytes_max = EXCHANGE_ARENA_BYTES_MAX;
    server.on_request = on_request;
    server.on_rest = on_rest;
    server.on_resume = on_resume;
    server.on_error = problem_on_http_error;
    server.gift = options->gift;
    server.ctx = gateway;
    return err_trace(http_server_start(&server, &gateway->server, message));
}

static int gateway_init(struct gateway *gateway, struct message *message) {
    int r = document_load(gateway, 0, gateway->options.openapi_v1, message);
    if (!r) r = document_load(gateway, 1, gateway->options.openapi_open_banking, message);
    if (!r) r = document_load(gateway, 2, gateway->options.openapi_open_banking_v3, message);
    if (!r) r = routes_bind(gateway, message);
    if (r) return err_trace(r);
    r = gateway_rates_new(gateway);
    if (!r) r = gateway_addresses_bind(gateway, message);
    if (r && message->text[0]) return err_trace(r);
    if (!r) r = certificate_cache_new(GATEWAY_CERTIFICATES_MAX, &gateway->certificates);
    if (!r) r = (gateway->headers = header_memo_new()) ? 0 : err_origin(-ENOMEM);
    if (!r) r = audit_masks_new(gateway->operations, &gateway->audit_masks);
    if (!r) r = (gateway->tally = refusal_tally_new()) ? 0 : err_origin(-ENOMEM);
    if (!r) r = proof_memory_new(GATEWAY_PROOFS_MAX, &gateway->proofs);
    if (r) message_set(message, "cannot start the gateway");
    return err_trace(r);
}

int gateway_new(const struct gateway_options *options, struct gateway **ret_gateway, struct message *message) {
    check_options(options);
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (!gateway) return err_origin(-ENOMEM);
    gateway->options = *options;
    if (!options->now_ms) gateway->options.now_ms = clock_now_ms;
    if (!options->mono_ns) gateway->options.mono_ns = clock_mono_ns;
    int r = gateway_init(gateway, message);
    if (r) {
        (void)gateway_free(gateway);
        return err_trace(r);
    }
    *ret_gateway = gateway;
    return 0;
}

int gateway_listen(struct gateway *gateway, struct http_gift *gift, struct message *message) {
    check(!gateway->server);
    gateway->options.gift = gift;
    message_set(message, "cannot start the gateway");
    int r = pool_init(gateway);
    if (!r) r = io_queries_init(gateway);
    return r ? err_trace(r) : err_trace(server_init(gateway, message));
}

int gateway_start(const struct gateway_options *options, struct gateway **ret_gateway, struct message *message) {
    struct gateway *gateway;
    int r = gateway_new(options, &gateway, message);
    if (r) return err_trace(r);
    r = gateway_listen(gateway, options->gift, message);
    if (r) (void)gateway_free(gateway);
    else *ret_gateway = gateway;
    return err_trace(r);
}

/* ---- end ---- */

/* The engine still runs: what is reserved of clients' days and not used is theirs again. */
static void give_back(struct gateway *gateway) {
    if (gateway->gave_back) return;
    gateway->gave_back = true;
    rate_limit_give_back(gateway->rates, gateway->options.now_ms());
}

void gateway_drain(struct gateway *gateway, int64_t deadline_ms) {
    atomic_store(&gateway->draining, true);
    atomic_store(&gateway->threads_end, true);
    if (!gateway->server) return;
    http_server_drain(gateway->server, deadline_ms);
    give_back(gateway);
    if (gateway->tally) call_audit_flush(gateway, INT64_MAX); /* while the engine runs */
}

void gateway_give(struct gateway *gateway, int64_t deadline_ms, struct http_gift *ret_gift) {
    atomic_store(&gateway->threads_end, true);
    http_server_give(gateway->server, deadline_ms, ret_gift);
    give_back(gateway);
    gateway->options.gift = NULL;
}

struct gateway *gateway_free(struct gateway *gateway) {
    if (!gateway) return NULL;
    gateway_drain(gateway, 0);
    if (gateway->key_waits) key_waits_close(gateway->key_waits);
    external_lookup_stop(gateway->options.external_lookup); /* who waits for it goes on */
    if (gateway->pool) pool_stop(gateway->pool);
    if (gateway->server) http_server_resume_late(gateway->server);
    check(atomic_load(&gateway->requests) == 0); /* nobody waits for the engine any more */
    (void)http_server_free(gateway->server);
    for (size_t i = 0; i < HTTP_IO_THREADS_MAX; i++) (void)query_close(gateway->io_queries[i]);
    (void)key_waits_free(gateway->key_waits);
    (void)pool_free(gateway->pool);
    (void)refusal_tally_free(gateway->tally);
    (void)audit_masks_free(gateway->audit_masks);
    (void)certificate_cache_free(gateway->certificates);
    (void)header_memo_free(gateway->headers);
    (void)proof_memory_free(gateway->proofs);
    (void)rate_limit_free(gateway->rates);
    for (size_t i = 0; i < ARRAY_COUNT(gateway->documents); i++) (void)openapi_free(gateway->documents[i]);
    free(gateway);
    return NULL;
}

const struct gateway_options *gateway_options(const struct gateway *gateway) {
    return &gateway->options;
}

bool gateway_is_draining(const struct gateway *gateway) {
    return atomic_load(&gateway->draining);
}

size_t gateway_requests(const struct gateway *gateway) {
    return atomic_load(&gateway->requests);
}

const struct json_mask *gateway_answer_mask(void *ctx, struct str method, struct str route) {
    const struct gateway *gateway = ctx;
    for (size_t i = 0; i < route_count(); i++)
        if (str_equal_c(method, route_at(i)->method) && str_equal_c(route, route_at(i)->path))
            return audit_masks_decision(gateway->audit_masks, route_at(i));
    return NULL;
}
