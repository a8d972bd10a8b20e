/* bench_payments.c - `giro bench payments`: payments over kept connections for some seconds, and what they cost.
 *
 * (P1) A payment counts when the daemon's own metric says that it was completed; what was only accepted is counted
 * apart. (P2) The CPU is read when every accepted payment has reached its end, and divided by all of them: work that is
 * put off is not hidden. (P3) The load runs on the same machine and takes its share; its own cost is printed. */
#include "app/bench.h"

#include <unistd.h>

#include "app/account_opener.h"
#include "app/bulk_sender.h"
#include "app/exit_code.h"
#include "app/metric_page.h"
#include "app/options.h"
#include "app/process_cpu.h"
#include "platform/clock.h"

#define BENCH_CLIENT "bench-client"
#define BENCH_SCOPE "accounts payments"

enum {
    BENCH_ACCOUNTS = 64,
    BENCH_SORT_CODE = 40400, /* "040400": of the bench accounts; no account of the sandbox has it */
    BENCH_ACCOUNT_FIRST = 90000001,
    BENCH_NEED_MINOR = 1000000000, /* in each account before a run: ten million payments of 1.00 */
    BENCH_FUND_MINOR = 2000000000,
    BENCH_DRAIN_MS_MAX = 120 * 1000, /* until every accepted payment has reached its end */
    BENCH_POLL_MS = 100,
    BENCH_SECONDS_MAX = 3600,
    BENCH_ARENA_BYTES_MAX = 16 * 1024 * 1024, /* over METRIC_PAGE_BYTES_MAX */
    BENCH_REPORT_BYTES_MAX = 2 * 1024,
};

struct bench_counts {
    uint64_t completed, ended;
};
struct bench {
    struct sandbox sandbox;
    struct sandbox_caller *caller;
    struct bearer bearer;
    struct arena arena;
    struct message message;
    struct account_wish wishes[BENCH_ACCOUNTS];
    uint64_t seconds, connections;
    char run[16]; /* makes the keys of this run its own */
    int64_t end_ns;
    uint64_t other; /* answers without a payment */
    char other_reason[PAYMENT_ANSWER_WORD_BYTES_MAX];
    struct bench_counts at_start, at_end, drained;
    int64_t cpu_start_us[BENCH_PART_COUNT];
    struct bench_result result;
};

/* --- what is measured from outside --- */

static int read_counts(struct bench *bench, struct bench_counts *ret_counts) {
    static const struct str family = STR_INIT("banking_payments_total");
    struct http_result result;
    arena_reset(&bench->arena);
    const struct http_call call = { .method = STR("GET"),
                                    .url = arena_printf(&bench->arena, STR_FMT "/metrics",
                                                        STR_ARG(sandbox_caller_facts(bench->caller)->operations)) };
    if (!call.url.at) return err_origin(-ENOMEM);
    int r = sandbox_caller_browse(bench->caller, &call, &bench->arena, &result, &bench->message);
    if (r) return err_trace(r);
    bool good = result.status == 200 &&
                metric_page_sum(result.body, family, STR("status=\"completed\""), &ret_counts->completed) &&
                metric_page_sum(result.body, family, STR(""), &ret_counts->ended);
    if (good) return 0;
    message_set(&bench->message, "the metrics of the daemon cannot be read");
    return SANDBOX_CALLER_E_ANSWER;
}

static int read_cpu(struct bench *bench, int64_t cpu_us[BENCH_PART_COUNT]) {
    static const struct {
        enum bench_part part;
        const char *file;
        bool with_children;
    } rows[] = { { BENCH_EDGE, "run/nginx.pid", true },
                 { BENCH_GIRO, "run/giro.pid", false },
                 { BENCH_CORE, "run/core.pid", false } };
    char path[SANDBOX_PATH_BYTES_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t pid = 0;
        sandbox_path(&bench->sandbox, rows[i].file, path);
        int r = process_pid_read(path, &pid);
        if (!r) r = process_cpu_us(pid, rows[i].with_children, &cpu_us[rows[i].part]);
        if (!r) continue;
        message_set(&bench->message, "cannot read the CPU time of the process in %s (%s): is ./run running?", path,
                    strerror(-r));
        return SANDBOX_CALLER_E_UNREACHABLE;
    }
    cpu_us[BENCH_LOAD] = clock_cpu_us();
    return 0;
}

/* --- the load --- */

static void make_wishes(struct bench *bench) {
    char bban[24];
    for (unsigned i = 0; i < BENCH_ACCOUNTS; i++) {
        struct account_wish *wish = &bench->wishes[i];
        (void)snprintf(wish->sort_code, sizeof wish->sort_code, "%06d", BENCH_SORT_CODE);
        (void)snprintf(wish->account_number, sizeof wish->account_number, "%08u", BENCH_ACCOUNT_FIRST + i);
        (void)snprintf(bban, sizeof bban, "GIRO%s%s", wish->sort_code, wish->account_number);
        check(iban_make(STR("GB"), str_from_c(bban), &wish->iban) == 0); /* letters and digits of the right length */
        wish->fund_minor = BENCH_FUND_MINOR;
        wish->need_minor = BENCH_NEED_MINOR;
    }
}

static int open_accounts(struct bench *bench) {
    struct account_opener opener = { .sandbox = &bench->sandbox,
                                     .caller = bench->caller,
                                     .scope = BENCH_SCOPE,
                                     .holder = BENCH_CLIENT,
                                     .name = "Bench account",
                                     .business = true,
                                     .title = "Accounts",
                                     .wishes = bench->wishes,
                                     .count = BENCH_ACCOUNTS };
    if (currency_parse(STR("GBP"), &opener.currency)) return err_origin(-EPROTO);
    make_wishes(bench);
    return err_trace(account_opener_run(&opener, &bench->message));
}

static void write_payment(void *ctx, size_t index, struct bulk_call *call) {
    char id[ID_TEXT_BYTES];
    const struct bench *bench = ctx;
    call->is_post = true;
    buffer_append_str(&call->url, sandbox_caller_facts(bench->caller)->api);
    buffer_append_c(&call->url, "/v1/payments");
    buffer_printf(&call->key, "bench-%s-%zu", bench->run, index);
    buffer_printf(&call->body,
                  "{\"debtor_account_id\":\"" STR_FMT "\",\"creditor\":{\"name\":\"Bench Creditor\","
                  "\"sort_code\":\"204060\",\"account_number\":\"%08zu\"},"
                  "\"amount\":{\"value\":\"1.00\",\"currency\":\"GBP\"},\"reference\":\"bench\"}",
                  STR_ARG(id_format(bench->wishes[index % BENCH_ACCOUNTS].account_id.bytes, id)),
                  20000001 + index % 1000);
}

static enum bulk_verdict on_answer(void *ctx, size_t index, struct payment_answer *answer, int64_t latency_ns) {
    struct bench *bench = ctx;
    (void)index; /* which one it was does not matter */
    if (answer->kind == PAYMENT_ANSWER_PAYMENT) {
        bench->result.accepted++;
        latencies_add(&bench->result.latencies, latency_ns);
    } else {
        bench->other++;
        memcpy(bench->other_reason, answer->reason, sizeof bench->other_reason);
    }
    if (clock_mono_ns() >= bench->end_ns) return BULK_STOP;
    return answer->kind == PAYMENT_ANSWER_AGAIN ? BULK_AGAIN : BULK_NEXT;
}

static int put_load(struct bench *bench) {
    const struct bulk_sender sender = { .bearer = &bench->bearer,
                                        .http = sandbox_caller_http_options(bench->caller),
                                        .connections = bench->connections,
                                        .count = SIZE_MAX,
                                        .write = write_payment,
                                        .on_answer = on_answer,
                                        .ctx = bench };
    int r = read_counts(bench, &bench->at_start);
    if (!r) r = read_cpu(bench, bench->cpu_start_us);
    if (r) return err_trace(r);
    int64_t from_ns = clock_mono_ns();
    bench->end_ns = from_ns + (int64_t)bench->seconds * 1000000000;
    r = bulk_send(&sender, &bench->message);
    bench->result.window_us = (clock_mono_ns() - from_ns) / 1000;
    if (!r) r = read_counts(bench, &bench->at_end);
    if (r) return err_trace(r);
    if (bench->at_end.completed < bench->at_start.completed) {
        message_set(&bench->message, "the daemon was started anew during the run");
        return SANDBOX_CALLER_E_UNKNOWN;
    }
    bench->result.completed = bench->at_end.completed - bench->at_start.completed;
    return 0;
}

/* Waits until the metric has counted as many ends as there were payments. */
static int drain(struct bench *bench) {
    const struct timespec pause = { .tv_nsec = BENCH_POLL_MS * 1000000L };
    int64_t end_ms = clock_mono_ms() + BENCH_DRAIN_MS_MAX, now_us[BENCH_PART_COUNT];
    int r;
    for (;;) {
        r = read_counts(bench, &bench->drained);
        bench->result.ended = bench->drained.ended - bench->at_start.ended;
        if (r || bench->result.ended >= bench->result.accepted || clock_mono_ms() >= end_ms) break;
        nanosleep(&pause, NULL);
    }
    if (!r) r = read_cpu(bench, now_us);
    if (r) return err_trace(r);
    for (size_t i = 0; i < BENCH_PART_COUNT; i++) bench->result.cpu_us[i] = now_us[i] - bench->cpu_start_us[i];
    if (bench->result.ended && bench->result.accepted) return 0;
    message_set(&bench->message, "no payment reached its end (%s)",
                bench->other ? bench->other_reason : "none accepted");
    return SANDBOX_CALLER_E_ANSWER;
}

/* --- the command --- */

static int run_bench(struct bench *bench) {
    struct str token;
    int r = arena_init(&bench->arena, 256 * 1024, BENCH_ARENA_BYTES_MAX);
    if (!r) r = sandbox_caller_open(&bench->sandbox, BENCH_CLIENT, &bench->caller, &bench->message);
    if (!r) r = sandbox_caller_token(bench->caller, BENCH_SCOPE, &token, &bench->message); /* is anybody there? */
    if (!r) r = open_accounts(bench);
    if (!r) r = bench_flush_floor(bench->sandbox.var, &bench->result.flush_us, &bench->message);
    if (r) return err_trace(r);
    (void)random_text(9, bench->run, sizeof bench->run);
    bench->bearer = (struct bearer){ .lock = PTHREAD_MUTEX_INITIALIZER, .caller = bench->caller, .scope = BENCH_SCOPE };
    latencies_init(&bench->result.latencies);
    r = put_load(bench);
    return r ? err_trace(r) : drain(bench);
}

/* What makes the numbers honest. */
static void print_notes(const struct bench *bench) {
    const struct bench_result *result = &bench->result;
    uint64_t rejected = result->ended - (bench->drained.completed - bench->at_start.completed);
    fprintf(stderr, "%llu connections for %lld.%03lld s on %ld cores, shared by edge, daemon, core and this load\n",
            (unsigned long long)bench->connections, (long long)(result->window_us / 1000000),
            (long long)(result->window_us / 1000 % 1000), sysconf(_SC_NPROCESSORS_ONLN));
    fprintf(stderr, "a write of %d bytes and its flush take %lld us here: no commit is faster\n", BENCH_FLUSH_BYTES,
            (long long)result->flush_us);
    fprintf(stderr, "%llu accepted, %llu of them completed in the window, %llu ended when all was drained\n",
            (unsigned long long)result->accepted, (unsigned long long)result->completed,
            (unsigned long long)result->ended);
    if (result->ended < result->accepted)
        fprintf(stderr, "%llu payments had no end within %d s\n",
                (unsigned long long)(result->accepted - result->ended), BENCH_DRAIN_MS_MAX / 1000);
    if (rejected) fprintf(stderr, "%llu payments were rejected or failed\n", (unsigned long long)rejected);
    if (bench->other)
        fprintf(stderr, "%llu answers without a payment, the last: %s\n", (unsigned long long)bench->other,
                bench->other_reason);
}

static int measure(struct bench *bench, bool json) {
    char memory[BENCH_REPORT_BYTES_MAX];
    struct buffer out;
    int r = run_bench(bench);
    if (r) return sandbox_caller_complain("bench payments", r, &bench->message);
    buffer_init(&out, memory, sizeof memory);
    bench_result_write(&bench->result, &out);
    check(!out.overflow);
    print_notes(bench);
    if (json) printf(STR_FMT "\n", STR_ARG(buffer_str(&out)));
    else bench_result_print(&bench->result, stdout);
    return bench->result.ended < bench->result.accepted ? EXIT_FAILED : EXIT_DONE;
}

int bench_payments(int argc, char **argv) {
    const char *var = NULL, *seconds = NULL, *connections = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, "folder of the sandbox (GIRO_VAR, var)" },
                                       { "seconds", "N", &seconds, NULL, "length of the load (10)" },
                                       { "connections", "N", &connections, NULL, "connections (64)" },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "bench payments [--seconds N] [--connections N] [--var DIR] [--json]",
                               .help = "Sends payments for some seconds and says how many, how fast, at what cost.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    struct message message = { .text = "" };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench) return sandbox_caller_complain("bench payments", err_origin(-ENOMEM), &message);
    bench->seconds = 10;
    bench->connections = 64;
    int code = EXIT_USAGE;
    if (options_number("seconds", seconds, 1, BENCH_SECONDS_MAX, &bench->seconds) &&
        options_number("connections", connections, 1, BULK_CONNECTIONS_MAX, &bench->connections)) {
        r = sandbox_init(&bench->sandbox, var, &message);
        code = r ? sandbox_complain(r, &message) : measure(bench, json);
    }
    sandbox_caller_close(bench->caller);
    latencies_release(&bench->result.latencies);
    arena_release(&bench->arena);
    free(bench);
    return code;
}
