/* open_banking_consents.c - domestic payment consents (uk/P1 to P9): creating, reading, and whether the funds are
 * there. */
#include "gateway/open_banking.h"

#include "gateway/gateway.h"

const struct refusal refusal_ob_unknown = { .status = 400,
                                            .code = "not_found",
                                            .ob_code = "U011",
                                            .title = "Bad Request",
                                            .detail = "There is no such resource." };
const struct refusal refusal_ob_other_client = { .status = 403,
                                                 .code = "insufficient_scope",
                                                 .ob_code = "U000",
                                                 .title = "Forbidden",
                                                 .detail = "The resource is another client's." };
const struct refusal refusal_ob_token_consent = { .status = 403,
                                                  .code = "insufficient_scope",
                                                  .ob_code = "U000",
                                                  .title = "Forbidden",
                                                  .detail = "The access token was given for another consent." };
const struct refusal refusal_ob_consent_status = { .status = 400,
                                                   .code = "consent_status",
                                                   .ob_code = "U009",
                                                   .title = "Bad Request",
                                                   .detail = "The consent is not in the status AUTH." };

static const struct refusal refusal_version = { .status = 400,
                                                .code = "consent_mismatch",
                                                .ob_code = "U008",
                                                .title = "Bad Request",
                                                .detail =
                                                    "The consent was made with another version of the API, which alone "
                                                    "can use it." };

/* ---- shared with the payments ---- */

/* (uk/P9, rule 13) */
static int check_version(struct exchange *exchange, const char *path, const struct payment_consent_view *consent) {
    if (consent->version == open_banking_major(exchange->route->version)) return EXCHANGE_GOES_ON;
    if (!path) return exchange_refuse(exchange, &refusal_version, NULL);
    return exchange_refuse_field(exchange, &refusal_version, path, refusal_version.detail);
}

static int refuse_unknown(struct exchange *exchange, const char *path) {
    if (!path) return exchange_refuse(exchange, &refusal_ob_unknown, NULL);
    return exchange_refuse_field(exchange, &refusal_ob_unknown, path, refusal_ob_unknown.detail);
}

int open_banking_consent_find(struct exchange *exchange, struct str text, const char *path,
                              struct payment_consent_view *ret_consent) {
    struct consent_id consent_id;
    if (id_parse(text, consent_id.bytes)) return refuse_unknown(exchange, path);
    int r = query_payment_consent(exchange->query, &consent_id, exchange->arena, ret_consent);
    if (r < 0) return exchange_fault(exchange, "query_payment_consent", r);
    if (r == QUERY_E_ABSENT) return refuse_unknown(exchange, path);
    check(r == 0);
    memcpy(exchange->resource_id, consent_id.bytes, sizeof exchange->resource_id);
    if (!id_equal(ret_consent->client_id.bytes, exchange->call.client_id.bytes))
        return exchange_refuse(exchange, &refusal_ob_other_client, NULL);
    return check_version(exchange, path, ret_consent);
}

bool open_banking_answer_begin(struct exchange *exchange, struct buffer *body, struct open_banking_writer *ret_writer) {
    char *memory = arena_alloc(exchange->arena, OPEN_BANKING_DOCUMENT_BYTES_MAX);
    if (!memory) {
        (void)exchange_fault(exchange, "open_banking_answer", err_origin(-ENOMEM)); /* answered */
        return false;
    }
    buffer_init(body, memory, OPEN_BANKING_DOCUMENT_BYTES_MAX);
    *ret_writer = (struct open_banking_writer){ .out = body,
                                                .arena = exchange->arena,
                                                .api_url = gateway_options(exchange->gateway)->api_url,
                                                .version = exchange->route->version };
    return true;
}

int open_banking_answer_end(struct exchange *exchange, int status, const struct open_banking_writer *writer, int r) {
    if (!r && writer->out->overflow) r = err_origin(-EMSGSIZE);
    if (r) return exchange_fault(exchange, "open_banking_answer", r);
    return exchange_answer_json(exchange, status, buffer_str(writer->out));
}

static int answer_consent(struct exchange *exchange, int status, const struct payment_consent_view *consent) {
    struct open_banking_writer writer;
    struct buffer body;
    if (!open_banking_answer_begin(exchange, &body, &writer)) return EXCHANGE_ANSWERED;
    return open_banking_answer_end(exchange, status, &writer, consent_document_write(&writer, consent));
}

/* ---- POST /domestic-payment-consents ---- */

/* JSON text of value in the arena; .at NULL: the arena is full, or the text is over the limit of a part. */
static struct str part_of(const struct json *value, struct arena *arena) {
    char *memory = arena_alloc(arena, CONSENT_PART_BYTES_MAX);
    struct buffer text;
    if (!memory) return (struct str){ 0 };
    buffer_init(&text, memory, CONSENT_PART_BYTES_MAX);
    json_write(&text, value);
    return text.overflow ? (struct str){ 0 } : buffer_str(&text);
}

/* What of Data is neither Initiation nor ours, as an object. */
static struct str document_of(const struct json *data, struct arena *arena) {
    char *memory = arena_alloc(arena, CONSENT_PART_BYTES_MAX);
    struct json_writer writer;
    struct buffer text;
    static const char *const names[] = { "ReadRefundAccount", "Authorisation", "SCASupportData" };
    if (!memory) return (struct str){ 0 };
    buffer_init(&text, memory, CONSENT_PART_BYTES_MAX);
    json_begin(&writer, &text);
    json_object_begin(&writer);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct json *value = json_get(data, names[i]);
        if (!value) continue;
        json_name(&writer, names[i]);
        json_put_value(&writer, value);
    }
    json_object_end(&writer);
    return text.overflow ? (struct str){ 0 } : buffer_str(&text);
}

/* Everything that the command keeps, in the arena. */
static bool input_of(struct exchange *exchange, const struct initiation *initiation,
                     struct consent_create_input *ret_input) {
    const struct json *data = json_get(exchange->body, "Data");
    struct arena *arena = exchange->arena;
    struct consent_create_input input = { .initiation = part_of(json_get(data, "Initiation"), arena),
                                          .risk = part_of(json_get(exchange->body, "Risk"), arena),
                                          .document = document_of(data, arena),
                                          .amount = initiation->amount,
                                          .creditor_name =
                                              arena_dup(arena, person_name_reveal(&initiation->creditor.name)),
                                          .creditor_scheme = account_scheme_name(initiation->creditor.scheme),
                                          .creditor_identification =
                                              account_identification(&initiation->creditor, arena),
                                          .debtor_scheme = account_scheme_name(initiation->debtor.scheme),
                                          .debtor_identification = account_identification(&initiation->debtor, arena),
                                          .version = open_banking_major(exchange->route->version) };
    *ret_input = input;
    return input.initiation.at && input.risk.at && input.document.at && input.creditor_name.at &&
           input.creditor_identification.at && input.debtor_identification.at;
}

int consent_post_handle(struct exchange *exchange) {
    struct consent_create_input input;
    struct initiation initiation;
    struct schema_errors errors;
    errors.count = 0;
    errors.more = false;
    initiation_read(json_path(exchange->body, "Data.Initiation"), &errors, &initiation);
    if (errors.count) return exchange_refuse(exchange, &refusal_invalid_request, &errors);
    if (!input_of(exchange, &initiation, &input)) return exchange_refuse(exchange, &refusal_too_large, NULL);
    exchange_command(exchange, true);
    int r = command_consent_create(gateway_options(exchange->gateway)->integration, &exchange->command, &input);
    return r ? exchange_command_result(exchange, r) : EXCHANGE_WAITS;
}

/* 201 with the consent as it is now, for a lawful retry too (uk/I3). */
int consent_post_finish(struct exchange *exchange) {
    struct payment_consent_view consent;
    struct consent_id consent_id;
    int next = exchange_command_result(exchange, 0);
    if (next != EXCHANGE_GOES_ON) return next;
    check(exchange->command.answer.refusal == 0); /* the command refuses nothing */
    memcpy(consent_id.bytes, exchange->command.answer.resource_id, sizeof consent_id.bytes);
    int r = query_payment_consent(exchange->query, &consent_id, exchange->arena, &consent);
    if (r) return exchange_fault(exchange, "query_payment_consent", err_fold(r));
    return answer_consent(exchange, 201, &consent);
}

/* ---- GET ---- */

int consent_get_handle(struct exchange *exchange) {
    struct payment_consent_view consent;
    int next = open_banking_consent_find(exchange, exchange->params[0], NULL, &consent);
    return next == EXCHANGE_GOES_ON ? answer_consent(exchange, 200, &consent) : next;
}

int funds_confirmation_handle(struct exchange *exchange) {
    struct payment_consent_view consent;
    struct open_banking_writer writer;
    struct account_view account;
    struct buffer body;
    int next = open_banking_consent_find(exchange, exchange->params[0], NULL, &consent);
    if (next != EXCHANGE_GOES_ON) return next;
    if (!id_equal(consent.consent_id.bytes, exchange->call.consent_id.bytes))
        return exchange_refuse(exchange, &refusal_ob_token_consent, NULL);
    if (consent.status != PAYMENT_CONSENT_AUTH) return exchange_refuse(exchange, &refusal_ob_consent_status, NULL);
    int r = query_account(exchange->query, &consent.account_id, exchange->arena, &account);
    if (r) return exchange_fault(exchange, "query_account", err_fold(r));
    bool available =
        currency_equal(account.currency, consent.amount.currency) && account.available_minor >= consent.amount.minor;
    if (!open_banking_answer_begin(exchange, &body, &writer)) return EXCHANGE_ANSWERED;
    funds_document_write(&writer, &consent, available, gateway_options(exchange->gateway)->now_ms());
    return open_banking_answer_end(exchange, 200, &writer, 0);
}
