#include "app/subcommand.h"

#include "app/exit_code.h"
#include "app/options.h"

int cmd_version(int argc, char **argv) {
    bool json = false;
    const struct option_row rows[] = { { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "version [--json]",
                               .help = "Prints the version of this program.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (json) printf("{\"version\":\"%s\"}\n", GIRO_VERSION);
    else printf("giro %s\n", GIRO_VERSION);
    return EXIT_DONE;
}
