/* bench_tokens.c - `giro bench tokens`: access tokens by client credentials and a signed assertion (private_key_jwt,
 * PS256) over mTLS, one after another on each connection.
 *
 * (B1) Each request has an assertion of its own, as a jti is good once; signing it is the load's CPU, not the bank's.
 * (B2) An answer that is not a 200 fails the run: nothing is measured on refusals. (B3) The first moment warms up the
 * connections and is not counted. */
#include "app/bench.h"

#include "app/exit_code.h"
#include "app/options.h"
#include "app/sandbox_caller.h"
#include "platform/clock.h"
#include "platform/http_load.h"
#include "wire/form.h"

#define TOKENS_CLIENT "bench-client"
#define TOKENS_SCOPE "accounts"

enum {
    TOKENS_WARM_MS = 500,
    TOKENS_CONNECTIONS = 16,
    TOKENS_CONNECTIONS_MAX = 64,
    TOKENS_SECONDS_MAX = 3600,
    TOKENS_FORM_BYTES_MAX = 8 * 1024,
};

struct tokens {
    struct sandbox sandbox;
    struct sandbox_caller *caller;
    struct message message;
    uint64_t seconds, connections;
    int64_t end_ns;
    uint64_t good, bad;
    int bad_status, fault;
    bool counted;
    struct latencies latencies;
    int64_t window_us, edge_us, giro_us;
    char forms[TOKENS_CONNECTIONS_MAX][TOKENS_FORM_BYTES_MAX];
};

static enum http_load_next next_request(void *ctx, size_t slot, struct http_call *ret_call, int64_t *ret_wait_ms) {
    static const struct http_header headers[] = {
        { STR_INIT("Content-Type"), STR_INIT("application/x-www-form-urlencoded") },
        { STR_INIT("Accept"), STR_INIT("application/json") },
    };
    struct tokens *tokens = ctx;
    struct buffer form;
    (void)ret_wait_ms; /* each slot sends at once */
    if (clock_mono_ns() >= tokens->end_ns || tokens->fault) return HTTP_LOAD_DONE;
    buffer_init(&form, tokens->forms[slot], TOKENS_FORM_BYTES_MAX);
    form_put_c(&form, "grant_type", "client_credentials");
    form_put_c(&form, "scope", TOKENS_SCOPE);
    tokens->fault = sandbox_caller_authenticate(tokens->caller, &form);
    if (tokens->fault) return HTTP_LOAD_DONE;
    *ret_call = (struct http_call){ .method = STR("POST"),
                                    .url = sandbox_caller_facts(tokens->caller)->token_endpoint,
                                    .headers = headers,
                                    .header_count = ARRAY_COUNT(headers),
                                    .body = buffer_str(&form),
                                    .idempotent = true }; /* kept connections; none is sent twice here */
    return HTTP_LOAD_SEND;
}

static void on_response(void *ctx, size_t slot, const struct http_load_response *response) {
    struct tokens *tokens = ctx;
    (void)slot; /* all are alike */
    if (response->refusal || response->result.status != 200) {
        tokens->bad++;
        tokens->bad_status = response->refusal ? 0 : response->result.status;
        return;
    }
    tokens->good++;
    if (tokens->counted) latencies_add(&tokens->latencies, response->latency_ns);
}

static int run_for(struct tokens *tokens, int64_t ms) {
    const struct http_load_options options = { .client = sandbox_caller_http_options(tokens->caller),
                                               .connections = tokens->connections,
                                               .next_request = next_request,
                                               .on_response = on_response,
                                               .ctx = tokens };
    tokens->good = 0;
    tokens->end_ns = clock_mono_ns() + ms * 1000000;
    int r = http_load_run(&options);
    if (r || tokens->fault) return err_trace(r ? r : tokens->fault);
    if (!tokens->bad && tokens->good) return 0;
    message_set(&tokens->message, "an answer that was not 200 (status %d): nothing is measured on refusals",
                tokens->bad_status);
    return SANDBOX_CALLER_E_ANSWER;
}

static int run(struct tokens *tokens) {
    struct bench_cpu from = { 0 }, to = { 0 };
    int r = sandbox_caller_open(&tokens->sandbox, TOKENS_CLIENT, &tokens->caller, &tokens->message);
    if (!r) r = run_for(tokens, TOKENS_WARM_MS);
    if (!r) r = bench_cpu_read(&tokens->sandbox, &from, &tokens->message);
    if (r) return err_trace(r);
    tokens->counted = true;
    int64_t from_ns = clock_mono_ns();
    r = run_for(tokens, (int64_t)tokens->seconds * 1000);
    tokens->window_us = (clock_mono_ns() - from_ns) / 1000;
    if (!r) r = bench_cpu_read(&tokens->sandbox, &to, &tokens->message);
    tokens->edge_us = to.edge_us - from.edge_us;
    tokens->giro_us = to.giro_us - from.giro_us;
    return err_trace(r);
}

static void print_report(struct tokens *tokens, bool json) {
    char rate[32], core[32], edge[32], giro[32], p50[32], p99[32];
    uint64_t good = tokens->good;
    bench_decimal(good * 1000000u, (uint64_t)tokens->window_us, rate);
    bench_decimal(good * 1000000u, (uint64_t)tokens->giro_us, core);
    bench_decimal((uint64_t)tokens->edge_us, good, edge);
    bench_decimal((uint64_t)tokens->giro_us, good, giro);
    bench_decimal(latencies_at(&tokens->latencies, 500), 1000, p50);
    bench_decimal(latencies_at(&tokens->latencies, 990), 1000, p99);
    const struct bench_figure figures[] = {
        { "tokens_per_second", rate, "tokens a second" },
        { "tokens_per_core_second", core, "tokens a second of the daemon's CPU" },
        { "cpu_us_edge", edge, "us of CPU a token, edge" },
        { "cpu_us_giro", giro, "us of CPU a token, daemon" },
        { "p50_ms", p50, "ms, p50" },
        { "p99_ms", p99, "ms, p99" },
    };
    bench_figures_print(figures, ARRAY_COUNT(figures), json);
}

static int measure(struct tokens *tokens, bool json) {
    int r = run(tokens);
    if (r) return sandbox_caller_complain("bench tokens", r, &tokens->message);
    print_report(tokens, json);
    return EXIT_DONE;
}

int bench_tokens(int argc, char **argv) {
    const char *var = NULL, *seconds = NULL, *connections = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, "folder of the sandbox (GIRO_VAR, var)" },
                                       { "seconds", "N", &seconds, NULL, "length of the load (10)" },
                                       { "connections", "N", &connections, NULL, "connections (16)" },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "bench tokens [--seconds N] [--connections N] [--var DIR] [--json]",
                               .help = "Fetches access tokens by signed assertions; says what each costs.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    struct message message = { .text = "" };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    struct tokens *tokens = calloc(1, sizeof *tokens);
    if (!tokens) return sandbox_caller_complain("bench tokens", err_origin(-ENOMEM), &message);
    tokens->seconds = 10;
    tokens->connections = TOKENS_CONNECTIONS;
    latencies_init(&tokens->latencies);
    int code = EXIT_USAGE;
    if (options_number("seconds", seconds, 1, TOKENS_SECONDS_MAX, &tokens->seconds) &&
        options_number("connections", connections, 1, TOKENS_CONNECTIONS_MAX, &tokens->connections)) {
        r = sandbox_init(&tokens->sandbox, var, &message);
        code = r ? sandbox_complain(r, &message) : measure(tokens, json);
    }
    sandbox_caller_close(tokens->caller);
    latencies_release(&tokens->latencies);
    free(tokens);
    return code;
}
