/* command_quota.h - the durable counts of a day, for layer 1: included by command.h. */
#ifndef GIRO_INTEGRATION_COMMAND_QUOTA_H
#define GIRO_INTEGRATION_COMMAND_QUOTA_H

#include "platform/digest.h"

struct integration;
struct command_call;

/* What is counted: two kinds of subject never share a count. */
enum command_quota_kind { COMMAND_QUOTA_CLIENT, COMMAND_QUOTA_UNATTENDED, COMMAND_QUOTA_KIND_COUNT };
/* id: the client's, or the consent's; resource: the path that is read, empty with a client. */
struct hash command_quota_key(enum command_quota_kind kind, const uint8_t id[16], struct str resource);

struct command_quota_input {
    uint8_t subject[16]; /* the asker's own note: comes back with on_done */
    struct hash key;
    int64_t limit;             /* of a day of UTC, at least 1 */
    int64_t want_max;          /* [1, COMMAND_QUOTA_BLOCK_MAX]; 0: gives back */
    int64_t give_back, end_ms; /* with want_max 0: so many of the day that ends then */
};
enum { COMMAND_QUOTA_BLOCK_MAX = 1000 };
struct command_quota_grant {
    bool decided;   /* false: the engine could not be asked, nothing is known */
    int64_t count;  /* reserved: at most want_max, less towards the end of the quota; 0: the day is used up */
    int64_t used;   /* of the day, by all nodes */
    int64_t end_ms; /* when the day ends */
};
/* Nobody waits: on_done runs on the engine's thread once it is durable, and only hands on; NULL when nobody wants to
 * know. 0: on_done will be called once; COMMAND_E_FULL or <0: it will not. */
int command_quota_reserve(struct integration *integration, const struct command_quota_input *input,
                          void (*on_done)(void *ctx, const struct command_quota_input *input,
                                          const struct command_quota_grant *grant),
                          void *ctx);
/* Waits for it. 0 with *ret_grant (decided or not), or <0. */
int command_quota_take(struct integration *integration, struct command_call *call,
                       const struct command_quota_input *input, struct command_quota_grant *ret_grant);

#endif
