#include "gateway/checks.h"

#include "gateway/route.h"

enum { KEY_V1_BYTES_MAX = 255, KEY_OPEN_BANKING_BYTES_MAX = 40 };

static bool key_is_printable(struct str key) {
    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] < 0x20 || key.at[i] > 0x7e) return false;
    return true;
}

/* Over the hashes of the parts, so that no two requests share the bytes of one: params, query, raw body. */
static struct hash fingerprint_of(const struct exchange *exchange) {
    struct hash parts[EXCHANGE_PARAMS_MAX + 2];
    for (size_t i = 0; i < EXCHANGE_PARAMS_MAX; i++) parts[i] = sha256_str(exchange->params[i]);
    parts[EXCHANGE_PARAMS_MAX] = sha256_str(exchange->request->query);
    parts[EXCHANGE_PARAMS_MAX + 1] = sha256_str(exchange->request->body);
    return sha256(parts, sizeof parts);
}

static int take_key(struct exchange *exchange, struct str name, size_t bytes_max) {
    size_t count = http_header_count(exchange->request, name);
    struct str key = http_header(exchange->request, name);
    if (count == 0) return exchange_refuse(exchange, &refusal_key_required, NULL);
    if (count > 1 || key.len == 0 || key.len > bytes_max || !key_is_printable(key))
        return exchange_refuse(exchange, &refusal_key_invalid, NULL);
    exchange->idempotency_key = key;
    exchange->fingerprint = fingerprint_of(exchange);
    return EXCHANGE_GOES_ON;
}

int check_idempotency_header(struct exchange *exchange) {
    switch (exchange->route->idempotency) {
    case IDEMPOTENCY_NONE:
        return EXCHANGE_GOES_ON;
    case IDEMPOTENCY_V1:
        return take_key(exchange, STR("Idempotency-Key"), KEY_V1_BYTES_MAX);
    case IDEMPOTENCY_OPEN_BANKING:
        return take_key(exchange, STR("x-idempotency-key"), KEY_OPEN_BANKING_BYTES_MAX);
    }
    check(false);
    return EXCHANGE_ANSWERED;
}
