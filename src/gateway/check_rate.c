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

/* ---- the day, counted where it is durable and shared ---- */

static struct command_quota_input quota_of(const struct rate_ask *ask) {
    struct command_quota_input input = {
        .key = command_quota_key(COMMAND_QUOTA_CLIENT, ask->client_id, STR("")),
        .limit = (int64_t)ask->daily_limit,
    };
    memcpy(input.subject, ask->client_id, sizeof input.subject);
    return input;
}

/* On the engine's thread. */
static void on_reserved(void *ctx, const struct command_quota_input *input, const struct command_quota_grant *grant) {
    struct gateway *gateway = ctx;
    struct rate_ask ask = { .daily_limit = (uint64_t)input->limit };
    struct rate_grant found = {
        .decided = grant->decided, .count = grant->count, .used = grant->used, .end_ms = grant->end_ms
    };
    memcpy(ask.client_id, input->subject, sizeof ask.client_id);
    rate_limit_grant(gateway->rates, &ask, &found);
}

static int reserve(void *ctx, const struct rate_ask *ask) {
    struct gateway *gateway = ctx;
    struct command_quota_input input = quota_of(ask);
    input.want_max = COMMAND_QUOTA_BLOCK_MAX;
    return command_quota_reserve(gateway->options.integration, &input, on_reserved, gateway);
}

static void give_back(void *ctx, const struct rate_ask *ask) {
    struct gateway *gateway = ctx;
    struct command_quota_input input = quota_of(ask);
    input.give_back = ask->give_back;
    input.end_ms = ask->end_ms;
    (void)command_quota_reserve(gateway->options.integration, &input, NULL, NULL); /* else it is lost to its client */
}

static int take_shared(void *ctx, const uint8_t client_id[16], const struct rate_tier *tier, int64_t *ret_level,
                       bool *ret_taken) {
    const struct gateway *gateway = ctx;
    return rate_shared_take(gateway->options.rate_shared, client_id, tier, ret_level, ret_taken);
}

int gateway_rates_new(struct gateway *gateway) {
    struct rate_options options = { .clients_max = GATEWAY_CLIENTS_MAX,
                                    .reserve = reserve,
                                    .give_back = give_back,
                                    .take_shared = gateway->options.rate_shared ? take_shared : NULL,
                                    .ctx = gateway };
    return err_trace(rate_limit_new(&options, &gateway->rates));
}

/* ---- the check ---- */

static uint32_t within(int64_t number, uint32_t max) {
    return number < max ? (uint32_t)number : max;
}

/* What the client has in place of its tier's. A rate of its own without a burst: one second's worth at once. */
static struct rate_tier allowance_of(const struct rate_tier *tier, const struct call *call) {
    struct rate_tier allowance = *tier;
    if (call->requests_per_second > 0)
        allowance.requests_per_second = within(call->requests_per_second, RATE_PER_SECOND_MAX);
    if (call->burst > 0) allowance.burst = within(call->burst, RATE_BURST_MAX);
    if (allowance.requests_per_second && !allowance.burst) allowance.burst = allowance.requests_per_second;
    if (call->daily_limit > 0) allowance.daily_limit = (uint64_t)call->daily_limit;
    return allowance;
}

int check_rate(struct exchange *exchange) {
    const struct gateway_options *options = &exchange->gateway->options;
    struct rate_verdict verdict;
    if (!exchange->call.has_client) return EXCHANGE_GOES_ON;
    const struct rate_tier *tier = tier_of(options, exchange->call.tier);
    if (!tier) return exchange_fault(exchange, "rate_tier", err_origin(-ENOENT));
    struct rate_tier allowance = allowance_of(tier, &exchange->call);
    struct rate_now now = { .mono_ns = options->mono_ns(), .wall_ms = options->now_ms(), .at_once = exchange->at_once };
    rate_limit_take(exchange->gateway->rates, exchange->call.client_id.bytes, &allowance, now, &verdict);
    if (verdict.result == RATE_WOULD_WAIT) return EXCHANGE_MOVES;
    put_headers(exchange, &allowance, &verdict);
    switch (verdict.result) {
    case RATE_PASSES:
        return EXCHANGE_GOES_ON;
    case RATE_TOO_FAST:
        return exchange_refuse_for(exchange, &refusal_rate_limited, verdict.retry_after_s);
    case RATE_DAY_OVER:
        return exchange_refuse_for(exchange, &refusal_daily_limit, verdict.retry_after_s);
    case RATE_DAY_UNKNOWN:
        return exchange_refuse_for(exchange, &refusal_unavailable, verdict.retry_after_s);
    case RATE_WOULD_WAIT:
        break;
    }
    check(false);
    return EXCHANGE_ANSWERED;
}
