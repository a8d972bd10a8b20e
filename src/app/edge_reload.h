/* edge_reload.h - the edge's server certificate renewed while nginx runs: the supervisor looks at the files and gives
 * nginx its signal to read them (SIGHUP). Its old workers finish what they have begun.
 *
 * A pair that does not fit together, or cannot be read, gives no signal: nginx goes on with the one it has, and the log
 * (standard error of `giro run`) says what to change. */
#ifndef GIRO_APP_EDGE_RELOAD_H
#define GIRO_APP_EDGE_RELOAD_H

#include "platform/digest.h"

#include <sys/types.h>

enum { EDGE_RELOAD_LOOK_MS = 250 };

struct edge_reload {
    const char *certificate, *key; /* paths, borrowed */
    struct hash stamp;             /* of the files that nginx has read, or that were found unfit */
};
/* Notes the files as they are now. 0 or -ENOMEM. */
int edge_reload_init(struct edge_reload *reload, const char *certificate, const char *key) MUST_USE;
/* Looks; nginx: its master's process id, 0 while there is none (it reads the files when it starts). Whether it gave the
 * signal. */
bool edge_reload_look(struct edge_reload *reload, pid_t nginx);

#endif
