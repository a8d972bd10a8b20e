#include "gateway/checks.h"

#include "gateway/gateway_int.h"

static bool covers(struct str prefix, struct str path) {
    while (prefix.len && prefix.at[prefix.len - 1] == '/') prefix.len--;
    return str_starts(path, prefix) && (path.len == prefix.len || path.at[prefix.len] == '/');
}

static bool covers_any(struct str prefix) {
    for (size_t i = 0; i < route_count(); i++)
        if (covers(prefix, str_from_c(route_at(i)->path))) return true;
    return false;
}

/* The blocks of the longest prefix that covers the route; NULL: there is none. */
static const struct cidr_set *blocks_of(const struct gateway_options *options, const struct route *route) {
    const struct gateway_addresses *best = NULL;
    for (size_t i = 0; i < options->address_count; i++) {
        const struct gateway_addresses *row = &options->addresses[i];
        if (covers(row->prefix, str_from_c(route->path)) && (!best || row->prefix.len > best->prefix.len)) best = row;
    }
    return best ? best->blocks : NULL;
}

int gateway_addresses_bind(struct gateway *gateway, struct message *message) {
    const struct gateway_options *options = &gateway->options;
    check(options->address_count <= GATEWAY_ADDRESSES_MAX);
    for (size_t i = 0; i < options->address_count; i++) {
        if (covers_any(options->addresses[i].prefix)) continue;
        message_set(message, "addresses: no route begins with " STR_FMT, STR_ARG(options->addresses[i].prefix));
        return err_origin(-EINVAL);
    }
    for (size_t i = 0; i < route_count(); i++) gateway->route_addresses[i] = blocks_of(options, route_at(i));
    return 0;
}

int check_address(struct exchange *exchange) {
    const struct call *call = &exchange->call;
    const struct cidr_set *blocks = exchange->gateway->route_addresses[route_index(exchange->route)];
    struct str own = call->has_client ? call->addresses : STR("");
    struct address address;
    if (!blocks && own.len == 0) return EXCHANGE_GOES_ON;
    bool allowed = address_parse(call->remote_address, &address) == 0 &&
                   (!blocks || cidr_set_contains(blocks, &address)) &&
                   (own.len == 0 || cidr_list_contains(own, &address));
    return allowed ? EXCHANGE_GOES_ON : exchange_refuse(exchange, &refusal_address, NULL);
}
