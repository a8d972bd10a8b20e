/* ledger_trial.h - the sum of all balances, currency by currency: nothing, or something is wrong (L1, V4). Cheap enough
 * to be asked all the time: it reads accounts, not entries. Tests: integration/command/ledger_commands_test.c. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_TRIAL_H
#define GIRO_SERVICES_LEDGER_LEDGER_TRIAL_H

#include "engine/read.h"
#include "services/ledger/ledger.h"

enum { LEDGER_TRIAL_CURRENCIES_MAX = 256 };
struct ledger_trial {
    struct {
        struct currency currency;
        int64_t accounts, difference_minor; /* |sum of posted_minor|, INT64_MAX when it is larger */
    } rows[LEDGER_TRIAL_CURRENCIES_MAX];
    size_t count;
};
/* Between read_begin and read_end. 0, -E2BIG, -ENOMEM, or the store could not be read. */
int ledger_trial_read(struct reader *reader, struct ledger_trial *ret_trial);

#endif
