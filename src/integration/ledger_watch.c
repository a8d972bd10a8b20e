#include "integration/ledger_watch.h"

#include "observe/metric_table.h"
#include "services/ledger/ledger_trial.h"

int ledger_watch_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct ledger_trial *trial = arena_new(arena, struct ledger_trial);
    (void)ctx; /* every job has it */
    if (!trial) return err_origin(-ENOMEM);
    int r = read_begin(reader);
    if (r) return err_trace(r);
    r = ledger_trial_read(reader, trial);
    read_end(reader);
    for (size_t i = 0; !r && integration->metrics && i < trial->count; i++) {
        char text[4];
        struct metric_labels labels = { .at = { currency_text(trial->rows[i].currency, text) } };
        metrics_set(integration->metrics, METRIC_LEDGER_DIFFERENCE, labels, trial->rows[i].difference_minor);
    }
    return err_trace(r);
}
