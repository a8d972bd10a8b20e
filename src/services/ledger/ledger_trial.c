#include "services/ledger/ledger_trial.h"

#include "engine/row_stream.h"
#include "services/ledger/ledger_sums.h"

static_assert((int)LEDGER_TRIAL_CURRENCIES_MAX == (int)LEDGER_VERIFY_CURRENCIES_MAX, "one table of currencies");

struct trial {
    struct row_stream accounts;
    struct currency_sums sums;
    int64_t counts[LEDGER_TRIAL_CURRENCIES_MAX];
};

static int account_add(struct trial *trial, const struct ledger_account_row *account) {
    struct wide *posted = currency_sums_posted(&trial->sums, account->currency);
    size_t at = 0;
    if (!posted) return err_origin(-E2BIG);
    while (trial->sums.rows[at].currency != account->currency) at++;
    wide_add(posted, account->posted_minor);
    trial->counts[at]++;
    return 0;
}

int ledger_trial_read(struct reader *reader, struct ledger_trial *ret_trial) {
    struct trial *trial = calloc(1, sizeof *trial);
    const void *row;
    if (!trial) return err_origin(-ENOMEM);
    int r = row_stream_open(&trial->accounts, reader, &ledger_account_table);
    while (!r && (r = row_stream_next(&trial->accounts, &row)) == 0 && row) r = account_add(trial, row);
    row_stream_release(&trial->accounts);
    for (size_t i = 0; !r && i < trial->sums.count; i++) {
        ret_trial->rows[i].currency.code = (uint32_t)trial->sums.rows[i].currency;
        ret_trial->rows[i].accounts = trial->counts[i];
        ret_trial->rows[i].difference_minor = wide_distance(&trial->sums.rows[i].posted);
    }
    if (!r) ret_trial->count = trial->sums.count;
    free(trial);
    return err_trace(r);
}
