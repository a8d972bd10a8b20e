/* payments.c - /v1/payments: one order a request, answered once it is durable. */
#include "gateway/gateway.h"

#include "gateway/route.h"

enum { PAYMENT_JSON_BYTES_MAX = 8 * 1024 };

/* ---- POST /v1/payments ---- */

/* Every field is read, so that one answer names everything that is wrong. Types and presence are the schema's. */
static void read_creditor(const struct json *json, struct creditor *creditor, struct schema_errors *errors) {
    struct str iban = json_get_string(json, "iban");
    int r = person_name_parse(json_get_string(json, "name"), &creditor->name);
    if (r) schema_errors_add(errors, "$.creditor.name", personal_refusal_text(r));
    creditor->scheme = json_get(json, "iban") ? CREDITOR_SCHEME_IBAN : CREDITOR_SCHEME_UK;
    if (creditor->scheme == CREDITOR_SCHEME_IBAN) {
        r = iban_parse(iban, &creditor->iban);
        if (r) schema_errors_add(errors, "$.creditor.iban", personal_refusal_text(r));
        return;
    }
    r = sort_code_parse(json_get_string(json, "sort_code"), &creditor->sort_code);
    if (r) schema_errors_add(errors, "$.creditor.sort_code", personal_refusal_text(r));
    r = account_number_parse(json_get_string(json, "account_number"), ACCOUNT_SCHEME_UK, &creditor->account_number);
    if (r) schema_errors_add(errors, "$.creditor.account_number", personal_refusal_text(r));
}

static void read_amount(const struct json *json, struct money *money, struct schema_errors *errors) {
    struct currency currency;
    int r = currency_parse(json_get_string(json, "currency"), &currency);
    if (r) {
        schema_errors_add(errors, "$.amount.currency", money_refusal_text(r));
        return;
    }
    r = money_parse(json_get_string(json, "value"), currency, money);
    if (r) schema_errors_add(errors, "$.amount.value", money_refusal_text(r));
}

static void read_order(const struct exchange *exchange, struct payment_order *order, struct schema_errors *errors) {
    const struct json *body = exchange->body, *reference = json_get(body, "reference");
    order->client_id = exchange->call.client_id;
    order->customer_id = exchange->call.customer_id;
    if (id_parse(json_get_string(body, "debtor_account_id"), order->debtor_account_id.bytes))
        schema_errors_add(errors, "$.debtor_account_id", "must be an account id");
    read_creditor(json_get(body, "creditor"), &order->creditor, errors);
    read_amount(json_get(body, "amount"), &order->amount, errors);
    int r = reference ? payment_reference_parse(json_string(reference), &order->reference) : 0;
    if (r) schema_errors_add(errors, "$.reference", personal_refusal_text(r));
}

/* The contract's 422s, stored with the key; the breaker's 503, stored nowhere. */
static const struct refusal refusal_account = { .status = 422,
                                                .code = "account_not_found",
                                                .title = "Unprocessable Content",
                                                .detail = "The debtor account does not exist or is not the caller's." };
static const struct refusal refusal_currency = { .status = 422,
                                                 .code = "currency_mismatch",
                                                 .title = "Unprocessable Content",
                                                 .detail = "The amount is not in the currency of the accounts." };
static const struct refusal refusal_creditor = { .status = 422,
                                                 .code = "creditor_not_reachable",
                                                 .title = "Unprocessable Content",
                                                 .detail = "The creditor's account cannot be paid from here." };
static const struct refusal refusal_amount = { .status = 422,
                                               .code = "amount_too_large",
                                               .title = "Unprocessable Content",
                                               .detail = "The amount is larger than can be carried." };

static const struct refusal *payment_refusal(int refusal) {
    switch ((enum payment_accept_refusal)refusal) {
    case PAYMENT_ACCEPT_E_ACCOUNT:
        return &refusal_account;
    case PAYMENT_ACCEPT_E_CURRENCY:
        return &refusal_currency;
    case PAYMENT_ACCEPT_E_CREDITOR:
        return &refusal_creditor;
    case PAYMENT_ACCEPT_E_AMOUNT:
        return &refusal_amount;
    case PAYMENT_ACCEPT_E_BREAKER:
        return &refusal_unavailable;
    case PAYMENT_ACCEPT_E_CONSENT_STATUS: /* no order of /v1 has a consent */
    case PAYMENT_ACCEPT_E_CONSENT_MISMATCH:
    case PAYMENT_ACCEPT_E_CONSENT:
    case PAYMENT_ACCEPT_E_NONE:
    case PAYMENT_ACCEPT_E_COUNT:
        break;
    }
    return &refusal_internal;
}

static int payment_create_handle(struct exchange *exchange) {
    struct payment_order order = { 0 };
    struct schema_errors errors = { .count = 0 };
    read_order(exchange, &order, &errors);
    if (errors.count) return exchange_refuse(exchange, &refusal_invalid_request, &errors);
    int r = payment_order_check(&order);
    if (r) {
        struct str path = arena_printf(exchange->arena, "$.%s", payment_order_refusal_path(r));
        return exchange_refuse_field(exchange, &refusal_invalid_request, path.at ? path.at : "$",
                                     payment_order_refusal_text(r));
    }
    exchange->command_refusal = payment_refusal;
    exchange_command(exchange, true);
    r = command_payment_accept(gateway_options(exchange->gateway)->integration, &exchange->command, &order);
    return r ? exchange_command_result(exchange, r) : EXCHANGE_WAITS;
}

static int refuse_payment(struct exchange *exchange, int refusal) {
    int next = exchange_refuse(exchange, payment_refusal(refusal), NULL);
    if (refusal != PAYMENT_ACCEPT_E_BREAKER) return next;
    int64_t ms = command_payment_retry_ms(gateway_options(exchange->gateway)->integration);
    struct str seconds = arena_printf(exchange->arena, "%lld", (long long)((ms + 999) / 1000));
    if (seconds.at) exchange_header(exchange, STR("Retry-After"), seconds);
    return next;
}

static int payment_create_finish(struct exchange *exchange) {
    const struct command_answer *answer = &exchange->command.answer;
    char id[ID_TEXT_BYTES];
    int next = exchange_command_result(exchange, 0);
    if (next != EXCHANGE_GOES_ON) return next;
    if (answer->refusal) return refuse_payment(exchange, answer->refusal);
    struct str location =
        arena_printf(exchange->arena, "/v1/payments/" STR_FMT, STR_ARG(id_format(answer->resource_id, id)));
    if (location.at) exchange_header(exchange, STR("Location"), location);
    return exchange_answer_json(exchange, 201, answer->body);
}

/* ---- GET /v1/payments/{payment_id} ---- */

static bool payment_is_callers(const struct call *call, const struct payment_view *payment) {
    return id_equal(payment->client_id.bytes, call->client_id.bytes) &&
           id_equal(payment->customer_id.bytes, call->customer_id.bytes);
}

static int payment_read_handle(struct exchange *exchange) {
    char memory[PAYMENT_JSON_BYTES_MAX];
    struct payment_view payment;
    struct payment_id payment_id;
    struct buffer body;
    if (id_parse(exchange->params[0], payment_id.bytes)) return exchange_refuse(exchange, &refusal_not_found, NULL);
    int r = query_payment(exchange->query, &payment_id, exchange->arena, &payment);
    if (r < 0) return exchange_fault(exchange, "query_payment", r);
    if (r == QUERY_E_ABSENT || !payment_is_callers(&exchange->call, &payment))
        return exchange_refuse(exchange, &refusal_not_found, NULL);
    buffer_init(&body, memory, sizeof memory);
    query_payment_json(&body, &payment);
    struct str content = arena_dup(exchange->arena, buffer_str(&body));
    if (body.overflow || !content.at) return exchange_fault(exchange, "query_payment_json", err_origin(-EMSGSIZE));
    memcpy(exchange->resource_id, payment_id.bytes, sizeof exchange->resource_id);
    return exchange_answer_json(exchange, 200, content);
}

const struct route payment_routes[] = {
    { .method = "POST",
      .path = "/v1/payments",
      .family = FAMILY_V1,
      .scope = "payments",
      .flags = ROUTE_MTLS | ROUTE_CERTIFICATE | ROUTE_TOKEN | ROUTE_BODY | ROUTE_MONEY | ROUTE_QUICK,
      .idempotency = IDEMPOTENCY_V1,
      .handle = payment_create_handle,
      .finish = payment_create_finish },
    { .method = "GET",
      .path = "/v1/payments/{payment_id}",
      .family = FAMILY_V1,
      .scope = "payments",
      .flags = ROUTE_MTLS | ROUTE_CERTIFICATE | ROUTE_TOKEN | ROUTE_QUICK,
      .handle = payment_read_handle },
};
const size_t payment_route_count = ARRAY_COUNT(payment_routes);
