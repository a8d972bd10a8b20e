/* bench_reads.c - `giro bench reads`: authorised balance reads through the whole pipeline, beside a static answer of 1
 * KiB from the same edge over the same kind of connection.
 *
 * (B1) The two loads take turns, a slice each, in one run, so that what else the machine does meets both. (B2) The CPU
 * of edge and daemon is read at the turns of each slice, so that what belongs to one load is never counted to the
 * other. (B3) An answer that is not a 200 with a body fails the run: nothing is measured on refusals. */
#include "app/bench.h"

#include "app/exit_code.h"
#include "app/options.h"
#include "app/sandbox_caller.h"
#include "platform/clock.h"
#include "platform/http_load.h"
#include "wire/json.h"

#define READS_CLIENT "bench-client"
#define READS_SCOPE "accounts"
#define READS_STATIC "/static/" SANDBOX_STATIC_FILE

enum {
    READS_TURNS = 2,     /* of both loads; each one makes its connections anew, which must not weigh */
    READS_WARM_MS = 500, /* of each load, not counted */
    READS_CONNECTIONS = 16,
    READS_CONNECTIONS_MAX = 256,
    READS_SECONDS_MAX = 3600,
    READS_ARENA_BYTES = 256 * 1024,
    READS_TEXT_BYTES_MAX = 1024,
    READS_ACCOUNTS_MAX = 8,
    READS_REPORT_BYTES_MAX = 1024,
};
enum reads_load { READS_BALANCE, READS_KIB, READS_LOAD_COUNT };

struct reads_sum {
    uint64_t answers;
    int64_t window_us, edge_us, giro_us;
};
struct reads {
    struct sandbox sandbox;
    struct sandbox_caller *caller;
    struct arena arena;
    struct message message;
    uint64_t seconds, connections;
    char bearer[SANDBOX_CALLER_TOKEN_BYTES_MAX + 8];
    struct str urls[READS_ACCOUNTS_MAX], static_url;
    size_t url_count, next;
    struct http_header headers[2];
    enum reads_load load;
    int64_t end_ns;
    uint64_t good, bad;
    int bad_status;
    struct latencies latencies; /* of the reads */
    bool counted;
    struct reads_sum sums[READS_LOAD_COUNT];
};

/* ---- one slice ---- */

static enum http_load_next next_request(void *ctx, size_t slot, struct http_call *ret_call, int64_t *ret_wait_ms) {
    struct reads *reads = ctx;
    (void)slot, (void)ret_wait_ms; /* every slot sends the same kind of call, at once */
    if (clock_mono_ns() >= reads->end_ns) return HTTP_LOAD_DONE;
    bool balance = reads->load == READS_BALANCE;
    *ret_call = (struct http_call){ .method = STR("GET"),
                                    .url = balance ? reads->urls[reads->next++ % reads->url_count] : reads->static_url,
                                    .headers = reads->headers,
                                    .header_count = balance ? ARRAY_COUNT(reads->headers) : 0,
                                    .idempotent = true };
    return HTTP_LOAD_SEND;
}

static void on_response(void *ctx, size_t slot, const struct http_load_response *response) {
    struct reads *reads = ctx;
    (void)slot; /* as above */
    if (response->refusal || response->result.status != 200 || response->result.body.len == 0) {
        reads->bad++;
        reads->bad_status = response->refusal ? 0 : response->result.status;
        return;
    }
    reads->good++;
    if (reads->counted && reads->load == READS_BALANCE) latencies_add(&reads->latencies, response->latency_ns);
}

static int run_slice(struct reads *reads, enum reads_load load, int64_t ms) {
    struct reads_sum *sum = &reads->sums[load];
    struct bench_cpu from = { 0 }, to = { 0 };
    int64_t from_ns;
    const struct http_load_options options = { .client = sandbox_caller_http_options(reads->caller),
                                               .connections = reads->connections,
                                               .next_request = next_request,
                                               .on_response = on_response,
                                               .ctx = reads };
    int r = bench_cpu_read(&reads->sandbox, &from, &reads->message);
    if (r) return err_trace(r);
    reads->load = load;
    reads->good = 0;
    from_ns = clock_mono_ns();
    reads->end_ns = from_ns + ms * 1000000;
    r = http_load_run(&options);
    if (!r && reads->bad) {
        message_set(&reads->message, "an answer that was not 200 (status %d): nothing is measured on refusals",
                    reads->bad_status);
        return SANDBOX_CALLER_E_ANSWER;
    }
    int64_t window_us = (clock_mono_ns() - from_ns) / 1000;
    if (!r) r = bench_cpu_read(&reads->sandbox, &to, &reads->message);
    if (r || !reads->counted) return err_trace(r);
    sum->answers += reads->good;
    sum->window_us += window_us;
    sum->edge_us += to.edge_us - from.edge_us;
    sum->giro_us += to.giro_us - from.giro_us;
    return 0;
}

/* ---- the run ---- */

static int prepare(struct reads *reads) {
    const struct sandbox_caller_facts *facts;
    const struct json *list;
    struct http_result result;
    struct str token;
    int r = sandbox_caller_open(&reads->sandbox, READS_CLIENT, &reads->caller, &reads->message);
    if (!r) r = sandbox_caller_token(reads->caller, READS_SCOPE, &token, &reads->message);
    if (r) return err_trace(r);
    (void)snprintf(reads->bearer, sizeof reads->bearer, "Bearer " STR_FMT, STR_ARG(token));
    reads->headers[0] = (struct http_header){ STR("Authorization"), str_from_c(reads->bearer) };
    reads->headers[1] = (struct http_header){ STR("Accept"), STR("application/json") };
    facts = sandbox_caller_facts(reads->caller);
    reads->static_url = arena_printf(&reads->arena, STR_FMT READS_STATIC, STR_ARG(facts->api));
    struct http_call call = { .method = STR("GET"),
                              .url = arena_printf(&reads->arena, STR_FMT "/v1/accounts", STR_ARG(facts->api)),
                              .headers = reads->headers,
                              .header_count = ARRAY_COUNT(reads->headers) };
    const struct sandbox_expected expected = { .status = 200, .what = "GET /v1/accounts" };
    r = sandbox_caller_call(reads->caller, &call, &reads->arena, &result, &reads->message);
    if (!r) r = sandbox_caller_expect(&result, &expected, &reads->arena, &list, &reads->message);
    if (r) return err_trace(r);
    const struct json *accounts = json_get(list, "accounts");
    for (size_t i = 0; i < json_count(accounts) && i < READS_ACCOUNTS_MAX; i++) {
        struct str id = json_get_string(json_at(accounts, i), "account_id");
        reads->urls[reads->url_count] =
            arena_printf(&reads->arena, STR_FMT "/v1/accounts/" STR_FMT "/balances", STR_ARG(facts->api), STR_ARG(id));
        if (!reads->urls[reads->url_count++].at) return err_origin(-ENOMEM);
    }
    if (reads->url_count && reads->static_url.at) return 0;
    message_set(&reads->message, "%s has no account to read", READS_CLIENT);
    return SANDBOX_CALLER_E_ANSWER;
}

static int run(struct reads *reads) {
    int r = arena_init(&reads->arena, READS_ARENA_BYTES, 16 * READS_ARENA_BYTES);
    if (!r) r = prepare(reads);
    for (int load = 0; !r && load < READS_LOAD_COUNT; load++)
        r = run_slice(reads, (enum reads_load)load, READS_WARM_MS);
    reads->counted = true;
    int64_t slice_ms = (int64_t)reads->seconds * 1000 / (2 * READS_TURNS);
    for (int turn = 0; !r && turn < READS_TURNS; turn++) {
        r = run_slice(reads, READS_BALANCE, slice_ms);
        if (!r) r = run_slice(reads, READS_KIB, slice_ms);
    }
    return err_trace(r);
}

/* ---- what is told ---- */

struct reads_report {
    char reads_per_second[32], edge[32], giro[32], kib[32], ratio[32], p50[32], p99[32];
};

static void report_fill(struct reads *reads, struct reads_report *report) {
    const struct reads_sum *read = &reads->sums[READS_BALANCE], *kib = &reads->sums[READS_KIB];
    uint64_t ours = (uint64_t)(read->edge_us + read->giro_us) * kib->answers;
    uint64_t floor = (uint64_t)kib->edge_us * read->answers;
    bench_decimal(read->answers * 1000000u, (uint64_t)read->window_us, report->reads_per_second);
    bench_decimal((uint64_t)read->edge_us, read->answers, report->edge);
    bench_decimal((uint64_t)read->giro_us, read->answers, report->giro);
    bench_decimal((uint64_t)kib->edge_us, kib->answers, report->kib);
    bench_decimal(ours, floor, report->ratio);
    bench_decimal(latencies_at(&reads->latencies, 500), 1000, report->p50);
    bench_decimal(latencies_at(&reads->latencies, 990), 1000, report->p99);
}

static void print_report(const struct reads_report *report, bool json) {
    const struct bench_figure figures[] = {
        { "reads_per_second", report->reads_per_second, "reads a second, half the time" },
        { "cpu_us_edge", report->edge, "us of CPU a read, edge" },
        { "cpu_us_giro", report->giro, "us of CPU a read, daemon" },
        { "cpu_us_static", report->kib, "us of CPU a static answer of 1 KiB, edge" },
        { "ratio_to_static", report->ratio, "times the static answer, edge and daemon together" },
        { "p50_ms", report->p50, "ms, p50" },
        { "p99_ms", report->p99, "ms, p99" },
    };
    bench_figures_print(figures, ARRAY_COUNT(figures), json);
}

static int measure(struct reads *reads, bool json) {
    struct reads_report report;
    int r = run(reads);
    if (r) return sandbox_caller_complain("bench reads", r, &reads->message);
    report_fill(reads, &report);
    print_report(&report, json);
    return EXIT_DONE;
}

int bench_reads(int argc, char **argv) {
    const char *var = NULL, *seconds = NULL, *connections = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, "folder of the sandbox (GIRO_VAR, var)" },
                                       { "seconds", "N", &seconds, NULL, "length of both loads together (10)" },
                                       { "connections", "N", &connections, NULL, "connections (16)" },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = {
        .usage = "bench reads [--seconds N] [--connections N] [--var DIR] [--json]",
        .help = "Reads balances and, in turns, a static answer from the same edge; says what each costs.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows)
    };
    struct message message = { .text = "" };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    struct reads *reads = calloc(1, sizeof *reads);
    if (!reads) return sandbox_caller_complain("bench reads", err_origin(-ENOMEM), &message);
    reads->seconds = 10;
    reads->connections = READS_CONNECTIONS;
    latencies_init(&reads->latencies);
    int code = EXIT_USAGE;
    if (options_number("seconds", seconds, 1, READS_SECONDS_MAX, &reads->seconds) &&
        options_number("connections", connections, 1, READS_CONNECTIONS_MAX, &reads->connections)) {
        r = sandbox_init(&reads->sandbox, var, &message);
        code = r ? sandbox_complain(r, &message) : measure(reads, json);
    }
    sandbox_caller_close(reads->caller);
    latencies_release(&reads->latencies);
    arena_release(&reads->arena);
    free(reads);
    return code;
}
