#include "gateway/exchange.h"

#include "gateway/call_audit.h"
#include "gateway/gateway_int.h"
#include "gateway/pipeline.h"
#include "gateway/problem.h"

struct exchange *exchange_new(struct gateway *gateway, struct http_request *request) {
    struct exchange *exchange = arena_new(&request->arena, struct exchange);
    if (!exchange) return NULL;
    exchange->gateway = gateway;
    exchange->request = request;
    exchange->arena = &request->arena;
    exchange->outcome = "accepted";
    exchange->began_ns = request->received_mono_ns;
    exchange->call.received_ms = gateway->options.now_ms();
    return exchange;
}

void exchange_header(struct exchange *exchange, struct str name, struct str value) {
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (!str_equal_nocase(exchange->headers[i].name, name)) continue;
        exchange->headers[i].value = value;
        return;
    }
    check(exchange->header_count < EXCHANGE_HEADERS_MAX);
    exchange->headers[exchange->header_count++] = (struct http_header){ .name = name, .value = value };
}

void exchange_header_drop(struct exchange *exchange, struct str name) {
    size_t kept = 0;
    for (size_t i = 0; i < exchange->header_count; i++)
        if (!str_equal_nocase(exchange->headers[i].name, name)) exchange->headers[kept++] = exchange->headers[i];
    exchange->header_count = kept;
}

int exchange_answer(struct exchange *exchange, int status, const char *media_type, struct str content) {
    exchange->status = status;
    exchange->content = content;
    if (media_type) exchange_header(exchange, STR("Content-Type"), str_from_c(media_type));
    return EXCHANGE_ANSWERED;
}

int exchange_answer_json(struct exchange *exchange, int status, struct str content) {
    return exchange_answer(exchange, status, "application/json", content);
}

/* ---- refusals ---- */

static enum route_family family_of(const struct exchange *exchange) {
    return exchange->route ? exchange->route->family
                           : route_family_of_path(exchange->call.listener, exchange->request->path);
}

enum open_banking_version exchange_version(const struct exchange *exchange) {
    return exchange->route ? exchange->route->version : route_version_of_path(exchange->request->path);
}

int exchange_refuse(struct exchange *exchange, const struct refusal *refusal, const struct schema_errors *errors) {
    char memory[PROBLEM_BYTES_MAX];
    struct buffer body;
    struct problem problem = { .refusal = refusal,
                               .interaction_id = exchange->call.interaction_id,
                               .record_id = exchange->record_name,
                               .errors = errors,
                               .version = exchange_version(exchange) };
    buffer_init(&body, memory, sizeof memory);
    const char *media_type = problem_write(family_of(exchange), &problem, &body);
    if (body.overflow) { /* so many and long errors: the refusal alone says enough */
        buffer_reset(&body);
        problem.errors = NULL;
        media_type = problem_write(family_of(exchange), &problem, &body);
    }
    struct str content = arena_dup(exchange->arena, buffer_str(&body));
    if (!content.at) content = STR(""); /* the status still tells */
    exchange->outcome = refusal->code;
    call_audit_refusal(exchange, refusal, errors);
    if (refusal->status == 503) exchange_header(exchange, STR("Retry-After"), STR("1"));
    exchange_header(exchange, STR("Cache-Control"), STR("no-store"));
    return exchange_answer(exchange, refusal->status, media_type, content);
}

void schema_errors_add(struct schema_errors *errors, const char *path, const char *message) {
    if (errors->count == SCHEMA_ERRORS_MAX) {
        errors->more = true;
        return;
    }
    errors->items[errors->count++] =
        (struct schema_error){ .kind = SCHEMA_ERROR_INVALID, .path = str_from_c(path), .message = str_from_c(message) };
}

int exchange_refuse_field(struct exchange *exchange, const struct refusal *refusal, const char *path,
                          const char *message) {
    struct schema_errors errors;
    errors.count = 0;
    errors.more = false;
    schema_errors_add(&errors, path, message);
    return exchange_refuse(exchange, refusal, &errors);
}

int exchange_refuse_for(struct exchange *exchange, const struct refusal *refusal, int64_t retry_after_s) {
    struct str retry = arena_printf(exchange->arena, "%lld", (long long)(retry_after_s > 1 ? retry_after_s : 1));
    int next = exchange_refuse(exchange, refusal, NULL);
    exchange_header(exchange, STR("Retry-After"), retry.at ? retry : STR("1"));
    return next;
}

void exchange_rule(struct exchange *exchange, const char *rule) {
    exchange->rule = rule;
}

int exchange_fault(struct exchange *exchange, const char *operation, int code) {
    log_fault(exchange->gateway->options.log, operation, code, exchange->call.interaction_id);
    if (exchange->decided) return exchange_refuse(exchange, &refusal_outcome_unknown, NULL);
    bool is_away = code == -ENOTCONN; /* the store cannot be reached now: nothing was stored, another try may do */
    return exchange_refuse(exchange, is_away ? &refusal_unavailable : &refusal_internal, NULL);
}

/* ---- commands ---- */

static int status_of(const void *owner, int refusal) {
    const struct exchange *exchange = owner;
    return exchange->command_refusal ? exchange->command_refusal(refusal)->status : 0;
}

static void exchange_on_done(void *owner) {
    pipeline_resume(owner);
}

void exchange_command(struct exchange *exchange, bool waits) {
    struct command_audit *audit = &exchange->audit;
    *audit = (struct command_audit){ .status_of = status_of, .owner = exchange };
    call_audit_record(exchange, &audit->record);
    if (exchange->route) audit->answer_mask = audit_masks_decision(exchange->gateway->audit_masks, exchange->route);
    command_audit_began(audit, audit->record.duration_us);
    exchange->command =
        (struct command_call){ .call = &exchange->call, .arena = exchange->arena, .owner = exchange, .audit = audit };
    if (waits) exchange->command.on_done = exchange_on_done;
    if (!exchange->idempotency_key.len) return;
    exchange->command.idempotent = true;
    exchange->command.route_template = str_from_c(exchange->route->path);
    exchange->command.method = str_from_c(exchange->route->method);
    exchange->command.key = exchange->idempotency_key;
    exchange->command.fingerprint = exchange->fingerprint;
    exchange->command.keep_ms = exchange->route->idempotency == IDEMPOTENCY_OPEN_BANKING
                                    ? IDEMPOTENCY_OPEN_BANKING_KEEP_MS
                                    : exchange->gateway->options.idempotency_keep_ms;
}

/* Open Banking knows no 422 (uk/I4). */
static int refuse_reused(struct exchange *exchange) {
    struct refusal refusal = refusal_key_reused;
    if (exchange->route->idempotency == IDEMPOTENCY_OPEN_BANKING) {
        refusal.status = 400;
        refusal.title = "Bad Request";
    }
    return exchange_refuse(exchange, &refusal, NULL);
}

int exchange_command_result(struct exchange *exchange, int r) {
    if (r < 0) return exchange_fault(exchange, exchange->route->path, r);
    if (r == COMMAND_E_FULL) return exchange_refuse(exchange, &refusal_unavailable, NULL);
    check(r == 0);
    exchange->audited = exchange->command.audited;
    memcpy(exchange->resource_id, exchange->command.answer.resource_id, sizeof exchange->resource_id);
    switch (exchange->command.answer.result) {
    case ANSWER_DONE:
        return EXCHANGE_GOES_ON;
    case ANSWER_REPLAYED:
        exchange_header(exchange, STR("Idempotent-Replayed"), STR("true"));
        return EXCHANGE_GOES_ON;
    case ANSWER_KEY_REUSED:
        return refuse_reused(exchange);
    case ANSWER_UNAVAILABLE:
    case ANSWER_TOO_COMPLEX:
        return exchange_refuse(exchange, &refusal_unavailable, NULL);
    case ANSWER_UNKNOWN:
        return exchange_refuse(exchange, &refusal_outcome_unknown, NULL);
    case ANSWER_FAULT:
        return exchange_refuse(exchange, &refusal_internal, NULL);
    case ANSWER_RESULT_COUNT:
        break;
    }
    check(false);
    return EXCHANGE_ANSWERED;
}
