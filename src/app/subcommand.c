#include "app/subcommand.h"

#include "app/exit_code.h"
#include "app/serve.h"

static const struct subcommand rows[] = {
    { "run", "the sandbox bank: start, stop, status", cmd_run },
    { "serve", "the bank itself: serve --config FILE", serve_main },
    { "check-config", "is a configuration good, and what does it mean", cmd_check_config },
    { "doctor", "looks for what is missing or broken", cmd_doctor },
    { "clients", "the registered clients", cmd_clients },
    { "customers", "the customers", cmd_customers },
    { "sandbox", "sample customers, funds, scenarios, the core's faults", cmd_sandbox },
    { "accounts", "accounts and their entries", cmd_accounts },
    { "payments", "payments and every status they had", cmd_payments },
    { "saga", "check a definition; unfinished sagas and their history", cmd_saga },
    { "ledger", "verify the books, trial balance, statements", cmd_ledger },
    { "audit", "verify the chain, search and export audit records", cmd_audit },
    { "events", "the newest events", cmd_events },
    { "auth", "the keys by which the bank signs: list, rotate", cmd_auth },
    { "breaker", "the circuit breaker before the core: list, open, close", cmd_breaker },
    { "consents", "consents to payments", cmd_consents },
    { "limits", "the tiers of clients and what each may do", cmd_limits },
    { "deploy", "versions: publish, alias live, rollback, list", cmd_deploy },
    { "demo", "one payment, or many, through the running sandbox", cmd_demo },
    { "bench", "how fast the running sandbox is", cmd_bench },
    { "version", "the version of this program", cmd_version },
};
const struct subcommand_table subcommands = { .title = "giro", .rows = rows, .count = ARRAY_COUNT(rows) };

static void print_table(FILE *out, const struct subcommand_table *table) {
    fprintf(out, "usage: %s SUBCOMMAND [OPTIONS]\n", table->title);
    for (size_t i = 0; i < table->count; i++) fprintf(out, "  %-14s %s\n", table->rows[i].name, table->rows[i].help);
    fprintf(out, "%s SUBCOMMAND --help tells its options.\n", table->title);
}

int subcommand_run(const struct subcommand_table *table, int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_table(stdout, table);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(name, table->rows[i].name) == 0) return table->rows[i].run(argc - 1, argv + 1);
    if (*name) fprintf(stderr, "%s: no such subcommand: %s\n", table->title, name);
    print_table(stderr, table);
    return EXIT_USAGE;
}
