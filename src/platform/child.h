/* child.h - another program as a child of this process: started with its standard output in a pipe, heard, ended.
 *
 * For tests whose peer must be a real process that can be killed. (The sandbox's supervisor has other needs: app/.) A
 * child inherits no descriptor but its standard ones, no blocked signals, and this process's environment. Not
 * thread-safe for one child; different children are independent. */
#ifndef GIRO_PLATFORM_CHILD_H
#define GIRO_PLATFORM_CHILD_H

#include "platform/str.h"

#include <sys/types.h>

enum { CHILD_ARGUMENTS_MAX = 32, CHILD_LINE_BYTES_MAX = 1024 };

struct child {
    pid_t pid;
    int out_fd; /* reads its standard output, and its standard error when asked for */
};

/* Starts the program called name that lies in the folder of this process's own program. arguments: words separated by
 * one blank (words hold none), at most CHILD_ARGUMENTS_MAX of them. 0 or a fault (-ENOENT: no such program, -E2BIG). */
int child_start(const char *name, const char *arguments, bool with_errors, struct child *ret_child);
/* The next line of its output, without the line end, as a C string; waits until deadline_ms (monotonic).
 * 0; -ENODATA: it closed its output; -ETIMEDOUT; -EMSGSIZE: longer than CHILD_LINE_BYTES_MAX. */
int child_read_line(struct child *child, int64_t deadline_ms, char line[CHILD_LINE_BYTES_MAX]);
/* Sends signal (0: none), waits for its end, gives the exit code, or 128 + the signal that ended it. */
int child_wait(struct child *child, int signal);
/* Runs a program to its end; its output and errors go to text, with a NUL, cut at text_bytes. The exit code, or a
 * fault. */
int child_run(const char *name, const char *arguments, char *text, size_t text_bytes);

#endif
