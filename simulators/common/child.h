/* child.h - for tests: a simulator as a process of its own, found beside the test program. */
#ifndef GIRO_SIMULATORS_COMMON_CHILD_H
#define GIRO_SIMULATORS_COMMON_CHILD_H

#include "platform/base.h"

#include <sys/types.h>

struct child {
    FILE *out;
    pid_t pid;
    uint16_t port;
};

/* Starts program with arguments (shell words) and waits for its line "... listening on HOST port N pid P". False: it ended. */
bool child_start(struct child *child, const char *program, const char *arguments);
int child_stop(struct child *child, int signal); /* sends the signal and waits; the exit code, or 128 + signal */
/* Runs program to its end; stdout and stderr together go to text (cut at its size). The exit code. */
int child_run(const char *program, const char *arguments, char *text, size_t text_bytes);

#endif
