/* open_banking_payments.c - the routes of UK Open Banking payments, and domestic payments themselves.
 *
 * A payment's Initiation and Risk must be its consent's, by JSON value: both are fixed since the consent was made, so
 * this is judged here. The consent's status is not: a lawful retry comes when the consent is already consumed, and must
 * find its payment; the command judges it behind replay and key reuse. */
#include "gateway/open_banking.h"

#include "gateway/gateway.h"
#include "gateway/route.h"

/* ---- what the command refuses ---- */

struct accept_refusal {
    struct refusal refusal;
    const char *path;
};

#define ACCEPT_REFUSAL(name, u_code, field, text)                                                                      \
    {                                                                                                                  \
        .refusal = { .status = 400, .code = name, .ob_code = u_code, .title = "Bad Request", .detail = text },         \
        .path = field                                                                                                  \
    }
/* U021: unsupported account, U023: unsupported currency. */
static const struct accept_refusal accept_refusals[PAYMENT_ACCEPT_E_COUNT] = {
    [PAYMENT_ACCEPT_E_ACCOUNT] = ACCEPT_REFUSAL("account_not_found", "U021", "Data.Initiation.DebtorAccount",
                                                "The account of the consent cannot be debited any more."),
    [PAYMENT_ACCEPT_E_CURRENCY] =
        ACCEPT_REFUSAL("currency_mismatch", "U023", "Data.Initiation.InstructedAmount.Currency",
                       "The currency is not that of the accounts."),
    [PAYMENT_ACCEPT_E_CREDITOR] = ACCEPT_REFUSAL("creditor_not_reachable", "U021", "Data.Initiation.CreditorAccount",
                                                 "The creditor's account cannot be reached."),
    [PAYMENT_ACCEPT_E_AMOUNT] = ACCEPT_REFUSAL("amount_too_large", "U002", "Data.Initiation.InstructedAmount.Amount",
                                               "The amount is larger than can be carried."),
    [PAYMENT_ACCEPT_E_CONSENT_STATUS] =
        ACCEPT_REFUSAL("consent_status", "U009", "Data.ConsentId", "The consent is not in the status AUTH."),
    [PAYMENT_ACCEPT_E_CONSENT_MISMATCH] = ACCEPT_REFUSAL("consent_mismatch", "U008", "Data.Initiation",
                                                         "The payment is not the one that was consented to."),
    [PAYMENT_ACCEPT_E_CONSENT] =
        ACCEPT_REFUSAL("consent_not_found", "U011", "Data.ConsentId", "There is no such resource."),
};

static const struct refusal *refusal_of(int refusal) {
    check(refusal > 0 && refusal < PAYMENT_ACCEPT_E_COUNT);
    return refusal == PAYMENT_ACCEPT_E_BREAKER ? &refusal_unavailable : &accept_refusals[refusal].refusal;
}

static int refuse_accept(struct exchange *exchange, int refusal) {
    const struct refusal *row = refusal_of(refusal);
    if (refusal != PAYMENT_ACCEPT_E_BREAKER)
        return exchange_refuse_field(exchange, row, accept_refusals[refusal].path, row->detail);
    int64_t ms = command_payment_retry_ms(gateway_options(exchange->gateway)->integration);
    struct str seconds = arena_printf(exchange->arena, "%lld", (long long)((ms + 999) / 1000));
    int next = exchange_refuse(exchange, row, NULL);
    if (seconds.at) exchange_header(exchange, STR("Retry-After"), seconds);
    return next;
}

static int refuse_mismatch(struct exchange *exchange, const char *path) {
    const struct refusal *row = &accept_refusals[PAYMENT_ACCEPT_E_CONSENT_MISMATCH].refusal;
    return exchange_refuse_field(exchange, row, path, row->detail);
}

/* ---- POST /domestic-payments ---- */

/* Whether value is what text, written by ourselves, says. 0, 1 (it is not), <0. */
static int differs(const struct json *value, struct str text, struct arena *arena) {
    const struct json *kept;
    int r = json_parse_arena(text, CONSENT_PART_BYTES_MAX, JSON_DEPTH_MAX, arena, &kept);
    if (r) return err_fold(r);
    return json_equal(value, kept) ? 0 : 1;
}

static int compare_with_consent(struct exchange *exchange, const struct payment_consent_view *consent) {
    int r = differs(json_path(exchange->body, "Data.Initiation"), consent->initiation, exchange->arena);
    if (r < 0) return exchange_fault(exchange, "consent", r);
    if (r) return refuse_mismatch(exchange, "Data.Initiation");
    r = differs(json_get(exchange->body, "Risk"), consent->risk, exchange->arena);
    if (r < 0) return exchange_fault(exchange, "consent", r);
    return r ? refuse_mismatch(exchange, "Risk") : EXCHANGE_GOES_ON;
}

static struct payment_order order_of(const struct exchange *exchange, const struct initiation *initiation) {
    return (struct payment_order){ .client_id = exchange->call.client_id,
                                   .customer_id = exchange->call.customer_id,
                                   .consent_id = exchange->call.consent_id,
                                   .creditor = initiation->creditor,
                                   .amount = initiation->amount,
                                   .reference = initiation->reference,
                                   .end_to_end_id = initiation->end_to_end_id,
                                   .instruction_id = initiation->instruction_id };
}

static int payment_post_handle(struct exchange *exchange) {
    struct payment_consent_view consent;
    struct initiation initiation;
    struct schema_errors errors;
    errors.count = 0;
    errors.more = false;
    int next = open_banking_consent_find(exchange, json_string(json_path(exchange->body, "Data.ConsentId")),
                                         "Data.ConsentId", &consent);
    if (next != EXCHANGE_GOES_ON) return next;
    if (!id_equal(consent.consent_id.bytes, exchange->call.consent_id.bytes))
        return exchange_refuse(exchange, &refusal_ob_token_consent, NULL);
    next = compare_with_consent(exchange, &consent);
    if (next != EXCHANGE_GOES_ON) return next;
    initiation_read(json_path(exchange->body, "Data.Initiation"), &errors, &initiation);
    if (errors.count)
        return exchange_refuse(exchange, &refusal_invalid_request, &errors); /* rules became stricter since */
    struct payment_order order = order_of(exchange, &initiation);
    exchange->command_refusal = refusal_of;
    exchange_command(exchange, true);
    int r = command_payment_accept(gateway_options(exchange->gateway)->integration, &exchange->command, &order);
    return r ? exchange_command_result(exchange, r) : EXCHANGE_WAITS;
}

/* ---- answers ---- */

static bool wants_refund(const struct payment_consent_view *consent, struct arena *arena) {
    const struct json *document;
    if (json_parse_arena(consent->document, CONSENT_PART_BYTES_MAX, JSON_DEPTH_MAX, arena, &document)) return false;
    return str_equal(json_get_string(document, "ReadRefundAccount"), STR("Yes"));
}

static int answer_payment(struct exchange *exchange, int status, const struct payment_view *payment, bool first) {
    struct payment_consent_view consent;
    struct account_view account;
    struct open_banking_writer writer;
    struct buffer body;
    struct domestic_payment domestic = { .payment = payment, .consent = &consent, .first = first };
    int r = query_payment_consent(exchange->query, &payment->consent_id, exchange->arena, &consent);
    if (r) return exchange_fault(exchange, "query_payment_consent", err_fold(r));
    if (wants_refund(&consent, exchange->arena)) {
        r = query_account(exchange->query, &payment->debtor_account_id, exchange->arena, &account);
        if (r < 0) return exchange_fault(exchange, "query_account", r);
        if (r == 0) domestic.refund = &account;
    }
    if (!open_banking_answer_begin(exchange, &body, &writer)) return EXCHANGE_ANSWERED;
    return open_banking_answer_end(exchange, status, &writer, domestic_payment_document_write(&writer, &domestic));
}

/* 201: what was created, or, to a lawful retry, what it has become (uk/I3). */
static int payment_post_finish(struct exchange *exchange) {
    struct payment_view payment;
    struct payment_id payment_id;
    int next = exchange_command_result(exchange, 0);
    if (next != EXCHANGE_GOES_ON) return next;
    const struct command_answer *answer = &exchange->command.answer;
    if (answer->refusal) return refuse_accept(exchange, answer->refusal);
    memcpy(payment_id.bytes, answer->resource_id, sizeof payment_id.bytes);
    int r = query_payment(exchange->query, &payment_id, exchange->arena, &payment);
    if (r) return exchange_fault(exchange, "query_payment", err_fold(r));
    return answer_payment(exchange, 201, &payment, answer->result == ANSWER_DONE);
}

/* ---- GET ---- */

/* A payment of another version does not exist in this one (uk/P9). */
static int check_version(struct exchange *exchange, const struct payment_view *payment) {
    struct payment_consent_view consent;
    int r = query_payment_consent(exchange->query, &payment->consent_id, exchange->arena, &consent);
    if (r) return exchange_fault(exchange, "query_payment_consent", err_fold(r));
    if (consent.version == open_banking_major(exchange->route->version)) return EXCHANGE_GOES_ON;
    return exchange_refuse(exchange, &refusal_ob_unknown, NULL);
}

/* The payment of the path: one of Open Banking, of this version, and this client's. EXCHANGE_GOES_ON or
 * EXCHANGE_ANSWERED. */
static int payment_find(struct exchange *exchange, struct payment_view *ret_payment) {
    struct payment_id payment_id;
    if (id_parse(exchange->params[0], payment_id.bytes)) return exchange_refuse(exchange, &refusal_ob_unknown, NULL);
    int r = query_payment(exchange->query, &payment_id, exchange->arena, ret_payment);
    if (r < 0) return exchange_fault(exchange, "query_payment", r);
    if (r == QUERY_E_ABSENT || id_is_zero(ret_payment->consent_id.bytes))
        return exchange_refuse(exchange, &refusal_ob_unknown, NULL);
    memcpy(exchange->resource_id, payment_id.bytes, sizeof exchange->resource_id);
    if (!id_equal(ret_payment->client_id.bytes, exchange->call.client_id.bytes))
        return exchange_refuse(exchange, &refusal_ob_other_client, NULL);
    return check_version(exchange, ret_payment);
}

static int payment_get_handle(struct exchange *exchange) {
    struct payment_view payment;
    int next = payment_find(exchange, &payment);
    return next == EXCHANGE_GOES_ON ? answer_payment(exchange, 200, &payment, false) : next;
}

static int payment_details_handle(struct exchange *exchange) {
    struct open_banking_writer writer;
    struct payment_view payment;
    struct buffer body;
    int next = payment_find(exchange, &payment);
    if (next != EXCHANGE_GOES_ON) return next;
    if (!open_banking_answer_begin(exchange, &body, &writer)) return EXCHANGE_ANSWERED;
    payment_details_document_write(&writer, &payment);
    return open_banking_answer_end(exchange, 200, &writer, 0);
}

/* ---- the routes ---- */

enum {
    READ_FLAGS = ROUTE_MTLS | ROUTE_TOKEN | ROUTE_SIGNED,
    WRITE_FLAGS = READ_FLAGS | ROUTE_BODY | ROUTE_MONEY,
};

/* The same endpoints in each version. */
#define PAYMENT_ROUTES(version_path, its_version)                                                                      \
    { .method = "POST",                                                                                                \
      .path = version_path "/pisp/domestic-payment-consents",                                                          \
      .family = FAMILY_OPEN_BANKING,                                                                                   \
      .version = its_version,                                                                                          \
      .scope = "payments",                                                                                             \
      .flags = WRITE_FLAGS | ROUTE_CLIENT_TOKEN,                                                                       \
      .idempotency = IDEMPOTENCY_OPEN_BANKING,                                                                         \
      .handle = consent_post_handle,                                                                                   \
      .finish = consent_post_finish },                                                                                 \
        { .method = "GET",                                                                                             \
          .path = version_path "/pisp/domestic-payment-consents/{ConsentId}",                                          \
          .family = FAMILY_OPEN_BANKING,                                                                               \
          .version = its_version,                                                                                      \
          .scope = "payments",                                                                                         \
          .flags = READ_FLAGS | ROUTE_CLIENT_TOKEN,                                                                    \
          .handle = consent_get_handle },                                                                              \
        { .method = "GET",                                                                                             \
          .path = version_path "/pisp/domestic-payment-consents/{ConsentId}/funds-confirmation",                       \
          .family = FAMILY_OPEN_BANKING,                                                                               \
          .version = its_version,                                                                                      \
          .scope = "payments",                                                                                         \
          .flags = READ_FLAGS | ROUTE_CUSTOMER_TOKEN,                                                                  \
          .handle = funds_confirmation_handle },                                                                       \
        { .method = "POST",                                                                                            \
          .path = version_path "/pisp/domestic-payments",                                                              \
          .family = FAMILY_OPEN_BANKING,                                                                               \
          .version = its_version,                                                                                      \
          .scope = "payments",                                                                                         \
          .flags = WRITE_FLAGS | ROUTE_CUSTOMER_TOKEN,                                                                 \
          .idempotency = IDEMPOTENCY_OPEN_BANKING,                                                                     \
          .handle = payment_post_handle,                                                                               \
          .finish = payment_post_finish },                                                                             \
        { .method = "GET",                                                                                             \
          .path = version_path "/pisp/domestic-payments/{DomesticPaymentId}",                                          \
          .family = FAMILY_OPEN_BANKING,                                                                               \
          .version = its_version,                                                                                      \
          .scope = "payments",                                                                                         \
          .flags = READ_FLAGS | ROUTE_CLIENT_TOKEN,                                                                    \
          .handle = payment_get_handle },                                                                              \
    {                                                                                                                  \
        .method = "GET", .path = version_path "/pisp/domestic-payments/{DomesticPaymentId}/payment-details",           \
        .family = FAMILY_OPEN_BANKING, .version = its_version, .scope = "payments",                                    \
        .flags = READ_FLAGS | ROUTE_CLIENT_TOKEN, .handle = payment_details_handle                                     \
    }

const struct route open_banking_payment_routes[] = {
    PAYMENT_ROUTES(OPEN_BANKING_V4_PATH, OPEN_BANKING_V4),
    PAYMENT_ROUTES(OPEN_BANKING_V3_PATH, OPEN_BANKING_V3),
};
const size_t open_banking_payment_route_count = ARRAY_COUNT(open_banking_payment_routes);
