/* latencies.h - many durations, and which of them most stay below. */
#ifndef GIRO_APP_LATENCIES_H
#define GIRO_APP_LATENCIES_H

#include "platform/base.h"

enum { LATENCIES_COUNT_MAX = 16 * 1000 * 1000 };

struct latencies {
    uint32_t *us; /* microseconds, up to 71 minutes; longer ones count as that */
    size_t count, capacity;
    size_t dropped; /* beyond LATENCIES_COUNT_MAX or without memory */
    bool sorted;
};

void latencies_init(struct latencies *latencies);
void latencies_release(struct latencies *latencies);
void latencies_add(struct latencies *latencies, int64_t ns); /* below 0 counts as 0 */
/* The smallest duration that at least permille / 1000 of all do not exceed (nearest rank); permille in [1, 1000].
 * 0 when there are none. Microseconds. */
uint32_t latencies_at(struct latencies *latencies, unsigned permille);

#endif
