/* supervisor_int.h - what supervisor.c and supervisor_guest.c share. Private to them. */
#ifndef GIRO_APP_SUPERVISOR_INT_H
#define GIRO_APP_SUPERVISOR_INT_H

#include "app/supervisor.h"

/* Opens the log of that name for appending; a large one is put aside first. *ret_from: where this run begins in it. */
int supervisor_open_log(const struct supervisor *supervisor, const char *name, off_t *ret_from, int *ret_fd);
/* The last line that this run wrote, for a person to read: printable, cut. */
void supervisor_last_line(const struct supervisor *supervisor, const char *name, off_t log_from,
                          char line[SUPERVISOR_LINE_BYTES_MAX]);
int supervisor_write_pid(const struct supervisor *supervisor, const char *name, pid_t pid);
void supervisor_remove_pid(const struct supervisor *supervisor, const char *name);
/* A process of the child, its log open, its readiness in *ret_fd (-1: not by descriptor). */
int supervisor_spawn(const struct supervisor_child *child, int log_fd, pid_t *ret_pid, int *ret_fd);

/* supervisor_guest.c, inside supervisor_step: has it become ready, or failed to; has it ended. stop: at once. */
void supervisor_guest_look(struct supervisor *supervisor);
void supervisor_guest_reap(struct supervisor *supervisor);
void supervisor_guest_stop(struct supervisor *supervisor);

#endif
