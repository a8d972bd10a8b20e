/* ledger_verify_int.h - what the files of a verification share. Private to the ledger. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_VERIFY_INT_H
#define GIRO_SERVICES_LEDGER_LEDGER_VERIFY_INT_H

#include "engine/row_stream.h"
#include "services/ledger/ledger_int.h"
#include "services/ledger/ledger_period.h"
#include "services/ledger/ledger_reversal.h"
#include "services/ledger/ledger_sums.h"

enum { VERIFY_ARENA_BYTES = 64 * 1024, VERIFY_ARENA_BYTES_MAX = 1024 * 1024 };

struct verify {
    struct reader *reader;
    struct arena arena; /* of one look-up */
    struct row_stream transactions, entries, holds, accounts, others;
    struct account_sums sums;
    struct account_sums reversed; /* by original entry: amount booked and taken back */
    struct id_sums captured;      /* by hold */
    struct currency_sums currencies;
    struct ledger_period_row periods[LEDGER_VERIFY_PERIODS_MAX]; /* by day */
    size_t period_count;
    int64_t reversing_entries; /* of transactions that reverse one */
    struct ledger_verify_result result;
};

void ledger_verify_find(struct verify *verify, struct ledger_finding finding);

/* ledger_verify_links.c: holds, reversals, periods. begin before the transactions are walked, end after. 0 or <0. */
int ledger_verify_links_begin(struct verify *verify);
int ledger_verify_links_end(struct verify *verify);
/* One entry of a transaction against the hold that it came out of. 0 or <0. */
int ledger_verify_entry_links(struct verify *verify, const struct ledger_transaction_row *transaction,
                              const struct ledger_entry_row *entry);
/* One transaction against the closed days. */
void ledger_verify_day(struct verify *verify, const struct ledger_transaction_row *transaction);

#endif
