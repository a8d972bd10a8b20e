/* cmd_payments.h - the subcommands of giro payments that have files of their own; as in subcommand.h. */
#ifndef GIRO_APP_CMD_PAYMENTS_H
#define GIRO_APP_CMD_PAYMENTS_H

int payments_schedule(int argc, char **argv);
int payments_scheduled(int argc, char **argv);
int payments_standing_order(int argc, char **argv);
int payments_standing_orders(int argc, char **argv);
int payments_bulk(int argc, char **argv);
int payments_files(int argc, char **argv);

#endif
