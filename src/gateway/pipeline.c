/* pipeline.c - the order of the checks, and what is common to all answers. */
#include "gateway/pipeline.h"

#include "gateway/call_audit.h"
#include "gateway/checks.h"
#include "gateway/deprecation.h"
#include "gateway/exchange_signature.h"
#include "gateway/gateway_int.h"
#include "gateway/response_check.h"

/* The one order. Nobody calls "next": each check answers or goes on. */
#define CHECK(name)                                                                                                    \
    { "check_" #name, check_##name }
static const struct {
    const char *name; /* in the audit record of what it refuses */
    int (*run)(struct exchange *exchange);
} gateway_checks[] = {
    CHECK(interaction),    CHECK(edge),      CHECK(route),       CHECK(auth_date),
    CHECK(certificate),    CHECK(address),   CHECK(rate),        CHECK(token),
    CHECK(http_signature), CHECK(consent),   CHECK(unattended),  CHECK(idempotency_header),
    CHECK(body),           CHECK(signature), CHECK(in_progress),
};
#undef CHECK

static int run_checks(struct exchange *exchange) {
    for (; exchange->check_at < ARRAY_COUNT(gateway_checks); exchange->check_at++) {
        exchange->check = gateway_checks[exchange->check_at].name;
        exchange->rule = NULL;
        if (exchange->at_once && exchange->route && !(exchange->route->flags & ROUTE_QUICK)) return EXCHANGE_MOVES;
        int next = gateway_checks[exchange->check_at].run(exchange);
        if (next != EXCHANGE_GOES_ON) return next; /* after WAITS the exchange may be gone */
    }
    exchange->check = "handler";
    exchange->rule = NULL;
    return EXCHANGE_GOES_ON;
}

/* Runs step under a snapshot of this worker; the exchange may be gone when it says WAITS. */
static int run_in_snapshot(struct query *query, struct exchange *exchange, int (*step)(struct exchange *)) {
    exchange->query = query;
    int r = query_begin(query);
    if (r && exchange->at_once) return EXCHANGE_MOVES; /* a worker tries again */
    if (r && !exchange->call.interaction_id.len && check_interaction(exchange) != EXCHANGE_GOES_ON)
        return EXCHANGE_ANSWERED;
    if (r) return exchange_fault(exchange, "query_begin", r);
    int next = step(exchange);
    query_end(query);
    return next;
}

static bool is_signed(const struct exchange *exchange);

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

static void run_answer(void *worker_ctx, void *job_ctx) {
    (void)worker_ctx; /* an answer needs no snapshot */
    pipeline_answer(job_ctx);
}

bool pipeline_try(struct query *query, struct exchange *exchange) {
    exchange->at_once = true;
    int next = run_in_snapshot(query, exchange, checks_and_handle);
    if (next == EXCHANGE_WAITS) return true; /* the exchange may be gone */
    exchange->at_once = false;
    if (next == EXCHANGE_MOVES) return false;
    check(next == EXCHANGE_ANSWERED);
    bool slow = is_signed(exchange); /* a private key's work; here only when no worker is to be had */
    if (!slow || pool_submit(exchange->gateway->pool, run_answer, exchange)) pipeline_answer(exchange);
    return true;
}

/* ---- a token that another server was asked about (external_search.h) ---- */

static void run_check_again(void *worker_ctx, void *job_ctx) {
    pipeline_run(worker_ctx, job_ctx);
}

void pipeline_check_again(struct exchange *exchange) {
    int r = pool_submit(exchange->gateway->pool, run_check_again, exchange);
    check(r != POOL_E_FULL); /* gateway.h (W1) */
    if (r) pipeline_stopped(exchange);
}

/* ---- a key that was in use (key_wait.h) ---- */

int check_in_progress(struct exchange *exchange) {
    struct gateway *gateway = exchange->gateway;
    exchange->at_once = false; /* the last check: from here on nothing is run again */
    if (!exchange->idempotency_key.len) return EXCHANGE_GOES_ON;
    return key_wait_begin(gateway->key_waits, exchange, gateway->options.key_wait_ms);
}

static int handle(struct exchange *exchange) {
    exchange->check = "handler";
    return exchange->route->handle(exchange);
}

void pipeline_go_on(void *worker_ctx, void *job_ctx) {
    struct exchange *exchange = job_ctx;
    if (run_in_snapshot(worker_ctx, exchange, handle) == EXCHANGE_ANSWERED) pipeline_answer(exchange);
}

void pipeline_too_late(void *worker_ctx, void *job_ctx) {
    struct exchange *exchange = job_ctx;
    (void)worker_ctx;
    (void)exchange_refuse(exchange, &refusal_in_progress, NULL);
    pipeline_answer(exchange);
}

void pipeline_stopped(struct exchange *exchange) {
    (void)exchange_refuse(exchange, &refusal_unavailable, NULL);
    pipeline_answer(exchange);
}

static int finish(struct exchange *exchange) {
    return exchange->route->finish(exchange);
}

static void begin_finish(struct exchange *exchange) {
    enum answer_result result = exchange->command.answer.result;
    bool stands = result == ANSWER_DONE || result == ANSWER_REPLAYED || result == ANSWER_UNKNOWN;
    exchange->decided = exchange->command.idempotent && stands;
    exchange->check = "decision";
}

static void run_finish(void *worker_ctx, void *job_ctx) {
    struct exchange *exchange = job_ctx;
    begin_finish(exchange);
    int next = run_in_snapshot(worker_ctx, exchange, finish);
    check(next == EXCHANGE_ANSWERED);
    pipeline_answer(exchange);
}

void pipeline_finish(struct exchange *exchange) {
    begin_finish(exchange);
    exchange->query = NULL; /* ROUTE_QUICK: it asks the store nothing */
    int next = exchange->route->finish(exchange);
    check(next == EXCHANGE_ANSWERED);
    pipeline_answer(exchange);
}

void pipeline_resume(struct exchange *exchange) {
    const struct route *route = exchange->route;
    check(route->finish != NULL);
    bool quick = (route->flags & ROUTE_QUICK) && !(route->flags & ROUTE_SIGNED) && !exchange->signs_answer;
    if (quick && !atomic_load(&exchange->gateway->threads_end)) {
        exchange->request->user = exchange;
        http_resume(exchange->request);
        return;
    }
    check(pool_submit(exchange->gateway->pool, run_finish, exchange) == 0); /* (W1) */
}

/* ---- the answer ---- */

static int64_t duration_us(const struct exchange *exchange) {
    int64_t ns = exchange->gateway->options.mono_ns() - exchange->began_ns;
    return ns > 0 ? ns / 1000 : 0;
}

static void count(const struct exchange *exchange) {
    struct metrics *metrics = exchange->gateway->options.metrics;
    enum route_family family = exchange->route ? exchange->route->family
                                               : route_family_of_path(exchange->call.listener, exchange->request->path);
    struct str route = exchange->route ? str_from_c(exchange->route->path) : STR("unmatched");
    const char status[] = { (char)('0' + exchange->status / 100), (char)('0' + exchange->status / 10 % 10),
                            (char)('0' + exchange->status % 10) };
    const char class[] = { status[0], 'x', 'x' };
    metrics_observe(metrics, METRIC_API_DURATION,
                    (struct metric_labels){ { str_from_c(route_family_name(family)), route } }, duration_us(exchange));
    struct str client = exchange->call.has_client ? exchange->call.client_name : STR("none");
    metrics_add(metrics, METRIC_CLIENT_REQUESTS,
                (struct metric_labels){ { client, route, str_from_bytes(class, sizeof class) } }, 1);
    metrics_add(metrics, METRIC_HTTP_REQUESTS,
                (struct metric_labels){ { route, str_from_bytes(status, sizeof status) } }, 1);
}

static void log_access(const struct exchange *exchange) {
    log_event(exchange->gateway->options.log, LOG_LEVEL_INFO, "request", log_str("method", exchange->request->method),
              log_str("route", exchange->route ? exchange->route->path : "unmatched"),
              log_i64("status", exchange->status), log_str("outcome", exchange->outcome),
              log_i64("duration_us", duration_us(exchange)), log_str("client", exchange->call.client_name),
              log_correlation("interaction_id", exchange->call.interaction_id));
}

/* The value of a header of the answer; .at NULL without one. */
static struct str header_of(const struct exchange *exchange, struct str name) {
    for (size_t i = 0; i < exchange->header_count; i++)
        if (str_equal_nocase(exchange->headers[i].name, name)) return exchange->headers[i].value;
    return (struct str){ 0 };
}

/* Nothing is kept unless its route says so, and a shared cache keeps only what everybody may read: what came with
 * credentials is at most its caller's (gateway/60). */
static void cache_headers(struct exchange *exchange) {
    enum { CREDENTIALS = ROUTE_TOKEN | ROUTE_CERTIFICATE | ROUTE_SOFTWARE };
    struct str said = header_of(exchange, STR("Cache-Control"));
    bool may = exchange->route && (exchange->status == 200 || exchange->status == 304);
    bool is_public = str_starts(said, STR("public"));
    if (!said.at || !may || (is_public && (exchange->route->flags & CREDENTIALS)))
        exchange_header(exchange, STR("Cache-Control"), STR("no-store"));
    else if (str_starts(said, STR("private")) && !header_of(exchange, STR("Vary")).at)
        exchange_header(exchange, STR("Vary"), STR("Authorization"));
}

/* Of a signed route, or a refusal before a route of Open Banking's payments was found (405, a bad interaction id). */
static bool is_signed(const struct exchange *exchange) {
    size_t at;
    if (exchange->content.len == 0) return false;
    if (exchange->route) return exchange->route->flags & ROUTE_SIGNED;
    return exchange->gateway->options.message_signature_sign && exchange->call.listener == CALL_MTLS &&
           route_family_of_path(CALL_MTLS, exchange->request->path) == FAMILY_OPEN_BANKING &&
           str_find(exchange->request->path, STR("/pisp"), &at);
}

/* Signs such an answer; what cannot be signed is not sent (uk/J7). */
static void sign(struct exchange *exchange) {
    if (!is_signed(exchange)) return;
    int r = exchange->gateway->options.message_signature_sign(exchange);
    if (r == 0) return;
    check(r < 0);
    (void)exchange_fault(exchange, "message_signature_sign", r);
}

/* The other kind of signature, over what goes out now (FAPI M4). */
static void sign_http(struct exchange *exchange) {
    int r = exchange_signature_make(exchange);
    if (r == 0) return;
    exchange_header_drop(exchange, STR("x-jws-signature")); /* of the answer that is not sent */
    (void)exchange_fault(exchange, "exchange_signature_make", r);
}

void pipeline_answer(struct exchange *exchange) {
    struct gateway *gateway = exchange->gateway;
    check(exchange->status != 0);
    response_check(exchange);
    deprecation_headers(exchange);
    sign(exchange);
    sign_http(exchange);
    exchange_header(exchange, STR("x-fapi-interaction-id"), exchange->call.interaction_id);
    cache_headers(exchange);
    call_audit_note(exchange);
    count(exchange);
    log_access(exchange);
    struct http_response response = { .status = exchange->status,
                                      .headers = exchange->headers,
                                      .header_count = exchange->header_count,
                                      .body = exchange->content };
    if (exchange->idempotency_key.len) key_wait_end(gateway->key_waits, exchange);
    http_reply(exchange->request, &response); /* the exchange is gone */
    atomic_fetch_sub(&gateway->requests, 1);
}
