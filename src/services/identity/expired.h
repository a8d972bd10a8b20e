/* expired.h - rows of identity whose time is over: what is used once is remembered as long as it could be used, no
 * longer.
 *
 * (X1) a row goes when `kept_ms` have passed since its expiry by the batch's time, judged in the commit that deletes
 * it. (X2) nothing becomes valid by it: what is absent is refused, and kept_ms covers whatever still asks for the row
 * (integration/command/expired_delete.h has the figures). */
#ifndef GIRO_SERVICES_IDENTITY_EXPIRED_H
#define GIRO_SERVICES_IDENTITY_EXPIRED_H

#include "engine/decision.h"

enum expired_kind {
    EXPIRED_JTI,
    EXPIRED_PUSHED,
    EXPIRED_SESSION,
    EXPIRED_CODE,
    EXPIRED_TOKEN,
    EXPIRED_QUOTA,
    EXPIRED_GRANT,
    EXPIRED_REFRESH,
    EXPIRED_KIND_COUNT
};

const struct table *expired_table(enum expired_kind kind);
int64_t expired_row_ms(enum expired_kind kind, const void *row); /* when the row expires */

struct expired_rows {
    enum expired_kind kind;
    int64_t kept_ms;
    const void *const *rows; /* of the kind's table; their keys count */
    size_t count;
};
/* Deletes those of the rows that are there and whose time is over (X1). 0, VIEW_NEED, <0. */
int expired_delete(struct work *work, const struct expired_rows *rows);

#endif
