/* command_group.h - several commands of the program at once, waited for together: they share batches, where one after
 * the other would cost a commit each. Private to integration; a group belongs to one thread. */
#ifndef GIRO_INTEGRATION_COMMAND_COMMAND_GROUP_H
#define GIRO_INTEGRATION_COMMAND_COMMAND_GROUP_H

#include "integration/integration.h"

struct command_group;
struct command_group_entry {
    struct command command;      /* kind and input set by the caller; decided when the wait is over */
    bool taken;                  /* false: the queue was full, or the engine is stopping */
    struct command_group *group; /* the group's own */
};

/* Submits all, in order, and waits until every one that was taken has been answered. Returns how many were not decided:
 * not taken, or any result but COMMAND_DONE. The engine's thread must run. */
int command_group_run(struct integration *integration, struct command_group_entry *entries, size_t count);

#endif
