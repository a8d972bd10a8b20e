/* wiring_jobs.c - the background work of the node that leads: a job is a line of the table. */
#include "app/wiring_int.h"

#include "integration/command/statement_copy.h"
#include "integration/ledger_watch.h"

static void on_schedule_notice(void *ctx, const char *text) {
    struct bank *bank = ctx;
    log_event(&bank->log, LOG_LEVEL_WARN, "schedule", log_str("notice", text));
}

int bank_open_jobs(struct bank *bank) {
    struct job list[5 + SCHEDULE_JOBS_COUNT] = {
        { .name = "statement_copy", .period_ms = STATEMENT_COPY_PERIOD_MS, .run = statement_copy_run },
        { .name = "expired_rows", .period_ms = EXPIRED_PERIOD_MS, .run = expired_delete_run, .ctx = &bank->expired },
        { .name = "ledger_watch", .period_ms = LEDGER_WATCH_PERIOD_MS, .run = ledger_watch_run },
        { .name = "idempotency_sweep",
          .period_ms = IDEMPOTENCY_SWEEP_PERIOD_MS,
          .run = idempotency_sweep_run,
          .ctx = &bank->key_sweeper },
        { .name = "audit_checkpoint",
          .period_ms = CHECKPOINT_LOOK_MS,
          .run = checkpoint_job_run,
          .ctx = &bank->checkpoints },
    };
    bank->checkpoints.key = bank->audit_key;
    bank->schedule_jobs = (struct schedule_jobs){ .on_notice = on_schedule_notice, .ctx = bank };
    schedule_jobs_table(&bank->schedule_jobs, bank->config->options.scheduling_period_ms, list + 5);
    struct jobs_options jobs = { .integration = &bank->integration,
                                 .jobs = list,
                                 .count = ARRAY_COUNT(list),
                                 .on_fault = bank_on_fault,
                                 .ctx = bank };
    return err_trace(jobs_start(&jobs, &bank->jobs));
}
