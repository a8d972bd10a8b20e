/* wiring_jobs.c - the background work of the node that leads: a job is a line of the table. */
#include "app/wiring_int.h"

int bank_open_jobs(struct bank *bank) {
    struct jobs_options jobs = { .integration = &bank->integration, .on_fault = bank_on_fault, .ctx = bank };
    return err_trace(jobs_start(&jobs, &bank->jobs));
}
