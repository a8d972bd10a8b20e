/* accounts.c - /v1/accounts: the caller's accounts, their balances and entries, and opening one. */
#include "gateway/gateway.h"

#include "domain/civil_date.h"
#include "gateway/conditional.h"
#include "gateway/route.h"
#include "platform/clock.h"
#include "wire/form.h"

enum { PAGE_DEFAULT = 25, PAGE_MAX = 100, ACCOUNTS_JSON_BYTES_MAX = 128 * 1024 };

/* ---- what every GET here shares ---- */

struct page {
    struct str after; /* empty: from the start */
    uint32_t limit;
};

/* after and limit, each at most once, nothing else. */
static void read_page(struct exchange *exchange, struct page *page, struct schema_errors *errors) {
    struct form form;
    struct str limit, name;
    uint64_t number;
    *page = (struct page){ .limit = PAGE_DEFAULT };
    if (exchange->request->query.len == 0) return;
    if (form_parse(exchange->request->query, exchange->arena, &form) || form_find_duplicate(&form, &name)) {
        schema_errors_add(errors, "query", "must be well-formed and name nothing twice");
        return;
    }
    for (size_t i = 0; i < form.count; i++)
        if (!str_equal(form.fields[i].name, STR("after")) && !str_equal(form.fields[i].name, STR("limit")))
            schema_errors_add(errors, "query", "only after and limit are known here");
    (void)form_get(&form, "after", &page->after);
    if (!form_get(&form, "limit", &limit)) return;
    if (str_to_u64(limit, &number) || number < 1 || number > PAGE_MAX)
        schema_errors_add(errors, "query.limit", "must be 1 to 100");
    else page->limit = (uint32_t)number;
}

static int answer_read(struct exchange *exchange, const struct buffer *body) {
    struct str content = arena_dup(exchange->arena, buffer_str(body));
    if (body->overflow || !content.at) return exchange_fault(exchange, exchange->route->path, err_origin(-EMSGSIZE));
    return exchange_answer_conditional(exchange, "private, no-cache", "application/json", content);
}

/* The account of the path, if the caller may see it. EXCHANGE_GOES_ON, or answered 404. */
static int find_account(struct exchange *exchange, struct account_view *ret_account) {
    struct account_id account_id;
    const struct call *call = &exchange->call;
    if (id_parse(exchange->params[0], account_id.bytes)) return exchange_refuse(exchange, &refusal_not_found, NULL);
    int r = query_account(exchange->query, &account_id, exchange->arena, ret_account);
    if (r < 0) return exchange_fault(exchange, "query_account", r);
    bool customers = !id_is_zero(call->customer_id.bytes);
    bool own = r == 0 && (customers ? id_equal(ret_account->customer_id.bytes, call->customer_id.bytes)
                                    : id_equal(ret_account->client_id.bytes, call->client_id.bytes));
    if (!own) return exchange_refuse(exchange, &refusal_not_found, NULL);
    memcpy(exchange->resource_id, account_id.bytes, sizeof exchange->resource_id);
    return EXCHANGE_GOES_ON;
}

static void write_money(struct json_writer *writer, const char *name, int64_t minor, struct currency currency) {
    char value[MONEY_TEXT_BYTES], letters[4];
    json_name(writer, name);
    json_object_begin(writer);
    json_member_str(writer, "value", money_text((struct money){ .minor = minor, .currency = currency }, value));
    json_member_str(writer, "currency", currency_text(currency, letters));
    json_object_end(writer);
}

/* ---- GET /v1/accounts ---- */

static int accounts_list_handle(struct exchange *exchange) {
    char memory[ACCOUNTS_JSON_BYTES_MAX], id[ID_TEXT_BYTES];
    struct schema_errors errors = { .count = 0 };
    struct account_page found = { .count = 0 };
    struct json_writer writer;
    struct buffer body;
    struct page page;
    read_page(exchange, &page, &errors);
    if (page.after.len && id_parse(page.after, found.after.bytes))
        schema_errors_add(&errors, "query.after", "must be an account id");
    if (errors.count) return exchange_refuse(exchange, &refusal_invalid_request, &errors);
    found.limit = page.limit + 1;
    int r = query_accounts(exchange->query, &exchange->call, &found, exchange->arena);
    if (r) return exchange_fault(exchange, "query_accounts", err_fold(r));
    buffer_init(&body, memory, sizeof memory);
    json_begin(&writer, &body);
    json_object_begin(&writer);
    json_name(&writer, "accounts");
    json_array_begin(&writer);
    for (size_t i = 0; i < found.count && i < page.limit; i++) {
        json_object_begin(&writer);
        query_account_members(&writer, &found.accounts[i]);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    if (found.count > page.limit)
        json_member_str(&writer, "after", id_format(found.accounts[page.limit - 1].account_id.bytes, id));
    json_object_end(&writer);
    return answer_read(exchange, &body);
}

/* ---- GET /v1/accounts/{account_id}, .../balances ---- */

static int account_read_handle(struct exchange *exchange) {
    char memory[4 * 1024];
    struct account_view account;
    struct json_writer writer;
    struct buffer body;
    int next = find_account(exchange, &account);
    if (next != EXCHANGE_GOES_ON) return next;
    buffer_init(&body, memory, sizeof memory);
    json_begin(&writer, &body);
    json_object_begin(&writer);
    query_account_members(&writer, &account);
    json_object_end(&writer);
    return answer_read(exchange, &body);
}

static int balances_read_handle(struct exchange *exchange) {
    char memory[4 * 1024], id[ID_TEXT_BYTES];
    struct account_view account;
    struct json_writer writer;
    struct buffer body;
    int next = find_account(exchange, &account);
    if (next != EXCHANGE_GOES_ON) return next;
    buffer_init(&body, memory, sizeof memory);
    json_begin(&writer, &body);
    json_object_begin(&writer);
    json_member_str(&writer, "account_id", id_format(account.account_id.bytes, id));
    write_money(&writer, "booked", account.posted_minor, account.currency);
    write_money(&writer, "held", account.held_minor, account.currency);
    write_money(&writer, "overdraft", account.overdraft_minor, account.currency);
    write_money(&writer, "available", account.available_minor, account.currency);
    json_object_end(&writer);
    return answer_read(exchange, &body);
}

/* ---- GET /v1/accounts/{account_id}/transactions ---- */

static void write_entry(struct json_writer *writer, const struct entry_view *entry) {
    char text[CLOCK_TEXT_BYTES], day[CIVIL_TEXT_BYTES], id[ID_TEXT_BYTES], number[24];
    (void)snprintf(number, sizeof number, "%lld", (long long)entry->number);
    json_object_begin(writer);
    json_member_c(writer, "entry_id", number);
    json_member_i64(writer, "sequence", entry->sequence);
    json_member_c(writer, "direction", entry->credit ? "credit" : "debit");
    write_money(writer, "amount", entry->amount.minor, entry->amount.currency);
    write_money(writer, "balance_after", entry->balance_after_minor, entry->amount.currency);
    json_member_str(writer, "booked_at", clock_format_rfc3339(entry->booked_ms, text));
    json_member_str(writer, "value_date", civil_format(entry->value_day, day));
    if (!id_is_zero(entry->payment_id.bytes))
        json_member_str(writer, "payment_id", id_format(entry->payment_id.bytes, id));
    json_object_end(writer);
}

static int read_entry_number(struct str after, int64_t *ret_number) {
    uint64_t number;
    if (str_to_u64(after, &number) || number == 0 || number > INT64_MAX) return -EINVAL;
    *ret_number = (int64_t)number;
    return 0;
}

static int transactions_list_handle(struct exchange *exchange) {
    char memory[ACCOUNTS_JSON_BYTES_MAX], number[24];
    struct schema_errors errors = { .count = 0 };
    struct account_view account;
    struct entry_page found = { .count = 0 };
    struct json_writer writer;
    struct buffer body;
    struct page page;
    int next = find_account(exchange, &account);
    if (next != EXCHANGE_GOES_ON) return next;
    read_page(exchange, &page, &errors);
    if (page.after.len && read_entry_number(page.after, &found.before))
        schema_errors_add(&errors, "query.after", "must be an entry id");
    if (errors.count) return exchange_refuse(exchange, &refusal_invalid_request, &errors);
    found.limit = page.limit + 1;
    int r = query_entries(exchange->query, account.number, &found, exchange->arena);
    if (r) return exchange_fault(exchange, "query_entries", err_fold(r));
    buffer_init(&body, memory, sizeof memory);
    json_begin(&writer, &body);
    json_object_begin(&writer);
    json_name(&writer, "transactions");
    json_array_begin(&writer);
    for (size_t i = 0; i < found.count && i < page.limit; i++) write_entry(&writer, &found.entries[i]);
    json_array_end(&writer);
    if (found.count > page.limit) {
        (void)snprintf(number, sizeof number, "%lld", (long long)found.entries[page.limit - 1].number);
        json_member_c(&writer, "after", number);
    }
    json_object_end(&writer);
    return answer_read(exchange, &body);
}

/* ---- POST /v1/accounts ---- */

static const struct refusal refusal_no_accounts = { .status = 503,
                                                    .code = "unavailable",
                                                    .title = "Service Unavailable",
                                                    .detail = "This bank opens no accounts over the API." };

static const struct refusal *account_refusal(int refusal) {
    switch ((enum account_open_refusal)refusal) {
    case ACCOUNT_OPEN_E_INPUT:
        return &refusal_no_accounts;
    case ACCOUNT_OPEN_E_EXISTS:
        return &refusal_unavailable; /* the next number is another one */
    case ACCOUNT_OPEN_E_HOLDER:
    case ACCOUNT_OPEN_E_NONE:
    case ACCOUNT_OPEN_E_COUNT:
        break;
    }
    return &refusal_internal;
}

static int account_create_handle(struct exchange *exchange) {
    struct account_open_input input = { .client_name = exchange->call.client_name,
                                        .name = json_get_string(exchange->body, "name"),
                                        .business = true };
    struct schema_errors errors = { .count = 0 };
    struct person_name name;
    int r = currency_parse(json_get_string(exchange->body, "currency"), &input.currency);
    if (r) schema_errors_add(&errors, "$.currency", money_refusal_text(r));
    r = person_name_parse(input.name, &name);
    if (r) schema_errors_add(&errors, "$.name", personal_refusal_text(r));
    if (errors.count) return exchange_refuse(exchange, &refusal_invalid_request, &errors);
    exchange->command_refusal = account_refusal;
    exchange_command(exchange, true);
    r = command_account_open(gateway_options(exchange->gateway)->integration, &exchange->command, &input);
    return r ? exchange_command_result(exchange, r) : EXCHANGE_WAITS;
}

static int account_create_finish(struct exchange *exchange) {
    const struct command_answer *answer = &exchange->command.answer;
    char id[ID_TEXT_BYTES];
    int next = exchange_command_result(exchange, 0);
    if (next != EXCHANGE_GOES_ON) return next;
    if (answer->refusal) return exchange_refuse(exchange, account_refusal(answer->refusal), NULL);
    struct str location =
        arena_printf(exchange->arena, "/v1/accounts/" STR_FMT, STR_ARG(id_format(answer->resource_id, id)));
    if (location.at) exchange_header(exchange, STR("Location"), location);
    return exchange_answer_json(exchange, 201, answer->body);
}

enum { ACCOUNT_FLAGS = ROUTE_MTLS | ROUTE_CERTIFICATE | ROUTE_TOKEN };
const struct route account_routes[] = {
    { .method = "GET",
      .path = "/v1/accounts",
      .family = FAMILY_V1,
      .scope = "accounts",
      .flags = ACCOUNT_FLAGS,
      .handle = accounts_list_handle },
    { .method = "POST",
      .path = "/v1/accounts",
      .family = FAMILY_V1,
      .scope = "accounts",
      .flags = ACCOUNT_FLAGS | ROUTE_CLIENT_TOKEN | ROUTE_BODY,
      .idempotency = IDEMPOTENCY_V1,
      .handle = account_create_handle,
      .finish = account_create_finish },
    { .method = "GET",
      .path = "/v1/accounts/{account_id}",
      .family = FAMILY_V1,
      .scope = "accounts",
      .flags = ACCOUNT_FLAGS | ROUTE_QUICK,
      .handle = account_read_handle },
    { .method = "GET",
      .path = "/v1/accounts/{account_id}/balances",
      .family = FAMILY_V1,
      .scope = "accounts",
      .flags = ACCOUNT_FLAGS | ROUTE_QUICK,
      .handle = balances_read_handle },
    { .method = "GET",
      .path = "/v1/accounts/{account_id}/transactions",
      .family = FAMILY_V1,
      .scope = "accounts",
      .flags = ACCOUNT_FLAGS,
      .handle = transactions_list_handle },
};
const size_t account_route_count = ARRAY_COUNT(account_routes);
