#include "gateway/response_check.h"

#include "gateway/gateway_int.h"

enum { ARENA_BLOCK_BYTES = 32 * 1024 };

static struct str media_type_of(const struct exchange *exchange) {
    for (size_t i = 0; i < exchange->header_count; i++)
        if (str_equal_nocase(exchange->headers[i].name, STR("Content-Type"))) return exchange->headers[i].value;
    return (struct str){ 0 };
}

static bool one_error(struct schema_errors *errors, const char *message) {
    errors->count = 0;
    errors->more = false;
    schema_errors_add(errors, "$", message);
    return false;
}

/* The body against the schema; errors are in the arena. What is too large for it counts as fitting. */
static bool body_fits(const struct exchange *exchange, const struct schema *schema, struct arena *arena,
                      struct schema_errors *errors) {
    const struct json *body;
    int r = json_parse_arena(exchange->content, EXCHANGE_ANSWER_BYTES_MAX, JSON_DEPTH_MAX, arena, &body);
    if (r < 0) return true;
    if (r) return one_error(errors, json_refusal_text(r));
    r = schema_check(schema, body, SCHEMA_PATH_JSON, arena, errors);
    return r <= 0 || errors->count == 0;
}

static bool answer_fits(const struct exchange *exchange, struct arena *arena, struct schema_errors *errors) {
    const struct openapi_response *response = openapi_response(exchange->operation, exchange->status);
    if (!response) return one_error(errors, "this status is not documented");
    if (exchange->content.len == 0) return true;
    const struct openapi_content *content = openapi_content(response->contents, media_type_of(exchange));
    if (!content) return one_error(errors, "this media type is not documented for this status");
    return !content->schema || body_fits(exchange, content->schema, arena, errors);
}

static void tell(const struct exchange *exchange, const struct schema_errors *errors) {
    const struct gateway_options *options = &exchange->gateway->options;
    struct str route = str_from_c(exchange->route->path);
    metrics_add(options->metrics, METRIC_RESPONSE_MISMATCH, (struct metric_labels){ { route } }, 1);
    for (size_t i = 0; i < errors->count && i < RESPONSE_CHECK_ERRORS_TOLD; i++)
        log_event(options->log, LOG_LEVEL_ERROR, "response_mismatch", log_str("method", exchange->route->method),
                  log_str("route", route), log_i64("status", exchange->status), log_str("path", errors->items[i].path),
                  log_str("rule", errors->items[i].message),
                  log_correlation("interaction_id", exchange->call.interaction_id));
}

/* An answer in the sample, of a route that a document describes. */
static bool is_looked_at(struct exchange *exchange) {
    struct gateway *gateway = exchange->gateway;
    if (gateway->options.response_check == RESPONSE_CHECK_OFF || !exchange->operation) return false;
    return atomic_fetch_add(&gateway->answers, 1) % gateway->options.response_check_every == 0;
}

void response_check(struct exchange *exchange) {
    struct schema_errors errors = { .count = 0 };
    struct arena arena;
    if (!is_looked_at(exchange) || arena_init(&arena, ARENA_BLOCK_BYTES, RESPONSE_CHECK_ARENA_BYTES_MAX)) return;
    bool fits = answer_fits(exchange, &arena, &errors);
    if (!fits) tell(exchange, &errors);
    arena_release(&arena);
    if (fits || exchange->gateway->options.response_check != RESPONSE_CHECK_FAIL) return;
    exchange->header_count = 0; /* they belong to the other answer */
    (void)exchange_refuse(exchange, exchange->decided ? &refusal_outcome_unknown : &refusal_internal, NULL);
}
