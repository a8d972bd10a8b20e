/* process_cpu.h - the CPU time of the sandbox's processes, from /proc (proc(5)). */
#ifndef GIRO_APP_PROCESS_CPU_H
#define GIRO_APP_PROCESS_CPU_H

#include "platform/str.h"

enum { PROCESS_STAT_BYTES_MAX = 4096, PROCESS_PID_MAX = 1 << 22 };

struct process_stat {
    int64_t parent;
    uint64_t ticks; /* user and system, of the process and of its children that ended and were waited for */
};
/* One line of /proc/PID/stat; the name in it may hold blanks and parentheses. 0 or -EINVAL (no err path). */
int process_stat_parse(struct str text, struct process_stat *ret_stat);

/* The process id in a file. 0; -ENOENT ... when it cannot be read, -EINVAL when it holds none. */
int process_pid_read(const char *path, int64_t *ret_pid) MUST_USE;
/* The CPU time of pid, with its living children when with_children. 0; -ENOENT when there is no such process. */
int process_cpu_us(int64_t pid, bool with_children, int64_t *ret_us) MUST_USE;

#endif
