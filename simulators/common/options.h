/* options.h - the command line of a simulator, and how it starts and ends. */
#ifndef GIRO_SIMULATORS_COMMON_OPTIONS_H
#define GIRO_SIMULATORS_COMMON_OPTIONS_H

#include "platform/str.h"

/* As contract.md has them for every program. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_CONFLICT = 5,
    EXIT_DENIED = 6,
    EXIT_UNAVAILABLE = 7
};

/* One option: either text (takes a value) or flag (takes none). */
struct option_row {
    const char *name; /* with its dashes */
    const char **text;
    bool *flag;
};
/* Reads "--name value", "--name=value" and flags into the rows' targets. False: says on stderr what is wrong. */
bool options_read(const char *program, const struct option_row *rows, size_t row_count, int argc, char **argv);
/* A port from 0 to 65535; false: says on stderr what is wrong. */
bool options_port(const char *program, const char *text, uint16_t *ret_port);
/* Writes the port and a line end to port_file (NULL: nothing happens), which is replaced whole. */
int options_write_port(const char *port_file, uint16_t port, struct message *message);
/* The exit code of a fault at start. */
enum exit_code options_exit(int fault);

#endif
