#include "gateway/checks.h"

#include "gateway/gateway_int.h"
#include "platform/cidr.h"

static const struct str name_customer_address = STR_INIT("x-fapi-customer-ip-address");

/* Until midnight of UTC. */
static int refuse(struct exchange *exchange) {
    int64_t now_ms = exchange->call.received_ms, left_ms = GATEWAY_DAY_MS - now_ms % GATEWAY_DAY_MS;
    return exchange_refuse_for(exchange, &refusal_unattended, (left_ms + 999) / 1000);
}

/* The resource whatever way its path is written: the route and its parameters, decoded, in small letters. 0 or -ENOMEM.
 */
static int resource_of(const struct exchange *exchange, struct str *ret_resource) {
    size_t bytes = strlen(exchange->route->path);
    for (size_t i = 0; i < EXCHANGE_PARAMS_MAX; i++) bytes += 1 + exchange->params[i].len;
    char *text = arena_alloc(exchange->arena, bytes);
    struct buffer out;
    if (!text) return err_origin(-ENOMEM);
    buffer_init(&out, text, bytes);
    buffer_append_c(&out, exchange->route->path);
    for (size_t i = 0; i < EXCHANGE_PARAMS_MAX; i++) {
        buffer_append_char(&out, '\n'); /* stands in no parameter */
        for (size_t k = 0; k < exchange->params[i].len; k++) {
            char c = exchange->params[i].at[k];
            buffer_append_char(&out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
        }
    }
    check(!out.overflow);
    *ret_resource = buffer_str(&out);
    return 0;
}

/* Counts one read; the day's end is judged by the commit that counts it. */
static int count(struct exchange *exchange, const struct hash *key, int64_t limit) {
    struct command_call call = { .call = &exchange->call, .arena = exchange->arena };
    struct command_quota_input input = { .key = *key, .limit = limit, .want_max = 1 };
    struct command_quota_grant grant;
    int r = command_quota_take(exchange->gateway->options.integration, &call, &input, &grant);
    if (r < 0) return exchange_fault(exchange, "command_quota_take", r);
    if (!grant.decided) return exchange_refuse_for(exchange, &refusal_unavailable, 1);
    return grant.count ? EXCHANGE_GOES_ON : refuse(exchange);
}

/* True: the customer is there. An address that is none says nothing: *ret_good is false. */
static bool customer_is_present(const struct exchange *exchange, bool *ret_good) {
    struct address address;
    size_t headers = http_header_count(exchange->request, name_customer_address);
    struct str text = str_trim(http_header(exchange->request, name_customer_address));
    *ret_good = headers == 0 || (headers == 1 && address_parse(text, &address) == 0);
    return headers > 0;
}

int check_unattended(struct exchange *exchange) {
    const struct call *call = &exchange->call;
    int64_t limit = exchange->gateway->options.unattended_reads_per_day, used;
    struct str resource;
    bool good;
    if (!(exchange->route->flags & ROUTE_ACCOUNT_READ)) return EXCHANGE_GOES_ON;
    bool present = customer_is_present(exchange, &good);
    if (!good)
        return exchange_refuse_field(exchange, &refusal_invalid_header, "header.x-fapi-customer-ip-address",
                                     "must be one IPv4 or IPv6 address");
    if (present || limit == 0 || id_is_zero(call->consent_id.bytes)) return EXCHANGE_GOES_ON;
    int r = resource_of(exchange, &resource);
    if (r < 0) return exchange_fault(exchange, "check_unattended", r);
    struct hash key = command_quota_key(COMMAND_QUOTA_UNATTENDED, call->consent_id.bytes, resource);
    r = query_quota(exchange->query, &key, call->received_ms, exchange->arena, &used);
    if (r < 0) return exchange_fault(exchange, "query_quota", r);
    if (used >= limit) return refuse(exchange); /* a flood costs no commits */
    return exchange->at_once ? EXCHANGE_MOVES : count(exchange, &key, limit);
}
