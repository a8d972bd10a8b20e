/* demo.h - `giro demo`: real calls to a running sandbox, for people to watch. */
#ifndef GIRO_APP_DEMO_H
#define GIRO_APP_DEMO_H

/* As subcommand.h says; argv[0] is "pay" or "orders". */
int demo_pay(int argc, char **argv);
int demo_orders(int argc, char **argv);

#endif
