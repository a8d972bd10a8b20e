#include "integration/command/command_group.h"

#include <pthread.h>

struct command_group {
    pthread_mutex_t lock;
    pthread_cond_t done;
    size_t waiting;
};

static void group_on_reply(struct command *command) {
    const struct command_group_entry *entry = command->owner;
    struct command_group *group = entry->group;
    pthread_mutex_lock(&group->lock);
    if (--group->waiting == 0) pthread_cond_signal(&group->done);
    pthread_mutex_unlock(&group->lock);
}

static void submit(struct integration *integration, struct command_group *group, struct command_group_entry *entry) {
    entry->group = group;
    entry->command.internal = true;
    entry->command.on_reply = group_on_reply;
    entry->command.owner = entry;
    pthread_mutex_lock(&group->lock);
    group->waiting++;
    pthread_mutex_unlock(&group->lock);
    entry->taken = integration_submit(integration, &entry->command) == 0;
    if (entry->taken) return;
    pthread_mutex_lock(&group->lock);
    group->waiting--;
    pthread_mutex_unlock(&group->lock);
}

int command_group_run(struct integration *integration, struct command_group_entry *entries, size_t count) {
    struct command_group group = { .waiting = 0 };
    int undecided = 0;
    check(pthread_mutex_init(&group.lock, NULL) == 0 && pthread_cond_init(&group.done, NULL) == 0);
    for (size_t i = 0; i < count; i++) submit(integration, &group, &entries[i]);
    pthread_mutex_lock(&group.lock);
    while (group.waiting) pthread_cond_wait(&group.done, &group.lock);
    pthread_mutex_unlock(&group.lock);
    for (size_t i = 0; i < count; i++) undecided += !entries[i].taken || entries[i].command.result != COMMAND_DONE;
    pthread_cond_destroy(&group.done);
    pthread_mutex_destroy(&group.lock);
    return undecided;
}
