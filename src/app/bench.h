/* bench.h - `giro bench`: how fast the running sandbox or the engine alone is, and what one payment costs. */
#ifndef GIRO_APP_BENCH_H
#define GIRO_APP_BENCH_H

#include "app/latencies.h"
#include "app/sandbox.h"
#include "platform/buffer.h"

/* As subcommand.h says; argv[0] is "payments", "engine", "reads", "tokens". */
int bench_payments(int argc, char **argv);
int bench_engine(int argc, char **argv);
int bench_reads(int argc, char **argv);
int bench_tokens(int argc, char **argv);

enum bench_part { BENCH_EDGE, BENCH_GIRO, BENCH_CORE, BENCH_LOAD, BENCH_PART_COUNT };
struct bench_result {
    int64_t window_us;  /* of load, > 0 */
    uint64_t accepted;  /* answers with a payment in the window */
    uint64_t completed; /* payments that were completed in the window */
    uint64_t ended;     /* payments that reached any end by the time the CPU was read, > 0 */
    int64_t cpu_us[BENCH_PART_COUNT];
    int64_t flush_us;
    struct latencies latencies; /* of the answers with a payment */
};
/* {"payments_per_second":N.N,"accepted_per_second":N.N,"p50_ms":N.NNN,...}. Sorts the latencies. */
void bench_result_write(struct bench_result *result, struct buffer *out);
void bench_result_print(struct bench_result *result, FILE *out); /* the same for people, a number a line */

/* --- bench_figures.c --- */
struct bench_cpu {
    int64_t edge_us, giro_us; /* used since the processes began */
};
/* 0, or SANDBOX_CALLER_E_UNREACHABLE with message. */
int bench_cpu_read(struct sandbox *sandbox, struct bench_cpu *ret_cpu, struct message *message) MUST_USE;
const char *bench_decimal(uint64_t value, uint64_t unit, char text[32]); /* value / unit with two decimals; unit 0: 0 */
struct bench_figure {
    const char *name, *value, *text; /* in JSON; a number; for people */
};
void bench_figures_print(const struct bench_figure *figures, size_t count, bool json);

/* --- bench_flush.c --- */
enum { BENCH_FLUSH_MS = 500, BENCH_FLUSH_BYTES = 4096, BENCH_FLUSHES_MAX = 20000 };
/* The median time of a write of BENCH_FLUSH_BYTES and an fdatasync at the end of a file in folder, for BENCH_FLUSH_MS:
 * no commit can be faster. 0 or a fault with message. */
int bench_flush_floor(const char *folder, int64_t *ret_us, struct message *message) MUST_USE;

#endif
