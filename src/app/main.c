#include "app/subcommand.h"

#include <signal.h>

#include "app/exit_code.h"

int main(int argc, char **argv) {
    (void)signal(SIGPIPE, SIG_IGN); /* a closed reader shows as a failed write */
    int code = subcommand_run(&subcommands, argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    fprintf(stderr, "giro: the output could not be written\n");
    return code == EXIT_DONE ? EXIT_FAILED : code;
}
