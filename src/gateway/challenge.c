#include "gateway/challenge.h"

void challenge_add(struct exchange *exchange, bool by_key, const char *error, const char *scope) {
    const char *scheme = by_key ? CHALLENGE_DPOP : CHALLENGE_BEARER;
    struct str text = scope ? arena_printf(exchange->arena, "%s, error=\"%s\", scope=\"%s\"", scheme, error, scope)
                            : arena_printf(exchange->arena, "%s, error=\"%s\"", scheme, error);
    exchange_header(exchange, STR("WWW-Authenticate"), text.at ? text : str_from_c(scheme));
}

void challenge_again(struct exchange *exchange, const char *error, const char *scope) {
    challenge_add(exchange, exchange->call.has_proof_key, error, scope);
}
