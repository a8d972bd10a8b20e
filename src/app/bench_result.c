#include "app/bench.h"

#include "wire/json.h"

enum { DECIMAL_BYTES = 48 };

static const char *const part_names[BENCH_PART_COUNT] = { "edge", "giro", "core", "load" };

/* scaled / 10^decimals. No floating point: what is printed is what was counted. */
static const char *decimal(uint64_t scaled, unsigned decimals, char text[DECIMAL_BYTES]) {
    uint64_t unit = 1;
    for (unsigned i = 0; i < decimals; i++) unit *= 10;
    (void)snprintf(text, DECIMAL_BYTES, "%llu.%0*llu", (unsigned long long)(scaled / unit), (int)decimals,
                   (unsigned long long)(scaled % unit));
    return text;
}

static const char *rate(uint64_t count, int64_t window_us, char text[DECIMAL_BYTES]) {
    return decimal(count * 10 * 1000000u / (uint64_t)window_us, 1, text);
}

static const char *cost(const struct bench_result *result, size_t part, char text[DECIMAL_BYTES]) {
    return decimal((uint64_t)result->cpu_us[part] * 10 / result->ended, 1, text);
}

static void put(struct json_writer *writer, const char *name, const char *number) {
    json_member_raw(writer, name, str_from_c(number));
}

void bench_result_write(struct bench_result *result, struct buffer *out) {
    char text[DECIMAL_BYTES];
    struct json_writer writer;
    check(result->window_us > 0 && result->ended > 0);
    json_begin(&writer, out);
    json_object_begin(&writer);
    put(&writer, "payments_per_second", rate(result->completed, result->window_us, text));
    put(&writer, "accepted_per_second", rate(result->accepted, result->window_us, text));
    put(&writer, "p50_ms", decimal(latencies_at(&result->latencies, 500), 3, text));
    put(&writer, "p95_ms", decimal(latencies_at(&result->latencies, 950), 3, text));
    put(&writer, "p99_ms", decimal(latencies_at(&result->latencies, 990), 3, text));
    json_name(&writer, "cpu_us_per_payment");
    json_object_begin(&writer);
    for (size_t i = 0; i < BENCH_PART_COUNT; i++) put(&writer, part_names[i], cost(result, i, text));
    json_object_end(&writer);
    json_member_i64(&writer, "flush_us", result->flush_us);
    json_object_end(&writer);
}

void bench_result_print(struct bench_result *result, FILE *out) {
    char text[DECIMAL_BYTES];
    static const struct {
        const char *name;
        unsigned permille;
    } rows[] = { { "p50", 500 }, { "p95", 950 }, { "p99", 990 } };
    check(result->window_us > 0 && result->ended > 0);
    fprintf(out, "%12s payments completed a second\n", rate(result->completed, result->window_us, text));
    fprintf(out, "%12s accepted a second\n", rate(result->accepted, result->window_us, text));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        fprintf(out, "%12s ms until accepted, %s\n",
                decimal(latencies_at(&result->latencies, rows[i].permille), 3, text), rows[i].name);
    for (size_t i = 0; i < BENCH_PART_COUNT; i++)
        fprintf(out, "%12s us of CPU a payment, %s\n", cost(result, i, text), part_names[i]);
    fprintf(out, "%12lld us for a flush\n", (long long)result->flush_us);
}
