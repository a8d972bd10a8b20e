#include "gateway/checks.h"

#include "gateway/gateway_int.h"

enum { DAY_S = 86400 };

static const struct rate_tier *tier_of(const struct gateway_options *options, struct str name) {
    for (size_t i = 0; i < options->tier_count; i++)
        if (str_equal_c(name, options->tiers[i].name)) return &options->tiers[i];
    return NULL;
}

/* RateLimit-Policy and RateLimit, one member a limit: "burst" refills in w seconds, "daily" ends with the UTC day. */
static void put_headers(struct exchange *exchange, const struct rate_tier *tier, const struct rate_verdict *verdict) {
    char policy_text[160], state_text[160];
    struct buffer policy, state;
    buffer_init(&policy, policy_text, sizeof policy_text);
    buffer_init(&state, state_text, sizeof state_text);
    if (tier->requests_per_second) {
        uint64_t window_s = ((uint64_t)tier->burst + tier->requests_per_second - 1) / tier->requests_per_second;
        buffer_printf(&policy, "\"burst\";q=%u;w=%llu", tier->burst, (unsigned long long)window_s);
        buffer_printf(&state, "\"burst\";r=%llu;t=%lld", (unsigned long long)verdict->burst_left,
                      (long long)verdict->full_in_s);
    }
    if (tier->daily_limit) {
        const char *comma = policy.len ? ", " : "";
        buffer_printf(&policy, "%s\"daily\";q=%llu;w=%d", comma, (unsigned long long)tier->daily_limit, DAY_S);
        buffer_printf(&state, "%s\"daily\";r=%llu;t=%lld", comma, (unsigned long long)verdict->day_left,
                      (long long)verdict->day_ends_in_s);
    }
    struct str kept_policy = arena_dup(exchange->arena, buffer_str(&policy)),
               kept_state = arena_dup(exchange->arena, buffer_str(&state));
    if (policy.len == 0 || !kept_policy.at || !kept_state.at) return;
    exchange_header(exchange, STR("RateLimit-Policy"), kept_policy);
    exchange_header(exchange, STR("RateLimit"), kept_state);
}

static int refuse(struct exchange *exchange, const struct refusal *refusal, int64_t retry_after_s) {
    struct str retry = arena_printf(exchange->arena, "%lld", (long long)retry_after_s);
    exchange_header(exchange, STR("Retry-After"), retry.at ? retry : STR("1"));
    return exchange_refuse(exchange, refusal, NULL);
}

int check_rate(struct exchange *exchange) {
    const struct gateway_options *options = &exchange->gateway->options;
    struct rate_verdict verdict;
    if (!exchange->call.has_client) return EXCHANGE_GOES_ON;
    const struct rate_tier *tier = tier_of(options, exchange->call.tier);
    if (!tier) return exchange_fault(exchange, "rate_tier", err_origin(-ENOENT));
    struct rate_now now = { .mono_ns = options->mono_ns(), .wall_ms = exchange->call.received_ms };
    rate_limit_take(exchange->gateway->rates, exchange->call.client_id.bytes, tier, now, &verdict);
    put_headers(exchange, tier, &verdict);
    switch (verdict.result) {
    case RATE_PASSES:
        return EXCHANGE_GOES_ON;
    case RATE_TOO_FAST:
        return refuse(exchange, &refusal_rate_limited, verdict.retry_after_s);
    case RATE_DAY_OVER:
        return refuse(exchange, &refusal_daily_limit, verdict.retry_after_s);
    }
    check(false);
    return EXCHANGE_ANSWERED;
}
