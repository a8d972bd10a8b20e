/* subcommand.h - what giro can be asked to do: tables of words, each with its function.
 *
 * To add a subcommand: cmd_NAME.c with int cmd_name(int argc, char **argv), its line in this header, its row in
 * subcommand.c. argv[0] is the subcommand's own name; the result is an exit code of exit_code.h. Data goes to stdout,
 * messages to stderr. */
#ifndef GIRO_APP_SUBCOMMAND_H
#define GIRO_APP_SUBCOMMAND_H

#include "platform/base.h"

struct subcommand {
    const char *name, *help;
    int (*run)(int argc, char **argv);
};
struct subcommand_table {
    const char *title; /* "giro" or "giro sandbox" */
    const struct subcommand *rows;
    size_t count;
};
extern const struct subcommand_table subcommands;

/* Runs the row that argv[1] names with argv moved on by one; "help", "--help" and "-h" print the table. The row's exit
 * code; EXIT_USAGE when there is no such row. */
int subcommand_run(const struct subcommand_table *table, int argc, char **argv);

int cmd_accounts(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_auth(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_breaker(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_clients(int argc, char **argv);
int cmd_consents(int argc, char **argv);
int cmd_customers(int argc, char **argv);
int cmd_deploy(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_ledger(int argc, char **argv);
int cmd_limits(int argc, char **argv);
int cmd_payments(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_saga(int argc, char **argv);
int cmd_sandbox(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
