/* wiring_jobs.c - the background work of the node that leads: a job is a line of the table. */
#include "app/wiring_int.h"

#include "integration/command/statement_copy.h"

int bank_open_jobs(struct bank *bank) {
    const struct job list[] = {
        { .name = "statement_copy", .period_ms = STATEMENT_COPY_PERIOD_MS, .run = statement_copy_run },
        { .name = "expired_rows", .period_ms = EXPIRED_PERIOD_MS, .run = expired_delete_run, .ctx = &bank->expired },
    };
    struct jobs_options jobs = { .integration = &bank->integration,
                                 .jobs = list,
                                 .count = ARRAY_COUNT(list),
                                 .on_fault = bank_on_fault,
                                 .ctx = bank };
    return err_trace(jobs_start(&jobs, &bank->jobs));
}
