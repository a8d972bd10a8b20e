/* sim.c - the program `sim`: runs histories from seeds.
 *
 *   sim [--seeds N] [--first S]    histories S, S+1, ... (default 200 from 1); TAP, a line per group of seeds
 *   sim --seed S                   this history alone, with its trace
 *   --digest                       prints a digest of each whole history: the same seed gives the same one */
#include "app/sim.h"

#include "platform/encoding.h"
#include "platform/file.h"

#include <signal.h>
#include <unistd.h>

/* spec: ledger/54 */
enum { GROUP_SEEDS = 25, SEEDS_DEFAULT = 200, SAGA_BYTES_MAX = 64 * 1024, SIM_EXIT_USAGE = 2 };

struct run_options {
    uint64_t seeds, first;
    bool one, digest;
};

/* ---- a history that aborts (a check, a sanitizer) still says its seed ---- */

static char dying_words[160];
static size_t dying_words_len;

static void die(void) {
    (void)!write(STDOUT_FILENO, dying_words, dying_words_len);
}
static void on_abort(int number) {
    die();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}
/* Of the sanitizers' runtime, when there is one. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void prepare_to_die(void) {
    if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(die);
    (void)signal(SIGABRT, on_abort);
}

static void name_the_seed(uint64_t seed) {
    int len = snprintf(dying_words, sizeof dying_words, "\nnot ok 1 seed %llu aborted; again: sim --seed %llu\n",
                       (unsigned long long)seed, (unsigned long long)seed);
    dying_words_len = (size_t)len;
}

/* ---- the rules, read once ---- */

static void read_rules(struct sim_rules *rules) {
    struct arena arena;
    struct str text;
    struct message message = { { 0 } };
    fraud_policy_init(&rules->fraud);
    check(fraud_policy_read_creditors(&rules->fraud, STR("GB33BUKB20201555555555\n"), &message) == 0);
    check(aml_list_read(STR("1,\"Ivan PETROV\"\n"), &rules->aml, &message) == 0);
    check(arena_init(&arena, SAGA_BYTES_MAX, 2 * SAGA_BYTES_MAX) == 0);
    if (file_read_all("sagas/payment.asl.json", SAGA_BYTES_MAX, &arena, &text, &message) ||
        saga_def_compile(text, &payment_saga_registry, &rules->saga, &message)) {
        fprintf(stderr, "sim: %s (start it in the project's root)\n", message.text);
        exit(SIM_EXIT_USAGE);
    }
    arena_release(&arena);
}

/* ---- histories ---- */

static void print_failure(const struct sim *sim) {
    uint64_t from = sim->line_count > SIM_TRACE_LINES ? sim->line_count - SIM_TRACE_LINES : 0;
    printf("# seed %llu failed: %s\n", (unsigned long long)sim->seed, sim->why);
    for (uint64_t i = from; i < sim->line_count && !sim->print; i++)
        printf("#   %s\n", sim->lines[i % SIM_TRACE_LINES]);
    printf("# again, with its whole trace: sim --seed %llu\n", (unsigned long long)sim->seed);
}

static bool run_seed(struct sim *sim, const struct sim_rules *rules, uint64_t seed, const struct run_options *options) {
    struct hash digest;
    char hex[2 * sizeof digest.bytes + 1];
    struct buffer out;
    *sim = (struct sim){ .seed = seed, .rules = rules, .print = options->one && !options->digest };
    name_the_seed(seed);
    sim_run(sim, &digest);
    buffer_init(&out, hex, sizeof hex);
    hex_encode(&out, digest.bytes, sizeof digest.bytes);
    if (options->digest) printf("seed %llu digest " STR_FMT "\n", (unsigned long long)seed, STR_ARG(buffer_str(&out)));
    if (sim->failed) print_failure(sim);
    return !sim->failed;
}

static int run_all(const struct run_options *options, const struct sim_rules *rules) {
    uint64_t totals[SIM_COUNT_COUNT] = { 0 }, groups = (options->seeds + GROUP_SEEDS - 1) / GROUP_SEEDS, failed = 0;
    struct sim *sim = calloc(1, sizeof *sim);
    check(sim);
    printf("1..%llu\n", (unsigned long long)groups);
    for (uint64_t group = 0; group < groups; group++) {
        uint64_t from = options->first + group * GROUP_SEEDS, to = from + GROUP_SEEDS;
        uint64_t bad = 0;
        if (to > options->first + options->seeds) to = options->first + options->seeds;
        for (uint64_t seed = from; seed < to; seed++) {
            bad += !run_seed(sim, rules, seed, options);
            for (int i = 0; i < SIM_COUNT_COUNT; i++) totals[i] += sim->counts[i];
        }
        failed += bad;
        printf("%sok %llu seeds %llu to %llu\n", bad ? "not " : "", (unsigned long long)group + 1,
               (unsigned long long)from, (unsigned long long)to - 1);
        fflush(stdout);
    }
    printf("# seeds %llu to %llu:", (unsigned long long)options->first,
           (unsigned long long)(options->first + options->seeds - 1));
    for (int i = 0; i < SIM_COUNT_COUNT; i++)
        printf("%s %llu %s", i ? "," : "", (unsigned long long)totals[i], sim_count_name((enum sim_count)i));
    printf("\n");
    free(sim);
    return failed ? 1 : 0;
}

static int usage(void) {
    fprintf(stderr, "usage: sim [--seeds N] [--first S] [--digest] | sim --seed S [--digest]\n");
    return SIM_EXIT_USAGE;
}

static bool read_options(int argc, char **argv, struct run_options *options) {
    for (int i = 1; i < argc; i++) {
        struct str name = str_from_c(argv[i]);
        uint64_t value = 0;
        if (str_equal_c(name, "--digest")) {
            options->digest = true;
            continue;
        }
        if (i + 1 == argc || str_to_u64(str_from_c(argv[++i]), &value) || value > INT64_MAX) return false;
        if (str_equal_c(name, "--seeds") && value > 0) options->seeds = value;
        else if (str_equal_c(name, "--first")) options->first = value;
        else if (str_equal_c(name, "--seed")) *options = (struct run_options){ 1, value, true, options->digest };
        else return false;
    }
    return true;
}

int main(int argc, char **argv) {
    struct run_options options = { .seeds = SEEDS_DEFAULT, .first = 1 };
    static struct sim_rules rules;
    if (!read_options(argc, argv, &options)) return usage();
    prepare_to_die();
    read_rules(&rules);
    int code = run_all(&options, &rules);
    rules.saga = saga_def_free(rules.saga);
    rules.aml = aml_list_free(rules.aml);
    return code;
}
