/* cmd_ledger_change.h - the subcommands by which an operator changes the ledger: rows of the tables of giro ledger,
 * giro accounts and giro payments. Each takes its words and gives its exit code. */
#ifndef GIRO_APP_CMD_LEDGER_CHANGE_H
#define GIRO_APP_CMD_LEDGER_CHANGE_H

int cmd_ledger_post(int argc, char **argv);      /* post LEG LEG... */
int cmd_ledger_reverse(int argc, char **argv);   /* reverse TRANSACTION */
int cmd_ledger_hold(int argc, char **argv);      /* hold reserve|capture|release|increase|extend ... */
int cmd_ledger_close_day(int argc, char **argv); /* close-day [DAY] */
int cmd_account_limits(int argc, char **argv);   /* limits ACCOUNT */
int cmd_account_freeze(int argc, char **argv);   /* freeze ACCOUNT; --thaw */
int cmd_account_close(int argc, char **argv);    /* close ACCOUNT */
int cmd_payment_refund(int argc, char **argv);   /* refund PAYMENT AMOUNT CURRENCY */

#endif
