#include "app/bench_engine.h"

#include <fcntl.h>
#include <unistd.h>

#include "app/bench.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/random.h"
#include "platform/secret.h"
#include "wire/json.h"

enum { DECIMAL_BYTES = 48, REPORT_BYTES_MAX = 2048, PROC_IO_BYTES_MAX = 1024 };

struct side {
    int64_t wall_ns, cpu_us;
};
struct bench {
    struct bench_bank_options options;
    uint64_t payments, done;
    char folder[BENCH_ENGINE_PATH_BYTES_MAX], path[BENCH_ENGINE_PATH_BYTES_MAX + 16],
        raw_path[BENCH_ENGINE_PATH_BYTES_MAX + 16];
    struct bench_postgres server;
    const char *connection, *raw_connection; /* NULL: of server */
    bool postgres;
    struct secret_bytes key;
    struct raw_record record;
    struct latencies commits;
    struct bench_bank *bank;
    struct store *raw;
    struct side engine, raw_side;
    int64_t first_cpu_us, last_cpu_us; /* of the first and the last slice */
    uint64_t first_payments, last_payments;
    int64_t written, flush_us, transition_ns;
};

/* ---- measuring ---- */

/* Bytes that this process has had written to the disk (proc(5)); 0 when the kernel does not say. */
static int64_t bytes_written(void) {
    static const char name[] = "\nwrite_bytes: ";
    char text[PROC_IO_BYTES_MAX + 1];
    int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, PROC_IO_BYTES_MAX);
    if (fd >= 0) (void)close(fd);
    if (len <= 0) return 0;
    text[len] = 0;
    const char *at = strstr(text, name);
    return at ? (int64_t)strtoll(at + strlen(name), NULL, 10) : 0;
}

static int engine_round(struct bench *bench, uint64_t count, struct message *message) {
    raw_record_forget(&bench->record);
    int64_t from_ns = clock_mono_ns(), from_us = clock_cpu_us();
    int r = bench_bank_pay(bench->bank, count, message);
    int64_t cpu_us = clock_cpu_us() - from_us - bench->record.cpu_us;
    bench->engine.wall_ns += clock_mono_ns() - from_ns - bench->record.wall_ns;
    bench->engine.cpu_us += cpu_us;
    if (bench->done < BENCH_ENGINE_SLICE_PAYMENTS) {
        bench->first_cpu_us += cpu_us;
        bench->first_payments += count;
    }
    bench->done += count;
    if (bench->payments - bench->done < BENCH_ENGINE_SLICE_PAYMENTS) {
        bench->last_cpu_us += cpu_us;
        bench->last_payments += count;
    }
    return err_trace(r);
}

static int raw_round(struct bench *bench, struct message *message) {
    int64_t from_ns = clock_mono_ns(), from_us = clock_cpu_us();
    int r = raw_replay(&bench->record, bench->raw);
    bench->raw_side.wall_ns += clock_mono_ns() - from_ns;
    bench->raw_side.cpu_us += clock_cpu_us() - from_us;
    if (r) message_set(message, "the recorded rows cannot be written again");
    return err_trace(r);
}

static int run_rounds(struct bench *bench, struct message *message) {
    uint64_t round = BENCH_ENGINE_ROUND_PAYMENTS / bench->options.batch * bench->options.batch;
    int64_t from = bytes_written();
    int r = 0;
    latencies_release(&bench->commits); /* the accounts' */
    latencies_init(&bench->commits);
    while (!r && bench->done < bench->payments) {
        uint64_t left = bench->payments - bench->done;
        r = engine_round(bench, left < round ? left : round, message);
        if (!r) r = raw_round(bench, message);
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "\r%llu of %llu payments", (unsigned long long)bench->done,
                    (unsigned long long)bench->payments);
    }
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\n");
    bench->written = bytes_written() - from;
    return err_trace(r);
}

static int choose_databases(struct bench *bench, struct message *message) {
    if (!bench->postgres || bench->connection) return 0;
    int r = bench_postgres_start(&bench->server, bench->folder, message);
    bench->connection = bench->server.engine;
    bench->raw_connection = bench->server.raw;
    return err_trace(r);
}

static int open_stores(struct bench *bench, struct message *message) {
    struct store_options raw = bench->options.store;
    (void)snprintf(bench->path, sizeof bench->path, "%s/engine.db", bench->folder);
    (void)snprintf(bench->raw_path, sizeof bench->raw_path, "%s/raw.db", bench->folder);
    bench->options.store.path = bench->path;
    bench->options.store.connection = bench->connection;
    raw.path = bench->raw_path;
    raw.connection = bench->raw_connection;
    int r = bench_store_open(&raw, &bench->raw, message);
    return r ? err_trace(r)
             : err_trace(bench_bank_open(&bench->options, &bench->record, &bench->commits, &bench->bank, message));
}

static int run(struct bench *bench, struct message *message) {
    int r = bench_flush_floor(bench->folder, &bench->flush_us, message);
    if (!r) r = bench_transition(&bench->transition_ns, message);
    if (!r) r = choose_databases(bench, message);
    if (!r) r = open_stores(bench, message);
    if (!r) r = raw_round(bench, message); /* the accounts: not counted */
    bench->raw_side = (struct side){ 0 };
    if (!r) r = run_rounds(bench, message);
    return err_trace(r);
}

/* ---- what is printed ---- */

/* scaled / 10^decimals. No floating point: what is printed is what was counted. */
static const char *decimal(uint64_t scaled, unsigned decimals, char text[DECIMAL_BYTES]) {
    uint64_t unit = 1;
    for (unsigned i = 0; i < decimals; i++) unit *= 10;
    (void)snprintf(text, DECIMAL_BYTES, "%llu.%0*llu", (unsigned long long)(scaled / unit), (int)decimals,
                   (unsigned long long)(scaled % unit));
    return text;
}

static uint64_t rate_tenths(uint64_t count, int64_t ns) {
    return ns > 0 ? count * UINT64_C(10000000) / (uint64_t)(ns / 1000 + 1) : 0;
}

static uint64_t each_tenths(int64_t sum, uint64_t count) {
    return sum > 0 && count ? (uint64_t)sum * 10 / count : 0;
}

struct figure {
    const char *name, *text;
    uint64_t scaled;
    unsigned decimals;
};

static void report(struct bench *bench, bool json) {
    uint64_t ours = rate_tenths(bench->done, bench->engine.wall_ns);
    uint64_t raw = rate_tenths(bench->done, bench->raw_side.wall_ns);
    const struct figure figures[] = {
        { "payments_per_second", "payments a second, two commits each", ours, 1 },
        { "cpu_us_per_payment", "us of CPU a payment", each_tenths(bench->engine.cpu_us, bench->done), 1 },
        { "cpu_us_first", "us of CPU a payment, first 100,000", each_tenths(bench->first_cpu_us, bench->first_payments),
          1 },
        { "cpu_us_last", "us of CPU a payment, last 100,000", each_tenths(bench->last_cpu_us, bench->last_payments),
          1 },
        { "kib_written_per_payment", "KiB written to the disk a payment",
          each_tenths(bench->written / 2, bench->done * 1024), 1 },
        { "flush_us", "us for a write and its flush", (uint64_t)bench->flush_us, 0 },
        { "commit_p99_ms", "ms for a commit, p99", latencies_at(&bench->commits, 990), 3 },
        { "transition_us", "us for an inline transition of a saga", (uint64_t)bench->transition_ns, 3 },
        { "raw_payments_per_second", "payments a second, their rows written raw", raw, 1 },
        { "raw_cpu_us_per_payment", "us of CPU a payment, raw", each_tenths(bench->raw_side.cpu_us, bench->done), 1 },
        { "ratio_to_raw", "of the raw rate", raw ? ours * 1000 / raw : 0, 3 },
    };
    char text[DECIMAL_BYTES], memory[REPORT_BYTES_MAX];
    struct json_writer writer;
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    for (size_t i = 0; i < ARRAY_COUNT(figures); i++) {
        const struct figure *figure = &figures[i];
        if (figure->decimals) decimal(figure->scaled, figure->decimals, text);
        else (void)snprintf(text, sizeof text, "%llu", (unsigned long long)figure->scaled);
        json_member_raw(&writer, figure->name, str_from_c(text));
        if (!json) printf("%12s %s\n", text, figure->text);
    }
    json_object_end(&writer);
    check(!out.overflow);
    if (json) printf(STR_FMT "\n", STR_ARG(buffer_str(&out)));
}

/* ---- the command ---- */

static int complain(const char *what, struct message *message) {
    fprintf(stderr, "giro bench engine: %s%s%s\n", what, message->text[0] ? ": " : "", message->text);
    return EXIT_FAILED;
}

static int measure(struct bench *bench, const char *dir, bool json) {
    struct message message = { .text = "" }, ignored = { .text = "" };
    int len = snprintf(bench->folder, sizeof bench->folder, "%s/giro-bench-XXXXXX", dir);
    if (len < 0 || (size_t)len >= sizeof bench->folder || !mkdtemp(bench->folder)) {
        message_set(&message, "%s", dir);
        return complain("no folder can be made there", &message);
    }
    latencies_init(&bench->commits);
    int r = run(bench, &message);
    if (r) complain("the run ended early", &message);
    else report(bench, json);
    bench->bank = bench_bank_close(bench->bank);
    bench->raw = store_close(bench->raw);
    raw_record_release(&bench->record);
    latencies_release(&bench->commits);
    bench_postgres_stop(&bench->server);
    if (dir_remove(bench->folder, &ignored)) fprintf(stderr, "giro bench engine: left behind: %s\n", bench->folder);
    return r ? EXIT_FAILED : EXIT_DONE;
}

static bool store_choose(struct bench *bench, const char *name, bool sealed, int *ret_exit) {
    struct store_options *store = &bench->options.store;
    bench->postgres = strcmp(name, "postgres") == 0;
    *ret_exit = EXIT_USAGE;
    if (!bench->postgres && strcmp(name, "sqlite") != 0)
        fprintf(stderr, "giro bench engine: --store is sqlite or postgres\n");
    else if (bench->postgres ? !bench->connection != !bench->raw_connection
                             : bench->connection || bench->raw_connection)
        fprintf(stderr, "giro bench engine: --connection and --raw-connection go together, with --store postgres\n");
    else *ret_exit = EXIT_FAILED;
    if (*ret_exit == EXIT_USAGE) return false;
    *store = (struct store_options){ .ops = bench->postgres ? &store_postgres_ops : &store_sqlite_ops,
                                     .migrations = bench->postgres ? "db/postgres" : "db/sqlite",
                                     .node = "bench" };
    store->tables = integration_tables(&store->table_count);
    if (!sealed && !bench->postgres) return true;
    if (secret_alloc(STORE_KEY_BYTES, &bench->key)) return false;
    random_bytes(bench->key.at, STORE_KEY_BYTES);
    store->key = &bench->key;
    return true;
}

int bench_engine(int argc, char **argv) {
    const char *store = "sqlite", *batch = NULL, *payments = NULL, *dir = ".", *seed = NULL, *connection = NULL,
               *raw = NULL;
    bool json = false, hot = false, sealed = false;
    int exit_code = EXIT_FAILED;
    const struct option_row rows[] = {
        { "store", "S", &store, NULL, "sqlite or postgres (sqlite)" },
        { "connection", "STRING", &connection, NULL, "postgres: an empty database of your own (a server of its own)" },
        { "raw-connection", "STRING", &raw, NULL, "postgres: a second one, for the raw side" },
        { "sealed", NULL, NULL, &sealed, "sqlite: sealed files on both sides; postgres always seals" },
        { "batch", "N", &batch, NULL, "payments in one commit, 1 to 1000 (100)" },
        { "payments", "N", &payments, NULL, "payments in all (100000)" },
        { "hot", NULL, NULL, &hot, "every payment leaves one account, not one of 1,000" },
        { "seed", "N", &seed, NULL, "of the random payments (1)" },
        { "dir", "DIR", &dir, NULL, "where the temporary folder is made (.)" },
        { "json", NULL, NULL, &json, "one JSON document" },
    };
    struct options options = {
        .usage = "bench engine [--store S] [--sealed] [--batch N] [--payments N] [--hot] [--dir DIR] [--json]",
        .help = "Runs payments through the commit engine without HTTP, in a store of its own that is removed\n"
                "afterwards. A payment is two commits: accepted (checks, hold, saga, events, audit record,\n"
                "idempotency key) and completed (the core's answer, made up in memory: postings, saga's end, events).\n"
                "Raw is the same rows in the same transactions, recorded from these commits and given to the commit\n"
                "of a second store: on sqlite a plain loop of prepared INSERT, UPDATE and DELETE, on postgres one\n"
                "statement for each table and kind of change in one pipeline. Nothing is loaded, decided or hashed.\n"
                "Both run in turns of 10,000 payments; ratio_to_raw is what is left of the raw rate. CPU and bytes\n"
                "written are this process's: on postgres the server's own are not in them. Without --connection,\n"
                "postgres is a server of its own in the temporary folder. Run it in the project's folder.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows)
    };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench) return EXIT_FAILED;
    bench->options = (struct bench_bank_options){ .batch = 100, .hot = hot, .seed = 1 };
    bench->payments = BENCH_ENGINE_SLICE_PAYMENTS;
    bench->connection = connection;
    bench->raw_connection = raw;
    if (!options_number("batch", batch, 1, ENGINE_BATCH_MAX, &bench->options.batch) ||
        !options_number("seed", seed, 0, UINT64_MAX, &bench->options.seed) ||
        !options_number("payments", payments, 1, BENCH_ENGINE_PAYMENTS_MAX, &bench->payments))
        exit_code = EXIT_USAGE;
    else if (store_choose(bench, store, sealed, &exit_code)) exit_code = measure(bench, dir, json);
    secret_release(&bench->key);
    free(bench);
    return exit_code;
}
