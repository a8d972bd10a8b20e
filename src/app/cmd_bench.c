#include "app/subcommand.h"

#include "app/bench.h"

int cmd_bench(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "engine", "the commit engine alone, beside the same rows written raw", bench_engine },
        { "payments", "payments through the HTTPS API", bench_payments },
        { "reads", "balance reads beside a static answer of the edge", bench_reads },
        { "tokens", "access tokens by signed assertions", bench_tokens },
    };
    static const struct subcommand_table table = { .title = "giro bench", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
