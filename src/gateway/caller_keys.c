#include "gateway/caller_keys.h"

#include "auth/client_keys.h"
#include "gateway/gateway.h"

/* Where they are. 0 or a fault. */
static int source_of(struct exchange *exchange, struct client_key_source *ret_source) {
    const struct gateway_options *options = gateway_options(exchange->gateway);
    *ret_source =
        (struct client_key_source){ .cache = options->client_keys, .interaction_id = exchange->call.interaction_id };
    int r = query_client_keys(exchange->query, &exchange->call.client_id, exchange->arena, &ret_source->jwks,
                              &ret_source->jwks_uri);
    return err_fold(r);
}

int caller_keys_judge(struct exchange *exchange, const struct caller_keys_judge *judge) {
    static const struct client_key_source nothing = { .jwks = STR_INIT("{\"keys\":[]}") };
    struct client_key_source source;
    struct client_key_set *set, *newer;
    check(exchange->call.has_client);
    int r = source_of(exchange, &source);
    if (r) return err_trace(r);
    r = client_keys_take(&source, NULL, &set);
    if (r > 0) r = client_keys_take(&nothing, NULL, &set);
    if (r) return err_fold(r);
    r = judge->judge(judge->ctx, client_key_set_keys(set));
    if (r == judge->newer_may_do && source.jwks_uri.len && client_keys_take(&source, set, &newer) == 0) {
        if (newer != set) r = judge->judge(judge->ctx, client_key_set_keys(newer));
        (void)client_key_set_release(newer);
    }
    (void)client_key_set_release(set);
    return r < 0 ? err_trace(r) : r;
}
