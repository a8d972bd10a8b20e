#include "gateway/call_audit.h"

#include "gateway/audit_masks.h"
#include "gateway/gateway_int.h"
#include "gateway/problem.h"
#include "gateway/refusal_tally.h"
#include "observe/mask.h"

enum { WHY_ERRORS_MAX = 8, WHY_PATH_BYTES_MAX = 128, WHY_MESSAGE_BYTES_MAX = 160 };

void call_audit_name(struct exchange *exchange, bool fresh) {
    struct str text = exchange->call.interaction_id;
    if (!fresh) text = interaction_id_new(exchange->record_text);
    exchange->record_name = text;
    check(id_parse(text, exchange->record_id) == 0);
}

/* ---- why ---- */

/* A path is made of names that the contract knows, but for that of a member that it does not. */
static void write_error(struct json_writer *writer, const struct schema_error *error) {
    bool ours = error->kind != SCHEMA_ERROR_UNEXPECTED && error->path.len <= WHY_PATH_BYTES_MAX &&
                error->message.len <= WHY_MESSAGE_BYTES_MAX;
    json_object_begin(writer);
    if (ours) {
        json_member_str(writer, "path", error->path);
        json_member_str(writer, "message", error->message);
    } else {
        json_member_c(writer, "message", "a member that the contract does not name, or a name too long to keep");
    }
    json_object_end(writer);
}

static void write_why(struct buffer *out, const struct refusal *refusal, const struct schema_errors *errors) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "detail", refusal->detail);
    if (refusal->hint) json_member_c(&writer, "hint", refusal->hint);
    if (errors && errors->count) {
        json_name(&writer, "errors");
        json_array_begin(&writer);
        for (size_t i = 0; i < errors->count && i < WHY_ERRORS_MAX; i++) write_error(&writer, &errors->items[i]);
        json_array_end(&writer);
        if (errors->more || errors->count > WHY_ERRORS_MAX) json_member_bool(&writer, "more", true);
    }
    json_object_end(&writer);
}

void call_audit_refusal(struct exchange *exchange, const struct refusal *refusal, const struct schema_errors *errors) {
    char memory[AUDIT_WHY_BYTES_MAX];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    write_why(&out, refusal, errors);
    if (out.overflow) { /* long paths: the rest says enough */
        buffer_reset(&out);
        write_why(&out, refusal, NULL);
    }
    struct str why = arena_dup(exchange->arena, buffer_str(&out));
    exchange->why = why.at ? why : (struct str){ 0 };
}

/* ---- bodies ---- */

static struct audit_body mask_json(struct exchange *exchange, const struct json_mask *mask, struct str text,
                                   bool fits) {
    char memory[AUDIT_BODY_BYTES_MAX];
    struct buffer out;
    struct audit_body body = { .cut = false };
    if (!mask || text.len == 0) return body;
    buffer_init(&out, memory, sizeof memory);
    body.cut = !command_audit_mask(&out, mask, text, fits, exchange->arena);
    body.json = arena_dup(exchange->arena, buffer_str(&out));
    if (!body.json.at) body = (struct audit_body){ .cut = false }; /* the arena is full: the call itself is told */
    return body;
}

/* Once a call: what was asked does not change. */
static void mask_request(struct exchange *exchange) {
    const struct route *route = exchange->route;
    struct str body = exchange->request->body;
    if (exchange->request_masked || !route || !exchange->call.has_client) return;
    exchange->request_masked = true;
    if (route->flags & ROUTE_FORM) exchange->request_body.json = audit_form(body, exchange->arena);
    else if (exchange->body)
        exchange->request_body =
            mask_json(exchange, audit_masks_request(exchange->gateway->audit_masks, route), body, exchange->body_fits);
}

static void mask_response(struct exchange *exchange, struct audit_body *ret_body) {
    const struct gateway *gateway = exchange->gateway;
    if (!exchange->route || exchange->content.len == 0) return;
    const struct json_mask *mask = audit_masks_response(gateway->audit_masks, exchange->route, exchange->status);
    *ret_body = mask_json(exchange, mask, exchange->content, true);
}

/* ---- records ---- */

static int64_t duration_us(const struct exchange *exchange) {
    int64_t ns = exchange->gateway->options.mono_ns() - exchange->began_ns;
    return ns > 0 ? ns / 1000 : 0;
}

/* Its net, as text in the arena. */
static struct str customer_address(const struct exchange *exchange) {
    struct str value = http_header(exchange->request, STR("x-fapi-customer-ip-address"));
    if (value.len == 0) return value;
    struct masked masked = mask_address(str_trim(value));
    struct str text = arena_dup(exchange->arena, str_from_c(masked.text));
    return text.at ? text : (struct str){ 0 };
}

void call_audit_record(struct exchange *exchange, struct audit_record *ret_record) {
    const struct call *call = &exchange->call;
    mask_request(exchange);
    *ret_record = (struct audit_record){ .time_ms = exchange->gateway->options.now_ms(),
                                         .interaction_id = call->interaction_id,
                                         .client_id = call->client_id,
                                         .customer_id = call->customer_id,
                                         .method = exchange->route ? exchange->route->method : "NONE",
                                         .route = exchange->route ? exchange->route->path : "unmatched",
                                         .status = exchange->status,
                                         .outcome = exchange->outcome,
                                         .duration_us = duration_us(exchange),
                                         .certificate_sha256 = call->certificate_hash,
                                         .user_agent = http_header(exchange->request, STR("x-customer-user-agent")),
                                         .customer_address = customer_address(exchange),
                                         .request = exchange->request_body };
    memcpy(ret_record->id, exchange->record_id, sizeof ret_record->id);
    memcpy(ret_record->resource_id, exchange->resource_id, sizeof ret_record->resource_id);
    if (!exchange->why.len) return;
    ret_record->check = exchange->check ? exchange->check : "gateway";
    ret_record->rule = exchange->rule ? exchange->rule : exchange->outcome;
    ret_record->why = exchange->why;
}

static void note(struct exchange *exchange, const struct audit_record *record) {
    char memory[AUDIT_RECORD_BYTES_MAX];
    struct buffer json;
    buffer_init(&json, memory, sizeof memory);
    audit_encode(record, &json);
    if (!json.overflow) command_note(exchange->gateway->options.integration, buffer_str(&json));
}

static void note_call(struct exchange *exchange) {
    struct audit_record record;
    call_audit_record(exchange, &record);
    mask_response(exchange, &record.response);
    note(exchange, &record);
}

/* The record of the decision is in the commit; this is what was made of it for the caller, unless it is the same. */
static void note_answer(struct exchange *exchange) {
    bool told = exchange->audit.answer_mask && exchange->content.at == exchange->command.answer.body.at;
    struct audit_record record;
    if ((told && exchange->status < 400) || exchange->content.len == 0) return;
    call_audit_record(exchange, &record);
    record.event = "answer";
    record.request = (struct audit_body){ .cut = false };
    mask_response(exchange, &record.response);
    if (record.response.json.len || record.why.len) note(exchange, &record);
}

void call_audit_flush(struct gateway *gateway, int64_t now_ms) {
    char memory[REFUSAL_RECORD_BYTES_MAX];
    struct buffer json;
    buffer_init(&json, memory, sizeof memory);
    refusal_tally_take(gateway->tally, now_ms, &json);
    if (json.len && !json.overflow) command_note(gateway->options.integration, buffer_str(&json));
}

void call_audit_note(struct exchange *exchange) {
    struct gateway *gateway = exchange->gateway;
    int64_t now_ms = gateway->options.now_ms();
    call_audit_flush(gateway, now_ms);
    if (exchange->audited) {
        note_answer(exchange);
        return;
    }
    if (!exchange->call.has_client) {
        if (exchange->status < 400) return; /* pages and documents that anybody may read */
        struct str address = exchange->call.remote_address;
        struct masked masked = mask_address(address);
        if (exchange->call.listener == CALL_BROWSER) address = str_from_c(masked.text); /* a customer's own */
        if (!refusal_tally_count(gateway->tally, now_ms, address)) return;
    }
    note_call(exchange);
}
