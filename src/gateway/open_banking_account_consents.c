/* open_banking_account_consents.c - consents to reads of accounts (uk/Q1 to Q11, rules 8 to 10): asked for, looked at
 * and deleted by the client. Not idempotent and not signed: a second POST makes a second consent (uk/I1). */
#include "gateway/open_banking_accounts.h"

#include "gateway/gateway.h"
#include "platform/clock.h"

static const struct refusal refusal_consent_gone = {
    .status = 400, .code = "not_found", .ob_code = "U011", .title = "Bad Request", .detail = "There is no such consent."
};

/* ---- the document ---- */

struct reason {
    const char *code, *text;
};

static void put_reason(struct json_writer *writer, const char *code, const char *text) {
    json_object_begin(writer);
    json_member_c(writer, "StatusReasonCode", code);
    json_member_c(writer, "StatusReasonDescription", text);
    json_object_end(writer);
}

/* Why it stands where it stands (uk/Q5): a list, also when there is nothing to say. v3.1 has none. */
static void write_reasons(struct json_writer *writer, const struct account_consent_view *consent) {
    json_name(writer, "StatusReason");
    json_array_begin(writer);
    switch (consent->status) {
    case ACCOUNT_ACCESS_AWAU:
        put_reason(writer, "U036", "The customer has not authorised the consent yet.");
        break;
    case ACCOUNT_ACCESS_RJCT:
        put_reason(writer, "CUST", "The customer did not agree.");
        break;
    case ACCOUNT_ACCESS_CANC:
        put_reason(writer, "TKSP",
                   consent->wants_authentication ? "The bank asks for the customer's authentication."
                                                 : "The consent was withdrawn at the bank.");
        put_reason(writer, "U028", "The customer may authorise it again.");
        break;
    case ACCOUNT_ACCESS_EXPD:
        put_reason(writer, "TKXP", "The consent has reached its ExpirationDateTime.");
        break;
    case ACCOUNT_ACCESS_AUTH:
    case ACCOUNT_ACCESS_DELETED:
    case ACCOUNT_ACCESS_COUNT:
        break;
    }
    json_array_end(writer);
}

static int answer_consent(struct exchange *exchange, int status, const struct account_consent_view *consent) {
    static const char *const as_sent[] = { "Permissions", "ExpirationDateTime", "TransactionFromDateTime",
                                           "TransactionToDateTime" };
    enum open_banking_version version = exchange->route->version;
    struct open_banking_writer to;
    struct json_writer writer;
    struct buffer body;
    char id[ID_TEXT_BYTES], self[1024];
    struct buffer link;
    const struct json *data;
    int r = json_parse_arena(consent->document, ACCOUNT_CONSENT_PART_BYTES_MAX, JSON_DEPTH_MAX, exchange->arena, &data);
    if (r) return exchange_fault(exchange, "account_consent", err_fold(r));
    if (!open_banking_answer_begin(exchange, &body, &to)) return EXCHANGE_ANSWERED;
    json_begin(&writer, &body);
    json_object_begin(&writer);
    json_name(&writer, "Data");
    json_object_begin(&writer);
    open_banking_member_id(&writer, "ConsentId", consent->consent_id.bytes);
    open_banking_member_time(&writer, "CreationDateTime", consent->created_ms);
    json_member_c(&writer, "Status", open_banking_consent_status(version, consent->status_name));
    if (version == OPEN_BANKING_V4) write_reasons(&writer, consent);
    open_banking_member_time(&writer, "StatusUpdateDateTime", consent->status_ms);
    for (size_t i = 0; i < ARRAY_COUNT(as_sent); i++) { /* never altered (uk/Q6) */
        const struct json *value = json_get(data, as_sent[i]);
        if (!value) continue;
        json_name(&writer, as_sent[i]);
        json_put_value(&writer, value);
    }
    json_object_end(&writer);
    json_member_raw(&writer, "Risk", STR("{}"));
    buffer_init(&link, self, sizeof self);
    buffer_append_str(&link, to.api_url);
    buffer_append_c(&link, open_banking_path(version));
    buffer_append_c(&link, "/aisp/account-access-consents/");
    buffer_append_str(&link, id_format(consent->consent_id.bytes, id));
    json_name(&writer, "Links");
    json_object_begin(&writer);
    json_member_str(&writer, "Self", buffer_str(&link));
    json_object_end(&writer);
    json_member_raw(&writer, "Meta", STR("{}"));
    json_object_end(&writer);
    return open_banking_answer_end(exchange, status, &to, 0);
}

/* ---- POST ---- */

static void fault_at_date(struct schema_errors *errors, const char *path, const char *message) {
    schema_errors_add(errors, path, message);
    errors->items[errors->count - 1].kind = SCHEMA_ERROR_DATE;
}

/* A date-time of Data, if it is there; the schema has judged its form. */
static bool read_time(const struct json *data, const char *name, const char *path, struct schema_errors *errors,
                      int64_t *ret_ms) {
    struct str text = json_get_string(data, name);
    if (!json_get(data, name)) return false;
    if (clock_parse_rfc3339(text, ret_ms) == 0) return true;
    fault_at_date(errors, path, "must be a date-time with a zone");
    return false;
}

static void read_times(const struct json *data, int64_t now_ms, struct schema_errors *errors,
                       struct account_consent_create_input *input) {
    input->from_ms = INT64_MIN;
    input->to_ms = INT64_MAX;
    bool expires = read_time(data, "ExpirationDateTime", "Data.ExpirationDateTime", errors, &input->expires_ms);
    if (expires && input->expires_ms <= now_ms)
        fault_at_date(errors, "Data.ExpirationDateTime", "must be later than now");
    bool from = read_time(data, "TransactionFromDateTime", "Data.TransactionFromDateTime", errors, &input->from_ms);
    bool to = read_time(data, "TransactionToDateTime", "Data.TransactionToDateTime", errors, &input->to_ms);
    if (from && to && input->to_ms < input->from_ms)
        fault_at_date(errors, "Data.TransactionToDateTime", "must not be before TransactionFromDateTime");
}

/* Data as it was sent, in the arena; .at NULL: too large. */
static struct str text_of(const struct json *data, struct arena *arena) {
    char *memory = arena_alloc(arena, ACCOUNT_CONSENT_PART_BYTES_MAX);
    struct buffer text;
    if (!memory) return (struct str){ 0 };
    buffer_init(&text, memory, ACCOUNT_CONSENT_PART_BYTES_MAX);
    json_write(&text, data);
    return text.overflow ? (struct str){ 0 } : buffer_str(&text);
}

int account_consent_post_handle(struct exchange *exchange) {
    const struct json *data = json_get(exchange->body, "Data");
    struct account_consent_create_input input = { .expires_ms = 0 };
    struct schema_errors errors;
    errors.count = 0;
    errors.more = false;
    account_permissions_read(json_get(data, "Permissions"), &errors, &input.permissions);
    read_times(data, exchange->call.received_ms, &errors, &input);
    if (errors.count) return exchange_refuse(exchange, &refusal_invalid_request, &errors);
    input.document = text_of(data, exchange->arena);
    if (!input.document.at) return exchange_refuse(exchange, &refusal_too_large, NULL);
    exchange_command(exchange, true);
    int r = command_account_consent_create(gateway_options(exchange->gateway)->integration, &exchange->command, &input);
    return r ? exchange_command_result(exchange, r) : EXCHANGE_WAITS;
}

int account_consent_post_finish(struct exchange *exchange) {
    struct account_consent_view consent;
    struct consent_id consent_id;
    int next = exchange_command_result(exchange, 0);
    if (next != EXCHANGE_GOES_ON) return next;
    check(exchange->command.answer.refusal == 0); /* the command refuses nothing */
    memcpy(consent_id.bytes, exchange->command.answer.resource_id, sizeof consent_id.bytes);
    int r = query_account_consent(exchange->query, &consent_id, exchange->call.received_ms, exchange->arena, &consent);
    if (r) return exchange_fault(exchange, "query_account_consent", err_fold(r));
    return answer_consent(exchange, 201, &consent);
}

/* ---- GET, DELETE ---- */

/* The consent of the path, if it is this client's and not deleted: EXCHANGE_GOES_ON; else answered 400 or 403. */
static int consent_find(struct exchange *exchange, struct account_consent_view *ret_consent) {
    struct consent_id consent_id;
    if (id_parse(exchange->params[0], consent_id.bytes)) return exchange_refuse(exchange, &refusal_consent_gone, NULL);
    int r =
        query_account_consent(exchange->query, &consent_id, exchange->call.received_ms, exchange->arena, ret_consent);
    if (r < 0) return exchange_fault(exchange, "query_account_consent", r);
    if (r == QUERY_E_ABSENT) return exchange_refuse(exchange, &refusal_consent_gone, NULL);
    if (!id_equal(ret_consent->client_id.bytes, exchange->call.client_id.bytes))
        return exchange_refuse(exchange, &refusal_ob_other_client, NULL);
    memcpy(exchange->resource_id, consent_id.bytes, sizeof exchange->resource_id);
    if (ret_consent->status == ACCOUNT_ACCESS_DELETED) return exchange_refuse(exchange, &refusal_consent_gone, NULL);
    return EXCHANGE_GOES_ON;
}

int account_consent_get_handle(struct exchange *exchange) {
    struct account_consent_view consent;
    int next = consent_find(exchange, &consent);
    return next == EXCHANGE_GOES_ON ? answer_consent(exchange, 200, &consent) : next;
}

static const struct refusal *delete_refusal(int refusal) {
    (void)refusal; /* deleted meanwhile: ABSENT and STATUS are the same to the client */
    return &refusal_consent_gone;
}

int account_consent_delete_handle(struct exchange *exchange) {
    struct account_consent_view consent;
    int next = consent_find(exchange, &consent);
    if (next != EXCHANGE_GOES_ON) return next;
    struct account_consent_change_input input = { .change = ACCOUNT_CONSENT_DELETE, .consent_id = consent.consent_id };
    exchange->command_refusal = delete_refusal;
    exchange_command(exchange, true);
    int r = command_account_consent_change(gateway_options(exchange->gateway)->integration, &exchange->command, &input);
    return r ? exchange_command_result(exchange, r) : EXCHANGE_WAITS;
}

int account_consent_delete_finish(struct exchange *exchange) {
    int next = exchange_command_result(exchange, 0);
    if (next != EXCHANGE_GOES_ON) return next;
    if (exchange->command.answer.refusal)
        return exchange_refuse(exchange, delete_refusal(exchange->command.answer.refusal), NULL);
    return exchange_answer(exchange, 204, NULL, (struct str){ 0 });
}
