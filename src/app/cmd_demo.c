#include "app/subcommand.h"

#include "app/demo.h"

int cmd_demo(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "pay", "one consented payment with every step shown", demo_pay },
        { "orders", "a file of real payment orders through the HTTPS API", demo_orders },
    };
    static const struct subcommand_table table = { .title = "giro demo", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
