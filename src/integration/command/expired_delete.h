/* expired_delete.h - the job that deletes identity rows whose time is over. It walks each table slowly by its key, so
 * that the commands which write these rows need no index by time. */
#ifndef GIRO_INTEGRATION_COMMAND_EXPIRED_DELETE_H
#define GIRO_INTEGRATION_COMMAND_EXPIRED_DELETE_H

#include "integration/integration.h"
#include "services/identity/expired.h"

enum {
    EXPIRED_PERIOD_MS = 200,   /* one page of one table */
    EXPIRED_PAGE_ROWS = 200,   /* looked at, and deleted at most, by one portion */
    EXPIRED_BACKLOG_ROWS = 50, /* a page with so many goes on at once */
    /* How long after its expiry a row is kept. */
    EXPIRED_JTI_KEPT_MS = 5 * 60 * 1000, /* an assertion is refused from its exp on, by clocks that may differ so far */
    EXPIRED_PUSHED_KEPT_MS = 15 * 60 * 1000, /* a session that it opened in time may last so long */
    EXPIRED_SESSION_KEPT_MS = 60 * 1000,
    EXPIRED_CODE_KEPT_MS = 15 * 60 * 1000, /* used again, it must still revoke the token that it became (FAPI A9) */
    EXPIRED_TOKEN_KEPT_MS = 24 * 60 * 60 * 1000,
    EXPIRED_QUOTA_KEPT_MS = 60 * 60 * 1000, /* a day that is over counts as nothing; clocks of nodes differ by less */
    EXPIRED_GRANT_KEPT_MS = 24 * 60 * 60 * 1000, /* and refresh tokens; longer than anything that asks for them */
};

struct expired_place {
    uint8_t key[32]; /* of the last row that was looked at */
    bool inside;     /* false: at the table's begin */
};
struct expired_walk {
    struct expired_place places[EXPIRED_KIND_COUNT];
    int next;                /* the kind whose turn it is */
    uint64_t deleted;        /* since the start */
    int64_t (*now_ms)(void); /* NULL: clock_now_ms; only says what is worth a command */
};
/* struct job.run; ctx: struct expired_walk, zeroed at first. 0: one page of one table was looked at, 1: that page was
 * full of what is over, <0. */
int expired_delete_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena);

#endif
