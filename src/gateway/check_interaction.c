#include "gateway/checks.h"

#include "gateway/call_audit.h"
#include "gateway/problem.h"

static int give_fresh(struct exchange *exchange) {
    char *text = arena_alloc(exchange->arena, INTERACTION_ID_TEXT_BYTES);
    if (!text) return exchange_fault(exchange, "check_interaction", err_origin(-ENOMEM));
    exchange->call.interaction_id = interaction_id_new(text);
    call_audit_name(exchange, true);
    return EXCHANGE_GOES_ON;
}

int check_interaction(struct exchange *exchange) {
    const struct str name = STR("x-fapi-interaction-id");
    size_t count = http_header_count(exchange->request, name);
    struct str value = http_header(exchange->request, name);
    uint8_t id[ID_BYTES];
    if (count == 1 && id_parse(value, id) == 0) {
        exchange->call.interaction_id = value;
        call_audit_name(exchange, false);
        return EXCHANGE_GOES_ON;
    }
    int next = give_fresh(exchange);
    if (count == 0 || next != EXCHANGE_GOES_ON) return next;
    return exchange_refuse_field(exchange, &refusal_invalid_header, "header.x-fapi-interaction-id", "must be one UUID");
}
