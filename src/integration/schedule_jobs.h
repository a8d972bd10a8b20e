/* schedule_jobs.h - the jobs that make payments of what fell due: scheduled payments, standing orders, files.
 *
 * (S1) a portion reads what is due from a snapshot, at most SCHEDULE_PASS_MAX rows, and submits a command for each; the
 * command looks at the row again (command/due.h), so nothing happens twice, whatever dies in between. (S2) after a
 * standstill each missed date of a standing order is made, in order: one date of an order a portion, until none is due.
 * (S3) a file's items go in order; when the core is not reachable the file waits, scheduled payments and standing
 * orders are put off. Tests: command/schedule_test.c, command/payment_file_test.c. */
#ifndef GIRO_INTEGRATION_SCHEDULE_JOBS_H
#define GIRO_INTEGRATION_SCHEDULE_JOBS_H

#include "integration/jobs.h"

enum { SCHEDULE_PASS_MAX = 256, SCHEDULE_JOBS_COUNT = 3 };

struct schedule_jobs {
    int64_t (*now_ms)(void); /* NULL: clock_now_ms */
    /* A sentence for the operator (a calendar that must be extended); on the jobs' thread; may be NULL. */
    void (*on_notice)(void *ctx, const char *text);
    void *ctx;
};

/* "scheduled_payments", "standing_orders", "payment_files"; jobs: borrowed for their life. */
void schedule_jobs_table(struct schedule_jobs *jobs, int64_t period_ms, struct job ret_jobs[SCHEDULE_JOBS_COUNT]);

#endif
