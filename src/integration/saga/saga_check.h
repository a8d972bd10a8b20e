/* saga_check.h - proves a definition safe, over all paths and all points of failure, or names the path on which it is
 * not.
 *
 * A path carries: which tasks with an undone_by were done and not undone yet (in order), whether a pivot was passed,
 * and whether the outcome of a task is unknown. Every Task branches into success, each error it may raise (its own, and
 * States.Timeout where a clock may end it), and failures of its paths before and after the work. Then:
 * (C1) at every end, all that was done is undone, or a pivot was passed;
 * (C2) compensations run in reverse order, only for what was done, and never after a pivot;
 * (C3) no compensation runs and no saga ends while an outcome is unknown. States.ALL, States.TaskFailed and
 *      States.Timeout caught on an external pivot count as unknown even where there is an enquiry: name the errors that
 *      prove that nothing was booked;
 * (C4) every error a task may raise is caught, or retried for ever;
 * (C5) tasks that take time have TimeoutSeconds; tasks with an effect are undone by something, or are a pivot, or undo;
 * (C6) every state can be reached, and from every state an end.
 * Warnings: an error that a catcher names and no task raises; a Fail after a pivot; a path of the definition that may
 * lead to nothing where nothing is at stake; NumericEquals with a fraction. */
#ifndef GIRO_INTEGRATION_SAGA_SAGA_CHECK_H
#define GIRO_INTEGRATION_SAGA_SAGA_CHECK_H

#include "integration/saga/saga_def.h"

enum {
    SAGA_FINDINGS_MAX = 64,
    SAGA_FINDING_BYTES_MAX = 1024,
    SAGA_EFFECTS_MAX = 16,       /* done and not undone at one time */
    SAGA_CHECK_VISITS_MAX = 8192 /* (state, what was done) pairs; more is a finding */
};

enum saga_finding_kind {
    SAGA_FINDING_NOT_UNDONE,      /* C1 */
    SAGA_FINDING_ORDER,           /* C2 */
    SAGA_FINDING_NOT_DONE,        /* C2: undoes what was not done */
    SAGA_FINDING_AFTER_PIVOT,     /* C2 */
    SAGA_FINDING_REPEATED,        /* C1: done again before it was undone */
    SAGA_FINDING_UNKNOWN,         /* C3 */
    SAGA_FINDING_UNCAUGHT,        /* C4 */
    SAGA_FINDING_NO_TIME_LIMIT,   /* C5 */
    SAGA_FINDING_NO_COMPENSATION, /* C5 */
    SAGA_FINDING_UNREACHABLE,     /* C6 */
    SAGA_FINDING_NO_END,          /* C6 */
    SAGA_FINDING_TOO_COMPLEX,
    SAGA_FINDING_DATA,             /* warning: a path may be missing */
    SAGA_FINDING_NEVER_RAISED,     /* warning */
    SAGA_FINDING_FRACTION,         /* warning, A49 */
    SAGA_FINDING_FAIL_AFTER_PIVOT, /* warning */
    SAGA_FINDING_KIND_COUNT
};
struct saga_finding {
    enum saga_finding_kind kind;
    bool warning;
    uint16_t state; /* where it shows */
    char
        text[SAGA_FINDING_BYTES_MAX]; /* "FraudCheck -> HoldBalance (States.Timeout): nothing catches States.Timeout" */
};
struct saga_report {
    size_t error_count, warning_count; /* findings beyond SAGA_FINDINGS_MAX are counted, not kept */
    size_t count;
    struct saga_finding findings[SAGA_FINDINGS_MAX];
};

/* 0 (warnings perhaps), SAGA_E_UNSAFE (error_count > 0), -ENOMEM. ret_report is written in the first two cases. */
int saga_check(const struct saga_def *def, struct saga_report *ret_report) MUST_USE;

#endif
