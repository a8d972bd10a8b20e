/* saga_check_int.h - the checker's walk over (state, what was done so far). Private to saga_check.c and saga_report.c.
 */
#ifndef GIRO_INTEGRATION_SAGA_SAGA_CHECK_INT_H
#define GIRO_INTEGRATION_SAGA_SAGA_CHECK_INT_H

#include "integration/saga/saga_check.h"
#include "integration/saga/saga_int.h"

enum { NO_STATE = 0xffff };

/* What a path did so far. Two visits of a state with the same history are one. */
struct history {
    uint16_t done[SAGA_EFFECTS_MAX]; /* states whose task was done and is to be undone, oldest first */
    uint16_t done_count;
    uint16_t unknown; /* state whose task may or may not have been done; NO_STATE */
    bool pivot_passed;
};
struct visit {
    uint16_t state;
    struct history history;
    int32_t parent;     /* visit from which it was reached; -1 at the start */
    struct str came_by; /* error on the way from there; empty after success */
    int32_t next_same;  /* next visit of the same state; -1 */
};
struct checker {
    const struct saga_def *def;
    struct saga_report *report;
    struct visit *visits;
    int32_t visit_count;
    int32_t first_of[SAGA_STATES_MAX]; /* chains by state; -1 */
    bool too_many;
};
/* A point of failure: the visit, and the error that its state raised (may be empty). */
struct spot {
    int32_t visit;
    struct str error;
};

void report_state(const struct checker *checker, enum saga_finding_kind kind, uint16_t state, const char *format, ...)
    PRINTF_LIKE(4, 5);
void report_path(const struct checker *checker, enum saga_finding_kind kind, const struct spot *spot,
                 const char *format, ...) PRINTF_LIKE(4, 5);

/* saga_check_graph.c: what can be said of single states and of the graph (C5, C6, warnings). */
void check_graph(const struct checker *checker);
void check_states(const struct checker *checker);
bool may_time_out(const struct saga_node *node);

#endif
