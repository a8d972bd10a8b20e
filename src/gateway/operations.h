/* operations.h - the port for those who run the program: plain HTTP on 127.0.0.1, for reading only.
 *
 *   GET /healthz  200 as long as the process answers
 *   GET /readyz   200 when requests can be accepted, else 503 with the reason
 *   GET /metrics  Prometheus text or OpenMetrics, by Accept
 *
 * Anything else is 404, any method but GET and HEAD 405. */
#ifndef GIRO_GATEWAY_OPERATIONS_H
#define GIRO_GATEWAY_OPERATIONS_H

#include "observe/metrics.h"

struct operations;
struct operations_options {
    uint16_t port; /* 0 = any free one, see operations_port */
    struct metrics *metrics;
    /* NULL when requests can be accepted, else the reason in a word ("draining", "store_full"), which lives for ever.
     * On the port's own thread; must not wait. */
    const char *(*why_not_ready)(void *ctx);
    void (*refresh)(void *ctx); /* sets the gauges before they are shown; may be NULL */
    void *ctx;
};
/* 0, or a fault with a sentence in message. */
int operations_start(const struct operations_options *options, struct operations **ret_operations,
                     struct message *message) MUST_USE;
uint16_t operations_port(const struct operations *operations);
struct operations *operations_free(struct operations *operations); /* takes NULL, returns NULL */

#endif
