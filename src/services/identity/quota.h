/* quota.h - how much of a day's allowance is used: one durable row a subject (a client's requests, the unattended reads
 * of a consent), shared by all nodes because it stands in their one store.
 *
 * (Q1) used never passes the limit that it was reserved under: what is handed out is counted first, in its own commit,
 * so that neither a crash nor a second node gives more. (Q2) A day is a day of UTC by the batch's time; a row of an
 * earlier day counts as nothing. (Q3) What comes back (a node that ends in order) is taken off the day for which it was
 * reserved alone. Tests: quota_test.c, q1..q3. */
#ifndef GIRO_SERVICES_IDENTITY_QUOTA_H
#define GIRO_SERVICES_IDENTITY_QUOTA_H

#include "engine/decision.h"
#include "platform/digest.h"

enum {
    QUOTA_BLOCK_MAX = 1000, /* the most that one reservation takes */
    QUOTA_SHARE = 16,       /* and the part of what is left: blocks shrink towards the end, so little is stranded */
};

struct quota_row {
    struct hash key;    /* SHA-256 of what the subject is */
    int64_t expires_ms; /* the midnight at which its day ends */
    int64_t used;       /* counted or reserved on that day */
};
extern const struct table quota_table;

int64_t quota_day_end_ms(int64_t now_ms); /* the next midnight of UTC */
/* How much of the day that contains now_ms is used; row may be NULL. */
int64_t quota_used(const struct quota_row *row, int64_t now_ms);

struct quota_ask {
    struct hash key;
    int64_t limit;    /* of the day, [1, INT64_MAX] */
    int64_t want_max; /* [1, QUOTA_BLOCK_MAX]: at most so many; above 1 the block shrinks as the day's end comes near */
};
struct quota_grant {
    int64_t count;  /* reserved now: 0 when the day is used up */
    int64_t used;   /* of the day, by all nodes, with count */
    int64_t end_ms; /* of the day for which count is */
};
int quota_reserve(struct work *work, const struct quota_ask *ask, struct quota_grant *ret_grant); /* 0, VIEW_NEED, <0 */
/* What was not used of reservations for the day that ends at end_ms. 0, VIEW_NEED, <0. */
int quota_return(struct work *work, const struct hash *key, int64_t count, int64_t end_ms);
void quota_want(struct work *work, const struct hash *key); /* for needs */

#endif
